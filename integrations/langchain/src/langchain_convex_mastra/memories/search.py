"""Searching memories below a namespace prefix: the latest first, or the nearest to a query.

Only partitions of namespaces below the prefix are read. A query ranks the memories that are there
and pass the filter: vectors that nobody stands behind any more never count, and however many other
vectors are nearer, the result is filled if that many memories match. Called by ``batches``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.store.base import SearchItem, SearchOp

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import vector_search
from convex_mastra.scoring import Vector
from langchain_convex_mastra.embedding import embed_query
from langchain_convex_mastra.memories.layout import Memory, Namespace, Place
from langchain_convex_mastra.memories.matching import selects
from langchain_convex_mastra.memories.namespaces import list_flows, listed_under
from langchain_convex_mastra.memories.reads import read_namespace, refresh
from langchain_convex_mastra.memories.vectors import whose

Ranked = list[tuple[Memory, float | None]]


def search(place: Place, op: SearchOp) -> Flow[list[SearchItem]]:
    """Return what a checked operation asks for.

    Cost: two round trips' wait. One request for the namespaces (16 for a prefix of fewer than two
    labels) and one for each below the prefix. One wait more if memories expire, one to refresh
    them; with a query what embedding it and searching the vector index takes.
    """
    if op.limit == 0:
        return []
    prefix = tuple(op.namespace_prefix)
    vector = (yield from embed_query(op.query)) if op.query and place.indexing else None
    found = yield from _read_below(place, prefix)
    memories = [memory for memory in found if selects(op.filter, memory.value)]
    memories.sort(key=lambda memory: memory.address)
    memories.sort(key=lambda memory: memory.updated_at, reverse=True)
    ranked: Ranked = [(memory, None) for memory in memories]
    if vector is not None:
        ranked = yield from _ranked(place, memories, vector, prefix, op.offset + op.limit)
    chosen = ranked[op.offset : op.offset + op.limit]
    if op.refresh_ttl:
        yield from refresh(place, [memory for memory, _ in chosen])
    return [
        SearchItem(
            memory.namespace,
            memory.key,
            memory.value,
            memory.created_at,
            memory.updated_at,
            score,
        )
        for memory, score in chosen
    ]


def _read_below(place: Place, prefix: Namespace) -> Flow[list[Memory]]:
    # Most searches name the namespace itself, which is read while its list is.
    *lists, found = yield Gather([*list_flows(place, prefix), read_namespace(place, prefix)])
    others = [one for one in listed_under(prefix, lists) if one != prefix]
    more: list[list[Memory]] = yield Gather([read_namespace(place, one) for one in others])
    return [memory for memories in (found, *more) for memory in memories]


def _ranked(
    place: Place, memories: Sequence[Memory], vector: Vector, prefix: Namespace, wanted: int
) -> Flow[Ranked]:
    """The memories by their best vector, then those without one, in the order given."""
    versions = {memory.address: memory.version for memory in memories if memory.vectors}
    counts = sorted((memory.vectors for memory in memories), reverse=True)
    scores: dict[tuple[Namespace, str], float] = {}
    if versions:

        def accept(_id: str, about: Mapping[str, Any] | None) -> bool:
            address, version = whose(about)
            return version is not None and versions.get(address) == version

        matches = yield from vector_search.query(
            place.target,
            place.index_name,
            vector,
            # So many vectors are of *wanted* memories at least, whichever they are.
            top_k=1 + sum(counts[: wanted - 1]),
            filter={"namespace": {"$all": list(prefix)}} if prefix else None,
            accept=accept,
        )
        for match in matches:
            scores.setdefault(whose(match.metadata)[0], match.score)
    best = sorted(
        (memory for memory in memories if memory.address in scores),
        key=lambda memory: scores[memory.address],
        reverse=True,
    )
    ranked: Ranked = [(memory, scores[memory.address]) for memory in best]
    if len(ranked) < wanted:
        ranked += [(memory, None) for memory in memories if memory.address not in scores]
    return ranked
