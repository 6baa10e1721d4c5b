"""Putting memories.

A batch reads what it replaces (a memory keeps the time of its creation), lists what it will write,
writes vectors, then values, and lists them once more, for a deletion in between (ADR 14). So whatever
can be read is listed, and has its vectors, whoever crashes. Called by ``batches``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import document_writes
from convex_mastra.ops.storage import batches_by_size, upsert_rows
from convex_mastra.ops.vector_indexes import create_index
from convex_mastra.wire import vector_table
from langchain_convex_mastra.memories.layout import (
    Address,
    KeyRow,
    Memory,
    Namespace,
    Place,
    first_expiry_ms,
    memory_text,
    put_key_rows,
)
from langchain_convex_mastra.memories.namespaces import ALL, EXPIRING, Listing
from langchain_convex_mastra.memories.stored import Stored, read_stored
from langchain_convex_mastra.memories.vectors import (
    Version,
    drop_versions,
    embed,
    list_versions,
    obsolete,
    vector_rows,
)


@dataclass(frozen=True, slots=True)
class Put:
    """A checked put.

    Attributes:
        value: as JSON.
        texts: what is embedded, each under the path that found it.
        ttl: minutes, or None.
    """

    namespace: Namespace
    key: str
    value: str
    texts: Sequence[tuple[str, str]]
    ttl: float | None


def put_memories(place: Place, puts: Sequence[Put]) -> Flow[None]:
    """Write memories, in place of those under the same keys.

    Raises:
        InvalidArgumentError: embeddings that do not fit. Nothing was written.

    Cost: four round trips' wait, and five requests a namespace. Up to six more, side by side with
    these, if its namespace was not listed lately. With an index three waits more: one to write the
    vectors, two to delete those that were replaced.
    """
    vectors = yield from embed(place, (text for put in puts for _, text in put.texts))
    reads: list[Flow[Any]] = [read_stored(place, [(put.namespace, put.key) for put in puts])]
    if vectors and place.indexing:
        reads.append(create_index(place.target, place.index_name, place.indexing.dims))
    stored: Mapping[Address, Stored] = (yield Gather(reads))[0]
    drafts = list(zip(_memories(place, puts, stored), puts, strict=True))
    memories = [memory for memory, _ in drafts]
    prepared = []
    for namespace, texts in _texts(drafts).items():
        prepared.append((yield from document_writes.prepare(place.items(namespace), texts)))
    rows = [row for memory, put in drafts for row in vector_rows(memory, put.texts, vectors)]

    listings = [
        Listing(place, ALL, [put.namespace for put in puts]),
        Listing(place, EXPIRING, [put.namespace for put in puts if put.ttl is not None]),
    ]
    yield Gather([*_listed(place, listings, memories), *list_versions(place, memories)])
    yield from upsert_rows(place.target, vector_table(place.index_name), batches_by_size(rows))
    yield from document_writes.put_each_prepared(place.target, prepared)
    yield Gather([*_listed(place, listings, memories), *_drop_replaced(place, stored)])
    for listing in listings:
        listing.done()


def _memories(
    place: Place, puts: Iterable[Put], stored: Mapping[Address, Stored]
) -> Iterable[Memory]:
    moment: datetime = place.target.clock.next(place.root)
    for put in puts:
        old = stored[put.namespace, put.key].living(place)
        yield Memory(
            namespace=put.namespace,
            key=put.key,
            value={},
            created_at=moment if old is None else old.created_at,
            updated_at=moment,
            ttl=put.ttl,
            version=uuid4().hex,
            vectors=len(put.texts),
        )
        moment += timedelta(microseconds=1)  # each put of a batch has a time of its own


def _texts(drafts: Iterable[tuple[Memory, Put]]) -> dict[Namespace, dict[str, str]]:
    texts: defaultdict[Namespace, dict[str, str]] = defaultdict(dict)
    for memory, put in drafts:
        texts[memory.namespace][memory.key] = memory_text(memory, put.value)
    return texts


def _listed(
    place: Place, listings: Iterable[Listing], memories: Iterable[Memory]
) -> list[Flow[None]]:
    """What lists the namespaces and keys."""
    rows: defaultdict[Namespace, list[KeyRow]] = defaultdict(list)
    for memory in memories:
        rows[memory.namespace].append(KeyRow(memory.key, first_expiry_ms(memory)))
    keys = [put_key_rows(place, namespace, some) for namespace, some in rows.items()]
    return [*(flow for listing in listings for flow in listing.flows()), *keys]


def _drop_replaced(place: Place, stored: Mapping[Address, Stored]) -> list[Flow[None]]:
    versions: defaultdict[Namespace, list[Version]] = defaultdict(list)
    for (namespace, _), old in stored.items():
        versions[namespace] += obsolete(place, old.versions, old.memory)
    return [drop_versions(place, namespace, some) for namespace, some in versions.items() if some]
