"""The native kind of index: Convex's own vector search, over a table that a schema declares.

Mastra's ``ConvexNativeVector``, made of the core's operations. What of a filter the index cannot
take is judged on what it finds. Built by ``vector_store``; the flows know a ``VectorIndex``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convex_mastra import NativeIndex, VectorMatch, VectorRecord
from convex_mastra.flow import Flow
from convex_mastra.limits import NATIVE_RESULTS
from convex_mastra.ops import native_reads, native_selection, native_vectors
from convex_mastra.ops.target import Target
from convex_mastra.scoring import Vector
from langchain_convex_mastra.filters import Judgement


@dataclass(frozen=True, slots=True)
class NativeIndexed:
    """A schema-declared index, known to the target by its table's name.

    What of a filter the index cannot take is judged on the nearest 256 at most, which is as
    far as Convex searches. Where that may leave something out, ScanLimitError is raised.
    """

    target: Target
    index: NativeIndex
    most_results: int | None = NATIVE_RESULTS

    @property
    def name(self) -> str:
        """The table."""
        return self.index.table_name

    def write(
        self, ids: Sequence[str], matrix: Vector, stored: Sequence[Mapping[str, Any]]
    ) -> Flow[list[str]]:
        """Store vectors; a hundred a round trip, side by side."""
        return native_vectors.upsert(self.target, self.name, matrix, ids=ids, metadata=stored)

    def read(self, ids: Sequence[str]) -> Flow[list[VectorRecord]]:
        """Return vectors by id; a hundred a round trip, side by side."""
        return native_reads.get_vectors(self.target, self.name, ids)

    def search(
        self,
        vector: Vector,
        top_k: int,
        judgement: Judgement,
        *,
        min_score: float | None = None,
        include_vector: bool = False,
    ) -> Flow[list[VectorMatch]]:
        """Search with what the index can take; go on until *top_k* pass."""
        return native_selection.search(
            self.target,
            self.name,
            vector,
            top_k=top_k,
            where=judgement.where,
            accept=judgement.accept,
            min_score=min_score,
            include_vector=include_vector,
        )

    def matching(self, judgement: Judgement) -> Flow[list[VectorRecord]]:
        """Return all that pass, by id, if the index finds fewer than 256 to be judged."""
        return native_selection.matching(self.target, self.name, judgement.where, judgement.accept)

    def delete(self, ids: Sequence[str]) -> Flow[None]:
        """Delete by id; a hundred a round trip, side by side."""
        return native_vectors.delete_vectors(self.target, self.name, ids)

    def delete_matching(self, judgement: Judgement) -> Flow[None]:
        """Delete all that pass: 256 at a time, until a search finds none."""
        return native_selection.delete_matching(
            self.target, self.name, judgement.where, judgement.accept
        )
