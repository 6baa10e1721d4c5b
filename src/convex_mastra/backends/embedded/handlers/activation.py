"""How many buffered chunks of observations become active, and what they add up to.

Re-tells ``selectActivationBoundary`` and the sums of ``omSwapBuffered`` in
src/server/observational-memory.ts. Chunks are what ``JSON.parse`` made of the stored text.
"""

from __future__ import annotations

from typing import Any, Final

from convex_mastra.backends.embedded import js
from convex_mastra.wire import Json

MIN_REMAINING_TOKENS: Final = 1000.0
OVERSHOOT_SHARE: Final = 0.95


def nothing() -> Json:
    """Return the reply when there is nothing to activate."""
    return {
        "activatedCycleIds": [],
        "activatedMessageIds": [],
        "chunksActivated": 0.0,
        "messageTokensActivated": 0.0,
        "messagesActivated": 0.0,
        "observationTokensActivated": 0.0,
    }


def boundary(chunks: list[Any], request: Json) -> int:
    """Return how many chunks to activate: at least one.

    The boundary nearest to the target, rather above it than below, unless too little would remain.
    DIFFERS: token counts are numbers here; JavaScript would join them if one were text.
    """
    threshold = js.to_number(js.get(request, "messageTokensThreshold"))
    floor = threshold * (1 - js.to_number(js.get(request, "activationRatio")))
    pending = js.to_number(js.get(request, "currentPendingTokens"))
    target = js.larger(0.0, pending - floor)
    over = under = 0
    over_tokens = under_tokens = total = 0.0
    for count, chunk in enumerate(chunks, start=1):
        total += js.to_number(_or_zero(js.get(chunk, "messageTokens")))
        if total >= target:
            if over == 0 or total < over_tokens:
                over, over_tokens = count, total
        elif total > under_tokens:
            under, under_tokens = count, total
    min_remaining = js.smaller(MIN_REMAINING_TOKENS, floor)
    leaves_enough = pending - over_tokens >= min_remaining
    is_forced = js.truthy(js.get(request, "forceMaxActivation"))
    is_near = over_tokens - target <= floor * OVERSHOOT_SHARE
    if over > 0 and leaves_enough and (is_forced or is_near):
        return over
    if under > 0 and pending - under_tokens >= min_remaining:
        return under
    return over or 1


def summarise(chunks: list[Any]) -> Json:
    """Return the reply about the chunks that became active."""
    per_chunk = [
        {
            "cycleId": _or(js.get(chunk, "cycleId"), ""),
            "messageTokens": _or_zero(js.get(chunk, "messageTokens")),
            "observationTokens": js.get(chunk, "tokenCount"),
            "messageCount": _message_count(chunk),
            "observations": js.get(chunk, "observations"),
        }
        for chunk in chunks
    ]
    cycle_ids = [js.get(chunk, "cycleId") for chunk in chunks]
    last = chunks[-1] if chunks else {}
    summary = {
        "chunksActivated": float(len(chunks)),
        "messageTokensActivated": _sum(one["messageTokens"] for one in per_chunk),
        "observationTokensActivated": _sum(one["observationTokens"] for one in per_chunk),
        "messagesActivated": _sum(one["messageCount"] for one in per_chunk),
        "activatedCycleIds": [one for one in cycle_ids if js.truthy(one)],
        "activatedMessageIds": _message_ids(chunks),
        "observations": js.join((one["observations"] for one in per_chunk), "\n\n"),
        "perChunk": [_defined(one) for one in per_chunk],
        "suggestedContinuation": _or(js.get(last, "suggestedContinuation"), js.UNDEFINED),
        "currentTask": _or(js.get(last, "currentTask"), js.UNDEFINED),
    }
    return _defined(summary)


def _message_ids(chunks: list[Any]) -> list[Any]:
    ids: list[Any] = []
    for chunk in chunks:
        found = _or(js.get(chunk, "messageIds"), [])
        if type(found) is list:
            ids += found
        else:
            ids.append(found)
    return ids


def _message_count(chunk: Any) -> Any:
    ids = js.get(chunk, "messageIds")
    return 0.0 if ids is None or ids is js.UNDEFINED else _or_zero(js.get(ids, "length"))


def _sum(values: Any) -> Any:
    total: Any = 0.0
    for value in values:
        total = js.add(total, value)
    return total


def _defined(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not js.UNDEFINED}


def _or(value: Any, default: Any) -> Any:
    return default if value is None or value is js.UNDEFINED else value


def _or_zero(value: Any) -> Any:
    return _or(value, 0.0)
