"""The three ways in which Convex writes a value as JSON.

Called by ``answers``. What a backend returns is in the encoded form already, where int64, bytes and
the floats that JSON lacks are objects with one ``$`` key; only negative zero is still a number.
Hardly any value holds one of these, so a value is rewritten only when its text shows one. Rules:
get-convex/convex-backend crates/value/src/export.rs, crates/value/src/json/mod.rs.
"""

from __future__ import annotations

import base64
import math
import struct
from typing import Any, Final, Literal

import numpy as np
import orjson

from convex_mastra.server.refusals import PlatformError

Format = Literal["json", "convex_encoded_json", "export_json"]

FORMATS: Final[dict[str, Format]] = {
    "json": "json",
    "convex_clean_json": "json",
    "convex_encoded_json": "convex_encoded_json",
    "convex_json": "convex_encoded_json",
    "export_json": "export_json",
}
NEGATIVE_ZERO: Final = {"$float": base64.b64encode(struct.pack("<d", -0.0)).decode()}

_MARKER: Final = b'{"$'  # a text that holds these characters has the quotation mark escaped
_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_SORT_KEYS


def read_format(name: str | None, *, encoded_by_default: bool) -> Format:
    """Return the output format that the request names.

    Raises:
        PlatformError: 400 ``BadFormat``.
    """
    if name is None:
        return "convex_encoded_json" if encoded_by_default else "json"
    if name not in FORMATS:
        raise PlatformError(400, "BadFormat", f"format param must be one of [`json`]. Got {name}")
    return FORMATS[name]


def encode(body: Any, output: Format = "json") -> bytes:
    """Write *body* as UTF-8 JSON in the format *output*; keys are sorted, as Convex keeps them.

    Args:
        body: JSON values, float64 arrays among them.
        output: how the values in it are written.

    Raises:
        TypeError: something in it is not JSON.
    """
    text = _dumps(body)
    if output == "convex_encoded_json":
        return _dumps(_spell_negative_zeros(body)) if b"-0.0" in text else text
    if _MARKER not in text:
        return text
    return _dumps(_without_markers(body, clean=output == "json"))


def _dumps(body: Any) -> bytes:
    return orjson.dumps(body, default=_plain, option=_OPTIONS)


def _plain(value: Any) -> Any:
    # orjson writes arrays only when they are contiguous and in the machine's byte order.
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _without_markers(value: Any, *, clean: bool) -> Any:
    if isinstance(value, dict):
        if len(value) == 1:
            [(marker, text)] = value.items()
            if marker == "$integer":
                (integer,) = struct.unpack("<q", base64.b64decode(text))
                return str(integer) if clean else integer
            if marker == "$bytes" and clean:
                return text
            if marker == "$float" and clean:
                return _name_of_float(text)
        return {key: _without_markers(item, clean=clean) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_markers(item, clean=clean) for item in value]
    return value


def _name_of_float(text: str) -> str | float:
    (number,) = struct.unpack("<d", base64.b64decode(text))
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return float(number)


def _spell_negative_zeros(value: Any) -> Any:
    if isinstance(value, float):
        return NEGATIVE_ZERO if value == 0 and math.copysign(1, value) < 0 else value
    if isinstance(value, dict):
        return {key: _spell_negative_zeros(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _spell_negative_zeros(value.tolist())
    if isinstance(value, list | tuple):
        return [_spell_negative_zeros(item) for item in value]
    return value
