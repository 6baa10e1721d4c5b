"""Reflections on observational memory: buffered while they are made, then a new generation.

Re-tells ``omUpdateBufferedReflection`` and ``omSwapBufferedReflection`` of
src/server/observational-memory.ts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers.memory_rows import number, require, text
from convex_mastra.backends.embedded.handlers.replies import merged, ok
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.tables import OBSERVATIONAL_MEMORY
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json


def _update_reflection(transaction: Transaction, request: Json) -> Json:
    row = require(transaction, js.get(request, "id"))
    existing, reflection = text(row, "bufferedReflection"), js.get(request, "reflection")
    if existing:
        reflection = f"{existing}\n\n{js.to_string(reflection)}"
    transaction.patch(
        row,
        {
            "bufferedReflection": reflection,
            "bufferedReflectionTokens": js.add(
                number(row, "bufferedReflectionTokens"), js.get(request, "tokenCount")
            ),
            "bufferedReflectionInputTokens": js.add(
                number(row, "bufferedReflectionInputTokens"), js.get(request, "inputTokenCount")
            ),
            "reflectedObservationLineCount": js.get(request, "reflectedObservationLineCount"),
            "updatedAt": js.get(request, "updatedAt"),
        },
    )
    return ok()


def _swap_reflection(transaction: Transaction, request: Json) -> Json:
    current = js.get(request, "currentRecord")
    row = require(transaction, js.get(current, "id"))
    reflection = text(row, "bufferedReflection")
    if not reflection:
        raise Thrown("No buffered reflection to swap")
    lines = text(row, "activeObservations").split("\n")
    reflected = js.encoded(number(row, "reflectedObservationLineCount"))
    rest = js.trim("\n".join(js.slice_of(lines, reflected)))
    observations = f"{reflection}\n\n{rest}" if rest else reflection
    record = _next_generation(request, current, observations)
    transaction.insert(OBSERVATIONAL_MEMORY, record)
    transaction.patch(
        row,
        {
            "bufferedReflection": None,
            "bufferedReflectionTokens": None,
            "bufferedReflectionInputTokens": None,
            "reflectedObservationLineCount": None,
            "updatedAt": js.get(request, "now"),
        },
    )
    return ok(merged(record, {}))


def _next_generation(request: Json, current: Any, observations: str) -> Json:
    now = js.get(request, "now")
    kept = (
        "lookupKey scope resourceId threadId config lastObservedAt totalTokensObserved "
        "observedTimezone metadata"
    )
    return {
        "id": js.get(request, "newId"),
        **{name: js.get(current, name) for name in kept.split()},
        "activeObservations": observations,
        "activeObservationsPendingUpdate": None,
        "originType": "reflection",
        "generationCount": js.add(js.get(current, "generationCount"), 1.0),
        "lastReflectionAt": now,
        "pendingMessageTokens": 0.0,
        "observationTokenCount": js.get(request, "tokenCount"),
        "isObserving": False,
        "isReflecting": False,
        "isBufferingObservation": False,
        "isBufferingReflection": False,
        "lastBufferedAtTokens": 0.0,
        "lastBufferedAtTime": None,
        "createdAt": now,
        "updatedAt": now,
    }


OPERATIONS: Final[dict[str, Callable[[Transaction, Json], Json]]] = {
    "omUpdateBufferedReflection": _update_reflection,
    "omSwapBufferedReflection": _swap_reflection,
}
