"""Reading vectors by id: ``mastra_vectors``.

Mastra's own client has no such read; framework stores need one. Called by the faces of
``ConvexVector``; searching is in ``vector_search``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow
from convex_mastra.ops.storage import load_many
from convex_mastra.ops.target import Target
from convex_mastra.ops.threads import required_text
from convex_mastra.ops.vector_arguments import checked_index_name
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
    return [
        VectorRecord(
            id=row["id"],
            vector=np.asarray(row["embedding"], dtype=np.float64),
            metadata=plain_numbers(row.get("metadata")),
        )
        for row in rows
    ]
