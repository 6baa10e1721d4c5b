"""Mastra's server cache, on every lane, of both faces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from convex_mastra import (
    FunctionNotFoundError,
    InvalidArgumentError,
    LimitExceededError,
    StorageError,
)
from convex_mastra.timestamps import Clock
from tests.lanes import Awaited, Clients

BATCH = 25
"""Rows that one call deletes."""


def another(clients: Clients, **options: Any) -> Any:
    """A cache of the same face over the same backend; of the same keys unless told otherwise."""
    face = clients.cache.face
    options.setdefault("key_prefix", face.key_prefix)
    return Awaited(type(face)(backend=face.backend, **options))


def an_hour_ago(clients: Clients) -> Any:
    """The same cache as of an hour ago: what it writes to live less expired long since."""
    cache = another(clients)
    clock = Clock(lambda: time.time() - 3600)
    cache.face._target = replace(cache.face._target, clock=clock)
    return cache


async def side_by_side(cache: Any, call: Callable[[Any, int], Any], count: int) -> list[Any]:
    """Run *call* on the face itself *count* times: in threads, or in tasks."""

    async def one(number: int) -> Any:
        if type(cache.face).__name__.startswith("Async"):
            return await call(cache.face, number)
        return await asyncio.to_thread(call, cache.face, number)

    return await asyncio.gather(*map(one, range(count)))


async def push_all(cache: Any, key: str, count: int) -> None:
    for number in range(count):
        await cache.list_push(key, number)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -3,
        2**53,
        1.5,
        1e300,
        "",
        "Grüße \N{GRINNING FACE} \u2028 \x00",
        "null",
        [],
        {},
        [1, [2.5, None], {"a": []}],
        {"text": "x", "n": 3, "deep": {"list": [True, {"k": None}]}},
    ],
    ids=repr,
)
async def test_a_value_comes_back(clients: Clients, value: Any) -> None:
    await clients.cache.set("k", value)
    found = await clients.cache.get("k")
    assert found == value
    assert type(found) is type(value)
    assert clients.requests() == ["set mastra_cache", "get mastra_cache"]


async def test_what_convex_does_to_a_value(clients: Clients) -> None:
    cache = clients.cache
    await cache.set("k", {"b": 1.0, "a": (2, -0.0), "10": 0, "9": 0})
    found = await cache.get("k")
    assert repr(found) == "{'10': 0, '9': 0, 'a': [2, 0], 'b': 1}"


async def test_a_key_that_is_not_there(clients: Clients) -> None:
    cache = clients.cache
    assert await cache.get("none") is None
    assert await cache.list_length("none") == 0
    assert await cache.list_from_to("none", 0) == []
    await cache.delete("none")
    await cache.clear()


async def test_the_last_write_counts_whatever_was_there(clients: Clients) -> None:
    cache = clients.cache
    await cache.set("k", {"old": 1})
    await cache.set("k", "new")
    assert await cache.get("k") == "new"
    await push_all(cache, "l", 3)
    await cache.set("l", 5)
    assert await cache.get("l") == 5
    await cache.increment("c")
    await cache.set("c", None)
    assert await cache.get("c") is None
    await cache.delete("k")
    assert await cache.get("k") is None


async def test_kinds_are_not_taken_for_each_other(clients: Clients) -> None:
    cache = clients.cache
    await cache.set("v", 1)
    await cache.list_push("l", 1)
    await cache.increment("c")
    full = cache.key_prefix
    for call, message in [
        (cache.list_length("v"), f"{full}v exists but is not an array"),
        (cache.list_push("v", 1), f"{full}v exists but is not an array"),
        (cache.list_length("c"), f"{full}c exists but is not an array"),
        (cache.increment("v"), f"{full}v exists but is not a number"),
        (cache.increment("l"), f"{full}l exists but is not a number"),
    ]:
        with pytest.raises(StorageError) as caught:
            await call
        assert caught.value.message == message
        assert caught.value.operation is not None
        assert caught.value.operation.endswith(" mastra_cache")
    assert [await cache.get("l"), await cache.get("c"), await cache.list_from_to("v", 0)] == [
        None,
        None,
        [],
    ]
    assert [await cache.get("v"), await cache.list_length("l"), await cache.increment("c")] == [
        1,
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, -1, [0, 1, 2, 3, 4]),
        (0, 0, [0]),
        (1, 2, [1, 2]),
        (3, 100, [3, 4]),
        (-2, -1, [3, 4]),
        (-100, 1, [0, 1]),
        (1, -2, [1, 2, 3]),
        (-1, -1, [4]),
        (5, -1, []),
        (3, 2, []),
        (0, -6, []),
        (-1, -2, []),
    ],
)
async def test_ranges_of_a_list(
    clients: Clients, start: int, end: int, expected: list[int]
) -> None:
    await push_all(clients.cache, "l", 5)
    assert await clients.cache.list_from_to("l", start, end) == expected


async def test_a_list_holds_any_values_in_order(clients: Clients) -> None:
    cache = clients.cache
    values = [{"type": "chunk", "n": 1}, None, "x", [1, 2], 2.5]
    for value in values:
        await cache.list_push("l", value)
    assert await cache.list_from_to("l", 0) == values
    assert await cache.list_length("l") == len(values)


async def test_a_long_list_is_deleted_batch_by_batch(clients: Clients) -> None:
    cache = clients.cache
    await push_all(cache, "l", 2 * BATCH + 1)
    await push_all(cache, "other", 2)
    clients.requests()
    await cache.delete("l")
    assert clients.requests() == ["delete mastra_cache"] * 3
    assert await cache.list_length("l") == 0
    await push_all(cache, "l", BATCH + 1)
    clients.requests()
    await cache.set("l", "a value now")
    assert clients.requests() == ["set mastra_cache"] * 2
    assert await cache.get("l") == "a value now"
    assert await cache.list_from_to("other", 0) == [0, 1]


async def test_clearing_takes_what_it_takes_and_no_other_prefix(clients: Clients) -> None:
    cache = clients.cache
    prefix = cache.key_prefix
    neighbours = [another(clients, key_prefix=other) for other in (f"{prefix}x:", prefix[:-1], "")]
    mark = f"{prefix}mark"
    for neighbour in neighbours:
        await neighbour.set(mark, "stays")
        await neighbour.list_push(f"{mark}:list", "stays")
    for number in range(BATCH + 2):
        await cache.set(f"k{number}", number)
    await push_all(cache, "l", BATCH + 2)
    await cache.increment("c")
    clients.requests()
    await cache.clear()
    assert len(clients.requests()) > 2
    left = [await cache.get(f"k{number}") for number in range(BATCH + 2)]
    assert left == [None] * (BATCH + 2)
    assert await cache.list_length("l") == 0
    assert await cache.increment("c") == 1
    for neighbour in neighbours:
        assert await neighbour.get(mark) == "stays"
        assert await neighbour.list_from_to(f"{mark}:list", 0) == ["stays"]
        await neighbour.delete(mark)
        await neighbour.delete(f"{mark}:list")


async def test_what_expired_is_not_there(clients: Clients) -> None:
    cache, earlier = clients.cache, an_hour_ago(clients)
    await earlier.set("v", 1, ttl_s=3599)
    await earlier.increment("c")
    await push_all(earlier, "l", 1)
    assert await cache.get("v") is None
    assert await cache.list_length("l") == 0
    assert await cache.list_from_to("l", 0) == []
    assert await cache.increment("c") == 1
    await earlier.set("v", 1)
    await cache.list_push("v", "a list now")
    assert await cache.list_from_to("v", 0) == ["a list now"]


async def test_what_lives_longer_is(clients: Clients) -> None:
    cache, earlier = clients.cache, an_hour_ago(clients)
    await earlier.set("long", 1, ttl_s=36_000)
    await earlier.set("for ever", 2, ttl_s=0)
    assert [await cache.get("long"), await cache.get("for ever")] == [1, 2]
    for ttl_s in (None, 0):
        unlimited = another(clients, ttl_s=ttl_s)
        unlimited.face._target = replace(unlimited.face._target, clock=earlier.face._target.clock)
        await unlimited.increment("c")
    assert await cache.increment("c") == 3


async def test_every_push_and_increment_prolongs(clients: Clients) -> None:
    cache, earlier = clients.cache, an_hour_ago(clients)
    long_ago = another(clients, ttl_s=36_000)
    long_ago.face._target = replace(long_ago.face._target, clock=earlier.face._target.clock)
    await long_ago.list_push("l", 1)
    await long_ago.increment("c")
    await earlier.list_push("l", 2)
    await earlier.increment("c")
    assert await cache.list_length("l") == 0
    assert await cache.increment("c") == 1


async def test_an_expired_list_gives_way_batch_by_batch(clients: Clients) -> None:
    cache = clients.cache
    for again in (cache.list_length, cache.get, lambda key: cache.list_push(key, "new")):
        await push_all(cache, "l", BATCH)
        await an_hour_ago(clients).list_push("l", "the last")
        clients.requests()
        await again("l")
        assert len(clients.requests()) == 2
    assert await cache.list_from_to("l", 0) == ["new"]


async def test_time_goes_by(clients: Clients) -> None:
    cache = clients.cache
    await cache.set("k", 1, ttl_s=0.3)
    assert await cache.get("k") == 1
    deadline = time.monotonic() + 30
    while await cache.get("k") is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_writers_side_by_side_lose_nothing(clients: Clients) -> None:
    cache = clients.cache
    counts = await side_by_side(cache, lambda face, _number: face.increment("c"), 40)
    assert sorted(counts) == list(range(1, 41))
    await side_by_side(cache, lambda face, number: face.list_push("l", number), 40)
    assert sorted(await cache.list_from_to("l", 0)) == list(range(40))
    assert await cache.list_length("l") == 40


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"$ref": 1}, "value"),
        ({"a": [{"é": 1}]}, "value.a[0]"),
        ([2**53 + 1], "value[0]"),
        ({"x": float("nan")}, "value.x"),
        ({"x": {1: 2}}, "value.x"),
        ({"x": {1, 2}}, "value.x"),
        ("\ud800", "value"),
    ],
    ids=str,
)
async def test_a_value_that_cannot_be_sent(clients: Clients, value: Any, field: str) -> None:
    for call in (clients.cache.set("k", value), clients.cache.list_push("k", value)):
        with pytest.raises(InvalidArgumentError) as caught:
            await call
        assert caught.value.field == field
    assert clients.requests() == []


async def test_a_value_at_the_limits_and_beyond(clients: Clients) -> None:
    cache = clients.cache
    overhead = 2 * len(cache.key_prefix) + 200
    largest = "x" * (2**20 - overhead)
    await cache.set("k", largest)
    assert await cache.get("k") == largest
    deep: Any = 1
    for _ in range(62):
        deep = [deep]
    await cache.list_push("l", deep)
    assert await cache.list_from_to("l", 0) == [deep]
    clients.requests()
    for call, unit in [
        (cache.set("k", "x" * 2**20), "bytes"),
        (cache.list_push("l", "\n" * 2**19), "bytes"),
        (cache.set("k", [deep]), "levels"),
        (cache.set("k", [0] * 8193), "elements"),
        (cache.increment("k" * 2**20), "bytes"),
    ]:
        with pytest.raises(LimitExceededError) as caught:
            await call
        assert caught.value.unit == unit
        assert caught.value.size > caught.value.limit
    assert clients.requests() == []


async def test_arguments_that_are_none(clients: Clients) -> None:
    cache = clients.cache
    for call, field in [
        (cache.get(""), "key"),
        (cache.get(None), "key"),
        (cache.delete(5), "key"),
        (cache.increment(["k"]), "key"),
        (cache.list_length("\ud800"), "key"),
        (cache.set("k", 1, ttl_s=-1), "ttl_s"),
        (cache.set("k", 1, ttl_s=float("inf")), "ttl_s"),
        (cache.set("k", 1, ttl_s=True), "ttl_s"),
        (cache.set("k", 1, ttl_s="5"), "ttl_s"),
        (cache.list_from_to("k", 1.5), "start"),
        (cache.list_from_to("k", 0, None), "end"),
        (cache.list_from_to("k", True), "start"),
    ]:
        with pytest.raises(InvalidArgumentError) as caught:
            await call
        assert caught.value.field == field
    assert clients.requests() == []
    for options, field in [({"ttl_s": -1}, "ttl_s"), ({"key_prefix": None}, "key_prefix")]:
        with pytest.raises(InvalidArgumentError) as caught:
            another(clients, **options)
        assert caught.value.field == field


async def test_a_deployment_without_a_cache(clients: Clients) -> None:
    with pytest.raises(FunctionNotFoundError):
        await another(clients, cache_function="mastra/nowhere:handle").get("k")
