"""Native vector tables: how they come to be here, what holds from then on, and the search."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from convex_mastra.backends.embedded import EmbeddedBackend, migrations
from convex_mastra.config import Options
from convex_mastra.errors import FunctionError, FunctionNotFoundError
from convex_mastra.wire import FunctionCall
from tests.native import read_call, search_call, write_call
from tests.unit.embedded.storage import message, result, send

CONFIG = {
    "tableName": "docs",
    "vectorIndexName": "by_embedding",
    "dimension": 2,
    "filterFields": ["tag"],
}


def upsert(backend: EmbeddedBackend, vectors: Any, **args: Any) -> Any:
    names = [chr(ord("a") + number) for number in range(len(vectors))]
    call = write_call("upsert", **{"config": CONFIG, "ids": names, "vectors": vectors, **args})
    return backend.send(call)


def listed(backend: EmbeddedBackend, *names: str, **args: Any) -> Any:
    return backend.send(read_call("listByIds", **{"config": CONFIG, "ids": list(names), **args}))


def found(backend: EmbeddedBackend, vector: Any, **args: Any) -> list[tuple[str, float]]:
    """What a search finds, by the records' ids."""
    hits = backend.send(search_call(**{"config": CONFIG, "vector": vector, **args}))
    by_id = {
        document["_id"]: document["id"]
        for document in backend.send(
            read_call("getByConvexIds", config=CONFIG, ids=[hit["id"] for hit in hits])
        )
    }
    return [(by_id[hit["id"]], hit["score"]) for hit in hits]


def test_a_table_that_was_never_written_to_is_empty(backend: EmbeddedBackend) -> None:
    assert found(backend, [1, 0]) == []
    assert listed(backend, "a") == [None]
    described = backend.send(read_call("describe", config=CONFIG))
    assert described == {"count": 0.0, "countIsLimited": False}
    for call in (
        write_call("updateById", config=CONFIG, id="a", vector=[1, 0]),
        write_call("deleteByIds", config=CONFIG, ids=["a"]),
        write_call("upsert", config=CONFIG, ids=[], vectors=[]),
    ):
        assert backend.send(call) == {"ok": True}
    # None of these declared it.
    upsert(backend, [[1, 0, 0]], config={**CONFIG, "dimension": 3})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dimension": 3}, "dimension 2 by its first write; this request says 3"),
        ({"vectorIndexName": "other"}, "vector index name by_embedding"),
        ({"idField": "key"}, "id field id"),
        ({"idIndexName": "by_key"}, "id index name by_record_id"),
        ({"vectorField": "v"}, "vector field embedding"),
        ({"metadataField": "m"}, "metadata field metadata"),
    ],
)
def test_the_first_declaration_holds(backend: EmbeddedBackend, change: Any, text: str) -> None:
    upsert(backend, [[1, 0]])
    config = {**CONFIG, **change}
    for call in (
        search_call(config=config, vector=[1, 0]),
        read_call("describe", config=config),
        read_call("listByIds", config=config, ids=["a"]),
        write_call("upsert", config=config, ids=["b"], vectors=[[1, 0]]),
        write_call("updateById", config=config, id="a", vector=[1, 0]),
        write_call("deleteByIds", config=config, ids=["a"]),
    ):
        with pytest.raises(FunctionError, match=f'Table "docs" was declared with the {text}'):
            backend.send(call)
    assert [hit[0] for hit in found(backend, [1, 0])] == ["a"]


