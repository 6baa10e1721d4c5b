"""Rows of every generation become records; nothing a person wrote is taken for a number."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra import InvalidArgumentError, Message, ProtocolError
from convex_mastra.records import (
    background_task_from_row,
    message_from_row,
    resource_from_row,
    score_from_row,
    thread_from_row,
    upgraded,
)

NAMES = ("tool_name", "tool_call_id", "agent_id", "run_id")
TASK = dict.fromkeys(NAMES, "x") | {"id": "b", "status": "new kind", "_creationTime": 5.0}
SCORE = {"id": "s", "scorerId": "x", "runId": "r", "source": "LIVE", "score": 1.0}
ROW = {"id": "m", "thread_id": "t", "role": "user", "type": "text", "createdAt": "x"}


@pytest.mark.parametrize(
    "text", ["hello", "42", "true", "null", "NaN", "-Infinity", "1" * 5_000, "[" * 100_000, ""]
)
def test_a_plain_text_of_the_first_format(text: str) -> None:
    message = message_from_row(ROW | {"content": text})
    assert message.content == message.text == text


@pytest.mark.parametrize("content", ['{"format":2}', "[]", "[7, null]", '{"parts":null}'])
def test_a_content_without_text(content: str) -> None:
    assert message_from_row(ROW | {"content": content}).text == ""


@pytest.mark.parametrize(
    ("read", "row", "column"),
    [
        (thread_from_row, {"id": "t"}, "resourceId"),
        (message_from_row, ROW, "content"),
        (message_from_row, ROW | {"content": {}}, "content"),
        (message_from_row, ROW | {"content": "x", "role": None}, "role"),
        (resource_from_row, {"workingMemory": "x"}, "id"),
        (background_task_from_row, TASK | {"agent_id": None}, "agent_id"),
        (background_task_from_row, TASK | {"retry_count": "1"}, "retry_count"),
        (score_from_row, SCORE | {"runId": 1}, "runId"),
        (score_from_row, SCORE | {"score": "1"}, "score"),
    ],
)
def test_a_row_without_a_column_it_must_have(read: Any, row: Any, column: str) -> None:
    with pytest.raises(ProtocolError, match=column):
        read(row)


def test_rows_that_only_a_looser_schema_allows() -> None:
    untyped = {"id": "m", "thread_id": "t", "role": "user", "content": "x"}
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    for created_at in (1767323045678, 1767323045678.0, "1767323045678", moment.isoformat()):
        message = message_from_row(untyped | {"createdAt": created_at, "_creationTime": 0.0})
        assert (message.type, message.created_at, message.resource_id) == ("v2", moment, None)
    for unreadable in (None, True, float("nan"), 1e300, "x", "123"):
        row = untyped | {"createdAt": unreadable, "_creationTime": 1767323045678.0}
        assert message_from_row(row).created_at == moment
    thread = thread_from_row({"id": "t", "resourceId": "r", "_creationTime": 1767323045678.0})
    assert (thread.title, thread.metadata, thread.created_at) == ("", {}, moment)


CALL = {"type": "tool-call", "toolCallId": "c", "toolName": "t", "args": {"a": 1}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "text", "text": "x", "more": 1}, {"type": "text", "text": "x", "more": 1}),
        ("x", {"type": "text", "text": "x"}),
        (
            {"type": "tool-result", "toolCallId": "c", "toolName": "t", "result": [1], "more": 1},
            {
                "type": "tool-invocation",
                "toolInvocation": {
                    "state": "result",
                    "args": {"a": 1},
                    "toolCallId": "c",
                    "toolName": "t",
                    "result": [1],
                },
                "more": 1,
            },
        ),
        (
            {"type": "reasoning", "text": "hm", "signature": "s", "providerOptions": {"p": {}}},
            {
                "type": "reasoning",
                "reasoning": "hm",
                "details": [{"type": "text", "text": "hm", "signature": "s"}],
                "providerMetadata": {"p": {}},
            },
        ),
        (
            {"type": "redacted-reasoning", "data": "xyz"},
            {
                "type": "reasoning",
                "reasoning": "",
                "details": [{"type": "redacted", "data": "xyz"}],
            },
        ),
        (
            {"type": "image", "image": "https://x.y"},
            {"type": "file", "data": "https://x.y", "mimeType": "image/jpeg"},
        ),
        (
            {"type": "file", "data": "AAAA", "mimeType": "text/plain", "filename": "f"},
            {"type": "file", "data": "AAAA", "mimeType": "text/plain", "filename": "f"},
        ),
        ({"type": "image_url", "image_url": {}}, {"type": "image_url", "image_url": {}}),
        ({"no": "type"}, {"no": "type"}),
        (7, 7),
    ],
)
def test_a_part_of_the_first_format_becomes_one_of_the_second(old: Any, new: Any) -> None:
    content = upgraded([CALL, old])
    call = {"state": "call", "toolCallId": "c", "toolName": "t", "args": {"a": 1}}
    first = {"type": "tool-invocation", "toolInvocation": call}
    assert content == {"format": 2, "parts": [first, new]}


def test_a_text_message_needs_a_text() -> None:
    with pytest.raises(InvalidArgumentError, match="text must be a text, not NoneType"):
        Message.from_text(None, thread_id="t")  # type: ignore[arg-type]


def test_a_record_is_a_value() -> None:
    message = Message.from_text("hello", thread_id="t")
    moved = message.replace(thread_id="other")
    assert (moved.thread_id, moved.id, moved.content) == ("other", message.id, message.content)
    assert message == message.replace() != moved
    assert pickle.loads(pickle.dumps(message)) == message
    with pytest.raises(AttributeError):
        message.thread_id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        message.replace(theme="dark")


def test_columns_of_a_newer_version_are_kept() -> None:
    task = background_task_from_row(TASK | {"ownerId": "me", "leaseExpiresAt": None})
    assert task.extra == {"ownerId": "me", "leaseExpiresAt": None}
    assert (task.status, task.args, task.created_at.timestamp()) == ("new kind", {}, 0.005)
    score = score_from_row(SCORE | {"_creationTime": 5.0, "verdict": {"n": 1.0}})
    assert score.extra == {"verdict": {"n": 1.0}}
    assert type(score.score) is int
