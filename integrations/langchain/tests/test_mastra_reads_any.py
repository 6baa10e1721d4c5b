"""Whatever LangChain conversation is stored, Mastra reads it: no form throws, and none differs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from convex_mastra import Message
from convex_mastra.timestamps import to_text
from integrations.langchain.tests.blocks import STANDARD
from integrations.langchain.tests.memory_of_rows import Rows, mastra_row
from integrations.langchain.tests.strategies import CONVERSATIONS, deliveries, plain_turns
from langchain_convex_mastra.messages import messages_of
from tests.interop.node import run_node

START = datetime(2026, 1, 2, tzinfo=UTC)
PROMPTS = ["aiV5.prompt", "aiV5.llmPrompt", "aiV6.llmPrompt", "aiV7.llmPrompt"]
PROMPTS_V4 = ["aiV4.prompt", "aiV4.llmPrompt"]


def as_mastra_reads(rows: Sequence[Message]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"row-{number}",
            "threadId": "t",
            "resourceId": "r",
            "role": row.role,
            "type": row.type,
            "content": row.content,
            "createdAt": to_text(START + timedelta(seconds=number)),
        }
        for number, row in enumerate(rows)
    ]


def test_no_form_throws() -> None:
    stored: list[Message] = []

    @given(CONVERSATIONS, deliveries(), st.lists(STANDARD, min_size=3, max_size=8))
    @settings(max_examples=100, deadline=None, database=None)
    def store(
        conversation: list[BaseMessage], batches: list[list[BaseMessage]], blocks: list[Any]
    ) -> None:
        standard = [
            HumanMessage(blocks),
            AIMessage(blocks, response_metadata={"output_version": "v1"}),
        ]
        for delivery in ([conversation], batches, [standard]):
            rows = Rows()
            for batch in delivery:
                rows.add(batch)
            stored.extend(rows.rows.values())

    store()
    rows = as_mastra_reads(stored)
    forms = run_node("messagelist.ts", {"messages": rows})["forms"]
    thrown = {name: form for name, form in forms.items() if isinstance(form, dict)}
    assert thrown == {}
    read = [row["id"] for row in forms["db"]]
    assert read == [row["id"] for row in rows if row["role"] != "system"]


Said = tuple[str, list[str], list[Any], list[Any]]
"""A message of a prompt: its role, texts, tool calls and tool results."""


def langchain_says(messages: Sequence[BaseMessage]) -> list[Said]:
    said: list[Said] = []
    results: dict[str, list[Any]] = {}
    for message in messages:
        if isinstance(message, ToolMessage):
            content = message.text if message.status == "error" else message.content
            results[message.tool_call_id] = [content, message.status == "error"]
    for message in messages:
        texts = [block["text"] for block in message.content_blocks if block["type"] == "text"]
        texts = [text for text in texts if text.strip()]
        if isinstance(message, HumanMessage):
            said.append(("user", texts, [], []))
        elif isinstance(message, AIMessage):
            calls = [[call["id"], call["name"], call["args"]] for call in message.tool_calls]
            answered = [call for call in calls if call[0] in results]
            said.append(("assistant", texts, answered, []))
            said.append(("tool", [], [], [[call[0], *results[call[0]]] for call in answered]))
    return [one for one in said if any(one[1:])]


def mastra_says(prompt: list[dict[str, Any]]) -> list[Said]:
    said: list[Said] = []
    for message in prompt:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        texts = [part["text"] for part in parts if part["type"] == "text"]
        calls = [
            [part["toolCallId"], part["toolName"], part.get("input", part.get("args"))]
            for part in parts
            if part["type"] == "tool-call"
        ]
        results = [
            [part["toolCallId"], *outcome(part)] for part in parts if part["type"] == "tool-result"
        ]
        said.append((message["role"], [text for text in texts if text.strip()], calls, results))
    return [one for one in said if any(one[1:])]


def outcome(part: dict[str, Any]) -> list[Any]:
    if "output" not in part:  # the AI SDK 4 does not tell errors from results
        return [part["result"], False]
    return [part["output"]["value"], part["output"]["type"].startswith("error")]


def as_the_ai_sdk_4_says(said: Sequence[Said]) -> list[Any]:
    """The order of results between parallel calls, which differs there, and errors left out."""
    merged: list[Any] = []
    for role, texts, calls, results in said:
        speaker = "user" if role == "user" else "agent"
        if not merged or merged[-1][0] != speaker:
            merged.append((speaker, [], []))
        merged[-1][1].extend([*texts, *calls])
        merged[-1][2].extend(result[:2] for result in results)
    return merged


def test_prompts_hold_the_same_turns() -> None:
    """What is not compared: pending calls and blank texts, which Mastra sends to no model."""
    said: list[BaseMessage] = [HumanMessage("Begin.")]  # else Mastra puts a "." before an answer
    rows = Rows()
    rows.add(said)

    @given(st.data())
    @settings(max_examples=100, deadline=None, database=None)
    def store(data: st.DataObject) -> None:
        messages = data.draw(plain_turns(call_prefix=f"call_{len(said)}_"))
        cut = data.draw(st.integers(0, len(messages)))
        for batch in (messages[:cut], messages[cut:]):
            rows.add(batch)
        said.extend(messages)

    store()
    assert rows.read() == said
    forms = run_node("messagelist.ts", {"messages": as_mastra_reads([*rows.rows.values()])})[
        "forms"
    ]
    expected = langchain_says(said)
    for name in PROMPTS:
        assert_same(name, mastra_says(forms[name]), expected)
    for name in PROMPTS_V4:
        found = as_the_ai_sdk_4_says(mastra_says(forms[name]))
        assert_same(name, found, as_the_ai_sdk_4_says(expected))


ATTRIBUTES = {"from": "a & b", "say": 'it "x"', "n": 3, "ratio": 0.5, "ok": True, "no": None}


def test_signals_are_read_as_mastra_shows_them_to_a_model() -> None:
    rows = []
    for attributes in ({}, {"attributes": ATTRIBUTES}):
        for kind in ("user", "user-message", "system-reminder", "state", "reactive"):
            for texts in ([], ["a < b"], ["one", "two"]):
                for tag in ({}, {"tagName": "note"}):
                    content = {
                        "format": 2,
                        "parts": [{"type": "text", "text": text} for text in texts],
                        "metadata": {"signal": {"id": "s", "type": kind, **tag, **attributes}},
                    }
                    rows.append(mastra_row("signal", content, kind=tag.get("tagName", kind)))
    forms = run_node("messagelist.ts", {"messages": as_mastra_reads(rows)})["forms"]
    said = langchain_says([message for row in rows for message in messages_of(row)])
    assert_same("aiV5.prompt", mastra_says(forms["aiV5.prompt"]), said)


def assert_same(name: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    pairs = enumerate(zip_longest(found, expected))
    differing = [(number, *pair) for number, pair in pairs if floats(pair[0]) != floats(pair[1])]
    assert not differing, f"{name}: message {differing[0]}"


def floats(value: Any) -> Any:
    """JavaScript has no other numbers, so a large integer is the nearest float there."""
    return json.loads(json.dumps(value), parse_int=float)
