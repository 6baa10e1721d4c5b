"""Random batches: ``ConvexMemoryStore`` answers as LangGraph's ``InMemoryStore``, on every lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from convex_mastra import open_backend
from integrations.langchain.tests.stores import Directions
from integrations.langchain.tests.strategies import JSON
from langchain_convex_mastra import ConvexMemoryStore
from tests.lanes import FACES, Deployment

EXAMPLES = {"embedded": 40}
FEW_EXAMPLES = 3
EVERYTHING = 10_000
LABELS = st.sampled_from(["a", "b", "ab"])
NAMESPACES = st.lists(LABELS, min_size=1, max_size=4).map(tuple)
KEYS = st.sampled_from(["k", "l", "m"])
NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, 2.0, True, "2", "-1.5"])
VALUES = st.fixed_dictionaries(
    {"n": NUMBERS, "at": st.sampled_from(["1,0", "1,1", "0,1", "-1,2"])},
    optional={
        "any": JSON,
        "nested": st.fixed_dictionaries({"n": NUMBERS, "list": st.just([1, 2])}),
    },
)
COMPARISONS = st.dictionaries(
    st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), NUMBERS, min_size=1, max_size=2
)
FILTERS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "n": NUMBERS | COMPARISONS,
        "any": JSON.filter(lambda value: not isinstance(value, dict)),
        "none": st.none() | st.builds(lambda value: {"$ne": value}, NUMBERS),
        "nested": st.sampled_from([{"list": [1, 2]}, {"list": [1, {"$gt": 1}]}, {"list": [1]}]),
    },
)
INDEXES = st.sampled_from([None, None, False, ["at", "also"]])
PATHS = st.lists(LABELS | st.just("*"), min_size=1, max_size=3).map(tuple)
OPS: st.SearchStrategy[Op] = st.one_of(
    st.builds(PutOp, NAMESPACES, KEYS, VALUES, INDEXES, st.none()),
    st.builds(PutOp, NAMESPACES, KEYS, VALUES, INDEXES, st.none()),
    st.builds(PutOp, NAMESPACES, KEYS, st.none(), st.none(), st.none()),
    st.builds(GetOp, NAMESPACES, KEYS),
    st.builds(
        SearchOp,
        st.lists(LABELS, max_size=3).map(tuple),
        FILTERS,
        st.integers(0, 6),
        st.integers(0, 4),
        st.none() | st.sampled_from(["1,0", "1,2"]),
    ),
    st.builds(
        ListNamespacesOp,
        st.lists(
            st.builds(MatchCondition, st.sampled_from(["prefix", "suffix"]), PATHS), max_size=2
        ).map(tuple),
        st.none() | st.integers(0, 3),
        st.integers(0, 5),
        st.integers(0, 3),
    ),
)
BATCHES = st.lists(st.lists(OPS, min_size=1, max_size=6), min_size=1, max_size=4)


class Model:
    """What is expected: LangGraph's own store, and in which order memories were put."""

    def __init__(self) -> None:
        self.store = InMemoryStore(index={"dims": 2, "embed": Directions(), "fields": ["at"]})
        self.turns: dict[tuple[Any, str], int] = {}
        self.created: dict[tuple[Any, str], datetime] = {}

    def batch(self, ops: list[Op]) -> list[Any]:
        results = [self._read(op) for op in ops]
        last = {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}
        for address in [(op.namespace, op.key) for op in ops if isinstance(op, PutOp)]:
            self.turns[address] = max(self.turns.values(), default=0) + 1
        for address, op in last.items():
            self.store.batch([op._replace(value=None), op])  # it keeps vectors of older values
            if op.value is None:
                self.created.pop(address, None)
        return results

    def _read(self, op: Op) -> Any:
        if isinstance(op, GetOp):
            return said(self.store.get(op.namespace, op.key))
        if isinstance(op, ListNamespacesOp):
            # It also lists namespaces that were only asked for, or are empty by now.
            fresh = InMemoryStore()
            for item in self._items(SearchOp(())):
                fresh.put(item.namespace, item.key, item.value)
            return fresh.batch([op])[0]
        if isinstance(op, SearchOp):
            items = self._items(op)
            if op.query:
                # Equal scores are in no order; rounded, they are in ours.
                items.sort(key=lambda item: round(item.score or 0.0, 9), reverse=True)
            return [said(item) for item in items[op.offset : op.offset + op.limit]]
        return None

    def _items(self, op: SearchOp) -> list[Any]:
        (found,) = self.store.batch([op._replace(limit=EVERYTHING, offset=0)])
        items: list[Any] = found  # type: ignore[assignment]
        return sorted(items, key=lambda item: -self.turns[item.namespace, item.key])

    def check_times(self, items: Iterable[Item]) -> None:
        for item in items:
            first = self.created.setdefault((item.namespace, item.key), item.created_at)
            assert first == item.created_at <= item.updated_at


def said(item: Any) -> Any:
    if item is None:
        return None
    score = getattr(item, "score", None)
    return item.namespace, item.key, item.value, None if score is None else round(score, 9)


def ours(result: Any) -> Any:
    if isinstance(result, list) and result and isinstance(result[0], Item):
        return [said(item) for item in result]
    return said(result) if isinstance(result, Item) else result


def test_random_batches_answer_as_in_memory(
    deployment: Deployment, unique: Callable[[str], str]
) -> None:
    backend = open_backend(deployment.url, deployment.admin_key)

    @settings(
        max_examples=EXAMPLES.get(deployment.lane, FEW_EXAMPLES),
        suppress_health_check=list(HealthCheck),
    )
    @given(BATCHES, st.sampled_from(FACES))
    def check(batches: list[list[Op]], face: str) -> None:
        store = ConvexMemoryStore(
            unique("model"),
            index={"dims": 2, "embed": Directions(), "fields": ["at"]},
            backend=backend,
            storage_function=deployment.storage_function,
        )

        def run(ops: list[Op]) -> list[Any]:
            return asyncio.run(store.abatch(ops)) if face == "async" else store.batch(ops)

        model = Model()
        for ops in batches:
            expected = model.batch(ops)
            assert [ours(result) for result in run(ops)] == expected
            model.check_times(run([SearchOp((), limit=EVERYTHING)])[0])

    check()
    backend.close()
