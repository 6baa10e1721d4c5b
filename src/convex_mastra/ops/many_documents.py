"""Many rows of ``mastra_documents`` in one request, where our functions are deployed.

Mastra's handler reads ten keys a request, and lists, writes or deletes in one partition. Where
``convex_mastra/documents`` is missing, each flow here says so, and its caller asks the handler.
Called by ``documents`` and ``document_writes``; knows no texts. A long partition is read in
``long_partitions``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from convex_mastra import limits
from convex_mastra.errors import FunctionError, ProtocolError
from convex_mastra.flow import Flow, side_by_side
from convex_mastra.ops.abilities import if_deployed
from convex_mastra.ops.calls import call_function
from convex_mastra.ops.storage import checked_rows, in_parts, is_read_limit, parts_of
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.wire import (
    DOCUMENTS_LOAD_FUNCTION,
    DOCUMENTS_RANGES_FUNCTION,
    DOCUMENTS_REMOVE_FUNCTION,
    DOCUMENTS_WRITE_FUNCTION,
    FunctionCall,
    Json,
)

R = TypeVar("R")
D = TypeVar("D")
Placed = tuple[str, Row]
"""A row, and the partition it belongs to."""


def load_rows(target: Target, partition: str, keys: Sequence[str]) -> Flow[list[Row] | None]:
    """Return the rows that exist, in the order of *keys*; None if the function is missing.

    Cost: one round trip for every 500 keys, side by side; for fewer where these are too large for
    one call.
    """

    def load(some: list[str]) -> Flow[list[Row]]:
        args = {"table": partition, "keys": some}
        answer = yield from call_function(target, _call("query", DOCUMENTS_LOAD_FUNCTION, args))
        return checked_rows(answer, DOCUMENTS_LOAD_FUNCTION)

    parts = parts_of(keys, limits.DOCUMENT_LOAD_KEYS)
    reading = side_by_side([in_parts(load, part) for part in parts])
    answers = yield from _or_handler(target, DOCUMENTS_LOAD_FUNCTION, reading, None)
    if answers is None:
        return None
    return [row for replies in answers for rows in replies for row in rows]


def list_rows(target: Target, partitions: Sequence[str]) -> Flow[list[list[Row] | None] | None]:
    """Return all rows of each partition, in order of creation; None if the function is missing.

    In place of the rows of a partition that is too long for this there is None.

    Cost: one round trip for every 100 partitions, side by side; for fewer where these are too large
    for one call.
    """
    limit = limits.DOCUMENT_PAGE_ROWS

    def read(some: list[str]) -> Flow[list[list[Row] | None]]:
        ranges = [{"table": partition, "limit": limit} for partition in some]
        call = _call("query", DOCUMENTS_RANGES_FUNCTION, {"ranges": ranges})
        try:
            answer = yield from call_function(target, call)
        except FunctionError as error:
            if len(some) > 1 or not is_read_limit(error):
                raise
            return [None]
        if not isinstance(answer, list) or len(answer) != len(some):
            raise ProtocolError(f"{DOCUMENTS_RANGES_FUNCTION} returned another number of ranges.")
        listed = [checked_rows(rows, DOCUMENTS_RANGES_FUNCTION) for rows in answer]
        return [rows if len(rows) < limit else None for rows in listed]

    parts = parts_of(partitions, limits.DOCUMENT_LIST_PARTITIONS)
    reading = side_by_side([in_parts(read, part) for part in parts])
    answers = yield from _or_handler(target, DOCUMENTS_RANGES_FUNCTION, reading, None)
    if answers is None:
        return None
    return [rows for replies in answers for some in replies for rows in some]


def write_rows(
    target: Target, batches: Sequence[Sequence[Placed]], *, in_order: bool
) -> Flow[bool]:
    """Write rows by id; False, and nothing written, if the function is missing.

    Each batch is applied whole or not at all, unless the rows it replaces are too large to be read
    in one call.

    Cost: one round trip for every batch, side by side unless *in_order*.
    """

    def write(some: list[Placed]) -> Flow[None]:
        args = {"tables": _by_table(some, "records")}
        yield from call_function(target, _call("mutation", DOCUMENTS_WRITE_FUNCTION, args))

    def write_all() -> Flow[bool]:
        for some in [[batch] for batch in batches] if in_order else [batches]:
            yield from side_by_side([in_parts(write, batch) for batch in some])
        return True

    return (yield from _or_handler(target, DOCUMENTS_WRITE_FUNCTION, write_all(), False))


def delete_rows(target: Target, keys: Sequence[tuple[str, str]]) -> Flow[bool]:
    """Delete rows, each by its partition and key; False, and nothing deleted, if it is missing.

    Cost: one round trip for every 1,000 keys, side by side; for fewer where the rows are too large
    to be read in one call.
    """

    def delete(some: list[tuple[str, str]]) -> Flow[None]:
        args = {"tables": _by_table(some, "keys")}
        yield from call_function(target, _call("mutation", DOCUMENTS_REMOVE_FUNCTION, args))

    def delete_all() -> Flow[bool]:
        parts = parts_of(keys, limits.DELETE_BATCH_IDS)
        yield from side_by_side([in_parts(delete, part) for part in parts])
        return True

    return (yield from _or_handler(target, DOCUMENTS_REMOVE_FUNCTION, delete_all(), False))


def _or_handler(target: Target, path: str, calls: Flow[R], default: D) -> Flow[R | D]:
    """Run *calls* of our function; *default*, if it is missing or fails for an unknown reason.

    A deployment that hides error texts does not say whether a call was too large; the handler may
    still do the same in smaller ones, and says so if it cannot. A function that failed has changed
    nothing, and what other calls wrote is written again by id.
    """
    try:
        return (yield from if_deployed(target, path, calls, default))
    except FunctionError as error:
        if not error.hidden:
            raise
        return default


def _by_table(placed: Iterable[tuple[str, Any]], name: str) -> list[Json]:
    tables: defaultdict[str, list[Any]] = defaultdict(list)
    for partition, one in placed:
        tables[partition].append(one)
    return [{"table": partition, name: some} for partition, some in tables.items()]


def _call(kind: Any, path: str, args: Json) -> FunctionCall:
    # Rows are written by id, so that a repetition changes nothing.
    return FunctionCall(kind, path, args, label=path, repeatable=True)
