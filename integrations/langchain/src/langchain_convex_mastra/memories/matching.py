"""Which memories a filter selects, and which namespaces a condition.

As LangGraph's ``InMemoryStore`` answers, where it answers: what cannot be compared does not match
here, and raises there. Pure functions; operators are checked before anything is sent. Called by
the rooms that search and list.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from langgraph.store.base import MatchCondition

from convex_mastra import InvalidArgumentError
from convex_mastra.ops.arguments import kind_of, required_object
from langchain_convex_mastra.memories.layout import Namespace

WILDCARD: Final = "*"
_EQUALITIES: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
}
_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def check_filter(where: Any, field: str) -> None:
    """Refuse what is no filter.

    Raises:
        InvalidArgumentError: it is no object, or has an operator that does not exist.
    """
    if where is None:
        return
    for name, wanted in required_object(where, field).items():
        _check_operand(wanted, f"{field}.{name}")


def _check_operand(wanted: Any, field: str) -> None:
    if isinstance(wanted, Mapping):
        names = [name for name in wanted if isinstance(name, str) and name.startswith("$")]
        if names:
            for name in wanted:
                if name not in _EQUALITIES and name not in _ORDERS:
                    known = ", ".join([*_EQUALITIES, *_ORDERS])
                    raise InvalidArgumentError(
                        f"{field} has the operator {name!r:.40}; there are {known}.", field=field
                    )
            return
        for name, item in wanted.items():
            _check_operand(item, f"{field}.{name}")
    elif isinstance(wanted, list | tuple):
        for position, item in enumerate(wanted):
            _check_operand(item, f"{field}[{position}]")


def selects(where: Mapping[str, Any] | None, value: Mapping[str, Any]) -> bool:
    """Whether a filter selects a memory of that value: every condition holds."""
    return not where or all(_matches(value.get(name), wanted) for name, wanted in where.items())


def _matches(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(str(name).startswith("$") for name in wanted):
            return all(_compares(value, name, operand) for name, operand in wanted.items())
        return isinstance(value, dict) and all(
            _matches(value.get(name), item) for name, item in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(_matches(one, other) for one, other in zip(value, wanted, strict=True))
        )
    return bool(value == wanted)


def _compares(value: Any, name: str, operand: Any) -> bool:
    if name in _EQUALITIES:
        return _EQUALITIES[name](value, operand)
    numbers = _number(value), _number(operand)
    if None not in numbers:
        return _ORDERS[name](*numbers)
    if isinstance(value, str) and isinstance(operand, str):
        return _ORDERS[name](value, operand)
    return False


def _number(value: Any) -> int | float | None:
    """The number that a value is, or that a text says."""
    if isinstance(value, int | float):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def check_conditions(conditions: Any, field: str) -> None:
    """Refuse conditions on namespaces of a kind that does not exist.

    Raises:
        InvalidArgumentError: there is one.
    """
    for position, condition in enumerate(conditions or ()):
        if condition.match_type not in ("prefix", "suffix"):
            raise InvalidArgumentError(
                f"{field}[{position}].match_type must be prefix or suffix, not "
                f"{condition.match_type!r:.40}.",
                field=f"{field}[{position}].match_type",
            )
        if isinstance(condition.path, str):
            raise InvalidArgumentError(
                f"{field}[{position}].path must be labels; it is {kind_of(condition.path)}.",
                field=f"{field}[{position}].path",
            )


def fits(condition: MatchCondition, namespace: Namespace) -> bool:
    """Whether a namespace begins, or ends, with the path; ``*`` is any one label."""
    path = tuple(condition.path)
    if len(namespace) < len(path):
        return False
    labels = namespace[: len(path)]
    if condition.match_type == "suffix":
        labels = namespace[len(namespace) - len(path) :]
    return all(one in (WILDCARD, label) for one, label in zip(path, labels, strict=True))


def plain_prefix(conditions: tuple[MatchCondition, ...]) -> Namespace:
    """The longest beginning without ``*`` that all selected namespaces have."""
    longest: Namespace = ()
    for condition in conditions:
        if condition.match_type == "prefix":
            path = tuple(condition.path)
            plain = path[: path.index(WILDCARD)] if WILDCARD in path else path
            longest = max(longest, plain, key=len)
    return longest
