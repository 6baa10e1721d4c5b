"""What a schema-declared vector index can be asked for, and what of any filter it can be asked for.

Convex's vector search takes one equality on a filter field, or a few of which one must hold.
``clauses`` is for callers who write just that; ``narrow`` takes the whole grammar and says which
such equalities a match must meet. Called by ``native_search`` and ``native_reads``; ``narrow`` by
adapters, which judge the rest themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.records import NativeIndex
from convex_mastra.values import measure
from convex_mastra.wire import Json, encode


def clauses(where: Mapping[str, Any] | None, index: NativeIndex) -> list[Json]:
    """Return the equalities of a filter, any of which must hold; none for no filter.

    Raises:
        InvalidArgumentError: it is not one equality on a filter field, or ``$or`` of up to 64.
    """
    if where is not None and not isinstance(where, Mapping):
        raise _refused("it is no object", index)
    if not where:
        return []
    alternatives = where.get("$or")
    if isinstance(alternatives, list | tuple) and len(where) == 1:
        if not 1 <= len(alternatives) <= limits.NATIVE_FILTER_TERMS:
            raise _refused(f"$or has {len(alternatives)} alternatives", index)
        terms = [_clause(one, index) for one in alternatives]
        # Each once, by its text: to Python, True is 1.
        return list({encode(term): term for term in terms}.values())
    about = where.get("metadata")
    if isinstance(about, Mapping) and len(where) == 1:
        return [_clause(about, index)]
    return [_clause(where, index)]


def _clause(where: Any, index: NativeIndex) -> Json:
    if not isinstance(where, Mapping) or len(where) != 1:
        raise _refused("it is not one equality", index)
    ((field, value),) = where.items()
    if field not in index.filter_fields:
        raise _refused(f"{field!r} is not configured as a filter field", index)
    if isinstance(value, Mapping) and list(value) == ["$eq"]:
        value = value["$eq"]
    if not isinstance(value, str | int | float | None):
        raise _refused(f"the value of {field!r} is of type {type(value).__name__}", index)
    if isinstance(value, float) and not math.isfinite(value):
        raise _refused(f"the value of {field!r} is {value}", index)
    measure(value, f"filter.{field}")
    return {"field": field, "value": value}


def _refused(reason: str, index: NativeIndex) -> InvalidArgumentError:
    fields = ", ".join(index.filter_fields) or "none"
    return InvalidArgumentError(
        f"A native Convex index cannot take this filter: {reason}. Allowed is one equality, "
        f'{{field: value}} or {{field: {{"$eq": value}}}}, or {{"$or": [...]}} of 1 to '
        f"{limits.NATIVE_FILTER_TERMS} such, on the configured filter fields ({fields}); values "
        "are text, numbers, booleans or None.",
        field="filter",
    )


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a native index is asked for in place of a filter of the whole grammar.

    Attributes:
        filter: a filter that it takes, or None: nothing helps, ask for all.
        is_exact: it selects just what the whole filter does; else it selects more.
        is_empty: nothing can match; there is nothing to ask.
    """

    filter: Json | None
    is_exact: bool
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class _Alternatives:
    """Equalities one of which a match must meet; ``is_exact``: and need meet no more."""

    terms: list[Json]
    is_exact: bool


def narrow(where: Mapping[str, Any] | None, index: NativeIndex) -> Narrowed:
    """Return what of a filter the index can be asked for; of several conditions, the shortest.

    Args:
        where: a filter that ``compile_filter`` takes.
    """
    if where and set(where) == {"metadata"} and isinstance(where["metadata"], Mapping):
        where = where["metadata"]  # Mastra's other way to write a filter
    if not where:
        return Narrowed(None, is_exact=True)
    found = _alternatives(where, index)
    if found is None:
        return Narrowed(None, is_exact=False)
    if not found.terms:
        return Narrowed(None, is_exact=True, is_empty=True)
    terms = list({encode(term): term for term in found.terms}.values())
    if len(terms) > limits.NATIVE_FILTER_TERMS:
        return Narrowed(None, is_exact=False)
    return Narrowed(terms[0] if len(terms) == 1 else {"$or": terms}, found.is_exact)


def _alternatives(where: Mapping[str, Any], index: NativeIndex) -> _Alternatives | None:
    conditions = list(_conditions(where))
    narrowing = [
        found for name, operand in conditions if (found := _of(name, operand, index)) is not None
    ]
    if not narrowing:
        return None
    shortest = min(narrowing, key=lambda one: len(one.terms))
    return _Alternatives(shortest.terms, shortest.is_exact and len(conditions) == 1)


def _conditions(where: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """All that must hold, those under ``$and`` included."""
    for name, operand in where.items():
        if name == "$and":
            for branch in operand:
                yield from _conditions(branch)
        else:
            yield name, operand


def _of(name: str, operand: Any, index: NativeIndex) -> _Alternatives | None:
    if name == "$or":
        branches = [_alternatives(branch, index) for branch in operand]
        known = [branch for branch in branches if branch is not None]
        if len(known) < len(branches):
            return None
        return _Alternatives(
            [term for branch in known for term in branch.terms],
            all(branch.is_exact for branch in known),
        )
    if name not in index.filter_fields:
        return None
    values, is_exact = _values(operand)
    if values is None or not all(map(_is_value, values)):
        return None
    return _Alternatives([{name: one} for value in values for one in _signs(value)], is_exact)


def _values(operand: Any) -> tuple[list[Any] | None, bool]:
    """The values of which a match has one, if that can be said."""
    if not isinstance(operand, Mapping):
        return [operand], True
    if "$eq" in operand:
        return [operand["$eq"]], len(operand) == 1
    if "$in" in operand:
        return list(operand["$in"]), len(operand) == 1
    return None, False


def _is_value(value: Any) -> bool:
    """Whether Convex compares with it; an integer beyond 2**53 it cannot even be sent."""
    if not isinstance(value, str | int | float | None):
        return False
    try:
        measure(value, "filter")
    except InvalidArgumentError:
        return False
    return True


def _signs(value: Any) -> list[Any]:
    """Both zeros for zero: to the grammar they are equal, to Convex's index they are not."""
    is_zero = isinstance(value, int | float) and not isinstance(value, bool) and value == 0
    return [0, -0.0] if is_zero else [value]
