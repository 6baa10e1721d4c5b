"""LangChain's standard tests of a cache, all of them, on every lane, with Mastra's cache and without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from langchain_core.caches import BaseCache
from langchain_tests.integration_tests import AsyncCacheTestSuite, SyncCacheTestSuite

from convex_mastra.wire import CACHE_FUNCTION
from langchain_convex_mastra import ConvexCache
from tests.lanes import Deployment


@pytest.fixture(params=[CACHE_FUNCTION, "mastra/none:handle"], ids=["mastras", "documents"])
def cache_function(request: pytest.FixtureRequest) -> str:
    """Mastra's cache function, and one that no deployment has."""
    path: str = request.param
    return path


def cache_on(deployment: Deployment, cache_function: str, key_prefix: str) -> ConvexCache:
    return ConvexCache(
        key_prefix=key_prefix,
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
        cache_function=cache_function,
        storage_function=deployment.storage_function,
    )


class TestConvexCache(SyncCacheTestSuite):
    @pytest.fixture
    def cache(
        self, deployment: Deployment, unique: Callable[[str], str], cache_function: str
    ) -> Iterator[BaseCache]:
        with cache_on(deployment, cache_function, unique("standard")) as cache:
            yield cache


class TestConvexCacheAsync(AsyncCacheTestSuite):
    @pytest_asyncio.fixture
    async def cache(
        self, deployment: Deployment, unique: Callable[[str], str], cache_function: str
    ) -> AsyncIterator[BaseCache]:
        async with cache_on(deployment, cache_function, unique("standard")) as cache:
            yield cache
