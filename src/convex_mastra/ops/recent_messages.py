"""The newest messages of a thread, for who shows or continues a conversation.

Mastra's handler reads a whole thread whatever is asked for; our function, where it is deployed,
reads the newest rows alone. Called by the faces of ``store.memory`` and by the adapters; every
other read of messages is in ``messages``.
"""

from __future__ import annotations

from convex_mastra import limits
from convex_mastra.errors import FunctionError, InvalidArgumentError, ScanLimitError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.arguments import required_text
from convex_mastra.ops.messages import list_messages
from convex_mastra.ops.storage import checked_rows, is_read_limit
from convex_mastra.ops.target import Target
from convex_mastra.records import Message, message_from_row
from convex_mastra.wire import RECENT_MESSAGES_FUNCTION


def list_recent_messages(
    target: Target,
    thread_id: str,
    *,
    resource_id: str | None = None,
    limit: int = limits.MESSAGES_PER_PAGE,
    offset: int = 0,
) -> Flow[list[Message]]:
    """Return the newest messages of a thread, oldest first.

    Args:
        resource_id: only messages of this resource.
        limit: how many at most, 1 or more, 40 by default. Fewer come back when there are no more.
        offset: how many of the newest to leave out first.

    Raises:
        InvalidArgumentError: an id that is no text, a *limit* below 1, an *offset* below 0.
        ScanLimitError: they are more than the deployment reads in one call (16 MiB); on a stock
            deployment, when the thread is.

    Cost: one round trip, and one more the first time of a backend on a stock deployment. There it
    is a read of the whole thread; elsewhere of the rows that are returned, and *offset* others.
    """
    required_text(thread_id, "thread_id")
    if resource_id is not None:
        required_text(resource_id, "resource_id")
    for name, value, least in (("limit", limit, 1), ("offset", offset, 0)):
        if type(value) is not int or value < least:
            raise InvalidArgumentError(
                f"{name} must be an integer of at least {least}, not {value!r}.", field=name
            )
    args = {"threadId": thread_id, "limit": limit, "offset": offset}
    if resource_id is not None:
        args["resourceId"] = resource_id
    try:
        answer = yield from ask_own(target, RECENT_MESSAGES_FUNCTION, args)
    except FunctionError as error:
        if not is_read_limit(error):
            raise
        raise ScanLimitError(
            f"The newest {limit} messages of thread {thread_id} are more than the deployment reads "
            f"in one call: {error.message}",
            operation=error.operation,
            request_id=error.request_id,
        ) from None
    if answer is None:
        page = yield from list_messages(target, thread_id, resource_id=resource_id, per_page=False)
        end = max(0, page.total - offset)
        return list(page.messages[max(0, end - limit) : end])
    rows = answer.get("messages") if isinstance(answer, dict) else None
    newest = checked_rows(rows, RECENT_MESSAGES_FUNCTION)
    return [message_from_row(row) for row in reversed(newest)]
