"""Our server under Mastra's own clients: the same tour on the dev server and on npm's handlers.

Every call of npm's clients must return the same, or fail alike, on both. What Python then reads is
compared with what npm's clients read last. The tour is in ``tests/node/interop/tour``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

from convex_mastra import (
    ConvexNativeVector,
    ConvexServerCache,
    ConvexStore,
    ConvexVector,
    open_backend,
)
from convex_mastra.server import serve
from convex_mastra.timestamps import to_milliseconds, to_text
from tests.interop.node import run_node
from tests.lanes import ADMIN_KEY
from tests.native import CONFIGS, INDEXES
from tests.property.comparison import reworded
from tests.reference import start_reference_server

_TOUR_TIMES: Final = "2026-01-02T"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FAILURE: Final = re.compile(
    r"\A\[Request ID: \w+\] Server Error\n(?:Uncaught Error: )?(.*?)(?:\n    at .*)?\n?\Z",
    re.DOTALL,
)
_RESERVED: Final = re.compile(r".*Field name \$or starts with .*")
"""Convex's own words and its mock's for what neither takes."""
_NOW_FROM_MS: Final = 1.6e12
STOPS: Final = [
    "memory",
    "workflows",
    "scores",
    "schedules",
    "channels",
    "backgroundTasks",
    "vectors",
    "nativeVectors",
    "cache",
    "agentMemory",
]

Place = tuple[str, str]
Tour = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, Place]]:
    """An empty dev server and an empty reference deployment: the tour's ids are fixed."""
    with ExitStack() as stack:
        backend = open_backend(":memory:")
        stack.callback(backend.close)
        url = stack.enter_context(serve(backend, ADMIN_KEY))
        reference = stack.enter_context(start_reference_server())
        yield {"dev-server": (url, ADMIN_KEY), "reference": (reference.url, reference.admin_key)}


@pytest.fixture(scope="module")
def tours(places: dict[str, Place]) -> dict[str, Tour]:
    return {
        name: run_node(
            "tour.ts", {"url": url, "key": key, "nativeIndexes": {"docs": CONFIGS["docs"]}}
        )
        for name, (url, key) in places.items()
    }


@pytest.mark.parametrize("stop", STOPS)
def test_npm_clients_see_the_same(tours: dict[str, Tour], stop: str) -> None:
    ours, theirs = (comparable(tours[name][stop]) for name in ("dev-server", "reference"))
    assert len(theirs) > 6
    for our_step, their_step in zip(ours, theirs, strict=True):
        assert our_step == their_step


def test_every_stop_is_compared(tours: dict[str, Tour]) -> None:
    assert list(tours["reference"]) == STOPS


class Python:
    """A deployment after the tour, as Python reads it, and what npm's clients said of it."""

    def __init__(self, place: Place, tour: Tour) -> None:
        backend = open_backend(*place)
        self.store = ConvexStore(backend=backend)
        self.vector = ConvexVector(backend=backend)
        self._tour = tour

    def npm(self, stop: str, step: str) -> Any:
        """What the last call of that name returned."""
        return [one["result"] for one in self._tour[stop] if one["step"] == step][-1]


@pytest.fixture(params=["dev-server", "reference"])
def python(
    request: pytest.FixtureRequest, places: dict[str, Place], tours: dict[str, Tour]
) -> Iterator[Python]:
    opened = Python(places[request.param], tours[request.param])
    yield opened
    opened.store.backend.close()


def test_python_reads_the_memory(python: Python) -> None:
    memory = python.store.memory
    theirs = python.npm("memory", "all that is left")["messages"]
    ours = memory.list_messages("tour-t1", per_page=False).messages
    assert [(one.id, one.role, one.content, to_text(one.created_at)) for one in ours] == [
        (one["id"], one["role"], one["content"], one["createdAt"]) for one in theirs
    ]
    updated = python.npm("memory", "update it")
    resource = memory.get_resource_by_id("tour-r")
    assert resource is not None
    assert (resource.working_memory, resource.metadata) == (
        updated["workingMemory"],
        updated["metadata"],
    )
    told = python.npm("agentMemory", "what is remembered")
    assert getattr(memory.get_resource_by_id("tour-agent-r"), "working_memory", None) == told
    rest = python.npm("agentMemory", "recall the rest")
    assert [one.id for one in memory.list_messages("tour-agent-t").messages] == rest


def test_python_reads_the_workflows(python: Python) -> None:
    theirs = python.npm("workflows", "get")
    ours = python.store.workflows.get_workflow_run_by_id("tour-run")
    assert ours is not None
    assert (ours.snapshot, to_text(ours.created_at), ours.resource_id) == (
        theirs["snapshot"],
        theirs["createdAt"],
        theirs["resourceId"],
    )


