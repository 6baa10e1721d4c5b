"""Vectors, as ConvexVector of @mastra/convex 1.5.2 has them and better, on every lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convex_mastra import InvalidArgumentError, LimitExceededError, NotFoundError
from tests.lanes import Clients, with_older_lanes

pytestmark = with_older_lanes

Unique = Callable[[str], str]


async def index(clients: Clients, unique: Unique, dimension: int = 3) -> str:
    name = unique("docs")
    await clients.vector.create_index(name, dimension)
    return name


async def test_indexes(clients: Clients, unique: Unique) -> None:
    one, two = await index(clients, unique), await index(clients, unique, 8_192)
    names = await clients.vector.list_indexes()
    assert [name for name in names if name in (one, two)] == [one, two]
    await clients.vector.create_index(one, 3)
    with pytest.raises(InvalidArgumentError, match="exists with dimension 3, not 4"):
        await clients.vector.create_index(one, 4)
    await clients.vector.upsert(one, [[1, 0, 0], [0, 1, 0]])
    stats = await clients.vector.describe_index(one)
    assert (stats.dimension, stats.count, stats.metric) == (3, 2, "cosine")
    assert type(stats.dimension) is int
    await clients.vector.truncate_index(one)
    assert (await clients.vector.describe_index(one)).count == 0
    await clients.vector.delete_index(one)
    await clients.vector.delete_index(one)
    assert one not in await clients.vector.list_indexes()
    with pytest.raises(NotFoundError, match=f"Index {one} not found"):
        await clients.vector.describe_index(one)


@pytest.mark.parametrize(
    "args",
    [("", 3), ("indexes", 3), ("x", 0), ("x", 8_193), ("x", 3.0), ("x", True), (None, 3)],
)
async def test_refused_indexes(clients: Clients, args: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        await clients.vector.create_index(*args)
    with pytest.raises(InvalidArgumentError, match="euclidean"):
        await clients.vector.create_index("x", 3, metric="euclidean")
    assert clients.requests() == []


async def test_search(clients: Clients, unique: Unique) -> None:
    name = await index(clients, unique)
    ids = await clients.vector.upsert(
        name,
        [[1, 0, 0], [0.9, 0.1, 0], [0, 0, 2], [-1, 0, 0], [0, 0, 0]],
        ids=["east", "nearly", "up", "west", "nowhere"],
        metadata=[{"n": 1, "x": 1.5}, {"n": 2}, None, {}, None],
    )
    assert ids == ["east", "nearly", "up", "west", "nowhere"]
    found = await clients.vector.query(name, [1, 0, 0])
    assert [match.id for match in found] == ["east", "nearly", "up", "nowhere", "west"]
    assert [match.score for match in found] == pytest.approx([1, 0.9938837, 0, -1, -1])
    assert found[0].metadata == {"n": 1, "x": 1.5}
    assert type(found[0].metadata["n"]) is int
    assert found[2].metadata is None
    assert found[0].vector is None
    (best,) = await clients.vector.query(name, np.array([0, 0, 0.5]), top_k=1, include_vector=True)
    assert best.id == "up"
    assert best.vector.tolist() == [0.0, 0.0, 2.0]
    assert best.vector.dtype == np.float64
    again = await clients.vector.query(name, [0, 0, 1], top_k=3, include_vector=True)
    assert again[0] == best
    assert best not in again[1:]
    found = await clients.vector.query(name, [1, 0, 0], min_score=0.5)
    assert [match.id for match in found] == ["east", "nearly"]
    found = await clients.vector.query(name, [1, 0, 0], filter={"n": {"$gte": 2}})
    assert [match.id for match in found] == ["nearly"]
    assert await clients.vector.query(unique("empty"), [1, 0]) == []


async def test_equal_scores_are_ordered_by_id(clients: Clients, unique: Unique) -> None:
    name = await index(clients, unique, 2)
    ids = [f"v{i:03d}" for i in range(300)]
    rng = np.random.default_rng(1)
    await clients.vector.upsert(name, [[1, 1]] * 300, ids=list(rng.permutation(ids)))
    found = await clients.vector.query(name, [1, 1], top_k=7)
    assert [match.id for match in found] == ids[:7]


async def test_search_is_exact_over_many_pages(clients: Clients, unique: Unique) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((1_500, 16))
    vectors[1::2] = vectors[::2] + rng.standard_normal((750, 16)) * 1e-7  # close calls
    name = await index(clients, unique, 16)
    ids = await clients.vector.upsert(
        name, vectors, metadata=[{"half": i % 2, "i": i} for i in range(1_500)]
    )
    query = vectors[10]
    exact = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    order = sorted(range(1_500), key=lambda i: (-exact[i], ids[i]))
    found = await clients.vector.query(name, query, top_k=25)
    assert [match.id for match in found] == [ids[i] for i in order[:25]]
    assert [match.score for match in found] == pytest.approx(exact[order[:25]], abs=1e-12)
    found = await clients.vector.query(name, query, top_k=25, filter={"half": 1})
    assert [match.id for match in found] == [ids[i] for i in order if i % 2][:25]
    assert (await clients.vector.describe_index(name)).count == 1_500
    await clients.vector.delete_vectors(name, filter={"i": {"$lt": 1_400}})
    assert (await clients.vector.describe_index(name)).count == 100


async def test_upserting_replaces_metadata_too(clients: Clients, unique: Unique) -> None:
    name = await index(clients, unique, 2)
    await clients.vector.upsert(name, [[1, 0]], ids=["a"], metadata=[{"old": 1}])
    await clients.vector.upsert(name, [[0, 1]], ids=["a"], metadata=[{"new": 1}])
    (match,) = await clients.vector.query(name, [0, 1])
    assert (match.score, match.metadata) == (pytest.approx(1), {"new": 1})
    await clients.vector.upsert(name, [[0, 1]], ids=["a"])
    (match,) = await clients.vector.query(name, [0, 1])
    assert match.metadata is None
    assert await clients.vector.upsert(name, []) == []


async def test_updating_vectors(clients: Clients, unique: Unique) -> None:
    name = await index(clients, unique, 2)
    await clients.vector.upsert(
        name, [[1, 0], [1, 0]], ids=["a", "b"], metadata=[{"k": 1, "x": 1}, {"k": 2}]
    )
    await clients.vector.update_vector(name, id="a", vector=[0, 1], metadata={"x": 2, "y": 3})
    await clients.vector.update_vector(name, filter={"k": 2}, metadata={"z": 1})
    await clients.vector.update_vector(name, id="nobody", metadata={"z": 1})
    found = {match.id: match for match in await clients.vector.query(name, [0, 1])}
    assert found["a"].score == pytest.approx(1)
    assert found["a"].metadata == {"k": 1, "x": 2, "y": 3}
    assert found["b"].metadata == {"k": 2, "z": 1}
    assert len(found) == 2


async def test_vectors_too_large_to_be_read_at_once(clients: Clients, unique: Unique) -> None:
    name = await index(clients, unique, 2)
    large = [{"text": "x" * 900_000}] * 20
    ids = await clients.vector.upsert(name, [[1, 0]] * 20, metadata=iter(large))
    assert len(await clients.vector.get_vectors(name, iter(ids))) == 20
    await clients.vector.delete_vectors(name, ids=iter(ids))
    assert await clients.vector.get_vectors(name, ids) == []
    await clients.vector.upsert(name, [[1, 0]] * 20, ids=iter(ids), metadata=large)
    await clients.vector.truncate_index(name)
    assert await clients.vector.get_vectors(name, ids) == []


async def test_deleting_vectors(clients: Clients, unique: Unique) -> None:
    name = await index(clients, unique, 2)
    await clients.vector.upsert(
        name, [[1, 0]] * 5, ids=list("abcde"), metadata=[{"i": i} for i in range(5)]
    )
    await clients.vector.delete_vector(name, "a")
    await clients.vector.delete_vector(name, "nobody")
    await clients.vector.delete_vectors(name, ids=["b", "nobody"])
    await clients.vector.delete_vectors(name, filter={"i": {"$in": [3, 17]}})
    assert [match.id for match in await clients.vector.query(name, [1, 0])] == ["c", "e"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"vectors": [[1, 2, 3]]}, "vectors"),
        ({"vectors": [[1, 2], [1]]}, "vectors"),
        ({"vectors": [1, 2]}, "vectors"),
        ({"vectors": [[1, 2], [1, 10**400]]}, "vectors"),
        ({"vectors": [["x", "y"]]}, "vectors"),
        ({"vectors": [[1, 2], [1, float("nan")]]}, "vectors[1]"),
        ({"vectors": [[1, 2], [1, float("inf")]]}, "vectors[1]"),
        ({"ids": ["a"]}, "ids"),
        ({"ids": ["a", ""]}, "ids[1]"),
        ({"ids": ["a", 7]}, "ids[1]"),
        ({"ids": ["a", "a"]}, "ids[1]"),
        ({"ids": "ab"}, "ids"),
        ({"metadata": [{}]}, "metadata"),
        ({"metadata": {}}, "metadata"),
        ({"metadata": [{}, {"$x": 1}]}, "vectors[1].metadata"),
        ({"metadata": [{}, {"x": {"y": [0, 2**70]}}]}, "vectors[1].metadata.x.y[1]"),
        ({"metadata": [{}, 7]}, "vectors[1]"),
    ],
)
async def test_refused_upserts(clients: Clients, unique: Unique, change: Any, field: str) -> None:
    name = await index(clients, unique, 2)
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.vector.upsert(**{"index_name": name, "vectors": [[1, 2], [3, 4]], **change})
    assert caught.value.field == field
    assert (await clients.vector.describe_index(name)).count == 0


async def test_a_vector_beyond_a_document(clients: Clients, unique: Unique) -> None:
    name = await index(clients, unique, 2)
    with pytest.raises(LimitExceededError) as caught:
        await clients.vector.upsert(
            name, [[1, 2], [3, 4]], metadata=[{}, {"text": "x" * 1_100_000}]
        )
    assert caught.value.field == "vectors[1]"
    assert (await clients.vector.describe_index(name)).count == 0


async def test_an_undeclared_index_takes_nothing(clients: Clients, unique: Unique) -> None:
    name = unique("nowhere")
    with pytest.raises(NotFoundError, match="create_index"):
        await clients.vector.upsert(name, [[1, 2]])


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"query_vector": [1, 2, 3]}, "has 3 dimensions"),
        ({"query_vector": []}, "one list of numbers"),
        ({"query_vector": [[1, 2]]}, "one list of numbers"),
        ({"query_vector": [1, float("nan")]}, "NaN"),
        ({"query_vector": None}, "query_vector"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 2.0}, "top_k"),
        ({"min_score": float("nan")}, "min_score"),
        ({"filter": {"a": {"$near": 1}}}, r"\$near"),
        ({"filter": {"$xor": []}}, r"\$xor"),
        ({"filter": {"a": {"$in": 1}}}, r"a\.\$in"),
        ({"filter": {"a": {"$regex": "("}}}, r"\$regex"),
    ],
)
async def test_refused_queries(clients: Clients, unique: Unique, args: Any, text: str) -> None:
    name = await index(clients, unique, 2)
    with pytest.raises(InvalidArgumentError, match=text):
        await clients.vector.query(**{"index_name": name, "query_vector": [1, 2], **args})


@pytest.mark.parametrize(
    ("method", "args", "text"),
    [
        ("update_vector", {}, "Either id or filter must be provided"),
        ("update_vector", {"id": "a", "filter": {"b": 1}}, "id and filter are mutually exclusive"),
        ("update_vector", {"filter": {}}, "cannot update with empty filter"),
        ("update_vector", {"id": "a"}, "Nothing to update"),
        ("delete_vectors", {}, "Either filter or ids must be provided"),
        ("delete_vectors", {"ids": []}, "cannot delete with empty ids array"),
        ("delete_vectors", {"filter": {}}, "cannot delete with empty filter"),
        ("delete_vectors", {"ids": ["a"], "filter": {"b": 1}}, "ids and filter are mutually"),
        ("delete_vectors", {"ids": [], "filter": {"b": 1}}, "ids and filter are mutually"),
        ("delete_vectors", {"filter": {"metadata": {}}}, "cannot delete with empty filter"),
        ("delete_vectors", {"ids": ["a", 7]}, r"ids\[1\] must be a text"),
        ("update_vector", {"id": 7}, "id must be a text"),
        ("update_vector", {"id": "a", "metadata": [1]}, "metadata must be an object"),
        ("delete_vectors", {"ids": "abc"}, "list of ids"),
    ],
)
async def test_refused_changes(clients: Clients, method: str, args: Any, text: str) -> None:
    if method == "update_vector" and "Nothing" not in text:
        args = {"metadata": {"x": 1}, **args}
    with pytest.raises(InvalidArgumentError, match=text):
        await getattr(clients.vector, method)("docs", **args)
    assert clients.requests() == []
