"""``ConvexVectorStore`` over Convex's own vector search, on every lane, of both faces."""

from __future__ import annotations

import math
import pickle
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llama_index.core import Document, MockEmbedding, StorageContext, VectorStoreIndex
from llama_index.core.schema import BaseNode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from convex_mastra import (
    AsyncConvexNativeVector,
    Backend,
    ConfigurationError,
    ConvexNativeVector,
    ConvexVector,
    FunctionError,
    InvalidArgumentError,
    NativeIndex,
    Options,
    ScanLimitError,
    open_backend,
)
from convex_mastra.filters import compile_filter
from convex_mastra.ops.native_filters import narrow
from llama_index_convex_mastra import ConvexVectorStore
from llama_index_convex_mastra.filters import build_predicate
from llama_index_convex_mastra.nodes import (
    COPIED_KEYS,
    COPY_BYTES,
    filterable_metadata,
    node_to_metadata,
)
from llama_index_convex_mastra.pushdown import push_down_to
from tests.lanes import FACES, Deployment
from tests.native import INDEXES, NODES

SEARCH, READ, DELETE = (
    f"{op} native_nodes" for op in ("vectorSearch", "getByConvexIds", "deleteByIds")
)
PLAIN = INDEXES["plain"]
MMR = VectorStoreQueryMode.MMR


class Native:
    """A store over a native index, of one face, with all its methods awaited."""

    def __init__(self, backend: Backend, face: str, index: NativeIndex, sent: list[str]) -> None:
        self.store = ConvexVectorStore(native_index=index, backend=backend)
        self.face = face
        self.sent = sent

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if self.face == "sync":
                return getattr(self.store, name)(*args, **kwargs)
            prefix = "async_" if name == "add" else "a"
            return await getattr(self.store, prefix + name)(*args, **kwargs)

        return call

    async def find(self, k: int, *conditions: Any, **more: Any) -> list[str]:
        """The ids of the *k* nearest to the first axis."""
        options = {name: more.pop(name) for name in list(more) if name.startswith("mmr_prefetch")}
        query = VectorStoreQuery(
            query_embedding=[1.0, 0.0, 0.0],
            similarity_top_k=k,
            filters=both(*conditions) if conditions else None,
            **more,
        )
        found: list[str] = (await self.query(query, **options)).ids
        return found

    def requests(self) -> list[str]:
        """The operations sent since the last call."""
        operations = list(self.sent)
        self.sent.clear()
        return operations


def empty(backend: Backend, index: NativeIndex) -> None:
    """Delete what a test left in a native table, which others share."""
    ConvexVectorStore(native_index=index, backend=backend).clear()


@pytest_asyncio.fixture(params=FACES)
async def native(request: pytest.FixtureRequest, deployment: Deployment) -> AsyncIterator[Native]:
    sent: list[str] = []
    options = Options(on_event=lambda event: sent.append(event.operation))
    backend = open_backend(deployment.url, deployment.admin_key, options=options)
    yield Native(backend, request.param, NODES, sent)
    empty(backend, NODES)
    empty(backend, PLAIN)
    await backend.aclose()


def made(number: int, of: int = 300) -> TextNode:
    """A node whose embedding is further from the first axis, the higher its number."""
    angle = 3 * number / of
    metadata = {
        "n": number,
        "tag": "odd" if number % 2 else "even",
        "page": number // 10,
        "clé": number % 50,
    }
    node = TextNode(
        id_=f"v{number:03d}",
        text=f"text {number}",
        metadata=metadata,
        embedding=[math.cos(angle), math.sin(angle), 0.0],
    )
    node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=f"d{number % 10}")
    return node


def nodes(count: int = 300) -> list[BaseNode]:
    return [made(number) for number in range(count)]


def named(*numbers: int) -> list[str]:
    return [f"v{number:03d}" for number in numbers]


def one(key: str, value: Any, operator: str = "==") -> MetadataFilter:
    return MetadataFilter(key=key, value=value, operator=operator)


def both(*filters: Any, condition: str = "and") -> MetadataFilters:
    return MetadataFilters(filters=list(filters), condition=condition)


def ids(found: list[BaseNode]) -> list[str]:
    return [node.node_id for node in found]


