"""Schedules and triggers, as SchedulesConvex of @mastra/convex 1.5.2 has them, on every lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from convex_mastra import (
    AlreadyExistsError,
    FunctionError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    Schedule,
    ScheduleTrigger,
)
from convex_mastra.ops import schedule_triggers
from tests.lanes import Clients

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
NAIVE = datetime(2026, 1, 2)  # noqa: DTZ001
HOUR = timedelta(hours=1)
WORKFLOW = {"type": "workflow", "workflowId": "wf"}
AGENT = {"type": "agent", "agentId": "a", "prompt": "Say hello"}
EXACT = {
    "z": 1,
    "a": {"$schema": "x", "température": [1.0, 1, 2**60, -0.5, None, True]},
    "": "größer 🌍 \ud800",
    "_id": 'quote " and \\',
}


def schedule(schedule_id: str, **changes: Any) -> Schedule:
    made = Schedule(
        id=schedule_id,
        target=WORKFLOW,
        cron="0 9 * * *",
        next_fire_at=START,
        created_at=START,
        updated_at=START,
    )
    return made.replace(**changes)


def trigger(schedule_id: str, trigger_id: str, /, **changes: Any) -> ScheduleTrigger:
    made = ScheduleTrigger(
        id=trigger_id,
        schedule_id=schedule_id,
        run_id="run",
        scheduled_fire_at=START,
        actual_fire_at=START,
        outcome="published",
    )
    return made.replace(**changes)


def in_order(value: Any) -> str:
    """A JSON value with the order of its keys, and 1 apart from 1.0 and True."""
    return repr(value)


@pytest.mark.parametrize("target", [WORKFLOW | {"inputData": EXACT}, AGENT | {"metadata": EXACT}])
async def test_a_schedule_comes_back_as_it_was_created(
    clients: Clients, unique: Unique, target: dict[str, Any]
) -> None:
    schedules = clients.domain("schedules")
    made = schedule(
        unique("s"),
        target=target,
        timezone="Europe/Oslo",
        status="paused",
        last_fire_at=START - HOUR,
        last_run_id="run-1",
        metadata=EXACT,
        owner_type="agent",
        owner_id="a",
    )
    assert await schedules.create_schedule(made) == made
    found = await schedules.get_schedule(made.id)
    assert found == made
    assert in_order(found.target) == in_order(target)
    assert in_order(found.metadata) == in_order(EXACT)


async def test_what_is_empty_comes_back_as_none(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    made = await schedules.create_schedule(schedule(unique("s")))
    found = await schedules.get_schedule(made.id)
    assert found == made
    assert (found.timezone, found.metadata, found.last_fire_at, found.owner_id) == (None,) * 4
    assert await schedules.get_schedule(unique("nobody")) is None
    empty = await schedules.create_schedule(schedule(unique("s"), metadata={}))
    assert (await schedules.get_schedule(empty.id)).metadata == {}


async def test_times_are_stored_in_utc_and_whole_milliseconds(
    clients: Clients, unique: Unique
) -> None:
    schedules = clients.domain("schedules")
    east = timezone(timedelta(hours=5, minutes=30))
    fires = datetime(2026, 6, 1, 1, 0, 0, 123_999, east)
    created = await schedules.create_schedule(schedule(unique("s"), next_fire_at=fires))
    found = await schedules.get_schedule(created.id)
    assert found == created
    assert found.next_fire_at == datetime(2026, 5, 31, 19, 30, 0, 123_000, UTC)
    assert found.next_fire_at.tzinfo is UTC
    old = datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)
    created = await schedules.create_schedule(
        schedule(unique("s"), next_fire_at=old, status="paused")
    )
    assert (await schedules.get_schedule(created.id)).next_fire_at == old


async def test_creating_twice(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    first = await schedules.create_schedule(schedule(unique("s")))
    text = f'Schedule with id "{first.id}" already exists'
    with pytest.raises(AlreadyExistsError, match=text):
        await schedules.create_schedule(schedule(first.id, cron="1 1 1 1 1"))
    assert await schedules.get_schedule(first.id) == first, "it stays as it is"


async def test_of_many_creators_one_wins(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    schedule_id = unique("s")
    results = await asyncio.gather(
        *(schedules.create_schedule(schedule(schedule_id, cron=str(i))) for i in range(8)),
        return_exceptions=True,
    )
    (winner,) = [result for result in results if isinstance(result, Schedule)]
    assert sum(isinstance(result, AlreadyExistsError) for result in results) == 7
    assert await schedules.get_schedule(schedule_id) == winner


async def test_an_unknown_column_is_refused_by_the_deployment(
    clients: Clients, unique: Unique
) -> None:
    schedules = clients.domain("schedules")
    made = schedule(unique("s"), extra={"colour": "red"})
    with pytest.raises(FunctionError):
        await schedules.create_schedule(made)
    assert await schedules.get_schedule(made.id) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "schedule.id"),
        ({"id": 7}, "schedule.id"),
        ({"id": "\ud800"}, "schedule.id"),
        ({"target": None}, "schedule.target.type"),
        ({"target": {}}, "schedule.target.type"),
        ({"target": {"type": "heartbeat", "agentId": "a", "prompt": "p"}}, "schedule.target.type"),
        ({"target": {"type": ["workflow"]}}, "schedule.target.type"),
        ({"target": {"type": "workflow"}}, "schedule.target.workflowId"),
        ({"target": {"type": "workflow", "workflowId": ""}}, "schedule.target.workflowId"),
        ({"target": {"type": "agent", "prompt": "p"}}, "schedule.target.agentId"),
        ({"target": {"type": "agent", "agentId": "a"}}, "schedule.target.prompt"),
        ({"target": AGENT | {"threadId": "t"}}, "schedule.target.resourceId"),
        ({"target": WORKFLOW | {"inputData": float("nan")}}, "schedule.target"),
        ({"target": WORKFLOW | {"inputData": object()}}, "schedule.target"),
        ({"cron": ""}, "schedule.cron"),
        ({"cron": None}, "schedule.cron"),
        ({"timezone": ""}, "schedule.timezone"),
        ({"timezone": UTC}, "schedule.timezone"),
        ({"status": "stopped"}, "schedule.status"),
        ({"status": None}, "schedule.status"),
        ({"next_fire_at": None}, "schedule.next_fire_at"),
        ({"next_fire_at": 1_000}, "schedule.next_fire_at"),
        ({"next_fire_at": NAIVE}, "schedule.next_fire_at"),
        ({"last_fire_at": NAIVE}, "schedule.last_fire_at"),
        ({"created_at": "2026"}, "schedule.created_at"),
        ({"updated_at": None}, "schedule.updated_at"),
        ({"last_run_id": 7}, "schedule.last_run_id"),
        ({"metadata": [1]}, "schedule.metadata"),
        ({"metadata": {"n": float("inf")}}, "schedule.metadata"),
        ({"owner_type": ""}, "schedule.owner_type"),
        ({"owner_id": 7}, "schedule.owner_id"),
        ({"extra": {"$colour": 1}}, "schedule"),
    ],
)
async def test_refused_schedules(clients: Clients, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("schedules").create_schedule(schedule("s", **changes))
    assert caught.value.field == field
    assert clients.requests() == []


async def test_what_is_no_schedule(clients: Clients) -> None:
    with pytest.raises(InvalidArgumentError, match="must be a Schedule, not dict"):
        await clients.domain("schedules").create_schedule({"id": "s"})
    with pytest.raises(LimitExceededError) as caught:
        await clients.domain("schedules").create_schedule(
            schedule("s", metadata={"text": "x" * 1_100_000})
        )
    assert caught.value.field == "schedule"
    assert clients.requests() == []


async def test_listing_schedules(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    owner, workflow_id = unique("o"), unique("wf")
    mine = [
        await schedules.create_schedule(
            schedule(
                unique(f"s{position}"),
                target={"type": "workflow", "workflowId": workflow_id},
                status="paused" if position % 2 else "active",
                created_at=START + HOUR * (3 - position),
                owner_type="agent" if position < 2 else None,
                owner_id=owner if position in (0, 2) else None,
            )
        )
        for position in range(4)
    ]
    of_an_agent = await schedules.create_schedule(
        schedule(
            unique("agent"),
            target=AGENT | {"workflowId": workflow_id},
            owner_type="agent",
            owner_id=owner,
        )
    )

    async def found(**filters: Any) -> list[int]:
        listed = await schedules.list_schedules(workflow_id=workflow_id, **filters)
        return [mine.index(one) for one in listed]

    assert await found() == [3, 2, 1, 0], "oldest first, and no agent's"
    assert await found(status="active") == [2, 0]
    assert await found(status="paused") == [3, 1]
    assert await found(owner_type="agent") == [1, 0]
    assert await found(owner_type=None) == [3, 2]
    assert await found(owner_id=owner) == [2, 0]
    assert await found(owner_id=None) == [3, 1]
    assert await found(owner_type=None, owner_id=None, status="paused") == [3]
    assert await found(owner_type="workflow") == []
    listed = await schedules.list_schedules(owner_type="agent", owner_id=owner)
    assert listed == [of_an_agent, mine[0]], "created at the same time as none of the others"
    everything = {one.id for one in await schedules.list_schedules()}
    assert everything >= {one.id for one in (*mine, of_an_agent)}


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"status": "stopped"}, "status"),
        ({"status": ["active"]}, "status"),
        ({"workflow_id": ""}, "workflow_id"),
        ({"owner_type": ""}, "owner_type"),
        ({"owner_id": 7}, "owner_id"),
    ],
)
async def test_refused_listings(clients: Clients, filters: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("schedules").list_schedules(**filters)
    assert caught.value.field == field
    assert clients.requests() == []


async def test_due_schedules(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    long_ago = datetime(1980, 1, 1, tzinfo=UTC)  # due before those of other tests
    mine = [
        await schedules.create_schedule(
            schedule(unique(f"s{hours}"), next_fire_at=long_ago + HOUR * hours, status=status)
        )
        for hours, status in [(3, "active"), (1, "active"), (0, "paused"), (2, "active")]
    ]

    async def due(hours: float, **args: Any) -> list[int]:
        now = long_ago + HOUR * hours
        return [mine.index(one) for one in await schedules.list_due_schedules(now, **args)]

    assert await due(5) == [1, 3, 0], "the longest due first, and no paused one"
    assert await due(2) == [1, 3], "due now is due"
    assert await due(1.9) == [1]
    assert await due(5, limit=2) == [1, 3]
    assert await due(5, limit=0) == []
    assert await due(0.5) == []
    for one in mine:
        await schedules.delete_schedule(one.id)
    assert await schedules.list_due_schedules(long_ago + HOUR * 5) == []


@pytest.mark.parametrize("limit", [-1, 1.0, True, None, 8_193, "10"])
async def test_refused_limits_of_due_schedules(clients: Clients, limit: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("schedules").list_due_schedules(START, limit=limit)
    assert caught.value.field == "limit"
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("schedules").list_due_schedules(1_000)
    assert caught.value.field == "now"
    assert clients.requests() == []


async def test_updating_a_schedule(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    made = await schedules.create_schedule(
        schedule(unique("s"), timezone="UTC", metadata={"a": 1}, owner_type="agent", owner_id="a")
    )
    changed = await schedules.update_schedule(
        made.id,
        cron="* * * * *",
        status="paused",
        next_fire_at=START + HOUR,
        metadata=EXACT,
        target=AGENT | {"providerOptions": EXACT},
    )
    assert changed == made.replace(
        cron="* * * * *",
        status="paused",
        next_fire_at=START + HOUR,
        metadata=EXACT,
        target=AGENT | {"providerOptions": EXACT},
        updated_at=changed.updated_at,
    )
    assert changed.updated_at > made.updated_at
    assert in_order(changed.metadata) == in_order(EXACT)
    assert await schedules.get_schedule(made.id) == changed

    cleared = await schedules.update_schedule(
        made.id, timezone=None, metadata=None, owner_type=None, owner_id=None
    )
    assert cleared == changed.replace(
        timezone=None,
        metadata=None,
        owner_type=None,
        owner_id=None,
        updated_at=cleared.updated_at,
    )
    assert await schedules.get_schedule(made.id) == cleared


async def test_a_new_target_is_found_by_its_workflow(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    old, new = unique("old"), unique("new")
    made = await schedules.create_schedule(
        schedule(unique("s"), target={"type": "workflow", "workflowId": old})
    )
    changed = await schedules.update_schedule(
        made.id, target={"type": "workflow", "workflowId": new}
    )
    assert await schedules.list_schedules(workflow_id=old) == []
    assert await schedules.list_schedules(workflow_id=new) == [changed]
    await schedules.update_schedule(made.id, target=AGENT)
    assert await schedules.list_schedules(workflow_id=new) == []


async def test_updating_nothing_and_nobody(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    made = await schedules.create_schedule(schedule(unique("s")))
    assert await schedules.update_schedule(made.id) == made
    for changes in ({}, {"cron": "* * * * *"}):
        with pytest.raises(NotFoundError, match="Schedule nobody not found"):
            await schedules.update_schedule("nobody", **changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": None}, "cron"),
        ({"cron": ""}, "cron"),
        ({"timezone": ""}, "timezone"),
        ({"status": None}, "status"),
        ({"status": "stopped"}, "status"),
        ({"next_fire_at": None}, "next_fire_at"),
        ({"next_fire_at": NAIVE}, "next_fire_at"),
        ({"target": None}, "target.type"),
        ({"target": {"type": "workflow"}}, "target.workflowId"),
        ({"metadata": "x"}, "metadata"),
        ({"metadata": {"x": object()}}, "metadata"),
        ({"metadata": {"x": "x" * 1_100_000}}, "schedule"),
        ({"owner_id": ""}, "owner_id"),
        ({"schedule_id": ""}, "schedule_id"),
    ],
)
async def test_refused_updates(clients: Clients, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("schedules").update_schedule(**{"schedule_id": "s", **changes})
    assert caught.value.field == field
    assert clients.requests() == []


def claim(run_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "expected_next_fire_at": START,
        "new_next_fire_at": START + HOUR,
        "last_fire_at": START + timedelta(seconds=1),
        "last_run_id": run_id,
        **changes,
    }


async def test_a_claim_moves_a_schedule_on(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    made = await schedules.create_schedule(schedule(unique("s"), metadata={"a": 1}))
    late = claim("late", expected_next_fire_at=START + timedelta(milliseconds=1))
    assert await schedules.update_schedule_next_fire(made.id, **late) is False
    assert await schedules.get_schedule(made.id) == made, "nothing was changed"
    assert await schedules.update_schedule_next_fire(made.id, **claim("first")) is True
    assert await schedules.update_schedule_next_fire(made.id, **claim("second")) is False
    found = await schedules.get_schedule(made.id)
    assert found == made.replace(
        next_fire_at=START + HOUR,
        last_fire_at=START + timedelta(seconds=1),
        last_run_id="first",
        updated_at=found.updated_at,
    )
    assert found.updated_at > made.updated_at


async def test_what_cannot_be_claimed(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    paused = await schedules.create_schedule(schedule(unique("s"), status="paused"))
    assert await schedules.update_schedule_next_fire(paused.id, **claim("run")) is False
    assert await schedules.get_schedule(paused.id) == paused
    assert await schedules.update_schedule_next_fire(unique("nobody"), **claim("run")) is False


async def test_of_many_schedulers_one_claims(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    made = await schedules.create_schedule(schedule(unique("s")))
    won = await asyncio.gather(
        *(schedules.update_schedule_next_fire(made.id, **claim(f"run-{i}")) for i in range(8))
    )
    assert sorted(won) == [False] * 7 + [True]
    assert (await schedules.get_schedule(made.id)).last_run_id == f"run-{won.index(True)}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schedule_id": ""}, "schedule_id"),
        ({"expected_next_fire_at": 1_000}, "expected_next_fire_at"),
        ({"new_next_fire_at": NAIVE}, "new_next_fire_at"),
        ({"new_next_fire_at": START}, "new_next_fire_at"),  # everybody's claim would succeed
        ({"last_fire_at": None}, "last_fire_at"),
        ({"last_run_id": None}, "last_run_id"),
    ],
)
async def test_refused_claims(clients: Clients, changes: dict[str, Any], field: str) -> None:
    args = {"schedule_id": "s", **claim("run"), **changes}
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("schedules").update_schedule_next_fire(**args)
    assert caught.value.field == field
    assert clients.requests() == []


async def test_a_history(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    schedule_id = unique("s")
    recorded = [
        trigger(schedule_id, unique("first"), actual_fire_at=START),
        trigger(
            schedule_id,
            unique("second"),
            run_id=None,
            scheduled_fire_at=START + HOUR,
            actual_fire_at=START + HOUR,
            outcome="failed",
            error="",
            trigger_kind="queue-drain",
            parent_trigger_id="first",
            metadata=EXACT,
        ),
        trigger(schedule_id, unique("third"), actual_fire_at=START + HOUR * 2, error="größer"),
    ]
    for one in (recorded[1], recorded[0], recorded[2]):
        assert await schedules.record_trigger(one) is None
    await schedules.record_trigger(trigger(unique("other"), unique("t")))

    async def listed(**args: Any) -> list[int]:
        return [recorded.index(one) for one in await schedules.list_triggers(schedule_id, **args)]

    assert await listed() == [2, 1, 0], "newest first"
    assert await listed(limit=2) == [2, 1]
    assert await listed(limit=0) == []
    assert await listed(limit=None) == [2, 1, 0]
    assert await listed(from_actual_fire_at=START + HOUR) == [2, 1], "that time and later"
    assert await listed(to_actual_fire_at=START + HOUR) == [0], "before that time"
    assert await listed(from_actual_fire_at=START, to_actual_fire_at=START + HOUR * 2) == [1, 0]
    found = await schedules.list_triggers(schedule_id)
    assert in_order(found[1].metadata) == in_order(EXACT)
    assert await schedules.list_triggers(unique("nobody")) == []


async def test_a_long_history_is_read_in_pages(
    clients: Clients, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_triggers, "_PAGE_ROWS", 4)
    schedules = clients.domain("schedules")
    schedule_id = unique("s")
    seconds = [0, 1, 2, 2, 2, 3, 4, 5, 5, 6]
    for position, second in enumerate(seconds):
        fired = START + timedelta(seconds=second)
        await schedules.record_trigger(
            trigger(schedule_id, unique(f"t{position}"), actual_fire_at=fired)
        )

    async def listed(**args: Any) -> list[str]:
        found = await schedules.list_triggers(schedule_id, **args)
        return [one.id.partition("-")[0] for one in found]

    newest_first = [f"t{position}" for position in reversed(range(len(seconds)))]
    assert await listed(limit=None) == newest_first
    assert await listed(limit=9) == newest_first[:9]
    assert await listed(limit=5) == newest_first[:5]
    from_second = {"from_actual_fire_at": START + timedelta(seconds=2)}
    assert await listed(limit=None, **from_second) == newest_first[:8]
    to_sixth = {"to_actual_fire_at": START + timedelta(seconds=6)}
    assert await listed(limit=None, **to_sixth) == newest_first[1:]


async def test_recording_twice(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    schedule_id, trigger_id = unique("s"), unique("t")
    first = trigger(schedule_id, trigger_id)
    await schedules.record_trigger(first)
    text = f'Schedule trigger with id "{trigger_id}" already exists'
    with pytest.raises(AlreadyExistsError, match=text):
        await schedules.record_trigger(trigger(schedule_id, trigger_id, outcome="failed"))
    assert await schedules.list_triggers(schedule_id) == [first]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "trigger.id"),
        ({"schedule_id": None}, "trigger.schedule_id"),
        ({"run_id": ""}, "trigger.run_id"),
        ({"scheduled_fire_at": 1}, "trigger.scheduled_fire_at"),
        ({"actual_fire_at": NAIVE}, "trigger.actual_fire_at"),
        ({"outcome": "fine"}, "trigger.outcome"),
        ({"outcome": "acked"}, "trigger.outcome"),
        ({"error": ValueError("x")}, "trigger.error"),
        ({"trigger_kind": "cron"}, "trigger.trigger_kind"),
        ({"parent_trigger_id": ""}, "trigger.parent_trigger_id"),
        ({"metadata": "x"}, "trigger.metadata"),
        ({"metadata": {"x": "x" * 1_100_000}}, "trigger"),
    ],
)
async def test_refused_triggers(clients: Clients, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("schedules").record_trigger(trigger("s", "t", **changes))
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"schedule_id": ""}, "schedule_id"),
        ({"limit": -1}, "limit"),
        ({"limit": 2.0}, "limit"),
        ({"limit": False}, "limit"),
        ({"from_actual_fire_at": NAIVE}, "from_actual_fire_at"),
        ({"to_actual_fire_at": 7}, "to_actual_fire_at"),
    ],
)
async def test_refused_histories(clients: Clients, args: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("schedules").list_triggers(**{"schedule_id": "s", **args})
    assert caught.value.field == field
    with pytest.raises(InvalidArgumentError, match="must be a ScheduleTrigger, not dict"):
        await clients.domain("schedules").record_trigger({"id": "t"})
    assert clients.requests() == []


async def test_deleting_a_schedule_deletes_its_history(clients: Clients, unique: Unique) -> None:
    schedules = clients.domain("schedules")
    made = await schedules.create_schedule(schedule(unique("s")))
    other = unique("other")
    for position in range(30):
        await schedules.record_trigger(trigger(made.id, unique(f"t{position}")))
    await schedules.record_trigger(trigger(other, unique("t")))
    clients.requests()
    await schedules.delete_schedule(made.id)
    assert clients.requests() == [
        *["deleteScheduleTriggers mastra_schedule_triggers"] * 2,
        "deleteMany mastra_schedules",
    ]
    assert await schedules.get_schedule(made.id) is None
    assert await schedules.list_triggers(made.id) == []
    assert len(await schedules.list_triggers(other)) == 1
    await schedules.delete_schedule(made.id)
    with pytest.raises(InvalidArgumentError):
        await schedules.delete_schedule("")
    with pytest.raises(InvalidArgumentError):
        await schedules.get_schedule("")


async def test_clearing_everything(clients: Clients, unique: Unique) -> None:
    if clients.deployment.lane == "live":
        pytest.skip("would empty a deployment that is not ours")
    schedules = clients.domain("schedules")
    for position in range(30):
        await schedules.create_schedule(schedule(unique(f"s{position}")))
    await schedules.record_trigger(trigger("s", unique("t")))
    await schedules.dangerously_clear_all()
    assert await schedules.list_schedules() == []
    assert await schedules.list_triggers("s") == []


async def test_the_deployment_is_asked_once_what_it_can_do(
    clients: Clients, unique: Unique
) -> None:
    schedules = clients.domain("schedules")
    await schedules.get_schedule(unique("s"))
    await schedules.get_schedule(unique("s"))
    assert clients.requests() == [
        "listDueSchedules mastra_schedules",
        "load mastra_schedules",
        "load mastra_schedules",
    ]
