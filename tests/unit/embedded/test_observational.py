"""Observational memory: generations, buffered chunks, activation, reflections."""

from __future__ import annotations

import json
from typing import Any

import pytest

from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.backends.embedded.handlers import activation
from convex_mastra.errors import FunctionError
from tests.unit.embedded.storage import result, send

TABLE = "mastra_observational_memory"
FLAGS = ("isObserving", "isReflecting", "isBufferingObservation", "isBufferingReflection")
COUNTS = (
    "pendingMessageTokens",
    "totalTokensObserved",
    "observationTokenCount",
    "lastBufferedAtTokens",
)


def record(identity: str, generation: int = 0, **columns: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "lookupKey": "thread:t",
        "scope": "thread",
        "activeObservations": "",
        "originType": "initial",
        "config": "{}",
        "generationCount": generation,
        "createdAt": f"2026-01-0{generation + 1}T00:00:00.000Z",
        "updatedAt": "u",
        **dict.fromkeys(FLAGS, False),
        **dict.fromkeys(COUNTS, 0),
        **columns,
    }


def chunk(cycle: str, tokens: float, **fields: Any) -> dict[str, Any]:
    return {
        "cycleId": cycle,
        "observations": f"o-{cycle}",
        "tokenCount": 1,
        "messageTokens": tokens,
    } | fields


def latest(backend: EmbeddedBackend) -> Any:
    return result(backend, "omGetLatest", TABLE, lookupKey="thread:t")


def test_the_latest_generation_and_the_history(backend: EmbeddedBackend) -> None:
    assert latest(backend) is None
    send(backend, "batchInsert", TABLE, records=[record(f"r{n}", n) for n in (2, 0, 3, 1)])
    assert latest(backend)["id"] == "r3"

    def history(**args: Any) -> list[str]:
        return [
            row["id"]
            for row in result(backend, "omGetHistory", TABLE, lookupKey="thread:t", **args)
        ]

    assert history() == ["r3", "r2", "r1", "r0"]
    assert history(limit=2, offset=1) == ["r2", "r1"]
    assert history(**{"from": "2026-01-02", "to": "2026-01-03T00:00:00.000Z"}) == ["r2", "r1"]
    assert history(limit=0) == []


def test_observing_adds_to_the_total(backend: EmbeddedBackend) -> None:
    send(
        backend, "insert", TABLE, record=record("r", totalTokensObserved=10, pendingMessageTokens=7)
    )
    update = {"id": "r", "observations": "new", "lastObservedAt": "l", "updatedAt": "v"}
    send(backend, "omUpdateActive", TABLE, tokenCount=5, observedMessageIds=["m"], **update)
    row = latest(backend)
    assert (row["activeObservations"], row["observedMessageIds"]) == ("new", ["m"])
    assert (row["totalTokensObserved"], row["observationTokenCount"]) == (15, 5)
    assert row["pendingMessageTokens"] == 0
    send(backend, "omUpdateActive", TABLE, tokenCount=-1, **update)
    assert latest(backend)["totalTokensObserved"] == 15
    assert "observedMessageIds" not in latest(backend)


def test_a_record_that_is_not_there(backend: EmbeddedBackend) -> None:
    with pytest.raises(FunctionError) as caught:
        send(backend, "omUpdateConfig", TABLE, id="x", config="{}")
    assert caught.value.message == "Observational memory record not found: x"
    with pytest.raises(
        FunctionError, match="omGetLatest is only supported for mastra_observational"
    ):
        send(backend, "omGetLatest", "mastra_threads", lookupKey="thread:t")


def test_chunks_are_kept_as_javascript_writes_them(backend: EmbeddedBackend) -> None:
    send(backend, "insert", TABLE, record=record("r"))
    for number in (1, 2.5):
        send(backend, "omAppendBufferedChunk", TABLE, id="r", chunk={"n": number}, updatedAt="v")
    assert latest(backend)["bufferedObservationChunks"] == '[{"n":1},{"n":2.5}]'


