"""JSON kept as text inside a column: message contents and everything that must come back exactly.

Convex sorts the keys of objects and turns integers into floats; a JSON text it leaves alone. The
standard library's codec is used, because it keeps integers of any size, raises on NaN, and reads
the lone surrogates that JavaScript writes. Called by records and adapters.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from convex_mastra.errors import InvalidArgumentError


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)


def dumps(value: Any, field: str) -> str:
    """Write *value* as compact JSON, as JavaScript's ``JSON.stringify`` would.

    Raises:
        InvalidArgumentError: it holds NaN, infinity or something that is not JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"{field} cannot be written as JSON: {error}.", field=field
        ) from None
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate: JavaScript escapes it too
            return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text


def loads(text: str) -> Any:
    """Read JSON.

    Raises:
        ValueError: *text* is not JSON, or nests deeper than Python reads.
    """
    try:
        try:  # a third faster than decode, which first looks for white space around the value
            value, end = _DECODER.raw_decode(text)
        except ValueError:
            end = -1
        return value if end == len(text) else _DECODER.decode(text)
    except RecursionError:
        raise ValueError("the JSON nests too deep") from None


def loads_or_none(text: Any) -> Any:
    """Read JSON; None if *text* is no text or not JSON."""
    if not isinstance(text, str):
        return None
    try:
        return loads(text)
    except ValueError:
        return None
