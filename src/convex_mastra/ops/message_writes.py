"""Writing messages: ``mastra_messages``.

Behaves as MemoryConvex of @mastra/convex 1.5.2, and refuses what no Mastra version can read
back: Mastra's MessageList drops a content whose ``format`` is not the number 2, and throws on
parts without a type. Called by the faces of ``store.memory``; reading is in ``messages``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow, Gather
from convex_mastra.jsontext import dumps
from convex_mastra.ops.arguments import any_text, distinct_ids, many, required_text
from convex_mastra.ops.message_contents import check_content, check_role
from convex_mastra.ops.storage import batches_by_size, delete_rows, load_many, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.ops.threads import touch_thread
from convex_mastra.records import (
    FIRST_FORMAT_TYPES,
    Message,
    MessageUpdate,
    Row,
    message_from_row,
    upgraded,
)
from convex_mastra.timestamps import EPOCH, checked, following, to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import MESSAGES


def save_messages(target: Target, messages: Sequence[Message]) -> Flow[list[Message]]:
    """Save messages, by id, and set their threads' ``updatedAt``.

    Messages without ``created_at`` get the time now. Within each thread all times of one save
    come out different: ties are spread by a millisecond, in the order given.

    Returns:
        The messages as saved, oldest first.

    Raises:
        InvalidArgumentError: a message without thread or resource, or with a content that Mastra
            could not read back. Nothing was sent.
        LimitExceededError: a message larger than a Convex document (1 MiB). Nothing was sent.

    Cost: one round trip's wait, two on a handler before 1.2.0. Batches of at most 1,000 messages or
    4 MiB, and the threads, go side by side; each batch is applied whole or not at all, and saving
    again is harmless.
    """
    messages = list({message.id: message for message in _checked(messages)}.values())
    if not messages:
        return []
    timed = _with_distinct_times(target, messages)
    fields = {message.id: f"messages[{position}]" for position, message in enumerate(messages)}
    rows = [_sized_row(message, moment, fields[message.id]) for moment, message in timed]
    thread_ids = dict.fromkeys(message.thread_id for message in messages)
    yield Gather(
        [
            *(upsert_rows(target, MESSAGES, [batch]) for batch in batches_by_size(rows)),
            *(touch_thread(target, thread_id) for thread_id in thread_ids),
        ]
    )
    for moment, message in timed:
        target.clock.note(message.thread_id, moment)
    return [message.replace(created_at=moment) for moment, message in timed]


def check_messages(messages: Sequence[Message]) -> None:
    """Refuse what ``save_messages`` would refuse. Sends nothing.

    Raises:
        InvalidArgumentError, LimitExceededError: as ``save_messages``.
    """
    for position, message in enumerate(_checked(messages)):
        _sized_row(message, EPOCH, f"messages[{position}]")


def update_messages(
    target: Target, updates: Sequence[MessageUpdate | Mapping[str, Any]]
) -> Flow[list[Message]]:
    """Change stored messages; ids that do not exist are skipped.

    A content is merged key by key into the stored one, and so is its metadata; parts and keys
    that this version does not know stay. A row of Mastra's first format becomes one of the second.
    In the second, a change of metadata alone is made whatever the parts are.

    Args:
        updates: ``MessageUpdate``s, or mappings with the same keys.

    Returns:
        The messages as they now are, in the order of *updates*.

    Cost: two round trips' wait, for up to 1,000 messages; on a handler before 1.2.1 each message
    is read by a request of its own.
    """
    changes = [
        _as_update(update, f"updates[{i}]")
        for i, update in enumerate(many(updates, "updates", "MessageUpdates"))
    ]
    stored = {
        row["id"]: row for row in (yield from load_many(target, MESSAGES, [u.id for u in changes]))
    }
    touched: dict[str, None] = {}
    rows: dict[str, Row] = {}
    for position, change in enumerate(changes):
        current = stored.get(change.id)
        if current is None:
            continue
        columns = _changed_columns(current, change, f"updates[{position}]")
        touched |= dict.fromkeys([current["thread_id"], columns.get("thread_id", "")])
        stored[change.id] = current | columns
        rows[change.id] = rows.get(change.id, {"id": change.id}) | columns
    touched.pop("", None)
    if rows:
        sized = [_sized(row, f"updates of {row['id']}") for row in rows.values()]
        yield Gather(
            [
                *(upsert_rows(target, MESSAGES, [batch]) for batch in batches_by_size(sized)),
                *(touch_thread(target, thread_id) for thread_id in touched),
            ]
        )
    return [message_from_row(stored[message_id]) for message_id in rows]


def delete_messages(target: Target, message_ids: Sequence[str]) -> Flow[None]:
    """Delete messages by id; those that do not exist are skipped.

    One round trip for every 1,000, side by side.
    """
    yield from delete_rows(target, MESSAGES, distinct_ids(message_ids, "message_ids"))


def _checked(messages: Iterable[Message]) -> Iterable[Message]:
    for position, message in enumerate(many(messages, "messages", "Messages")):
        field = f"messages[{position}]"
        if not isinstance(message, Message):
            raise InvalidArgumentError(
                f"{field} must be a Message, not {type(message).__name__}.", field=field
            )
        required_text(message.id, f"{field}.id")
        required_text(message.thread_id, f"{field}.thread_id", "Thread ID is required")
        required_text(message.resource_id, f"{field}.resource_id", "Resource ID is required")
        check_content(message.content, message.role, field)
        yield message


def _with_distinct_times(
    target: Target, messages: Sequence[Message]
) -> list[tuple[datetime, Message]]:
    timed = [
        (
            target.clock.next(message.thread_id)
            if message.created_at is None
            else checked(message.created_at, f"messages[{position}].created_at"),
            message,
        )
        for position, message in enumerate(messages)
    ]
    latest: dict[str, datetime] = {}
    distinct = []
    for moment, message in sorted(timed, key=itemgetter(0)):
        if message.thread_id in latest:
            moment = max(moment, following(latest[message.thread_id]))  # noqa: PLW2901
        latest[message.thread_id] = moment
        distinct.append((moment, message))
    return distinct


def _sized_row(message: Message, created_at: datetime, field: str) -> tuple[Row, int, int]:
    row = {
        **message.extra,
        "id": message.id,
        "thread_id": message.thread_id,
        "content": dumps(message.content, f"{field}.content"),
        "role": message.role,
        "type": any_text(message.type or "v2", f"{field}.type"),
        "createdAt": to_text(created_at),
        "resourceId": message.resource_id,
    }
    return _sized(row, field)


def _sized(row: Row, field: str) -> tuple[Row, int, int]:
    size = measure(row, field)
    check_document_size(size, field)
    return row, size, 2 * size  # JSON escapes at most every quote of a content that is JSON


def _changed_columns(current: Row, change: MessageUpdate, field: str) -> Row:
    columns: Row = {}
    for column, value in (
        ("thread_id", change.thread_id),
        ("resourceId", change.resource_id),
        ("role", change.role),
        ("type", change.type),
    ):
        if value:
            columns[column] = value
    stored = old = message_from_row(current).content
    if change.content is None:
        if change.role:
            check_role(change.role, old, field)
        return columns
    if isinstance(old, str | list):  # a row of the first format becomes one of the second
        old = upgraded(old)
        if current["role"] == "tool":
            columns.setdefault("role", "assistant")
        if current.get("type") in FIRST_FORMAT_TYPES:
            columns.setdefault("type", "v2")
    content = _merged_content(old, change.content)
    is_metadata_alone = old is stored and change.content.keys() == {"metadata"}
    if change.role or not is_metadata_alone:
        check_content(content, columns.get("role") or current["role"], field)
    columns["content"] = dumps(content, f"{field}.content")
    return columns


def _merged_content(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**old, **changes}
    if isinstance(old.get("metadata"), Mapping) and isinstance(changes.get("metadata"), Mapping):
        merged["metadata"] = {**old["metadata"], **changes["metadata"]}
    return merged


def _as_update(update: MessageUpdate | Mapping[str, Any], field: str) -> MessageUpdate:
    if isinstance(update, Mapping):
        try:
            update = MessageUpdate(**update)
        except TypeError as error:
            raise InvalidArgumentError(f"{field}: {error}.", field=field) from None
    if not isinstance(update, MessageUpdate):
        raise InvalidArgumentError(
            f"{field} must be a MessageUpdate, not {type(update).__name__}.", field=field
        )
    required_text(update.id, f"{field}.id")
    if not isinstance(update.content, Mapping | None):
        raise InvalidArgumentError(f"{field}.content must be an object.", field=f"{field}.content")
    return update
