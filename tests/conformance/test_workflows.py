"""Workflow runs, as WorkflowsConvex of @mastra/convex 1.5.2 has them, on every lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import (
    FunctionError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    StorageError,
    UnsupportedOperationError,
    WorkflowRun,
)
from convex_mastra.step_results import PENDING_MARKER
from tests.lanes import Awaited, Clients, with_older_lanes
from tests.seeding import insert_row

pytestmark = with_older_lanes

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
SNAPSHOT: dict[str, Any] = {
    "runId": "r",
    "status": "suspended",
    "context": {"input": {"$schema": "x", "größe": 1}, "a": {"status": "success", "output": 3.0}},
    "value": {},
    "activePaths": [],
    "suspendedPaths": {"b": [1]},
    "timestamp": 1_795_309_847_410,
    "requestContext": {"z": 1, "a": [2**60]},
}


@pytest.fixture
def workflows(clients: Clients) -> Awaited:
    domain: Awaited = clients.domain("workflows")
    return domain


async def test_a_snapshot_comes_back_exactly(workflows: Any, unique: Unique) -> None:
    name, run_id = unique("wf"), unique("run")
    await workflows.persist_workflow_snapshot(
        name, run_id, SNAPSHOT, resource_id="ann", created_at=START, updated_at=START
    )
    assert str(await workflows.load_workflow_snapshot(name, run_id)) == str(SNAPSHOT)
    run = await workflows.get_workflow_run_by_id(run_id)
    assert run == WorkflowRun(
        workflow_name=name,
        run_id=run_id,
        snapshot=SNAPSHOT,
        created_at=START,
        updated_at=START,
        resource_id="ann",
    )
    assert run.status == "suspended"


async def test_what_is_not_there(workflows: Any, unique: Unique) -> None:
    assert await workflows.load_workflow_snapshot("wf", unique("run")) is None
    assert await workflows.get_workflow_run_by_id(unique("run")) is None
    await workflows.delete_workflow_run_by_id(unique("run"), workflow_name="wf")
    for update in (
        workflows.update_workflow_results("wf", "none", "a", {"status": "success"}),
        workflows.update_workflow_state("wf", "none", {"status": "failed"}),
    ):
        with pytest.raises(NotFoundError, match="Workflow snapshot not found for runId none"):
            await update


async def test_persisting_again_keeps_the_time_of_creation(workflows: Any, unique: Unique) -> None:
    name, run_id = unique("wf"), unique("run")
    await workflows.persist_workflow_snapshot(
        name, run_id, {"status": "running"}, resource_id="ann", created_at=START
    )
    before = datetime.now(UTC) - timedelta(seconds=1)
    await workflows.persist_workflow_snapshot(name, run_id, {"status": "success"})
    run = await workflows.get_workflow_run_by_id(run_id, workflow_name=name)
    assert (run.snapshot, run.created_at, run.resource_id) == ({"status": "success"}, START, "ann")
    assert run.updated_at > before
    assert (await workflows.list_workflow_runs(workflow_name=name)).total == 1


async def test_runs_that_share_a_row_id_do_not_overwrite_each_other(
    workflows: Any, unique: Unique
) -> None:
    name, rest = unique("a"), unique("b")
    await workflows.persist_workflow_snapshot(f"{name}-{rest}", "c", SNAPSHOT)
    with pytest.raises(InvalidArgumentError, match="would overwrite") as caught:
        await workflows.persist_workflow_snapshot(name, f"{rest}-c", {"status": "running"})
    assert caught.value.field == "run_id"
    await workflows.delete_workflow_run_by_id(f"{rest}-c", workflow_name=name)
    assert await workflows.load_workflow_snapshot(f"{name}-{rest}", "c") == SNAPSHOT
    assert await workflows.load_workflow_snapshot(name, f"{rest}-c") is None


async def test_step_results_are_added(workflows: Any, unique: Unique) -> None:
    name, run_id = unique("wf"), unique("run")
    await workflows.persist_workflow_snapshot(name, run_id, SNAPSHOT | {"requestContext": {"z": 1}})
    result = {"status": "success", "output": {"$x": 1, "é": [None]}, "payload": {}}
    context = await workflows.update_workflow_results(
        name, run_id, "b", result, request_context={"user": "ann"}
    )
    assert context == SNAPSHOT["context"] | {"b": result}
    stored = await workflows.load_workflow_snapshot(name, run_id)
    assert stored["context"] == context
    assert stored["requestContext"] == {"z": 1, "user": "ann"}


async def test_items_of_a_step_report_one_by_one(workflows: Any, unique: Unique) -> None:
    name, run_id = unique("wf"), unique("run")
    await workflows.persist_workflow_snapshot(name, run_id, {"context": {}, "status": "running"})

    async def report(*output: Any, **more: Any) -> Any:
        result = {"status": "running", "output": list(output), **more}
        context = await workflows.update_workflow_results(name, run_id, "each", result)
        return context["each"]

    marker = {PENDING_MARKER: True}
    suspended = {"status": "suspended", "suspendPayload": {}}
    assert (await report(1, None, None))["output"] == [1, None, None]
    assert (await report(None, 2))["output"] == [1, 2, None]
    assert (await report(None, None, suspended, 4))["output"] == [1, 2, suspended, 4]
    reset = await report(marker, None, marker, extra="not taken with a marker")
    assert reset == {"status": "running", "output": [1, 2, None, 4]}
    assert (await report(None, None, 3))["output"] == [1, 2, 3, 4]


async def test_parallel_steps_lose_nothing(
    clients: Clients, workflows: Any, unique: Unique
) -> None:
    name, run_id = unique("wf"), unique("run")
    await workflows.persist_workflow_snapshot(name, run_id, {"context": {}, "status": "running"})
    await asyncio.gather(
        *(workflows.update_workflow_results(name, run_id, f"s{i}", {"n": i}) for i in range(12))
    )
    stored = await workflows.load_workflow_snapshot(name, run_id)
    wanted = {f"s{i}": {"n": i} for i in range(12)}
    if clients.deployment.is_older:  # which merges nothing: who writes last wins
        assert stored["context"].items() <= wanted.items()
    else:
        assert stored["context"] == wanted


async def test_state_is_merged_key_by_key(workflows: Any, unique: Unique) -> None:
    name, run_id = unique("wf"), unique("run")
    await workflows.persist_workflow_snapshot(name, run_id, SNAPSHOT | {"requestContext": {}})
    changes = {"status": "success", "result": {"$r": "é"}, "suspendedPaths": {}}
    merged = await workflows.update_workflow_state(name, run_id, changes)
    assert merged == SNAPSHOT | {"requestContext": {}} | changes
    assert await workflows.load_workflow_snapshot(name, run_id) == merged


async def test_a_snapshot_without_context_is_not_merged_into(
    workflows: Any, unique: Unique
) -> None:
    run_id = unique("run")
    await workflows.persist_workflow_snapshot("wf", run_id, {"status": "running"})
    for update in (
        workflows.update_workflow_results("wf", run_id, "a", {}),
        workflows.update_workflow_state("wf", run_id, {}),
    ):
        with pytest.raises(StorageError, match="missing or has invalid context"):
            await update


async def test_runs_are_listed_newest_first(workflows: Any, unique: Unique) -> None:
    name, owner = unique("wf"), unique("owner")
    for number in range(5):
        await workflows.persist_workflow_snapshot(
            name,
            f"run{number}",
            {"status": "success" if number % 2 else "failed", "n": number},
            resource_id=owner if number < 4 else None,
            created_at=START + timedelta(minutes=number),
        )

    async def numbers(**filters: Any) -> tuple[list[int], int]:
        page = await workflows.list_workflow_runs(**filters)
        return [run.snapshot["n"] for run in page.runs], page.total

    minute = timedelta(minutes=1)
    assert await numbers(workflow_name=name) == ([4, 3, 2, 1, 0], 5)
    assert await numbers(resource_id=owner) == ([3, 2, 1, 0], 4)
    assert await numbers(workflow_name=name, resource_id=owner, status="success") == ([3, 1], 2)
    within = {"from_date": START + minute, "to_date": START + 3 * minute}
    assert await numbers(workflow_name=name, **within) == ([3, 2, 1], 3)
    assert await numbers(workflow_name=name, page=1, per_page=2) == ([2, 1], 5)
    assert await numbers(workflow_name=name, page=9, per_page=2) == ([], 5)
    assert await numbers(workflow_name=name, per_page=2) == ([4, 3], 5)
    assert await numbers(workflow_name=name, per_page=False) == ([4, 3, 2, 1, 0], 5)
    assert await numbers(workflow_name=unique("none")) == ([], 0)


async def test_deleting_a_run(workflows: Any, unique: Unique) -> None:
    name = unique("wf")
    for run_id in ("one", "two"):
        await workflows.persist_workflow_snapshot(name, run_id, SNAPSHOT)
    await workflows.delete_workflow_run_by_id("one", workflow_name=name)
    page = await workflows.list_workflow_runs(workflow_name=name)
    assert [run.run_id for run in page.runs] == ["two"]


LONG_AGO = {"createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-01T00:00:00.000Z"}


async def test_a_row_without_id_gets_no_second_one(
    clients: Clients, workflows: Any, unique: Unique
) -> None:
    run_id = unique("run")
    old = {"status": "running", "context": {"a": {"n": 1}}, "error": "x"}
    names = {"workflow_name": "wf", "run_id": run_id, "resourceId": "ann"}
    insert_row(
        clients.deployment, "mastra_workflow_snapshots", {**names, "snapshot": old, **LONG_AGO}
    )
    assert await workflows.load_workflow_snapshot("wf", run_id) == old
    if clients.deployment.is_older:
        for update in (
            workflows.update_workflow_results("wf", run_id, "b", {"n": 2}),
            workflows.persist_workflow_snapshot("wf", run_id, {"status": "success"}),
        ):
            with pytest.raises(UnsupportedOperationError, match=r"before 1\.2\.1 cannot change it"):
                await update
        assert await workflows.load_workflow_snapshot("wf", run_id) == old
        return
    await workflows.update_workflow_results("wf", run_id, "b", {"n": 2})
    await workflows.persist_workflow_snapshot("wf", run_id, {"status": "success", "context": {}})
    run = await workflows.get_workflow_run_by_id(run_id)
    assert run.snapshot == {
        "status": "success",
        "context": {},
        "error": None,
        "requestContext": None,
    }
    assert (run.resource_id, run.created_at.year) == ("ann", 2025)
    assert (await workflows.list_workflow_runs(resource_id="ann")).total >= 1
    with pytest.raises(UnsupportedOperationError, match=r"before @mastra/convex 1\.0\.1"):
        await workflows.delete_workflow_run_by_id(run_id, workflow_name="wf")
    assert await workflows.get_workflow_run_by_id(run_id) == run


async def test_a_snapshot_kept_as_an_object(
    clients: Clients, workflows: Any, unique: Unique
) -> None:
    name, run_id = unique("wf"), unique("run")
    row = {
        "id": f"{name}-{run_id}",
        "workflow_name": name,
        "run_id": run_id,
        "snapshot": {"status": "running", "n": 3.0, "context": {}},
        **LONG_AGO,
    }
    insert_row(clients.deployment, "mastra_workflow_snapshots", row)
    stored = await workflows.load_workflow_snapshot(name, run_id)
    assert str(stored["n"]) == "3"
    await workflows.persist_workflow_snapshot(name, run_id, stored | {"status": "success"})
    page = await workflows.list_workflow_runs(workflow_name=name)
    assert [(run.status, run.created_at.year) for run in page.runs] == [("success", 2025)]


async def test_of_two_rows_of_a_run_the_newer_is_read(
    clients: Clients, workflows: Any, unique: Unique
) -> None:
    """Mastra's client leaves such pairs, and no longer reads them."""
    name, run_id = unique("wf"), unique("run")
    names = {"workflow_name": name, "run_id": run_id}
    rows: list[dict[str, Any]] = [
        {**names, "snapshot": '{"n":1}', **LONG_AGO},
        {
            **names,
            "id": f"{name}-{run_id}",
            "snapshot": '{"n":2}',
            **LONG_AGO,
            "updatedAt": "2025-02-01T00:00:00.000Z",
        },
    ]
    for row in rows:
        insert_row(clients.deployment, "mastra_workflow_snapshots", row)
    assert await workflows.load_workflow_snapshot(name, run_id) == {"n": 2}
    page = await workflows.list_workflow_runs(workflow_name=name)
    assert ([run.snapshot for run in page.runs], page.total) == ([{"n": 2}], 1)
    await workflows.persist_workflow_snapshot(name, run_id, {"n": 3})
    assert await workflows.load_workflow_snapshot(name, run_id) == {"n": 3}
    error = StorageError if clients.deployment.is_older else FunctionError
    with pytest.raises(error):  # the handler's own reading is beyond repair
        await workflows.update_workflow_state(name, run_id, {"n": 4})


