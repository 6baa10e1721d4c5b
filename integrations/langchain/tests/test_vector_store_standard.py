"""LangChain's standard tests, all of them, on every lane, over both kinds of index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.indexing.base import DocumentIndex
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import (
    RetrieversIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.integration_tests.indexer import (
    AsyncDocumentIndexTestSuite,
    DocumentIndexerTestSuite,
)

from integrations.langchain.tests.stores import KINDS, empty, index_of, place
from langchain_convex_mastra import ConvexDocumentIndex, ConvexVectorStore
from tests.lanes import Deployment
from tests.native import INDEXES

PLAIN = INDEXES["plain"]
"""As Mastra's helper declares it."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store(
    deployment: Deployment, kind: str, unique: Callable[[str], str]
) -> Iterator[ConvexVectorStore]:
    with ConvexVectorStore(
        DeterministicFakeEmbedding(size=PLAIN.dimension),
        **index_of(kind, unique("standard"), PLAIN),
        **place(deployment),
    ) as opened:
        yield opened
        if kind == "native":
            empty(opened.backend, PLAIN)


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, store: ConvexVectorStore) -> VectorStore:
        return store


class TestDocumentIndex(DocumentIndexerTestSuite):
    @pytest.fixture
    def index(self, store: ConvexVectorStore) -> DocumentIndex:
        return ConvexDocumentIndex(vector_store=store)


class TestAsyncDocumentIndex(AsyncDocumentIndexTestSuite):
    @pytest.fixture
    def index(self, store: ConvexVectorStore) -> DocumentIndex:
        return ConvexDocumentIndex(vector_store=store)


class Retrieving(RetrieversIntegrationTests):
    """What both retrievers share: a filled store."""

    @pytest.fixture(autouse=True)
    def filled(self, store: ConvexVectorStore) -> None:
        self.store = store
        store.add_texts([f"text {number}" for number in range(5)])

    @property
    def retriever_query_example(self) -> str:
        return "text 3"


class TestRetriever(Retrieving):
    """``as_retriever()`` takes *k* among the arguments of its search."""

    @property
    def retriever_constructor(self) -> Any:
        def retriever(k: int = 4) -> BaseRetriever:
            return self.store.as_retriever(search_kwargs={"k": k})

        return retriever


class TestDocumentIndexAsRetriever(Retrieving):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return ConvexDocumentIndex

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"vector_store": self.store}
