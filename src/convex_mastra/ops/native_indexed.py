"""The native kind of index: Convex's own vector search, over a table that a schema declares.

``NativeIndexed`` is Mastra's ``ConvexNativeVector`` with the interface of ``index_kinds``, which
takes any filter. The index is asked for as much of one as it can take (``native_filters.narrow``);
the rest is judged here, on what it finds, which is 256 at most. Where that may leave something out,
ScanLimitError is raised.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convex_mastra.filters import compile_filter
from convex_mastra.flow import Flow
from convex_mastra.limits import NATIVE_RESULTS
from convex_mastra.ops import native_reads, native_search, native_vectors
from convex_mastra.ops.index_kinds import Selection
from convex_mastra.ops.native_filters import Narrowed, narrow
from convex_mastra.ops.native_indexes import index_named
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_reads import VectorRecord
from convex_mastra.ops.vector_scan import Accept
from convex_mastra.ops.vector_search import VectorMatch
from convex_mastra.scoring import Vector

_EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class NativeIndexed:
    """A schema-declared index, known to the target by *name*."""

    target: Target
    name: str
    most_results: int | None = NATIVE_RESULTS

    @property
    def filter_fields(self) -> Collection[str] | None:
        """Those of the schema."""
        return index_named(self.target, self.name).filter_fields

    def declared_dimension(self) -> Flow[int | None]:
        """Return the schema's; no round trip."""
        yield from ()
        return index_named(self.target, self.name).dimension

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
        selection: Selection,
        *,
        min_score: float | None = None,
        include_vector: bool = False,
    ) -> Flow[list[VectorMatch]]:
        """Search with what the index can take; go on until *top_k* pass the rest.

        Errors and cost are those of ``native_search.query``. Where nothing can match, nothing is
        sent.
        """
        narrowed = self._narrow(selection)
        if narrowed.is_empty:
            return []
        return (
            yield from native_search.query(
                self.target,
                self.name,
                vector,
                top_k=top_k,
                filter=narrowed.filter,
                min_score=min_score,
                include_vector=include_vector,
                accept=_rest(selection, narrowed),
            )
        )

    def matching(self, selection: Selection) -> Flow[list[VectorRecord]]:
        """Return the selected, by id, if the index finds fewer than 256 to be judged.

        Raises:
            ScanLimitError: it finds more.
        """
        narrowed = self._narrow(selection)
        if narrowed.is_empty:
            return []
        return (
            yield from native_reads.list_vectors(
                self.target,
                self.name,
                filter=narrowed.filter,
                accept=_rest(selection, narrowed),
            )
        )

    def delete(self, ids: Sequence[str]) -> Flow[None]:
        """Delete by id; a hundred a round trip, side by side."""
        return native_vectors.delete_vectors(self.target, self.name, ids)

    def delete_matching(self, selection: Selection) -> Flow[None]:
        """Delete the selected: 256 at a time, until a search finds none.

        Where something is left to be judged here, those not deleted would be found again and again,
        so all must be found at once.

        Raises:
            ScanLimitError: something is left to be judged, of 256 or more. Nothing was deleted.
        """
        narrowed = self._narrow(selection)
        if narrowed.is_empty:
            return
        if _rest(selection, narrowed) is not None:
            records = yield from self.matching(selection)
            if records:
                yield from self.delete([record.id for record in records])
            return
        while True:
            ids = yield from native_reads.find_ids(self.target, self.name, filter=narrowed.filter)
            if ids is None:
                return
            if ids:  # else somebody else deleted all of them meanwhile; there may be more
                yield from self.delete(ids)

    def clear(self) -> Flow[None]:
        """Delete all: 256 at a time, until a search finds none."""
        return self.delete_matching(_EVERYTHING)

    def _narrow(self, selection: Selection) -> Narrowed:
        return narrow(selection.where, index_named(self.target, self.name))


def _rest(selection: Selection, narrowed: Narrowed) -> Accept | None:
    """What is left to be judged of matches that meet the narrowed filter."""
    accept = selection.accept
    predicate = None if narrowed.is_exact else compile_filter(selection.where)
    if predicate is None:
        return accept

    def accepts(vector_id: str, stored: Mapping[str, Any] | None) -> bool:
        return predicate(stored) and (accept is None or accept(vector_id, stored))

    return accepts
