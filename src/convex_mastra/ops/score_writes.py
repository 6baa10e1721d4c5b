"""Saving scores: ``mastra_scorers``.

Behaves as ScoresConvex of @mastra/convex 1.5.2, and refuses first what the table would refuse: its
values are objects of Convex, and a column that may be without a value must be left out, not null.
Called by the faces of ``store.scores``; reading is in ``scores``.
"""

from __future__ import annotations

from typing import Any, Final

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow
from convex_mastra.ops.arguments import one_of, plain_object, required_text
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.target import Target
from convex_mastra.records import (
    SCORE_IDS,
    SCORE_SOURCES,
    SCORE_TEXTS,
    SCORE_VALUES,
    Row,
    Score,
    new_id,
)
from convex_mastra.timestamps import to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import SCORERS

_OBJECTS: Final = ("entity", "metadata", "additional_context", "request_context")


def save_score(target: Target, score: Score) -> Flow[Score]:
    """Save a score as a new one. One round trip.

    Returns:
        The score with a new id and the times of now, whatever *score* has: as Mastra does.

    Raises:
        InvalidArgumentError: an empty id, a score that is not finite, an unknown source, or a value
            that Convex cannot hold; names the field.
        LimitExceededError: it is larger than a Convex document (1 MiB), or nests too deep.
        FunctionError: the deployed schema is older than one of the columns that are set.
    """
    row = _checked_row(score)
    now = target.clock.now()
    saved = score.replace(id=new_id(), created_at=now, updated_at=now)
    row |= {"id": saved.id, "createdAt": to_text(now), "updatedAt": to_text(now)}
    check_document_size(measure(row, "score"), "score")
    yield from call_storage(target, "insert", SCORERS, record=row)
    return saved


def _checked_row(score: Score) -> Row:
    if not isinstance(score, Score):
        raise InvalidArgumentError(
            f"score must be a Score, not {type(score).__name__}.", field="score"
        )
    row: Row = {
        **score.extra,
        "scorerId": required_text(score.scorer_id, "score.scorer_id"),
        "runId": required_text(score.run_id, "score.run_id"),
        "score": _number(score.score, "score.score"),
        "source": one_of(score.source, SCORE_SOURCES, "score.source"),
        "scorer": _object(score.scorer, "score.scorer"),
        "input": _native(score.input, "score.input"),
        "output": _native(score.output, "score.output"),
    }
    # A column that may be without a value is left out then; the schema refuses null.
    for attribute, column in (SCORE_IDS | SCORE_TEXTS | SCORE_VALUES).items():
        value = getattr(score, attribute)
        if value is None:
            continue
        field = f"score.{attribute}"
        if attribute in SCORE_IDS:
            row[column] = required_text(value, field)
        elif attribute in SCORE_TEXTS:
            row[column] = _text(value, field)
        elif attribute in _OBJECTS:
            row[column] = _object(value, field)
        else:
            row[column] = _native(value, field)
    return row


def _number(value: Any, field: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidArgumentError(
            f"{field} must be a number, not {type(value).__name__}.", field=field
        )
    measure(value, field)
    return value


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidArgumentError(
            f"{field} must be a text, not {type(value).__name__}.", field=field
        )
    measure(value, field)
    return value


def _object(value: Any, field: str) -> Any:
    if value is None:
        raise InvalidArgumentError(f"{field} must be an object, not None.", field=field)
    return _native(plain_object(value, field), field)


def _native(value: Any, field: str) -> Any:
    """Return a value that Convex itself keeps; a column is one level of its document."""
    measure(value, field, depth=1)
    return value
