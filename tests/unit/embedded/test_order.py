"""The order in which rows come back: the index's fields, then creation."""

from __future__ import annotations

import itertools
import sqlite3

import pytest

from convex_mastra.backends.embedded import EmbeddedBackend, migrations, statements, tables
from tests.unit.embedded.storage import message, result, send


def ids(backend: EmbeddedBackend, table: str, *filters: tuple[str, object]) -> list[str]:
    wanted = [{"field": field, "value": value} for field, value in filters]
    return [row["id"] for row in result(backend, "queryTable", table, filters=wanted)]


def test_a_thread_is_in_order_of_its_times_and_then_of_creation(backend: EmbeddedBackend) -> None:
    times = ["b", "a", "c", "a", "b"]
    for number, time in enumerate(times):
        send(backend, "insert", "mastra_messages", record=message(number, createdAt=time))
    send(backend, "insert", "mastra_messages", record=message(9, thread="other", createdAt="a"))
    assert ids(backend, "mastra_messages", ("thread_id", "t")) == ["m1", "m3", "m0", "m4", "m2"]
    assert ids(backend, "mastra_messages") == ["m0", "m1", "m2", "m3", "m4", "m9"]


def test_a_patched_row_keeps_its_place_in_creation(backend: EmbeddedBackend) -> None:
    for number in range(3):
        send(backend, "insert", "mastra_messages", record=message(number))
    send(backend, "insert", "mastra_messages", record=message(0, content="new"))
    assert ids(backend, "mastra_messages") == ["m0", "m1", "m2"]
    assert ids(backend, "mastra_messages", ("resourceId", "r")) == []


def test_missing_comes_before_null_and_null_before_text(backend: EmbeddedBackend) -> None:
    owners = {"text": "o", "null": None, "missing": ..., "empty": ""}
    for name, owner in owners.items():
        row = {"id": name, "target": "{}", "cron": "", "status": "active", "owner_type": "agent"}
        times = dict.fromkeys(("next_fire_at", "created_at", "updated_at"), 1)
        given = {} if owner is ... else {"owner_id": owner}
        send(backend, "insert", "mastra_schedules", record=row | times | given)
    by_owner = ids(backend, "mastra_schedules", ("owner_type", "agent"))
    assert by_owner == ["missing", "null", "empty", "text"]
    assert ids(backend, "mastra_schedules", ("owner_id", None)) == ["null"]
    missing = result(backend, "queryTable", "mastra_schedules", filters=[{"field": "owner_id"}])
    assert [row["id"] for row in missing] == ["missing"]


def test_numbers_are_in_order_of_their_value(backend: EmbeddedBackend) -> None:
    numbers = [10, 9, -1, 0, -0.0, 2.5, -1e300]
    for number in numbers:
        row = {"id": repr(number), "schedule_id": "s", "outcome": "", "trigger_kind": ""}
        times = {"scheduled_fire_at": 0, "actual_fire_at": number}
        send(backend, "recordScheduleTrigger", "mastra_schedule_triggers", record=row | times)
    newest_first = result(
        backend, "listScheduleTriggers", "mastra_schedule_triggers", scheduleId="s"
    )
    assert [row["id"] for row in newest_first] == ["10", "9", "2.5", "0", "-0.0", "-1", "-1e+300"]
    in_range = result(
        backend,
        "listScheduleTriggers",
        "mastra_schedule_triggers",
        scheduleId="s",
        fromActualFireAt=0,
        toActualFireAt=10,
    )
    assert [row["id"] for row in in_range] == ["9", "2.5", "0"]


def test_the_longest_matching_index_decides_the_order(backend: EmbeddedBackend) -> None:
    for number, resource in enumerate("yxyx"):
        record = message(number, createdAt=f"{9 - number}", resourceId=resource)
        send(backend, "insert", "mastra_messages", record=record)
    by_thread = ids(backend, "mastra_messages", ("resourceId", "x"), ("thread_id", "t"))
    assert by_thread == ["m3", "m1"]
    assert ids(backend, "mastra_messages", ("resourceId", "x")) == ["m1", "m3"]


def test_creation_times_grow_within_and_across_calls(backend: EmbeddedBackend) -> None:
    batch = [message(number) for number in range(60)]
    send(backend, "batchInsert", "mastra_messages", records=batch)
    send(backend, "insert", "mastra_messages", record=message(60))
    rows = result(backend, "queryTable", "mastra_messages")
    assert [row["id"] for row in rows] == [f"m{number}" for number in range(61)]
    assert all(a["_creationTime"] < b["_creationTime"] for a, b in itertools.pairwise(rows))


def test_a_clock_set_back_does_not_disturb_the_order(
    backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(backend, "insert", "mastra_messages", record=message(0))
    monkeypatch.setattr("convex_mastra.backends.embedded.transaction.time.time_ns", lambda: 10**15)
    send(backend, "insert", "mastra_messages", record=message(1))
    rows = result(backend, "queryTable", "mastra_messages")
    assert [row["id"] for row in rows] == ["m0", "m1"]
    assert rows[0]["_creationTime"] < rows[1]["_creationTime"]


@pytest.mark.parametrize(
    ("table", "index"),
    [(table, index) for table in tables.ALL for index in table.indexes],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
@pytest.mark.parametrize("descending", [False, True])
def test_every_query_walks_its_index_and_sorts_nothing(
    table: tables.Table, index: str, descending: bool
) -> None:
    connection = sqlite3.connect(":memory:")
    migrations.migrate(connection)
    fields = table.indexes[index]
    for equals in range(len(fields) + 1):
        operators = (">=", "<") if equals < len(fields) else ()
        for used in {(), operators}:
            sql = statements.select(table, index, equals, used, descending)
            values = ["x"] * sql.count("?")
            plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert not any("TEMP B-TREE" in step for step in plan), plan
            if equals:
                assert plan[0].startswith(f"SEARCH {table.name} USING INDEX"), plan
    connection.close()


def test_identities_are_32_letters_of_convexs_alphabet(backend: EmbeddedBackend) -> None:
    send(backend, "batchInsert", "mastra_messages", records=[message(n) for n in range(200)])
    identities = {row["_id"] for row in result(backend, "queryTable", "mastra_messages")}
    assert len(identities) == 200
    assert {len(identity) for identity in identities} == {32}
    assert set("".join(identities)) == set("0123456789abcdefghjkmnpqrstvwxyz")
