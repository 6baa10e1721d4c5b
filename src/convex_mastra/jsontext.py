"""JSON kept as text inside a column: message contents and everything that must come back exactly.

Convex sorts the keys of objects and turns integers into floats; a JSON text it leaves alone. What a
text means is what the standard library's codec says, which keeps integers of any size and reads the
lone surrogates that JavaScript writes; msgspec says the same of all texts that it reads at all, and
reads them several times faster. Called by records and adapters.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

import msgspec

from convex_mastra.errors import InvalidArgumentError


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_FAST_DECODER: Final = msgspec.json.Decoder()
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)


def dumps(value: Any, field: str) -> str:
    """Write *value* as compact JSON, as JavaScript's ``JSON.stringify`` would.

    Raises:
        InvalidArgumentError: it holds NaN, infinity, a key that is no text (which would become
            one, perhaps another's) or something that is not JSON.
    """
    try:
        _check_keys(value)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        place = _place_of_what_is_no_json(value, "")
        raise InvalidArgumentError(
            f"{field} cannot be written as JSON: {error}{place and f' (at {place:.200})'}.",
            field=field,
        ) from None
    except RecursionError as error:
        raise InvalidArgumentError(
            f"{field} cannot be written as JSON: {error}.", field=field
        ) from None
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate: JavaScript escapes it too
            return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text


def _check_keys(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r:.40} is no text")
            if isinstance(item, dict | list | tuple):
                _check_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, dict | list | tuple):
                _check_keys(item)


def _place_of_what_is_no_json(value: Any, place: str) -> str:
    """Where in *value*, which nests as JSON does, the first thing is that is none; "" for itself."""
    if isinstance(value, dict):
        inner = [(item, f"{place}.{key}" if place else f"{key}") for key, item in value.items()]
    elif isinstance(value, list | tuple):
        inner = [(item, f"{place}[{position}]") for position, item in enumerate(value)]
    elif isinstance(value, float):
        return "" if math.isfinite(value) else place
    else:
        return "" if value is None or isinstance(value, str | int) else place
    for item, its_place in inner:  # no generator: this nests no deeper than _check_keys did
        if found := _place_of_what_is_no_json(item, its_place):
            return found
    return ""


def loads(text: str) -> Any:
    """Read JSON.

    Raises:
        ValueError: *text* is not JSON, or nests deeper than Python reads.
    """
    try:
        return _FAST_DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass  # a lone surrogate, a number that float64 does not hold, or no JSON: decided below
    try:
        return _DECODER.decode(text)
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
