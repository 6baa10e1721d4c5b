"""Reading vectors by id, or by what their metadata says: ``mastra_vectors``.

Mastra's own client has no such reads; framework stores need them. Called by the faces of
``ConvexVector``; searching is in ``vector_search``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow
from convex_mastra.ops.storage import load_many
from convex_mastra.ops.target import Target
from convex_mastra.ops.threads import required_text
from convex_mastra.ops.vector_arguments import checked_index_name
from convex_mastra.ops.vector_scan import Accept, matching_rows
from convex_mastra.records import Row
from convex_mastra.scoring import Vector
from convex_mastra.values import plain_numbers
from convex_mastra.wire import vector_table


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorRecord:
    """A stored vector.

    Attributes:
        vector: shape (dimension,), float64.
        metadata: what is stored beside it, or None.
    """

    id: str
    vector: Vector
    metadata: dict[str, Any] | None = None


def get_vectors(target: Target, index_name: str, ids: Sequence[str]) -> Flow[list[VectorRecord]]:
    """Return the vectors that exist, in the order of *ids*; each once.

    An index that is not declared has none.

    Raises:
        InvalidArgumentError: *ids* is one text, or holds something that is no id.

    Cost: one round trip for every 10 ids, side by side.
    """
    checked_index_name(index_name)
    if isinstance(ids, str):
        raise InvalidArgumentError("ids must be a list of ids, not one text.", field="ids")
    for position, vector_id in enumerate(ids):
        required_text(vector_id, f"ids[{position}]")
    rows = yield from load_many(target, vector_table(index_name), ids)
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

    Cost: a scan of the index, about 4 MiB a round trip, whatever matches.
    """
    checked_index_name(index_name)
    rows = yield from matching_rows(target, index_name, filter, accept)
    return [_record(row) for row in rows]


def _record(row: Row) -> VectorRecord:
    return VectorRecord(
        id=row["id"],
        vector=np.asarray(row["embedding"], dtype=np.float64),
        metadata=plain_numbers(row.get("metadata")),
    )