async def test_add_get_delete_and_clear(native: Native) -> None:
    assert await native.add([]) == []
    assert native.requests() == []
    added = nodes(250)
    assert await native.add(added) == ids(added)
    assert native.requests() == ["upsert native_nodes"] * 3
    back = await native.get_nodes(["v007", "none", "v003"])
    assert ids(back) == named(7, 3)
    for node in back:
        original = added[int(node.node_id[1:])]
        assert (node.hash, node.metadata) == (original.hash, original.metadata)
        assert node.embedding == pytest.approx(original.embedding)
    assert ids(await native.get_nodes()) == ids(added)
    assert await native.get_nodes([]) == []
    assert ids(await native.get_nodes(filters=both(one("page", 3)))) == named(*range(30, 40))
    assert ids(await native.get_nodes(["v009", "v002"], both(one("tag", "odd")))) == named(9)

    again = made(7)
    again.metadata = {"tag": "new"}
    await native.add([made(7), again])
    assert (await native.get_nodes(["v007"]))[0].metadata == {"tag": "new"}
    assert await native.find(3, one("tag", "new")) == named(7)

    await native.delete_nodes()
    await native.delete_nodes([])
    await native.delete_nodes(filters=both())
    await native.delete_nodes([], both(one("tag", "odd")))
    await native.delete(None)
    await native.delete("no such document")
    assert len(await native.get_nodes()) == 250
    await native.delete_nodes(["v000", "none"])
    await native.delete_nodes(filters=both(one("page", [1, 2], "in")))
    await native.delete_nodes(["v001", "v002"], both(one("tag", "odd")))
    await native.delete_nodes(filters=both(one("n", 35, "<"), one("page", 3)))
    await native.delete("d9")
    left = [n for n in range(250) if n not in (0, 1) and not 10 <= n < 35 and n % 10 != 9]
    assert ids(await native.get_nodes()) == named(*left)
    await native.clear()
    await native.clear()
    assert await native.get_nodes() == []
    assert await native.find(5) == []
    assert await native.add([made(1)]) == named(1)


async def test_any_number_is_deleted_where_the_index_decides(native: Native) -> None:
    many = [made(number, of=600) for number in range(600)]
    for node in many[:550]:
        node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id="large")
    await native.add(many)
    native.requests()
    await native.delete("large")
    assert native.requests().count(READ) == 3, "256, 256 and the rest"
    assert ids(await native.get_nodes()) == named(*range(550, 600))
    await native.add(many)
    await native.delete_nodes(filters=both(one("tag", ["even", "odd"], "in")))
    assert await native.get_nodes() == []
    await native.add(many)
    await native.clear()
    assert await native.get_nodes() == []


async def test_what_cannot_be_added_is_refused_before_anything_is_sent(native: Native) -> None:
    for wrong, match in (
        (TextNode(id_="x", text="bare"), "no embedding"),
        (TextNode(id_="x", text="short", embedding=[1.0, 2.0]), "different dimensions"),
        (TextNode(id_="x", text="x" * 2**20, embedding=[1.0, 2.0, 3.0]), "1,048,576|1 MiB"),
    ):
        with pytest.raises(Exception, match=match):
            await native.add([made(1), wrong])
    with pytest.raises(InvalidArgumentError, match="2 dimensions"):
        await native.add([TextNode(id_="x", text="short", embedding=[1.0, 2.0])])
    assert native.requests() == []


@pytest.mark.parametrize(
    ("conditions", "searches"),
    [
        ([], 1),
        ([one("tag", "odd")], 1),
        ([one("tag", ["odd", "even"], "in")], 2),
        ([both(one("tag", "odd"), one("page", 1), one("page", 2.0), condition="or")], 4),
        ([one("ref_doc_id", "d1")], 1),
    ],
)
async def test_what_the_index_can_take_is_asked_of_it(
    native: Native, conditions: Any, searches: int
) -> None:
    await native.add(nodes(100))
    native.requests()
    assert len(await native.find(7, *conditions)) == 7
    # 1 is true, to Python; pages 0 and 1 are so asked for twice.
    assert native.requests() == [SEARCH] * searches + [READ]


