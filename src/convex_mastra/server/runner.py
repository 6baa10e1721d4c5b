"""The application on a socket: binding it, running uvicorn, stopping cleanly.

``serve`` runs it in a thread, for tests and notebooks; the command line runs ``DevServer`` in the
main thread. No request line is ever logged: a query string can hold the admin key.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from convex_mastra.backends.base import Backend
from convex_mastra.server.app import create_app

STOP_TIMEOUT_S: Final = 5
"""Requests still running this long after the stop are cancelled."""
KEEP_ALIVE_S: Final = 75
"""Longer than clients keep an idle connection, so that the server never closes one in use."""


@contextmanager
def serve(
    backend: Backend, admin_key: str, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[str]:
    """Serve *backend* in a thread and yield the server's URL, e.g. ``http://127.0.0.1:40123``.

    On leaving, running requests are finished, and the socket and the thread are gone. The backend
    stays open: it is the caller's.

    Args:
        backend: what runs the functions.
        admin_key: see ``create_app``.
        host: an address of this machine; loopback, unless requests from outside are wanted.
        port: 0 lets the system choose.

    Raises:
        OSError: the address cannot be used.
    """
    listener = bind(host, port)
    listening = threading.Event()
    app = create_app(backend, admin_key, loopback_only=is_loopback_socket(listener))
    server = DevServer(app, on_listening=listening.set)
    with listener, ThreadPoolExecutor(1, "convex-mastra-dev") as thread:
        running = thread.submit(server.run, [listener])
        running.add_done_callback(lambda _: listening.set())
        listening.wait()
        try:
            if running.done():
                running.result()
            yield url_of(listener)
        finally:
            server.should_exit = True
            running.result()


class DevServer(uvicorn.Server):
    """uvicorn, quiet, with a call when it listens and one when it has stopped."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_listening: Callable[[], object],
        on_stopped: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_TIMEOUT_S,
            )
        )
        self._on_listening = on_listening
        self._on_stopped = on_stopped

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, then say so: here and not after ``run``, which a SIGTERM never returns from."""
        await super().shutdown(sockets)
        if self._on_stopped is not None:
            await self._on_stopped()


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to *host* and *port*.

    Raises:
        OSError: the port is in use or not allowed, or the host is not of this machine.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if socket.has_ipv6 and family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def is_loopback_socket(listener: socket.socket) -> bool:
    """Say whether only this machine can reach the socket."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """Return the URL under which clients on this machine, or elsewhere, reach the socket."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
