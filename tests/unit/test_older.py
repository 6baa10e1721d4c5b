"""Rows that go away, or cannot be written, while an older handler's way round an operation runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import pytest

from convex_mastra import FunctionError, MessageUpdate, ScanLimitError, limits
from convex_mastra.flow import Flow, run
from convex_mastra.ops import older, scores, threads, workflows
from convex_mastra.ops.abilities import ABILITIES, probe
from convex_mastra.ops.message_writes import update_messages
from convex_mastra.ops.target import Target
from convex_mastra.retries import RetryPolicy
from convex_mastra.wire import SCORERS, THREADS, WORKFLOW_SNAPSHOTS, FunctionCall

THREAD = {
    "id": "t",
    "resourceId": "r",
    "title": "x",
    "createdAt": "2026-01-02T03:04:05.678Z",
    "updatedAt": "2026-01-02T03:04:05.678Z",
    "columnOfAnotherVersion": 7,
}

INDEXED = {SCORERS: ("runId", "scorerId"), WORKFLOW_SNAPSHOTS: ("workflow_name",)}


class Handler:
    """Knows the operations of 1.0.6; no row is whole enough for it to be a new one."""

    max_in_flight = 1

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = {row["id"]: row for row in rows}
        self.sent: list[tuple[str, Any]] = []
        self.after_load: Callable[[], None] = lambda: None
        self.refuses_writes = False
        self.knows_all = False

    def send(self, call: FunctionCall, /) -> Any:
        op, args = call.args["op"], call.args
        self.sent.append((op, args.get("record") or args.get("records")))
        result = None
        if op == "load":
            result = self.rows.get(args["keys"]["id"])
            self.after_load()
        elif op == "queryTable":
            result = self.query(args["tableName"], args["filters"])
        elif op in ("insert", "batchInsert"):
            for record in args.get("records") or [args["record"]]:
                if self.refuses_writes or record["id"] not in self.rows:
                    raise FunctionError("[Request ID: x] Server Error")
                self.rows[record["id"]] = self.rows[record["id"]] | record
        elif not self.knows_all:
            return {"ok": False, "error": f"Unsupported operation {op}"}
        return {"ok": True, "result": result}

    def query(self, table: str, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Cut what the index finds, and compare the other columns then."""
        matches = {one["field"]: one["value"] for one in filters}
        indexed = {name: matches[name] for name in INDEXED[table] if name in matches}
        found = [row for row in self.rows.values() if indexed.items() <= row.items()]
        return [row for row in found[: limits.SCAN_ROWS] if matches.items() <= row.items()]

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


def make_row(number: int, owner: str) -> dict[str, Any]:
    """A score and a workflow run in one."""
    texts = ("scorerId", "runId", "traceId", "spanId", "source")
    score = {"score": 1, "projectId": owner, "scorer": {}, "input": None, "output": None}
    workflow_run = {"workflow_name": "w", "run_id": f"{number}", "resourceId": owner}
    times = {name: THREAD[name] for name in ("createdAt", "updatedAt")}
    row = {"id": f"s{number}", "snapshot": "{}", **dict.fromkeys(texts, "x"), **times}
    return row | score | workflow_run


@pytest.mark.parametrize(
    "listing",
    [
        lambda target: scores.list_scores_by_scorer_id(target, "x", project_id="mine"),
        lambda target: scores.list_scores_by_run_id(target, "x", project_id="mine"),
        lambda target: scores.list_scores_by_span(target, "x", "x", project_id="mine"),
        lambda target: workflows.list_workflow_runs(target, workflow_name="w", resource_id="mine"),
    ],
    ids=["scorer", "run", "span", "workflow"],
)
def test_a_filter_that_no_index_covers_does_not_hide_rows(
    target: Target, listing: Callable[[Target], Flow[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SCAN_ROWS", 5)
    owners = ["other", "other", "other", "mine"]
    assert run(listing(target), Handler(*map(make_row, range(4), owners))).total == 1
    with pytest.raises(ScanLimitError):
        run(listing(target), Handler(*map(make_row, range(6), [*owners, "mine", "mine"])))


def test_what_was_refused_is_asked_again_once_a_newer_handler_was_found(target: Target) -> None:
    message = make_row(0, "r") | {"thread_id": "t", "role": "user", "content": "x"}
    handler = Handler(message | {"id": "m"}, THREAD)
    run(update_messages(target, [MessageUpdate(id="m", role="assistant")]), handler)
    run(threads.update_thread(target, "t", title="y"), handler)
    assert set(target.abilities.values()) == {False}
    handler.knows_all = True
    for ability in ABILITIES:
        run(probe(target, ability), handler)
    assert set(target.abilities.values()) == {True}
    handler.sent.clear()
    run(threads.touch_thread(target, "t"), handler)
    assert [operation for operation, _ in handler.sent] == ["patch"]
