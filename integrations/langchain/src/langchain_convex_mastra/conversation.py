"""Reading, extending and clearing one conversation, as flows that know no waiting.

Each is written once and bound for both faces by ``Conversations``; they are put together from the
core's operations on threads and messages. ``chat_history`` calls them. What a conversation has
learnt about its thread is kept in ``Conversation``, so that it is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from operator import attrgetter
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from convex_mastra import InvalidArgumentError, Message, Thread
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.message_writes import save_messages
from convex_mastra.ops.messages import list_messages, list_messages_by_id
from convex_mastra.ops.target import Target
from convex_mastra.ops.threads import clear_thread, get_thread_by_id, save_thread
from langchain_convex_mastra.messages import compose, ends_with_result, messages_of, open_calls


@dataclass
class Conversation:
    """A thread, as one history object knows it.

    Attributes:
        resource_id: whose it must be; None: whose it is, or its own id if it is new.
        title, metadata: of the thread, if it is created here.
        owner: the resource of the thread; None until the thread is known to exist.
        calls: ids of rows whose tool calls have no outcome yet, by tool call id.
        turn: id of the row that an AI message would go on with.
    """

    thread_id: str
    resource_id: str | None = None
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    calls: dict[str, str] = field(default_factory=dict)
    turn: str | None = None

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

    Cost: one round trip.
    """
    rows: list[Message] = []
    messages: list[BaseMessage] = []
    has_more, page = True, 0
    while has_more and (page == 0 or (last is not None and len(messages) < last)):
        found = yield from list_messages(
            target,
            conversation.thread_id,
            resource_id=conversation.resource_id,
            direction="DESC",
            page=page,
            per_page=False if last is None else max(last, 1),
        )
        older = sorted(found.messages, key=attrgetter("created_at"))  # ties stay in order
        rows = older + rows
        messages = [message for row in older for message in messages_of(row)] + messages
        has_more, page = found.has_more, page + 1
    conversation.see(rows)
    if last is None:
        return messages
    window = messages[max(0, len(messages) - last) :]
    cut_off = len(window) < len(messages)
    while cut_off and window and isinstance(window[0], ToolMessage):
        del window[0]
    return window


def add_messages(
    target: Target, conversation: Conversation, messages: Sequence[BaseMessage]
) -> Flow[None]:
    """Append *messages*, in one save; creates the thread if there is none.

    A tool message is folded into the stored row that holds its call. No row is ever replaced by
    another message: an id that is taken stays with the row that has it.

    Raises:
        InvalidArgumentError: something that is no message, or is not JSON; or the thread is
            another resource's.
        LimitExceededError: a message is larger than a document (1 MiB).

    Cost: one round trip for messages without ids in a thread known to exist; else two. A tool
    message whose call this object has not seen is looked for in the whole thread: one more.
    """
    messages = list(messages)
    for position, message in enumerate(messages):
        if not isinstance(message, BaseMessage):
            raise InvalidArgumentError(
                f"messages[{position}] is {type(message).__name__}, not a LangChain message.",
                field=f"messages[{position}]",
            )
    if not messages:
        return
    exists, stored = yield Gather(
        [_is_there(target, conversation), _stored_rows(target, conversation, messages)]
    )
    owner = conversation.owner or conversation.resource_id or conversation.thread_id
    rows = compose(
        messages,
        thread_id=conversation.thread_id,
        resource_id=owner,
        stored=stored,
        calls=conversation.calls,
        turn=conversation.turn,
    )
    saves: list[Flow[Any]] = [save_messages(target, rows)]
    if not exists:
        thread = Thread(
            id=conversation.thread_id,
            resource_id=owner,
            title=conversation.title,
            metadata=conversation.metadata,
        )
        saves.append(save_thread(target, thread))
    saved, *_ = yield Gather(saves)
    conversation.owner = owner
    conversation.see(saved)


def clear_messages(target: Target, conversation: Conversation) -> Flow[None]:
    """Delete all messages; the thread, its title and metadata stay.

    Raises:
        InvalidArgumentError: the thread is another resource's.

    Cost: two round trips for every 500 rows, and one if a resource is named.
    """
    if conversation.resource_id is not None:
        yield from _is_there(target, conversation)
    yield from clear_thread(target, conversation.thread_id)
    conversation.calls, conversation.turn = {}, None


def _is_there(target: Target, conversation: Conversation) -> Flow[bool]:
    """Return whether the thread exists, and learn whose it is."""
    if conversation.owner is not None:
        return True
    thread = yield from get_thread_by_id(target, conversation.thread_id)
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
    target: Target, conversation: Conversation, messages: Sequence[BaseMessage]
) -> Flow[dict[str, Message]]:
    """Return the rows that *messages* go on with, and those that have one of their ids."""
    ids = {message.id for message in messages}
    results = [
        message
        for message in takewhile(lambda message: isinstance(message, ToolMessage), messages)
        if isinstance(message, ToolMessage)
    ]
    if any(result.tool_call_id not in conversation.calls for result in results):
        page = yield from list_messages(
            target,
            conversation.thread_id,
            resource_id=conversation.resource_id,
            per_page=False,
        )
        conversation.see(page.messages)
    ids |= {conversation.calls.get(result.tool_call_id) for result in results}
    if isinstance(messages[0], AIMessage):
        ids.add(conversation.turn)
    found = yield from list_messages_by_id(target, [row_id for row_id in ids if row_id])
    return {row.id: row for row in found}


class Conversations(SyncClient, AsyncClient):
    """The flows on one backend, each for both faces."""

    read = blocking(read_messages)
    add = blocking(add_messages)
    clear = blocking(clear_messages)
    aread = nonblocking(read_messages)
    aadd = nonblocking(add_messages)
    aclear = nonblocking(clear_messages)
