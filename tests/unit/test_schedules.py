"""Schedules and channels where a deployment is old, large, silent about its errors, or cut off.

What a good deployment does is tested in ``tests/conformance``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import (
    AlreadyExistsError,
    ChannelConfig,
    ChannelInstallation,
    ConvexStore,
    FunctionError,
    NotFoundError,
    Options,
    OutcomeUnknownError,
    ProtocolError,
    ScanLimitError,
    Schedule,
    ScheduleTrigger,
    UnsupportedOperationError,
)
from convex_mastra.records import (
    config_from_row,
    installation_from_row,
    schedule_from_row,
    trigger_from_row,
)
from tests.scripted import ADMIN_KEY, Reply, Seen, failure, scripted_deployment, success

START = datetime(2026, 1, 2, tzinfo=UTC)
START_MS = 1_767_312_000_000
SCHEDULE = Schedule(
    id="s", target={"type": "workflow", "workflowId": "w"}, cron="* * * * *", next_fire_at=START
)
TRIGGER = ScheduleTrigger(
    id="t",
    schedule_id="s",
    scheduled_fire_at=START,
    actual_fire_at=START,
    outcome="published",
)
INSTALLATION = ChannelInstallation(id="i", platform="p", agent_id="a", status="active", data={})
SCHEDULE_ROW = {
    "_id": "1",
    "_creationTime": 1.0,
    "id": "s",
    "target": '{"type":"workflow","workflowId":"w"}',
    "cron": "* * * * *",
    "status": "active",
    "next_fire_at": float(START_MS),
    "created_at": float(START_MS),
    "updated_at": float(START_MS),
}
TRIGGER_ROW = {
    "id": "t",
    "schedule_id": "s",
    "scheduled_fire_at": 1_000.0,
    "actual_fire_at": 1_001.0,
    "outcome": "acked",
}
INSTALLATION_ROW = {
    "id": "i",
    "platform": "p",
    "agentId": "a",
    "status": "removed",
    "data": "{}",
    "createdAt": "2026-01-02T00:00:00.000Z",
    "updatedAt": "2026-01-02T00:00:00.000Z",
}
CLAIM = {
    "expected_next_fire_at": START,
    "new_next_fire_at": START + timedelta(hours=1),
    "last_fire_at": START,
    "last_run_id": "r",
}
HIDDEN = failure("[Request ID: abc] Server Error")
TOO_LARGE = failure("[Request ID: abc] Server Error\nUncaught Error: Too many bytes read\n")

Operation = Callable[[ConvexStore], Any]
Answer = Callable[[dict[str, Any]], Any]

SCHEDULE_OPERATIONS: list[Operation] = [
    lambda store: store.schedules.create_schedule(SCHEDULE),
    lambda store: store.schedules.get_schedule("s"),
    lambda store: store.schedules.list_schedules(),
    lambda store: store.schedules.list_due_schedules(START),
    lambda store: store.schedules.update_schedule("s", cron="* * * * *"),
    lambda store: store.schedules.update_schedule("s"),
    lambda store: store.schedules.update_schedule_next_fire("s", **CLAIM),
    lambda store: store.schedules.delete_schedule("s"),
    lambda store: store.schedules.record_trigger(TRIGGER),
    lambda store: store.schedules.list_triggers("s"),
    lambda store: store.schedules.dangerously_clear_all(),
]
CHANNEL_OPERATIONS: list[Operation] = [
    lambda store: store.channels.save_installation(INSTALLATION),
    lambda store: store.channels.get_installation("i"),
    lambda store: store.channels.get_installation_by_agent("p", "a"),
    lambda store: store.channels.get_installation_by_webhook_id("w"),
    lambda store: store.channels.list_installations("p"),
    lambda store: store.channels.delete_installation("i"),
    lambda store: store.channels.save_config(ChannelConfig(platform="p", data={})),
    lambda store: store.channels.get_config("p"),
    lambda store: store.channels.delete_config("p"),
    lambda store: store.channels.dangerously_clear_all(),
]


@contextmanager
def answered(answer: Answer, *, attempts: int = 1) -> Iterator[tuple[ConvexStore, list[str]]]:
    """A store whose storage operations get what *answer* makes of their arguments.

    Yields it with the operations that were sent, without the one that asks what it can do.
    """
    operations: list[str] = []

    def script(seen: Seen) -> Reply:
        args = seen.body["args"]
        if args.get("now") == -1 or args.get("id") == "convex-mastra-probe":
            return success({"ok": True, "result": None})
        operations.append(args["op"])
        reply = answer(args)
        return reply if isinstance(reply, Reply) else success({"ok": True, "result": reply})

    with scripted_deployment() as deployment:
        deployment.script = script
        options = Options(retry_attempts=attempts)
        with ConvexStore(deployment.url, ADMIN_KEY, options=options) as store:
            yield store, operations


@pytest.mark.parametrize("operation", SCHEDULE_OPERATIONS + CHANNEL_OPERATIONS)
def test_an_older_handler_is_sent_nothing_it_would_misplace(operation: Operation) -> None:
    with scripted_deployment() as deployment:
        deployment.script = lambda seen: success(
            {"ok": False, "error": f"Unsupported operation {seen.body['args']['op']}"}
        )
        with ConvexStore(deployment.url, ADMIN_KEY) as store:
            for _ in range(2):
                with pytest.raises(UnsupportedOperationError, match=r"1\.2\.0 or later"):
                    operation(store)
        (probe,) = deployment.seen
        assert probe.body["args"]["op"] in ("listDueSchedules", "patch")


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (SCHEDULE_OPERATIONS[0], "createSchedule"),
        (SCHEDULE_OPERATIONS[6], "updateScheduleNextFire"),
        (SCHEDULE_OPERATIONS[8], "recordScheduleTrigger"),
    ],
)
def test_what_must_not_be_repeated_is_sent_once(operation: Operation, sent: str) -> None:
    with answered(lambda _args: Reply(cut=True), attempts=4) as (store, operations):
        with pytest.raises(OutcomeUnknownError, match="read back"):
            operation(store)
        assert operations == [sent]


def test_an_update_is_repeated() -> None:
    replies = [Reply(cut=True), SCHEDULE_ROW | {"cron": "0 0 * * *"}]
    with answered(lambda _args: replies.pop(0), attempts=2) as (store, operations):
        assert store.schedules.update_schedule("s", cron="0 0 * * *").cron == "0 0 * * *"
        assert operations == ["updateSchedule"] * 2


@pytest.mark.parametrize(
    ("operation", "stored", "raised"),
    [
        (SCHEDULE_OPERATIONS[0], SCHEDULE_ROW, AlreadyExistsError),
        (SCHEDULE_OPERATIONS[0], None, FunctionError),
        (SCHEDULE_OPERATIONS[8], TRIGGER_ROW, AlreadyExistsError),
        (SCHEDULE_OPERATIONS[8], None, FunctionError),
        (SCHEDULE_OPERATIONS[4], None, NotFoundError),
        (SCHEDULE_OPERATIONS[4], SCHEDULE_ROW, FunctionError),
    ],
)
def test_a_deployment_that_hides_why_it_refused(
    operation: Operation, stored: Any, raised: type[Exception]
) -> None:
    with answered(lambda args: stored if args["op"] == "load" else HIDDEN) as (store, _):
        with pytest.raises(raised) as caught:
            operation(store)
        assert type(caught.value) is raised


class History:
    """The triggers of one schedule, oldest first, read as the handler does."""

    def __init__(self, seconds: list[float], readable: int = 10_000) -> None:
        self.rows = [
            TRIGGER_ROW | {"id": f"t{i}", "actual_fire_at": START_MS + 1000 * second}
            for i, second in enumerate(seconds)
        ]
        self.readable = readable
        self.sizes: list[int] = []

    def answer(self, args: dict[str, Any]) -> Any:
        self.sizes.append(args["limit"])
        until = args.get("toActualFireAt", float("inf"))
        rows = [row for row in reversed(self.rows) if row["actual_fire_at"] < until]
        if min(len(rows), args["limit"]) > self.readable:
            return TOO_LARGE
        return rows[: args["limit"]]

    def listed(self, limit: int | None) -> list[int]:
        with answered(self.answer) as (store, _):
            found = store.schedules.list_triggers("s", limit=limit)
        return [int(one.id[1:]) for one in found]


@pytest.mark.parametrize("limit", [None, 2_500, 2_001])
def test_a_history_of_several_pages(limit: int | None) -> None:
    history = History([float(i // 3) for i in range(2_500)])
    assert history.listed(limit) == list(range(2_499, -1, -1))[:limit]
    assert history.sizes == [1_000] * 3


def test_times_between_two_milliseconds() -> None:
    history = History([0.0] + [1 + i / 1_000_000 for i in range(999)] + [2.0])
    assert history.listed(None) == list(range(1_000, -1, -1))


def test_large_triggers_are_read_in_smaller_pages() -> None:
    history = History([float(i) for i in range(100)], readable=20)
    assert history.listed(50) == list(range(99, 49, -1))
    assert history.sizes[:3] == [50, 12, 12]
    with pytest.raises(ScanLimitError):
        History([0.0] * 5, readable=3).listed(5)


def test_more_triggers_of_one_millisecond_than_a_page() -> None:
    with pytest.raises(ScanLimitError, match="one millisecond"):
        History([0.0] * 1_001).listed(None)
    assert len(History([0.0] * 1_001).listed(1_000)) == 1_000


def test_more_schedules_than_the_deployment_reads() -> None:
    rows = [SCHEDULE_ROW | {"id": str(i)} for i in range(10_000)]
    with (
        answered(lambda _args: rows) as (store, _),
        pytest.raises(ScanLimitError, match="at least 10,000 rows"),
    ):
        store.schedules.list_schedules()
    with answered(lambda _args: TOO_LARGE) as (store, _):
        for operation in (SCHEDULE_OPERATIONS[2], SCHEDULE_OPERATIONS[3], CHANNEL_OPERATIONS[4]):
            with pytest.raises(ScanLimitError, match="more rows for"):
                operation(store)


def test_a_history_of_large_triggers_is_deleted() -> None:
    stored = [f"t{i}" for i in range(30)]
    large = set(stored[:10])

    def answer(args: dict[str, Any]) -> Any:
        if args["op"] == "deleteScheduleTriggers":
            if large & set(stored[:26]):
                return TOO_LARGE
            has_more = len(stored) > 25
            del stored[:25]
            return success({"ok": True, "hasMore": has_more})
        if args["op"] == "queryTable":
            assert args["filters"] == [{"field": "schedule_id", "value": "s"}]
            return [TRIGGER_ROW | {"id": row_id} for row_id in stored[: args["limit"]]]
        if args["tableName"] == "mastra_schedule_triggers":
            stored[:] = [row_id for row_id in stored if row_id not in args["ids"]]
        return None

    with answered(answer) as (store, operations):
        store.schedules.delete_schedule("s")
    assert stored == []
    assert operations.count("queryTable") == 3
    assert operations[-1] == "deleteMany"


def test_a_claim_that_is_answered_with_neither_yes_nor_no() -> None:
    with (
        answered(lambda _args: None) as (store, _),
        pytest.raises(ProtocolError, match="neither true nor false"),
    ):
        store.schedules.update_schedule_next_fire("s", **CLAIM)


def test_rows_of_other_versions() -> None:
    schedule = schedule_from_row(
        SCHEDULE_ROW
        | {"target": '{"type":"heartbeat","z":1,"agentId":"a","prompt":"p"}', "colour": "red"}
    )
    assert list(schedule.target.items())[:2] == [("type", "agent"), ("z", 1)]
    assert schedule.extra == {"colour": "red"}
    assert schedule.next_fire_at == START
    assert (schedule.timezone, schedule.last_fire_at, schedule.metadata) == (None, None, None)
    trigger = trigger_from_row(TRIGGER_ROW | {"shape": 1.0, "metadata": "no JSON"})
    assert (trigger.outcome, trigger.trigger_kind) == ("acked", "schedule-fire")
    assert (trigger.extra, trigger.metadata, trigger.run_id) == ({"shape": 1.0}, "no JSON", None)
    assert trigger.actual_fire_at - trigger.scheduled_fire_at == timedelta(milliseconds=1)
    installation = installation_from_row(INSTALLATION_ROW | {"colour": None})
    assert (installation.status, installation.extra) == ("removed", {"colour": None})
    config = config_from_row(INSTALLATION_ROW)
    assert config.extra == {
        name: INSTALLATION_ROW[name] for name in ("agentId", "createdAt", "status")
    }


@pytest.mark.parametrize("target", ["", "null", "[]", "{}", '{"type":1}', "workflow", None, 7])
def test_a_schedule_without_a_target(target: Any) -> None:
    with pytest.raises(ProtocolError, match="Schedule s has invalid target"):
        schedule_from_row(SCHEDULE_ROW | {"target": target})


def test_channel_data_that_is_no_json() -> None:
    with pytest.raises(ProtocolError, match="Invalid channel data JSON for installation i"):
        installation_from_row(INSTALLATION_ROW | {"data": "{"})
    with pytest.raises(ProtocolError, match="Invalid channel data JSON for config p"):
        config_from_row(INSTALLATION_ROW | {"data": "NaN"})


def test_an_installation_of_a_status_nobody_knows_comes_last() -> None:
    rows = [INSTALLATION_ROW, INSTALLATION_ROW | {"id": "broken", "status": "error"}]
    with answered(lambda args: True if args["op"] == "patch" else rows) as (store, _):
        found = store.channels.get_installation_by_agent("p", "a")
    assert found is not None
    assert found.id == "broken"


@pytest.mark.parametrize("kept", [{"colour": "red"}, {}])
def test_unknown_columns_are_written_back(kept: dict[str, Any]) -> None:
    written: list[dict[str, Any]] = []

    def answer(args: dict[str, Any]) -> Any:
        if args["op"] in ("createSchedule", "recordScheduleTrigger", "insert"):
            written.append(args["record"])
        return False if args["op"] == "patch" else None

    with answered(answer) as (store, _):
        store.schedules.create_schedule(schedule_from_row(SCHEDULE_ROW | kept))
        row = TRIGGER_ROW | kept | {"outcome": "published"}
        store.schedules.record_trigger(trigger_from_row(row))
        row = INSTALLATION_ROW | kept | {"status": "active"}
        store.channels.save_installation(installation_from_row(row))
    assert [row.get("colour") for row in written] == [kept.get("colour")] * 3
    assert not any(name.startswith("_") for row in written for name in row)
