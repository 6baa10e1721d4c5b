"""What ``ConvexChatStore`` does: chat messages in Mastra's threads, as flows that know no waiting.

A key is a thread's id, a message a row. Called by ``chat_store`` alone; how a message becomes a row
is in ``chat_messages``.
"""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.llms import ChatMessage

from convex_mastra import InvalidArgumentError, Message, Thread
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import threads
from convex_mastra.ops.arguments import many, required_text
from convex_mastra.ops.message_writes import check_messages, delete_messages, save_messages
from convex_mastra.ops.messages import list_messages
from convex_mastra.ops.target import Target
from llama_index_convex_mastra.chat_messages import from_row, to_row


def get(target: Target, resource_id: str | None, key: str) -> Flow[list[ChatMessage]]:
    """Return the messages of a key, oldest first."""
    return [message for _, message in (yield from _read(target, resource_id, key))]


def add(
    target: Target, resource_id: str | None, key: str, messages: Sequence[ChatMessage]
) -> Flow[None]:
    """Append *messages* in one save; creates the thread if there is none."""
    rows = _rows(resource_id, key, messages)
    if rows:
        yield from _save(target, resource_id, key, rows)


def replace(
    target: Target, resource_id: str | None, key: str, messages: Sequence[ChatMessage]
) -> Flow[None]:
    """Save *messages*, then delete those that were there: cut off between, none is lost."""
    rows = _rows(resource_id, key, messages)
    old = yield from _stored(target, resource_id, key)
    yield from _save(target, resource_id, key, rows)
    yield from delete_messages(target, [row.id for row in old])


def clear(target: Target, resource_id: str | None, key: str) -> Flow[list[ChatMessage] | None]:
    """Delete the messages of a key, and return them; None if there were none. The thread stays."""
    rows = yield from _stored(target, resource_id, key)
    yield from delete_messages(target, [row.id for row in rows])
    return [message for row in rows if (message := from_row(row)) is not None] if rows else None


def delete(target: Target, resource_id: str | None, key: str, idx: int) -> Flow[ChatMessage | None]:
    """Delete the message at a place counted from 0, and return it; None if there is none."""
    if type(idx) is not int:
        raise InvalidArgumentError(f"idx must be an integer, not {idx!r:.40}.", field="idx")
    pairs = yield from _read(target, resource_id, key)
    return (yield from _delete_one(target, pairs[idx : idx + 1] if idx >= 0 else []))


def delete_last(target: Target, resource_id: str | None, key: str) -> Flow[ChatMessage | None]:
    """Delete the last message, and return it; None if there is none."""
    pairs = yield from _read(target, resource_id, key)
    return (yield from _delete_one(target, pairs[-1:]))


def keys(target: Target, resource_id: str | None) -> Flow[list[str]]:
    """Return the ids of all threads, oldest first."""
    page = yield from threads.list_threads(
        target, resource_id=resource_id, per_page=False, direction="ASC"
    )
    return [thread.id for thread in page.threads]


def _delete_one(
    target: Target, pairs: Sequence[tuple[Message, ChatMessage]]
) -> Flow[ChatMessage | None]:
    for row, message in pairs:
        yield from delete_messages(target, [row.id])
        return message
    return None


def _stored(target: Target, resource_id: str | None, key: str) -> Flow[list[Message]]:
    page = yield from list_messages(
        target, _checked_key(key), resource_id=resource_id, per_page=False
    )
    return list(page.messages)


def _read(
    target: Target, resource_id: str | None, key: str
) -> Flow[list[tuple[Message, ChatMessage]]]:
    rows = yield from _stored(target, resource_id, key)
    return [(row, message) for row in rows if (message := from_row(row)) is not None]


def _rows(resource_id: str | None, key: str, messages: Sequence[ChatMessage]) -> list[Message]:
    """Return the rows of messages, having refused what cannot be stored."""
    key = _checked_key(key)
    rows = [
        to_row(message, thread_id=key, resource_id=resource_id or key, field=f"messages[{place}]")
        for place, message in enumerate(many(messages, "messages", "messages", one=ChatMessage))
    ]
    check_messages(rows)
    return rows


def _save(target: Target, resource_id: str | None, key: str, rows: list[Message]) -> Flow[None]:
    thread = yield from threads.get_thread_by_id(target, key)
    owner = thread.resource_id if thread else resource_id or key
    if resource_id not in (None, owner):
        raise InvalidArgumentError(
            f"Thread with id {key} is for resource with id {owner} but resource {resource_id} "
            "was queried.",
            field="resource_id",
        )
    saves: list[Flow[object]] = [
        save_messages(target, [row.replace(resource_id=owner) for row in rows])
    ]
    if thread is None:
        saves.append(threads.save_thread(target, Thread(id=key, resource_id=owner)))
    yield Gather(saves)


def _checked_key(key: str) -> str:
    if isinstance(key, str) and not key.strip():
        raise InvalidArgumentError("key must not be blank.", field="key")
    return required_text(key, "key")
