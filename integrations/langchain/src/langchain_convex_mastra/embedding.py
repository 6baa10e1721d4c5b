"""Embedding as one more thing that a flow asks for.

A flow that needs a vector sends ``EmbedTexts`` or ``EmbedQuery``; ``EmbeddingBackend`` answers these
with the embedding's method of the face that drives the flow, and hands everything else on to the
backend. So searches are written once. Called by the vector store's flows and by its faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from langchain_core.embeddings import Embeddings

from convex_mastra import Backend, InvalidArgumentError
from convex_mastra.flow import Flow, Send
from convex_mastra.ops.arguments import kind_of
from convex_mastra.ops.vector_arguments import as_matrix, as_query
from convex_mastra.scoring import Vector


@dataclass(frozen=True, slots=True)
class EmbedTexts:
    """Ask for the vectors of texts to be stored."""

    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class EmbedQuery:
    """Ask for the vector of a text to be searched for."""

    text: str


class EmbeddingBackend:
    """A backend that also embeds."""

    def __init__(self, backend: Backend, embedding: Embeddings) -> None:
        self._backend = backend
        self._embedding = embedding

    @property
    def max_in_flight(self) -> int:
        """How many requests go side by side."""
        return self._backend.max_in_flight

    def send(self, request: Any, /) -> Any:
        """Answer *request*, blocking."""
        match request:
            case EmbedTexts(texts):
                return self._embedding.embed_documents(list(texts))
            case EmbedQuery(text):
                return self._embedding.embed_query(text)
        return self._backend.send(request)

    async def asend(self, request: Any, /) -> Any:
        """Answer *request* without blocking the running loop, as far as the embedding does not."""
        match request:
            case EmbedTexts(texts):
                return await self._embedding.aembed_documents(list(texts))
            case EmbedQuery(text):
                return await self._embedding.aembed_query(text)
        return await self._backend.asend(request)

    def executor(self) -> Executor:
        """The threads of the backend."""
        return self._backend.executor()


def embed_texts(texts: Sequence[str]) -> Flow[Vector]:
    """Return the vectors of *texts*, shape (n, dimension).

    Raises:
        InvalidArgumentError: the embedding returned something else.
    """
    matrix = as_matrix((yield Send(EmbedTexts(texts))), "embeddings")
    if len(matrix) != len(texts):
        raise InvalidArgumentError(
            f"The embedding returned {len(matrix)} vectors for {len(texts)} texts.",
            field="embeddings",
        )
    return matrix


def embed_query(text: str) -> Flow[Vector]:
    """Return the vector of *text*, shape (dimension,).

    Raises:
        InvalidArgumentError: it is no text, or the embedding returned something else.
    """
    if not isinstance(text, str):
        raise InvalidArgumentError(f"query must be a text; it is {kind_of(text)}.", field="query")
    return as_query((yield Send(EmbedQuery(text))), None, "", "embedding")
