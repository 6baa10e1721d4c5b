"""What ``ConvexKVStore`` does: LlamaIndex's rows in the core's key-value namespaces, as flows.

A collection is a namespace of ``convex_mastra.ops.key_values``, a row one JSON text: Convex would sort
the keys of a native object and turn its integers into floats, and LlamaIndex hashes what it reads
back. Every row is made a text before anything is sent. Called by ``kv_store`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from convex_mastra import InvalidArgumentError, ProtocolError
from convex_mastra.flow import Flow, Sleep
from convex_mastra.ops import key_values
from convex_mastra.ops.arguments import kind_of, many, required_text
from convex_mastra.ops.partitions import name_part
from convex_mastra.ops.target import Target
from llama_index_convex_mastra.nodes import to_json

Row = dict[str, Any]

PREFIX: Final = "llama_index.kv"


def put_all(
    target: Target,
    namespace: str,
    kv_pairs: Iterable[tuple[str, Mapping[str, Any]]],
    collection: str,
) -> Flow[None]:
    """Write rows; one whose key exists is replaced whole, and of several under a key the last stays."""
    place = _place(namespace, collection)
    texts: dict[str, str] = {}
    for position, pair in enumerate(list(many(kv_pairs, "kv_pairs", "pairs"))):
        yield Sleep(0)  # others have their turn between two rows, however large
        field = f"kv_pairs[{position}]"
        if not isinstance(pair, Sequence) or isinstance(pair, str | bytes) or len(pair) != 2:
            raise InvalidArgumentError(f"{field} must be a key and its value.", field=field)
        texts[required_text(pair[0], f"{field}[0]")] = _text_of(pair[1], f"{field}[1]")
    yield from key_values.put_many(target, place, texts)


def get_many(
    target: Target, namespace: str, keys: Iterable[str], collection: str
) -> Flow[dict[str, Row]]:
    """Return the rows that exist, by key, in the order of *keys*; each is the caller's own."""
    texts = yield from key_values.get_many(target, _place(namespace, collection), keys)
    rows: dict[str, Row] = {}
    for key, text in texts.items():
        yield Sleep(0)
        rows[key] = _row_of(text, key)
    return rows


def get(target: Target, namespace: str, key: str, collection: str) -> Flow[Row | None]:
    """Return a row; None if there is none."""
    rows = yield from get_many(target, namespace, [required_text(key, "key")], collection)
    return rows.get(key)


def get_all(target: Target, namespace: str, collection: str) -> Flow[dict[str, Row]]:
    """Return all rows of a collection, sorted by key."""
    keys = yield from key_values.list_keys(target, _place(namespace, collection))
    return (yield from get_many(target, namespace, keys, collection))


def delete_many(
    target: Target, namespace: str, keys: Iterable[str], collection: str
) -> Flow[list[str]]:
    """Delete rows, and return the keys of those that existed."""
    place = _place(namespace, collection)
    keys = list(many(keys, "keys", "keys"))
    found = yield from key_values.get_many(target, place, keys)
    if found:
        yield from key_values.delete_many(target, place, found)
    return list(found)


def delete(target: Target, namespace: str, key: str, collection: str) -> Flow[bool]:
    """Delete a row, and say whether it existed."""
    found = yield from delete_many(target, namespace, [required_text(key, "key")], collection)
    return bool(found)


def clear(target: Target, namespace: str, collection: str) -> Flow[None]:
    """Delete all rows of a collection."""
    yield from key_values.clear(target, _place(namespace, collection))


def _place(namespace: str, collection: str) -> str:
    parts = name_part(namespace), name_part(required_text(collection, "collection"))
    return f"{PREFIX}.{'/'.join(parts)}"


def _text_of(value: Any, field: str) -> str:
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"{field} must be a dict; it is {kind_of(value)}.", field=field)
    try:
        return to_json(dict(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{field} cannot be JSON: {error}", field=field) from error


def _row_of(text: str, key: str) -> Row:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise ProtocolError(f"The value of {key!r:.80} was not written by ConvexKVStore.")
    return row
