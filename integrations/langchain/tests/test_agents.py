"""One thread, two agents: npm's ``Agent`` and LangChain's ``create_agent`` take turns in it.

Their models answer as told; what counts is what each of them is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from pydantic import PrivateAttr

from convex_mastra import ConvexStore
from langchain_convex_mastra import ConvexChatMessageHistory
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

Unique = Callable[[str], str]
Line = tuple[str, str]
NOTED = {"memory": "# Ann"}


class ScriptedModel(BaseChatModel):
    """Gives the replies in turn and keeps what it was sent."""

    replies: list[AIMessage]
    _sent: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> ScriptedModel:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        reply = self.replies[len(self._sent)]
        self._sent.append(messages)
        return ChatResult(generations=[ChatGeneration(message=reply)])


@tool
def weather(city: str) -> dict[str, Any]:
    """What the weather is like."""
    return {"city": city, "degrees": 1}


@tool(response_format="content_and_artifact")
def search(words: str) -> tuple[str, dict[str, Any]]:
    """Look something up."""
    return f"about {words}", {"pages": [1, 2]}


class Thread:
    """A thread of Ann's, which either agent can be asked in; both return what they were sent."""

    def __init__(self, deployment: Deployment, thread_id: str, resource_id: str) -> None:
        self.deployment = deployment
        self.id = thread_id
        self.resource_id = resource_id

    def history(self, **arguments: Any) -> ConvexChatMessageHistory:
        return ConvexChatMessageHistory(
            self.id,
            resource_id=self.resource_id,
            deployment_url=self.deployment.url,
            admin_auth_token=self.deployment.admin_key,
            storage_function=self.deployment.storage_function,
            **arguments,
        )

    def ask_langchain(self, question: str, *replies: AIMessage, **arguments: Any) -> list[Line]:
        model = ScriptedModel(replies=list(replies))
        with self.history(**arguments) as history:
            remembered: list[Any] = history.messages
            agent = create_agent(model, [weather, search])
            state = agent.invoke({"messages": [*remembered, HumanMessage(question)]})
            history.add_messages(state["messages"][len(remembered) :])
        return [line for message in model._sent[-1] for line in lines_of_message(message)]

    def ask_mastra(
        self, question: str, *replies: list[dict[str, Any]], **options: Any
    ) -> list[Line]:
        answer = run_node(
            "agent.ts",
            {
                "url": self.deployment.url,
                "key": self.deployment.admin_key,
                "storageFunction": self.deployment.storage_function,
                "threadId": self.id,
                "resourceId": self.resource_id,
                "options": options,
                "question": question,
                "replies": replies,
                "tools": {"weather": {"city": "Rome", "degrees": 9}, "search": {"error": "down"}},
            },
        )
        return [line for message in answer["prompts"][-1] for line in lines_of_prompt(message)]


def lines_of_message(message: BaseMessage) -> list[Line]:
    if isinstance(message, ToolMessage):
        return [("result", f"{message.tool_call_id} {message.status} {message.text}")]
    lines = [(message.type, message.text)] if message.text else []
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    return lines + [("call", called(call["id"], call["name"], call["args"])) for call in calls]


def lines_of_prompt(message: dict[str, Any]) -> list[Line]:
    """The same of a message in the AI SDK's form; the instructions are left out."""
    if message["role"] == "system":
        return []
    lines = []
    for part in message["content"]:
        if part["type"] == "text":
            lines.append(({"user": "human", "assistant": "ai"}[message["role"]], part["text"]))
        elif part["type"] == "tool-call":
            lines.append(("call", called(part["toolCallId"], part["toolName"], part["input"])))
        else:
            output = part["output"]
            value = output["value"]
            text = value if isinstance(value, str) else json.dumps(value)
            status = "error" if output["type"].startswith("error") else "success"
            lines.append(("result", f"{part['toolCallId']} {status} {text}"))
    return lines


def called(call_id: str | None, name: str, arguments: Any) -> str:
    return f"{call_id} {name} {json.dumps(arguments, sort_keys=True)}"


