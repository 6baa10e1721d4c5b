"""What is added to a history comes back, and is stored in parts that Mastra reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from convex_mastra import InvalidArgumentError
from convex_mastra.jsontext import dumps
from integrations.langchain.tests.memory_of_rows import Rows, mastra_row, parts_row
from integrations.langchain.tests.strategies import CONVERSATIONS, deliveries
from langchain_convex_mastra.messages import is_pending, messages_of

CALL = {"name": "weather", "args": {"city": "Oslo"}, "id": "c1", "type": "tool_call"}
OTHER_CALL = {"name": "time", "args": {}, "id": "c2", "type": "tool_call"}


@given(CONVERSATIONS)
@settings(max_examples=150, deadline=None)
def test_any_conversation_comes_back(messages: list[BaseMessage]) -> None:
    rows = Rows()
    rows.add(messages)
    assert rows.read() == messages


@given(deliveries())
@settings(max_examples=100, deadline=None)
def test_turns_come_back_however_they_arrive(batches: list[list[BaseMessage]]) -> None:
    rows = Rows()
    for batch in batches:
        rows.add(batch)
    assert rows.read() == [message for batch in batches for message in batch]
    roles = [row.role for row in rows.rows.values()]
    humans = sum(isinstance(message, HumanMessage) for batch in batches for message in batch)
    assert roles.count("user") == humans


def test_a_turn_is_one_row_as_mastra_writes_it() -> None:
    rows = Rows()
    rows.add(
        [
            HumanMessage("weather?"),
            AIMessage("let me check", tool_calls=[CALL, OTHER_CALL], id="run-1"),
            ToolMessage("1 C", tool_call_id="c1"),
            ToolMessage("no clock", tool_call_id="c2", status="error"),
            AIMessage("It is 1 C"),
        ]
    )
    user, assistant = rows.rows.values()
    assert (user.role, user.content["parts"], user.content["content"]) == (
        "user",
        [{"type": "text", "text": "weather?"}],
        "weather?",
    )
    assert (assistant.id, assistant.role) == ("run-1", "assistant")
    assert assistant.content["content"] == "It is 1 C"
    assert assistant.content["parts"] == [
        {"type": "text", "text": "let me check"},
        {
            "type": "tool-invocation",
            "toolInvocation": {
                "state": "result",
                "toolCallId": "c1",
                "toolName": "weather",
                "args": {"city": "Oslo"},
                "result": "1 C",
            },
        },
        {
            "type": "tool-invocation",
            "toolInvocation": {
                "state": "output-error",
                "toolCallId": "c2",
                "toolName": "time",
                "args": {},
                "errorText": "no clock",
            },
        },
        {"type": "step-start"},
        {"type": "text", "text": "It is 1 C"},
    ]


def test_later_results_and_steps_go_into_the_stored_row() -> None:
    rows = Rows()
    messages = [
        AIMessage("", tool_calls=[CALL, OTHER_CALL]),
        ToolMessage("12:00", tool_call_id="c2", artifact={"zone": "UTC"}),
        ToolMessage("1 C", tool_call_id="c1"),
        AIMessage(
            "done", usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        ),
    ]
    for count, message in enumerate(messages, 1):
        rows.add([message])
        assert rows.read() == messages[:count]
    (row,) = rows.rows.values()
    kinds = [part["type"] for part in row.content["parts"]]
    assert kinds == ["tool-invocation", "tool-invocation", "step-start", "text"]


def test_a_result_nobody_called_for_has_a_row_of_its_own() -> None:
    rows = Rows()
    messages: list[BaseMessage] = [
        HumanMessage("hi"),
        ToolMessage("r", tool_call_id="lost", name="t"),
        HumanMessage("ho"),
    ]
    rows.add(messages)
    assert rows.read() == messages
    _, row, _ = rows.rows.values()
    assert row.role == "assistant"
    assert row.content["parts"][0]["toolInvocation"]["result"] == "r"


def test_messages_mastra_has_no_role_for_are_in_rows_it_passes_over() -> None:
    rows = Rows()
    rows.add([SystemMessage("be kind"), ChatMessage(content="hm", role="critic")])
    assert [row.role for row in rows.rows.values()] == ["system", "system"]


def test_ids_are_kept_and_rows_never_replaced() -> None:
    rows = Rows()
    rows.add([HumanMessage("one", id="1"), HumanMessage("two", id="1")])
    rows.add([HumanMessage("three", id="1")])
    assert [(message.content, message.id) for message in rows.read()] == [
        ("one", "1"),
        ("two", "1"),
        ("three", "1"),
    ]
    assert next(iter(rows.rows)) == "1"


def test_files_and_reasoning_become_parts() -> None:
    rows = Rows()
    rows.add(
        [
            HumanMessage(
                [
                    {"type": "text", "text": "look"},
                    {"type": "image", "url": "https://example.org/a.png"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {
                        "type": "file",
                        "base64": "JVBE",
                        "mime_type": "application/pdf",
                        "extras": {"filename": "a.pdf"},
                    },
                    {"type": "no such block"},
                ]
            ),
            AIMessage(
                [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"},
                    {"type": "text", "text": "a cat"},
                ],
                response_metadata={"model_provider": "anthropic"},
            ),
        ]
    )
    user, assistant = rows.rows.values()
    assert user.content["parts"] == [
        {"type": "text", "text": "look"},
        {"type": "file", "mimeType": "image/jpeg", "data": "https://example.org/a.png"},
        {"type": "file", "mimeType": "image/png", "data": "data:image/png;base64,AAAA"},
        {
            "type": "file",
            "mimeType": "application/pdf",
            "data": "data:application/pdf;base64,JVBE",
            "filename": "a.pdf",
        },
    ]
    assert assistant.content["parts"] == [
        {
            "type": "reasoning",
            "reasoning": "hm",
            "details": [{"type": "text", "text": "hm", "signature": "sig"}],
            "providerMetadata": {"anthropic": {"signature": "sig"}},
        },
        {"type": "text", "text": "a cat"},
    ]


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "image", "url": "ftp://example.org/a.png"}, None),  # the AI SDK 4 throws
        ({"type": "image", "url": "gs://bucket/a"}, None),  # so it does on these
        ({"type": "image", "url": "/a.png"}, None),  # it would be taken for base64
        ({"type": "image", "url": "https://a b/"}, None),
        ({"type": "image", "base64": "no base64!", "mime_type": "image/png"}, None),
        ({"type": "file", "file_id": "files/abc"}, None),
        ({"type": "file", "url": "data:text/plain,hello"}, None),
        ({"type": "file", "url": "data:;base64,AAAA"}, None),
        ({"type": "image", "base64": "A", "mime_type": "image/png"}, None),
        ({"type": "reasoning"}, None),
        ({"type": "text", "text": ""}, None),
        (
            {"type": "file", "file_id": "file-1"},
            {"type": "file", "mimeType": "application/octet-stream", "data": "file-1"},
        ),
        (
            {"type": "video", "base64": "_-8", "mime_type": "video/webm; codecs=vp8"},
            {"type": "file", "mimeType": "video/webm", "data": "data:video/webm;base64,/+8="},
        ),
        (
            {"type": "image", "url": "HTTP://10.0.0.1:65/a?b#c", "mime_type": "picture"},
            {"type": "file", "mimeType": "image/jpeg", "data": "HTTP://10.0.0.1:65/a?b#c"},
        ),
        (
            {"type": "text-plain", "mime_type": "text/plain", "base64": "AAAA"},
            {"type": "file", "mimeType": "text/plain", "data": "data:text/plain;base64,AAAA"},
        ),
        (
            {"type": "text-plain", "mime_type": "text/plain", "text": "a"},
            {"type": "text", "text": "a"},
        ),
        (
            {"type": "image", "source_type": "base64", "data": "AAAA", "mime_type": "image/gif"},
            {"type": "file", "mimeType": "image/gif", "data": "data:image/gif;base64,AAAA"},
        ),
    ],
)
def test_only_what_mastra_can_use_becomes_a_part(block: dict[str, Any], part: Any) -> None:
    rows = Rows()
    message = HumanMessage([block])
    rows.add([message])
    (row,) = rows.rows.values()
    assert row.content["parts"] == ([] if part is None else [part])
    assert rows.read() == [message]


CITED = {
    "type": "text",
    "text": "It rains.",
    "annotations": [
        {"type": "citation", "url": "https://e.x/1", "title": "One", "start_index": 0},
        {"type": "citation", "url": "https://e.x/1", "cited_text": "rain"},
        {"type": "citation", "url": "https://e.x/2", "id": "two"},
        {"type": "citation", "url": "javascript:alert(1)"},
        {"type": "citation", "title": "a book"},
        {"type": "non_standard_annotation", "value": {}},
    ],
}


def test_citations_are_sources_too() -> None:
    rows = Rows()
    message = AIMessage([CITED, {"type": "text", "text": "Bye."}])
    rows.add([message, HumanMessage([CITED])])
    assistant, user = rows.rows.values()
    assert assistant.content["parts"] == [
        {"type": "text", "text": "It rains."},
        {
            "type": "source",
            "source": {
                "sourceType": "url",
                "id": "https://e.x/1",
                "url": "https://e.x/1",
                "title": "One",
            },
        },
        {"type": "source", "source": {"sourceType": "url", "id": "two", "url": "https://e.x/2"}},
        {"type": "text", "text": "Bye."},
    ]
    assert user.content["parts"] == [{"type": "text", "text": "It rains."}]
    assert rows.read() == [message, HumanMessage([CITED])]


def test_citations_of_providers_are_sources_too() -> None:
    annotation = {"type": "url_citation", "url": "https://e.x", "title": "E"}
    rows = Rows()
    message = AIMessage(
        [{"type": "text", "text": "a", "annotations": [annotation]}],
        response_metadata={"model_provider": "openai"},
    )
    rows.add([message])
    (row,) = rows.rows.values()
    assert [part["type"] for part in row.content["parts"]] == ["text", "source"]
    assert rows.read() == [message]


def test_plain_citations_are_stored_once() -> None:
    annotations = [
        {"type": "citation", "url": "https://e.x/1", "title": "One"},
        {"type": "citation", "url": "https://e.x/2", "id": "two"},
    ]
    rows = Rows()
    message = AIMessage([{"type": "text", "text": "a", "annotations": annotations}])
    rows.add([message])
    (row,) = rows.rows.values()
    (entry,) = row.content["metadata"]["langchain"]["messages"]
    assert entry == {"type": "ai", "parts": 3, "data": {"content": {"from": "parts"}}}
    assert rows.read() == [message]


def test_blocks_that_break_their_providers_rules_are_saved_all_the_same() -> None:
    rows = Rows()
    message = AIMessage(
        [{"type": "text", "text": "a"}, {"type": "tool_use"}, {"type": "image", "source": 3}],
        response_metadata={"model_provider": "anthropic"},
    )
    rows.add([message])
    assert rows.read() == [message]
    (row,) = rows.rows.values()
    assert row.content["parts"] == [{"type": "text", "text": "a"}]


def test_standard_blocks_of_a_provider_are_not_taken_for_its_own() -> None:
    rows = Rows()
    message = AIMessage(
        [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "a"}],
        response_metadata={"model_provider": "anthropic"},
    )
    rows.add([message])
    (row,) = rows.rows.values()
    assert [part["type"] for part in row.content["parts"]] == ["reasoning", "text"]
    assert rows.read() == [message]


def test_numbers_as_javascript_writes_them_change_no_meaning() -> None:
    args = {"whole": 1.0, "large": 6.952674934213278e16, "exact": 2**70, "huge": 10**400}
    rows = Rows()
    rows.add([AIMessage("", tool_calls=[{**CALL, "args": args}], additional_kwargs={"x": 1})])
    (row,) = rows.rows.values()
    invocation = row.content["parts"][0]["toolInvocation"]
    rewritten = {"whole": 1, "large": 69526749342132780, "exact": 1.1805916207174113e21}
    changed(rows, 0, toolInvocation={**invocation, "args": {**args, **rewritten}})
    (message,) = rows.read()
    assert message.additional_kwargs == {"x": 1}


def changed(rows: Rows, part: int, **fields: Any) -> None:
    (row,) = rows.rows.values()
    parts = [dict(one) for one in row.content["parts"]]
    parts[part] |= fields
    rows.rows[row.id] = row.replace(content={**row.content, "parts": parts})


def test_a_row_that_mastra_edited_is_read_from_its_parts() -> None:
    rows = Rows()
    rows.add([HumanMessage("helo", id="1", additional_kwargs={"x": 1})])
    changed(rows, 0, text="hello")
    assert rows.read() == [HumanMessage("hello", id="1")]


def test_marks_that_change_no_meaning_leave_the_exact_form() -> None:
    rows = Rows()
    message = HumanMessage("hello", additional_kwargs={"x": 1.0})
    rows.add([message])
    changed(rows, 0, createdAt=1_795_309_847_410)
    (row,) = rows.rows.values()
    content = row.content | {
        "parts": [*row.content["parts"], {"type": "data-om-status", "data": {"any": 1}}]
    }
    rows.rows[row.id] = row.replace(content=content)
    assert rows.read() == [message]


def test_what_mastra_adds_to_a_turn_is_read_after_what_was_there() -> None:
    rows = Rows()
    call = AIMessage("", tool_calls=[CALL], additional_kwargs={"kept": True})
    rows.add([call])
    (row,) = rows.rows.values()
    answered = row.content["parts"][0]["toolInvocation"] | {"state": "result", "result": {"t": 1}}
    parts = [
        {"type": "tool-invocation", "toolInvocation": answered},
        {"type": "step-start"},
        {"type": "text", "text": "It is 1 C"},
    ]
    rows.rows[row.id] = row.replace(content={**row.content, "parts": parts})
    assert rows.read() == [
        call,
        ToolMessage('{"t": 1}', tool_call_id="c1", name="weather", id=f"{row.id}#c1"),
        AIMessage("It is 1 C", id=f"{row.id}#1"),
    ]


def test_a_turn_of_mastra_is_continued() -> None:
    pending = {"state": "call", "toolCallId": "c1", "toolName": "weather", "args": {"city": "Oslo"}}
    row = parts_row(
        {"type": "text", "text": "let me check", "createdAt": 1_795_309_847_410},
        {"type": "tool-invocation", "toolInvocation": pending},
    )
    content = row.content | {"metadata": {"modelId": "m"}, "unknown": 1}
    rows = Rows([row.replace(content=content, created_at=datetime.now(UTC))])
    result = ToolMessage("1 C", tool_call_id="c1", artifact=[1])
    rows.add([result, AIMessage("It is 1 C", id="mine")])
    assert rows.read() == [
        AIMessage("let me check", tool_calls=[CALL], id="row"),
        result,
        AIMessage("It is 1 C", id="mine"),
    ]
    (row,) = rows.rows.values()
    assert row.content["unknown"] == 1
    assert row.content["metadata"]["modelId"] == "m"
    assert row.content["parts"][0]["createdAt"] == 1_795_309_847_410


def test_old_ways_to_say_something_survive_continuing() -> None:
    pending = {"state": "call", "toolCallId": "c1", "toolName": "weather", "args": {"city": "Oslo"}}
    attachment = {"url": "https://example.org/a.png", "contentType": "image/png"}
    content = {
        "format": 2,
        "parts": [{"type": "tool-invocation", "toolInvocation": pending}, None],
        "content": "let me check",
        "toolInvocations": [pending],
        "experimental_attachments": [attachment],
    }
    row = mastra_row("assistant", content)
    before = messages_of(row)
    rows = Rows([row.replace(resource_id=None, created_at=datetime.now(UTC))])
    result = ToolMessage("1 C", tool_call_id="c1")
    rows.add([result])
    call, placeholder = before
    assert is_pending(placeholder)
    assert rows.read() == [call, result]
    (row,) = rows.rows.values()
    assert row.content["toolInvocations"][0]["state"] == "result"
    assert row.content["content"] == "let me check"
    assert row.resource_id == "r"


def test_a_turn_larger_than_a_row_goes_on_in_another() -> None:
    rows = Rows()
    messages: list[BaseMessage] = []
    for number in range(4):
        call: ToolCall = {"name": "t", "args": {}, "id": f"c{number}", "type": "tool_call"}
        messages.append(AIMessage("", tool_calls=[call]))
        messages.append(ToolMessage("x" * 300_000, tool_call_id=f"c{number}"))
    messages.append(AIMessage("done"))
    rows.add(messages)
    assert rows.read() == messages
    sizes = [len(dumps(row.content, "row")) for row in rows.rows.values()]
    assert len(sizes) > 1
    assert max(sizes) < 1_000_000


def test_files_are_stored_once() -> None:
    rows = Rows()
    image = "A" * 700_000
    messages = [
        HumanMessage([{"type": "image", "base64": image, "mime_type": "image/png"}]),
        ToolMessage([{"type": "text", "text": image}], tool_call_id="c"),
    ]
    rows.add(messages)
    assert rows.read() == messages
    assert all(len(dumps(row.content, "row")) < 701_000 for row in rows.rows.values())


def test_the_stored_form_stays_readable() -> None:
    """Written by version 0.1.0: what is stored is read for ever."""
    parts = [
        {"type": "text", "text": "a"},
        {"type": "file", "mimeType": "image/png", "data": "data:image/png;base64,AAAA"},
        {
            "type": "tool-invocation",
            "toolInvocation": {
                "state": "output-error",
                "toolCallId": "c1",
                "toolName": "weather",
                "args": {"n": 1.0},
                "errorText": "boom",
            },
        },
        {"type": "step-start"},
        {"type": "text", "text": "done"},
    ]
    annotation = {
        "version": 1,
        "digest": "669158673b1c198f",
        "messages": [
            {
                "type": "ai",
                "parts": 3,
                "data": {"content": {"from": "parts"}, "id": "x"},
                "tools": [{"id": "c1", "data": {"artifact": [1]}}],
            },
            {"type": "ai", "parts": 1, "data": {"name": "bob"}},
        ],
    }
    row = mastra_row(
        "assistant", {"format": 2, "parts": parts, "metadata": {"langchain": annotation}}
    )
    assert messages_of(row) == [
        AIMessage(
            [
                {"type": "text", "text": "a"},
                {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
            ],
            tool_calls=[{**CALL, "args": {"n": 1.0}}],
            id="x",
        ),
        ToolMessage("boom", tool_call_id="c1", status="error", artifact=[1]),
        AIMessage("done", name="bob"),
    ]


def test_chunks_of_results_come_back_as_chunks() -> None:
    rows = Rows()
    call = AIMessageChunk(
        "", tool_call_chunks=[{"name": "t", "args": '{"x": 1}', "id": "c", "index": 0}]
    )
    rows.add([call, ToolMessage("1", tool_call_id="c")])
    assert rows.read()[0] == call
    assert type(rows.read()[0]) is AIMessageChunk


@pytest.mark.parametrize(
    "message",
    [
        ToolMessage("x", tool_call_id="c", artifact=object()),
        HumanMessage("x", additional_kwargs={"when": datetime.now(UTC)}),
        AIMessage("", tool_calls=[{**CALL, "args": {"when": datetime.now(UTC)}}]),
        AIMessage("", tool_calls=[{**CALL, "args": {"x": float("nan")}}]),
        HumanMessage("x", response_metadata={"x": {1: "a key that is no text"}}),
        ToolMessage("x", tool_call_id="c", artifact={"x": float("inf")}),
    ],
)
def test_what_json_cannot_carry_is_refused(message: BaseMessage) -> None:
    rows = Rows()
    with pytest.raises(InvalidArgumentError, match=message.type):
        rows.add([HumanMessage("fine"), message])
    assert rows.rows == {}


def test_an_annotation_of_somebody_else_is_no_obstacle() -> None:
    for stored in ("text", {"version": 2}, {"version": 1}, {"version": 1, "messages": [3]}):
        row = parts_row({"type": "text", "text": "hi"})
        row = row.replace(content={**row.content, "metadata": {"langchain": stored}})
        assert messages_of(row) == [AIMessage("hi", id="row")]
