"""The typed records of observational memory, and how each is read from its row.

What an agent has noticed about a conversation: one row of ``mastra_observational_memory`` for each
generation. Observations that wait for their turn are chunks, a JSON array inside the row, whose
keys have Python's names here and above. What this version does not know, of rows and of chunks, is
kept in ``extra`` and written back; so are columns that only versions before chunks used. Called by
the operations; sends nothing.

Source: @mastra/core 1.71 ObservationalMemoryRecord, @mastra/convex 1.5.2 parseStoredOMRecord.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, cast

from msgspec import field

from convex_mastra.errors import ProtocolError
from convex_mastra.jsontext import loads_or_none
from convex_mastra.records import columns
from convex_mastra.records.columns import SYSTEM_COLUMNS, Row
from convex_mastra.records.record import Record, new_id, now
from convex_mastra.timestamps import from_text

ObservationalMemoryScope = Literal["thread", "resource"]

OBSERVATIONAL_MEMORY_COLUMNS: Final = SYSTEM_COLUMNS.union(
    (
        *("id", "lookupKey", "scope", "resourceId", "threadId", "originType", "generationCount"),
        *("activeObservations", "activeObservationsPendingUpdate", "config", "metadata"),
        *("lastObservedAt", "lastReflectionAt", "observedMessageIds", "observedTimezone"),
        *("pendingMessageTokens", "totalTokensObserved", "observationTokenCount"),
        *("isObserving", "isReflecting", "isBufferingObservation", "isBufferingReflection"),
        *("bufferedObservationChunks", "bufferedObservationTokens", "bufferedReflection"),
        *("bufferedReflectionTokens", "bufferedReflectionInputTokens"),
        *("reflectedObservationLineCount", "lastBufferedAtTokens", "lastBufferedAtTime"),
        *("createdAt", "updatedAt"),
    )
)
CHUNK_KEYS: Final = frozenset(
    (
        *("id", "cycleId", "observations", "tokenCount", "messageIds", "messageTokens"),
        *("lastObservedAt", "createdAt", "suggestedContinuation", "currentTask", "threadTitle"),
        *("extractedValues", "extractionFailures"),
    )
)


def new_chunk_id() -> str:
    """A random id of a chunk, as Mastra's own."""
    return f"ombuf-{new_id()}"