def test_filter_fields_grow(backend: EmbeddedBackend) -> None:
    upsert(backend, [[1, 0]], metadata=[{"tag": "x", "page": 1}])
    with pytest.raises(FunctionError, match='"page" is no filter field of the vector index'):
        found(backend, [1, 0], filter={"field": "page", "value": 1})
    (document,) = listed(backend, "a")
    assert "page" not in document
    config = {**CONFIG, "filterFields": ["page"]}
    backend.send(write_call("updateById", config=config, id="a", metadata={"page": 2}))
    assert found(backend, [1, 0], filter={"field": "page", "value": 2}) == [("a", 1.0)]
    assert found(backend, [1, 0], filter={"field": "tag", "value": "x"}) == [("a", 1.0)]
    upsert(backend, [[1, 0]], metadata=[{}])
    assert found(backend, [1, 0], filter={"field": "tag", "value": "x"}) == []
    assert found(backend, [1, 0], filter={"field": "page", "value": 2}) == [("a", 1.0)]
    with pytest.raises(FunctionError, match="at most 16 filter fields"):
        upsert(backend, [[1, 0]], config={**CONFIG, "filterFields": [f"f{n}" for n in range(15)]})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tableName": "no-name"}, '"no-name" is no name'),
        ({"tableName": "_docs"}, '"_docs" is no name'),
        ({"tableName": "mastra_threads"}, "one of Mastra's own"),
        ({"idField": ""}, '"" is no name'),
        ({"filterFields": ["$x"]}, "is no name"),
        ({"dimension": 1}, "between 2 and 4096; received 1"),
        ({"dimension": 4097}, "between 2 and 4096; received 4097"),
        ({"dimension": 2.5}, "received 2.5"),
        ({"dimension": {"$float": "AAAAAAAA+H8="}}, "received nan"),
        ({"dimension": {"$float": "AAAAAAAA8H8="}}, "received inf"),
    ],
)
def test_what_no_schema_declares(backend: EmbeddedBackend, change: Any, text: str) -> None:
    with pytest.raises(FunctionError, match=text):
        upsert(backend, [[1, 0]], config={**CONFIG, **change})
    assert found(backend, [1, 0]) == []


def test_the_first_vector_is_the_dimension_where_none_is_given(backend: EmbeddedBackend) -> None:
    config = {"tableName": "docs", "vectorIndexName": "by_embedding"}
    upsert(backend, [[1, 0, 0], [1, 0]], config=config)
    with pytest.raises(FunctionError, match="dimension 3"):
        backend.send(read_call("describe", config={**config, "dimension": 2}))
    hits = backend.send(search_call(config=config, vector=[1, 0, 0]))
    assert [hit["score"] for hit in hits] == [1.0]


def test_names_that_sqlite_takes_for_equal_are_not(backend: EmbeddedBackend) -> None:
    names = ("docs", "Docs", "seq", "select", "native_vectors")
    for number, name in enumerate(names, start=1):
        config = {
            "tableName": name,
            "vectorIndexName": "by_embedding",
            "idField": "seq",
            "vectorField": "size",
            "metadataField": "document",
            "filterFields": ["Seq", "revision", "table"],
        }
        upsert(
            backend,
            [[1, number]] * number,
            config=config,
            metadata=[{"Seq": 1, "table": name}] * number,
        )
        described = backend.send(read_call("describe", config=config))
        assert described["count"] == number
        (document,) = listed(backend, "a", config=config)
        assert (document["seq"], document["Seq"], document["table"]) == ("a", 1.0, name)
        assert np.asarray(document["size"]).tolist() == [1.0, number]
        (hit, *_) = backend.send(
            search_call(config=config, vector=[1, number], filter={"field": "table", "value": name})
        )
        assert hit["score"] == pytest.approx(1)


def test_a_file_keeps_its_tables(path: str) -> None:
    with closing(EmbeddedBackend(path, Options())) as first:
        upsert(first, [[1, 0]], metadata=[{"tag": "x"}])
    with closing(EmbeddedBackend(path, Options())) as second:
        assert found(second, [1, 0], filter={"field": "tag", "value": "x"}) == [("a", 1.0)]
        with pytest.raises(FunctionError, match="dimension 2"):
            upsert(second, [[1, 0, 0]], config={**CONFIG, "dimension": 3})


