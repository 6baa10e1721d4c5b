"""One request, and its reply: tried again where that is safe, taken apart, its failure named.

Everything that the operations send goes through here. Called by ``storage`` and ``abilities``; the
operations ask those. Knows no rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convex_mastra.errors import OutcomeUnknownError, TransportError
from convex_mastra.flow import Flow, Send
from convex_mastra.ops.target import Target
from convex_mastra.retries import attempt
from convex_mastra.wire import Request, StorageReply, read_storage_reply, storage_call


def call_function(target: Target, call: Request) -> Flow[Any]:
    """Call a function, again where that is safe, and return its value; of a ``Get``, the text.

    Raises:
        OutcomeUnknownError: the reply was lost and the call must not be repeated.
        ConvexMastraError: whatever else it ended with.
    """

    def send(number: int) -> Flow[Any]:
        return (yield Send(call if number == 1 else replace(call, attempt=number)))

    def retryable(error: BaseException) -> bool:
        return isinstance(error, TransportError) and (error.applied is False or call.repeatable)

    try:
        return (yield from attempt(send, target.policy, retryable))
    except TransportError as error:
        if error.applied is False or call.repeatable:
            raise
        raise OutcomeUnknownError(
            f"{call.label} was sent, its reply was lost, and it must not be repeated blindly: "
            f"read back whether it was applied. ({error.message})",
            code=error.code,
            operation=call.label,
        ) from None


def call_storage(target: Target, op: str, table: str, **args: Any) -> Flow[StorageReply]:
    """Run one operation of the storage handler. One round trip."""
    call = storage_call(target.storage_function, op, table, args)
    return read_storage_reply((yield from call_function(target, call)), call)
