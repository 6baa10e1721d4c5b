"""Rows of every generation become records; nothing a person wrote is taken for a number."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from convex_mastra import Message, ProtocolError
from convex_mastra.records import message_from_row, resource_from_row, thread_from_row

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
    ],
)
def test_a_row_without_a_column_it_must_have(read: Any, row: Any, column: str) -> None:
    with pytest.raises(ProtocolError, match=column):
        read(row)


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
