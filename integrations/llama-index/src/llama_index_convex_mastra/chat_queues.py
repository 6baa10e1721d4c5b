"""What ``ConvexDBChatStore`` does: a thread as a queue of active messages, as flows without waiting.

A row is active unless it says that it is archived. Places count messages, and rows go as a whole:
one that Mastra wrote may be several messages. Called by ``db_chat_store`` alone; adding and
replacing are in ``chat_threads``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store.base_db import MessageStatus

from convex_mastra import FunctionError, InvalidArgumentError, Message
from convex_mastra.flow import Flow
from convex_mastra.ops.arguments import whole_number
from convex_mastra.ops.message_writes import delete_messages, update_messages
from convex_mastra.ops.messages import list_messages_by_id
from convex_mastra.ops.target import Target
from llama_index_convex_mastra.chat_messages import archived, is_archived
from llama_index_convex_mastra.chat_threads import (
    Pair,
    checked_index,
    delete_at,
    opened,
    stored,
)


def is_archiving(status: MessageStatus) -> bool:
    """Whether *status* is that of archived messages.

    Raises:
        InvalidArgumentError: it is no status.
    """
    try:
        return MessageStatus(status) is MessageStatus.ARCHIVED
    except ValueError:
        raise InvalidArgumentError(
            f"status must be active, archived or None, not {status!r:.40}.", field="status"
        ) from None


def read(
    target: Target, resource_id: str | None, key: str, status: MessageStatus | None
) -> Flow[list[Pair]]:
    """Return the messages of a status, or of both, oldest first."""
    return (yield from opened((yield from _of_status(target, resource_id, key, status))))


def page(
    target: Target,
    resource_id: str | None,
    key: str,
    status: MessageStatus | None,
    limit: int | None,
    offset: int | None,
) -> Flow[list[ChatMessage]]:
    """Return *limit* messages of a status after the first *offset*."""
    start = 0 if offset is None else whole_number(offset, "offset")
    end = None if limit is None else start + whole_number(limit, "limit")
    pairs = yield from read(target, resource_id, key, status)
    return [message for _, message in pairs[start:end]]


def count(
    target: Target, resource_id: str | None, key: str, status: MessageStatus | None
) -> Flow[int]:
    """Return how many messages ``read`` returns."""
    return len((yield from read(target, resource_id, key, status)))


def delete(target: Target, resource_id: str | None, key: str, idx: int) -> Flow[ChatMessage | None]:
    """Delete the row of the active message at a place counted from 0, and return the message."""
    idx = checked_index(idx)
    pairs = yield from read(target, resource_id, key, MessageStatus.ACTIVE)
    return (yield from delete_at(target, pairs, idx))


def clear(
    target: Target, resource_id: str | None, key: str, status: MessageStatus | None
) -> Flow[None]:
    """Delete the messages of a status, or of both. The thread stays."""
    rows = yield from _of_status(target, resource_id, key, status)
    yield from delete_messages(target, [row.id for row in rows])


def delete_oldest(
    target: Target, resource_id: str | None, key: str, n: int
) -> Flow[list[ChatMessage]]:
    """Delete the oldest *n* active messages, and return them."""
    if whole_number(n, "n") == 0:
        return []
    pairs = yield from read(target, resource_id, key, MessageStatus.ACTIVE)
    taken = _first([row.id for row, _ in pairs], n)
    yield from delete_messages(target, list(taken))
    return [message for row, message in pairs if row.id in taken]


def archive_oldest(
    target: Target, resource_id: str | None, key: str, n: int, seen: Sequence[str]
) -> Flow[tuple[list[ChatMessage], list[str]]]:
    """Archive the oldest *n* messages of a queue.

    Args:
        seen: the queue as the caller last read it: the id of its row for each message. Those that
            another took out since count as taken. Active messages that are not in it follow.

    Returns:
        The messages, and what is left of *seen*.
    """
    if whole_number(n, "n") == 0:
        return [], list(seen)
    known = set(seen)
    rows = [
        row
        for row in (yield from stored(target, resource_id, key))
        if row.id in known or not is_archived(row)
    ]
    pairs = yield from opened(rows)
    others = [row.id for row, _ in pairs if row.id not in known]
    taken = _first([*seen, *others], n)
    yield from _archive(target, [row for row in rows if row.id in taken and not is_archived(row)])
    return (
        [message for row, message in pairs if row.id in taken],
        [row_id for row_id in seen if row_id not in taken],
    )


def _archive(target: Target, rows: Sequence[Message]) -> Flow[None]:
    changes = {row.id: archived(row) for row in rows}
    while changes:
        try:
            yield from update_messages(target, list(changes.values()))
            return
        except FunctionError:  # perhaps one was deleted meanwhile: half a row is not inserted
            there = {row.id for row in (yield from list_messages_by_id(target, list(changes)))}
            if there >= changes.keys():
                raise
            changes = {row_id: change for row_id, change in changes.items() if row_id in there}


def _first(queue: Sequence[str], n: int) -> set[str]:
    """The rows all of whose messages are among the first *n*."""
    whole, first = Counter(queue), Counter(queue[:n])
    return {row_id for row_id, some in first.items() if some == whole[row_id]}


def _of_status(
    target: Target, resource_id: str | None, key: str, status: MessageStatus | None
) -> Flow[list[Message]]:
    wanted = None if status is None else is_archiving(status)
    rows = yield from stored(target, resource_id, key)
    return [row for row in rows if wanted is None or is_archived(row) is wanted]
