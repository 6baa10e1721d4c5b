"""What a saver knows of the newest checkpoint: one request finds out whether that is still so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from convex_mastra import open_backend
from convex_mastra.wire import DOCUMENTS_RANGES_FUNCTION, STORAGE_FUNCTION, storage_call
from integrations.langchain.tests import savers as helpers
from integrations.langchain.tests.savers import Chain, Savers, SyncSaver, config_for, id_of, listed
from langchain_convex_mastra import ConvexSaver
from langchain_convex_mastra.checkpoints import ledger as ledgers
from langchain_convex_mastra.checkpoints import newest as newest_module
from langchain_convex_mastra.checkpoints import recalling
from langchain_convex_mastra.checkpoints.layout import Place
from langchain_convex_mastra.checkpoints.newest import Known, Newest

Unique = Callable[[str], str]
LONG = "x" * 1000
"""Longer than what is kept in a header."""


async def values_of(saver: Any, thread: str) -> Any:
    found = await saver.aget_tuple(config_for(thread))
    return None if found is None else found.checkpoint["channel_values"]


async def test_what_is_known_costs_one_request(savers: Savers, unique: Unique) -> None:
    saver, thread = savers.open(), unique("t")
    chain = Chain(saver, thread)
    await chain.put({"long": [LONG], "short": 1})
    await values_of(saver, thread)
    savers.sent()
    first = await saver.aget_tuple(config_for(thread))
    assert savers.sent() == [RANGES]
    first.checkpoint["channel_values"]["long"].append("mine")
    first.checkpoint["channel_versions"]["mine"] = "1"
    first.metadata["mine"] = True
    again = await saver.aget_tuple(config_for(thread))
    assert again.checkpoint["channel_values"] == {"long": [LONG], "short": 1}
    assert set(again.checkpoint["channel_versions"]) == {"long", "short"}
    assert "mine" not in again.metadata
    assert again == await savers.open().aget_tuple(config_for(thread))

    await saver.aput_writes(chain.config, [("long", ["w"]), ("short", LONG)], "task")
    await chain.put({"short": 2})
    assert await values_of(saver, thread) == {"long": [LONG], "short": 2}
    savers.sent()
    await saver.aput_writes(chain.config, [("short", 3)], "task")
    found = await saver.aget_tuple(config_for(thread))
    assert found.pending_writes == [("task", "short", 3)]
    assert len(savers.sent()) == 2


RANGES = DOCUMENTS_RANGES_FUNCTION.split("/")[0]


async def test_what_is_not_known_costs_two_waits(savers: Savers, unique: Unique) -> None:
    """One request finds the newest, two side by side its values and pending writes.

    Where a saver knows another, a third finds out whether a lane lists it.
    """
    mine, other, thread = savers.open(), savers.open(), unique("t")
    assert await values_of(mine, thread) is None
    assert savers.sent() == [RANGES]
    chain = Chain(mine, thread)
    for number in range(4):
        chain.saver = (mine, other)[number % 2]
        await chain.put({"long": [LONG, number]})
        savers.sent()
        for saver, looks in (((other, mine)[number % 2], number > 1), (savers.open(), False)):
            assert await values_of(saver, thread) == {"long": [LONG, number]}
            first, *others = savers.sent()
            wanted = ["loadMany state", *["queryTable lanes"] * looks, "queryTable writes"]
            assert (first, sorted(others)) == (RANGES, wanted)


async def test_where_lanes_are_many_they_are_looked_at(
    savers: Savers, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalling, "LANES_MAX", 2)
    thread = unique("t")
    chain = Chain(savers.open(), thread)
    for number in range(5):  # each by a process of its own
        chain.saver = savers.open()
        await chain.put({"n": number})
        reader = savers.open()
        for many in (number >= 2, False):  # once it has looked, it knows them
            savers.sent()
            assert await values_of(reader, thread) == {"n": number}
            assert ("queryTable lanes" in savers.sent()) == many
    await chain.put({"n": 9})
    assert await values_of(reader, thread) == {"n": 9}


async def test_a_header_that_no_lane_lists_is_not_the_newest(
    savers: Savers, unique: Unique
) -> None:
    mine, other, thread = savers.open(), savers.open(), unique("t")
    chain = Chain(mine, thread)
    await chain.put({"n": 1})
    await other.adelete_thread(thread)
    await chain.put({"n": 2})  # by one that does not know
    anew = Chain(savers.open(), thread)
    assert await values_of(savers.open(), thread) is None
    await anew.put({"n": 3})
    await chain.put({"n": 4})
    for saver in (mine, other, mine, other, savers.open()):
        assert await values_of(saver, thread) == {"n": 3}
        found = await listed(saver, config_for(thread))
        assert [one.checkpoint["channel_values"] for one in found] == [{"n": 3}]


async def test_what_others_put_is_found(savers: Savers, unique: Unique) -> None:
    mine, other, thread = savers.open(), savers.open(), unique("t")
    chain = Chain(mine, thread)
    for number in range(6):
        chain.saver = (mine, other)[number % 2]
        await chain.put({"long": [LONG, number]})
        for saver in (mine, other, savers.open()):
            assert await values_of(saver, thread) == {"long": [LONG, number]}


async def test_what_others_deleted_is_gone(savers: Savers, unique: Unique) -> None:
    mine, other, thread, copy = savers.open(), savers.open(), unique("t"), unique("t")
    chain = Chain(mine, thread)
    await chain.put({"long": [LONG]})
    await chain.put({"n": 1}, run_id=unique("run"))
    assert await values_of(mine, thread) == {"long": [LONG], "n": 1}
    await other.acopy_thread(thread, copy)
    await other.aprune([thread])
    assert await values_of(mine, thread) == {"long": [LONG], "n": 1}
    await other.adelete_thread(thread)
    assert await values_of(mine, thread) is None
    await other.acopy_thread(copy, thread)
    assert await values_of(mine, thread) == {"long": [LONG], "n": 1}
    await chain.put({"n": 2})
    found = await listed(savers.open(), config_for(thread))
    assert [one.checkpoint["channel_values"]["n"] for one in found[:2]] == [2, 1]


async def test_a_thread_that_begins_anew_has_none_of_the_old_values(
    savers: Savers, unique: Unique
) -> None:
    mine, other, thread = savers.open(), savers.open(), unique("t")
    chain = Chain(mine, thread)
    await chain.put({"long": [LONG]})
    assert await values_of(mine, thread) == {"long": [LONG]}
    await other.adelete_thread(thread)
    await chain.put({"n": 1})  # has not looked since, and still names the old value's version
    assert await values_of(mine, thread) is None
    await chain.put({"n": 2})
    for saver in (mine, other):
        assert await values_of(saver, thread) == {"n": 2}
        assert await values_of(saver, thread) == {"n": 2}


async def test_where_the_function_is_not_deployed_it_is_asked_for_once(
    savers: Savers, unique: Unique
) -> None:
    saver, thread = savers.open(), unique("t")
    await Chain(saver, thread).put({"long": [LONG]})
    await values_of(saver, thread)
    savers.backend.abilities[DOCUMENTS_RANGES_FUNCTION] = False
    savers.sent()
    assert await values_of(saver, thread) == {"long": [LONG]}
    assert sorted(savers.sent()) == [
        "loadMany state",
        "loadMany state",
        "queryTable lanes",
        "queryTable writes",
    ]


@pytest.mark.parametrize("size", [1, 100 * 1024])
async def test_many_and_large_writes_are_found(
    savers: Savers, unique: Unique, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(recalling, "WRITES_MAX", 10)
    saver, thread = savers.open(), unique("t")
    chain = Chain(saver, thread)
    await chain.put({"long": [LONG]})
    wanted = []
    for count in (1, 12):
        for number in range(count):
            value = "x" * size if number == 0 else str(number)
            await saver.aput_writes(chain.config, [("a", value)], f"{count:02}-{number:02}")
            wanted.append((f"{count:02}-{number:02}", "a", value))
        for _ in range(2):
            found = await saver.aget_tuple(config_for(thread))
            assert found.pending_writes == wanted


async def test_lanes_of_one_process_do_not_pile_up(unique: Unique) -> None:
    backend = open_backend(":memory:")
    thread, now_s, ids = unique("t"), 1e9, []
    saver = ConvexSaver(backend=backend)
    chain = Chain(SyncSaver(saver), thread)
    for _turn in range(60):
        now_s += 700
        saver._ledger.clock = partial(float, now_s)
        for _ in range(2):
            saver.get_tuple(config_for(thread))
            ids.append(id_of(await chain.put({"n": 1})))
    assert [id_of(one.config) for one in saver.list(config_for(thread))] == ids[::-1]
    query = storage_call(STORAGE_FUNCTION, "queryTable", f"langgraph/lanes/{thread}/", {})
    assert len(backend.send(query)["result"]) <= 3 * ledgers.IDLE_LANES
    backend.close()


def test_what_is_remembered_is_bounded() -> None:
    newest = Newest(size_max=100 * 1024)
    places = [Place("t", str(number)) for number in range(30)]
    for place in places:
        newest.was_read(place, Known("1", "lane", {"key": ("bytes", bytes(10 * 1024))}))
    kept = [place for place in places if newest.of(place) is not None]
    assert kept == places[-8:]
    newest.was_read(places[0], Known("1", "lane", {"key": ("bytes", bytes(60 * 1024))}))
    assert newest.of(places[0]) == Known("1", "lane", {})
    assert newest.of(places[-1]) is not None
    for place in places:
        newest.forget(place)
    assert newest._size == 0


def test_an_older_checkpoint_is_not_the_newest() -> None:
    newest, place = Newest(), Place("t", "")
    newest.was_put(place, Known("2", "lane", {}))
    assert newest.of(place) is None  # nobody has looked yet whether it is
    newest.was_read(place, Known("5", "lane", {}))
    newest.was_put(place, Known("2", "lane", {}))
    assert newest.of(place) == Known("5", "lane", {})
    newest.was_put(place, Known("7", "lane", {}))
    assert newest.of(place) == Known("7", "lane", {})
    assert newest_module.REMEMBERED_BYTES == 16 * 1024 * 1024


async def test_ids_of_any_text_are_newest_in_their_own_order(
    savers: Savers, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other, thread = savers.open(), savers.open(), unique("t")
    chain = Chain(mine, thread)
    ids = ["1", "1é", "2", "2!", "2-", "~", "é", "é" * 500, "😀"]
    for number, one in enumerate(ids):
        for saver in (mine, other):
            await values_of(saver, thread)
        monkeypatch.setattr(helpers, "uuid6", lambda clock_seq, one=one: one)
        chain.saver = (mine, other)[number % 2]
        await chain.put({"n": one})
        for saver in (mine, other, mine, other, savers.open()):
            assert await values_of(saver, thread) == {"n": one}
    assert [id_of(one.config) for one in await listed(mine, config_for(thread))] == ids[::-1]
