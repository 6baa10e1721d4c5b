"""Memories by key, and all memories of a namespace: those that have not expired.

A get never scans. Reading a namespace is one scan of its partition; where its values are more than
the deployment reads in one call or in pages, they are read by their keys. Called by ``batches``, ``search`` and
``listing``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from convex_mastra import ScanLimitError
from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.limits import MIB
from convex_mastra.ops import documents
from convex_mastra.ops.storage import load_many, query_rows
from langchain_convex_mastra.memories.layout import (
    KeyRow,
    Memory,
    Namespace,
    Place,
    is_live,
    key_row_of,
    key_rows,
    memory_of,
    put_key_rows,
    ttl_ms,
)

WORKED_CHARACTERS: Final = MIB
"""So much JSON is read before others have their turn."""


def get_memories(
    place: Place, namespace: Namespace, keys: Iterable[str], refreshed: Iterable[str]
) -> Flow[dict[str, Memory]]:
    """Return the memories that exist, by key.

    Args:
        refreshed: keys whose memories, if they expire, expire anew from now on.

    Cost: a round trip for every 10 keys, side by side; one wait more if there are memories that
    expire, and one more to refresh them.
    """
    texts = yield from documents.get_many(place.target, place.items(namespace), keys)
    memories = yield from _memories(texts)
    expiring = [key for key, memory in memories.items() if memory.ttl is not None]
    rows = {}
    if expiring:
        found = yield from load_many(place.target, place.keys(namespace), expiring)
        rows = {row["id"]: key_row_of(row) for row in found}
    live = _live(place, memories, rows)
    wanted = set(refreshed)
    yield from refresh(place, [live[key] for key in live if key in wanted])
    return live


def read_namespace(place: Place, namespace: Namespace) -> Flow[list[Memory]]:
    """Return all memories of a namespace.

    Raises:
        ScanLimitError: there are more than a stock deployment lists, about 8,000.

    Cost: one round trip; one wait more if there are memories that expire. Beyond 16 MiB pages of
    them, one after the other; of a stock deployment one for every 10 memories, side by side.
    """
    rows: dict[str, KeyRow] | None = None
    try:
        texts = yield from documents.list_long(place.target, place.items(namespace))
    except ScanLimitError:
        rows = yield from _all_key_rows(place, namespace)
        texts = yield from documents.get_many(place.target, place.items(namespace), rows)
    memories = yield from _memories(texts)
    if rows is None:
        rows = {}
        if any(memory.ttl is not None for memory in memories.values()):
            rows = yield from _all_key_rows(place, namespace)
    return list(_live(place, memories, rows).values())


def is_occupied(place: Place, namespace: Namespace) -> Flow[bool]:
    """Say whether a namespace has a memory. No value is read.

    Cost: one round trip, two if memories expire.
    """
    some = yield from query_rows(place.target, place.keys(namespace), {}, limit=1)
    if not some or key_row_of(some[0]).expires_ms is None:
        return bool(some)
    now = place.now_ms()
    rows = yield from _all_key_rows(place, namespace)
    return not all(row.is_expired(now) for row in rows.values())


def refresh(place: Place, memories: Iterable[Memory]) -> Flow[None]:
    """Let memories that expire do so anew from now on. Values are not written.

    Cost: one round trip a namespace, side by side; none if no memory expires.
    """
    now = place.now_ms()
    rows: defaultdict[Namespace, list[KeyRow]] = defaultdict(list)
    for memory in memories:
        if memory.ttl is not None:
            row = KeyRow(memory.key, now + ttl_ms(memory.ttl))
            rows[memory.namespace].append(row)
    yield Gather([put_key_rows(place, namespace, some) for namespace, some in rows.items()])


def _all_key_rows(place: Place, namespace: Namespace) -> Flow[dict[str, KeyRow]]:
    try:
        return (yield from key_rows(place, namespace))
    except ScanLimitError as error:
        raise ScanLimitError(
            f"The namespace {namespace!r:.80} holds more memories than the deployment lists. Read "
            "by key, or spread them over several namespaces.",
            limit=error.limit,
            operation=error.operation,
            request_id=error.request_id,
        ) from error


def _memories(texts: Mapping[str, str]) -> Flow[dict[str, Memory]]:
    memories = {}
    worked = 0
    for key, text in texts.items():
        worked += len(text)
        if worked >= WORKED_CHARACTERS:
            yield Sleep(0)
            worked = 0
        memories[key] = memory_of(text, key)
    return memories


def _live(
    place: Place, memories: Mapping[str, Memory], rows: Mapping[str, KeyRow]
) -> dict[str, Memory]:
    return {
        key: memory for key, memory in memories.items() if is_live(place, memory, rows.get(key))
    }
