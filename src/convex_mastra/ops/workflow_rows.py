"""The rows of a workflow run, of every generation: found, and changed where others cannot.

There is one row of a run, unless it was stored before ids were and Mastra's client made a second
beside it. Called by ``workflows``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from convex_mastra.errors import UnsupportedOperationError
from convex_mastra.flow import Flow
from convex_mastra.jsontext import dumps
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import query_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row, workflow_run_from_row
from convex_mastra.wire import WORKFLOW_SNAPSHOTS

KEY_COLUMN: Final = "run_id"
"""What every row has; those from before 1.0.1 have no ``id``."""


def find_rows(target: Target, workflow_name: str, run_id: str) -> Flow[list[Row]]:
    """Return the rows of a run, the newest first. One round trip.

    There is one, unless Mastra's client made a second beside a row without id.
    """
    filters = {"workflow_name": workflow_name, "run_id": run_id}
    rows = yield from query_rows(target, WORKFLOW_SNAPSHOTS, filters, key_column=KEY_COLUMN)
    return sorted(rows, key=_updated_at, reverse=True)


def find_rows_of_any_workflow(target: Target, run_id: str) -> Flow[list[Row]]:
    """Return the row of each workflow's run of that id.

    No index leads to it.
    """
    also = {"run_id": run_id}
    rows = yield from query_rows(target, WORKFLOW_SNAPSHOTS, {}, also=also, key_column=KEY_COLUMN)
    return newest_of_each(rows)


def replace_in_row_without_id(target: Target, row: Row, snapshot: Mapping[str, Any]) -> Flow[None]:
    """Put *snapshot* into a row that only the merging operations reach.

    They merge into what is there, so what the new snapshot has no more becomes null. The row's
    own times and resource stay.
    """
    before = workflow_run_from_row(row).snapshot
    merged = dict.fromkeys(before) | dict(snapshot)
    try:
        yield from call_storage(
            target,
            "mergeWorkflowState",
            WORKFLOW_SNAPSHOTS,
            workflowName=row["workflow_name"],
            runId=row["run_id"],
            opts=dumps(merged, "snapshot"),
        )
    except UnsupportedOperationError as error:
        raise UnsupportedOperationError(
            f"The run {row['run_id']!r} of {row['workflow_name']!r} is stored in a row from before "
            "@mastra/convex 1.0.1, which has no id; handlers before 1.2.1 cannot change it, and "
            "would make a second one. Nothing was written.",
            operation=error.operation,
        ) from None


def newest_of_each(rows: Iterable[Row]) -> list[Row]:
    """Return the newest row of each run, in the order of the first ones."""
    newest: dict[tuple[Any, Any], Row] = {}
    for row in rows:
        run = row.get("workflow_name"), row.get("run_id")
        if run not in newest or _updated_at(row) >= _updated_at(newest[run]):
            newest[run] = row
    return list(newest.values())


def _updated_at(row: Row) -> datetime:
    return workflow_run_from_row(row).updated_at
