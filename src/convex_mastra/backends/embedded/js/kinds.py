"""What a value is to JavaScript, and what is thrown there.

Values are those of ``arguments``: UNDEFINED, None, bool, float, str, list, dict, and Convex's
encoded forms (``{"$integer": …}``, ``{"$float": …}``, ``{"$bytes": …}``).
"""

from __future__ import annotations

import base64
import math
import re
import struct
from typing import Any, Final

import numpy as np

_EIGHT_BYTES: Final = re.compile(r"\A[A-Za-z0-9+/]{11}=\Z")


class Undefined:
    """The type of UNDEFINED: what a missing key holds."""

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = Undefined()
_KINDS: Final[dict[type, str]] = {
    str: "string",
    bool: "boolean",
    float: "number",
    type(None): "null",
    Undefined: "undefined",
    list: "array",
    np.ndarray: "array",
}


class Thrown(Exception):  # noqa: N818 - a JavaScript exception, which is not an error here yet
    """What the handler's JavaScript throws; the storage function decides what becomes of it."""


def kind(value: Any) -> str:
    """Return ``typeof``, with null, array, bytes and plain objects told apart."""
    known = _KINDS.get(type(value))
    if known is not None:
        return known
    if type(value) is not dict or len(value) != 1:
        return "object"
    match value:
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


def integer(value: Any) -> int:
    """Return an int64 as an int."""
    return int(_unpack(value["$integer"], "<q"))


def encoded(value: float) -> Any:
    """Return a computed number as Convex holds it: NaN and infinities in their encoded form."""
    if math.isfinite(value):
        return value
    return {"$float": base64.b64encode(struct.pack("<d", value)).decode()}


def _unpack(base64_text: str, form: str) -> Any:
    return struct.unpack(form, base64.b64decode(base64_text))[0]
