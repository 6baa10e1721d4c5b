"""What an adapter's vector store needs of the index it lies on, and the scanned kind of index.

``ScannedIndex`` is Mastra's ``ConvexVector``: rows of ``mastra_vectors``, compared one by one. The
other kind is in ``native_indexed``. An adapter writes its flows over a ``VectorIndex``, and says
with a ``Selection`` what of its framework's filter Mastra's grammar can express.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from convex_mastra.errors import InvalidArgumentError, NotFoundError
from convex_mastra.flow import Flow
from convex_mastra.ops import vector_reads, vector_search, vectors
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import sized_row
from convex_mastra.ops.vector_indexes import create_index, declared_dimension, truncate_index
from convex_mastra.ops.vector_reads import VectorRecord
from convex_mastra.ops.vector_scan import Accept, row_test, scan
from convex_mastra.ops.vector_search import VectorMatch
from convex_mastra.scoring import Vector


@dataclass(frozen=True, slots=True)
class Selection:
    """Which vectors are meant, those that pass both.

    Attributes:
        where: Mastra's grammar over what is stored; None: everything.
        accept: the last word on each vector; None: yes.
    """

    where: Mapping[str, Any] | None = None
    accept: Accept | None = None


class VectorIndex(Protocol):
    """An index, of either kind."""

    @property
    def name(self) -> str:
        """What operations call it."""

    @property
    def most_results(self) -> int | None:
        """How many matches one search returns at most; None: any number."""

    @property
    def filter_fields(self) -> Collection[str] | None:
        """The only fields it can be asked for, and for equality only; None: any filter on any."""

    def declared_dimension(self) -> Flow[int | None]:
        """Return how long its vectors are; None: nobody knows yet."""

    def write(
        self, ids: Sequence[str], matrix: Vector, stored: Sequence[Mapping[str, Any]]
    ) -> Flow[list[str]]:
        """Store vectors and what lies beside them; return the ids."""

    def read(self, ids: Sequence[str]) -> Flow[list[VectorRecord]]:
        """Return the vectors that exist, in the order of *ids*."""

    def search(
        self,
        vector: Vector,
        top_k: int,
        selection: Selection,
        *,
        min_score: float | None = None,
        include_vector: bool = False,
    ) -> Flow[list[VectorMatch]]:
        """Return the *top_k* nearest of the selected, or all if these are fewer."""

    def matching(self, selection: Selection) -> Flow[list[VectorRecord]]:
        """Return all that are selected."""

    def delete(self, ids: Sequence[str]) -> Flow[None]:
        """Delete those that exist."""

    def delete_matching(self, selection: Selection) -> Flow[None]:
        """Delete all that are selected."""

    def clear(self) -> Flow[None]:
        """Delete all."""


@dataclass(frozen=True, slots=True)
class ScannedIndex:
    """A scanned index; its first write declares it.

    Attributes:
        dimension: how long its vectors are; None: as long as the first.
    """

    target: Target
    name: str
    dimension: int | None = None
    most_results: int | None = None
    filter_fields: Collection[str] | None = None

    def declared_dimension(self) -> Flow[int | None]:
        """Return the declared one; one round trip at most."""
        return declared_dimension(self.target, self.name)

    def write(
        self, ids: Sequence[str], matrix: Vector, stored: Sequence[Mapping[str, Any]]
    ) -> Flow[list[str]]:
        """Store vectors; two round trips' wait, three more where the index is declared."""
        if self.dimension not in (None, matrix.shape[1]):
            raise InvalidArgumentError(
                f"The embeddings have {matrix.shape[1]} dimensions; dimension is {self.dimension}.",
                field="embeddings",
            )
        try:
            return (
                yield from vectors.upsert(self.target, self.name, matrix, ids=ids, metadata=stored)
            )
        except NotFoundError:
            # What cannot be stored does not declare an index either.
            for position, (one, vector, about) in enumerate(zip(ids, matrix, stored, strict=True)):
                sized_row(one, vector, about, f"vectors[{position}]")
            yield from create_index(self.target, self.name, matrix.shape[1])
        return (yield from vectors.upsert(self.target, self.name, matrix, ids=ids, metadata=stored))

    def read(self, ids: Sequence[str]) -> Flow[list[VectorRecord]]:
        """Return vectors by id; ten a round trip, side by side."""
        return vector_reads.get_vectors(self.target, self.name, ids)

    def search(
        self,
        vector: Vector,
        top_k: int,
        selection: Selection,
        *,
        min_score: float | None = None,
        include_vector: bool = False,
    ) -> Flow[list[VectorMatch]]:
        """Search exactly, as far as it takes."""
        return vector_search.query(
            self.target,
            self.name,
            vector,
            top_k=top_k,
            filter=selection.where,
            min_score=min_score,
            include_vector=include_vector,
            accept=selection.accept,
        )

    def matching(self, selection: Selection) -> Flow[list[VectorRecord]]:
        """Return the selected, in the order in which they were first written: a scan."""
        return vector_reads.list_vectors(
            self.target, self.name, filter=selection.where, accept=selection.accept
        )

    def delete(self, ids: Sequence[str]) -> Flow[None]:
        """Delete by id; a thousand a round trip."""
        return vectors.delete_vectors(self.target, self.name, ids=ids)

    def delete_matching(self, selection: Selection) -> Flow[None]:
        """Delete what a scan finds; only its ids are kept meanwhile."""
        matches = row_test(selection.where, selection.accept)
        ids: list[str] = []
        yield from scan(
            self.target,
            self.name,
            lambda rows: ids.extend(row["id"] for row in rows if matches(row)),
            dimension=self.dimension,
        )
        if ids:
            yield from self.delete(ids)

    def clear(self) -> Flow[None]:
        """Delete all, 25 a round trip; the index stays declared."""
        return truncate_index(self.target, self.name)
