"""The newest messages of a thread: ``convex_mastra/messages:recent``.

The same rows that Mastra's handler reads, by the index that is in their order. Told in TypeScript
in ``convex/src/convex_mastra/messages.ts``.
"""

from __future__ import annotations

from typing import Any

from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.tables import MESSAGES
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json


def recent(transaction: Transaction, args: Json) -> Any:
    """Return ``{"messages": [row]}``, newest first.

    Arguments: ``threadId``, ``limit``, ``offset``, and ``resourceId``, which may be missing.

    Raises:
        Thrown: an argument that cannot be.
    """
    resource_id = args.get("resourceId")
    limit, offset = _count(args, "limit"), _count(args, "offset")
    rows = transaction.take(
        MESSAGES,
        offset + limit,
        "by_thread_created",
        [_text(args, "threadId")],
        descending=True,
        where=None
        if resource_id is None
        else lambda document: document.get("resourceId") == resource_id,
    )
    return {"messages": [row.document for row in rows[offset:]]}


def _text(args: Json, name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str):
        raise Thrown(f"{name} must be a text")
    return value


def _count(args: Json, name: str) -> int:
    value = args.get(name)
    if not isinstance(value, float) or not value.is_integer() or value < 0:
        raise Thrown(f"{name} must be a whole number of at least 0")
    return int(value)
