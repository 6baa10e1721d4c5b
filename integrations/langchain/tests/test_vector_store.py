"""``ConvexVectorStore`` beyond the standard tests: both kinds of index, every lane, both faces."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from langchain_core.documents import Document
from langchain_core.indexing import InMemoryRecordManager, index

from convex_mastra import (
    ConfigurationError,
    ConvexVector,
    FunctionNotFoundError,
    InvalidArgumentError,
    LimitExceededError,
    open_backend,
)
from integrations.langchain.tests.stores import (
    KINDS,
    NATIVE,
    Directions,
    OneFace,
    empty,
    index_of,
    store_on,
)
from langchain_convex_mastra import ConvexDocumentIndex, ConvexVectorStore
from tests.lanes import FACES, Deployment, older_lanes_only

Unique = Callable[[str], str]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest_asyncio.fixture(params=FACES)
async def face(
    request: pytest.FixtureRequest, deployment: Deployment, kind: str, unique: Unique
) -> AsyncIterator[OneFace]:
    async with store_on(deployment, kind, unique("docs")) as store:
        yield OneFace(store, request.param)
        if kind == "native":
            empty(store.backend)


METADATA: list[dict[str, Any]] = [
    {"id": 1, "page": 1.0, "größe": "klein"},
    {"id": 2, "page": 2.5, "größe": "groß"},
    {"id": 3, "page": 3},
    {"id": 2**60},
]


async def filled(face: OneFace) -> list[str]:
    ids: list[str] = await face.add_texts(["1,0", "1,1", "0,1", "-1,0"], METADATA)
    return ids


def asked_of(face: OneFace) -> list[str]:
    embedding = face.store.embeddings
    assert isinstance(embedding, Directions)
    asked = list(embedding.asked)
    embedding.asked.clear()
    return asked


async def test_searches_agree(face: OneFace) -> None:
    ids = await filled(face)
    expected = [
        Document(id=ids[0], page_content="1,0", metadata=METADATA[0]),
        Document(id=ids[1], page_content="1,1", metadata=METADATA[1]),
    ]
    assert await face.similarity_search("1,0", k=2) == expected
    assert await face.similarity_search_by_vector([1.0, 0.0], k=2) == expected
    scored = await face.similarity_search_with_score("1,0", k=4)
    assert [document.id for document, _ in scored] == ids
    assert [score for _, score in scored] == pytest.approx([1, 0.5**0.5, 0, -1], abs=1e-6)
    assert await face.similarity_search_with_score_by_vector([1.0, 0.0], k=4) == scored
    relevant = await face.similarity_search_with_relevance_scores("1,0", k=4)
    assert [score for _, score in relevant] == pytest.approx([1, 0.5**0.5, 0, 0], abs=1e-6)
    for threshold, expected_ids in ((0.5, ids[:2]), (-1, ids), (0, ids), (1.5, [])):
        above = await face.similarity_search_with_relevance_scores(
            "1,0", k=4, score_threshold=threshold
        )
        assert [document.id for document, _ in above] == expected_ids
    assert await face.search("1,0", "similarity", k=1) == expected[:1]


async def test_retrievers(face: OneFace) -> None:
    ids = await filled(face)
    for search_type, arguments, expected in (
        ("similarity", {"k": 2}, ids[:2]),
        ("similarity_score_threshold", {"k": 4, "score_threshold": 0.9}, ids[:1]),
        ("mmr", {"k": 2, "lambda_mult": 0.0}, [ids[0], ids[3]]),
        ("similarity", {"filter": {"page": {"$gt": 1}}}, ids[1:3]),
        ("similarity", {"filter": lambda document: document.metadata["id"] > 2}, ids[2:]),
    ):
        retriever = face.store.as_retriever(search_type=search_type, search_kwargs=arguments)
        assert [one.id for one in await retriever.ainvoke("1,0")] == expected
        assert [one.id for one in retriever.invoke("1,0")] == expected
    assert retriever.tags == ["ConvexVectorStore", "Directions"]


async def test_exact_metadata(face: OneFace) -> None:
    ids = await filled(face)
    documents = await face.get_by_ids([ids[3], "missing", ids[0], ids[3]])
    assert [document.id for document in documents] == [ids[3], ids[0]]
    assert documents[0].metadata["id"] == 2**60
    assert type(documents[1].metadata["id"]) is int
    assert type(documents[1].metadata["page"]) is float


FILTERS: list[tuple[Any, list[int]]] = [
    ({}, [0, 1, 2, 3]),
    ([], [0, 1, 2, 3]),
    ({"id": {"$in": [1, 3]}}, [0, 2]),
    ({"page": {"$gt": 1, "$lt": 3}}, [1]),
    ({"page": 3}, [2]),
    ({"page": {"$in": [1, 3]}}, [0, 2]),
    ({"metadata": {"größe": "groß"}}, [1]),
    ({"$or": [{"größe": "klein"}, {"text": "0,1"}]}, [0, 2]),
    ({"page": {"$exists": False}}, [3]),
    ({"page": 1, "größe": "klein"}, [0]),
    ({"id": 99}, []),
    ({"page": {"$in": []}}, []),
    (lambda document: document.metadata["id"] in (2, 2**60), [1, 3]),
    (lambda document: type(document.metadata.get("page")) is float, [0, 1]),
    (lambda document: document.page_content.startswith("1"), [0, 1]),
    ([{"page": {"$lt": 3}}, lambda document: document.metadata["id"] > 1], [1]),
    (({"id": {"$lt": 3}}, {"page": 1}), [0]),
    ([lambda _document: True, lambda document: len(document.id) == 0], []),
]


@pytest.mark.parametrize(("where", "expected"), FILTERS)
async def test_filters(face: OneFace, where: Any, expected: list[int]) -> None:
    ids = await filled(face)
    found = await face.similarity_search("1,0", k=10, filter=where)
    assert [document.id for document in found] == [ids[i] for i in expected]
    listed = await face.list_documents(where)
    assert {document.id for document in listed} == {ids[i] for i in expected}
    diverse = await face.max_marginal_relevance_search_by_vector([1.0, 0.0], k=9, filter=where)
    assert {document.id for document in diverse} == {ids[i] for i in expected}
    if len(expected) < len(ids):
        assert await face.delete(filter=where) is True
        left = await face.get_by_ids(ids)
        assert [document.id for document in left] == [ids[i] for i in range(4) if i not in expected]


async def test_a_function_sees_a_document_of_its_own(face: OneFace) -> None:
    await filled(face)

    def spoil(document: Document) -> bool:
        document.metadata["id"] = "spoilt"
        document.page_content = "spoilt"
        return True

    found = await face.similarity_search("1,0", filter=[spoil, lambda one: one.metadata["id"] == 1])
    assert found == [Document(id=found[0].id, page_content="1,0", metadata=METADATA[0])]
    with pytest.raises(KeyError, match="page"):
        await face.similarity_search("1,0", filter=lambda document: document.metadata["page"] > 1)


SEARCHES = [
    "similarity_search",
    "similarity_search_with_score",
    "similarity_search_with_relevance_scores",
    "max_marginal_relevance_search",
]
MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"k": 0}, "k", "k must be an integer .* not 0"),
    ({"k": -1}, "k", "not -1"),
    ({"k": True}, "k", "not True"),
    ({"k": 2.0}, "k", "not 2.0"),
    ({"k": "4"}, "k", "not '4'"),
    ({"filter": 7}, "filter", "it is of type int"),
    ({"filter": "page"}, "filter", "it is of type str"),
    ({"filter": [{"id": 1}, 7]}, "filter[1]", "it is of type int"),
    ({"filter": {"id": {"$near": 1}}}, "id", r"\$near"),
    ({"filter": {"$or": {"id": 1}}}, "$or", "a list of objects"),
    ({"query": 7}, "query", "query must be a text; it is of type int"),
]


@pytest.mark.parametrize("search", SEARCHES)
async def test_mistakes_in_searches_cost_nothing(face: OneFace, search: str) -> None:
    for mistake, field, text in MISTAKES:
        with pytest.raises(InvalidArgumentError, match=text) as caught:
            await getattr(face, search)(**({"query": "1,0"} | mistake))
        assert caught.value.field == field
    with pytest.raises(TypeError, match="fitler"):
        await getattr(face, search)("1,0", fitler={"id": 1})
    assert asked_of(face) == []


async def test_mistakes_in_further_arguments(face: OneFace) -> None:
    for method, arguments, field in (
        ("similarity_search_by_vector", {"embedding": []}, "embedding"),
        ("similarity_search_by_vector", {"embedding": [1, float("nan")]}, "embedding"),
        ("similarity_search_by_vector", {"embedding": "1,0"}, "embedding"),
        ("similarity_search_by_vector", {"embedding": [1, 0], "k": 0}, "k"),
        ("similarity_search_with_score_by_vector", {"embedding": [[1, 0]]}, "embedding"),
        ("max_marginal_relevance_search", {"query": "1,0", "fetch_k": 0}, "fetch_k"),
        ("max_marginal_relevance_search", {"query": "1,0", "lambda_mult": 1.1}, "lambda_mult"),
        ("max_marginal_relevance_search", {"query": "1,0", "lambda_mult": "1"}, "lambda_mult"),
        ("max_marginal_relevance_search_by_vector", {"embedding": [None, 1]}, "embedding"),
        (
            "similarity_search_with_relevance_scores",
            {"query": "1,0", "score_threshold": float("nan")},
            "score_threshold",
        ),
        (
            "similarity_search_with_relevance_scores",
            {"query": "1,0", "score_threshold": "0.5"},
            "score_threshold",
        ),
        ("get_by_ids", {"ids": "abc"}, "ids"),
        ("get_by_ids", {"ids": ["a", 7]}, "ids[1]"),
        ("delete", {"ids": "abc"}, "ids"),
        ("delete", {"ids": [""]}, "ids[0]"),
        ("delete", {}, "ids"),
        ("delete", {"ids": ["a"], "filter": {"id": 1}}, "ids"),
        ("delete", {"ids": [], "filter": {}}, "ids"),
        ("delete", {"filter": {}}, "filter"),
        ("delete", {"filter": []}, "filter"),
        ("delete", {"filter": [{}, {"metadata": {}}]}, "filter"),
        ("delete", {"filter": {"$and": [{}, {"$or": [{"id": 1}, {}]}], "$nor": []}}, "filter"),
        ("delete", {"filter": {"id": {"$nin": []}}}, "filter"),
        ("delete", {"filter": {"$or": [{"id": 1}, {"id": {"$nin": []}}]}}, "filter"),
        ("delete", {"filter": "id"}, "filter"),
        ("list_documents", {"filter": 7}, "filter"),
    ):
        args = [arguments.pop("ids")] if method == "get_by_ids" else []
        with pytest.raises(InvalidArgumentError) as caught:
            await getattr(face, method)(*args, **arguments)
        assert caught.value.field == field, (method, arguments)
    with pytest.raises(TypeError, match="flter"):
        await face.delete(["a"], flter={})
    assert asked_of(face) == []


async def test_marginal_relevance(face: OneFace) -> None:
    await face.add_texts(["1,0", "1,0.01", "1,0.02", "1,1"])
    found = await face.max_marginal_relevance_search("1,0", k=2, lambda_mult=0.3)
    assert [document.page_content for document in found] == ["1,0", "1,1"]
    near = await face.max_marginal_relevance_search("1,0", k=2, fetch_k=3, lambda_mult=0.3)
    assert [document.page_content for document in near] == ["1,0", "1,0.02"]
    many = await face.max_marginal_relevance_search("1,0", k=4, fetch_k=1, lambda_mult=1)
    assert len(many) == 4, "at least k are chosen from"
    by_vector = await face.max_marginal_relevance_search_by_vector(
        [1.0, 0.0], k=1, filter={"text": "1,1"}
    )
    assert [document.page_content for document in by_vector] == ["1,1"]


async def test_writing(face: OneFace, unique: Unique) -> None:
    one, two = unique("d"), unique("d")
    documents = [
        Document(id=one, page_content="1,0", metadata={"text": "mine", "_langchain": 1}),
        Document(page_content="0,1"),
    ]
    before = copy.deepcopy(documents)
    ids = await face.add_documents(iter(documents))
    assert ids[0] == one
    assert await face.add_documents(documents, ids=[two, one], batch_size=1) == [two, one]
    found = await face.get_by_ids([one, two])
    assert found == [
        Document(id=one, page_content="0,1"),
        Document(id=two, page_content="1,0", metadata=documents[0].metadata),
    ]
    assert documents == before
    assert await face.add_texts([]) == []
    assert await face.delete([]) is True
    assert await face.delete([one, "missing", one]) is True
    assert [document.id for document in await face.get_by_ids([one, two])] == [two]
    with pytest.raises(ValueError, match="truncate_index"):
        await face.delete()


async def test_generators_and_ids_made_up(face: OneFace, unique: Unique) -> None:
    mine = unique("d")
    metadatas: list[dict[str, Any] | None] = [{"n": 1}, None, {}]
    ids = await face.add_texts(
        (f"1,{number}" for number in range(3)), iter(metadatas), ids=iter([None, mine, None])
    )
    assert ids[1] == mine
    assert len(set(ids)) == 3
    found = await face.get_by_ids(ids)
    assert [document.metadata for document in found] == [{"n": 1}, {}, {}]
    assert [document.page_content for document in found] == ["1,0", "1,1", "1,2"]
    assert metadatas == [{"n": 1}, None, {}]


async def test_mistakes_in_writes_cost_no_embedding(face: OneFace) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"texts": ["1,0"], "metadatas": []}, "metadatas", "1 texts but 0 metadatas"),
        ({"texts": ["1,0"], "metadatas": [7]}, "metadatas[0]", "it is of type int"),
        ({"texts": ["1,0"], "metadatas": {"a": 1}}, "metadatas", "must be a list"),
        ({"texts": ["1,0"], "ids": ["a", "b"]}, "ids", "1 texts but 2 ids"),
        ({"texts": ["1,0"], "ids": "a"}, "ids", "must be a list"),
        ({"texts": ["1,0", "0,1"], "ids": ["a", "a"]}, "ids[1]", "repeats 'a'"),
        ({"texts": ["1,0"], "ids": [""]}, "ids[0]", "not empty"),
        ({"texts": ["1,0"], "ids": [7]}, "ids[0]", "it is of type int"),
        ({"texts": ["1,0", 7]}, "texts[1]", "it is of type int"),
        ({"texts": ["1,0", "\ud800"]}, "texts[1]", "surrogate"),
        ({"texts": "1,0"}, "texts", "must be a list"),
        (
            {"texts": ["1,0"], "metadatas": [{"when": object()}]},
            "metadatas[0].when",
            "of type object",
        ),
    ]
    for arguments, field, text in cases:
        with pytest.raises(InvalidArgumentError, match=text) as caught:
            await face.add_texts(**arguments)
        assert caught.value.field == field
    with pytest.raises(InvalidArgumentError, match="list of documents; it is of type Document"):
        await face.add_documents(Document("one"))
    with pytest.raises(InvalidArgumentError, match=r"documents\[1\] must be a Document"):
        await face.add_documents([Document(page_content="1,0"), "0,1"])
    with pytest.raises(TypeError, match="metadata"):
        await face.add_texts(["1,0"], metadata=[{}])
    assert asked_of(face) == []


class Broken(Directions):
    """Returns what it is told to."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def embed_documents(self, texts: list[str]) -> Any:
        return self.answer

    def embed_query(self, text: str) -> Any:
        return self.answer[0]

    async def aembed_documents(self, texts: list[str]) -> Any:
        return self.answer

    async def aembed_query(self, text: str) -> Any:
        return self.answer[0]


