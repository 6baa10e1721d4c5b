"""Observational memory: generations of a record, its buffered chunks and reflections.

Re-tells src/server/observational-memory.ts; the choice of how many chunks to activate is in
``activation``. Chunks and configuration are JSON texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.backends.embedded import js, jsjson
from convex_mastra.backends.embedded.arguments import returned
from convex_mastra.backends.embedded.handlers import activation
from convex_mastra.backends.embedded.handlers.replies import merged, ok
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import BY_ID, OBSERVATIONAL_MEMORY
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

_BY_LOOKUP: Final = "by_lookup_key"


def _get_latest(transaction: Transaction, request: Json) -> Json:
    row = transaction.first(
        OBSERVATIONAL_MEMORY, _BY_LOOKUP, [js.get(request, "lookupKey")], descending=True
    )
    return ok(None if row is None else row.document)


def _get_history(transaction: Transaction, request: Json) -> Json:
    rows = transaction.take(
        OBSERVATIONAL_MEMORY,
        limits.SCAN_ROWS,
        _BY_LOOKUP,
        [js.get(request, "lookupKey")],
        descending=True,
    )
    documents = [row.document for row in rows]
    since, until = js.get(request, "from"), js.get(request, "to")
    if js.truthy(since):
        documents = [one for one in documents if js.at_least(one["createdAt"], since)]
    if js.truthy(until):
        documents = [one for one in documents if js.at_most(one["createdAt"], until)]
    if request.get("offset") is not None:
        documents = js.slice_of(documents, request["offset"])
    return ok(js.slice_of(documents, 0.0, js.get(request, "limit")))


def _update_active(transaction: Transaction, request: Json) -> Json:
    row = _require(transaction, js.get(request, "id"))
    given = js.get(request, "tokenCount")
    tokens = given if js.is_finite(given) and given >= 0 else 0.0
    transaction.patch(
        row,
        {
            "activeObservations": js.get(request, "observations"),
            "lastObservedAt": js.get(request, "lastObservedAt"),
            "pendingMessageTokens": 0.0,
            "observationTokenCount": tokens,
            "totalTokensObserved": js.add(_number(row, "totalTokensObserved"), tokens),
            "observedMessageIds": js.get(request, "observedMessageIds"),
            "updatedAt": js.get(request, "updatedAt"),
        },
    )
    return ok()


def _append_chunk(transaction: Transaction, request: Json) -> Json:
    row = _require(transaction, js.get(request, "id"))
    chunk = js.get(request, "chunk")
    chunks = _stored_chunks(row)
    chunks.append(None if chunk is js.UNDEFINED else jsjson.from_convex(chunk))
    changes = {
        "bufferedObservationChunks": jsjson.stringify(chunks),
        "updatedAt": js.get(request, "updatedAt"),
    }
    buffered_at = js.get(request, "lastBufferedAtTime")
    if js.truthy(buffered_at):
        changes["lastBufferedAtTime"] = buffered_at
    transaction.patch(row, changes)
    return ok()


def _swap_buffered(transaction: Transaction, request: Json) -> Json:
    row = _require(transaction, js.get(request, "id"))
    chunks = _stored_chunks(row)
    refreshed = js.get(request, "bufferedChunks")
    if chunks and type(refreshed) is list:
        chunks = jsjson.from_convex(refreshed)
    if not chunks:
        return ok(activation.NOTHING.copy())
    count = activation.boundary(chunks, request)
    activated, remaining = chunks[:count], chunks[count:]
    summary = activation.summarise(activated)
    observed_at = _first_given(
        js.get(request, "lastObservedAt"),
        js.get(activated[-1], "lastObservedAt") if activated else js.UNDEFINED,
        js.get(request, "now"),
    )
    active, content = _text(row, "activeObservations"), summary["observations"]
    if active:
        content = f"{active}\n\n--- message boundary ({js.to_string(observed_at)}) ---\n\n{content}"
    tokens = js.add(_number(row, "observationTokenCount"), summary["observationTokensActivated"])
    pending = _number(row, "pendingMessageTokens") - js.to_number(summary["messageTokensActivated"])
    transaction.patch(
        row,
        {
            "activeObservations": content,
            "observationTokenCount": tokens,
            "pendingMessageTokens": js.encoded(js.larger(0.0, pending)),
            "bufferedObservationChunks": jsjson.stringify(remaining) if remaining else None,
            "lastObservedAt": observed_at,
            "updatedAt": js.get(request, "now"),
        },
    )
    return ok(returned(summary))


def _update_reflection(transaction: Transaction, request: Json) -> Json:
    row = _require(transaction, js.get(request, "id"))
    existing, reflection = _text(row, "bufferedReflection"), js.get(request, "reflection")
    if existing:
        reflection = f"{existing}\n\n{js.to_string(reflection)}"
    transaction.patch(
        row,
        {
            "bufferedReflection": reflection,
            "bufferedReflectionTokens": js.add(
                _number(row, "bufferedReflectionTokens"), js.get(request, "tokenCount")
            ),
            "bufferedReflectionInputTokens": js.add(
                _number(row, "bufferedReflectionInputTokens"), js.get(request, "inputTokenCount")
            ),
            "reflectedObservationLineCount": js.get(request, "reflectedObservationLineCount"),
            "updatedAt": js.get(request, "updatedAt"),
        },
    )
    return ok()


def _swap_reflection(transaction: Transaction, request: Json) -> Json:
    current = js.get(request, "currentRecord")
    row = _require(transaction, js.get(current, "id"))
    reflection = _text(row, "bufferedReflection")
    if not reflection:
        raise Thrown("No buffered reflection to swap")
    lines = _text(row, "activeObservations").split("\n")
    reflected = js.encoded(_number(row, "reflectedObservationLineCount"))
    rest = "\n".join(js.slice_of(lines, reflected)).strip()
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


def _update_config(transaction: Transaction, request: Json) -> Json:
    row = _require(transaction, js.get(request, "id"))
    config = _deep_merged(
        _json_object(row.document["config"]), _json_object(js.get(request, "config"))
    )
    updated_at = js.get(request, "updatedAt")
    transaction.patch(row, {"config": jsjson.stringify(config), "updatedAt": updated_at})
    return ok()


def _require(transaction: Transaction, identity: Any) -> Row:
    row = transaction.unique(OBSERVATIONAL_MEMORY, BY_ID, identity)
    if row is None:
        raise Thrown(f"Observational memory record not found: {js.to_string(identity)}")
    return row


def _stored_chunks(row: Row) -> list[Any]:
    chunks = jsjson.parse_or(js.get(row.document, "bufferedObservationChunks"), [])
    return chunks if type(chunks) is list else []


def _json_object(text: Any) -> Json:
    parsed = jsjson.parse_or(text, {})
    return parsed if type(parsed) is dict else {}


def _deep_merged(target: Json, source: Json) -> Json:
    output = dict(target)
    for key, value in source.items():
        old: Any = target.get(key)
        both_objects = type(old) is dict and type(value) is dict
        output[key] = _deep_merged(old, value) if both_objects else value
    return output


def _text(row: Row, name: str) -> str:
    value = js.get(row.document, name)
    return value if type(value) is str else ""


def _number(row: Row, name: str) -> float:
    """``Number(doc[name] || 0)`` of a column that holds a number or nothing."""
    value = js.get(row.document, name)
    return js.number(value) if js.truthy(value) else 0.0


def _first_given(*values: Any) -> Any:
    return next(
        (value for value in values if value is not None and value is not js.UNDEFINED), values[-1]
    )


OPERATIONS: Final[dict[str, Callable[[Transaction, Json], Json]]] = {
    "omGetLatest": _get_latest,
    "omGetHistory": _get_history,
    "omUpdateActive": _update_active,
    "omAppendBufferedChunk": _append_chunk,
    "omSwapBuffered": _swap_buffered,
    "omUpdateBufferedReflection": _update_reflection,
    "omSwapBufferedReflection": _swap_reflection,
    "omUpdateConfig": _update_config,
}
