"""What ``filter=`` may be, and how documents are judged by it.

A mapping in Mastra's grammar is asked of the backend, under the names that ``documents`` stores
metadata by; a function is asked of each document. Called by the rooms that search, list and delete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document

from convex_mastra import InvalidArgumentError
from convex_mastra.filters import compile_filter
from convex_mastra.ops.arguments import kind_of
from convex_mastra.ops.index_kinds import Selection
from convex_mastra.ops.vector_scan import Accept
from convex_mastra.values import plain_numbers
from langchain_convex_mastra.documents import OWN_KEYS, document_of, native_key

Condition = Mapping[str, Any] | Callable[[Document], bool]
Filter = Condition | list[Condition] | tuple[Condition, ...]
"""One condition, or a list of those that must all hold."""


def selects_all(selection: Selection) -> bool:
    """Whether no document could fail it."""
    return selection.accept is None and _selects_all(selection.where or {})


def selection_of(conditions: Filter | None) -> Selection:
    """Check a filter.

    Raises:
        InvalidArgumentError: it is neither mapping nor function nor a list of these, or has an
            operator that does not exist.
    """
    if conditions is None:
        return Selection()
    if isinstance(conditions, Mapping) or callable(conditions):
        conditions = [conditions]
    if not isinstance(conditions, list | tuple):
        raise _wrong("filter", conditions)
    wheres: list[dict[str, Any]] = []
    tests: list[Callable[[Document], bool]] = []
    for position, condition in enumerate(conditions):
        if isinstance(condition, Mapping):
            compile_filter(condition)
            wheres.append(_stored_filter(_unwrapped(condition)))
        elif callable(condition):
            tests.append(condition)
        else:
            raise _wrong(f"filter[{position}]", condition)
    wheres = [where for where in wheres if where]
    where = next(iter(wheres), None)
    if len(wheres) > 1 or (where and _unwrapped(where) is not where):
        where = {"$and": wheres}  # a field called ``metadata`` stays one
    return Selection(where, _accept(tests) if tests else None)


def _accept(tests: Sequence[Callable[[Document], bool]]) -> Accept:
    def accept(vector_id: str, stored: Mapping[str, Any] | None) -> bool:
        # Every function gets a document of its own: one that changes it changes no other's.
        return all(test(document_of(vector_id, plain_numbers(stored))) for test in tests)

    return accept


def _unwrapped(where: Mapping[str, Any]) -> Mapping[str, Any]:
    """The filter inside ``{"metadata": {...}}``, Mastra's other way to write a whole filter."""
    if set(where) == {"metadata"} and isinstance(where["metadata"], Mapping):
        return where["metadata"]
    return where


def _stored_filter(where: Mapping[str, Any]) -> dict[str, Any]:
    """A filter on metadata as a filter on what is stored; ``text`` means the text."""
    return {
        name if name.startswith("$") or name in OWN_KEYS else native_key(name): (
            _stored_operand(name, operand)
        )
        for name, operand in where.items()
    }


def _stored_operand(name: str, operand: Any) -> Any:
    if name in ("$and", "$or", "$nor"):
        return [_stored_filter(branch) for branch in operand]
    return _stored_filter(operand) if name == "$not" else operand


def _selects_all(where: Mapping[str, Any]) -> bool:
    return all(_is_vacuous(name, operand) for name, operand in where.items())


def _selects_none(where: Mapping[str, Any]) -> bool:
    return any(_is_impossible(name, operand) for name, operand in where.items())


def _is_vacuous(name: str, operand: Any) -> bool:
    """Whether no document fails a condition; an empty list of choices makes it so."""
    if name == "$and":
        return all(map(_selects_all, operand))
    if name == "$or":
        return any(map(_selects_all, operand))
    if name == "$nor":
        return all(map(_selects_none, operand))
    if name == "$not":
        return _selects_none(operand)
    return _has_operators(operand) and all(
        (operator == "$nin" and not argument)
        or (operator == "$not" and _is_impossible(name, argument))
        for operator, argument in operand.items()
    )


def _is_impossible(name: str, operand: Any) -> bool:
    """Whether every document fails a condition."""
    if name == "$and":
        return any(map(_selects_none, operand))
    if name == "$or":
        return all(map(_selects_none, operand))
    if name == "$nor":
        return any(map(_selects_all, operand))
    if name == "$not":
        return _selects_all(operand)
    return _has_operators(operand) and any(
        (operator == "$in" and not argument) or (operator == "$not" and _is_vacuous(name, argument))
        for operator, argument in operand.items()
    )


def _has_operators(operand: Any) -> bool:
    return isinstance(operand, Mapping) and any(str(key).startswith("$") for key in operand)


def _wrong(field: str, value: Any) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{field} must be a mapping in Mastra's filter grammar, a function of a document, or a "
        f"list of these; it is {kind_of(value)}.",
        field=field,
    )
