"""The drivers, driven by hand: no network, no clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from convex_mastra.flow import (
    Flow,
    Gather,
    Join,
    Send,
    Sleep,
    Start,
    arun,
    run,
)


class Answering:
    """A transport that answers with a function, counting what is under way at once."""

    def __init__(self, answer: Callable[[Any], Any], max_in_flight: int = 4) -> None:
        self.answer = answer
        self.max_in_flight = max_in_flight
        self.running = self.most_running = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_in_flight)

    def send(self, request: Any, /) -> Any:
        with self._lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            return self.answer(request)
        finally:
            with self._lock:
                self.running -= 1

    async def asend(self, request: Any, /) -> Any:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(0)
            return self.answer(request)
        finally:
            self.running -= 1

    def executor(self) -> ThreadPoolExecutor:
        return self._pool


def ask(request: Any) -> Flow[Any]:
    return (yield Send(request))


class Drivers:
    """Both drivers behind one name, so that each test exists once."""

    @staticmethod
    def sync(flow: Flow[Any], transport: Answering) -> Any:
        return run(flow, transport)

    @staticmethod
    def asynchronous(flow: Flow[Any], transport: Answering) -> Any:
        return asyncio.run(arun(flow, transport))


@pytest.fixture(params=[Drivers.sync, Drivers.asynchronous], ids=["sync", "async"])
def drive(request: pytest.FixtureRequest) -> Callable[[Flow[Any], Answering], Any]:
    return request.param


def test_gather_keeps_order_and_goes_side_by_side(drive: Any) -> None:
    meet = threading.Barrier(2, timeout=5)

    def answer(request: int) -> int:
        if drive is Drivers.sync and request < 2:
            meet.wait()  # both must be under way at once to get past here
        return request * 10

    transport = Answering(answer)

    def flow() -> Flow[list[int]]:
        return (yield Gather([ask(i) for i in range(6)]))

    assert drive(flow(), transport) == [0, 10, 20, 30, 40, 50]
    assert 2 <= transport.most_running <= 4


def test_gather_runs_in_turn_where_nothing_goes_side_by_side(drive: Any) -> None:
    transport = Answering(lambda request: request, max_in_flight=1)

    def flow() -> Flow[list[int]]:
        return (yield Gather([ask(i) for i in range(3)]))

    assert drive(flow(), transport) == [0, 1, 2]
    assert transport.most_running == 1


def test_the_first_failure_of_a_gather_is_thrown_and_the_rest_is_dropped(drive: Any) -> None:
    asked = []

    def answer(request: int) -> int:
        asked.append(request)
        if request == 1:
            raise ValueError("one")
        return request

    def flow() -> Flow[str]:
        try:
            yield Gather([ask(i) for i in range(200)])
        except ValueError as error:
            return f"caught {error}"
        return "not caught"

    assert drive(flow(), Answering(answer)) == "caught one"
    assert len(asked) < 200


def test_a_started_flow_is_joined_with_its_result(drive: Any) -> None:
    def flow() -> Flow[list[Any]]:
        first = yield Start(ask("a"))
        second = yield Start(ask("b"))
        return [(yield Join(second)), (yield Join(first))]

    for in_flight in (1, 4):
        assert drive(flow(), Answering(str.upper, in_flight)) == ["B", "A"]


def test_nested_gathers_do_not_wait_for_each_other(drive: Any) -> None:
    def inner(number: int) -> Flow[list[int]]:
        return (yield Gather([ask(number), ask(number + 1)]))

    def flow() -> Flow[list[list[int]]]:
        return (yield Gather([inner(i) for i in range(10)]))

    expected = [[i, i + 1] for i in range(10)]
    assert drive(flow(), Answering(lambda request: request, max_in_flight=2)) == expected


def test_interrupts_reach_the_flow(drive: Any) -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield Send("x")
        finally:
            closed.append(True)

    def interrupt(_request: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(flow(), Answering(interrupt))
    assert closed == [True]


def test_cancellation_reaches_the_flow_and_its_parts() -> None:
    ended: list[object] = []
    under_way: set[int] = set()
    all_under_way = asyncio.Event()

    class Hanging(Answering):
        async def asend(self, request: Any, /) -> Any:
            under_way.add(request)
            if len(under_way) == 3:
                all_under_way.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(request)

    def flow() -> Flow[None]:
        try:
            yield Gather([ask(i) for i in range(3)])
        finally:
            ended.append("flow")

    async def main() -> None:
        task = asyncio.create_task(arun(flow(), Hanging(str)))
        await all_under_way.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ended[-1] == "flow"
    assert sorted(ended[:-1]) == [0, 1, 2]


def test_parts_in_other_threads_end_with_the_run() -> None:
    meet = threading.Barrier(2, timeout=5)
    sent: list[int] = []

    def answer(request: int) -> int:
        sent.append(request)
        if request < 0:
            meet.wait()
            raise KeyboardInterrupt
        if request == 0:
            meet.wait()  # one request of the other part is under way, and a thousand to come
        return request

    def endless() -> Flow[None]:
        for number in range(1_000):
            yield Send(number)
            yield Sleep(0.01)

    def flow() -> Flow[None]:
        yield Start(endless())
        yield Send(-1)

    transport = Answering(answer)
    with pytest.raises(KeyboardInterrupt):
        run(flow(), transport)
    transport.executor().shutdown()  # waits for the other part
    assert len(sent) < 10


def test_a_callback_in_a_worker_may_run_a_flow() -> None:
    transport: Answering

    def answer(request: int) -> Any:
        return run(inner(), transport) if request == 0 else request

    def inner() -> Flow[list[int]]:
        return (yield Gather([ask(i) for i in (1, 2, 3)]))

    def flow() -> Flow[list[Any]]:
        return (yield Gather([ask(0) for _ in range(4)]))

    transport = Answering(answer, max_in_flight=2)
    assert run(flow(), transport) == [[1, 2, 3]] * 4


def test_parts_run_in_the_callers_context(drive: Any) -> None:
    name: ContextVar[str] = ContextVar("name", default="nobody")
    name.set("caller")

    def flow() -> Flow[list[str]]:
        return (yield Gather([ask(i) for i in range(3)]))

    assert drive(flow(), Answering(lambda _request: name.get())) == ["caller"] * 3


def test_without_threads_parts_run_in_turn() -> None:
    transport = Answering(lambda request: request * 10)
    transport.executor().shutdown()  # as it is while the interpreter ends

    def flow() -> Flow[list[Any]]:
        started = yield Start(ask(1))
        return [(yield Gather([ask(i) for i in range(3)])), (yield Join(started))]

    assert run(flow(), transport) == [[0, 10, 20], 10]

    def failing() -> Flow[Any]:
        return (yield Gather([ask(None), ask(1)]))

    with pytest.raises(TypeError):
        run(failing(), transport)
