"""Background tasks and scores: npm's store reads what Python wrote, and Python what it wrote.

On the dev server and on the reference deployment; the JavaScript is the package's own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import BackgroundTask, ConvexStore, Score
from convex_mastra.timestamps import to_text
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
LATER = START + timedelta(seconds=1)
PAYLOAD = {"z": 1, "a": [1.5, None, True], "$set": {"clé 🌍": ""}}
VALUE = {"a": [1.5, None, True], "deep": {"text": "Größe"}, "n": 1}
FULL_TASK = {
    "status": "suspended",
    "toolName": "weather",
    "toolCallId": "call",
    "args": PAYLOAD,
    "threadId": "thread",
    "resourceId": "resource",
    "runId": "run",
    "result": [PAYLOAD],
    "error": {"message": "no", "stack": "line 1"},
    "createdAt": to_text(START),
    "startedAt": to_text(LATER),
    "suspendedAt": to_text(LATER),
    "completedAt": to_text(LATER),
    "retryCount": 1,
    "maxRetries": 2,
    "timeoutMs": 1_000,
    "suspendPayload": "a text",
}
FULL_SCORE = {
    "entityType": "AGENT",
    "scorer": VALUE,
    "score": 0.25,
    "input": [VALUE],
    "output": "a text",
    "source": "TEST",
    "reason": "short",
    "entity": VALUE,
    "traceId": "trace",
    "spanId": "span",
    "resourceId": "resource",
    "threadId": "thread",
    "organizationId": "organization",
    "projectId": "project",
    "batchId": "batch",
    "datasetId": "dataset",
    "datasetItemId": "item",
    "metadata": VALUE,
    "additionalContext": VALUE,
    "requestContext": {},
    "preprocessStepResult": VALUE,
    "preprocessPrompt": "p1",
    "extractStepResult": VALUE,
    "extractPrompt": "p2",
    "analyzeStepResult": {"score": 1},
    "analyzePrompt": "p3",
    "generateScorePrompt": "p4",
    "generateReasonPrompt": "p5",
    "reasonPrompt": "p6",
}


def on(deployment: Deployment, **request: Any) -> Any:
    return run_node("tasks.ts", {"url": deployment.url, "key": deployment.admin_key, **request})


def in_python(fields: dict[str, Any]) -> dict[str, Any]:
    """The same with Python's names and times."""
    named = {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in n): v for n, v in fields.items()
    }
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value else value
        for name, value in named.items()
    }


def without_system_columns(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name[0] != "_"}


def test_mastra_reads_the_tasks_of_python(deployment: Deployment, unique: Unique) -> None:
    agent_id = unique("agent")
    full = BackgroundTask(id=unique("full"), agent_id=agent_id, **in_python(FULL_TASK))
    empty = BackgroundTask(
        id=unique("empty"),
        status="running",
        agent_id=agent_id,
        tool_name="t",
        tool_call_id="c",
        run_id="r",
        created_at=LATER,
    )
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        store.background_tasks.create_task(full)
        store.background_tasks.create_task(empty)
    read = on(
        deployment,
        command="read",
        taskIds=[full.id, empty.id],
        taskFilters=[
            {"agentId": agent_id},
            {"agentId": agent_id, "orderDirection": "desc", "perPage": 1},
            {"agentId": agent_id, "dateFilterBy": "completedAt", "fromDate": to_text(LATER)},
        ],
        agentIds=[agent_id],
    )
    assert read["tasks"][0] == {"id": full.id, "agentId": agent_id, **FULL_TASK}
    assert list(read["tasks"][0]["args"]) == list(PAYLOAD)
    assert read["tasks"][1] == {
        "id": empty.id,
        "status": "running",
        "agentId": agent_id,
        "toolName": "t",
        "toolCallId": "c",
        "runId": "r",
        "args": {},
        "createdAt": to_text(LATER),
        "retryCount": 0,
        "maxRetries": 0,
        "timeoutMs": 300_000,
    }
    lists = [([task["id"] for task in one["tasks"]], one["total"]) for one in read["taskLists"]]
    assert lists == [([full.id, empty.id], 2), ([empty.id], 2), ([full.id], 1)]
    assert read["running"] == [1]


