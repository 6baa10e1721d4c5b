"""Searching the embedded backend, against NumPy alone, in time and in memory.

NumPy's part is the least that an exact search can do: one float32 matrix-vector product and the
best ten of it, on a matrix that is in memory already. Ours also checks the index, ranks in
float64, breaks ties by id and fetches metadata; and its matrix begins as a SQLite file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Comparison, Result, expect, timed
from benchmarks.scale import Scale
from benchmarks.workload import metadata, queries_near, unit_vectors
from convex_mastra import ConvexVector

TARGET: Final = 3.0
TOP_K: Final = 10
INDEX: Final = "searched"
HALF: Final = {"weight": {"$gt": 1}}
"""A filter that every second vector passes; see ``workload.metadata``."""
SEARCH_PEER: Final = "NumPy: float32 product, argpartition, sort"
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Filled:
    """A database file with one index, and what is in it."""

    path: Path
    vectors: Float32
    queries: npt.NDArray[np.float64]

    @property
    def url(self) -> str:
        """As ``ConvexVector`` takes it."""
        return f"file:{self.path}"

    @property
    def size(self) -> str:
        """In words."""
        return f"best {TOP_K} of {len(self.vectors):,} x {self.vectors.shape[1]:,}"


@contextmanager
def filled_database(scale: Scale) -> Iterator[Filled]:
    """Make a database file with an index of that scale; it goes with the block."""
    vectors = unit_vectors(scale.embedded_vectors, scale.embedded_dimension)
    with tempfile.TemporaryDirectory() as folder:
        filled = Filled(
            Path(folder) / "mastra.db", vectors.astype(np.float32), queries_near(vectors)
        )
        with ConvexVector(filled.url) as store:
            store.create_index(INDEX, vectors.shape[1])
            numbers = range(len(vectors))
            store.upsert(
                INDEX,
                vectors,
                ids=[str(number) for number in numbers],
                metadata=[metadata(number) for number in numbers],
            )
        yield filled


def compare_searches(scale: Scale) -> Iterator[Result]:
    """Measure a search, one with a filter, and the first one after opening the file."""
    with filled_database(scale) as filled:
        with ConvexVector(filled.url) as store:
            yield _search("query", filled, store, None, TARGET).run(scale.searches)
            yield _search("query-filtered", filled, store, HALF, None).run(scale.searches)
        yield _first_search(filled).run(scale.openings)


def _search(
    name: str, filled: Filled, store: ConvexVector, where: Any, target: float | None
) -> Comparison:
    queries = filled.queries.astype(np.float32)
    ours_numbers, peer_numbers = count(), count()
    passing = np.arange(len(filled.vectors))
    if where is not None:
        passing = passing[[metadata(int(number))["weight"] > 1 for number in passing]]
    matrix = filled.vectors[passing]

    def ours() -> float:
        number = next(ours_numbers) % len(queries)
        elapsed_s, found = timed(
            lambda: store.query(INDEX, filled.queries[number], top_k=TOP_K, filter=where)
        )
        wanted = passing[best_of(matrix, queries[number])]
        expect(
            found=[match.id for match in found],
            wanted=[str(position) for position in wanted],
            doing=f"embedded {name}",
        )
        return elapsed_s

    def peer() -> float:
        number = next(peer_numbers) % len(queries)
        return timed(lambda: best_of(matrix, queries[number]))[0]

    passed = "" if where is None else f", {len(passing):,} pass the filter"
    return Comparison(
        name=f"embedded.{name}",
        size=f"{filled.size}{passed}",
        peer_is=SEARCH_PEER if where is None else f"{SEARCH_PEER}, of the passing rows alone",
        target=target,
        ours=ours,
        peer=peer,
    )


def _first_search(filled: Filled) -> Comparison:
    query = filled.queries[0]
    file = filled.path.with_suffix(".npy")
    np.save(file, filled.vectors)

    def ours() -> None:
        with ConvexVector(filled.url) as store:
            store.query(INDEX, query, top_k=TOP_K)

    def peer() -> None:
        best_of(np.load(file), query.astype(np.float32))

    return Comparison(
        name="embedded.first-query",
        size=f"open the file, {filled.size}",
        peer_is=f"NumPy: load a float32 file, {SEARCH_PEER.removeprefix('NumPy: ')}",
        target=None,
        ours=lambda: timed(ours)[0],
        peer=lambda: timed(peer)[0],
    )


def best_of(matrix: Float32, query: Float32) -> npt.NDArray[np.intp]:
    """Return the positions of the best ten rows, best first: the peer of a search."""
    scores = matrix @ query
    best = np.argpartition(scores, -TOP_K)[-TOP_K:]
    return best[np.argsort(-scores[best])]
