"""Observational memory, as MemoryConvex of @mastra/convex 1.5.2 has it, on every lane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import (
    FunctionError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    ObservationalMemory,
    ObservationChunk,
    SwapResult,
)
from convex_mastra.records import ActivatedChunk
from convex_mastra.timestamps import to_text
from tests.lanes import Clients

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
CONFIG: dict[str, Any] = {
    "z": 1,
    "$schema": {"clé": [1, 1.5, None, True], "big": 2**60},
    "a": {"10": "ten", "9": "nine"},
}
NOT_FOUND = "MASTRA_STORAGE_CONVEX_{}_NOT_FOUND"


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


def chunk(name: str, message_tokens: float, /, **fields: Any) -> ObservationChunk:
    return ObservationChunk(
        **{
            "cycle_id": f"cycle-{name}",
            "observations": f"* saw {name} é",
            "token_count": 10,
            "message_ids": [f"m-{name}-1", f"m-{name}-2"],
            "message_tokens": message_tokens,
            "last_observed_at": minutes(message_tokens / 1000),
            "created_at": START,
        }
        | fields
    )


async def begun(clients: Clients, unique: Unique, **args: Any) -> ObservationalMemory:
    """A memory of a thread of its own."""
    record: ObservationalMemory = await clients.memory.initialize_observational_memory(
        **{"scope": "thread", "thread_id": unique("t"), "resource_id": unique("r")} | args
    )
    clients.requests()
    return record


async def current(clients: Clients, record: ObservationalMemory) -> ObservationalMemory:
    found = await clients.memory.get_observational_memory(record.thread_id, record.resource_id)
    assert found is not None
    return found  # type: ignore[no-any-return]


async def test_a_memory_begins_empty(clients: Clients, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    assert await clients.memory.get_observational_memory(thread_id, resource_id) is None
    record = await clients.memory.initialize_observational_memory(
        scope="thread",
        thread_id=thread_id,
        resource_id=resource_id,
        config=CONFIG,
        observed_timezone="Europe/Oslo",
    )
    assert (record.origin_type, record.generation_count) == ("initial", 0)
    assert (record.active_observations, record.buffered_observation_chunks) == ("", [])
    assert (record.last_observed_at, record.last_buffered_at_time) == (None, None)
    assert record.observed_timezone == "Europe/Oslo"
    found = await clients.memory.get_observational_memory(thread_id)
    assert found == record
    assert str(found.config) == str(CONFIG), "keys in their order, integers exact"
    assert await clients.memory.get_observational_memory(None, resource_id) is None


async def test_a_memory_of_a_resource(clients: Clients, unique: Unique) -> None:
    record = await begun(clients, unique, scope="resource", thread_id=None)
    assert record.thread_id is None
    assert record.config == {}
    found = await clients.memory.get_observational_memory(resource_id=record.resource_id)
    assert found == record
    assert await clients.memory.get_observational_memory(record.resource_id) is None


async def test_one_request_tells_whether_the_handler_knows_the_table(
    clients: Clients, unique: Unique
) -> None:
    for _ in range(2):
        await clients.memory.get_observational_memory(unique("t"))
    assert clients.requests() == ["omGetLatest mastra_observational_memory"] * 3


async def test_observing(clients: Clients, unique: Unique) -> None:
    record = await begun(clients, unique)
    await clients.memory.set_pending_message_tokens(record.id, 70)
    assert (await current(clients, record)).pending_message_tokens == 70
    await clients.memory.update_active_observations(
        record.id,
        observations="* a",
        token_count=5,
        last_observed_at=minutes(1),
        observed_message_ids=["m1", "m2"],
    )
    clients.requests()
    await clients.memory.update_active_observations(
        record.id, observations="* a\n* b", token_count=7.5, last_observed_at=minutes(2)
    )
    assert clients.requests() == ["omUpdateActive mastra_observational_memory"]
    found = await current(clients, record)
    assert (found.active_observations, found.last_observed_at) == ("* a\n* b", minutes(2))
    assert (found.observation_token_count, found.total_tokens_observed) == (7.5, 12.5)
    assert (found.pending_message_tokens, found.observed_message_ids) == (0, None)
    assert found.updated_at >= record.updated_at
    assert found.created_at == record.created_at


async def test_chunks_are_buffered_as_they_are(clients: Clients, unique: Unique) -> None:
    record = await begun(clients, unique)
    chunks = [
        chunk("a", 100),
        chunk(
            "b",
            200.5,
            suggested_continuation="Ask about the weather",
            current_task="travel",
            thread_title="Größe",
            extracted_values={"city": "Oslo", "n": 3, "x": 1.5, "deep": {"list": [None]}},
            extraction_failures=[{"slug": "mood", "error": "none"}],
            extra={"ofANewerVersion": {"k": [1]}},
        ),
    ]
    for number, one in enumerate(chunks):
        await clients.memory.update_buffered_observations(
            record.id, one, last_buffered_at_time=minutes(3) if number == 0 else None
        )
    found = await current(clients, record)
    assert found.buffered_observation_chunks == chunks
    assert type(found.buffered_observation_chunks[1].extracted_values["n"]) is int
    assert found.last_buffered_at_time == minutes(3)
    assert found.active_observations == ""


async def test_swapping_activates_the_oldest_chunks(clients: Clients, unique: Unique) -> None:
    record = await begun(clients, unique)
    await clients.memory.update_active_observations(
        record.id, observations="* old", token_count=3, last_observed_at=START
    )
    await clients.memory.set_pending_message_tokens(record.id, 500)
    chunks = [
        chunk("a", 100, current_task="first"),
        chunk("b", 200, current_task="second", suggested_continuation="go on"),
        chunk("c", 5000),
    ]
    for one in chunks:
        await clients.memory.update_buffered_observations(record.id, one)
    activated = await clients.memory.swap_buffered_to_active(
        record.id,
        activation_ratio=0.5,
        message_tokens_threshold=400,
        current_pending_tokens=500,
    )
    assert activated == SwapResult(
        chunks_activated=2,
        message_tokens_activated=300,
        observation_tokens_activated=20,
        messages_activated=4,
        activated_cycle_ids=["cycle-a", "cycle-b"],
        activated_message_ids=["m-a-1", "m-a-2", "m-b-1", "m-b-2"],
        observations="* saw a é\n\n* saw b é",
        per_chunk=[
            ActivatedChunk(
                cycle_id=f"cycle-{name}",
                message_tokens=tokens,
                observation_tokens=10,
                message_count=2,
                observations=f"* saw {name} é",
            )
            for name, tokens in (("a", 100), ("b", 200))
        ],
        suggested_continuation="go on",
        current_task="second",
    )
    assert type(activated.chunks_activated) is int
    found = await current(clients, record)
    seam = f"\n\n--- message boundary ({to_text(minutes(0.2))}) ---\n\n"
    assert found.active_observations == f"* old{seam}* saw a é\n\n* saw b é"
    assert (found.observation_token_count, found.pending_message_tokens) == (23, 200)
    assert found.total_tokens_observed == 3
    assert found.last_observed_at == minutes(0.2)
    assert found.buffered_observation_chunks == chunks[2:]


async def test_swapping_at_a_given_time(clients: Clients, unique: Unique) -> None:
    record = await begun(clients, unique)
    swap: dict[str, Any] = {
        "activation_ratio": 1,
        "message_tokens_threshold": 100,
        "current_pending_tokens": 100,
    }
    empty = await clients.memory.swap_buffered_to_active(record.id, **swap)
    assert empty == SwapResult()
    await clients.memory.update_buffered_observations(record.id, chunk("a", 10))
    assert empty == await clients.memory.swap_buffered_to_active(
        record.id, buffered_chunks=[], **swap
    )
    await clients.memory.swap_buffered_to_active(record.id, last_observed_at=minutes(9), **swap)
    found = await current(clients, record)
    assert (found.active_observations, found.last_observed_at) == ("* saw a é", minutes(9))
    assert found.buffered_observation_chunks == []


async def test_swapping_chunks_brought_up_to_date(clients: Clients, unique: Unique) -> None:
    record = await begun(clients, unique)
    stored = [chunk("a", 100), chunk("b", 100), chunk("c", 100)]
    for one in stored:
        await clients.memory.update_buffered_observations(record.id, one)
    fresh = [one.replace(message_tokens=1000, extra={"kept": 1}) for one in stored]
    activated = await clients.memory.swap_buffered_to_active(
        record.id,
        activation_ratio=0.5,
        message_tokens_threshold=2000,
        current_pending_tokens=2000,
        buffered_chunks=fresh,
    )
    assert (activated.chunks_activated, activated.message_tokens_activated) == (1, 1000)
    assert (await current(clients, record)).buffered_observation_chunks == fresh[1:]


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
        ([10, 10], 100, 1, 0, False, 1),
        ([0, 0], 0, 1, 0, True, 1),
    ],
)
async def test_how_many_chunks_become_active(
    clients: Clients,
    unique: Unique,
    tokens: list[float],
    threshold: float,
    ratio: float,
    pending: float,
    forced: bool,
    count: int,
) -> None:
    chunks = [chunk(str(position), number) for position, number in enumerate(tokens)]
    record = ObservationalMemory(
        scope="thread", thread_id=unique("t"), buffered_observation_chunks=chunks
    )
    await clients.memory.insert_observational_memory_record(record)
    activated = await clients.memory.swap_buffered_to_active(
        record.id,
        activation_ratio=ratio,
        message_tokens_threshold=threshold,
        current_pending_tokens=pending,
        force_max_activation=forced,
    )
    assert activated.chunks_activated == count
    assert [one.cycle_id for one in activated.per_chunk] == [one.cycle_id for one in chunks[:count]]


async def test_reflecting_at_once(clients: Clients, unique: Unique) -> None:
    await begun(clients, unique)
    record = await begun(clients, unique, config=CONFIG, observed_timezone="Europe/Oslo")
    await clients.memory.update_active_observations(
        record.id, observations="* long", token_count=50, last_observed_at=minutes(1)
    )
    await clients.memory.update_buffered_observations(record.id, chunk("a", 10))
    old = await current(clients, record)
    old = old.replace(metadata={"$k": "é"})
    made = await clients.memory.create_reflection_generation(
        old, reflection="* short", token_count=5
    )
    assert (made.origin_type, made.generation_count) == ("reflection", 1)
    assert (made.active_observations, made.observation_token_count) == ("* short", 5)
    assert (made.total_tokens_observed, made.last_observed_at) == (50, minutes(1))
    assert (made.config, made.metadata, made.observed_timezone) == (
        CONFIG,
        {"$k": "é"},
        "Europe/Oslo",
    )
    assert made.buffered_observation_chunks == []
    assert made.last_reflection_at == made.created_at
    assert await current(clients, record) == made
    history = await clients.memory.get_observational_memory_history(record.thread_id)
    assert [one.id for one in history] == [made.id, record.id]
    assert history[1].buffered_observation_chunks == [chunk("a", 10, id=history[1]
        .buffered_observation_chunks[0].id)], "the old generation stays as it was"  # fmt: skip


@pytest.mark.parametrize(
    ("observations", "lines", "expected"),
    [
        ("one\ntwo\nthree\n", 2, "first\n\nsecond\n\nthree"),
        ("one\ntwo", 2, "first\n\nsecond"),
        ("one\n \ufeff\u3000", 1, "first\n\nsecond"),
        ("one\n\x1cseparated\x1c\u0085", 1, "first\n\nsecond\n\n\x1cseparated\x1c\u0085"),
        ("one\r\ntwo\u2028three", 1, "first\n\nsecond\n\ntwo\u2028three"),
        ("", 7, "first\n\nsecond"),
    ],
)
async def test_reflecting_in_the_background(
    clients: Clients, unique: Unique, observations: str, lines: int, expected: str
) -> None:
    record = await begun(clients, unique, config=CONFIG)
    await clients.memory.update_active_observations(
        record.id, observations=observations, token_count=9, last_observed_at=minutes(1)
    )
    for text in ("first", "second"):
        await clients.memory.update_buffered_reflection(
            record.id,
            reflection=text,
            token_count=3,
            input_token_count=4,
            reflected_observation_line_count=lines,
        )
    held = await current(clients, record)
    assert held.buffered_reflection == "first\n\nsecond"
    assert (held.buffered_reflection_tokens, held.buffered_reflection_input_tokens) == (6, 8)
    assert held.reflected_observation_line_count == lines
    made = await clients.memory.swap_buffered_reflection_to_active(held, token_count=8)
    assert made.active_observations == expected
    assert (made.generation_count, made.observation_token_count) == (1, 8)
    assert (made.total_tokens_observed, made.config) == (9, CONFIG)
    assert await current(clients, record) == made
    _, old = await clients.memory.get_observational_memory_history(record.thread_id)
    assert (old.id, old.buffered_reflection, old.buffered_reflection_tokens) == (
        record.id,
        None,
        None,
    )
    assert old.active_observations == observations
    with pytest.raises(NotFoundError, match="No buffered reflection to swap"):
        await clients.memory.swap_buffered_reflection_to_active(old, token_count=8)


async def test_the_history(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    for number in (2, 0, 4, 1, 3):
        await clients.memory.insert_observational_memory_record(
            ObservationalMemory(
                scope="thread",
                thread_id=thread_id,
                resource_id="r",
                generation_count=number,
                created_at=minutes(number),
            )
        )

    async def generations(**args: Any) -> list[float]:
        found = await clients.memory.get_observational_memory_history(thread_id, **args)
        return [one.generation_count for one in found]

    assert await generations() == [4, 3, 2, 1, 0]
    assert await generations(limit=2) == [4, 3]
    assert await generations(limit=2, offset=4) == [0]
    assert await generations(limit=0) == []
    assert await generations(offset=20_000) == []
    assert await generations(from_date=minutes(1), to_date=minutes(3)) == [3, 2, 1]
    assert await generations(from_date=minutes(1), limit=2, offset=1) == [3, 2]
    assert await generations(to_date=minutes(-1)) == []


async def test_more_generations_than_one_page(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    for number in range(12):
        await clients.memory.insert_observational_memory_record(
            ObservationalMemory(scope="thread", thread_id=thread_id, generation_count=number)
        )
    history = await clients.memory.get_observational_memory_history(thread_id)
    assert [one.generation_count for one in history] == [*range(11, 1, -1)]


async def test_a_record_comes_back_as_it_was_inserted(clients: Clients, unique: Unique) -> None:
    record = ObservationalMemory(
        id=unique("om"),
        scope="resource",
        resource_id=unique("r"),
        origin_type="reflection",
        generation_count=3,
        active_observations="* é",
        last_observed_at=minutes(1),
        last_reflection_at=minutes(2),
        buffered_observation_chunks=[
            chunk("a", 1.5, extracted_values=CONFIG, extra={"$new": {"b": 1, "a": 2**60}})
        ],
        buffered_observations="before chunks",
        buffered_observation_tokens=4,
        buffered_reflection="* r",
        buffered_reflection_tokens=0,
        buffered_reflection_input_tokens=6,
        reflected_observation_line_count=7,
        observed_message_ids=["m"],
        observed_timezone="UTC",
        total_tokens_observed=8,
        observation_token_count=9,
        pending_message_tokens=10,
        is_observing=True,
        is_reflecting=True,
        is_buffering_observation=True,
        is_buffering_reflection=True,
        last_buffered_at_tokens=11,
        last_buffered_at_time=minutes(3),
        config=CONFIG,
        metadata=CONFIG,
        created_at=START,
        updated_at=minutes(4),
        extra={"bufferedMessageIds": ["of an older version"]},
    )
    await clients.memory.insert_observational_memory_record(record)
    found = await current(clients, record)
    assert found == record
    assert str(found) == str(record), "every JSON object in its order"
    await clients.memory.insert_observational_memory_record(found.replace(metadata=None))
    assert await current(clients, record) == record.replace(metadata=None)


async def test_flags(clients: Clients, unique: Unique) -> None:
    record = await begun(clients, unique)
    memory = clients.memory

    async def flags() -> tuple[Any, ...]:
        found = await current(clients, record)
        return (
            found.is_reflecting,
            found.is_observing,
            found.is_buffering_observation,
            found.is_buffering_reflection,
            found.last_buffered_at_tokens,
        )

    await memory.set_reflecting_flag(record.id, True)
    assert await flags() == (True, False, False, False, 0)
    await memory.set_observing_flag(record.id, True)
    assert await flags() == (True, True, False, False, 0)
    await memory.set_buffering_observation_flag(record.id, True, 30)
    assert await flags() == (True, True, True, False, 30)
    await memory.set_buffering_reflection_flag(record.id, True)
    assert await flags() == (True, True, True, True, 30)
    await memory.set_buffering_observation_flag(record.id, False)
    await memory.set_reflecting_flag(record.id, False)
    assert await flags() == (False, True, False, True, 30)
    assert "patch mastra_observational_memory" in clients.requests()


async def test_a_config_is_merged_in_depth(clients: Clients, unique: Unique) -> None:
    config = {"observation": {"messageTokens": 1, "models": ["a"]}, "scope": "thread", "é": {}}
    record = await begun(clients, unique, config=config)
    await clients.memory.update_observational_memory_config(
        record.id,
        {"observation": {"messageTokens": None, "$x": {"é": 1.5}}, "scope": {"now": 1}, "é": []},
    )
    found = await current(clients, record)
    assert found.config == {
        "observation": {"messageTokens": None, "models": ["a"], "$x": {"é": 1.5}},
        "scope": {"now": 1},
        "é": [],
    }
    assert list(found.config) == ["observation", "scope", "é"]


async def test_clearing(clients: Clients, unique: Unique) -> None:
    record = await begun(clients, unique)
    other = await begun(clients, unique, scope="resource", thread_id=None)
    for _ in range(3):
        record = await clients.memory.create_reflection_generation(
            record, reflection="r", token_count=1
        )
    await clients.memory.clear_observational_memory(record.thread_id, record.resource_id)
    assert await clients.memory.get_observational_memory_history(record.thread_id) == []
    assert await current(clients, other) == other
    await clients.memory.clear_observational_memory(record.thread_id)
    await clients.memory.clear_observational_memory(None, other.resource_id)
    assert await clients.memory.get_observational_memory(None, other.resource_id) is None


SWAP: dict[str, Any] = {
    "activation_ratio": 0.5,
    "message_tokens_threshold": 1,
    "current_pending_tokens": 1,
}
OBSERVED: dict[str, Any] = {"observations": "o", "token_count": 1, "last_observed_at": START}
REFLECTED: dict[str, Any] = {
    "reflection": "r",
    "token_count": 1,
    "input_token_count": 1,
    "reflected_observation_line_count": 1,
}
ON_A_RECORD: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("update_active_observations", [], OBSERVED),
    ("update_buffered_observations", [chunk("a", 1)], {}),
    ("swap_buffered_to_active", [], SWAP),
    ("update_buffered_reflection", [], REFLECTED),
    ("set_reflecting_flag", [True], {}),
    ("set_observing_flag", [True], {}),
    ("set_buffering_observation_flag", [True], {}),
    ("set_buffering_reflection_flag", [True], {}),
    ("set_pending_message_tokens", [1], {}),
    ("update_observational_memory_config", [{}], {}),
]


@pytest.mark.parametrize(("method", "args", "named"), ON_A_RECORD)
async def test_a_record_that_is_not_there(
    clients: Clients, unique: Unique, method: str, args: list[Any], named: dict[str, Any]
) -> None:
    missing = unique("om")
    with pytest.raises(NotFoundError) as caught:
        await getattr(clients.memory, method)(missing, *args, **named)
    assert caught.value.message == f"Observational memory record not found: {missing}"
    assert caught.value.code == NOT_FOUND.format(method.upper())


async def test_a_reflection_on_a_record_that_is_not_there(clients: Clients, unique: Unique) -> None:
    record = ObservationalMemory(id=unique("om"), scope="thread", thread_id="t")
    with pytest.raises(NotFoundError, match=record.id) as caught:
        await clients.memory.swap_buffered_reflection_to_active(record, token_count=1)
    assert caught.value.code == NOT_FOUND.format("SWAP_BUFFERED_REFLECTION_TO_ACTIVE")


@pytest.mark.parametrize("tokens", [-1, -0.5, float("nan"), float("inf"), "5", None, True])
async def test_refused_pending_tokens(clients: Clients, tokens: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.set_pending_message_tokens("om", tokens)
    assert (
        caught.value.message
        == f"Invalid tokenCount: must be a finite non-negative number, got {tokens}"
    )
    assert caught.value.code == "MASTRA_STORAGE_CONVEX_SET_PENDING_MESSAGE_TOKENS_INVALID_INPUT"
    assert clients.requests() == []


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
BAD_CHUNKS: list[tuple[Any, str]] = [
    ("a text", "chunk"),
    (chunk("a", 1, id=""), "chunk.id"),
    (chunk("a", 1, cycle_id=None), "chunk.cycle_id"),
    (chunk("a", 1, observations="\ud800"), "chunk.observations"),
    (chunk("a", 1, token_count=-1), "chunk.token_count"),
    (chunk("a", 1, message_tokens=float("nan")), "chunk.message_tokens"),
    (chunk("a", 1, message_ids="m"), "chunk.message_ids"),
    (chunk("a", 1, message_ids=[1]), "chunk.message_ids[0]"),
    (chunk("a", 1, last_observed_at=NAIVE), "chunk.last_observed_at"),
    (chunk("a", 1, created_at="now"), "chunk.created_at"),
    (chunk("a", 1, current_task=1), "chunk.current_task"),
    (chunk("a", 1, extracted_values=[]), "chunk.extracted_values"),
]


@pytest.mark.parametrize(("bad", "field"), BAD_CHUNKS)
async def test_refused_chunks(clients: Clients, bad: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.update_buffered_observations("om", bad)
    assert caught.value.field == field
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.swap_buffered_to_active("om", **SWAP, buffered_chunks=[bad])
    assert caught.value.field == field.replace("chunk", "buffered_chunks[0]", 1)
    record = ObservationalMemory(scope="thread", thread_id="t", buffered_observation_chunks=[bad])
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.insert_observational_memory_record(record)
    assert caught.value.field == field.replace("chunk", "record.buffered_observation_chunks[0]", 1)
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"$k": 1}, "chunk.extractedValues"),
        ({"clé": 1}, "chunk.extractedValues"),
        ({"n": 2**60}, "chunk.extractedValues.n"),
        ({"n": float("inf")}, "chunk.extractedValues.n"),
        ({"n": object()}, "chunk.extractedValues.n"),
    ],
)
async def test_values_that_the_deployment_would_not_read(
    clients: Clients, values: Any, field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.update_buffered_observations(
            "om", chunk("a", 1, extracted_values=values)
        )
    assert caught.value.field == field
    assert clients.requests() == []


RECORD: dict[str, Any] = {"scope": "thread", "thread_id": "t", "resource_id": "r"}
BAD_RECORDS: list[tuple[dict[str, Any], str]] = [
    ({"id": ""}, "id"),
    ({"scope": "user"}, "scope"),
    ({"thread_id": ""}, "thread_id"),
    ({"resource_id": ""}, "resource_id"),
    ({"thread_id": None, "resource_id": None}, "resource_id"),
    ({"active_observations": None}, "active_observations"),
    ({"active_observations": "\ud800"}, "active_observations"),
    ({"generation_count": -1}, "generation_count"),
    ({"generation_count": 2**60}, "generation_count"),
    ({"total_tokens_observed": "1"}, "total_tokens_observed"),
    ({"is_observing": 1}, "is_observing"),
    ({"created_at": NAIVE}, "created_at"),
    ({"config": []}, "config"),
    ({"config": {"n": float("nan")}}, "config"),
    ({"metadata": {"o": object()}}, "metadata"),
    ({"observed_message_ids": ["m", ""]}, "observed_message_ids[1]"),
    ({"buffered_observation_chunks": "c"}, "buffered_observation_chunks"),
    ({"buffered_observation_tokens": -1}, "buffered_observation_tokens"),
    ({"observed_timezone": ""}, "observed_timezone"),
]


@pytest.mark.parametrize(("fields", "field"), BAD_RECORDS)
async def test_refused_records(clients: Clients, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.insert_observational_memory_record(
            ObservationalMemory(**RECORD | fields)
        )
    assert caught.value.field == f"record.{field}"
    assert clients.requests() == []


BAD_ARGUMENTS: list[tuple[str, list[Any], dict[str, Any], str]] = [
    ("get_observational_memory", [], {}, "resource_id"),
    ("get_observational_memory", [""], {}, "thread_id"),
    ("get_observational_memory", ["t", ""], {}, "resource_id"),
    ("get_observational_memory", [None, 7], {}, "resource_id"),
    ("clear_observational_memory", [], {}, "resource_id"),
    ("clear_observational_memory", ["", "r"], {}, "thread_id"),
    ("get_observational_memory_history", ["", "r"], {}, "thread_id"),
    ("get_observational_memory_history", ["t"], {"limit": -1}, "limit"),
    ("get_observational_memory_history", ["t"], {"limit": True}, "limit"),
    ("get_observational_memory_history", ["t"], {"offset": 1.5}, "offset"),
    ("get_observational_memory_history", ["t"], {"from_date": NAIVE}, "from_date"),
    ("get_observational_memory_history", ["t"], {"to_date": "2026"}, "to_date"),
    ("initialize_observational_memory", [], RECORD | {"resource_id": None}, "resource_id"),
    ("initialize_observational_memory", [], RECORD | {"thread_id": ""}, "thread_id"),
    ("initialize_observational_memory", [], RECORD | {"scope": "both"}, "scope"),
    ("initialize_observational_memory", [], RECORD | {"config": "{}"}, "config"),
    ("initialize_observational_memory", [], RECORD | {"observed_timezone": 1}, "observed_timezone"),
    ("insert_observational_memory_record", [RECORD], {}, "record"),
    ("update_active_observations", [""], OBSERVED, "record_id"),
    ("update_active_observations", ["om"], OBSERVED | {"observations": None}, "observations"),
    ("update_active_observations", ["om"], OBSERVED | {"token_count": -1}, "token_count"),
    ("update_active_observations", ["om"], OBSERVED | {"last_observed_at": NAIVE},
     "last_observed_at"),
    ("update_active_observations", ["om"], OBSERVED | {"observed_message_ids": "m"},
     "observed_message_ids"),
    ("update_buffered_observations", ["", chunk("a", 1)], {}, "record_id"),
    ("update_buffered_observations", ["om", chunk("a", 1)], {"last_buffered_at_time": NAIVE},
     "last_buffered_at_time"),
    ("swap_buffered_to_active", [""], SWAP, "record_id"),
    ("swap_buffered_to_active", ["om"], SWAP | {"activation_ratio": 1.5}, "activation_ratio"),
    ("swap_buffered_to_active", ["om"], SWAP | {"activation_ratio": -1}, "activation_ratio"),
    ("swap_buffered_to_active", ["om"], SWAP | {"message_tokens_threshold": "1"},
     "message_tokens_threshold"),
    ("swap_buffered_to_active", ["om"], SWAP | {"current_pending_tokens": None},
     "current_pending_tokens"),
    ("swap_buffered_to_active", ["om"], SWAP | {"force_max_activation": 1},
     "force_max_activation"),
    ("swap_buffered_to_active", ["om"], SWAP | {"last_observed_at": NAIVE}, "last_observed_at"),
    ("swap_buffered_to_active", ["om"], SWAP | {"buffered_chunks": "c"}, "buffered_chunks"),
    ("update_buffered_reflection", [""], REFLECTED, "record_id"),
    ("update_buffered_reflection", ["om"], REFLECTED | {"reflection": 1}, "reflection"),
    ("update_buffered_reflection", ["om"], REFLECTED | {"token_count": -1}, "token_count"),
    ("update_buffered_reflection", ["om"], REFLECTED | {"input_token_count": None},
     "input_token_count"),
    ("update_buffered_reflection", ["om"], REFLECTED | {"reflected_observation_line_count": -1},
     "reflected_observation_line_count"),
    ("create_reflection_generation", [RECORD], {"reflection": "r", "token_count": 1},
     "current_record"),
    ("create_reflection_generation", [ObservationalMemory(**RECORD)],
     {"reflection": None, "token_count": 1}, "reflection"),
    ("create_reflection_generation", [ObservationalMemory(**RECORD)],
     {"reflection": "r", "token_count": -1}, "token_count"),
    ("create_reflection_generation", [ObservationalMemory(**RECORD | {"thread_id": ""})],
     {"reflection": "r", "token_count": 1}, "current_record.thread_id"),
    ("swap_buffered_reflection_to_active", ["om"], {"token_count": 1}, "current_record"),
    ("swap_buffered_reflection_to_active", [ObservationalMemory(**RECORD)],
     {"token_count": -1}, "token_count"),
    ("set_reflecting_flag", ["", True], {}, "record_id"),
    ("set_reflecting_flag", ["om", 1], {}, "is_reflecting"),
    ("set_observing_flag", ["om", None], {}, "is_observing"),
    ("set_buffering_observation_flag", ["om", "yes"], {}, "is_buffering"),
    ("set_buffering_observation_flag", ["om", True, -1], {}, "last_buffered_at_tokens"),
    ("set_buffering_reflection_flag", ["om", 0], {}, "is_buffering"),
    ("update_observational_memory_config", ["", {}], {}, "record_id"),
    ("update_observational_memory_config", ["om", "{}"], {}, "config"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "args", "named", "field"), BAD_ARGUMENTS)
async def test_refused_arguments(
    clients: Clients, method: str, args: list[Any], named: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await getattr(clients.memory, method)(*args, **named)
    assert caught.value.field == field
    assert clients.requests() == []


LARGE = "x" * 1_100_000
TOO_LARGE: list[tuple[str, list[Any], dict[str, Any], str]] = [
    ("initialize_observational_memory", [], RECORD | {"config": {"k": LARGE}}, "config"),
    ("insert_observational_memory_record",
     [ObservationalMemory(**RECORD, active_observations=LARGE)], {}, "record"),
    ("update_active_observations", ["om"], OBSERVED | {"observations": LARGE}, "observations"),
    ("update_active_observations", ["om"], OBSERVED | {"observed_message_ids": ["m"] * 9_000},
     "observed_message_ids"),
    ("update_buffered_observations", ["om", chunk("a", 1, observations=LARGE)], {}, "chunk"),
    ("swap_buffered_to_active", ["om"],
     SWAP | {"buffered_chunks": [chunk("a", 1, observations=LARGE[:600_000])] * 2},
     "buffered_chunks"),
    ("update_buffered_reflection", ["om"], REFLECTED | {"reflection": LARGE}, "reflection"),
    ("create_reflection_generation", [ObservationalMemory(**RECORD)],
     {"reflection": LARGE, "token_count": 1}, "reflection"),
    ("update_observational_memory_config", ["om", {"k": LARGE}], {}, "config"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "args", "named", "field"), TOO_LARGE)
async def test_what_no_document_could_hold(
    clients: Clients, method: str, args: list[Any], named: dict[str, Any], field: str
) -> None:
    with pytest.raises(LimitExceededError) as caught:
        await getattr(clients.memory, method)(*args, **named)
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize("deployment", ["embedded", "dev-server"], indirect=True, scope="session")
async def test_a_record_that_outgrows_a_document(clients: Clients, unique: Unique) -> None:
    """npm's handler runs over a mock that does not limit a document's size."""
    record = await begun(clients, unique)
    half = chunk("half", 1, observations="x" * 600_000)
    await clients.memory.update_buffered_observations(record.id, half)
    with pytest.raises(FunctionError, match="too large"):
        await clients.memory.update_buffered_observations(record.id, half.replace(id="other"))
    found = await current(clients, record)
    assert found.buffered_observation_chunks == [half]
    await clients.memory.update_active_observations(
        record.id, observations="* small", token_count=1, last_observed_at=START
    )
    assert (await current(clients, record)).active_observations == "* small"


async def test_an_unknown_column_is_refused_by_the_deployment(
    clients: Clients, unique: Unique
) -> None:
    record = ObservationalMemory(scope="thread", thread_id=unique("t"), extra={"colour": "red"})
    with pytest.raises(FunctionError):
        await clients.memory.insert_observational_memory_record(record)
    assert await clients.memory.get_observational_memory(record.thread_id) is None
