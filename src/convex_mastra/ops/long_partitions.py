"""All rows of a partition of ``mastra_documents`` that may be too long for one call.

The handler reads 10,000 rows and 16 MiB of a partition, from its beginning, and has no pages; our own
function has (ADR 5). The handler is asked first. Called by ``documents`` and by the adapters.
"""

from __future__ import annotations

from typing import Any

from convex_mastra import limits
from convex_mastra.errors import FunctionError, ProtocolError, ScanLimitError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.storage import checked_rows, is_read_limit, query_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.wire import DOCUMENTS_PAGE_FUNCTION


def list_rows(target: Target, partition: str) -> Flow[list[Row]]:
    """Return all rows of a partition, in the order in which their keys were first written.

    A long one is read page by page: a row that is written or deleted meanwhile may be missing or not;
    every other is there, once.

    Raises:
        ScanLimitError: there are 10,000 rows or more, or more bytes than the deployment reads in one
            call (16 MiB), and ``convex_mastra/documents:page`` is not deployed.

    Cost: one round trip; of a long partition one more for every 4,096 rows, one after the other.
    """
    try:
        return (yield from query_rows(target, partition, {}))
    except ScanLimitError:
        rows = yield from _read_pages(target, partition)
        if rows is None:
            raise
    return rows


def _read_pages(target: Target, partition: str) -> Flow[list[Row] | None]:
    """All rows of a partition, or None where our function is not deployed."""
    rows: dict[str, Row] = {}
    cursor: str | None = None
    limit = limits.DOCUMENT_PAGE_ROWS
    is_done = False
    while not is_done:
        args = {"table": partition, "cursor": cursor, "limit": limit}
        try:
            page = yield from ask_own(target, DOCUMENTS_PAGE_FUNCTION, args)
        except FunctionError as error:
            if limit == 1 or not (error.hidden or is_read_limit(error)):
                raise
            limit //= 2
            continue
        if page is None:
            return None
        records, is_done, next_cursor = _page_of(page)
        if not is_done and next_cursor == cursor:
            raise ProtocolError(f"{DOCUMENTS_PAGE_FUNCTION} returned the same cursor twice.")
        cursor = next_cursor
        rows.update((row["id"], row) for row in records)
    return list(rows.values())


def _page_of(page: Any) -> tuple[list[Row], bool, str]:
    if isinstance(page, dict):
        is_done, cursor = page.get("isDone"), page.get("continueCursor")
        if isinstance(is_done, bool) and isinstance(cursor, str):
            return checked_rows(page.get("records"), DOCUMENTS_PAGE_FUNCTION), is_done, cursor
    raise ProtocolError(f"{DOCUMENTS_PAGE_FUNCTION} returned no page.")
