"""Reading scores: ``mastra_scorers``.

Behaves as ScoresConvex of @mastra/convex 1.5.2, and says so where it does better: a list reads the
scores of one scorer, run or entity by an index of the deployment, where Mastra's client reads the
whole table; and scores are found by their span. Called by the faces of ``store.scores``; saving is
in ``score_writes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from convex_mastra import limits
from convex_mastra.errors import MASTRA_CODE
from convex_mastra.flow import Flow
from convex_mastra.ops import paging
from convex_mastra.ops.arguments import one_of, required_text
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.storage import (
    load,
    query_rows,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import (
    SCORE_IDS,
    SCORE_SOURCES,
    PerPage,
    Score,
    ScorePage,
    ScoreSource,
    score_from_row,
)
from convex_mastra.wire import SCORERS

_INVALID_PAGINATION: Final = f"{MASTRA_CODE}LIST_SCORES_INVALID_PAGINATION"


def get_score_by_id(target: Target, score_id: str) -> Flow[Score | None]:
    """Return a score, or None if there is none. One round trip."""
    row = yield from load(target, SCORERS, required_text(score_id, "score_id"))
    return None if row is None else score_from_row(row)


def list_scores_by_scorer_id(
    target: Target,
    scorer_id: str,
    *,
    entity_id: str | None = None,
    entity_type: str | None = None,
    source: ScoreSource | None = None,
    organization_id: str | None = None,
    project_id: str | None = None,
    page: int = 0,
    per_page: PerPage = limits.SCORES_PER_PAGE,
) -> Flow[ScorePage]:
    """Return one page of what a scorer said, newest first.

    Args:
        scorer_id: which scorer. An empty text is refused, here and in every filter: Mastra's own
            client takes it for none given, and would return everybody's scores.
        entity_id, entity_type, source, organization_id, project_id: only scores that have these;
            None for all.
        page: counted from 0; of no meaning when all are returned.
        per_page: scores a page, 100 by default; False for all of them.

    Raises:
        InvalidArgumentError: a filter that cannot be, or a page that Mastra refuses.
        ScanLimitError: there are more scores than the deployment reads in one call.

    Cost: one round trip, which reads all scores of the scorer, or of the entity. With a filter, the
    first call of a backend makes one more, to ask how old the handler is.
    """
    filters = {"scorerId": required_text(scorer_id, "scorer_id")}
    also = _equal(entity_id=entity_id, entity_type=entity_type)
    also |= _equal(organization_id=organization_id, project_id=project_id)
    if source is not None:
        also["source"] = one_of(source, SCORE_SOURCES, "source")
    return (yield from _list_scores(target, filters, also, page, per_page))


def list_scores_by_run_id(
    target: Target,
    run_id: str,
    *,
    organization_id: str | None = None,
    project_id: str | None = None,
    page: int = 0,
    per_page: PerPage = limits.SCORES_PER_PAGE,
) -> Flow[ScorePage]:
    """Return one page of the scores of a run, newest first.

    Arguments, errors and round trips as of ``list_scores_by_scorer_id``: all scores of the run are
    read.
    """
    filters = {"runId": required_text(run_id, "run_id")}
    also = _equal(organization_id=organization_id, project_id=project_id)
    return (yield from _list_scores(target, filters, also, page, per_page))


def list_scores_by_entity_id(
    target: Target,
    entity_id: str,
    entity_type: str,
    *,
    organization_id: str | None = None,
    project_id: str | None = None,
    page: int = 0,
    per_page: PerPage = limits.SCORES_PER_PAGE,
) -> Flow[ScorePage]:
    """Return one page of the scores of an agent or workflow, newest first.

    Arguments, errors and round trips as of ``list_scores_by_scorer_id``: all scores of the entity
    are read.
    """
    filters = {
        "entityId": required_text(entity_id, "entity_id"),
        "entityType": required_text(entity_type, "entity_type"),
    }
    also = _equal(organization_id=organization_id, project_id=project_id)
    return (yield from _list_scores(target, filters, also, page, per_page))


def list_scores_by_span(
    target: Target,
    trace_id: str,
    span_id: str,
    *,
    organization_id: str | None = None,
    project_id: str | None = None,
    page: int = 0,
    per_page: PerPage = limits.SCORES_PER_PAGE,
) -> Flow[ScorePage]:
    """Return one page of the scores of a span, newest first; Mastra's own client cannot.

    Arguments, errors and round trips as of ``list_scores_by_scorer_id`` with a filter: no index
    leads to a span, so the deployment reads the whole table for it.
    """
    also = {
        "traceId": required_text(trace_id, "trace_id"),
        "spanId": required_text(span_id, "span_id"),
        **_equal(organization_id=organization_id, project_id=project_id),
    }
    return (yield from _list_scores(target, {}, also, page, per_page))


def dangerously_clear_all(target: Target) -> Flow[None]:
    """Delete all scores of the deployment. One round trip for every 25."""
    yield from clear_table(target, SCORERS)


def _list_scores(
    target: Target,
    filters: Mapping[str, str],
    also: Mapping[str, str],
    page: int,
    per_page: PerPage,
) -> Flow[ScorePage]:
    paging.check_message_page(page, per_page, code=_INVALID_PAGINATION)
    rows = yield from query_rows(target, SCORERS, filters, also=also)
    # Mastra sorts a table in order of creation, so that is the order of equal times; an index has
    # another one where its columns are not all given.
    rows.sort(key=lambda row: row.get("_creationTime", 0.0))
    scores = [score_from_row(row) for row in rows]
    scores.sort(key=lambda score: score.created_at, reverse=True)
    return ScorePage(
        scores=paging.cut_page(scores, page, per_page),
        total=len(scores),
        page=page,
        per_page=per_page,
        has_more=paging.more_after(len(scores), page, per_page),
    )


def _equal(**values: str | None) -> dict[str, str]:
    """The filters on the ids that are given."""
    return {
        SCORE_IDS[name]: required_text(value, name)
        for name, value in values.items()
        if value is not None
    }
