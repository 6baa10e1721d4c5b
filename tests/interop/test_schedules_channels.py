"""Schedules and channels of one deployment, kept by Mastra and by Python.

On the dev server and on the reference deployment; the JavaScript is npm's own ``ConvexStore``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import (
    AlreadyExistsError,
    ChannelConfig,
    ChannelInstallation,
    ConvexStore,
    Schedule,
    ScheduleTrigger,
)
from convex_mastra.timestamps import to_milliseconds, to_text
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
START_MS = to_milliseconds(START)
HOUR_MS = 3_600_000
EXACT = {"z": 1, "a": {"$schema": "x", "température": [1.5, None, True]}, "": "größer 🌍"}


def mastra(deployment: Deployment, *calls: tuple[Any, ...]) -> list[Any]:
    """What Mastra's client answers: a call is the domain's name, the method's, and its arguments."""
    payload = {
        "url": deployment.url,
        "key": deployment.admin_key,
        "calls": [
            {"domain": domain, "method": method, "args": args} for domain, method, *args in calls
        ],
    }
    results: list[Any] = run_node("schedules.ts", payload)["results"]
    return results


def date(moment: datetime) -> dict[str, str]:
    return {"$date": to_text(moment)}


def test_mastra_reads_the_schedules_that_python_wrote(
    deployment: Deployment, unique: Unique
) -> None:
    workflow = Schedule(
        id=unique("s"),
        target={"type": "workflow", "workflowId": unique("wf"), "inputData": EXACT},
        cron="0 9 * * *",
        next_fire_at=START,
        created_at=START,
        updated_at=START,
    )
    agent = workflow.replace(
        id=unique("s"),
        target={"type": "agent", "agentId": "a", "prompt": "Hello", "metadata": EXACT},
        timezone="Europe/Oslo",
        status="paused",
        last_fire_at=START - timedelta(hours=1),
        last_run_id="run",
        metadata=EXACT,
        owner_type="agent",
        owner_id=unique("a"),
    )
    trigger = ScheduleTrigger(
        id=unique("t"),
        schedule_id=workflow.id,
        scheduled_fire_at=START,
        actual_fire_at=START + timedelta(milliseconds=1),
        outcome="failed",
        error="no such workflow",
        metadata=EXACT,
    )
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        store.schedules.create_schedule(workflow)
        store.schedules.create_schedule(agent)
        store.schedules.record_trigger(trigger)
    of_workflow = {
        "id": workflow.id,
        "target": workflow.target,
        "cron": "0 9 * * *",
        "status": "active",
        "nextFireAt": START_MS,
        "createdAt": START_MS,
        "updatedAt": START_MS,
    }
    of_agent = {
        **of_workflow,
        "id": agent.id,
        "target": agent.target,
        "timezone": "Europe/Oslo",
        "status": "paused",
        "lastFireAt": START_MS - HOUR_MS,
        "lastRunId": "run",
        "metadata": EXACT,
        "ownerType": "agent",
        "ownerId": agent.owner_id,
    }
    of_trigger = {
        "id": trigger.id,
        "scheduleId": workflow.id,
        "runId": None,
        "scheduledFireAt": START_MS,
        "actualFireAt": START_MS + 1,
        "outcome": "failed",
        "error": "no such workflow",
        "triggerKind": "schedule-fire",
        "metadata": EXACT,
    }
    by_workflow = {"workflowId": workflow.target["workflowId"], "ownerType": None, "ownerId": None}
    created_again, *read = mastra(
        deployment,
        ("schedules", "createSchedule", of_workflow),
        ("schedules", "getSchedule", workflow.id),
        ("schedules", "getSchedule", agent.id),
        ("schedules", "listSchedules", by_workflow),
        ("schedules", "listSchedules", {"ownerType": "agent", "ownerId": agent.owner_id}),
        ("schedules", "listTriggers", workflow.id),
    )
    assert f'Schedule with id "{workflow.id}" already exists' in created_again["error"]
    assert read == [of_workflow, of_agent, [of_workflow], [of_agent], [of_trigger]]
    assert list(read[1]["target"]["metadata"]) == list(EXACT), "the order of keys"


