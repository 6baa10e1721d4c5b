"""A page of a logical table that has none of its own: ``convex_mastra/documents:page``.

The same records, in the same order, that Mastra's handler reads from the beginning only. Told in
TypeScript in ``convex/src/convex_mastra/documents.ts``.
"""

from __future__ import annotations

from typing import Any

from convex_mastra.backends.embedded.handlers.generic import record_of
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.tables import DOCUMENTS
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json


def page(transaction: Transaction, args: Json) -> Any:
    """Return ``{"records": [record], "isDone": …, "continueCursor": …}``, in order of creation.

    Arguments: ``table``, ``limit``, and ``cursor``, null for the first page.

    Raises:
        Thrown: an argument that cannot be.
    """
    table, limit, cursor = args.get("table"), args.get("limit"), args.get("cursor")
    if not isinstance(table, str):
        raise Thrown("table must be a text")
    if not isinstance(limit, float) or not limit.is_integer() or limit < 1:
        raise Thrown("limit must be a whole number of at least 1")
    found = transaction.paginate(DOCUMENTS, "by_table", [table], cursor, int(limit))
    return {
        "records": [record_of(row) for row in found.rows],
        "isDone": found.is_done,
        "continueCursor": found.continue_cursor,
    }
