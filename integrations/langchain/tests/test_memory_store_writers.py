"""Writers of memories side by side, writers that fail half-way, and a loop that is not blocked."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from typing import Any

import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, PutOp

from convex_mastra import Backend, FunctionError, open_backend
from convex_mastra.wire import FunctionCall
from integrations.langchain.tests.memory_stores import Raw, Stores, at, stores
from integrations.langchain.tests.stores import Directions, OneFace
from langchain_convex_mastra import ConvexMemoryStore
from langchain_convex_mastra.embedding import EmbeddingBackend
from langchain_convex_mastra.memories.batches import run_batch
from tests.stepping import stepped

__all__ = ["stores"]

ANN = ("users", "ann")
BOB = ("users", "bob")


async def test_two_writers_lose_nothing(stores: Stores) -> None:
    one, two = stores.indexed(), stores.indexed()
    await one.put(ANN, "shared", {"at": "1,0", "n": -1})
    first = await one.get(ANN, "shared")

    def puts(writer: int, turn: int) -> list[PutOp]:
        own = [PutOp(ANN, f"{writer}/{turn}/{n}", {"at": "0,1", "n": n}) for n in range(3)]
        return [*own, PutOp(ANN, "shared", {"at": "1,0", "n": writer * 10 + turn})]

    work = [
        (writer, puts(number, turn)) for turn in range(3) for number, writer in ((1, one), (2, two))
    ]
    if stores.face == "async":
        await asyncio.gather(*(writer.batch(ops) for writer, ops in work))
    else:
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda job: job[0].store.batch(job[1]), work))
    found = await one.search(ANN, limit=99)
    assert len(found) == 1 + 18
    shared = await two.get(ANN, "shared")
    assert shared.created_at == first.created_at
    assert shared.value["n"] in (10, 11, 12, 20, 21, 22)
    nearest = await one.search(ANN, query="1,0", limit=1)
    assert [(item.key, round(item.score, 6)) for item in nearest] == [("shared", 1.0)], (
        "the writer that won has its vector"
    )
    await one.put(ANN, "shared", {"at": "1,0", "n": 0})
    await one.batch([PutOp(ANN, item.key, None) for item in found])
    assert stores.rows_of(ANN) == []
    assert stores.vectors() == []


class Failing:
    """A backend that refuses every request after so many, and those whose label has a text."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self.left = 10**6
        self.refused: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _check(self, request: FunctionCall) -> None:
        self.left -= 1
        if self.left < 0 or (self.refused is not None and self.refused in request.label):
            raise FunctionError("refused by the test", operation=request.label)

    def send(self, request: FunctionCall, /) -> Any:
        self._check(request)
        return self._inner.send(request)

    async def asend(self, request: FunctionCall, /) -> Any:
        self._check(request)
        return await self._inner.asend(request)


async def test_what_can_be_read_has_its_vectors(stores: Stores) -> None:
    failing: Any = Failing(stores.backend)
    writer = stores.indexed(backend=failing)
    await writer.put(ANN, "k", {"at": "1,0", "n": 1})
    failing.refused = "batchInsert mastra_vector"
    for key in ("k", "new"):
        with pytest.raises(FunctionError):
            await writer.put(ANN, key, {"at": "0,1", "n": 2})
    [found] = await stores.indexed().search(ANN, query="1,0")
    assert (found.value["n"], found.score) == (1, pytest.approx(1))


async def test_whatever_can_be_read_is_listed_however_far_a_writer_came(stores: Stores) -> None:
    if stores.deployment.lane != "embedded" and stores.face == "async":
        pytest.skip("the async face sends the same requests")
    failing: Any = Failing(stores.backend)
    writer, reader = stores.indexed(backend=failing), stores.indexed()
    large = {"at": "1,0", "text": "x" * 1_200_000}
    read = 0
    for before in range(99):
        namespace = ("crash", str(before), "x")
        failing.left = before
        try:
            await writer.batch(
                [PutOp(namespace, "large", large), PutOp(namespace, "k", {"at": "0,1"})]
            )
        except FunctionError:
            pass
        else:
            break
        items = [
            one
            for one in await reader.batch([GetOp(namespace, "large"), GetOp(namespace, "k")])
            if one
        ]
        read += bool(items)
        if not items and before % 3:
            continue
        found = await reader.search(namespace[:2])
        assert {item.key for item in found} == {item.key for item in items}
        assert {item.key for item in await reader.search(namespace, query="1,0")} == {
            item.key for item in items
        }
        assert not items or namespace in await reader.list_namespaces(prefix=namespace[:2])
    assert 10 < before < 60
    assert read, "some came so far that something can be read"
    failing.left = 10**6
    last = ("crash", str(before - 1), "x")
    await writer.put(last, "k", {"at": "0,1"})
    assert [item.score for item in await reader.search(last, query="0,1", limit=1)] == [1.0]

    for before in range(99):
        failing.left = before
        try:
            await writer.delete(last, "k")
        except FunctionError:
            found = await reader.search(last[:2], query="0,1")
            item = await reader.get(last, "k")
            assert ("k" in [one.key for one in found]) == (item is not None)
        else:
            break
    assert before > 5
    assert await reader.get(last, "k") is None


