"""``ConvexChatMessageHistory`` on every lane, under both faces."""

from __future__ import annotations

import asyncio
import pickle
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables.history import RunnableWithMessageHistory

from convex_mastra import (
    ConfigurationError,
    ConvexStore,
    InvalidArgumentError,
    LimitExceededError,
    Message,
    Options,
    Thread,
    open_backend,
)
from convex_mastra.records import text_content
from langchain_convex_mastra import ConvexChatMessageHistory
from tests.lanes import FACES, Deployment, with_older_lanes

Unique = Callable[[str], str]
CALL = {"name": "weather", "args": {"city": "Oslo", "days": 3}, "id": "c1", "type": "tool_call"}
OTHER_CALL = {"name": "time", "args": {}, "id": "c2", "type": "tool_call"}
CONVERSATION: list[BaseMessage] = [
    SystemMessage("be kind"),
    HumanMessage("weather?", id="h1", name="bob", additional_kwargs={"x": {"deep": [1, 1.0]}}),
    AIMessage(
        "let me check",
        tool_calls=[CALL, OTHER_CALL],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"model_name": "m", "$schema": "größe"},
        id="lc_run-1",
    ),
    ToolMessage("1 C", tool_call_id="c1", artifact={"raw": [1, None]}, id="t1"),
    ToolMessage("no clock", tool_call_id="c2", status="error"),
    AIMessage([{"type": "text", "text": "It is"}, {"type": "text", "text": "1 C"}]),
    HumanMessage(
        [
            {"type": "text", "text": "and this?"},
            {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
        ]
    ),
    AIMessage("", invalid_tool_calls=[{"name": "t", "args": "{", "id": "x", "error": "bad"}]),
    AIMessageChunk("part"),
    ChatMessage(content="hm", role="critic"),
    FunctionMessage(name="f", content="42"),
    RemoveMessage(id="h1"),
    HumanMessage(""),
]


class Histories:
    """Histories on one backend, of one face, whose methods are all awaited."""

    def __init__(self, deployment: Deployment, face: str) -> None:
        self.requests: list[str] = []
        self.backend = open_backend(
            deployment.url,
            deployment.admin_key,
            options=Options(on_event=lambda event: self.requests.append(event.operation)),
        )
        self.storage_function = deployment.storage_function
        self.store = ConvexStore(backend=self.backend, storage_function=self.storage_function)
        self._is_async = face == "async"

    def open(self, thread_id: str, **options: Any) -> ConvexChatMessageHistory:
        return ConvexChatMessageHistory(
            thread_id, backend=self.backend, storage_function=self.storage_function, **options
        )

    async def add(self, history: ConvexChatMessageHistory, *messages: BaseMessage) -> None:
        if self._is_async:
            await history.aadd_messages(messages)
        else:
            history.add_messages(messages)

    async def read(self, history: ConvexChatMessageHistory) -> list[BaseMessage]:
        return await history.aget_messages() if self._is_async else history.messages

    async def clear(self, history: ConvexChatMessageHistory) -> None:
        if self._is_async:
            await history.aclear()
        else:
            history.clear()

    def rows(self, thread_id: str) -> list[Message]:
        return self.store.memory.list_messages(thread_id, per_page=False).messages

    def sent(self) -> list[str]:
        sent = sorted(self.requests)
        self.requests.clear()
        return sent


@pytest_asyncio.fixture(params=FACES)
async def histories(
    request: pytest.FixtureRequest, deployment: Deployment
) -> AsyncIterator[Histories]:
    made = Histories(deployment, request.param)
    yield made
    await made.backend.aclose()


@with_older_lanes
async def test_everything_comes_back(histories: Histories, unique: Unique) -> None:
    thread_id = unique("t")
    conversation = [
        message if message.id is None else message.model_copy(update={"id": unique("m")})
        for message in CONVERSATION
    ]
    await histories.add(histories.open(thread_id), *conversation)
    assert await histories.read(histories.open(thread_id)) == conversation
    rows = {row.id: row for row in histories.rows(thread_id)}
    assert conversation[1].id in rows
    assert conversation[2].id in rows
    assert [row.role for row in rows.values()][:3] == ["system", "user", "assistant"]


