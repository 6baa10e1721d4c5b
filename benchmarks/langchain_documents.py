"""LangChain's vector stores: ours on the embedded backend, its own in memory, and NumPy alone.

The embedding looks the vectors up, the same for both stores, so that what is timed is the store.
NumPy's part is the least that exact search, or keeping vectors, can take.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore

from benchmarks.embedded import SEARCH_PEER, TOP_K, Float32, best_of
from benchmarks.harness import Comparison, Measure, Result, expect, timed
from benchmarks.scale import Scale
from benchmarks.workload import metadata, queries_near, unit_vectors
from langchain_convex_mastra import ConvexVectorStore

IN_MEMORY_TARGET: Final = 0.05
"""At least 20 times as fast."""
NUMPY_TARGET: Final = 3.0
INDEX: Final = "documents"
_IN_MEMORY: Final = "LangChain's InMemoryVectorStore"


class KnownVectors(Embeddings):
    """Vectors that were made before, as lists of numbers, by text."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self._vectors = vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Look them up."""
        return [self._vectors[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Look it up."""
        return self._vectors[text]


def compare(scale: Scale) -> Iterator[Result]:
    """Measure searching, then writing."""
    yield from _compare_searches(scale)
    yield from _compare_ingests(scale)


def _compare_searches(scale: Scale) -> Iterator[Result]:
    vectors = unit_vectors(scale.embedded_vectors, scale.embedded_dimension)
    queries = queries_near(vectors)
    documents, embedding = _documents(vectors.tolist(), queries.tolist())
    matrix = vectors.astype(np.float32)
    size = f"best {TOP_K} of {len(vectors):,} x {vectors.shape[1]:,} documents"
    in_memory = InMemoryVectorStore(embedding)
    in_memory.add_documents(documents)
    with tempfile.TemporaryDirectory() as folder, _store(Path(folder), embedding) as store:
        store.add_documents(documents)
        numbers = count()

        def product() -> float:
            query = queries[next(numbers) % len(queries)].astype(np.float32)
            return timed(lambda: best_of(matrix, query))[0]

        for name, peer, peer_is, target, rounds in (
            (
                "in-memory",
                _searching(in_memory, matrix, queries),
                _IN_MEMORY,
                IN_MEMORY_TARGET,
                scale.in_memory_searches,
            ),
            ("numpy", product, SEARCH_PEER, NUMPY_TARGET, scale.searches),
        ):
            yield Comparison(
                name=f"documents.search-{name}",
                size=size,
                peer_is=peer_is,
                target=target,
                ours=_searching(store, matrix, queries),
                peer=peer,
            ).run(rounds)


def _searching(store: VectorStore, matrix: Float32, queries: np.ndarray) -> Measure:
    numbers = count()

    def measure() -> float:
        number = next(numbers) % len(queries)
        elapsed_s, found = timed(lambda: store.similarity_search(_query(number), k=TOP_K))
        wanted = [str(row) for row in best_of(matrix, queries[number].astype(np.float32))]
        expect(found=[document.id for document in found], wanted=wanted, doing="documents")
        return elapsed_s

    return measure


def _compare_ingests(scale: Scale) -> Iterator[Result]:
    vectors = unit_vectors(scale.ingested_documents, scale.dimension)
    documents, embedding = _documents(vectors.tolist(), [])
    rows = list(vectors.tolist())
    size = f"{len(documents):,} documents of {scale.dimension} dimensions into a new index"

    def ours() -> float:
        with tempfile.TemporaryDirectory() as folder, _store(Path(folder), embedding) as store:
            return _adding(lambda: store.add_documents(documents), documents)

    def in_memory() -> float:
        store = InMemoryVectorStore(embedding)
        return _adding(lambda: store.add_documents(documents), documents)

    def numpy_file() -> float:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vectors.npy"
            return timed(lambda: np.save(path, np.array(rows)))[0]

    for name, peer, peer_is in (
        ("in-memory", in_memory, f"{_IN_MEMORY}, which keeps nothing on a disk"),
        ("numpy", numpy_file, "NumPy: the vectors alone, made an array and written to a file"),
    ):
        yield Comparison(
            name=f"documents.ingest-{name}",
            size=size,
            peer_is=peer_is,
            target=None,
            ours=ours,
            peer=peer,
        ).run(scale.ingests)


def _adding(add: Callable[[], Sequence[str]], documents: Sequence[Document]) -> float:
    elapsed_s, ids = timed(add)
    expect(found=ids, wanted=[document.id for document in documents], doing="ingest")
    return elapsed_s


def _store(folder: Path, embedding: Embeddings) -> ConvexVectorStore:
    return ConvexVectorStore(
        embedding, index_name=INDEX, deployment_url=f"file:{folder / 'mastra.db'}"
    )


def _documents(
    vectors: list[list[float]], queries: list[list[float]]
) -> tuple[list[Document], KnownVectors]:
    documents = []
    known = {_query(number): vector for number, vector in enumerate(queries)}
    for number, vector in enumerate(vectors):
        about = metadata(number)
        text = about.pop("text")
        documents.append(Document(id=str(number), page_content=text, metadata=about))
        known[text] = vector
    return documents, KnownVectors(known)


def _query(number: int) -> str:
    return f"query {number}"