async def test_what_cannot_match_is_not_asked(native: Native) -> None:
    impossible = one("tag", [], "in")
    assert await native.find(5, impossible) == []
    assert await native.get_nodes(filters=both(impossible)) == []
    await native.delete_nodes(filters=both(impossible))
    assert native.requests() == []


async def test_filters_never_starve_the_result(native: Native) -> None:
    await native.add(nodes())
    for conditions, expected, rounds in (
        ([one("n", 4, "<")], [0, 1, 2, 3], 1),
        ([one("n", [0, 100, 200, 250], "in")], [0, 100, 200, 250], 3),
        ([one("tag", "odd"), one("n", 90, ">")], [91, 93, 95, 97], 2),
        ([one("tag", "odd"), one("n", 292, ">")], [293, 295, 297, 299], 3),
        # A key that Convex cannot hold has no native copy; the node itself is judged.
        ([one("clé", 49)], [49, 99, 149, 199], 3),
        ([both(one("tag", "odd"), one("page", 3, "<"), condition="not")], [30, 32, 34, 36], 2),
    ):
        native.requests()
        assert await native.find(4, *conditions) == named(*expected)
        assert native.requests().count(SEARCH) == rounds
    assert await native.find(4, one("clé", 9), doc_ids=["d9"]) == named(9, 59, 109, 159)


async def test_too_few_of_the_nearest_256_is_an_error_and_no_shorter_result(
    native: Native,
) -> None:
    await native.add(nodes())
    far = one("n", 254, ">=")
    assert await native.find(2, far) == named(254, 255)
    for attempt in (
        native.find(3, far),
        native.find(1, one("n", 256)),
        native.find(1, far, mode=MMR),
        native.get_nodes(),
        native.get_nodes(filters=both(far)),
        native.delete_nodes(filters=both(far)),
    ):
        with pytest.raises(ScanLimitError, match="256") as caught:
            await attempt
        assert caught.value.limit == 256
    assert len(await native.get_nodes(ids(nodes()))) == 300, "nothing was deleted"
    # Every way to narrow it helps: a filter field, the source document, ids.
    assert await native.find(4, far, one("page", 29), one("n", 297, ">=")) == named(297, 298, 299)
    assert await native.find(9, far, doc_ids=["d8"]) == named(258, 268, 278, 288, 298)
    assert await native.find(50, far, node_ids=ids(nodes())) == named(*range(254, 300))
    assert ids(await native.get_nodes(filters=both(far, one("page", 29)))) == named(
        *range(290, 300)
    )


async def test_256_is_as_many_as_a_search_returns(native: Native) -> None:
    await native.add(nodes())
    native.requests()
    for attempt in (
        native.find(257),
        native.find(257, one("tag", "odd")),
        native.find(257, mode=MMR),
        native.find(5, mode=MMR, mmr_prefetch_k=257),
        native.find(100, mode=MMR, mmr_prefetch_factor=3.0),
    ):
        with pytest.raises(InvalidArgumentError, match="at most 256 nodes"):
            await attempt
    assert native.requests() == []
    assert await native.find(256) == named(*range(256))
    # Nobody asked for 400 candidates: MMR chooses among as many as there can be.
    assert len(await native.find(100, mode=MMR)) == 100
    assert len(await native.find(300, node_ids=ids(nodes()))) == 300


async def test_ids_are_read_whatever_their_number(native: Native) -> None:
    await native.add(nodes())
    native.requests()
    among = [*named(*range(10, 290)), "none"]
    assert await native.find(5, node_ids=among) == named(*range(10, 15))
    assert native.requests() == ["listByIds native_nodes"] * 3
    assert await native.find(3, one("tag", "odd"), node_ids=among, doc_ids=["d1", "d2"]) == named(
        11, 21, 31
    )
    assert await native.find(2, node_ids=[], doc_ids=[]) == named(0, 1)
    short = VectorStoreQuery(query_embedding=[1.0, 2.0], node_ids=["v001"])
    for query in (short, VectorStoreQuery(query_embedding=[1.0, 2.0])):
        with pytest.raises(InvalidArgumentError, match="2 dimensions"):
            await native.query(query)


