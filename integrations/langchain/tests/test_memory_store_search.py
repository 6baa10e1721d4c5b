"""Searching memories by meaning, on every lane and face; and npm's client on the same vectors."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.store.base import PutOp, SearchOp

from convex_mastra import ConvexVector, InvalidArgumentError
from integrations.langchain.tests.memory_stores import Stores, Unique, stores
from integrations.langchain.tests.stores import Directions
from langchain_convex_mastra import ConvexMemoryStore
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

__all__ = ["stores"]

ANN = ("users", "ann")
BOB = ("users", "bob")


async def ranked(store: Any, *prefix: str, **more: Any) -> list[tuple[str, float | None]]:
    more.setdefault("query", "1,0")
    found = await store.search(prefix, **more)
    return [(item.key, item.score and round(item.score, 3)) for item in found]


async def test_the_nearest_come_first(stores: Stores) -> None:
    embedding = Directions()
    store = stores.indexed(embedding)
    await store.batch(
        [
            PutOp(ANN, "far", {"at": "0,1", "n": 1}),
            PutOp(ANN, "near", {"at": "1,0", "n": 2}),
            PutOp(ANN, "between", {"at": "1,1", "n": 3}),
            PutOp(ANN, "without", {"n": 4}),
            PutOp(ANN, "not indexed", {"at": "1,0", "n": 5}, index=False),
            PutOp(BOB, "bob's", {"at": "1,0", "n": 6}),
        ]
    )
    assert embedding.asked == ["0,1", "1,0", "1,1"], "each text once"
    assert embedding.faces == {stores.face}
    all_of_ann = [("near", 1.0), ("between", 0.707), ("far", 0.0)]
    all_of_ann += [("not indexed", None), ("without", None)]  # type: ignore[list-item]
    assert await ranked(store, *ANN) == all_of_ann
    for limit in (1, 2, 4):
        pages = [await ranked(store, *ANN, limit=limit, offset=n) for n in range(0, 8, limit)]
        assert [one for page in pages for one in page] == all_of_ann
    assert await ranked(store, "users", limit=3) == [
        ("bob's", 1.0),
        ("near", 1.0),
        ("between", 0.707),
    ]
    assert await ranked(store, *ANN, filter={"n": {"$ne": 2}}, limit=2) == all_of_ann[1:3]
    assert await ranked(store, *ANN, filter={"n": {"$gt": 2}}) == [all_of_ann[1], *all_of_ann[3:]]
    assert await ranked(store, "user") == []
    both = await store.batch([SearchOp(ANN, query="0,1", limit=1), SearchOp(BOB, query="0,1")])
    assert [[item.key for item in found] for found in both] == [["far"], ["bob's"]]
    assert [score for _, score in await ranked(store, *ANN, query="")] == [None] * 5


async def test_a_memory_with_several_vectors_counts_once_with_its_best(stores: Stores) -> None:
    store = stores.indexed(fields=["parts[*].at", "at"])
    many = {"parts": [{"at": "1,0.1"}, {"at": "1,0"}, {"at": "1,0.2"}, {"at": "1,0"}], "at": "0,1"}
    await store.put(ANN, "many", many)
    await store.put(ANN, "one", {"at": "1,0.5"})
    await store.put(BOB, "other", {"parts": [{"at": "1,0.01"}] * 9})
    assert await ranked(store, *ANN) == [("many", 1.0), ("one", 0.894)]
    assert await ranked(store, *ANN, limit=1, offset=1) == [("one", 0.894)]
    assert await ranked(store, *ANN, limit=1, query="0,1") == [("many", 1.0)]
    about = [one for one in stores.vectors() if one["key"] == "many"]
    assert sorted(one["path"] for one in about) == ["at", *(f"parts[*].at.{n}" for n in range(4))]
    await store.put(ANN, "one", {"at": "0,1", "x": "1,0"}, index=["x"])
    assert await ranked(store, *ANN, filter={"x": "1,0"}) == [("one", 1.0)]


async def test_vectors_go_with_what_they_are_of(stores: Stores) -> None:
    store = stores.indexed(fields=["a", "b"])

    def texts() -> list[str]:
        return sorted(one["text"] for one in stores.vectors())

    await store.put(ANN, "k", {"a": "1,0", "b": "1,1"})
    assert texts() == ["1,0", "1,1"]
    await store.put(ANN, "k", {"a": "0,1"})
    assert texts() == ["0,1"]
    assert await ranked(store, *ANN) == [("k", 0.0)]
    await store.put(ANN, "k", {"a": "0,1"}, index=False)
    assert texts() == []
    assert await ranked(store, *ANN) == [("k", None)]
    await store.put(ANN, "k", {"a": "0,1"})
    await stores.open().put(ANN, "k", {"a": "1,0"})
    assert texts() == [], "a store without an index leaves none of another value"
    await store.put(ANN, "k", {"a": "0,1"})
    await stores.open().delete(ANN, "k")
    assert texts() == []
    assert stores.rows_of(ANN) == []


async def test_vectors_of_nobody_never_count(stores: Stores) -> None:
    """Of a put that failed, of someone else, or of a version that was replaced."""
    store = stores.indexed()
    await store.put(ANN, "k", {"at": "0,1"})
    vector = ConvexVector(
        backend=stores.backend, storage_function=stores.deployment.storage_function
    )
    about = {"namespace": list(ANN), "key": "k", "text": "?"}
    metadata: list[Any] = [
        None,
        {},
        about,
        about | {"version": "older"},
        {"namespace": 3, "key": []},
    ]
    metadata += [about | {"version": "x", "key": "gone"}, about | {"version": ["x"]}]
    vector.upsert(store.store.index_name, [[1, 0]] * len(metadata), metadata=metadata)
    assert await ranked(store, *ANN) == [("k", 0.0)]
    assert await ranked(store) == [("k", 0.0)]


async def test_embeddings_that_do_not_fit_write_nothing(stores: Stores) -> None:
    store = stores.indexed()
    with pytest.raises(InvalidArgumentError, match="3 dimensions; index says 2"):
        await store.put(ANN, "k", {"at": "1,2,3"})
    with pytest.raises(ValueError, match="could not convert"):
        await store.put(ANN, "k", {"at": "text"})
    with pytest.raises(InvalidArgumentError, match=r"^index must be a list of paths"):
        await store.put(ANN, "k", {"at": "1,0"}, index="at")
    assert await ranked(store, *ANN) == []
    await store.put(ANN, "k", {"at": "1,0"})
    other = stores.open(index={"dims": 3, "embed": Directions(), "fields": ["at"]})
    with pytest.raises(InvalidArgumentError, match="exists with dimension 2, not 3"):
        await other.put(ANN, "new", {"at": "1,0,0"})
    assert await store.get(ANN, "new") is None
    assert stores.rows_of(ANN)
    assert "new" not in stores.rows_of(ANN)


async def test_embeddings_may_be_functions_and_values_large(stores: Stores) -> None:
    asked: list[str] = []

    def embed(texts: list[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[1.0, float(len(text) % 2)] for text in texts]

    async def aembed(texts: list[str]) -> list[list[float]]:
        return embed(texts)

    store = stores.open(index={"dims": 2, "embed": embed if stores.face == "sync" else aembed})
    value = {"text": "\N{EURO SIGN}" * 500_000, "half": "\ud83d"}
    await store.put(ANN, "k", value)
    assert len(asked[0]) > 500_000
    assert [item.value for item in await store.search(ANN, query="x")] == [value]
    assert [len(one["text"]) for one in stores.vectors()] == [65_536]


@pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")
def test_mastra_searches_the_memories(deployment: Deployment, unique: Unique) -> None:
    name = unique("shared")
    store = ConvexMemoryStore(
        name,
        index={"dims": 2, "embed": Directions(), "fields": ["at"]},
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
        storage_function=deployment.storage_function,
    )
    store.put(ANN, "tea", {"at": "1,0"})
    store.put(ANN, "tea", {"at": "1,0.1"})
    store.put(BOB, "cat", {"at": "0,1"})
    store.put(BOB, "gone", {"at": "0.9,1"})
    store.delete(BOB, "gone")
    answer = run_node(
        "store.ts",
        {
            "url": deployment.url,
            "key": deployment.admin_key,
            "storageFunction": deployment.storage_function,
            "command": "read",
            "queries": [
                {"indexName": f"langgraph_{name}", "queryVector": [1, 0.1]},
                {
                    "indexName": f"langgraph_{name}",
                    "queryVector": [1, 0.1],
                    "filter": {"key": "cat"},
                },
            ],
        },
    )
    everything, cats = answer["queries"]
    assert [
        (hit["metadata"]["text"], hit["metadata"]["namespace"], hit["metadata"]["key"])
        for hit in everything
    ] == [("1,0.1", ["users", "ann"], "tea"), ("0,1", ["users", "bob"], "cat")]
    assert [hit["metadata"]["text"] for hit in cats] == ["0,1"]
    assert answer["indexes"][f"langgraph_{name}"]["dimension"] == 2
    store.close()
