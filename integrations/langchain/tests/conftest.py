"""What tests of several of the adapter's classes share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from convex_mastra import open_backend
from convex_mastra.backends import Backend
from integrations.langchain.tests.savers import Savers
from tests.lanes import FACES, Deployment


@pytest_asyncio.fixture
async def backend(deployment: Deployment) -> AsyncIterator[Backend]:
    """A backend of the lane, to be shared."""
    opened = open_backend(deployment.url, deployment.admin_key)
    yield opened
    await opened.aclose()


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """Which face to ask: ``sync`` or ``async``."""
    return str(request.param)


@pytest_asyncio.fixture(params=FACES)
async def savers(request: pytest.FixtureRequest, deployment: Deployment) -> AsyncIterator[Savers]:
    """Checkpoint savers of both faces, on every lane."""
    made = Savers(deployment, request.param)
    yield made
    await made.backend.aclose()
