"""llama-index's metadata filters in Mastra's grammar, as far as it can say them.

What is pushed down must select at least all that ``filters`` accepts, judged by the native copies
of the metadata: a filter may be dropped or widened here, never narrowed. Each translation says
whether it is exact, because only an exact one may stand under NOT. Pure functions; called by
``selection`` only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from convex_mastra.limits import EXACT_INTEGER
from llama_index_convex_mastra.nodes import (
    OWN_KEYS,
    REFERENCE_KEYS,
    UNCOPIED,
    is_copied,
    is_unicode,
    key_name,
)

Where = dict[str, Any]
_NOTHING: Final[Where] = {"$or": []}
_ORDER: Final = {
    FilterOperator.GT: "$gt",
    FilterOperator.GTE: "$gte",
    FilterOperator.LT: "$lt",
    FilterOperator.LTE: "$lte",
}


@dataclass(frozen=True, slots=True)
class _Pushed:
    """A translation; None selects everything. *exact*: it selects nothing that is not wanted."""

    where: Where | None
    exact: bool


_Translate = Callable[[MetadataFilter], _Pushed]
_UNKNOWN: Final = _Pushed(None, exact=False)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What an index is asked for.

    Attributes:
        where: a filter in Mastra's grammar; None selects every node.
        decides: it selects just what llama-index's filters do; else each match is to be judged.
    """

    where: Where | None
    decides: bool


def push_down(filters: MetadataFilters | None, doc_ids: Sequence[str] | None) -> Where | None:
    """Return a Mastra filter that selects all nodes which match; None selects every node.

    Nodes that have one of the keys only in ``_node_content`` are always selected. Nodes
    without any metadata, which no llama-index store writes, never are: that is Mastra's rule.
    """
    conditions: list[Where] = []
    if filters is not None and (pushed := _group(filters, _one).where) is not None:
        uncopied = [{UNCOPIED: {"$contains": key_name(key)}} for key in sorted(_keys(filters))]
        conditions.append({"$or": [pushed, {UNCOPIED: True}, *uncopied]})
    if doc_ids:
        conditions.append({REFERENCE_KEYS[-1]: {"$in": list(doc_ids)}})
    return {"$and": conditions} if conditions else None


def push_down_to(
    fields: Collection[str], filters: MetadataFilters | None, doc_ids: Sequence[str] | None
) -> Pushed:
    """Return a filter whose equalities on *fields* stand where a native index can take them.

    ``push_down`` has "or the key was not copied" in every condition, which such an index cannot be
    asked. Here stand equalities on *fields* with values whose copies are never left out, and beside
    them, if they do not say all, what ``push_down`` makes of the whole.
    """
    sure = _Pushed(None, exact=True)
    if filters is not None:
        sure = _group(filters, lambda item: _surely(item, fields))
    conditions = [] if sure.where is None else [sure.where]
    rest = push_down(None if sure.exact else filters, doc_ids)
    if rest is not None:
        conditions.append(rest)
    decides = sure.exact and (not doc_ids or REFERENCE_KEYS[-1] in fields)
    return Pushed({"$and": conditions} if conditions else None, decides)


def _surely(item: MetadataFilter, fields: Collection[str]) -> _Pushed:
    """An equality on one of *fields*, if what equals its value is always copied there."""
    key, value = item.key, item.value
    values: Sequence[str | int | float]
    match item.operator:
        case FilterOperator.EQ if isinstance(value, str | int | float):
            values = [value]
        case FilterOperator.IN if isinstance(value, list):
            values = value
        case _:
            return _UNKNOWN
    if key in fields and (key in REFERENCE_KEYS or all(is_copied(key, one) for one in values)):
        return _one(item)
    return _UNKNOWN


def _keys(filters: MetadataFilters) -> set[str]:
    keys = set()
    for item in filters.filters:
        keys |= _keys(item) if isinstance(item, MetadataFilters) else {item.key}
    return keys


