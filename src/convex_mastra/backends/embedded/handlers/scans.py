"""Reading a table by filters: which index is taken, what is filtered after it, how much is read.

Re-tells src/server/index-map.ts and the limits of ``queryTable`` in src/server/storage.ts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.backends.embedded import js, keys
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import Table
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

_MATCHED: Final = {
    "mastra_messages": ("by_thread_created", "by_thread", "by_resource", "by_record_id"),
    "mastra_threads": ("by_resource", "by_created", "by_updated", "by_record_id"),
    "mastra_resources": ("by_updated", "by_record_id"),
    "mastra_workflow_snapshots": (
        "by_workflow_run",
        "by_workflow",
        "by_resource",
        "by_created",
        "by_record_id",
    ),
    "mastra_scorers": ("by_entity", "by_scorer", "by_run", "by_created", "by_record_id"),
    "mastra_schedules": (
        "by_workflow_status",
        "by_workflow_id",
        "by_owner",
        "by_owner_id",
        "by_status_next_fire_at",
        "by_created",
        "by_record_id",
    ),
    "mastra_schedule_triggers": ("by_schedule_actual", "by_parent_trigger", "by_record_id"),
    "mastra_channel_installations": (
        "by_platform_agent",
        "by_webhook",
        "by_platform",
        "by_record_id",
    ),
    "mastra_channel_config": ("by_platform", "by_record_id"),
    "mastra_background_tasks": (
        "by_agent_status",
        "by_status_created",
        "by_run",
        "by_tool_call",
        "by_thread",
        "by_resource",
        "by_tool",
        "by_created",
        "by_record_id",
    ),
    "mastra_vector_indexes": ("by_name", "by_record_id"),
    "mastra_observational_memory": ("by_lookup_key", "by_record_id"),
}
"""The indexes that filters are matched against; the earlier one wins a tie."""

Filter = Callable[[Json], bool]


def filters_of(request: Json) -> Any:
    """Return the request's filters when there are any, else an empty list.

    Anything with a ``length`` passes for filters here, as it does in JavaScript.
    """
    filters = js.get(request, "filters")
    if not js.truthy(filters):
        return []
    length = js.get(filters, "length")
    return filters if type(length) is float and length > 0 else []


def scan_limit(request: Json) -> int:
    """Return how many rows are looked at.

    Raises:
        Thrown: the limit is no number, or no whole number of rows.
    """
    return _rows_to_take(_doubled_limit(request))


def _doubled_limit(request: Json) -> float:
    limit = js.get(request, "limit")
    if not js.truthy(limit):
        return float(limits.SCAN_ROWS)
    return js.smaller(js.to_number(limit) * 2, float(limits.SCAN_ROWS))


def _rows_to_take(number: float) -> int:
    if not (math.isfinite(number) and number.is_integer() and number >= 0):
        raise Thrown("Arg 1 `n` to `take` must be a non-negative integer")
    return int(number)


def cut(records: list[Any], request: Json) -> list[Any]:
    """Return as many records as the request's limit asks for."""
    limit = js.get(request, "limit")
    return js.slice_of(records, 0.0, limit) if js.truthy(limit) else records


def matches_all(record: Any, filters: Any) -> bool:
    """``request.filters.every(filter => record[filter.field] === filter.value)``."""
    if type(filters) is not list:
        raise Thrown("request.filters.every is not a function")
    return all(js.strictly_equal(field_of(record, one), js.get(one, "value")) for one in filters)


def field_of(record: Any, one: Any) -> Any:
    """``record[filter.field]``."""
    field = js.get(one, "field")
    return js.get(record, field if type(field) is str else js.to_string(field))


def take_filtered(
    transaction: Transaction, table: Table, request: Json, index: str | None, equals: Sequence[Any]
) -> list[Row]:
    """Read the rows that a ``queryTable`` on a typed table looks at, in the index's order.

    Args:
        index, equals: what an index hint chose; None lets the filters choose.
    """
    most = _doubled_limit(request)  # first, as there: it may throw
    filters = js.get(request, "filters")
    covered: tuple[str, ...] = ()
    if index is None and not js.truthy(js.get(request, "indexHint")):
        index, equals = _best_index(table, js.iterate(filters_of(request), "filters"))
        covered = table.indexes[index][: len(equals)] if index else ()
    rest = [] if filters is None or filters is js.UNDEFINED else filters
    if type(rest) is not list:
        raise Thrown("filters?.filter is not a function")
    predicates = [_predicate(one) for one in rest if js.get(one, "field") not in covered]
    return transaction.take(
        table,
        _rows_to_take(most),
        index,
        equals,
        where=(lambda document: all(test(document) for test in predicates)) if predicates else None,
    )


def _best_index(table: Table, filters: list[Any]) -> tuple[str | None, list[Any]]:
    """Return the index with the longest prefix of equal fields, and their values."""
    by_field: dict[Any, Any] = {}
    for one in filters:
        field = js.get(one, "field")
        if type(field) is str:
            by_field[field] = js.get(one, "value")
    best: tuple[str | None, list[Any]] = (None, [])
    for index in _MATCHED[table.name]:
        values = []
        for field in table.indexes[index]:
            if field not in by_field:
                break
            values.append(by_field[field])
        if len(values) > len(best[1]):
            best = index, values
    return best


def _predicate(one: Any) -> Filter:
    """Return Convex's ``q.eq(q.field(path), value)``: paths have dots, contents are compared."""
    field, value = js.get(one, "field"), js.get(one, "value")
    if type(field) is not str:
        raise Thrown(f"Invalid field path in a filter: {js.to_string(field)}")
    path = field.split(".")

    def holds(document: Json) -> bool:
        found: Any = document
        for name in path:
            found = found.get(name, js.UNDEFINED) if js.kind(found) == "object" else js.UNDEFINED
        return keys.equal(found, value)

    return holds
