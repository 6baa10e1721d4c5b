"""What people put on key-value stores: cached embeddings, parent documents; on every lane."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_classic.embeddings import CacheBackedEmbeddings
from langchain_classic.retrievers import MultiVectorRetriever, ParentDocumentRetriever
from langchain_classic.storage import EncoderBackedStore, create_kv_docstore
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_text_splitters import CharacterTextSplitter

from convex_mastra import Backend, open_backend
from langchain_convex_mastra import ConvexByteStore, ConvexKVStore, ConvexVectorStore
from tests.lanes import FACES, Deployment, with_older_lanes

pytestmark = with_older_lanes


class Counted(DeterministicFakeEmbedding):
    """Equal texts have equal embeddings; counts what it embeds."""

    embedded: list[str] = []  # noqa: RUF012 - pydantic copies it

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.embedded.extend(texts)
        return super().embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        self.embedded.append(text)
        return super().embed_query(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)


@pytest.fixture
def shared(deployment: Deployment) -> Iterator[dict[str, Any]]:
    backend: Backend = open_backend(deployment.url, deployment.admin_key)
    yield {"backend": backend, "storage_function": deployment.storage_function}
    backend.close()


@pytest.mark.parametrize("face", FACES)
async def test_a_second_run_embeds_nothing(shared: dict[str, Any], unique: Any, face: str) -> None:
    namespace = unique("embeddings")
    texts = ["one", "two", "größe", "one", *(f"text {number}" for number in range(25))]

    async def run(model: Counted) -> list[list[float]]:
        cached = CacheBackedEmbeddings.from_bytes_store(
            model,
            ConvexByteStore(namespace, **shared),
            namespace="model-1/",
            query_embedding_cache=True,
            key_encoder="blake2b",
        )
        if face == "async":
            return [*await cached.aembed_documents(texts), await cached.aembed_query("ask")]
        return [*cached.embed_documents(texts), cached.embed_query("ask")]

    first, second = Counted(size=64), Counted(size=64)
    vectors = await run(first)
    assert set(first.embedded) == {*texts, "ask"}
    assert await run(second) == vectors
    assert second.embedded == []
    assert vectors[:3] == DeterministicFakeEmbedding(size=64).embed_documents(texts[:3])
    keys = list(ConvexByteStore(namespace, **shared).yield_keys(prefix="model-1/"))
    assert len(keys) == len({*texts, "ask"})


PARENTS = [
    Document("\n\n".join(f"{name} sentence {n}" for n in range(4)), metadata={"name": name, "n": n})
    for n, name in enumerate(["alpha", "beta", "gamma"])
]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("store", ["kv", "bytes", "docstore"])
async def test_parent_documents(shared: dict[str, Any], unique: Any, face: str, store: str) -> None:
    name = unique("parents")
    vectors = ConvexVectorStore(DeterministicFakeEmbedding(size=32), index_name=name, **shared)
    kept: dict[str, Any] = {
        "kv": {"docstore": ConvexKVStore[Document](name, **shared)},
        "bytes": {"byte_store": ConvexByteStore(name, **shared)},
        "docstore": {"docstore": create_kv_docstore(ConvexByteStore(name, **shared))},
    }[store]
    retriever = ParentDocumentRetriever(
        vectorstore=vectors,
        child_splitter=CharacterTextSplitter(separator="\n\n", chunk_size=20, chunk_overlap=0),
        search_kwargs={"k": 1},
        **kept,
    )
    ids = ["a", "b", "c"]
    if face == "async":
        await retriever.aadd_documents(PARENTS, ids=ids)
        found = await retriever.ainvoke("beta sentence 2")
    else:
        retriever.add_documents(PARENTS, ids=ids)
        found = retriever.invoke("beta sentence 2")
    assert found == [PARENTS[1]]
    assert list(retriever.docstore.yield_keys()) == ids
    again = MultiVectorRetriever(vectorstore=vectors, search_kwargs={"k": 1}, **kept)
    assert (await again.ainvoke("gamma sentence 0")) == [PARENTS[2]]
    assert again.docstore.mget(["c", "none", "a"]) == [PARENTS[2], None, PARENTS[0]]
    await again.docstore.amdelete(["b"])
    assert retriever.invoke("beta sentence 2") == []


async def test_an_encoder_of_ones_own(shared: dict[str, Any], unique: Any) -> None:
    store: EncoderBackedStore[int, float] = EncoderBackedStore(
        store=ConvexByteStore(unique("encoded"), **shared),
        key_encoder=str,
        value_serializer=lambda value: json.dumps(value).encode(),
        value_deserializer=json.loads,
    )
    store.mset([(1, 3.14), (2, 2.718)])
    assert await store.amget([2, 1, 3]) == [2.718, 3.14, None]
    await store.amdelete([1])
    assert list(store.yield_keys()) == ["2"]
