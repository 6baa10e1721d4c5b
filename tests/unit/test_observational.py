"""Observational memory where deployments misbehave, and rows that no version of today writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra import (
    ConvexStore,
    FunctionError,
    NotFoundError,
    ObservationalMemory,
    ObservationChunk,
    Options,
    OutcomeUnknownError,
    ProtocolError,
    ScanLimitError,
    SwapResult,
    UnsupportedOperationError,
)
from convex_mastra.limits import SCAN_ROWS
from convex_mastra.ops.observational_rows import whole_row
from convex_mastra.records import observational_memory_from_row, swap_result_from
from tests.scripted import (
    ADMIN_KEY,
    Reply,
    ScriptedDeployment,
    Seen,
    failure,
    scripted_deployment,
    success,
)

NOON = datetime(2026, 1, 2, 12, 0, 0, 0, UTC)
ROW: dict[str, Any] = {
    "_id": "k17",
    "_creationTime": 1767355200000.0,
    "id": "om",
    "lookupKey": "thread:t",
    "scope": "thread",
    "threadId": "t",
    "resourceId": None,
    "activeObservations": "",
    "originType": "initial",
    "config": "{}",
    "generationCount": 0.0,
    "createdAt": "2026-01-02T12:00:00.000Z",
    "updatedAt": "2026-01-02T12:00:00.000Z",
}
CHUNK = ObservationChunk(
    cycle_id="c",
    observations="o",
    token_count=1,
    message_ids=[],
    message_tokens=1,
    last_observed_at=NOON,
)
HIDDEN = failure("[Request ID: abc] Server Error")
LOST = Reply(cut=True)

Answers = dict[str, Reply]
Operation = Callable[[Any], Any]


@pytest.fixture
def deployment() -> Iterator[ScriptedDeployment]:
    with scripted_deployment() as running:
        yield running


def found(result: Any) -> Reply:
    return success({"ok": True, "result": result})


def ask(deployment: ScriptedDeployment, answers: Answers, operation: Operation) -> None:
    """Run an operation against a deployment that answers so."""

    def answer(seen: Seen) -> Reply:
        return answers.get(seen.body["args"]["op"], found(None))

    deployment.script = answer
    options = Options(retry_attempts=3)
    with ConvexStore(deployment.url, ADMIN_KEY, options=options) as store:
        operation(store.memory)


def sent(deployment: ScriptedDeployment) -> list[str]:
    return [seen.body["args"]["op"] for seen in deployment.seen]


NOT_TO_BE_REPEATED: list[tuple[str, Operation]] = [
    (
        "omUpdateActive",
        lambda memory: memory.update_active_observations(
            "om", observations="o", token_count=1, last_observed_at=NOON
        ),
    ),
    (
        "omAppendBufferedChunk",
        lambda memory: memory.update_buffered_observations("om", CHUNK),
    ),
    (
        "omSwapBuffered",
        lambda memory: memory.swap_buffered_to_active(
            "om", activation_ratio=1, message_tokens_threshold=1, current_pending_tokens=1
        ),
    ),
    (
        "omUpdateBufferedReflection",
        lambda memory: memory.update_buffered_reflection(
            "om",
            reflection="r",
            token_count=1,
            input_token_count=1,
            reflected_observation_line_count=1,
        ),
    ),
    (
        "omSwapBufferedReflection",
        lambda memory: memory.swap_buffered_reflection_to_active(
            ObservationalMemory(id="om", scope="thread", thread_id="t"), token_count=1
        ),
    ),
]


@pytest.mark.parametrize(("op", "operation"), NOT_TO_BE_REPEATED)
def test_a_lost_reply(deployment: ScriptedDeployment, op: str, operation: Operation) -> None:
    with pytest.raises(OutcomeUnknownError):
        ask(deployment, {op: LOST}, operation)
    assert sent(deployment) == ["omGetLatest", op], "sent once, and never again"


@pytest.mark.parametrize(("op", "operation"), NOT_TO_BE_REPEATED)
def test_a_deployment_that_hides_its_errors(
    deployment: ScriptedDeployment, op: str, operation: Operation
) -> None:
    with pytest.raises(NotFoundError, match="Observational memory record not found: om"):
        ask(deployment, {op: HIDDEN, "load": found(None)}, operation)
    with pytest.raises(FunctionError, match="hides error texts"):
        ask(deployment, {op: HIDDEN, "load": found(ROW)}, operation)


@pytest.mark.parametrize(
    "operation",
    [
        *(operation for _, operation in NOT_TO_BE_REPEATED),
        lambda memory: memory.initialize_observational_memory(scope="resource", resource_id="r"),
        lambda memory: memory.set_observing_flag("om", True),
        lambda memory: memory.get_observational_memory_history("t"),
        lambda memory: memory.clear_observational_memory("t"),
    ],
)
def test_an_older_handler_is_sent_nothing_but_the_question(
    deployment: ScriptedDeployment, operation: Operation
) -> None:
    refusal = success({"ok": False, "error": "Unsupported operation omGetLatest"})
    with pytest.raises(UnsupportedOperationError, match=r"@mastra/convex 1\.4\.0"):
        ask(deployment, {"omGetLatest": refusal}, operation)
    assert sent(deployment) == ["omGetLatest"]


def history(**args: Any) -> Operation:
    return lambda memory: memory.get_observational_memory_history("t", **args)


def test_a_history_too_large_to_read(deployment: ScriptedDeployment) -> None:
    reply = failure("Too many bytes read in a single function execution")
    with pytest.raises(ScanLimitError, match="thread:t has more generations"):
        ask(deployment, {"omGetHistory": reply}, history())


def test_a_history_that_goes_on_where_the_handler_stops(deployment: ScriptedDeployment) -> None:
    generations = [ROW | {"id": str(number)} for number in range(2)]

    def answer(seen: Seen) -> Reply:
        args = seen.body["args"]
        return found(generations[: args.get("limit")] if args["op"] == "omGetHistory" else None)

    deployment.script = answer
    with ConvexStore(deployment.url, ADMIN_KEY) as store:
        assert len(store.memory.get_observational_memory_history("t", limit=2)) == 2
        for args in ({"offset": SCAN_ROWS - 2}, {"from_date": NOON}, {"to_date": NOON}):
            with pytest.raises(ScanLimitError) as caught:
                history(**args)(store.memory)
            assert caught.value.limit == SCAN_ROWS


def test_a_memory_too_large_to_clear_at_once(deployment: ScriptedDeployment) -> None:
    rows = {str(number): ROW | {"id": str(number)} for number in range(9)}

    def answer(seen: Seen) -> Reply:
        args = seen.body["args"]
        if args["op"] == "queryTable":
            assert args["filters"] == [{"field": "lookupKey", "value": "thread:t"}]
            if args["limit"] > 7:
                return failure("Too many bytes read in a single function execution")
            return found(list(rows.values())[: args["limit"]])
        for row_id in args.get("ids", ()):
            del rows[row_id]
        return found(None)

    deployment.script = answer
    with ConvexStore(deployment.url, ADMIN_KEY) as store:
        store.memory.clear_observational_memory("t")
    assert rows == {}


def test_columns_and_keys_of_newer_versions_are_kept() -> None:
    chunk = '{"id":"c","observations":"o","lastObservedAt":"?","newKey":{"$b":1,"a":2}}'
    row = ROW | {"newColumn": [1.0], "bufferedMessageIds": ["m"]}
    row["bufferedObservationChunks"] = f"[{chunk}]"
    record = observational_memory_from_row(row)
    assert record.extra == {"newColumn": [1.0], "bufferedMessageIds": ["m"]}
    (one,) = record.buffered_observation_chunks
    assert one.extra == {"newKey": {"$b": 1, "a": 2}}
    assert one.last_observed_at == one.created_at == NOON, "the row's own, if it has none"
    assert (one.cycle_id, one.message_ids, one.token_count) == ("", [], 0)
    written = whole_row(record, "record.")
    assert (written["newColumn"], written["bufferedMessageIds"]) == ([1.0], ["m"])
    assert written["bufferedObservationChunks"].endswith('"newKey":{"$b":1,"a":2}}]')
    assert observational_memory_from_row(ROW | written) == record


def test_what_a_row_does_not_have() -> None:
    row = ROW | {"config": "no json", "metadata": "[]", "bufferedObservationChunks": "no json"}
    record = observational_memory_from_row(row | {"threadId": "", "observedTimezone": ""})
    assert (record.config, record.metadata, record.buffered_observation_chunks) == ({}, None, [])
    assert (record.thread_id, record.observed_timezone) == (None, None)
    assert (record.total_tokens_observed, record.is_observing) == (0, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": None},
        {"generationCount": "1"},
        {"bufferedObservationChunks": "[1]"},
        {"bufferedObservationChunks": '[{"id":"c"}]'},
    ],
)
def test_a_row_that_cannot_be_read(changes: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        observational_memory_from_row(ROW | changes)


@pytest.mark.parametrize("reply", [None, [], {}, {"chunksActivated": 1.0}])
def test_a_swap_that_says_nothing(reply: Any) -> None:
    with pytest.raises(ProtocolError, match="what it activated"):
        swap_result_from(reply)


def test_a_swap_is_told_in_whole_numbers() -> None:
    names = ("chunks", "messageTokens", "observationTokens", "messages")
    empty: dict[str, Any] = {"activatedCycleIds": [], "activatedMessageIds": []}
    read = swap_result_from(empty | {f"{name}Activated": 0.0 for name in names})
    assert read == SwapResult()
    assert type(read.messages_activated) is int