async def test_scores_embeddings_and_mmr(native: Native) -> None:
    added = nodes(60)
    await native.add(added)
    query = VectorStoreQuery(query_embedding=[1.0, 0.0, 0.0], similarity_top_k=3)
    result = await native.query(query)
    assert result.similarities == pytest.approx([math.cos(3 * n / 300) for n in range(3)], abs=1e-6)
    assert result.nodes[0].embedding is None
    result = await native.query(query, include_embeddings=True)
    assert result.nodes[2].embedding == pytest.approx(added[2].embedding)
    diverse = await native.find(
        2, one("n", 30, ">="), mode=MMR, mmr_threshold=0.0, mmr_prefetch_k=6
    )
    assert diverse == named(30, 35)


async def test_a_filter_in_mastras_grammar(native: Native) -> None:
    await native.add(nodes(60))
    query = VectorStoreQuery(
        query_embedding=[1.0, 0.0, 0.0], similarity_top_k=4, filters=both(one("tag", "odd"))
    )
    found = await native.query(query, mastra_filter={"page": {"$gte": 2}})
    assert found.ids == named(21, 23, 25, 27)
    native.requests()
    found = await native.query(query, mastra_filter={"page": 2})
    assert found.ids == named(21, 23, 25, 27)
    assert native.requests() == [SEARCH, READ]


async def test_without_a_filter_field_a_source_document_is_looked_for(native: Native) -> None:
    plain = Native(native.store.client.backend, native.face, PLAIN, native.sent)
    await plain.add(nodes(250))
    await plain.delete("d1")
    left = [number for number in range(250) if number % 10 != 1]
    assert ids(await plain.get_nodes()) == named(*left)
    await plain.add(nodes())
    for attempt in (plain.delete("d2"), plain.delete_nodes(filters=both(one("tag", "odd")))):
        with pytest.raises(ScanLimitError, match="256"):
            await attempt
    assert len(await plain.get_nodes(ids(nodes()))) == 300, "nothing was deleted"
    await plain.clear()
    assert await plain.get_nodes() == []


async def test_what_mastra_wrote_is_read_and_filtered(native: Native) -> None:
    native.store.client.upsert(
        "native_nodes",
        [[1, 0, 0], [0, 1, 0]],
        ids=["m1", "m2"],
        metadata=[{"text": "one", "page": 1}, {"text": "two", "tag": "x"}],
    )
    await native.add([made(15)])
    assert await native.find(5, one("page", 1)) == ["m1", "v015"]
    back = await native.get_nodes(filters=both(one("page", 1)))
    assert back[0].get_content() == "one"
    assert await native.find(5, one("page", None, "is_empty")) == ["m2"]
    (match,) = native.store.client.query("native_nodes", [1, 0, 0], filter={"tag": "odd"})
    assert (match.id, match.metadata["text"]) == ("v015", "text 15")


def test_an_index_of_llama_index_keeps_its_documents(deployment: Deployment) -> None:
    store = ConvexVectorStore(
        native_index=NODES, deployment_url=deployment.url, admin_auth_token=deployment.admin_key
    )
    index = VectorStoreIndex(
        [],
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=MockEmbedding(3),
    )
    try:
        for name in ("lifts", "stairs"):
            index.insert(Document(doc_id=name, text=f"About {name}.", metadata={"tag": name}))
        retriever = index.as_retriever(filters=both(one("tag", "lifts")))
        assert [found.text for found in retriever.retrieve("?")] == ["About lifts."]
        index.delete_ref_doc("lifts")
        assert [node.ref_doc_id for node in store.get_nodes()] == ["stairs"]
    finally:
        store.clear()
        store.close()