@pytest.mark.parametrize("name", FACES)
@pytest.mark.parametrize(
    ("answer", "field", "text"),
    [
        ([[1.0, 0.0]], "embeddings", "returned 1 vectors for 2 texts"),
        ([[1.0, 0.0], [1.0]], "embeddings", "equally many numbers"),
        ([[1.0, 0.0], [1.0, float("inf")]], "embeddings[1]", "NaN or infinity"),
        ([["a", "b"], [1, 2]], "embeddings", "must be lists of"),
        ([[], []], "embeddings", "shape"),
        ([[1.0, 0.0, 0.0]] * 2, "vectors", "have 3 dimensions; .* has 2"),
    ],
)
async def test_embeddings_that_do_not_fit(
    deployment: Deployment, kind: str, unique: Unique, name: str, answer: Any, field: str, text: str
) -> None:
    index_name, sent = unique("docs"), []
    async with store_on(deployment, kind, index_name) as store:
        await store.aadd_texts(["1,0"])
        async with store_on(deployment, kind, index_name, Broken(answer)) as broken:
            face = OneFace(broken, name)
            with pytest.raises(InvalidArgumentError, match=text) as caught:
                await face.add_texts(["1,0", "0,1"])
            assert caught.value.field == field
            sent = await store.alist_documents()
            if len(answer[0]) != 2 or "a" in answer[0]:
                with pytest.raises(InvalidArgumentError):
                    await face.similarity_search("1,0")
        if kind == "native":
            empty(store.backend)
    assert len(sent) == 1, "nothing was stored"


