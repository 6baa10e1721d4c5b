"""Savers of several processes whose requests reach the deployment in any order.

Each operation is stepped request by request, and which one goes on is drawn at random; replies get
lost, requests arrive a second time, late; time passes, so that lanes are given up and closed. What must
hold: a read that begins after a put has ended finds it, and in the end nothing is missing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.base.id import uuid6

from convex_mastra import ConnectionLostError, open_backend
from convex_mastra.flow import Gather, Join, Send, Sleep, Start, run
from convex_mastra.ops.storage import query_rows
from integrations.langchain.tests.savers import Chain, SyncSaver, config_for, id_of
from langchain_convex_mastra import ConvexSaver
from langchain_convex_mastra.checkpoints import lanes, ledger, putting, reading, recalling
from langchain_convex_mastra.checkpoints.desk import place_of
from langchain_convex_mastra.checkpoints.history import History

CONFIG = config_for("t")
WRITERS = 4
Steps = Generator[None, None, Any]


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with (
        patch.object(lanes, "PAGE_ENTRIES", 2),
        patch.object(ledger, "IDLE_LANES", 2),
        patch.object(recalling, "LANES_MAX", 2),
    ):
        yield


class World:
    """A deployment, its clock, and the operations that are under way."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.backend = open_backend(":memory:")
        self.now_s = 1e9
        self.savers = [self.new_saver() for _ in range(WRITERS)]
        self.stored: set[str] = set()
        self.late: list[Any] = []
        self.under_way: list[Steps] = []

    def new_saver(self) -> ConvexSaver:
        saver = ConvexSaver(backend=self.backend)
        saver._ledger.clock = lambda: self.now_s
        return saver

    def drive(self, flow: Any) -> Steps:
        """Run a flow, stopping before every request."""
        reply, failure = None, None
        while True:
            try:
                effect = flow.send(reply) if failure is None else flow.throw(failure)
            except StopIteration as finished:
                return finished.value
            reply, failure = None, None
            try:
                match effect:
                    case Send(request):
                        yield
                        reply = self.send(request)
                    case Gather(flows):
                        reply = yield from self.gather(list(flows))
                    case Start(one):
                        reply = one
                    case Join(one):
                        reply = yield from self.drive(one)
                    case Sleep():
                        pass
            except ConnectionLostError as error:
                failure = error

    def gather(self, flows: list[Any]) -> Steps:
        """Run flows whose requests arrive in any order; those that others wait for are all run."""
        replies: dict[int, Any] = {}
        steps = {number: self.drive(flow) for number, flow in enumerate(flows)}
        failure: ConnectionLostError | None = None
        while steps:
            number = self.random.choice(list(steps))
            try:
                next(steps[number])
                yield
            except StopIteration as finished:
                replies[number] = finished.value
                del steps[number]
            except ConnectionLostError as error:
                failure = failure or error
                del steps[number]
        if failure is not None:
            raise failure
        return [replies[number] for number in range(len(flows))]

    def send(self, request: Any) -> Any:
        if "batchInsert" in request.label and self.random.random() < 0.1:
            self.late.append(request)
            if self.random.random() < 0.5:
                self.backend.send(request)
            raise ConnectionLostError("lost", applied=None)
        return self.backend.send(request)

    def put(self, number: int) -> Steps:
        saver = self.savers[number]
        one = str(uuid6(clock_seq=1))
        checkpoint = {
            "v": 4,
            "id": one,
            "ts": "2026",
            "channel_values": {"a": [one]},
            "channel_versions": {"a": one},
            "versions_seen": {},
        }
        parent = config_for("t", max(self.stored, default="none"))
        flow = putting.put_checkpoint(
            saver._connection._target, saver._desk, parent, checkpoint, {}, {"a": one}
        )
        yield from self.drive(flow)
        self.stored.add(one)

    def read_newest(self, number: int) -> Steps:
        before = max(self.stored, default="")
        saver = self.savers[number]
        found = yield from self.drive(
            reading.read_tuple(saver._connection._target, saver._desk, CONFIG)
        )
        assert (found.checkpoint["id"] if found else "") >= before
        assert found is None or found.checkpoint["channel_values"] == {
            "a": [found.checkpoint["id"]]
        }

    def read_list(self, number: int) -> Steps:
        before = set(self.stored)
        found: list[str] = []
        yield from self.list_ids(number, found)
        assert found == sorted(set(found), reverse=True)
        assert before <= set(found)

    def list_ids(self, number: int, found: list[str]) -> Steps:
        saver = self.savers[number]
        history = History(CONFIG, None, None, None)
        while tuples := (
            yield from self.drive(history.read_on(saver._connection._target, saver._desk))
        ):
            found += [one.checkpoint["id"] for one in tuples]

    def go(self, count: int) -> None:
        operations: list[Callable[[int], Steps]] = [
            *[self.put] * 6, self.read_newest, self.read_newest, self.read_list
        ]  # fmt: skip
        while count or self.under_way:
            if count and len(self.under_way) < self.random.choice([1, 1, 1, 1, 5]):
                count -= 1
                operation = self.random.choice(operations)
                self.under_way.append(operation(self.random.randrange(WRITERS)))
            if not self.under_way:
                continue
            steps = self.random.choice(self.under_way)
            is_killed = self.random.random() < 0.02
            if is_killed or next(steps, self) is self:
                self.under_way.remove(steps)
            # An operation takes a minute at most; between them a quarter of an hour may pass.
            self.now_s += self.random.choice([0, 0.1, 2])
            if not self.under_way:
                self.now_s += self.random.choice([0, 0, 200, 900])
            if self.random.random() < 0.05:
                self.savers[self.random.randrange(WRITERS)] = self.new_saver()
            if self.random.random() < 0.1:
                self.deliver()
        self.deliver()
        reader = self.new_saver()
        ids = [one.checkpoint["id"] for one in reader.list(CONFIG)]
        assert self.stored <= set(ids)
        newest = reader.get_tuple(CONFIG)
        assert (newest.checkpoint["id"] if newest else None) == max(ids, default=None)

    def deliver(self) -> None:
        """Requests whose replies were lost arrive, perhaps once more."""
        for request in self.late:
            self.backend.send(request)
        self.late.clear()


