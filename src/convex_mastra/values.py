"""Convex's rules for values: what may be stored, and how large it is.

``measure`` is the one pass over a caller's value: it refuses what Convex would refuse, or what it
would change without a word (NaN, integers beyond 2**53), and returns the size the limits count.
Called by the operations before sending and by the embedded backend on what arrives. Knows no
tables. Rules: get-convex/convex-backend crates/value, crates/convex/sync_types/src/identifier.rs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError, LimitExceededError

NUMBER_BYTES: Final = 9
RESERVED_KEY: Final = "__proto__"


def measure(
    value: Any, field: str, depth: int = 0, depth_limit: int = limits.DOCUMENT_DEPTH
) -> int:
    """Return the Convex size of *value* in bytes, or say why Convex cannot hold it.

    Args:
        value: None, bool, int, float, str, list or tuple, mapping with str keys, or a
            one-dimensional float array.
        field: how the caller names it; appears in the error as a path.
        depth: how many containers are around it.
        depth_limit: how deep containers may nest, those around it included.

    Raises:
        InvalidArgumentError: a value or key that Convex refuses or would not keep exactly.
        LimitExceededError: too deep, too many elements or fields.
    """
    kind = type(value)
    if kind is str:
        return 2 + _utf8_length(value, field)
    if value is None or kind is bool:
        return 1
    if kind is int:
        _check_integer(value, field)
        return NUMBER_BYTES
    if kind is float:
        if not math.isfinite(value):
            raise InvalidArgumentError(f"{field} is {value}: only finite numbers.", field=field)
        return NUMBER_BYTES
    if isinstance(value, Mapping):
        return _measure_object(value, field, depth, depth_limit)
    if isinstance(value, list | tuple):
        return _measure_array(value, field, depth, depth_limit)
    if isinstance(value, np.ndarray):
        return measure_vector(value, field)
    if isinstance(value, str | int | float):  # subclasses: enums, NumPy's float64
        return measure(_plain(value), field)
    raise InvalidArgumentError(
        f"{field} is of type {kind.__name__}, which JSON cannot carry.", field=field
    )


def measure_vector(vector: np.ndarray[Any, Any], field: str) -> int:
    """Return the Convex size of a one-dimensional array of finite floats."""
    if vector.ndim != 1 or vector.dtype != np.float64:
        raise InvalidArgumentError(
            f"{field} must be one-dimensional float64, not {vector.dtype}{list(vector.shape)}.",
            field=field,
        )
    if len(vector) > limits.ARRAY_LENGTH:
        raise _too_long(field, len(vector))
    if not np.isfinite(vector).all():
        raise InvalidArgumentError(f"{field} holds NaN or infinity.", field=field)
    return 2 + NUMBER_BYTES * len(vector)


def check_document_size(size: int, field: str) -> None:
    """Raise LimitExceededError if fields of *size* bytes make a document beyond 1 MiB."""
    total = size + limits.DOCUMENT_SYSTEM_BYTES
    if total > limits.DOCUMENT_SIZE_BYTES:
        raise LimitExceededError(
            f"{field} takes {total:,} bytes as a Convex document; the limit is "
            f"{limits.DOCUMENT_SIZE_BYTES:,}.",
            field=field,
            size=total,
            limit=limits.DOCUMENT_SIZE_BYTES,
        )


def plain_numbers(value: Any) -> Any:
    """Return *value* with whole floats as ints, as JavaScript would print them.

    Convex returns every number as a float; ``{"page": 3}`` comes back as ``{"page": 3.0}``.
    """
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) <= limits.EXACT_INTEGER else value
    if type(value) is dict:
        return {key: plain_numbers(item) for key, item in value.items()}
    if type(value) is list:
        return [plain_numbers(item) for item in value]
    return value


def _measure_object(value: Mapping[Any, Any], field: str, depth: int, depth_limit: int) -> int:
    if depth >= depth_limit:
        raise _too_deep(field, depth_limit)
    if len(value) > limits.OBJECT_FIELDS:
        raise LimitExceededError(
            f"{field} has {len(value):,} fields; Convex allows {limits.OBJECT_FIELDS:,}.",
            field=field,
            size=len(value),
            limit=limits.OBJECT_FIELDS,
            unit="fields",
        )
    size = 2
    for key, item in value.items():
        if type(key) is not str:
            raise InvalidArgumentError(
                f"{field} has a key of type {type(key).__name__}; keys must be text.", field=field
            )
        _check_field_name(key, field)
        size += len(key) + 1
        size += measure(item, f"{field}.{key}", depth + 1, depth_limit)
    return size


def _measure_array(
    value: list[Any] | tuple[Any, ...], field: str, depth: int, depth_limit: int
) -> int:
    if depth >= depth_limit:
        raise _too_deep(field, depth_limit)
    if len(value) > limits.ARRAY_LENGTH:
        raise _too_long(field, len(value))
    return 2 + sum(
        measure(item, f"{field}[{i}]", depth + 1, depth_limit) for i, item in enumerate(value)
    )


def _check_field_name(key: str, field: str) -> None:
    problem = None
    if key.startswith("$"):
        problem = "starts with '$', which Convex reserves"
    elif not key.isascii() or not all(" " <= char <= "~" for char in key):
        problem = "has a character outside printable ASCII"
    elif len(key) > limits.FIELD_NAME_BYTES:
        problem = f"is longer than {limits.FIELD_NAME_BYTES} bytes"
    elif key == RESERVED_KEY:
        problem = "is lost by every JavaScript reader"
    if problem:
        raise InvalidArgumentError(f"The key {key[:80]!r} in {field} {problem}.", field=field)


def _check_integer(value: int, field: str) -> None:
    if abs(value) > limits.EXACT_INTEGER:
        raise InvalidArgumentError(
            f"{field} is an integer beyond 2**53, which Convex would round; store it as text.",
            field=field,
        )


def _utf8_length(text: str, field: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"{field} holds a lone surrogate, which is not valid Unicode text.", field=field
        ) from None


def _plain(value: str | int | float) -> str | int | float:
    if isinstance(value, str):
        return str.__str__(value)  # an enum's own ``str()`` would be its name
    return int(value) if isinstance(value, int) else float(value)


def _too_deep(field: str, limit: int) -> LimitExceededError:
    return LimitExceededError(
        f"{field} nests deeper than the {limit} levels that Convex allows.",
        field=field,
        size=limit + 1,
        limit=limit,
        unit="levels",
    )


def _too_long(field: str, length: int) -> LimitExceededError:
    return LimitExceededError(
        f"{field} has {length:,} elements; Convex arrays hold {limits.ARRAY_LENGTH:,}.",
        field=field,
        size=length,
        limit=limits.ARRAY_LENGTH,
        unit="elements",
    )
