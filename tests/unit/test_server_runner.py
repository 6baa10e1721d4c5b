"""The dev server on a real socket: starting, answering through HttpBackend, stopping cleanly."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import httpx
import pytest

from convex_mastra import limits
from convex_mastra.backends.http import HttpBackend
from convex_mastra.config import Options, Remote, Secret
from convex_mastra.errors import (
    AuthenticationError,
    FunctionError,
    FunctionNotFoundError,
    UnavailableError,
)
from convex_mastra.server import serve
from convex_mastra.server.runner import DevServer, bind, is_loopback_socket, url_of
from convex_mastra.wire import FunctionCall
from tests.scripted_backend import ScriptedBackend

KEY = "name|0123"


def call(path: str, args: dict[str, Any] | None = None) -> FunctionCall:
    return FunctionCall(kind="mutation", path=path, args=args or {}, label=path, repeatable=True)


def port_of(url: str) -> int:
    port = httpx.URL(url).port
    assert port is not None
    return port


def test_the_http_backend_gets_values_and_failures() -> None:
    def fail(error: Exception) -> Any:
        raise error

    backend = ScriptedBackend(
        {
            "a:echo": ("mutation", lambda args: args),
            "a:throw": ("mutation", lambda _: fail(FunctionError("no\nsuch row"))),
            "a:busy": ("mutation", lambda _: fail(UnavailableError("locked", applied=False))),
        }
    )
    with serve(backend, KEY) as url:
        remote = HttpBackend(Remote(url, Secret(KEY)), Options())
        assert remote.send(call("a:echo", {"x": [1.5, "é"]})) == {"x": [1.5, "é"]}
        with pytest.raises(FunctionError) as thrown:
            remote.send(call("a:throw"))
        assert thrown.value.message == "no\nsuch row"
        assert thrown.value.request_id is not None
        with pytest.raises(FunctionNotFoundError):
            remote.send(call("a:missing"))
        with pytest.raises(UnavailableError) as busy:
            remote.send(call("a:busy"))
        assert (busy.value.status, busy.value.applied) == (503, False)
        remote.close()
        stranger = HttpBackend(Remote(url, Secret("name|9999")), Options())
        with pytest.raises(AuthenticationError, match="admin key was invalid"):
            stranger.send(call("a:echo"))
        stranger.close()
    assert not backend.closed


def test_afterwards_socket_and_thread_are_gone() -> None:
    threads = threading.active_count()
    with serve(ScriptedBackend({}), KEY) as url:
        assert httpx.get(f"{url}/version").is_success
        with httpx.Client() as idle:  # its connection stays open while the server stops
            assert idle.get(f"{url}/version").is_success
    assert threading.active_count() == threads
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/version")
    with serve(ScriptedBackend({}), KEY, port=port_of(url)) as again:
        assert again == url


def test_a_running_request_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopping = threading.Event(), threading.Event()
    shutdown = DevServer.shutdown

    async def noted_shutdown(self: DevServer, sockets: Any = None) -> None:
        stopping.set()
        await shutdown(self, sockets)

    class Slow(ScriptedBackend):
        async def asend(self, request: FunctionCall, /) -> Any:
            begun.set()
            return await asyncio.to_thread(stopping.wait, 10)

    def ask(url: str) -> Any:
        return httpx.post(f"{url}/api/mutation", json={"path": "a:slow", "args": {}}).json()

    monkeypatch.setattr(DevServer, "shutdown", noted_shutdown)
    with ThreadPoolExecutor(1) as pool:
        with serve(Slow({}), KEY) as url:
            asking = pool.submit(ask, url)
            assert begun.wait(10)
        assert asking.result() == {"status": "success", "value": True}


def test_a_failure_inside_the_block_stops_the_server_too() -> None:
    with pytest.raises(ZeroDivisionError), serve(ScriptedBackend({}), KEY) as url:
        raise ZeroDivisionError
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_port_in_use_is_an_error() -> None:
    with (
        serve(ScriptedBackend({}), KEY) as url,
        pytest.raises(OSError, match="in use"),
        serve(ScriptedBackend({}), KEY, port=port_of(url)),
    ):
        pass


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_on_a_socket(declared: bool) -> None:
    chunk = b"x" * 1_000_000
    chunks = limits.REQUEST_BODY_BYTES // len(chunk) + 10
    content = chunk * chunks if declared else (chunk for _ in range(chunks))
    headers = {"Content-Type": "application/json"}
    backend = ScriptedBackend({"a:b": ("mutation", lambda args: args)})
    with serve(backend, KEY) as url, httpx.Client(base_url=url) as client:
        response = client.post("/api/mutation", content=content, headers=headers)
        assert (response.status_code, response.json()["code"]) == (400, "BadJsonBody")
        # The connection is still of use.
        response = client.post("/api/mutation", json={"path": "a:b", "args": {"x": 1}})
        assert response.json()["value"] == {"x": 1}


def test_a_request_for_another_host_is_refused() -> None:
    with serve(ScriptedBackend({}), KEY) as url:
        response = httpx.get(f"{url}/version", headers={"Host": "evil.example"})
        assert response.status_code == 421


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_which_sockets_other_machines_reach(host: str, loopback: bool) -> None:
    with bind(host, 0) as listener:
        assert is_loopback_socket(listener) is loopback
        url = url_of(listener)
        assert url.endswith(f":{listener.getsockname()[1]}")
        assert "0.0.0.0" not in url


def test_ipv6_addresses() -> None:
    class Listener:  # not every machine that runs the tests has IPv6
        def __init__(self, host: str) -> None:
            self.host = host

        def getsockname(self) -> tuple[str, int, int, int]:
            return self.host, 3210, 0, 0

    assert url_of(cast("socket.socket", Listener("::1"))) == "http://[::1]:3210"
    assert is_loopback_socket(cast("socket.socket", Listener("::1")))
    assert not is_loopback_socket(cast("socket.socket", Listener("fe80::1%eth0")))
    assert "::" not in url_of(cast("socket.socket", Listener("::")))
