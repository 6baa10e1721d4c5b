"""``ConvexMemoryStore``: memories, namespaces and batches, on every lane and face."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)

from convex_mastra import (
    ConfigurationError,
    InvalidArgumentError,
    ProtocolError,
    ScanLimitError,
    limits,
)
from convex_mastra.flow import run
from convex_mastra.ops import document_writes
from convex_mastra.ops.partitions import shard
from convex_mastra.ops.storage import upsert_rows
from convex_mastra.wire import DOCUMENTS_PAGE_FUNCTION
from integrations.langchain.tests.memory_stores import (
    Raw,
    Stores,
    at,
    embedded_only,
    place_of,
    stores,
)
from langchain_convex_mastra import ConvexMemoryStore
from langchain_convex_mastra.memories import namespaces
from tests.lanes import with_older_lanes

__all__ = ["stores"]

USERS = ("users",)
ANN = ("users", "ann")
VALUES: dict[str, dict[str, Any]] = {
    "empty": {},
    "kinds": {"text": "größe \N{GRINNING FACE}", "n": None, "yes": True, "list": [1, [2.0, {}]]},
    "numbers": {"large": 2**70, "whole": 3.0, "small": -1, "fraction": 0.1},
    "keys": {"$set": 1, "ключ": {"a.b": 2}, "": 3, "__proto__": 4},
    "surrogate": {"half": "\ud83d"},
    "deep": {"deep": json.loads("[" * 30 + "]" * 30)},
}
KEYS = ["a/b", "#", "$x", "größe", "\N{GRINNING FACE}", "%2F", " ", '["a"]', "x" * 1000]
NAMESPACES = [
    ("a/b",),
    ("a", "b"),
    ("a,b",),
    ('a","b',),
    ("a\\", "b"),
    ("a%2Fb",),
    ("größe", "\N{GRINNING FACE}"),
    ("namespaces",),
    ("*",),
    ("~0",),
    ("mastra_threads",),
    tuple("jihgfedcba") * 10,
    ("x" * 900, "y"),
    ("x" * 900, "z"),
]


@with_older_lanes
async def test_values_come_back_as_they_were(stores: Stores) -> None:
    store = stores.open()
    before = datetime.now(UTC)
    for key, value in VALUES.items():
        await store.put(ANN, key, value)
    for key, value in VALUES.items():
        item = await store.get(ANN, key)
        assert (item.value, item.key, item.namespace) == (value, key, ANN)
        assert [type(one) for one in item.value.values()] == [type(v) for v in value.values()]
        assert item.created_at == item.updated_at
        assert abs((item.created_at - before).total_seconds()) < 60
    assert await store.get(ANN, "none") is None
    assert await store.get(("nowhere",), "empty") is None
    await store.put(ANN, "empty", MappingProxyType({"a": (1, 2)}))
    assert (await store.get(ANN, "empty")).value == {"a": [1, 2]}


@with_older_lanes
async def test_a_memory_keeps_the_time_of_its_creation(stores: Stores) -> None:
    store = stores.open()
    await store.put(ANN, "k", {"n": 1})
    first = await store.get(ANN, "k")
    await store.put(ANN, "k", {"n": 2})
    second = await store.get(ANN, "k")
    assert second.value == {"n": 2}
    assert second.created_at == first.created_at
    assert second.updated_at > first.updated_at
    await store.delete(ANN, "k")
    await store.delete(ANN, "k")
    assert await store.get(ANN, "k") is None
    await store.put(ANN, "k", {"n": 3})
    assert (await store.get(ANN, "k")).created_at > second.updated_at


@with_older_lanes
async def test_keys_of_any_kind(stores: Stores) -> None:
    store = stores.open()
    await store.batch([PutOp(ANN, key, {"key": key}) for key in KEYS])
    found = await store.batch([GetOp(ANN, key) for key in [*KEYS, "none", KEYS[0]]])
    assert [item and item.value["key"] for item in found] == [*KEYS, None, KEYS[0]]
    assert [item.key for item in await store.search(ANN, limit=50)] == KEYS[::-1]
    await store.batch([PutOp(ANN, key, None) for key in KEYS])
    assert await store.search(ANN) == []
    assert stores.rows_of(ANN) == []


async def test_namespaces_of_any_kind_stay_apart(stores: Stores) -> None:
    store = stores.open()
    puts = [PutOp(one, "k", {"at": number}) for number, one in enumerate(NAMESPACES)]
    await store.batch(puts)
    found = await store.batch([GetOp(one, "k") for one in NAMESPACES])
    assert [(item.namespace, item.value["at"]) for item in found] == [
        (one, number) for number, one in enumerate(NAMESPACES)
    ]
    for number, one in enumerate(NAMESPACES[:5]):
        (item,) = await store.search(one)
        assert (item.namespace, item.value["at"]) == (one, number)
    assert await store.list_namespaces() == sorted(NAMESPACES)
    assert [item.namespace for item in await store.search((), limit=99)] == NAMESPACES[::-1]
    assert await stores.open(name=f"{stores.name}/").list_namespaces() == []


async def test_a_prefix_is_whole_labels(stores: Stores) -> None:
    store = stores.open()
    places = [("a",), ("a", "b"), ("a", "b", "c"), ("a", "bc"), ("ab",), ("ab", "c"), ("A",)]
    await store.batch([PutOp(one, "k", {}) for one in places])

    async def below(*prefix: str) -> list[tuple[str, ...]]:
        return sorted(item.namespace for item in await store.search(prefix, limit=99))

    assert await below("a") == [("a",), ("a", "b"), ("a", "b", "c"), ("a", "bc")]
    assert await below("a", "b") == [("a", "b"), ("a", "b", "c")]
    assert await below("a", "b", "c") == [("a", "b", "c")]
    assert await below("ab") == [("ab",), ("ab", "c")]
    assert await below("a", "b", "c", "d") == []
    assert await below("*") == await below("b") == []
    assert await below() == sorted(places)


async def test_large_values(stores: Stores) -> None:
    store = stores.open()
    large = {"text": "\N{EURO SIGN}" * 400_000}
    await store.batch([PutOp(ANN, "large", large), PutOp(ANN, "small", {"n": 1})])
    assert (await store.get(ANN, "large")).value == large
    first = await store.get(ANN, "large")
    assert [item.key for item in await store.search(ANN, filter={"text": large["text"]})] == [
        "large"
    ]
    await store.put(ANN, "large", {"n": 2})
    await store.put(ANN, "small", large)
    assert [item.value for item in await store.search(ANN)] == [large, {"n": 2}]
    assert (await store.get(ANN, "large")).created_at == first.created_at
    await store.put(ANN, "large", large)
    await store.batch([PutOp(ANN, "large", None), PutOp(ANN, "small", None)])
    assert await store.list_namespaces() == []
    assert stores.rows_of(ANN) == []


@embedded_only
async def test_a_namespace_beyond_what_one_call_reads(stores: Stores) -> None:
    """Seventeen times 1 MiB: a scan fails, and the memories are read by their keys."""
    store = stores.open()
    for number in range(19):
        await store.put(ANN, f"k{number}", {"n": number, "text": "x" * 900_000})
    found = await store.search(ANN, filter={"n": {"$gte": 15}})
    assert [item.value["n"] for item in found] == [18, 17, 16, 15]
    assert await store.list_namespaces() == [ANN]


@embedded_only
async def test_more_than_one_call_lists_is_read_in_pages_or_an_error(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SCAN_ROWS", 4)
    monkeypatch.setattr(limits, "DOCUMENT_PAGE_ROWS", 2)
    store = stores.open(ttl={"default_ttl": 60})
    for number in range(9):
        await store.put(ANN, f"k{number}", {"n": number})
        await store.put((*ANN, str(number)), "k", {"n": number}, ttl=None)
    found = await store.search(ANN, limit=99)
    assert sorted(item.value["n"] for item in found) == sorted([*range(9), *range(9)])
    assert len(await store.list_namespaces(prefix=ANN)) == 10
    stores.backend.abilities[DOCUMENTS_PAGE_FUNCTION] = False
    for prefix, message in ((ANN, "more namespaces here"), ((*ANN, "x"), "more namespaces here")):
        with pytest.raises(ScanLimitError, match=message):
            await store.search(prefix)
    assert (await store.get(ANN, "k3")).value == {"n": 3}


@embedded_only
async def test_filters(stores: Stores) -> None:
    store = stores.open()
    values: Mapping[str, dict[str, Any]] = {
        "a": {"n": 9, "s": "b", "m": {"x": 1, "y": [1, 2]}, "date": "2026-01-02"},
        "b": {"n": 10, "s": "a", "m": {"x": 2}, "date": "2025-01-02"},
        "c": {"n": "100", "m": 1, "l": [{"x": 1}, 2]},
        "d": {"n": None, "flag": True},
    }
    await store.batch([PutOp(ANN, key, value) for key, value in values.items()])

    async def keys(where: Any) -> str:
        return "".join(sorted(item.key for item in await store.search(ANN, filter=where)))

    assert await keys({"n": {"$gt": 9}}) == "bc", "numbers are compared as numbers"
    assert await keys({"n": {"$gte": 9, "$lt": 100}}) == "ab"
    assert await keys({"n": {"$lte": 9.5}}) == "a"
    assert await keys({"n": 9.0}) == "a"
    assert await keys({"n": {"$ne": 9}}) == "bcd"
    assert await keys({"n": {"$eq": None}}) == await keys({"n": None}) == "d"
    assert await keys({"none": {"$gt": 0}}) == ""
    assert await keys({"s": {"$gt": "a"}}) == "a"
    assert await keys({"date": {"$gte": "2026-01-01"}}) == "a"
    assert await keys({"m": {"x": 1}}) == "a"
    assert await keys({"m": {"x": {"$gt": 1}}}) == "b"
    assert await keys({"m": {"y": [1, {"$gt": 1}]}}) == await keys({"m": {"y": (1, 2)}}) == "a"
    assert await keys({"m": {"y": [1]}}) == ""
    assert await keys({"l": [{"x": 1}, 2]}) == "c"
    assert await keys({"flag": True}) == "d"
    assert await keys({"s": "a", "n": 10}) == "b"
    assert await keys({}) == await keys(None) == "abcd"
    stores.requests()
    for wrong in ({"n": {"$in": [1]}}, {"m": {"x": {"$gt": 1, "y": 2}}}, {"l": [{"$or": 1}]}):
        with pytest.raises(InvalidArgumentError, match="there are \\$eq, \\$ne, \\$gt"):
            await store.search(ANN, filter=wrong)
    assert stores.requests() == []


async def test_the_latest_come_first_in_pages(stores: Stores) -> None:
    store = stores.open()
    for number in range(3):
        await store.put((*USERS, str(number)), "k", {"n": number})
    await store.batch([PutOp(ANN, f"k{number}", {"n": number}) for number in range(4)])
    await store.put(("users", "1"), "k", {"n": 9})
    order = [9, 3, 2, 1, 0, 2, 0]
    assert [item.value["n"] for item in await store.search(USERS)] == order
    pages = [await store.search(USERS, limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert [[item.value["n"] for item in page] for page in pages] == [
        order[:3],
        order[3:6],
        order[6:],
        [],
    ]
    found = await store.search(USERS, filter={"n": {"$lt": 3}}, limit=2, offset=2)
    assert [item.value["n"] for item in found] == [0, 2]
    stores.requests()
    assert await store.search(USERS, limit=0) == []
    assert stores.requests() == []
    assert {item.score for item in await store.search(USERS, query="no index")} == {None}


async def test_namespaces_are_listed(stores: Stores) -> None:
    store = stores.open()
    places = [("a", "b", "c"), ("a", "b", "d", "e"), ("a", "b", "d", "i"), ("a", "b", "f")]
    places += [("a", "c", "f"), ("b", "b"), ("b",)]
    await store.batch([PutOp(one, "k", {}) for one in places])
    names = store.list_namespaces
    assert await names() == sorted(places)
    assert await names(prefix=("a", "b"), max_depth=3) == [
        ("a", "b", "c"),
        ("a", "b", "d"),
        ("a", "b", "f"),
    ]
    assert await names(max_depth=1) == [("a",), ("b",)]
    assert await names(max_depth=0) == [()]
    assert await names(suffix=("f",)) == [("a", "b", "f"), ("a", "c", "f")]
    assert await names(prefix=("a", "*", "d")) == places[1:3]
    assert await names(prefix=("*", "b"), suffix=("*", "*", "*", "i")) == [places[2]]
    assert await names(suffix=("a", "*", "f")) == [("a", "b", "f"), ("a", "c", "f")]
    assert await names(limit=2, offset=1) == sorted(places)[1:3]
    assert await names(max_depth=2, limit=1, offset=1) == [("a", "c")]
    assert await names(limit=0) == []
    await store.delete(("a", "b", "c"), "k")
    assert await names(prefix=("a", "b"), limit=1) == [("a", "b", "d", "e")]
    assert await names(max_depth=3, limit=1) == [("a", "b", "d")]
    with pytest.raises(InvalidArgumentError, match="must be prefix or suffix, not 'infix'"):
        await store.batch([ListNamespacesOp((MatchCondition("infix", ("a",)),))])  # type: ignore[arg-type]


async def test_a_batch_reads_what_was_there_before_it(stores: Stores) -> None:
    store = stores.open()
    await store.put(ANN, "k", {"n": 1})
    results = await store.batch(
        [
            PutOp(ANN, "k", {"n": 2}),
            GetOp(ANN, "k"),
            PutOp(ANN, "k", None),
            SearchOp(USERS),
            PutOp(ANN, "other", {"n": 5}),
            GetOp(ANN, "other"),
            ListNamespacesOp(),
            PutOp(ANN, "other", None),
            PutOp(ANN, "k", {"n": 3}),
            PutOp(("b",), "k", {"n": 4}),
        ]
    )
    assert [one for one in results if one is None] == [None] * 7
    assert results[1].value == {"n": 1}
    assert [item.value for item in results[3]] == [{"n": 1}]
    assert results[6] == [ANN]
    found = await store.batch([GetOp(ANN, "k"), GetOp(ANN, "other"), GetOp(("b",), "k")])
    assert [item and item.value for item in found] == [{"n": 3}, None, {"n": 4}]
    assert await store.batch([]) == []
    assert (await store.batch(op for op in [GetOp(ANN, "k")]))[0].value == {"n": 3}


@embedded_only
async def test_what_cannot_be_is_refused_before_anything_is_sent(stores: Stores) -> None:
    store = stores.open()
    good = PutOp(ANN, "k", {"n": 1})
    for op, message in [
        (PutOp(ANN, "", {}), r"ops\[1\].key must be a text that is not empty; it is empty"),
        (PutOp(ANN, 3, {}), r"ops\[1\].key must be a text"),  # type: ignore[arg-type]
        (PutOp(ANN, "\ud83d", {}), "lone surrogate"),
        (PutOp(("\ud83d",), "k", {}), r"ops\[1\].namespace\[0\] holds a lone surrogate"),
        (PutOp("ab", "k", {}), r"ops\[1\].namespace must be a tuple of labels; it is of type str"),  # type: ignore[arg-type]
        (
            PutOp(ANN, "k", {"at": datetime.now(UTC)}),
            r"value cannot be written as JSON: .*\(at at\)",
        ),
        (PutOp(ANN, "k", {"n": float("nan")}), "cannot be written as JSON"),
        (PutOp(ANN, "k", {"m": {1: 2}}), "the key 1 is no text"),
        (PutOp(ANN, "k", [1]), r"ops\[1\].value must be an object, not list"),  # type: ignore[arg-type]
        (PutOp(ANN, "k", {}, ttl=-1), r"ops\[1\].ttl must be None or minutes, .* it is -1"),
        (PutOp(ANN, "k", {}, ttl=float("nan")), "it is nan"),
        (PutOp(ANN, "k", {}, ttl="5"), "it is of type str"),  # type: ignore[arg-type]
        (GetOp(ANN, ""), r"ops\[1\].key must be a text"),
        (SearchOp(ANN, limit=-1), r"ops\[1\].limit must be a whole number"),
        (SearchOp(ANN, offset=1.5), r"ops\[1\].offset must be a whole number"),  # type: ignore[arg-type]
        (SearchOp(ANN, filter=[1]), r"ops\[1\].filter must be an object"),  # type: ignore[arg-type]
        (SearchOp(ANN, query=3), r"ops\[1\].query must be a text"),  # type: ignore[arg-type]
        (ListNamespacesOp(max_depth=-1), r"ops\[1\].max_depth must be a whole number"),
        (ListNamespacesOp((MatchCondition("prefix", "ab"),)), "path must be labels"),  # type: ignore[arg-type]
        ("put", r"ops\[1\] is no operation of a store; it is of type str"),
    ]:
        with pytest.raises(InvalidArgumentError, match=message):
            await store.batch([good, op])
    for wrong, message in [
        (lambda: store.put(ANN, "k", [1]), "^value must be an object"),
        (lambda: store.put(ANN, "k", {"n": float("nan")}), "^value cannot be written as JSON"),
        (lambda: store.get(ANN, ""), "^key must be a text"),
        (lambda: store.search(ANN, limit=-1), "^limit must be a whole number"),
        (lambda: store.batch(["put"]), r"^ops\[0\] is no operation"),
    ]:
        with pytest.raises(InvalidArgumentError, match=message):
            await wrong()
    for labels in [("a.b",), ("a", ""), ("a\0",), (1,)]:
        for op in [PutOp(labels, "k", {}), GetOp(labels, "k"), SearchOp(labels)]:  # type: ignore[arg-type]
            with pytest.raises(InvalidNamespaceError):
                await store.batch([good, op])
    for labels in [(), ("langgraph", "a")]:
        with pytest.raises(InvalidNamespaceError):
            await store.put(labels, "k", {})
    assert stores.requests() == []


async def test_costs(stores: Stores) -> None:
    """What each operation sends; a get never scans, and a search reads nobody else's list."""
    store = stores.open()
    await store.put(ANN, "k", {"n": 1})
    await store.put(("users", "bob"), "k", {"n": 1})
    stores.requests()
    ann = "/%5B%22users%22%2C%22ann%22%5D"
    await store.put(ANN, "k", {"n": 2})
    assert sorted(stores.requests()) == [
        f"batchInsert {ann}/items",
        f"batchInsert {ann}/keys",
        f"batchInsert {ann}/keys",
        f"loadMany {ann}/items",
        f"loadMany {ann}/keys",
    ]
    await store.batch([GetOp(ANN, "k"), GetOp(ANN, "none"), GetOp(("users", "bob"), "k")])
    requests = stores.requests()
    assert len(requests) == 2
    assert {request.split()[0] for request in requests} == {"loadMany"}
    await store.search(ANN)
    assert sorted(stores.requests()) == [
        f"queryTable {ann}/items",
        f"queryTable /namespaces/in{ann}",
    ]
    await store.search(USERS)
    assert len(stores.requests()) == 16 + 3
    await store.delete(ANN, "none")
    assert len(stores.requests()) == 2


