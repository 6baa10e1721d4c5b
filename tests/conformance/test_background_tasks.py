"""Background tasks, as BackgroundTasksConvex of @mastra/convex 1.5.2 has them, on every lane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from convex_mastra import BackgroundTask, InvalidArgumentError, LimitExceededError, StorageError
from tests.lanes import Clients

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
SECOND = timedelta(seconds=1)
PAYLOAD = {"z": 1, "a": [1.5, 2**70, None, True], "$set": {"clé 🌍": "\ud800"}, "": 1e300}
"""JSON that no object of Convex could hold: its keys, their order, its integers."""


def task(**fields: Any) -> BackgroundTask:
    columns = {"tool_name": "t", "tool_call_id": "c", "agent_id": "a", "run_id": "r"}
    return BackgroundTask(**{**columns, "created_at": START, **fields})


def full_task(unique: Unique) -> BackgroundTask:
    return task(
        id=unique("task"),
        status="suspended",
        thread_id="th",
        resource_id="re",
        args=PAYLOAD,
        result=[PAYLOAD],
        error={"stack": "at line 1", "message": "Größe", "code": 7},
        suspend_payload="a text",
        retry_count=1,
        max_retries=3,
        timeout_ms=1_000,
        started_at=START + SECOND,
        suspended_at=START + 2 * SECOND,
        completed_at=START + 3 * SECOND,
    )


async def test_a_task_comes_back_exactly(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    created = full_task(unique)
    assert await tasks.create_task(created) == created
    found = await tasks.get_task(created.id)
    assert found == created
    assert list(found.args) == ["z", "a", "$set", ""], "in the order given"
    assert type(found.args["a"][1]) is int
    assert type(found.timeout_ms) is int


async def test_a_task_of_nothing_but_names(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    created = await tasks.create_task(task(id=unique("task")))
    found = await tasks.get_task(created.id)
    assert found == created
    assert (found.status, found.args, found.retry_count) == ("pending", {}, 0)
    assert (found.result, found.error, found.suspend_payload) == (None, None, None)
    assert (found.started_at, found.suspended_at, found.completed_at) == (None, None, None)
    assert (found.thread_id, found.resource_id, found.timeout_ms) == (None, None, 300_000)
    assert await tasks.get_task(unique("nobody")) is None


async def test_times_are_utc_and_whole_milliseconds(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    moment = datetime(2026, 1, 2, 4, 4, 5, 678_901, timezone(timedelta(hours=1)))
    created = await tasks.create_task(task(id=unique("task"), created_at=moment))
    assert created.created_at == START
    assert await tasks.get_task(created.id) == created


async def test_creating_again_overwrites(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    created = await tasks.create_task(full_task(unique))
    again = await tasks.create_task(task(id=created.id))
    assert await tasks.get_task(created.id) == again


async def test_updating_changes_what_is_given(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    created = await tasks.create_task(full_task(unique))
    assert await tasks.update_task(created.id) is True
    assert await tasks.get_task(created.id) == created
    changes: dict[str, Any] = {
        "status": "completed",
        "result": {"b": 1, "a": PAYLOAD},
        "error": {"message": "no"},
        "suspend_payload": 0,
        "retry_count": 0,
        "max_retries": 0,
        "timeout_ms": 5,
        "started_at": START - SECOND,
        "suspended_at": START,
        "completed_at": START + SECOND,
    }
    expected = created
    for name, value in changes.items():
        assert await tasks.update_task(created.id, **{name: value}) is True
        expected = expected.replace(**{name: value})
        assert await tasks.get_task(created.id) == expected, name


async def test_none_empties_where_it_can_be_a_value(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    created = await tasks.create_task(full_task(unique))
    emptied = dict.fromkeys(
        ("result", "error", "suspend_payload", "started_at", "suspended_at", "completed_at")
    )
    kept = dict.fromkeys(("status", "retry_count", "max_retries", "timeout_ms"))
    await tasks.update_task(created.id, **emptied, **kept)
    assert await tasks.get_task(created.id) == created.replace(**emptied)


async def test_updating_a_missing_task_makes_none(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    task_id = unique("nobody")
    assert await tasks.update_task(task_id, status="running") is False
    assert await tasks.get_task(task_id) is None


async def seeded(clients: Clients, unique: Unique) -> tuple[list[BackgroundTask], str]:
    """Six tasks of one resource, of different agents and times, not created in order of time."""
    resource_id = unique("resource")
    times = [START + position * SECOND for position in (3, 0, 5, 1, 4, 2)]
    statuses = ["pending", "running", "completed", "running", "failed", "completed"]
    made = [
        task(
            id=unique(f"task{i}"),
            status=statuses[i],
            resource_id=resource_id,
            agent_id=f"{resource_id}-agent{i % 2}",
            thread_id=f"{resource_id}-thread{i % 3}",
            run_id=f"{resource_id}-run{i // 2}",
            tool_name=f"{resource_id}-tool{i // 3}",
            tool_call_id=f"{resource_id}-call{i}",
            created_at=times[i],
            started_at=None if i == 0 else START + timedelta(hours=10 - i),
            completed_at=START + timedelta(days=i) if statuses[i] == "completed" else None,
        )
        for i in range(6)
    ]
    for one in made:
        await clients.domain("background_tasks").create_task(one)
    return made, resource_id


async def test_listing(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    made, resource_id = await seeded(clients, unique)

    async def numbers(**filters: Any) -> list[int]:
        page = await tasks.list_tasks(resource_id=resource_id, **filters)
        assert all(found == made[made.index(found)] for found in page.tasks)
        return [made.index(found) for found in page.tasks]

    assert await numbers() == [1, 3, 5, 0, 4, 2], "oldest first"
    assert await numbers(order_direction="desc") == [2, 4, 0, 5, 3, 1]
    assert await numbers(order_by="started_at") == [0, 5, 4, 3, 2, 1], "one without counts as 1970"
    assert (await numbers(order_by="completed_at", order_direction="desc"))[:2] == [5, 2]
    assert await numbers(order_by="suspended_at") == [0, 1, 2, 3, 4, 5], "as created, if equal"
    assert await numbers(order_by="suspended_at", order_direction="desc") == [0, 1, 2, 3, 4, 5]
    assert await numbers(status="running") == [1, 3]
    assert await numbers(status=["running"]) == [1, 3]
    assert await numbers(status=("running", "failed")) == [1, 3, 4]
    assert await numbers(status=[]) == []
    assert await numbers(status="cancelled") == []
    assert await numbers(agent_id=f"{resource_id}-agent1") == [1, 3, 5]
    assert await numbers(agent_id=f"{resource_id}-agent1", status="running") == [1, 3]
    assert await numbers(thread_id=f"{resource_id}-thread0") == [3, 0]
    assert await numbers(run_id=f"{resource_id}-run1") == [3, 2]
    assert await numbers(tool_name=f"{resource_id}-tool1") == [3, 5, 4]
    assert await numbers(tool_call_id=f"{resource_id}-call4") == [4]
    assert await numbers(tool_call_id=unique("nothing")) == []


async def test_listing_by_date(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    made, resource_id = await seeded(clients, unique)

    async def numbers(**filters: Any) -> list[int]:
        page = await tasks.list_tasks(resource_id=resource_id, **filters)
        return [made.index(found) for found in page.tasks]

    assert await numbers(from_date=START + SECOND, to_date=START + 3 * SECOND) == [3, 5]
    assert await numbers(from_date=START + 4 * SECOND) == [4, 2]
    assert await numbers(to_date=START + SECOND) == [1]
    day = timedelta(days=1)
    by_end: dict[str, Any] = {"date_filter_by": "completed_at"}
    assert await numbers(**by_end, from_date=START) == [5, 2]
    assert await numbers(**by_end, to_date=START + 5 * day) == [2]
    assert await numbers(**by_end) == [1, 3, 5, 0, 4, 2], "without dates it filters nothing"
    assert await numbers(date_filter_by="started_at", from_date=START) == [1, 3, 5, 4, 2]


async def test_pages(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    made, resource_id = await seeded(clients, unique)

    async def numbers(**page: Any) -> tuple[list[int], int]:
        found = await tasks.list_tasks(resource_id=resource_id, **page)
        return [made.index(one) for one in found.tasks], found.total

    assert await numbers(per_page=4) == ([1, 3, 5, 0], 6)
    assert await numbers(per_page=4, page=1) == ([4, 2], 6)
    assert await numbers(per_page=4, page=2) == ([], 6)
    assert await numbers(per_page=0) == ([], 6)
    assert await numbers(page=7) == ([1, 3, 5, 0, 4, 2], 6), "all, as there are no pages"


async def test_counting(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    before = await tasks.get_running_count()
    made, resource_id = await seeded(clients, unique)
    assert await tasks.get_running_count() == before + 2
    assert await tasks.get_running_count_by_agent(f"{resource_id}-agent1") == 2
    assert await tasks.get_running_count_by_agent(f"{resource_id}-agent0") == 0
    await tasks.update_task(made[1].id, status="failed")
    assert await tasks.get_running_count_by_agent(f"{resource_id}-agent1") == 1


async def test_deleting(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    made, resource_id = await seeded(clients, unique)

    async def left() -> set[int]:
        page = await tasks.list_tasks(resource_id=resource_id)
        return {made.index(found) for found in page.tasks}

    await tasks.delete_task(made[0].id)
    await tasks.delete_task(made[0].id)
    assert await left() == {1, 2, 3, 4, 5}
    await tasks.delete_tasks(resource_id=resource_id, status=[])
    assert await left() == {1, 2, 3, 4, 5}
    await tasks.delete_tasks(
        resource_id=resource_id,
        status=["completed", "failed"],
        date_filter_by="completed_at",
        to_date=START + timedelta(days=3),
    )
    assert await left() == {1, 3, 4, 5}
    await tasks.delete_tasks(tool_call_id=f"{resource_id}-call3")
    assert await left() == {1, 4, 5}
    await tasks.delete_tasks(resource_id=resource_id)
    assert await left() == set()


async def test_an_empty_filter_deletes_nothing(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    created = await tasks.create_task(task(id=unique("task")))
    clients.requests()
    await tasks.delete_tasks()
    await tasks.delete_tasks(status=[], date_filter_by="completed_at")
    assert clients.requests() == []
    assert await tasks.get_task(created.id) == created


async def test_more_tasks_than_one_request_deletes(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    run_id = unique("run")
    for _ in range(30):
        await tasks.create_task(task(run_id=run_id))
    assert (await tasks.list_tasks(run_id=run_id)).total == 30
    await tasks.delete_tasks(run_id=run_id)
    assert (await tasks.list_tasks(run_id=run_id)).total == 0


async def test_clearing(clients: Clients, unique: Unique) -> None:
    if clients.deployment.lane == "live":
        pytest.skip("would empty a deployment that is not ours")
    tasks = clients.domain("background_tasks")
    for _ in range(30):
        await tasks.create_task(task(id=unique("task")))
    await tasks.dangerously_clear_all()
    assert (await tasks.list_tasks()).total == 0


async def test_what_it_costs(clients: Clients, unique: Unique) -> None:
    tasks = clients.domain("background_tasks")
    created = await tasks.create_task(task(id=unique("task")))
    clients.requests()
    await tasks.update_task(created.id, status="running")
    await tasks.get_task(created.id)
    await tasks.list_tasks(agent_id=unique("agent"), status="running")
    await tasks.delete_task(created.id)
    assert clients.requests() == [
        "patch mastra_background_tasks",
        "load mastra_background_tasks",
        "queryTable mastra_background_tasks",
        "deleteMany mastra_background_tasks",
    ]


async def test_an_unknown_column_is_refused_by_the_deployment(
    clients: Clients, unique: Unique
) -> None:
    tasks = clients.domain("background_tasks")
    created = task(id=unique("task"), extra={"ownerId": "me"})
    with pytest.raises(StorageError):
        await tasks.create_task(created)
    assert await tasks.get_task(created.id) is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id": ""}, "task.id"),
        ({"status": "done"}, "task.status"),
        ({"status": None}, "task.status"),
        ({"tool_name": ""}, "task.tool_name"),
        ({"tool_call_id": 1}, "task.tool_call_id"),
        ({"agent_id": None}, "task.agent_id"),
        ({"run_id": "\ud800"}, "task.run_id"),
        ({"thread_id": ""}, "task.thread_id"),
        ({"resource_id": 5}, "task.resource_id"),
        ({"args": [1]}, "task.args"),
        ({"args": {"n": float("nan")}}, "task.args"),
        ({"result": object()}, "task.result"),
        ({"error": "a text"}, "task.error"),
        ({"error": {"stack": "x"}}, "task.error"),
        ({"suspend_payload": {1, 2}}, "task.suspend_payload"),
        ({"retry_count": -1}, "task.retry_count"),
        ({"max_retries": True}, "task.max_retries"),
        ({"timeout_ms": 1.5}, "task.timeout_ms"),
        ({"timeout_ms": 2**60}, "task.timeout_ms"),
        ({"created_at": datetime(2026, 1, 1)}, "task.created_at"),  # noqa: DTZ001
        ({"started_at": "2026-01-01"}, "task.started_at"),
        ({"suspended_at": 5}, "task.suspended_at"),
        ({"completed_at": datetime(2026, 1, 1)}, "task.completed_at"),  # noqa: DTZ001
        ({"args": {"text": "x" * 1_100_000}}, "task"),
    ],
)
async def test_refused_tasks(clients: Clients, fields: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("background_tasks").create_task(task(**fields))
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": "done"}, "status"),
        ({"error": "a text"}, "error"),
        ({"result": float("inf")}, "result"),
        ({"suspend_payload": object()}, "suspend_payload"),
        ({"retry_count": -1}, "retry_count"),
        ({"max_retries": "3"}, "max_retries"),
        ({"timeout_ms": 0.5}, "timeout_ms"),
        ({"started_at": datetime(2026, 1, 1)}, "started_at"),  # noqa: DTZ001
        ({"suspended_at": 0}, "suspended_at"),
        ({"completed_at": "now"}, "completed_at"),
        ({"result": "x" * 1_100_000}, "task"),
    ],
)
async def test_refused_changes(clients: Clients, changes: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("background_tasks").update_task("any", **changes)
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"status": "done"}, "status"),
        ({"status": ""}, "status"),
        ({"status": 5}, "status"),
        ({"status": ["running", "done"]}, "status[1]"),
        ({"agent_id": ""}, "agent_id"),
        ({"thread_id": ""}, "thread_id"),
        ({"resource_id": ""}, "resource_id"),
        ({"run_id": 5}, "run_id"),
        ({"tool_name": ""}, "tool_name"),
        ({"tool_call_id": ""}, "tool_call_id"),
        ({"from_date": datetime(2026, 1, 1)}, "from_date"),  # noqa: DTZ001
        ({"to_date": "2026-01-01"}, "to_date"),
        ({"date_filter_by": "createdAt"}, "date_filter_by"),
    ],
)
async def test_refused_filters(clients: Clients, filters: Any, field: str) -> None:
    tasks = clients.domain("background_tasks")
    for operation in (tasks.list_tasks, tasks.delete_tasks):
        with pytest.raises(InvalidArgumentError) as caught:
            await operation(**filters)
        assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ({"order_by": "status"}, "order_by"),
        ({"order_direction": "DESC"}, "order_direction"),
        ({"page": -1}, "page"),
        ({"page": 1.5}, "page"),
        ({"per_page": -1}, "per_page"),
        ({"per_page": True}, "per_page"),
        ({"page": 2**52, "per_page": 100}, "page"),
    ],
)
async def test_refused_pages(clients: Clients, page: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("background_tasks").list_tasks(**page)
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize("operation", ["get_task", "delete_task", "update_task"])
async def test_no_task_has_an_empty_id(clients: Clients, operation: str) -> None:
    with pytest.raises(InvalidArgumentError, match="task_id must be a text"):
        await getattr(clients.domain("background_tasks"), operation)("")
    with pytest.raises(InvalidArgumentError, match="agent_id must be a text"):
        await clients.domain("background_tasks").get_running_count_by_agent("")
    assert clients.requests() == []


async def test_what_is_no_task(clients: Clients) -> None:
    with pytest.raises(InvalidArgumentError, match="must be a BackgroundTask, not dict"):
        await clients.domain("background_tasks").create_task({"id": "x"})


async def test_the_largest_payload_names_its_size(clients: Clients) -> None:
    with pytest.raises(LimitExceededError) as caught:
        await clients.domain("background_tasks").create_task(task(result="x" * 1_048_576))
    assert (caught.value.limit, caught.value.unit) == (1_048_576, "bytes")
