"""The cache handler: what its replies say, call by call, and what lies in the tables between them."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra import wire
from convex_mastra.backends.embedded import EmbeddedBackend, js
from convex_mastra.backends.embedded.tables import CACHE, CACHE_LIST_ITEMS, Table
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.errors import FunctionError
from tests.unit.embedded.storage import message, send

NEVER = None
INT64 = {"$integer": "BQAAAAAAAAA="}
MINUS_FIVE = {"$integer": "+/////////8="}


def ask(backend: EmbeddedBackend, op: Any, key: Any = "p:k", **args: Any) -> Any:
    """Run one cache operation and return the handler's reply."""
    request = {"op": op, "key": key, "keyPrefix": "p:", "expiresAt": NEVER, **args}
    return backend.send(
        wire.FunctionCall("mutation", wire.CACHE_FUNCTION, request, f"{op} cache", repeatable=True)
    )


def push(backend: EmbeddedBackend, count: int, key: str = "p:k", **args: Any) -> None:
    for number in range(count):
        assert ask(backend, "listPush", key, value=number, **args) == {"ok": True}


def rows(backend: EmbeddedBackend, table: Table = CACHE) -> list[dict[str, Any]]:
    def read(connection: Any) -> list[dict[str, Any]]:
        found = Transaction(connection, backend._matrices).take(table, None)
        return [row.document for row in found]

    return backend._database.read(read, snapshot=False)


def seed(backend: EmbeddedBackend, table: Table, *documents: dict[str, Any]) -> None:
    def write(connection: Any) -> None:
        transaction = Transaction(connection, backend._matrices)
        for document in documents:
            transaction.insert(table, document)

    backend._database.write(write)


def item(index: float, value: str = "0", **columns: Any) -> dict[str, Any]:
    return {"key": "p:k", "keyPrefix": "p:", "index": index, "value": value, **columns}


def test_replies_in_convex_form(backend: EmbeddedBackend) -> None:
    assert ask(backend, "set", value=1) == {"ok": True}
    assert ask(backend, "get") == {"ok": True, "result": 1.0}
    assert ask(backend, "delete") == {"hasMore": False, "ok": True}
    assert ask(backend, "get") == {"ok": True, "result": None}
    assert ask(backend, "listLength") == {"ok": True, "result": 0.0}
    assert ask(backend, "increment") == {"ok": True, "result": 1.0}
    assert ask(backend, "clear") == {"hasMore": False, "ok": True}


def test_values_lie_as_javascript_writes_them(backend: EmbeddedBackend) -> None:
    value = {"b": 1.0, "10": [-0.0, 1e21, None], "9": {"$float": "AAAAAAAA+H8="}, "a": "\u2028é"}
    ask(backend, "set", value=value, expiresAt=2e21)
    (row,) = rows(backend)
    assert row["value"] == '{"9":null,"10":[0,1e+21,null],"a":"\u2028é","b":1}'
    assert (row["kind"], row["expiresAt"], row["keyPrefix"]) == ("value", 2e21, "p:")
    found = ask(backend, "get")["result"]
    assert list(found) == ["10", "9", "a", "b"]
    ask(backend, "set")
    assert rows(backend)[0]["value"] == "null"


def test_an_int64_is_no_json(backend: EmbeddedBackend) -> None:
    ask(backend, "listPush", value=1)
    for op in ("set", "listPush"):
        with pytest.raises(FunctionError, match="Do not know how to serialize a BigInt"):
            ask(backend, op, value=[INT64])
    assert ask(backend, "listLength")["result"] == 1.0


def test_a_long_list_leaves_a_tombstone_until_it_is_gone(backend: EmbeddedBackend) -> None:
    push(backend, 51)
    assert ask(backend, "delete") == {"hasMore": True, "ok": True}
    assert [row["kind"] for row in rows(backend)] == ["deleted"]
    assert len(rows(backend, CACHE_LIST_ITEMS)) == 26
    assert ask(backend, "listLength") == {"hasMore": True, "ok": True, "result": 0.0}
    assert len(rows(backend, CACHE_LIST_ITEMS)) == 1
    assert ask(backend, "listFromTo", **{"from": 0, "to": -1}) == {"ok": True, "result": []}
    assert rows(backend) == rows(backend, CACHE_LIST_ITEMS) == []


@pytest.mark.parametrize(
    ("op", "left", "settled"),
    [
        ("get", {"result": None}, {"result": None}),
        ("listLength", {"result": 0.0}, {"result": 0.0}),
        ("listFromTo", {"result": []}, {"result": []}),
        ("set", {}, {}),
        ("listPush", {}, {}),
        ("increment", {}, {"result": 1.0}),
    ],
)
def test_an_expired_list_goes_before_anything_else_is_done(
    backend: EmbeddedBackend, op: str, left: dict[str, Any], settled: dict[str, Any]
) -> None:
    push(backend, 25)
    push(backend, 1, expiresAt=1)
    assert ask(backend, op) == {"hasMore": True, "ok": True, **left}
    assert ask(backend, op) == {"ok": True, **settled}


