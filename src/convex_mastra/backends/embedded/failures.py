"""SQLite's failures as this library's errors.

Called by ``database``, around everything it does.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from convex_mastra.errors import ConfigurationError, ConvexMastraError, UnavailableError

_UNUSABLE: Final = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_READONLY: "cannot be written",
    sqlite3.SQLITE_PERM: "may not be opened",
    sqlite3.SQLITE_AUTH: "may not be opened",
}
_TRANSIENT: Final = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL)
_PRIMARY_CODE: Final = 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection was in the way."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def locked(name: str, timeout_s: float) -> UnavailableError:
    """The error of a call that waited for other writers in vain."""
    return UnavailableError(
        f"{name} stayed locked by other writers for {timeout_s:g} s.",
        code="DatabaseLocked",
        applied=False,
    )


def translate(error: sqlite3.Error, name: str, timeout_s: float) -> ConvexMastraError:
    """Return the error that stands for *error* on the database called *name*."""
    if is_busy(error):
        return locked(name, timeout_s)
    code = _code(error)
    if code in _UNUSABLE:
        return ConfigurationError(f"{name} {_UNUSABLE[code]}: {error}.")
    if code == sqlite3.SQLITE_FULL:
        return UnavailableError(
            f"{name} cannot grow, the disk is full.", code="DatabaseFull", applied=False
        )
    if code in _TRANSIENT:
        return UnavailableError(f"{name} failed: {error}.", code="DatabaseFailed", applied=None)
    return ConfigurationError(f"{name} cannot be used: {error}.")


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & _PRIMARY_CODE
