"""What ``ConvexSaver`` promises of cost and manner, on every lane and face, in small."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from convex_mastra import open_backend
from integrations.langchain.tests.savers import Chain, Savers, config_for, id_of, listed
from langchain_convex_mastra import ConvexSaver
from langchain_convex_mastra.checkpoints import lanes

Unique = Callable[[str], str]
DERIVED = {"config_specs", "get", "aget", "with_allowlist"}
"""What LangGraph's base class does by means of the other methods."""


def test_all_that_langgraph_declares_is_there_with_its_parameters() -> None:
    declared = {
        name: method
        for name, method in vars(BaseCheckpointSaver).items()
        if not name.startswith("_") and (callable(method) or isinstance(method, property))
    }
    assert declared.keys() > DERIVED
    for name in declared.keys() - DERIVED:
        own, theirs = getattr(ConvexSaver, name), declared[name]
        assert own is not theirs, name
        parameters = inspect.signature(own).parameters
        for parameter in inspect.signature(theirs).parameters.values():
            assert parameters[parameter.name].kind is parameter.kind, name
            assert parameters[parameter.name].default == parameter.default, name


@pytest.mark.parametrize("count", [3, 50])
async def test_cost_is_that_of_what_is_asked_for(
    savers: Savers, unique: Unique, count: int
) -> None:
    with patch.object(lanes, "PAGE_ENTRIES", 4):
        chain = Chain(savers.open(), unique("t"))
        ids = [id_of(await chain.put({"n": [number]})) for number in range(count)][::-1]
        config = config_for(chain.config["configurable"]["thread_id"])
        savers.sent()
        newest = await savers.open().aget_tuple(config)
        assert id_of(newest.config) == ids[0]
        assert len(savers.sent()) <= 4
        some = await listed(savers.open(), config, limit=3)
        assert [id_of(one.config) for one in some] == ids[:3]
        assert len(savers.sent()) <= 8
        before = config_for(config["configurable"]["thread_id"], ids[-2])
        last = await listed(savers.open(), config, before=before)
        assert [id_of(one.config) for one in last] == ids[-1:]
        assert len(savers.sent()) <= 12
        every = await listed(savers.open(), config)
        assert [id_of(one.config) for one in every] == ids


async def everything(saver: Any, thread: str) -> None:
    chain = Chain(saver, thread)
    for number in range(3):
        await chain.put({"large": ["x" * 200_000, number]}, run_id=thread)
        await saver.aput_writes(chain.config, [("large", "y" * 90_000)], "task")
    config = config_for(thread)
    assert await saver.aget_tuple(config)
    assert len(await listed(saver, config)) == 3
    await saver.aget_delta_channel_history(config=chain.config, channels=["large"])
    await saver.acopy_thread(thread, f"{thread}-copy")
    await saver.aprune([f"{thread}-copy"])
    await saver.adelete_for_runs([thread])
    await saver.adelete_thread(thread)


async def test_async_methods_wait_without_blocking_the_loop(unique: Unique) -> None:
    """Each request takes a while, somewhere else; the loop goes on meanwhile."""
    backend = open_backend(":memory:")
    asend = backend.asend

    async def slow(request: Any) -> Any:
        await asyncio.sleep(0.002)
        return await asend(request)

    def never(_request: Any) -> Any:
        raise AssertionError("a sync request in an async method")

    with patch.object(backend, "asend", slow), patch.object(backend, "send", never):
        assert await longest_pause(everything(ConvexSaver(backend=backend), unique("t"))) < 0.25
    await backend.aclose()


async def longest_pause(work: Awaitable[None]) -> float:
    beats: list[float] = []

    async def heartbeat() -> None:
        while True:
            beats.append(time.perf_counter())
            await asyncio.sleep(0.001)

    beating = asyncio.create_task(heartbeat())
    await work
    beating.cancel()
    assert len(beats) > 20
    return max(after - before for before, after in pairwise(beats))


async def test_no_threads_but_those_that_send(savers: Savers, unique: Unique) -> None:
    """No loop runs in the background; the sync face works inside a running one."""
    ran = set(threading.enumerate())
    await everything(savers.open(), unique("t"))
    new = [thread.name for thread in set(threading.enumerate()) - ran]
    if (savers.deployment.lane, savers.face) == ("reference", "async"):
        assert new == []
    assert all(name.startswith("convex-mastra") for name in new), new
