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

from convex_mastra import ConvexStore, ConvexVector, open_backend
from convex_mastra.server import serve
from convex_mastra.timestamps import to_text
from tests.interop.node import run_node
from tests.lanes import ADMIN_KEY
from tests.property.comparison import reworded
from tests.reference import start_reference_server

_TOUR_TIMES: Final = "2026-01-02T"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FAILURE: Final = re.compile(
    r"\A\[Request ID: \w+\] Server Error\n(?:Uncaught Error: )?(.*?)(?:\n    at .*)?\n\Z", re.DOTALL
)
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
        name: run_node("tour.ts", {"url": url, "key": key, "nativeIndexes": {}})
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
        return one | {"error": reworded(failure[1] if failure else one["error"])}

    return [outcome(one) for one in outcomes]
