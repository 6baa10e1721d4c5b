"""Both stores as people use them: under ``VectorStoreIndex`` and ``StorageContext``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from llama_index.core import (
    Document,
    MockEmbedding,
    StorageContext,
    VectorStoreIndex,
    load_index_from_storage,
)
from llama_index.core.ingestion import DocstoreStrategy, IngestionCache, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.retrievers import VectorIndexRetriever
from llama_index.core.schema import IndexNode, TextNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from convex_mastra import InvalidArgumentError, open_backend
from llama_index_convex_mastra import ConvexDocumentStore, ConvexKVStore, ConvexVectorStore
from tests.lanes import Deployment

TEXTS = {
    "cats": "Cats purr and sleep all day. Cats hunt mice at night.",
    "dogs": "Dogs bark at strangers. Dogs fetch sticks and guard houses.",
    "birds": "Birds sing at dawn. Birds build nests in trees.",
}


def documents() -> list[Document]:
    return [
        Document(id_=name, text=text, metadata={"topic": name, "length": len(text)})
        for name, text in TEXTS.items()
    ]


def splitter() -> SentenceSplitter:
    return SentenceSplitter(chunk_size=40, chunk_overlap=0)


def context(stores: Any) -> StorageContext:
    return StorageContext.from_defaults(
        docstore=stores.docstore, vector_store=stores.index, index_store=stores.index_store
    )


async def retrieve(stores: Any, retriever: Any, question: str) -> list[Any]:
    if stores.face == "async":
        return await retriever.aretrieve(question)
    return retriever.retrieve(question)


async def test_from_vector_store(stores: Any, embed_model: Any) -> None:
    index = VectorStoreIndex.from_vector_store(stores.index, embed_model=embed_model)
    nodes = [TextNode(text=text, id_=name) for name, text in TEXTS.items()]
    if stores.face == "async":
        await index.ainsert_nodes(nodes)
    else:
        index.insert_nodes(nodes)
    again = VectorStoreIndex.from_vector_store(stores.index, embed_model=embed_model)
    found = await retrieve(stores, again.as_retriever(similarity_top_k=2), "dogs bark")
    assert len(found) == 2
    assert found[0].node_id == "dogs"
    assert found[0].score > found[1].score
    assert found[0].text == TEXTS["dogs"]


async def test_what_llama_index_leaves_out_of_from_vector_store(
    stores: Any, embed_model: Any
) -> None:
    """The documentation warns of it: the document store of a context is ignored, in core itself."""
    storage_context = context(stores)
    for _ in range(2):  # of two processes, the second knows of nothing
        index = VectorStoreIndex.from_vector_store(
            stores.index, embed_model=embed_model, storage_context=storage_context
        )
        assert index.refresh_ref_docs(documents()) == [True] * len(TEXTS)
    assert await stores.documents.get_docs() == {}

    index = VectorStoreIndex.from_documents(
        documents(), embed_model=embed_model, storage_context=storage_context
    )
    assert index.refresh_ref_docs(documents()) == [False] * len(TEXTS)


async def test_from_documents_with_both_stores(stores: Any, embed_model: Any) -> None:
    index = VectorStoreIndex.from_documents(
        documents(),
        storage_context=context(stores),
        embed_model=embed_model,
        transformations=[splitter()],
        store_nodes_override=True,
    )
    topic = MetadataFilters(filters=[MetadataFilter(key="topic", value="cats")])
    found = await retrieve(stores, index.as_retriever(filters=topic, similarity_top_k=9), "sleep")
    assert {one.node.ref_doc_id for one in found} == {"cats"}
    infos = await stores.documents.get_all_ref_doc_info()
    assert sorted(infos) == sorted(TEXTS)
    assert {one.node_id for one in found} == set(infos["cats"].node_ids)
    assert infos["cats"].metadata == {"topic": "cats", "length": len(TEXTS["cats"])}

    index.delete_ref_doc("cats", delete_from_docstore=True)
    assert await retrieve(stores, index.as_retriever(filters=topic), "sleep") == []
    assert sorted(await stores.documents.get_all_ref_doc_info()) == ["birds", "dogs"]
    assert await stores.documents.get_document_hash("cats") is None


def test_indexing_with_use_async(deployment: Deployment, unique: Any, embed_model: Any) -> None:
    name = unique("llama")
    with closing(open_backend(deployment.url, deployment.admin_key)) as backend:
        storage_context = StorageContext.from_defaults(
            docstore=ConvexDocumentStore(name, backend=backend),
            vector_store=ConvexVectorStore(name, backend=backend),
        )

        def build() -> VectorStoreIndex:
            return VectorStoreIndex.from_documents(
                documents(),
                storage_context=storage_context,
                embed_model=embed_model,
                use_async=True,
                store_nodes_override=True,
            )

        # In a thread of its own, where llama-index runs a loop that it also shuts down.
        with ThreadPoolExecutor(1) as thread:
            index = thread.submit(build).result()
        assert sorted(storage_context.docstore.get_all_ref_doc_info()) == sorted(TEXTS)
        found = index.as_retriever(similarity_top_k=1).retrieve("birds sing")
        assert [one.node.ref_doc_id for one in found] == ["birds"]


async def test_refresh_inserts_what_is_new_or_changed(stores: Any, embed_model: Any) -> None:
    index = VectorStoreIndex(
        nodes=[],
        storage_context=context(stores),
        embed_model=embed_model,
        transformations=[splitter()],
    )
    refresh = index.refresh_ref_docs
    assert refresh(documents()) == [True, True, True]
    stores.requests()
    assert refresh(documents()) == [False, False, False]
    assert len(stores.requests()) == 3
    changed = documents()
    changed[0] = Document(id_="cats", text="Cats climb curtains.", metadata={"topic": "cats"})
    assert refresh(changed) == [True, False, False]
    topic = MetadataFilters(filters=[MetadataFilter(key="topic", value="cats")])
    found = await retrieve(stores, index.as_retriever(filters=topic, similarity_top_k=9), "cats")
    assert [one.text for one in found] == ["Cats climb curtains."]


async def test_what_one_process_indexed_another_loads(stores: Any, embed_model: Any) -> None:
    first = context(stores)
    VectorStoreIndex.from_documents(
        documents(),
        storage_context=first,
        embed_model=embed_model,
        transformations=[splitter()],
        store_nodes_override=True,
    ).set_index_id("animals")
    loaded = load_index_from_storage(
        context(stores), "animals", embed_model=embed_model, store_nodes_override=True
    )
    assert sorted(loaded.ref_doc_info) == sorted(TEXTS)
    loaded.insert(Document(id_="fish", text="Fish swim in the sea.", metadata={"topic": "fish"}))
    found = await retrieve(stores, loaded.as_retriever(similarity_top_k=1), "fish swim")
    assert [one.node.ref_doc_id for one in found] == ["fish"]
    assert "fish" in await stores.documents.get_all_ref_doc_info()


async def test_several_indexes_of_one_storage_are_told_apart(stores: Any, embed_model: Any) -> None:
    structs = stores.index_store
    with pytest.raises(InvalidArgumentError, match="no index structure yet"):
        structs.get_index_struct()
    assert structs.get_index_struct("missing") is None
    for name in ("one", "two"):
        index = VectorStoreIndex([], storage_context=context(stores), embed_model=embed_model)
        index.set_index_id(name)
    with pytest.raises(InvalidArgumentError, match=r"2 index structures.*: one, two"):
        structs.get_index_struct()
    with pytest.raises(InvalidArgumentError, match="2 index structures"):
        await structs.aget_index_struct()
    assert structs.get_index_struct("two").index_id == "two"
    await structs.adelete_index_struct("one")
    assert (await structs.aget_index_struct()).index_id == "two"
    loaded = load_index_from_storage(context(stores), embed_model=embed_model)
    assert loaded.index_id == "two"


async def test_an_index_that_mixes_text_and_index_nodes(stores: Any, embed_model: Any) -> None:
    nodes = [TextNode(text=text, id_=name) for name, text in TEXTS.items()]
    pointer = IndexNode(text="Birds in other books", id_="pointer", index_id="other")
    index = VectorStoreIndex(
        [*nodes, pointer], storage_context=context(stores), embed_model=embed_model
    )
    everything = VectorIndexRetriever(index, similarity_top_k=9)
    found = await retrieve(stores, everything, "birds")
    assert {one.node_id for one in found} == {*TEXTS, "pointer"}
    # llama-index passes the ids of its own index nodes, which a store must take at their word.
    found = await retrieve(stores, index.as_retriever(similarity_top_k=9), "birds")
    assert [one.node_id for one in found] == ["pointer"]


async def test_deleting_nodes_from_an_index(stores: Any, embed_model: Any) -> None:
    nodes = [TextNode(text=text, id_=name) for name, text in TEXTS.items()]
    index = VectorStoreIndex(nodes, storage_context=context(stores), embed_model=embed_model)
    if stores.face == "async":
        await index.adelete_nodes(["cats", "dogs"])
    else:
        index.delete_nodes(["cats", "dogs"])
    found = await retrieve(stores, index.as_retriever(similarity_top_k=9), "cats")
    assert [one.node_id for one in found] == ["birds"]


async def test_an_ingestion_pipeline_that_upserts_and_deletes(
    stores: Any, embed_model: Any
) -> None:
    async def run(pages: list[Document]) -> list[str]:
        pipeline = IngestionPipeline(
            transformations=[splitter(), embed_model],
            docstore=stores.docstore,
            vector_store=stores.index,
            docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
            disable_cache=True,
        )
        if stores.face == "async":
            nodes = await pipeline.arun(documents=pages)
        else:
            nodes = pipeline.run(documents=pages)
        return sorted({one.ref_doc_id for one in nodes})

    assert await run(documents()) == sorted(TEXTS)
    assert await run(documents()) == []
    changed = [Document(id_="cats", text="Cats climb."), documents()[1]]
    assert await run(changed) == ["cats"]
    stored = await stores.vectors.get_nodes()
    assert {one.ref_doc_id for one in stored} == {"cats", "dogs"}
    assert [one.text for one in stored if one.ref_doc_id == "cats"] == ["Cats climb."]
    assert sorted(await stores.documents.get_docs()) == ["cats", "dogs"]
    assert await stores.documents.get_document_hash("birds") is None

    # Of documents with one text, and so one hash, those that are gone are deleted too.
    twins = [Document(id_=f"twin{number}", text="Fish swim.") for number in range(3)]
    await run([*changed, *twins])
    await run([*changed, twins[1]])
    stored = await stores.vectors.get_nodes()
    assert {one.ref_doc_id for one in stored} == {"cats", "dogs", "twin1"}
    assert sorted(await stores.documents.get_docs()) == ["cats", "dogs", "twin1"]


async def test_progress_is_shown_over_these_stores(
    stores: Any, embed_model: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    pipeline = IngestionPipeline(
        transformations=[splitter(), embed_model],
        docstore=stores.docstore,
        vector_store=stores.index,
        disable_cache=True,
    )
    if stores.face == "async":
        await pipeline.arun(documents=documents(), show_progress=True)
    else:
        pipeline.run(documents=documents(), show_progress=True)
    assert "Applying transformations: 100%" in capfd.readouterr().err


@pytest.mark.parametrize("strategy", [DocstoreStrategy.UPSERTS, DocstoreStrategy.DUPLICATES_ONLY])
async def test_an_ingestion_pipeline_passes_over_what_it_has(
    stores: Any, embed_model: Any, strategy: DocstoreStrategy
) -> None:
    async def run(pages: list[Document]) -> list[str]:
        pipeline = IngestionPipeline(
            transformations=[splitter(), embed_model],
            docstore=stores.docstore,
            vector_store=stores.index,
            docstore_strategy=strategy,
            disable_cache=True,
        )
        if stores.face == "async":
            nodes = await pipeline.arun(documents=pages)
        else:
            nodes = pipeline.run(documents=pages)
        return sorted({one.ref_doc_id for one in nodes})

    assert await run(documents()) == sorted(TEXTS)
    assert await run(documents()) == []
    assert await run([Document(id_="cats", text="Cats climb."), *documents()[1:]]) == ["cats"]
    texts = [one.text for one in await stores.vectors.get_nodes() if one.ref_doc_id == "cats"]
    assert "Cats climb." in texts
    # Upserting replaces; the other strategy only compares, and keeps both.
    assert (len(texts) == 1) == (strategy is DocstoreStrategy.UPSERTS)


async def test_an_ingestion_that_failed_is_made_good_by_the_next(
    stores: Any, embed_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pipeline() -> IngestionPipeline:
        return IngestionPipeline(
            transformations=[splitter(), embed_model],
            docstore=stores.docstore,
            vector_store=stores.index,
            disable_cache=True,
        )

    async def run(pages: list[Document]) -> None:
        if stores.face == "async":
            await pipeline().arun(documents=pages)
        else:
            pipeline().run(documents=pages)

    def fails(*_: Any) -> Any:
        raise ConnectionError("The model does not answer.")

    await run(documents())
    changed = [Document(id_="cats", text="Cats climb."), *documents()[1:]]
    with monkeypatch.context() as broken:
        broken.setattr(type(embed_model), "_get_text_embedding", fails)
        with pytest.raises(ConnectionError):
            await run(changed)
    await run(changed)
    await run(changed)
    stored = await stores.vectors.get_nodes()
    assert sorted({one.ref_doc_id for one in stored}) == sorted(TEXTS)
    assert [one.text for one in stored if one.ref_doc_id == "cats"] == ["Cats climb."]
    assert len({one.node_id for one in stored}) == len(stored)


async def test_a_cached_pipeline_embeds_nothing_again(
    stores: Any, embed_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[str] = []
    embed = type(embed_model)._get_text_embedding

    def counted(self: Any, text: str) -> Any:
        embedded.append(text)
        return embed(self, text)

    monkeypatch.setattr(type(embed_model), "_get_text_embedding", counted)

    async def run() -> list[Any]:
        pipeline = IngestionPipeline(
            transformations=[splitter(), embed_model],
            cache=IngestionCache(cache=stores.kvstore, collection="pipeline"),
        )
        if stores.face == "async":
            return list(await pipeline.arun(documents=documents()))
        return list(pipeline.run(documents=documents()))

    first = await run()
    assert len(embedded) == len(first) == len(TEXTS)
    again = await run()
    assert len(embedded) == len(TEXTS)
    assert [one.hash for one in again] == [one.hash for one in first]
    assert [one.embedding for one in again] == [one.embedding for one in first]
    IngestionCache(cache=stores.kvstore, collection="pipeline").clear()
    assert await stores.rows.get_all("pipeline") == {}


def test_a_pipeline_with_workers_shares_the_cache(tmp_path: Any) -> None:
    with ConvexKVStore(deployment_url=f"file:{tmp_path / 'mastra.db'}") as rows:
        pipeline = IngestionPipeline(
            transformations=[MockEmbedding(embed_dim=4)], cache=IngestionCache(cache=rows)
        )
        nodes = pipeline.run(documents=documents(), num_workers=2)
        assert sorted(one.node_id for one in nodes) == sorted(TEXTS)
        assert len(rows.get_all("llama_cache")) == len(TEXTS)  # LlamaIndex hands out one each


@pytest.mark.parametrize("mode", ["default", "mmr"])
def test_from_the_environment_as_the_readme_does_it(
    tmp_path: Any, monkeypatch: Any, embed_model: Any, mode: str
) -> None:
    monkeypatch.setenv("CONVEX_URL", f"file:{tmp_path / 'mastra.db'}")
    store = ConvexVectorStore("animals")
    storage_context = StorageContext.from_defaults(
        docstore=ConvexDocumentStore("animals"), vector_store=store
    )
    VectorStoreIndex.from_documents(
        documents(), storage_context=storage_context, embed_model=embed_model
    )
    store.close()
    storage_context.docstore.close()
    with closing(open_backend()) as backend:
        again = VectorStoreIndex.from_vector_store(
            ConvexVectorStore("animals", backend=backend), embed_model=embed_model
        )
        retriever = again.as_retriever(vector_store_query_mode=mode, similarity_top_k=1)
        assert retriever.retrieve("birds sing")[0].node.ref_doc_id == "birds"
