"""``ConvexVectorStore`` beyond the standard tests, on every lane, under both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.indexing import InMemoryRecordManager, index

from convex_mastra import (
    ConfigurationError,
    ConvexVector,
    InvalidArgumentError,
    LimitExceededError,
    open_backend,
)
from langchain_convex_mastra import ConvexVectorStore
from tests.lanes import FACES, Awaited, Deployment, with_older_lanes

Unique = Callable[[str], str]


class Directions(Embeddings):
    """Embeds ``x,y`` as that direction; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        self.asked.append(text)
        return [float(number) for number in text.split(",")]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)


class OneFace:
    """A store whose methods are all awaited, those of one face."""

    def __init__(self, store: ConvexVectorStore, face: str) -> None:
        self.store = store
        self._prefix = "a" if face == "async" else ""

    def __getattr__(self, name: str) -> Any:
        return getattr(Awaited(self.store), self._prefix + name)


def store_on(deployment: Deployment, index_name: str, **options: Any) -> ConvexVectorStore:
    return ConvexVectorStore(
        Directions(),
        index_name=index_name,
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
        storage_function=deployment.storage_function,
        **options,
    )


@pytest_asyncio.fixture(params=FACES)
async def face(
    request: pytest.FixtureRequest, deployment: Deployment, unique: Unique
) -> AsyncIterator[OneFace]:
    async with store_on(deployment, unique("docs")) as store:
        yield OneFace(store, request.param)


METADATA: list[dict[str, Any]] = [
    {"id": 1, "page": 1.0, "größe": "klein"},
    {"id": 2, "page": 2.5, "größe": "groß"},
    {"id": 3, "page": 3},
    {"id": 2**60},
]


async def filled(face: OneFace) -> list[str]:
    ids: list[str] = await face.add_texts(["1,0", "1,1", "0,1", "-1,0"], METADATA)
    return ids


@with_older_lanes
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
    assert [score for _, score in scored] == pytest.approx([1, 0.5**0.5, 0, -1])
    assert await face.similarity_search_with_score_by_vector([1.0, 0.0], k=4) == scored
    relevant = await face.similarity_search_with_relevance_scores("1,0", k=4)
    assert [score for _, score in relevant] == pytest.approx([1, 0.5**0.5, 0, 0])
    above = await face.similarity_search_with_relevance_scores("1,0", k=4, score_threshold=0.5)
    assert [document.id for document, _ in above] == ids[:2]
    assert await face.search("1,0", "similarity", k=1) == expected[:1]


async def test_exact_metadata(face: OneFace) -> None:
    ids = await filled(face)
    documents = await face.get_by_ids([ids[3], "missing", ids[0]])
    assert [document.id for document in documents] == [ids[3], ids[0]]
    assert documents[0].metadata["id"] == 2**60
    assert type(documents[1].metadata["id"]) is int
    assert type(documents[1].metadata["page"]) is float


async def test_filters(face: OneFace) -> None:
    ids = await filled(face)
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"id": {"$in": [1, 3]}}, [0, 2]),
        ({"page": {"$gt": 1, "$lt": 3}}, [1]),
        ({"größe": "groß"}, [1]),
        ({"$or": [{"größe": "klein"}, {"text": "0,1"}]}, [0, 2]),
        ({"page": {"$exists": False}}, [3]),
        ({"id": 99}, []),
    ]
    for where, expected in cases:
        found = await face.similarity_search("1,0", k=10, filter=where)
        assert [document.id for document in found] == [ids[i] for i in expected], where
    for bad, error in (
        ({"filter": {"id": {"$near": 1}}}, InvalidArgumentError),
        ({"filter": lambda _document: True}, InvalidArgumentError),
        ({"fitler": {"id": 1}}, TypeError),
        ({"k": 0}, InvalidArgumentError),
    ):
        with pytest.raises(error):
            await face.similarity_search("1,0", **bad)


async def test_marginal_relevance(face: OneFace) -> None:
    await face.add_texts(["1,0", "1,0.01", "1,0.02", "1,1"])
    found = await face.max_marginal_relevance_search("1,0", k=2, lambda_mult=0.3)
    assert [document.page_content for document in found] == ["1,0", "1,1"]
    near = await face.max_marginal_relevance_search("1,0", k=2, fetch_k=3, lambda_mult=0.3)
    assert [document.page_content for document in near] == ["1,0", "1,0.02"]
    by_vector = await face.max_marginal_relevance_search_by_vector(
        [1.0, 0.0], k=1, filter={"text": "1,1"}
    )
    assert [document.page_content for document in by_vector] == ["1,1"]
    retriever = face.store.as_retriever(search_type="mmr", search_kwargs={"k": 3})
    assert len(await retriever.ainvoke("1,0")) == len(retriever.invoke("1,0")) == 3


@with_older_lanes
async def test_writing(face: OneFace, unique: Unique) -> None:
    one, two = unique("d"), unique("d")
    documents = [
        Document(id=one, page_content="1,0", metadata={"text": "mine", "_langchain": 1}),
        Document(page_content="0,1"),
    ]
    ids = await face.add_documents(documents)
    assert ids[0] == one
    assert await face.add_documents(documents, ids=[two, one], batch_size=1) == [two, one]
    found = await face.get_by_ids([one, two])
    assert found == [
        Document(id=one, page_content="0,1"),
        Document(id=two, page_content="1,0", metadata=documents[0].metadata),
    ]
    assert documents[1].id is None
    assert await face.add_texts([]) == []
    assert await face.delete([]) is True
    assert await face.delete([one, "missing"]) is True
    assert [document.id for document in await face.get_by_ids([one, two])] == [two]
    with pytest.raises(ValueError, match="truncate_index"):
        await face.delete()
    with pytest.raises(TypeError, match="filter"):
        await face.delete([one], filter={})


