"""Background tasks, and the documents that older servers kept them in."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra.backends.embedded import EmbeddedBackend, tables
from convex_mastra.backends.embedded.arguments import accept
from convex_mastra.backends.embedded.transaction import Transaction
from tests.unit.embedded.storage import result, send

TABLE = "mastra_background_tasks"


def task(identity: str, **columns: Any) -> dict[str, Any]:
    names = ("tool_call_id", "tool_name", "agent_id", "run_id", "args")
    nulls = (
        "thread_id", "resource_id", "result", "error", "suspend_payload", "startedAt",
        "suspendedAt", "completedAt",
    )  # fmt: skip
    numbers = ("retry_count", "max_retries", "timeout_ms")
    row = dict.fromkeys(names, "x") | dict.fromkeys(nulls) | dict.fromkeys(numbers, 0)
    return {**row, "id": identity, "status": "pending", "createdAt": "c", **columns}


@pytest.fixture
def seeded(backend: EmbeddedBackend) -> EmbeddedBackend:
    """A backend with one task of today and two that an older server left."""
    send(backend, "insert", TABLE, record=task("new", agent_id="ag"))
    for identity in ("old", "new"):
        record = {"id": identity, "agentId": "ag", "status": "running", "toolName": "t"}
        fields = accept("seed", {"table": TABLE, "primaryKey": identity, "record": record})
        backend._database.write(
            lambda connection, fields=fields: Transaction(connection, backend._matrices).insert(
                tables.DOCUMENTS, fields
            )
        )
    return backend


def ids(backend: EmbeddedBackend, **args: Any) -> list[str]:
    return [row["id"] for row in result(backend, "queryTable", TABLE, **args)]


def test_both_are_read_and_the_row_wins(seeded: EmbeddedBackend) -> None:
    assert ids(seeded) == ["new", "old"]
    assert result(seeded, "load", TABLE, keys={"id": "new"})["status"] == "pending"
    assert result(seeded, "load", TABLE, keys={"id": "old"})["status"] == "running"
    both = result(seeded, "loadMany", TABLE, ids=["old", "none", "new"])
    assert [row["status"] for row in both] == ["running", "pending"]


def test_filters_know_both_spellings(seeded: EmbeddedBackend) -> None:
    assert ids(seeded, filters=[{"field": "agent_id", "value": "ag"}]) == ["new", "old"]
    assert ids(seeded, filters=[{"field": "toolName", "value": "t"}]) == ["old"]
    assert ids(seeded, filters=[{"field": "agent_id", "value": "ag"}], limit=1) == ["new"]


def test_patching_an_old_task_leaves_it_where_it_is(seeded: EmbeddedBackend) -> None:
    change = {"agent_id": "other", "status": "completed"}
    assert result(seeded, "patch", TABLE, id="old", record=change) is True
    assert result(seeded, "load", TABLE, keys={"id": "old"}) == {
        "agent_id": "other",
        "id": "old",
        "status": "completed",
        "toolName": "t",
    }
    assert result(seeded, "patch", TABLE, id="none", record=change) is False


def test_patching_a_task_deletes_its_old_document(seeded: EmbeddedBackend) -> None:
    result(seeded, "patch", TABLE, id="new", record={"status": "failed"})
    send(seeded, "deleteMany", TABLE, ids=["new"])
    assert ids(seeded) == ["old"]


def test_deleting_removes_both(seeded: EmbeddedBackend) -> None:
    send(seeded, "deleteMany", TABLE, ids=["new", "old"])
    assert ids(seeded) == []


def test_clearing_goes_on_with_the_old_documents(seeded: EmbeddedBackend) -> None:
    rows = [task(f"t{number}") for number in range(23)]
    send(seeded, "batchInsert", TABLE, records=rows)
    assert send(seeded, "clearTable", TABLE)["hasMore"] is True
    assert send(seeded, "clearTable", TABLE)["hasMore"] is False
    assert ids(seeded) == []


def test_failures_are_answered_and_what_was_written_stays(backend: EmbeddedBackend) -> None:
    rows = [task("a"), task("b", status="unknown"), task("c")]
    reply = send(backend, "batchInsert", TABLE, records=rows)
    assert reply["ok"] is False
    assert "Path: .status" in reply["error"]
    assert ids(backend) == ["a", "c"]
    assert send(backend, "insert", TABLE, record={}) == {
        "error": "Record is missing an id",
        "ok": False,
    }


def test_an_error_that_reads_like_a_missing_table_falls_back_to_documents(
    backend: EmbeddedBackend,
) -> None:
    # The server tells a missing table by the error's text, and a field's name is part of it.
    reply = send(backend, "insert", TABLE, record=task("a", **{"not found": 1}))
    assert reply == {"ok": True}
    assert ids(backend) == ["a"]
    documents: Any = backend._database.read(
        lambda connection: connection.execute("SELECT count(*) FROM mastra_documents").fetchone(),
        snapshot=False,
    )
    assert documents == (1,)