def test_whatever_can_be_read_is_listed_however_writers_meet() -> None:
    """A memory is put while it is deleted: each stops once, anywhere, while the other goes on."""
    backend = open_backend(":memory:")
    index: Any = {"dims": 2, "embed": Directions(), "fields": ["at"]}
    store, other = (ConvexMemoryStore("s", index=index, backend=backend) for _ in range(2))
    transport = EmbeddingBackend(backend, Directions())
    raw = Raw(backend=backend)
    store.put(ANN, "k", {"at": "1,0"})
    other.put(ANN, "k", {"at": "1,0"})
    outcomes: Counter[bool] = Counter()
    for puts, deletions, put_goes_on in product(range(12), range(1, 12), (True, False)):
        store.put(ANN, "k", {"at": "1,0", "old": True})
        put = stepped(run_batch(store._place, [PutOp(ANN, "k", {"at": "0,1"})]), transport)
        delete = stepped(run_batch(other._place, [PutOp(ANN, "k", None)]), transport)
        first, second = ((put, puts), (delete, deletions))[:: 1 if put_goes_on else -1]
        for flow, steps in (first, second):
            for _ in range(steps):
                next(flow, None)
        for flow, _ in (first, second):
            assert all(step is None for step in flow)
        item = store.get(ANN, "k")
        assert [one.key for one in store.search(("users",))] == ([] if item is None else ["k"])
        if item is not None:
            assert store.list_namespaces() == [ANN]
            assert [row["id"] for row in raw.rows(store._place.keys(ANN), {})] == ["k"]
        outcomes[item is not None] += 1
    assert outcomes[True]
    assert outcomes[False]
    backend.close()


def test_what_is_put_while_its_namespace_leaves_the_list_is_found() -> None:
    """Whoever finds a namespace empty takes it off, and puts it back if it is not."""
    backend = open_backend(":memory:")
    lister = at(OneFace(ConvexMemoryStore("s", backend=backend), "sync"), 25 * 60).store
    for position in range(99):
        namespace = (*ANN, str(position))
        first = ConvexMemoryStore("s", backend=backend)
        first.put(namespace, "k", {"n": 1})
        first.delete(namespace, "k")
        listing = stepped(run_batch(lister._place, [ListNamespacesOp()]), backend)
        steps = sum(1 for _, _ in zip(range(position), listing, strict=False))
        ConvexMemoryStore("s", backend=backend).put(namespace, "k", {"n": 2})
        for _ in listing:
            pass
        assert [item.value for item in lister.search(ANN)] == [{"n": 2}]
        assert [item.value for item in lister.search(("users",))] == [{"n": 2}]
        first.delete(namespace, "k")
        if steps < position:
            break
    assert position > 20
    backend.close()


async def test_the_loop_is_not_blocked() -> None:
    beats: list[float] = []

    async def heartbeat() -> None:
        while True:
            beats.append(time.perf_counter())
            await asyncio.sleep(0.001)

    store = ConvexMemoryStore(deployment_url=":memory:")
    beating = asyncio.create_task(heartbeat())
    puts = [PutOp(ANN, f"k{n}", {"n": n, "text": "x" * 100_000}) for n in range(60)]
    await store.abatch(puts)
    assert len(await store.asearch(ANN, limit=99)) == 60
    beating.cancel()
    longest = max(after - before for before, after in pairwise(beats))
    assert longest < 0.5
    assert len(beats) > 20
    await store.aclose()
