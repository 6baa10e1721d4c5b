"""Observational memory as rows: its key, its columns, its buffered chunks, and what is refused.

Pure functions, on which the operations on observational memory rest. A row is the one that Mastra's
client writes, column for column: a new generation has those that ``new_generation_row`` writes,
a record that is inserted as it is has the others too.

Source: @mastra/convex 1.5.2 dist/storage/domains/memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.jsontext import dumps
from convex_mastra.ops.arguments import plain_object, required_text
from convex_mastra.records import ObservationalMemory, ObservationChunk, Row
from convex_mastra.timestamps import checked, to_text
from convex_mastra.values import measure
from convex_mastra.wire import Json

SCOPES: Final = ("thread", "resource")


def lookup_key(thread_id: str | None, resource_id: str | None, owner: str = "") -> str:
    """Return what all generations of one memory share: of a thread if one is given.

    Args:
        owner: ``record.`` if the ids are fields of that argument.

    Raises:
        InvalidArgumentError: an empty id, or none.
    """
    if resource_id is not None or thread_id is None:
        required_text(resource_id, f"{owner}resource_id")
    if thread_id is None:
        return f"resource:{resource_id}"
    return f"thread:{required_text(thread_id, f'{owner}thread_id')}"


def count(
    value: Any, field: str, message: str | None = None, *, code: str | None = None
) -> int | float:
    """Return *value*, a finite number of at least 0.

    Raises:
        InvalidArgumentError: it is something else.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        raise InvalidArgumentError(
            message or f"{field} must be a finite non-negative number, got {value!r}",
            field=field,
            code=code,
        )
    measure(value, field)
    number: int | float = value
    return number


def flag(value: Any, field: str) -> bool:
    """Return *value*, True or False.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if not isinstance(value, bool):
        raise InvalidArgumentError(
            f"{field} must be True or False, not {type(value).__name__}.", field=field
        )
    return value


def plain_text(value: Any, field: str) -> str:
    """Return *value*, a text that may be empty.

    Raises:
        InvalidArgumentError: it is something else, or not valid Unicode.
    """
    return value if value == "" else required_text(value, field)


def ids(value: Any, field: str) -> list[str]:
    """Return *value* as a list of ids.

    Raises:
        InvalidArgumentError: it is no list of them.
    """
    if not isinstance(value, list | tuple):
        raise InvalidArgumentError(
            f"{field} must be a list of ids, not {type(value).__name__}.", field=field
        )
    return [required_text(one, f"{field}[{position}]") for position, one in enumerate(value)]


def time_text(value: datetime, field: str) -> str:
    """Write a time; InvalidArgumentError if it is none, or has no zone."""
    return to_text(checked(value, field))


def object_text(value: Any, field: str) -> str:
    """Write an object as JSON text; InvalidArgumentError if it is none."""
    return dumps(plain_object(value, field), field)


def or_none(convert: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Let None through, and *convert* the rest."""
    return lambda value, field: None if value is None else convert(value, field)


_Column = tuple[str, str, Callable[[Any, str], Any]]
_GENERATION: Final[tuple[_Column, ...]] = (
    ("id", "id", required_text),
    ("resource_id", "resourceId", or_none(required_text)),
    ("thread_id", "threadId", or_none(required_text)),
    ("active_observations", "activeObservations", plain_text),
    ("buffered_observations", "activeObservationsPendingUpdate", or_none(plain_text)),
    ("origin_type", "originType", required_text),
    ("config", "config", object_text),
    ("generation_count", "generationCount", count),
    ("last_observed_at", "lastObservedAt", or_none(time_text)),
    ("last_reflection_at", "lastReflectionAt", or_none(time_text)),
    ("pending_message_tokens", "pendingMessageTokens", count),
    ("total_tokens_observed", "totalTokensObserved", count),
    ("observation_token_count", "observationTokenCount", count),
    ("is_observing", "isObserving", flag),
    ("is_reflecting", "isReflecting", flag),
    ("is_buffering_observation", "isBufferingObservation", flag),
    ("is_buffering_reflection", "isBufferingReflection", flag),
    ("last_buffered_at_tokens", "lastBufferedAtTokens", count),
    ("last_buffered_at_time", "lastBufferedAtTime", or_none(time_text)),
    ("observed_timezone", "observedTimezone", or_none(required_text)),
    ("created_at", "createdAt", time_text),
    ("updated_at", "updatedAt", time_text),
)
_METADATA: Final[_Column] = ("metadata", "metadata", or_none(object_text))
_BUFFERS: Final[tuple[_Column, ...]] = (
    ("observed_message_ids", "observedMessageIds", or_none(ids)),
    (
        "buffered_observation_chunks",
        "bufferedObservationChunks",
        lambda chunks, field: dumps(chunk_objects(chunks, field), field),
    ),
    ("buffered_reflection", "bufferedReflection", or_none(plain_text)),
    ("buffered_reflection_tokens", "bufferedReflectionTokens", or_none(count)),
    ("buffered_reflection_input_tokens", "bufferedReflectionInputTokens", or_none(count)),
    ("reflected_observation_line_count", "reflectedObservationLineCount", or_none(count)),
    _METADATA,
)


