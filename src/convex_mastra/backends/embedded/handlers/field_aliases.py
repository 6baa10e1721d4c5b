"""The two spellings of a background task's fields.

Servers before 1.2 kept tasks as generic documents in camelCase; the columns are in snake_case now,
and what reads both must know that ``agentId`` is ``agent_id``. Re-tells ``matchesFilters`` and
``mergeLegacyRecord`` of src/server/storage.ts.
"""

from __future__ import annotations

from typing import Any, Final

from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers import scans
from convex_mastra.wire import Json

_SPELLINGS: Final = (
    ("tool_call_id", "toolCallId"),
    ("tool_name", "toolName"),
    ("agent_id", "agentId"),
    ("run_id", "runId"),
    ("thread_id", "threadId"),
    ("resource_id", "resourceId"),
    ("suspend_payload", "suspendPayload"),
    ("retry_count", "retryCount"),
    ("max_retries", "maxRetries"),
    ("timeout_ms", "timeoutMs"),
)
_OTHER: Final = dict(_SPELLINGS) | {camel: snake for snake, camel in _SPELLINGS}


def matches_all(record: Json, filters: Any) -> bool:
    """Whether every filter holds, under either spelling of its field."""
    return all(_matches(record, one) for one in js.iterate(filters, "filters"))


def merge(record: Json, changes: Json) -> Json:
    """Return *record* with *changes*, dropping the other spelling of each changed field."""
    result = dict(record)
    for name, value in changes.items():
        if name in _OTHER:
            result.pop(_OTHER[name], None)
        result[name] = value
    return result


def _matches(record: Json, one: Any) -> bool:
    value = js.get(one, "value")
    if js.strictly_equal(scans.field_of(record, one), value):
        return True
    other = _OTHER.get(js.to_string(js.get(one, "field")))
    return other is not None and js.strictly_equal(js.get(record, other), value)
