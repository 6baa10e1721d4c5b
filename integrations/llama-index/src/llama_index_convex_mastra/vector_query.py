"""Querying the vector store: similarity and maximal marginal relevance, under filters.

Filters are pushed down as far as the kind of index takes them, and matches are judged again by
``filters`` unless that was all; the search goes on until *top_k* of them were accepted. Called by
``vector_store`` only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from llama_index.core.vector_stores.types import (
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)

from convex_mastra import InvalidArgumentError, VectorMatch
from convex_mastra.filters import compile_filter
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.arguments import kind_of, required_object
from convex_mastra.ops.index_kinds import Selection, VectorIndex
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import as_query, check_top_k
from convex_mastra.ops.vector_scan import Accept
from convex_mastra.scoring import TopK, Vector, most_marginally_relevant, score_rows
from llama_index_convex_mastra.filters import build_predicate, checked_filters
from llama_index_convex_mastra.nodes import REFERENCE_KEYS, filterable_metadata, metadata_to_node
from llama_index_convex_mastra.selection import index_on, push

MODES: Final = (VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR)
MMR_THRESHOLD: Final = 0.5
"""What llama-index's own MMR weighs relevance with, of 1."""
MMR_PREFETCH_FACTOR: Final = 4.0
"""Candidates for each result; what the Postgres and Chroma stores take."""
IDS_READ_DIRECTLY: Final = 256
"""Up to so many node ids are read and scored one by one; more are looked for in a scan. Where a
search has an end they are always read."""


def query_nodes(
    target: Target,
    index_name: str,
    query: VectorStoreQuery,
    *,
    include_embeddings: bool = False,
    mmr_threshold: float | None = None,
    mmr_prefetch_factor: float | None = None,
    mmr_prefetch_k: int | None = None,
    mastra_filter: Mapping[str, Any] | None = None,
) -> Flow[VectorStoreQueryResult]:
    """Return the nodes nearest to the query's embedding, with their cosine similarities.

    Args:
        query: modes ``default`` and ``mmr``; ``filters``, ``doc_ids`` and ``node_ids`` restrict
            the result, an empty list of ids does not.
        include_embeddings: set the embeddings of the returned nodes.
        mmr_threshold: 1 for relevance alone, 0 for diversity alone; the query's own wins.
        mmr_prefetch_factor: MMR chooses among ``similarity_top_k`` times as many candidates; four
            times if None, but no more than 256 of a native index.
        mmr_prefetch_k: how many candidates, instead.
        mastra_filter: a further filter in Mastra's grammar, on the native copies of the metadata.

    Raises:
        InvalidArgumentError: another mode, no embedding, one that does not fit the index, a
            threshold outside [0, 1], more than 256 results or candidates of a native index.
        ScanLimitError: of the 256 nodes that a native index finds nearest, which is as far as
            Convex searches, fewer than asked for pass, and there may be more.

    Cost: as ``ConvexVector.query``: one round trip's wait where the deployment has our search
    function, else a scan of the index. Up to 256 node ids are read by id instead, ten a round trip.
    A native index: two round trips, and two more for each time that too few of what it found pass,
    eight at most; node ids are read by id, any number, a hundred a round trip.
    """
    if not isinstance(query, VectorStoreQuery):
        raise InvalidArgumentError(
            f"query must be a VectorStoreQuery; it is {kind_of(query)}.", field="query"
        )
    if query.mode not in MODES:
        raise InvalidArgumentError(
            f"ConvexVectorStore does not support the query mode "
            f"{VectorStoreQueryMode(query.mode).value!r}; it supports "
            f"{' and '.join(repr(mode.value) for mode in MODES)}.",
            field="query.mode",
        )
    checked_filters(query.filters, "query.filters")
    if query.query_embedding is None:
        raise InvalidArgumentError("The query has no embedding.", field="query.query_embedding")
    vector = as_query(query.query_embedding, None, index_name, "query.query_embedding")
    top_k = query.similarity_top_k
    check_top_k(top_k)
    required_object(mastra_filter or {}, "mastra_filter")
    threshold = MMR_THRESHOLD if mmr_threshold is None else mmr_threshold
    if query.mmr_threshold is not None:
        threshold = query.mmr_threshold
    if not 0 <= threshold <= 1:
        raise InvalidArgumentError(
            f"mmr_threshold must be from 0 to 1, not {threshold!r:.40}.", field="mmr_threshold"
        )
    is_mmr = query.mode == VectorStoreQueryMode.MMR
    index = index_on(target, index_name)
    is_searched = not query.node_ids or not _are_read(query.node_ids, index)
    most = index.most_results if is_searched else None
    wanted = top_k
    if is_mmr:
        candidates = _candidates(top_k, mmr_prefetch_factor, mmr_prefetch_k, most)
        wanted = max(top_k, candidates)
    if most is not None and wanted > most:
        raise InvalidArgumentError(
            f"A native Convex index is searched for at most {most} nodes, not {wanted}"
            f"{' candidates' if is_mmr else ''}.",
            field="query.similarity_top_k" if wanted == top_k else "mmr_prefetch_k",
        )
    matches = yield from _matches(
        index, query, vector, wanted, include_embeddings or is_mmr, mastra_filter
    )
    if is_mmr:
        matches = _diverse(matches, vector, top_k, threshold)
    return _result(matches, include_embeddings=include_embeddings)


