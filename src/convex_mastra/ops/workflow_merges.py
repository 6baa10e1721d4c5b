"""Merging into the state of a workflow run: one step's result, or some of its keys.

The handler does both inside its transaction since 1.2.1; before, this client reads the snapshot,
merges and writes it back. Called by the faces of ``store.workflows``.

Source: WorkflowsConvex of @mastra/convex 1.5.2 and src/server/workflow-snapshot.ts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from convex_mastra.errors import (
    InvalidArgumentError,
    NotFoundError,
    ProtocolError,
    StorageError,
)
from convex_mastra.flow import Flow
from convex_mastra.jsontext import dumps, loads_or_none
from convex_mastra.ops.abilities import call_or
from convex_mastra.ops.arguments import plain_object, required_object, required_text
from convex_mastra.ops.target import Target
from convex_mastra.ops.workflows import load_workflow_snapshot, persist_workflow_snapshot
from convex_mastra.step_results import merged_result
from convex_mastra.values import RESERVED_KEY, check_document_size, measure
from convex_mastra.wire import WORKFLOW_SNAPSHOTS

_GUARD: Final = "expectedStatus"


def update_workflow_results(
    target: Target,
    workflow_name: str,
    run_id: str,
    step_id: str,
    result: Mapping[str, Any],
    *,
    request_context: Mapping[str, Any] | None = None,
) -> Flow[dict[str, Any]]:
    """Store the result of a step, and add *request_context* to that of the run.

    The outputs of a ``forEach`` step are merged item by item, so that its parallel items may
    report one by one.

    Args:
        result: as Mastra has it: ``{"status": "success", "output": 1, "payload": {}, …}``.

    Returns:
        The results of all steps as they now are, by step.

    Raises:
        NotFoundError: there is no such run.
        InvalidArgumentError: an empty name or step, or no JSON.
        LimitExceededError: the result alone is larger than a Convex document (1 MiB).

    Cost: one round trip. A handler from before 1.2.1 takes three, and loses what another writer
    stores in between.
    """
    _check_names(workflow_name, run_id)
    if required_text(step_id, "step_id") == RESERVED_KEY:
        raise InvalidArgumentError(
            f"step_id {step_id!r} is lost by every JavaScript reader.", field="step_id"
        )
    context = plain_object(request_context, "request_context")
    step_result = required_object(result, "result")
    args = {
        "stepId": step_id,
        "result": _checked_text(step_result, "result"),
        "requestContext": _checked_text(context, "request_context"),
    }

    def merge(snapshot: dict[str, Any]) -> dict[str, Any]:
        results = {
            **snapshot["context"],
            step_id: merged_result(snapshot["context"].get(step_id), step_result),
        }
        before = snapshot.get("requestContext")
        before = before if isinstance(before, dict) else {}
        return snapshot | {"context": results, "requestContext": before | context}

    def older() -> Flow[str]:
        merged = yield from _merge_here(target, workflow_name, run_id, merge)
        return dumps(merged["context"], "result")

    return (
        yield from _merge(target, "mergeWorkflowStepResult", workflow_name, run_id, args, older)
    )


def update_workflow_state(
    target: Target, workflow_name: str, run_id: str, state: Mapping[str, Any]
) -> Flow[dict[str, Any]]:
    """Set keys of a run's state; the others stay.

    Args:
        state: under Mastra's own keys, e.g. ``{"status": "suspended", "suspendedPaths": {}}``.
            ``expectedStatus`` is refused: newer versions of Mastra mean a guard by it, which the
            handlers up to 1.5.2 do not check, but store.

    Returns:
        The snapshot as it now is.

    Raises:
        NotFoundError: there is no such run.
        InvalidArgumentError: an empty name, or a state that is no JSON object.
        LimitExceededError: the state alone is larger than a Convex document (1 MiB).

    Cost: as of ``update_workflow_results``: one round trip.
    """
    _check_names(workflow_name, run_id)
    changes = required_object(state, "state")
    if _GUARD in changes:
        raise InvalidArgumentError(
            f"state.{_GUARD} is a guard that the handler does not check.", field=f"state.{_GUARD}"
        )
    args = {"opts": _checked_text(changes, "state")}

    def older() -> Flow[str]:
        merged = yield from _merge_here(
            target, workflow_name, run_id, lambda stored: stored | changes
        )
        return dumps(merged, "state")

    return (yield from _merge(target, "mergeWorkflowState", workflow_name, run_id, args, older))


def _merge(
    target: Target,
    op: str,
    workflow_name: str,
    run_id: str,
    args: Mapping[str, str],
    older: Callable[[], Flow[str]],
) -> Flow[dict[str, Any]]:
    request = {"workflowName": workflow_name, "runId": run_id, **args}
    try:
        text = yield from call_or(target, op, WORKFLOW_SNAPSHOTS, request, older)
    except StorageError as error:
        if error.message == _not_found(run_id).message:
            raise _not_found(run_id) from None
        raise
    merged = loads_or_none(text)
    if not isinstance(merged, dict):
        raise ProtocolError(f"{op} returned no JSON object.", operation=op)
    return merged


def _merge_here(
    target: Target,
    workflow_name: str,
    run_id: str,
    merge: Callable[[dict[str, Any]], dict[str, Any]],
) -> Flow[dict[str, Any]]:
    """Do what an older handler cannot: read, merge, write back. Not atomic."""
    snapshot = yield from load_workflow_snapshot(target, workflow_name, run_id)
    if snapshot is None:
        raise _not_found(run_id)
    if not isinstance(snapshot.get("context"), dict):
        raise StorageError(
            f"Snapshot for runId {run_id} is missing or has invalid context",
            operation=f"queryTable {WORKFLOW_SNAPSHOTS}",
        )
    merged = merge(snapshot)
    yield from persist_workflow_snapshot(target, workflow_name, run_id, merged)
    return merged


def _check_names(workflow_name: Any, run_id: Any) -> None:
    required_text(workflow_name, "workflow_name")
    required_text(run_id, "run_id")


def _checked_text(value: Any, field: str) -> str:
    text = dumps(value, field)
    check_document_size(measure(text, field), field)
    return text


def _not_found(run_id: str) -> NotFoundError:
    return NotFoundError(f"Workflow snapshot not found for runId {run_id}")
