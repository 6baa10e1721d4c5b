"""``convex-mastra dev``: from the settings to a listening server, and back to a closed database.

Called by ``app``. Everything that can be wrong is found before the server listens; the welcome is
printed when it really does.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket
from dataclasses import dataclass, field
from typing import Final

import typer

from convex_mastra.backends.base import Backend
from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.cli.welcome import farewell, welcome
from convex_mastra.config import MEMORY, Options
from convex_mastra.errors import ConvexMastraError
from convex_mastra.server.app import create_app
from convex_mastra.server.identity import INSTANCE_NAME
from convex_mastra.server.runner import DevServer, bind, is_loopback_socket, url_of
from convex_mastra.wire import STORAGE_FUNCTION, THREADS, storage_call

KEY_BYTES: Final = 32


class UsageError(Exception):
    """An option has a value that cannot be used.

    Attributes:
        option: which, e.g. ``--host``.
    """

    def __init__(self, message: str, option: str) -> None:
        super().__init__(message)
        self.option = option


class StartError(Exception):
    """The options are right, but the server cannot start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line says.

    Attributes:
        database: path of the SQLite file, or ``:memory:``.
        host, port: where to listen; port 0 lets the system choose.
        admin_key: the key, or None to make one.
        allow_remote: an address that other machines reach is meant.
    """

    database: str
    host: str
    port: int
    admin_key: str | None = field(repr=False)
    allow_remote: bool


def run(settings: Settings) -> None:
    """Serve until a signal comes, then close the database.

    Raises:
        UsageError: the host or the key cannot be used.
        StartError: the port is taken, or the database cannot be opened.
    """
    given_key = None if settings.admin_key is None else _checked_key(settings.admin_key)
    key = given_key or f"{INSTANCE_NAME}|{secrets.token_hex(KEY_BYTES)}"
    with _listener(settings) as listener:
        backend = _open(settings.database)
        try:
            _serve(backend, key, listener, settings, key_is_new=given_key is None)
        finally:
            backend.close()


def _serve(
    backend: Backend, key: str, listener: socket.socket, settings: Settings, *, key_is_new: bool
) -> None:
    loopback_only = is_loopback_socket(listener)
    text = welcome(
        url=url_of(listener),
        database=settings.database,
        new_key=key if key_is_new else None,
        loopback_only=loopback_only,
    )
    server = DevServer(
        create_app(backend, key, loopback_only=loopback_only),
        on_listening=lambda: _say(text),
        on_stopped=backend.aclose,
    )
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once it has stopped
        server.run([listener])
    _say(farewell(settings.database))


def _checked_key(text: str) -> str:
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError("must be one line of printable ASCII characters.", "--admin-key")
    return key


def _listener(settings: Settings) -> socket.socket:
    where = f"port {settings.port} on {settings.host}"
    try:
        listener = bind(settings.host, settings.port)
    except socket.gaierror:
        raise UsageError(
            f"{settings.host!r} is not an address or a known name.", "--host"
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"{where} is already in use, perhaps by another dev server. Stop that one, choose "
                "a port with --port, or let the system choose one with --port 0."
            ) from None
        raise StartError(f"cannot listen on {where}: {error.strerror}.") from None
    if not settings.allow_remote and not is_loopback_socket(listener):
        listener.close()
        raise UsageError(
            f"{settings.host} can be reached from other machines, and everything stored could be "
            "read with the key alone, which would cross the network unencrypted. Add "
            "--allow-remote if that is meant.",
            "--host",
        )
    return listener


def _open(database: str) -> Backend:
    backend = EmbeddedBackend(database, Options())
    try:  # opening is lazy; a first read shows a missing directory or a foreign file now
        backend.send(storage_call(STORAGE_FUNCTION, "load", THREADS, {"keys": {"id": ""}}))
    except ConvexMastraError as error:
        backend.close()
        name = "the database" if database == MEMORY else database
        raise StartError(f"cannot open {name}: {error.message}") from None
    return backend


def _say(text: str) -> None:
    typer.echo(text, nl=False)  # without colours when it is not a terminal; flushed
