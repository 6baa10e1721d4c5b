"""What one call may read, and what old or broken handlers answer: the operations over a fake place.

The deployment here refuses to read more than ``READABLE`` bytes in one call, as Convex does at
16 MiB, and its rows are as large as a test says.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import pytest

from convex_mastra import ConvexMastraError, FunctionError, ProtocolError, ScanLimitError
from convex_mastra.flow import Flow, run
from convex_mastra.limits import SCAN_ROWS
from convex_mastra.ops import documents, messages, threads, vector_indexes, vector_reads
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.storage import (
    delete_rows,
    upsert_rows,
)
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_search import query
from convex_mastra.retries import RetryPolicy
from convex_mastra.wire import FunctionCall

READABLE = 16
TARGET = Target(RetryPolicy(attempts=1, budget_s=0, wait_initial_s=0, wait_max_s=0))


class Place:
    """Rows of one table, each of *size*; runs the storage operations on them."""

    max_in_flight = 1

    def __init__(self, count: int, size: int) -> None:
        self.rows = {f"r{i:03d}": size for i in range(count)}
        self.calls: list[str] = []

    def send(self, call: FunctionCall, /) -> Any:
        args = call.args
        self.calls.append(args["op"])
        limit = {"clearTable": 26, "queryTable": 2 * args.get("limit", SCAN_ROWS)}
        records = [record["id"] for record in args.get("records", ())]
        touched = args.get("ids") or records or list(self.rows)[: limit[args["op"]]]
        if sum(self.rows.get(row_id, 0) for row_id in touched) > READABLE:
            raise FunctionError("Too many bytes read in a single function execution")
        result = None
        if args["op"] == "queryTable":
            result = [{"id": row_id} for row_id in touched][: args.get("limit")]
        elif args["op"] == "batchInsert":
            self.rows |= dict.fromkeys(touched, 1)
        else:
            for row_id in touched[:25] if args["op"] == "clearTable" else touched:
                self.rows.pop(row_id, None)
        has_more = args["op"] == "clearTable" and len(touched) > 25
        return {"ok": True, "result": result, "hasMore": has_more}

    async def asend(self, call: FunctionCall, /) -> Any:
        return self.send(call)

    def executor(self) -> Executor:
        raise NotImplementedError("one call at a time")


def test_large_rows_are_deleted_in_smaller_parts() -> None:
    place = Place(40, 3)
    run(delete_rows(TARGET, "t", list(place.rows)), place)
    assert place.rows == {}
    place = Place(5, READABLE + 1)
    with pytest.raises(FunctionError, match="Too many bytes read"):
        run(delete_rows(TARGET, "t", list(place.rows)), place)


def test_large_rows_are_replaced_in_smaller_parts() -> None:
    place = Place(40, 3)
    run(upsert_rows(TARGET, "t", [[{"id": row_id} for row_id in place.rows]]), place)
    assert set(place.rows.values()) == {1}
    assert place.calls.count("batchInsert") > 1


def test_a_table_of_large_rows_is_cleared() -> None:
    place = Place(60, 2)
    run(clear_table(TARGET, "t"), place)
    assert place.rows == {}
    assert "queryTable" in place.calls
    place = Place(60, 0)
    run(clear_table(TARGET, "t"), place)
    assert place.calls == ["clearTable"] * 3


class Answering(Place):
    """Answers every storage operation with what *answer* makes of its arguments."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        super().__init__(0, 0)
        self.answer = answer

    def send(self, call: FunctionCall, /) -> Any:
        if "op" not in call.args:
            raise FunctionError("Could not find public function")
        return self.answer(call.args)


def test_a_handler_without_pages_does_not_cut_an_index_short() -> None:
    def scan(rows: int) -> Any:
        reply = [{"id": str(i), "embedding": [1.0, 0.0]} for i in range(rows)]
        place = Answering(lambda _args: {"ok": True, "result": reply})
        return run(vector_reads.list_vectors(TARGET, "docs"), place)

    assert len(scan(SCAN_ROWS - 1)) == SCAN_ROWS - 1
    with pytest.raises(ScanLimitError) as caught:
        scan(SCAN_ROWS)
    assert caught.value.limit == SCAN_ROWS


def test_a_page_that_was_too_large_stays_small() -> None:
    sizes: list[int] = []

    def answer(args: dict[str, Any]) -> Any:
        sizes.append(args["pageSize"])
        if args["pageSize"] > 300:
            return {"ok": False, "error": "Too many bytes read in a single function execution"}
        page = len(sizes)
        rows = [{"id": str(page), "embedding": [1.0, 0.0]}]
        return {"ok": True, "result": rows, "hasMore": page < 12, "continuationCursor": str(page)}

    run(vector_reads.list_vectors(TARGET, "docs"), Answering(answer))
    assert sum(size > 300 for size in sizes) == 1


ROW = {"id": "a", "thread_id": "t", "role": "user", "content": "x", "createdAt": "2026"}
OPERATIONS: list[Callable[[], Flow[Any]]] = [
    lambda: threads.get_thread_by_id(TARGET, "t"),
    lambda: threads.update_thread(TARGET, "t", title="x"),
    lambda: threads.list_threads(TARGET),
    lambda: threads.delete_thread(TARGET, "t"),
    lambda: messages.list_messages(TARGET, "t"),
    lambda: messages.list_messages_by_id(TARGET, ["a"]),
    lambda: vector_indexes.list_indexes(TARGET),
    lambda: vector_indexes.describe_index(TARGET, "docs"),
    lambda: vector_reads.get_vectors(TARGET, "docs", ["a"]),
    lambda: query(TARGET, "docs", [1.0, 0.0]),
    lambda: documents.get_many(TARGET, "p", ["a"]),
]


@pytest.mark.parametrize(
    "result",
    [
        7,
        [None],
        [[]],
        [{}],
        [{"id": 7}],
        {"id": 7},
        [{**ROW, "id": None, "embedding": "x", "dimension": "x"}],
        {"id": "a", "dimension": None, "createdAt": None, "_creationTime": "x"},
        [{**ROW, "role": 7, "embedding": {}, "version": "v", "parts": "x", "resourceId": 7}],
    ],
)
def test_garbage_is_a_protocol_error(result: Any) -> None:
    place = Answering(lambda _args: {"ok": True, "result": result})
    for operation in OPERATIONS:
        try:
            run(operation(), place)
        except ConvexMastraError as error:
            assert isinstance(error, ProtocolError)  # noqa: PT017 - some can live with it
