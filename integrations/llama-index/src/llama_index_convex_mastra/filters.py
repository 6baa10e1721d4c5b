"""llama-index's metadata filters, evaluated by core's own truth table.

The judge of every filter: whatever was asked of the server, each node is accepted here or not at
all. Where core's reference (``build_metadata_filter_fn``) answers, so does this; where it raises
(nested filters, values of kinds that do not compare), nesting is evaluated and an impossible
comparison is no match. Pure functions on metadata; asks nothing of a server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from convex_mastra import InvalidArgumentError
from convex_mastra.ops.arguments import kind_of

Predicate = Callable[[Mapping[str, Any]], bool]
_Test = Callable[[Any, Any], bool]


def checked_filters(filters: Any, field: str) -> MetadataFilters | None:
    """Return *filters*, None or llama-index's.

    Raises:
        InvalidArgumentError: they are something else.
    """
    if filters is None or isinstance(filters, MetadataFilters):
        return filters
    raise InvalidArgumentError(
        f"{field} must be MetadataFilters; it is {kind_of(filters)}.", field=field
    )


def build_predicate(filters: MetadataFilters | None) -> Predicate:
    """Return whether metadata matches *filters*.

    A missing key, or None, matches ``!=``, ``nin`` and ``is_empty`` only. An empty list of filters
    matches everything; the condition NOT means that none of its filters matches.

    Raises:
        ValueError: an operator or condition that this version does not know.
    """
    if filters is None or not filters.filters:
        return lambda _metadata: True
    tests = [
        build_predicate(item) if isinstance(item, MetadataFilters) else _build_test(item)
        for item in filters.filters
    ]
    match filters.condition or FilterCondition.AND:
        case FilterCondition.AND:
            return lambda metadata: all(test(metadata) for test in tests)
        case FilterCondition.OR:
            return lambda metadata: any(test(metadata) for test in tests)
        case FilterCondition.NOT:
            return lambda metadata: not any(test(metadata) for test in tests)


def _build_test(item: MetadataFilter) -> Predicate:
    key, wanted = item.key, item.value
    if item.operator is FilterOperator.IS_EMPTY:
        return lambda metadata: metadata.get(key) in (None, "", [])
    test = _TESTS.get(item.operator)
    if test is None:
        raise ValueError(f"The filter operator {item.operator!r} is not supported.")
    if_missing = item.operator in (FilterOperator.NE, FilterOperator.NIN)

    def matches(metadata: Mapping[str, Any]) -> bool:
        value = metadata.get(key)
        if value is None:
            return if_missing
        try:
            return bool(test(value, wanted))
        except TypeError:
            return False

    return matches


def _not_in(value: Any, wanted: Any) -> bool:
    try:
        return value not in wanted
    except TypeError:  # a number is in no text
        return True


def _text_match(value: Any, wanted: Any) -> bool:
    return isinstance(value, str) and isinstance(wanted, str) and wanted in value


def _text_match_insensitive(value: Any, wanted: Any) -> bool:
    return isinstance(value, str) and isinstance(wanted, str) and wanted.lower() in value.lower()


_TESTS: Final[dict[FilterOperator, _Test]] = {
    FilterOperator.EQ: lambda value, wanted: value == wanted,
    FilterOperator.NE: lambda value, wanted: value != wanted,
    FilterOperator.GT: lambda value, wanted: value > wanted,
    FilterOperator.GTE: lambda value, wanted: value >= wanted,
    FilterOperator.LT: lambda value, wanted: value < wanted,
    FilterOperator.LTE: lambda value, wanted: value <= wanted,
    FilterOperator.IN: lambda value, wanted: value in wanted,
    FilterOperator.NIN: _not_in,
    FilterOperator.ANY: lambda value, wanted: any(item in value for item in wanted),
    FilterOperator.ALL: lambda value, wanted: all(item in value for item in wanted),
    FilterOperator.CONTAINS: lambda value, wanted: wanted in value,
    FilterOperator.TEXT_MATCH: _text_match,
    FilterOperator.TEXT_MATCH_INSENSITIVE: _text_match_insensitive,
}
