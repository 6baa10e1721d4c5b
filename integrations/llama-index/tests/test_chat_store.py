"""``ConvexChatStore`` on every lane, of both faces."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    DocumentBlock,
    ImageBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.llms import ChatMessage, MessageRole, TextBlock
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.storage.chat_store.base import BaseChatStore

from convex_mastra import (
    ConfigurationError,
    ConvexStore,
    InvalidArgumentError,
    LimitExceededError,
    Message,
    Thread,
    open_backend,
)
from llama_index_convex_mastra import ConvexChatStore
from tests.interop.node import run_node
from tests.lanes import with_older_lanes

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


TOOLS = [
    {
        "state": "result",
        "toolCallId": "c1",
        "toolName": "a",
        "args": {"x": 1},
        "result": {"é": [1]},
    },
    {
        "state": "output-error",
        "toolCallId": "c2",
        "toolName": "b",
        "args": None,
        "errorText": "boom",
    },
    {"state": "call", "toolCallId": "c3", "toolName": "b", "args": {}},
    {
        "state": "output-denied",
        "toolCallId": "c4",
        "toolName": "c",
        "approval": {"approved": False},
    },
    {"state": "result", "toolCallId": "c5", "args": {}, "result": "no name"},
]
PNG_TEXT = base64.b64encode(PNG).decode()
FILES = [
    {"data": "https://example.com/a.png", "mimeType": "image/png"},
    {"data": f"data:image/png;base64,{PNG_TEXT}", "mimeType": "image/*"},
    {"data": PNG_TEXT, "mimeType": "application/pdf", "filename": "a.pdf"},
    {"url": "https://example.com/a.mp3", "mediaType": "audio/mpeg"},
    {"data": "file-123", "mimeType": "image/png"},
]
AGENT_TURN = [
    {"type": "step-start"},
    {"type": "reasoning", "reasoning": "Hm", "details": []},
    {"type": "text", "text": "Wait."},
    *({"type": "tool-invocation", "toolInvocation": tool} for tool in TOOLS),
    {"type": "data-own", "data": 1},
    {"type": "text", "text": "Shut."},
    *({"type": "file", **file} for file in FILES),
]
AGENT_TURN_MESSAGES = [
    ChatMessage(
        role="assistant",
        blocks=[
            ThinkingBlock(content="Hm"),
            TextBlock(text="Wait."),
            ToolCallBlock(tool_call_id="c1", tool_name="a", tool_kwargs={"x": 1}),
            ToolCallBlock(tool_call_id="c2", tool_name="b"),
            ToolCallBlock(tool_call_id="c4", tool_name="c"),
        ],
    ),
    ChatMessage(role="tool", content='{"é":[1]}', additional_kwargs={"tool_call_id": "c1"}),
    ChatMessage(role="tool", content="boom", additional_kwargs={"tool_call_id": "c2"}),
    ChatMessage(
        role="tool", content="The call was denied.", additional_kwargs={"tool_call_id": "c4"}
    ),
    ChatMessage(
        role="assistant",
        blocks=[
            TextBlock(text="Shut."),
            ImageBlock(url="https://example.com/a.png", image_mimetype="image/png"),
            ImageBlock(image=PNG, image_mimetype="image/png"),
            DocumentBlock(data=PNG, title="a.pdf", document_mimetype="application/pdf"),
            AudioBlock(url="https://example.com/a.mp3"),
        ],
    ),
]


class Chats:
    """The store's methods, all awaited, of one face."""

    def __init__(self, stores: Any, resource_id: str | None = None) -> None:
        self.store = ConvexChatStore(resource_id, backend=stores.backend)
        self.face = stores.face

    async def __call__(self, name: str, *args: Any) -> Any:
        if self.face == "sync":
            return getattr(self.store, name)(*args)
        prefix = "async_" if name == "add_message" else "a"
        return await getattr(self.store, prefix + name)(*args)


def said(text: str, role: MessageRole = MessageRole.USER) -> ChatMessage:
    return ChatMessage(role=role, content=text)


