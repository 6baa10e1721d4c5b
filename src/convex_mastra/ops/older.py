"""What stands in for what older handlers do not know, or do without saying that they cut it short.

A change reads the row, and writes back only the columns that change: ``insert`` on an id that exists
merges, so nothing else of the row can be lost, and where the row has gone meanwhile, the schema
refuses a row of so few columns instead of bringing it back. What another writer changes in the same
columns between the two requests is overwritten. Called through ``abilities.call_or``; only for
tables with columns of their own, because a generic document would be replaced.

Source: the handler of @mastra/convex 1.0.6.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from convex_mastra.errors import FunctionError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import ATOMIC_UPDATES, has
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import load, query_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row


def patch(target: Target, table: str, row_id: str, columns: Row) -> Flow[bool]:
    """Set columns of a row, and return whether there is one. Two round trips."""
    return (yield from change(target, table, row_id, lambda _: columns)) is not None


def query_all(
    target: Target,
    table: str,
    filters: Mapping[str, Any],
    *,
    covered: Collection[str],
    key_column: str = "id",
) -> Flow[list[Row]]:
    """Return the rows whose columns equal *filters*, on a handler of any age.

    Handlers before 1.2.1 compare what no index covers after their cap, and would not say that they
    read too little: of those the rest is compared here.

    Args:
        covered: the columns of *filters* that one index covers.
        key_column: as of ``storage.query_rows``.

    Raises:
        ScanLimitError: the deployment holds more such rows than it reads in one call.

    Cost: one round trip, and one more the first time that a backend has to know its handler's age.
    """
    sent = filters
    if not filters.keys() <= set(covered) and not (yield from has(target, ATOMIC_UPDATES)):
        sent = {name: value for name, value in filters.items() if name in covered}
    rows = yield from query_rows(target, table, sent, key_column=key_column)
    return [row for row in rows if all(row.get(name) == filters[name] for name in filters)]


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
