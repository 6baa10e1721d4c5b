"""Operations on tables of their own and on generic documents, as @mastra/convex 1.5.2 has them.

``tests/property/test_differential.py`` compares them with the original at random; here is what
they mean, one by one.
"""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.errors import FunctionError
from tests.unit.embedded.storage import message, result, send, thread

MESSAGES = "mastra_messages"


def test_insert_merges_into_the_row_of_that_id(backend: EmbeddedBackend) -> None:
    send(backend, "insert", MESSAGES, record=message(1, resourceId="r"))
    changed = {"id": "m1", "content": "new"}
    assert send(backend, "insert", MESSAGES, record=changed) == {"ok": True}
    stored = result(backend, "load", MESSAGES, keys={"id": "m1"})
    assert {**message(1, resourceId="r"), "content": "new"}.items() <= stored.items()
    assert list(stored) == sorted(stored)


@pytest.mark.parametrize("identity", [None, "", 0, False, ...])
def test_a_record_without_an_id(backend: EmbeddedBackend, identity: Any) -> None:
    record = {} if identity is ... else {"id": identity}
    with pytest.raises(FunctionError) as typed:
        send(backend, "insert", MESSAGES, record=record)
    assert typed.value.message == "Record is missing an id"
    with pytest.raises(FunctionError) as generic:
        send(backend, "insert", "notes", record=record)
    assert generic.value.message == "Record for table notes is missing an id"


def test_a_missing_record_fails_as_javascript_does(backend: EmbeddedBackend) -> None:
    with pytest.raises(FunctionError) as caught:
        send(backend, "insert", MESSAGES)
    assert caught.value.message == "Cannot read properties of undefined (reading 'id')"


def test_a_batch_merges_its_own_duplicates_and_drops_what_has_no_id(
    backend: EmbeddedBackend,
) -> None:
    records = [message(1), {"content": "dropped"}, {"id": "m1", "content": "merged"}]
    send(backend, "batchInsert", MESSAGES, records=records)
    (row,) = result(backend, "queryTable", MESSAGES)
    assert (row["content"], row["role"]) == ("merged", "user")


def test_one_bad_record_rolls_the_whole_batch_back(backend: EmbeddedBackend) -> None:
    records = [message(n) for n in range(30)] + [{"id": "bad"}]
    with pytest.raises(FunctionError, match="missing the required field"):
        send(backend, "batchInsert", MESSAGES, records=records)
    assert result(backend, "queryTable", MESSAGES) == []


def test_patch_says_whether_there_was_a_row(backend: EmbeddedBackend) -> None:
    send(backend, "insert", MESSAGES, record=message(1))
    change = {"id": "ignored", "content": "x"}
    assert result(backend, "patch", MESSAGES, id="m1", record=change) is True
    assert result(backend, "patch", MESSAGES, id="m2", record=change) is False
    assert result(backend, "load", MESSAGES, keys={"id": "m1"})["content"] == "x"


def test_load_by_other_keys_takes_the_first_match_in_order_of_creation(
    backend: EmbeddedBackend,
) -> None:
    for number in (2, 1):
        send(backend, "insert", MESSAGES, record=message(number, resourceId="r"))
    by_keys = {"resourceId": "r", "role": "user"}
    assert result(backend, "load", MESSAGES, keys=by_keys)["id"] == "m2"
    assert result(backend, "load", MESSAGES, keys={"resourceId": "other"}) is None
    assert result(backend, "load", MESSAGES, keys={})["id"] == "m2"


def test_load_many_keeps_the_order_of_the_ids(backend: EmbeddedBackend) -> None:
    send(backend, "batchInsert", MESSAGES, records=[message(1), message(2), message(3)])
    rows = result(backend, "loadMany", MESSAGES, ids=["m3", "none", "m1", "m3"])
    assert [row["id"] for row in rows] == ["m3", "m1"]
    with pytest.raises(FunctionError, match="loadMany supports at most 10 ids per request"):
        send(backend, "loadMany", MESSAGES, ids=["m1"] * 11)


