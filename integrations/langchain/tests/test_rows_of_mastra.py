"""Rows that Mastra wrote, of every generation, read as LangChain messages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from integrations.langchain.tests.memory_of_rows import Rows, mastra_row, parts_row
from langchain_convex_mastra.messages import messages_of


def call_part(state: str = "call", call_id: str = "c1", **fields: Any) -> dict[str, Any]:
    invocation = {"state": state, "toolCallId": call_id, "toolName": "weather", "args": {"x": 1}}
    return {"type": "tool-invocation", "toolInvocation": invocation | fields}


def call(call_id: str = "c1") -> Any:
    return {"name": "weather", "args": {"x": 1}, "id": call_id, "type": "tool_call"}


TEXT = {"type": "text", "text": "hello"}
STEP = {"type": "step-start", "model": "mock/mock-model"}


def test_text() -> None:
    assert messages_of(parts_row(TEXT, role="user")) == [HumanMessage("hello", id="row")]
    assert messages_of(parts_row(TEXT)) == [AIMessage("hello", id="row")]
    assert messages_of(parts_row(TEXT, TEXT, role="user")) == [HumanMessage([TEXT, TEXT], id="row")]
    assert messages_of(parts_row(TEXT, role="system")) == [SystemMessage("hello", id="row")]
    assert messages_of(parts_row(TEXT, role="critic")) == [
        ChatMessage(content="hello", role="critic", id="row")
    ]


def test_a_turn_becomes_ai_and_tool_messages() -> None:
    row = parts_row(
        {"type": "text", "text": "let me check"},
        call_part("result", result={"temp": 1, "city": "Oslo"}),
        call_part("output-error", "c2", errorText="boom"),
        STEP,
        {"type": "text", "text": "It is 1C"},
        {"type": "source", "source": {"sourceType": "url", "id": "s", "url": "https://e.x"}},
    )
    assert messages_of(row) == [
        AIMessage("let me check", tool_calls=[call(), call("c2")], id="row"),
        ToolMessage('{"temp": 1, "city": "Oslo"}', tool_call_id="c1", name="weather", id="row#c1"),
        ToolMessage("boom", tool_call_id="c2", name="weather", status="error", id="row#c2"),
        AIMessage("It is 1C", id="row#1"),
    ]


def test_steps_show_without_step_starts() -> None:
    row = parts_row(
        call_part("result", result="r"), TEXT, call_part("result", "c2", result="s"), TEXT
    )
    kinds = [type(message) for message in messages_of(row)]
    assert kinds == [AIMessage, ToolMessage, AIMessage, ToolMessage, AIMessage]


def test_pending_and_denied_calls() -> None:
    row = parts_row(
        call_part("approval-requested", approval={"id": "a"}),
        call_part("output-denied", "c2", approval={"id": "b", "reason": "no"}),
        call_part("result", "c3"),
    )
    assert messages_of(row) == [
        AIMessage("", tool_calls=[call(), call("c2"), call("c3")], id="row"),
        ToolMessage(
            "The tool call was denied: no",
            tool_call_id="c2",
            name="weather",
            status="error",
            id="row#c2",
        ),
        ToolMessage("", tool_call_id="c3", name="weather", id="row#c3"),
    ]


def test_reasoning_and_files() -> None:
    row = parts_row(
        {
            "type": "reasoning",
            "reasoning": "",
            "details": [
                {"type": "text", "text": "thin"},
                {"type": "text", "text": "king", "signature": "SIG"},
                {"type": "redacted", "data": "x"},
            ],
        },
        {"type": "file", "mimeType": "image/png", "data": "https://x.y/a.png"},
        {"type": "file", "mimeType": "image/png", "data": "AAAA"},
        {"type": "file", "mimeType": "audio/wav", "data": "data:audio/wav;base64,BBBB"},
        {"type": "file", "mimeType": "application/pdf", "data": "CCCC", "filename": "c.pdf"},
    )
    assert messages_of(row) == [
        AIMessage(
            [
                {"type": "reasoning", "reasoning": "thinking", "extras": {"signature": "SIG"}},
                {"type": "image", "url": "https://x.y/a.png", "mime_type": "image/png"},
                {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
                {"type": "audio", "base64": "BBBB", "mime_type": "audio/wav"},
                {
                    "type": "file",
                    "base64": "CCCC",
                    "mime_type": "application/pdf",
                    "extras": {"filename": "c.pdf"},
                },
            ],
            id="row",
        )
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("plain text", [HumanMessage("plain text", id="row")]),
        ([{"type": "text", "text": "listed"}], [HumanMessage("listed", id="row")]),
        ("", []),
        (42, [HumanMessage("42", id="row")]),
        ({"format": 3, "content": "newer"}, [HumanMessage("newer", id="row")]),
        (
            {"format": 2, "parts": [None, 3, {"no": "type"}], "content": "x"},
            [HumanMessage("x", id="row")],
        ),
        ({"format": 2, "parts": [{"type": "data-om-status", "data": {}}]}, []),
        (
            {
                "format": 2,
                "parts": [TEXT],
                "experimental_attachments": [
                    {"url": "https://x.y/a.png", "contentType": "image/png"}
                ],
            },
            [
                HumanMessage(
                    [TEXT, {"type": "image", "url": "https://x.y/a.png", "mime_type": "image/png"}],
                    id="row",
                )
            ],
        ),
        (
            [{"type": "image", "image": "https://x.y/a.jpg"}, {"type": "image_url"}],
            [
                HumanMessage(
                    [{"type": "image", "url": "https://x.y/a.jpg", "mime_type": "image/jpeg"}],
                    id="row",
                )
            ],
        ),
    ],
)
def test_contents_of_other_formats(content: Any, expected: list[BaseMessage]) -> None:
    assert messages_of(mastra_row("user", content)) == expected


def test_old_rows_of_a_tool_call() -> None:
    rows = [
        mastra_row(
            "assistant",
            [
                {"type": "reasoning", "text": "hm", "signature": "S"},
                {"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "args": {"x": 1}},
            ],
            "m1",
            "tool-call",
        ),
        mastra_row(
            "tool",
            [
                {
                    "type": "tool-result",
                    "toolCallId": "c1",
                    "toolName": "weather",
                    "result": {"ok": 1},
                }
            ],
            "m2",
            "tool-result",
        ),
    ]
    reasoning = {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "S"}}
    assert [message for row in rows for message in messages_of(row)] == [
        AIMessage([reasoning], tool_calls=[call()], id="m1"),
        ToolMessage('{"ok": 1}', tool_call_id="c1", name="weather", id="m2#c1"),
    ]


def test_invocations_without_parts() -> None:
    invocation = call_part("result", result="r")["toolInvocation"] | {"args": '{"x": 1}'}
    row = mastra_row("assistant", {"format": 2, "parts": [], "toolInvocations": [invocation]})
    assert messages_of(row) == [
        AIMessage("", tool_calls=[call()], id="row"),
        ToolMessage("r", tool_call_id="c1", name="weather", id="row#c1"),
    ]


def signal(kind: str, text: str, **fields: Any) -> Any:
    content = {
        "format": 2,
        "parts": [{"type": "text", "text": text}],
        "metadata": {"signal": {"id": "s", "type": kind, **fields}},
    }
    return mastra_row("signal", content, kind=fields.get("tagName", kind))


def test_signals_are_what_mastra_shows_a_model() -> None:
    assert messages_of(signal("user", "hi")) == [HumanMessage("hi", id="row")]
    reminder = signal(
        "reactive", "a < b", tagName="system-reminder", attributes={"kind": 'say "x"', "no": None}
    )
    assert messages_of(reminder) == [
        HumanMessage(
            '<system-reminder kind="say &quot;x&quot;">a &lt; b</system-reminder>', id="row"
        )
    ]
    bare = mastra_row(
        "signal", {"format": 2, "parts": [{"type": "text", "text": "hi"}]}, kind="user"
    )
    assert messages_of(bare) == [HumanMessage("hi", id="row")]


NAMES_OF_FIELDS = """
    type text parts content format toolInvocation toolInvocations state toolCallId toolName args
    result errorText approval reason details reasoning signature data url mimeType filename
    experimental_attachments metadata signal attributes tagName langchain version messages digest
    tools id
