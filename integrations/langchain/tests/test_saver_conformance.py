"""``ConvexSaver`` by LangGraph's own suite, and by an equal of its suite for delta channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import Capability
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from integrations.langchain.tests.savers import Chain, Savers, SyncSaver, config_for, id_of
from langchain_convex_mastra import ConvexSaver
from tests.lanes import LANES, OLDER_LANES, on_lanes

Unique = Callable[[str], str]

TESTS = {
    "put": 17,
    "put_writes": 10,
    "get_tuple": 10,
    "list": 16,
    "delete_thread": 5,
    "delete_for_runs": 7,
    "copy_thread": 8,
    "prune": 8,
}


@on_lanes([*LANES, *OLDER_LANES])
@pytest.mark.parametrize("capability", sorted(TESTS))
async def test_langgraphs_suite(savers: Savers, capability: str) -> None:
    @checkpointer_test(name="ConvexSaver")
    async def made() -> AsyncIterator[BaseCheckpointSaver[str]]:
        yield savers.open()

    report = await validate(made, capabilities={capability})
    result = report.results[capability]
    assert (result.detected, result.failures, result.tests_skipped) == (True, [], 0)
    assert result.tests_passed >= TESTS[capability] - 1


def test_no_capability_is_left_out() -> None:
    assert {one.value for one in Capability} == set(TESTS)


async def both(
    savers: Savers, unique: Unique, build: Callable[[Chain], Any], *channels: str
) -> tuple[Any, Any]:
    """The delta history of the same checkpoints, of this saver and of LangGraph's own."""
    answers = []
    for saver in (savers.open(), InMemorySaver()):
        chain = Chain(saver, unique("t"))
        target = await build(chain)
        history = await saver.aget_delta_channel_history(config=target, channels=channels)
        answers.append(history)
    return answers[0], answers[1]


async def write(chain: Chain, *writes: tuple[str, Any], task: str = "task", path: str = "") -> None:
    await chain.saver.aput_writes(chain.config, list(writes), task, path)


async def test_delta_writes_come_oldest_first(savers: Savers, unique: Unique) -> None:
    async def build(chain: Chain) -> Any:
        for number in range(5):
            await chain.put()
            await write(chain, ("a", number), task="t2", path="~1")
            await write(chain, ("a", number + 10), ("a", number + 20), task="t1", path="~2")
        return await chain.put()

    ours, theirs = await both(savers, unique, build, "a")
    assert ours == theirs
    assert [value for _, _, value in ours["a"]["writes"]][:3] == [0, 10, 20]
    assert "seed" not in ours["a"]


async def test_delta_seed_is_the_nearest_snapshot(savers: Savers, unique: Unique) -> None:
    async def build(chain: Chain) -> Any:
        await chain.put({"a": _DeltaSnapshot(["old"])})
        await write(chain, ("a", "x"))
        await chain.put({"a": _DeltaSnapshot(["near"])})
        await write(chain, ("a", "y"))
        del chain.values["a"]
        await chain.put()
        return await chain.put()

    ours, theirs = await both(savers, unique, build, "a")
    assert ours == theirs
    # The checkpoint after a snapshot has the snapshot's version, and so its value.
    assert ours["a"]["seed"] == _DeltaSnapshot(["near"])


async def test_delta_leaves_out_what_is_pending(savers: Savers, unique: Unique) -> None:
    async def build(chain: Chain) -> Any:
        await chain.put()
        await write(chain, ("a", 1))
        target = await chain.put()
        await write(chain, ("a", 2))
        return target

    ours, theirs = await both(savers, unique, build, "a")
    assert ours == theirs
    assert ours == {"a": {"writes": [("task", "a", 1)]}}


async def test_delta_of_several_channels(savers: Savers, unique: Unique) -> None:
    async def build(chain: Chain) -> Any:
        await chain.put({"a": _DeltaSnapshot([1])})
        await write(chain, ("a", 2), ("b", 3))
        del chain.values["a"]
        chain.versions = {}
        await chain.put({"b": _DeltaSnapshot([4])})
        await write(chain, ("b", 5), ("a", 6))
        del chain.values["b"]
        chain.versions = {}
        return await chain.put()

    ours, theirs = await both(savers, unique, build, "a", "b", "unknown")
    assert ours == theirs
    assert ours["a"] == {
        "seed": _DeltaSnapshot([1]),
        "writes": [("task", "a", 2), ("task", "a", 6)],
    }
    assert ours["b"] == {"seed": _DeltaSnapshot([4]), "writes": [("task", "b", 5)]}
    assert ours["unknown"] == {"writes": []}