VALUES = st.sampled_from(["x", "y", "", 0, 1, -1, 2.5, 1.0, 2**60, "z" * (COPY_BYTES + 1)])
STORED = VALUES | st.sampled_from([None, True, False, -0.0, ["x"], [1], {"a": 1}])
METADATA = st.fixed_dictionaries({}, optional={"tag": STORED, "page": STORED, "clé": STORED})
KEYS = st.sampled_from(["tag", "page", "clé", "ref_doc_id"])
SINGLES = st.one_of(
    st.builds(one, KEYS, VALUES, st.sampled_from(["==", "!=", ">", "<=", "contains"])),
    st.builds(one, KEYS, st.lists(st.sampled_from(["x", "y", "d0"]), max_size=3), st.just("in")),
    st.builds(one, KEYS, st.lists(st.sampled_from([0, 1, 2]), max_size=3), st.just("nin")),
    st.builds(one, KEYS, st.none(), st.just("is_empty")),
)
FILTERS = st.recursive(
    st.builds(both, SINGLES),
    lambda inner: st.builds(
        MetadataFilters,
        filters=st.lists(inner, max_size=3),
        condition=st.sampled_from([*FilterCondition, None]),
    ),
    max_leaves=5,
)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    metadatas=st.lists(METADATA, min_size=1, max_size=12),
    asked=st.lists(FILTERS, min_size=1, max_size=6),
    k=st.integers(1, 6),
)
def test_both_kinds_find_the_same(
    deployment: Deployment, metadatas: list[dict[str, Any]], asked: list[Any], k: int
) -> None:
    place = {"deployment_url": deployment.url, "admin_auth_token": deployment.admin_key}
    native = ConvexVectorStore(native_index=NODES, **place)
    scanned = ConvexVectorStore("nodes-same-as-native", **place)
    added = [made(number, of=20) for number in range(len(metadatas))]
    for node, metadata in zip(added, metadatas, strict=True):
        node.metadata = metadata
    native.add(added)
    scanned.add(added)
    try:
        for filters in asked:
            for doc_ids in (None, ["d0", "d3"]):
                query = VectorStoreQuery(
                    query_embedding=[1.0, 0.0, 0.0],
                    similarity_top_k=k,
                    filters=filters,
                    doc_ids=doc_ids,
                )
                assert native.query(query).ids == scanned.query(query).ids
            assert ids(native.get_nodes(filters=filters)) == sorted(
                ids(scanned.get_nodes(filters=filters))
            )
        native.delete_nodes(filters=asked[0])
        scanned.delete_nodes(filters=asked[0])
        assert ids(native.get_nodes()) == sorted(ids(scanned.get_nodes()))
    finally:
        for store in (native, scanned):
            store.clear()
            store.close()


WANTED = [None, "", "x", "1", 0, 1, -1, 1.0, 0.5, 2**53, 2**60, "z" * COPY_BYTES, "\ud800"]
WANTED += [[], ["x"], ["x", "z" * COPY_BYTES], [1], [0, 2], [2**60], [1.0]]
ROWS = [
    node_to_metadata(TextNode(text="a", metadata={} if value is ... else {"k": value}))
    for value in [..., *WANTED, True, False, None, float("nan"), {"a": 1}, [True]]
]
FLAT = [filterable_metadata(row) for row in ROWS]
INDEX = NativeIndex(table_name="t", dimension=2, filter_fields=("k",))


@pytest.mark.parametrize("operator", list(FilterOperator))
def test_what_is_pushed_down_selects_all_that_matches_and_no_more_if_it_decides(
    operator: FilterOperator,
) -> None:
    for wanted, condition in product(WANTED, FilterCondition):
        filters = both(one("k", wanted, operator), condition=condition)
        pushed = push_down_to(INDEX.filter_fields, filters, None)
        selects = compile_filter(pushed.where)
        asked = compile_filter(narrow(pushed.where, INDEX).filter)
        is_empty = narrow(pushed.where, INDEX).is_empty
        matches = build_predicate(filters)
        for row, flat in zip(ROWS, FLAT, strict=True):
            selected = selects is None or selects(row)
            if matches(flat):
                assert selected, (row, filters)
                assert not is_empty, (row, filters)
                assert asked is None or asked(row), (row, filters)
            elif pushed.decides:
                assert not selected, (row, filters)


def test_filter_fields_are_copied_before_other_keys() -> None:
    metadata = {f"key{number}": number for number in range(COPIED_KEYS + 5)} | {"tag": "x"}
    node = TextNode(text="a", metadata=metadata)
    assert "tag" not in node_to_metadata(node)
    last = f"key{COPIED_KEYS + 4}"
    assert last not in node_to_metadata(node)
    for key, decides in (("tag", True), (last, False)):
        assert push_down_to(("tag",), both(one(key, "x")), None).decides is decides
    stored = node_to_metadata(node, ("tag",))
    assert stored["tag"] == "x"
    assert filterable_metadata(stored) == metadata | dict.fromkeys(
        ("document_id", "doc_id", "ref_doc_id"), "None"
    )


