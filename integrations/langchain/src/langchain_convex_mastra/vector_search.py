"""The searching half of ``ConvexVectorStore``.

Similarity, relevance scores and maximal marginal relevance, by text and by vector, each blocking
and async. Writing is in ``vector_store``, what is made of the matches in ``results``.
"""

# ruff: noqa: A002 - ``filter`` is what every LangChain vector store calls it
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from convex_mastra import AsyncConvexVector, Backend, ConvexVector, Options
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.documents import native_filter
from langchain_convex_mastra.results import (
    Scored,
    diverse_documents,
    documents_of,
    relevance,
    scored_documents,
)

Filter = Mapping[str, Any]


class VectorSearch(VectorStore):
    """An index, its embedding, and all searches; arguments as of ``ConvexVectorStore``.

    Searches take ``filter=``, a mapping in Mastra's grammar, and raise InvalidArgumentError for an
    unknown operator, or an embedding that does not fit the index. An argument that no search has
    is a TypeError: a misspelt filter must not return everything.
    """

    def __init__(
        self,
        embedding: Embeddings,
        *,
        index_name: str,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        self.index_name = index_name
        self._embedding = embedding
        self._owns_backend = backend is None
        self._vectors = ConvexVector(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )
        self._avectors = AsyncConvexVector(
            storage_function=storage_function, backend=self._vectors.backend
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(index_name={self.index_name!r}, backend={self.backend!r})"

    @property
    def backend(self) -> Backend:
        """The backend, to be shared with other stores."""
        return self._vectors.backend

    @property
    def embeddings(self) -> Embeddings:
        """The embedding."""
        return self._embedding

    def similarity_search(
        self,
        query: str,
        k: int = 4,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Return the *k* documents nearest to *query*, best first."""
        return documents_of(self.similarity_search_with_score(query, k, filter, **kwargs))

    async def asimilarity_search(
        self,
        query: str,
        k: int = 4,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Do what ``similarity_search`` does, without blocking the running loop."""
        return documents_of(await self.asimilarity_search_with_score(query, k, filter, **kwargs))

    def similarity_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Return the *k* documents nearest to *embedding*, best first."""
        return documents_of(
            self.similarity_search_with_score_by_vector(embedding, k, filter, **kwargs)
        )

    async def asimilarity_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Do what ``similarity_search_by_vector`` does, without blocking the running loop."""
        return documents_of(
            await self.asimilarity_search_with_score_by_vector(embedding, k, filter, **kwargs)
        )

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Scored]:
        """Return the *k* documents nearest to *query* with their cosine similarities, in [-1, 1]."""
        vector = self._embedding.embed_query(query)
        return self.similarity_search_with_score_by_vector(vector, k, filter, **kwargs)

    async def asimilarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Scored]:
        """Do what ``similarity_search_with_score`` does, without blocking the running loop."""
        vector = await self._embedding.aembed_query(query)
        return await self.asimilarity_search_with_score_by_vector(vector, k, filter, **kwargs)

    def similarity_search_with_score_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Scored]:
        """Return the *k* documents nearest to *embedding* with their cosine similarities.

        Cost: one round trip's wait where the deployment has this project's functions; a stock
        deployment sends every vector of the index, 4 MiB a round trip.
        """
        refuse(kwargs)
        where = native_filter(filter)
        return scored_documents(
            self._vectors.query(self.index_name, embedding, top_k=k, filter=where)
        )

    async def asimilarity_search_with_score_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Scored]:
        """Do what ``similarity_search_with_score_by_vector`` does, without blocking the loop."""
        refuse(kwargs)
        where = native_filter(filter)
        return scored_documents(
            await self._avectors.query(self.index_name, embedding, top_k=k, filter=where)
        )

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Return *k* of the *fetch_k* documents nearest to *query*, chosen to differ.

        Args:
            lambda_mult: 1 for relevance alone, 0 for diversity alone.
        """
        vector = self._embedding.embed_query(query)
        return self.max_marginal_relevance_search_by_vector(
            vector, k, fetch_k, lambda_mult, filter, **kwargs
        )

    async def amax_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Do what ``max_marginal_relevance_search`` does, without blocking the running loop."""
        vector = await self._embedding.aembed_query(query)
        return await self.amax_marginal_relevance_search_by_vector(
            vector, k, fetch_k, lambda_mult, filter, **kwargs
        )

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Return *k* of the *fetch_k* documents nearest to *embedding*, chosen to differ."""
        refuse(kwargs)
        matches = self._vectors.query(
            self.index_name,
            embedding,
            top_k=max(k, fetch_k),
            filter=native_filter(filter),
            include_vector=True,
        )
        return diverse_documents(matches, embedding, k, lambda_mult)

    async def amax_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Do what ``max_marginal_relevance_search_by_vector`` does, without blocking the loop."""
        refuse(kwargs)
        matches = await self._avectors.query(
            self.index_name,
            embedding,
            top_k=max(k, fetch_k),
            filter=native_filter(filter),
            include_vector=True,
        )
        return diverse_documents(matches, embedding, k, lambda_mult)

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return relevance


def refuse(kwargs: Mapping[str, Any]) -> None:
    """Refuse arguments that nothing here understands."""
    if kwargs:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(kwargs))}")
