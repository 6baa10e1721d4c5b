"""``ConvexVectorStore`` over Convex's own vector search: what it is asked, and how far it goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convex_mastra import InvalidArgumentError, Options, ScanLimitError
from integrations.langchain.tests.schedules import Writer
from integrations.langchain.tests.stores import OneFace, empty, store_on
from langchain_convex_mastra.filters import selection_of
from tests.lanes import FACES, Deployment

SEARCH, READ = "vectorSearch native_docs", "getByConvexIds native_docs"


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest_asyncio.fixture(params=FACES)
async def face(
    request: pytest.FixtureRequest, deployment: Deployment, sent: list[str]
) -> AsyncIterator[OneFace]:
    options = Options(on_event=lambda event: sent.append(event.operation))
    async with store_on(deployment, "native", "", options=options) as store:
        yield OneFace(store, request.param)
        empty(store.backend)


def direction(angle: float) -> str:
    return f"{np.cos(angle)},{np.sin(angle)}"


async def fill(face: OneFace, count: int) -> list[str]:
    ids: list[str] = await face.add_texts(
        [direction(angle) for angle in np.linspace(0, 3, count)],
        [{"n": n, "tag": "odd" if n % 2 else "even", "page": n // 10} for n in range(count)],
        ids=[f"v{n:03d}" for n in range(count)],
    )
    return ids


@pytest.mark.parametrize(
    ("where", "searches"),
    [
        (None, 1),
        ({"tag": "odd"}, 1),
        ({"tag": {"$eq": "odd"}}, 1),
        ({"$and": [{"tag": "odd"}]}, 1),
        ({"tag": {"$in": ["odd", "even"]}}, 2),
        ({"$or": [{"tag": "odd"}, {"page": 1}, {"page": 2}]}, 3),
    ],
)
async def test_what_the_index_can_take_is_asked_of_it(
    face: OneFace, sent: list[str], where: Any, searches: int
) -> None:
    await fill(face, 30)
    sent.clear()
    assert len(await face.similarity_search("1,0", k=7, filter=where)) == 7
    assert sent == [SEARCH] * searches + [READ]
    sent.clear()
    assert await face.similarity_search("1,0", filter={"tag": {"$in": []}}) == []
    assert await face.list_documents({"tag": {"$in": []}}) == []
    assert await face.delete(filter={"tag": {"$in": []}}) is True
    assert sent == []


async def test_the_rest_is_judged_until_enough_pass(face: OneFace, sent: list[str]) -> None:
    ids = await fill(face, 300)
    for where, expected, rounds in (
        ({"n": {"$lt": 4}}, ids[:4], 1),
        ({"tag": "odd", "n": {"$gt": 90}}, ids[91:99:2], 2),
        ({"n": {"$in": [0, 100, 200, 250]}}, [ids[0], ids[100], ids[200], ids[250]], 3),
        ([{"tag": "odd"}, lambda one: one.metadata["n"] > 292], ids[293::2], 3),
    ):
        sent.clear()
        found = await face.similarity_search("1,0", k=4, filter=where)
        assert [document.id for document in found] == expected
        assert sent.count(SEARCH) == rounds
    sent.clear()
    diverse = await face.max_marginal_relevance_search(
        "1,0", k=2, fetch_k=6, lambda_mult=0, filter={"n": {"$gte": 30}}
    )
    assert [document.id for document in diverse] == ["v030", "v035"]


async def test_256_is_as_far_as_convex_searches(face: OneFace, sent: list[str]) -> None:
    ids = await fill(face, 300)
    for search in ("similarity_search", "max_marginal_relevance_search"):
        with pytest.raises(InvalidArgumentError, match="k must be an integer from 1 to 256"):
            await getattr(face, search)("1,0", k=257)
    with pytest.raises(InvalidArgumentError, match="fetch_k must be an integer from 1 to 256"):
        await face.max_marginal_relevance_search("1,0", fetch_k=257)
    assert len(await face.similarity_search("1,0", k=256)) == 256
    far = {"n": {"$gte": 254}}
    found = await face.similarity_search("1,0", k=2, filter=far)
    assert [document.id for document in found] == ids[254:256]
    for attempt in (
        face.similarity_search("1,0", k=3, filter=far),
        face.similarity_search("1,0", k=1, filter=lambda one: one.id == "v256"),
        face.max_marginal_relevance_search("1,0", k=1, fetch_k=3, filter=far),
        face.list_documents(far),
        face.list_documents(),
        face.delete(filter=far),
        face.delete(filter=lambda one: one.id == "v000"),
    ):
        with pytest.raises(ScanLimitError, match="256") as caught:
            await attempt
        assert caught.value.limit == 256
    assert len(await face.get_by_ids(ids)) == 300, "nothing was deleted"
    for narrower in ({"page": 29, "n": {"$gte": 297}}, [{"page": 29}, far, {"n": {"$gt": 296}}]):
        found = await face.similarity_search("1,0", k=4, filter=narrower)
        assert [document.id for document in found] == ids[297:]
        assert [document.id for document in await face.list_documents(narrower)] == ids[297:]


async def test_no_score_below_the_threshold_is_looked_at(face: OneFace) -> None:
    ids = await fill(face, 300)
    threshold = float(np.cos(0.505))
    found = await face.similarity_search_with_relevance_scores(
        "1,0", k=4, score_threshold=threshold, filter={"n": {"$gte": 49}}
    )
    assert [document.id for document, _ in found] == ids[49:51]


async def test_deleting_by_filter(face: OneFace, sent: list[str]) -> None:
    ids = await fill(face, 300)
    await face.delete(filter={"page": 3})
    await face.delete(filter=[{"page": 4}, lambda one: one.metadata["n"] == 44])
    assert set(ids) - {one.id for one in await face.get_by_ids(ids)} == {*ids[30:40], ids[44]}
    sent.clear()
    await face.delete(filter={"tag": {"$in": ["odd", "even"]}})
    assert sent.count(READ) == 2, "256 and the rest"
    assert await face.get_by_ids(ids) == []
    sent.clear()
    await face.delete(filter={"tag": "odd"})
    assert sent == [SEARCH]


SCALARS = st.sampled_from(["x", "y", None, True, 0, -0.0, 1, 2.5])
METADATA = st.fixed_dictionaries(
    {}, optional={"tag": SCALARS, "page": SCALARS, "größe": st.sampled_from([1, 1.0, 2**60])}
)
CONDITIONS = st.one_of(
    st.dictionaries(
        st.sampled_from(["tag", "page", "größe"]),
        SCALARS
        | st.builds(lambda values: {"$in": values}, st.lists(SCALARS, max_size=3))
        | st.sampled_from([{"$gt": 0}, {"$exists": False}, {"$eq": 1, "$ne": True}]),
        max_size=2,
    ),
    st.sampled_from([lambda one: "tag" in one.metadata, lambda one: one.metadata.get("page") == 1]),
)


def either(branches: list[Any]) -> Any:
    return {"$or": [branch for branch in branches if isinstance(branch, dict)]}


FILTERS = (
    CONDITIONS
    | st.builds(either, st.lists(CONDITIONS, max_size=3))
    | st.lists(CONDITIONS, max_size=3)
)


@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    metadatas=st.lists(METADATA, min_size=1, max_size=12),
    filters=st.lists(FILTERS, min_size=1, max_size=6),
    k=st.integers(1, 6),
)
def test_both_kinds_find_the_same(
    deployment: Deployment,
    metadatas: list[dict[str, Any]],
    filters: list[Any],
    k: int,
) -> None:
    texts = [direction(angle) for angle in np.linspace(0, 3, len(metadatas))]
    ids = [f"d{number}" for number in range(len(texts))]
    with (
        store_on(deployment, "native", "") as native,
        store_on(deployment, "scanned", "same-as-native") as scanned,
    ):
        native.add_texts(texts, metadatas, ids=ids)
        scanned.add_texts(texts, metadatas, ids=ids)
        try:
            for where in filters:
                found = native.similarity_search("1,0", k=k, filter=where)
                assert found == scanned.similarity_search("1,0", k=k, filter=where)
                assert repr(native.list_documents(where)) == repr(
                    sorted(scanned.list_documents(where), key=lambda one: one.id or "")
                )
        finally:
            empty(native.backend)
            scanned.delete(ids)


async def test_what_alternatives_find_is_read_in_parts(face: OneFace, sent: list[str]) -> None:
    await face.add_texts(
        ["1,0"] * 600,
        [{"tag": f"t{n % 3}"} for n in range(600)],
        ids=[f"v{n:03d}" for n in range(600)],
    )
    where = {"tag": {"$in": ["t0", "t1", "t2"]}}
    sent.clear()
    assert len(await face.list_documents(where)) == 600
    assert sent == [SEARCH] * 3 + [READ] * 3


def test_deleting_by_filter_while_somebody_else_deletes_the_same(deployment: Deployment) -> None:
    with store_on(deployment, "native", "") as store:
        store.add_texts(
            ["1,0"] * 300, [{"tag": "old"}] * 300, ids=[f"v{n:03d}" for n in range(300)]
        )
        index = store._index
        deleting = Writer(store.backend, index.delete_matching(selection_of({"tag": "old"})))
        deleting.step()
        others = Writer(store.backend, index.delete_matching(selection_of({"tag": "old"})))
        others.pass_by("deleteByIds native_docs")
        while any(label.startswith("deleteByIds") for label in others.waiting):
            others.step()
        others.die()
        deleting.finish()
        left = store.list_documents({"tag": "old"})
        empty(store.backend)
    assert left == []