def test_the_ways_to_name_a_native_index(tmp_path: Path) -> None:
    url = f"file:{tmp_path / 'mastra.db'}"
    backend = open_backend(url)
    for number, store in enumerate(
        [
            ConvexVectorStore(native_index=NODES, deployment_url=url),
            ConvexVectorStore("native_nodes", native_index=NODES, backend=backend),
            ConvexVectorStore("n", vector=ConvexNativeVector({"n": NODES}, backend=backend)),
            ConvexVectorStore("n", vector=AsyncConvexNativeVector({"n": NODES}, backend=backend)),
            ConvexVectorStore.from_params(None, url, native_index=NODES),
        ]
    ):
        store.add([made(number)])
        assert ids(store.get_nodes()) == named(*range(number + 1))
        assert store.index_name == "native_nodes"
        assert isinstance(store.client, ConvexNativeVector)
        assert store.client.list_indexes() == ["native_nodes"]
        store.close()
    native = ConvexNativeVector({"n": NODES}, backend=backend)
    for match, arguments in (
        ("no index 'other'; it has 'n'", {"index_name": "other", "vector": native}),
        ("no index 'llama_index'", {"vector": native}),
        ("not both", {"index_name": "n", "vector": native, "native_index": NODES}),
        ("not both", {"index_name": "other", "native_index": NODES, "backend": backend}),
        ("not both", {"vector": native, "backend": backend}),
        ("must be a NativeIndex", {"native_index": "native_nodes", "backend": backend}),
    ):
        with pytest.raises(ConfigurationError, match=match):
            ConvexVectorStore(**arguments)
    sharing = ConvexVectorStore(native_index=NODES, vector=ConvexVector(backend=backend))
    assert len(sharing.get_nodes()) == 5
    backend.close()


def test_a_native_store_comes_back_from_its_dict_and_pickle(tmp_path: Path) -> None:
    url = f"file:{tmp_path / 'mastra.db'}"
    store = ConvexVectorStore(native_index=NODES, deployment_url=url)
    store.add([made(1)])
    for back in (ConvexVectorStore.from_dict(store.to_dict()), pickle.loads(pickle.dumps(store))):
        assert back.native_index == NODES
        assert back.to_dict() == store.to_dict()
        assert ids(back.get_nodes()) == named(1)
        back.close()
    assert ConvexVectorStore.from_json(store.to_json()).native_index == NODES
    store.close()


def test_deployed_functions_of_other_names(deployment: Deployment) -> None:
    paths = {
        name: f"elsewhere:{name}"
        for name in ("native_vector_action", "native_vector_query", "native_vector_mutation")
    }
    with ConvexNativeVector({"n": NODES}, deployment.url, deployment.admin_key, **paths) as vector:
        for store in (
            ConvexVectorStore("n", vector=vector),
            ConvexVectorStore(native_index=NODES, backend=vector.backend, **paths),
        ):
            with pytest.raises(FunctionError, match="elsewhere:native_vector_mutation"):
                store.add([made(1)])
            with pytest.raises(FunctionError, match="elsewhere:native_vector_action"):
                store.query(VectorStoreQuery(query_embedding=[1.0, 0.0, 0.0]))
            assert store.client.native_vectors.read_function == "elsewhere:native_vector_query"


def test_every_score_is_the_cosine(deployment: Deployment) -> None:
    random = np.random.default_rng(3).normal(size=(40, 3))
    place = {"deployment_url": deployment.url, "admin_auth_token": deployment.admin_key}
    store = ConvexVectorStore(native_index=NODES, **place)
    try:
        store.add(
            [
                TextNode(id_=f"r{number:02d}", text="t", embedding=vector.tolist())
                for number, vector in enumerate(random)
            ]
        )
        query = VectorStoreQuery(query_embedding=random[0].tolist(), similarity_top_k=40)
        result = store.query(query)
        units = random / np.linalg.norm(random, axis=1, keepdims=True)
        scores = units @ units[0]
        assert result.ids == [f"r{number:02d}" for number in np.argsort(-scores)]
        assert result.similarities == pytest.approx(sorted(scores, reverse=True), abs=1e-6)
    finally:
        store.clear()
        store.close()
