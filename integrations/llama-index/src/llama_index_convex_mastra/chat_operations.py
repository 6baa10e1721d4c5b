"""What ``ConvexChatStore`` does to a thread beyond adding and replacing, as flows without waiting.

Called by ``chat_store`` alone; adding and replacing are in ``chat_threads``.
"""

from __future__ import annotations

from llama_index.core.llms import ChatMessage

from convex_mastra.flow import Flow
from convex_mastra.ops.message_writes import delete_messages
from convex_mastra.ops.target import Target
from llama_index_convex_mastra.chat_threads import (
    Pair,
    checked_index,
    delete_at,
    opened,
    stored,
)


def get(target: Target, resource_id: str | None, key: str) -> Flow[list[ChatMessage]]:
    """Return the messages of a key, oldest first."""
    return [message for _, message in (yield from _read(target, resource_id, key))]


def clear(target: Target, resource_id: str | None, key: str) -> Flow[list[ChatMessage] | None]:
    """Delete the messages of a key, and return them; None if there were none. The thread stays."""
    rows = yield from stored(target, resource_id, key)
    pairs = yield from opened(rows)
    yield from delete_messages(target, [row.id for row in rows])
    return [message for _, message in pairs] if rows else None


def delete(target: Target, resource_id: str | None, key: str, idx: int) -> Flow[ChatMessage | None]:
    """Delete the message at a place counted from 0, and return it; None if there is none."""
    idx = checked_index(idx)
    return (yield from delete_at(target, (yield from _read(target, resource_id, key)), idx))


def delete_last(target: Target, resource_id: str | None, key: str) -> Flow[ChatMessage | None]:
    """Delete the last message, and return it; None if there is none."""
    pairs = yield from _read(target, resource_id, key)
    return (yield from delete_at(target, pairs, len(pairs) - 1))


def _read(target: Target, resource_id: str | None, key: str) -> Flow[list[Pair]]:
    return (yield from opened((yield from stored(target, resource_id, key))))
