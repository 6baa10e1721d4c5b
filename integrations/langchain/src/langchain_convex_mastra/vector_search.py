"""The searches of ``ConvexVectorStore``, as flows that know no waiting.

Similarity, relevance and maximal marginal relevance, by text and by vector. Each is written once
and bound for both faces by ``vector_faces``; signatures and docstrings are the methods' own. What
is made of the matches is in ``results``.
"""

# ruff: noqa: A002 - ``filter`` is what every LangChain vector store calls it
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from langchain_core.documents import Document

from convex_mastra import InvalidArgumentError
from convex_mastra.flow import Flow
from convex_mastra.ops.index_kinds import VectorIndex
from convex_mastra.ops.vector_arguments import as_query
from langchain_convex_mastra.embedding import embed_query
from langchain_convex_mastra.filters import Filter, selection_of
from langchain_convex_mastra.keywords import refuse
from langchain_convex_mastra.results import (
    Scored,
    diverse_documents,
    documents_of,
    relevance,
    scored_documents,
)


def similarity_search(
    index: VectorIndex, /, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
) -> Flow[list[Document]]:
    """Return the *k* documents nearest to *query*, best first; all of fewer that match.

    Args:
        filter: a mapping in Mastra's grammar, a function of a document, or a list of these, all of
            which must hold.

    Raises:
        InvalidArgumentError: *k* or *filter* cannot be, or the embedding does not fit the index.
        ScanLimitError: on a native index, *filter* passes fewer than *k* of the 256 nearest
            documents that the index could select, and there may be more.
        TypeError: an argument that no search has; a misspelt filter must not return everything.

    Cost: on a scanned index one round trip's wait where the deployment has this project's
    functions; a stock deployment sends every vector, 4 MiB a round trip. On a native index two
    round trips, up to eight with a filter that the index cannot take.
    """
    return documents_of(
        (yield from similarity_search_with_score(index, query, k, filter, **kwargs))
    )


def similarity_search_by_vector(
    index: VectorIndex,
    /,
    embedding: list[float],
    k: int = 4,
    filter: Filter | None = None,
    **kwargs: Any,
) -> Flow[list[Document]]:
    """Return the *k* documents nearest to *embedding*; as ``similarity_search``."""
    return documents_of(
        (yield from similarity_search_with_score_by_vector(index, embedding, k, filter, **kwargs))
    )


def similarity_search_with_score(
    index: VectorIndex, /, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
) -> Flow[list[Scored]]:
    """Return the *k* documents nearest to *query*, each with its cosine similarity, in [-1, 1].

    Otherwise as ``similarity_search``.
    """
    _check(index, kwargs, k=k)
    selection = selection_of(filter)
    vector = yield from embed_query(query)
    return scored_documents((yield from index.search(vector, k, selection)))


def similarity_search_with_score_by_vector(
    index: VectorIndex,
    /,
    embedding: list[float],
    k: int = 4,
    filter: Filter | None = None,
    **kwargs: Any,
) -> Flow[list[Scored]]:
    """Return the *k* documents nearest to *embedding*, each with its cosine similarity.

    Otherwise as ``similarity_search``.
    """
    _check(index, kwargs, k=k)
    vector = as_query(embedding, None, "", "embedding")
    return scored_documents((yield from index.search(vector, k, selection_of(filter))))


def similarity_search_with_relevance_scores(
    index: VectorIndex,
    /,
    query: str,
    k: int = 4,
    *,
    score_threshold: float | None = None,
    filter: Filter | None = None,
    **kwargs: Any,
) -> Flow[list[Scored]]:
    """Return the *k* documents nearest to *query*, each with its relevance, in [0, 1].

    Relevance is the cosine similarity, 0 where that is negative.

    Args:
        score_threshold: leave out documents of less relevance.

    Otherwise as ``similarity_search``.
    """
    _check(index, kwargs, k=k)
    selection = selection_of(filter)
    min_score = None
    if score_threshold is not None and _number(score_threshold, "score_threshold") > 0:
        min_score = float(score_threshold)
    vector = yield from embed_query(query)
    found = yield from index.search(vector, k, selection, min_score=min_score)
    return [(document, relevance(score)) for document, score in scored_documents(found)]


def max_marginal_relevance_search(
    index: VectorIndex,
    /,
    query: str,
    k: int = 4,
    fetch_k: int = 20,
    lambda_mult: float = 0.5,
    filter: Filter | None = None,
    **kwargs: Any,
) -> Flow[list[Document]]:
    """Return *k* of the *fetch_k* documents nearest to *query*, chosen to differ.

    Args:
        fetch_k: how many to choose from; at least *k* are.
        lambda_mult: 1 for relevance alone, 0 for diversity alone.

    Otherwise as ``similarity_search``, for *fetch_k* documents.
    """
    _check(index, kwargs, k=k, fetch_k=fetch_k, lambda_mult=lambda_mult)
    selection_of(filter)
    vector = yield from embed_query(query)
    return (
        yield from max_marginal_relevance_search_by_vector(
            index, vector.tolist(), k, fetch_k, lambda_mult, filter
        )
    )


def max_marginal_relevance_search_by_vector(
    index: VectorIndex,
    /,
    embedding: list[float],
    k: int = 4,
    fetch_k: int = 20,
    lambda_mult: float = 0.5,
    filter: Filter | None = None,
    **kwargs: Any,
) -> Flow[list[Document]]:
    """Return *k* of the *fetch_k* documents nearest to *embedding*, chosen to differ.

    Otherwise as ``max_marginal_relevance_search``.
    """
    _check(index, kwargs, k=k, fetch_k=fetch_k, lambda_mult=lambda_mult)
    vector = as_query(embedding, None, "", "embedding")
    matches = yield from index.search(
        vector, max(k, fetch_k), selection_of(filter), include_vector=True
    )
    return diverse_documents(matches, vector, k, lambda_mult)


def _check(
    index: VectorIndex, unknown: Mapping[str, Any], *, lambda_mult: float = 0.0, **counts: int
) -> None:
    """Refuse what a search cannot do, before anything is embedded."""
    refuse(unknown)
    most = index.most_results
    for field, count in counts.items():
        if type(count) is not int or count < 1 or (most is not None and count > most):
            wanted = "of at least 1" if most is None else f"from 1 to {most}"
            raise InvalidArgumentError(
                f"{field} must be an integer {wanted}, not {count!r:.40}.", field=field
            )
    if not 0 <= _number(lambda_mult, "lambda_mult") <= 1:
        raise InvalidArgumentError(
            f"lambda_mult must be from 0 to 1, not {lambda_mult!r:.40}.", field="lambda_mult"
        )


def _number(value: Any, field: str) -> float:
    try:
        if not isinstance(value, bool | str) and math.isfinite(value):
            return float(value)
    except (TypeError, OverflowError):
        pass
    raise InvalidArgumentError(f"{field} must be a finite number, not {value!r:.40}.", field=field)
