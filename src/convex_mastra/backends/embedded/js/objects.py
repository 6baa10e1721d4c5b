"""Reading, comparing and taking apart: objects, arrays, sets, and ``Promise.all``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from convex_mastra.backends.embedded.js.conversion import to_number, to_string
from convex_mastra.backends.embedded.js.kinds import UNDEFINED, Thrown, integer, kind, number


def get(value: Any, key: str) -> Any:
    """Read ``value[key]``."""
    if type(value) is dict:
        return value.get(key, UNDEFINED)
    if value is None or value is UNDEFINED:
        raise Thrown(f"Cannot read properties of {to_string(value)} (reading '{key}')")
    if key == "length" and kind(value) in ("string", "array"):
        return float(_utf16_length(value) if type(value) is str else len(value))
    return UNDEFINED


def has(value: Any, key: str) -> bool:
    """``key in value``."""
    if kind(value) not in ("object", "array", "bytes"):
        raise Thrown(f"Cannot use 'in' operator to search for '{key}' in {to_string(value)}")
    return type(value) is dict and key in value


def truthy(value: Any) -> bool:
    """Whether ``if (value)`` is taken; an empty list or object is."""
    if type(value) is str:
        return value != ""
    match kind(value):
        case "array" | "object" | "bytes":
            return True
        case "bigint":
            return integer(value) != 0
        case "number":
            return bool(number(value)) and not math.isnan(number(value))
    return bool(value)


def strictly_equal(left: Any, right: Any) -> bool:
    """``left === right`` of values from two places: no two objects are ever the same one."""
    if type(left) is str:
        return type(right) is str and left == right
    which = kind(left)
    if which != kind(right) or which in ("array", "object", "bytes"):
        return False
    if which == "number":
        return number(left) == number(right)
    return bool(left == right)


def is_integer(value: Any) -> bool:
    """``Number.isInteger(value)``."""
    return type(value) is float and value.is_integer()


def is_finite(value: Any) -> bool:
    """``Number.isFinite(value)``."""
    return type(value) is float


def spread(value: Any) -> dict[str, Any]:
    """``{...value}``, fresh."""
    if type(value) is dict and kind(value) == "object":
        return dict(value)
    if kind(value) in ("string", "array"):
        return {str(i): item for i, item in enumerate(value)}
    return {}


def iterate(value: Any, name: str) -> list[Any]:
    """``for (const item of value)``, with *name* as the source spells the value."""
    if kind(value) in ("array", "string"):
        return list(value)
    raise Thrown(f"{name} is not iterable")


def unique(value: Any) -> list[Any]:
    """``[...new Set(value)]``."""
    if value is None or value is UNDEFINED:
        return []
    which = kind(value)
    if which not in ("array", "string"):
        shown = {"object": "object", "bytes": "object", "bigint": "bigint"}.get(which)
        shown = shown or f"{which} {to_string(value)}"
        raise Thrown(f"{shown} is not iterable (cannot read property Symbol(Symbol.iterator))")
    seen: set[tuple[str, str]] = set()
    result = []
    for item in value:
        key = kind(item), to_string(item)
        if key[0] in ("array", "object", "bytes") or key not in seen:
            seen.add(key)
            result.append(item)
    return result


def slice_of(items: list[Any], start: Any, end: Any = UNDEFINED) -> list[Any]:
    """``items.slice(start, end)``."""
    first = _index(start, len(items), 0)
    return items[first : _index(end, len(items), len(items))]


def in_batches(items: Sequence[Any], size: int, work: Callable[[Any], Any]) -> list[Any]:
    """Run *work* on groups of items, each group as ``Promise.all`` does.

    A failure lets the rest of its group run to the end, then is raised; later groups do not begin.
    """
    results = []
    for start in range(0, len(items), size):
        failure: Thrown | None = None
        for item in items[start : start + size]:
            try:
                results.append(work(item))
            except Thrown as error:
                failure = failure or error
        if failure is not None:
            raise failure
    return results


def _index(value: Any, length: int, default: int) -> int:
    if value is UNDEFINED:
        return default
    if kind(value) == "bigint":
        raise Thrown("Cannot convert a BigInt value to a number")
    position = to_number(value)
    if math.isnan(position):
        return 0
    if math.isinf(position):
        return length if position > 0 else 0
    whole = math.trunc(position)
    return max(0, length + whole) if whole < 0 else min(whole, length)


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-be", "surrogatepass")) // 2
