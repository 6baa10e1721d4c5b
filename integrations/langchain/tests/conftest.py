"""Fixtures of more than one module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from integrations.langchain.tests.savers import Savers
from tests.lanes import FACES, Deployment


@pytest_asyncio.fixture(params=FACES)
async def savers(request: pytest.FixtureRequest, deployment: Deployment) -> AsyncIterator[Savers]:
    """Checkpoint savers of both faces, on every lane."""
    made = Savers(deployment, request.param)
    yield made
    await made.backend.aclose()