def rich_messages() -> list[ChatMessage]:
    call = ToolCallBlock(
        tool_call_id="c1", tool_name="lifts", tool_kwargs={"zeta": 1, "$a": 2.0, "é": [2**60]}
    )
    return [
        ChatMessage(
            role="user",
            blocks=[
                TextBlock(text="Look \ud800ü"),
                ImageBlock(image=PNG, image_mimetype="image/png", detail="low"),
                TextBlock(text="and read"),
                ImageBlock(url="https://example.com/a.png"),
                DocumentBlock(url="https://example.com/b.pdf", title="b.pdf"),
                DocumentBlock(
                    data=b"%PDF-1.4 x", title="a.pdf", document_mimetype="application/pdf"
                ),
            ],
        ),
        ChatMessage(
            role="assistant",
            blocks=[
                ThinkingBlock(
                    content="Hm", num_tokens=3, additional_information={"signature": "s"}
                ),
                call,
            ],
            additional_kwargs={"zeta": 1, "alpha": 2.0, "$odd": {"": None}},
        ),
        ChatMessage(role="tool", content="shut", additional_kwargs={"tool_call_id": "c1"}),
        ChatMessage(role="developer", content=""),
        ChatMessage(role="model", blocks=[]),
    ]


def exact(messages: list[ChatMessage]) -> list[str]:
    """Messages with the order of their keys, and their kinds of numbers."""
    return [json.dumps(message.model_dump(mode="python"), default=str) for message in messages]


def test_class() -> None:
    assert issubclass(ConvexChatStore, BaseChatStore)
    assert ConvexChatStore.class_name() == "ConvexChatStore"


@with_older_lanes
async def test_messages_are_added_set_and_deleted(stores: Any) -> None:
    chats, key = Chats(stores), stores.name
    assert await chats("get_messages", key) == []
    assert await chats("delete_messages", key) is None
    assert await chats("delete_message", key, 0) is None
    assert await chats("delete_last_message", key) is None
    assert key not in await chats("get_keys")
    for number in range(4):
        await chats("add_message", key, said(str(number)))
    assert key in await chats("get_keys")
    assert [m.content for m in await chats("get_messages", key)] == ["0", "1", "2", "3"]
    assert (await chats("delete_message", key, 1)).content == "1"
    assert await chats("delete_message", key, 3) is None
    assert await chats("delete_message", key, -1) is None
    assert (await chats("delete_last_message", key)).content == "3"
    assert [m.content for m in await chats("get_messages", key)] == ["0", "2"]
    await chats("set_messages", key, [said("b"), said("a", MessageRole.ASSISTANT)])
    await chats("add_message", key, said("c"))
    expected = [said("b"), said("a", MessageRole.ASSISTANT), said("c")]
    assert await chats("get_messages", key) == expected
    assert await chats("delete_messages", key) == expected
    assert await chats("get_messages", key) == []
    assert key in await chats("get_keys")
    await chats("set_messages", key, [said("d")])
    await chats("set_messages", key, [])
    assert await chats("get_messages", key) == []


@with_older_lanes
async def test_every_block_comes_back_as_it_was(stores: Any) -> None:
    chats, messages = Chats(stores), rich_messages()
    await chats("set_messages", stores.name, messages)
    back = await chats("get_messages", stores.name)
    assert back == messages
    assert exact(back) == exact(messages)
    assert back[0].blocks[1].resolve_image().read() == PNG
    await chats("set_messages", stores.name, back)
    assert exact(await chats("get_messages", stores.name)) == exact(messages)


async def test_mastra_reads_the_row(stores: Any) -> None:
    await Chats(stores)("set_messages", stores.name, rich_messages())
    memory = ConvexStore(backend=stores.backend).memory
    thread = memory.get_thread_by_id(stores.name)
    assert thread is not None
    assert thread.resource_id == stores.name
    rows = memory.list_messages(stores.name, per_page=False).messages
    assert [row.role for row in rows] == ["user", "assistant", "assistant", "system", "assistant"]
    first = rows[0]
    assert (first.type, first.resource_id, first.content["format"]) == ("v2", stores.name, 2)
    assert first.content["parts"] == [
        {"type": "text", "text": "Look ?ü"},
        {"type": "text", "text": "and read"},
        {"type": "file", "data": "https://example.com/a.png", "mimeType": "image/png"},
        {
            "type": "file",
            "data": "https://example.com/b.pdf",
            "mimeType": "application/pdf",
            "filename": "b.pdf",
        },
    ]
    assert set(first.content["metadata"]) == {"llama_index"}
    raw = [
        {
            "id": row.id,
            "threadId": row.thread_id,
            "resourceId": row.resource_id,
            "role": row.role,
            "type": row.type,
            "content": row.content,
            "createdAt": row.created_at.isoformat(),
        }
        for row in rows
    ]
    forms = run_node("messagelist.ts", {"messages": raw})["forms"]
    assert [name for name, form in forms.items() if "error" in form] == []
    assert [message["role"] for message in forms["aiV5.model"]] == ["user", "assistant", "tool"]
    (result,) = forms["aiV5.model"][-1]["content"]
    assert result["output"] == {"type": "text", "value": "shut"}
    assert result["toolName"] == "lifts"
    assert result["input"] == {"zeta": 1, "$a": 2, "é": [pytest.approx(2**60)]}  # JavaScript's


