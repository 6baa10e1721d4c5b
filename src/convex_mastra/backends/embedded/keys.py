"""Convex's order of values, said in SQLite's order of column values.

Convex: undefined < null < int64 < float64 < boolean < text < bytes, arrays, objects; floats in
IEEE total order, so that -0.0 < 0.0 and NaN has a place. SQLite: NULL < numbers < TEXT < BLOB.
Indexed columns only ever hold undefined, null, text or float64 (their schemas say so); everything
else occurs as an operand and needs a place that equals nothing. Rules: get-convex/convex-backend
crates/value/src/sorting.rs.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import numpy as np

from convex_mastra.backends.embedded import js

Key = None | int | float | str | bytes

NULL: Final = -math.inf
INT64: Final = -1e300
BOOLEAN: Final = 1e300
"""Above and below every int64, which is what floats become."""
AFTER_TEXT: Final = b""


def of(value: Any) -> Key:
    """Return the column value that orders as *value* does."""
    if type(value) is str:
        return value
    match js.kind(value):
        case "undefined":
            return None
        case "null":
            return NULL
        case "number":
            return of_number(js.number(value))
        case "bigint":
            return INT64
        case "boolean":
            return BOOLEAN
    return AFTER_TEXT


def of_number(number: float) -> int:
    """Map a float64 to the signed integer that has its place in IEEE total order."""
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return int(bits) if bits >= 0 else int(bits) ^ 0x7FFF_FFFF_FFFF_FFFF


def number_of(key: int) -> float:
    """The float64 that ``of_number`` maps to *key*."""
    bits = key if key >= 0 else key ^ 0x7FFF_FFFF_FFFF_FFFF
    (number,) = struct.unpack("<d", struct.pack("<q", bits))
    return float(number)


def equal(left: Any, right: Any) -> bool:
    """Whether Convex's ``q.eq`` holds: by type and content, through arrays and objects."""
    kind = js.kind(left)
    if kind != js.kind(right):
        return False
    if kind == "number":
        return of_number(js.number(left)) == of_number(js.number(right))
    if kind == "array":
        return len(left) == len(right) and all(map(equal, _items(left), _items(right)))
    if kind == "object":
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def _items(array: Any) -> list[Any]:
    items: list[Any] = array.tolist() if isinstance(array, np.ndarray) else array
    return items
