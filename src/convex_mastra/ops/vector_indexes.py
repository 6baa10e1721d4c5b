"""Declaring vector indexes: ``mastra_vector_indexes``.

Behaves as ConvexVector of @mastra/convex 1.5.2 (dist/vector), but refuses to change the dimension
of an index that exists. Called by the faces of ``ConvexVector``.
"""

from __future__ import annotations

from dataclasses import dataclass

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError, NotFoundError, ProtocolError
from convex_mastra.flow import Flow
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.storage import (
    delete_rows,
    load,
    query_rows,
)
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import checked_index_name
from convex_mastra.ops.vector_scan import count_vectors
from convex_mastra.records import Row
from convex_mastra.timestamps import to_text
from convex_mastra.wire import VECTOR_INDEXES, vector_table


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStats:
    """What is known of an index.

    Attributes:
        count: how many vectors it holds.
        count_is_limited: it holds more; only a native index is ever not counted to its end.
    """

    dimension: int
    count: int
    metric: str
    count_is_limited: bool = False


def create_index(
    target: Target, index_name: str, dimension: int, *, metric: str = "cosine"
) -> Flow[None]:
    """Declare an index; nothing happens if it is there with the same dimension.

    Args:
        dimension: how many numbers its vectors have, 1 to 8,192.
        metric: only ``cosine``, which is the only one Mastra's Convex store has.

    Raises:
        InvalidArgumentError: a name, dimension or metric that cannot be, or an index of that
            name with another dimension.

    Cost: one round trip if it exists, else two.
    """
    checked_index_name(index_name)
    if type(dimension) is not int or not 1 <= dimension <= limits.VECTOR_DIMENSION:
        raise InvalidArgumentError(
            f"dimension must be an integer from 1 to {limits.VECTOR_DIMENSION:,}, not "
            f"{dimension!r}.",
            field="dimension",
        )
    if metric != "cosine":
        raise InvalidArgumentError(
            f"metric {metric!r} is not supported; Mastra's Convex vectors are always compared by "
            "'cosine'.",
            field="metric",
        )
    declared = yield from declared_dimension(target, index_name)
    if declared == dimension:
        return
    if declared is not None:
        raise InvalidArgumentError(
            f"Index {index_name} exists with dimension {declared}, not {dimension}. Delete it "
            "first to declare it anew.",
            field="dimension",
        )
    record: Row = {
        "id": index_name,
        "indexName": index_name,
        "dimension": dimension,
        "metric": metric,
        "createdAt": to_text(target.clock.now()),
    }
    yield from call_storage(target, "insert", VECTOR_INDEXES, record=record)


def list_indexes(target: Target) -> Flow[list[str]]:
    """Return the names of all declared indexes, oldest first. One round trip."""
    rows = yield from query_rows(target, VECTOR_INDEXES, {})
    return [row["id"] for row in rows]


def describe_index(target: Target, index_name: str) -> Flow[IndexStats]:
    """Return an index's dimension and count.

    Raises:
        NotFoundError: it is not declared.

    Cost: two round trips where the deployment can count; on a stock deployment counting fetches
    every vector.
    """
    dimension = yield from existing_dimension(target, index_name)
    count = yield from count_vectors(target, index_name, dimension)
    return IndexStats(dimension=dimension, count=count, metric="cosine")


def truncate_index(target: Target, index_name: str) -> Flow[None]:
    """Delete all vectors of an index. One round trip for every 25."""
    yield from clear_table(target, vector_table(checked_index_name(index_name)))


def delete_index(target: Target, index_name: str) -> Flow[None]:
    """Delete an index and all its vectors; no error if there is none.

    The declaration goes last: an interrupted deletion leaves an index that can be deleted again.
    One round trip for every 25 vectors, and one more.
    """
    checked_index_name(index_name)
    yield from clear_table(target, vector_table(index_name))
    yield from delete_rows(target, VECTOR_INDEXES, [index_name])


def declared_dimension(target: Target, index_name: str) -> Flow[int | None]:
    """Return the declared dimension of an index, or None if it is not declared. One round trip."""
    row = yield from load(target, VECTOR_INDEXES, index_name)
    if row is None:
        return None
    if not isinstance(dimension := row.get("dimension"), int | float) or not dimension > 0:
        raise ProtocolError(f"Index {index_name} is declared without a dimension.")
    return int(dimension)


def existing_dimension(target: Target, index_name: str) -> Flow[int]:
    """Return the declared dimension of an index. One round trip.

    Raises:
        NotFoundError: it is not declared.
    """
    dimension = yield from declared_dimension(target, checked_index_name(index_name))
    if dimension is None:
        raise NotFoundError(f"Index {index_name} not found. Declare it with create_index.")
    return dimension