async def test_what_mastra_wrote_is_read(stores: Any) -> None:
    memory = ConvexStore(backend=stores.backend).memory
    key, place = stores.name, {"thread_id": stores.name, "resource_id": "R"}
    memory.save_thread(Thread(id=key, resource_id="R"))
    turn = [
        {"type": "step-start"},
        {"type": "reasoning", "reasoning": "", "details": [{"type": "text", "text": "Hm"}]},
        {"type": "text", "text": "Shut."},
    ]
    call = {"state": "call", "toolCallId": "c", "toolName": "t", "args": {}}
    only_tools = [{"type": "tool-invocation", "toolInvocation": call}]
    memory.save_messages(
        [
            Message.from_text("Lifts?", **place),
            Message(role="assistant", content={"format": 2, "parts": only_tools}, **place),
            Message(role="assistant", content={"format": 2, "parts": turn}, **place),
            Message(role="user", content="old", type="text", **place),
        ]
    )
    chats = Chats(stores)
    messages = [
        said("Lifts?"),
        ChatMessage(
            role="assistant", blocks=[ThinkingBlock(content="Hm"), TextBlock(text="Shut.")]
        ),
        said("old"),
    ]
    assert await chats("get_messages", key) == messages
    assert await chats("delete_message", key, 1) == messages[1]
    await chats("add_message", key, said("more"))
    rows = memory.list_messages(key, per_page=False).messages
    assert [row.resource_id for row in rows] == ["R"] * 4
    change = {"format": 2, "parts": [{"type": "text", "text": "changed"}], "content": "changed"}
    memory.update_messages([{"id": rows[-1].id, "content": change}])
    assert (await chats("get_messages", key))[-1] == said("changed")


async def test_a_turn_of_a_mastra_agent_is_several_messages(stores: Any) -> None:
    memory = ConvexStore(backend=stores.backend).memory
    key, place = stores.name, {"thread_id": stores.name, "resource_id": "R"}
    memory.save_messages(
        [
            Message.from_text("Lifts?", **place),
            Message(role="assistant", content={"format": 2, "parts": AGENT_TURN}, **place),
            Message.from_text("Thanks", **place),
        ]
    )
    chats = Chats(stores)
    messages = await chats("get_messages", key)
    assert messages == [said("Lifts?"), *AGENT_TURN_MESSAGES, said("Thanks")]
    # Adding them again makes rows of LlamaIndex's own, which come back as they were.
    await chats("set_messages", key + "b", messages)
    assert await chats("get_messages", key + "b") == messages
    # It is one row, and is deleted as one.
    assert await chats("delete_message", key, 2) == messages[2]
    assert await chats("get_messages", key) == [said("Lifts?"), said("Thanks")]


async def test_a_tools_result_without_its_call(stores: Any) -> None:
    chats, key = Chats(stores), stores.name
    odd_args = ToolCallBlock(tool_call_id="c2", tool_name="t", tool_kwargs={"a": float("nan")})
    messages = [
        ChatMessage(role="tool", content="alone", additional_kwargs={"tool_call_id": "c1"}),
        ChatMessage(role="tool", content="no id"),
        ChatMessage(role="assistant", blocks=[odd_args]),
        ChatMessage(role="tool", content="", additional_kwargs={"tool_call_id": "c2"}),
    ]
    await chats("set_messages", key, messages)
    back = await chats("get_messages", key)
    assert exact(back) == exact(messages)
    memory = ConvexStore(backend=stores.backend).memory
    rows = memory.list_messages(key, per_page=False).messages
    invocations = [part.get("toolInvocation") for row in rows for part in row.content["parts"]]
    result = {"state": "result", "args": {}}
    assert invocations == [
        {**result, "toolCallId": "c1", "toolName": "tool", "result": "alone"},
        None,
        {**result, "toolCallId": "c2", "toolName": "t", "result": ""},
    ]
    changed = {"parts": [{"type": "tool-invocation", "toolInvocation": invocations[0]}]}
    changed["parts"][0]["toolInvocation"]["result"] = {"now": "open"}
    memory.update_messages([{"id": rows[0].id, "content": changed}])
    call, result_message = (await chats("get_messages", key))[:2]
    assert (call.role, call.blocks[0].tool_name) == ("assistant", "tool")
    assert result_message.content == '{"now":"open"}'


