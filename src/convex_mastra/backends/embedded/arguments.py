"""What a deployment accepts as a function's arguments, and the form they have from here on.

One pass over what the caller sent: refuses what Convex refuses, with its wording, and returns
fresh values in Convex's form: every number a float, object keys sorted, int64 and bytes in their
encoded form. Called by the backend before any function runs. Rules: get-convex/convex-backend
crates/value (json, array, object, size) and crates/convex/sync_types/src/identifier.rs.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np

from convex_mastra import limits, wire
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.values import NUMBER_BYTES, RESERVED_KEY

ARGUMENTS_BYTES: Final = 16 * limits.MIB
NAMES_REMEMBERED: Final = 4096
"""Field names recur; checking one again and again would cost more than all else."""
SHAPE_FIELDS: Final = 8
_ENCODED: Final = ("$integer", "$float", "$bytes")
_NATIVE_FUNCTIONS: Final = (wire.NATIVE_SEARCH_FUNCTION, wire.NATIVE_WRITE_FUNCTION)


def accept(path: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments in Convex's form, sharing nothing with the caller's.

    Raises:
        Thrown: the deployment would refuse them.
        InvalidArgumentError: something in them is not JSON.
    """
    table = args.get("tableName")
    is_vector_call = path in _NATIVE_FUNCTIONS or (
        isinstance(table, str) and table.startswith(wire.VECTOR_TABLE_PREFIX)
    )
    reader = _Reader(keeps_arrays=is_vector_call)
    try:
        accepted: dict[str, Any] = reader.value(args, limits.ARGUMENTS_DEPTH - 1)
    except Thrown as error:
        raise Thrown(f"Invalid arguments for {module_path(path)}: {error}") from None
    if reader.size_bytes > ARGUMENTS_BYTES:
        actual_mib = reader.size_bytes / limits.MIB
        raise Thrown(
            f"Arguments for {module_path(path)} are too large (actual: {actual_mib:.2f} MiB, "
            f"limit: {ARGUMENTS_BYTES // limits.MIB} MiB)"
        )
    return accepted


def module_path(path: str) -> str:
    """Return a function's path as Convex prints it: ``mastra/storage.js:handle``."""
    module, _, name = path.partition(":")
    return f"{module}.js:{name or 'default'}"


def returned(value: Any) -> Any:
    """Return a computed value in Convex's form, as a function's answer is.

    Raises:
        Thrown: Convex cannot hold it.
    """
    return _Reader(keeps_arrays=False).value(value, 0)


