"""Maximal marginal relevance chooses what LangChain's own loop chooses."""

from __future__ import annotations

import numpy as np
import pytest
from langchain_core.vectorstores.utils import maximal_marginal_relevance

from convex_mastra.scoring import most_marginally_relevant


@pytest.mark.parametrize("lambda_mult", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_same_as_langchain(count: int, lambda_mult: float) -> None:
    random = np.random.default_rng(count)
    rows = random.normal(size=(count, 5))
    query = random.normal(size=5)
    for k in (1, 4, count, count + 3):
        expected = maximal_marginal_relevance(query, rows.tolist(), lambda_mult, k)
        assert most_marginally_relevant(query, rows, k=k, lambda_mult=lambda_mult) == expected
