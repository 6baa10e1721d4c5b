"""Schedules and the history of their triggers.

Re-tells the schedule cases of ``handleTypedOperation`` in src/server/storage.ts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers import upserts
from convex_mastra.backends.embedded.handlers.replies import merged, more, ok
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.queries import Bound
from convex_mastra.backends.embedded.tables import BY_ID, SCHEDULE_TRIGGERS, SCHEDULES, Table
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

DEFAULT_LIMIT: Final = 100
_BY_TIME: Final = "by_schedule_actual"


def _create_schedule(transaction: Transaction, request: Json) -> Json:
    return _create(transaction, SCHEDULES, request, "Schedule")


def _record_trigger(transaction: Transaction, request: Json) -> Json:
    return _create(transaction, SCHEDULE_TRIGGERS, request, "Schedule trigger")


def _create(transaction: Transaction, table: Table, request: Json, noun: str) -> Json:
    record = js.get(request, "record")
    identity = js.get(record, "id")
    if not js.truthy(identity):
        raise Thrown(f"{noun} is missing an id")
    if transaction.unique(table, BY_ID, identity) is not None:
        raise Thrown(f'{noun} with id "{js.to_string(identity)}" already exists')
    transaction.insert(table, record)
    return ok()


def _list_due(transaction: Transaction, request: Json) -> Json:
    rows = transaction.take(
        SCHEDULES,
        _limit(request),
        "by_status_next_fire_at",
        ["active"],
        bounds=[Bound("<=", js.get(request, "now"))],
    )
    return ok([row.document for row in rows])


def _update_next_fire(transaction: Transaction, request: Json) -> Json:
    existing = transaction.unique(SCHEDULES, BY_ID, js.get(request, "id"))
    if existing is None or existing.document["status"] != "active":
        return ok(False)
    expected = js.get(request, "expectedNextFireAt")
    if not js.strictly_equal(existing.document["next_fire_at"], expected):
        return ok(False)
    transaction.patch(
        existing,
        {
            "next_fire_at": js.get(request, "newNextFireAt"),
            "last_fire_at": js.get(request, "lastFireAt"),
            "last_run_id": js.get(request, "lastRunId"),
            "updated_at": js.now(),
        },
    )
    return ok(True)


def _update(transaction: Transaction, request: Json) -> Json:
    identity = js.get(request, "id")
    existing = transaction.unique(SCHEDULES, BY_ID, identity)
    if existing is None:
        raise Thrown(f"Schedule {js.to_string(identity)} not found")
    changes = js.get(request, "patch")
    if changes is js.UNDEFINED:
        raise Thrown("Must provide arg 2 `value` to `patch`")
    if js.kind(changes) not in ("object", "array"):
        raise Thrown("Invalid argument `value` for `db.patch`: it must be an object")
    changes = js.spread(changes)
    transaction.patch(existing, changes)
    return ok(merged(existing.document, changes))


def _list_triggers(transaction: Transaction, request: Json) -> Json:
    ends = ((">=", "fromActualFireAt"), ("<", "toActualFireAt"))
    bounds = [
        Bound(operator, request[name]) for operator, name in ends if request.get(name) is not None
    ]
    rows = transaction.take(
        SCHEDULE_TRIGGERS,
        _limit(request),
        _BY_TIME,
        [js.get(request, "scheduleId")],
        bounds=bounds,
        descending=True,
    )
    return ok([row.document for row in rows])


def _delete_triggers(transaction: Transaction, request: Json) -> Json:
    schedule = js.get(request, "scheduleId")
    rows = transaction.take(SCHEDULE_TRIGGERS, upserts.BATCH_ROWS + 1, _BY_TIME, [schedule])
    return more(upserts.delete_batch(transaction, rows))


def _limit(request: Json) -> int:
    limit: Any = js.get(request, "limit")
    return max(0, math.floor(limit)) if js.is_finite(limit) else DEFAULT_LIMIT


OPERATIONS: Final[dict[str, tuple[Table, Callable[[Transaction, Json], Json]]]] = {
    "createSchedule": (SCHEDULES, _create_schedule),
    "recordScheduleTrigger": (SCHEDULE_TRIGGERS, _record_trigger),
    "listDueSchedules": (SCHEDULES, _list_due),
    "updateScheduleNextFire": (SCHEDULES, _update_next_fire),
    "updateSchedule": (SCHEDULES, _update),
    "listScheduleTriggers": (SCHEDULE_TRIGGERS, _list_triggers),
    "deleteScheduleTriggers": (SCHEDULE_TRIGGERS, _delete_triggers),
}
"""Each operation with the only table that has it."""