def says(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def calls(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {
        "type": "tool-call",
        "toolCallId": call_id,
        "toolName": name,
        "input": json.dumps(arguments),
    }


def call(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": name, "args": arguments}


LANGCHAINS_TURN: list[Line] = [
    ("human", "q1"),
    ("ai", "let me check"),
    ("call", 'l1 weather {"city": "Oslo"}'),
    ("call", 'l2 search {"words": "Oslo"}'),
    ("result", 'l1 success {"city": "Oslo", "degrees": 1}'),
    ("result", "l2 success about Oslo"),
    ("call", 'l3 weather {"city": "Bergen"}'),
    ("result", 'l3 success {"city": "Bergen", "degrees": 1}'),
]
MASTRAS_TURN: list[Line] = [
    ("human", "q2"),
    ("ai", "one moment"),
    ("call", 'm1 weather {"city": "Rome"}'),
    ("call", 'm2 search {"words": "Rome"}'),
    ("result", 'm1 success {"city": "Rome", "degrees": 9}'),
    ("result", "m2 error down"),
    ("call", 'm3 weather {"city": "Bari"}'),
    ("result", 'm3 success {"city": "Rome", "degrees": 9}'),
]


def langchains_turn(thread: Thread, **arguments: Any) -> list[Line]:
    return thread.ask_langchain(
        "q1",
        AIMessage(
            "let me check",
            tool_calls=[call("l1", "weather", city="Oslo"), call("l2", "search", words="Oslo")],
        ),
        AIMessage("", tool_calls=[call("l3", "weather", city="Bergen")]),
        AIMessage("1 degree"),
        **arguments,
    )


def mastras_turn(thread: Thread, **options: Any) -> list[Line]:
    return thread.ask_mastra(
        "q2",
        [
            says("one moment"),
            calls("m1", "weather", city="Rome"),
            calls("m2", "search", words="Rome"),
        ],
        [calls("m3", "weather", city="Bari")],
        [says("9 degrees")],
        **options,
    )


@pytest.fixture
def thread(deployment: Deployment, unique: Unique) -> Thread:
    return Thread(deployment, unique("t"), unique("ann"))


def test_langchain_begins(thread: Thread) -> None:
    assert langchains_turn(thread) == LANGCHAINS_TURN
    said = [*LANGCHAINS_TURN, ("ai", "1 degree"), *MASTRAS_TURN]
    assert mastras_turn(thread) == said
    said += [("ai", "9 degrees"), ("human", "q3")]
    assert thread.ask_langchain("q3", AIMessage("bye")) == said
    said += [("ai", "bye"), ("human", "q4")]
    assert thread.ask_mastra("q4", [says("bye")]) == said


def test_mastra_begins(thread: Thread) -> None:
    assert mastras_turn(thread) == MASTRAS_TURN
    said = [*MASTRAS_TURN, ("ai", "9 degrees"), *LANGCHAINS_TURN]
    assert langchains_turn(thread) == said
    said += [("ai", "1 degree"), ("human", "q3")]
    assert thread.ask_mastra("q3", [says("bye")]) == said
    said += [("ai", "bye"), ("human", "q4")]
    assert thread.ask_langchain("q4", AIMessage("bye")) == said


def test_windows_hold_whole_turns(thread: Thread) -> None:
    """Mastra counts rows, and a turn is one, so no window of either cuts a call from its result."""
    langchains_turn(thread)
    answered = [("human", "."), *LANGCHAINS_TURN[1:], ("ai", "1 degree")]
    assert mastras_turn(thread, lastMessages=1) == [*answered, *MASTRAS_TURN], (
        "Mastra itself puts a user's message before an assistant's that comes first"
    )
    assert thread.ask_langchain("q3", AIMessage("bye"), history_size=3) == [
        *MASTRAS_TURN[-2:],
        ("ai", "9 degrees"),
        ("human", "q3"),
    ]


@pytest.mark.parametrize("scope", ["thread", "resource"])
def test_working_memory_stays_out_of_the_conversation(thread: Thread, scope: str) -> None:
    langchains_turn(thread, title="Weather", metadata={"kept": [1]})
    working_memory = {"enabled": True, "scope": scope}
    thread.ask_mastra(
        "I am Ann",
        [calls("u1", "updateWorkingMemory", **NOTED)],
        [calls("m1", "weather", city="Rome")],
        [says("Hello")],
        workingMemory=working_memory,
    )
    said = [
        *LANGCHAINS_TURN,
        ("ai", "1 degree"),
        ("human", "I am Ann"),
        *MASTRAS_TURN[2:3],
        *MASTRAS_TURN[4:5],
        ("ai", "Hello"),
        ("human", "q3"),
    ]
    assert thread.ask_langchain("q3", AIMessage("bye")) == said
    said += [("ai", "bye"), ("human", "q4")]
    assert thread.ask_mastra("q4", [says("yes")], workingMemory=working_memory) == said

    with ConvexStore(thread.deployment.url, thread.deployment.admin_key) as store:
        stored = store.memory.get_thread_by_id(thread.id)
        resource = store.memory.get_resource_by_id(thread.resource_id)
    assert stored is not None
    assert stored.title == "Weather"
    kept = dict(stored.metadata)
    if scope == "thread":
        assert kept.pop("workingMemory") == "# Ann"
    else:
        assert resource is not None
        assert resource.working_memory == "# Ann"
    assert kept == {"kept": [1]}
