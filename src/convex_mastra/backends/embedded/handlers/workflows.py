"""Merging into workflow snapshots, atomically: one step's result, or parts of the state.

Re-tells src/server/workflow-snapshot.ts and its two callers in src/server/storage.ts. A snapshot
is one JSON text (an object in rows from before 1.0.10) and stays one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from convex_mastra import timestamps
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers.replies import failed, ok, unsupported
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.js.json import from_convex, parse, stringify
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import WORKFLOW_SNAPSHOTS, Table
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.step_results import merged_result
from convex_mastra.wire import Json


def _merge_step_result(transaction: Transaction, row: Row, snapshot: Json, request: Json) -> Json:
    result = parse(js.get(request, "result"))
    request_context = parse(js.get(request, "requestContext"))
    step = js.to_string(js.get(request, "stepId"))
    context = snapshot["context"]
    if type(context) is not dict:
        kind = js.kind(context)
        raise Thrown(f"Cannot create property '{step}' on {kind} '{js.to_string(context)}'")
    context[step] = _merged(context.get(step), result)
    snapshot["requestContext"] = js.spread(js.get(snapshot, "requestContext")) | js.spread(
        request_context
    )
    _store(transaction, row, snapshot)
    return ok(stringify(context))


def _merge_state(transaction: Transaction, row: Row, snapshot: Json, request: Json) -> Json:
    merged = snapshot | js.spread(parse(js.get(request, "opts")))
    _store(transaction, row, merged)
    return ok(stringify(merged))


def _merged(existing: Any, result: Any) -> Any:
    if js.truthy(existing):
        js.has(existing, "output")  # throws for what is no object, as JavaScript's ``in`` does
    return merged_result(existing, result)


def _parse(stored: Any, run_id: Any) -> Any:
    if type(stored) is str:
        return parse(stored)
    if stored is None:
        return _empty_snapshot(run_id)
    return parse(stringify(from_convex(stored)))


def _empty_snapshot(run_id: Any) -> Json:
    return {
        "context": {},
        "activePaths": [],
        "activeStepsPath": {},
        "timestamp": js.now(),
        "suspendedPaths": {},
        "resumeLabels": {},
        "serializedStepGraph": [],
        "value": {},
        "waitingPaths": {},
        "status": "pending",
        "runId": run_id,
    }


def _store(transaction: Transaction, row: Row, snapshot: Json) -> None:
    now = timestamps.to_text(datetime.now(UTC))
    transaction.patch(row, {"snapshot": stringify(snapshot), "updatedAt": now})


_MERGES: Final[dict[str, Callable[[Transaction, Row, Json, Json], Json]]] = {
    "mergeWorkflowStepResult": _merge_step_result,
    "mergeWorkflowState": _merge_state,
}
OPERATIONS: Final = frozenset(_MERGES)


def handle(transaction: Transaction, table: Table, request: Json) -> Json:
    """Run one of ``OPERATIONS``."""
    if table is not WORKFLOW_SNAPSHOTS:
        return unsupported(request, for_table=True)
    run_id = js.get(request, "runId")
    row = transaction.unique(table, "by_workflow_run", js.get(request, "workflowName"), run_id)
    if row is None:
        return failed(f"Workflow snapshot not found for runId {js.to_string(run_id)}")
    snapshot = _parse(row.document["snapshot"], run_id)
    if not js.truthy(js.get(snapshot, "context")):
        return failed(
            f"Snapshot for runId {js.to_string(run_id)} is missing or has invalid context"
        )
    return _MERGES[request["op"]](transaction, row, snapshot, request)
