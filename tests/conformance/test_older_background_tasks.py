"""Background tasks that servers before 1.2 left as documents, and deployments that still do.

Such documents no operation writes, so they are put into the table directly: of the embedded
backend, and of the reference deployment by its test function. Both faces are one code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import BackgroundTask, BackgroundTasks, ConvexStore, UnsupportedOperationError
from tests.property.comparison import (
    embedded_place,
    embedded_rows,
    reference_place,
    start_embedded_backend,
)
from tests.property.operations import Seed
from tests.reference import start_reference_server
from tests.scripted import ADMIN_KEY, scripted_deployment, success

START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
OLDER = {
    "id": "old",
    "status": "running",
    "toolName": "weather",
    "toolCallId": "call",
    "agentId": "agent",
    "runId": "run",
    "threadId": "thread",
    "resourceId": None,
    "args": '{"z":1,"a":{"$b":2}}',
    "result": None,
    "error": '{"message":"no"}',
    "suspendPayload": '[1,"x"]',
    "retryCount": 1,
    "maxRetries": 2,
    "timeoutMs": 1_000,
    "createdAt": "2026-01-02T03:04:05.678Z",
    "startedAt": "2026-01-02T03:04:06.678Z",
    "suspendedAt": None,
    "completedAt": None,
    "note": "of a plug-in",
}
READ = BackgroundTask(
    id="old",
    status="running",
    tool_name="weather",
    tool_call_id="call",
    agent_id="agent",
    run_id="run",
    thread_id="thread",
    args={"z": 1, "a": {"$b": 2}},
    error={"message": "no"},
    suspend_payload=[1, "x"],
    retry_count=1,
    max_retries=2,
    timeout_ms=1_000,
    created_at=START,
    started_at=START + timedelta(seconds=1),
    extra={"note": "of a plug-in"},
)
NEW = BackgroundTask(
    id="new",
    tool_name="weather",
    tool_call_id="call2",
    agent_id="agent",
    run_id="run2",
    created_at=START - timedelta(days=1),
)


class Place:
    """A deployment with documents of older servers."""

    def __init__(self, tasks: BackgroundTasks, seed: Callable[[Seed], Any], rows: Any) -> None:
        self.tasks = tasks
        self._seed = seed
        self._rows = rows

    def leave(self, **fields: Any) -> None:
        """Leave a document as an older server would."""
        record = OLDER | fields
        row = {"table": "mastra_background_tasks", "primaryKey": record["id"], "record": record}
        assert self._seed(Seed("mastra_documents", row)) is None

    def count(self) -> tuple[int, int]:
        """How many rows there are, and how many documents."""
        rows = self._rows()
        return len(rows["mastra_background_tasks"]), len(rows["mastra_documents"])


@pytest.fixture(params=["embedded", "reference"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "embedded":
        with start_embedded_backend() as backend:
            store = ConvexStore(backend=backend)
            yield Place(
                store.background_tasks, embedded_place(backend).run, lambda: embedded_rows(backend)
            )
    else:
        server = request.getfixturevalue("probed_server")
        server.reset()
        with server.connect() as http, ConvexStore(server.url, server.admin_key) as store:
            yield Place(store.background_tasks, reference_place(server, http).run, server.rows)


@pytest.fixture(scope="module")
def probed_server() -> Iterator[Any]:
    with start_reference_server(probes=True) as server:
        yield server


def ids(place: Place, **filters: Any) -> list[str]:
    return [task.id for task in place.tasks.list_tasks(**filters).tasks]


def test_an_older_task_is_read(place: Place) -> None:
    place.leave()
    found = place.tasks.get_task("old")
    assert found == READ
    assert found is not None
    assert list(found.args) == ["z", "a"]
    assert place.tasks.list_tasks().tasks == [READ]


def test_older_tasks_are_listed_among_the_others(place: Place) -> None:
    place.leave()
    place.leave(id="old2", agentId="other", status="completed", completedAt=OLDER["createdAt"])
    place.tasks.create_task(NEW)
    assert ids(place) == ["new", "old", "old2"]
    assert ids(place, agent_id="agent") == ["new", "old"]
    assert ids(place, status="running", agent_id="agent") == ["old"]
    assert ids(place, status=["running", "completed"]) == ["old", "old2"]
    assert ids(place, tool_name="weather", order_direction="desc") == ["old", "old2", "new"]
    assert ids(place, tool_call_id="call", thread_id="thread", run_id="run") == ["old", "old2"]
    assert ids(place, date_filter_by="completed_at", from_date=START) == ["old2"]
    assert place.tasks.get_running_count() == 1
    assert place.tasks.get_running_count_by_agent("other") == 0


def test_the_spelling_of_today_wins(place: Place) -> None:
    place.leave(agent_id="renamed", suspend_payload=None)
    expected = READ.replace(agent_id="renamed", suspend_payload=None)
    assert place.tasks.get_task("old") == expected
    assert ids(place, agent_id="renamed") == ["old"]
    assert ids(place, agent_id="agent") == [], "what the record does not say it is"


def test_payloads_that_are_no_texts(place: Place) -> None:
    place.leave(args={"a": 1}, result=[2], error=None, suspendPayload="not JSON")
    found = place.tasks.get_task("old")
    assert found is not None
    assert (found.args, found.result, found.suspend_payload) == ({"a": 1}, [2], "not JSON")
    assert type(found.args["a"]) is int


def test_changing_leaves_an_older_task_where_it_is(place: Place) -> None:
    place.leave()
    assert place.tasks.update_task(
        "old", status="completed", result={"b": 1, "a": 2}, suspend_payload=None, retry_count=5
    )
    assert place.count() == (0, 1)
    expected = READ.replace(
        status="completed", result={"b": 1, "a": 2}, suspend_payload=None, retry_count=5
    )
    assert place.tasks.get_task("old") == expected, "its unknown field too"
    assert ids(place, status="completed") == ["old"]
    assert place.tasks.get_running_count() == 0


def test_a_task_is_never_seen_twice(place: Place) -> None:
    place.leave()
    created = place.tasks.create_task(READ.replace(status="failed", extra={}))
    assert place.count() == (1, 1)
    assert place.tasks.get_task("old") == created
    assert place.tasks.list_tasks().tasks == [created]
    assert ids(place, status="running") == [], "as the document says"
    assert place.tasks.update_task("old", status="pending")
    assert place.count() == (1, 0)
    assert ids(place, status="pending") == ["old"]


def test_deleting_takes_both(place: Place) -> None:
    place.leave()
    place.tasks.create_task(READ.replace(extra={}))
    place.leave(id="old2")
    place.leave(id="old3", agentId="other")
    place.tasks.delete_task("old")
    assert place.count() == (0, 2)
    place.tasks.delete_tasks(agent_id="agent")
    assert ids(place) == ["old3"]
    place.tasks.delete_tasks()
    assert place.count() == (0, 1)


def test_clearing_takes_both(place: Place) -> None:
    for number in range(30):
        place.leave(id=f"old{number}")
        place.tasks.create_task(NEW.replace(id=f"new{number}"))
    place.tasks.dangerously_clear_all()
    assert place.count() == (0, 0)


OPERATIONS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("create_task", [NEW], {}),
    ("update_task", ["x"], {"status": "running"}),
    ("get_task", ["x"], {}),
    ("list_tasks", [], {}),
    ("delete_task", ["x"], {}),
    ("delete_tasks", [], {"agent_id": "a"}),
    ("get_running_count", [], {}),
    ("get_running_count_by_agent", ["a"], {}),
    ("dangerously_clear_all", [], {}),
]


def test_every_operation_is_known() -> None:
    assert {name for name, _, _ in OPERATIONS} == {n for n in vars(BackgroundTasks) if n[0] != "_"}


@pytest.mark.parametrize(("operation", "args", "options"), OPERATIONS)
def test_a_server_before_1_2_is_asked_nothing_else(
    operation: str, args: list[Any], options: dict[str, Any]
) -> None:
    """It keeps tasks in a form of its own, so nothing is written to it, and nothing read."""
    with scripted_deployment() as deployment:
        deployment.answer_in_turn(success({"ok": False, "error": "Unsupported operation patch"}))
        with ConvexStore(deployment.url, ADMIN_KEY) as store:
            for _ in range(2):
                with pytest.raises(
                    UnsupportedOperationError, match=r"background tasks need .*1\.2"
                ):
                    getattr(store.background_tasks, operation)(*args, **options)
        assert [seen.body["args"]["op"] for seen in deployment.seen] == ["patch"]


def test_a_deployment_is_asked_once() -> None:
    with scripted_deployment() as deployment:
        deployment.answer_in_turn(
            success({"ok": True, "result": False}), success({"ok": True, "result": []})
        )
        with ConvexStore(deployment.url, ADMIN_KEY) as store:
            store.background_tasks.list_tasks()
            store.background_tasks.list_tasks()
        assert [seen.body["args"]["op"] for seen in deployment.seen] == [
            "patch",
            "queryTable",
            "queryTable",
        ]
