"""Mastra's threads as the chat stores see them: a key is a thread's id, a message a row.

What both stores' operations are made of: checking, reading and saving. Called by
``chat_operations`` and ``chat_queues``; how a message becomes a row is in ``chat_messages``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from llama_index.core.llms import ChatMessage

from convex_mastra import InvalidArgumentError, Message, Thread
from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.ops import threads
from convex_mastra.ops.arguments import many, required_text
from convex_mastra.ops.message_writes import check_messages, delete_messages, save_messages
from convex_mastra.ops.messages import list_messages
from convex_mastra.ops.target import Target
from llama_index_convex_mastra.chat_messages import calls_of, from_row, to_row

Pair = tuple[Message, ChatMessage]
"""A row, and one of the messages in it."""

ROWS_A_TURN: Final = 32


def keys(target: Target, resource_id: str | None) -> Flow[list[str]]:
    """Return the ids of all threads, oldest first."""
    page = yield from threads.list_threads(
        target, resource_id=resource_id, per_page=False, direction="ASC"
    )
    return [thread.id for thread in page.threads]


def stored(target: Target, resource_id: str | None, key: str) -> Flow[list[Message]]:
    """Return the rows of a key, oldest first."""
    page = yield from list_messages(
        target, _checked_key(key), resource_id=resource_id, per_page=False
    )
    return list(page.messages)


def opened(rows: Iterable[Message]) -> Flow[list[Pair]]:
    """Return the messages of rows, each with its row; other tasks have their turns. Sends nothing."""
    pairs: list[Pair] = []
    for place, row in enumerate(rows):
        if place % ROWS_A_TURN == 0:
            yield Sleep(0)
        pairs += ((row, message) for message in from_row(row))
    return pairs


def add(
    target: Target,
    resource_id: str | None,
    key: str,
    messages: Sequence[ChatMessage],
    *,
    is_archived: bool = False,
) -> Flow[None]:
    """Append *messages* in one save; creates the thread if there is none."""
    rows = _rows(resource_id, key, messages, is_archived=is_archived)
    if rows:
        yield from _save(target, resource_id, key, rows)


def replace(
    target: Target,
    resource_id: str | None,
    key: str,
    messages: Sequence[ChatMessage],
    *,
    is_archived: bool = False,
) -> Flow[None]:
    """Save *messages*, then delete those that were there: cut off between, none is lost."""
    rows = _rows(resource_id, key, messages, is_archived=is_archived)
    old = yield from stored(target, resource_id, key)
    yield from _save(target, resource_id, key, rows)
    yield from delete_messages(target, [row.id for row in old])


def checked_index(idx: int) -> int:
    """Return a place in a list, which may be none.

    Raises:
        InvalidArgumentError: it is no integer.
    """
    if type(idx) is not int:
        raise InvalidArgumentError(f"idx must be an integer, not {idx!r:.40}.", field="idx")
    return idx


def delete_at(target: Target, pairs: Sequence[Pair], idx: int) -> Flow[ChatMessage | None]:
    """Delete the row of the message at *idx*, and return the message; None if there is none."""
    if not 0 <= idx < len(pairs):
        return None
    row, message = pairs[idx]
    yield from delete_messages(target, [row.id])
    return message


def _rows(
    resource_id: str | None, key: str, messages: Sequence[ChatMessage], *, is_archived: bool
) -> list[Message]:
    """Return the rows of messages, having refused what cannot be stored."""
    key = _checked_key(key)
    messages = list(many(messages, "messages", "messages", one=ChatMessage))
    for place, message in enumerate(messages):
        if not isinstance(message, ChatMessage):
            raise InvalidArgumentError(
                f"messages[{place}] is {type(message).__name__}, not a ChatMessage.",
                field=f"messages[{place}]",
            )
    calls = calls_of(messages)
    rows = [
        to_row(
            message,
            thread_id=key,
            resource_id=resource_id or key,
            field=f"messages[{place}]",
            is_archived=is_archived,
            calls=calls,
        )
        for place, message in enumerate(messages)
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