def test_only_addresses_that_every_reader_takes_are_parts() -> None:
    bad = ["https://", "https://exa mple", "https://1.2.3", "ftp://a.b", "https://a:99999", "x"]
    good = ["http://localhost:80", "HTTPS://a-b.example.com/é?x#y", "https://b"]
    blocks = [DocumentBlock(url=url, document_mimetype="no type") for url in bad + good]
    message = ChatMessage(role="user", blocks=blocks)
    with ConvexChatStore(deployment_url=":memory:") as store:
        store.add_message("k", message)
        (row,) = ConvexStore(backend=store.backend).memory.list_messages("k").messages
        assert [part["data"] for part in row.content["parts"]] == good
        assert {part["mimeType"] for part in row.content["parts"]} == {"application/pdf"}
        assert store.get_messages("k") == [message]


async def test_threads_of_another_resource(stores: Any) -> None:
    own, other = Chats(stores, "ann" + stores.name), Chats(stores, "bob" + stores.name)
    await own("add_message", stores.name, said("a"))
    assert await own("get_keys") == [stores.name]
    assert await other("get_keys") == []
    assert await other("get_messages", stores.name) == []
    assert await other("delete_messages", stores.name) is None
    for method, argument in (("add_message", said("b")), ("set_messages", [])):
        with pytest.raises(InvalidArgumentError, match="for resource with id ann"):
            await other(method, stores.name, argument)
    assert await own("get_messages", stores.name) == [said("a")]


async def test_writers_side_by_side_lose_nothing(stores: Any) -> None:
    chats = Chats(stores)
    await asyncio.gather(
        *(chats.store.async_add_message(stores.name, said(str(n))) for n in range(20))
    )
    messages = await chats("get_messages", stores.name)
    assert sorted(int(m.content) for m in messages) == list(range(20))
    assert await chats("get_messages", stores.name) == messages


async def test_what_cannot_be_stored_is_refused(stores: Any) -> None:
    chats, key = Chats(stores), stores.name
    await chats("add_message", key, said("a"))
    stores.requests()
    with pytest.raises(InvalidArgumentError, match=r"messages\[1\]"):
        await chats("set_messages", key, [said("b"), "text"])
    with pytest.raises(InvalidArgumentError, match="cannot be JSON"):
        await chats("add_message", key, ChatMessage("b", additional_kwargs={"a": object()}))
    with pytest.raises(LimitExceededError):
        await chats("add_message", key, said("x" * 2**20))
    with pytest.raises(InvalidArgumentError, match="key"):
        await chats("get_messages", " ")
    with pytest.raises(InvalidArgumentError, match="idx"):
        await chats("delete_message", key, "0")
    assert stores.requests() == []
    assert await chats("get_messages", key) == [said("a")]


async def test_a_memory_buffer(stores: Any) -> None:
    def memory() -> ChatMemoryBuffer:
        store = ConvexChatStore(backend=stores.backend)
        return ChatMemoryBuffer.from_defaults(
            chat_store=store, chat_store_key=stores.name, token_limit=1_000
        )

    messages = [said("hello"), said("hi", MessageRole.ASSISTANT)]
    if stores.face == "sync":
        for message in messages:
            memory().put(message)
        assert memory().get() == memory().get_all() == messages
        memory().reset()
        assert memory().get_all() == []
    else:
        for message in messages:
            await memory().aput(message)
        assert await memory().aget() == await memory().aget_all() == messages
        await memory().areset()
        assert await memory().aget_all() == []


def test_construction(monkeypatch: Any, tmp_path: Path) -> None:
    for name in ("CONVEX_URL", "CONVEX_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.replace("CONVEX_", "CONVEX_SELF_HOSTED_"), raising=False)
    with pytest.raises(ConfigurationError, match="CONVEX_URL"):
        ConvexChatStore()
    with pytest.raises(TypeError, match="deployment_ulr"):
        ConvexChatStore(deployment_ulr="x")
    url, secret = "https://quiet-otter-123.convex.cloud", "prod:quiet-otter-123|c2VjcmV0"
    with ConvexChatStore(deployment_url=url, admin_auth_token=secret) as store:
        outputs = [repr(store), str(store), store.to_json(), repr(pickle.dumps(store))]
    assert not [output for output in outputs if "c2VjcmV0" in output]
    backend = open_backend(":memory:")
    with pytest.raises(TypeError, match="shared backend"):
        pickle.dumps(ConvexChatStore(backend=backend))
    backend.close()
    place = f"file:{tmp_path / 'mastra.db'}"
    with ConvexChatStore.from_params("R", place) as store:
        store.add_message("k", said("a"))
        for back in (pickle.loads(pickle.dumps(store)), ConvexChatStore.from_dict(store.to_dict())):
            assert back.get_messages("k") == [said("a")]
            back.close()
