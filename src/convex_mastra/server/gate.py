"""What every request passes first: the name it was sent to, and the client that sent it.

Plain ASGI around the whole application, so that it holds for unknown routes too. Leaves what it
learned of the client in the scope for ``app``.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from convex_mastra.config import is_loopback
from convex_mastra.server.answers import refusal
from convex_mastra.server.client_version import Client, read_client
from convex_mastra.server.refusals import PlatformError

CLIENT: Final = "convex_mastra.client"


class Gate:
    """ASGI middleware: checks the Host and Convex-Client headers.

    Args:
        app: what the request is passed on to.
        loopback_only: refuse requests that name another host than this machine.
    """

    def __init__(self, app: ASGIApp, *, loopback_only: bool) -> None:
        self._app = app
        self._loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            if self._loopback_only:
                _check_host(headers.get(b"host"))
            client = read_client(_text(headers.get(b"convex-client")))
        except PlatformError as error:
            await refusal(error)(scope, receive, send)
            return
        scope[CLIENT] = client
        await self._app(scope, receive, _with_headers(send, client) if client.headers else send)


def _check_host(header: bytes | None) -> None:
    # DIFFERS: Convex answers to any name. Here a web page could give its own name the address
    # 127.0.0.1 and so read this database through the browser of whoever runs the server.
    try:
        hostname = urlsplit(f"//{_text(header)}").hostname if header else None
    except ValueError:  # e.g. half a pair of brackets
        hostname = "unreadable"
    if hostname and not is_loopback(hostname):
        raise PlatformError(
            421,
            "MisdirectedRequest",
            "This server answers to localhost only. Start it with --allow-remote to reach it by "
            "another name.",
        )


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def _with_headers(send: Send, client: Client) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            added: Any = [*message.get("headers", ()), *client.headers]
            message = {**message, "headers": added}
        await send(message)

    return sending
