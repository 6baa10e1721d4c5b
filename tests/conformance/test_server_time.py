"""The deployment's time: told by it, to every client alike, and without a trace."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from convex_mastra import open_backend
from convex_mastra.backends import Backend
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.ops import server_time as module
from convex_mastra.ops.server_time import PROBES, at_server_time, server_time
from convex_mastra.ops.storage import query_rows, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_indexes import list_indexes
from tests.faulty import FAULTS, Fault, FaultyBackend, outcome
from tests.lanes import FACES, Awaited, Deployment, with_older_lanes

pytestmark = with_older_lanes
REQUESTS = ["insert", "queryTable", "deleteMany"]


def failing(target: Target) -> Flow[Any]:
    def fail(_now_s: float) -> Flow[None]:
        yield Sleep(0)
        raise RuntimeError("the caller's own")

    return (yield from at_server_time(target, fail))


def two_at_once(target: Target) -> Flow[list[float]]:
    return (yield Gather([server_time(target), server_time(target)]))


class Times(SyncClient):
    now = blocking(server_time)
    fail = blocking(failing)
    twice = blocking(two_at_once)
    rows = blocking(query_rows)
    put = blocking(upsert_rows)
    indexes = blocking(list_indexes)


class AsyncTimes(AsyncClient):
    now = nonblocking(server_time)
    fail = nonblocking(failing)
    twice = nonblocking(two_at_once)
    rows = nonblocking(query_rows)
    put = nonblocking(upsert_rows)
    indexes = nonblocking(list_indexes)


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> Any:
    return {"sync": Times, "async": AsyncTimes}[request.param]


@pytest_asyncio.fixture
async def backend(deployment: Deployment) -> AsyncIterator[Backend]:
    opened = open_backend(deployment.url, deployment.admin_key)
    yield opened
    await opened.aclose()


def client(face: Any, backend: Any, deployment: Deployment) -> Any:
    return Awaited(face(backend=backend, storage_function=deployment.storage_function))


async def test_it_is_the_deployments_and_goes_on(
    face: Any, backend: Backend, deployment: Deployment
) -> None:
    one, other = client(face, backend, deployment), client(face, backend, deployment)
    began = time.time()
    times = [await asked.now() for asked in (one, other, one, other)]
    times += sorted(await one.twice())
    assert times == sorted(set(times))
    if deployment.lane != "live":  # the others run on this machine, of whose clock they have...
        assert began - 0.001 <= times[0] <= times[-1] <= time.time() + 0.001  # ...milliseconds
    assert await one.rows(PROBES, {}) == []


async def test_mastra_never_sees_the_row(
    face: Any, backend: Backend, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = FaultyBackend(backend)
    asked = client(face, watched, deployment)
    await asked.now()
    assert [label.split()[0] for label in watched.sent] == REQUESTS
    await asked.put(PROBES, [[{"id": "abandoned", "embedding": [0.0]}]])
    assert PROBES.removeprefix("mastra_vector_") not in await asked.indexes()
    await asked.now()
    assert [row["id"] for row in await asked.rows(PROBES, {})] == ["abandoned"], "too young"
    monkeypatch.setattr(module, "ABANDONED_MS", 0.0)
    await asked.now()
    assert await asked.rows(PROBES, {}) == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_row_is_deleted_whatever_happens(
    face: Any, backend: Backend, deployment: Deployment, fault: Fault
) -> None:
    for fails_at in range(1, len(REQUESTS) + 1):
        faulty = FaultyBackend(backend, fails_at=fails_at, fault=fault)
        stopped = await outcome(client(face, faulty, deployment).now)
        assert len(faulty.sent) >= fails_at
        is_swallowed = fault.startswith("lost") and fails_at == len(REQUESTS)
        assert (stopped is None) == is_swallowed, (fails_at, fault)
        assert await client(face, backend, deployment).rows(PROBES, {}) == [], (fails_at, fault)


async def test_the_caller_fails(face: Any, backend: Backend, deployment: Deployment) -> None:
    asked = client(face, backend, deployment)
    with pytest.raises(RuntimeError, match="the caller's own"):
        await asked.fail()
    assert await asked.rows(PROBES, {}) == []
