"""The typed records of scores, and how a score is read from its row.

A row of ``mastra_scorers`` is what one scorer said about one run. Its columns are texts and
objects of Convex, none of them JSON text; a column without a value is missing, never null. Called
by the operations; sends nothing.

Source: @mastra/core 1.71 TABLE_SCHEMAS and evals/types (ScoreRowData), @mastra/convex 1.5.2
``ScoresConvex``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args

from msgspec import field

from convex_mastra.records import columns
from convex_mastra.records.columns import SYSTEM_COLUMNS, Row
from convex_mastra.records.memory import PerPage
from convex_mastra.records.record import Record, new_id, now
from convex_mastra.values import plain_numbers

ScoreSource = Literal["LIVE", "TEST"]
SCORE_SOURCES: Final = get_args(ScoreSource)

SCORE_IDS: Final = {
    "entity_id": "entityId",
    "entity_type": "entityType",
    "trace_id": "traceId",
    "span_id": "spanId",
    "resource_id": "resourceId",
    "thread_id": "threadId",
    "organization_id": "organizationId",
    "project_id": "projectId",
    "batch_id": "batchId",
    "dataset_id": "datasetId",
    "dataset_item_id": "datasetItemId",
}
"""The columns of the ids a score may have, by attribute."""
SCORE_TEXTS: Final = {
    "reason": "reason",
    "preprocess_prompt": "preprocessPrompt",
    "extract_prompt": "extractPrompt",
    "analyze_prompt": "analyzePrompt",
    "generate_score_prompt": "generateScorePrompt",
    "generate_reason_prompt": "generateReasonPrompt",
    "reason_prompt": "reasonPrompt",
}
"""The columns of its other texts, by attribute."""
SCORE_VALUES: Final = {
    "entity": "entity",
    "metadata": "metadata",
    "additional_context": "additionalContext",
    "request_context": "requestContext",
    "preprocess_step_result": "preprocessStepResult",
    "extract_step_result": "extractStepResult",
    "analyze_step_result": "analyzeStepResult",
}
"""The columns of the objects it may have, by attribute."""
SCORE_COLUMNS: Final = SYSTEM_COLUMNS.union(
    SCORE_IDS.values(),
    SCORE_TEXTS.values(),
    SCORE_VALUES.values(),
    ("id", "scorerId", "runId", "scorer", "score", "input", "output", "source"),
    ("createdAt", "updatedAt"),
)


class Score(Record, frozen=True, kw_only=True):
    """What one scorer said about one run.

    Values and objects are kept by Convex itself: JSON whose keys are printable ASCII without a
    leading ``$``, at most 15 levels deep; their keys come back sorted.

    Attributes:
        id, created_at, updated_at: saving gives new ones.
        scorer_id, scorer: which scorer, and its description.
        run_id: the run that was scored.
        score: a finite number, usually 0 to 1.
        reason: the scorer's own words.
        input, output: what was scored; any JSON, None included.
        source: ``LIVE`` from traffic, ``TEST`` from an experiment.
        entity_id, entity_type, entity: the agent or workflow that ran, e.g. of type ``AGENT``.
        trace_id, span_id: the span that was scored.
        preprocess_step_result, extract_step_result, analyze_step_result: what the scorer's steps
            returned; the prompts they used are beside them.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=new_id)
    scorer_id: str
    run_id: str
    scorer: Mapping[str, Any]
    score: float
    input: Any
    output: Any
    source: ScoreSource
    reason: str | None = None
    entity_id: str | None = None
    entity_type: str | None = None
    entity: Mapping[str, Any] | None = None
    trace_id: str | None = None
    span_id: str | None = None
    resource_id: str | None = None
    thread_id: str | None = None
    organization_id: str | None = None
    project_id: str | None = None
    batch_id: str | None = None
    dataset_id: str | None = None
    dataset_item_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    additional_context: Mapping[str, Any] | None = None
    request_context: Mapping[str, Any] | None = None
    preprocess_step_result: Any = None
    preprocess_prompt: str | None = None
    extract_step_result: Any = None
    extract_prompt: str | None = None
    analyze_step_result: Any = None
    analyze_prompt: str | None = None
    generate_score_prompt: str | None = None
    generate_reason_prompt: str | None = None
    reason_prompt: str | None = None
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    extra: Mapping[str, Any] = field(default_factory=dict)


class ScorePage(Record, frozen=True, kw_only=True):
    """One page of scores. *total* counts all that match; *per_page* is False for all of them."""

    scores: list[Score]
    total: int
    page: int
    per_page: PerPage
    has_more: bool


def score_from_row(row: Row) -> Score:
    """Read a row of ``mastra_scorers``."""
    texts = SCORE_IDS | SCORE_TEXTS
    return Score(
        id=columns.text(row, "id"),
        scorer_id=columns.text(row, "scorerId"),
        run_id=columns.text(row, "runId"),
        scorer=plain_numbers(row.get("scorer")),
        score=columns.number(row, "score"),
        input=plain_numbers(row.get("input")),
        output=plain_numbers(row.get("output")),
        source=columns.text(row, "source"),  # type: ignore[arg-type]  # the schema takes any text
        created_at=columns.moment(row, "createdAt"),
        updated_at=columns.moment(row, "updatedAt"),
        extra=columns.unknown(row, SCORE_COLUMNS),
        **{attribute: row.get(column) for attribute, column in texts.items()},
        **{name: plain_numbers(row.get(column)) for name, column in SCORE_VALUES.items()},
    )