def _group(filters: MetadataFilters, translate: _Translate) -> _Pushed:
    if not filters.filters:
        return _Pushed(None, exact=True)
    items = [
        _group(item, translate) if isinstance(item, MetadataFilters) else translate(item)
        for item in filters.filters
    ]
    exact = all(item.exact for item in items)
    known = [item.where for item in items if item.where is not None]
    match filters.condition or FilterCondition.AND:
        case FilterCondition.AND:
            return _Pushed({"$and": known} if known else None, exact)
        case FilterCondition.OR:
            return _Pushed({"$or": known}, exact) if len(known) == len(items) else _anything(items)
        case FilterCondition.NOT:
            if _Pushed(None, exact=True) in items:
                return _Pushed(_NOTHING, exact=True)
            certain = [item.where for item in items if item.exact]
            return _Pushed({"$nor": certain} if certain else None, exact)


def _anything(items: list[_Pushed]) -> _Pushed:
    return _Pushed(None, exact=_Pushed(None, exact=True) in items)


def _one(item: MetadataFilter) -> _Pushed:
    key, value = item.key, item.value
    if key in OWN_KEYS or key.startswith("$") or "." in key or not _is_exact(value):
        return _UNKNOWN
    match item.operator:
        case FilterOperator.IS_EMPTY:
            empty = [{key: {"$exists": False}}, {key: None}, {key: ""}, {key: {"$eq": []}}]
            return _Pushed({"$or": empty}, exact=True)
        case FilterOperator.EQ if value is None:
            return _Pushed(_NOTHING, exact=True)
        case FilterOperator.EQ if isinstance(value, str | int | float):
            return _Pushed({key: {"$in": _alike(value)}}, exact=True)
        case FilterOperator.NE if isinstance(value, str | int | float):
            return _Pushed({key: {"$nin": _alike(value)}}, exact=True)
        case FilterOperator.IN if isinstance(value, list):
            return _Pushed({key: {"$in": _all_alike(value)}}, exact=True)
        case FilterOperator.NIN if isinstance(value, list):
            return _Pushed({key: {"$nin": _all_alike(value)}}, exact=True)
        case FilterOperator.GT | FilterOperator.GTE | FilterOperator.LT | FilterOperator.LTE if (
            isinstance(value, int | float) or (isinstance(value, str) and value.isascii())
        ):
            # JavaScript compares a text with a number, and texts by UTF-16 units.
            return _Pushed({key: {_ORDER[item.operator]: value}}, exact=False)
        case FilterOperator.CONTAINS if isinstance(value, str | int | float):
            return _Pushed({"$or": _holders(key, value)}, exact=False)
        case FilterOperator.ANY if isinstance(value, list):
            holders = [holder for one in value for holder in _holders(key, one)]
            return _Pushed({"$or": holders}, exact=False)
        case FilterOperator.ALL if isinstance(value, list) and value:
            return _Pushed({"$and": [{"$or": _holders(key, one)} for one in value]}, exact=False)
        case FilterOperator.TEXT_MATCH if isinstance(value, str):
            return _Pushed({key: {"$contains": value}}, exact=False)
        case FilterOperator.NE | FilterOperator.NIN:
            return _UNKNOWN
    return _Pushed({key: {"$exists": True}}, exact=False)


def _holders(key: str, value: str | int | float) -> list[Where]:
    """Conditions of which one holds if ``value in metadata[key]``: a text, a list or an object."""
    contains: list[Where] = [{key: {"$contains": one}} for one in _alike(value)]
    return (
        [*contains, {f"{key}.{value}": {"$exists": True}}] if isinstance(value, str) else contains
    )


def _alike(value: str | int | float) -> list[str | int | float | bool]:
    """What Python's ``==`` calls equal and JavaScript's ``===`` does not: 1 and true."""
    if isinstance(value, int | float) and value in (0, 1):
        return [value, bool(value)]
    return [value]


def _all_alike(values: Sequence[str | int | float]) -> list[str | int | float | bool]:
    return [alike for value in values for alike in _alike(value)]


def _is_exact(value: Any) -> bool:
    """Whether JSON and a float64 carry *value* without a change."""
    if isinstance(value, list):
        return all(map(_is_exact, value))
    if isinstance(value, str):
        return is_unicode(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or abs(value) <= EXACT_INTEGER
