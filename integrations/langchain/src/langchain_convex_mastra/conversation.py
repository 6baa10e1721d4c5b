"""One conversation: what is known of its thread, and reading, clearing and naming it.

Flows that know no waiting, put together from the core's operations on threads and messages;
``chat_history`` binds them for both faces. Adding messages is in ``adding``. What a conversation
has learnt is kept in ``Conversation``, so that it is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from convex_mastra import InvalidArgumentError, Message, Thread
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import threads
from convex_mastra.ops.message_writes import delete_messages
from convex_mastra.ops.messages import list_messages
from convex_mastra.ops.recent_messages import list_recent_messages
from convex_mastra.ops.target import Target
from langchain_convex_mastra.journal import clear_journal, prune_journal, read_journal
from langchain_convex_mastra.messages import (
    Addition,
    ends_with_result,
    is_unsettled,
    open_calls,
    own_row,
    settle,
    thread_messages,
)


@dataclass
class Conversation:
    """A thread, as one history object knows it.

    Attributes:
        resource_id: whose it must be; None: whose it is, or its own id if it is new.
        title, metadata: of the thread, if it is created here.
        owner: the resource of the thread; None until the thread is known to exist.
        calls: ids of rows whose tool calls have no outcome yet, by tool call id.
        turn: id of the row that an AI message would go on with.
        lacking: ids of rows that were overwritten, and that whoever adds next mends.
    """

    thread_id: str
    resource_id: str | None = None
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    calls: dict[str, str] = field(default_factory=dict)
    turn: str | None = None
    lacking: frozenset[str] = frozenset()

    @property
    def writes_for(self) -> str:
        """Whose the rows are that are written here."""
        return self.known_owner or self.thread_id

    @property
    def known_owner(self) -> str | None:
        """Whose the thread is, or must be; None if it may be anybody's."""
        return self.owner or self.resource_id

    def see(self, rows: Iterable[Message]) -> None:
        """Learn from rows of the thread, in order, the last of which ends the thread."""
        last = None
        for last in rows:
            self.calls = {call: row for call, row in self.calls.items() if row != last.id}
            self.calls |= dict.fromkeys(open_calls(last), last.id)
        self.turn = last.id if last is not None and ends_with_result(last) else None


def read_messages(
    target: Target, conversation: Conversation, *, last: int | None = None
) -> Flow[list[BaseMessage]]:
    """Return the messages, oldest first; the *last* ones if that is given.

    The window never begins with a tool message whose call was cut off, so it may be shorter.

    Cost: one round trip; one more if a turn was continued after it was stored, or still waits to be.
    """
    rows: list[Message] = []
    messages: list[BaseMessage] = []
    journal: list[Addition] | None = None
    lacking: set[str] = set()
    has_more, offset = True, 0
    while has_more and (offset == 0 or (last is not None and len(messages) < last)):
        older = yield from _stored_rows(target, conversation, last, offset)
        has_more, offset = len(older) == last, offset + len(older)
        known = {row.id for row in rows}
        older = [row for row in older if row.id not in known]  # new rows have moved the pages
        if journal is None and any(map(is_unsettled, older)):
            journal = yield from read_journal(
                target, conversation.thread_id, conversation.known_owner
            )
        if journal:
            older, changed = _with_journal(conversation, older, rows, journal)
            lacking |= changed
        rows = older + rows
        messages = thread_messages(rows)
    conversation.see(rows)
    conversation.lacking = frozenset(lacking)
    if last is None:
        return messages
    window = messages[max(0, len(messages) - last) :]
    cut_off = len(window) < len(messages)
    while cut_off and window and isinstance(window[0], ToolMessage):
        del window[0]
    return window


