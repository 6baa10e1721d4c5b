"""Reading the columns of a stored row, whichever version of Mastra wrote it.

Called by the record modules, each of which knows the columns of its tables; knows none itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from convex_mastra.errors import ProtocolError
from convex_mastra.jsontext import loads_or_none
from convex_mastra.timestamps import from_text
from convex_mastra.values import plain_numbers

Row = dict[str, Any]

SYSTEM_COLUMNS: Final = frozenset({"_id", "_creationTime"})


def text(row: Row, column: str) -> str:
    """Return a column that is text in every row.

    Raises:
        ProtocolError: it is something else, or missing.
    """
    value = row.get(column)
    if type(value) is not str:
        raise ProtocolError(f"A row's {column} is stored as {type(value).__name__}, not text.")
    return value


def metadata(row: Row) -> dict[str, Any]:
    """Return the metadata, stored as an object or, in old rows, as its JSON; empty if neither."""
    stored = row.get("metadata")
    if isinstance(stored, str):
        stored = loads_or_none(stored)
    return plain_numbers(stored) if isinstance(stored, dict) else {}


def moment(row: Row, column: str) -> datetime:
    """Return a time stored as text; the row's creation time if it cannot be read.

    Raises:
        ProtocolError: that cannot be read either.
    """
    return from_text(row.get(column), row.get("_creationTime", 0.0))


def unknown(row: Row, known: frozenset[str]) -> dict[str, Any]:
    """Return the columns that are not *known*, by name."""
    if row.keys() <= known:
        return {}
    return {name: row[name] for name in sorted(row.keys() - known)}
