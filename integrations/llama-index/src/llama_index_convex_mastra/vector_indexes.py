"""What the vector store needs of the index it lies on, and the two kinds of index.

``ScannedIndex`` is Mastra's ``ConvexVector``: rows of ``mastra_vectors``, compared one by one.
``NativeIndexed`` is Mastra's ``ConvexNativeVector``: Convex's own vector search, over a table that
a schema declares. Each is made of the core's operations; the flows of ``vector_operations`` and
``vector_query`` know a ``VectorIndex`` only, which ``index_on`` gives them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from llama_index.core.vector_stores.types import MetadataFilters

from convex_mastra import NativeIndex, NotFoundError, VectorMatch, VectorRecord
from convex_mastra.flow import Flow
from convex_mastra.limits import NATIVE_RESULTS
from convex_mastra.ops import (
    native_reads,
    native_selection,
    native_vectors,
    vector_indexes,
    vector_reads,
    vector_search,
    vectors,
)
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_scan import Accept
from convex_mastra.scoring import Vector
from llama_index_convex_mastra.pushdown import Pushed, push_down, push_down_to

Where = Mapping[str, Any]
IDS_READ_DIRECTLY: Final = 256
"""Up to so many node ids are read and scored one by one; more are looked for in a scan."""


class VectorIndex(Protocol):
    """An index, of either kind."""

    @property
    def name(self) -> str:
        """What operations call it."""

    @property
    def most_results(self) -> int | None:
        """How many matches one search returns at most; None: any number."""

    @property
    def most_ids(self) -> int | None:
        """Up to how many ids are better read than searched; None: any number."""

    @property
    def filter_fields(self) -> Collection[str]:
        """Keys of metadata whose native copies must not be left out, if they can be made."""

    def push(self, filters: MetadataFilters | None, doc_ids: Sequence[str] | None) -> Pushed:
        """Return what is asked of the index in place of llama-index's filters."""

    def dimension(self) -> Flow[int | None]:
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
        where: Where | None,
        accept: Accept | None,
        *,
        include_vector: bool,
    ) -> Flow[list[VectorMatch]]:
        """Return the *top_k* nearest of those that pass, or all if these are fewer."""

    def matching(self, where: Where | None, accept: Accept | None) -> Flow[list[VectorRecord]]:
        """Return all that pass."""

    def delete(self, ids: Sequence[str]) -> Flow[None]:
        """Delete those that exist."""

    def delete_matching(self, where: Where | None, accept: Accept | None) -> Flow[None]:
        """Delete all that pass."""

    def clear(self) -> Flow[None]:
        """Delete all."""


def index_on(target: Target, index_name: str) -> VectorIndex:
    """Return the index of that name: the native one that the target knows, else a scanned one."""
    native = target.native.indexes.get(index_name)
    if native is None:
        return ScannedIndex(target, index_name)
    return NativeIndexed(target, index_name, native)


@dataclass(frozen=True, slots=True)
class ScannedIndex:
    """A scanned index; its first write declares it."""

    target: Target
    name: str
    most_results: int | None = None
    most_ids: int | None = IDS_READ_DIRECTLY
    filter_fields: Collection[str] = ()

    def push(self, filters: MetadataFilters | None, doc_ids: Sequence[str] | None) -> Pushed:
        """Return a filter in Mastra's grammar; each match is judged again."""
        return Pushed(push_down(filters, doc_ids), decides=False)

    def dimension(self) -> Flow[int | None]:
        """Return the declared one; one round trip at most."""
        return vector_indexes.declared_dimension(self.target, self.name)

    def write(
        self, ids: Sequence[str], matrix: Vector, stored: Sequence[Mapping[str, Any]]
    ) -> Flow[list[str]]:
        """Store vectors; two round trips' wait, three more where the index is declared."""
        try:
            return (
                yield from vectors.upsert(self.target, self.name, matrix, ids=ids, metadata=stored)
            )
        except NotFoundError:
            yield from vector_indexes.create_index(self.target, self.name, matrix.shape[1])
        return (yield from vectors.upsert(self.target, self.name, matrix, ids=ids, metadata=stored))

    def read(self, ids: Sequence[str]) -> Flow[list[VectorRecord]]:
        """Return vectors by id; ten a round trip, side by side."""
        return vector_reads.get_vectors(self.target, self.name, ids)

    def search(
        self,
        vector: Vector,
        top_k: int,
        where: Where | None,
        accept: Accept | None,
        *,
        include_vector: bool,
    ) -> Flow[list[VectorMatch]]:
        """Search exactly, as far as it takes."""
        return vector_search.query(
            self.target,
            self.name,
            vector,
            top_k=top_k,
            filter=where,
            include_vector=include_vector,
            accept=accept,
        )

    def matching(self, where: Where | None, accept: Accept | None) -> Flow[list[VectorRecord]]:
        """Return all that pass, in the order in which they were first written: a scan."""
        return vector_reads.list_vectors(self.target, self.name, filter=where, accept=accept)

    def delete(self, ids: Sequence[str]) -> Flow[None]:
        """Delete by id; a thousand a round trip."""
        return vectors.delete_vectors(self.target, self.name, ids=ids)

    def delete_matching(self, where: Where | None, accept: Accept | None) -> Flow[None]:
        """Delete what a scan finds to pass."""
        found = yield from self.matching(where, accept)
        if found:
            yield from self.delete([record.id for record in found])

    def clear(self) -> Flow[None]:
        """Delete all; 25 a round trip."""
        return vector_indexes.truncate_index(self.target, self.name)


@dataclass(frozen=True, slots=True)
class NativeIndexed:
    """A schema-declared index, known to the target by *name*.

    It is asked for equalities on its filter fields, and what it finds is judged by the rest: the
    nearest 256 at most, which is as far as Convex searches. Where that may leave something out,
    ScanLimitError is raised.
    """

    target: Target
    name: str
    index: NativeIndex
    most_results: int | None = NATIVE_RESULTS
    most_ids: int | None = None

    @property
    def filter_fields(self) -> Collection[str]:
        """Those of the schema."""
        return self.index.filter_fields

    def push(self, filters: MetadataFilters | None, doc_ids: Sequence[str] | None) -> Pushed:
        """Return a filter of which the index takes what it can."""
        return push_down_to(self.filter_fields, filters, doc_ids)

    def dimension(self) -> Flow[int | None]:
        """Return the schema's; no round trip."""
        yield from ()
        return self.index.dimension

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
        where: Where | None,
        accept: Accept | None,
        *,
        include_vector: bool,
    ) -> Flow[list[VectorMatch]]:
        """Search with what the index can take; go on until *top_k* pass."""
        return native_selection.search(
            self.target,
            self.name,
            vector,
            top_k=top_k,
            where=where,
            accept=accept,
            include_vector=include_vector,
        )

    def matching(self, where: Where | None, accept: Accept | None) -> Flow[list[VectorRecord]]:
        """Return all that pass, by id, if the index finds fewer than 256 to be judged."""
        return native_selection.matching(self.target, self.name, where, accept)

    def delete(self, ids: Sequence[str]) -> Flow[None]:
        """Delete by id; a hundred a round trip, side by side."""
        return native_vectors.delete_vectors(self.target, self.name, ids)

    def delete_matching(self, where: Where | None, accept: Accept | None) -> Flow[None]:
        """Delete all that pass, any number where the index alone decides."""
        return native_selection.delete_matching(self.target, self.name, where, accept)

    def clear(self) -> Flow[None]:
        """Delete all: 256 at a time, until a search finds none."""
        return native_selection.delete_matching(self.target, self.name)
