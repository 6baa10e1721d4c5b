"""Deleting all rows that match, however many and however large.

Called by the operations on threads and on observational memory; knows no tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from convex_mastra.errors import ScanLimitError
from convex_mastra.flow import Flow
from convex_mastra.ops.storage import delete_rows, query_rows
from convex_mastra.ops.target import Target

_PAGE_ROWS: Final = 500


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
