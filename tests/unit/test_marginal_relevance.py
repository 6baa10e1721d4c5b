"""Maximal marginal relevance: the choice itself, against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from convex_mastra.scoring import most_marginally_relevant

NEAR, TWIN, OTHER = [1.0, 0.0], [2.0, 0.01], [0.7, 0.7]
QUERY = np.array([1.0, 0.02])
ROWS = np.array([NEAR, TWIN, OTHER, [0.0, 0.0]])


@pytest.mark.parametrize(
    ("lambda_mult", "k", "chosen"),
    [(1.0, 2, [1, 0]), (0.5, 2, [1, 2]), (0.0, 2, [1, 3]), (0.5, 0, []), (1.0, 9, [1, 0, 2, 3])],
)
def test_relevance_against_diversity(lambda_mult: float, k: int, chosen: list[int]) -> None:
    assert most_marginally_relevant(QUERY, ROWS, k=k, lambda_mult=lambda_mult) == chosen


def test_of_nothing_nothing_is_chosen() -> None:
    assert most_marginally_relevant(QUERY, np.empty((0, 2)), k=3, lambda_mult=0.5) == []
