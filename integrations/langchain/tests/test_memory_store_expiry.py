"""Memories that expire: on every lane and face, with a clock that is put forward."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from langgraph.store.base import GetOp, PutOp, SearchOp

from integrations.langchain.tests.memory_stores import Stores, at, embedded_only, place_of, stores
from langchain_convex_mastra import ConvexMemoryStore
from langchain_convex_mastra.memories import deletes

__all__ = ["stores"]

ANN = ("users", "ann")
A_SECOND_MINUTES = 1 / 60


async def test_what_expired_is_not_returned(stores: Stores) -> None:
    store = stores.open(ttl={"default_ttl": 10, "refresh_on_read": False})
    await store.put(ANN, "default", {"n": 1})
    await store.put(ANN, "short", {"n": 2}, ttl=5)
    await store.put(ANN, "none", {"n": 3}, ttl=None)
    await store.put(("brief",), "k", {"n": 4}, ttl=0.5)

    async def there(minutes: float) -> list[str]:
        at(store, minutes)
        got = await store.batch([GetOp(ANN, k, False) for k in ("default", "short", "none")])
        found = await store.search(ANN)
        assert sorted(item.key for item in found) == sorted(item.key for item in got if item)
        return [item.key for item in found]

    assert await there(0) == ["none", "short", "default"]
    assert await store.list_namespaces() == [("brief",), ANN]
    assert await there(4.9) == ["none", "short", "default"]
    assert await there(5.1) == ["none", "default"]
    assert [item.key for item in await store.search(ANN, limit=1, offset=1)] == ["default"]
    assert await store.list_namespaces() == [ANN]
    assert await there(10.1) == ["none"]
    assert [item.key for item in await stores.open().search(ANN)] == ["none", "short", "default"]
    assert await store.list_namespaces() == [ANN]

    await store.put(ANN, "short", {"n": 5})
    item = await store.get(ANN, "short")
    assert item.created_at == item.updated_at, "what expired was not there any more"


async def test_reading_refreshes(stores: Stores) -> None:
    store = stores.open(ttl={"default_ttl": 10})
    for key in ("got", "found", "left", "peeked"):
        await store.put(ANN, key, {"key": key, "text": "x" * 1000})
    at(store, 6)
    stores.requests()
    assert await store.get(ANN, "got")
    assert not any("items" in one for one in stores.requests() if one.startswith("batch"))
    assert [item.key for item in await store.search(ANN, filter={"key": "found"})] == ["found"]
    assert await store.get(ANN, "peeked", refresh_ttl=False)
    await store.search(ANN, refresh_ttl=False)
    await store.batch([GetOp(ANN, "peeked", False), SearchOp(ANN, refresh_ttl=False)])
    at(store, 12)
    assert [item.key for item in await store.search(ANN, refresh_ttl=False)] == ["found", "got"]
    at(store, 16.1)
    assert await store.search(ANN) == []
    calm = stores.open(ttl={"default_ttl": 10, "refresh_on_read": False}, name=f"{stores.name}2")
    await calm.put(ANN, "k", {})
    assert await at(calm, 6).get(ANN, "k")
    assert await at(calm, 9).get(ANN, "k", refresh_ttl=True)
    assert await at(calm, 18).get(ANN, "k")
    assert await at(calm, 19.1).get(ANN, "k") is None


async def test_sweeping(stores: Stores) -> None:
    store = stores.indexed(ttl={"default_ttl": 10})
    large = {"at": "1,0", "text": "x" * 1_100_000}
    await store.batch([PutOp(ANN, "a", large, ttl=10), PutOp(ANN, "b", {"at": "0,1"}, ttl=20)])
    await store.put(("calm",), "k", {"at": "1,0"}, ttl=None)
    await store.put(("gone",), "k", {"at": "1,0"})
    assert await store.sweep_ttl() == 0
    assert len(stores.vectors()) == 4
    at(store, 11)
    stores.requests()
    assert await store.sweep_ttl() == 2
    requests = stores.requests()
    assert not any(
        "/items" in one
        for one in requests
        if one.startswith(("queryTable", "batch"))
        if "#versions" not in one
    ), "no value is read"
    assert not any("calm" in one for one in requests)
    assert sorted(one["namespace"][0] for one in stores.vectors()) == ["calm", "users"]
    assert stores.rows_of(("gone",)) == []
    assert await store.sweep_ttl() == 0
    assert [item.key for item in await store.search((), refresh_ttl=False)] == ["k", "b"]
    assert stores.listed("expiring") == {'["users","ann"]', '["gone"]'}
    at(store, 25 * 60)
    assert await store.sweep_ttl() == 1
    assert await store.list_namespaces() == [("calm",)]
    assert stores.listed("expiring") == set(), "nothing may expire there any more"
    assert stores.listed() == {'["calm"]'}
    assert stores.rows_of(ANN) == []


async def test_what_is_put_while_it_is_swept_stays(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stores.open(ttl={"default_ttl": 10})
    await store.put(ANN, "k", {"n": 1})
    at(store, 11)
    other = ConvexMemoryStore(
        stores.name, backend=stores.backend, storage_function=stores.deployment.storage_function
    )
    real = deletes.delete_rows

    def put_first(target: Any, table: str, ids: Any) -> Any:
        if table == place_of(store).keys(ANN):
            other.put(ANN, "k", {"n": 2})
        return real(target, table, ids)

    monkeypatch.setattr(deletes, "delete_rows", put_first)
    assert await store.sweep_ttl() == 0
    monkeypatch.undo()
    assert (await store.get(ANN, "k")).value == {"n": 2}
    assert await store.list_namespaces() == [ANN]


@embedded_only
async def test_the_sweeper_of_either_face(stores: Stores, caplog: Any) -> None:
    store = stores.open(ttl={"default_ttl": 0, "sweep_interval_minutes": 1})
    assert await store.stop_ttl_sweeper()
    await store.put(ANN, "k", {})
    running = await store.start_ttl_sweeper(A_SECOND_MINUTES / 100)
    if isinstance(running, Future):
        assert store.store.start_ttl_sweeper() is running, "there is one at a time"
    await _until(lambda: stores.rows_of(ANN) == [])
    await store.put(ANN, "k", {})
    await _until(lambda: stores.rows_of(ANN) == [])
    assert await store.stop_ttl_sweeper(timeout=10)
    await _until(running.done)
    await store.put(ANN, "k", {})
    await asyncio.sleep(0.05)
    assert stores.rows_of(ANN) == ["k", "k"]

    again = await store.start_ttl_sweeper(A_SECOND_MINUTES / 100)
    again.cancel()
    await _until(again.done)
    assert await store.stop_ttl_sweeper(timeout=10)
    assert (await stores.open().start_ttl_sweeper()) is not None
    assert caplog.records == []


@embedded_only
async def test_a_sweep_that_fails_is_logged_and_tried_again(
    stores: Stores, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stores.open(ttl={"default_ttl": 0})
    place = place_of(store)
    await store.put(ANN, "k", {})
    store.store._place = replace(place, target=replace(place.target, storage_function="no:such"))
    with caplog.at_level(logging.ERROR):
        await store.start_ttl_sweeper(A_SECOND_MINUTES / 100)
        await _until(lambda: len(caplog.records) > 1)
        store.store._place = place
        await _until(lambda: stores.rows_of(ANN) == [])
    assert await store.stop_ttl_sweeper()
    assert "A sweep of expired memories failed" in caplog.text


def test_closing_ends_the_thread() -> None:
    store = ConvexMemoryStore(deployment_url=":memory:", ttl={"default_ttl": 1})
    running = store.start_ttl_sweeper()
    store.close()
    assert running.done()
    without = ConvexMemoryStore(deployment_url=":memory:")
    assert without.start_ttl_sweeper().done()
    without.close()


async def _until(holds: Any) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
