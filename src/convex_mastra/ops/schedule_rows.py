"""Writing schedules and their triggers as rows: what they may hold, and creating what is new.

Called by ``schedules`` and ``schedule_triggers``. What a target needs is what Mastra's scheduler
could not start it without.

Source: @mastra/convex 1.5.2 dist/storage/domains/schedules, @mastra/core 1.71 schedules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET, UnsetType

from convex_mastra.errors import AlreadyExistsError, FunctionError, InvalidArgumentError
from convex_mastra.flow import Flow
from convex_mastra.jsontext import dumps
from convex_mastra.ops.arguments import object_text, one_of, optional_text, required_text
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import load
from convex_mastra.ops.target import Target
from convex_mastra.records import (
    OUTCOMES,
    SCHEDULE_STATUSES,
    TRIGGER_KINDS,
    Row,
    Schedule,
    ScheduleTrigger,
)
from convex_mastra.timestamps import checked, to_milliseconds
from convex_mastra.values import check_document_size, measure

_TARGET_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "workflow": ("workflowId",),
    "agent": ("agentId", "prompt"),
}


def schedule_row(schedule: Schedule) -> Row:
    """The row of a schedule.

    Raises:
        InvalidArgumentError: a field that cannot be stored, named.
        LimitExceededError: it is larger than a Convex document.
    """
    if not isinstance(schedule, Schedule):
        raise InvalidArgumentError(
            f"schedule must be a Schedule, not {type(schedule).__name__}.", field="schedule"
        )
    last_fire_at = schedule.last_fire_at
    row = {
        **schedule.extra,
        "id": required_text(schedule.id, "schedule.id"),
        **_target_columns(schedule.target, "schedule.target"),
        "cron": required_text(schedule.cron, "schedule.cron"),
        "timezone": optional_text(schedule.timezone, "schedule.timezone"),
        "status": _status(schedule.status, "schedule.status"),
        "next_fire_at": milliseconds(schedule.next_fire_at, "schedule.next_fire_at"),
        "last_fire_at": None
        if last_fire_at is None
        else milliseconds(last_fire_at, "schedule.last_fire_at"),
        "last_run_id": optional_text(schedule.last_run_id, "schedule.last_run_id"),
        "created_at": milliseconds(schedule.created_at, "schedule.created_at"),
        "updated_at": milliseconds(schedule.updated_at, "schedule.updated_at"),
        "metadata": object_text(schedule.metadata, "schedule.metadata"),
        "owner_type": optional_text(schedule.owner_type, "schedule.owner_type"),
        "owner_id": optional_text(schedule.owner_id, "schedule.owner_id"),
    }
    check_document_size(measure(row, "schedule"), "schedule")
    return row


def trigger_row(trigger: ScheduleTrigger) -> Row:
    """The row of a trigger.

    Raises:
        InvalidArgumentError: a field that cannot be stored, named.
        LimitExceededError: it is larger than a Convex document.
    """
    if not isinstance(trigger, ScheduleTrigger):
        raise InvalidArgumentError(
            f"trigger must be a ScheduleTrigger, not {type(trigger).__name__}.", field="trigger"
        )
    row = {
        **trigger.extra,
        "id": required_text(trigger.id, "trigger.id"),
        "schedule_id": required_text(trigger.schedule_id, "trigger.schedule_id"),
        "run_id": optional_text(trigger.run_id, "trigger.run_id"),
        "scheduled_fire_at": milliseconds(trigger.scheduled_fire_at, "trigger.scheduled_fire_at"),
        "actual_fire_at": milliseconds(trigger.actual_fire_at, "trigger.actual_fire_at"),
        "outcome": one_of(trigger.outcome, OUTCOMES, "trigger.outcome"),
        "error": optional_text(trigger.error, "trigger.error", may_be_empty=True),
        "trigger_kind": one_of(trigger.trigger_kind, TRIGGER_KINDS, "trigger.trigger_kind"),
        "parent_trigger_id": optional_text(trigger.parent_trigger_id, "trigger.parent_trigger_id"),
        "metadata": object_text(trigger.metadata, "trigger.metadata"),
    }
    check_document_size(measure(row, "trigger"), "trigger")
    return row


def changed_columns(*, target: Mapping[str, Any] | UnsetType = UNSET, **changes: Any) -> Row:
    """The columns of the changes to a schedule that are given, each under its own name.

    Raises:
        InvalidArgumentError: a value that cannot be stored, named.
        LimitExceededError: together they are larger than a Convex document.
    """
    columns = {} if target is UNSET else _target_columns(target, "target")
    columns |= {
        name: _WRITERS[name](value, name) for name, value in changes.items() if value is not UNSET
    }
    check_document_size(measure(columns, "schedule"), "schedule")
    return columns


def milliseconds(moment: datetime, field: str) -> int:
    """Return *moment* as the columns keep it, whole milliseconds since 1970.

    Raises:
        InvalidArgumentError: it is no datetime with a time zone.
    """
    return to_milliseconds(checked(moment, field))


def create_row(target: Target, op: str, table: str, row: Row, what: str) -> Flow[None]:
    """Write a row whose id nothing may have yet. One round trip.

    The refusal is told from others by reading back: a deployment may hide the texts of its errors.

    Args:
        what: what the row is, as the error names it: ``Schedule``.

    Raises:
        AlreadyExistsError: there is a row of that id; it stays as it is.
    """
    try:
        yield from call_storage(target, op, table, record=row)
    except FunctionError as error:
        if (yield from load(target, table, row["id"])) is None:
            raise
        raise AlreadyExistsError(
            f'{what} with id "{row["id"]}" already exists',
            operation=error.operation,
            request_id=error.request_id,
        ) from None


def _target_columns(target: Any, field: str) -> Row:
    """The columns of a target, if Mastra's scheduler can start it."""
    kind = target.get("type") if isinstance(target, Mapping) else None
    needs = _TARGET_NEEDS.get(kind) if isinstance(kind, str) else None
    if needs is None:
        raise InvalidArgumentError(
            f"{field} must be an object of type 'workflow' or 'agent'.", field=f"{field}.type"
        )
    if kind == "agent" and target.get("threadId"):
        needs = (*needs, "resourceId")
    for name in needs:
        required_text(target.get(name), f"{field}.{name}")
    return {
        "target": dumps(dict(target), field),
        "workflow_id": target["workflowId"] if kind == "workflow" else None,
    }


def _status(value: Any, field: str) -> str:
    return one_of(value, SCHEDULE_STATUSES, field)


_WRITERS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "cron": required_text,
    "timezone": optional_text,
    "status": _status,
    "next_fire_at": milliseconds,
    "metadata": object_text,
    "owner_type": optional_text,
    "owner_id": optional_text,
}
"""How each column that an update may change is checked and written."""