def test_python_reads_the_schedules_that_mastra_wrote(
    deployment: Deployment, unique: Unique
) -> None:
    schedule_id, agent_id = unique("s"), unique("a")
    target = {"type": "agent", "agentId": agent_id, "prompt": "Hello", "metadata": EXACT}
    made = {
        "id": schedule_id,
        "target": target,
        "cron": "0 9 * * *",
        "timezone": "Europe/Oslo",
        "status": "active",
        "nextFireAt": START_MS,
        "createdAt": START_MS,
        "updatedAt": START_MS,
        "metadata": EXACT,
        "ownerType": "agent",
        "ownerId": agent_id,
    }
    trigger = {
        "id": unique("t"),
        "scheduleId": schedule_id,
        "runId": "run",
        "scheduledFireAt": START_MS,
        "actualFireAt": START_MS + 1,
        "outcome": "delivered",
        "metadata": EXACT,
    }
    mastra(
        deployment,
        ("schedules", "createSchedule", made),
        ("schedules", "recordTrigger", trigger),
        ("schedules", "updateSchedule", schedule_id, {"timezone": None, "cron": "1 1 * * *"}),
    )
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        found = store.schedules.get_schedule(schedule_id)
        assert found is not None
        assert found == Schedule(
            id=schedule_id,
            target=target,
            cron="1 1 * * *",
            next_fire_at=START,
            created_at=START,
            updated_at=found.updated_at,
            metadata=EXACT,
            owner_type="agent",
            owner_id=agent_id,
        )
        assert list(found.target["metadata"]) == list(EXACT)
        assert store.schedules.list_schedules(owner_id=agent_id) == [found]
        assert store.schedules.list_triggers(schedule_id) == [
            ScheduleTrigger(
                id=trigger["id"],
                schedule_id=schedule_id,
                run_id="run",
                scheduled_fire_at=START,
                actual_fire_at=START + timedelta(milliseconds=1),
                outcome="delivered",
                metadata=EXACT,
            )
        ]
        with pytest.raises(AlreadyExistsError):
            store.schedules.create_schedule(found)
        store.schedules.delete_schedule(schedule_id)
    assert mastra(
        deployment,
        ("schedules", "getSchedule", schedule_id),
        ("schedules", "listTriggers", schedule_id),
    ) == [None, []]


def test_one_start_is_claimed_by_one_scheduler(deployment: Deployment, unique: Unique) -> None:
    long_ago = datetime(1985, 1, 1, tzinfo=UTC)  # due before those of other tests
    due_ms = to_milliseconds(long_ago)
    ours, theirs = (
        Schedule(
            id=unique(name),
            target={"type": "workflow", "workflowId": "wf"},
            cron="0 * * * *",
            next_fire_at=long_ago,
        )
        for name in ("ours", "theirs")
    )

    def claimed_by_mastra(schedule: Schedule) -> tuple[Any, ...]:
        new_ms = START_MS + HOUR_MS
        call = "updateScheduleNextFire", schedule.id, due_ms, new_ms, START_MS, "mastra"
        return ("schedules", *call)

    with ConvexStore(deployment.url, deployment.admin_key) as store:

        def claim(schedule: Schedule) -> bool:
            return store.schedules.update_schedule_next_fire(
                schedule.id,
                expected_next_fire_at=schedule.next_fire_at,
                new_next_fire_at=START + timedelta(hours=1),
                last_fire_at=START,
                last_run_id="python",
            )

        for schedule in (ours, theirs):
            store.schedules.create_schedule(schedule)
        assert claim(ours) is True
        due, *claims = mastra(
            deployment,
            ("schedules", "listDueSchedules", due_ms),
            claimed_by_mastra(ours),
            claimed_by_mastra(theirs),
        )
        assert [one["id"] for one in due] == [theirs.id]
        assert claims == [False, True]
        assert claim(theirs) is False
        for schedule, run_id in ((ours, "python"), (theirs, "mastra")):
            found = store.schedules.get_schedule(schedule.id)
            assert found is not None
            assert (found.last_run_id, found.last_fire_at) == (run_id, START)
            assert found.next_fire_at == START + timedelta(hours=1)


