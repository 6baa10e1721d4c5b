"""Workflow snapshots: found by workflow and run, merged atomically."""

from __future__ import annotations

import json
from typing import Any

import pytest

from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.errors import FunctionError
from tests.unit.embedded.storage import result, send

TABLE = "mastra_workflow_snapshot"


def store(backend: EmbeddedBackend, snapshot: Any, identity: str = "w-r") -> None:
    row = {"id": identity, "workflow_name": "w", "run_id": "r", "snapshot": snapshot}
    send(backend, "insert", TABLE, record={**row, "createdAt": "c", "updatedAt": "u"})


def stored(backend: EmbeddedBackend) -> Any:
    keys = {"workflow_name": "w", "run_id": "r"}
    return json.loads(result(backend, "load", TABLE, keys=keys)["snapshot"])


def merge_step(backend: EmbeddedBackend, step_result: Any, step: str = "s") -> Any:
    reply = send(
        backend,
        "mergeWorkflowStepResult",
        TABLE,
        workflowName="w",
        runId="r",
        stepId=step,
        result=json.dumps(step_result),
        requestContext='{"user":1}',
    )
    return json.loads(reply["result"]) if reply["ok"] else reply


def test_a_step_is_added_to_the_context(backend: EmbeddedBackend) -> None:
    store(backend, '{"context":{"input":{"b":1,"a":2}},"requestContext":{"old":1}}')
    context = merge_step(backend, {"status": "success", "output": 5})
    assert context == {"input": {"b": 1, "a": 2}, "s": {"status": "success", "output": 5}}
    after = stored(backend)
    assert after == {"context": context, "requestContext": {"old": 1, "user": 1}}
    assert list(after["context"]["input"]) == ["b", "a"]
    row = result(backend, "load", TABLE, keys={"id": "w-r"})
    assert row["updatedAt"] > "2026"


def test_outputs_of_a_loop_are_merged_item_by_item(backend: EmbeddedBackend) -> None:
    store(backend, '{"context":{"s":{"status":"running","output":[1,null,3,4]}}}')
    context = merge_step(backend, {"status": "success", "output": [None, 20, None]})
    assert context["s"] == {"status": "success", "output": [1, 20, 3, 4]}


def test_a_pending_marker_resets_what_is_suspended_and_nothing_else(
    backend: EmbeddedBackend,
) -> None:
    pending = {"__mastra_pending__": True}
    suspended = {"status": "suspended", "suspendPayload": {}}
    before = {"context": {"s": {"status": "old", "output": [suspended, 2, pending]}}}
    store(backend, json.dumps(before))
    context = merge_step(
        backend, {"status": "new", "output": [pending, pending, pending, pending, 9]}
    )
    assert context["s"] == {"status": "old", "output": [None, 2, None, None, None]}


def test_state_is_merged_at_the_top(backend: EmbeddedBackend) -> None:
    store(backend, {"context": {"s": {"n": 1}}, "status": "running"})
    merge = {"workflowName": "w", "runId": "r", "opts": '{"status":"done","5":1.5}'}
    text = result(backend, "mergeWorkflowState", TABLE, **merge)
    assert text == '{"5":1.5,"context":{"s":{"n":1}},"status":"done"}'
    assert stored(backend) == json.loads(text)


@pytest.mark.parametrize(
    ("snapshot", "error"),
    [
        ('{"status":"x"}', "Snapshot for runId r is missing or has invalid context"),
        ('{"context":""}', "Snapshot for runId r is missing or has invalid context"),
        ({}, "Snapshot for runId r is missing or has invalid context"),
    ],
)
def test_a_snapshot_without_context(backend: EmbeddedBackend, snapshot: Any, error: str) -> None:
    store(backend, snapshot)
    assert merge_step(backend, {}) == {"error": error, "ok": False}


def test_a_null_snapshot_is_an_empty_one(backend: EmbeddedBackend) -> None:
    store(backend, None)
    assert merge_step(backend, 1) == {"s": 1}
    assert stored(backend)["runId"] == "r"
    assert stored(backend)["status"] == "pending"


def test_a_missing_run_is_answered_and_a_broken_snapshot_fails(backend: EmbeddedBackend) -> None:
    assert merge_step(backend, {}) == {
        "error": "Workflow snapshot not found for runId r",
        "ok": False,
    }
    store(backend, "no json")
    with pytest.raises(FunctionError, match="is not valid JSON"):
        merge_step(backend, {})


def test_two_rows_of_one_run_are_an_error(backend: EmbeddedBackend) -> None:
    store(backend, "{}", "one")
    store(backend, "{}", "two")
    with pytest.raises(FunctionError, match=r"unique\(\) query returned more than one result from"):
        send(backend, "load", TABLE, keys={"workflow_name": "w", "run_id": "r"})
    hint = {"index": "by_workflow_run", "workflowName": "w", "runId": "r"}
    rows = result(backend, "queryTable", TABLE, indexHint=hint)
    assert [row["id"] for row in rows] == ["one", "two"]


def test_an_index_hint_for_another_table_fails(backend: EmbeddedBackend) -> None:
    with pytest.raises(FunctionError, match='Cannot use index "by_workflow" for table'):
        send(backend, "queryTable", "mastra_threads", indexHint={"index": "by_workflow"})


def test_a_snapshot_that_nests_too_deep_is_refused(backend: EmbeddedBackend) -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900
    store(backend, f'{{"context":{{}},"x":{deep}}}')
    with pytest.raises(FunctionError, match="Maximum call stack size exceeded"):
        merge_step(backend, {"status": "success"})
    assert stored(backend)["context"] == {}
