"""Which LangChain messages share a row.

Human and system messages have a row each. An assistant's turn has one: the AI message, the tool
messages that answer it, and the AI messages that go on from there. Results and next steps that
come later are folded into the row that is stored. What Mastra has no role for is kept in a row
that it passes over. Called by ``conversation``; what a row holds is in ``drafts``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    ToolMessage,
)

from convex_mastra import Message
from convex_mastra.jsontext import dumps
from langchain_convex_mastra.messages.blocks import only_parts
from langchain_convex_mastra.messages.drafts import Draft, copies, unanswered
from langchain_convex_mastra.messages.exact import cut, says_something, valid_entries
from langchain_convex_mastra.messages.older import parts_of_row
from langchain_convex_mastra.messages.rows import messages_of

CHAT_ROLES: Final = {"user": "user", "human": "user", "assistant": "assistant", "ai": "assistant"}
UNREAD_ROLE: Final = "system"
"""Mastra drops stored messages of this role from all that it reads."""


def compose(
    messages: Sequence[BaseMessage],
    *,
    thread_id: str,
    resource_id: str,
    stored: Mapping[str, Message],
    calls: Mapping[str, str],
    turn: str | None,
) -> list[Message]:
    """Return the rows to save for *messages*: new ones, and stored ones with more in them.

    Args:
        stored: rows that exist, by id; a new row takes none of these ids.
        calls: ids of the stored rows whose tool calls have no outcome yet, by tool call id.
        turn: id of the stored row whose turn an AI message, if it comes first, continues.

    Raises:
        InvalidArgumentError: a message holds what is not JSON.
    """
    rows = _Rows({key: row for key, row in stored.items() if row.thread_id == thread_id})
    current: Draft | None = None
    for message in messages:
        if isinstance(message, ToolMessage):
            if current is None or not current.takes(message):
                current = rows.continued(calls.get(message.tool_call_id))
            if current is not None and current.takes(message):
                current.answer(message)
            else:
                current = rows.new("assistant")
                current.add(message)
        elif isinstance(message, AIMessage):
            if current is None:
                current = rows.continued(turn)
            if current is None or not current.takes(message):
                current = rows.new("assistant")
            current.add(message)
        else:
            current = None
            rows.new(_role_of(message)).add(message)
    taken = set(stored)
    return [
        draft.as_row(thread_id, resource_id, taken) for draft in rows.drafts if draft.is_changed
    ]


def open_calls(row: Message) -> list[str]:
    """Return the ids of a row's tool calls that have no outcome yet, and may get one."""
    if row.role != "assistant" or not isinstance(row.content, Mapping):
        return []
    return unanswered(parts_of_row(row))


def ends_with_result(row: Message) -> bool:
    """Whether the last message of a row is a tool message, so that an AI message goes on."""
    messages = messages_of(row) if row.role == "assistant" else []
    return bool(messages) and isinstance(messages[-1], ToolMessage)


class _Rows:
    """The drafts of one ``compose``: first those of stored rows, then new ones."""

    def __init__(self, stored: Mapping[str, Message]) -> None:
        self.drafts: list[Draft] = []
        self._stored = stored

    def new(self, role: str) -> Draft:
        """Begin a row."""
        self.drafts.append(Draft(role))
        return self.drafts[-1]

    def continued(self, row_id: str | None) -> Draft | None:
        """Return the draft of a stored row, or None if it cannot be continued (any more).

        Once a new row has begun, what follows stays behind it.
        """
        if self.drafts and self.drafts[-1].row is None:
            return None
        for draft in self.drafts:
            if draft.row is not None and draft.row.id == row_id:
                return draft
        row = self._stored.get(row_id or "")
        if row is None or not isinstance(row.content, Mapping):
            return None
        self.drafts.append(_opened(row))
        return self.drafts[-1]


def _opened(row: Message) -> Draft:
    entries = valid_entries(row.content)
    parts = copies(parts_of_row(row) if entries is None else only_parts(row.content["parts"]))
    entries = [dict(entry) for entry in entries or ()]
    *_, rest = cut(parts, [entry["parts"] for entry in entries])
    if unread := sum(map(says_something, rest)):
        entries.append({"parts": unread})  # read as they are, as before
    return Draft(
        row.role,
        row,
        parts,
        entries,
        size_bytes=len(dumps(row.content, f"message {row.id}").encode()),
        open_calls=set(open_calls(row)),
        after_result=ends_with_result(row),
    )


def _role_of(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, ChatMessage):
        return CHAT_ROLES.get(message.role.lower(), UNREAD_ROLE)
    return UNREAD_ROLE
