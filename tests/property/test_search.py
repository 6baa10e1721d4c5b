"""The embedded search against a plain one, through random writes to one index."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from convex_mastra import ConvexVector
from convex_mastra.flow import run
from convex_mastra.ops.calls import call_storage
from convex_mastra.scoring import TopK, score_rows
from convex_mastra.wire import vector_table

IDS = st.sampled_from([f"v{i}" for i in range(40)])
COORDINATES = st.sampled_from([0.0, 1.0, -1.0, 0.5, 1 / 3, 1e-9, 1e12])
VECTORS = st.lists(COORDINATES, min_size=3, max_size=3)
INDEX = "docs"


class SearchMachine(RuleBasedStateMachine):
    """Any history of an index: the search answers as a scan of what is in it does."""

    def __init__(self) -> None:
        super().__init__()
        self.vector = ConvexVector(":memory:")
        self.vector.create_index(INDEX, 3)
        self.stored: dict[str, list[float]] = {}

    @rule(rows=st.dictionaries(IDS, VECTORS, max_size=25))
    def upsert(self, rows: dict[str, list[float]]) -> None:
        self.vector.upsert(INDEX, list(rows.values()), ids=list(rows))
        self.stored |= rows

    @rule(vector_id=IDS, other=st.lists(COORDINATES, min_size=1, max_size=5))
    def write_another_length(self, vector_id: str, other: list[float]) -> None:
        # What Mastra's own client lets through.
        record = {"id": vector_id, "embedding": other}
        flow = call_storage(self.vector._target, "insert", vector_table(INDEX), record=record)
        run(flow, self.vector.backend)
        self.stored[vector_id] = other

    @rule(ids=st.lists(IDS, min_size=1, unique=True))
    def delete(self, ids: list[str]) -> None:
        self.vector.delete_vectors(INDEX, ids=ids)
        for vector_id in ids:
            self.stored.pop(vector_id, None)

    @precondition(lambda self: self.stored)
    @rule()
    def truncate(self) -> None:
        self.vector.truncate_index(INDEX)
        self.stored.clear()

    @invariant()
    def searches_as_a_scan_does(self) -> None:
        for query in ([1.0, 0.5, 1 / 3], [0.0, 0.0, 1e-9], [0.0, 0.0, 0.0]):
            best = TopK(7)
            ids = list(self.stored)
            scores = score_rows([np.array(self.stored[i]) for i in ids], np.array(query))
            best.add(ids, scores, ids)
            expected = [(hit.id, hit.score) for hit in best.result()]
            found = self.vector.query(INDEX, query, top_k=7)
            assert [match.score for match in found] == pytest.approx(
                [score for _, score in expected], abs=1e-12
            )
            if len({round(score, 12) for score in scores}) == len(scores):
                assert [match.id for match in found] == [vector_id for vector_id, _ in expected]
        assert self.vector.describe_index(INDEX).count == len(self.stored)

    def teardown(self) -> None:
        self.vector.close()


TestSearch = SearchMachine.TestCase
TestSearch.settings = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture
def vector() -> Iterator[ConvexVector]:
    with ConvexVector(":memory:") as opened:
        yield opened


def test_searches_go_on_while_the_index_changes(vector: ConvexVector) -> None:
    rng = np.random.default_rng(3)
    vector.create_index(INDEX, 8)
    for round_number in range(30):
        rows = rng.standard_normal((17, 8))
        ids = [f"{round_number}-{i}" for i in range(17)]
        vector.upsert(INDEX, rows, ids=ids)
        (best,) = vector.query(INDEX, rows[5], top_k=1)
        assert best.id == ids[5]
