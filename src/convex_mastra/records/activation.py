"""What became active when buffered observations were swapped in.

The reply of the handler to ``omSwapBuffered``, as a record: what was activated, in all and chunk by
chunk. Called by the operations; sends nothing.

Source: @mastra/core 1.71 SwapBufferedToActiveResult.
"""

from __future__ import annotations

from typing import Any

from msgspec import field

from convex_mastra.errors import ProtocolError
from convex_mastra.records.record import Record
from convex_mastra.values import plain_numbers


class ActivatedChunk(Record, frozen=True, kw_only=True):
    """One chunk that became active."""

    cycle_id: str
    message_tokens: int | float
    observation_tokens: int | float
    message_count: int
    observations: str


class SwapResult(Record, frozen=True, kw_only=True):
    """What became active when buffered observations were swapped in.

    Attributes:
        observations: the texts that were added; None if there was nothing to activate.
        per_chunk: the same for each chunk.
        suggested_continuation, current_task: of the last of the chunks.
    """

    chunks_activated: int = 0
    message_tokens_activated: int | float = 0
    observation_tokens_activated: int | float = 0
    messages_activated: int = 0
    activated_cycle_ids: list[str] = field(default_factory=list)
    activated_message_ids: list[str] = field(default_factory=list)
    observations: str | None = None
    per_chunk: list[ActivatedChunk] = field(default_factory=list)
    suggested_continuation: str | None = None
    current_task: str | None = None


def swap_result_from(reply: Any) -> SwapResult:
    """Read the handler's reply to ``omSwapBuffered``.

    Raises:
        ProtocolError: it is something else.
    """
    try:
        found = plain_numbers(reply)
        return SwapResult(
            chunks_activated=found["chunksActivated"],
            message_tokens_activated=found["messageTokensActivated"],
            observation_tokens_activated=found["observationTokensActivated"],
            messages_activated=found["messagesActivated"],
            activated_cycle_ids=found["activatedCycleIds"],
            activated_message_ids=found["activatedMessageIds"],
            observations=found.get("observations"),
            per_chunk=[
                ActivatedChunk(
                    cycle_id=one["cycleId"],
                    message_tokens=one["messageTokens"],
                    observation_tokens=one["observationTokens"],
                    message_count=one["messageCount"],
                    observations=one["observations"],
                )
                for one in found.get("perChunk", [])
            ],
            suggested_continuation=found.get("suggestedContinuation"),
            current_task=found.get("currentTask"),
        )
    except (TypeError, KeyError, AttributeError):
        raise ProtocolError("The storage handler did not say what it activated.") from None