async def test_the_thread_is_created_once_and_left_as_it_is(
    histories: Histories, unique: Unique
) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    history = histories.open(
        thread_id, resource_id=resource_id, title="Weather", metadata={"project": "x"}
    )
    assert await histories.read(history) == []
    assert histories.store.memory.get_thread_by_id(thread_id) is None
    histories.sent()

    await histories.add(history, HumanMessage("hi"))
    thread = histories.store.memory.get_thread_by_id(thread_id)
    assert thread is not None
    assert (thread.resource_id, thread.title, thread.metadata) == (
        resource_id,
        "Weather",
        {"project": "x"},
    )
    histories.sent()
    await histories.add(history, HumanMessage("ho"), AIMessage("hey"))
    assert histories.sent() == ["batchInsert mastra_messages", "patch mastra_threads"]

    await histories.add(histories.open(thread_id, title="Other"), HumanMessage("again"))
    same = histories.store.memory.get_thread_by_id(thread_id)
    assert same is not None
    assert (same.title, same.created_at) == ("Weather", thread.created_at)
    assert {row.resource_id for row in histories.rows(thread_id)} == {resource_id}


async def test_a_new_thread_belongs_to_itself(histories: Histories, unique: Unique) -> None:
    thread_id = unique("t")
    await histories.add(histories.open(thread_id), HumanMessage("hi"))
    thread = histories.store.memory.get_thread_by_id(thread_id)
    assert thread is not None
    assert (thread.resource_id, thread.title, thread.metadata) == (thread_id, "", {})


async def test_another_resource_is_kept_out(histories: Histories, unique: Unique) -> None:
    thread_id = unique("t")
    await histories.add(histories.open(thread_id, resource_id="alice"), HumanMessage("secret"))
    intruder = histories.open(thread_id, resource_id="mallory")
    assert await histories.read(intruder) == []
    with pytest.raises(InvalidArgumentError, match="alice but resource mallory was queried"):
        await histories.add(intruder, HumanMessage("hi"))
    with pytest.raises(InvalidArgumentError, match="alice but resource mallory was queried"):
        await histories.clear(intruder)
    assert len(histories.rows(thread_id)) == 1


