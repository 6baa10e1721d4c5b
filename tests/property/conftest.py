"""The two places that the differential tests compare, each started once for a module."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from convex_mastra.backends.embedded import EmbeddedBackend
from tests.property.comparison import start_embedded_backend
from tests.reference import ReferenceServer, start_reference_server


@pytest.fixture(scope="module")
def server() -> Iterator[ReferenceServer]:
    with start_reference_server(probes=True) as started:
        yield started


@pytest.fixture(scope="module")
def http(server: ReferenceServer) -> Iterator[httpx.Client]:
    with server.connect() as client:
        yield client


@pytest.fixture(scope="module")
def backend() -> Iterator[EmbeddedBackend]:
    with start_embedded_backend() as started:
        yield started
