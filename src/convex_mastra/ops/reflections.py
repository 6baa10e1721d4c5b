"""Reflecting: an observational memory is condensed into a new generation; the old one stays.

At once (``create_reflection_generation``), or in the background (``update_buffered_reflection``)
and then swapped in. Behaves as MemoryConvex of @mastra/convex 1.5.2. The first operation of a
backend sends one request more (``observational_calls``). Called by the faces of ``store.memory``.
"""

from __future__ import annotations

from convex_mastra.errors import FunctionError, InvalidArgumentError, NotFoundError, ProtocolError
from convex_mastra.flow import Flow
from convex_mastra.ops.arguments import required_text
from convex_mastra.ops.observational_calls import call_record, insert_record, patch_record
from convex_mastra.ops.observational_rows import (
    count,
    flag,
    next_generation_row,
    plain_text,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import ObservationalMemory, observational_memory_from_row
from convex_mastra.records.record import new_id
from convex_mastra.timestamps import to_text
from convex_mastra.values import check_document_size, measure


def create_reflection_generation(
    target: Target,
    current_record: ObservationalMemory,
    *,
    reflection: str,
    token_count: int | float,
) -> Flow[ObservationalMemory]:
    """Write a new generation whose observations are *reflection*, and return it.

    It takes over the config, the metadata and the total of *current_record*, and no chunks. One
    round trip.

    Raises:
        InvalidArgumentError: no record, or a count that is no number of at least 0.
        LimitExceededError: it is larger than a Convex document (1 MiB).
    """
    _check_record(current_record)
    now = target.clock.now()
    generation = ObservationalMemory(
        scope=current_record.scope,
        thread_id=current_record.thread_id,
        resource_id=current_record.resource_id,
        origin_type="reflection",
        generation_count=count(current_record.generation_count, "current_record.generation_count")
        + 1,
        active_observations=plain_text(reflection, "reflection"),
        last_observed_at=current_record.last_observed_at,
        last_reflection_at=now,
        total_tokens_observed=current_record.total_tokens_observed,
        observation_token_count=count(token_count, "token_count"),
        observed_timezone=current_record.observed_timezone,
        config=current_record.config,
        metadata=current_record.metadata,
        created_at=now,
        updated_at=now,
    )
    row = next_generation_row(generation, "current_record.")
    yield from insert_record(target, row, "reflection")
    return generation


def update_buffered_reflection(
    target: Target,
    record_id: str,
    *,
    reflection: str,
    token_count: int | float,
    input_token_count: int | float,
    reflected_observation_line_count: int,
) -> Flow[None]:
    """Buffer a reflection; it is appended to what is buffered already, and its tokens are added.

    Args:
        token_count: tokens of *reflection*; input_token_count: of what it was made from.
        reflected_observation_line_count: how many lines of the active observations it stands for.

    Raises:
        NotFoundError: there is no such record.
        InvalidArgumentError: a count that is no number of at least 0.
        LimitExceededError: a reflection larger than a Convex document (1 MiB).
        FunctionError: the record would become larger than a document. Nothing was written.
        OutcomeUnknownError: the reply was lost; a repetition would append it twice.

    Cost: one round trip.
    """
    required_text(record_id, "record_id")
    plain_text(reflection, "reflection")
    check_document_size(measure(reflection, "reflection"), "reflection")
    lines = count(reflected_observation_line_count, "reflected_observation_line_count")
    yield from call_record(
        target,
        "UPDATE_BUFFERED_REFLECTION",
        "omUpdateBufferedReflection",
        record_id,
        id=record_id,
        reflection=reflection,
        tokenCount=count(token_count, "token_count"),
        inputTokenCount=count(input_token_count, "input_token_count"),
        reflectedObservationLineCount=lines,
        updatedAt=to_text(target.clock.now()),
    )


def swap_buffered_reflection_to_active(
    target: Target, current_record: ObservationalMemory, *, token_count: int | float
) -> Flow[ObservationalMemory]:
    """Make the buffered reflection a new generation, and return it.

    It stands for the lines that were reflected on; lines that came after them are kept below it.
    The rest is as in ``create_reflection_generation``.

    Args:
        current_record: the record that buffers the reflection, as it was read.
        token_count: tokens of the new observations as a whole.

    Raises:
        NotFoundError: there is no such record, or it buffers no reflection.
        InvalidArgumentError: no record, or a count that is no number of at least 0.
        FunctionError: the generation would be larger than a document. Nothing was written.
        OutcomeUnknownError: the reply was lost; if it was applied, the current generation is
            another one.

    Cost: one round trip.
    """
    _check_record(current_record)
    row = next_generation_row(current_record, "current_record.")
    kept = (
        *("id", "lookupKey", "scope", "threadId", "resourceId", "config", "metadata"),
        *("observedTimezone", "lastObservedAt", "totalTokensObserved", "generationCount"),
    )
    current = {column: row[column] for column in kept}
    check_document_size(measure(current, "current_record"), "current_record")
    try:
        reply = yield from call_record(
            target,
            "SWAP_BUFFERED_REFLECTION_TO_ACTIVE",
            "omSwapBufferedReflection",
            current_record.id,
            currentRecord=current,
            newId=new_id(),
            tokenCount=count(token_count, "token_count"),
            now=to_text(target.clock.now()),
        )
    except FunctionError as error:
        if "No buffered reflection to swap" not in error.message:
            raise
        raise NotFoundError("No buffered reflection to swap") from None
    if not isinstance(reply, dict):
        raise ProtocolError("The storage handler returned no generation.")
    return observational_memory_from_row(reply)


def set_reflecting_flag(target: Target, record_id: str, is_reflecting: bool) -> Flow[None]:
    """Say whether a record is being reflected on. One round trip.

    Raises:
        NotFoundError: there is no such record.
    """
    yield from patch_record(
        target, "SET_REFLECTING_FLAG", record_id, isReflecting=flag(is_reflecting, "is_reflecting")
    )


def set_buffering_reflection_flag(target: Target, record_id: str, is_buffering: bool) -> Flow[None]:
    """Say whether a reflection is being made in the background. One round trip.

    Raises:
        NotFoundError: there is no such record.
    """
    yield from patch_record(
        target,
        "SET_BUFFERING_REFLECTION_FLAG",
        record_id,
        isBufferingReflection=flag(is_buffering, "is_buffering"),
    )


def _check_record(record: ObservationalMemory) -> None:
    if not isinstance(record, ObservationalMemory):
        raise InvalidArgumentError(
            f"current_record must be an ObservationalMemory, not {type(record).__name__}.",
            field="current_record",
        )