def clear_messages(target: Target, conversation: Conversation) -> Flow[None]:
    """Delete all messages; the thread, its title and metadata stay.

    Raises:
        InvalidArgumentError: the thread is another resource's.

    Cost: two round trips for every 500 rows, and one if a resource is named; three where there is
    no thread, and only what is this resource's goes.
    """
    if conversation.resource_id is not None and not (yield from is_there(target, conversation)):
        yield from _clear_own(target, conversation, conversation.resource_id)
        return
    yield Gather(
        [
            threads.clear_thread(target, conversation.thread_id),
            clear_journal(target, conversation.thread_id),
        ]
    )
    conversation.calls, conversation.turn, conversation.lacking = {}, None, frozenset()


def _clear_own(target: Target, conversation: Conversation, resource_id: str) -> Flow[None]:
    """Delete a resource's rows and additions where no thread says whose the others are."""
    thread_id = conversation.thread_id
    page, journal = yield Gather(
        [
            list_messages(target, thread_id, resource_id=resource_id, per_page=False),
            read_journal(target, thread_id, resource_id),
        ]
    )
    yield Gather(
        [
            delete_messages(target, [row.id for row in page.messages]),
            prune_journal(target, thread_id, journal),
        ]
    )


def get_thread(target: Target, conversation: Conversation) -> Flow[Thread | None]:
    """Return the thread; None if there is none yet, or it is another resource's.

    Cost: one round trip.
    """
    thread = yield from threads.get_thread_by_id(
        target, conversation.thread_id, resource_id=conversation.resource_id
    )
    if thread is not None:
        conversation.owner = thread.resource_id
    return thread


def update_thread(
    target: Target,
    conversation: Conversation,
    *,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Flow[Thread]:
    """Set the thread's title, merge *metadata* into what it has, and return it.

    Raises:
        NotFoundError: there is no thread yet.
        InvalidArgumentError: it is another resource's; or a value that Convex cannot hold.

    Cost: one round trip, two without a *title*; one more the first time if a resource is named.
    """
    if conversation.resource_id is not None:
        yield from is_there(target, conversation)
    return (
        yield from threads.update_thread(
            target, conversation.thread_id, title=title, metadata=metadata
        )
    )


def is_there(target: Target, conversation: Conversation) -> Flow[bool]:
    """Return whether the thread exists, and learn whose it is.

    Raises:
        InvalidArgumentError: it is another resource's.

    Cost: one round trip, until it is known to exist.
    """
    if conversation.owner is not None:
        return True
    thread = yield from threads.get_thread_by_id(target, conversation.thread_id)
    if thread is None:
        return False
    if conversation.resource_id not in (None, thread.resource_id):
        raise InvalidArgumentError(
            f"Thread with id {thread.id} is for resource with id {thread.resource_id} but "
            f"resource {conversation.resource_id} was queried.",
            field="resource_id",
        )
    conversation.owner = thread.resource_id
    return True


def _stored_rows(
    target: Target, conversation: Conversation, last: int | None, offset: int
) -> Flow[list[Message]]:
    """The *last* rows before the *offset* newest ones, or all, oldest first."""
    thread_id, resource_id = conversation.thread_id, conversation.resource_id
    if last is None:
        page = yield from list_messages(target, thread_id, resource_id=resource_id, per_page=False)
        return list(page.messages)
    return (
        yield from list_recent_messages(
            target, thread_id, resource_id=resource_id, limit=last, offset=offset
        )
    )


def _with_journal(
    conversation: Conversation,
    older: Sequence[Message],
    newer: Sequence[Message],
    journal: Sequence[Addition],
) -> tuple[list[Message], set[str]]:
    """Return *older* rows with what they lack of the journal, and the ids of those that did."""
    ids = {row.id for row in older}
    settled = settle(
        {row.id: row for row in [*older, *newer]},
        [addition for addition in journal if addition.row_id in ids],
        resource_id=conversation.writes_for,
    )
    whole = {row.id: row for row in settled.rows}
    rows = []
    for row in older:
        rows.append(whole.get(row.id, row))
        rows += [
            own_row(
                addition,
                thread_id=conversation.thread_id,
                resource_id=conversation.writes_for,
            ).replace(created_at=row.created_at)
            for addition in settled.apart
            if addition.row_id == row.id
        ]
    return rows, {*whole, *(addition.row_id for addition in settled.apart)}
