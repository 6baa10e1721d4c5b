"""The handlers' replies, keys sorted as Convex emits them."""

from __future__ import annotations

from typing import Any

from convex_mastra.backends.embedded import js
from convex_mastra.wire import Json


def ok(result: Any = js.UNDEFINED) -> Json:
    """``{ok: true, result}``; no result when there is none to give."""
    return {"ok": True} if result is js.UNDEFINED else {"ok": True, "result": result}


def more(has_more: bool, result: Any = js.UNDEFINED) -> Json:
    """``{ok: true, hasMore}``, and a result if one is given."""
    return {"hasMore": has_more, **ok(result)}


def failed(error: str) -> Json:
    """``{ok: false, error}``."""
    return {"error": error, "ok": False}


def unsupported(request: Json, *, for_table: bool = False) -> Json:
    """The reply to an operation that the handler, or this table, does not know."""
    operation = f"Unsupported operation {js.to_string(js.get(request, 'op'))}"
    if for_table:
        return failed(f"{operation} for table {js.to_string(js.get(request, 'tableName'))}")
    return failed(operation)


def merged(document: Json, changes: Json) -> Json:
    """``{...document, ...changes}`` as an answer: nothing undefined, keys sorted."""
    both = document | changes
    return {key: both[key] for key in sorted(both) if both[key] is not js.UNDEFINED}