class _Reader:
    __slots__ = ("_keeps_arrays", "size_bytes")

    def __init__(self, *, keeps_arrays: bool) -> None:
        self.size_bytes = 0
        self._keeps_arrays = keeps_arrays

    def value(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            self.size_bytes += 2 + utf8_bytes(value)
            return value
        if kind is float or kind is int:
            self.size_bytes += NUMBER_BYTES
            return _number(value)
        if value is None or kind is bool:
            self.size_bytes += 1
            return value
        if kind is list or kind is tuple:
            return self._array(value, depth + 1)
        if kind is dict or isinstance(value, Mapping):
            return self._object(value, depth + 1)
        if isinstance(value, np.ndarray):
            return self._vector(value, depth + 1)
        return self.value(_plain(value), depth)

    def _array(self, items: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        self._check_array(len(items), depth)
        kinds = set(map(type, items))
        if kinds == {float} and all(map(math.isfinite, items)):
            self.size_bytes += NUMBER_BYTES * len(items)
            return list(items)
        return [self.value(item, depth) for item in items]

    def _object(self, fields: Mapping[Any, Any], depth: int) -> Any:
        try:
            is_small = len(fields) <= SHAPE_FIELDS
            names, size = _shape(tuple(fields)) if is_small else _checked_names(fields)
        except Thrown:
            if len(fields) == 1 and next(iter(fields)) in _ENCODED:
                return self._encoded(*next(iter(fields.items())))
            raise
        _check_depth(depth)
        if (count := len(fields)) > limits.OBJECT_FIELDS:
            raise Thrown(
                f"Object has too many fields ({count} > maximum number {limits.OBJECT_FIELDS})"
            )
        result = {}
        for name in names:
            item = fields[name]
            if type(item) is str and item.isascii():  # nearly all of them
                size += len(item) + 2
                result[name] = item
            else:
                result[name] = self.value(item, depth)
        self.size_bytes += size
        return result

    def _vector(self, array: np.ndarray[Any, Any], depth: int) -> Any:
        if not self._keeps_arrays or array.ndim != 1 or array.dtype != np.float64:
            return self.value(array.tolist(), depth - 1)
        self._check_array(len(array), depth)
        if not np.isfinite(array).all():
            raise Thrown(_NOT_FINITE)
        self.size_bytes += NUMBER_BYTES * len(array)
        return array.copy()

    def _encoded(self, form: str, text: Any) -> Any:
        if type(text) is not str:
            raise Thrown(f"Malformed {form} field")
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise Thrown(f"Malformed {form} field") from None
        if form == "$bytes":
            self.size_bytes += 2 + len(data)
            return {form: base64.b64encode(data).decode()}
        if len(data) != struct.calcsize("<q"):
            name = "Int64" if form == "$integer" else "Float64"
            raise Thrown(f"{name} must be exactly eight bytes")
        self.size_bytes += NUMBER_BYTES
        if form == "$integer":
            return {form: text}
        (number,) = struct.unpack("<d", data)
        if math.isfinite(number) and number != 0:
            raise Thrown(f"Float64 {number} should be encoded as a number")
        return number if number == 0 else {form: text}

    def _check_array(self, length: int, depth: int) -> None:
        _check_depth(depth)
        if length > limits.ARRAY_LENGTH:
            raise Thrown(
                f"Array length is too long ({length} > maximum length {limits.ARRAY_LENGTH})"
            )
        self.size_bytes += 2


_NOT_FINITE: Final = "NaN and infinity are not JSON numbers."


def _number(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Thrown(_NOT_FINITE)
    return number


@lru_cache(NAMES_REMEMBERED)
def _checked_name(name: Any) -> str:
    """Return a field name that Convex accepts."""
    if type(name) is not str:
        raise InvalidArgumentError(
            f"The request cannot be written as JSON: a key is of type {type(name).__name__}."
        )
    if len(name) > limits.FIELD_NAME_BYTES:
        raise Thrown(f"Field name is too long ({len(name)} > maximum {limits.FIELD_NAME_BYTES})")
    if name.startswith("$"):
        raise Thrown(f"Field name {name} starts with '$', which is reserved.")
    for char in name:
        if not " " <= char <= "~":
            raise Thrown(
                f"Field name {name} has invalid character {char!r}: Field names can only contain "
                "non-control ASCII characters"
            )
    return name


def _checked_names(fields: Iterable[Any]) -> tuple[list[str], int]:
    """Return the names of an object's fields, sorted, and the bytes of an object with them."""
    names = sorted(fields, key=_checked_name)
    if RESERVED_KEY in names:  # JavaScript takes it for the prototype, and stores nothing
        names.remove(RESERVED_KEY)
    return names, 2 + sum(map(len, names)) + len(names)


_shape: Final = lru_cache(NAMES_REMEMBERED)(_checked_names)
"""``_checked_names`` of small objects, whose shapes recur as their names do."""


def _check_depth(depth: int) -> None:
    if depth > limits.VALUE_DEPTH:
        raise Thrown(
            f"Value is too nested (nested {depth} levels deep > maximum nesting "
            f"{limits.VALUE_DEPTH})"
        )


def utf8_bytes(text: str) -> int:
    """Return the length of a text in UTF-8.

    Raises:
        Thrown: it is not valid Unicode.
    """
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise Thrown("a text holds a lone surrogate") from None


def _plain(value: Any) -> Any:
    """Return a subclass's or NumPy's value as the plain type that JSON would carry."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, np.generic):
        return value.item()
    raise InvalidArgumentError(
        f"The request cannot be written as JSON: a value is of type {type(value).__name__}."
    )
