"""The few patterns that more than one operation follows.

Batches by size, reads that must not be cut short, changes in halves where the whole is too much.
The operations of every domain are built of these; nothing here knows what a row means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from convex_mastra import limits
from convex_mastra.errors import FunctionError, ProtocolError, ScanLimitError
from convex_mastra.flow import Flow, Gather, side_by_side
from convex_mastra.ops.abilities import ATOMIC_UPDATES, call_or, has
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.wire import StorageReply

R = TypeVar("R")
T = TypeVar("T")

_READ_LIMIT_TEXTS: Final = (
    "Too many bytes read",
    "Too many documents read",
    "Too many reads in a single function",
    "return value is too large",
    "Read too much data",
    "Scanned too many documents",
    "Array length is too long",  # a reply of more than 8,192 rows
)


def load(target: Target, table: str, row_id: str) -> Flow[Row | None]:
    """Return the row of that id. One round trip."""
    reply = yield from call_storage(target, "load", table, keys={"id": row_id})
    return row_or_none(reply.result, table)


def load_many(target: Target, table: str, ids: Iterable[str]) -> Flow[list[Row]]:
    """Return the rows that exist, in the order of *ids*.

    Ten ids a request, side by side; one a request where the handler is older than 1.2.1.
    """
    unique = list(dict.fromkeys(ids))
    parts = parts_of(unique, limits.LOAD_MANY_IDS)
    found = yield from side_by_side([_load_part(target, table, part) for part in parts])
    rows = {row["id"]: row for part in found for row in part}
    return [rows[row_id] for row_id in unique if row_id in rows]


def _load_part(target: Target, table: str, ids: list[str]) -> Flow[list[Row]]:
    def one_by_one() -> Flow[list[Row]]:
        rows: list[Row | None] = yield Gather([load(target, table, row_id) for row_id in ids])
        return [row for row in rows if row is not None]

    found = yield from call_or(target, "loadMany", table, {"ids": ids}, one_by_one)
    return checked_rows(found, table)


def query_rows(
    target: Target,
    table: str,
    filters: Mapping[str, Any],
    *,
    also: Mapping[str, Any] | None = None,
    limit: int | None = None,
    key_column: str = "id",
) -> Flow[list[Row]]:
    """Return the rows whose columns equal *filters* and *also*.

    One round trip; with *also* one more, the first time of a backend.

    Args:
        filters: columns that one index covers.
        also: columns that it does not cover; not together with *limit*. Handlers before 1.2.1
            compare these only after their cap, where nothing shows that rows are missing: of those
            all rows of *filters* are asked for, and compared here.
        key_column: the column of text that every row has; not all have an ``id``.

    Raises:
        ScanLimitError: without *limit*, when there may be more rows than one call returns.
    """
    if also and (yield from has(target, ATOMIC_UPDATES)):
        filters, also = {**filters, **also}, None
    args: dict[str, Any] = {
        "filters": [{"field": name, "value": value} for name, value in filters.items()]
    }
    if limit is not None:
        args["limit"] = limit
    rows = yield from read_rows(
        target, "queryTable", table, args, wanted=filters, key_column=key_column
    )
    if limit is None and len(rows) >= limits.SCAN_ROWS:
        raise ScanLimitError(
            f"{table} holds at least {limits.SCAN_ROWS:,} rows for {dict(filters) or 'this read'}; "
            "the deployed handler returns no more and does not say whether there are.",
            limit=limits.SCAN_ROWS,
            operation=f"queryTable {table}",
        )
    if also:
        return [row for row in rows if also.items() <= row.items()]
    return rows


def read_rows(
    target: Target,
    op: str,
    table: str,
    args: Mapping[str, Any],
    *,
    wanted: Mapping[str, Any],
    key_column: str = "id",
) -> Flow[list[Row]]:
    """Run an operation that returns rows. One round trip.

    Args:
        wanted: what the rows have in common, as the error names it.
        key_column: as of ``query_rows``.

    Raises:
        ScanLimitError: they are more than the deployment reads in one call.
    """
    try:
        reply = yield from call_storage(target, op, table, **args)
    except FunctionError as error:
        if is_read_limit(error):
            raise ScanLimitError(
                f"{table} holds more rows for {dict(wanted) or 'this read'} than the deployment "
                f"reads in one call: {error.message}",
                operation=error.operation,
                request_id=error.request_id,
            ) from None
        raise
    return rows_of(reply, table, key_column)


def is_read_limit(error: FunctionError) -> bool:
    """Whether the function failed because one transaction must not read so much."""
    return any(text in error.message for text in _READ_LIMIT_TEXTS)


def upsert_rows(target: Target, table: str, batches: Sequence[Sequence[Row]]) -> Flow[None]:
    """Write rows by id, the batches side by side.

    Each batch is applied whole or not at all, unless the rows it replaces are too large to be read
    in one call; of vectors, a batch that fails may leave its first rows written.
    """
    yield from side_by_side(
        [
            in_parts(lambda part: call_storage(target, "batchInsert", table, records=part), batch)
            for batch in batches
        ]
    )


def delete_rows(target: Target, table: str, ids: Sequence[str]) -> Flow[None]:
    """Delete rows by id; those that do not exist are skipped.

    A thousand ids a request, fewer where the rows are too large to be read in one call.
    """
    yield from side_by_side(
        [
            in_parts(lambda some: call_storage(target, "deleteMany", table, ids=some), part)
            for part in parts_of(ids, limits.DELETE_BATCH_IDS)
        ]
    )


def in_parts(send: Callable[[list[T]], Flow[R]], items: Sequence[T]) -> Flow[list[R]]:
    """Send *items*, in halves if what one call has to read for them is too large; all replies."""
    try:
        return [(yield from send(list(items)))]
    except FunctionError as error:
        if len(items) == 1 or not is_read_limit(error):
            raise
        middle = len(items) // 2
        first = yield from in_parts(send, items[:middle])
        return first + (yield from in_parts(send, items[middle:]))


def parts_of(items: Sequence[T], size: int) -> list[list[T]]:
    """Cut *items* into runs of at most *size*."""
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def batches_by_size(
    rows: Iterable[tuple[T, int, int]], *, rows_max: int = limits.WRITE_BATCH_ROWS
) -> list[list[T]]:
    """Cut rows into batches that one request and one transaction can carry.

    Args:
        rows: each with its Convex size and its size as JSON text, in bytes.
        rows_max: how many at most.
    """
    batches: list[list[T]] = []
    size = json_size = 0
    for row, row_size, row_json_size in rows:
        size += row_size
        json_size += row_json_size
        if (
            not batches
            or size > limits.WRITE_BATCH_BYTES
            or json_size > limits.WRITE_BATCH_JSON_BYTES
            or len(batches[-1]) >= rows_max
        ):
            batches.append([])
            size, json_size = row_size, row_json_size
        batches[-1].append(row)
    return batches


def rows_of(reply: StorageReply, table: str, key_column: str = "id") -> list[Row]:
    """The reply's rows, each with a text in its *key_column*.

    Raises:
        ProtocolError: it is no list of such rows.
    """
    return checked_rows(reply.result, table, key_column)


def checked_rows(rows: Any, table: str, key_column: str = "id") -> list[Row]:
    """The rows that an operation returned, each with a text in its *key_column*.

    Raises:
        ProtocolError: it is no list of such rows.
    """
    try:
        if isinstance(rows, list) and {type(row[key_column]) for row in rows} <= {str}:
            return rows
    except (TypeError, KeyError):
        pass
    raise ProtocolError(f"The storage handler returned no list of rows for {table}.")


def row_or_none(result: Any, table: str) -> Row | None:
    """The row that an operation returned, if it returned one.

    Raises:
        ProtocolError: it is something else.
    """
    if result is not None and not _is_row(result):
        raise ProtocolError(f"The storage handler returned no row for {table}.")
    row: Row | None = result
    return row


def _is_row(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str)
