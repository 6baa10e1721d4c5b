"""The lanes: the deployments that every behaviour is tested on, and both faces of the client.

A pytest plugin (see ``addopts``), so that the integrations' tests have the same fixtures. The
deployments live as long as the session and are shared by its tests: each test takes names of its
own from ``unique``. Set CONVEX_TEST_URL, CONVEX_TEST_ADMIN_KEY and, if it is not the stock one,
CONVEX_TEST_STORAGE_FUNCTION to add a lane for a real deployment; its schema must also declare the
tables of ``tests/node/reference/native_tables.ts``.
"""

from __future__ import annotations

import inspect
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import settings

from convex_mastra import (
    AsyncConvexNativeVector,
    AsyncConvexServerCache,
    AsyncConvexStore,
    AsyncConvexVector,
    ConvexNativeVector,
    ConvexServerCache,
    ConvexStore,
    ConvexVector,
    Options,
    open_backend,
)
from convex_mastra.server import serve
from convex_mastra.wire import STORAGE_FUNCTION
from tests.native import INDEXES
from tests.reference import start_reference_server

# A busy machine must not fail a test for taking long; the example that fails is printed.
settings.register_profile("convex-mastra", deadline=None, print_blob=True)
settings.load_profile("convex-mastra")

LIVE_URL: Final = os.environ.get("CONVEX_TEST_URL")
LANES: Final = ["embedded", "dev-server", "reference", *(["live"] if LIVE_URL else [])]
SERVED_LANES: Final = [lane for lane in LANES if lane != "embedded"]
"""Those that another process can reach; Node cannot open the embedded backend."""
OLDER_LANES: Final = {"reference-1.0.6": "1.0.6"}
"""Deployments whose handler is of an older @mastra/convex, and of which. Not in ``LANES``: most
domains need tables that these do not have. A module asks for them with one of the next two."""
FACES: Final = ["sync", "async"]
SEED: Final = "CONVEX_MASTRA_SEED"
ADMIN_KEY: Final = "lane|00112233445566778899aabbccddeeff"


def on_lanes(lanes: Iterable[str]) -> pytest.MarkDecorator:
    """A mark for tests that run on other lanes than ``LANES``."""
    return pytest.mark.parametrize("deployment", list(lanes), indirect=True, scope="session")


with_older_lanes: Final = on_lanes([*LANES, *OLDER_LANES])
"""For what must be the same on an older deployment, or say in the test where it is not."""
older_lanes_only: Final = on_lanes(OLDER_LANES)
"""For what is special about older deployments."""


@dataclass(frozen=True)
class Deployment:
    """Where a lane is: what a user would pass to ``ConvexStore``.

    Attributes:
        database: the SQLite file behind it, if there is one.
    """

    lane: str
    url: str
    admin_key: str | None
    storage_function: str = STORAGE_FUNCTION
    database: Path | None = None

    @property
    def is_older(self) -> bool:
        """Whether its handler is older than the operations that came with 1.2.1."""
        return self.lane in OLDER_LANES

    def environment(self) -> dict[str, str]:
        """The environment variables that name it."""
        return {"CONVEX_URL": self.url, "CONVEX_ADMIN_KEY": self.admin_key or ""}


def pytest_configure() -> None:
    """Choose the seed of the random sequences; the workers of a parallel run inherit it."""
    os.environ.setdefault(SEED, str(secrets.randbelow(2**32)))


def pytest_report_header() -> list[str]:
    """Say which lanes run, why not more, and how to draw the same random sequences again."""
    live = "" if LIVE_URL else " (live: not run, CONVEX_TEST_URL is not set)"
    seed = f"seed of the random sequences: {os.environ[SEED]} ({SEED} repeats them)"
    return [f"lanes: {', '.join([*LANES, *OLDER_LANES])}{live}", seed]


@pytest.fixture(scope="session", params=LANES)
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment of each lane in turn."""
    lane = request.param
    path = tmp_path_factory.mktemp(lane) / "mastra.db"
    if lane == "embedded":
        yield Deployment(lane, f"file:{path}", None, database=path)
    elif lane == "dev-server":
        backend = open_backend(f"file:{path}")
        with serve(backend, ADMIN_KEY) as url:
            yield Deployment(lane, url, ADMIN_KEY, database=path)
        backend.close()
    elif lane == "reference" or lane in OLDER_LANES:
        with start_reference_server(probes=True, generation=OLDER_LANES.get(lane)) as server:
            yield Deployment(lane, server.url, server.admin_key)
    else:
        assert LIVE_URL
        yield Deployment(
            lane,
            LIVE_URL,
            os.environ["CONVEX_TEST_ADMIN_KEY"],
            os.environ.get("CONVEX_TEST_STORAGE_FUNCTION", STORAGE_FUNCTION),
        )


class Awaited:
    """A face whose methods are all awaited, so that a test of both faces exists once."""

    def __init__(self, face: Any) -> None:
        self.face = face

    def __getattr__(self, name: str) -> Any:
        member = getattr(self.face, name)
        if not callable(member):
            return member

        async def method(*args: Any, **kwargs: Any) -> Any:
            result = member(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return method


@dataclass
class Clients:
    """A store, its memory, a vector, a native vector and a cache over one backend, of one face.

    The cache has a prefix that no other test has.
    """

    deployment: Deployment
    store: Any
    memory: Any
    vector: Any
    cache: Any
    native: Any
    events: list[Any]

    def domain(self, name: str) -> Any:
        """A domain of the store, e.g. ``workflows``, with all its methods awaited."""
        return Awaited(getattr(self.store, name))

    def requests(self) -> list[str]:
        """The operations sent since the last call."""
        operations = [event.operation for event in self.events]
        self.events.clear()
        return operations


@pytest_asyncio.fixture(params=FACES)
async def clients(request: pytest.FixtureRequest, deployment: Deployment) -> AsyncIterator[Clients]:
    """Both faces, on every lane."""
    events: list[Any] = []
    backend = open_backend(
        deployment.url, deployment.admin_key, options=Options(on_event=events.append)
    )
    store, vector, native, cache = {
        "sync": (ConvexStore, ConvexVector, ConvexNativeVector, ConvexServerCache),
        "async": (
            AsyncConvexStore,
            AsyncConvexVector,
            AsyncConvexNativeVector,
            AsyncConvexServerCache,
        ),
    }[request.param]
    function = deployment.storage_function
    opened = store(backend=backend, storage_function=function)
    yield Clients(
        deployment,
        opened,
        Awaited(opened.memory),
        Awaited(vector(backend=backend, storage_function=function)),
        Awaited(cache(backend=backend, key_prefix=f"{uuid4().hex}:")),
        Awaited(native(INDEXES, backend=backend)),
        events,
    )
    await backend.aclose()


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes a name that no other test has."""
    return lambda name: f"{name}-{uuid4().hex[:12]}"
