"""Schema-declared vector indexes, as ConvexNativeVector of @mastra/convex 1.5.2, on every lane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from convex_mastra import (
    ConfigurationError,
    ConvexNativeVector,
    FunctionError,
    FunctionNotFoundError,
    InvalidArgumentError,
    LimitExceededError,
    NativeIndex,
    NotFoundError,
    Options,
    ScanLimitError,
    open_backend,
)
from tests.lanes import Clients, Deployment
from tests.native import CONFIGS, INDEXES, read_call, search_call, write_call


@pytest_asyncio.fixture
async def native(clients: Clients) -> AsyncIterator[Any]:
    """The native vectors; what a test left in the tables, which all tests share, goes after it."""
    yield clients.native
    for name, index in INDEXES.items():
        while found := await clients.native.query(name, [1] * index.dimension, top_k=256):
            await clients.native.delete_vectors(name, [match.id for match in found])


def ids(matches: Any) -> list[str]:
    return [match.id for match in matches]


async def test_indexes(clients: Clients, native: Any) -> None:
    assert await native.list_indexes() == ["plain", "docs"]
    await native.create_index("plain", 3)
    with pytest.raises(InvalidArgumentError, match="has 3 dimensions, but 4 were requested"):
        await native.create_index("plain", 4)
    with pytest.raises(InvalidArgumentError, match="cosine only"):
        await native.create_index("plain", 3, metric="euclidean")
    with pytest.raises(InvalidArgumentError, match=r"managed in convex/schema\.ts"):
        await native.delete_index("plain")
    for work in (
        native.create_index("other", 3),
        native.delete_index("other"),
        native.describe_index("other"),
        native.upsert("other", [[1, 2]]),
        native.query("other", [1, 2]),
        native.update_vector("other", "a", vector=[1, 2]),
        native.delete_vector("other", "a"),
    ):
        with pytest.raises(NotFoundError, match='index "other" is not configured'):
            await work
    assert clients.requests() == []


async def test_an_index_is_counted(clients: Clients, native: Any) -> None:
    assert (await native.describe_index("plain")).count == 0
    await native.upsert("plain", [[1, 0, 0], [0, 1, 0]])
    stats = await native.describe_index("plain")
    assert (stats.dimension, stats.count, stats.metric) == (3, 2, "cosine")
    assert stats.count_is_limited is False
    stats = await native.describe_index("plain", count_limit=1)
    assert (stats.count, stats.count_is_limited) == (1, True)
    assert (await native.describe_index("plain", count_limit=2)).count_is_limited is False
    clients.requests()
    for wrong in (0, 10_001, 1.0, None):
        with pytest.raises(InvalidArgumentError, match="count_limit"):
            await native.describe_index("plain", count_limit=wrong)
    assert clients.requests() == []


async def test_search(clients: Clients, native: Any) -> None:
    assert await native.query("plain", [1, 0, 0]) == []
    written = await native.upsert(
        "plain",
        [[1, 0, 0], [0.9, 0.1, 0], [0, 0, 2], [-1, 0, 0], [0, 0, 0]],
        ids=["east", "nearly", "up", "west", "nowhere"],
        metadata=[{"n": 1, "x": 1.5}, {"n": 2, "t": "é"}, {}, {"deep": {"l": [None]}}, {}],
    )
    assert written == ["east", "nearly", "up", "west", "nowhere"]
    found = await native.query("plain", [1, 0, 0])
    assert ids(found) == ["east", "nearly", "nowhere", "up", "west"]
    assert [match.score for match in found] == pytest.approx([1, 0.9938837, 0, 0, -1], abs=1e-6)
    assert [match.metadata for match in found] == [
        {"n": 1, "x": 1.5},
        {"n": 2, "t": "é"},
        {},
        {},
        {"deep": {"l": [None]}},
    ]
    assert type(found[0].metadata["n"]) is int
    assert found[0].vector is None
    (best,) = await native.query("plain", np.array([0, 0, 0.5]), top_k=1, include_vector=True)
    assert best.id == "up"
    assert best.vector.tolist() == [0.0, 0.0, 2.0]
    assert best.vector.dtype == np.float64
    clients.requests()
    await native.query("plain", [1, 0, 0])
    assert clients.requests() == ["vectorSearch native_plain", "getByConvexIds native_plain"]


async def test_equal_scores_are_ordered_by_id(native: Any) -> None:
    names = [f"v{number:03d}" for number in range(120)]
    shuffled = list(np.random.default_rng(1).permutation(names))
    assert await native.upsert("docs", [[1, 1]] * 120, ids=shuffled) == shuffled
    assert ids(await native.query("docs", [1, 1], top_k=256)) == names
    some = ids(await native.query("docs", [1, 1], top_k=7))
    assert some == sorted(some)
    assert len(set(some)) == 7
    assert len(await native.query("docs", [1, 1])) == 10


async def test_upserting_replaces_what_is_given(native: Any) -> None:
    await native.upsert("docs", [[1, 0]], ids=["a"], metadata=[{"old": 1, "tag": "x", "page": 1}])
    await native.upsert("docs", [[0, 1]], ids=["a"], metadata=[{"new": 1, "page": 2}])
    (match,) = await native.query("docs", [0, 1])
    assert (match.score, match.metadata) == (pytest.approx(1), {"new": 1, "page": 2})
    assert await native.query("docs", [0, 1], filter={"tag": "x"}) == []
    assert ids(await native.query("docs", [0, 1], filter={"page": 2})) == ["a"]
    await native.upsert("docs", [[1, 0]], ids=["a"])
    (match,) = await native.query("docs", [1, 0], filter={"page": 2})
    assert (match.score, match.metadata) == (pytest.approx(1), {"new": 1, "page": 2})
    assert await native.upsert("docs", []) == []
    assert len(await native.upsert("docs", [[1, 1], [2, 2]])) == 2
    found = await native.query("docs", [1, 1])
    assert len({match.id for match in found}) == 3
    assert [match.metadata for match in found[:2]] == [None, None]


async def test_updating_a_vector(native: Any) -> None:
    await native.upsert("docs", [[1, 0]], ids=["a"], metadata=[{"k": 1, "tag": "x", "page": 1}])
    await native.update_vector("docs", "a", vector=[0, 1], metadata={"tag": "y", "z": None})
    (match,) = await native.query("docs", [0, 1], filter={"tag": "y"})
    assert match.score == pytest.approx(1)
    assert match.metadata == {"k": 1, "tag": "y", "page": 1, "z": None}
    await native.update_vector("docs", "a", vector=[1, 0])
    (match,) = await native.query("docs", [1, 0], filter={"page": 1})
    assert (match.score, match.metadata["k"]) == (pytest.approx(1), 1)
    await native.update_vector("docs", "nobody", metadata={"k": 2})
    assert (await native.describe_index("docs")).count == 1
    await native.upsert("docs", [[1, 1]], ids=["bare"])
    await native.update_vector("docs", "bare", metadata={"k": 3})
    assert {m.id: m.metadata for m in await native.query("docs", [1, 1])}["bare"] == {"k": 3}


async def test_deleting_vectors(clients: Clients, native: Any) -> None:
    names = [f"v{number:03d}" for number in range(150)]
    await native.upsert("docs", [[1, 0]] * 150, ids=names)
    await native.delete_vector("docs", "v000")
    await native.delete_vector("docs", "nobody")
    clients.requests()
    await native.delete_vectors("docs", iter([*names[2:], "nobody", "v003"]))
    assert clients.requests() == ["deleteByIds native_docs"] * 2
    assert ids(await native.query("docs", [1, 0])) == ["v001"]


async def test_filters(native: Any) -> None:
    await native.upsert(
        "docs",
        [[1, 0.0], [1, 0.1], [1, 0.2], [1, 0.3], [1, 0.4], [1, 0.5]],
        ids=["a", "b", "c", "d", "e", "f"],
        metadata=[
            {"tag": "x", "page": 1},
            {"tag": "y", "page": True},
            {"tag": None, "page": 1},
            {"tag": "x", "page": 2.5},
            {"page": "1"},
            {"tag": "é", "page": False},
        ],
    )

    async def found(where: Any, top_k: int = 10) -> list[str]:
        return ids(await native.query("docs", [1, 0], filter=where, top_k=top_k))

    everything = ["a", "b", "c", "d", "e", "f"]
    assert await found({}) == await found(None) == everything
    assert await found({"tag": "x"}) == ["a", "d"]
    assert await found({"tag": {"$eq": "x"}}) == ["a", "d"]
    assert await found({"metadata": {"tag": "x"}}) == ["a", "d"]
    assert await found({"tag": None}) == ["c"]
    assert await found({"tag": "é"}) == ["f"]
    assert await found({"page": 1}) == await found({"page": 1.0}) == ["a", "c"]
    assert await found({"page": True}) == ["b"]
    assert await found({"page": False}) == ["f"]
    assert await found({"page": "1"}) == ["e"]
    assert await found({"page": 2.5}) == ["d"]
    assert await found({"tag": "nothing"}) == []
    assert await found({"$or": [{"tag": "x"}, {"page": 1}]}) == ["a", "c", "d"]
    assert await found({"$or": [{"page": True}, {"tag": {"$eq": "x"}}]}, 2) == ["a", "b"]
    assert await found({"$or": [{"tag": "x"}, {"tag": "x"}]}) == ["a", "d"]
    assert await found({"$or": [{"page": 1}, {"page": True}]}) == ["a", "b", "c"]
    assert await found({"$or": [{"page": 0}, {"page": False}]}) == ["f"]
    assert await found({"$or": [{"page": n} for n in range(64)]}) == ["a", "c"]


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({"tag": "x", "page": 1}, "not one equality"),
        ({"other": "x"}, "'other' is not configured"),
        ({"tag": {"$gt": 1}}, "value of 'tag' is of type dict"),
        ({"tag": {"$eq": 1, "$ne": 2}}, "value of 'tag' is of type dict"),
        ({"tag": {}}, "of type dict"),
        ({"tag": ["x"]}, "of type list"),
        ({"tag": float("nan")}, "is nan"),
        ({"tag": 2**60}, "beyond 2\\*\\*53"),
        ({"tag": "\ud800"}, "lone surrogate"),
        ({"$or": []}, "0 alternatives"),
        ({"$or": [{"tag": "x"}] * 65}, "65 alternatives"),
        ({"$or": [{"tag": "x"}, {}]}, "not one equality"),
        ({"$or": [{"tag": "x"}], "page": 1}, "not one equality"),
        ({"$or": {"tag": "x"}}, r"'\$or' is not configured"),
        ({"$or": [{"$or": [{"tag": "x"}]}]}, r"'\$or' is not configured"),
        ({"$and": [{"tag": "x"}]}, r"'\$and' is not configured"),
        ({"metadata": {}}, "not one equality"),
        ({"metadata": {"other": 1}}, "'other' is not configured"),
        ({"metadata": {"$or": [{"tag": "x"}]}}, r"'\$or' is not configured"),
        ("tag", "no object"),
        ([{"tag": "x"}], "no object"),
    ],
)
async def test_refused_filters(clients: Clients, native: Any, where: Any, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text) as caught:
        await native.query("docs", [1, 0], filter=where)
    assert (caught.value.field or "").startswith("filter")
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"query_vector": [1, 2, 3]}, "has 3 dimensions"),
        ({"query_vector": []}, "one list of numbers"),
        ({"query_vector": [[1, 2]]}, "one list of numbers"),
        ({"query_vector": [1, float("nan")]}, "NaN"),
        ({"query_vector": None}, "query_vector"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 257}, "between 1 and 256"),
        ({"top_k": 2.0}, "top_k"),
        ({"top_k": True}, "top_k"),
        ({"index_name": ""}, "index_name"),
        ({"index_name": None}, "index_name"),
    ],
)
async def test_refused_queries(clients: Clients, native: Any, args: Any, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        await native.query(**{"index_name": "docs", "query_vector": [1, 2], **args})
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"vectors": [[1, 2, 3]]}, "vectors"),
        ({"vectors": [[1, 2], [1]]}, "vectors"),
        ({"vectors": [["x", "y"]]}, "vectors"),
        ({"vectors": [[1, 2], [1, float("nan")]]}, "vectors[1]"),
        ({"vectors": [[1, 2], [1, float("inf")]]}, "vectors[1]"),
        ({"ids": ["a"]}, "ids"),
        ({"ids": ["a", ""]}, "ids[1]"),
        ({"ids": ["a", 7]}, "ids[1]"),
        ({"ids": ["a", "a"]}, "ids[1]"),
        ({"ids": ["a", "\ud800"]}, "ids[1]"),
        ({"metadata": [{}]}, "metadata"),
        ({"metadata": {}}, "metadata"),
        ({"metadata": [{}, None]}, "vectors[1].metadata"),
        ({"metadata": [{}, [1]]}, "vectors[1].metadata"),
        ({"metadata": [{}, {"$x": 1}]}, "vectors[1].metadata"),
        ({"metadata": [{}, {"x": {"y": [0, 2**70]}}]}, "vectors[1].metadata.x.y[1]"),
        ({"metadata": [{}, {"x": float("nan")}]}, "vectors[1].metadata.x"),
        ({"metadata": [{}, {"text": "x" * 1_100_000}]}, "vectors[1]"),
        ({"metadata": [{}, {"tag": "x" * 600_000}]}, "vectors[1]"),
    ],
)
async def test_refused_upserts(clients: Clients, native: Any, change: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await native.upsert(**{"index_name": "docs", "vectors": [[1, 2], [3, 4]], **change})
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("method", "args", "text"),
    [
        ("update_vector", {"id": "a"}, "Nothing to update"),
        ("update_vector", {"id": "", "vector": [1, 2]}, "id must be"),
        ("update_vector", {"id": "a", "vector": [1]}, "has 1 dimensions"),
        ("update_vector", {"id": "a", "metadata": [1]}, "metadata must be an object"),
        ("update_vector", {"id": "a", "metadata": {"n": 2**60}}, "beyond"),
        ("delete_vector", {"id": 7}, "id must be a text"),
        ("delete_vectors", {"ids": []}, "ids are required"),
        ("delete_vectors", {"ids": "abc"}, "list of ids"),
        ("delete_vectors", {"ids": ["a", 7]}, r"ids\[1\] must be a text"),
    ],
)
async def test_refused_changes(
    clients: Clients, native: Any, method: str, args: Any, text: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        await getattr(native, method)("docs", **args)
    with pytest.raises(LimitExceededError):
        await native.update_vector("docs", "a", metadata={"tag": "x" * 600_000})
    assert clients.requests() == []


async def test_batches_by_count_and_bytes(clients: Clients, native: Any) -> None:
    await native.upsert("docs", [[1, 0]] * 250)
    assert clients.requests() == ["upsert native_docs"] * 3
    large = [{"text": "x" * 900_000}] * 20
    names = [f"large{number:02d}" for number in range(20)]
    await native.upsert("docs", [[0, 1]] * 20, ids=names, metadata=large)
    assert clients.requests() == ["upsert native_docs"] * 5
    # What is replaced, found or deleted is too large to be read in one call.
    await native.upsert("docs", [[0, 2]] * 20, ids=names, metadata=[{}] * 20)
    clients.requests()
    await native.upsert("docs", [[0, 1]] * 20, ids=names, metadata=large)
    found = await native.query("docs", [0, 1], top_k=20, include_vector=True)
    assert ids(found) == names
    assert all(len(match.metadata["text"]) == 900_000 for match in found)
    stats = await native.describe_index("docs")
    assert stats.count_is_limited
    assert 0 < stats.count < 270
    await native.delete_vectors("docs", names)
    assert (await native.describe_index("docs")).count == 250


async def test_a_batch_is_written_whole_or_not_at_all(clients: Clients, native: Any) -> None:
    await native.upsert("docs", [[1, 0]], ids=["a"])
    backend = clients.native.face.backend
    with pytest.raises(FunctionError):
        backend.send(
            write_call(
                "upsert",
                config={**CONFIGS["docs"], "filterFields": ["key"]},  # as if it were the id
                ids=["b", "c"],
                vectors=[[1, 0], [1, 0]],
                metadata=[{}, {"key": 5}],
            )
        )
    assert ids(await native.query("docs", [1, 0])) == ["a"]


async def test_vectors_of_another_length_are_not_in_the_index(
    clients: Clients, native: Any
) -> None:
    backend = clients.native.face.backend
    await native.upsert("docs", [[1, 0]], ids=["right"])
    config = {name: value for name, value in CONFIGS["docs"].items() if name != "dimension"}
    backend.send(
        write_call("upsert", config=config, ids=["long", "short"], vectors=[[1, 0, 0], [1]])
    )
    assert (await native.describe_index("docs")).count == 3
    assert ids(await native.query("docs", [1, 0])) == ["right"]
    with pytest.raises(FunctionError, match="Expected a vector with dimensions 2, received 3"):
        backend.send(search_call(config=config, vector=[1, 0, 0]))
    await native.update_vector("docs", "long", vector=[0, 1])
    assert ids(await native.query("docs", [1, 0])) == ["right", "long"]
    await native.delete_vectors("docs", ["short"])
    assert (await native.describe_index("docs")).count == 2


async def test_a_row_deleted_between_search_and_read_is_left_out(
    deployment: Deployment, native: Any
) -> None:
    await native.upsert("docs", [[1, 0], [1, 0.1], [1, 0.2]], ids=["a", "b", "c"])
    backend = open_backend(deployment.url, deployment.admin_key)

    def delete_b(event: Any) -> None:
        if event.operation.startswith("vectorSearch"):
            ConvexNativeVector(INDEXES, backend=backend).delete_vector("docs", "b")

    with ConvexNativeVector(
        INDEXES, deployment.url, deployment.admin_key, options=Options(on_event=delete_b)
    ) as searching:
        assert ids(searching.query("docs", [1, 0])) == ["a", "c"]
    backend.close()


async def test_functions_kept_elsewhere(deployment: Deployment) -> None:
    with ConvexNativeVector(
        INDEXES,
        deployment.url,
        deployment.admin_key,
        native_vector_action="elsewhere:query",
        native_vector_query="elsewhere:read",
        native_vector_mutation="elsewhere:write",
    ) as vector:
        for work in (
            lambda: vector.query("docs", [1, 0]),
            lambda: vector.describe_index("docs"),
            lambda: vector.upsert("docs", [[1, 0]]),
        ):
            with pytest.raises(FunctionNotFoundError, match="elsewhere"):
                work()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (search_call(config=CONFIGS["docs"], vector=[1, 0], limit=0), "between 1 and 256"),
        (search_call(config=CONFIGS["docs"], vector=[1, 0], limit=257), "between 1 and 256"),
        (search_call(config=CONFIGS["docs"], vector=[1, 0], limit=1.5), "between 1 and 256"),
        (search_call(config=CONFIGS["docs"], vector=[]), "must be a non-empty Array"),
        (search_call(config=CONFIGS["docs"], vector=["x"]), "[Vv]alidat"),
        (
            search_call(config=CONFIGS["docs"], vector=[1, 0], filter={"$or": []}),
            "Field name .or starts with",
        ),
        (read_call("getByConvexIds", config=CONFIGS["docs"]), "ids are required"),
        (read_call("nothing", config=CONFIGS["docs"]), "[Vv]alidat"),
        (read_call("describe", config={"tableName": "native_docs"}), "Validat|missing"),
        (read_call("describe", config={**CONFIGS["docs"], "x": 1}), "x"),
        (write_call("upsert", config=CONFIGS["docs"], ids=["a"]), "ids and vectors are required"),
        (
            write_call("upsert", config=CONFIGS["docs"], ids=["a", "a"], vectors=[[1, 0]] * 2),
            "ids must be unique",
        ),
        (write_call("updateById", config=CONFIGS["docs"], id=""), "id is required"),
        (write_call("deleteByIds", config=CONFIGS["docs"]), "ids are required"),
        (write_call("describe", config=CONFIGS["docs"]), "[Vv]alidat"),
    ],
)
async def test_what_the_functions_refuse(clients: Clients, call: Any, text: str) -> None:
    with pytest.raises(FunctionError, match=text):
        clients.native.face.backend.send(call)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"table_name": "no-name"}, "table_name"),
        ({"table_name": "_system"}, "table_name"),
        ({"table_name": "x" * 65}, "table_name"),
        ({"id_field": ""}, "id_field"),
        ({"vector_index_name": None}, "vector_index_name"),
        ({"dimension": 1}, "dimension"),
        ({"dimension": 4_097}, "dimension"),
        ({"dimension": 3.0}, "dimension"),
        ({"dimension": True}, "dimension"),
        ({"filter_fields": ["tag"]}, "filter_fields"),
        ({"filter_fields": ("tag", "a b")}, "filter_fields[1]"),
        ({"filter_fields": tuple(f"f{n}" for n in range(17))}, "filter_fields"),
        ({"filter_fields": ("tag", "id")}, "filter_fields[1]"),
        ({"filter_fields": ("embedding",)}, "filter_fields[0]"),
        ({"filter_fields": ("metadata",)}, "filter_fields[0]"),
        ({"filter_fields": ("tag", "tag")}, "filter_fields[1]"),
        ({"id_field": "embedding"}, "id_field"),
        ({"metadata_field": "id"}, "id_field"),
    ],
)
def test_refused_configurations(change: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        NativeIndex(**{"table_name": "docs", "dimension": 3, **change})
    assert caught.value.field == field


def test_what_is_configured_must_be_an_index() -> None:
    wrong: Any = {"docs": {"tableName": "docs"}}
    with pytest.raises(ConfigurationError, match="must be a NativeIndex, not dict"):
        ConvexNativeVector(wrong, ":memory:")


async def test_reading_by_id(clients: Clients, native: Any) -> None:
    assert await native.get_vectors("docs", ["a"]) == []
    names = [f"v{number:03d}" for number in range(150)]
    about = [{"n": number, "half": 0.5} for number in range(150)]
    await native.upsert("docs", [[1, number] for number in range(150)], ids=names, metadata=about)
    await native.upsert("docs", [[3, 4]], ids=["bare"])
    clients.requests()
    found = await native.get_vectors("docs", ["v149", "nobody", "bare", *names, "v149"])
    assert clients.requests() == ["listByIds native_docs"] * 2
    assert ids(found) == ["v149", "bare", *names[:-1]]
    assert [(one.vector.tolist(), one.metadata) for one in found[:2]] == [
        ([1.0, 149.0], {"n": 149, "half": 0.5}),
        ([3.0, 4.0], None),
    ]
    assert type(found[0].metadata["n"]) is int
    for wrong, text in (("abc", "list of ids"), (["a", 7], r"ids\[1\]"), (None, "list of ids")):
        with pytest.raises(InvalidArgumentError, match=text):
            await native.get_vectors("docs", wrong)
    with pytest.raises(NotFoundError):
        await native.get_vectors("other", ["a"])
    assert await native.get_vectors("docs", []) == []


async def test_listing(clients: Clients, native: Any) -> None:
    assert await native.list_vectors("docs") == []
    names = [f"v{number:03d}" for number in range(255)]
    about = [{"tag": "x" if number % 2 else "y", "n": number} for number in range(255)]
    vectors = [[number % 7 - 3, 1] for number in range(255)]
    await native.upsert("docs", vectors, ids=names, metadata=about)
    clients.requests()
    everything = await native.list_vectors("docs")
    assert clients.requests() == ["vectorSearch native_docs", "getByConvexIds native_docs"]
    assert ids(everything) == names
    assert [one.vector.tolist() for one in everything] == vectors
    few = await native.list_vectors("docs", filter={"tag": "x"}, accept=lambda _, m: m["n"] < 9)
    assert ids(few) == ["v001", "v003", "v005", "v007"]
    await native.upsert("docs", [[0, 1]], ids=["v255"], metadata=[{"tag": "y", "n": 255}])
    with pytest.raises(ScanLimitError, match="At least 256") as caught:
        await native.list_vectors("docs", accept=lambda *_: False)
    assert caught.value.limit == 256
    assert len(await native.list_vectors("docs", filter={"tag": "y"})) == 129
    with pytest.raises(InvalidArgumentError, match="cannot take this filter"):
        await native.list_vectors("docs", filter={"n": 1})


async def test_the_last_word_on_matches(clients: Clients, native: Any) -> None:
    angles = np.linspace(0, 3, 300)
    names = [f"v{number:03d}" for number in range(300)]
    about = [{"n": number, "tag": number % 2} for number in range(300)]
    await native.upsert(
        "docs", np.column_stack([np.cos(angles), np.sin(angles)]), ids=names, metadata=about
    )

    async def found(accept: Any, **options: Any) -> list[str]:
        clients.requests()
        return ids(await native.query("docs", [1, 0], accept=accept, **options))

    assert await found(lambda _id, _metadata: True, top_k=2) == names[:2]
    assert clients.requests() == ["vectorSearch native_docs", "getByConvexIds native_docs"]
    assert await found(lambda _id, about: about["n"] % 50 == 0, top_k=3) == [
        "v000", "v050", "v100",
    ]  # fmt: skip
    assert len(clients.requests()) == 6, "12, 48 and 192 were asked for"
    assert await found(lambda name, _about: name == "v255", top_k=1) == ["v255"]
    assert await found(lambda name, _about: name == "v299", top_k=1, filter={"tag": 1}) == ["v299"]
    assert await found(lambda _id, about: about["n"] > 290, filter={"tag": 1}) == [
        f"v{number}" for number in (291, 293, 295, 297, 299)
    ]
    either = {"$or": [{"tag": 0}, {"tag": 1}]}
    assert await found(lambda name, _about: name == "v299", top_k=1, filter=either) == ["v299"]
    for accept, options, accepted in (
        (lambda name, _about: name == "v256", {"top_k": 1}, 0),
        (lambda _id, about: about["n"] > 253, {"top_k": 3}, 2),
    ):
        with pytest.raises(ScanLimitError, match=f"{accepted} were accepted") as caught:
            await found(accept, **options)
        assert caught.value.limit == 256


async def test_scores_that_are_too_low(clients: Clients, native: Any) -> None:
    angles = np.linspace(0, 3, 300)
    names = [f"v{number:03d}" for number in range(300)]
    await native.upsert("docs", np.column_stack([np.cos(angles), np.sin(angles)]), ids=names)
    near = [name for name, angle in zip(names, angles, strict=True) if np.cos(angle) >= 0.9]
    found = await native.query("docs", [1, 0], top_k=256, min_score=0.9)
    assert ids(found) == near
    assert ids(await native.query("docs", [1, 0], top_k=3, min_score=0.9)) == names[:3]
    assert await native.query("docs", [-1, 0.1], top_k=3, min_score=1.5) == []
    last = await native.query(
        "docs", [1, 0], top_k=2, min_score=0.9, accept=lambda name, _about: name == near[-1]
    )
    assert ids(last) == near[-1:], "what scores less need not be looked at"
    for wrong in (float("nan"), "0.5"):
        with pytest.raises(InvalidArgumentError, match="min_score"):
            await native.query("docs", [1, 0], min_score=wrong)