"""
KINDS = """
    text reasoning file tool-invocation step-start source data-x tool-call tool-result image
    result call output-error output-denied user reactive
"""
KEYS = st.sampled_from(NAMES_OF_FIELDS.split())
WORDS = st.sampled_from(KINDS.split())
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
PARTS = st.lists(
    ANYTHING
    | st.fixed_dictionaries(
        {"type": WORDS},
        optional={
            "text": ANYTHING,
            "details": ANYTHING,
            "reasoning": ANYTHING,
            "data": ANYTHING,
            "mimeType": ANYTHING,
            "toolInvocation": st.dictionaries(KEYS, ANYTHING, max_size=5),
        },
    ),
    max_size=4,
)
CONTENTS = (
    ANYTHING
    | PARTS
    | st.fixed_dictionaries(
        {"format": st.just(2), "parts": PARTS},
        optional={
            "content": ANYTHING,
            "toolInvocations": ANYTHING,
            "experimental_attachments": ANYTHING,
            "metadata": st.dictionaries(KEYS, ANYTHING, max_size=3),
        },
    )
)


@given(st.sampled_from(["user", "assistant", "system", "signal", "tool", "other"]), CONTENTS)
@settings(max_examples=300, deadline=None)
def test_no_row_is_unreadable(role: str, content: Any) -> None:
    rows = Rows([mastra_row(role, content)])
    assert all(isinstance(message, BaseMessage) for message in rows.read())
    rows.add([ToolMessage("r", tool_call_id=call_id) for call_id in ("None", "text", "0")])
    rows.add([AIMessage("on")])
    assert [message for message in rows.read() if message.content == "on"] == [AIMessage("on")]