async def test_dimensions_and_sizes(face: OneFace, deployment: Deployment, kind: str) -> None:
    assert await face.similarity_search("1,0") == []
    assert await face.list_documents() == []
    assert await face.get_by_ids(["a"]) == []
    assert await face.delete(["a"]) is True
    with pytest.raises(LimitExceededError):
        await face.add_texts(["1,0"], [{"big": "x" * 1_100_000}])
    if kind == "scanned":
        names = ConvexVector(
            backend=face.store.backend, storage_function=face.store.storage_function
        ).list_indexes()
        assert face.store.index_name not in names, "what cannot be stored declares no index"
    await face.add_texts(["1,0"])
    for attempt in (face.add_texts(["1,0,0"]), face.similarity_search("1,0,0")):
        with pytest.raises(InvalidArgumentError, match="3 dimensions"):
            await attempt


async def test_a_dimension_of_ones_own(deployment: Deployment, unique: Unique) -> None:
    name = unique("docs")
    async with store_on(deployment, "scanned", name, dimension=3) as store:
        with pytest.raises(InvalidArgumentError, match="have 2 dimensions; dimension is 3"):
            await store.aadd_texts(["1,0"])
        assert await store.aadd_texts(["1,0,0"], ids=["a"]) == ["a"]
        vectors = ConvexVector(backend=store.backend, storage_function=store.storage_function)
        assert vectors.describe_index(name).dimension == 3
        vectors.delete_index(name)
        await store.aadd_texts(["0,1,0"], ids=["b"])
        assert [one.id for one in store.similarity_search("1,0,0")] == ["b"], "declared again"


