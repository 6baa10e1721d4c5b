"""LlamaIndex's vector stores: ours on the embedded backend, its own in memory, and NumPy alone.

Of both kinds of index: a scanned one, and a native one. NumPy's part is the least that exact search
can take. Core's maximal marginal relevance is by another rule: it compares a candidate with the last
choice, not with all. So ours is checked against the definition, and core's for its number alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from llama_index.core.schema import BaseNode, TextNode
from llama_index.core.vector_stores import SimpleVectorStore
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryMode

from benchmarks.embedded import SEARCH_PEER, TOP_K, Float32, best_of
from benchmarks.harness import Comparison, Measure, Result, expect, timed
from benchmarks.scale import Rounds, Scale
from benchmarks.workload import metadata, queries_near, unit_vectors
from convex_mastra import NativeIndex
from llama_index_convex_mastra import ConvexVectorStore

IN_MEMORY_TARGET: Final = 0.01
"""At least 100 times as fast."""
MMR_TARGET: Final = 0.10
NUMPY_TARGET: Final = 3.0
INDEX: Final = "nodes"
_IN_MEMORY: Final = "LlamaIndex's SimpleVectorStore"
_Ids = list[str]


@dataclass(frozen=True, slots=True)
class _Work:
    """What both sides hold, and what they are asked."""

    vectors: npt.NDArray[np.float64]
    queries: npt.NDArray[np.float64]
    matrix: Float32
    float32_queries: Float32

    def best(self, number: int) -> _Ids:
        """The ids that a search must find."""
        return [str(row) for row in best_of(self.matrix, self.float32_queries[number])]

    def product(self, number: int) -> None:
        """Do the least that an exact search can."""
        best_of(self.matrix, self.float32_queries[number])

    def diverse(self, number: int, candidates: int) -> _Ids:
        """The ids that maximal marginal relevance must choose, from its definition."""
        query = self.queries[number] / np.linalg.norm(self.queries[number])
        relevance = self.vectors @ query
        rows = np.argsort(-relevance)[:candidates]
        among, closest = self.vectors[rows], np.full(len(rows), -np.inf)
        chosen = [0]
        while len(chosen) < TOP_K:
            closest = np.maximum(closest, among @ among[chosen[-1]])
            scores = 0.5 * relevance[rows] - 0.5 * closest
            scores[chosen] = -np.inf
            chosen.append(int(np.argmax(scores)))
        return [str(rows[position]) for position in chosen]


def compare(scale: Scale) -> Iterator[Result]:
    """Measure searching both kinds of index, then maximal marginal relevance."""
    vectors = unit_vectors(scale.embedded_vectors, scale.embedded_dimension)
    queries = queries_near(vectors)
    work = _Work(vectors, queries, vectors.astype(np.float32), queries.astype(np.float32))
    nodes = _nodes(vectors)
    simple = SimpleVectorStore()
    simple.add(nodes)
    size = f"best {TOP_K} of {len(vectors):,} x {vectors.shape[1]:,}"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        stores = {
            "scanned": ConvexVectorStore(INDEX, deployment_url=f"file:{Path(folder) / 'a.db'}"),
            "native": ConvexVectorStore(
                native_index=NativeIndex(table_name=INDEX, dimension=vectors.shape[1]),
                deployment_url=f"file:{Path(folder) / 'b.db'}",
            ),
        }
        for store in stores.values():
            opened.callback(store.close)
            store.add(nodes)
        for kind, store in stores.items():
            ours = _searching(store.query, work, work.best)
            for name, peer, peer_is, target, rounds in (
                (
                    "simple",
                    _searching(simple.query, work, work.best),
                    _IN_MEMORY,
                    IN_MEMORY_TARGET if kind == "scanned" else None,
                    scale.in_memory_searches,
                ),
                ("numpy", _multiplying(work), SEARCH_PEER, NUMPY_TARGET, scale.searches),
            ):
                yield Comparison(
                    name=f"llama-vectors.{kind}-{name}",
                    size=f"{size}, {kind}",
                    peer_is=peer_is,
                    target=target,
                    ours=ours,
                    peer=peer,
                ).run(rounds)
        yield from _compare_mmr(stores["scanned"], simple, work, size, scale.in_memory_mmr)


def _compare_mmr(
    store: ConvexVectorStore, simple: SimpleVectorStore, work: _Work, size: str, rounds: Rounds
) -> Iterator[Result]:
    # Among its usual 40, ours does less than core's: that ratio is judged by nobody.
    for name, candidates, target in (
        ("usual", 4 * TOP_K, None),
        ("all", len(work.vectors), MMR_TARGET),
    ):
        yield Comparison(
            name=f"llama-vectors.mmr-{name}",
            size=f"MMR among {candidates:,}, {size}",
            peer_is=f"{_IN_MEMORY}, whose MMR is among all, each against the last choice alone",
            target=target,
            ours=_searching(
                partial(store.query, mmr_prefetch_k=candidates),
                work,
                partial(work.diverse, candidates=candidates),
                VectorStoreQueryMode.MMR,
            ),
            peer=_searching(simple.query, work, None, VectorStoreQueryMode.MMR),
        ).run(rounds)


def _searching(
    search: Callable[[VectorStoreQuery], object],
    work: _Work,
    wanted: Callable[[int], _Ids] | None,
    mode: VectorStoreQueryMode = VectorStoreQueryMode.DEFAULT,
) -> Measure:
    """Ask the next query each time; what comes back is compared with *wanted*, if that is known."""
    numbers = count()

    def measure() -> float:
        number = next(numbers) % len(work.queries)
        query = VectorStoreQuery(
            query_embedding=work.queries[number].tolist(), similarity_top_k=TOP_K, mode=mode
        )
        elapsed_s, found = timed(lambda: search(query))
        ids = list(getattr(found, "ids", None) or [])
        expect(found=len(ids), wanted=TOP_K, doing="nodes")
        if wanted is not None:
            expect(found=ids, wanted=wanted(number), doing="nodes")
        return elapsed_s

    return measure


def _multiplying(work: _Work) -> Measure:
    numbers = count()
    return lambda: timed(lambda: work.product(next(numbers) % len(work.queries)))[0]


def _nodes(vectors: npt.NDArray[np.float64]) -> Sequence[BaseNode]:
    nodes = []
    for number, vector in enumerate(vectors):
        about = metadata(number)
        text = about.pop("text")
        nodes.append(
            TextNode(id_=str(number), text=text, metadata=about, embedding=vector.tolist())
        )
    return nodes
