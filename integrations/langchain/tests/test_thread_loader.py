"""``ConvexThreadLoader`` on every lane, under both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    get_buffer_string,
)

from convex_mastra import (
    ConvexStore,
    DateRange,
    InvalidArgumentError,
    Message,
    NotFoundError,
    Options,
    Thread,
    open_backend,
)
from convex_mastra.records import text_content
from integrations.langchain.tests.memory_of_rows import Rows, mastra_row, parts_row
from integrations.langchain.tests.strategies import CONVERSATIONS, JSON
from langchain_convex_mastra import ConvexChatMessageHistory, ConvexThreadLoader
from langchain_convex_mastra.thread_documents import documents_of
from tests.lanes import FACES, Deployment, with_older_lanes

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 6000, UTC)
CALL = {"name": "weather", "args": {"city": "Oslo"}, "id": "c1", "type": "tool_call"}


class Loaders:
    """Loaders on one backend, of one face, and the store beside them."""

    def __init__(self, deployment: Deployment, face: str) -> None:
        self.events: list[str] = []
        self.backend = open_backend(
            deployment.url,
            deployment.admin_key,
            options=Options(on_event=lambda event: self.events.append(event.operation)),
        )
        self.storage_function = deployment.storage_function
        self.store = ConvexStore(backend=self.backend, storage_function=self.storage_function)
        self._is_async = face == "async"

    def open(self, *args: Any, **options: Any) -> ConvexThreadLoader:
        return ConvexThreadLoader(
            *args, backend=self.backend, storage_function=self.storage_function, **options
        )

    async def load(self, *args: Any, **options: Any) -> list[Document]:
        loader = self.open(*args, **options)
        return await loader.aload() if self._is_async else loader.load()

    async def lazily(self, *args: Any, **options: Any) -> AsyncIterator[Document]:
        loader = self.open(*args, **options)
        if self._is_async:
            async for document in loader.alazy_load():
                yield document
        else:
            for document in loader.lazy_load():
                yield document

    def requests(self) -> list[str]:
        sent = list(self.events)
        self.events.clear()
        return sent

    def save(
        self, thread_id: str, resource_id: str, *texts: str, at: datetime = START, **fields: Any
    ) -> list[Message]:
        """Write a thread of alternating user and assistant messages, a minute apart."""
        fields = {"title": "", "metadata": {}} | fields
        saved = self.store.memory.save_messages(
            [
                Message(
                    thread_id=thread_id,
                    resource_id=resource_id,
                    role=("user", "assistant")[position % 2],
                    content=text_content(text),
                    created_at=at + timedelta(minutes=position),
                )
                for position, text in enumerate(texts)
            ]
        )
        self.store.memory.save_thread(
            Thread(id=thread_id, resource_id=resource_id, created_at=at, updated_at=at, **fields)
        )
        return saved


@pytest_asyncio.fixture(params=FACES)
async def loaders(request: pytest.FixtureRequest, deployment: Deployment) -> AsyncIterator[Loaders]:
    made = Loaders(deployment, request.param)
    yield made
    await made.backend.aclose()


def texts_of(documents: list[Document]) -> list[str]:
    return [document.page_content for document in documents]


@with_older_lanes
async def test_messages(loaders: Loaders, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    question, answer = loaders.save(thread_id, resource_id, "What?", "That.", title="Talk")
    metadata = {"thread_id": thread_id, "resource_id": resource_id, "title": "Talk"}
    assert await loaders.load(resource_id=resource_id) == [
        Document(
            "What?",
            id=question.id,
            metadata=metadata
            | {
                "message_id": question.id,
                "role": "user",
                "created_at": "2026-01-02T03:04:05.006Z",
            },
        ),
        Document(
            "That.",
            id=answer.id,
            metadata=metadata
            | {
                "message_id": answer.id,
                "role": "assistant",
                "created_at": "2026-01-02T03:05:05.006Z",
            },
        ),
    ]
    assert await loaders.load([thread_id]) == await loaders.load(resource_id=resource_id)


@with_older_lanes
async def test_threads(loaders: Loaders, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    loaders.save(thread_id, resource_id, "What?", "That.", title="Talk")
    expected = Document(
        "Human: What?\nAI: That.",
        id=thread_id,
        metadata={
            "thread_id": thread_id,
            "resource_id": resource_id,
            "title": "Talk",
            "created_at": "2026-01-02T03:04:05.006Z",
            "updated_at": "2026-01-02T03:04:05.006Z",
        },
    )
    assert await loaders.load(resource_id=resource_id, mode="thread") == [expected]
    assert await loaders.load([thread_id], mode="thread") == [expected]


async def test_more_threads_than_a_page_in_a_stable_order(loaders: Loaders, unique: Unique) -> None:
    """More than Mastra lists at once, many of one moment."""
    resource_id = unique("r")
    names = [unique(f"{number}") for number in range(105)]
    for number, name in enumerate(names):
        at = START + timedelta(days=number // 50)
        loaders.save(name, resource_id, f"hello {number}", at=at)
    expected = [f"hello {number}" for number in range(105)]
    assert texts_of(await loaders.load(resource_id=resource_id)) == expected
    chosen = [names[70], names[3], names[70], names[104]]
    assert texts_of(await loaders.load(chosen)) == ["hello 70", "hello 3", "hello 104"]


@pytest.mark.parametrize("face", FACES)
async def test_all_threads_there_are(face: str) -> None:
    loaders = Loaders(Deployment("own", ":memory:", None), face)
    for number in range(3):
        loaders.save(f"t{number}", f"r{number}", "hi", at=START - timedelta(days=number))
    assert [one.id for one in await loaders.load(mode="thread")] == ["t2", "t1", "t0"]
    await loaders.backend.aclose()


async def test_nothing_is_read_before_it_is_taken(loaders: Loaders, unique: Unique) -> None:
    resource_id = unique("r")
    names = [unique("t") for _ in range(3)]
    for number, name in enumerate(names):
        loaders.save(name, resource_id, "a", "b", at=START + timedelta(days=number))
    loaders.requests()
    listed, read = "queryTable mastra_threads", "queryTable mastra_messages"
    documents = loaders.lazily(resource_id=resource_id)
    assert loaders.requests() == []
    expected = [[listed, read], [], [read], [], [read], []]
    for requests in expected:
        await anext(documents)
        assert loaders.requests() == requests
    with pytest.raises(StopAsyncIteration):
        await anext(documents)
    assert loaders.requests() == []

    documents = loaders.lazily(names, mode="thread")
    for _ in names:
        await anext(documents)
        assert sorted(loaders.requests()) == ["load mastra_threads", read]


async def test_what_is_chosen(loaders: Loaders, unique: Unique) -> None:
    resource_id, other = unique("r"), unique("r")
    first, second, foreign = unique("t"), unique("t"), unique("t")
    loaders.save(first, resource_id, "one", "two", "three", metadata={"kind": "a", "n": 1})
    later = START + timedelta(days=1)
    loaders.save(second, resource_id, "four", at=later, metadata={"kind": "b"})
    loaders.save(foreign, other, "theirs", at=later, metadata={"kind": "a"})

    async def chosen(*args: Any, **options: Any) -> list[str]:
        return texts_of(await loaders.load(*args, **options))

    mine = {"resource_id": resource_id}
    assert await chosen(**mine) == ["one", "two", "three", "four"]
    assert await chosen(**mine, metadata={"kind": "a", "n": 1}) == ["one", "two", "three"]
    assert await chosen(**mine, metadata={"kind": "a", "n": 2}) == []
    middle = DateRange(start=START, start_exclusive=True, end=START + timedelta(minutes=2))
    assert await chosen(**mine, date_range=middle) == ["two", "three"]
    assert await chosen([first, second], date_range=middle, mode="thread") == [
        "AI: two\nHuman: three"
    ]
    assert await chosen(**mine, date_range=DateRange(start=later), mode="thread") == ["Human: four"]
    assert await chosen([]) == []
    assert await chosen(resource_id=unique("nobody")) == []

    assert await chosen([second, foreign]) == ["four", "theirs"]
    with pytest.raises(NotFoundError, match=f"no thread {foreign} of the resource {resource_id}"):
        await chosen([second, foreign], **mine)
    with pytest.raises(NotFoundError, match="There is no thread nowhere"):
        await chosen(["nowhere"])


async def test_messages_of_another_resource_are_not_read(loaders: Loaders, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    loaders.save(thread_id, resource_id, "mine")
    loaders.store.memory.save_messages(
        [Message.from_text("theirs", thread_id=thread_id, resource_id=unique("r"))]
    )
    for choice in (
        {"resource_id": resource_id},
        {"thread_ids": [thread_id], "resource_id": resource_id},
    ):
        assert texts_of(await loaders.load(**choice)) == ["mine"]
    assert texts_of(await loaders.load([thread_id])) == ["mine", "theirs"]


CONVERSATION: list[BaseMessage] = [
    SystemMessage("be kind"),
    HumanMessage("weather?"),
    AIMessage("let me check", tool_calls=[CALL]),
    ToolMessage("1 C", tool_call_id="c1"),
    AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "It is 1 C"}]),
    HumanMessage([{"type": "image", "url": "https://example.org/a.png"}]),
    AIMessage("", tool_calls=[CALL | {"id": "c2"}]),
    ToolMessage("2 C", tool_call_id="c2"),
    FunctionMessage(name="f", content="42"),
    AIMessage("go", additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}}),
    AIMessage("", additional_kwargs={"function_call": {"name": "g", "arguments": "{}"}}),
    ChatMessage(content="hm", role="critic"),
    RemoveMessage(id="h1"),
    HumanMessage(""),
]


async def test_what_a_history_wrote(loaders: Loaders, unique: Unique) -> None:
    thread_id = unique("t")
    history = ConvexChatMessageHistory(
        thread_id, backend=loaders.backend, storage_function=loaders.storage_function
    )
    history.add_messages(CONVERSATION)
    documents = await loaders.load([thread_id])
    assert [(one.metadata["role"], one.page_content) for one in documents] == [
        ("system", "be kind"),
        ("user", "weather?"),
        ("assistant", "let me check\nIt is 1 C"),
        ("assistant", "go"),
        ("system", "hm"),
    ]
    rows = {row.id for row in loaders.store.memory.list_messages(thread_id).messages}
    assert {one.id for one in documents} < rows

    [document] = await loaders.load([thread_id], mode="thread")
    assert document.page_content == get_buffer_string(
        [one for one in CONVERSATION[:12] if one is not CONVERSATION[5]]
    )
    [document] = await loaders.load([thread_id], mode="thread", include_tools=False)
    assert document.page_content == (
        "System: be kind\nHuman: weather?\nAI: let me check\nAI: It is 1 C\nAI: go\ncritic: hm"
    )


async def test_a_thread_without_text_is_no_document(loaders: Loaders, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    loaders.save(thread_id, resource_id)
    for mode in ("message", "thread"):
        assert await loaders.load([thread_id], mode=mode) == []
        assert await loaders.load(resource_id=resource_id, mode=mode) == []


async def test_sync_works_inside_a_running_loop(loaders: Loaders, unique: Unique) -> None:
    thread_id = unique("t")
    loaders.save(thread_id, unique("r"), "hi")
    loader = loaders.open([thread_id])
    assert loader.load() == await loader.aload()
    assert loader.load() == loader.load(), "it may be read again"


def read(rows: list[Message], mode: Any, *, include_tools: bool = True) -> list[Document]:
    thread = Thread(id="t", resource_id="r", created_at=START, updated_at=START)
    return documents_of(thread, rows, mode, include_tools=include_tools)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (mastra_row("user", "plain"), "plain"),
        (mastra_row("assistant", [{"type": "text", "text": "old"}], kind="text"), "old"),
        (mastra_row("user", {"parts": [], "content": "upgraded"}), "upgraded"),
        (parts_row({"type": "text", "text": "a"}, {"type": "text", "text": "b"}), "ab"),
        (mastra_row("assistant", {"a": 1}), None),
        (mastra_row("no such role", {"parts": [{"type": "text", "text": "x"}]}), "x"),
        (mastra_row("signal", {"parts": [{"type": "text", "text": "y"}]}, kind="user"), "y"),
        (mastra_row("tool", [{"type": "tool-result", "toolCallId": "c", "result": "z"}]), None),
        (mastra_row("user", None), "null"),
    ],
)
def test_rows_of_every_kind(row: Message, text: str | None) -> None:
    assert texts_of(read([row], "message")) == ([] if text is None else [text])


@given(st.sampled_from(["user", "assistant", "system", "tool", "signal", "x"]), JSON | st.builds(
    lambda parts: {"format": 2, "parts": parts}, st.lists(JSON, max_size=3)
))  # fmt: skip
@settings(max_examples=200)
def test_no_row_makes_it_fail(role: str, content: Any) -> None:
    row = mastra_row(role, content)
    for include_tools in (True, False):
        for document in read([row], "thread", include_tools=include_tools):
            assert document.page_content
    for document in read([row], "message"):
        assert document.page_content
        assert document.id == "row"


@given(CONVERSATIONS)
@settings(max_examples=100)
def test_no_conversation_makes_it_fail(conversation: list[BaseMessage]) -> None:
    rows = Rows()
    rows.add(conversation)
    for document in read(list(rows.rows.values()), "message"):
        assert document.page_content
    for include_tools in (True, False):
        assert len(read(list(rows.rows.values()), "thread", include_tools=include_tools)) <= 1


def test_what_cannot_be_constructed() -> None:
    bad: list[dict[str, Any]] = [
        {"thread_ids": "t"},
        {"thread_ids": ["t", ""]},
        {"thread_ids": [7]},
        {"thread_ids": ["t"], "metadata": {"a": 1}},
        {"resource_id": ""},
        {"mode": "row"},
        {"mode": None},
    ]
    for arguments in bad:
        with pytest.raises(InvalidArgumentError) as caught:
            ConvexThreadLoader(**arguments, deployment_url=":memory:")
        assert caught.value.field is not None


async def test_constructing_sends_nothing() -> None:
    async with ConvexThreadLoader(
        deployment_url="http://127.0.0.1:9", admin_auth_token="secret|key"
    ) as loader:
        assert "secret" not in repr(loader)
        loader.lazy_load()
        loader.alazy_load()
    with ConvexThreadLoader(deployment_url=":memory:") as loader:
        assert loader.load() == []
        with pytest.raises(InvalidArgumentError):
            ConvexThreadLoader(metadata={"no-such-key": 1}, backend=loader.backend).load()
