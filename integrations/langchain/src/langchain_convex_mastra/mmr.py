"""Maximal marginal relevance: near to the query, and not near to each other.

Pure NumPy on what a search returned. Called by ``vector_store``.

Source: Carbonell and Goldstein 1998, in the form of LangChain's own
``maximal_marginal_relevance`` (langchain_core.vectorstores.utils), whose choices it makes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def most_marginally_relevant(
    query: Sequence[float], candidates: Sequence[Array], *, k: int, lambda_mult: float
) -> list[int]:
    """Return the positions of at most *k* candidates, in the order they are chosen.

    Args:
        query: shape (d,).
        candidates: n of shape (d,).
        lambda_mult: 1 for relevance alone, 0 for diversity alone.
    """
    if not candidates:
        return []
    rows = _normalised(np.asarray(candidates, dtype=np.float64))
    relevance = rows @ _normalised(np.asarray(query, dtype=np.float64)[np.newaxis])[0]
    redundancy = np.full(len(rows), -np.inf)
    # LangChain's rule: the first one is the most relevant, whatever lambda_mult is.
    gain = relevance
    chosen: list[int] = []
    for _ in range(min(k, len(rows))):
        best = int(np.argmax(gain))
        chosen.append(best)
        redundancy = np.maximum(redundancy, rows @ rows[best])
        gain = lambda_mult * relevance - (1 - lambda_mult) * redundancy
        gain[chosen] = -np.inf
    return chosen


def _normalised(rows: Array) -> Array:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