def test_swapping_moves_chunks_into_the_observations(backend: EmbeddedBackend) -> None:
    chunks = [
        chunk("a", 100, messageIds=["m1", "m2"], lastObservedAt="t1"),
        chunk("b", 200, messageIds=["m3"], lastObservedAt="t2", currentTask="task"),
        chunk("c", 5000),
    ]
    row = record("r", activeObservations="old", pendingMessageTokens=1000)
    send(backend, "insert", TABLE, record=row | {"bufferedObservationChunks": json.dumps(chunks)})
    swap = {"activationRatio": 0.5, "messageTokensThreshold": 400, "currentPendingTokens": 500}
    reply = result(backend, "omSwapBuffered", TABLE, id="r", now="n", **swap)
    assert reply == {
        "activatedCycleIds": ["a", "b"],
        "activatedMessageIds": ["m1", "m2", "m3"],
        "chunksActivated": 2,
        "currentTask": "task",
        "messageTokensActivated": 300,
        "messagesActivated": 3,
        "observationTokensActivated": 2,
        "observations": "o-a\n\no-b",
        "perChunk": [
            {"cycleId": "a", "messageCount": 2, "messageTokens": 100, "observationTokens": 1,
             "observations": "o-a"},
            {"cycleId": "b", "messageCount": 1, "messageTokens": 200, "observationTokens": 1,
             "observations": "o-b"},
        ],
    }  # fmt: skip
    after = latest(backend)
    assert after["activeObservations"] == "old\n\n--- message boundary (t2) ---\n\no-a\n\no-b"
    assert (after["pendingMessageTokens"], after["observationTokenCount"]) == (700, 2)
    assert json.loads(after["bufferedObservationChunks"]) == chunks[2:]
    assert after["lastObservedAt"] == "t2"


def test_nothing_to_swap(backend: EmbeddedBackend) -> None:
    send(backend, "insert", TABLE, record=record("r", bufferedObservationChunks="no json"))
    reply = result(backend, "omSwapBuffered", TABLE, id="r", now="n")
    assert reply["chunksActivated"] == 0
    reply["activatedCycleIds"].append("mine")
    assert result(backend, "omSwapBuffered", TABLE, id="r", now="n")["activatedCycleIds"] == []


@pytest.mark.parametrize(
    ("tokens", "threshold", "ratio", "pending", "forced", "count"),
    [
        ([100, 100, 100], 1000, 0.5, 700, False, 2),  # nearest above the target
        ([100, 100, 100], 1000, 0.5, 650, False, 1),  # above would leave too little
        ([100, 3000], 1000, 0.5, 3200, False, 1),  # above would overshoot too far
        ([100, 3000], 1000, 0.5, 3200, True, 1),  # forced, but too little would remain
        ([100, 3000], 1000, 0.5, 3700, True, 2),
        ([3000], 1000, 0.5, 3100, False, 1),  # at least one
        ([10, 10], 100, 0, 5000, False, 2),  # all of it is below the target
    ],
)
def test_how_many_chunks_become_active(
    tokens: list[float], threshold: float, ratio: float, pending: float, forced: bool, count: int
) -> None:
    request = {
        "messageTokensThreshold": float(threshold),
        "activationRatio": float(ratio),
        "currentPendingTokens": float(pending),
        "forceMaxActivation": forced,
    }
    chunks = [{"messageTokens": float(number)} for number in tokens]
    assert activation.boundary(chunks, request) == count


def test_a_reflection_is_buffered_and_then_a_generation_of_its_own(
    backend: EmbeddedBackend,
) -> None:
    row = record("r", activeObservations="one\ntwo\nthree\n", totalTokensObserved=9)
    send(backend, "insert", TABLE, record=row)
    buffered = {"inputTokenCount": 1, "reflectedObservationLineCount": 2, "updatedAt": "v"}
    for text in ("first", "second"):
        send(
            backend,
            "omUpdateBufferedReflection",
            TABLE,
            id="r",
            reflection=text,
            tokenCount=3,
            **buffered,
        )
    held = latest(backend)
    assert (held["bufferedReflection"], held["bufferedReflectionTokens"]) == ("first\n\nsecond", 6)
    swap = {"currentRecord": row, "newId": "r2", "tokenCount": 4, "now": "2026-02-01"}
    made = result(backend, "omSwapBufferedReflection", TABLE, **swap)
    assert made["activeObservations"] == "first\n\nsecond\n\nthree"
    assert (made["generationCount"], made["originType"]) == (1, "reflection")
    assert made["totalTokensObserved"] == 9
    assert made.items() <= latest(backend).items()
    old = result(backend, "load", TABLE, keys={"id": "r"})
    assert (old["bufferedReflection"], old["reflectedObservationLineCount"]) == (None, None)
    with pytest.raises(FunctionError, match="No buffered reflection to swap"):
        send(backend, "omSwapBufferedReflection", TABLE, **swap)


def test_configuration_is_merged_in_depth(backend: EmbeddedBackend) -> None:
    send(backend, "insert", TABLE, record=record("r", config='{"a":{"b":1,"c":[1]},"d":2}'))
    change = '{"a":{"b":null,"e":{"f":1}},"d":{"g":1}}'
    send(backend, "omUpdateConfig", TABLE, id="r", config=change, updatedAt="v")
    assert latest(backend)["config"] == '{"a":{"b":null,"c":[1],"e":{"f":1}},"d":{"g":1}}'
