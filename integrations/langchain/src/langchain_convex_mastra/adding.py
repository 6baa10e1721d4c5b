"""Adding messages to a conversation, as a flow that knows no waiting.

New rows are composed and saved; what goes on with a stored row is left to ``continuation``, before
and after. ``chat_history`` binds it for both faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from operator import attrgetter
from typing import Any
from uuid import uuid4

from langchain_core.messages import BaseMessage, ToolMessage

from convex_mastra import InvalidArgumentError, Message, Thread
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.arguments import many
from convex_mastra.ops.message_writes import check_messages, save_messages
from convex_mastra.ops.messages import list_messages, list_messages_by_id
from convex_mastra.ops.target import Target
from convex_mastra.ops.threads import save_thread
from langchain_convex_mastra.continuation import Continuation, begin, due, finish, look_back
from langchain_convex_mastra.conversation import Conversation, is_there
from langchain_convex_mastra.messages import Addition, compose, own_row, split


def add_messages(
    target: Target, conversation: Conversation, messages: Sequence[BaseMessage]
) -> Flow[None]:
    """Append *messages*, the new rows in one save; creates the thread if there is none.

    A tool message is folded into the stored row that holds its call, and so is an AI message that
    goes on from there. No row is ever replaced by another message: an id that is taken stays with
    the row that has it.

    Raises:
        InvalidArgumentError: something that is no message, or is not JSON; or the thread is
            another resource's.
        LimitExceededError: a message is larger than a document (1 MiB).
        OutcomeUnknownError: somebody keeps overwriting the row that is continued.

    Cost: one round trip for messages without ids in a thread known to exist; else two. Going on
    with a stored row takes three, two more for each time that another writer came in between, and
    one more if a resource is named and the thread not known. A tool message whose call this object
    has not seen is looked for in the whole thread: one more.
    """
    messages = _checked(messages)
    if not messages:
        return
    yield from _find_calls(target, conversation, messages)
    additions, rest = split(
        messages, calls=conversation.calls, turn=conversation.turn, at=target.clock.now()
    )
    rows = _new_rows(conversation, additions, rest)
    row_ids = conversation.lacking.union(addition.row_id for addition in additions)
    if row_ids and conversation.resource_id is not None:
        yield from is_there(target, conversation)  # may refuse, before the journal is written
    continuation = Continuation(
        conversation.thread_id,
        conversation.writes_for,
        conversation.known_owner,
        additions,
        set(row_ids),
    )
    ids = {row.id for row in rows}.intersection(message.id for message in rest if message.id)
    steps: list[Flow[Any]] = [
        is_there(target, conversation),
        list_messages_by_id(target, sorted(ids)),
    ]
    if row_ids:
        steps.append(begin(target, continuation))
    exists, taken, *_ = yield Gather(steps)
    owner = continuation.resource_id = conversation.writes_for
    rows = _under_free_ids(rows, {row.id for row in taken}, owner)

    changed = yield from due(target, continuation)
    saves: list[Flow[Any]] = [save_messages(target, [*changed, *rows])]
    if row_ids:
        saves.append(look_back(target, continuation))
    if not exists:
        thread = Thread(
            id=conversation.thread_id,
            resource_id=owner,
            title=conversation.title,
            metadata=conversation.metadata,
        )
        saves.append(save_thread(target, thread))
    saved, *_ = yield Gather(saves)
    yield from finish(target, continuation)
    conversation.owner = owner
    conversation.lacking -= continuation.row_ids
    seen = {row.id: row for row in saved} | continuation.rows
    conversation.see(sorted(seen.values(), key=attrgetter("created_at")))


def _checked(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    messages = list(many(messages, "messages", "messages", one=BaseMessage))
    for position, message in enumerate(messages):
        if not isinstance(message, BaseMessage):
            raise InvalidArgumentError(
                f"messages[{position}] is {type(message).__name__}, not a LangChain message.",
                field=f"messages[{position}]",
            )
    return messages


def _find_calls(
    target: Target, conversation: Conversation, messages: Sequence[BaseMessage]
) -> Flow[None]:
    """Look for the calls of the tool messages that come first, unless they are known."""
    results = takewhile(lambda message: isinstance(message, ToolMessage), messages)
    if all(getattr(result, "tool_call_id", None) in conversation.calls for result in results):
        return
    page, _ = yield Gather(
        [
            list_messages(
                target,
                conversation.thread_id,
                resource_id=conversation.resource_id,
                per_page=False,
            ),
            is_there(target, conversation),
        ]
    )
    conversation.see(page.messages)


def _new_rows(
    conversation: Conversation, additions: Sequence[Addition], rest: Sequence[BaseMessage]
) -> list[Message]:
    """Return the rows of what continues none, having refused what no row could hold."""
    place = {"thread_id": conversation.thread_id, "resource_id": conversation.writes_for}
    rows = compose(rest, **place)
    if additions:  # else nothing is sent before ``save_messages`` checks
        check_messages([*(own_row(addition, **place) for addition in additions), *rows])
    return rows


def _under_free_ids(rows: Sequence[Message], taken: set[str], owner: str) -> list[Message]:
    return [
        row.replace(resource_id=owner, id=str(uuid4()) if row.id in taken else row.id)
        for row in rows
    ]