def test_a_file_of_the_first_format_gets_the_tables(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
    with closing(EmbeddedBackend(path, Options())) as older:
        send(older, "insert", "mastra_messages", record=message(1))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    monkeypatch.undo()
    with closing(EmbeddedBackend(path, Options())) as newer:
        assert result(newer, "load", "mastra_messages", keys={"id": "m1"})["id"] == "m1"
        upsert(newer, [[1, 0]])
        assert found(newer, [1, 0]) == [("a", 1.0)]


def test_a_search_sees_what_was_just_written(backend: EmbeddedBackend) -> None:
    upsert(backend, [[1, 0], [0, 1], [0, 0]])
    assert found(backend, [1, 0])[0] == ("a", 1.0)
    backend.send(write_call("updateById", config=CONFIG, id="a", vector=[0, 0]))
    assert {score for _, score in found(backend, [1, 0])} == {0.0}
    backend.send(write_call("updateById", config=CONFIG, id="c", vector=[2, 0]))
    assert found(backend, [1, 0])[0] == ("c", 1.0)
    backend.send(write_call("deleteByIds", config=CONFIG, ids=["c"]))
    assert sorted(found(backend, [1, 0])) == [("a", 0.0), ("b", 0.0)]
    # A scanned index of the same name has matrices and versions of its own.
    send(backend, "insert", "mastra_vector_docs", record={"id": "s", "embedding": [1, 0]})
    assert len(found(backend, [1, 0])) == 2


def test_scores_are_float32_in_order_of_score_then_id(backend: EmbeddedBackend) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((300, 8))
    vectors[100:200] = vectors[0]
    config = {**CONFIG, "dimension": 8}
    names = [f"v{number}" for number in range(300)]
    backend.send(write_call("upsert", config=config, ids=names, vectors=list(vectors)))
    query = vectors[5]
    exact = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    hits = backend.send(search_call(config=config, vector=query, limit=256))
    assert len(hits) == 256
    assert hits[0]["score"] == pytest.approx(1, abs=1e-6)
    assert [hit["score"] for hit in hits] == pytest.approx(sorted(exact)[::-1][:256], abs=1e-6)
    keys = [(hit["score"], hit["id"]) for hit in hits]
    assert keys == sorted(keys, reverse=True)
    assert len(backend.send(search_call(config=config, vector=query))) == 10
    assert max(hit["score"] for hit in hits) <= 1


def test_vectors_that_hold_nan_are_stored_and_not_found(backend: EmbeddedBackend) -> None:
    nan = {"$float": "AAAAAAAA+H8="}
    upsert(backend, [[1, 0], [1, nan], [0, 1]])
    assert found(backend, [1, 0], limit=2) == [("a", 1.0), ("c", 0.0)]
    (document,) = listed(backend, "b")
    assert document["embedding"] == [1.0, nan]
    with pytest.raises(FunctionError, match="must be finite"):
        found(backend, [1, nan])


def test_vectors_come_back_as_arrays(backend: EmbeddedBackend) -> None:
    numbers = np.random.default_rng(1).normal(size=2)
    upsert(backend, [numbers])
    (document,) = listed(backend, "a")
    assert document["embedding"].dtype == np.float64
    assert np.array_equal(document["embedding"], numbers)
    assert list(document) == ["_creationTime", "_id", "embedding", "id"]
    ids = [document["_id"], "nothing", "k" * 32]
    call = read_call("getByConvexIds", config=CONFIG, ids=ids)
    assert backend.send(call) == [{k: v for k, v in document.items() if k != "embedding"}]
    (whole,) = backend.send(read_call("getByConvexIds", config=CONFIG, ids=ids, includeVector=True))
    assert np.array_equal(whole["embedding"], numbers)


def test_limits_of_documents_and_transactions_hold(backend: EmbeddedBackend) -> None:
    with pytest.raises(FunctionError, match="Value is too large"):
        upsert(backend, [[1, 0]], metadata=[{"text": "x" * 1_100_000}])
    # A document nests 16 levels: the metadata is one below it, so that this is 17 deep.
    deep: Any = 1
    for _ in range(15):
        deep = [deep]
    with pytest.raises(FunctionError, match="too nested"):
        upsert(backend, [[1, 0]], metadata=[{"deep": deep}])
    large = [{"text": "x" * 900_000}] * 10
    for start in (0, 10):
        upsert(backend, [[1, 0]] * 10, ids=[f"l{start + n}" for n in range(10)], metadata=large)
    with pytest.raises(FunctionError, match="Too many bytes read"):
        backend.send(read_call("describe", config=CONFIG))
    described = backend.send(read_call("describe", config=CONFIG, countLimit=10))
    assert described == {"count": 10.0, "countIsLimited": True}


def test_a_failed_upsert_leaves_nothing(backend: EmbeddedBackend) -> None:
    wrong = [{}, {"text": "x" * 1_100_000}]
    with pytest.raises(FunctionError):
        upsert(backend, [[1, 0], [0, 1]], metadata=wrong)
    assert listed(backend, "a", "b") == [None, None]
    upsert(backend, [[1, 0, 0]], config={**CONFIG, "dimension": 3})  # nor was it declared


def change(call: FunctionCall, **args: Any) -> FunctionCall:
    return FunctionCall(call.kind, call.path, {**call.args, **args}, call.label, True)


SEARCH = search_call(config=CONFIG, vector=[1, 0])
READ = read_call("listByIds", config=CONFIG, ids=["a"])
WRITE = write_call("upsert", config=CONFIG, ids=["a"], vectors=[[1, 0]])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (change(SEARCH, vector=["x"]), "Path: .vector\nValidator: v.array(v.float64())"),
        (change(SEARCH, vector=None), "Path: .vector\n"),
        (change(SEARCH, filter={"field": "tag"}), "missing the required field `value`"),
        (change(SEARCH, filter={"field": "tag", "value": []}), "Path: .filter.value\n"),
        (change(SEARCH, filter=None), "Path: .filter\n"),
        (change(SEARCH, extra=1), "extra field `extra`"),
        (change(SEARCH, config={**CONFIG, "idField": None}), "Path: .config.idField\n"),
        (change(SEARCH, config={**CONFIG, "filterFields": [1]}), "Path: .config.filterFields\n"),
        (change(SEARCH, config={**CONFIG, "extra": 1}), "extra field `extra`"),
        (change(SEARCH, config=[]), "Path: .config\nValidator: v.object({dimension: v.optional("),
        (change(READ, op="search"), 'Validator: v.union(v.literal("getByConvexIds"), '),
        (change(READ, includeVector=1), "Path: .includeVector\nValidator: v.boolean()"),
        (change(WRITE, vectors=[[1], ["x"]]), "Validator: v.array(v.array(v.float64()))"),
        (change(WRITE, vectors=[{"$integer": "BQAAAAAAAAA="}]), "Path: .vectors\n"),
        (FunctionCall("query", READ.path, {}, "", True), "missing the required field `config`"),
    ],
)
def test_arguments_are_validated(backend: EmbeddedBackend, call: FunctionCall, text: str) -> None:
    with pytest.raises(FunctionError) as caught:
        backend.send(call)
    assert caught.value.message.startswith("ArgumentValidationError: ")
    assert text in caught.value.message


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"vectors": [[1, 0]] * 2}, r"vectors length \(2\) must match ids length \(1\)"),
        ({"metadata": {}}, "metadata must be an array matching ids when provided"),
        ({"metadata": None}, "metadata must be an array matching ids when provided"),
        ({"metadata": []}, r"metadata length \(0\) must match ids length \(1\)"),
        ({"metadata": ["x"]}, "metadata entries must be objects when provided"),
        ({"metadata": [[]]}, "metadata entries must be objects when provided"),
    ],
)
def test_refused_upserts(backend: EmbeddedBackend, args: Any, text: str) -> None:
    with pytest.raises(FunctionError, match=f"Native vector upsert: {text}"):
        backend.send(change(WRITE, **args))


