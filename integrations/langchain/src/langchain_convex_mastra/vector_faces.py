"""The methods of ``ConvexVectorStore``: its flows, one line for each face.

As ``convex_mastra.face`` binds operations; a flow here begins with the index instead of the target,
and may also ask for embeddings. Every async method awaits these and the backend, and none borrows
a thread. Called by ``vector_store``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from convex_mastra.face import show_signature
from convex_mastra.flow import Flow, Transport, arun, run
from convex_mastra.ops.index_kinds import VectorIndex
from langchain_convex_mastra import vector_search, vector_writes

P = ParamSpec("P")
R = TypeVar("R")


class Indexed:
    """Something whose methods are flows: an index, and what answers the requests."""

    _index: VectorIndex
    _transport: Transport


def blocking(
    flow: Callable[Concatenate[VectorIndex, P], Flow[R]],
) -> Callable[Concatenate[Indexed, P], R]:
    """Bind *flow* as a method that returns when it is done."""

    @wraps(flow)
    def method(self: Indexed, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return run(flow(self._index, *args, **kwargs), self._transport)

    show_signature(method, flow)
    return method


def nonblocking(
    flow: Callable[Concatenate[VectorIndex, P], Flow[R]],
) -> Callable[Concatenate[Indexed, P], Coroutine[Any, Any, R]]:
    """Bind *flow* as a coroutine method; its name gets LangChain's ``a``."""

    @wraps(flow)
    async def method(self: Indexed, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await arun(flow(self._index, *args, **kwargs), self._transport)

    show_signature(method, flow)
    method.__name__ = method.__qualname__ = f"a{flow.__name__}"
    return method


class DocumentMethods(Indexed):
    """All that a vector store does with documents; the docstrings are the flows' own."""

    add_texts = blocking(vector_writes.add_texts)
    aadd_texts = nonblocking(vector_writes.add_texts)
    add_documents = blocking(vector_writes.add_documents)
    aadd_documents = nonblocking(vector_writes.add_documents)
    get_by_ids = blocking(vector_writes.get_by_ids)
    aget_by_ids = nonblocking(vector_writes.get_by_ids)
    list_documents = blocking(vector_writes.list_documents)
    alist_documents = nonblocking(vector_writes.list_documents)
    delete = blocking(vector_writes.delete)
    adelete = nonblocking(vector_writes.delete)

    similarity_search = blocking(vector_search.similarity_search)
    asimilarity_search = nonblocking(vector_search.similarity_search)
    similarity_search_by_vector = blocking(vector_search.similarity_search_by_vector)
    asimilarity_search_by_vector = nonblocking(vector_search.similarity_search_by_vector)
    similarity_search_with_score = blocking(vector_search.similarity_search_with_score)
    asimilarity_search_with_score = nonblocking(vector_search.similarity_search_with_score)
    similarity_search_with_score_by_vector = blocking(
        vector_search.similarity_search_with_score_by_vector
    )
    asimilarity_search_with_score_by_vector = nonblocking(
        vector_search.similarity_search_with_score_by_vector
    )
    similarity_search_with_relevance_scores = blocking(
        vector_search.similarity_search_with_relevance_scores
    )
    asimilarity_search_with_relevance_scores = nonblocking(
        vector_search.similarity_search_with_relevance_scores
    )
    max_marginal_relevance_search = blocking(vector_search.max_marginal_relevance_search)
    amax_marginal_relevance_search = nonblocking(vector_search.max_marginal_relevance_search)
    max_marginal_relevance_search_by_vector = blocking(
        vector_search.max_marginal_relevance_search_by_vector
    )
    amax_marginal_relevance_search_by_vector = nonblocking(
        vector_search.max_marginal_relevance_search_by_vector
    )
