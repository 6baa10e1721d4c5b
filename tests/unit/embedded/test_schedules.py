"""Schedules and their triggers."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.errors import FunctionError
from tests.unit.embedded.storage import result, send

SCHEDULES = "mastra_schedules"
TRIGGERS = "mastra_schedule_triggers"


def create(backend: EmbeddedBackend, identity: str, fire_at: float, **columns: Any) -> None:
    row = {"id": identity, "target": "{}", "cron": "* * * * *", "status": "active"}
    times = {"next_fire_at": fire_at, "created_at": 1, "updated_at": 1}
    send(backend, "createSchedule", SCHEDULES, record=row | times | columns)


def record(backend: EmbeddedBackend, identity: str, fired_at: float) -> None:
    row = {"id": identity, "schedule_id": "s", "outcome": "published", "trigger_kind": "manual"}
    times = {"scheduled_fire_at": fired_at, "actual_fire_at": fired_at}
    send(backend, "recordScheduleTrigger", TRIGGERS, record=row | times)


def test_a_schedule_is_created_once(backend: EmbeddedBackend) -> None:
    create(backend, "s", 10)
    with pytest.raises(FunctionError) as caught:
        create(backend, "s", 20)
    assert caught.value.message == 'Schedule with id "s" already exists'
    with pytest.raises(FunctionError, match="Schedule is missing an id"):
        create(backend, "", 20)


def test_due_schedules_by_time(backend: EmbeddedBackend) -> None:
    for identity, fire_at, status in [
        ("late", 30, "active"),
        ("b", 20, "active"),
        ("a", 10, "active"),
        ("paused", 5, "paused"),
    ]:
        create(backend, identity, fire_at, status=status)

    def due(**args: Any) -> list[str]:
        return [row["id"] for row in result(backend, "listDueSchedules", SCHEDULES, **args)]

    assert due(now=20) == ["a", "b"]
    assert due(now=100, limit=1.9) == ["a"]
    assert due(now=100, limit=-1) == []
    assert due(now=100, limit="1") == ["a", "b", "late"]
    assert due() == []


def test_next_fire_is_compare_and_set(backend: EmbeddedBackend) -> None:
    create(backend, "s", 10)
    change = {"id": "s", "newNextFireAt": 20, "lastFireAt": 10, "lastRunId": "run"}
    move = {"expectedNextFireAt": 10, **change}
    assert result(backend, "updateScheduleNextFire", SCHEDULES, **move) is True
    assert result(backend, "updateScheduleNextFire", SCHEDULES, **move) is False
    row = result(backend, "load", SCHEDULES, keys={"id": "s"})
    assert (row["next_fire_at"], row["last_fire_at"], row["last_run_id"]) == (20, 10, "run")
    assert row["updated_at"] > 1.7e12
    send(backend, "updateSchedule", SCHEDULES, id="s", patch={"status": "paused"})
    again = {"expectedNextFireAt": 20, **change}
    assert result(backend, "updateScheduleNextFire", SCHEDULES, **again) is False


def test_updating_a_schedule_returns_it(backend: EmbeddedBackend) -> None:
    create(backend, "s", 10)
    updated = result(backend, "updateSchedule", SCHEDULES, id="s", patch={"owner_id": None})
    assert updated == result(backend, "load", SCHEDULES, keys={"id": "s"})
    assert updated["owner_id"] is None
    with pytest.raises(FunctionError) as caught:
        send(backend, "updateSchedule", SCHEDULES, id="none", patch={})
    assert caught.value.message == "Schedule none not found"
    with pytest.raises(FunctionError, match="Must provide arg 2 `value` to `patch`"):
        send(backend, "updateSchedule", SCHEDULES, id="s")


def test_triggers_newest_first_within_a_range(backend: EmbeddedBackend) -> None:
    for number in range(120):
        record(backend, f"t{number}", number)

    def listed(**args: Any) -> list[str]:
        rows = result(backend, "listScheduleTriggers", TRIGGERS, scheduleId="s", **args)
        return [row["id"] for row in rows]

    assert listed() == [f"t{number}" for number in range(119, 19, -1)]
    assert listed(fromActualFireAt=3, toActualFireAt=6) == ["t5", "t4", "t3"]
    assert listed(toActualFireAt=2, limit=1) == ["t1"]
    assert listed(fromActualFireAt=None, limit=2) == ["t119", "t118"]


def test_triggers_are_deleted_25_at_a_time(backend: EmbeddedBackend) -> None:
    for number in range(26):
        record(backend, f"t{number}", number)
    replies = [
        send(backend, "deleteScheduleTriggers", TRIGGERS, scheduleId="s")["hasMore"]
        for _ in range(2)
    ]
    assert replies == [True, False]
    assert result(backend, "queryTable", TRIGGERS) == []
