"""Rows that go away, or cannot be written, while an older handler's way round an operation runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import pytest

from convex_mastra import FunctionError, MessageUpdate
from convex_mastra.flow import run
from convex_mastra.ops import older, threads
from convex_mastra.ops.message_writes import update_messages
from convex_mastra.ops.target import Target
from convex_mastra.retries import RetryPolicy
from convex_mastra.wire import THREADS, FunctionCall

THREAD = {
    "id": "t",
    "resourceId": "r",
    "title": "x",
    "createdAt": "2026-01-02T03:04:05.678Z",
    "updatedAt": "2026-01-02T03:04:05.678Z",
    "columnOfAnotherVersion": 7,
}


class Handler:
    """Knows the operations of 1.0.6; no row is whole enough for it to be a new one."""

    max_in_flight = 1

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = {row["id"]: row for row in rows}
        self.sent: list[tuple[str, Any]] = []
        self.after_load: Callable[[], None] = lambda: None
        self.refuses_writes = False

    def send(self, call: FunctionCall, /) -> Any:
        op, args = call.args["op"], call.args
        self.sent.append((op, args.get("record") or args.get("records")))
        result = None
        if op == "load":
            result = self.rows.get(args["keys"]["id"])
            self.after_load()
        elif op in ("insert", "batchInsert"):
            for record in args.get("records") or [args["record"]]:
                if self.refuses_writes or record["id"] not in self.rows:
                    raise FunctionError("[Request ID: x] Server Error")
                self.rows[record["id"]] = self.rows[record["id"]] | record
        else:
            return {"ok": False, "error": f"Unsupported operation {op}"}
        return {"ok": True, "result": result}

    async def asend(self, call: FunctionCall, /) -> Any:
        return self.send(call)

    def executor(self) -> Executor:
        raise NotImplementedError("one call at a time")


@pytest.fixture
def target() -> Target:
    return Target(RetryPolicy(attempts=1, budget_s=0, wait_initial_s=0, wait_max_s=0))


def test_columns_that_are_not_changed_are_not_written(target: Target) -> None:
    handler = Handler(THREAD)
    run(threads.touch_thread(target, "t"), handler)
    operation, record = handler.sent[-1]
    assert (operation, set(record)) == ("insert", {"id", "updatedAt"})
    updated = run(threads.update_thread(target, "t", title="y", metadata={"a": 1}), handler)
    assert (updated.title, updated.extra) == ("y", {"columnOfAnotherVersion": 7})
    assert set(handler.sent[-1][1]) == {"id", "title", "metadata", "updatedAt"}


def test_a_row_deleted_meanwhile_stays_deleted(target: Target) -> None:
    handler = Handler(THREAD)
    handler.after_load = handler.rows.clear
    assert run(older.patch(target, THREADS, "t", {"title": "y"}), handler) is False
    assert handler.rows == {}
    assert [operation for operation, _ in handler.sent] == ["load", "insert", "load"]


def test_a_change_that_is_refused_is_an_error(target: Target) -> None:
    handler = Handler(THREAD)
    handler.refuses_writes = True
    with pytest.raises(FunctionError, match="Server Error"):
        run(older.patch(target, THREADS, "t", {"title": "y"}), handler)
    assert handler.rows == {"t": THREAD}


def test_a_message_without_type_or_time_of_today_is_changed_in_place(target: Target) -> None:
    message = {
        "id": "m",
        "thread_id": "t",
        "role": "user",
        "content": "hello",
        "createdAt": 1767323045678.0,
        "columnOfAnotherVersion": 7,
    }
    handler = Handler(message, THREAD)
    change = MessageUpdate(id="m", content={"metadata": {"seen": True}})
    (updated,) = run(update_messages(target, [change]), handler)
    assert updated.extra == {"columnOfAnotherVersion": 7}
    assert set(handler.rows) == {"m", "t"}
    assert handler.rows["m"] == message | {"content": handler.rows["m"]["content"]}
    assert target.abilities == {
        f"{target.storage_function} loadMany": False,
        f"{target.storage_function} patch": False,
    }
