"""Arguments that operations of every kind take: texts, ids, objects.

Pure functions. Called by the other rooms, before anything is sent; knows no tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.jsontext import dumps
from convex_mastra.values import measure


def required_text(value: Any, field: str, message: str | None = None) -> str:
    """Return *value*, a text that is not empty.

    Raises:
        InvalidArgumentError: it is something else, or not valid Unicode.
    """
    if not isinstance(value, str) or not value:
        kind = "empty" if value == "" else kind_of(value)
        raise InvalidArgumentError(
            message or f"{field} must be a text that is not empty; it is {kind}.", field=field
        )
    if not value.isascii():
        measure(value, field)
    return value


def kind_of(value: Any) -> str:
    """What to call *value* in a message: None, or of which type it is."""
    return "None" if value is None else f"of type {type(value).__name__}"


def optional_text(value: Any, field: str, *, may_be_empty: bool = False) -> str | None:
    """Return *value*, None or a text.

    Raises:
        InvalidArgumentError: it is something else, not valid Unicode, or empty where it may not be.
    """
    if value is None:
        return None
    return "" if may_be_empty and value == "" else required_text(value, field)


def any_text(value: Any, field: str) -> str:
    """Return *value*, a text, which may be empty.

    Raises:
        InvalidArgumentError: it is something else, or not valid Unicode.
    """
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{field} must be a text; it is {kind_of(value)}.", field=field)
    return value and required_text(value, field)


def many(
    values: Any, field: str, wanted: str, *, one: type | tuple[type, ...] = ()
) -> Iterable[Any]:
    """Return *values*, several things and not one of them.

    Args:
        values: the things.
        field: the argument's name.
        wanted: what to call them.
        one: the class of one of them, where that can be gone through too, as Pydantic's can.

    Raises:
        InvalidArgumentError: they cannot be gone through, or are a text, an object or *one*.
    """
    if isinstance(values, (str, bytes, Mapping, one)) or not isinstance(values, Iterable):
        raise InvalidArgumentError(
            f"{field} must be a list of {wanted}; it is {kind_of(values)}.", field=field
        )
    return values


def one_of(value: Any, choices: Collection[str], field: str) -> str:
    """Return *value*, one of *choices*.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if not isinstance(value, str) or value not in choices:
        raise InvalidArgumentError(
            f"{field} must be one of {', '.join(choices)}, not {value!r:.40}.", field=field
        )
    return value


def whole_number(value: Any, field: str, *, at_most: int = limits.EXACT_INTEGER) -> int:
    """Return *value*, an integer from 0 to *at_most*.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if type(value) is not int or not 0 <= value <= at_most:
        raise InvalidArgumentError(
            f"{field} must be a whole number from 0 to {at_most:,}, not {value!r:.40}.",
            field=field,
        )
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


def object_text(value: Mapping[str, Any] | None, field: str) -> str | None:
    """Return *value* as the JSON text that a column keeps, None for None.

    Raises:
        InvalidArgumentError: it is no object, or not JSON.
    """
    return None if value is None else dumps(required_object(value, field), field)


def distinct_ids(ids: Iterable[str], field: str) -> list[str]:
    """Return *ids*, each once, in the order given.

    Raises:
        InvalidArgumentError: they are one text, or one of them is no id.
    """
    if isinstance(ids, str):
        raise InvalidArgumentError(f"{field} must be a list of ids, not one text.", field=field)
    if not isinstance(ids, Iterable):
        raise InvalidArgumentError(
            f"{field} must be a list of ids; it is {kind_of(ids)}.", field=field
        )
    return list(
        dict.fromkeys(
            required_text(one, f"{field}[{position}]") for position, one in enumerate(ids)
        )
    )
