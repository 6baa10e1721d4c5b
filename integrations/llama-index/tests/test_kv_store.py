"""``ConvexKVStore`` on every lane, of both faces, and against core's in-memory store."""

from __future__ import annotations

import asyncio
import json
import pickle
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llama_index.core.data_structs import IndexDict
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index.core.storage.kvstore.types import BaseKVStore

from convex_mastra import ConfigurationError, InvalidArgumentError, ProtocolError, open_backend
from convex_mastra.flow import run
from convex_mastra.ops.key_values import put_many
from convex_mastra.wire import DOCUMENTS_LOAD_FUNCTION
from llama_index_convex_mastra import ConvexIndexStore, ConvexKVStore
from tests.lanes import with_older_lanes

MIB = 1024 * 1024
ROW = {
    "zeta": 1,
    "alpha": 2.0,
    "$odd": {"clé": [None, True, 2**60]},
    "": "\ud800 ü",
    "__type__": "1",
}


def text(row: Any) -> str:
    """A row with the order of its keys, and its kinds of numbers."""
    return json.dumps(row)


@with_older_lanes
async def test_rows_come_back_as_they_were(stores: Any) -> None:
    assert await stores.rows.get_all() == {}
    assert await stores.rows.get("a") is None
    await stores.rows.put("a", ROW)
    await stores.rows.put("$b/ü", {"other": 1}, "odd/ü collection")
    back = await stores.rows.get("a")
    assert text(back) == text(ROW)
    back["zeta"] = "changed by its reader"
    assert text(await stores.rows.get("a")) == text(ROW)
    assert await stores.rows.get_all("odd/ü collection") == {"$b/ü": {"other": 1}}
    await stores.rows.put("a", {"new": 1})
    assert await stores.rows.get_all() == {"a": {"new": 1}}
    assert await stores.rows.delete("a") is True
    assert await stores.rows.delete("a") is False
    assert await stores.rows.get("$b/ü", "odd/ü collection") == {"other": 1}


@with_older_lanes
async def test_many_rows_at_once(stores: Any) -> None:
    pairs = [(f"k{number:03}", {"number": number}) for number in range(100)]
    await stores.rows.put_all([*pairs, ("k000", {"number": "last"})], batch_size=7)
    rows = dict(pairs) | {"k000": {"number": "last"}}
    assert await stores.rows.get_all() == rows
    wanted = ["k050", "missing", "k000", "k050"]
    assert list((await stores.rows.get_many(wanted)).items()) == [
        ("k050", {"number": 50}),
        ("k000", {"number": "last"}),
    ]
    assert await stores.rows.delete_many(["k001", "missing", "k002"]) == ["k001", "k002"]
    assert len(await stores.rows.get_all()) == 98
    await stores.rows.clear()
    assert await stores.rows.get_all() == {}
    assert await stores.rows.get_many(["k050"]) == {}