def test_what_expires_now_has_expired(
    backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(js, "now", lambda: 1000.0)
    for expires_at, found in [(999, None), (1000, None), (1000.5, 1.0), (1001, 1.0), (None, 1.0)]:
        ask(backend, "set", value=1, expiresAt=expires_at)
        assert ask(backend, "get")["result"] == found
        assert len(rows(backend)) == (found is not None)


def test_clearing_takes_one_list_a_call(backend: EmbeddedBackend) -> None:
    push(backend, 1, "p:l1")
    ask(backend, "set", "p:v", value=1)
    push(backend, 26, "p:l2")
    replies = []
    while not replies or replies[-1]:
        replies.append(ask(backend, "clear")["hasMore"])
    assert replies == [True, True, True, False]
    assert rows(backend) == rows(backend, CACHE_LIST_ITEMS) == []


def test_items_without_a_list_are_cleared_too(backend: EmbeddedBackend) -> None:
    seed(backend, CACHE_LIST_ITEMS, *[item(float(index)) for index in range(26)])
    ask(backend, "set", "p:v", value=1)
    assert [ask(backend, "clear")["hasMore"] for _ in range(3)] == [True, True, False]


def test_items_that_a_lost_list_left_belong_to_the_next(backend: EmbeddedBackend) -> None:
    seed(backend, CACHE_LIST_ITEMS, item(0.0, '"old"'))
    ask(backend, "listPush", value="new")
    found = ask(backend, "listFromTo", **{"from": 0, "to": -1})["result"]
    assert found == ["old", "new"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, []),
        (0.5, 1.5, [1]),
        (-1.5, 9, [2]),
        ("1", 2, []),
        (1, "2", [1, 2]),
        ("-1", 2, []),
        ([-1], 2, []),
        (None, 1, [0, 1]),
        (True, 2, []),
        (INT64, 2, []),
        (0, INT64, []),
        ({"a": 1}, 1, []),
        ("3", 5, []),
        ("2", "10", []),
    ],
)
def test_ranges_as_javascript_takes_them(
    backend: EmbeddedBackend, start: Any, end: Any, expected: list[int]
) -> None:
    push(backend, 3)
    assert ask(backend, "listFromTo", **{"from": start, "to": end})["result"] == expected


def test_an_int64_from_the_end(backend: EmbeddedBackend) -> None:
    push(backend, 3)
    for ends in ({"from": MINUS_FIVE, "to": 1}, {"from": 0, "to": MINUS_FIVE}):
        with pytest.raises(FunctionError, match="Cannot mix BigInt"):
            ask(backend, "listFromTo", **ends)


def test_a_range_without_ends(backend: EmbeddedBackend) -> None:
    push(backend, 3)
    assert ask(backend, "listFromTo", to=1)["result"] == [0, 1]
    assert ask(backend, "listFromTo", **{"from": 1})["result"] == []


def test_more_items_than_an_array_holds(backend: EmbeddedBackend) -> None:
    push(backend, 1)
    seed(backend, CACHE_LIST_ITEMS, *[item(float(index)) for index in range(1, 8193)])
    row = next(row for row in rows(backend) if row["kind"] == "list")
    assert row["counter"] == 1.0
    with pytest.raises(FunctionError, match=r"Array length is too long \(8193 > .* 8192\)"):
        ask(backend, "listFromTo", **{"from": 0, "to": 10_000})
    assert len(ask(backend, "listFromTo", **{"from": 0, "to": 8191})["result"]) == 8192


def test_a_text_that_is_no_json(backend: EmbeddedBackend) -> None:
    broken = {"key": "p:k", "keyPrefix": "p:", "kind": "value", "value": "{", "expiresAt": None}
    seed(backend, CACHE, broken, {**broken, "key": "p:none", "kind": "value"})
    with pytest.raises(FunctionError, match="is not valid JSON"):
        ask(backend, "get")


@pytest.mark.parametrize("missing", ["keyPrefix", "expiresAt", "key"])
@pytest.mark.parametrize("op", ["set", "listPush", "increment"])
def test_a_write_needs_key_prefix_and_expiry(
    backend: EmbeddedBackend, op: str, missing: str
) -> None:
    request = {"op": op, "key": "p:k", "keyPrefix": "p:", "expiresAt": None}
    del request[missing]
    call = wire.FunctionCall("mutation", wire.CACHE_FUNCTION, request, op, repeatable=True)
    with pytest.raises(FunctionError, match=f"missing the required field `{missing}`"):
        backend.send(call)
    assert rows(backend) == []


def test_unknown_operations_are_answered(backend: EmbeddedBackend) -> None:
    for op, shown in [("load", "load"), (None, "null"), (["get"], "get"), ({}, "[object Object]")]:
        assert ask(backend, op) == {"error": f"Unsupported operation {shown}", "ok": False}


def test_the_cache_is_out_of_the_storage_handlers_reach(backend: EmbeddedBackend) -> None:
    ask(backend, "set", value=1)
    send(backend, "insert", "mastra_messages", record=message(1))
    assert send(backend, "queryTable", "mastra_cache") == {"ok": True, "result": []}
    send(backend, "clearTable", "mastra_cache")
    assert ask(backend, "get")["result"] == 1.0
