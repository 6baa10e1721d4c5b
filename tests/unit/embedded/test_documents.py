"""What Convex checks before it writes a document, at the exact border and in its words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from convex_mastra.backends.embedded import EmbeddedBackend, documents, tables
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.errors import FunctionError
from tests.unit.embedded.storage import message, result, send, thread

INT64 = {"$integer": "BQAAAAAAAAA="}


def refused(backend: EmbeddedBackend, record: Any, table: str = "mastra_threads") -> str:
    """Insert a record that must be refused; return the text and check that nothing was written."""
    with pytest.raises(FunctionError) as caught:
        send(backend, "insert", table, record=record)
    assert result(backend, "queryTable", table) == []
    return caught.value.message


def violation(text: str) -> str:
    return (
        'Failed to insert or update a document in table "mastra_threads" because it does not '
        f"match the schema: {text}"
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"title": None}, "Value does not match validator.\nPath: .title\nValidator: v.string()"),
        ({"title": 5}, "Value does not match validator.\nPath: .title\nValidator: v.string()"),
        ({"extra": 1}, "Object contains extra field `extra` that is not in the validator."),
        ({"id": 5}, "Value does not match validator.\nPath: .id\nValidator: v.string()"),
    ],
)
def test_schema_violations(backend: EmbeddedBackend, change: dict[str, Any], text: str) -> None:
    assert refused(backend, thread("a", **change)) == violation(text)


def test_a_required_field_is_missing(backend: EmbeddedBackend) -> None:
    row = thread("a")
    del row["title"]
    text = refused(backend, row)
    assert text == violation("Object is missing the required field `title`.")


def test_optional_is_not_nullable(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "mastra_messages", record=message(1))
    with pytest.raises(FunctionError, match=r"Path: \.resourceId"):
        send(backend, "insert", "mastra_messages", record=message(2, resourceId=None))


def test_any_column_accepts_every_value(backend: EmbeddedBackend) -> None:
    for number, value in enumerate([None, INT64, {"$bytes": "AAEC"}, [], {"": {"_x": 1}}]):
        send(backend, "insert", "mastra_threads", record=thread(str(number), metadata=value))
    stored = [row["metadata"] for row in result(backend, "queryTable", "mastra_threads")]
    assert stored == [None, INT64, {"$bytes": "AAEC"}, [], {"": {"_x": 1.0}}]


def test_number_columns_refuse_int64_and_accept_nan(backend: EmbeddedBackend) -> None:
    index = {"id": "i", "indexName": "i", "metric": "cosine", "createdAt": "c"}
    with pytest.raises(FunctionError, match=r"Validator: v\.float64\(\)"):
        send(backend, "insert", "mastra_vector_indexes", record={**index, "dimension": INT64})
    nan = {"$float": "AAAAAAAA+H8="}
    send(backend, "insert", "mastra_vector_indexes", record={**index, "dimension": nan})
    assert result(backend, "queryTable", "mastra_vector_indexes")[0]["dimension"] == nan


def test_a_field_that_convex_keeps_for_itself(backend: EmbeddedBackend) -> None:
    text = refused(backend, thread("a", _own=1))
    assert text.endswith(
        "isn't a valid document: Field '_own' starts with an underscore, which is only allowed "
        "for system fields like '_id'"
    )


def test_nesting_of_16_fits_and_of_17_does_not(backend: EmbeddedBackend) -> None:
    def deep(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = {"k": value}
        return value

    text = refused(backend, thread("a", metadata=deep(16)))
    assert text == "Document is too nested (nested 17 levels deep > maximum nesting 16)"
    send(backend, "insert", "mastra_threads", record=thread("a", metadata=deep(15)))


def test_a_document_of_1_mib_fits_and_one_byte_more_does_not(backend: EmbeddedBackend) -> None:
    bare = documents.check(tables.THREADS, {**thread("a"), "_id": "x" * 32, "_creationTime": 1.0})
    room = 2**20 - bare
    text = refused(backend, thread("a", title="x" * (room + 1)))
    assert re.fullmatch(r"Value is too large \(1\.00 MiB > maximum size 1 MiB\)", text)
    send(backend, "insert", "mastra_threads", record=thread("a", title="x" * room))


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 1),
        (True, 1),
        (1.0, 9),
        ("aé", 5),
        (INT64, 9),
        ({"$bytes": "AAEC"}, 5),
        ([1.0, 2.0], 20),
        ([None, "a"], 6),
        ({"ab": 1.0}, 14),
    ],
)
def test_sizes_are_counted_as_convex_counts_them(value: Any, size: int) -> None:
    empty = {"table": "", "primaryKey": "", "record": None, "_id": "x" * 32, "_creationTime": 1.0}
    without = documents.check(tables.DOCUMENTS, empty)
    assert documents.check(tables.DOCUMENTS, {**empty, "record": value}) == without - 1 + size
    assert without == 63 + len("table") + 3 + len("primaryKey") + 3 + len("record") + 2


def test_system_fields_are_tolerated_on_the_same_row_only(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "mastra_threads", record=thread("a"))
    stored = result(backend, "load", "mastra_threads", keys={"id": "a"})
    send(backend, "insert", "mastra_threads", record={**stored, "title": "again"})
    again = result(backend, "load", "mastra_threads", keys={"id": "a"})
    assert again == {**stored, "title": "again"}
    with pytest.raises(FunctionError, match="doesn't match '_id' field"):
        send(backend, "patch", "mastra_threads", id="a", record={"_id": "0" * 32})
    with pytest.raises(FunctionError, match="doesn't match '_creationTime' field"):
        send(backend, "patch", "mastra_threads", id="a", record={"_creationTime": 1})
    with pytest.raises(FunctionError, match="Provided document ID"):
        send(backend, "insert", "mastra_threads", record={**stored, "id": "b"})


def test_literals_and_nullable_columns() -> None:
    task = dict.fromkeys(tables.BACKGROUND_TASKS.fields, "x")
    numbers = dict.fromkeys(("retry_count", "max_retries", "timeout_ms"), 0.0)
    nulls = dict.fromkeys(("thread_id", "result", "startedAt"))
    system = {"_id": "x" * 32, "_creationTime": 1.0}
    whole = {**task, **numbers, **nulls, **system, "status": "running"}
    documents.check(tables.BACKGROUND_TASKS, whole)
    with pytest.raises(
        Thrown, match=r'Path: \.status\nValidator: v\.union\(v\.literal\("pending"\)'
    ):
        documents.check(tables.BACKGROUND_TASKS, {**whole, "status": "lost"})
    with pytest.raises(
        Thrown, match=r"Path: \.thread_id\nValidator: v\.union\(v\.string\(\), v\.null"
    ):
        documents.check(tables.BACKGROUND_TASKS, {**whole, "thread_id": 5.0})


def test_the_first_field_in_alphabetical_order_is_named(backend: EmbeddedBackend) -> None:
    text = refused(backend, thread("a", title=5, createdAt=5, updatedAt=5))
    assert "Path: .createdAt" in text


def test_text_that_is_not_unicode_is_not_stored(backend: EmbeddedBackend) -> None:
    half = '[{"observations":"\\ud83d","tokenCount":1}]'
    record = {
        "id": "r",
        "lookupKey": "k",
        "scope": "thread",
        "activeObservations": "",
        "originType": "initial",
        "config": "{}",
        "bufferedObservationChunks": half,
        "createdAt": "c",
        "updatedAt": "u",
    }
    names = [name for name in tables.OBSERVATIONAL_MEMORY.fields if name.startswith("is")]
    counts = ("generationCount", "pendingMessageTokens", "totalTokensObserved")
    more = ("observationTokenCount", "lastBufferedAtTokens")
    record |= dict.fromkeys(names, False) | dict.fromkeys((*counts, *more), 0)
    send(backend, "insert", "mastra_observational_memory", record=record)
    with pytest.raises(FunctionError, match="lone surrogate"):
        send(backend, "omSwapBuffered", "mastra_observational_memory", id="r", now="n")
