"""A Convex deployment over its HTTP API: the only importer of httpx.

Sends one request, sync or async, and turns every way in which that can end into a value or
one of ``convex_mastra.errors``. One connection pool for the sync face and one for each running
event loop; pools belong to the process that opened them. Decides no retries: it only says, in
``TransportError.applied``, whether a failed request may have been applied.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Final, get_args
from weakref import WeakKeyDictionary

import httpx

from convex_mastra.backends.answers import value_of_response
from convex_mastra.backends.base import notify
from convex_mastra.config import Event, Options, Remote, is_loopback
from convex_mastra.errors import (
    ClosedError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ConvexMastraError,
    ProtocolError,
)
from convex_mastra.timestamps import Clock
from convex_mastra.wire import Get, Kind, Request, encode

CLIENT_HEADER: Final = f"convex-mastra-{version('convex-mastra')}"
"""``<name>-<semver>``; names beginning python-, npm- or rust- have version thresholds."""
_AsyncHolder = AsyncGenerator[httpx.AsyncClient, None]
_Holders = WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[_AsyncHolder, httpx.AsyncClient]]


class HttpBackend:
    """A deployment reached over HTTP(S)."""

    def __init__(self, place: Remote, options: Options) -> None:
        self.options = options
        self.abilities: dict[str, bool] = {}
        self.clock = Clock()
        self._place = place
        # Parsed once: httpx spends as long on a URL as the rest of this client on a call.
        try:
            self._urls = {kind: httpx.URL(f"{place.url}/api/{kind}") for kind in get_args(Kind)}
            # A proxy named by the environment is not this machine: it would see the admin key.
            self._may_use_proxy = not is_loopback(self._urls["mutation"].host)
        except (httpx.InvalidURL, UnicodeError):
            raise ConfigurationError(
                "deployment_url is no URL: no host can have its name."
            ) from None
        self._closed = False
        self._tls: ssl.SSLContext | None = None
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._running = 0
        self._threads: ThreadPoolExecutor | None = None
        self._async_holders = _Holders()

    def __repr__(self) -> str:
        return f"HttpBackend({self._place.url!r})"

    def __getstate__(self) -> None:
        raise TypeError("a backend holds connections and an admin key, and is never pickled")

    @property
    def max_in_flight(self) -> int:
        """How many requests go side by side."""
        return self.options.max_in_flight

    def send(self, request: Request, /) -> Any:
        """Post the call and return the function's value; of a ``Get``, the text."""
        body = _encode(request)
        with self._sync_client() as client:
            started = time.perf_counter()
            try:
                response = client.request(*self._line(request), content=body)
            except httpx.HTTPError as error:
                failure = _failure_of(error, request, self._place.url)
                raise self._noted(failure, request, started, len(body)) from None
        return self._finish(response, request, started, len(body))

    async def asend(self, request: Request, /) -> Any:
        """Answer *request* as ``send`` does, without blocking the running loop."""
        body = _encode(request)
        client = await self._async_client()
        started = time.perf_counter()
        try:
            response = await client.request(*self._line(request), content=body)
        except httpx.HTTPError as error:
            raise self._noted(
                _failure_of(error, request, self._place.url), request, started, len(body)
            ) from None
        except RuntimeError:  # what httpx says of a client that was closed in the meantime
            self._check_open()
            raise
        return self._finish(response, request, started, len(body))

    def executor(self) -> Executor:
        """Threads for requests that go side by side under the sync face."""
        with self._lock_if_open():
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.max_in_flight, "convex-mastra")
            return self._threads

    def close(self) -> None:
        """Close the sync pool, once its running requests have ended.

        An async pool closes with its event loop, or in ``aclose``.
        """
        self._closed = True
        if self._pid == os.getpid():
            with self._lock:
                if self._running == 0:
                    self._close_client()
            if self._threads is not None:
                # Flows that wait there are let in, to meet ``ClosedError``: one that the pool
                # drops never ends for the thread that waits for it.
                self._threads.shutdown(wait=False)

    async def aclose(self) -> None:
        """Close the sync pool and the pool of the running loop."""
        self.close()
        holder = self._async_holders.pop(asyncio.get_running_loop(), None)
        if holder is not None and self._pid == os.getpid():
            await holder[0].aclose()

    def _line(self, request: Request) -> tuple[str, httpx.URL]:
        if isinstance(request, Get):
            return "GET", httpx.URL(self._place.url + request.path)
        return "POST", self._urls[request.kind]

    def _finish(self, response: httpx.Response, request: Request, started: float, sent: int) -> Any:
        try:
            value = value_of_response(response.status_code, response.content, request)
        except ConvexMastraError as error:
            raise self._noted(error, request, started, sent, len(response.content)) from None
        self._note(None, request, started, sent, len(response.content))
        if isinstance(request, Get) or (isinstance(value, dict) and value.get("ok") is False):
            value = self._place.admin_key.hidden_in(value)  # no stored value, but what is printed
        return value

    def _noted(
        self,
        error: ConvexMastraError,
        request: Request,
        started: float,
        sent: int,
        received: int = 0,
    ) -> ConvexMastraError:
        # Whatever answers was sent the key, and may quote it.
        hidden = self._place.admin_key.hidden_in
        error.args = tuple(map(hidden, error.args))
        vars(error).update(hidden(vars(error)))
        self._note(error, request, started, sent, received)
        return error

    def _note(
        self,
        error: ConvexMastraError | None,
        request: Request,
        started: float,
        sent: int,
        received: int,
    ) -> None:
        if self.options.on_event is not None:
            elapsed_s = time.perf_counter() - started
            notify(
                self.options.on_event,
                Event(request.label, request.attempt, elapsed_s, sent, received, error),
            )

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._client = None
        self._running = 0
        self._threads = None
        self._async_holders = _Holders()
        self._pid = os.getpid()  # last: from here on other threads use what is above

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"The connection to {self._place.url} is closed.")
        if self._pid != os.getpid():  # after a fork the sockets belong to the parent
            self._forget()

    @contextmanager
    def _sync_client(self) -> Iterator[httpx.Client]:
        with self._lock_if_open():
            if self._client is None:
                self._client = httpx.Client(**self._settings(self._tls_context()))
            client = self._client
            self._running += 1
        try:
            yield client
        finally:
            with self._lock:
                self._running -= 1
                if self._closed and self._running == 0:
                    self._close_client()

    def _close_client(self) -> None:
        # Not while a request runs: httpx would forget its connection without closing it.
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _lock_if_open(self) -> Iterator[None]:
        self._check_open()
        with self._lock:
            self._check_open()  # closed while this thread waited
            yield

    async def _async_client(self) -> httpx.AsyncClient:
        self._check_open()
        loop = asyncio.get_running_loop()
        held = self._async_holders.get(loop)
        if held is None and self._tls is None and self._place.url.startswith("https:"):
            await asyncio.to_thread(self._tls_context)  # reading the certificates is slow
            held = self._async_holders.get(loop)
        if held is None:
            self._forget_ended_loops()
            holder = self._hold_async_client()
            held = holder, await anext(holder)
            self._async_holders[loop] = held
        return held[1]

    def _forget_ended_loops(self) -> None:
        # One that was closed without ``shutdown_asyncgens``, as LlamaIndex closes those of its
        # blocking wrappers, leaves its client here; its sockets close when it is collected.
        for reference in self._async_holders.keyrefs():  # a list: other threads add theirs
            loop = reference()
            if loop is not None and loop.is_closed():
                self._async_holders.pop(loop, None)

    async def _hold_async_client(self) -> _AsyncHolder:
        # An asynchronous generator is what an event loop closes by itself before it ends
        # (``shutdown_asyncgens``); a client that lives in one never outlives its loop.
        client = httpx.AsyncClient(**self._settings(self._tls_context()))
        try:
            yield client
        finally:
            # The generator knows its loop, so the entry would keep the ended loop for ever.
            self._async_holders.pop(asyncio.get_running_loop(), None)
            await client.aclose()

    def _tls_context(self) -> ssl.SSLContext | bool:
        if not self._place.url.startswith("https:"):
            return False
        if self._tls is None:
            self._tls = httpx.create_ssl_context()  # heeds SSL_CERT_FILE and SSL_CERT_DIR
        return self._tls

    def _settings(self, verify: ssl.SSLContext | bool) -> dict[str, Any]:
        options = self.options
        return {
            "verify": verify,
            "trust_env": self._may_use_proxy,
            "timeout": httpx.Timeout(
                options.timeout_s, connect=options.connect_timeout_s, pool=None
            ),
            "limits": httpx.Limits(
                max_connections=options.max_in_flight,
                max_keepalive_connections=options.max_in_flight,
            ),
            "headers": {
                "Content-Type": "application/json",
                "Authorization": f"Convex {self._place.admin_key.reveal()}",
                "Convex-Client": CLIENT_HEADER,
            },
        }


def _encode(request: Request) -> bytes:
    if isinstance(request, Get):
        return b""
    return encode({"path": request.path, "args": request.args, "format": "json"})


def _failure_of(error: httpx.HTTPError, request: Request, url: str) -> ConvexMastraError:
    kind = type(error).__name__
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
            return ConnectError(
                f"No connection to {url}: {str(error) or kind}.",
                code=kind,
                applied=False,
                operation=request.label,
            )
        case httpx.TransportError() if not isinstance(error, httpx.UnsupportedProtocol):
            return ConnectionLostError(
                f"The request was sent, but no answer came back: {str(error) or kind}.",
                code=kind,
                operation=request.label,
            )
    return ProtocolError(f"The answer cannot be read: {kind}.", operation=request.label)
