"""Vectors: how they lie in the file, what partial failures leave, and the numbers on writes."""

from __future__ import annotations

import sqlite3
from typing import Any

import numpy as np
import pytest

from convex_mastra import ConvexVector
from convex_mastra.backends.embedded import EmbeddedBackend
from tests.unit.embedded.storage import result, send

TABLE = "mastra_vector_v"


def vector(identity: str, *numbers: float, **columns: Any) -> dict[str, Any]:
    return {"id": identity, "embedding": list(numbers), **columns}


def versions(backend: EmbeddedBackend) -> dict[str, tuple[int, int]]:
    """Return version and deletions of every index."""

    def read(connection: sqlite3.Connection) -> Any:
        return connection.execute("SELECT * FROM vector_versions").fetchall()

    rows = backend._database.read(read, snapshot=False)
    return {name: (version, deletions) for name, version, deletions in rows}


def revisions(backend: EmbeddedBackend) -> dict[str, int]:
    """Return the revision of every vector."""

    def read(connection: sqlite3.Connection) -> Any:
        return connection.execute("SELECT id, revision FROM mastra_vectors").fetchall()

    return dict(backend._database.read(read, snapshot=False))


@pytest.mark.parametrize("as_array", [False, True])
def test_an_embedding_comes_back_as_a_float64_array(
    backend: EmbeddedBackend, as_array: bool
) -> None:
    numbers = np.random.default_rng(1).normal(size=1536)
    record = {"id": "a", "embedding": numbers if as_array else numbers.tolist()}
    send(backend, "insert", TABLE, record={**record, "metadata": {"n": 1, "embedding": [1]}})
    stored = result(backend, "load", TABLE, keys={"id": "a"})
    assert stored["embedding"].dtype == np.float64
    assert np.array_equal(stored["embedding"], numbers)
    assert stored["metadata"] == {"embedding": [1.0], "n": 1.0}
    assert list(stored) == ["_creationTime", "_id", "embedding", "id", "indexName", "metadata"]
    assert stored["indexName"] == "v"


def test_an_embedding_that_holds_nan_comes_back_encoded(backend: EmbeddedBackend) -> None:
    nan = {"$float": "AAAAAAAA+H8="}
    send(backend, "insert", TABLE, record={"id": "a", "embedding": [1, nan]})
    assert result(backend, "load", TABLE, keys={"id": "a"})["embedding"] == [1.0, nan]


def test_other_arrays_are_taken_as_lists_of_numbers(backend: EmbeddedBackend) -> None:
    send(backend, "insert", TABLE, record={"id": "a", "embedding": np.array([1, 2], np.float32)})
    stored = result(backend, "load", TABLE, keys={"id": "a"})
    assert stored["embedding"].tolist() == [1.0, 2.0]
    reply = send(backend, "insert", TABLE, record={"id": "b", "embedding": np.zeros((2, 2))})
    assert "Path: .embedding" in reply["error"]


def test_arrays_in_other_tables_become_lists(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "notes", record={"id": "a", "embedding": np.array([0.5])})
    assert result(backend, "load", "notes", keys={"id": "a"}) == {"embedding": [0.5], "id": "a"}


def test_a_new_upsert_replaces_metadata_and_a_patch_replaces_columns(
    backend: EmbeddedBackend,
) -> None:
    send(backend, "insert", TABLE, record=vector("a", 1, metadata={"x": 1}))
    send(backend, "insert", TABLE, record=vector("a", 2))
    stored = result(backend, "load", TABLE, keys={"id": "a"})
    assert "metadata" not in stored
    change = {"metadata": None, "indexName": "other", "id": "z"}
    assert result(backend, "patch", TABLE, id="a", record=change) is True
    stored = result(backend, "load", TABLE, keys={"id": "a"})
    assert (stored["metadata"], stored["embedding"].tolist()) == (None, [2.0])