async def test_many_documents(face: OneFace) -> None:
    texts = [f"{np.cos(angle)},{np.sin(angle)}" for angle in np.linspace(0, 3, 300)]
    ids = await face.add_texts(texts, ids=[str(number) for number in range(300)])
    found = await face.similarity_search("1,0", k=50)
    assert [document.id for document in found] == ids[:50]
    assert len(await face.get_by_ids(ids)) == 300
    last = await face.similarity_search("1,0", k=1, filter=lambda document: document.id == "255")
    assert [document.id for document in last] == ["255"]


@pytest.fixture
def native_emptied(deployment: Deployment) -> Iterator[None]:
    yield
    backend = open_backend(deployment.url, deployment.admin_key)
    empty(backend)
    backend.close()


@pytest.mark.usefixtures("native_emptied")
async def test_made_from_texts(deployment: Deployment, kind: str, unique: Unique) -> None:
    backend = open_backend(deployment.url, deployment.admin_key)
    options: dict[str, Any] = {"backend": backend, "storage_function": deployment.storage_function}
    documents = [Document(id="a", page_content="1,0", metadata={"n": 1})]
    texts: tuple[Any, ...] = (["1,0"], Directions(), [{"n": 1}])
    made = [
        ConvexVectorStore.from_texts(*texts, ids=["a"], **index_of(kind, unique("d")), **options),
        await ConvexVectorStore.afrom_texts(
            *texts, ids=["a"], **index_of(kind, unique("d")), **options
        ),
        ConvexVectorStore.from_documents(
            documents, Directions(), **index_of(kind, unique("d")), **options
        ),
        await ConvexVectorStore.afrom_documents(
            documents, Directions(), **index_of(kind, unique("d")), **options
        ),
    ]
    for store in made:
        assert store.similarity_search("1,0") == documents
        store.close()
    assert made[0].similarity_search("1,0") == documents, "a shared backend stays open"
    await backend.aclose()


