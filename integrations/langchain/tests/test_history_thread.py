"""The thread of a history: reading and changing it; what a history refuses; its costs."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from convex_mastra import (
    ConvexDocuments,
    ConvexStore,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    Options,
    Thread,
    open_backend,
)
from langchain_convex_mastra import ConvexChatMessageHistory
from tests.lanes import FACES, Deployment, with_older_lanes

Unique = Callable[[str], str]
CALL = {"name": "weather", "args": {}, "id": "c1", "type": "tool_call"}


class Histories:
    """Histories on one backend, and the requests they send."""

    def __init__(self, deployment: Deployment, face: str) -> None:
        self.requests: list[str] = []
        self.backend = open_backend(
            deployment.url,
            deployment.admin_key,
            options=Options(on_event=lambda event: self.requests.append(event.operation)),
        )
        self._function = deployment.storage_function
        self._prefix = "a" if face == "async" else ""
        self.memory = ConvexStore(backend=self.backend, storage_function=self._function).memory

    def open(self, thread_id: str, **options: Any) -> ConvexChatMessageHistory:
        return ConvexChatMessageHistory(
            thread_id, backend=self.backend, storage_function=self._function, **options
        )

    async def call(
        self, history: ConvexChatMessageHistory, name: str, *args: Any, **kwargs: Any
    ) -> Any:
        result = getattr(history, self._prefix + name)(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    def documents(self) -> ConvexDocuments:
        return ConvexDocuments(backend=self.backend, storage_function=self._function)

    def journal(self, thread_id: str) -> dict[str, str]:
        return self.documents().list_documents(f"langchain/turns/{thread_id}")

    def sent(self) -> int:
        count = len(self.requests)
        self.requests.clear()
        return count


@pytest_asyncio.fixture(params=FACES)
async def histories(
    request: pytest.FixtureRequest, deployment: Deployment
) -> AsyncIterator[Histories]:
    made = Histories(deployment, request.param)
    yield made
    await made.backend.aclose()


@with_older_lanes
async def test_the_thread_is_read_and_changed(histories: Histories, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    history = histories.open(
        thread_id, resource_id=resource_id, title="New", metadata={"a": 1, "nested": {"x": 1}}
    )
    assert await histories.call(history, "get_thread") is None
    with pytest.raises(NotFoundError, match=thread_id):
        await histories.call(history, "update_thread", title="Too early")

    await histories.call(history, "add_messages", [HumanMessage("hi")])
    thread = await histories.call(history, "get_thread")
    assert (thread.id, thread.resource_id, thread.title) == (thread_id, resource_id, "New")

    changed = await histories.call(history, "update_thread", title="Weather")
    assert (changed.title, changed.metadata) == ("Weather", {"a": 1, "nested": {"x": 1}})
    changed = await histories.call(
        history, "update_thread", metadata={"b": None, "nested": {"y": 2}}
    )
    assert changed.title == "Weather"
    assert changed.metadata == {"a": 1, "b": None, "nested": {"y": 2}}, "merged one level deep"
    assert changed.created_at == thread.created_at
    assert changed.updated_at >= thread.updated_at
    assert await histories.call(histories.open(thread_id), "get_thread") == changed
    assert histories.memory.get_thread_by_id(thread_id) == changed


async def test_the_thread_of_another_resource(histories: Histories, unique: Unique) -> None:
    thread = Thread(id=unique("t"), resource_id="alice", title="hers")
    histories.memory.save_thread(thread)
    intruder = histories.open(thread.id, resource_id="mallory")
    assert await histories.call(intruder, "get_thread") is None
    with pytest.raises(InvalidArgumentError, match="alice but resource mallory") as caught:
        await histories.call(intruder, "update_thread", title="mine")
    assert caught.value.field == "resource_id"
    anybody = histories.open(thread.id)
    assert (await histories.call(anybody, "update_thread", title="ours")).title == "ours"
    left = histories.memory.get_thread_by_id(thread.id)
    assert left is not None
    assert left.title == "ours"


async def test_what_a_thread_cannot_hold(histories: Histories, unique: Unique) -> None:
    history = histories.open(unique("t"))
    await histories.call(history, "add_messages", [HumanMessage("hi")])
    before = await histories.call(history, "get_thread")
    histories.sent()
    for bad in (
        {"metadata": {"größe": 1}},
        {"metadata": {"$set": 1}},
        {"metadata": {"when": object()}},
        {"metadata": ["a"]},
        {"title": 3},
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            await histories.call(history, "update_thread", **bad)
        assert str(caught.value.field).startswith(next(iter(bad)))
    assert histories.sent() == 0
    assert await histories.call(history, "get_thread") == before


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        (HumanMessage("hi"), "messages must be a list of messages; it is of type HumanMessage"),
        ("hi", "messages must be a list of messages; it is of type str"),
        (["hi"], r"messages\[0\] is str, not a LangChain message"),
    ],
)
async def test_what_is_no_list_of_messages(
    histories: Histories, unique: Unique, messages: Any, error: str
) -> None:
    history = histories.open(unique("t"))
    with pytest.raises(InvalidArgumentError, match=error):
        await histories.call(history, "add_messages", messages)
    assert histories.sent() == 0


async def test_costs_in_requests(histories: Histories, unique: Unique) -> None:
    thread_id = unique("t")
    history = histories.open(thread_id)
    add = [HumanMessage("?"), AIMessage("", tool_calls=[CALL])]
    await histories.call(history, "add_messages", add)
    assert histories.sent() == 4, "is there a thread; messages, thread and its time"
    await histories.call(history, "add_messages", [HumanMessage("!")])
    assert histories.sent() == 2, "messages, the thread's time"
    await histories.call(history, "add_messages", [ToolMessage("r", tool_call_id="c1")])
    assert histories.sent() == 7, "row, journal and addition; row and time; row and journal"
    for name in ("get_thread", "get_thread"):
        await histories.call(history, name)
        assert histories.sent() == 1
    await histories.call(history, "update_thread", title="T")
    assert histories.sent() == 1
    await histories.call(history, "update_thread", metadata={"a": 1})
    assert histories.sent() == 2


async def test_nothing_is_written_of_what_is_refused(histories: Histories, unique: Unique) -> None:
    thread_id = unique("t")
    history = histories.open(thread_id)
    await histories.call(history, "add_messages", [AIMessage("", tool_calls=[CALL])])
    result = ToolMessage("r", tool_call_id="c1")
    for rest, error in (
        ([HumanMessage("x" * 1_100_000)], LimitExceededError),
        ([AIMessage("x" * 1_100_000)], LimitExceededError),
        ([AIMessage("", additional_kwargs={"x": object()})], InvalidArgumentError),
    ):
        with pytest.raises(error):
            await histories.call(history, "add_messages", [result, *rest])
    with pytest.raises(LimitExceededError):
        await histories.call(
            history, "add_messages", [ToolMessage("x" * 1_100_000, tool_call_id="c1")]
        )
    assert histories.journal(thread_id) == {}
    assert history.messages == [AIMessage("", tool_calls=[CALL])]


async def test_the_journal_of_another_resource_stays_empty(
    histories: Histories, unique: Unique
) -> None:
    thread_id = unique("t")
    alice = histories.open(thread_id, resource_id="alice")
    await histories.call(alice, "add_messages", [AIMessage("", tool_calls=[CALL])])
    histories.memory.save_messages(
        [
            row.replace(id=unique("m"), resource_id="mallory")
            for row in histories.memory.list_messages(thread_id).messages
        ]
    )
    mallory = histories.open(thread_id, resource_id="mallory")
    assert len(mallory.messages) == 1
    with pytest.raises(InvalidArgumentError, match="alice but resource mallory"):
        await histories.call(mallory, "add_messages", [ToolMessage("r", tool_call_id="c1")])
    assert histories.journal(thread_id) == {}


async def test_whoever_takes_a_deleted_threads_id_gets_nothing_of_its_journal(
    histories: Histories, unique: Unique
) -> None:
    thread_id, row_id = unique("t"), unique("m")
    call = AIMessage("", tool_calls=[CALL], id=row_id)
    alice = histories.open(thread_id, resource_id="alice")
    await histories.call(alice, "add_messages", [call])
    await histories.call(alice, "add_messages", [ToolMessage("of Alice", tool_call_id="c1")])
    histories.memory.delete_thread(thread_id)  # as Mastra does: it knows no journal
    assert len(histories.journal(thread_id)) == 1

    bob = histories.open(thread_id, resource_id="bob")
    await histories.call(bob, "add_messages", [call])
    for resource_id in ("bob", None):
        reader = histories.open(thread_id, resource_id=resource_id)
        await histories.call(reader, "get_thread")
        assert reader.messages == [call]
    result = ToolMessage("of Bob", tool_call_id="c1")
    await histories.call(bob, "add_messages", [result])
    assert histories.open(thread_id, resource_id="bob").messages == [call, result]
    assert len(histories.journal(thread_id)) == 2, "what is not Bob's is left where it is"


async def test_what_is_no_addition_is_left_in_the_journal(
    histories: Histories, unique: Unique
) -> None:
    thread_id, said = unique("t"), AIMessage("", tool_calls=[CALL])
    history = histories.open(thread_id)
    await histories.call(history, "add_messages", [said])
    odd = {"row": ["r"], "at": "2026-01-01T00:00:00.000Z", "messages": []}
    texts = {"a": "", "b": "[]", "c": "[" * 100_000, "d": json.dumps(odd)}
    histories.documents().put_many(f"langchain/turns/{thread_id}", texts)
    assert history.messages == [said]
    result = ToolMessage("r", tool_call_id="c1")
    await histories.call(history, "add_messages", [result])
    assert histories.open(thread_id).messages == [said, result]
    assert texts.items() <= histories.journal(thread_id).items()


async def test_clearing_where_no_thread_is_takes_ones_own(
    histories: Histories, unique: Unique
) -> None:
    thread_id = unique("t")
    call, result = AIMessage("", tool_calls=[CALL]), ToolMessage("r", tool_call_id="c1")
    for name in ("alice", "bob"):
        opened = histories.open(thread_id, resource_id=name)
        await histories.call(opened, "add_messages", [call])
        await histories.call(opened, "add_messages", [result])
        rows = histories.memory.list_messages(thread_id).messages
        histories.memory.delete_thread(thread_id)
        histories.memory.save_messages(rows)  # as a save that was cut short leaves them
    assert len(histories.journal(thread_id)) == 2
    bob = histories.open(thread_id, resource_id="bob")
    await histories.call(bob, "clear")
    assert bob.messages == []
    assert histories.open(thread_id, resource_id="alice").messages == [call, result]
    assert len(histories.journal(thread_id)) == 1


async def test_any_thread_id_has_a_journal(histories: Histories, unique: Unique) -> None:
    for odd in ("a/b#c", "größe 🦊", "x" * 3_000):
        history = histories.open(f"{unique('t')}{odd}")
        result = ToolMessage("r", tool_call_id="c1")
        await histories.call(history, "add_messages", [AIMessage("", tool_calls=[CALL])])
        await histories.call(history, "add_messages", [result])
        assert history.messages == [AIMessage("", tool_calls=[CALL]), result]
        await histories.call(history, "clear")
        assert history.messages == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thread_id", ""),
        ("thread_id", "  \n"),
        ("thread_id", 3),
        ("thread_id", None),
        ("thread_id", "\ud800"),
        ("resource_id", ""),
        ("resource_id", 3),
        ("title", None),
        ("title", 3),
        ("metadata", "text"),
        ("metadata", [("a", 1)]),
        ("metadata", {"a": object()}),
        ("metadata", {"größe": 1}),
        ("metadata", {1: 1}),
        ("metadata", {"a": float("nan")}),
        ("history_size", 0),
        ("history_size", -1),
        ("history_size", 2**53 + 1),
        ("history_size", True),
        ("history_size", 2.0),
        ("history_size", "3"),
    ],
)
def test_wrong_arguments_are_named(field: str, value: Any) -> None:
    arguments: dict[str, Any] = {"thread_id": "t", "deployment_url": ":memory:", field: value}
    with pytest.raises(InvalidArgumentError) as caught:
        ConvexChatMessageHistory(**arguments)
    assert str(caught.value.field).startswith(field)
    assert field in str(caught.value)


def test_what_a_history_is_made_of() -> None:
    metadata = {"a": {"b": [1, None]}}
    with ConvexChatMessageHistory(
        "t", deployment_url=":memory:", title="", metadata=metadata, history_size=1
    ) as history:
        metadata["later"] = 1
        history.add_messages([HumanMessage("one"), HumanMessage("two")])
        assert (history.history_size, history.messages) == (1, [HumanMessage("two")])
        thread = history.get_thread()
        assert thread is not None
        assert thread.metadata == {"a": {"b": [1, None]}}