@settings(max_examples=100, phases=[Phase.generate])  # a seed does not shrink
@given(seed=st.integers(0, 2**32), count=st.integers(5, 60))
def test_whatever_the_order_of_requests_nothing_is_lost(seed: int, count: int) -> None:
    world = World(seed)
    try:
        world.go(count)
    finally:
        world.backend.close()


def test_the_lane_of_the_highest_id_is_never_closed() -> None:
    world = World(0)

    def put(number: int, one: str) -> None:
        checkpoint = {
            "v": 4,
            "id": one,
            "ts": "2026",
            "channel_values": {},
            "channel_versions": {},
            "versions_seen": {},
        }
        world.savers[number].put(CONFIG, checkpoint, {}, {})  # type: ignore[arg-type]

    for number, one in enumerate("zyx"):
        put(number, one)
    world.now_s += ledger.IDLE_S + 1
    put(3, "a")  # by a machine whose clock is behind
    looking = world.new_saver()
    assert looking.get_tuple(CONFIG) is not None
    # It closes the idle lanes, and is killed before its own put.
    run(
        putting.open_lane(looking._connection._target, looking._desk, place_of(CONFIG)),
        world.backend,
    )
    closed = query_rows(looking._connection._target, place_of(CONFIG).closed, {})
    assert len(run(closed, world.backend)) == 1
    newest = world.new_saver().get_tuple(CONFIG)
    assert newest is not None
    assert newest.checkpoint["id"] == "z"
    assert [one.checkpoint["id"] for one in world.new_saver().list(CONFIG)] == list("zyxa")
    world.backend.close()


def acting_at(steps: Steps, act_at: int, act: Callable[[], Any]) -> bool:
    """Step an operation to its end, and act before one of its requests; whether it came to that."""
    number = 0
    for number, _ in enumerate(steps):
        if number == act_at:
            act()
    return number >= act_at


@pytest.mark.parametrize("seed", range(8))  # in which order requests side by side arrive
@pytest.mark.parametrize(("does", "kept"), [("close", 3), ("prune", 1)])
def test_a_list_misses_nothing_while_lanes_move(seed: int, does: str, kept: int) -> None:
    def act(world: World) -> None:
        other = world.new_saver()
        if does == "prune":
            other.prune(["t"])
            return
        other.get_tuple(CONFIG)
        target = other._connection._target
        run(putting.open_lane(target, other._desk, place_of(CONFIG)), world.backend)

    act_at, came = 0, True
    while came:
        world = World(seed)
        chains = [Chain(SyncSaver(saver), "t") for saver in world.savers[:3]]
        ids = [id_of(asyncio.run(chain.put({"a": [1]}))) for chain in chains]
        world.now_s += ledger.IDLE_S + 1
        found: list[str] = []
        came = acting_at(world.list_ids(3, found), act_at, partial(act, world))
        assert set(ids[-kept:]) <= set(found), act_at
        assert found == sorted(set(found), reverse=True)
        world.backend.close()
        act_at += 1
    assert act_at > 4