async def test_rows_are_plain_documents(stores: Stores) -> None:
    store = stores.open()
    await store.put(ANN, "k", {"likes": "tea"})
    item = await store.get(ANN, "k")
    (row,) = stores.rows("%5B%22users%22%2C%22ann%22%5D/items")
    assert row["id"] == "k"
    stored = json.loads(row["json"])
    assert {name: stored[name] for name in item.dict()} == item.dict()
    assert stored.keys() - item.dict().keys() == {"ttl", "version", "vectors"}


@embedded_only
async def test_foreign_rows_are_named(stores: Stores) -> None:
    store = stores.open()
    place = place_of(store)
    for text in ("no json", "[]", '{"key": "k"}'):
        run(document_writes.put_many(place.target, place.items(ANN), {"k": text}), stores.backend)
        with pytest.raises(ProtocolError, match="The document under 'k' is no memory"):
            await store.get(ANN, "k")


@embedded_only
async def test_foreign_small_rows_are_named(stores: Stores) -> None:
    store = stores.indexed(ttl={"default_ttl": 1})
    place = place_of(store)
    await store.put(ANN, "k", {"at": "1,0"})

    def write(table: str, row: dict[str, Any]) -> None:
        run(upsert_rows(place.target, table, [[row]]), stores.backend)

    for row in ({}, {"vectors": 1}, {"vectors": -1, "listed": 1}, {"vectors": 1, "listed": "x"}):
        write(place.vectors(ANN), {"id": "foreign", "key": "k", **row})
        for work in (store.put(ANN, "k", {"at": "1,0"}), store.delete(ANN, "k")):
            with pytest.raises(ProtocolError, match="The row 'foreign' is none of this library's"):
                await work
    write(place.keys(ANN), {"id": "k", "expires": "never"})
    with pytest.raises(ProtocolError, match="The row 'k' is none of this library's: no expires"):
        await store.get(ANN, "k")
    write(shard(f"{place.root}/namespaces", "any"), {"id": '["z"]'})
    write(shard(f"{place.root}/expiring", "any"), {"id": '["z"]'})
    for work in (store.search(()), store.list_namespaces(), store.sweep_ttl()):
        with pytest.raises(ProtocolError, match="is none of this library's: no listed"):
            await work


