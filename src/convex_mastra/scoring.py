"""Exact cosine similarity and the best k of a scan, in float64, ties by id.

Called by the vector operations, page by page, by the embedded backend's search to rank its
candidates, and by adapters to choose among what a search returned. Knows no requests.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
NOT_COMPARABLE: Final = -1.0
"""What Mastra scores a zero vector, or one of another length, with (dist/vector, cosineSimilarity)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A scored row; *payload* is the caller's."""

    score: float
    id: str
    payload: Any


def same_vector(one: Vector | None, other: Vector | None) -> bool:
    """Whether two vectors hold the same numbers, or neither is there."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


def cosine_scores(matrix: Vector, query: Vector) -> Vector:
    """Cosine similarities of the rows of *matrix*, shape (n, d), with *query*, shape (d,).

    Returns:
        Shape (n,), in [-1, 1] up to rounding; -1 where either is all zeros; NaN where a length
        is beyond float64.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
        length = np.sqrt(query @ query)
        scores = (matrix @ query) / (lengths * length)
    return np.where((lengths == 0) | (length == 0), NOT_COMPARABLE, scores)


def score_rows(embeddings: Sequence[Sequence[float] | Vector], query: Vector) -> Vector:
    """Cosine similarities of stored vectors, some of which may have another length, with *query*.

    Returns:
        Shape (len(embeddings),); -1 where the lengths differ.
    """
    scores = np.full(len(embeddings), NOT_COMPARABLE)
    fitting = [i for i, embedding in enumerate(embeddings) if len(embedding) == len(query)]
    if fitting:
        matrix = np.array([embeddings[i] for i in fitting], dtype=np.float64)
        scores[fitting] = cosine_scores(matrix, query)
    return scores


def most_marginally_relevant(
    query: Vector, matrix: Vector, *, k: int, lambda_mult: float
) -> list[int]:
    """Choose rows that are near to the query and not near to each other (cosine).

    The first is the most relevant; each further one maximises ``lambda_mult * relevance -
    (1 - lambda_mult) * (its highest similarity to a row chosen before)``. Source: Carbonell and
    Goldstein, SIGIR 1998.

    Args:
        query: shape (d,).
        matrix: shape (n, d).
        k: how many at most.
        lambda_mult: 1 for relevance alone, 0 for diversity alone.

    Returns:
        Positions of rows, in the order in which they were chosen.
    """
    relevance = cosine_scores(matrix, query)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    units = matrix / np.where(lengths > 0, lengths, 1.0)
    redundancy = np.full(len(matrix), -np.inf)
    gain = relevance
    chosen: list[int] = []
    for _ in range(min(k, len(matrix))):
        best = int(np.argmax(gain))
        chosen.append(best)
        redundancy = np.maximum(redundancy, units @ units[best])
        gain = lambda_mult * relevance - (1 - lambda_mult) * redundancy
        gain[chosen] = -np.inf
    return chosen


class TopK:
    """The *k* best of all rows shown to it: highest score first, equal scores by id.

    A row whose score is not finite is not among them, as in Mastra's own client.
    """

    def __init__(self, k: int, min_score: float | None = None) -> None:
        self._k = k
        self._min_score = -sys.float_info.max if min_score is None else min_score
        self._best: list[Candidate] = []

    def add(self, ids: Sequence[str], scores: Vector, payloads: Sequence[Any]) -> None:
        """Show it rows; the three arguments are parallel."""
        scores = np.where(np.isfinite(scores), scores, -np.inf)
        for position in self._worth_a_look(scores):
            candidate = Candidate(float(scores[position]), ids[position], payloads[position])
            if candidate.score >= self._min_score:
                self._best.append(candidate)
        self._best.sort(key=lambda candidate: (-candidate.score, candidate.id))
        del self._best[self._k :]

    def result(self) -> list[Candidate]:
        """The best rows so far, best first."""
        return list(self._best)

    def _worth_a_look(self, scores: Vector) -> Sequence[int]:
        if len(scores) > self._k:
            kth = np.partition(scores, len(scores) - self._k)[len(scores) - self._k]
            return [int(position) for position in np.flatnonzero(scores >= kth)]
        return range(len(scores))
