"""Operations on the history of schedules: ``mastra_schedule_triggers``.

Behaves as SchedulesConvex of @mastra/convex 1.5.2 (dist/storage/domains/schedules), and reads a
history of any length. Called by the faces of ``store.schedules``. The first operation of a backend
on schedules makes one round trip more, which finds out whether the deployed handler has them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from convex_mastra.errors import ScanLimitError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import SCHEDULES_TABLES, require
from convex_mastra.ops.arguments import required_text, whole_number
from convex_mastra.ops.clearing import delete_in_turns
from convex_mastra.ops.schedule_rows import create_row, milliseconds, trigger_row
from convex_mastra.ops.storage import read_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import ScheduleTrigger, trigger_from_row
from convex_mastra.timestamps import to_milliseconds
from convex_mastra.wire import SCHEDULE_TRIGGERS

_PAGE_ROWS: Final = 1_000
_LARGE_ROWS: Final = 4
"""Of 1 MiB each, they fit into what one call reads."""


def record_trigger(target: Target, trigger: ScheduleTrigger) -> Flow[None]:
    """Add a trigger to its schedule's history. One round trip.

    Whether there is such a schedule is not checked, as in Mastra.

    Raises:
        AlreadyExistsError: a trigger of that id was recorded before.
        InvalidArgumentError: a field that cannot be stored, named. Nothing was sent.
        OutcomeUnknownError: the reply was lost; ``list_triggers`` says whether it was recorded.
    """
    row = trigger_row(trigger)
    yield from require(target, SCHEDULES_TABLES)
    yield from create_row(
        target, "recordScheduleTrigger", SCHEDULE_TRIGGERS, row, "Schedule trigger"
    )


def list_triggers(
    target: Target,
    schedule_id: str,
    *,
    limit: int | None = 100,
    from_actual_fire_at: datetime | None = None,
    to_actual_fire_at: datetime | None = None,
) -> Flow[list[ScheduleTrigger]]:
    """Return a schedule's history, newest first.

    Args:
        limit: at most so many; None for all.
        from_actual_fire_at: only triggers of that time or later.
        to_actual_fire_at: only triggers before that time.

    Raises:
        ScanLimitError: more triggers of one millisecond than the deployment reads in one call.

    Cost: one round trip for every 1,000, one after the other; more where they are large.
    """
    args: dict[str, Any] = {"scheduleId": required_text(schedule_id, "schedule_id")}
    if limit is not None:
        whole_number(limit, "limit")
    for argument, moment, field in (
        ("fromActualFireAt", from_actual_fire_at, "from_actual_fire_at"),
        ("toActualFireAt", to_actual_fire_at, "to_actual_fire_at"),
    ):
        if moment is not None:
            args[argument] = milliseconds(moment, field)
    yield from require(target, SCHEDULES_TABLES)
    triggers: dict[str, ScheduleTrigger] = {}
    size = _PAGE_ROWS if limit is None else min(limit, _PAGE_ROWS)
    while True:
        try:
            page = yield from _page(target, args | {"limit": size})
        except ScanLimitError:
            if size <= _LARGE_ROWS:
                raise
            size = max(_LARGE_ROWS, size // 4)
            continue
        known = len(triggers)
        triggers |= {trigger.id: trigger for trigger in page}
        if len(page) < size or (limit is not None and len(triggers) >= limit):
            return list(triggers.values())[:limit]
        if len(triggers) == known:
            raise ScanLimitError(
                f"{SCHEDULE_TRIGGERS} holds more than {size:,} triggers of one millisecond for "
                f"{schedule_id}; the deployed handler cannot go on within it.",
                limit=size,
                operation=f"listScheduleTriggers {SCHEDULE_TRIGGERS}",
            )
        # Those of the page's last millisecond are read again: it may have more of them.
        args["toActualFireAt"] = to_milliseconds(page[-1].actual_fire_at) + 1


def clear_triggers(target: Target, schedule_id: str) -> Flow[None]:
    """Delete a schedule's history. One round trip for every 25 triggers."""
    yield from delete_in_turns(
        target,
        "deleteScheduleTriggers",
        SCHEDULE_TRIGGERS,
        {"scheduleId": schedule_id},
        {"schedule_id": schedule_id},
    )


def _page(target: Target, args: dict[str, Any]) -> Flow[list[ScheduleTrigger]]:
    wanted = {"schedule_id": args["scheduleId"]}
    rows = yield from read_rows(
        target, "listScheduleTriggers", SCHEDULE_TRIGGERS, args, wanted=wanted
    )
    return [trigger_from_row(row) for row in rows]
