"""LlamaIndex's memories, chat engines and agents over the chat stores; their models need no network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.chat_engine import CondensePlusContextChatEngine, SimpleChatEngine
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import (
    BaseMemoryBlock,
    ChatMemoryBuffer,
    FactExtractionMemoryBlock,
    Memory,
    StaticMemoryBlock,
    VectorMemoryBlock,
)
from llama_index.core.storage.chat_store.base_db import MessageStatus
from pydantic import PrivateAttr

from convex_mastra import ConvexStore, Message, Thread, open_backend
from llama_index_convex_mastra import ConvexChatStore, ConvexDBChatStore

ACTIVE, ARCHIVED = MessageStatus.ACTIVE, MessageStatus.ARCHIVED


class Recorded(BaseMemoryBlock[str]):
    """Keeps the texts that were flushed into it, once other tasks have had their turns."""

    name: str = "recorded"
    _texts: list[str] = PrivateAttr(default_factory=list)

    async def _aget(self, messages: Any = None, **block_kwargs: Any) -> str:
        return ""

    async def _aput(self, messages: list[ChatMessage]) -> None:
        await asyncio.sleep(0)
        self._texts += texts(messages)


class Memories:
    """``Memory`` over one session, its methods awaited: the async ones, or the blocking ones."""

    def __init__(self, stores: Any, *blocks: BaseMemoryBlock[Any], **options: Any) -> None:
        self.face = stores.face
        self.memory = Memory.from_defaults(
            chat_store=ConvexDBChatStore(backend=stores.backend),
            tokenizer_fn=str.split,
            memory_blocks=list(blocks),
            **{"session_id": stores.name, "token_limit": 40, "token_flush_size": 8, **options},
        )

    async def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self.face == "sync":
            return await asyncio.to_thread(getattr(self.memory, name), *args, **kwargs)
        return await getattr(self.memory, "a" + name)(*args, **kwargs)


def said(text: str, role: str = "user") -> ChatMessage:
    return ChatMessage(role=role, content=text)


def texts(messages: Sequence[ChatMessage]) -> list[str]:
    return [str(message.content) for message in messages]


def talk(turns: int) -> list[ChatMessage]:
    """Turns of two messages, of five words each."""
    return [
        said(f"{number} {role} three four five", role)
        for number in range(turns)
        for role in ("user", "assistant")
    ]


async def test_a_queue_is_flushed_into_blocks_and_another_instance_goes_on(
    stores: Any, embed_model: Any
) -> None:
    def memory(session_id: str) -> Memories:
        return Memories(
            stores,
            StaticMemoryBlock(name="static", static_content="The house has lifts.", priority=0),
            FactExtractionMemoryBlock(name="facts", llm=MockLLM(), priority=1),
            VectorMemoryBlock(
                name="vectors", vector_store=stores.index, embed_model=embed_model, priority=2
            ),
            session_id=session_id,
            token_limit=400,
            token_flush_size=10,
            chat_history_token_ratio=0.1,
        )

    conversation = talk(6)
    first = memory(stores.name)
    for message in conversation[:-4]:
        await first("put", message)
    again = memory(stores.name)
    await again("put_messages", conversation[-4:])
    assert await again("get_all") == conversation
    active, archived = [await again("get_all", status=status) for status in (ACTIVE, ARCHIVED)]
    assert archived + active == conversation
    assert len(active) == 8
    assert active[0].role == "user"
    other = memory(stores.name + "-b")
    await other("put_messages", [said(f"other {n} three four five") for n in range(10)])
    system, *queue = await again("get")
    assert queue == active
    context = str(system.content)
    assert "The house has lifts." in context
    assert "<fact>Specific fact 1</fact>" in context  # which the mock repeats from its prompt
    assert f"<message role='user'>{archived[0].content}</message>" in context
    assert "other" not in context
    assert "other 0" in str((await other("get"))[0].content)
    await again("reset")
    assert await again("get_all") == []


async def test_who_puts_at_the_same_time_archives_nothing_that_was_not_flushed(
    deployment: Any, unique: Any
) -> None:
    backend, session = open_backend(deployment.url, deployment.admin_key), unique("llama")
    blocks = [Recorded(), Recorded()]
    memories = [
        Memory.from_defaults(
            session_id=session,
            chat_store=ConvexDBChatStore(backend=backend),
            token_limit=30,
            token_flush_size=8,
            tokenizer_fn=str.split,
            memory_blocks=[block],
        )
        for block in blocks
    ]
    conversation = talk(5)
    await asyncio.gather(
        *(memories[place % 2].aput(message) for place, message in enumerate(conversation))
    )
    active, archived = [await memories[0].aget_all(status) for status in (ACTIVE, ARCHIVED)]
    assert sorted(texts(active + archived)) == sorted(texts(conversation))
    assert archived
    assert set(texts(archived)) <= {text for block in blocks for text in block._texts}
    await backend.aclose()


async def test_setting_and_a_first_history(stores: Any) -> None:
    await Memories(stores)("put", said("a"))
    await Memories(stores)("set", [said("b"), said("c")])
    assert texts(await Memories(stores)("get_all")) == ["b", "c"]
    await Memories(stores)("put_messages", [])
    memory = await asyncio.to_thread(Memories, stores, chat_history=[said("d")])
    assert texts(await memory("get")) == ["d"]


async def test_a_chat_engine_goes_on_with_mastras_thread(stores: Any) -> None:
    thread = ConvexStore(backend=stores.backend).memory
    thread.save_thread(Thread(id=stores.name, resource_id="R", title="Lifts"))
    thread.save_messages(
        [Message.from_text("Who are you?", thread_id=stores.name, resource_id="R")]
    )

    def engine() -> SimpleChatEngine:
        memory = Memories(stores, token_limit=1_000).memory
        return SimpleChatEngine.from_defaults(llm=MockLLM(), memory=memory)

    await chat(stores.face, engine(), "Hello?")
    answer = await chat(stores.face, engine(), "And then?")
    assert "user: Who are you?\nuser: Hello?" in answer
    rows = thread.list_messages(stores.name, per_page=False).messages
    assert [row.role for row in rows] == ["user", "user", "assistant", "user", "assistant"]
    assert [row.resource_id for row in rows] == ["R"] * 5
    assert rows[-1].text == answer
    assert thread.get_thread_by_id(stores.name).title == "Lifts"


async def test_a_chat_engine_with_context(stores: Any, embed_model: Any) -> None:
    index = VectorStoreIndex.from_documents(
        [Document(text="Lifts are shut on Sundays.")], embed_model=embed_model
    )
    memory: Callable[[], Any]
    for memory in (
        lambda: Memories(stores, token_limit=1_000).memory,
        lambda: ChatMemoryBuffer.from_defaults(
            chat_store=ConvexChatStore(backend=stores.backend),
            chat_store_key=stores.name + "-buffer",
            token_limit=1_000,
        ),
    ):
        for question in ("Lifts?", "Stairs?"):
            engine = CondensePlusContextChatEngine.from_defaults(
                index.as_retriever(), llm=MockLLM(), memory=memory()
            )
            answer = await chat(stores.face, engine, question)
            assert "shut on Sundays" in answer
        history = await asyncio.to_thread(memory().get_all)
        assert [message.role for message in history] == ["user", "assistant"] * 2
        assert texts(history)[2] == "Stairs?"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in workflows
async def test_an_agent_and_its_tool(stores: Any) -> None:
    asked = []

    def answer(messages: Sequence[ChatMessage], **kwargs: Any) -> ChatMessage:
        asked.append(messages)
        if messages[-1].role == "tool":
            return said(f"They are {messages[-1].content}.", "assistant")
        call = ToolCallBlock(tool_call_id="c1", tool_name="lifts", tool_kwargs={"floor": 3})
        return ChatMessage(role="assistant", blocks=[call])

    def lifts(floor: int) -> str:
        """Say how the lifts of a floor are."""
        return f"shut on {floor}"

    llm = MockFunctionCallingLLM(response_generator=answer, is_chat_model=True)
    for question in ("Lifts?", "Really?"):
        agent = FunctionAgent(tools=[lifts], llm=llm, streaming=False)
        memory = Memories(stores, token_limit=1_000).memory
        done = await AgentWorkflow(agents=[agent]).run(user_msg=question, memory=memory)
        assert str(done) == "They are shut on 3."
    roles = ["user", "assistant", "tool", "assistant"]
    assert [message.role for message in asked[-1]] == [*roles, "user", "assistant", "tool"]
    rows = ConvexStore(backend=stores.backend).memory.list_messages(stores.name).messages
    assert [row.role for row in rows] == ["user", "assistant", "assistant", "assistant"] * 2
    assert rows[2].content["parts"] == [
        {
            "type": "tool-invocation",
            "toolInvocation": {
                "state": "result",
                "toolCallId": "c1",
                "toolName": "lifts",
                "args": {"floor": 3},
                "result": "shut on 3",
            },
        }
    ]


async def test_a_buffer_with_a_limit_over_a_file(tmp_path: Any) -> None:
    place = f"file:{tmp_path / 'mastra.db'}"
    for message in talk(6):
        with ConvexChatStore(deployment_url=place) as store:
            ChatMemoryBuffer.from_defaults(
                chat_store=store, chat_store_key="k", token_limit=25, tokenizer_fn=str.split
            ).put(message)
    with ConvexChatStore(deployment_url=place) as store:
        buffer = ChatMemoryBuffer.from_defaults(
            chat_store=store, chat_store_key="k", token_limit=25, tokenizer_fn=str.split
        )
        assert buffer.get_all() == talk(6)
        assert buffer.get() == talk(6)[-4:]


async def chat(face: str, engine: Any, question: str) -> str:
    if face == "sync":
        return str(await asyncio.to_thread(engine.chat, question))
    return str(await engine.achat(question))
