"""``store.scores``: what scorers said about runs, one line an operation and face.

The docstrings are those of ``convex_mastra.ops``.
"""

from __future__ import annotations

from convex_mastra.face import Face, blocking, nonblocking
from convex_mastra.ops import score_writes, scores


class Scores(Face):
    """Scores, blocking. Source: ScoresConvex of @mastra/convex 1.5.2."""

    save_score = blocking(score_writes.save_score)
    get_score_by_id = blocking(scores.get_score_by_id)
    list_scores_by_scorer_id = blocking(scores.list_scores_by_scorer_id)
    list_scores_by_run_id = blocking(scores.list_scores_by_run_id)
    list_scores_by_entity_id = blocking(scores.list_scores_by_entity_id)
    list_scores_by_span = blocking(scores.list_scores_by_span)
    dangerously_clear_all = blocking(scores.dangerously_clear_all)


class AsyncScores(Face):
    """Scores, async. Source: ScoresConvex of @mastra/convex 1.5.2."""

    save_score = nonblocking(score_writes.save_score)
    get_score_by_id = nonblocking(scores.get_score_by_id)
    list_scores_by_scorer_id = nonblocking(scores.list_scores_by_scorer_id)
    list_scores_by_run_id = nonblocking(scores.list_scores_by_run_id)
    list_scores_by_entity_id = nonblocking(scores.list_scores_by_entity_id)
    list_scores_by_span = nonblocking(scores.list_scores_by_span)
    dangerously_clear_all = nonblocking(scores.dangerously_clear_all)
