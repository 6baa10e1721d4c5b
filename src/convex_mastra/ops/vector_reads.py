"""Reading vectors by id, or by what their metadata says: ``mastra_vectors``.

Mastra's own client has no such reads; framework stores need them. Called by the faces of
``ConvexVector``; searching is in ``vector_search``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convex_mastra.flow import Flow
from convex_mastra.ops.arguments import distinct_ids
from convex_mastra.ops.storage import load_many
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import checked_index_name
from convex_mastra.ops.vector_scan import Accept, embedding_of, row_test, scan
from convex_mastra.records import Row
from convex_mastra.scoring import Vector, same_vector
from convex_mastra.values import plain_numbers
from convex_mastra.wire import vector_table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VectorRecord:
    """A stored vector.

    Attributes:
        vector: shape (dimension,), float64.
        metadata: what is stored beside it, or None.
    """

    id: str
    vector: Vector
    metadata: dict[str, Any] | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VectorRecord):
            return NotImplemented
        ours, theirs = (self.id, self.metadata), (other.id, other.metadata)
        return ours == theirs and same_vector(self.vector, other.vector)

    def __hash__(self) -> int:
        return hash(self.id)


def get_vectors(target: Target, index_name: str, ids: Sequence[str]) -> Flow[list[VectorRecord]]:
    """Return the vectors that exist, in the order of *ids*; each once.

    An index that is not declared has none.

    Raises:
        InvalidArgumentError: *ids* is one text, or holds something that is no id.

    Cost: one round trip for every 10 ids, side by side; for every one on a handler before 1.2.1.
    """
    checked_index_name(index_name)
    rows = yield from load_many(target, vector_table(index_name), distinct_ids(ids, "ids"))
    return [_record(row) for row in rows]


def list_vectors(
    target: Target,
    index_name: str,
    *,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - Mastra's name
    accept: Accept | None = None,
) -> Flow[list[VectorRecord]]:
    """Return all vectors that match, in the order in which they were first written.

    Args:
        filter: Mastra's filter grammar over metadata; see ``convex_mastra.filters``. None: all.
        accept: the last word on each, given its id and metadata.

    Raises:
        InvalidArgumentError: an unknown filter operator.
        ScanLimitError: the handler is older than 1.2.1, and the index more than one call reads.

    Cost: a scan of the index, about 4 MiB a round trip, whatever matches. A handler before 1.2.1
    sends the whole index in one, or cannot.
    """
    checked_index_name(index_name)
    matches = row_test(filter, accept)
    found: list[VectorRecord] = []

    def keep(rows: Sequence[Row]) -> None:
        # Page by page: as arrays, vectors take an eighth of what they take as lists.
        found.extend(_record(row) for row in rows if matches(row))

    yield from scan(target, index_name, keep)
    return found


def _record(row: Row) -> VectorRecord:
    return VectorRecord(
        id=row["id"],
        vector=embedding_of(row),
        metadata=plain_numbers(row.get("metadata")),
    )
