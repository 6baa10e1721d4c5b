"""Both faces are the same, documented and typed; the public names are pinned."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

import convex_mastra
from convex_mastra import (
    AsyncConvexStore,
    AsyncConvexVector,
    AsyncMemory,
    ConvexStore,
    ConvexVector,
    Memory,
    Message,
    open_backend,
)

OPERATIONS = [(Memory, AsyncMemory, name) for name in vars(Memory) if not name.startswith("_")] + [
    (ConvexVector, AsyncConvexVector, name)
    for name in vars(ConvexVector)
    if not name.startswith("_")
]


def test_both_faces_have_the_same_operations() -> None:
    for sync, asynchronous in ((Memory, AsyncMemory), (ConvexVector, AsyncConvexVector)):
        assert [n for n in vars(sync) if n[0] != "_"] == [
            n for n in vars(asynchronous) if n[0] != "_"
        ]
    assert len(OPERATIONS) > 20


@pytest.mark.parametrize(("sync", "asynchronous", "name"), OPERATIONS)
def test_an_operation_is_the_same_on_both_faces(sync: Any, asynchronous: Any, name: str) -> None:
    one, other = getattr(sync, name), getattr(asynchronous, name)
    assert inspect.signature(one) == inspect.signature(other)
    assert one.__doc__ == other.__doc__
    assert inspect.iscoroutinefunction(other)
    assert not inspect.iscoroutinefunction(one)
    parameters = list(inspect.signature(one).parameters)
    assert parameters[0] == "self"
    assert "target" not in parameters
    assert "Flow" not in str(inspect.signature(one))
    doc = one.__doc__ or ""
    assert "round trip" in doc or "scan" in doc, "says what it costs"


def test_everything_public_is_exported() -> None:
    assert sorted(convex_mastra.__all__, key=str.lower) == sorted(
        set(convex_mastra.__all__), key=str.lower
    )
    for name in convex_mastra.__all__:
        assert getattr(convex_mastra, name).__doc__


async def test_the_loop_is_never_blocked(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("db") / "mastra.db"
    gaps = []

    async def heartbeat() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            gaps.append(loop.time() - before)

    messages = [Message.from_text("x" * 100_000, thread_id="t", resource_id="r") for _ in range(30)]
    async with AsyncConvexStore(f"file:{path}") as store:
        beating = asyncio.create_task(heartbeat())
        await asyncio.sleep(0)
        for message in messages:
            await store.memory.save_messages([message])
        await store.memory.list_messages("t", per_page=False)
        beating.cancel()
    assert len(gaps) > 20
    assert sorted(gaps)[-2] < 0.05, "one gap is left to the machine"


def test_two_loops_and_a_sync_call_share_an_embedded_backend() -> None:
    backend = open_backend(":memory:")
    store = AsyncConvexStore(backend=backend)
    message = Message.from_text("hi", thread_id="t", resource_id="r")
    asyncio.run(_save(store, message))
    asyncio.run(_save(store, message))

    async def sync_inside() -> int:
        return ConvexStore(backend=backend).memory.list_messages("t").total

    assert asyncio.run(sync_inside()) == 1
    backend.close()


async def _save(store: AsyncConvexStore, message: Message) -> None:
    await store.memory.save_messages([message])
