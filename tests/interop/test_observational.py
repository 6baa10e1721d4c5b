"""Observational memory in two languages: each reads the other's, and both leave the same rows.

On the dev server and on the reference deployment; the JavaScript is the packages' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from msgspec import structs

from convex_mastra import ConvexStore, Memory, ObservationalMemory, ObservationChunk
from convex_mastra.face import SyncClient, blocking
from convex_mastra.ops.storage import query_rows
from convex_mastra.timestamps import to_text
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
NOON = datetime(2026, 1, 2, 12, 0, 0, 0, UTC)
CONFIG: dict[str, Any] = {
    "scope": "thread",
    "$schema": {"clé": [1, 1.5, None]},
    "b": {"x": 1},
    "a": {},
}
METADATA = {"n": 1, "$k": "é"}
CHUNK: dict[str, Any] = {
    "cycle_id": "c1",
    "observations": "* first é",
    "token_count": 10,
    "message_ids": ["m1", "m2"],
    "message_tokens": 100,
    "last_observed_at": START,
}
HINTS: dict[str, Any] = {
    "suggested_continuation": "go on",
    "current_task": "travel",
    "thread_title": "Oslo",
    "extracted_values": {"z": 1, "a": [1.5, None]},
    "extraction_failures": [{"slug": "mood", "error": "none"}],
}
SWAP: dict[str, Any] = {
    "activation_ratio": 0.5,
    "message_tokens_threshold": 400,
    "current_pending_tokens": 500,
}
OWN_COLUMNS: Final = frozenset(
    (
        *("_id", "_creationTime", "id", "lookupKey", "threadId", "resourceId"),
        *("createdAt", "updatedAt", "lastReflectionAt"),
    )
)
"""What differs between two memories in any case; the rest of their rows must be equal."""


class Raw(SyncClient):
    """Rows as they are stored."""

    rows = blocking(query_rows)


def on(deployment: Deployment, **request: Any) -> Any:
    place = {"url": deployment.url, "key": deployment.admin_key}
    return run_node("observational.ts", place | request)


def camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def javascript(value: Any) -> Any:
    """A record, or the arguments of an operation, as JavaScript names them."""
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, ObservationChunk | ObservationalMemory):
        fields = structs.asdict(value)
        return javascript(fields) | fields["extra"]
    if isinstance(value, dict):
        return {
            camel(name): one
            if name in ("config", "metadata", "extracted_values")
            else javascript(one)
            for name, one in value.items()
            if one is not None and name != "extra"
        }
    if isinstance(value, list):
        return [javascript(one) for one in value]
    return value


def rows_of(deployment: Deployment, thread_id: str) -> list[dict[str, Any]]:
    """The rows of a memory, oldest first, without what is their own."""
    with Raw(deployment.url, deployment.admin_key) as raw:
        rows = raw.rows("mastra_observational_memory", {"lookupKey": f"thread:{thread_id}"})
    return [
        {
            column: re.sub(r'"(id|createdAt)":"(ombuf-|20)[^"]*"', r'"\1":"…"', value)
            if column == "bufferedObservationChunks" and value
            else value
            for column, value in row.items()
            if column not in OWN_COLUMNS
        }
        for row in rows
    ]


Step = tuple[str, Any, Callable[[Memory, ObservationalMemory], Any]]
"""What npm's client is told; the same for ours."""


def observed(**args: Any) -> Step:
    return (
        "updateActive",
        javascript(args),
        lambda memory, record: memory.update_active_observations(record.id, **args),
    )


def buffered(**fields: Any) -> Step:
    chunk = CHUNK | fields
    return (
        "updateBuffered",
        {"chunk": javascript(chunk), "lastBufferedAtTime": to_text(NOON)},
        lambda memory, record: memory.update_buffered_observations(
            record.id, ObservationChunk(**chunk), last_buffered_at_time=NOON
        ),
    )


def swapped(**args: Any) -> Step:
    return (
        "swapBuffered",
        javascript(SWAP | args),
        lambda memory, record: memory.swap_buffered_to_active(record.id, **SWAP | args),
    )


def reflected(text: str, lines: int) -> Step:
    args: dict[str, Any] = {
        "reflection": text,
        "token_count": 3,
        "input_token_count": 4,
        "reflected_observation_line_count": lines,
    }
    return (
        "updateReflection",
        javascript(args),
        lambda memory, record: memory.update_buffered_reflection(record.id, **args),
    )


LIFE: list[Step] = [
    observed(observations="* a\n* b", token_count=5, last_observed_at=START),
    observed(
        observations="* a\n* b\n* c",
        token_count=7.5,
        last_observed_at=NOON,
        observed_message_ids=["m1"],
    ),
    ("setPendingTokens", 700, lambda m, r: m.set_pending_message_tokens(r.id, 700)),
    ("setObserving", True, lambda m, r: m.set_observing_flag(r.id, True)),
    (
        "setBufferingObservation",
        [True, 30],
        lambda m, r: m.set_buffering_observation_flag(r.id, True, 30),
    ),
    ("setBufferingReflection", True, lambda m, r: m.set_buffering_reflection_flag(r.id, True)),
    buffered(),
    buffered(cycle_id="c2", message_tokens=200, **HINTS),
    buffered(cycle_id="c3", message_tokens=5000, **HINTS),
    swapped(),
    swapped(last_observed_at=NOON, force_max_activation=True),
    buffered(cycle_id="c4", **HINTS),
    buffered(cycle_id="c5"),
    (
        "updateConfig",
        {"config": {"b": {"y": [2]}, "scope": None, "1": "é"}},
        lambda m, r: m.update_observational_memory_config(
            r.id, {"b": {"y": [2]}, "scope": None, "1": "é"}
        ),
    ),
    reflected("* ab", 2),
    reflected("* more", 3),
    ("swapReflection", {"tokenCount": 8}, lambda m, r: m.swap_buffered_reflection_to_active(
        r, token_count=8
    )),
    ("setReflecting", True, lambda m, r: m.set_reflecting_flag(r.id, True)),
    observed(observations="* d", token_count=1, last_observed_at=NOON),
    ("reflect", {"reflection": "* all", "tokenCount": 2}, lambda m, r: (
        m.create_reflection_generation(r, reflection="* all", token_count=2)
    )),
    buffered(cycle_id="c6"),
]  # fmt: skip