async def test_empty_namespaces_leave_the_list(stores: Stores) -> None:
    """Those that were listed a day ago, which no store trusts any more."""
    store = stores.open()
    await store.batch([PutOp(("a", "b", str(n)), "k", {}) for n in range(3)])
    await store.batch([PutOp(("a", "b", str(n)), "k", None) for n in range(2)])
    assert await store.list_namespaces() == [("a", "b", "2")]
    assert len(stores.listed()) == 3
    assert await at(store, 25 * 60).list_namespaces() == [("a", "b", "2")]
    assert stores.listed() == {'["a","b","2"]'}
    assert [row["id"] for row in stores.rows("namespaces/in/%5B%22a%22%2C%22b%22%5D")] == [
        '["a","b","2"]'
    ]
    await store.put(("a", "b", "0"), "k", {})
    assert [item.namespace[-1] for item in await store.search(("a", "b"))] == ["0", "2"]


def test_a_store_remembers_so_many_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "LISTED_MAX", 5)
    with ConvexMemoryStore(deployment_url=":memory:") as store:
        for number in range(30):
            store.put(("users", str(number)), "k", {})
            assert len(store._place.listed) <= 6
        assert len(store.list_namespaces()) == 30


def test_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONVEX_URL", "CONVEX_SELF_HOSTED_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError):
        ConvexMemoryStore()
    for wrong, message in [
        ({"name": ""}, "name must be a text that is not empty"),
        ({"index": {"embed": len}}, "index.dims must be an integer from 1 to 8,192, not None"),
        ({"index": {"dims": True, "embed": len}}, "index.dims must be"),
        ({"index": {"dims": 2}}, "index.embed must be LangChain Embeddings, .* it is None"),
        ({"index": {"dims": 2, "embed": 3}}, "it is of type int"),
        ({"index": {"dims": 2, "embed": len, "fields": "text"}}, "index.fields must be a list"),
        ({"index": {"dims": 2, "embed": len, "field": []}}, "index has 'field'; it may have"),
        ({"ttl": {"ttl": 3}}, "ttl has 'ttl'; it may have default_ttl"),
        ({"ttl": {"default_ttl": -3}}, "ttl.default_ttl must be None or minutes"),
        ({"ttl": 3}, "ttl must be an object, not int"),
    ]:
        with pytest.raises(InvalidArgumentError, match=message):
            ConvexMemoryStore(deployment_url=":memory:", **wrong)  # type: ignore[arg-type]
    store = ConvexMemoryStore(
        "mine", deployment_url="https://x.convex.cloud", admin_auth_token="secret|key"
    )
    assert repr(store).startswith("ConvexMemoryStore('mine', backend=")
    assert "secret" not in repr(store)
    assert (store.name, store.index_name, store.supports_ttl) == ("mine", "langgraph_mine", True)
    assert store.setup() is None  # type: ignore[func-returns-value]
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(store)
    store.close()


@embedded_only
async def test_closing(stores: Stores) -> None:
    async with ConvexMemoryStore(deployment_url=":memory:") as store:
        await store.aput(ANN, "k", {})
        assert store.get(ANN, "k"), "both faces inside a running loop"
    with pytest.raises(Exception, match="closed"):
        store.get(ANN, "k")
    with ConvexMemoryStore(backend=stores.backend):
        pass
    assert Raw(backend=stores.backend).rows("any", {}) == []
