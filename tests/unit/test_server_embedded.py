"""The dev server over the backend it is made for: the same values and errors on both sides of HTTP."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from convex_mastra import wire
from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.backends.http import HttpBackend
from convex_mastra.config import Options, Remote, Secret
from convex_mastra.errors import ConvexMastraError, UnavailableError
from convex_mastra.server import serve
from convex_mastra.wire import FunctionCall, storage_call

KEY = "name|0123"
Sides = tuple[EmbeddedBackend, HttpBackend]


def storage(op: str, table: str, args: dict[str, Any]) -> FunctionCall:
    return storage_call(wire.STORAGE_FUNCTION, op, table, args)


def resource(identity: str, **fields: Any) -> dict[str, Any]:
    moment = "2026-01-01T00:00:00.000Z"
    return {"id": identity, "createdAt": moment, "updatedAt": moment, **fields}


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[Sides]:
    with (
        closing(EmbeddedBackend(str(tmp_path / "m.db"), Options(timeout_s=0.3))) as embedded,
        serve(embedded, KEY) as url,
        closing(HttpBackend(Remote(url, Secret(KEY)), Options())) as remote,
    ):
        yield embedded, remote


def outcome(backend: EmbeddedBackend | HttpBackend, call: FunctionCall) -> Any:
    try:
        return backend.send(call)
    except ConvexMastraError as error:
        return type(error), error.code, error.message


@pytest.mark.parametrize(
    "call",
    [
        storage("load", wire.RESOURCES, {"keys": {"id": "r1"}}),
        storage("load", wire.RESOURCES, {"keys": {"id": "none"}}),
        storage("queryTable", wire.RESOURCES, {"limit": 10}),
        storage("insert", wire.RESOURCES, {"record": {"id": "r2"}}),
        storage(
            "insert", wire.RESOURCES, {"record": resource("r2", workingMemory="x" * 1_100_000)}
        ),
        storage("insert", wire.RESOURCES, {"record": resource("r3"), "$x": 1}),
        FunctionCall("mutation", wire.STORAGE_FUNCTION, {"op": "bogus"}, "bogus", repeatable=True),
        FunctionCall("query", wire.STORAGE_FUNCTION, {}, "wrong kind", repeatable=True),
        FunctionCall("query", "no/such:function", {}, "missing", repeatable=True),
    ],
    ids=lambda call: call.label,
)
def test_both_sides_agree(sides: Sides, call: FunctionCall) -> None:
    embedded, remote = sides
    row = resource("r1", workingMemory="é\u2028")
    remote.send(storage("insert", wire.RESOURCES, {"record": row}))
    assert outcome(remote, call) == outcome(embedded, call)


def test_vectors_go_through_exactly(sides: Sides) -> None:
    embedded, remote = sides
    table = wire.vector_table("docs")
    embeddings = np.random.default_rng(7).standard_normal((20, 16))
    rows = [
        {"id": f"v{i:02}", "embedding": vector, "metadata": {"n": i}}
        for i, vector in enumerate(embeddings)
    ]
    assert remote.send(storage("batchInsert", table, {"records": rows}))["ok"] is True
    call = storage("queryTable", table, {"limit": 100})
    found = remote.send(call)["result"]
    assert np.array_equal([row["embedding"] for row in found], embeddings)
    for ours, theirs in zip(embedded.send(call)["result"], found, strict=True):
        assert np.array_equal(ours["embedding"], theirs["embedding"])
        assert {**ours, "embedding": None} == {**theirs, "embedding": None}


def test_function_and_run_on_the_embedded_backend(sides: Sides) -> None:
    _, remote = sides
    url = remote._place.url
    headers = {"Authorization": f"Convex {KEY}"}
    args = {"op": "load", "tableName": wire.RESOURCES, "keys": {"id": "none"}}
    body = {"path": "mastra/storage", "args": args}
    missing = httpx.post(f"{url}/api/function", json=body, headers=headers).json()
    assert "Could not find function for 'mastra/storage:default'" in missing["errorMessage"]
    body["path"] = wire.STORAGE_FUNCTION
    for route in ("function", "run/mastra/storage/handle"):
        answer = httpx.post(f"{url}/api/{route}", json=body, headers=headers).json()
        assert answer == {"status": "success", "value": {"ok": True, "result": None}}


def test_system_functions_answer_to_the_key_alone(sides: Sides) -> None:
    embedded, remote = sides
    url = remote._place.url
    headers = {"Authorization": f"Convex {KEY}"}
    options = {"numItems": 10_000, "cursor": None}
    for path, args in (
        ("_system/cli/tables", {"paginationOpts": options}),
        ("_system/cli/modules:apiSpec", {}),
    ):
        body = {"path": path, "args": args}
        told = httpx.post(f"{url}/api/query", json=body, headers=headers).json()
        canonical = path if ":" in path else f"{path}:default"
        call = FunctionCall("query", canonical, args, canonical, repeatable=True)
        assert told == {"status": "success", "value": embedded.send(call)}
        refused = httpx.post(f"{url}/api/query", json=body).json()
        assert refused["status"] == "error"
        assert refused["errorMessage"].endswith("Server Error\nOperation query not permitted")
        for answer in (  # they are no deployed functions, and not found by name there
            httpx.post(f"{url}/api/function", json=body, headers=headers),
            httpx.post(
                f"{url}/api/run/{path.replace(':', '/')}", json={"args": args}, headers=headers
            ),
        ):
            assert "Could not find function for '_system/cli" in answer.json()["errorMessage"]


def test_what_the_system_functions_list(sides: Sides) -> None:
    embedded, _ = sides
    tables = embedded.send(FunctionCall("query", wire.TABLES_FUNCTION, {}, "t", repeatable=True))
    names = [entry["name"] for entry in tables["page"]]
    assert (tables["isDone"], names) == (True, sorted(names))
    assert {"mastra_threads", "mastra_workflow_snapshots", "mastra_vectors"} <= set(names)
    functions = embedded.send(
        FunctionCall("query", wire.SPECIFICATION_FUNCTION, {}, "f", repeatable=True)
    )
    kinds = {entry["identifier"]: entry["functionType"] for entry in functions}
    assert kinds == {
        "mastra/storage.js:handle": "Mutation",
        "mastra/cache.js:handle": "Mutation",
        "mastra/nativeVector.js:query": "Action",
        "mastra/nativeVector.js:read": "Query",
        "mastra/nativeVector.js:write": "Mutation",
        "convex_mastra/vectors.js:search": "Query",
        "convex_mastra/vectors.js:count": "Query",
        "convex_mastra/messages.js:recent": "Query",
        "convex_mastra/documents.js:page": "Query",
        "convex_mastra/documents.js:ranges": "Query",
        "convex_mastra/documents.js:load": "Query",
        "convex_mastra/documents.js:write": "Mutation",
        "convex_mastra/documents.js:remove": "Mutation",
    }


def test_a_locked_file_is_unavailable_and_nothing_was_applied(sides: Sides, tmp_path: Path) -> None:
    _, remote = sides
    insert = storage("insert", wire.RESOURCES, {"record": resource("r1")})
    remote.send(insert)
    with closing(sqlite3.connect(tmp_path / "m.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError) as caught:
            remote.send(insert)
        assert (caught.value.status, caught.value.applied) == (503, False)
        assert caught.value.code == "DatabaseLocked"
        load = storage("load", wire.RESOURCES, {"keys": {"id": "r1"}})
        assert remote.send(load)["result"]["id"] == "r1"  # reading goes on meanwhile
        other.execute("ROLLBACK")
    assert remote.send(insert)["ok"] is True


def test_many_clients_at_once(sides: Sides) -> None:
    embedded, remote = sides

    def insert(i: int) -> Any:
        record = resource(f"r{i:03}")
        return remote.send(storage("insert", wire.RESOURCES, {"record": record}))["ok"]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(insert, range(200)))
    found = embedded.send(storage("queryTable", wire.RESOURCES, {"limit": 1000}))["result"]
    assert {row["id"] for row in found} == {f"r{i:03}" for i in range(200)}