def first_generation_row(memory: ObservationalMemory, owner: str = "") -> Row:
    """Return the row of a memory that has observed nothing yet.

    Raises:
        InvalidArgumentError: a field that Mastra or Convex could not read back.
    """
    if memory.scope not in SCOPES:
        raise InvalidArgumentError(
            f"{owner}scope must be 'thread' or 'resource', not {memory.scope!r}.",
            field=f"{owner}scope",
        )
    key = lookup_key(memory.thread_id, memory.resource_id, owner)
    return {"lookupKey": key, "scope": memory.scope, **_columns(_GENERATION, memory, owner)}


def next_generation_row(memory: ObservationalMemory, owner: str) -> Row:
    """Return the row of a memory that is a reflection on the one before."""
    return first_generation_row(memory, owner) | _columns((_METADATA,), memory, owner)


def whole_row(memory: ObservationalMemory, owner: str) -> Row:
    """Return the row of a memory with all that it holds."""
    row = first_generation_row(memory, owner) | _columns(_BUFFERS, memory, owner)
    if memory.buffered_observation_tokens is not None:
        row["bufferedObservationTokens"] = count(
            memory.buffered_observation_tokens, f"{owner}buffered_observation_tokens"
        )
    return {**memory.extra, **row}


def chunk_objects(chunks: Any, field: str) -> list[Json]:
    """Return chunks as they are stored; InvalidArgumentError if they are no list of chunks."""
    if not isinstance(chunks, list | tuple):
        raise InvalidArgumentError(
            f"{field} must be a list of chunks, not {type(chunks).__name__}.", field=field
        )
    return [chunk_object(chunk, f"{field}[{position}]") for position, chunk in enumerate(chunks)]


_CHUNK: Final[tuple[_Column, ...]] = (
    ("id", "id", required_text),
    ("cycle_id", "cycleId", plain_text),
    ("observations", "observations", plain_text),
    ("token_count", "tokenCount", count),
    ("message_ids", "messageIds", ids),
    ("message_tokens", "messageTokens", count),
    ("last_observed_at", "lastObservedAt", time_text),
    ("created_at", "createdAt", time_text),
)
_CHUNK_HINTS: Final[tuple[_Column, ...]] = (
    ("suggested_continuation", "suggestedContinuation", plain_text),
    ("current_task", "currentTask", plain_text),
    ("thread_title", "threadTitle", plain_text),
    ("extracted_values", "extractedValues", plain_object),
    ("extraction_failures", "extractionFailures", lambda value, _field: value),
)


def chunk_object(chunk: ObservationChunk, field: str) -> Json:
    """Return a chunk as it is stored.

    Raises:
        InvalidArgumentError: it is no chunk, or has a field that Mastra could not read back.
    """
    if not isinstance(chunk, ObservationChunk):
        raise InvalidArgumentError(
            f"{field} must be an ObservationChunk, not {type(chunk).__name__}.", field=field
        )
    hints = tuple(hint for hint in _CHUNK_HINTS if getattr(chunk, hint[0]) is not None)
    known = _columns((*_CHUNK, *hints), chunk, f"{field}.")
    return {**known, **chunk.extra, **known}  # unknown keys last, and none in place of a known one


def _columns(columns: tuple[_Column, ...], record: Any, owner: str) -> Row:
    return {
        column: convert(getattr(record, name), owner + name) for name, column, convert in columns
    }
