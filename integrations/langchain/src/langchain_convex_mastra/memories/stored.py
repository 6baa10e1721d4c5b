"""What is stored under keys, before it is replaced or deleted. Called by ``writes``, ``deletes``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import documents
from convex_mastra.ops.storage import load_many
from convex_mastra.records import Row
from langchain_convex_mastra.memories.layout import (
    Address,
    KeyRow,
    Memory,
    Namespace,
    Place,
    is_live,
    key_row_of,
    memory_of,
)
from langchain_convex_mastra.memories.vectors import Version, version_of, versions_of


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored under a key, and beside it.

    Attributes:
        versions: all that are listed of its vectors; without an index, those its memory names.
    """

    memory: Memory | None
    row: KeyRow | None
    versions: Sequence[Version]

    @property
    def is_nothing(self) -> bool:
        """Whether nothing at all is stored."""
        return self.memory is None and self.row is None and not self.versions

    def living(self, place: Place) -> Memory | None:
        """The memory, if it has not expired."""
        memory = self.memory
        return memory if memory is not None and is_live(place, memory, self.row) else None


def read_stored(place: Place, addresses: Iterable[Address]) -> Flow[dict[Address, Stored]]:
    """Return what is stored under keys.

    Cost: one wait; a round trip for every 10 keys of a namespace, twice, and with an index one
    more a namespace.
    """
    keys: defaultdict[Namespace, list[str]] = defaultdict(list)
    for namespace, key in addresses:
        keys[namespace].append(key)
    reads: list[Flow[Any]] = []
    for namespace, some in keys.items():
        reads.append(documents.get_many(place.target, place.items(namespace), some))
        reads.append(load_many(place.target, place.keys(namespace), some))
        if place.indexing:
            reads.append(versions_of(place, namespace))
    replies = iter((yield Gather(reads)))
    stored = {}
    for namespace, some in keys.items():
        texts: dict[str, str] = next(replies)
        rows: dict[str, Row] = {row["id"]: row for row in next(replies)}
        versions = next(replies) if place.indexing else {}
        for key in some:
            memory = memory_of(texts[key], key) if key in texts else None
            named = {one.id: one for one in versions.get(key, ())}
            if memory is not None and memory.vectors:
                named.setdefault(memory.version, version_of(memory))
            stored[namespace, key] = Stored(
                memory, key_row_of(rows[key]) if key in rows else None, list(named.values())
            )
    return stored
