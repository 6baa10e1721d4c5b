"""Mastra's filter grammar over vector metadata, compiled to a predicate.

A superset of what ConvexVector of @mastra/convex 1.5.2 honours, with its results wherever it
answers (dist/vector: equality, ``$in $nin $gt $gte $lt $lte $ne $and $or``); the other operators are
those of @mastra/core's filter types. JavaScript's comparisons are kept: ``===`` for equality,
coercion in ``<``. An unknown operator is an error, never a silent non-match. Called by the vector
operations and by the embedded backend's search.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.jsontext import dumps

Predicate = Callable[[Any], bool]
_MISSING: Final = object()
_DECIMAL: Final = re.compile(r"[+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)
_RADIX: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_REGEX_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "u": 0, "g": 0}


def compile_filter(where: Mapping[str, Any] | None) -> Predicate | None:
    """Return a predicate over metadata, or None if *where* selects everything.

    A record without metadata matches no filter. ``{"metadata": {...}}`` means its inner filter.

    Raises:
        InvalidArgumentError: an unknown operator, an operand of the wrong kind, or one that is not
            JSON and so would match nothing.
    """
    if not where:
        return None
    if not isinstance(where, Mapping):
        raise _wrong("filter", where, "an object")
    dumps(dict(where), "filter")
    if set(where) == {"metadata"} and isinstance(where["metadata"], Mapping):
        where = where["metadata"]
    matches = _all_of(where)
    return lambda metadata: isinstance(metadata, Mapping) and matches(metadata)


def identical(one: Any, other: Any) -> bool:
    """JavaScript's ``===`` on JSON values, with objects and arrays compared by content."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(identical(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(identical, one, other))
    if one is _MISSING or other is _MISSING or one is None or other is None:
        return one is other
    return bool(one == other)


def _all_of(conditions: Mapping[str, Any]) -> Predicate:
    predicates = [_condition(key, operand) for key, operand in conditions.items()]
    if len(predicates) == 1:
        return predicates[0]
    return lambda record: all(predicate(record) for predicate in predicates)


def _condition(key: str, operand: Any) -> Predicate:
    if not key.startswith("$"):
        test = _field_test(operand, key)
        return lambda record: test(_at(record, key))
    if key == "$not":
        if not isinstance(operand, Mapping):
            raise _wrong(key, operand, "an object")
        inner = _all_of(operand)
        return lambda record: not inner(record)
    if key not in ("$and", "$or", "$nor"):
        raise InvalidArgumentError(f"The filter operator {key} is unknown here.", field=key)
    if not _is_list(operand) or not all(isinstance(item, Mapping) for item in operand):
        raise _wrong(key, operand, "a list of objects")
    branches = [_all_of(item) for item in operand]
    if key == "$and":
        return lambda record: all(branch(record) for branch in branches)
    wanted = key == "$or"
    return lambda record: any(branch(record) for branch in branches) is wanted


def _at(record: Any, path: str) -> Any:
    if isinstance(record, Mapping):
        if path in record:
            return record[path]
        head, dot, rest = path.partition(".")
        return _at(record[head], rest) if dot and head in record else _MISSING
    if _is_list(record):
        head, dot, rest = path.partition(".")
        if head.isdecimal() and int(head) < len(record):
            return _at(record[int(head)], rest) if dot else record[int(head)]
    return _MISSING


def _field_test(operand: Any, field: str) -> Predicate:
    if not isinstance(operand, Mapping) or not any(str(key).startswith("$") for key in operand):
        return lambda value: identical(value, operand)
    tests = []
    for name, argument in operand.items():
        if name == "$options" and "$regex" in operand:
            continue
        if name == "$regex":
            tests.append(_regex(argument, operand.get("$options", ""), field))
        elif name in _OPERATORS:
            tests.append(_OPERATORS[name](argument, field))
        else:
            raise InvalidArgumentError(
                f"The filter operator {name} on {field} is unknown; known are "
                f"{' '.join([*_OPERATORS, '$regex'])}.",
                field=field,
            )
    return lambda value: all(test(value) for test in tests)


def _among(argument: Any, field: str) -> Predicate:
    if not _is_list(argument):
        raise _wrong(f"{field}.$in", argument, "a list")
    # ``includes`` compares objects by identity, so a stored array or object is in no list.
    return lambda value: any(_is_simple(value) and identical(value, item) for item in argument)