async def test_a_thread_of_mastra_goes_on(histories: Histories, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    memory = histories.store.memory
    memory.save_thread(Thread(id=thread_id, resource_id=resource_id, title="Mastra's"))
    pending = {"state": "call", "toolCallId": "c1", "toolName": "weather", "args": {}}
    row = Message(
        id=unique("m"),
        thread_id=thread_id,
        resource_id=resource_id,
        role="assistant",
        content={
            "format": 2,
            "parts": [{"type": "tool-invocation", "toolInvocation": pending}],
            "metadata": {"modelId": "m"},
        },
    )
    question = Message(
        id=unique("m"),
        thread_id=thread_id,
        resource_id=resource_id,
        role="user",
        content=text_content("weather?"),
    )
    memory.save_messages([question, row])

    history = histories.open(thread_id)
    result = ToolMessage("1 C", tool_call_id="c1")
    await histories.add(history, result)
    await histories.add(history, AIMessage("It is 1 C"))
    call = {"name": "weather", "args": {}, "id": "c1", "type": "tool_call"}
    assert await histories.read(history) == [
        HumanMessage("weather?", id=question.id),
        AIMessage("", tool_calls=[call], id=row.id),
        result,
        AIMessage("It is 1 C"),
    ]
    rows = histories.rows(thread_id)
    assert [(one.id, one.resource_id) for one in rows] == [
        (question.id, resource_id),
        (row.id, resource_id),
    ]
    assert rows[1].content["metadata"]["modelId"] == "m"


async def test_results_find_their_turn_from_another_object(
    histories: Histories, unique: Unique
) -> None:
    thread_id = unique("t")
    call = AIMessage("", tool_calls=[CALL, OTHER_CALL])
    await histories.add(histories.open(thread_id), HumanMessage("weather?"), call)
    assert await histories.read(histories.open(thread_id)) == [HumanMessage("weather?"), call]
    results = [ToolMessage("2", tool_call_id="c2"), ToolMessage("1", tool_call_id="c1")]
    for result in results:
        await histories.add(histories.open(thread_id), result)
    assert await histories.read(histories.open(thread_id)) == [
        HumanMessage("weather?"),
        call,
        *results,
    ]
    assert len(histories.rows(thread_id)) == 2


async def test_ids_of_other_threads_are_no_hindrance(histories: Histories, unique: Unique) -> None:
    one, two, message_id = unique("t"), unique("t"), unique("m")
    original = [HumanMessage("hi", id=message_id), AIMessage("ho", id=unique("m"))]
    await histories.add(histories.open(one), *original)
    await histories.add(histories.open(two), *await histories.read(histories.open(one)))
    await histories.add(histories.open(two), HumanMessage("again", id=message_id))
    assert await histories.read(histories.open(one)) == original
    assert await histories.read(histories.open(two)) == [
        *original,
        HumanMessage("again", id=message_id),
    ]


async def test_the_last_messages(histories: Histories, unique: Unique) -> None:
    thread_id = unique("t")
    conversation = [
        HumanMessage("one"),
        AIMessage("", tool_calls=[CALL, OTHER_CALL]),
        ToolMessage("1", tool_call_id="c1"),
        ToolMessage("2", tool_call_id="c2"),
        AIMessage("two"),
        HumanMessage("three"),
    ]
    await histories.add(histories.open(thread_id), *conversation)
    windows = {1: 5, 2: 4, 3: 4, 4: 4, 5: 1, 6: 0, 100: 0}
    for size, start in windows.items():
        history = histories.open(thread_id, history_size=size)
        assert await histories.read(history) == conversation[start:]


async def test_rows_without_messages_do_not_shorten_the_window(
    histories: Histories, unique: Unique
) -> None:
    thread_id = unique("t")
    history = histories.open(thread_id, history_size=2)
    await histories.add(history, *[HumanMessage(str(n)) for n in range(4)])
    empty = {"format": 2, "parts": [{"type": "data-om-status", "data": {}}]}
    histories.store.memory.save_messages(
        [
            Message(thread_id=thread_id, resource_id=thread_id, role="assistant", content=empty)
            for _ in range(3)
        ]
    )
    assert await histories.read(history) == [HumanMessage("2"), HumanMessage("3")]


async def test_clear_keeps_the_thread(histories: Histories, unique: Unique) -> None:
    thread_id = unique("t")
    history = histories.open(thread_id, title="kept")
    await histories.clear(history)
    await histories.add(history, AIMessage("", tool_calls=[CALL]))
    await histories.clear(history)
    assert await histories.read(history) == []
    thread = histories.store.memory.get_thread_by_id(thread_id)
    assert thread is not None
    assert thread.title == "kept"
    await histories.add(history, ToolMessage("late", tool_call_id="c1"))
    assert await histories.read(history) == [ToolMessage("late", tool_call_id="c1")]


async def test_what_cannot_be_saved(histories: Histories, unique: Unique) -> None:
    thread_id = unique("t")
    history = histories.open(thread_id)
    not_a_message: Any = "text"
    with pytest.raises(InvalidArgumentError, match=r"messages\[1\] is str"):
        await histories.add(history, HumanMessage("hi"), not_a_message)
    with pytest.raises(InvalidArgumentError, match="JSON"):
        await histories.add(history, ToolMessage("x", tool_call_id="c", artifact=object()))
    with pytest.raises(LimitExceededError, match="1,048,576"):
        await histories.add(history, HumanMessage("fine"), HumanMessage("x" * 1_100_000))
    await histories.add(history)
    assert await histories.read(history) == []


async def test_many_messages_are_one_save(histories: Histories, unique: Unique) -> None:
    history = histories.open(unique("t"))
    messages = [HumanMessage(str(number)) for number in range(300)]
    await histories.add(history, *messages)
    assert histories.sent().count("batchInsert mastra_messages") == 1
    assert await histories.read(history) == messages


def test_writers_side_by_side_lose_nothing(deployment: Deployment, unique: Unique) -> None:
    thread_id = unique("t")
    barrier = threading.Barrier(4)
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            with history_on(deployment, thread_id) as history:
                barrier.wait()
                for number in range(10):
                    history.add_messages(
                        [HumanMessage(f"{writer}.{number}"), AIMessage(f"{writer}.{number}!")]
                    )
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with history_on(deployment, thread_id) as history:
        contents = [message.content for message in history.messages]
    assert len(contents) == 80
    for writer in range(4):
        own = [text for text in contents if str(text).startswith(f"{writer}.")]
        assert own == [f"{writer}.{n}{mark}" for n in range(10) for mark in ("", "!")]


async def test_tasks_side_by_side_lose_nothing(deployment: Deployment, unique: Unique) -> None:
    thread_id = unique("t")
    async with history_on(deployment, thread_id) as history:
        await asyncio.gather(
            *(history.aadd_messages([HumanMessage(str(number))]) for number in range(20))
        )
        contents = {message.content for message in await history.aget_messages()}
    assert contents == {str(number) for number in range(20)}


def history_on(deployment: Deployment, thread_id: str, **options: Any) -> ConvexChatMessageHistory:
    return ConvexChatMessageHistory(
        thread_id,
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
        storage_function=deployment.storage_function,
        **options,
    )


async def test_sync_works_inside_a_running_loop(deployment: Deployment, unique: Unique) -> None:
    with history_on(deployment, unique("t")) as history:
        history.add_user_message("hi")
        history.add_ai_message("ho")
        history.add_message(HumanMessage("again"))
        assert history.messages == [HumanMessage("hi"), AIMessage("ho"), HumanMessage("again")]
        assert str(history) == "Human: hi\nAI: ho\nHuman: again"


def with_history(open_history: Callable[[str], ConvexChatMessageHistory], thread_id: str) -> Any:
    model = GenericFakeChatModel(messages=iter([AIMessage("one"), AIMessage("two")]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="RunnableWithMessageHistory is deprecated")
        return RunnableWithMessageHistory(model, open_history).with_config(
            configurable={"session_id": thread_id}
        )


@pytest.mark.parametrize("face", FACES)
async def test_runnable_with_message_history(
    deployment: Deployment, unique: Unique, face: str
) -> None:
    thread_id = unique("t")
    backend = open_backend(deployment.url, deployment.admin_key)

    def open_history(session_id: str) -> ConvexChatMessageHistory:
        return ConvexChatMessageHistory(
            session_id, backend=backend, storage_function=deployment.storage_function
        )

    chain = with_history(open_history, thread_id)
    for question in ("first", "second"):
        if face == "async":
            await chain.ainvoke([HumanMessage(question)])
        else:
            chain.invoke([HumanMessage(question)])
    contents = [message.content for message in open_history(thread_id).messages]
    assert contents == ["first", "one", "second", "two"]
    await backend.aclose()


def test_constructing_sends_nothing_and_warns_of_nothing() -> None:
    history = ConvexChatMessageHistory(
        "t", deployment_url="http://127.0.0.1:9", admin_auth_token="secret|key"
    )
    assert "secret" not in repr(history)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(history)
    history.close()
    for bad in ({"thread_id": ""}, {"resource_id": ""}, {"history_size": 0}):
        with pytest.raises(InvalidArgumentError):
            ConvexChatMessageHistory(**{"thread_id": "t", "deployment_url": ":memory:"} | bad)
    with pytest.raises(ConfigurationError):
        ConvexChatMessageHistory(
            "t", deployment_url=":memory:", backend=ConvexStore(":memory:").backend
        )
