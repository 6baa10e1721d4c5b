"""The typed records of workflow runs, and how each is read from its row.

Below are the columns of ``mastra_workflow_snapshots``, of every generation: a snapshot is a JSON
text, an object in rows from before 1.0.10; rows from before 1.0.1 have no ``id``. Called by the
operations; sends nothing.

Source: @mastra/core 1.71 TABLE_SCHEMAS, @mastra/convex 1.5.2 dist/storage/domains/workflows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import field

from convex_mastra.records import columns
from convex_mastra.records.columns import SYSTEM_COLUMNS, Row
from convex_mastra.records.record import Record

WORKFLOW_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "workflow_name", "run_id", "resourceId", "snapshot", "createdAt", "updatedAt")
)


class WorkflowRun(Record, frozen=True, kw_only=True):
    """One run of a workflow.

    Attributes:
        snapshot: its state as Mastra keeps it, under Mastra's own keys: ``status``, ``context``
            (the results by step), ``suspendedPaths``, ``result``, ``error``, …
        resource_id: whom it belongs to, if to anybody.
        extra: columns this version does not know.
    """

    workflow_name: str
    run_id: str
    snapshot: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    resource_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str | None:
        """``running``, ``success``, ``failed``, ``suspended``, …: what the snapshot says."""
        status = self.snapshot.get("status")
        return status if isinstance(status, str) else None


class WorkflowRunPage(Record, frozen=True, kw_only=True):
    """Some runs of workflows. *total* counts all that match."""

    runs: list[WorkflowRun]
    total: int


def workflow_run_from_row(row: Row) -> WorkflowRun:
    """Read a row of ``mastra_workflow_snapshots``, of any generation."""
    return WorkflowRun(
        workflow_name=columns.text(row, "workflow_name"),
        run_id=columns.text(row, "run_id"),
        snapshot=_snapshot(row),
        created_at=columns.moment(row, "createdAt"),
        updated_at=columns.moment(row, "updatedAt"),
        resource_id=row.get("resourceId"),
        extra=columns.unknown(row, WORKFLOW_COLUMNS),
    )


def workflow_row_id(workflow_name: str, run_id: str) -> str:
    """The ``id`` under which Mastra keeps a run. Two runs may share one: (a-b, c) and (a, b-c)."""
    return f"{workflow_name}-{run_id}"


def _snapshot(row: Row) -> dict[str, Any]:
    stored = columns.json_value(row, "snapshot")
    return stored if isinstance(stored, dict) else {}