async def test_mistakes_cost_no_embedding(face: OneFace) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"texts": ["1,0"], "metadatas": []}, "1 texts but 0 metadatas"),
        ({"texts": ["1,0"], "ids": ["a", "b"]}, "1 texts but 2 ids"),
        ({"texts": ["1,0", "0,1"], "ids": ["a", "a"]}, r"ids\[1\] repeats 'a'"),
        ({"texts": ["1,0"], "ids": [""]}, "not empty"),
        ({"texts": ["1,0"], "metadatas": [{"when": object()}]}, r"metadatas\[0\].when"),
    ]
    for arguments, text in cases:
        with pytest.raises(InvalidArgumentError, match=text):
            await face.add_texts(**arguments)
    embedding = face.store.embeddings
    assert isinstance(embedding, Directions)
    assert embedding.asked == []


async def test_dimensions_and_sizes(face: OneFace, deployment: Deployment) -> None:
    assert await face.similarity_search("1,0") == []
    await face.add_texts(["1,0"])
    for attempt in (face.add_texts(["1,0,0"]), face.similarity_search("1,0,0")):
        with pytest.raises(InvalidArgumentError, match="3 dimensions"):
            await attempt
    with pytest.raises(LimitExceededError):
        await face.add_texts(["1,0"], [{"big": "x" * 1_100_000}])
    async with store_on(deployment, face.store.index_name, dimension=3) as other:
        with pytest.raises(InvalidArgumentError, match="exists with dimension 2, not 3"):
            await other.aadd_texts(["1,0,0"])


async def test_many_documents(face: OneFace) -> None:
    texts = [f"{np.cos(angle)},{np.sin(angle)}" for angle in np.linspace(0, 3, 300)]
    ids = await face.add_texts(texts, ids=[str(number) for number in range(300)])
    found = await face.similarity_search("1,0", k=50)
    assert [document.id for document in found] == ids[:50]
    assert len(await face.get_by_ids(ids)) == 300


async def test_made_from_texts(deployment: Deployment, unique: Unique) -> None:
    backend = open_backend(deployment.url, deployment.admin_key)
    options: dict[str, Any] = {"backend": backend, "storage_function": deployment.storage_function}
    documents = [Document(id="a", page_content="1,0", metadata={"n": 1})]
    made = [
        ConvexVectorStore.from_texts(
            ["1,0"], Directions(), [{"n": 1}], ids=["a"], index_name=unique("d"), **options
        ),
        await ConvexVectorStore.afrom_texts(
            ["1,0"], Directions(), [{"n": 1}], ids=["a"], index_name=unique("d"), **options
        ),
        ConvexVectorStore.from_documents(
            documents, Directions(), index_name=unique("d"), **options
        ),
        await ConvexVectorStore.afrom_documents(
            documents, Directions(), index_name=unique("d"), **options
        ),
    ]
    for store in made:
        assert store.similarity_search("1,0") == documents
        store.close()
    assert made[0].similarity_search("1,0") == documents, "a shared backend stays open"
    await backend.aclose()


async def test_mastra_indexes_are_documents(face: OneFace) -> None:
    store = face.store
    vectors = ConvexVector(
        backend=store.backend, storage_function=store._vectors._target.storage_function
    )
    vectors.create_index(store.index_name, 2)
    vectors.upsert(
        store.index_name,
        [[1, 0], [0, 1], [-1, 0]],
        ids=["chunk", "message", "bare"],
        metadata=[{"text": "hello", "source": "a.md", "page": 3}, {"content": "said"}, None],
    )
    assert await face.similarity_search("1,0") == [
        Document(id="chunk", page_content="hello", metadata={"source": "a.md", "page": 3}),
        Document(id="message", page_content="said"),
        Document(id="bare", page_content=""),
    ]
    vectors.update_vector(store.index_name, id="chunk", metadata={"page": 4})
    (chunk,) = await face.get_by_ids(["chunk"])
    assert chunk.metadata == {"source": "a.md", "page": 4}


def test_indexing_with_a_record_manager(deployment: Deployment, unique: Unique) -> None:
    records = InMemoryRecordManager(namespace="x")
    records.create_schema()
    with store_on(deployment, unique("docs")) as store:
        documents = [
            Document(page_content=text, metadata={"source": "s"}) for text in ("1,0", "0,1")
        ]
        options: dict[str, Any] = {"source_id_key": "source", "key_encoder": "sha256"}
        first = index(documents, records, store, cleanup="full", **options)
        second = index(documents[:1], records, store, cleanup="full", **options)
        assert (first["num_added"], second["num_skipped"], second["num_deleted"]) == (2, 1, 1)
        assert [one.page_content for one in store.similarity_search("0,1")] == ["1,0"]


def test_constructing_sends_nothing() -> None:
    store = ConvexVectorStore(
        Directions(),
        index_name="docs",
        deployment_url="http://127.0.0.1:9",
        admin_auth_token="secret|key",
    )
    assert "secret" not in repr(store)
    store.close()
    with pytest.raises(ConfigurationError):
        ConvexVectorStore(
            Directions(), index_name="d", deployment_url=":memory:", backend=store.backend
        )
