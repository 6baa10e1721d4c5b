"""Rows in memory: what a history does to them, without a deployment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from langchain_core.messages import BaseMessage

from convex_mastra import Message
from convex_mastra.jsontext import dumps, loads
from convex_mastra.ops.message_contents import check_content
from langchain_convex_mastra.conversation import Conversation
from langchain_convex_mastra.messages import compose, own_row, settle, split, thread_messages


class Rows:
    """A thread's rows, written by ``compose`` and kept as JSON would keep them."""

    def __init__(self, rows: Sequence[Message] = ()) -> None:
        self.rows = {row.id: row for row in rows}
        self._conversation = Conversation("t")
        self._conversation.see(rows)

    def add(self, messages: Sequence[BaseMessage]) -> None:
        known = self._conversation
        additions, rest = split(messages, calls=known.calls, turn=known.turn, at=datetime.now(UTC))
        own = {addition.id for addition in additions}
        settled = settle(self.rows, additions, resource_id="r", own=own)
        rows = [
            *settled.rows,
            *(own_row(one, thread_id="t", resource_id="r") for one in settled.apart),
            *compose(rest, thread_id="t", resource_id="r", taken=self.rows),
        ]
        saved = []
        for row in rows:
            check_content(row.content, row.role, "row")
            content = loads(dumps(row.content, "row"))
            saved.append(row.replace(content=content, created_at=datetime.now(UTC)))
        self.rows |= {row.id: row for row in saved}
        self._conversation.see(saved)

    def read(self) -> list[BaseMessage]:
        return thread_messages(self.rows.values())


def mastra_row(role: str, content: Any, row_id: str = "row", kind: str = "v2") -> Message:
    """A row as Mastra would have written it."""
    return Message(id=row_id, thread_id="t", resource_id="r", role=role, content=content, type=kind)


def parts_row(*parts: dict[str, Any], role: str = "assistant", row_id: str = "row") -> Message:
    """A row of Mastra's second format."""
    return mastra_row(role, {"format": 2, "parts": list(parts)}, row_id)