def test_filters_after_the_index(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "mastra_threads", record=thread("a", metadata={"k": {"j": [1, True]}}))
    send(backend, "insert", "mastra_threads", record=thread("b", metadata={"k": {"j": [1, 1]}}))

    def ids(field: str, value: Any) -> list[str]:
        filters = [{"field": "resourceId", "value": "r"}, {"field": field, "value": value}]
        return [
            row["id"] for row in result(backend, "queryTable", "mastra_threads", filters=filters)
        ]

    assert ids("metadata", {"k": {"j": [1, True]}}) == ["a"]
    assert ids("metadata.k.j", [1, 1]) == ["b"]
    assert ids("metadata.k", None) == []


@pytest.mark.parametrize(
    ("limit", "count"),
    [(2, 2), ("3", 3), (1.5, 1), (True, 1), (0, 6), (None, 6), ("", 6), (1e9, 6)],
)
def test_limits(backend: EmbeddedBackend, limit: Any, count: int) -> None:
    send(backend, "batchInsert", MESSAGES, records=[message(n) for n in range(6)])
    assert len(result(backend, "queryTable", MESSAGES, limit=limit)) == count


@pytest.mark.parametrize("limit", [-1, 0.3, "x", {}])
def test_impossible_limits(backend: EmbeddedBackend, limit: Any) -> None:
    with pytest.raises(FunctionError) as caught:
        send(backend, "queryTable", MESSAGES, limit=limit)
    assert caught.value.message == "Arg 1 `n` to `take` must be a non-negative integer"


@pytest.mark.parametrize("table", [MESSAGES, "notes", "mastra_vector_v"])
def test_tables_are_cleared_25_rows_at_a_time(backend: EmbeddedBackend, table: str) -> None:
    rows = [message(n) if table == MESSAGES else {"id": f"{n}", "embedding": []} for n in range(51)]
    send(backend, "batchInsert", table, records=rows)
    replies = [send(backend, op, table) for op in ("clearTable", "dropTable", "clearTable")]
    assert replies == [{"hasMore": True, "ok": True}] * 2 + [{"hasMore": False, "ok": True}]
    assert result(backend, "queryTable", table) == []


def test_unknown_operations_are_answered(backend: EmbeddedBackend) -> None:
    for table in (MESSAGES, "notes", "mastra_vector_v", "mastra_background_tasks"):
        reply = send(backend, "teleport", table)
        assert reply == {"error": "Unsupported operation teleport", "ok": False}
    assert send(backend, None, MESSAGES)["error"] == "Unsupported operation null"
    assert send(backend, ["load"], MESSAGES)["error"] == "Unsupported operation load"
    assert send(backend, "updateThread", MESSAGES)["error"] == (
        "Unsupported operation updateThread for table mastra_messages"
    )
    with pytest.raises(
        FunctionError, match="createSchedule is only supported for mastra_schedules"
    ):
        send(backend, "createSchedule", MESSAGES)


@pytest.mark.parametrize(
    ("table", "error"),
    [
        (None, "Cannot read properties of null (reading 'startsWith')"),
        (5, "tableName.startsWith is not a function"),
        (["a"], "tableName.startsWith is not a function"),
    ],
)
def test_a_table_name_that_is_no_text(backend: EmbeddedBackend, table: Any, error: str) -> None:
    assert send(backend, "load", table) == {"error": error, "ok": False}


