"""Observing: what is active in an observational memory, and what is buffered for later.

Observations are made at once (``update_active_observations``), or chunk by chunk in the background
(``update_buffered_observations``), to become active when the messages grow too many
(``swap_buffered_to_active``). Behaves as MemoryConvex of @mastra/convex 1.5.2, whose handler does
the sums. The first operation of a backend sends one request more (``observational_calls``). Called
by the faces of ``store.memory``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.errors import MASTRA_CODE, InvalidArgumentError
from convex_mastra.flow import Flow
from convex_mastra.jsontext import dumps
from convex_mastra.ops.arguments import required_text
from convex_mastra.ops.observational_calls import call_record, patch_record
from convex_mastra.ops.observational_rows import (
    chunk_object,
    chunk_objects,
    count,
    flag,
    ids,
    plain_text,
    time_text,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import ObservationChunk, SwapResult, swap_result_from
from convex_mastra.timestamps import to_text
from convex_mastra.values import check_document_size, measure

_ARGUMENT_DEPTH: Final = limits.VALUE_DEPTH - 1
"""How deep an argument may nest: all of them are the fields of one object."""


def update_active_observations(
    target: Target,
    record_id: str,
    *,
    observations: str,
    token_count: int | float,
    last_observed_at: datetime,
    observed_message_ids: Sequence[str] | None = None,
) -> Flow[None]:
    """Replace a record's active observations.

    Its pending tokens become 0, and *token_count* is added to its total.

    Args:
        observations: the whole text, old observations included.
        token_count: its tokens.
        last_observed_at: messages up to here are observed.
        observed_message_ids: replace those that the record has; None: there are none.

    Raises:
        NotFoundError: there is no such record.
        InvalidArgumentError: a count that is no number of at least 0; a time without zone.
        LimitExceededError: more than a Convex document (1 MiB) holds.
        FunctionError: the record would become larger than a document. Nothing was written.
        OutcomeUnknownError: the reply was lost; a repetition would count the tokens twice.

    Cost: one round trip.
    """
    required_text(record_id, "record_id")
    size = measure(plain_text(observations, "observations"), "observations")
    if observed_message_ids is not None:
        observed_message_ids = ids(observed_message_ids, "observed_message_ids")
        size += measure(observed_message_ids, "observed_message_ids")
    check_document_size(size, "observations")
    yield from call_record(
        target,
        "UPDATE_ACTIVE_OBSERVATIONS",
        "omUpdateActive",
        record_id,
        id=record_id,
        observations=observations,
        tokenCount=count(token_count, "token_count"),
        lastObservedAt=time_text(last_observed_at, "last_observed_at"),
        observedMessageIds=observed_message_ids,
        updatedAt=to_text(target.clock.now()),
    )


def update_buffered_observations(
    target: Target,
    record_id: str,
    chunk: ObservationChunk,
    *,
    last_buffered_at_time: datetime | None = None,
) -> Flow[None]:
    """Append a chunk to those that a record buffers.

    The deployment reads the chunk before it writes it as JSON: keys of its extracted values must be
    such as Convex holds, and their order may change.

    Args:
        last_buffered_at_time: messages up to here are buffered; None leaves it as it is.

    Raises:
        NotFoundError: there is no such record.
        InvalidArgumentError: a field that Mastra or Convex could not read back.
        LimitExceededError: a chunk larger than a Convex document (1 MiB).
        FunctionError: the record would become larger than a document. Nothing was written.
        OutcomeUnknownError: the reply was lost; whether the record has a chunk of that id tells
            whether it was applied.

    Cost: one round trip.
    """
    required_text(record_id, "record_id")
    args: dict[str, Any] = {"chunk": chunk_object(chunk, "chunk")}
    measure(args["chunk"], "chunk", depth_limit=_ARGUMENT_DEPTH)
    check_document_size(measure(dumps([args["chunk"]], "chunk"), "chunk"), "chunk")
    if last_buffered_at_time is not None:
        args["lastBufferedAtTime"] = time_text(last_buffered_at_time, "last_buffered_at_time")
    yield from call_record(
        target,
        "UPDATE_BUFFERED_OBSERVATIONS",
        "omAppendBufferedChunk",
        record_id,
        id=record_id,
        **args,
        updatedAt=to_text(target.clock.now()),
    )


def swap_buffered_to_active(
    target: Target,
    record_id: str,
    *,
    activation_ratio: float,
    message_tokens_threshold: int | float,
    current_pending_tokens: int | float,
    force_max_activation: bool = False,
    last_observed_at: datetime | None = None,
    buffered_chunks: Sequence[ObservationChunk] | None = None,
) -> Flow[SwapResult]:
    """Make buffered chunks active, oldest first, and return what was activated.

    As many chunks as bring the pending tokens nearest to ``threshold * (1 - ratio)``, rather below
    it than above; at least one, if any is buffered.

    Args:
        activation_ratio: from 0 to 1; the share of the threshold that is freed.
        message_tokens_threshold: how many tokens of messages the agent keeps at most.
        current_pending_tokens: how many there are now.
        force_max_activation: free more rather than less, even if it is far more.
        last_observed_at: messages up to here are observed; None: what the last chunk says.
        buffered_chunks: take these in place of those that are stored, with token counts brought up
            to date. A chunk that another writer has appended meanwhile is lost.

    Raises:
        NotFoundError: there is no such record.
        InvalidArgumentError: a number out of range, a chunk that could not be read back.
        LimitExceededError: chunks with more text than a Convex document (1 MiB) holds.
        FunctionError: the record would become larger than a document. Nothing was written.
        OutcomeUnknownError: the reply was lost; a repetition would activate more.

    Cost: one round trip.
    """
    required_text(record_id, "record_id")
    if count(activation_ratio, "activation_ratio") > 1:
        raise InvalidArgumentError(
            f"activation_ratio must be from 0 to 1, not {activation_ratio!r}.",
            field="activation_ratio",
        )
    args: dict[str, Any] = {
        "activationRatio": activation_ratio,
        "messageTokensThreshold": count(message_tokens_threshold, "message_tokens_threshold"),
        "currentPendingTokens": count(current_pending_tokens, "current_pending_tokens"),
        "forceMaxActivation": flag(force_max_activation, "force_max_activation"),
    }
    if last_observed_at is not None:
        args["lastObservedAt"] = time_text(last_observed_at, "last_observed_at")
    if buffered_chunks is not None:
        chunks = chunk_objects(buffered_chunks, "buffered_chunks")
        measure(chunks, "buffered_chunks", depth_limit=_ARGUMENT_DEPTH)
        text = "".join(chunk["observations"] for chunk in chunks)
        check_document_size(measure(text, "buffered_chunks"), "buffered_chunks")
        args["bufferedChunks"] = chunks
    reply = yield from call_record(
        target,
        "SWAP_BUFFERED_TO_ACTIVE",
        "omSwapBuffered",
        record_id,
        id=record_id,
        **args,
        now=to_text(target.clock.now()),
    )
    return swap_result_from(reply)


def set_observing_flag(target: Target, record_id: str, is_observing: bool) -> Flow[None]:
    """Say whether a record is being added to. One round trip.

    Raises:
        NotFoundError: there is no such record.
    """
    yield from patch_record(
        target, "SET_OBSERVING_FLAG", record_id, isObserving=flag(is_observing, "is_observing")
    )


def set_buffering_observation_flag(
    target: Target,
    record_id: str,
    is_buffering: bool,
    last_buffered_at_tokens: int | float | None = None,
) -> Flow[None]:
    """Say whether a chunk is being made, and at how many pending tokens. One round trip.

    Raises:
        NotFoundError: there is no such record.
    """
    columns: dict[str, Any] = {"isBufferingObservation": flag(is_buffering, "is_buffering")}
    if last_buffered_at_tokens is not None:
        columns["lastBufferedAtTokens"] = count(last_buffered_at_tokens, "last_buffered_at_tokens")
    yield from patch_record(target, "SET_BUFFERING_OBSERVATION_FLAG", record_id, **columns)


def set_pending_message_tokens(
    target: Target, record_id: str, token_count: int | float
) -> Flow[None]:
    """Say how many tokens the messages have that are not observed yet. One round trip.

    Raises:
        NotFoundError: there is no such record.
        InvalidArgumentError: it is no number of at least 0.
    """
    operation = "SET_PENDING_MESSAGE_TOKENS"
    text = f"Invalid tokenCount: must be a finite non-negative number, got {token_count}"
    tokens = count(token_count, "token_count", text, code=f"{MASTRA_CODE}{operation}_INVALID_INPUT")
    yield from patch_record(target, operation, record_id, pendingMessageTokens=tokens)
