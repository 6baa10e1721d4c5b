"""Both faces are the same, documented and typed; the public names are pinned."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
import time
from collections.abc import Coroutine
from types import UnionType
from typing import Any, Literal, Union, get_origin

import pytest

import convex_mastra
from convex_mastra import (
    AsyncBackgroundTasks,
    AsyncChannels,
    AsyncConvexDocuments,
    AsyncConvexKeyValues,
    AsyncConvexNativeVector,
    AsyncConvexServerCache,
    AsyncConvexStore,
    AsyncConvexVector,
    AsyncMemory,
    AsyncSchedules,
    AsyncScores,
    AsyncWorkflows,
    BackgroundTasks,
    Channels,
    ConvexDocuments,
    ConvexKeyValues,
    ConvexNativeVector,
    ConvexServerCache,
    ConvexStore,
    ConvexVector,
    Memory,
    Message,
    Schedules,
    Scores,
    Workflows,
    open_backend,
)
from tests.scripted import ADMIN_KEY, Reply, scripted_deployment, success

FACES = [
    (Memory, AsyncMemory),
    (Workflows, AsyncWorkflows),
    (ConvexVector, AsyncConvexVector),
    (BackgroundTasks, AsyncBackgroundTasks),
    (Scores, AsyncScores),
    (Schedules, AsyncSchedules),
    (Channels, AsyncChannels),
    (ConvexStore, AsyncConvexStore),
    (ConvexServerCache, AsyncConvexServerCache),
    (ConvexNativeVector, AsyncConvexNativeVector),
    (ConvexDocuments, AsyncConvexDocuments),
    (ConvexKeyValues, AsyncConvexKeyValues),
]
OPERATIONS = [
    (sync, asynchronous, name)
    for sync, asynchronous in FACES
    for name in vars(sync)
    if not name.startswith("_") and not isinstance(vars(sync)[name], property)  # a domain
]


def test_both_faces_have_the_same_operations() -> None:
    for sync, asynchronous in FACES:
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
    parameters = inspect.signature(one).parameters
    assert next(iter(parameters)) == "self"
    assert "Target" not in {parameter.annotation for parameter in parameters.values()}
    assert "Flow" not in str(inspect.signature(one))
    doc = one.__doc__ or ""
    assert "round trip" in doc or "scan" in doc, "says what it costs"


def test_everything_public_is_exported() -> None:
    assert sorted(convex_mastra.__all__, key=str.lower) == sorted(
        set(convex_mastra.__all__), key=str.lower
    )
    for name in convex_mastra.__all__:
        public = getattr(convex_mastra, name)
        assert public.__doc__ or get_origin(public), "only a union or a list of texts has none"


@pytest.mark.parametrize(("sync", "asynchronous", "name"), OPERATIONS)
def test_the_types_of_arguments_and_results_are_exported(
    sync: Any, asynchronous: Any, name: str
) -> None:
    method = getattr(sync, name)
    room = vars(importlib.import_module(method.__module__))
    exported = [getattr(convex_mastra, public) for public in convex_mastra.__all__]
    for word in re.findall(r"(?:\w+\.)?\b[A-Z]\w+", str(inspect.signature(method))):
        module, _, last = word.rpartition(".")
        found = getattr(room.get(module), last, None) if module else room.get(last)
        is_own = getattr(found, "__module__", "").startswith("convex_mastra.")
        if is_own or (module != "npt" and get_origin(found) in (Literal, Union, UnionType)):
            assert found in exported, f"{word} of {name}"


async def longest_gap_s(work: Coroutine[Any, Any, Any]) -> float:
    """How long the loop ever stood still while *work* ran."""
    loop = asyncio.get_running_loop()
    gaps = [0.0]

    async def heartbeat() -> None:
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            gaps.append(loop.time() - before)

    beating = asyncio.create_task(heartbeat())
    await asyncio.sleep(0)
    await work
    beating.cancel()
    assert len(gaps) > 20, "the work took long enough to see"
    return max(gaps)


async def save_and_list(url: str, key: str | None) -> None:
    async with AsyncConvexStore(url, key) as store:
        for _ in range(20):
            text = "x" * 100_000
            await store.memory.save_messages(
                [Message.from_text(text, thread_id="t", resource_id="r")]
            )
        await store.memory.list_messages("t", per_page=False)


@pytest.mark.parametrize("place", ["embedded", "slow deployment"])
def test_the_loop_is_never_blocked(place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    def answer(_seen: Any) -> Reply:
        time.sleep(0.02)
        return success({"ok": True, "result": []})

    with scripted_deployment() as deployment:
        deployment.script = answer
        folder = tmp_path_factory.mktemp("db")
        # A busy machine stops a loop now and then; a call that blocks stops it every time.
        gaps = []
        for attempt in range(5):
            url, key = deployment.url, ADMIN_KEY
            if place == "embedded":
                url, key = f"file:{folder}/{attempt}.db", None
            gaps.append(asyncio.run(longest_gap_s(save_and_list(url, key))))
    assert min(gaps) < 0.05


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