def test_threads_merge_metadata_and_need_a_title(backend: EmbeddedBackend) -> None:
    stored = '{"old": 1, "deep": {"z": 1, "a": 2}}'
    send(backend, "insert", "mastra_threads", record=thread("a", metadata=stored))
    updated = result(
        backend,
        "updateThread",
        "mastra_threads",
        id="a",
        title="T",
        metadata={"n": 2},
        updatedAt="u",
    )
    assert updated["metadata"] == {"deep": {"a": 2.0, "z": 1.0}, "n": 2.0, "old": 1.0}
    assert result(backend, "load", "mastra_threads", keys={"id": "a"}) == updated
    assert result(backend, "updateThread", "mastra_threads", id="b", title="T") is None
    with pytest.raises(FunctionError, match="missing the required field `title`"):
        send(backend, "updateThread", "mastra_threads", id="a", updatedAt="u")


def test_resources_are_made_or_merged(backend: EmbeddedBackend) -> None:
    times = {"createdAt": "c", "updatedAt": "u"}
    made = result(backend, "updateResource", "mastra_resources", resourceId="r", **times)
    assert made == {"createdAt": "c", "id": "r", "metadata": {}, "updatedAt": "u"}
    change = {"workingMemory": "# M", "metadata": {"a": 1}, "createdAt": "later", "updatedAt": "v"}
    merged = result(backend, "updateResource", "mastra_resources", resourceId="r", **change)
    assert (merged["createdAt"], merged["updatedAt"]) == ("c", "v")
    again = result(
        backend, "updateResource", "mastra_resources", resourceId="r", metadata={"b": 2}, **times
    )
    assert (again["workingMemory"], again["metadata"]) == ("# M", {"a": 1.0, "b": 2.0})


def test_a_generic_record_replaces_the_one_before(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "notes", record={"id": 5, "a": 1})
    send(backend, "insert", "notes", record={"id": "5", "b": 2})
    assert result(backend, "queryTable", "notes") == [{"b": 2.0, "id": "5"}]
    assert result(backend, "load", "notes", keys={"id": 5}) == {"b": 2.0, "id": "5"}
    assert result(backend, "patch", "notes", id=5, record={"c": 3}) is True
    assert result(backend, "loadMany", "notes", ids=["5", 6]) == [{"b": 2.0, "c": 3.0, "id": "5"}]


def test_logical_tables_do_not_see_each_other(backend: EmbeddedBackend) -> None:
    for table in ("notes", "mastra_vectors", "mastra_workflow_snapshots", ""):
        send(backend, "insert", table, record={"id": "a", "in": table})
    for table in ("notes", "mastra_vectors", "mastra_workflow_snapshots", ""):
        assert result(backend, "queryTable", table) == [{"id": "a", "in": table}]
    assert result(backend, "queryTable", "mastra_workflow_snapshot") == []


def test_generic_filters_come_after_twice_the_limit(backend: EmbeddedBackend) -> None:
    records = [{"id": f"{n}", "last": n == 9} for n in range(10)]
    send(backend, "batchInsert", "notes", records=records)
    last = [{"field": "last", "value": True}]
    assert result(backend, "queryTable", "notes", filters=last, limit=4) == []
    assert len(result(backend, "queryTable", "notes", filters=last, limit=5)) == 1


def test_deleting_a_generic_record_under_two_spellings_fails(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "notes", record={"id": 5})
    with pytest.raises(FunctionError, match="Delete on nonexistent document ID"):
        send(backend, "deleteMany", "notes", ids=[5, "5"])
    assert len(result(backend, "queryTable", "notes")) == 1
    send(backend, "deleteMany", "notes", ids=[5, "none"])
    assert result(backend, "queryTable", "notes") == []


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ([{"field": ["id"], "value": "a"}], "Invalid field path in a filter: id"),
        ([None], "Cannot read properties of null (reading 'field')"),
        ({"length": 1}, "filters is not iterable"),
        ({}, "filters?.filter is not a function"),
        ("id", "filters?.filter is not a function"),
    ],
)
def test_filters_that_are_none(backend: EmbeddedBackend, filters: Any, error: str) -> None:
    with pytest.raises(FunctionError) as caught:
        send(backend, "queryTable", MESSAGES, filters=filters)
    assert caught.value.message == error
