"""``JSON.parse`` and ``JSON.stringify``: snapshots and memory chunks are kept as JSON text.

Mastra's JavaScript reads this text back, so it is written byte for byte as JavaScript would:
``5`` not ``5.0``, integer-like keys first. Called by the workflow and memory handlers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from convex_mastra.backends.embedded import js

ARRAY_INDEX_MAX: Final = 2**32 - 2
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_quote = json.encoder.encode_basestring
"""Quotes and escapes as JavaScript does, leaving non-ASCII text as it is."""


def parse(value: Any) -> Any:
    """``JSON.parse(value)``, with every number a float.

    Raises:
        Thrown: it is not JSON. DIFFERS: one text for all syntax errors, where V8 has about ten.
    """
    text = js.to_string(value)
    try:
        return json.loads(text, parse_int=float, parse_constant=_refuse_constant)
    except ValueError:
        raise js.Thrown(f'"{text[:40]}" is not valid JSON') from None
    except RecursionError:
        raise js.Thrown("Maximum call stack size exceeded") from None


def parse_or(value: Any, default: Any) -> Any:
    """``JSON.parse`` of a text that may be missing or broken."""
    if type(value) is not str or not value:
        return default
    try:
        return parse(value)
    except js.Thrown:
        return default


def from_convex(value: Any) -> Any:
    """Return a Convex value as ``JSON.stringify`` sees it: no bytes, NaN becomes null.

    Raises:
        Thrown: it holds an int64, which JavaScript cannot write as JSON.
    """
    match js.kind(value):
        case "array":
            return [from_convex(item) for item in value]
        case "object":
            return {key: from_convex(item) for key, item in value.items()}
        case "bigint":
            raise js.Thrown("Do not know how to serialize a BigInt")
        case "bytes":
            return {}
        case "number":
            return value if type(value) is float else None
    return value


def stringify(value: Any) -> str:
    """``JSON.stringify(value)`` of what ``parse`` or ``from_convex`` returned."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is float:
        return js.number_to_string(value) if math.isfinite(value) else "null"
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is list:
        return f"[{','.join(map(stringify, value))}]"
    fields = [f"{_text(key)}:{stringify(value[key])}" for key in _in_order(value)]
    return f"{{{','.join(fields)}}}"


def _in_order(value: dict[str, Any]) -> Iterable[str]:
    # JavaScript lists keys that look like array indexes first, in numeric order.
    if not any(map(str.isdigit, value)):
        return value
    indexes = sorted(filter(_is_array_index, value), key=int)
    return [*indexes, *(key for key in value if not _is_array_index(key))]


def _text(text: str) -> str:
    quoted = _quote(text)
    if not quoted.isascii():
        quoted = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
    return quoted


def _is_array_index(key: str) -> bool:
    return key.isdigit() and key.isascii() and str(int(key)) == key and int(key) <= ARRAY_INDEX_MAX


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)
