"""No async method holds up the loop it runs on, and blocking ones work inside a loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from llama_index.core.data_structs import IndexDict
from llama_index.core.llms import ChatMessage
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters, VectorStoreQuery

from convex_mastra import ConvexVector, open_backend
from convex_mastra.wire import FunctionCall
from llama_index_convex_mastra import (
    ConvexChatStore,
    ConvexDBChatStore,
    ConvexDocumentStore,
    ConvexIndexStore,
    ConvexKVStore,
    ConvexVectorStore,
)


def node(node_id: str) -> TextNode:
    made = TextNode(id_=node_id, text=node_id, embedding=[1.0, 2.0], metadata={"n": node_id})
    made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id="d")
    return made


FILTERS = MetadataFilters(filters=[MetadataFilter(key="n", value="n1")])
QUERY = VectorStoreQuery(query_embedding=[1.0, 2.0])
VECTOR_CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "async_add": lambda store: store.async_add([node("n3")]),
    "adelete": lambda store: store.adelete("d"),
    "adelete_nodes": lambda store: store.adelete_nodes(["n1"], FILTERS),
    "aget_nodes": lambda store: store.aget_nodes(filters=FILTERS),
    "aclear": lambda store: store.aclear(),
    "aquery": lambda store: store.aquery(QUERY),
}
DOCUMENT_CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "async_add_documents": lambda store: store.async_add_documents([node("n3")]),
    "aget_document": lambda store: store.aget_document("n1"),
    "adelete_document": lambda store: store.adelete_document("n1"),
    "adocument_exists": lambda store: store.adocument_exists("n1"),
    "aget_docs": lambda store: store.aget_docs(),
    "aget_nodes": lambda store: store.aget_nodes(["n1", "n2"]),
    "aget_node": lambda store: store.aget_node("n1"),
    "aget_node_dict": lambda store: store.aget_node_dict({0: "n1"}),
    "aset_document_hash": lambda store: store.aset_document_hash("n1", "h"),
    "aset_document_hashes": lambda store: store.aset_document_hashes({"n1": "h"}),
    "aget_document_hash": lambda store: store.aget_document_hash("n1"),
    "aget_all_document_hashes": lambda store: store.aget_all_document_hashes(),
    "aget_all_document_ids": lambda store: store.aget_all_document_ids(),
    "aget_ref_doc_info": lambda store: store.aget_ref_doc_info("d"),
    "aget_all_ref_doc_info": lambda store: store.aget_all_ref_doc_info(),
    "aref_doc_exists": lambda store: store.aref_doc_exists("d"),
    "adelete_ref_doc": lambda store: store.adelete_ref_doc("d"),
}
ROW_CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "aput": lambda store: store.aput("k", {"a": 1}),
    "aput_all": lambda store: store.aput_all([("k", {"a": 1})]),
    "aget": lambda store: store.aget("k"),
    "aget_many": lambda store: store.aget_many(["k"]),
    "aget_all": lambda store: store.aget_all(),
    "adelete": lambda store: store.adelete("k"),
    "adelete_many": lambda store: store.adelete_many(["k"]),
    "aclear": lambda store: store.aclear(),
}
STRUCT_CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "async_add_index_struct": lambda store: store.async_add_index_struct(IndexDict(index_id="j")),
    "adelete_index_struct": lambda store: store.adelete_index_struct("i"),
    "aget_index_struct": lambda store: store.aget_index_struct(),
    "async_index_structs": lambda store: store.async_index_structs(),
}
CHAT_CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "aset_messages": lambda store: store.aset_messages("k", [ChatMessage("b")]),
    "aget_messages": lambda store: store.aget_messages("k"),
    "async_add_message": lambda store: store.async_add_message("k", ChatMessage("b")),
    "adelete_messages": lambda store: store.adelete_messages("k"),
    "adelete_message": lambda store: store.adelete_message("k", 0),
    "adelete_last_message": lambda store: store.adelete_last_message("k"),
    "aget_keys": lambda store: store.aget_keys(),
}
QUEUE_CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "get_messages": lambda store: store.get_messages("k"),
    "count_messages": lambda store: store.count_messages("k"),
    "add_message": lambda store: store.add_message("k", ChatMessage("b")),
    "add_messages": lambda store: store.add_messages("k", [ChatMessage("b")]),
    "set_messages": lambda store: store.set_messages("k", [ChatMessage("b")]),
    "delete_message": lambda store: store.delete_message("k", 0),
    "delete_messages": lambda store: store.delete_messages("k"),
    "delete_oldest_messages": lambda store: store.delete_oldest_messages("k", 1),
    "archive_oldest_messages": lambda store: store.archive_oldest_messages("k", 1),
    "get_keys": lambda store: store.get_keys(),
}


class Gated:
    """A backend that answers an async call only after another task of the loop has run."""

    def __init__(self) -> None:
        self._inner = open_backend(":memory:")
        self._asked = asyncio.Event()
        self._may_go = asyncio.Event()
        self.beats = 0
        self.is_gated = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def send(self, request: FunctionCall, /) -> Any:
        assert not self.is_gated, f"{request.label} was sent with a blocking call"
        return self._inner.send(request)

    async def asend(self, request: FunctionCall, /) -> Any:
        if self.is_gated:
            self._asked.set()
            await self._may_go.wait()
            self._may_go.clear()
        return await self._inner.asend(request)

    async def other_task(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            self.beats += 1
            self._may_go.set()


async def beats_during(backend: Gated, call: Callable[[], Awaitable[Any]]) -> int:
    other = asyncio.create_task(backend.other_task())
    backend.is_gated = True
    try:
        async with asyncio.timeout(20):
            await call()
    finally:
        backend.is_gated = False
        other.cancel()
    return backend.beats


def test_every_async_method_is_tested_here() -> None:
    for store_class, calls in [
        (ConvexVectorStore, VECTOR_CALLS),
        (ConvexDocumentStore, DOCUMENT_CALLS),
        (ConvexKVStore, ROW_CALLS),
        (ConvexIndexStore, STRUCT_CALLS),
        (ConvexChatStore, CHAT_CALLS),
        (ConvexDBChatStore, QUEUE_CALLS),
    ]:
        methods = inspect.getmembers(store_class, inspect.iscoroutinefunction)
        names = {name for name, _ in methods if not name.startswith("_")}
        assert names - {"aclose"} == set(calls)


@pytest.mark.parametrize("name", VECTOR_CALLS)
async def test_the_loop_runs_on_during_calls_of_the_vector_store(name: str) -> None:
    backend = Gated()
    store = ConvexVectorStore("i", backend=backend)
    await store.async_add([node("n1"), node("n2")])
    assert await beats_during(backend, lambda: VECTOR_CALLS[name](store)) >= 1
    await backend.aclose()


@pytest.mark.parametrize("name", DOCUMENT_CALLS)
async def test_the_loop_runs_on_during_calls_of_the_document_store(name: str) -> None:
    backend = Gated()
    store = ConvexDocumentStore(backend=backend)
    await store.async_add_documents([node("n1"), node("n2")])
    assert await beats_during(backend, lambda: DOCUMENT_CALLS[name](store)) >= 1
    await backend.aclose()


@pytest.mark.parametrize("name", ROW_CALLS)
async def test_the_loop_runs_on_during_calls_of_the_key_value_store(name: str) -> None:
    backend = Gated()
    store = ConvexKVStore(backend=backend)
    await store.aput("k", {"a": 0})
    assert await beats_during(backend, lambda: ROW_CALLS[name](store)) >= 1
    await backend.aclose()


@pytest.mark.parametrize("name", STRUCT_CALLS)
async def test_the_loop_runs_on_during_calls_of_the_index_store(name: str) -> None:
    backend = Gated()
    store = ConvexIndexStore(backend=backend)
    await store.async_add_index_struct(IndexDict(index_id="i"))
    assert await beats_during(backend, lambda: STRUCT_CALLS[name](store)) >= 1
    await backend.aclose()


@pytest.mark.parametrize("name", CHAT_CALLS)
async def test_the_loop_runs_on_during_calls_of_the_chat_store(name: str) -> None:
    backend = Gated()
    store = ConvexChatStore(backend=backend)
    await store.async_add_message("k", ChatMessage("a"))
    assert await beats_during(backend, lambda: CHAT_CALLS[name](store)) >= 1
    await backend.aclose()


@pytest.mark.parametrize("name", QUEUE_CALLS)
async def test_the_loop_runs_on_during_calls_of_the_store_of_memory(name: str) -> None:
    backend = Gated()
    store = ConvexDBChatStore(backend=backend)
    await store.add_message("k", ChatMessage("a"))
    assert await beats_during(backend, lambda: QUEUE_CALLS[name](store)) >= 1
    await backend.aclose()


async def test_converting_many_rows_lets_other_tasks_run() -> None:
    backend = open_backend(":memory:")
    chats, queue = ConvexChatStore(backend=backend), ConvexDBChatStore(backend=backend)
    chats.set_messages("k", [ChatMessage("a")] * 640)
    vectors, documents = ConvexVectorStore(backend=backend), ConvexDocumentStore(backend=backend)
    nodes = [node(f"n{number}") for number in range(640)]
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    for call in (
        lambda: vectors.async_add(nodes),
        lambda: documents.async_add_documents(nodes),
        lambda: vectors.aget_nodes(),
        lambda: documents.aget_nodes([one.node_id for one in nodes]),
        lambda: chats.aget_messages("k"),
        lambda: queue.get_messages("k"),
    ):
        turns = 0
        await call()
        assert turns >= 640 / 32
    counting.cancel()
    await backend.aclose()


async def test_blocking_methods_work_inside_a_running_loop(stores: Any) -> None:
    stores.index.add([node("n1")])
    stores.docstore.add_documents([node("n1")])
    assert [one.node_id for one in stores.index.get_nodes()] == ["n1"]
    assert stores.docstore.get_document("n1").get_content() == "n1"


def test_one_store_on_several_loops(deployment: Any, unique: Any) -> None:
    backend = open_backend(deployment.url, deployment.admin_key)
    name = unique("llama")
    vectors = ConvexVectorStore(name, vector=ConvexVector(backend=backend))
    documents = ConvexDocumentStore(name, backend=backend)
    asyncio.run(vectors.async_add([node("n1")]))
    asyncio.run(documents.async_add_documents([node("n1")]))
    assert [one.node_id for one in asyncio.run(vectors.aget_nodes())] == ["n1"]
    assert documents.get_nodes(["n1"])[0].node_id == "n1"
    backend.close()
