"""Arguments that operations of every kind take: texts, ids, objects.

Pure functions. Called by the other rooms, before anything is sent; knows no tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.values import measure


def required_text(value: Any, field: str, message: str | None = None) -> str:
    """Return *value*, a text that is not empty.

    Raises:
        InvalidArgumentError: it is something else, or not valid Unicode.
    """
    if not isinstance(value, str) or not value:
        kind = "empty" if value == "" else type(value).__name__
        raise InvalidArgumentError(
            message or f"{field} must be a text that is not empty, not {kind}.", field=field
        )
    if not value.isascii():
        measure(value, field)
    return value


def plain_object(value: Mapping[str, Any] | None, field: str) -> dict[str, Any]:
    """Return *value* as a dict, an empty one for None.

    Raises:
        InvalidArgumentError: it is something else.
    """
    return {} if value is None else required_object(value, field)


def required_object(value: Any, field: str) -> dict[str, Any]:
    """Return *value*, a mapping, as a dict.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(
            f"{field} must be an object, not {type(value).__name__}.", field=field
        )
    return dict(value)


def distinct_ids(ids: Iterable[str], field: str) -> list[str]:
    """Return *ids*, each once, in the order given.

    Raises:
        InvalidArgumentError: they are one text, or one of them is no id.
    """
    if isinstance(ids, str):
        raise InvalidArgumentError(f"{field} must be a list of ids, not one text.", field=field)
    return list(
        dict.fromkeys(
            required_text(one, f"{field}[{position}]") for position, one in enumerate(ids)
        )
    )
