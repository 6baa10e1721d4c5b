"""What Convex asks of a document before it is written: its size, its depth, its schema.

Called by ``transaction`` on every insert and patch, with the wording of the real backend. Values
are already in Convex's form (see ``arguments``). Rules: get-convex/convex-backend
crates/common/src/document.rs, crates/value/src/size.rs, crates/common/src/schemas/validator.rs.
"""

from __future__ import annotations

import base64
import os
from functools import cache
from typing import Any, Final

import numpy as np

from convex_mastra import limits
from convex_mastra.backends.embedded import js, keys
from convex_mastra.backends.embedded.arguments import utf8_bytes
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.tables import Table
from convex_mastra.backends.embedded.validators import mismatch, unknown_field
from convex_mastra.values import NUMBER_BYTES

ID: Final = "_id"
CREATION_TIME: Final = "_creationTime"
SYSTEM_FIELDS: Final = frozenset({ID, CREATION_TIME})
_ID_LENGTH: Final = 32
_BASE32: Final = b"0123456789abcdefghjkmnpqrstvwxyz" * 8
"""For each byte its character: a letter of Convex's alphabet, all of them equally often."""


def check(table: Table, document: dict[str, Any]) -> int:
    """Return the size of a whole document in bytes, or throw what Convex would.

    Raises:
        Thrown: too large, too deep, a field name Convex keeps for itself, or against the schema.
    """
    size, depth = _measure(document)
    if size > limits.DOCUMENT_SIZE_BYTES:
        raise Thrown(
            f"Value is too large ({size / limits.MIB:.2f} MiB > maximum size "
            f"{limits.DOCUMENT_SIZE_BYTES // limits.MIB} MiB)"
        )
    if depth > limits.DOCUMENT_DEPTH:
        raise Thrown(
            f"Document is too nested (nested {depth} levels deep > maximum nesting "
            f"{limits.DOCUMENT_DEPTH})"
        )
    extra = None if document.keys() <= _known_names(table) else _extra_name(table, document)
    if extra is not None and extra.startswith("_"):
        raise Thrown(
            f"The document isn't a valid document: Field '{extra}' starts with an underscore, "
            "which is only allowed for system fields like '_id'"
        )
    violation = mismatch(table.fields, document) or (extra and unknown_field(extra))
    if violation:
        raise Thrown(
            f'Failed to insert or update a document in table "{table.name}" because it does not '
            f"match the schema: {violation}"
        )
    return size


def fill_system_fields(document: dict[str, Any], identity: str, creation_ms: float) -> None:
    """Give a document its id and its time of creation.

    Raises:
        Thrown: it has others.
    """
    given_id = document.setdefault(ID, identity)
    if given_id is not identity and given_id != identity:
        raise Thrown(
            f"Provided document ID \"{identity}\" doesn't match '_id' field "
            f'"{js.to_string(given_id)}"'
        )
    given_time = document.setdefault(CREATION_TIME, creation_ms)
    if given_time is not creation_ms and not keys.equal(given_time, creation_ms):
        raise Thrown(
            f"Provided creation time {creation_ms} doesn't match '_creationTime' field "
            f"{js.to_string(given_time)}"
        )


def new_id() -> str:
    """A fresh document id."""
    return os.urandom(_ID_LENGTH).translate(_BASE32).decode()


@cache
def _known_names(table: Table) -> frozenset[str]:
    return SYSTEM_FIELDS.union(table.fields)


def _extra_name(table: Table, document: dict[str, Any]) -> str:
    """Return a field that the table does not have; one with an underscore first."""
    return min(document.keys() - _known_names(table), key=lambda name: (name[:1] != "_", name))


def _measure(value: Any) -> tuple[int, int]:
    """Return the size of a value in bytes, and how deep its containers nest."""
    kind = type(value)
    if kind is str:
        return 2 + utf8_bytes(value), 0
    if kind is float:
        return NUMBER_BYTES, 0
    if value is None or kind is bool:
        return 1, 0
    if kind is list:
        return _measure_array(value)
    if isinstance(value, np.ndarray):
        return 2 + NUMBER_BYTES * len(value), 1
    if js.kind(value) == "object":
        return _measure_object(value)
    text = value.get("$bytes")
    return (NUMBER_BYTES if text is None else 2 + len(base64.b64decode(text))), 0


def _measure_array(items: list[Any]) -> tuple[int, int]:
    if set(map(type, items)) == {float}:
        return 2 + NUMBER_BYTES * len(items), 1
    size, depth = 2, 0
    for item in items:
        item_size, item_depth = _measure(item)
        size += item_size
        depth = max(depth, item_depth)
    return size, depth + 1


def _measure_object(fields: dict[str, Any]) -> tuple[int, int]:
    size, depth = 2, 0
    for name, item in fields.items():
        size += len(name) + 1
        if type(item) is str and item.isascii():  # nearly all of them
            size += 2 + len(item)
            continue
        item_size, item_depth = _measure(item)
        size += item_size
        depth = max(depth, item_depth)
    return size, depth + 1
