"""Which LangChain messages share a row.

Human and system messages have a row each. An assistant's turn has one: the AI message, the tool
messages that answer it, and the AI messages that go on from there. What Mastra has no role for is
kept in a row that it passes over. Called by ``adding``, ``conversation`` and
``additions``, which folds what comes later into the row that is stored; what a row holds is in
``drafts``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
from langchain_convex_mastra.messages.exact import added_ids, cut, says_something, valid_entries
from langchain_convex_mastra.messages.older import parts_of_row
from langchain_convex_mastra.messages.pending import is_pending
from langchain_convex_mastra.messages.rows import messages_of

CHAT_ROLES: Final = {"user": "user", "human": "user", "assistant": "assistant", "ai": "assistant"}
UNREAD_ROLE: Final = "system"
"""Mastra drops stored messages of this role from all that it reads."""


def compose(
    messages: Sequence[BaseMessage],
    *,
    thread_id: str,
    resource_id: str,
    taken: Collection[str] = (),
) -> list[Message]:
    """Return new rows for *messages*, in order.

    Args:
        taken: ids that no row gets.

    Raises:
        InvalidArgumentError: a message holds what is not JSON.
    """
    drafts: list[Draft] = []
    for message in messages:
        if not isinstance(message, AIMessage | ToolMessage):
            drafts.append(Draft(_role_of(message)))
        elif not drafts or not drafts[-1].takes(message):
            drafts.append(Draft("assistant"))
        drafts[-1].take(message)
    used = set(taken)
    return [draft.as_row(thread_id, resource_id, used) for draft in drafts]


def opened(row: Message) -> Draft:
    """Return a stored row as a draft that takes more. Its content must be an object."""
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
        added=added_ids(row.content),
    )


def open_calls(row: Message) -> list[str]:
    """Return the ids of a row's tool calls that have no outcome yet, and may get one."""
    if row.role != "assistant" or not isinstance(row.content, Mapping):
        return []
    return unanswered(parts_of_row(row))


def ends_with_result(row: Message) -> bool:
    """Whether the last message of a row is a tool message, so that an AI message goes on."""
    messages = messages_of(row) if row.role == "assistant" else []
    return bool(messages) and isinstance(messages[-1], ToolMessage) and not is_pending(messages[-1])


def is_unsettled(row: Message) -> bool:
    """Whether a row was continued after it was stored, or still waits to be."""
    if row.role != "assistant" or not isinstance(row.content, Mapping):
        return False
    parts = list(filter(says_something, parts_of_row(row)))
    ends_with_call = bool(parts) and parts[-1].get("type") == "tool-invocation"
    return bool(ends_with_call or unanswered(parts) or added_ids(row.content))


def _role_of(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, ChatMessage):
        return CHAT_ROLES.get(message.role.lower(), UNREAD_ROLE)
    return UNREAD_ROLE
