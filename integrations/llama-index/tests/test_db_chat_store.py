"""``ConvexDBChatStore`` on every lane, awaited and through LlamaIndex's blocking wrapper."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.async_utils import asyncio_run
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory
from llama_index.core.storage.chat_store.base_db import AsyncDBChatStore, MessageStatus

from convex_mastra import (
    ConfigurationError,
    ConnectionLostError,
    ConvexStore,
    InvalidArgumentError,
    LimitExceededError,
    Message,
    Thread,
    open_backend,
)
from llama_index_convex_mastra import ConvexChatStore, ConvexDBChatStore
from tests.faulty import FAULTS, FaultyBackend, outcome
from tests.lanes import with_older_lanes

ACTIVE, ARCHIVED = MessageStatus.ACTIVE, MessageStatus.ARCHIVED


def said(text: Any, role: str = "user") -> ChatMessage:
    return ChatMessage(role=role, content=str(text))


def texts(messages: list[ChatMessage]) -> list[str]:
    return [str(message.content) for message in messages]


class Queue:
    """The store's methods, all awaited; of the sync face each runs on a loop of its own, in
    another thread, as the blocking methods of ``Memory`` have it there."""

    def __init__(self, stores: Any, resource_id: str | None = None) -> None:
        self.store = ConvexDBChatStore(resource_id, backend=stores.backend)
        self.is_sync = stores.face == "sync"

    async def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        call = getattr(self.store, name)(*args, **kwargs)
        return await (asyncio.to_thread(asyncio_run, call) if self.is_sync else call)


def test_class() -> None:
    assert issubclass(ConvexDBChatStore, AsyncDBChatStore)
    assert ConvexDBChatStore.class_name() == "ConvexDBChatStore"


@with_older_lanes
async def test_statuses_limits_and_offsets(stores: Any) -> None:
    queue, key = Queue(stores), stores.name
    for status in (ACTIVE, ARCHIVED, None):
        assert await queue("get_messages", key, status) == []
        assert await queue("count_messages", key, status) == 0
    await queue("add_messages", key, [said(n) for n in range(4)])
    await queue("add_message", key, said(4))
    await queue("add_message", key, said("old"), ARCHIVED)
    assert texts(await queue("archive_oldest_messages", key, 2)) == ["0", "1"]
    assert texts(await queue("get_messages", key)) == ["2", "3", "4"]
    assert texts(await queue("get_messages", key, ARCHIVED)) == ["0", "1", "old"]
    assert texts(await queue("get_messages", key, None)) == ["0", "1", "2", "3", "4", "old"]
    counts = [await queue("count_messages", key, status) for status in (ACTIVE, ARCHIVED, None)]
    assert counts == [3, 3, 6]
    for limit, offset, expected in [
        (0, None, []),
        (2, None, ["2", "3"]),
        (9, None, ["2", "3", "4"]),
        (None, 1, ["3", "4"]),
        (1, 2, ["4"]),
        (2, 3, []),
        (None, 9, []),
    ]:
        assert texts(await queue("get_messages", key, ACTIVE, limit, offset)) == expected
    assert texts(await queue("get_messages", key, None, limit=3, offset=1)) == ["1", "2", "3"]
    assert key in await queue("get_keys")


@with_older_lanes
async def test_deleting(stores: Any) -> None:
    queue, key = Queue(stores), stores.name
    assert await queue("delete_message", key, 0) is None
    assert await queue("delete_oldest_messages", key, 2) == []
    assert await queue("archive_oldest_messages", key, 2) == []
    await queue("delete_messages", key)
    await queue("add_messages", key, [said(n) for n in range(7)])
    await queue("archive_oldest_messages", key, 2)
    assert texts(await queue("delete_oldest_messages", key, 2)) == ["2", "3"]
    assert (await queue("delete_message", key, 1)).content == "5"
    assert await queue("delete_message", key, 2) is None
    assert await queue("delete_message", key, -1) is None
    assert texts(await queue("get_messages", key, None)) == ["0", "1", "4", "6"]
    await queue("delete_messages", key, ARCHIVED)
    assert texts(await queue("get_messages", key, None)) == ["4", "6"]
    await queue("archive_oldest_messages", key, 1)
    await queue("delete_messages", key, ACTIVE)
    assert texts(await queue("get_messages", key, None)) == ["4"]
    await queue("set_messages", key, [said("b"), said("a")])  # archived ones go too, as with SQL
    assert texts(await queue("get_messages", key, None)) == ["b", "a"]
    await queue("set_messages", key, [said("c")], ARCHIVED)
    assert texts(await queue("get_messages", key, ARCHIVED)) == ["c"]
    assert await queue("delete_oldest_messages", key, 1) == []
    await queue("delete_messages", key)
    assert await queue("get_messages", key, None) == []


async def test_requests_of_each_method(stores: Any) -> None:
    queue, key = Queue(stores), stores.name

    async def requests(name: str, *args: Any) -> dict[str, int]:
        stores.requests()
        await queue(name, *args)
        return dict(sorted(stores.kinds().items()))

    save = {"batchInsert": 1, "load": 1, "patch": 1}
    many = [said(n) for n in range(12)]
    assert await requests("add_messages", key, []) == {}
    assert await requests("archive_oldest_messages", key, 0) == {}
    assert await requests("delete_oldest_messages", key, 0) == {}
    assert await requests("add_message", key, said("a")) == {**save, "insert": 1}  # the thread
    assert await requests("add_message", key, said("a")) == save
    assert await requests("add_messages", key, many) == save
    for name in ("get_messages", "count_messages"):
        assert await requests(name, key) == {"queryTable": 1}
    assert await requests("get_messages", key, ACTIVE, 2, 1) == {"queryTable": 1}
    assert await requests("archive_oldest_messages", key, 11) == {
        "batchInsert": 1,
        "loadMany": 2,  # ten ids each
        "patch": 1,
        "queryTable": 1,
    }
    assert await requests("delete_message", key, 0) == {"deleteMany": 1, "queryTable": 1}
    assert await requests("delete_oldest_messages", key, 1) == {"deleteMany": 1, "queryTable": 1}
    assert await requests("set_messages", key, many) == {**save, "deleteMany": 1, "queryTable": 1}
    assert await requests("delete_messages", key) == {"deleteMany": 1, "queryTable": 1}
    assert await requests("delete_messages", key) == {"queryTable": 1}
    assert await requests("get_keys") == {"queryTable": 1}


async def test_what_cannot_be_done_is_refused_before_anything_is_sent(stores: Any) -> None:
    queue, key = Queue(stores), stores.name
    await queue("add_message", key, said("a"))
    stores.requests()
    for field, name, args in [
        ("status", "get_messages", (key, "old")),
        ("status", "count_messages", (key, 1)),
        ("status", "add_message", (key, said("b"), "old")),
        ("status", "add_messages", (key, [said("b")], None)),
        ("status", "set_messages", (key, [], None)),
        ("status", "delete_messages", (key, "old")),
        ("limit", "get_messages", (key, ACTIVE, -1)),
        ("offset", "get_messages", (key, ACTIVE, 1, -1)),
        ("idx", "delete_message", (key, "0")),
        ("n", "delete_oldest_messages", (key, -1)),
        ("n", "archive_oldest_messages", (key, True)),
        ("key", "get_messages", (" ",)),
        ("key", "add_messages", ("", [])),
        ("messages[1]", "add_messages", (key, [said("b"), "text"])),
    ]:
        with pytest.raises(InvalidArgumentError) as caught:
            await queue(name, *args)
        assert caught.value.field == field
    with pytest.raises(LimitExceededError):
        await queue("add_message", key, said("x" * 2**20))
    assert stores.requests() == []
    assert texts(await queue("get_messages", key)) == ["a"]


async def test_threads_of_another_resource(stores: Any) -> None:
    own, other = Queue(stores, "ann" + stores.name), Queue(stores, "bob" + stores.name)
    await own("add_message", stores.name, said("a"))
    assert await own("get_keys") == [stores.name]
    assert await other("get_keys") == await other("get_messages", stores.name, None) == []
    assert await other("archive_oldest_messages", stores.name, 1) == []
    await other("delete_messages", stores.name)
    with pytest.raises(InvalidArgumentError, match="for resource with id ann"):
        await other("add_message", stores.name, said("b"))
    assert texts(await own("get_messages", stores.name)) == ["a"]


async def test_mastra_and_the_other_store_show_what_is_archived(stores: Any) -> None:
    queue, key = Queue(stores), stores.name
    messages = [said("a"), ChatMessage(role="assistant", content="b", additional_kwargs={"z": 1})]
    await queue("add_messages", key, [*messages, said("c")])
    await queue("archive_oldest_messages", key, 2)
    assert await queue("get_messages", key, ARCHIVED) == messages
    assert ConvexChatStore(backend=stores.backend).get_messages(key) == [*messages, said("c")]
    rows = ConvexStore(backend=stores.backend).memory.list_messages(key, per_page=False).messages
    assert [row.text for row in rows] == ["a", "b", "c"]
    assert [row.content["metadata"]["llama_index"].get("status") for row in rows] == [
        "archived",
        "archived",
        None,
    ]


async def test_what_mastra_wrote_is_active_until_it_is_archived(stores: Any) -> None:
    memory = ConvexStore(backend=stores.backend).memory
    key, place = stores.name, {"thread_id": stores.name, "resource_id": "R"}
    memory.save_thread(Thread(id=key, resource_id="R"))
    call = {"state": "result", "toolCallId": "c", "toolName": "t", "args": {}, "result": 1.5}
    turn = [
        {"type": "tool-invocation", "toolInvocation": call},
        {"type": "step-start"},
        {"type": "text", "text": "Shut.", "own": 1.0},
    ]
    metadata = {"modelId": "m", "zeta": 1}
    memory.save_messages(
        [
            Message(role="user", content="old", type="text", **place),
            Message.from_text("Lifts?", **place),
            Message(
                role="assistant",
                content={"format": 2, "parts": turn, "metadata": metadata},
                **place,
            ),
        ]
    )
    queue = Queue(stores)
    said_texts = ["old", "Lifts?", "None", "1.5", "Shut."]
    assert texts(await queue("get_messages", key)) == said_texts
    assert await queue("count_messages", key) == 5
    # A turn is one row: it goes when all of it does.
    assert texts(await queue("archive_oldest_messages", key, 4)) == ["old", "Lifts?"]
    assert texts(await queue("get_messages", key)) == said_texts[2:]
    assert texts(await queue("archive_oldest_messages", key, 3)) == said_texts[2:]
    assert texts(await queue("get_messages", key, ARCHIVED)) == said_texts
    rows = memory.list_messages(key, per_page=False).messages
    assert [row.type for row in rows] == ["v2"] * 3
    assert rows[2].content["parts"] == turn
    archived = {"version": 1, "status": "archived"}
    assert rows[2].content["metadata"] == {**metadata, "llama_index": archived}


async def test_two_archivers_take_what_both_saw(stores: Any) -> None:
    key = stores.name
    both_read = asyncio.Barrier(2)
    queues = [ConvexDBChatStore(backend=stores.backend) for _ in range(2)]
    await queues[0].add_messages(key, [said(n) for n in range(8)])

    async def flush(queue: ConvexDBChatStore, n: int) -> list[str]:
        await queue.get_messages(key)
        await both_read.wait()
        first = texts(await queue.archive_oldest_messages(key, n))
        return first + texts(await queue.archive_oldest_messages(key, 1))

    assert await asyncio.gather(flush(queues[0], 2), flush(queues[1], 3)) == [
        ["0", "1", "2"],
        ["0", "1", "2", "3"],
    ]
    assert texts(await queues[0].get_messages(key, ARCHIVED)) == ["0", "1", "2", "3"]
    # Who has not read the queue takes what is the oldest now.
    await asyncio.gather(*(queue.archive_oldest_messages(key, 2) for queue in queues))
    archived = texts(await queues[0].get_messages(key, ARCHIVED))
    assert archived in (list("012345"), list("01234567"))


async def test_a_task_counts_from_what_it_last_read(stores: Any) -> None:
    store, other = (ConvexDBChatStore(backend=stores.backend) for _ in range(2))
    key = stores.name
    await store.add_messages(key, [said(n) for n in range(6)])
    await store.get_messages(key)
    await asyncio.create_task(other.archive_oldest_messages(key, 2))
    assert texts(await store.archive_oldest_messages(key, 3)) == ["0", "1", "2"]
    await store.add_message(key, said(6))
    assert texts(await store.archive_oldest_messages(key, 2)) == ["3", "4"]
    await store.delete_message(key, 0)  # which is 5: what was read counts no longer
    await store.add_message(key, said(7))
    assert texts(await store.archive_oldest_messages(key, 1)) == ["6"]
    await store.get_messages(key)
    await store.add_message(key + "b", said("b"))
    assert texts(await store.archive_oldest_messages(key + "b", 1)) == ["b"]
    assert texts(await store.archive_oldest_messages(key, 2)) == ["7"]


@pytest.mark.parametrize("fault", ["lost before", "lost after"])
async def test_archiving_again_after_a_failure_archives_no_more(fault: Any) -> None:
    for fails_at in range(2, 7):  # the read, the read by id, the rows, the thread; none
        inner = open_backend(":memory:")
        other = ConvexDBChatStore(backend=inner)
        await other.add_messages("k", [said(n) for n in range(5)])
        store = ConvexDBChatStore(backend=FaultyBackend(inner, fails_at=fails_at, fault=fault))
        await store.get_messages("k")
        failed = False
        try:
            await store.archive_oldest_messages("k", 2)
        except ConnectionLostError:
            failed = True
            assert texts(await store.archive_oldest_messages("k", 2)) == ["0", "1"]
        assert failed == (fails_at < 6)
        assert texts(await other.get_messages("k", ARCHIVED)) == ["0", "1"]
        await inner.aclose()


async def test_what_is_deleted_while_it_is_archived_stays_deleted(stores: Any) -> None:
    store, key = ConvexDBChatStore(backend=stores.backend), stores.name

    class Deleting(FaultyBackend):
        """Deletes the oldest message once the rows to be changed were read."""

        async def asend(self, request: Any) -> Any:
            if request.label.startswith("batchInsert") and not self.has_deleted:
                self.has_deleted = True
                await store.delete_message(key, 0)
            return await super().asend(request)

        has_deleted = False

    await store.add_messages(key, [said(n) for n in range(4)])
    deleting = ConvexDBChatStore(backend=Deleting(stores.backend))
    assert texts(await deleting.archive_oldest_messages(key, 3)) == ["0", "1", "2"]
    assert texts(await store.get_messages(key, None)) == ["1", "2", "3"]
    assert texts(await store.get_messages(key)) == ["3"]


async def test_writers_of_two_processes(stores: Any) -> None:
    deployment, key = stores.deployment, stores.name
    other = open_backend(deployment.url, deployment.admin_key)
    writers = {name: Queue(stores) for name in "ab"}
    writers["b"].store = ConvexDBChatStore(backend=other)

    async def write(name: str) -> None:
        for number in range(6):
            await writers[name]("add_message", key, said(f"{name}{number}"))

    await asyncio.gather(*map(write, "ab"))
    found = texts(await writers["a"]("get_messages", key))
    for name in "ab":  # none is lost, and each writer's are in its order
        assert [text for text in found if text[0] == name] == [f"{name}{n}" for n in range(6)]
    assert texts(await writers["b"]("get_messages", key)) == found
    await other.aclose()


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_replacement_that_is_cut_off_loses_nothing_and_is_repeated(fault: Any) -> None:
    old, new = [said(f"old{n}") for n in range(2)], [said(f"new{n}") for n in range(3)]
    for fails_at in range(1, 7):
        inner = open_backend(":memory:")
        store = ConvexDBChatStore(backend=inner)
        await store.set_messages("k", old)
        faulty = FaultyBackend(inner, fails_at=fails_at, fault=fault)
        cut_off = ConvexDBChatStore(backend=faulty)
        failed = await outcome(lambda store=cut_off: store.set_messages("k", new))
        assert (failed is None) == (fails_at == 6)
        assert await store.get_messages("k") in (old, old + new, new)
        await store.set_messages("k", new)
        assert await store.get_messages("k") == new
        await inner.aclose()


def test_construction(monkeypatch: Any, tmp_path: Path) -> None:
    for name in ("CONVEX_URL", "CONVEX_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.replace("CONVEX_", "CONVEX_SELF_HOSTED_"), raising=False)
    with pytest.raises(ConfigurationError, match="CONVEX_URL"):
        ConvexDBChatStore()
    with pytest.raises(TypeError, match="ConvexDBChatStore takes no argument 'deployment_ulr'"):
        ConvexDBChatStore(deployment_ulr="x")
    with pytest.raises(InvalidArgumentError, match="resource_id"):
        ConvexDBChatStore("")
    url, secret = "https://quiet-otter-123.convex.cloud", "prod:quiet-otter-123|c2VjcmV0"
    with ConvexDBChatStore(deployment_url=url, admin_auth_token=secret) as store:
        memory = Memory.from_defaults(chat_store=store)
        outputs = [repr(store), str(store), str(store.model_dump()), store.model_dump_json()]
        outputs += [repr(pickle.dumps(store)), repr(memory), memory.model_dump_json()]
    assert not [output for output in outputs if "c2VjcmV0" in output]
    backend = open_backend(":memory:")
    with pytest.raises(TypeError, match="shared backend"):
        pickle.dumps(ConvexDBChatStore(backend=backend))
    backend.close()
    monkeypatch.setenv("CONVEX_URL", f"file:{tmp_path / 'mastra.db'}")
    with ConvexDBChatStore.from_params("R") as store:
        asyncio.run(store.add_message("k", said("a")))
        for back in (pickle.loads(pickle.dumps(store)), ConvexDBChatStore(**store.model_dump())):
            assert texts(asyncio.run(back.get_messages("k"))) == ["a"]
            back.close()