def test_what_was_written_before_a_failure_stays(backend: EmbeddedBackend) -> None:
    send(backend, "batchInsert", TABLE, records=[vector("old", 1)])
    first = [vector(f"a{n}", n) for n in range(25)]
    second = [{"id": "bad"}, vector("b", 1), vector("old", 2), {"id": "worse", "embedding": "x"}]
    third = [vector(f"c{n}", n) for n in range(25)]
    reply = send(backend, "batchInsert", TABLE, records=[*first, *second, *third])
    assert reply["ok"] is False
    assert "missing the required field `embedding`" in reply["error"]
    kept = {row["id"]: row["embedding"].tolist() for row in result(backend, "queryTable", TABLE)}
    # The whole group of 25 that the failing record is in is tried; later groups are not.
    assert kept == (
        {"old": [2.0], "b": [1.0]}
        | {f"a{n}": [float(n)] for n in range(25)}
        | {f"c{n}": [float(n)] for n in range(21)}
    )


def test_an_insert_that_fails_is_answered(backend: EmbeddedBackend) -> None:
    assert send(backend, "insert", TABLE, record={"embedding": [1]}) == {
        "error": "Vector record is missing an id",
        "ok": False,
    }
    reply = send(backend, "insert", TABLE, record={"id": "a", "embedding": [1, "x"]})
    assert "Path: .embedding\nValidator: v.array(v.float64())" in reply["error"]


def test_indexes_are_apart(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "mastra_vector_a", record=vector("x", 1))
    send(backend, "insert", "mastra_vector_b", record=vector("x", 2))
    send(backend, "deleteMany", "mastra_vector_a", ids=["x"])
    assert result(backend, "queryTable", "mastra_vector_a") == []
    assert result(backend, "load", "mastra_vector_b", keys={"id": "x"})["embedding"].tolist() == [2]


def test_the_table_of_indexes_is_an_ordinary_table(backend: EmbeddedBackend) -> None:
    record = {"id": "v", "indexName": "v", "dimension": 3, "metric": "cosine", "createdAt": "c"}
    send(backend, "insert", "mastra_vector_indexes", record=record)
    by_name = [{"field": "indexName", "value": "v"}]
    (row,) = result(backend, "queryTable", "mastra_vector_indexes", filters=by_name)
    assert row["dimension"] == 3.0


def test_every_transaction_that_writes_to_an_index_moves_its_version_on(
    backend: EmbeddedBackend,
) -> None:
    send(backend, "batchInsert", TABLE, records=[vector("a", 1), vector("b", 2)])
    assert (versions(backend), revisions(backend)) == ({"v": (1, 0)}, {"a": 1, "b": 1})
    send(backend, "insert", TABLE, record=vector("b", 3))
    assert (versions(backend), revisions(backend)) == ({"v": (2, 0)}, {"a": 1, "b": 2})
    send(backend, "patch", TABLE, id="a", record={"metadata": {"k": 1}})
    assert (versions(backend), revisions(backend)) == ({"v": (3, 0)}, {"a": 3, "b": 2})
    send(backend, "insert", "mastra_vector_w", record=vector("a", 1))
    assert versions(backend) == {"v": (3, 0), "w": (1, 0)}
    send(backend, "deleteMany", TABLE, ids=["a", "none"])
    assert versions(backend) == {"v": (4, 1), "w": (1, 0)}
    send(backend, "clearTable", TABLE)
    assert versions(backend)["v"] == (5, 2)
    send(backend, "insert", TABLE, record=vector("a", 1))
    assert (versions(backend)["v"], revisions(backend)["a"]) == ((6, 2), 6)


def test_what_changes_nothing_leaves_the_version(backend: EmbeddedBackend) -> None:
    send(backend, "insert", TABLE, record=vector("a", 1, metadata={"b": 1, "a": 2}))
    send(backend, "insert", TABLE, record=vector("a", 1, metadata={"a": 2, "b": 1}))
    send(backend, "insert", TABLE, record={"id": "bad"})
    send(backend, "clearTable", "mastra_vector_empty")
    send(backend, "load", TABLE, keys={"id": "a"})
    assert versions(backend) == {"v": (1, 0)}


def test_vectors_whose_squares_are_beyond_float64(backend: EmbeddedBackend) -> None:
    vector = ConvexVector(backend=backend)
    vector.create_index("far", 3)
    vector.upsert("far", [[1e200, 0, 0], [0, 1, 0]], ids=["far", "near"])
    found = {match.id: match.score for match in vector.query("far", [1, 1, 0])}
    assert found["near"] == pytest.approx(0.5**0.5)
    assert {match.id for match in vector.query("far", [1e200, 1, 0])} <= {"far", "near"}
