"""LangChain's standard tests of a vector store, all of them, on every lane."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from langchain_convex_mastra import ConvexVectorStore
from tests.lanes import Deployment


class TestConvexVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(
        self, deployment: Deployment, unique: Callable[[str], str]
    ) -> Iterator[VectorStore]:
        with ConvexVectorStore(
            self.get_embeddings(),
            index_name=unique("standard"),
            deployment_url=deployment.url,
            admin_auth_token=deployment.admin_key,
            storage_function=deployment.storage_function,
        ) as store:
            yield store