def test_mastra_reads_the_channels_that_python_wrote(
    deployment: Deployment, unique: Unique
) -> None:
    made = ChannelInstallation(
        id=unique("i"),
        platform=unique("slack"),
        agent_id="a",
        status="error",
        webhook_id=unique("hook"),
        data=EXACT,
        config_hash="h",
        error="no such team",
        created_at=START,
    )
    plain = made.replace(
        id=unique("i"), status="active", webhook_id=None, config_hash=None, error=None, data={}
    )
    config = ChannelConfig(platform=made.platform, data=EXACT, updated_at=START)
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        store.channels.save_installation(made)
        store.channels.save_installation(plain)
        store.channels.save_config(config)
        saved = store.channels.get_installation(made.id)
    assert saved is not None
    by_id, by_webhook, by_agent, listed, of_platform = mastra(
        deployment,
        ("channels", "getInstallation", made.id),
        ("channels", "getInstallationByWebhookId", made.webhook_id),
        ("channels", "getInstallationByAgent", made.platform, "a"),
        ("channels", "listInstallations", made.platform),
        ("channels", "getConfig", made.platform),
    )
    assert by_id == {
        "id": made.id,
        "platform": made.platform,
        "agentId": "a",
        "status": "error",
        "webhookId": made.webhook_id,
        "data": EXACT,
        "configHash": "h",
        "error": "no such team",
        "createdAt": to_text(START),
        "updatedAt": to_text(saved.updated_at),
    }
    assert list(by_id["data"]) == list(EXACT)
    assert by_webhook == by_id
    assert by_agent.keys() == by_id.keys() - {"webhookId", "configHash", "error"}
    assert by_agent["id"] == plain.id
    assert {one["id"] for one in listed} == {made.id, plain.id}
    assert of_platform == {
        "platform": made.platform,
        "data": EXACT,
        "updatedAt": to_text(START),
    }


def test_python_reads_the_channels_that_mastra_wrote(
    deployment: Deployment, unique: Unique
) -> None:
    installation_id, platform, webhook_id = unique("i"), unique("slack"), unique("hook")
    made = {
        "id": installation_id,
        "platform": platform,
        "agentId": "a",
        "status": "pending",
        "webhookId": webhook_id,
        "data": EXACT,
        "createdAt": date(START),
        "updatedAt": date(START),
    }
    mastra(
        deployment,
        ("channels", "saveInstallation", made),
        ("channels", "saveConfig", {"platform": platform, "data": EXACT, "updatedAt": date(START)}),
    )
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        found = store.channels.get_installation_by_agent(platform, "a")
        assert found is not None
        assert found == ChannelInstallation(
            id=installation_id,
            platform=platform,
            agent_id="a",
            status="pending",
            webhook_id=webhook_id,
            data=EXACT,
            created_at=START,
            updated_at=found.updated_at,
        )
        assert list(found.data) == list(EXACT)
        assert store.channels.get_installation_by_webhook_id(webhook_id) == found
        assert store.channels.list_installations(platform) == [found]
        config = ChannelConfig(platform=platform, data=EXACT, updated_at=START)
        assert store.channels.get_config(platform) == config
        store.channels.save_installation(
            found.replace(status="active", created_at=found.updated_at)
        )
        store.channels.delete_config(platform)
    (now, config_now) = mastra(
        deployment,
        ("channels", "getInstallation", installation_id),
        ("channels", "getConfig", platform),
    )
    assert (now["status"], now["createdAt"], config_now) == ("active", to_text(START), None)
