"""Searching a schema-declared vector index: Convex's own vector search.

Behaves as ConvexNativeVector of @mastra/convex 1.5.2 (dist/vector/native), but checks vector and
filter before anything is sent. Called by the faces of ``ConvexNativeVector``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError, ProtocolError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.native_indexes import index_named, native_read, native_search
from convex_mastra.ops.storage import in_parts
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import as_query, check_top_k
from convex_mastra.ops.vector_search import VectorMatch
from convex_mastra.records import NativeIndex
from convex_mastra.scoring import Vector
from convex_mastra.values import measure, plain_numbers
from convex_mastra.wire import Json, encode


def query(
    target: Target,
    index_name: str,
    query_vector: npt.ArrayLike,
    *,
    top_k: int = 10,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - Mastra's name
    include_vector: bool = False,
) -> Flow[list[VectorMatch]]:
    """Return the stored vectors nearest to *query_vector*, best first, equal scores by id.

    Args:
        query_vector: shape (dimension,), finite.
        top_k: how many at most, 1 to 256.
        filter: one equality on a filter field, ``{"tag": "a"}`` or ``{"tag": {"$eq": "a"}}``, or
            ``{"$or": [...]}`` of up to 64 such; values are text, numbers, booleans or None. There
            is no AND: give such a combination a filter field of its own.
        include_vector: return the vectors too.

    Returns:
        At most *top_k* matches. Scores are float32, and a large index of a deployment is searched
        approximately; which of several equal scores are among the last is Convex's choice. A
        vector that was deleted while the query ran is left out.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: a vector, filter or *top_k* that cannot be. Nothing was sent.

    Cost: two round trips. With ``$or`` the first is one request for each alternative, side by
    side: Convex takes no argument with such a key, and so answers them one by one.
    """
    index = index_named(target, index_name)
    check_top_k(top_k)
    if top_k > limits.NATIVE_RESULTS:
        raise InvalidArgumentError(
            f"top_k must be an integer between 1 and {limits.NATIVE_RESULTS}, not {top_k}.",
            field="top_k",
        )
    vector = as_query(query_vector, index.dimension, index_name, "query_vector")
    clauses: Sequence[Json | None] = _clauses(filter, index) or [None]
    answers = yield Gather([_search(target, index, vector, top_k, clause) for clause in clauses])
    scores: dict[str, float] = {}
    for answer in answers:
        scores |= answer
    best = sorted(sorted(scores, reverse=True), key=lambda identity: -scores[identity])[:top_k]
    if not best:
        return []
    documents = yield from _documents(target, index, best, include_vector)
    matches = [
        _match(index, document, scores[document["_id"]], include_vector) for document in documents
    ]
    return sorted(matches, key=lambda match: (-match.score, match.id))


def _search(
    target: Target, index: NativeIndex, vector: Vector, top_k: int, clause: Json | None
) -> Flow[dict[str, float]]:
    """The scores of the nearest documents, by Convex's ids."""
    args: Json = {"vector": vector, "limit": top_k}
    if clause is not None:
        args["filter"] = clause
    hits = yield from native_search(target, index, **args)
    try:
        return {str(hit["id"]): float(hit["score"]) for hit in hits}
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(f"{target.native.search_function} returned no matches.") from None


def _documents(
    target: Target, index: NativeIndex, ids: Sequence[str], include_vector: bool
) -> Flow[list[Json]]:
    """The documents that are still there, in any order."""

    def send(part: list[str]) -> Flow[Any]:
        return native_read(target, index, "getByConvexIds", ids=part, includeVector=include_vector)

    replies = yield from in_parts(send, ids)
    wanted = set(ids)
    try:
        documents = [document for reply in replies for document in reply]
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


def _clauses(where: Mapping[str, Any] | None, index: NativeIndex) -> list[Json]:
    """The equalities of a filter, any of which must hold; none for no filter."""
    if where is not None and not isinstance(where, Mapping):
        raise _refused("it is no object", index)
    if not where:
        return []
    alternatives = where.get("$or")
    if isinstance(alternatives, list | tuple) and len(where) == 1:
        if not 1 <= len(alternatives) <= limits.NATIVE_FILTER_TERMS:
            raise _refused(f"$or has {len(alternatives)} alternatives", index)
        clauses = [_clause(one, index) for one in alternatives]
        # Each once, by its text: to Python, True is 1.
        return list({encode(clause): clause for clause in clauses}.values())
    about = where.get("metadata")
    if isinstance(about, Mapping) and len(where) == 1:
        return [_clause(about, index)]
    return [_clause(where, index)]


def _clause(where: Any, index: NativeIndex) -> Json:
    if not isinstance(where, Mapping) or len(where) != 1:
        raise _refused("it is not one equality", index)
    ((field, value),) = where.items()
    if field not in index.filter_fields:
        raise _refused(f"{field!r} is not configured as a filter field", index)
    if isinstance(value, Mapping) and list(value) == ["$eq"]:
        value = value["$eq"]
    if not isinstance(value, str | int | float | None):
        raise _refused(f"the value of {field!r} is of type {type(value).__name__}", index)
    if isinstance(value, float) and not math.isfinite(value):
        raise _refused(f"the value of {field!r} is {value}", index)
    measure(value, f"filter.{field}")
    return {"field": field, "value": value}


def _refused(reason: str, index: NativeIndex) -> InvalidArgumentError:
    fields = ", ".join(index.filter_fields) or "none"
    return InvalidArgumentError(
        f"A native Convex index cannot take this filter: {reason}. Allowed is one equality, "
        f'{{field: value}} or {{field: {{"$eq": value}}}}, or {{"$or": [...]}} of 1 to '
        f"{limits.NATIVE_FILTER_TERMS} such, on the configured filter fields ({fields}); values "
        "are text, numbers, booleans or None.",
        field="filter",
    )