def _candidates(top_k: int, factor: float | None, count: int | None, most: int | None) -> int:
    """Among how many MMR chooses; as many as there can be where nobody said how many."""
    if count:
        return count
    if factor is not None:
        return math.ceil(top_k * factor)
    usual = math.ceil(top_k * MMR_PREFETCH_FACTOR)
    return usual if most is None else min(usual, most)


def _are_read(node_ids: Sequence[str], index: VectorIndex) -> bool:
    """Whether nodes are read by id, and not searched for."""
    return index.most_results is not None or len(node_ids) <= IDS_READ_DIRECTLY


def _matches(
    index: VectorIndex,
    query: VectorStoreQuery,
    vector: Vector,
    wanted: int,
    with_vectors: bool,
    mastra_filter: Mapping[str, Any] | None,
) -> Flow[list[VectorMatch]]:
    pushed = push(index, query.filters, query.doc_ids)
    where = pushed.where
    if mastra_filter:
        where = {"$and": [*([where] if where else []), dict(mastra_filter)]}
    accept = _acceptance(query)
    if query.node_ids and _are_read(query.node_ids, index):
        return (yield from _among(index, query.node_ids, vector, wanted, where, accept))
    if pushed.decides and not query.node_ids:
        accept = None
    return (
        yield from index.search(
            vector, wanted, Selection(where, accept), include_vector=with_vectors
        )
    )


def _among(
    index: VectorIndex,
    node_ids: Sequence[str],
    vector: Vector,
    wanted: int,
    where: Mapping[str, Any] | None,
    accept: Accept | None,
) -> Flow[list[VectorMatch]]:
    """The best of the nodes that have these ids."""
    stored, dimension = yield Gather([index.read(node_ids), index.declared_dimension()])
    as_query(vector, dimension, index.name, "query.query_embedding")
    is_selected = compile_filter(where)
    records = [
        record
        for record in stored
        if (is_selected is None or is_selected(record.metadata))
        and (accept is None or accept(record.id, record.metadata))
    ]
    best = TopK(wanted)
    scores = score_rows([record.vector for record in records], vector)
    best.add([record.id for record in records], scores, records)
    return [
        VectorMatch(
            id=hit.id, score=hit.score, metadata=hit.payload.metadata, vector=hit.payload.vector
        )
        for hit in best.result()
    ]


def _acceptance(query: VectorStoreQuery) -> Accept | None:
    """The judge of what no pushed filter decides; None if there is no such thing."""
    has_filters = query.filters is not None and bool(query.filters.filters)
    if not (has_filters or query.node_ids or query.doc_ids):
        return None
    predicate = build_predicate(query.filters)
    node_ids = frozenset(query.node_ids or ())
    doc_ids = frozenset(query.doc_ids or ())

    def accept(node_id: str, metadata: Mapping[str, Any] | None) -> bool:
        if node_ids and node_id not in node_ids:
            return False
        flat = filterable_metadata(metadata)
        return (not doc_ids or flat.get(REFERENCE_KEYS[-1]) in doc_ids) and predicate(flat)

    return accept


def _diverse(
    matches: list[VectorMatch], vector: Vector, top_k: int, threshold: float
) -> list[VectorMatch]:
    comparable = [
        match for match in matches if match.vector is not None and len(match.vector) == len(vector)
    ]
    if not comparable:
        return []
    matrix = np.stack([match.vector for match in comparable if match.vector is not None])
    chosen = most_marginally_relevant(vector, matrix, k=top_k, lambda_mult=threshold)
    return [comparable[position] for position in chosen]


def _result(matches: list[VectorMatch], *, include_embeddings: bool) -> VectorStoreQueryResult:
    nodes = [
        metadata_to_node(
            match.id,
            match.metadata,
            match.vector.tolist() if include_embeddings and match.vector is not None else None,
        )
        for match in matches
    ]
    return VectorStoreQueryResult(
        nodes=nodes,
        similarities=[match.score for match in matches],
        ids=[match.id for match in matches],
    )
