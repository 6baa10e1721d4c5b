"""Workflow runs in two languages: npm's store and ours on the same snapshots.

On the dev server and on the reference deployment; the JavaScript is the packages' own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra import ConvexStore
from convex_mastra.timestamps import to_text
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
SNAPSHOT: dict[str, Any] = {
    "runId": "r",
    "status": "suspended",
    "context": {"input": {"$schema": "x", "größe": 1}, "z": {"status": "success", "output": [1]}},
    "suspendedPaths": {"b": [1]},
    "requestContext": {"user": "ann"},
    "timestamp": 1_795_309_847_410,
}
RESULT = {"status": "success", "output": {"$x": "é", "n": 1.5}, "payload": {}}


def mastra(deployment: Deployment, *steps: tuple[str, dict[str, Any]]) -> list[Any]:
    """What npm's workflows domain returns for each call."""
    results: list[Any] = run_node(
        "workflows.ts",
        {
            "url": deployment.url,
            "key": deployment.admin_key,
            "steps": [{"method": method, "args": args} for method, args in steps],
        },
    )
    return results


def test_mastra_goes_on_where_python_stopped(deployment: Deployment, unique: Unique) -> None:
    name = unique("wf")
    run = {"workflowName": name, "runId": "r"}
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        store.workflows.persist_workflow_snapshot(
            name, "r", SNAPSHOT, resource_id="ann", created_at=START, updated_at=START
        )
        loaded, found, listed, context, state = mastra(
            deployment,
            ("loadWorkflowSnapshot", run),
            ("getWorkflowRunById", {"runId": "r", "workflowName": name}),
            ("listWorkflowRuns", {"workflowName": name, "status": "suspended"}),
            (
                "updateWorkflowResults",
                {**run, "stepId": "b", "result": RESULT, "requestContext": {"k": 1}},
            ),
            ("updateWorkflowState", {**run, "opts": {"status": "success", "result": {"$r": 1}}}),
        )
        assert str(loaded) == str(SNAPSHOT)
        times = {"createdAt": to_text(START), "updatedAt": to_text(START)}
        assert found == {**run, "snapshot": SNAPSHOT, "resourceId": "ann", **times}
        assert listed == {"runs": [found], "total": 1}
        after = store.workflows.get_workflow_run_by_id("r", workflow_name=name)
    assert after is not None
    assert after.snapshot == state
    assert after.snapshot["context"] == context == SNAPSHOT["context"] | {"b": RESULT}
    assert after.snapshot["requestContext"] == {"user": "ann", "k": 1}
    assert after.created_at == START < after.updated_at


def test_python_goes_on_where_mastra_stopped(deployment: Deployment, unique: Unique) -> None:
    name, run_id = unique("wf"), unique("r")
    run = {"workflowName": name, "runId": run_id}
    mastra(
        deployment,
        (
            "persistWorkflowSnapshot",
            {**run, "snapshot": SNAPSHOT, "resourceId": "ann", "createdAt": to_text(START)},
        ),
    )
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        workflows = store.workflows
        found = workflows.get_workflow_run_by_id(run_id)
        assert found is not None
        assert str(found.snapshot) == str(SNAPSHOT)
        assert (found.workflow_name, found.resource_id, found.created_at) == (name, "ann", START)
        context = workflows.update_workflow_results(name, run_id, "b", RESULT)
        state = workflows.update_workflow_state(name, run_id, {"status": "success"})
        assert mastra(deployment, ("loadWorkflowSnapshot", run)) == [state]
        assert state["context"] == context == SNAPSHOT["context"] | {"b": RESULT}
        workflows.persist_workflow_snapshot(name, run_id, {"status": "success"})
        (listed,) = mastra(deployment, ("listWorkflowRuns", {"workflowName": name}))
        assert listed["total"] == 1
        assert listed["runs"][0]["snapshot"] == {"status": "success"}
        assert listed["runs"][0]["createdAt"] == to_text(START)
        workflows.delete_workflow_run_by_id(run_id, workflow_name=name)
        assert mastra(deployment, ("getWorkflowRunById", run)) == [None]
        assert mastra(deployment, ("deleteWorkflowRunById", run)) == [None]