@pytest.mark.parametrize(
    ("operation", "args", "field"),
    [
        ("persist_workflow_snapshot", ("", "r", {}), "workflow_name"),
        ("persist_workflow_snapshot", ("w", 5, {}), "run_id"),
        ("persist_workflow_snapshot", ("w", "r", None), "snapshot"),
        ("persist_workflow_snapshot", ("w", "r", [1]), "snapshot"),
        ("persist_workflow_snapshot", ("w", "r", {"n": float("nan")}), "snapshot"),
        ("persist_workflow_snapshot", ("w", "r", {"n": {1, 2}}), "snapshot"),
        ("persist_workflow_snapshot", ("w", "\ud800", {}), "run_id"),
        ("load_workflow_snapshot", (None, "r"), "workflow_name"),
        ("load_workflow_snapshot", ("w", ""), "run_id"),
        ("get_workflow_run_by_id", ("",), "run_id"),
        ("update_workflow_results", ("w", "r", "", {}), "step_id"),
        ("update_workflow_results", ("w", "r", "__proto__", {}), "step_id"),
        ("update_workflow_results", ("w", "r", "s", {"o": object()}), "result"),
        ("update_workflow_results", ("w", "r", "s", 1), "result"),
        ("update_workflow_state", ("w", "r", "status"), "state"),
        ("update_workflow_state", ("w", "r", {"expectedStatus": "x"}), "state.expectedStatus"),
    ],
)
async def test_refused_arguments(
    clients: Clients, workflows: Any, operation: str, args: tuple[Any, ...], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await getattr(workflows, operation)(*args)
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("run_id", "name", "field"), [("", "w", "run_id"), ("r", "", "workflow_name")]
)
async def test_refused_deletions(
    clients: Clients, workflows: Any, run_id: str, name: str, field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await workflows.delete_workflow_run_by_id(run_id, workflow_name=name)
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"page": -1}, "page"),
        ({"per_page": -1, "page": 0}, "per_page"),
        ({"per_page": 1.5, "page": 0}, "per_page"),
        ({"from_date": datetime(2026, 1, 1)}, "from_date"),  # noqa: DTZ001
        ({"to_date": "2026"}, "to_date"),
        ({"workflow_name": ""}, "workflow_name"),
        ({"resource_id": ""}, "resource_id"),
        ({"status": 1}, "status"),
    ],
)
async def test_refused_listings(
    clients: Clients, workflows: Any, filters: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await workflows.list_workflow_runs(**filters)
    assert caught.value.field == field
    assert clients.requests() == []


async def test_a_snapshot_larger_than_a_document(clients: Clients, workflows: Any) -> None:
    for update in (
        workflows.persist_workflow_snapshot("w", "r", {"x": "y" * 1_100_000}),
        workflows.update_workflow_results("w", "r", "s", {"x": "y" * 1_100_000}),
        workflows.update_workflow_state("w", "r", {"x": "y" * 1_100_000}),
    ):
        with pytest.raises(LimitExceededError):
            await update
    assert clients.requests() == []


async def test_costs(clients: Clients, workflows: Any, unique: Unique) -> None:
    run_id = unique("run")
    await workflows.persist_workflow_snapshot("wf", run_id, {"context": {}})
    assert len(clients.requests()) == 3
    await workflows.persist_workflow_snapshot("wf", run_id, {"context": {}})
    assert len(clients.requests()) == 2
    await workflows.load_workflow_snapshot("wf", run_id)
    await workflows.get_workflow_run_by_id(run_id, workflow_name="wf")
    assert len(clients.requests()) == 2
    await workflows.get_workflow_run_by_id(run_id)
    assert len(clients.requests()) == 2, "the first of its kind asks what the handler can"
    await workflows.get_workflow_run_by_id(run_id)
    await workflows.update_workflow_results("wf", run_id, "a", {"n": 1})
    is_older = clients.deployment.is_older
    assert len(clients.requests()) == (5 if is_older else 2), "one more to be refused"
    await workflows.update_workflow_results("wf", run_id, "a", {"n": 1})
    assert len(clients.requests()) == (3 if is_older else 1)
