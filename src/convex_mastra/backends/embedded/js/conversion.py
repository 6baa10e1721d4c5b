"""``String(value)``, ``Number(value)`` and what rests on them: arithmetic, order of texts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from convex_mastra.backends.embedded.js.kinds import (
    UNDEFINED,
    Thrown,
    encoded,
    integer,
    kind,
    number,
)

EXPONENT_FROM: Final = 21
"""``Number.prototype.toString`` writes digits up to 10**21, then an exponent."""
EXPONENT_BELOW: Final = -6
_NUMBER: Final = re.compile(r"\A[+-]?(Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)\Z")
_RADIX: Final = re.compile(r"\A0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\Z")
_WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""Python's own knows the separators of ASCII as well, and not the byte order mark."""


def to_string(value: Any) -> str:
    """``String(value)``."""
    if type(value) is str:
        return value
    match kind(value):
        case "null":
            return "null"
        case "boolean":
            return "true" if value else "false"
        case "number":
            return number_to_string(number(value))
        case "bigint":
            return str(integer(value))
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


def trim(text: str) -> str:
    """``text.trim()``."""
    return text.strip(_WHITESPACE)


def join(items: Iterable[Any], separator: str) -> str:
    """``items.join(separator)``."""
    return separator.join(
        "" if item is None or item is UNDEFINED else to_string(item) for item in items
    )


def add(left: Any, right: Any) -> Any:
    """``left + right``: joins when either is text."""
    if any(kind(value) in ("string", "array", "object") for value in (left, right)):
        return to_string(left) + to_string(right)
    return encoded(to_number(left) + to_number(right))


def at_least(left: Any, right: Any) -> bool:
    """``left >= right``."""
    return _order(left, right) >= 0


def at_most(left: Any, right: Any) -> bool:
    """``left <= right``."""
    return _order(left, right) <= 0


def less(left: Any, right: Any) -> bool:
    """``left < right``."""
    return _order(left, right) < 0


def smaller(left: float, right: float) -> float:
    """``Math.min``."""
    return math.nan if math.isnan(left) or math.isnan(right) else min(left, right)


def larger(left: float, right: float) -> float:
    """``Math.max``."""
    return math.nan if math.isnan(left) or math.isnan(right) else max(left, right)


def _order(left: Any, right: Any) -> float:
    """Return -1, 0 or 1 as *left* is less, equal or greater; NaN where it is none of these."""
    if _compares_as_text(left) and _compares_as_text(right):
        text, other_text = _utf16(to_string(left)), _utf16(to_string(right))
        return (text > other_text) - (text < other_text)
    one, other = _magnitude(left), _magnitude(right)
    if math.isnan(one) or math.isnan(other):
        return math.nan
    return (one > other) - (one < other)


def _compares_as_text(value: Any) -> bool:
    return kind(value) in ("string", "array", "object", "bytes")


def _utf16(text: str) -> bytes:
    """Return what orders texts in JavaScript: their UTF-16 units."""
    return text.encode("utf-16-be", "surrogatepass")


def _magnitude(value: Any) -> float:
    """Return the number that a value is compared as, also of an int64."""
    return float(integer(value)) if kind(value) == "bigint" else to_number(value)


def _text_to_number(text: str) -> float:
    text = trim(text)
    if not text:
        return 0.0
    if _RADIX.match(text):
        return float(int(text, 0))
    return float(text) if _NUMBER.match(text) else math.nan