def test_a_store_that_cannot_be_filled_is_closed() -> None:
    with pytest.raises(InvalidArgumentError, match="1 texts but 2 ids"):
        ConvexVectorStore.from_texts(
            ["1,0"], Directions(), ids=["a", "b"], index_name="d", deployment_url=":memory:"
        )


async def test_mastra_indexes_are_documents(deployment: Deployment, unique: Unique) -> None:
    async with store_on(deployment, "scanned", unique("docs")) as store:
        vectors = ConvexVector(backend=store.backend, storage_function=store.storage_function)
        vectors.create_index(store.index_name, 2)
        vectors.upsert(
            store.index_name,
            [[1, 0], [0, 1], [-1, 0]],
            ids=["chunk", "message", "bare"],
            metadata=[{"text": "hello", "source": "a.md", "page": 3}, {"content": "said"}, None],
        )
        expected = [
            Document(id="chunk", page_content="hello", metadata={"source": "a.md", "page": 3}),
            Document(id="message", page_content="said"),
            Document(id="bare", page_content=""),
        ]
        assert await store.asimilarity_search("1,0") == expected
        assert store.similarity_search("1,0", filter=lambda _document: True) == expected
        vectors.update_vector(store.index_name, id="chunk", metadata={"page": 4})
        (chunk,) = store.get_by_ids(["chunk"])
        assert chunk.metadata == {"source": "a.md", "page": 4}


