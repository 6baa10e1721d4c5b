"""Operations on schedules: ``mastra_schedules``.

Behaves as SchedulesConvex of @mastra/convex 1.5.2 (dist/storage/domains/schedules), and says so
where it does better. Called by the faces of ``store.schedules``; their history is in
``schedule_triggers``. The first operation of a backend on schedules makes one round trip more,
which finds out whether the deployed handler has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from convex_mastra import limits
from convex_mastra.errors import FunctionError, InvalidArgumentError, NotFoundError, ProtocolError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.abilities import SCHEDULES_TABLES, require
from convex_mastra.ops.arguments import (
    one_of,
    optional_text,
    required_text,
    whole_number,
)
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.schedule_rows import (
    changed_columns,
    create_row,
    milliseconds,
    schedule_row,
)
from convex_mastra.ops.schedule_triggers import clear_triggers
from convex_mastra.ops.storage import (
    delete_rows,
    load,
    query_rows,
    read_rows,
    row_or_none,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import (
    SCHEDULE_STATUSES,
    Row,
    Schedule,
    ScheduleStatus,
    schedule_from_row,
)
from convex_mastra.timestamps import to_milliseconds
from convex_mastra.wire import SCHEDULE_TRIGGERS, SCHEDULES


def create_schedule(target: Target, schedule: Schedule) -> Flow[Schedule]:
    """Create a schedule. One round trip.

    Returns:
        The schedule as it is stored: times in UTC, cut to the millisecond.

    Raises:
        AlreadyExistsError: there is a schedule of that id; it stays as it is.
        InvalidArgumentError: a field that cannot be stored, named. Nothing was sent.
        OutcomeUnknownError: the reply was lost; ``get_schedule`` says whether it was created.
    """
    row = schedule_row(schedule)
    yield from require(target, SCHEDULES_TABLES)
    yield from create_row(target, "createSchedule", SCHEDULES, row, "Schedule")
    return schedule_from_row(row)


def get_schedule(target: Target, schedule_id: str) -> Flow[Schedule | None]:
    """Return a schedule, or None if there is none. One round trip."""
    required_text(schedule_id, "schedule_id")
    yield from require(target, SCHEDULES_TABLES)
    row = yield from load(target, SCHEDULES, schedule_id)
    return None if row is None else schedule_from_row(row)


def list_schedules(
    target: Target,
    *,
    status: ScheduleStatus | None = None,
    workflow_id: str | None = None,
    owner_type: str | UnsetType | None = UNSET,
    owner_id: str | UnsetType | None = UNSET,
) -> Flow[list[Schedule]]:
    """Return all schedules that match, oldest first. One round trip.

    Args:
        status, workflow_id: None for any.
        owner_type, owner_id: not given for any; None for schedules that have none.

    Raises:
        ScanLimitError: there are more than the deployment reads in one call. Mastra's own client
            stops at 8,000.
    """
    filters: dict[str, Any] = {}
    if status is not None:
        filters["status"] = one_of(status, SCHEDULE_STATUSES, "status")
    if owner_type is not UNSET:
        filters["owner_type"] = optional_text(owner_type, "owner_type")
    if owner_id is not UNSET:
        filters["owner_id"] = optional_text(owner_id, "owner_id")
    if workflow_id is not None:
        filters["workflow_id"] = required_text(workflow_id, "workflow_id")
    yield from require(target, SCHEDULES_TABLES)
    rows = yield from query_rows(target, SCHEDULES, filters)
    return sorted(map(schedule_from_row, rows), key=lambda schedule: schedule.created_at)


def list_due_schedules(target: Target, now: datetime, *, limit: int = 100) -> Flow[list[Schedule]]:
    """Return active schedules whose ``next_fire_at`` is *now* or before, the longest due first.

    One round trip. A schedule stays due until ``update_schedule_next_fire`` moves it on: who works
    off what is returned and asks again sees them all.

    Args:
        limit: at most so many, up to 8,192.

    Raises:
        ScanLimitError: so many are too large for one call; ask for fewer.
    """
    args = {
        "now": milliseconds(now, "now"),
        "limit": whole_number(limit, "limit", at_most=limits.ARRAY_LENGTH),
    }
    yield from require(target, SCHEDULES_TABLES)
    rows = yield from read_rows(
        target, "listDueSchedules", SCHEDULES, args, wanted={"status": "active"}
    )
    return [schedule_from_row(row) for row in rows]


def update_schedule(
    deployment: Target,
    /,
    schedule_id: str,
    *,
    target: Mapping[str, Any] | UnsetType = UNSET,
    cron: str | UnsetType = UNSET,
    timezone: str | UnsetType | None = UNSET,
    status: ScheduleStatus | UnsetType = UNSET,
    next_fire_at: datetime | UnsetType = UNSET,
    metadata: Mapping[str, Any] | UnsetType | None = UNSET,
    owner_type: str | UnsetType | None = UNSET,
    owner_id: str | UnsetType | None = UNSET,
) -> Flow[Schedule]:
    """Change a schedule, and return it as it now is. One round trip.

    What is not given stays as it is; None clears what may be empty. ``metadata`` and ``target``
    (what the schedule starts) are replaced as a whole. Columns that this version does not know
    stay.

    Raises:
        NotFoundError: there is no such schedule.
        InvalidArgumentError: a value that cannot be stored, named. Nothing was sent.
    """
    required_text(schedule_id, "schedule_id")
    changes = changed_columns(
        target=target,
        cron=cron,
        timezone=timezone,
        status=status,
        next_fire_at=next_fire_at,
        metadata=metadata,
        owner_type=owner_type,
        owner_id=owner_id,
    )
    yield from require(deployment, SCHEDULES_TABLES)
    if not changes:
        row = yield from load(deployment, SCHEDULES, schedule_id)
    else:
        changes["updated_at"] = to_milliseconds(deployment.clock.now())
        row = yield from _patched(deployment, schedule_id, changes)
    if row is None:
        raise NotFoundError(f"Schedule {schedule_id} not found")
    return schedule_from_row(row)


def update_schedule_next_fire(
    target: Target,
    schedule_id: str,
    *,
    expected_next_fire_at: datetime,
    new_next_fire_at: datetime,
    last_fire_at: datetime,
    last_run_id: str,
) -> Flow[bool]:
    """Claim a schedule that is due: move it on, if nobody else has done so. One round trip.

    Compared and set in one transaction of the deployment, so that of many schedulers one alone
    starts what is due.

    Args:
        expected_next_fire_at: what the caller read as ``next_fire_at``.
        new_next_fire_at: when it is due after this; another time, or all callers would be right.
        last_fire_at, last_run_id: of the start that the caller is about to make.

    Returns:
        True if it was moved on. False if its ``next_fire_at`` is another, if it is not active, or
        if it does not exist: then nothing was changed, and the caller must not start anything.

    Raises:
        InvalidArgumentError: an empty id, a time without zone, or both times are one.
        OutcomeUnknownError: the reply was lost. The schedule is the caller's if ``get_schedule``
            returns it with *last_run_id*.
    """
    args = {
        "id": required_text(schedule_id, "schedule_id"),
        "expectedNextFireAt": milliseconds(expected_next_fire_at, "expected_next_fire_at"),
        "newNextFireAt": milliseconds(new_next_fire_at, "new_next_fire_at"),
        "lastFireAt": milliseconds(last_fire_at, "last_fire_at"),
        "lastRunId": required_text(last_run_id, "last_run_id"),
    }
    if args["newNextFireAt"] == args["expectedNextFireAt"]:
        raise InvalidArgumentError(
            "new_next_fire_at is expected_next_fire_at (to the millisecond): the schedule would not "
            "move on, and every scheduler could claim it.",
            field="new_next_fire_at",
        )
    yield from require(target, SCHEDULES_TABLES)
    reply = yield from call_storage(target, "updateScheduleNextFire", SCHEDULES, **args)
    if not isinstance(reply.result, bool):
        raise ProtocolError(
            "updateScheduleNextFire returned neither true nor false.",
            operation=f"updateScheduleNextFire {SCHEDULES}",
        )
    return reply.result


def delete_schedule(target: Target, schedule_id: str) -> Flow[None]:
    """Delete a schedule and its history; no error if there is none.

    One round trip for every 25 triggers, and one for the schedule, which goes last: an interrupted
    deletion leaves a schedule that can be deleted again.
    """
    required_text(schedule_id, "schedule_id")
    yield from require(target, SCHEDULES_TABLES)
    yield from clear_triggers(target, schedule_id)
    yield from delete_rows(target, SCHEDULES, [schedule_id])


def dangerously_clear_all(target: Target) -> Flow[None]:
    """Delete all schedules of the deployment and their history.

    One round trip for every 25 rows of each table, the tables side by side.
    """
    yield from require(target, SCHEDULES_TABLES)
    yield Gather([clear_table(target, table) for table in (SCHEDULE_TRIGGERS, SCHEDULES)])


def _patched(target: Target, schedule_id: str, changes: Row) -> Flow[Row | None]:
    """Apply *changes* and return the row, None if there is none.

    The handler throws for a missing schedule, and a deployment may hide what it threw.
    """
    try:
        reply = yield from call_storage(
            target, "updateSchedule", SCHEDULES, id=schedule_id, patch=changes
        )
    except FunctionError:
        if (yield from load(target, SCHEDULES, schedule_id)) is None:
            return None
        raise
    return row_or_none(reply.result, SCHEDULES)
