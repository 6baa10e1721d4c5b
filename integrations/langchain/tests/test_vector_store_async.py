"""Every async method awaits: none runs the blocking one, borrows a thread or holds the loop."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStore

from integrations.langchain.tests.stores import KINDS, Directions, empty, index_of, place, store_on
from langchain_convex_mastra import ConvexDocumentIndex, ConvexVectorStore
from langchain_convex_mastra.vector_faces import DocumentMethods
from tests.lanes import Deployment

COMPOSED = {"asearch", "afrom_documents", "_asimilarity_search_with_relevance_scores"}
"""LangChain's own, made of other async methods."""


class NoThreads(ThreadPoolExecutor):
    """What LangChain's defaults would run the blocking method in."""

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        raise AssertionError("a thread was borrowed")


class AsyncOnly(Directions):
    """Takes its time, as a model behind a network does, and only under the async face."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise AssertionError("the blocking method was called")

    def embed_query(self, text: str) -> list[float]:
        raise AssertionError("the blocking method was called")

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        await asyncio.sleep(0.01)
        return await super().aembed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        await asyncio.sleep(0.01)
        return await super().aembed_query(text)


def test_no_async_method_is_inherited() -> None:
    for name, member in inspect.getmembers(VectorStore, inspect.iscoroutinefunction):
        if name in COMPOSED:
            continue
        ours = getattr(ConvexVectorStore, name)
        assert ours is not member, name
        assert inspect.iscoroutinefunction(ours)
    for name in ("aupsert", "adelete", "aget", "_aget_relevant_documents"):
        assert name in vars(ConvexDocumentIndex)


def test_both_faces_are_one() -> None:
    names = [name for name in vars(DocumentMethods) if not name.startswith(("_", "a"))]
    names += ["add_texts", "add_documents"]
    assert len(names) == 12
    for name in names:
        one, other = getattr(DocumentMethods, name), getattr(DocumentMethods, f"a{name}")
        assert (one.__name__, other.__name__) == (name, f"a{name}")
        assert inspect.signature(one) == inspect.signature(other)
        assert one.__doc__ == other.__doc__
        assert inspect.iscoroutinefunction(other)
        assert not inspect.iscoroutinefunction(one)
        assert "Flow" not in str(inspect.signature(one))


@pytest.mark.parametrize("kind", KINDS)
async def test_no_thread_is_borrowed(
    deployment: Deployment, kind: str, unique: Callable[[str], str]
) -> None:
    asyncio.get_running_loop().set_default_executor(NoThreads())
    embedding = AsyncOnly()
    store = store_on(deployment, kind, unique("docs"), embedding)
    documents = ConvexDocumentIndex(vector_store=store)
    where = {"n": {"$gte": 0}}
    await store.aadd_texts(["1,0", "0,1"], [{"n": 1}, {"n": 2}], ids=["a", "b"])
    await store.aadd_documents([Document(id="c", page_content="1,1", metadata={"n": 3})])
    await store.asimilarity_search("1,0")
    await store.asimilarity_search_by_vector([1, 0], filter=where)
    await store.asimilarity_search_with_score("1,0", filter=lambda _document: True)
    await store.asimilarity_search_with_score_by_vector([1, 0])
    await store.asimilarity_search_with_relevance_scores("1,0", score_threshold=0.1)
    await store.amax_marginal_relevance_search("1,0")
    await store.amax_marginal_relevance_search_by_vector([1, 0])
    for search_type in ("similarity", "mmr", "similarity_score_threshold"):
        await store.asearch("1,0", search_type)
        retriever = ConvexDocumentIndex(vector_store=store, search_type=search_type)
        assert await retriever.ainvoke("1,0")
    await store.as_retriever(search_type="mmr").ainvoke("1,0")
    await store.aget_by_ids(["a"])
    await store.alist_documents(where)
    await documents.aupsert([Document(id="d", page_content="1,1")])
    assert await documents.aget(["d"])
    assert (await documents.adelete(["d", "e"]))["succeeded"] == ["d"]
    await store.adelete(["a"])
    await store.adelete(filter=where)
    assert await store.alist_documents() == []
    other = index_of(kind, unique("docs"))
    made = [
        await ConvexVectorStore.afrom_texts(["1,0"], embedding, **other, **place(deployment)),
        await ConvexVectorStore.afrom_documents(
            [Document(page_content="1,0")], embedding, **other, **place(deployment)
        ),
    ]
    assert embedding.faces == {"async"}
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # closing may wait
    if kind == "native":
        empty(store.backend)
    for one in (store, *made):
        await one.aclose()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_loop_runs_on(
    deployment: Deployment, kind: str, unique: Callable[[str], str]
) -> None:
    class Slow(AsyncOnly):
        async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
            await asyncio.sleep(0.3)
            return await super().aembed_documents(texts)

    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.01)

    async with store_on(deployment, kind, unique("docs"), Slow()) as store:
        heart = asyncio.create_task(beat())
        began = time.monotonic()
        ids = await store.aadd_texts([f"1,{number}" for number in range(200)])
        took = time.monotonic() - began
        heart.cancel()
        assert took > 0.3
        assert beats >= 15
        assert len(ids) == 200
        if kind == "native":
            empty(store.backend)


async def test_a_blocking_method_works_inside_a_running_loop(
    deployment: Deployment, unique: Callable[[str], str]
) -> None:
    embedding = Directions()
    async with store_on(deployment, "scanned", unique("docs"), embedding) as store:
        store.add_texts(["1,0"], ids=["a"])
        assert [document.id for document in store.similarity_search("1,0")] == ["a"]
        assert embedding.faces == {"sync"}
        await asyncio.gather(*(store.aadd_texts(["0,1"], ids=[name]) for name in "bcd"))
        assert len(await store.asimilarity_search("1,0", k=9)) == 4
