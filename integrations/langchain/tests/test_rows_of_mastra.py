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
from langchain_convex_mastra.messages import is_pending, messages_of, thread_messages


def call_part(state: str = "call", call_id: str = "c1", **fields: Any) -> dict[str, Any]:
    invocation = {"state": state, "toolCallId": call_id, "toolName": "weather", "args": {"x": 1}}
    return {"type": "tool-invocation", "toolInvocation": invocation | fields}


def call(call_id: str = "c1") -> Any:
    return {"name": "weather", "args": {"x": 1}, "id": call_id, "type": "tool_call"}


TEXT = {"type": "text", "text": "hello"}
CITATION = {"type": "citation", "url": "https://e.x"}
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
        AIMessage(
            [{"type": "text", "text": "It is 1C", "annotations": [{**CITATION, "id": "s"}]}],
            id="row#1",
        ),
    ]


def test_sources_are_citations_of_a_text_of_their_step() -> None:
    def source(number: int, **fields: Any) -> dict[str, Any]:
        url = f"https://e.x/{number}"
        return {"type": "source", "source": {"sourceType": "url", "id": url, "url": url, **fields}}

    def citation(number: int, **fields: Any) -> dict[str, Any]:
        return {"type": "citation", "url": f"https://e.x/{number}", **fields}

    row = parts_row(
        source(1, title="One"),  # before any text: of the first
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
        source(2, id="other"),
        call_part("result", result="r"),
        source(3),
        {"type": "text", "text": "c"},
        {
            "type": "source-document",
            "sourceId": "d",
            "mediaType": "application/pdf",
            "title": "Doc",
            "filename": "d.pdf",
        },
        STEP,
        call_part("result", "c2", result="r"),
        source(4),  # no text in its step: stays in the row
        {"type": "source", "source": {"url": 3}},
        {"type": "source"},
    )
    document = {
        "type": "citation",
        "id": "d",
        "title": "Doc",
        "extras": {"mime_type": "application/pdf", "filename": "d.pdf"},
    }
    assert [message.content for message in messages_of(row) if isinstance(message, AIMessage)] == [
        [
            {"type": "text", "text": "a", "annotations": [citation(1, title="One")]},
            {"type": "text", "text": "b", "annotations": [citation(2, id="other"), citation(3)]},
        ],
        [{"type": "text", "text": "c", "annotations": [document]}],
        "",
    ]


def test_steps_show_without_step_starts() -> None:
    row = parts_row(
        call_part("result", result="r"), TEXT, call_part("result", "c2", result="s"), TEXT
    )
    kinds = [type(message) for message in messages_of(row)]
    assert kinds == [AIMessage, ToolMessage, AIMessage, ToolMessage, AIMessage]


def test_denied_calls_and_missing_results() -> None:
    row = parts_row(
        call_part("output-denied", "c2", approval={"id": "b", "reason": "no"}),
        call_part("result", "c3"),
    )
    assert messages_of(row) == [
        AIMessage("", tool_calls=[call("c2"), call("c3")], id="row"),
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
        {
            "type": "reasoning",
            "reasoning": "signed",
            "details": [{"type": "text", "text": "signed"}],
            "providerMetadata": {"anthropic": {"signature": "SIG2"}, "other": None},
        },
        {"type": "file", "mimeType": "image/png", "data": "https://x.y/a.png"},
        {"type": "file", "mimeType": "image/png", "data": "AAAA"},
        {"type": "file", "mimeType": "application/pdf", "data": "file-1"},
        {"type": "file", "mimeType": "audio/wav", "data": "data:audio/wav;base64,BBBB"},
        {"type": "file", "mimeType": "application/pdf", "data": "CCCC", "filename": "c.pdf"},
    )
    assert messages_of(row) == [
        AIMessage(
            [
                {"type": "reasoning", "reasoning": "thinking", "extras": {"signature": "SIG"}},
                {"type": "reasoning", "reasoning": "signed", "extras": {"signature": "SIG2"}},
                {"type": "image", "url": "https://x.y/a.png", "mime_type": "image/png"},
                {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
                {"type": "file", "file_id": "file-1", "mime_type": "application/pdf"},
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
    answer = ToolMessage('{"ok": 1}', tool_call_id="c1", name="weather", id="m2#c1")
    assert thread_messages(rows) == [
        AIMessage([reasoning], tool_calls=[call()], id="m1"),
        answer,
    ]
    # The call is in no row that is read: the result says that there was one.
    assert thread_messages(rows[1:]) == [
        AIMessage("", tool_calls=[{**call(), "args": {}}], id="m2"),
        answer,
    ]


def test_a_call_and_its_result_in_one_old_row() -> None:
    row = mastra_row(
        "assistant",
        [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "args": {"x": 1}},
            {"type": "tool-result", "toolCallId": "c1", "toolName": "weather", "result": "r"},
            {"type": "text", "text": "done"},
        ],
    )
    assert thread_messages([row]) == [
        AIMessage("", tool_calls=[call()], id="row"),
        ToolMessage("r", tool_call_id="c1", name="weather", id="row#c1"),
        AIMessage("done", id="row#1"),
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
    tools id source title sourceId providerMetadata suspendedTools pendingToolApprovals
    backgroundTasks resumeSchema suspendPayload approved resumed
"""
KINDS = """
    text reasoning file tool-invocation step-start source source-document data-x tool-call
    tool-result image result call partial-call approval-requested approval-responded output-error
    output-denied user reactive data-tool-call-suspended data-tool-call-approval error
"""
KEYS = st.sampled_from(NAMES_OF_FIELDS.split())
WORDS = st.sampled_from(KINDS.split())
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ENTRIES = st.dictionaries(KEYS, ANYTHING, max_size=4)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "signal": ENTRIES,
        "suspendedTools": st.dictionaries(WORDS, ENTRIES | ANYTHING, max_size=2),
        "pendingToolApprovals": st.dictionaries(WORDS, ENTRIES | ANYTHING, max_size=2),
        "backgroundTasks": st.dictionaries(WORDS, ENTRIES | ANYTHING, max_size=2),
        "langchain": ENTRIES,
    },
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
            "source": ANYTHING,
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
            "metadata": METADATA | ANYTHING,
        },
    )
)


ROLES = st.sampled_from(["user", "assistant", "system", "signal", "tool", "other"])


@given(st.lists(st.tuples(ROLES, CONTENTS), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_no_row_is_unreadable_and_every_call_answered(found: list[tuple[str, Any]]) -> None:
    rows = Rows(
        [mastra_row(role, content, f"row-{place}") for place, (role, content) in enumerate(found)]
    )
    messages = rows.read()
    assert all(isinstance(message, BaseMessage) for message in messages)
    assert_every_call_is_answered(messages)
    rows.add([message for message in messages if is_pending(message)])
    assert rows.read() == messages, "a pending message is not stored"
    rows.add([ToolMessage("r", tool_call_id=call_id) for call_id in ("None", "text", "0")])
    rows.add([AIMessage("on")])
    assert [message for message in rows.read() if message.content == "on"] == [AIMessage("on")]


def assert_every_call_is_answered(messages: list[BaseMessage]) -> None:
    """What chat models demand: tool messages for all calls of the AI message before, and no other."""
    open_calls: list[Any] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            assert message.tool_call_id in open_calls
            open_calls.remove(message.tool_call_id)
        else:
            assert open_calls == []
            if isinstance(message, AIMessage):
                open_calls = [call["id"] for call in message.tool_calls]
                assert len(open_calls) == len(set(open_calls))
    assert open_calls == []
