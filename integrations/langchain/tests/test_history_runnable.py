"""A history where LangChain uses one: ``RunnableWithMessageHistory``, ``trim_messages``, windows."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    trim_messages,
)
from langchain_core.runnables import RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory

from convex_mastra import Backend, open_backend
from langchain_convex_mastra import ConvexChatMessageHistory
from tests.lanes import FACES, Deployment

Unique = Callable[[str], str]


class Sessions:
    """A factory as applications write it: one backend, a history for every call."""

    def __init__(self, deployment: Deployment, backend: Backend) -> None:
        self._function = deployment.storage_function
        self._backend = backend
        self.opened: list[str] = []

    def __call__(self, session_id: str, **options: Any) -> ConvexChatMessageHistory:
        self.opened.append(session_id)
        return ConvexChatMessageHistory(
            session_id, backend=self._backend, storage_function=self._function, **options
        )


@pytest.fixture
def sessions(deployment: Deployment) -> Iterator[Sessions]:
    backend = open_backend(deployment.url, deployment.admin_key)
    yield Sessions(deployment, backend)
    backend.close()


def with_history(runnable: Any, sessions: Callable[..., Any], **keys: Any) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="RunnableWithMessageHistory is deprecated")
        return RunnableWithMessageHistory(runnable, sessions, **keys)


async def invoked(chain: Any, face: str, value: Any, session_id: str) -> Any:
    config = {"configurable": {"session_id": session_id}}
    result = chain.ainvoke(value, config) if face == "async" else chain.invoke(value, config)
    return await result if inspect.isawaitable(result) else result


def answering(messages: list[BaseMessage]) -> list[BaseMessage]:
    """An agent: it calls a tool whose outcome is how much it was told, and says that."""
    call_id = f"call-{len(messages)}"
    call = {"name": "count", "args": {}, "id": call_id, "type": "tool_call"}
    return [
        AIMessage("", tool_calls=[call], id=f"lc_run-{call_id}"),
        ToolMessage(str(len(messages)), tool_call_id=call_id, artifact=len(messages)),
        AIMessage(f"{len(messages)} messages"),
    ]


@pytest.mark.parametrize("face", FACES)
async def test_an_agent_with_history(sessions: Sessions, unique: Unique, face: str) -> None:
    thread_id = unique("t")
    chain = with_history(RunnableLambda(answering), sessions)
    told = []
    for question in ("first", "second", "third"):
        answer = await invoked(chain, face, [HumanMessage(question)], thread_id)
        told.append(answer[-1].content)
    assert told == ["1 messages", "5 messages", "9 messages"]
    messages = sessions(thread_id).messages
    assert [message.type for message in messages] == ["human", "ai", "tool", "ai"] * 3
    assert messages[2] == ToolMessage("1", tool_call_id="call-1", artifact=1)
    assert set(sessions.opened) == {thread_id}
    assert len(sessions.opened) >= 3, "constructed for every call"


@pytest.mark.parametrize("face", FACES)
async def test_keys_and_sessions_side_by_side(
    sessions: Sessions, unique: Unique, face: str
) -> None:
    def reply(values: dict[str, Any]) -> dict[str, Any]:
        return {"answer": AIMessage(f"{values['question']} after {len(values['before'])}")}

    chain = with_history(
        RunnableLambda(reply),
        sessions,
        input_messages_key="question",
        history_messages_key="before",
        output_messages_key="answer",
    )
    ids = [unique("t") for _ in range(4)]

    async def talk(thread_id: str) -> list[str]:
        return [
            (await invoked(chain, face, {"question": text}, thread_id))["answer"].content
            for text in ("one", "two")
        ]

    for said in await asyncio.gather(*map(talk, ids)):
        assert said == ["one after 0", "two after 2"]
    for thread_id in ids:
        contents = [message.content for message in sessions(thread_id).messages]
        assert contents == ["one", "one after 0", "two", "two after 2"]


@pytest.mark.parametrize("face", FACES)
async def test_a_window_keeps_calls_and_outcomes_together(
    sessions: Sessions, unique: Unique, face: str
) -> None:
    thread_id = unique("t")
    seen: list[list[str]] = []

    def watching(messages: list[BaseMessage]) -> list[BaseMessage]:
        seen.append([message.type for message in messages])
        return answering(messages)

    chain = with_history(
        RunnableLambda(watching), lambda session_id: sessions(session_id, history_size=2)
    )
    for question in ("first", "second"):
        await invoked(chain, face, [HumanMessage(question)], thread_id)
    assert seen == [["human"], ["ai", "human"]], "the outcome whose call was cut off is left out"
    everything = sessions(thread_id).messages
    for size in range(1, len(everything) + 2):
        history = sessions(thread_id, history_size=size)
        window = await history.aget_messages() if face == "async" else history.messages
        assert window == everything[len(everything) - len(window) :]
        assert not window or window[0].type != "tool"
        assert size - 1 <= len(window) <= size or len(window) == len(everything)


@pytest.mark.parametrize("face", FACES)
async def test_a_window_of_a_turn_that_grew(sessions: Sessions, unique: Unique, face: str) -> None:
    thread_id = unique("t")
    history = sessions(thread_id, history_size=3)
    messages = [HumanMessage("?"), *answering([])]
    for message in messages:  # one by one, as a loop around a model adds them
        if face == "async":
            await history.aadd_messages([message])
        else:
            history.add_messages([message])
    window = await history.aget_messages() if face == "async" else history.messages
    assert window == messages[1:]


def test_trimming_by_tokens_is_langchains(sessions: Sessions, unique: Unique) -> None:
    history = sessions(unique("t"))
    history.add_messages([SystemMessage("be kind"), HumanMessage("?"), *answering([])])
    history.add_messages([HumanMessage("and now?"), *answering(history.messages)])
    trimmed = trim_messages(
        history.messages,
        max_tokens=6,
        token_counter=len,
        strategy="last",
        include_system=True,
        start_on="human",
    )
    assert trimmed == [history.messages[0], *history.messages[-4:]]
    assert len(history.messages) == 9, "nothing is deleted"


def test_a_history_warns_of_nothing(unique: Unique) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ConvexChatMessageHistory(unique("t"), deployment_url=":memory:") as history:
            history.add_user_message("hi")
            history.add_ai_message("ho")
            assert len(history.messages) == 2
