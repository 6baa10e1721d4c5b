from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.config import Options


@pytest.fixture(params=["memory", "file"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedBackend]:
    """An empty backend, in memory and over a file."""
    path = ":memory:" if request.param == "memory" else str(tmp_path / "mastra.db")
    opened = EmbeddedBackend(path, Options())
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a database file may be made."""
    return str(tmp_path / "mastra.db")
