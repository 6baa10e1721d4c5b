"""The server cache's client against answers that a test makes up: lost, late, too large, wrong."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import pytest

from convex_mastra import (
    ConnectionLostError,
    ConvexServerCache,
    FunctionError,
    OutcomeUnknownError,
    ProtocolError,
    ScanLimitError,
    UnfinishedError,
    operations,
    wire,
)
from convex_mastra.flow import run
from convex_mastra.limits import CACHE_BATCHES
from convex_mastra.ops import cache
from convex_mastra.ops.target import CacheScope, Target
from convex_mastra.retries import RetryPolicy
from convex_mastra.timestamps import Clock
from convex_mastra.wire import FunctionCall

NO_RETRIES = RetryPolicy(attempts=1, budget_s=0, wait_initial_s=0, wait_max_s=0)
TARGET = Target(NO_RETRIES, cache=CacheScope(key_prefix="p:"))
Answer = Callable[[wire.Json], Any]


class Place:
    """Answers every call as it is told to."""

    max_in_flight = 1

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.calls: list[FunctionCall] = []

    def send(self, call: FunctionCall, /) -> Any:
        self.calls.append(call)
        return self.answer(call.args)

    async def asend(self, call: FunctionCall, /) -> Any:
        return self.send(call)

    def executor(self) -> Executor:
        raise NotImplementedError("one call at a time")


def lose(_args: wire.Json) -> Any:
    raise ConnectionLostError("reset")


WRITES = {
    "set": lambda target: cache.set(target, "k", 1),
    "delete": lambda target: cache.delete(target, "k"),
    "clear": cache.clear,
    "listPush": lambda target: cache.list_push(target, "k", 1),
    "increment": lambda target: cache.increment(target, "k"),
}


@pytest.mark.parametrize("op", WRITES)
def test_what_must_not_be_repeated_is_not(op: str) -> None:
    place = Place(lose)
    target = replace(TARGET, policy=replace(NO_RETRIES, attempts=3, budget_s=1))
    once = op in ("listPush", "increment")
    with pytest.raises(OutcomeUnknownError if once else ConnectionLostError):
        run(WRITES[op](target), place)
    assert len(place.calls) == (1 if once else 3)
    assert operations.CACHE_REPEATABLE[op] is not once


@pytest.mark.parametrize("op", WRITES)
def test_an_operation_ends_after_a_thousand_batches(op: str) -> None:
    place = Place(lambda _args: {"ok": True, "hasMore": True})
    with pytest.raises(UnfinishedError, match=rf"{op} mastra_cache was not done after 1,000"):
        run(WRITES[op](TARGET), place)
    assert len(place.calls) == CACHE_BATCHES


def test_every_batch_counts_the_time_to_live_anew() -> None:
    seconds = iter(range(1000, 2000))
    target = replace(TARGET, clock=Clock(lambda: float(next(seconds))))
    replies = iter([True, True, False])
    place = Place(lambda _args: {"ok": True, "hasMore": next(replies)})
    run(cache.set(target, "k", 1, ttl_s=0.5), place)
    assert [call.args["expiresAt"] for call in place.calls] == [1000500, 1001500, 1002500]


def test_what_a_call_says() -> None:
    target = replace(TARGET, clock=Clock(lambda: 1000.0))
    place = Place(lambda _args: {"ok": True, "result": 1.0})
    run(cache.increment(target, "k"), place)
    (call,) = place.calls
    entry = {"key": "p:k", "keyPrefix": "p:", "expiresAt": 1_300_000}
    assert call.args == {"op": "increment", **entry}
    assert (call.kind, call.path, call.label) == (
        "mutation",
        "mastra/cache:handle",
        "increment mastra_cache",
    )


def items(length: int, readable: int) -> Answer:
    """A list of which no more than *readable* items fit into an answer."""

    def answer(args: wire.Json) -> Any:
        if args["op"] == "listLength":
            return {"ok": True, "result": float(length)}
        end = args["to"] + length if args["to"] < 0 else args["to"]
        start = max(args["from"] + length, 0) if args["from"] < 0 else args["from"]
        found = list(range(length))[start : end + 1]
        if len(found) > readable:
            raise FunctionError("Array length is too long (8193 > maximum length 8192)")
        return {"ok": True, "result": found}

    return answer


@pytest.mark.parametrize("readable", [1, 7, 49])
@pytest.mark.parametrize(("start", "end"), [(0, -1), (-49, 200), (3, 60), (0, 99), (-1000, -3)])
def test_a_list_too_large_for_one_answer_is_read_in_parts(
    readable: int, start: int, end: int
) -> None:
    place = Place(items(100, readable))
    found = run(cache.list_from_to(TARGET, "k", start, end), place)
    whole = list(range(100))
    assert found == (whole[start:] if end in (-1, 200) else whole[max(start, -100) :][: len(found)])
    assert found[-1] == {-1: 99, 200: 99, 60: 60, 99: 99, -3: 97}[end]


def test_an_item_too_large_for_any_answer() -> None:
    with pytest.raises(FunctionError, match="Array length is too long"):
        run(cache.list_from_to(TARGET, "k", 0, -1), Place(items(4, 0)))


def test_a_list_that_goes_while_it_is_read_in_parts() -> None:
    whole = items(100, 50)

    def answer(args: wire.Json) -> Any:
        return {"ok": True, "result": []} if args.get("from") == 50 else whole(args)

    with pytest.raises(ScanLimitError, match="was deleted or expired while it was read"):
        run(cache.list_from_to(TARGET, "k", 0, -1), Place(answer))

    def gone(args: wire.Json) -> Any:
        return {"ok": True, "result": 0.0} if args["op"] == "listLength" else whole(args)

    assert run(cache.list_from_to(TARGET, "k", 0, -1), Place(gone)) == []


def test_a_failure_that_is_no_limit_is_raised_as_it_is() -> None:
    def answer(_args: wire.Json) -> Any:
        raise FunctionError("no")

    place = Place(answer)
    with pytest.raises(FunctionError, match="no"):
        run(cache.list_from_to(TARGET, "k", 0, -1), place)
    assert len(place.calls) == 1


@pytest.mark.parametrize("result", [None, "1", True, 1.5, []])
def test_a_count_that_is_none(result: Any) -> None:
    place = Place(lambda _args: {"ok": True, "result": result})
    for flow in (cache.increment(TARGET, "k"), cache.list_length(TARGET, "k")):
        with pytest.raises(ProtocolError, match="returned no count"):
            run(flow, place)


def test_items_that_are_none() -> None:
    with pytest.raises(ProtocolError, match="returned no list of items"):
        run(cache.list_from_to(TARGET, "k", 0), Place(lambda _args: {"ok": True, "result": 5}))


def test_a_cache_has_mastras_defaults() -> None:
    with ConvexServerCache(":memory:") as opened:
        assert opened.key_prefix == "mastra:cache:"
        assert opened._target.cache == CacheScope("mastra/cache:handle", "mastra:cache:", 300.0)