@pytest.mark.parametrize(
    ("limit", "outcome"), [(0, 1), (-5, 1), (2, 2), (1e9, 3), (1.5, "non-negative integer")]
)
def test_counting(backend: EmbeddedBackend, limit: float, outcome: Any) -> None:
    upsert(backend, [[1, 0]] * 3)
    call = read_call("describe", config=CONFIG, countLimit=limit)
    if isinstance(outcome, str):
        with pytest.raises(FunctionError, match=outcome):
            backend.send(call)
    else:
        described = backend.send(call)
        assert described == {"count": float(outcome), "countIsLimited": outcome < 3}


@pytest.mark.parametrize(
    ("make", "kind"), [(search_call, "Action"), (read_call, "Query"), (write_call, "Mutation")]
)
def test_the_kinds_of_the_functions(
    backend: EmbeddedBackend, make: Callable[..., FunctionCall], kind: str
) -> None:
    call = make(**({} if make is search_call else {"op": "describe"}))
    other = "query" if kind != "Query" else "mutation"
    wrong = FunctionCall(other, call.path, call.args, "", True)  # type: ignore[arg-type]
    with pytest.raises(FunctionError, match=f"but it is defined as {kind}"):
        backend.send(wrong)
    with pytest.raises(FunctionNotFoundError):
        backend.send(FunctionCall(call.kind, call.path + "x", {}, "", True))
