"""The npm client in Node.js, doing the same work as this client on the same server.

The work is Mastra's own: saving a thread's messages, reading them, writing vectors, searching
them. Each side times its own call inside its own process; what the call needs is made before.
What the two return is checked as well, so that neither is fast by doing less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from typing import Final

import numpy as np

from benchmarks.harness import Comparison, Measure, Result, expect, timed
from benchmarks.npm_client import NpmClient, start_npm_client
from benchmarks.scale import Rounds, Scale
from benchmarks.servers import Server, dev_server, reference_server
from benchmarks.workload import RESOURCE_ID, Workload, make
from convex_mastra import Backend, ConvexStore, ConvexVector, Options, Thread, open_backend

TARGET: Final = 1.0
TOP_K: Final = 10
PEER: Final = "npm client in Node.js"
PATIENT: Final = Options(timeout_s=300.0)
"""As long as Node.js waits. The reference runs one request at a time, and others wait their turn."""
_READ_THREAD: Final = "read"
_QUERIED_INDEX: Final = "queried"

Do = Callable[[int], tuple[float, object]]
"""Does the work of the round of that number; returns seconds, and what came of it."""


def compare_on_dev_server(scale: Scale) -> Iterator[Result]:
    """Measure both clients on ``convex-mastra dev``."""
    rounds = (scale.saves, scale.reads, scale.upserts, scale.queries)
    return _compare("npm-dev-server", dev_server(), rounds, scale)


def compare_on_reference(scale: Scale) -> Iterator[Result]:
    """Measure both clients on the reference server: Mastra's stock functions in Convex's mock."""
    memory, vectors = scale.reference_memory, scale.reference_vectors
    return _compare("npm-reference", reference_server(), (memory, memory, vectors, vectors), scale)


@dataclass(frozen=True, slots=True)
class _Task:
    """One piece of work, as each side does it, and what must come of it in each round."""

    name: str
    size: str
    ours: Do
    peer: Do
    wanted: Callable[[int], object]
    peer_is: str = PEER


def _compare(
    group: str,
    starting: AbstractContextManager[Server],
    rounds: tuple[Rounds, Rounds, Rounds, Rounds],
    scale: Scale,
) -> Iterator[Result]:
    work = make(scale)
    tasks = (_saving, _reading, _upserting, _querying)
    with starting as server, start_npm_client(server, work) as npm:
        backend = open_backend(server.url, server.admin_key, options=PATIENT)
        try:
            for task_of, repetitions in zip(tasks, rounds, strict=True):
                task = task_of(backend, npm, work, scale)
                yield Comparison(
                    name=f"{group}.{task.name}",
                    size=task.size,
                    peer_is=task.peer_is,
                    target=TARGET,
                    ours=_checked(task, task.ours),
                    peer=_checked(task, task.peer),
                ).run(repetitions)
        finally:
            backend.close()


def _checked(task: _Task, do: Do) -> Measure:
    numbers = count()

    def measure() -> float:
        number = next(numbers)
        elapsed_s, found = do(number)
        expect(found=found, wanted=task.wanted(number), doing=task.name)
        return elapsed_s

    return measure


def _saving(backend: Backend, npm: NpmClient, work: Workload, _scale: Scale) -> _Task:
    memory = ConvexStore(backend=backend).memory
    size = len(work.texts)

    def ours(number: int) -> tuple[float, object]:
        thread = memory.save_thread(Thread(id=f"ours-{number}", resource_id=RESOURCE_ID))
        messages = work.messages(thread.id)
        elapsed_s, saved = timed(lambda: memory.save_messages(messages))
        return elapsed_s, len(saved)

    def peer(number: int) -> tuple[float, object]:
        return npm.run("saveMessages", threadId=f"npm-{number}")

    words = f"{size:,} messages into a new thread"
    return _Task("save-messages", words, ours, peer, lambda _: size)


def _reading(backend: Backend, npm: NpmClient, work: Workload, _scale: Scale) -> _Task:
    memory = ConvexStore(backend=backend).memory
    memory.save_thread(Thread(id=_READ_THREAD, resource_id=RESOURCE_ID))
    saved = memory.save_messages(work.messages(_READ_THREAD))
    wanted = [message.id for message in saved]

    def ours(_: int) -> tuple[float, object]:
        elapsed_s, page = timed(lambda: memory.list_messages(_READ_THREAD, per_page=False))
        return elapsed_s, [message.id for message in page.messages]

    def peer(_: int) -> tuple[float, object]:
        return npm.run("listMessages", threadId=_READ_THREAD)

    words = f"all {len(wanted):,} messages of a thread"
    return _Task("read-messages", words, ours, peer, lambda _: wanted)


def _upserting(backend: Backend, npm: NpmClient, work: Workload, scale: Scale) -> _Task:
    vector = ConvexVector(backend=backend)
    vectors = work.vectors.tolist()  # lists, as models' clients return them and as npm takes them
    size, dimension = work.vectors.shape
    ids = work.vector_ids

    def ours(number: int) -> tuple[float, object]:
        vector.create_index(f"ours-{number}", dimension)
        elapsed_s, written = timed(
            lambda: vector.upsert(f"ours-{number}", vectors, ids=ids, metadata=work.metadata)
        )
        return elapsed_s, len(written)

    def peer(number: int) -> tuple[float, object]:
        rows = scale.peer_rows_per_request
        return npm.run("upsert", indexName=f"npm-{number}", rowsPerRequest=rows)

    peer_is = (
        f"{PEER}, given {scale.peer_rows_per_request:,} vectors at a time, one after the other"
    )
    words = f"{size:,} x {dimension} vectors into a new index"
    return _Task("upsert", words, ours, peer, lambda _: size, peer_is)


def _querying(backend: Backend, npm: NpmClient, work: Workload, _scale: Scale) -> _Task:
    vector = ConvexVector(backend=backend)
    size, dimension = work.vectors.shape
    vector.create_index(_QUERIED_INDEX, dimension)
    vector.upsert(_QUERIED_INDEX, work.vectors, ids=work.vector_ids, metadata=work.metadata)
    queries = work.queries.tolist()

    def ours(number: int) -> tuple[float, object]:
        query = queries[number % len(queries)]
        elapsed_s, found = timed(lambda: vector.query(_QUERIED_INDEX, query, top_k=TOP_K))
        return elapsed_s, [match.id for match in found]

    def peer(number: int) -> tuple[float, object]:
        query = queries[number % len(queries)]
        return npm.run("query", indexName=_QUERIED_INDEX, vector=query, topK=TOP_K)

    lengths = np.linalg.norm(work.vectors, axis=1)

    def wanted(number: int) -> list[str]:
        scores = work.vectors @ work.queries[number % len(queries)] / lengths
        return [work.vector_ids[position] for position in np.argsort(-scores)[:TOP_K]]

    words = f"best {TOP_K} of {size:,} x {dimension}"
    return _Task("query", words, ours, peer, wanted)
