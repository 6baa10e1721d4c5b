"""Reading what lies in the deployment, where others may have written too.

A row that is none of ours, or was damaged, ends in an error that names it: never in another kind of
error, in memory running out, or in less than was stored. Pure; called by every room that reads.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final, TypeVar

from langgraph.checkpoint.serde.base import SerializerProtocol

from convex_mastra.errors import ProtocolError
from convex_mastra.jsontext import loads
from convex_mastra.records import Row

R = TypeVar("R")

PARTS_MAX: Final = 8192
"""Parts of one blob: 5.6 GiB, more than msgpack counts in one text."""

UNREADABLE: Final = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""What reading a row of another shape raises."""


def read_json(row: Row, read: Callable[[Any], R]) -> R:
    """Return what *read* makes of a row's JSON.

    Raises:
        ProtocolError: it is no JSON, or not what *read* takes.
    """
    try:
        return read(loads(row["json"]))
    except UNREADABLE:
        raise damaged(row["id"]) from None


def text(value: Any) -> str:
    """Return a text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError
    return value


def text_or_none(value: Any) -> str | None:
    """Return a text or None.

    Raises:
        TypeError: it is neither.
    """
    return None if value is None else text(value)


def read_bytes(row: Row) -> bytes:
    """Return the bytes of a row that holds a blob, or a part of one.

    Raises:
        ProtocolError: it holds no base64 text.
    """
    try:
        return b64decode(row["data"], validate=True)
    except UNREADABLE:
        raise damaged(row["id"]) from None


def read_cut(row: Row) -> tuple[str, int] | None:
    """Return under which version a row's blob was cut, and into how many parts; None if it was not.

    Raises:
        ProtocolError: into so many that they cannot have been written.
    """
    if "version" not in row:
        return None
    version, parts = row["version"], row.get("parts")
    if not isinstance(version, str) or not isinstance(parts, int | float):
        raise damaged(row["id"])
    if not 0 < parts <= PARTS_MAX or parts != int(parts):
        raise damaged(row["id"])
    return version, int(parts)


def read_value(serde: SerializerProtocol, blob: tuple[str, bytes], what: str) -> Any:
    """Return what the serialiser makes of a blob.

    Args:
        what: what the blob holds, for the error.

    Raises:
        ProtocolError: it raised; what it raised is the cause.
    """
    try:
        return serde.loads_typed(blob)
    except Exception as error:
        raise ProtocolError(
            f"The serialiser cannot read {what}, stored as {blob[0]!r:.40}: "
            f"{type(error).__name__}. Was it written by another serialiser, or with another key?"
        ) from error


def damaged(key: Any) -> ProtocolError:
    """The error of a row that is not what its key says."""
    return ProtocolError(f"The row {key!r:.200} is no part of a checkpoint, or was damaged.")