def test_the_same_life_leaves_the_same_rows(deployment: Deployment, unique: Unique) -> None:
    theirs, ours = unique("js"), unique("py")
    begun = {"scope": "thread", "config": CONFIG, "observed_timezone": "Europe/Oslo"}
    steps = [{"call": call, "input": given} for call, given, _ in LIFE]
    answer = on(
        deployment,
        threadId=theirs,
        resourceId="r",
        steps=[{"call": "initialize", "input": javascript(begun)}, *steps],
    )
    results = []
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        store.memory.initialize_observational_memory(thread_id=ours, resource_id="r", **begun)
        for _, _, step in LIFE:
            record = store.memory.get_observational_memory(ours)
            assert record is not None
            results.append(step(store.memory, record))
    stored = rows_of(deployment, ours)
    assert len(stored) == 3
    assert stored == rows_of(deployment, theirs)

    swaps = [position for position, (call, _, _) in enumerate(LIFE) if call == "swapBuffered"]
    for position in swaps:
        given = structs.asdict(results[position])
        given["per_chunk"] = [structs.asdict(one) for one in given["per_chunk"]]
        assert javascript(given) == answer["results"][position + 1]


def test_python_reads_what_mastra_wrote(deployment: Deployment, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    chunk = ObservationChunk(**CHUNK, **HINTS, created_at=NOON, extra={"ofANewerVersion": [1]})
    record = ObservationalMemory(
        id=unique("om"),
        scope="thread",
        thread_id=thread_id,
        resource_id=resource_id,
        generation_count=2,
        origin_type="reflection",
        active_observations="* é",
        last_observed_at=START,
        buffered_observation_chunks=[chunk],
        buffered_reflection="* r",
        buffered_reflection_tokens=1,
        buffered_reflection_input_tokens=2,
        reflected_observation_line_count=3,
        observed_message_ids=["m1"],
        observed_timezone="UTC",
        total_tokens_observed=4,
        observation_token_count=5.5,
        pending_message_tokens=6,
        is_reflecting=True,
        last_buffered_at_tokens=7,
        last_buffered_at_time=NOON,
        config=CONFIG,
        metadata=METADATA,
        created_at=START,
        updated_at=NOON,
    )
    answer = on(
        deployment,
        threadId=thread_id,
        resourceId=resource_id,
        steps=[{"call": "insert", "input": javascript(record)}],
    )
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        found = store.memory.get_observational_memory(thread_id)
        assert found == record
        assert str(found) == str(record)
        copy = record.replace(id=unique("om"), thread_id=unique("copy"))
        store.memory.insert_observational_memory_record(copy)
    assert copy.thread_id is not None
    assert rows_of(deployment, copy.thread_id) == rows_of(deployment, thread_id)
    assert answer["current"]["id"] == record.id


def test_mastra_reads_what_python_wrote(deployment: Deployment, unique: Unique) -> None:
    resource_id = unique("r")
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        first = store.memory.initialize_observational_memory(
            scope="resource", resource_id=resource_id, config=CONFIG
        )
        second = store.memory.create_reflection_generation(
            first.replace(metadata=METADATA), reflection="* r", token_count=3
        )
        chunk = ObservationChunk(**CHUNK, **HINTS)
        store.memory.update_buffered_observations(second.id, chunk)
    answer = on(deployment, threadId=None, resourceId=resource_id)
    assert [one["id"] for one in answer["history"]] == [second.id, first.id]
    current = answer["current"]
    assert current == answer["history"][0]
    assert (current["threadId"], current["scope"]) == (None, "resource")
    assert str(current["config"]) == str(CONFIG)
    assert current["metadata"] == METADATA
    assert current["createdAt"] == to_text(second.created_at)
    assert (current["generationCount"], current["activeObservations"]) == (1, "* r")
    assert current["bufferedObservationChunks"] == [javascript(chunk)]


def test_each_goes_on_where_the_other_stopped(deployment: Deployment, unique: Unique) -> None:
    thread_id = unique("t")
    place = {"threadId": thread_id, "resourceId": "r"}
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        memory = store.memory
        record = memory.initialize_observational_memory(
            scope="thread", thread_id=thread_id, resource_id="r"
        )
        memory.update_buffered_observations(record.id, ObservationChunk(**CHUNK))
        call, given, _ = swapped()
        answer = on(deployment, **place, steps=[{"call": call, "input": given}])
        assert answer["results"][0]["activatedCycleIds"] == ["c1"]
        found = memory.get_observational_memory(thread_id)
        assert found is not None
        assert (found.active_observations, found.last_observed_at) == ("* first é", START)
        call, given, _ = reflected("* r", 1)
        on(deployment, **place, steps=[{"call": call, "input": given}])
        made = memory.swap_buffered_reflection_to_active(found, token_count=1)
        assert made.active_observations == "* r"
        answer = on(deployment, **place, steps=[{"call": "clear"}])
        assert (answer["current"], answer["history"]) == (None, [])
        assert memory.get_observational_memory_history(thread_id) == []
