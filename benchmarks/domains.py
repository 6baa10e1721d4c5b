"""The other domains, the server cache and native vectors, against the npm client's on one server.

Each domain's main write and main read, single calls one after the other, as an agent makes them.
Both sides do what ``tests/node/bench/domains.ts`` and ``_domains`` say, with ids of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from benchmarks.harness import Comparison, Result, expect, timed
from benchmarks.npm import PATIENT, PEER
from benchmarks.npm_client import NpmClient, start_npm_domains
from benchmarks.scale import Rounds, Scale
from benchmarks.servers import Server, dev_server, reference_server
from convex_mastra import (
    Backend,
    BackgroundTask,
    ChannelInstallation,
    ConvexNativeVector,
    ConvexServerCache,
    ConvexStore,
    Schedule,
    Score,
    open_backend,
)
from convex_mastra.records import native_config
from tests.native import INDEXES

TARGET: Final = 1.0
INDEX: Final = "plain"
_CREATED: Final = datetime(2026, 1, 1, tzinfo=UTC)
_PERSISTS: Final = 5
"""How often the state of a workflow run is stored: when it begins, and after each of four steps."""


@dataclass(frozen=True, slots=True)
class _Domain:
    """What is done once for an id: *write* it, and *read* what ``tests/node/bench`` returns."""

    write: Callable[[str], object]
    read: Callable[[str], object]


def compare_on_dev_server(scale: Scale) -> Iterator[Result]:
    """Measure both clients on ``convex-mastra dev``."""
    return _compare("domains-dev-server", dev_server(), scale.domains, scale)


def compare_on_reference(scale: Scale) -> Iterator[Result]:
    """Measure both clients on the reference server: Mastra's stock functions in Convex's mock."""
    return _compare("domains-reference", reference_server(), scale.reference_domains, scale)


def _compare(
    group: str, starting: AbstractContextManager[Server], rounds: Rounds, scale: Scale
) -> Iterator[Result]:
    indexes = {INDEX: native_config(INDEXES[INDEX])}
    with starting as server, start_npm_domains(server, indexes) as npm:
        backend = open_backend(server.url, server.admin_key, options=PATIENT)
        try:
            for name, domain in _domains(backend).items():
                for work in ("write", "read"):
                    measured = _Measured(name, work, scale.calls_of_domains, npm)
                    call = domain.write if work == "write" else domain.read
                    yield Comparison(
                        name=f"{group}.{name}.{work}",
                        size=f"{scale.calls_of_domains} calls",
                        peer_is=PEER,
                        target=TARGET,
                        ours=measured.ours(call),
                        peer=measured.peer(),
                    ).run(rounds)
        finally:
            backend.close()


@dataclass(frozen=True, slots=True)
class _Measured:
    """One piece of work, timed on either side; each round has ids of its own."""

    domain: str
    work: str
    calls: int
    npm: NpmClient

    def ours(self, call: Callable[[str], object]) -> Callable[[], float]:
        rounds = count()

        def measure() -> float:
            ids = self._ids("ours", next(rounds))
            elapsed_s, found = timed(lambda: [call(one) for one in ids])
            self._check(found if self.work == "read" else len(found), ids)
            return elapsed_s

        return measure

    def peer(self) -> Callable[[], float]:
        rounds = count()

        def measure() -> float:
            ids = self._ids("npm", next(rounds))
            elapsed_s, found = self.npm.run_domain(self.domain, self.work, ids)
            self._check(found, ids)
            return elapsed_s

        return measure

    def _ids(self, side: str, number: int) -> list[str]:
        return [f"{side}-{number}-{call}" for call in range(self.calls)]

    def _check(self, found: Any, ids: list[str]) -> None:
        wanted: Any = ids if self.work == "read" else len(ids)
        if self.domain == "native" and self.work == "read":
            found, wanted = set(found), {2}  # of many that are alike, any two
        expect(found=found, wanted=wanted, doing=f"{self.domain} {self.work}")


def _domains(backend: Backend) -> dict[str, _Domain]:
    store = ConvexStore(backend=backend)
    cache = ConvexServerCache(backend=backend)
    native = ConvexNativeVector(INDEXES, backend=backend)
    memories: dict[str, str] = {}

    def persist(run_id: str) -> None:
        for step in range(_PERSISTS):
            context = {"step": step, "text": "x" * 500}
            snapshot = {"runId": run_id, "status": "running", "context": context}
            store.workflows.persist_workflow_snapshot("wf", run_id, snapshot)

    def observe(thread_id: str) -> None:
        if thread_id not in memories:
            begun = store.memory.initialize_observational_memory(
                thread_id=thread_id, resource_id="ann", scope="thread"
            )
            memories[thread_id] = begun.id
        store.memory.update_active_observations(
            memories[thread_id],
            observations="* likes tea",
            token_count=3,
            last_observed_at=_CREATED,
        )

    return {
        "workflows": _Domain(
            persist,
            lambda one: (store.workflows.load_workflow_snapshot("wf", one) or {}).get("runId"),
        ),
        "scores": _Domain(
            lambda one: store.scores.save_score(_score(one)),
            lambda one: store.scores.list_scores_by_run_id(one, per_page=9).scores[0].run_id,
        ),
        "schedules": _Domain(
            lambda one: store.schedules.create_schedule(_schedule(one)),
            lambda one: _id_of(store.schedules.get_schedule(one)),
        ),
        "channels": _Domain(
            lambda one: store.channels.save_installation(_installation(one)),
            lambda one: _id_of(store.channels.get_installation(one)),
        ),
        "tasks": _Domain(
            lambda one: store.background_tasks.create_task(_task(one)),
            lambda one: _id_of(store.background_tasks.get_task(one)),
        ),
        "observations": _Domain(
            observe,
            lambda one: getattr(
                store.memory.get_observational_memory(one, "ann"), "thread_id", None
            ),
        ),
        "cache": _Domain(
            lambda one: cache.set(one, {"key": one, "text": "x" * 200}),
            lambda one: (cache.get(one) or {}).get("key"),
        ),
        "native": _Domain(
            lambda one: native.upsert(INDEX, [[1, 0, 0]], ids=[one], metadata=[{"text": one}]),
            lambda _: len(native.query(INDEX, [1, 0.1, 0], top_k=2)),
        ),
    }


def _id_of(record: Any) -> object:
    return getattr(record, "id", None)


def _score(run_id: str) -> Score:
    return Score(
        scorer_id="helpful",
        run_id=run_id,
        scorer={"id": "helpful"},
        score=0.5,
        input={"text": "what?"},
        output={"text": "that"},
        source="LIVE",
    )


def _schedule(schedule_id: str) -> Schedule:
    return Schedule(
        id=schedule_id,
        target={"type": "workflow", "workflowId": "wf"},
        cron="0 9 * * *",
        next_fire_at=_CREATED,
        created_at=_CREATED,
        updated_at=_CREATED,
    )


def _installation(installation_id: str) -> ChannelInstallation:
    return ChannelInstallation(
        id=installation_id,
        platform="slack",
        agent_id="agent",
        status="active",
        data={"team": "T"},
        created_at=_CREATED,
    )


def _task(task_id: str) -> BackgroundTask:
    return BackgroundTask(
        id=task_id,
        tool_name="weather",
        tool_call_id="call",
        args={"city": "Oslo"},
        agent_id="agent",
        run_id="run",
        max_retries=2,
        created_at=_CREATED,
    )
