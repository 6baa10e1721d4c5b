"""Searching a schema-declared vector index: Convex's own vector search.

Behaves as ConvexNativeVector of @mastra/convex 1.5.2 (dist/vector/native), but checks vector and
filter before anything is sent, and can leave the last word on a match to its caller. Called by the
faces of ``ConvexNativeVector``, and by ``native_reads`` for what a search finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError, ProtocolError, ScanLimitError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.native_filters import clauses
from convex_mastra.ops.native_indexes import index_named, native_read, native_search
from convex_mastra.ops.storage import in_parts, parts_of
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import as_query, check_min_score, check_top_k
from convex_mastra.ops.vector_scan import Accept
from convex_mastra.ops.vector_search import WIDENING, VectorMatch
from convex_mastra.records import NativeIndex
from convex_mastra.scoring import Vector
from convex_mastra.values import plain_numbers
from convex_mastra.wire import Json


def query(
    target: Target,
    index_name: str,
    query_vector: npt.ArrayLike,
    *,
    top_k: int = 10,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - Mastra's name
    min_score: float | None = None,
    include_vector: bool = False,
    accept: Accept | None = None,
) -> Flow[list[VectorMatch]]:
    """Return the stored vectors nearest to *query_vector*, best first, equal scores by id.

    Args:
        query_vector: shape (dimension,), finite.
        top_k: how many at most, 1 to 256.
        filter: one equality on a filter field, ``{"tag": "a"}`` or ``{"tag": {"$eq": "a"}}``, or
            ``{"$or": [...]}`` of up to 64 such; values are text, numbers, booleans or None. There
            is no AND: give such a combination a filter field of its own.
        min_score: leave out what scores less.
        include_vector: return the vectors too.
        accept: the last word on each match, given its id and metadata; for conditions that no
            filter can express. *top_k* counts what was accepted.

    Returns:
        At most *top_k* matches. Scores are float32, and a large index of a deployment is searched
        approximately; which of several equal scores are among the last is Convex's choice. A
        vector that was deleted while the query ran is left out.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: a vector, filter or *top_k* that cannot be. Nothing was sent.
        ScanLimitError: of the 256 nearest, which is as far as Convex searches, fewer than *top_k*
            were accepted, and there may be more.

    Cost: two round trips. With ``$or`` the first is one request for each alternative, side by
    side: Convex takes no argument with such a key, and so answers them one by one. With *accept*,
    four times *top_k* are asked for, and four times as many again as long as too few were accepted.
    """
    index = index_named(target, index_name)
    check_top_k(top_k)
    if top_k > limits.NATIVE_RESULTS:
        raise InvalidArgumentError(
            f"top_k must be an integer between 1 and {limits.NATIVE_RESULTS}, not {top_k}.",
            field="top_k",
        )
    check_min_score(min_score)
    vector = as_query(query_vector, index.dimension, index_name, "query_vector")
    terms = clauses(filter, index)
    limit = top_k if accept is None else min(top_k * WIDENING, limits.NATIVE_RESULTS)
    matches: dict[str, VectorMatch | None] = {}  # those read so far, by Convex's ids
    while True:
        hits = yield from nearest(target, index, vector, limit, terms, min_score)
        best = hits.scores if accept else dict(list(hits.scores.items())[:top_k])
        matches |= yield from _matches(
            target, index, {one: best[one] for one in best if one not in matches}, include_vector
        )
        found = [match for one in best if (match := matches[one]) is not None]
        found.sort(key=lambda match: (-match.score, match.id))
        if accept is None:
            return found
        accepted = [match for match in found if accept(match.id, match.metadata)][:top_k]
        if len(accepted) == top_k or hits.are_all:
            return accepted
        if limit == limits.NATIVE_RESULTS:
            raise ScanLimitError(
                f"Of the {limit} vectors of {index_name} nearest to the query, {len(accepted)} "
                f"were accepted, not {top_k}; Convex's vector search goes no further. Ask for "
                "fewer, or filter on a filter field of the index.",
                limit=limit,
                operation=f"vectorSearch {index.table_name}",
            )
        limit = min(limit * WIDENING, limits.NATIVE_RESULTS)


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search found.

    Attributes:
        scores: by Convex's ids, best first.
        are_all: there is nothing else that matches.
    """

    scores: dict[str, float]
    are_all: bool


def nearest(
    target: Target,
    index: NativeIndex,
    vector: Vector,
    limit: int,
    terms: Sequence[Json],
    min_score: float | None = None,
) -> Flow[Hits]:
    """Return the *limit* nearest documents that meet one of *terms*; more, if these are all.

    Cost: one round trip's wait, with one request for each of *terms*.
    """
    any_of: Sequence[Json | None] = terms or [None]
    answers = yield Gather([_search(target, index, vector, limit, term) for term in any_of])
    scores: dict[str, float] = {}
    for answer in answers:
        scores |= answer
    are_all = all(len(answer) < limit for answer in answers)
    best = sorted(sorted(scores, reverse=True), key=lambda identity: -scores[identity])
    if not are_all:
        best = best[:limit]  # further down, the answer that was cut may have had better ones
    if min_score is not None and best and scores[best[-1]] < min_score:
        best = [identity for identity in best if scores[identity] >= min_score]
        are_all = True
    return Hits({identity: scores[identity] for identity in best}, are_all)


def _search(
    target: Target, index: NativeIndex, vector: Vector, limit: int, term: Json | None
) -> Flow[dict[str, float]]:
    """The scores of the nearest documents, by Convex's ids."""
    args: Json = {"vector": vector, "limit": limit}
    if term is not None:
        args["filter"] = term
    hits = yield from native_search(target, index, **args)
    try:
        return {str(hit["id"]): float(hit["score"]) for hit in hits}
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(f"{target.native.search_function} returned no matches.") from None


def _matches(
    target: Target, index: NativeIndex, scores: Mapping[str, float], include_vector: bool
) -> Flow[dict[str, VectorMatch | None]]:
    """Each as a match; None for what is not there any more."""
    if not scores:
        return {}
    documents = yield from documents_of(target, index, list(scores), include_vector)
    matches: dict[str, VectorMatch | None] = dict.fromkeys(scores)
    for document in documents:
        matches[document["_id"]] = _match(index, document, scores[document["_id"]], include_vector)
    return matches


def documents_of(
    target: Target, index: NativeIndex, ids: Sequence[str], include_vector: bool
) -> Flow[list[Json]]:
    """Return the documents that are still there, in any order.

    Cost: one round trip's wait, with one request for every 256; more where one call cannot read so
    much.
    """

    def send(part: list[str]) -> Flow[Any]:
        return native_read(target, index, "getByConvexIds", ids=part, includeVector=include_vector)

    # Alternatives of a filter find 256 each, and an array of Convex holds 8,192.
    parts = parts_of(ids, limits.NATIVE_RESULTS)
    replies = yield Gather([in_parts(send, part) for part in parts])
    wanted = set(ids)
    try:
        documents = [document for part in replies for reply in part for document in reply]
        if all(document["_id"] in wanted for document in documents):
            return documents
    except (KeyError, TypeError):
        pass
    raise ProtocolError(f"{target.native.read_function} returned other documents than asked for.")


def _match(index: NativeIndex, document: Json, score: float, include_vector: bool) -> VectorMatch:
    try:
        return VectorMatch(
            id=str(document[index.id_field]),
            score=score,
            metadata=plain_numbers(document.get(index.metadata_field)),
            vector=(
                np.asarray(document[index.vector_field], np.float64) if include_vector else None
            ),
        )
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(f"A document of {index.table_name} holds no vector.") from None