@pytest.mark.usefixtures("native_emptied")
@pytest.mark.parametrize("destination", ["vector store", "document index"])
def test_indexing_with_a_record_manager(
    deployment: Deployment, kind: str, unique: Unique, destination: str
) -> None:
    records = InMemoryRecordManager(namespace="x")
    records.create_schema()
    with store_on(deployment, kind, unique("docs")) as store:
        where: Any = store
        if destination == "document index":
            where = ConvexDocumentIndex(vector_store=store)
        documents = [
            Document(page_content=text, metadata={"source": "s"}) for text in ("1,0", "0,1")
        ]
        options: dict[str, Any] = {"source_id_key": "source", "key_encoder": "sha256"}
        first = index(documents, records, where, cleanup="full", **options)
        second = index(documents[:1], records, where, cleanup="full", **options)
        assert (first["num_added"], second["num_skipped"], second["num_deleted"]) == (2, 1, 1)
        assert [one.page_content for one in store.similarity_search("0,1")] == ["1,0"]


@older_lanes_only
async def test_older_deployments(deployment: Deployment, unique: Unique) -> None:
    for name in FACES:
        async with store_on(deployment, "scanned", unique("docs")) as store:
            face = OneFace(store, name)
            ids = await filled(face)
            found = await face.similarity_search("1,0", filter={"page": {"$gt": 1}})
            assert [document.id for document in found] == ids[1:3]
            found = await face.similarity_search("1,0", filter=lambda one: one.metadata["id"] > 2)
            assert [document.id for document in found] == ids[2:]
            assert len(await face.max_marginal_relevance_search("1,0", k=3)) == 3
            assert len(await face.get_by_ids(ids)) == 4
            await face.delete(filter={"page": 3})
            await face.delete(ids[:1])
            assert [one.id for one in await face.list_documents()] == [ids[1], ids[3]]


NATIVE_ARGUMENT: dict[str, Any] = {"native_index": NATIVE}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "index_name"),
        ({"index_name": "d", **NATIVE_ARGUMENT}, "index_name"),
        ({"index_name": "indexes"}, "index_name"),
        ({"index_name": ""}, "index_name"),
        ({"index_name": 7}, "index_name"),
        ({"native_index": "docs"}, "native_index"),
        ({"dimension": 2, **NATIVE_ARGUMENT}, "dimension"),
        ({"dimension": 0, "index_name": "d"}, "dimension"),
        ({"dimension": 2.0, "index_name": "d"}, "dimension"),
        ({"embedding": "openai", "index_name": "d"}, "embedding"),
    ],
)
def test_mistakes_in_the_constructor(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        ConvexVectorStore(**{"embedding": Directions(), "deployment_url": ":memory:", **arguments})
    assert caught.value.field == field


@pytest.mark.parametrize("kind", KINDS)
def test_constructing_sends_nothing(kind: str) -> None:
    store = store_on(Deployment("", "http://127.0.0.1:9", "secret|key"), kind, "docs")
    document_index = ConvexDocumentIndex(vector_store=store)
    assert "secret" not in repr(store) + repr(document_index) + str(vars(store))
    assert f"index_name={store.index_name!r}" in repr(store)
    assert store.index_name == ("docs" if kind == "scanned" else "native_docs")
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(store)
    store.close()
    with pytest.raises(ConfigurationError):
        ConvexVectorStore(
            Directions(), index_name="d", deployment_url=":memory:", backend=store.backend
        )


def test_functions_kept_elsewhere(deployment: Deployment) -> None:
    with store_on(
        deployment,
        "native",
        "",
        native_vector_action="elsewhere:query",
        native_vector_query="elsewhere:read",
        native_vector_mutation="elsewhere:write",
    ) as store:
        for work in (
            lambda: store.similarity_search("1,0"),
            lambda: store.get_by_ids(["a"]),
            lambda: store.add_texts(["1,0"]),
        ):
            with pytest.raises(FunctionNotFoundError, match="elsewhere"):
                work()