class ObservationChunk(Record, frozen=True, kw_only=True):
    """Observations of one cycle, buffered until they become active.

    Attributes:
        cycle_id: links the chunk to the marks that a user interface shows.
        token_count: tokens of *observations*; message_tokens: of the messages they were made from.
        message_ids: the messages that were observed.
        last_observed_at: the time of the last of them.
        extracted_values: what extractors found, by their names.
        extraction_failures: ``{"slug": …, "error": …}`` of extractors that failed.
        extra: keys this version does not know.
    """

    id: str = field(default_factory=new_chunk_id)
    cycle_id: str
    observations: str
    token_count: int | float
    message_ids: list[str]
    message_tokens: int | float
    last_observed_at: datetime
    created_at: datetime = field(default_factory=now)
    suggested_continuation: str | None = None
    current_task: str | None = None
    thread_title: str | None = None
    extracted_values: Mapping[str, Any] | None = None
    extraction_failures: list[Mapping[str, Any]] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class ObservationalMemory(Record, frozen=True, kw_only=True):
    """One generation of what an agent has observed in a thread, or in all threads of a resource.

    Attributes:
        thread_id: None for the memory of a resource.
        origin_type: ``initial``, or ``reflection`` for a generation that condenses the one before.
        generation_count: 0 for the first; the highest is the current one.
        last_observed_at: messages up to here are observed; None before the first observation.
        buffered_observation_chunks: observations that are not active yet, oldest first.
        buffered_observations, buffered_observation_tokens: what versions before chunks buffered.
        buffered_reflection_tokens: its size; buffered_reflection_input_tokens: that of the
            observations it was made from; reflected_observation_line_count: how many lines of
            *active_observations* those were.
        observed_message_ids: the messages that this generation has observed.
        total_tokens_observed: of all generations; observation_token_count: of
            *active_observations*; pending_message_tokens: of messages not observed yet.
        last_buffered_at_tokens, last_buffered_at_time: where buffering goes on.
        config, metadata: any JSON.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=new_id)
    scope: ObservationalMemoryScope
    thread_id: str | None = None
    resource_id: str | None = None
    origin_type: str = "initial"
    generation_count: int | float = 0
    active_observations: str = ""
    last_observed_at: datetime | None = None
    last_reflection_at: datetime | None = None
    buffered_observation_chunks: list[ObservationChunk] = field(default_factory=list)
    buffered_observations: str | None = None
    buffered_observation_tokens: int | float | None = None
    buffered_reflection: str | None = None
    buffered_reflection_tokens: int | float | None = None
    buffered_reflection_input_tokens: int | float | None = None
    reflected_observation_line_count: int | float | None = None
    observed_message_ids: list[str] | None = None
    observed_timezone: str | None = None
    total_tokens_observed: int | float = 0
    observation_token_count: int | float = 0
    pending_message_tokens: int | float = 0
    is_observing: bool = False
    is_reflecting: bool = False
    is_buffering_observation: bool = False
    is_buffering_reflection: bool = False
    last_buffered_at_tokens: int | float = 0
    last_buffered_at_time: datetime | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    extra: Mapping[str, Any] = field(default_factory=dict)


def observational_memory_from_row(row: Row) -> ObservationalMemory:
    """Read a row of ``mastra_observational_memory``."""
    return ObservationalMemory(
        id=columns.text(row, "id"),
        scope=cast("ObservationalMemoryScope", columns.text(row, "scope")),
        thread_id=row.get("threadId") or None,
        resource_id=row.get("resourceId"),
        origin_type=row.get("originType") or "initial",
        generation_count=columns.number(row, "generationCount"),
        active_observations=row.get("activeObservations") or "",
        last_observed_at=columns.moment_or_none(row, "lastObservedAt"),
        last_reflection_at=columns.moment_or_none(row, "lastReflectionAt"),
        buffered_observation_chunks=_chunks(row),
        buffered_observations=row.get("activeObservationsPendingUpdate") or None,
        buffered_observation_tokens=_number_or_none(row, "bufferedObservationTokens"),
        buffered_reflection=row.get("bufferedReflection") or None,
        buffered_reflection_tokens=_number_or_none(row, "bufferedReflectionTokens"),
        buffered_reflection_input_tokens=_number_or_none(row, "bufferedReflectionInputTokens"),
        reflected_observation_line_count=_number_or_none(row, "reflectedObservationLineCount"),
        observed_message_ids=row.get("observedMessageIds"),
        observed_timezone=row.get("observedTimezone") or None,
        total_tokens_observed=columns.number(row, "totalTokensObserved"),
        observation_token_count=columns.number(row, "observationTokenCount"),
        pending_message_tokens=columns.number(row, "pendingMessageTokens"),
        is_observing=row.get("isObserving") is True,
        is_reflecting=row.get("isReflecting") is True,
        is_buffering_observation=row.get("isBufferingObservation") is True,
        is_buffering_reflection=row.get("isBufferingReflection") is True,
        last_buffered_at_tokens=columns.number(row, "lastBufferedAtTokens"),
        last_buffered_at_time=columns.moment_or_none(row, "lastBufferedAtTime"),
        config=_object_or_none(row, "config") or {},
        metadata=_object_or_none(row, "metadata"),
        created_at=columns.moment(row, "createdAt"),
        updated_at=columns.moment(row, "updatedAt"),
        extra=columns.unknown(row, OBSERVATIONAL_MEMORY_COLUMNS),
    )


def _chunks(row: Row) -> list[ObservationChunk]:
    stored = loads_or_none(row.get("bufferedObservationChunks"))
    return [_chunk(one, row) for one in stored] if isinstance(stored, list) else []


def _chunk(stored: Any, row: Row) -> ObservationChunk:
    if not isinstance(stored, dict):
        raise ProtocolError(f"A buffered chunk is stored as {type(stored).__name__}, no object.")
    created_ms = row.get("_creationTime", 0.0)
    return ObservationChunk(
        id=columns.text(stored, "id"),
        cycle_id=stored.get("cycleId") or "",
        observations=columns.text(stored, "observations"),
        token_count=columns.number(stored, "tokenCount"),
        message_ids=stored.get("messageIds") or [],
        message_tokens=columns.number(stored, "messageTokens"),
        last_observed_at=from_text(stored.get("lastObservedAt"), created_ms),
        created_at=from_text(stored.get("createdAt"), created_ms),
        suggested_continuation=stored.get("suggestedContinuation"),
        current_task=stored.get("currentTask"),
        thread_title=stored.get("threadTitle"),
        extracted_values=stored.get("extractedValues"),
        extraction_failures=stored.get("extractionFailures"),
        extra=columns.unknown(stored, CHUNK_KEYS),
    )


def _number_or_none(row: Row, column: str) -> int | float | None:
    return None if row.get(column) is None else columns.number(row, column)


def _object_or_none(row: Row, column: str) -> dict[str, Any] | None:
    stored = columns.json_value(row, column)
    return stored if isinstance(stored, dict) else None
