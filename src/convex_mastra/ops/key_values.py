"""Values under keys that can be listed, in namespaces.

For key-value stores of any framework. A namespace is a partition of values, which is read by key
only and never as a whole, and sixteen partitions of small rows that list the keys (``partitions``).
Nothing is read before it is written, so writers side by side lose nothing. Called by the faces of
``ConvexKeyValues`` and by the adapters; what a value says is their business.

Whatever can be read is listed, also after a crash or when others write and delete side by side
(ADR 14): a key is listed before its value is written and once more after it, for a deletion in
between; a value is deleted before its key and once more after it, for a writer in between. Only a
deletion that crashes before that, while somebody writes the same key, can leave a value unlisted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from convex_mastra.errors import ScanLimitError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import document_writes, documents
from convex_mastra.ops.arguments import any_text, distinct_ids, required_object, required_text
from convex_mastra.ops.partitions import SHARDS, list_shards, name_part, shard
from convex_mastra.ops.target import Target

LISTED: Final = ""
"""The text of a row that lists a key."""


def put_many(target: Target, namespace: str, items: Mapping[str, str]) -> Flow[None]:
    """Write values; one whose key exists is replaced.

    If it fails half-way, keys may be listed whose values were not written, and read as missing.

    Args:
        namespace: any text that is not empty.
        items: values, texts of any size, by key; a key is not empty.

    Raises:
        InvalidArgumentError: a key or value that Convex cannot hold. Nothing was sent.

    Cost: three round trips' wait. One request for every 4 MiB or 1,000 values, and twice up to 16
    for the keys, side by side; where ``convex_mastra/documents:write`` is deployed, twice one for
    every 1,000 keys. A value beyond 1 MiB costs two round trips' wait more.
    """
    items = required_object(items, "items")
    values = yield from document_writes.prepare(_values(namespace), items)
    keys = []
    for name, rows in _by_shard(namespace, items).items():
        keys.append((yield from document_writes.prepare(name, dict.fromkeys(rows, LISTED))))
    yield from document_writes.put_each_prepared(target, keys)
    yield from document_writes.put_prepared(target, values)
    yield from document_writes.put_each_prepared(target, keys)


def get_many(target: Target, namespace: str, keys: Iterable[str]) -> Flow[dict[str, str]]:
    """Return the values that exist, by key, in the order of *keys*.

    Cost: one round trip for every 10 keys, side by side; where ``convex_mastra/documents:load`` is
    deployed, for every 500. For values beyond 1 MiB one wait more. On a handler before 1.2.1 a
    round trip for every key and part.
    """
    return (yield from documents.get_many(target, _values(namespace), keys))


def delete_many(target: Target, namespace: str, keys: Iterable[str]) -> Flow[None]:
    """Delete values and their keys; keys that do not exist are skipped.

    If it fails half-way, keys may still be listed whose values are gone; deleting again goes on.

    Cost: five round trips' wait. Three requests for every 1,000 keys, up to 16 for the list of
    keys, or one for every 1,000 where ``convex_mastra/documents:remove`` is deployed. Values are
    not read.
    """
    partition = _values(namespace)
    keys = distinct_ids(keys, "keys")
    yield from documents.delete_many(target, partition, keys)
    yield from documents.delete_each(target, _by_shard(namespace, keys))
    yield from documents.delete_many(target, partition, keys)


def list_keys(target: Target, namespace: str, *, prefix: str = "") -> Flow[list[str]]:
    """Return the keys that begin with *prefix*, sorted. No value is read.

    A key whose value is being written or deleted, or was left half-way, may be among them; its
    value reads as missing.

    Raises:
        ScanLimitError: the namespace holds more keys than a stock deployment lists, about 125,000
            of them or 250 MiB, and ``convex_mastra/documents:page`` is not deployed. Values are
            still read and deleted by key; spread keys over several namespaces.

    Cost: 16 round trips, side by side; one where ``convex_mastra/documents:ranges`` is deployed,
    and more for every 65,000 keys.
    """
    any_text(prefix, "prefix")
    try:
        rows = yield from list_shards(target, _keys(namespace))
    except ScanLimitError as error:
        raise ScanLimitError(
            f"The namespace {namespace[:80]!r} holds more keys than the deployment lists. Read and "
            "delete by key, or spread the keys over several namespaces.",
            limit=error.limit,
            operation=error.operation,
            request_id=error.request_id,
        ) from error
    return sorted(key for key in rows if key.startswith(prefix))


def clear(target: Target, namespace: str) -> Flow[None]:
    """Delete all values and keys of a namespace, however many. One round trip for every 25."""
    partition = _values(namespace)
    yield from documents.clear(target, partition)
    yield Gather([documents.clear(target, f"{_keys(namespace)}/{name}") for name in SHARDS])
    yield from documents.clear(target, partition)


def _by_shard(namespace: str, keys: Iterable[str]) -> dict[str, list[str]]:
    shards: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        shards[shard(_keys(namespace), key)].append(key)
    return shards


def _values(namespace: str) -> str:
    return f"key_values/{name_part(required_text(namespace, 'namespace'))}/values"


def _keys(namespace: str) -> str:
    return f"key_values/{name_part(required_text(namespace, 'namespace'))}/keys"
