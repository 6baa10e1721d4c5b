"""Searching, listing and deleting by any filter, over a schema-declared vector index.

The index is asked for as much of a filter as it can take (``native_filters.narrow``); the rest is
judged here, on what it finds, which is 256 at most. Where that may leave something out,
ScanLimitError is raised. Called by the adapters, which know frameworks' filters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convex_mastra.filters import compile_filter
from convex_mastra.flow import Flow
from convex_mastra.ops import native_reads, native_search, native_vectors
from convex_mastra.ops.native_filters import Narrowed, narrow
from convex_mastra.ops.native_indexes import index_named
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_reads import VectorRecord
from convex_mastra.ops.vector_scan import Accept
from convex_mastra.ops.vector_search import VectorMatch
from convex_mastra.scoring import Vector

Where = Mapping[str, Any]


def search(
    target: Target,
    index_name: str,
    vector: Vector,
    *,
    top_k: int,
    where: Where | None = None,
    accept: Accept | None = None,
    min_score: float | None = None,
    include_vector: bool = False,
) -> Flow[list[VectorMatch]]:
    """Search with what the index can take of *where*; go on until *top_k* pass all of it.

    Arguments, errors and cost are those of ``native_search.query``, but *where* may be any filter
    that ``compile_filter`` takes. Where nothing can match, nothing is sent.
    """
    narrowed = narrow(where, index_named(target, index_name))
    if narrowed.is_empty:
        return []
    return (
        yield from native_search.query(
            target,
            index_name,
            vector,
            top_k=top_k,
            filter=narrowed.filter,
            min_score=min_score,
            include_vector=include_vector,
            accept=_rest(where, accept, narrowed),
        )
    )


def matching(
    target: Target, index_name: str, where: Where | None = None, accept: Accept | None = None
) -> Flow[list[VectorRecord]]:
    """Return all that pass, by id, if the index finds fewer than 256 to be judged.

    Raises:
        ScanLimitError: it finds more.
    """
    narrowed = narrow(where, index_named(target, index_name))
    if narrowed.is_empty:
        return []
    return (
        yield from native_reads.list_vectors(
            target,
            index_name,
            filter=narrowed.filter,
            accept=_rest(where, accept, narrowed),
        )
    )


def delete_matching(
    target: Target, index_name: str, where: Where | None = None, accept: Accept | None = None
) -> Flow[None]:
    """Delete all that pass: 256 at a time, until a search finds none.

    Where something is left to be judged here, those not deleted would be found again and again, so
    all must be found at once.

    Raises:
        ScanLimitError: something is left to be judged, of 256 or more. Nothing was deleted.
    """
    narrowed = narrow(where, index_named(target, index_name))
    if narrowed.is_empty:
        return
    if _rest(where, accept, narrowed) is not None:
        records = yield from matching(target, index_name, where, accept)
        if records:
            yield from native_vectors.delete_vectors(
                target, index_name, [record.id for record in records]
            )
        return
    while True:
        ids = yield from native_reads.find_ids(target, index_name, filter=narrowed.filter)
        if ids is None:
            return
        if ids:  # else somebody else deleted all of them meanwhile; there may be more
            yield from native_vectors.delete_vectors(target, index_name, ids)


def _rest(where: Where | None, accept: Accept | None, narrowed: Narrowed) -> Accept | None:
    """What is left to be judged of matches that meet the narrowed filter."""
    predicate = None if narrowed.is_exact else compile_filter(where)
    if predicate is None:
        return accept

    def accepts(vector_id: str, stored: Mapping[str, Any] | None) -> bool:
        return predicate(stored) and (accept is None or accept(vector_id, stored))

    return accepts