async def test_rows_beyond_a_document(stores: Any) -> None:
    row = {"nodes": ["ü" * (MIB // 4)] * 3, "text": "x" * MIB}
    await stores.rows.put("large", row)
    assert await stores.rows.get("large") == row
    await stores.rows.put("large", {"small": 1})
    assert await stores.rows.get("large") == {"small": 1}


async def test_an_index_struct_beyond_a_document(stores: Any) -> None:
    """Of 13,000 nodes that a vector store keeps without their texts."""
    struct = IndexDict(index_id="long", nodes_dict={f"{n:036}": f"{n:036}" for n in range(13_000)})
    await stores.structs.add_index_struct(struct)
    assert await stores.structs.get_index_struct("long") == struct
    (listed,) = await stores.structs.index_structs()
    assert listed == struct


async def test_requests(stores: Any) -> None:
    pairs = [(f"k{number}", {"number": number}) for number in range(1_000)]
    await stores.rows.put_all(pairs)
    assert len(stores.requests()) <= 1 + 2
    await stores.rows.get("k1")
    assert stores.kinds() == {"loadMany": 1}
    await stores.rows.get_many([key for key, _ in pairs[:100]])
    assert stores.kinds() == {DOCUMENTS_LOAD_FUNCTION: 1}
    stores.ask_mastra_alone()
    await stores.rows.put_all(pairs)
    assert len(stores.requests()) <= 1 + 2 * 16
    await stores.rows.get_many([key for key, _ in pairs[:100]])
    assert stores.kinds() == {"loadMany": 10}
    await stores.rows.delete_many([key for key, _ in pairs[:100]])
    assert len(stores.requests()) <= 10 + 2 * 2 + 16
    await stores.rows.delete("missing")
    assert len(stores.requests()) == 1


@pytest.mark.parametrize(
    ("pairs", "named"),
    [
        ("text", "kv_pairs"),
        ([("k",)], r"kv_pairs\[0\]"),
        ([("k", {}), "kv"], r"kv_pairs\[1\]"),
        ([("", {})], r"kv_pairs\[0\]\[0\]"),
        ([(5, {})], r"kv_pairs\[0\]\[0\]"),
        ([("k", {}), ("l", [1])], r"kv_pairs\[1\]\[1\]"),
        ([("k", {}), ("l", {"a": object()})], r"kv_pairs\[1\]\[1\]"),
    ],
)
async def test_what_cannot_be_stored_is_named(stores: Any, pairs: Any, named: str) -> None:
    with pytest.raises(InvalidArgumentError, match=named):
        await stores.rows.put_all(pairs)
    with pytest.raises(InvalidArgumentError, match="collection"):
        await stores.rows.get("k", "")
    with pytest.raises(InvalidArgumentError, match="keys must be a list"):
        await stores.rows.get_many("k")
    assert stores.requests() == []
    assert await stores.rows.get_all() == {}


async def test_what_json_has_no_form_for_becomes_text(stores: Any) -> None:
    await stores.rows.put("k", {"day": date(2026, 1, 2), "pair": (1, 2)})
    assert await stores.rows.get("k") == {"day": "2026-01-02", "pair": [1, 2]}


async def test_somebody_elses_row_is_named(stores: Any) -> None:
    store = stores.kvstore
    for other in ("no JSON", "[1]", "[" * 100_000):
        place = f"llama_index.kv.{stores.name}/data"
        run(put_many(store._connection._target, place, {"k": other}), stores.backend)
        with pytest.raises(ProtocolError, match="'k' was not written by ConvexKVStore"):
            await stores.rows.get("k")


async def test_writers_side_by_side_lose_nothing(stores: Any) -> None:
    async def write(number: int) -> None:
        await stores.kvstore.aput_all([(f"{number}-{n}", {"n": n}) for n in range(5)])

    await asyncio.gather(*(write(number) for number in range(4)))
    assert len(await stores.rows.get_all()) == 20


KEYS = st.sampled_from(["a", "b", "ü/", "a b"])
VALUES = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3)
COLLECTIONS = st.sampled_from(["data", "other"])
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, VALUES, COLLECTIONS),
    st.tuples(st.just("get"), KEYS, COLLECTIONS),
    st.tuples(st.just("delete"), KEYS, COLLECTIONS),
    st.tuples(st.just("get_all"), COLLECTIONS),
    st.tuples(
        st.just("put_all"),
        st.lists(st.tuples(KEYS, VALUES), max_size=4),
        COLLECTIONS,
        st.just(1),
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, max_size=12))
def test_it_answers_as_the_in_memory_store_does(steps: list[tuple[Any, ...]]) -> None:
    ours: BaseKVStore
    with ConvexKVStore(deployment_url=":memory:") as ours:
        theirs = SimpleKVStore()
        for name, *arguments in steps:
            assert getattr(ours, name)(*arguments) == getattr(theirs, name)(*arguments)


def test_it_is_pickled_without_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "prod:quiet-otter-123|c2VjcmV0IG9mIHRoZSB0ZXN0"
    url = "https://quiet-otter-123.convex.cloud"
    for name in ("CONVEX_ADMIN_KEY", "CONVEX_SELF_HOSTED_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    store = ConvexKVStore("n", deployment_url=url, admin_auth_token=key)
    data = pickle.dumps(store)
    assert "c2VjcmV0" not in data.decode("latin-1") + repr(store) + str(vars(store))
    with pytest.raises(ConfigurationError, match="No admin key"):
        pickle.loads(data)
    local = ConvexKVStore.from_params("n", f"file:{tmp_path / 'mastra.db'}")
    local.put("k", {"a": 1})
    with pickle.loads(pickle.dumps(local)) as back:
        assert (back.get("k"), back.namespace) == ({"a": 1}, "n")
        structs = ConvexIndexStore("n", deployment_url=f"file:{tmp_path / 'mastra.db'}")
        structs.add_index_struct(IndexDict(index_id="i"))
        with pickle.loads(pickle.dumps(structs)) as again:
            assert again.get_index_struct().index_id == "i"
        structs.close()
    local.close()
    backend = open_backend(":memory:")
    with pytest.raises(TypeError, match="shared backend"):
        pickle.dumps(ConvexKVStore(backend=backend))
    backend.close()
