"""LangChain's standard tests of key-value stores, all of them, on every lane."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.stores import BaseStore
from langchain_tests.integration_tests import BaseStoreAsyncTests, BaseStoreSyncTests

from langchain_convex_mastra import ConvexByteStore, ConvexKVStore
from tests.lanes import Deployment

BYTES = (b"text", b"\xff\x00", b"")
VALUES = (Document("d", metadata={"n": 1}), AIMessage("hi", id="m"), {"a": [1, 2.0, None]})


@pytest.fixture
def arguments(deployment: Deployment, unique: Callable[[str], str]) -> dict[str, Any]:
    return {
        "namespace": unique("standard"),
        "deployment_url": deployment.url,
        "admin_auth_token": deployment.admin_key,
        "storage_function": deployment.storage_function,
    }


class TestByteStore(BaseStoreSyncTests[bytes]):
    @pytest.fixture
    def kv_store(self, arguments: dict[str, Any]) -> Iterator[BaseStore[str, bytes]]:
        with ConvexByteStore(**arguments) as store:
            yield store

    @pytest.fixture
    def three_values(self) -> tuple[bytes, bytes, bytes]:
        return BYTES


class TestByteStoreAsync(BaseStoreAsyncTests[bytes]):
    @pytest_asyncio.fixture
    async def kv_store(self, arguments: dict[str, Any]) -> AsyncIterator[BaseStore[str, bytes]]:
        async with ConvexByteStore(**arguments) as store:
            yield store

    @pytest.fixture
    def three_values(self) -> tuple[bytes, bytes, bytes]:
        return BYTES


class TestKVStore(BaseStoreSyncTests[Any]):
    @pytest.fixture
    def kv_store(self, arguments: dict[str, Any]) -> Iterator[BaseStore[str, Any]]:
        with ConvexKVStore[Any](**arguments) as store:
            yield store

    @pytest.fixture
    def three_values(self) -> tuple[Any, Any, Any]:
        return VALUES


class TestKVStoreAsync(BaseStoreAsyncTests[Any]):
    @pytest_asyncio.fixture
    async def kv_store(self, arguments: dict[str, Any]) -> AsyncIterator[BaseStore[str, Any]]:
        async with ConvexKVStore[Any](**arguments) as store:
            yield store

    @pytest.fixture
    def three_values(self) -> tuple[Any, Any, Any]:
        return VALUES
