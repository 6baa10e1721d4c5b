"""JavaScript's rules, wherever an answer of Mastra's server rests on them.

The handlers re-tell TypeScript; what a falsy id, a missing key or ``"5" * 2`` does there is said
here once. Values are those of ``arguments``: UNDEFINED, None, bool, float, str, list, dict, and
Convex's encoded forms (``{"$integer": …}``). Called by the handlers; knows no tables.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

EXPONENT_FROM: Final = 21
"""``Number.prototype.toString`` writes digits up to 10**21, then an exponent."""
EXPONENT_BELOW: Final = -6
_NUMBER: Final = re.compile(r"\A[+-]?(Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)\Z")
_EIGHT_BYTES: Final = re.compile(r"\A[A-Za-z0-9+/]{11}=\Z")
_RADIX: Final = re.compile(r"\A0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\Z")


class Undefined:
    """The type of UNDEFINED: what a missing key holds."""

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = Undefined()


class Thrown(Exception):  # noqa: N818 - a JavaScript exception, which is not an error here yet
    """What the handler's JavaScript throws; the storage function decides what becomes of it."""


def kind(value: Any) -> str:
    """Return ``typeof``, with null, array, bytes and plain objects told apart."""
    match value:
        case str():
            return "string"
        case bool():
            return "boolean"
        case float():
            return "number"
        case None:
            return "null"
        case Undefined():
            return "undefined"
        case list() | np.ndarray():
            return "array"
        case {"$integer": str(text)} if _EIGHT_BYTES.match(text):
            return "bigint"
        case {"$float": str(text)} if _EIGHT_BYTES.match(text):
            return "number"
        case {"$bytes": str()}:
            return "bytes"
    return "object"


def number(value: Any) -> float:
    """Return a number, plain or encoded, as a float."""
    return value if type(value) is float else _unpack(value["$float"], "<d")


def encoded(value: float) -> Any:
    """Return a computed number as Convex holds it: NaN and infinities in their encoded form."""
    if math.isfinite(value):
        return value
    return {"$float": base64.b64encode(struct.pack("<d", value)).decode()}


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
            return bool(_unpack(value["$integer"], "<q"))
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


def to_string(value: Any) -> str:
    """``String(value)``."""
    match kind(value):
        case "null":
            return "null"
        case "boolean":
            return "true" if value else "false"
        case "number":
            return number_to_string(number(value))
        case "bigint":
            return str(_unpack(value["$integer"], "<q"))
        case "array":
            return join(list(value), ",")
        case "object":
            return "[object Object]"
        case "bytes":
            return "[object ArrayBuffer]"
    return str(value)


def number_to_string(value: float) -> str:
    """Write a number as JavaScript does: ``5``, ``0.1``, ``1e+21``, ``NaN``."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    sign, digit_tuple, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, digit_tuple))
    point = len(digits) + int(exponent)
    if len(digits) <= point <= EXPONENT_FROM:
        text = digits.ljust(point, "0")
    elif 0 < point <= EXPONENT_FROM:
        text = f"{digits[:point]}.{digits[point:]}"
    elif EXPONENT_BELOW < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{point - 1:+d}"
    return f"-{text}" if sign else text


def to_number(value: Any) -> float:
    """``Number(value)``, for arithmetic."""
    match kind(value):
        case "number":
            return number(value)
        case "null":
            return 0.0
        case "boolean":
            return float(value)
        case "string":
            return _text_to_number(value)
        case "array":
            return _text_to_number(to_string(value))
        case "bigint":
            raise Thrown("Cannot mix BigInt and other types, use explicit conversions")
    return math.nan


def add(left: Any, right: Any) -> Any:
    """``left + right``: joins when either is text."""
    if any(kind(value) in ("string", "array", "object") for value in (left, right)):
        return to_string(left) + to_string(right)
    return encoded(to_number(left) + to_number(right))


def at_least(left: str, right: Any) -> bool:
    """``left >= right`` with text on the left."""
    if type(right) is str:
        return left.encode("utf-16-be") >= right.encode("utf-16-be")
    return to_number(left) >= to_number(right)


def at_most(left: str, right: Any) -> bool:
    """``left <= right`` with text on the left."""
    if type(right) is str:
        return left.encode("utf-16-be") <= right.encode("utf-16-be")
    return to_number(left) <= to_number(right)


def smaller(left: float, right: float) -> float:
    """``Math.min``."""
    return math.nan if math.isnan(left) or math.isnan(right) else min(left, right)


def larger(left: float, right: float) -> float:
    """``Math.max``."""
    return math.nan if math.isnan(left) or math.isnan(right) else max(left, right)


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


def join(items: Iterable[Any], separator: str) -> str:
    """``items.join(separator)``."""
    return separator.join(
        "" if item is None or item is UNDEFINED else to_string(item) for item in items
    )


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
    position = to_number(value)
    if math.isnan(position):
        return 0
    if math.isinf(position):
        return length if position > 0 else 0
    whole = math.trunc(position)
    return max(0, length + whole) if whole < 0 else min(whole, length)


def _text_to_number(text: str) -> float:
    text = text.strip()
    if not text:
        return 0.0
    if _RADIX.match(text):
        return float(int(text, 0))
    return float(text) if _NUMBER.match(text) else math.nan


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-be", "surrogatepass")) // 2


def _unpack(base64_text: str, form: str) -> Any:
    return struct.unpack(form, base64.b64decode(base64_text))[0]
