"""What a search found, as LangChain wants it.

Pure functions over the core's ``VectorMatch``. Called by ``vector_search``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from langchain_core.documents import Document

from convex_mastra import VectorMatch
from convex_mastra.scoring import Vector, most_marginally_relevant
from langchain_convex_mastra.documents import document_of

Scored = tuple[Document, float]


def relevance(similarity: float) -> float:
    """Return a relevance in [0, 1]: the cosine similarity, 0 where that is negative.

    A ``score_threshold`` therefore means what ``threshold`` means to Mastra's semantic recall.
    """
    return min(1.0, max(0.0, similarity))


def documents_of(scored: Sequence[Scored]) -> list[Document]:
    """Leave out the scores."""
    return [document for document, _ in scored]


def scored_documents(matches: Sequence[VectorMatch]) -> list[Scored]:
    """Return the documents found, with their cosine similarities."""
    return [(document_of(match.id, match.metadata), match.score) for match in matches]


def diverse_documents(
    matches: Sequence[VectorMatch], query: Vector, k: int, lambda_mult: float
) -> list[Document]:
    """Return *k* of the documents found, chosen to differ."""
    candidates = [
        (match, match.vector)
        for match in matches
        if match.vector is not None and len(match.vector) == len(query)
    ]
    rows = [vector for _, vector in candidates]
    chosen = most_marginally_relevant(
        query,
        np.array(rows, np.float64).reshape(len(rows), len(query)),
        k=k,
        lambda_mult=lambda_mult,
    )
    return [document_of(candidates[i][0].id, candidates[i][0].metadata) for i in chosen]
