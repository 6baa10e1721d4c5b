"""Searching a vector index, exactly.

Where the deployment has our search function, one request does it; elsewhere the index is scanned
and scored here. Called by the faces of ``ConvexVector``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from convex_mastra.errors import ProtocolError
from convex_mastra.filters import compile_filter
from convex_mastra.flow import Flow, Join, Start
from convex_mastra.jsontext import dumps
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import (
    as_query,
    check_min_score,
    check_top_k,
    checked_index_name,
)
from convex_mastra.ops.vector_indexes import declared_dimension
from convex_mastra.ops.vector_scan import Accept, row_test, scan
from convex_mastra.records import Row
from convex_mastra.scoring import TopK, Vector, same_vector, score_rows
from convex_mastra.values import plain_numbers
from convex_mastra.wire import SEARCH_FUNCTION, Json

WIDENING: Final = 4
"""How many times more matches are asked for when too few of the last were accepted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VectorMatch:
    """A vector that was found.

    Attributes:
        score: cosine similarity, in [-1, 1]; higher is nearer.
        vector: shape (dimension,), float64, if it was asked for.
    """

    id: str
    score: float
    metadata: dict[str, Any] | None = None
    vector: Vector | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VectorMatch):
            return NotImplemented
        ours, theirs = (self.id, self.score, self.metadata), (other.id, other.score, other.metadata)
        return ours == theirs and same_vector(self.vector, other.vector)

    def __hash__(self) -> int:
        return hash(self.id)


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
        top_k: how many at most, 1 or more.
        filter: Mastra's filter grammar over metadata; see ``convex_mastra.filters``.
        min_score: leave out what scores less.
        include_vector: return the vectors too.
        accept: the last word on each match, given its id and metadata; for conditions that no
            filter can express. *filter* should then select little more than it accepts. Never
            costs a match: *top_k* counts what was accepted.

    Returns:
        At most *top_k* matches; none of an index that does not exist. A stored vector of another
        length, or of zeros, scores -1, as from Mastra's own client.

    Raises:
        InvalidArgumentError: a vector that does not fit the declared index, NaN, an unknown
            filter operator.
        ScanLimitError: the handler is older than 1.2.1, and the index more than one call reads.

    Cost: one round trip's wait where the deployment has our search function. A stock deployment
    sends every vector of the index, about 4 MiB a round trip, each fetched while the last is
    scored. Exact in both cases. With *accept*, our function is asked again, for four times as
    many, as long as too few were accepted.
    """
    checked_index_name(index_name)
    check_top_k(top_k)
    check_min_score(min_score)
    vector = as_query(query_vector, None, index_name, "query_vector")
    compile_filter(filter)
    wanted = _Wanted(index_name, vector, top_k, filter, min_score, include_vector, accept)
    declared = yield Start(declared_dimension(target, index_name))
    search = yield Start(_search(target, wanted))
    as_query(vector, (yield Join(declared)), index_name, "query_vector")
    matches: list[VectorMatch] = yield Join(search)
    return matches


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A checked query."""

    index_name: str
    vector: Vector
    top_k: int
    where: Mapping[str, Any] | None
    min_score: float | None
    include_vector: bool
    accept: Accept | None


def _search(target: Target, wanted: _Wanted) -> Flow[list[VectorMatch]]:
    limit = wanted.top_k
    while (hits := (yield from _ask(target, wanted, limit))) is not None:
        accepted = [
            hit
            for hit in hits
            if wanted.accept is None or wanted.accept(hit["id"], hit.get("metadata"))
        ]
        if len(accepted) >= wanted.top_k or len(hits) < limit:
            return [
                _match(hit, hit["score"], hit.get("embedding")) for hit in accepted[: wanted.top_k]
            ]
        limit *= WIDENING
    return (yield from _scan_and_score(target, wanted))


def _ask(target: Target, wanted: _Wanted, limit: int) -> Flow[list[Row] | None]:
    """The best *limit* from our search function, or None if it is not deployed."""
    args: Json = {
        "indexName": wanted.index_name,
        "vector": wanted.vector,
        "topK": limit,
        "includeVector": wanted.include_vector,
    }
    if wanted.where:
        # As text: Convex takes no keys with a $.
        args["filter"] = dumps(dict(wanted.where), "filter")
    if wanted.min_score is not None:
        args["minScore"] = wanted.min_score
    value = yield from ask_own(target, SEARCH_FUNCTION, args)
    if value is None:
        return None
    hits = value.get("matches") if isinstance(value, dict) else None
    if not isinstance(hits, list) or not all(map(_is_hit, hits)):
        raise ProtocolError(f"{SEARCH_FUNCTION} returned no matches.")
    return hits


def _scan_and_score(target: Target, wanted: _Wanted) -> Flow[list[VectorMatch]]:
    matches = row_test(wanted.where, wanted.accept)
    best = TopK(wanted.top_k, wanted.min_score)

    def use(rows: Sequence[Row]) -> None:
        rows = [row for row in rows if matches(row)]
        try:
            scores = score_rows([row["embedding"] for row in rows], wanted.vector)
        except (KeyError, TypeError, ValueError):
            raise ProtocolError(f"A row of {wanted.index_name} holds no vector.") from None
        best.add([row["id"] for row in rows], scores, rows)

    yield from scan(target, wanted.index_name, use, dimension=len(wanted.vector))
    return [
        _match(hit.payload, hit.score, hit.payload["embedding"] if wanted.include_vector else None)
        for hit in best.result()
    ]


def _is_hit(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and isinstance(value.get("score"), int | float)
    )


def _match(row: Row, score: float, vector: Any) -> VectorMatch:
    return VectorMatch(
        id=row["id"],
        score=score,
        metadata=plain_numbers(row.get("metadata")),
        vector=None if vector is None else np.asarray(vector, dtype=np.float64),
    )