async def test_delta_of_no_channel(savers: Savers, unique: Unique) -> None:
    ours, theirs = await both(savers, unique, lambda chain: chain.put())
    assert ours == theirs == {}


async def test_delta_without_a_seed_goes_to_the_root(savers: Savers, unique: Unique) -> None:
    async def build(chain: Chain) -> Any:
        for number in range(70):  # more than the tail and two pages of a lane
            await chain.put()
            await write(chain, ("a", number))
        return await chain.put()

    ours, theirs = await both(savers, unique, build, "a")
    assert ours == theirs
    assert len(ours["a"]["writes"]) == 70


async def test_delta_takes_a_plain_value_as_seed(savers: Savers, unique: Unique) -> None:
    async def build(chain: Chain) -> Any:
        await chain.put({"a": ["plain"], "b": 3})
        await write(chain, ("a", "x"), ("b", "y"))
        chain.versions, chain.values = {}, {}
        return await chain.put()

    ours, theirs = await both(savers, unique, build, "a", "b")
    assert ours == theirs
    assert (ours["a"]["seed"], ours["b"]["seed"]) == (["plain"], 3)


async def test_delta_replays_the_writes_of_the_seeds_own_checkpoint(
    savers: Savers, unique: Unique
) -> None:
    async def build(chain: Chain) -> Any:
        await chain.put()
        await write(chain, ("a", "before"))
        await chain.put({"a": _DeltaSnapshot(["s"])})
        await write(chain, ("a", "own"))
        chain.versions, chain.values = {}, {}
        return await chain.put()

    ours, theirs = await both(savers, unique, build, "a")
    assert ours == theirs
    assert ours["a"] == {"seed": _DeltaSnapshot(["s"]), "writes": [("task", "a", "own")]}


async def test_delta_follows_parents_not_ids(savers: Savers, unique: Unique) -> None:
    async def build(chain: Chain) -> Any:
        fork = await chain.put()
        await write(chain, ("a", "shared"))
        await chain.put()
        await write(chain, ("a", "other branch"))
        chain.config = fork
        await chain.put()
        await write(chain, ("a", "this branch"))
        return await chain.put()

    ours, theirs = await both(savers, unique, build, "a")
    assert ours == theirs
    assert [value for *_, value in ours["a"]["writes"]] == ["shared", "this branch"]


async def test_delta_of_the_newest_and_of_nothing(savers: Savers, unique: Unique) -> None:
    for saver in (savers.open(), InMemorySaver()):
        chain = Chain(saver, unique("t"))
        await chain.put()
        await write(chain, ("a", 1))
        newest = await chain.put()
        config = config_for(newest["configurable"]["thread_id"])
        history = await saver.aget_delta_channel_history(config=config, channels=["a"])
        assert history == {"a": {"writes": [("task", "a", 1)]}}
        nothing = config_for(unique("nobody"))
        assert await saver.aget_delta_channel_history(config=nothing, channels=["a"]) == {
            "a": {"writes": []}
        }


@pytest.mark.parametrize("count", [1, 2])
async def test_a_chain_of_parents_may_be_a_ring(unique: Unique, count: int) -> None:
    saver = ConvexSaver(":memory:")
    chain = Chain(SyncSaver(saver), unique("t"))
    configs = [await chain.put({"d": [number]}) for number in range(count)]
    first = saver.get_tuple(configs[0])
    assert first is not None
    # Written again under a config that is not its parent's.
    saver.put(configs[-1], first.checkpoint, first.metadata, {})
    saver.put_writes(configs[0], [("other", 1)], "task")
    asked = {"config": configs[0], "channels": ["other"]}
    history = await asyncio.wait_for(saver.aget_delta_channel_history(**asked), 10)
    assert len(history["other"]["writes"]) == 0
    saver.prune([configs[0]["configurable"]["thread_id"]])


async def test_a_walk_is_not_one_request_for_each_ancestor(savers: Savers, unique: Unique) -> None:
    saver = savers.open()
    chain = Chain(saver, unique("t"))
    for number in range(100):
        await chain.put()
        await write(chain, ("a", number))
    target = await chain.put(counters_since_delta_snapshot={"a": (100, 100)})
    savers.sent()
    history = await saver.aget_delta_channel_history(config=target, channels=["a"])
    assert [value for *_, value in history["a"]["writes"]] == list(range(100))
    sent = savers.sent()
    assert len(sent) <= 45, sent
    assert id_of(target)
