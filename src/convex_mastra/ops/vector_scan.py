"""Reading a whole vector index: page by page, or by our own functions where they are deployed.

The next page is under way while the last one is used. Called by the other vector rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from convex_mastra import limits
from convex_mastra.errors import FunctionError, ProtocolError, ScanLimitError
from convex_mastra.filters import compile_filter
from convex_mastra.flow import Flow, Join, Start
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import (
    is_read_limit,
    rows_of,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.scoring import Vector
from convex_mastra.wire import COUNT_FUNCTION, StorageReply, vector_table

Accept = Callable[[str, Mapping[str, Any] | None], bool]
"""The caller's last word on a vector: its id and metadata; for what no filter can say."""

FIRST_PAGE_ROWS: Final = 128
"""For scans that do not know the dimension: small enough for any, then grown by what came."""


def matching_rows(
    target: Target, index_name: str, where: Mapping[str, Any] | None
) -> Flow[list[Row]]:
    """Return all rows whose metadata matches. A scan of the index."""
    matches = row_test(where, None)
    found: list[Row] = []

    def keep(rows: Sequence[Row]) -> None:
        found.extend(row for row in rows if matches(row))

    yield from scan(target, index_name, keep)
    return found


def row_test(where: Mapping[str, Any] | None, accept: Accept | None) -> Callable[[Row], bool]:
    """Return whether a row matches *where* and is accepted."""
    predicate = compile_filter(where)

    def matches(row: Row) -> bool:
        metadata = row.get("metadata")
        return (predicate is None or predicate(metadata)) and (
            accept is None or accept(row["id"], metadata)
        )

    return matches


def embedding_of(row: Row) -> Vector:
    """Return a row's vector, shape (d,).

    Raises:
        ProtocolError: it has none.
    """
    try:
        vector: Vector = np.asarray(row["embedding"], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        vector = np.empty((0, 0))
    if vector.ndim != 1:
        raise ProtocolError(f"The row {row['id']!r} holds no vector.")
    return vector


def count_vectors(target: Target, index_name: str, dimension: int) -> Flow[int]:
    """Return how many vectors an index holds."""
    value = yield from ask_own(target, COUNT_FUNCTION, {"indexName": index_name})
    if value is not None:
        if not isinstance(value, dict) or not isinstance(value.get("count"), int | float):
            raise ProtocolError(f"{COUNT_FUNCTION} returned no count.")
        return int(value["count"])
    total = 0

    def add(rows: Sequence[Row]) -> None:
        nonlocal total
        total += len(rows)

    yield from scan(target, index_name, add, dimension=dimension)
    return total


def scan(
    target: Target,
    index_name: str,
    use: Callable[[Sequence[Row]], None],
    *,
    dimension: int | None = None,
) -> Flow[None]:
    """Hand every row of an index to *use*, page by page.

    Cost: one round trip for every page of about 4 MiB. A page too large for the deployment is
    asked for again in smaller parts.

    Raises:
        ScanLimitError: the handler is older than 1.2.1, which brought pages, and the index is
            more than it reads in one call, or may have been cut short.
    """
    rows_a_page = FIRST_PAGE_ROWS if dimension is None else _page_rows(dimension)
    cursor: str | None = None
    pending = yield Start(_page(target, index_name, rows_a_page, cursor))
    while pending is not None:
        try:
            reply: StorageReply = yield Join(pending)
        except FunctionError as error:
            if not is_read_limit(error):
                raise
            if rows_a_page == 1:  # and yet more than one row was read
                raise ScanLimitError(
                    f"Index {index_name} is larger than the deployment reads in one call; its "
                    "handler does not read page by page, as that of @mastra/convex 1.2.1 does: "
                    f"{error.message}",
                    operation=error.operation,
                    request_id=error.request_id,
                ) from None
            rows_a_page = max(1, rows_a_page // 4)
            pending = yield Start(_page(target, index_name, rows_a_page, cursor))
            continue
        rows = rows_of(reply, vector_table(index_name))
        if dimension is None and rows:
            dimension = len(embedding_of(rows[0]))
            rows_a_page = _page_rows(dimension)
        pending = None
        if reply.has_more:
            if not reply.cursor or reply.cursor == cursor:
                raise ProtocolError(
                    "The paginated vector query did not return a valid continuation cursor.",
                    operation=f"queryTable {vector_table(index_name)}",
                )
            cursor = reply.cursor
            pending = yield Start(_page(target, index_name, rows_a_page, cursor))
        elif len(rows) >= limits.SCAN_ROWS:
            # Handlers before 1.2.1 know no pages and cut the whole scan without saying so.
            raise ScanLimitError(
                f"Index {index_name} holds at least {limits.SCAN_ROWS:,} vectors; the deployed "
                "handler returns no more and does not say whether there are. That of "
                "@mastra/convex 1.2.1 reads page by page.",
                limit=limits.SCAN_ROWS,
                operation=f"queryTable {vector_table(index_name)}",
            )
        use(rows)


def _page(target: Target, index_name: str, rows: int, cursor: str | None) -> Flow[StorageReply]:
    return call_storage(
        target, "queryTable", vector_table(index_name), pageSize=rows, cursor=cursor
    )


def _page_rows(dimension: int) -> int:
    row_bytes = dimension * 9 + limits.VECTOR_ROW_OVERHEAD_BYTES
    return max(1, min(limits.VECTOR_PAGE_ROWS_MAX, limits.VECTOR_PAGE_BYTES // row_bytes))