def test_python_reads_the_tasks_of_mastra(deployment: Deployment, unique: Unique) -> None:
    agent_id, full_id, changed_id = unique("agent"), unique("full"), unique("changed")
    on(
        deployment,
        command="write",
        tasks=[
            {**FULL_TASK, "id": full_id, "agentId": agent_id},
            {**FULL_TASK, "id": changed_id, "agentId": agent_id, "createdAt": to_text(LATER)},
        ],
        updates=[
            {
                "id": changed_id,
                "changes": {"status": "running", "result": None, "completedAt": None},
            }
        ],
    )
    expected = BackgroundTask(id=full_id, agent_id=agent_id, **in_python(FULL_TASK))
    changed = expected.replace(
        id=changed_id, status="running", result=None, created_at=LATER, completed_at=None
    )
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        tasks = store.background_tasks
        found = tasks.list_tasks(agent_id=agent_id)
        assert (found.tasks, found.total) == ([expected, changed], 2)
        assert list(found.tasks[0].args) == list(PAYLOAD)
        assert tasks.get_running_count_by_agent(agent_id) == 1
        assert tasks.update_task(changed_id, status="completed", completed_at=LATER)
        (row,) = on(deployment, command="read", taskIds=[changed_id])["tasks"]
        assert (row["status"], row["completedAt"]) == ("completed", to_text(LATER))
        assert "result" not in row
        on(deployment, command="write", deleteTasks=[{"agentId": agent_id, "status": "completed"}])
        assert tasks.list_tasks(agent_id=agent_id).tasks == [expected]


def test_mastra_reads_the_scores_of_python(deployment: Deployment, unique: Unique) -> None:
    ids = {"scorerId": unique("s"), "runId": unique("r"), "entityId": unique("e")}
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        full = store.scores.save_score(Score(**in_python(ids | FULL_SCORE)))
        bare = store.scores.save_score(
            Score(
                scorer_id=ids["scorerId"],
                run_id=ids["runId"],
                scorer={},
                score=1,
                input=None,
                output={"n": 1},
                source="LIVE",
            )
        )
    read = on(
        deployment,
        command="read",
        scoreIds=[full.id, bare.id],
        scorerIds=[ids["scorerId"]],
        runIds=[ids["runId"]],
        entities=[{"entityId": ids["entityId"], "entityType": "AGENT"}],
    )
    expected = [
        {
            "id": full.id,
            "createdAt": to_text(full.created_at),
            "updatedAt": to_text(full.updated_at),
            **ids,
            **FULL_SCORE,
        },
        {
            "id": bare.id,
            "scorerId": ids["scorerId"],
            "runId": ids["runId"],
            "scorer": {},
            "score": 1,
            "input": None,
            "output": {"n": 1},
            "source": "LIVE",
            "createdAt": to_text(bare.created_at),
            "updatedAt": to_text(bare.updated_at),
        },
    ]
    assert [without_system_columns(row) for row in read["scores"]] == expected
    for (listing,) in (read["byScorer"], read["byRun"]):
        assert {row["id"] for row in listing["scores"]} == {full.id, bare.id}
        assert listing["pagination"]["total"] == 2
    assert [row["id"] for row in read["byEntity"][0]["scores"]] == [full.id]


def test_python_reads_the_scores_of_mastra(deployment: Deployment, unique: Unique) -> None:
    ids = {"scorerId": unique("s"), "runId": unique("r"), "entityId": unique("e")}
    written = on(deployment, command="write", scores=[ids | FULL_SCORE, ids | FULL_SCORE])["scores"]
    expected = [Score(**in_python(row)) for row in written]
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        assert store.scores.get_score_by_id(written[0]["id"]) == expected[0]
        span = store.scores.list_scores_by_span("trace", "span", per_page=False)
        assert {score.id for score in span.scores} >= {score.id for score in expected}
        ours = store.scores.list_scores_by_scorer_id(ids["scorerId"])
        entity = store.scores.list_scores_by_entity_id(ids["entityId"], "AGENT")
    theirs = on(deployment, command="read", scorerIds=[ids["scorerId"]])["byScorer"][0]["scores"]
    assert [score.id for score in ours.scores] == [row["id"] for row in theirs]
    assert sorted(score.id for score in ours.scores) == sorted(row["id"] for row in written)
    assert entity.scores == ours.scores
