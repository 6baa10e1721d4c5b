"""Threads and resources, as MemoryConvex of @mastra/convex 1.5.2 has them, on every lane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import (
    FunctionError,
    InvalidArgumentError,
    LimitExceededError,
    Message,
    NotFoundError,
    Resource,
    Thread,
)
from tests.lanes import Clients, with_older_lanes

pytestmark = with_older_lanes

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


async def test_a_thread_comes_back_as_it_was_saved(clients: Clients, unique: Unique) -> None:
    thread = Thread(
        id=unique("t"),
        resource_id=unique("r"),
        title="Größe 🌍",
        metadata={"n": 1, "x": 1.5, "list": [1, {"deep": None}], "b": True, "": "empty key"},
        created_at=START,
        updated_at=START + timedelta(seconds=1),
    )
    assert await clients.memory.save_thread(thread) == thread
    found = await clients.memory.get_thread_by_id(thread.id)
    assert found == thread
    assert type(found.metadata["n"]) is int


async def test_a_thread_of_another_resource_is_not_found(clients: Clients, unique: Unique) -> None:
    thread = await clients.memory.save_thread(Thread(id=unique("t"), resource_id="mine"))
    assert await clients.memory.get_thread_by_id(thread.id, resource_id="mine") is not None
    assert await clients.memory.get_thread_by_id(thread.id, resource_id="yours") is None
    assert await clients.memory.get_thread_by_id(unique("nobody")) is None


async def test_saving_again_replaces_metadata_as_a_whole(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    await clients.memory.save_thread(Thread(id=thread_id, resource_id="r", metadata={"a": 1}))
    await clients.memory.save_thread(Thread(id=thread_id, resource_id="s", metadata={"b": 2}))
    found = await clients.memory.get_thread_by_id(thread_id)
    assert (found.resource_id, found.metadata) == ("s", {"b": 2})


async def test_updating_merges_metadata(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    saved = await clients.memory.save_thread(
        Thread(id=thread_id, resource_id="r", title="old", metadata={"a": {"x": 1}, "b": 2})
    )
    updated = await clients.memory.update_thread(
        thread_id, title="new", metadata={"a": {"y": 2}, "c": 3}
    )
    assert updated.title == "new"
    assert updated.metadata == {"a": {"y": 2}, "b": 2, "c": 3}
    assert updated.updated_at > saved.updated_at - timedelta(milliseconds=1)
    assert await clients.memory.get_thread_by_id(thread_id) == updated
    kept = await clients.memory.update_thread(thread_id, metadata={"d": 4})
    assert (kept.title, kept.metadata["d"]) == ("new", 4)


@pytest.mark.parametrize("title", ["x", None])
async def test_updating_a_missing_thread(clients: Clients, unique: Unique, title: Any) -> None:
    thread_id = unique("nobody")
    with pytest.raises(NotFoundError, match=f"Thread {thread_id} not found") as caught:
        await clients.memory.update_thread(thread_id, title=title)
    assert caught.value.code == "MASTRA_STORAGE_CONVEX_UPDATE_THREAD_THREAD_NOT_FOUND"


async def test_deleting_a_thread_deletes_its_messages(clients: Clients, unique: Unique) -> None:
    thread_id, other = unique("t"), unique("other")
    await clients.memory.save_thread(Thread(id=thread_id, resource_id="r"))
    await clients.memory.save_messages(
        [Message.from_text(str(i), thread_id=thread_id, resource_id="r") for i in range(30)]
        + [Message.from_text("stays", thread_id=other, resource_id="r")]
    )
    await clients.memory.delete_thread(thread_id)
    assert await clients.memory.get_thread_by_id(thread_id) is None
    assert (await clients.memory.list_messages(thread_id)).total == 0
    assert (await clients.memory.list_messages(other)).total == 1
    await clients.memory.delete_thread(thread_id)


async def test_a_thread_of_many_messages_is_deleted_whole(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    await clients.memory.save_messages(
        [Message.from_text(str(i), thread_id=thread_id, resource_id="r") for i in range(1_100)]
    )
    await clients.memory.delete_thread(thread_id)
    assert (await clients.memory.list_messages(thread_id, per_page=1)).total == 0


async def test_listing_threads(clients: Clients, unique: Unique) -> None:
    resource_id = unique("r")
    threads = [
        Thread(
            id=unique(f"t{i}"),
            resource_id=resource_id,
            metadata={"even": i % 2 == 0, "i": i, "one": 1},
            created_at=START + timedelta(seconds=i),
            updated_at=START - timedelta(seconds=i),
        )
        for i in range(5)
    ]
    for thread in threads:
        await clients.memory.save_thread(thread)
    await clients.memory.save_thread(Thread(id=unique("t"), resource_id=unique("other")))

    async def ids(**args: Any) -> list[int]:
        page = await clients.memory.list_threads(resource_id=resource_id, **args)
        return [threads.index(thread) for thread in page.threads]

    assert await ids() == [4, 3, 2, 1, 0]
    assert await ids(direction="ASC") == [0, 1, 2, 3, 4]
    assert await ids(order_by="updated_at") == [0, 1, 2, 3, 4]
    assert await ids(per_page=2, page=1) == [2, 1]
    assert await ids(metadata={"even": True}) == [4, 2, 0]
    assert await ids(metadata={"i": 1.0, "one": 1}) == [1]
    assert await ids(metadata={"one": True}) == [], "true is not 1"
    page = await clients.memory.list_threads(resource_id=resource_id, per_page=2, page=1)
    assert (page.total, page.page, page.per_page, page.has_more) == (5, 1, 2, True)
    page = await clients.memory.list_threads(resource_id=resource_id, per_page=False)
    assert (len(page.threads), page.per_page, page.has_more) == (5, False, False)
    page = await clients.memory.list_threads(resource_id=resource_id, per_page=0)
    assert (page.threads, page.total, page.has_more) == ([], 5, True)


@pytest.mark.parametrize(
    ("args", "text", "code"),
    [
        ({"page": -1}, "page must be >= 0", "INVALID_PAGE"),
        ({"page": 1.5}, "page must be >= 0", "INVALID_PAGE"),
        ({"per_page": -1}, "perPage must be >= 0", "INVALID_PAGE"),
        ({"per_page": "10"}, "perPage must be false or a safe integer", "INVALID_PAGE"),
        ({"per_page": True}, "perPage must be false or a safe integer", "INVALID_PAGE"),
        ({"per_page": False, "page": 1}, "page must be 0 when perPage is false", "INVALID_PAGE"),
        ({"page": 2**52, "per_page": 100}, "page value too large", "INVALID_PAGE"),
        ({"metadata": {"a-b": 1}}, 'Invalid metadata key: "a-b". Keys', "INVALID_METADATA_KEY"),
        ({"metadata": {"constructor": 1}}, 'Invalid metadata key: "con', "INVALID_METADATA_KEY"),
        ({"metadata": {"k" * 129: 1}}, "exceeds maximum length of 128", "INVALID_METADATA_KEY"),
        ({"direction": "down"}, "direction must be", None),
        ({"order_by": "title"}, "order_by must be", None),
        ({"metadata": "abc"}, "metadata must be an object", "INVALID_METADATA_KEY"),
        ({"resource_id": ""}, "resource_id must be a text that is not empty", None),
    ],
)
async def test_refused_listings(clients: Clients, args: Any, text: str, code: str | None) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.list_threads(**args)
    assert text in caught.value.message
    assert caught.value.code == (code and f"MASTRA_STORAGE_CONVEX_LIST_THREADS_{code}")
    assert clients.requests() == []


@pytest.mark.parametrize(
    "thread",
    [
        Thread(id="", resource_id="r"),
        Thread(id="t", resource_id=""),
        Thread(id="t", resource_id="r", metadata={"$set": 1}),
        Thread(id="t", resource_id="r", metadata={"clé": 1}),
        Thread(id="t", resource_id="r", metadata={"n": float("nan")}),
        Thread(id="t", resource_id="r", metadata={"n": 2**60}),
        Thread(id="t", resource_id="r", metadata={"o": object()}),
        Thread(id="t", resource_id="r", metadata=[("a", 1)]),  # type: ignore[arg-type]
        {"id": "t", "resource_id": "r"},
        Thread(id="t", resource_id="r", title="\ud800"),
        Thread(id="t", resource_id="r", title=5),  # type: ignore[arg-type]
        Thread(id="t", resource_id="r", created_at=datetime(2026, 1, 1)),  # noqa: DTZ001
        Thread(id="t", resource_id="r", title="x" * 1_100_000),
    ],
)
async def test_refused_threads(clients: Clients, thread: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.save_thread(thread)
    assert caught.value.field is not None
    assert caught.value.field.startswith("thread")
    assert clients.requests() == []


async def test_metadata_that_nests_too_deep(clients: Clients) -> None:
    value: Any = "leaf"
    for _ in range(20):
        value = {"deeper": value}
    with pytest.raises(LimitExceededError) as caught:
        await clients.memory.save_thread(Thread(id="t", resource_id="r", metadata=value))
    assert (caught.value.limit, caught.value.unit) == (16, "levels")


async def test_an_unknown_column_is_refused_by_the_deployment(
    clients: Clients, unique: Unique
) -> None:
    thread = Thread(id=unique("t"), resource_id="r", extra={"colour": "red"})
    with pytest.raises(FunctionError):
        await clients.memory.save_thread(thread)
    assert await clients.memory.get_thread_by_id(thread.id) is None


async def test_resources(clients: Clients, unique: Unique) -> None:
    resource_id = unique("r")
    assert await clients.memory.get_resource_by_id(resource_id) is None
    created = await clients.memory.update_resource(resource_id, working_memory="# User\n- Bob")
    assert (created.working_memory, created.metadata) == ("# User\n- Bob", {})
    assert await clients.memory.get_resource_by_id(resource_id) == created
    merged = await clients.memory.update_resource(resource_id, metadata={"a": 1})
    merged = await clients.memory.update_resource(resource_id, metadata={"b": [2]})
    assert merged.working_memory == "# User\n- Bob"
    assert merged.metadata == {"a": 1, "b": [2]}
    assert merged.created_at == created.created_at
    saved = Resource(id=resource_id, metadata={"c": 3}, created_at=START, updated_at=START)
    await clients.memory.save_resource(saved)
    found = await clients.memory.get_resource_by_id(resource_id)
    assert found.metadata == {"c": 3}
    assert found.working_memory == "# User\n- Bob", "a working memory that is not given stays"


async def test_clearing_everything(clients: Clients, unique: Unique) -> None:
    if clients.deployment.lane == "live":
        pytest.skip("would empty a deployment that is not ours")
    thread_id = unique("t")
    await clients.memory.save_thread(Thread(id=thread_id, resource_id="r"))
    await clients.memory.save_messages(
        [Message.from_text(str(i), thread_id=thread_id, resource_id="r") for i in range(60)]
    )
    await clients.memory.update_resource("r", working_memory="x")
    await clients.memory.dangerously_clear_all()
    assert (await clients.memory.list_threads()).total == 0
    assert (await clients.memory.list_messages(thread_id)).total == 0
    assert await clients.memory.get_resource_by_id("r") is None
