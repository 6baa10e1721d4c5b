"""Deleting many rows: all that match, or all of a table, however many and however large.

Called by the operations of every domain; knows no tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from convex_mastra.errors import FunctionError, ScanLimitError
from convex_mastra.flow import Flow
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import delete_rows, is_read_limit, query_rows
from convex_mastra.ops.target import Target

_PAGE_ROWS: Final = 500
_LARGE_ROWS: Final = 4
"""The handler reads twice as many as it is asked for; of 1 MiB each, they fit into 16 MiB."""


def clear_matching(target: Target, table: str, filters: Mapping[str, Any]) -> Flow[None]:
    """Delete all rows whose columns equal *filters*, in the order in which the table lists them.

    Two round trips for every 500 rows, or fewer where they are too large to be read at once.
    """
    limit = _PAGE_ROWS
    while True:
        try:
            rows = yield from query_rows(target, table, filters, limit=limit)
        except ScanLimitError:
            if limit == 1:
                raise
            limit = max(1, limit // 4)  # few, large rows: read fewer at once
            continue
        yield from delete_rows(target, table, [row["id"] for row in rows])
        if len(rows) < limit:
            break


def clear_table(target: Target, table: str) -> Flow[None]:
    """Delete all rows of a logical table.

    One round trip for every 25 rows; where so many are too large to be read in one call, two for
    every 4.
    """
    yield from delete_in_turns(target, "clearTable", table, {}, {})


def delete_in_turns(
    target: Target, op: str, table: str, args: Mapping[str, Any], filters: Mapping[str, Any]
) -> Flow[None]:
    """Run an operation that deletes 25 rows a call until none is left.

    Args:
        filters: the columns by which *op* with *args* chooses its rows, for where so many are too
            large to be read in one call.
    """
    has_more = True
    while has_more:
        try:
            has_more = (yield from call_storage(target, op, table, **args)).has_more
        except FunctionError as error:
            if not is_read_limit(error):
                raise
            rows = yield from query_rows(target, table, filters, limit=_LARGE_ROWS)
            if not rows:
                raise
            yield from delete_rows(target, table, [row["id"] for row in rows])
