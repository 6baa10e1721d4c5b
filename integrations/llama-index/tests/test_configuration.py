"""How the stores are constructed, serialised and closed, and that no secret leaves them."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.schema import TextNode
from llama_index.core.storage.docstore.types import BaseDocumentStore
from llama_index.core.vector_stores.types import BasePydanticVectorStore

from convex_mastra import (
    AsyncConvexVector,
    ClosedError,
    ConfigurationError,
    ConvexVector,
    FunctionError,
    InvalidArgumentError,
    open_backend,
)
from llama_index_convex_mastra import (
    ConvexChatStore,
    ConvexDBChatStore,
    ConvexDocumentStore,
    ConvexIndexStore,
    ConvexKVStore,
    ConvexVectorStore,
)

URL = "https://quiet-otter-123.convex.cloud"
KEY = "prod:quiet-otter-123|c2VjcmV0IG9mIHRoZSB0ZXN0"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONVEX_URL", "CONVEX_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.replace("CONVEX_", "CONVEX_SELF_HOSTED_"), raising=False)


def test_classes() -> None:
    assert issubclass(ConvexVectorStore, BasePydanticVectorStore)
    assert issubclass(ConvexDocumentStore, BaseDocumentStore)
    assert ConvexVectorStore.class_name() == "ConvexVectorStore"


def test_without_a_deployment_the_error_says_what_to_set() -> None:
    for construct in (ConvexVectorStore, ConvexDocumentStore, ConvexKVStore, ConvexIndexStore):
        with pytest.raises(ConfigurationError, match=r"CONVEX_URL=file:\./mastra\.db"):
            construct()
        with pytest.raises(ConfigurationError, match="CONVEX_ADMIN_KEY"):
            construct(deployment_url=URL)


def test_arguments_that_do_not_exist_are_refused() -> None:
    with pytest.raises(TypeError, match="deployment_ulr"):
        ConvexVectorStore("i", deployment_ulr=URL)
    backend = open_backend(":memory:")
    with pytest.raises(ConfigurationError, match="not both"):
        ConvexVectorStore(backend=backend, vector=ConvexVector(backend=backend))
    with pytest.raises(ConfigurationError, match="not both"):
        ConvexVectorStore(backend=backend, deployment_url=URL)


def test_the_key_is_in_no_output(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    vectors = ConvexVectorStore("i", deployment_url=URL, admin_auth_token=KEY)
    documents = ConvexDocumentStore("n", deployment_url=URL, admin_auth_token=KEY)
    outputs = [
        *(repr(vectors), str(vectors), vectors.to_json(), str(vectors.to_dict())),
        *(repr(documents), str(documents), pickle.dumps(vectors).decode("latin-1")),
        *(str(vars(documents)), caplog.text),
    ]
    assert not [output for output in outputs if "c2VjcmV0" in output]
    assert caplog.text == ""
    assert json.loads(vectors.to_json()) == vectors.to_dict()
    vectors.close()
    documents.close()


def test_a_pickled_store_finds_its_key_in_the_environment(monkeypatch: Any) -> None:
    store = ConvexVectorStore("i", deployment_url=URL, admin_auth_token=KEY, stores_text=True)
    pickled = pickle.dumps(store)
    with pytest.raises(ConfigurationError, match="No admin key"):
        pickle.loads(pickled)
    monkeypatch.setenv("CONVEX_ADMIN_KEY", KEY)
    back = pickle.loads(pickled)
    assert back.to_dict() == store.to_dict()
    assert repr(back.client.backend) == repr(store.client.backend)


def test_a_store_comes_back_from_its_dict(tmp_path: Path) -> None:
    url = f"file:{tmp_path / 'mastra.db'}"
    with_files = ConvexVectorStore("i", deployment_url=url, include_embeddings=True)
    with_files.add([TextNode(id_="n1", text="x", embedding=[1.0])])
    back = ConvexVectorStore.from_dict(with_files.to_dict())
    assert back.include_embeddings
    assert [node.node_id for node in back.get_nodes()] == ["n1"]
    assert [node.node_id for node in pickle.loads(pickle.dumps(back)).get_nodes()] == ["n1"]
    for store in (with_files, back):
        store.close()


@pytest.mark.parametrize(
    "made",
    [
        ConvexVectorStore,
        ConvexDocumentStore,
        ConvexIndexStore,
        ConvexKVStore,
        ConvexChatStore,
        ConvexDBChatStore,
    ],
)
def test_a_store_is_copied_as_it_is_pickled(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEX_URL", f"file:{tmp_path / 'mastra.db'}")
    for store in (made("mine"), made(deployment_url=f"file:{tmp_path / 'other.db'}")):
        copied = copy.deepcopy(store)
        assert type(copied) is made
        assert repr(copied) == repr(store)
        for one in (store, copied):
            asyncio.run(one.aclose())
    backend = open_backend(":memory:")
    with pytest.raises(TypeError, match="shared backend"):
        copy.deepcopy(made("mine", backend=backend))
    backend.close()


@pytest.mark.parametrize("made", [ConvexDocumentStore, ConvexIndexStore, ConvexKVStore])
@pytest.mark.parametrize("namespace", [None, 5, ""])
def test_a_namespace_that_cannot_be(made: Any, namespace: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="namespace must be a text"):
        made(namespace, deployment_url=":memory:")


def test_what_cannot_be_pickled_says_so() -> None:
    backend = open_backend(":memory:")
    with pytest.raises(TypeError, match="shared backend"):
        pickle.dumps(ConvexVectorStore(backend=backend))
    with pytest.raises(TypeError, match="ConvexDocumentStore over a shared backend"):
        pickle.dumps(ConvexDocumentStore(backend=backend))
    backend.close()


def test_a_document_store_is_pickled_without_its_key(tmp_path: Path, monkeypatch: Any) -> None:
    with ConvexDocumentStore("n", deployment_url=URL, admin_auth_token=KEY) as store:
        pickled = pickle.dumps(store)
    assert b"c2VjcmV0" not in pickled
    with pytest.raises(ConfigurationError, match="No admin key"):
        pickle.loads(pickled)
    monkeypatch.setenv("CONVEX_ADMIN_KEY", KEY)
    with pickle.loads(pickled) as back:
        assert (back.namespace, repr(back.backend)) == ("n", repr(store.backend))
    with ConvexDocumentStore("n", deployment_url=f"file:{tmp_path / 'mastra.db'}") as local:
        local.add_documents([TextNode(id_="n1", text="x")])
        with pickle.loads(pickle.dumps(local)) as back:
            assert back.get_document("n1").get_content() == "x"


def test_the_ways_to_name_a_deployment(tmp_path: Path, monkeypatch: Any) -> None:
    url = f"file:{tmp_path / 'mastra.db'}"
    monkeypatch.setenv("CONVEX_URL", url)
    backend = open_backend()
    vector = AsyncConvexVector(backend=backend, storage_function="mastra/storage:handle")
    stores = [
        ConvexVectorStore("i"),
        ConvexVectorStore("i", deployment_url=url),
        ConvexVectorStore.from_params("i", url, include_embeddings=True),
        ConvexVectorStore("i", backend=backend),
        ConvexVectorStore("i", vector=vector),
    ]
    for number, store in enumerate(stores):
        store.add([TextNode(id_=f"n{number}", text="x", embedding=[1.0])])
        assert len(store.get_nodes()) == number + 1
    docstores = [
        ConvexDocumentStore("n"),
        ConvexDocumentStore("n", deployment_url=url),
        ConvexDocumentStore.from_params("n", url),
        ConvexDocumentStore("n", backend=backend),
    ]
    for number, docstore in enumerate(docstores):
        docstore.add_documents([TextNode(id_=f"n{number}", text="x")])
        assert len(docstore.docs) == number + 1
    for store in (*stores, *docstores):
        store.close()
    backend.close()


def test_a_deployed_function_of_another_name(deployment: Any, unique: Any) -> None:
    vector = ConvexVector(
        deployment.url, deployment.admin_key, storage_function="elsewhere/storage:handle"
    )
    store = ConvexVectorStore(unique("i"), vector=vector)
    assert store.storage_function == "elsewhere/storage:handle"
    with pytest.raises(FunctionError, match=r"elsewhere/storage"):
        store.add([TextNode(text="x", embedding=[1.0])])
    vector.close()


async def test_closing(tmp_path: Path) -> None:
    url = f"file:{tmp_path / 'mastra.db'}"
    for make in (ConvexVectorStore, ConvexDocumentStore):
        store: Any = make(deployment_url=url)
        await store.aclose()
        await store.aclose()
        with pytest.raises(ClosedError):
            store.get_nodes(["n1"])
    backend = open_backend(url)
    shared = ConvexVectorStore(backend=backend)
    shared.close()
    assert shared.get_nodes() == []
    with ConvexDocumentStore(backend=backend) as docstore:
        docstore.add_documents([TextNode(id_="n1", text="x")])
    async with ConvexDocumentStore(backend=backend) as docstore:
        assert await docstore.adocument_exists("n1")
    await backend.aclose()


def test_an_index_name_that_cannot_be(tmp_path: Path) -> None:
    store = ConvexVectorStore("indexes", deployment_url=":memory:")
    with pytest.raises(InvalidArgumentError, match="indexes"):
        store.add([TextNode(text="x", embedding=[1.0])])
    store.close()