def _not_among(argument: Any, field: str) -> Predicate:
    test = _among(argument, field.replace("$in", "$nin"))
    return lambda value: not test(value)


def _compares(compare: Callable[[Any, Any], Any]) -> Callable[[Any, str], Predicate]:
    def build(argument: Any, field: str) -> Predicate:
        if not _is_simple(argument):
            raise _wrong(f"{field}'s bound", argument, "a number, text, boolean or null")
        return lambda value: _is_simple(value) and _ordered(value, argument, compare)

    return build


def _ordered(value: Any, bound: Any, compare: Callable[[Any, Any], Any]) -> bool:
    if isinstance(value, str) and isinstance(bound, str):
        return bool(compare(_utf16(value), _utf16(bound)))
    return bool(compare(_number(value), _number(bound)))


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _number(value: Any) -> float:
    """``Number(value)`` of a simple JSON value; NaN compares as false everywhere."""
    if value is None:
        return 0.0
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return 0.0
        if _RADIX.fullmatch(text):
            value = int(text, 0)
        else:
            return float(text) if _DECIMAL.fullmatch(text) else math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _contains_all(argument: Any, field: str) -> Predicate:
    if not _is_list(argument):
        raise _wrong(f"{field}.$all", argument, "a list")
    return lambda value: _is_list(value) and all(_holds(value, item) for item in argument)


def _element_match(argument: Any, field: str) -> Predicate:
    if not isinstance(argument, Mapping):
        raise _wrong(f"{field}.$elemMatch", argument, "an object")
    if any(str(key).startswith("$") for key in argument):
        test = _field_test(argument, field)
    else:
        inner = _all_of(argument)

        def test(value: Any) -> bool:
            return isinstance(value, Mapping) and inner(value)

    return lambda value: _is_list(value) and any(test(item) for item in value)


def _exists(argument: Any, field: str) -> Predicate:
    if not isinstance(argument, bool):
        raise _wrong(f"{field}.$exists", argument, "a boolean")
    return lambda value: (value is not _MISSING) is argument


def _contains(argument: Any, _field: str) -> Predicate:
    def test(value: Any) -> bool:
        if isinstance(value, str):
            return isinstance(argument, str) and argument in value
        if _is_list(value):
            wanted = argument if _is_list(argument) else [argument]
            return all(_holds(value, item) for item in wanted)
        if isinstance(value, Mapping) and isinstance(argument, Mapping):
            return all(key in value and identical(value[key], argument[key]) for key in argument)
        return False

    return test


def _regex(pattern: Any, options: Any, field: str) -> Predicate:
    if not isinstance(pattern, str) or not isinstance(options, str):
        raise _wrong(f"{field}.$regex", pattern, "a text")
    flags = 0
    for letter in options:
        if letter not in _REGEX_FLAGS:
            raise InvalidArgumentError(f"{field}.$options has an unknown flag {letter!r}.")
        flags |= _REGEX_FLAGS[letter]
    try:
        compiled = re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidArgumentError(f"{field}.$regex: {error}.", field=field) from None
    return lambda value: isinstance(value, str) and compiled.search(value) is not None


def _negation(argument: Any, field: str) -> Predicate:
    if not isinstance(argument, Mapping):
        raise _wrong(f"{field}.$not", argument, "an object of operators")
    test = _field_test(argument, field)
    return lambda value: not test(value)


def _holds(values: Sequence[Any], item: Any) -> bool:
    return any(identical(value, item) for value in values)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_simple(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _wrong(what: str, value: Any, wanted: str) -> InvalidArgumentError:
    where = what if what == "filter" else f"{what} in a filter"
    return InvalidArgumentError(
        f"{where} must be {wanted}, not {type(value).__name__}.", field=what
    )


_OPERATORS: Final[dict[str, Callable[[Any, str], Predicate]]] = {
    "$eq": lambda argument, _field: lambda value: identical(value, argument),
    "$ne": lambda argument, _field: lambda value: not identical(value, argument),
    "$gt": _compares(operator.gt),
    "$gte": _compares(operator.ge),
    "$lt": _compares(operator.lt),
    "$lte": _compares(operator.le),
    "$in": _among,
    "$nin": _not_among,
    "$all": _contains_all,
    "$elemMatch": _element_match,
    "$exists": _exists,
    "$contains": _contains,
    "$not": _negation,
}