def test_python_reads_the_vectors(python: Python) -> None:
    theirs = python.npm("vectors", "query what is left")
    ours = python.vector.query("tour_docs", [1, 0.1, 0])
    assert [(one.id, one.metadata) for one in ours] == [
        (one["id"], one["metadata"]) for one in theirs
    ]
    assert [one.score for one in ours] == pytest.approx([one["score"] for one in theirs])


def test_python_reads_the_observations(python: Python) -> None:
    theirs = python.npm("memory", "history")
    ours = python.store.memory.get_observational_memory_history("tour-t1", "ann")
    assert [
        (one.id, one.generation_count, one.active_observations, one.config) for one in ours
    ] == [
        (one["id"], one["generationCount"], one["activeObservations"], one["config"])
        for one in theirs
    ]


def test_python_reads_the_scores(python: Python) -> None:
    theirs = python.npm("scores", "by scorer")["scores"]
    ours = python.store.scores.list_scores_by_scorer_id("tour-scorer").scores
    assert sorted((one.score, one.id, one.reason, one.input, one.metadata) for one in ours) == [
        (one["score"], one["id"], one["reason"], one["input"], one["metadata"]) for one in theirs
    ]


def test_python_reads_the_schedules(python: Python) -> None:
    theirs = python.npm("schedules", "get")
    ours = python.store.schedules.get_schedule("tour-s1")
    assert ours is not None
    assert (ours.target, ours.metadata, to_milliseconds(ours.next_fire_at), ours.last_run_id) == (
        theirs["target"],
        theirs["metadata"],
        theirs["nextFireAt"],
        theirs["lastRunId"],
    )
    triggers = python.store.schedules.list_triggers("tour-s1")
    assert [one.run_id for one in triggers] == ["run3", "run2", "run1"]


def test_python_reads_the_channels(python: Python) -> None:
    (theirs, *_) = python.npm("channels", "list")
    ours = python.store.channels.get_installation_by_agent("tour-slack", "tour-agent")
    assert ours is not None
    assert (ours.id, ours.data, to_text(ours.created_at)) == (
        theirs["id"],
        theirs["data"],
        theirs["createdAt"],
    )
    config = python.store.channels.get_config("tour-slack")
    assert config is not None
    assert config.data == python.npm("channels", "configuration")["data"]


def test_python_reads_the_background_tasks(python: Python) -> None:
    (theirs,) = python.npm("backgroundTasks", "left")["tasks"]
    (ours,) = python.store.background_tasks.list_tasks(run_id="tour-run").tasks
    assert (ours.id, ours.args, ours.result, ours.status) == (
        theirs["id"],
        theirs["args"],
        theirs["result"],
        theirs["status"],
    )


def test_python_reads_the_native_vectors(python: Python) -> None:
    theirs = python.npm("nativeVectors", "query what is left")
    native = ConvexNativeVector(INDEXES, backend=python.store.backend)
    ours = native.query("docs", [1, 0.1], top_k=3)
    assert [(one.id, one.metadata) for one in ours] == [
        (one["id"], one["metadata"]) for one in theirs
    ]


def test_python_reads_the_cache(python: Python) -> None:
    cache = ConvexServerCache(backend=python.store.backend, key_prefix="tour:")
    assert cache.get("value") == python.npm("cache", "get")
    assert cache.increment("counter") == python.npm("cache", "count") + 1
    assert cache.list_length("list") == python.npm("cache", "length of none") == 0


def comparable(outcomes: list[dict[str, Any]]) -> list[Any]:
    """Outcomes without what differs from run to run: random ids, the time now, request ids."""
    seen: dict[str, str] = {}

    def plain(value: Any) -> Any:
        match value:
            case str():
                value = _UUID.sub(
                    lambda found: seen.setdefault(found[0], f"<uuid {len(seen)}>"), value
                )
                return _TIME.sub(
                    lambda found: found[0] if found[0].startswith(_TOUR_TIMES) else "<now>", value
                )
            case int() | float() if value >= _NOW_FROM_MS:
                return "<now>"
            case list():
                return [plain(item) for item in value]
            case dict():
                return {
                    key: plain(item)
                    for key, item in value.items()
                    if key not in ("_id", "_creationTime")
                }
        return value

    def outcome(one: dict[str, Any]) -> Any:
        if "error" not in one:
            return plain(one)
        failure = _FAILURE.match(one["error"])
        text = reworded(failure[1] if failure else one["error"])
        return one | {"error": _RESERVED.sub("<reserved field>", text)}

    return [outcome(one) for one in outcomes]
