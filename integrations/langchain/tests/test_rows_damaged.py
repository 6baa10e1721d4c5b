"""Rows of ours that somebody changed at any one place: reading and continuing them never fails."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, ToolMessage

from convex_mastra import Message
from integrations.langchain.tests.damage import GONE, changed, places
from langchain_convex_mastra.messages import thread_messages
from langchain_convex_mastra.messages.turns import (
    compose,
    ends_with_result,
    is_unsettled,
    open_calls,
    opened,
)

CALLS: list[Any] = [{"name": "t", "args": {"x": 1}, "id": one} for one in ("c1", "c2", "c3")]
CONVERSATION: list[BaseMessage] = [
    HumanMessage("hi", id="h"),
    AIMessage(
        [{"type": "text", "text": "a"}, {"type": "reasoning", "reasoning": "r"}],
        id="a",
        tool_calls=CALLS,
        response_metadata={"m": 1},
    ),
    ToolMessage("r1", tool_call_id="c1", id="t1", artifact={"q": 1}),
    ToolMessage([{"type": "text", "text": "z"}], tool_call_id="c2", id="t2", status="error"),
    AIMessage("done", id="b"),
    ChatMessage(content="x", role="critic"),
]
ROWS = compose(CONVERSATION, thread_id="t", resource_id="r")
JUNK: list[Any] = [GONE, None, 5, 1.5, True, "x", "tool", [], [5], {}, {"a": 1}]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.role)
def test_a_row_that_was_changed_anywhere_is_read(row: Message) -> None:
    for path in places(row.content):
        for junk in JUNK:
            damaged = row.replace(content=changed(row.content, path, junk))
            messages = thread_messages([damaged])
            assert all(isinstance(message, BaseMessage) for message in messages)
            open_calls(damaged)
            is_unsettled(damaged)
            ends_with_result(damaged)
            if isinstance(damaged.content, dict):
                opened(damaged).as_row("t", "r", set())
