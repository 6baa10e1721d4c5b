"""Reading the columns of a stored row, whichever version of Mastra wrote it.

Called by the record modules, each of which knows the columns of its tables; knows none itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from convex_mastra.errors import ProtocolError
from convex_mastra.jsontext import loads, loads_or_none
from convex_mastra.timestamps import from_milliseconds, from_text
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


def json_value(row: Row, column: str) -> Any:
    """Return the value of a column that is kept as JSON text; None where it is null or missing.

    What is no text, or no JSON, is returned as it is: rows of some versions hold the value itself.
    """
    stored = row.get(column)
    if not isinstance(stored, str):
        return plain_numbers(stored)
    try:
        return loads(stored)
    except ValueError:
        return stored


def number(row: Row, column: str) -> int | float:
    """Return a number; a whole one as an int. A column without one counts as 0, as in Mastra.

    Raises:
        ProtocolError: the column holds something else.
    """
    value = row.get(column)
    if value is None:
        return 0
    if type(value) is not float and type(value) is not int:
        raise ProtocolError(f"A row's {column} is stored as {type(value).__name__}, not a number.")
    plain: int | float = plain_numbers(value)
    return plain


def moment(row: Row, column: str) -> datetime:
    """Return a time stored as text; the row's creation time if it cannot be read.

    Raises:
        ProtocolError: that cannot be read either.
    """
    return from_text(row.get(column), row.get("_creationTime", 0.0))


def moment_or_none(row: Row, column: str) -> datetime | None:
    """Return a time stored as text; None where the column is null, empty or missing."""
    return moment(row, column) if row.get(column) else None


def epoch(row: Row, column: str) -> datetime:
    """Return a time stored as milliseconds since 1970.

    Raises:
        ProtocolError: the column holds no such number.
    """
    value = row.get(column)
    if type(value) is not float and type(value) is not int:
        raise ProtocolError(f"A row's {column} is stored as {type(value).__name__}, not a number.")
    return from_milliseconds(value)


def epoch_or_none(row: Row, column: str) -> datetime | None:
    """Return a time stored as milliseconds; None where the column is null or missing."""
    return None if row.get(column) is None else epoch(row, column)


def unknown(row: Row, known: frozenset[str]) -> dict[str, Any]:
    """Return the columns that are not *known*, by name."""
    if row.keys() <= known:
        return {}
    return {name: row[name] for name in sorted(row.keys() - known)}
