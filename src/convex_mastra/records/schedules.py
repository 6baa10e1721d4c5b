"""The typed records of schedules and of their history, and how each is read from its row.

Below are the columns of ``mastra_schedules`` and ``mastra_schedule_triggers``: snake_case, times as
milliseconds since 1970, targets and metadata as JSON texts. Called by the operations; sends
nothing.

Source: @mastra/core 1.71 storage/domains/schedules/base, @mastra/convex 1.5.2 dist/schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args

from msgspec import field

from convex_mastra.errors import ProtocolError
from convex_mastra.records import columns
from convex_mastra.records.columns import SYSTEM_COLUMNS, Row
from convex_mastra.records.record import Record, new_id, now

ScheduleStatus = Literal["active", "paused"]
SCHEDULE_STATUSES: Final = get_args(ScheduleStatus)

OUTCOMES: Final = (
    "published",
    "succeeded",
    "delivered",
    "persisted",
    "discarded",
    "skipped",
    "aborted",
    "failed",
)
"""What Mastra writes as the outcome of a trigger; rows of older versions hold others as well."""
TRIGGER_KINDS: Final = ("schedule-fire", "queue-drain", "manual")

SCHEDULE_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "target", "cron", "timezone", "status", "next_fire_at", "last_fire_at", "last_run_id"),
    ("created_at", "updated_at", "metadata", "owner_type", "owner_id", "workflow_id"),
)
TRIGGER_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "schedule_id", "run_id", "scheduled_fire_at", "actual_fire_at", "outcome", "error"),
    ("trigger_kind", "parent_trigger_id", "metadata"),
)


class Schedule(Record, frozen=True, kw_only=True):
    """Something that Mastra's scheduler starts again and again.

    Attributes:
        target: what is started, as Mastra has it: ``{"type": "workflow", "workflowId": …}`` or
            ``{"type": "agent", "agentId": …, "prompt": …}``, and what else belongs to it. Any JSON,
            kept exactly.
        cron: when, as a cron expression. Mastra's scheduler reads it; it is not checked here.
        timezone: the IANA name of the zone that *cron* is meant in; None is the scheduler's own.
        status: ``active`` or ``paused``; only active schedules are due.
        next_fire_at: when it is due next, in whole milliseconds.
        last_fire_at, last_run_id: of its latest start, if there was one.
        metadata: any JSON object, kept exactly.
        owner_type, owner_id: whose it is: ``agent`` and the agent's id; None for workflows.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=new_id)
    target: Mapping[str, Any]
    cron: str
    timezone: str | None = None
    status: ScheduleStatus = "active"
    next_fire_at: datetime
    last_fire_at: datetime | None = None
    last_run_id: str | None = None
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    metadata: Mapping[str, Any] | None = None
    owner_type: str | None = None
    owner_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class ScheduleTrigger(Record, frozen=True, kw_only=True):
    """One time that a schedule was started, or was to be.

    Attributes:
        run_id: the run that it started; None if there is none.
        scheduled_fire_at, actual_fire_at: when it was due, and when it happened.
        outcome: one of ``OUTCOMES``, or what an older version wrote.
        error: what went wrong, if something did.
        trigger_kind: one of ``TRIGGER_KINDS``.
        parent_trigger_id: the trigger that a ``queue-drain`` belongs to.
        metadata: any JSON object, kept exactly.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=new_id)
    schedule_id: str
    run_id: str | None = None
    scheduled_fire_at: datetime
    actual_fire_at: datetime
    outcome: str
    error: str | None = None
    trigger_kind: str = "schedule-fire"
    parent_trigger_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def schedule_from_row(row: Row) -> Schedule:
    """Read a row of ``mastra_schedules``.

    Raises:
        ProtocolError: its target is none, as in Mastra.
    """
    return Schedule(
        id=columns.text(row, "id"),
        target=_target(row),
        cron=columns.text(row, "cron"),
        timezone=row.get("timezone"),
        status=columns.text(row, "status"),  # type: ignore[arg-type]  # of a newer version, perhaps
        next_fire_at=columns.epoch(row, "next_fire_at"),
        last_fire_at=columns.epoch_or_none(row, "last_fire_at"),
        last_run_id=row.get("last_run_id"),
        created_at=columns.epoch(row, "created_at"),
        updated_at=columns.epoch(row, "updated_at"),
        metadata=columns.json_value(row, "metadata"),
        owner_type=row.get("owner_type"),
        owner_id=row.get("owner_id"),
        extra=columns.unknown(row, SCHEDULE_COLUMNS),
    )


def trigger_from_row(row: Row) -> ScheduleTrigger:
    """Read a row of ``mastra_schedule_triggers``."""
    return ScheduleTrigger(
        id=columns.text(row, "id"),
        schedule_id=columns.text(row, "schedule_id"),
        run_id=row.get("run_id"),
        scheduled_fire_at=columns.epoch(row, "scheduled_fire_at"),
        actual_fire_at=columns.epoch(row, "actual_fire_at"),
        outcome=columns.text(row, "outcome"),
        error=row.get("error"),
        trigger_kind=row.get("trigger_kind") or "schedule-fire",
        parent_trigger_id=row.get("parent_trigger_id"),
        metadata=columns.json_value(row, "metadata"),
        extra=columns.unknown(row, TRIGGER_COLUMNS),
    )


def _target(row: Row) -> dict[str, Any]:
    target = columns.json_value(row, "target")
    if not isinstance(target, dict) or not isinstance(target.get("type"), str):
        raise ProtocolError(f"Schedule {row.get('id')} has invalid target")
    if target["type"] == "heartbeat":  # what an agent's schedule was called before
        return {**target, "type": "agent"}
    return target
