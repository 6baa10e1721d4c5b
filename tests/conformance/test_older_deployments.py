"""What is special about deployments whose handler is older than some operations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import (
    ConvexStore,
    Message,
    Resource,
    ScanLimitError,
    Thread,
    UnsupportedOperationError,
)
from convex_mastra.face import SyncClient, blocking
from convex_mastra.operations import SINCE
from convex_mastra.ops import abilities
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import query_rows
from convex_mastra.wire import THREADS
from tests.lanes import Clients, older_lanes_only

Unique = Callable[[str], str]
pytestmark = older_lanes_only
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


class Raw(SyncClient):
    """Requests as they are sent."""

    call = blocking(call_storage)
    rows = blocking(query_rows)
    require = blocking(abilities.require)


def raw_of(clients: Clients) -> Raw:
    return Raw(backend=clients.store.backend, storage_function=clients.deployment.storage_function)


async def test_what_was_refused_once_is_not_asked_again(clients: Clients, unique: Unique) -> None:
    memory, thread_id, resource_id = clients.memory, unique("t"), unique("r")
    thread = await memory.save_thread(Thread(id=thread_id, resource_id=resource_id, title="x"))
    message = Message.from_text("hello", thread_id=thread_id, resource_id=resource_id)

    async def each_once() -> list[list[str]]:
        sent = []
        clients.requests()
        for call in (
            memory.update_thread(thread_id, title="y"),
            memory.update_resource(resource_id, working_memory="w"),
            memory.save_messages([message]),
            memory.list_messages_by_id([message.id]),
        ):
            await call
            sent.append(sorted(clients.requests()))
        return sent

    first = await each_once()
    refused = ["updateThread", "updateResource", "patch", "loadMany"]
    for operations, operation in zip(first, refused, strict=True):
        assert [name for name in operations if name.startswith(f"{operation} ")], operations
    assert await each_once() == [
        ["insert mastra_threads", "load mastra_threads"],
        ["insert mastra_resources", "load mastra_resources"],
        ["batchInsert mastra_messages", "insert mastra_threads", "load mastra_threads"],
        ["load mastra_messages"],
    ]
    other = ConvexStore(
        backend=clients.store.backend, storage_function=clients.deployment.storage_function
    )
    clients.requests()
    other.memory.update_thread(thread_id, title="z")
    assert "updateThread mastra_threads" not in clients.requests(), "stores share what they know"
    assert (await memory.get_thread_by_id(thread_id)).created_at == thread.created_at.replace(
        microsecond=thread.created_at.microsecond // 1000 * 1000
    )


async def test_only_the_columns_that_change_are_written(clients: Clients, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    before = Thread(
        id=thread_id,
        resource_id=resource_id,
        title="title",
        metadata={"a": {"x": 1}, "b": 2},
        created_at=START,
        updated_at=START,
    )
    await clients.memory.save_thread(before)
    await clients.memory.save_messages(
        [Message.from_text("x", thread_id=thread_id, resource_id=resource_id)]
    )
    touched = await clients.memory.get_thread_by_id(thread_id)
    assert touched.updated_at > START + timedelta(hours=1)
    assert touched.replace(updated_at=START) == before
    updated = await clients.memory.update_thread(thread_id, metadata={"a": {"y": 2}})
    assert (updated.title, updated.metadata) == ("title", {"a": {"y": 2}, "b": 2})
    assert await clients.memory.get_thread_by_id(thread_id) == updated

    stored = Resource(id=resource_id, metadata={"a": 1}, created_at=START, updated_at=START)
    await clients.memory.save_resource(stored)
    merged = await clients.memory.update_resource(resource_id, metadata={"b": 2})
    assert (merged.metadata, merged.created_at) == ({"a": 1, "b": 2}, START)
    remembered = await clients.memory.update_resource(resource_id, working_memory="w")
    assert (remembered.metadata, remembered.working_memory) == ({"a": 1, "b": 2}, "w")
    assert await clients.memory.get_resource_by_id(resource_id) == remembered


async def test_messages_of_no_thread_make_none(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    message = Message.from_text("x", thread_id=thread_id, resource_id="r")
    await clients.memory.save_messages([message])
    await clients.memory.update_messages([{"id": message.id, "role": "assistant"}])
    assert await clients.memory.get_thread_by_id(thread_id) is None
    assert (await clients.memory.list_messages(thread_id)).total == 1


async def test_an_index_that_one_call_cannot_read_is_an_error(
    clients: Clients, unique: Unique
) -> None:
    name = unique("docs")
    await clients.vector.create_index(name, 2)
    ids = await clients.vector.upsert(name, [[1, 0]] * 20, metadata=[{"text": "x" * 900_000}] * 20)
    for call in (
        clients.vector.query(name, [1, 0]),
        clients.vector.list_vectors(name),
        clients.vector.describe_index(name),
        clients.vector.delete_vectors(name, filter={"a": 1}),
    ):
        with pytest.raises(ScanLimitError, match=r"1\.2\.1"):
            await call
    assert len(await clients.vector.get_vectors(name, ids)) == 20
    await clients.vector.delete_index(name)


@pytest.mark.parametrize(
    "ability",
    [
        abilities.SCHEDULES_TABLES,
        abilities.CHANNELS_TABLES,
        abilities.BACKGROUND_TASKS_TABLE,
        abilities.OBSERVATIONAL_MEMORY_TABLE,
    ],
    ids=lambda ability: ability.name,
)
async def test_a_domain_that_it_has_no_tables_for(
    clients: Clients, ability: abilities.Ability
) -> None:
    raw = raw_of(clients)
    for _ in range(2):
        with pytest.raises(UnsupportedOperationError) as caught:
            raw.require(ability)
        assert f"@mastra/convex {ability.since} or later" in caught.value.message
        assert ability.name in caught.value.message
    assert clients.requests() == [f"{ability.op} {ability.table}"], "asked once"
    assert raw.rows(ability.table, {}) == []


@pytest.mark.parametrize("operation", SINCE)
async def test_an_operation_that_nothing_stands_in_for(clients: Clients, operation: str) -> None:
    arguments: dict[str, Any] = {"id": "x", "ids": ["x"], "record": {}}
    with pytest.raises(UnsupportedOperationError) as caught:
        raw_of(clients).call(operation, THREADS, **arguments)
    assert f"@mastra/convex {SINCE[operation]} or later" in caught.value.message
    assert caught.value.operation == f"{operation} {THREADS}"
