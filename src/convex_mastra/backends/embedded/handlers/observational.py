"""Observational memory: generations of a record, and its buffered chunks.

Re-tells src/server/observational-memory.ts; the choice of how many chunks to activate is in
``activation``, reflections are in ``reflections``. Chunks and configuration are JSON texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.arguments import returned
from convex_mastra.backends.embedded.handlers import activation, reflections
from convex_mastra.backends.embedded.handlers.memory_rows import number, require, text
from convex_mastra.backends.embedded.handlers.replies import ok
from convex_mastra.backends.embedded.js.json import from_convex, parse_or, stringify
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import OBSERVATIONAL_MEMORY
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
    row = require(transaction, js.get(request, "id"))
    given = js.get(request, "tokenCount")
    tokens = given if js.is_finite(given) and given >= 0 else 0.0
    transaction.patch(
        row,
        {
            "activeObservations": js.get(request, "observations"),
            "lastObservedAt": js.get(request, "lastObservedAt"),
            "pendingMessageTokens": 0.0,
            "observationTokenCount": tokens,
            "totalTokensObserved": js.add(number(row, "totalTokensObserved"), tokens),
            "observedMessageIds": js.get(request, "observedMessageIds"),
            "updatedAt": js.get(request, "updatedAt"),
        },
    )
    return ok()


def _append_chunk(transaction: Transaction, request: Json) -> Json:
    row = require(transaction, js.get(request, "id"))
    chunk = js.get(request, "chunk")
    chunks = _stored_chunks(row)
    chunks.append(None if chunk is js.UNDEFINED else from_convex(chunk))
    changes = {
        "bufferedObservationChunks": stringify(chunks),
        "updatedAt": js.get(request, "updatedAt"),
    }
    buffered_at = js.get(request, "lastBufferedAtTime")
    if js.truthy(buffered_at):
        changes["lastBufferedAtTime"] = buffered_at
    transaction.patch(row, changes)
    return ok()


def _swap_buffered(transaction: Transaction, request: Json) -> Json:
    row = require(transaction, js.get(request, "id"))
    chunks = _stored_chunks(row)
    refreshed = js.get(request, "bufferedChunks")
    is_refreshed = bool(chunks) and type(refreshed) is list
    if is_refreshed:
        chunks = refreshed
    if not chunks:
        return ok(activation.nothing())
    count = activation.boundary(chunks, request)
    activated, remaining = chunks[:count], chunks[count:]
    if is_refreshed:
        remaining = from_convex(remaining)
    summary = activation.summarise(activated)
    observed_at = _first_given(
        js.get(request, "lastObservedAt"),
        js.get(activated[-1], "lastObservedAt") if activated else js.UNDEFINED,
        js.get(request, "now"),
    )
    active, content = text(row, "activeObservations"), summary["observations"]
    if active:
        content = f"{active}\n\n--- message boundary ({js.to_string(observed_at)}) ---\n\n{content}"
    tokens = js.add(number(row, "observationTokenCount"), summary["observationTokensActivated"])
    pending = number(row, "pendingMessageTokens") - js.to_number(summary["messageTokensActivated"])
    transaction.patch(
        row,
        {
            "activeObservations": content,
            "observationTokenCount": tokens,
            "pendingMessageTokens": js.encoded(js.larger(0.0, pending)),
            "bufferedObservationChunks": stringify(remaining) if remaining else None,
            "lastObservedAt": observed_at,
            "updatedAt": js.get(request, "now"),
        },
    )
    return ok(returned(summary))


def _update_config(transaction: Transaction, request: Json) -> Json:
    row = require(transaction, js.get(request, "id"))
    config = _deep_merged(
        _json_object(row.document["config"]), _json_object(js.get(request, "config"))
    )
    updated_at = js.get(request, "updatedAt")
    transaction.patch(row, {"config": stringify(config), "updatedAt": updated_at})
    return ok()


def _stored_chunks(row: Row) -> list[Any]:
    chunks = parse_or(js.get(row.document, "bufferedObservationChunks"), [])
    return chunks if type(chunks) is list else []


def _json_object(config: Any) -> Json:
    parsed = parse_or(config, {})
    return parsed if type(parsed) is dict else {}


def _deep_merged(target: Json, source: Json) -> Json:
    output = dict(target)
    for key, value in source.items():
        old: Any = target.get(key)
        both_objects = type(old) is dict and type(value) is dict
        output[key] = _deep_merged(old, value) if both_objects else value
    return output


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
    "omUpdateConfig": _update_config,
    **reflections.OPERATIONS,
}
