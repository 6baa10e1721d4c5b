"""Operations on workflow runs: ``mastra_workflow_snapshots``.

Behaves as WorkflowsConvex of @mastra/convex 1.5.2, and does better where it loses rows: runs whose
names share a row id never overwrite or delete each other, and rows from before 1.0.1, which have no
id, get no second row beside them. Called by the faces of ``store.workflows``; merging into a
snapshot is in ``workflow_merges``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from convex_mastra.errors import InvalidArgumentError, UnsupportedOperationError
from convex_mastra.flow import Flow
from convex_mastra.jsontext import dumps
from convex_mastra.ops import paging
from convex_mastra.ops.arguments import required_object, required_text
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.storage import (
    delete_rows,
    load,
    query_rows,
)
from convex_mastra.ops.target import Target
from convex_mastra.ops.workflow_rows import (
    KEY_COLUMN,
    find_rows,
    find_rows_of_any_workflow,
    newest_of_each,
    replace_in_row_without_id,
)
from convex_mastra.records import (
    PerPage,
    Row,
    WorkflowRun,
    WorkflowRunPage,
    workflow_row_id,
    workflow_run_from_row,
)
from convex_mastra.timestamps import checked, to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import WORKFLOW_SNAPSHOTS


def persist_workflow_snapshot(
    target: Target,
    workflow_name: str,
    run_id: str,
    snapshot: Mapping[str, Any],
    *,
    resource_id: str | None = None,
    created_at: datetime | None = None,
    updated_at: datetime | None = None,
) -> Flow[None]:
    """Store the state of a run, in place of the one that is stored.

    Args:
        snapshot: any JSON object; comes back exactly, until a handler merges into it.
        resource_id: whom the run belongs to; None keeps what is stored.
        created_at: of a run that is not stored yet; now by default. A stored run keeps its own.
        updated_at: now by default.

    Raises:
        InvalidArgumentError: an empty name, a snapshot that is no JSON object; or the run shares
            its row id with another, which this would overwrite (``a-b``, ``c`` and ``a``, ``b-c``).
        LimitExceededError: the snapshot is larger than a Convex document (1 MiB).
        UnsupportedOperationError: the row is from before 1.0.1, and the deployed handler too old
            to change it.

    Cost: two round trips; three for a run that is not stored yet.
    """
    row_id = _checked_row_id(workflow_name, run_id)
    text = dumps(required_object(snapshot, "snapshot"), "snapshot")
    now = target.clock.now()
    created = now if created_at is None else checked(created_at, "created_at")
    updated = now if updated_at is None else checked(updated_at, "updated_at")
    row: Row = {
        "id": row_id,
        "workflow_name": workflow_name,
        "run_id": run_id,
        "snapshot": text,
        "createdAt": to_text(created),
        "updatedAt": to_text(updated),
    }
    if resource_id is not None:
        row["resourceId"] = required_text(resource_id, "resource_id")
    check_document_size(measure(row, "snapshot"), "snapshot")

    stored = yield from load(target, WORKFLOW_SNAPSHOTS, row_id)
    if stored is None:
        older = yield from find_rows(target, workflow_name, run_id)
        if older:
            yield from replace_in_row_without_id(target, older[0], snapshot)
            return
    elif not _is_of(stored, workflow_name, run_id):
        raise InvalidArgumentError(
            f"The run {run_id!r} of {workflow_name!r} would overwrite the run "
            f"{stored.get('run_id')!r} of {stored.get('workflow_name')!r}: Mastra keeps both under "
            f"the id {row_id!r}. Choose a run id without '-'.",
            field="run_id",
        )
    else:
        row["createdAt"] = stored.get("createdAt") or row["createdAt"]
    yield from call_storage(target, "insert", WORKFLOW_SNAPSHOTS, record=row)


def load_workflow_snapshot(
    target: Target, workflow_name: str, run_id: str
) -> Flow[dict[str, Any] | None]:
    """Return the state of a run, or None if there is none. One round trip."""
    required_text(workflow_name, "workflow_name")
    run = yield from get_workflow_run_by_id(target, run_id, workflow_name=workflow_name)
    return None if run is None else run.snapshot


def get_workflow_run_by_id(
    target: Target, run_id: str, *, workflow_name: str | None = None
) -> Flow[WorkflowRun | None]:
    """Return a run, or None if there is none.

    Args:
        workflow_name: without it, the first run of that id among all workflows.

    Raises:
        ScanLimitError: without *workflow_name*, the deployment reads less in one call than it holds.

    Cost: one round trip. Without *workflow_name* the handler reads its whole table for it, and the
    first such call of a backend makes one round trip more, to ask how old the handler is.
    """
    required_text(run_id, "run_id")
    if workflow_name is not None:
        required_text(workflow_name, "workflow_name")
        rows = yield from find_rows(target, workflow_name, run_id)
    else:
        rows = yield from find_rows_of_any_workflow(target, run_id)
    return workflow_run_from_row(rows[0]) if rows else None


def list_workflow_runs(
    target: Target,
    *,
    workflow_name: str | None = None,
    from_date: datetime | None = None,
    to_date: datetime | None = None,
    resource_id: str | None = None,
    status: str | None = None,
    page: int = 0,
    per_page: PerPage = False,
) -> Flow[WorkflowRunPage]:
    """Return runs, the newest first.

    Args:
        workflow_name, resource_id, status: only runs of these.
        from_date, to_date: only runs created between them; both belong to the range.
        page: counted from 0; of no meaning when all are returned.
        per_page: runs a page; False, the default, for all.

    Raises:
        InvalidArgumentError: a page that Mastra refuses, a date without zone, an empty name.
        ScanLimitError: there are more runs than the deployment reads in one call.

    Cost: one round trip, which reads the snapshots of all runs of the workflow, of the resource,
    or there are. The first call of a backend with both makes one more, to ask how old the handler
    is.
    """
    paging.check_message_page(page, per_page)
    start = from_date and checked(from_date, "from_date")
    end = to_date and checked(to_date, "to_date")
    filters: dict[str, str] = {}
    also: dict[str, str] = {}
    if workflow_name is not None:
        filters["workflow_name"] = required_text(workflow_name, "workflow_name")
    if resource_id is not None:
        required_text(resource_id, "resource_id")
        (also if filters else filters)["resourceId"] = resource_id
    if status is not None:
        required_text(status, "status")
    rows = yield from query_rows(
        target, WORKFLOW_SNAPSHOTS, filters, also=also, key_column=KEY_COLUMN
    )
    runs = [
        run
        for run in map(workflow_run_from_row, newest_of_each(rows))
        if (start is None or run.created_at >= start)
        and (end is None or run.created_at <= end)
        and (status is None or run.status == status)
    ]
    runs.sort(key=lambda run: run.created_at, reverse=True)
    return WorkflowRunPage(runs=paging.cut_page(runs, page, per_page), total=len(runs))


def delete_workflow_run_by_id(target: Target, run_id: str, *, workflow_name: str) -> Flow[None]:
    """Delete a run; no error if there is none. A run that shares its row id is left alone.

    Raises:
        UnsupportedOperationError: its row is from before 1.0.1 and has no id, by which alone a
            handler deletes.

    Cost: two round trips.
    """
    _checked_row_id(workflow_name, run_id)
    rows = yield from find_rows(target, workflow_name, run_id)
    if any("id" not in row for row in rows):
        raise UnsupportedOperationError(
            f"The run {run_id!r} of {workflow_name!r} is stored in a row from before "
            "@mastra/convex 1.0.1, which has no id; no handler can delete it. Nothing was deleted. "
            "Delete the row in the dashboard of the deployment.",
            operation=f"deleteMany {WORKFLOW_SNAPSHOTS}",
        )
    if rows:
        yield from delete_rows(target, WORKFLOW_SNAPSHOTS, [row["id"] for row in rows])


def dangerously_clear_all(target: Target) -> Flow[None]:
    """Delete all runs of all workflows. One round trip for every 25."""
    yield from clear_table(target, WORKFLOW_SNAPSHOTS)


def _is_of(row: Row, workflow_name: str, run_id: str) -> bool:
    return (row.get("workflow_name"), row.get("run_id")) == (workflow_name, run_id)


def _checked_row_id(workflow_name: Any, run_id: Any) -> str:
    return workflow_row_id(
        required_text(workflow_name, "workflow_name"), required_text(run_id, "run_id")
    )
