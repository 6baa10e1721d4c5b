"""What stands in for the operations that older handlers do not know.

Each reads the row, and writes back only the columns that change: ``insert`` on an id that exists
merges, so nothing else of the row can be lost, and where the row has gone meanwhile, the schema
refuses a row of so few columns instead of bringing it back. What another writer changes in the same
columns between the two requests is overwritten. Called through ``abilities.call_or``; only for
tables with columns of their own, because a generic document would be replaced.

Source: the handler of @mastra/convex 1.0.6.
"""

from __future__ import annotations

from collections.abc import Callable

from convex_mastra.errors import FunctionError
from convex_mastra.flow import Flow
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import load
from convex_mastra.ops.target import Target
from convex_mastra.records import Row


def patch(target: Target, table: str, row_id: str, columns: Row) -> Flow[bool]:
    """Set columns of a row, and return whether there is one. Two round trips."""
    return (yield from change(target, table, row_id, lambda _: columns)) is not None


def change(
    target: Target, table: str, row_id: str, changes: Callable[[Row], Row]
) -> Flow[Row | None]:
    """Set the columns that *changes* makes of a row, and return the row as it then is.

    Returns:
        None if there is no such row; none is created.

    Cost: two round trips, not atomic.
    """
    row = yield from load(target, table, row_id)
    if row is None:
        return None
    columns = changes(row)
    try:
        yield from call_storage(target, "insert", table, record={"id": row_id, **columns})
    except FunctionError:
        if (yield from load(target, table, row_id)) is None:
            return None
        raise
    return row | columns
