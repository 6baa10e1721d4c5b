"""Rows of ours that somebody changed at any one place: reading and continuing them never fails."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, ToolMessage

from convex_mastra import Message
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
GONE: Any = object()
JUNK: list[Any] = [GONE, None, 5, 1.5, True, "x", "tool", [], [5], {}, {"a": 1}]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[name], (*path, name))


def changed(content: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return {} if junk is GONE else junk
    content = inner = deepcopy(content)
    for name in path[:-1]:
        inner = inner[name]
    if junk is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = junk
    return content


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
