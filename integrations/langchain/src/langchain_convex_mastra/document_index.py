"""``ConvexDocumentIndex``: LangChain's document index over a ``ConvexVectorStore``.

The same documents under LangChain's other interface: writing and deleting say what was done, and
the object is a retriever itself. LangChain calls the interface beta. What it does is the store's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.indexing import DeleteResponse, UpsertResponse
from langchain_core.indexing.base import DocumentIndex
from pydantic import Field

from convex_mastra import InvalidArgumentError
from langchain_convex_mastra.keywords import refuse
from langchain_convex_mastra.vector_store import ConvexVectorStore


class ConvexDocumentIndex(DocumentIndex):
    """Documents in a Mastra vector index, as LangChain's ``DocumentIndex``.

    A retriever that is also written to: ``index.invoke("…")`` searches, and ``invoke("…", k=10)``
    with other arguments of the search. LangChain's ``index()`` writes to it.

    Attributes:
        vector_store: where the documents are; closing is its own.
        k: how many documents are retrieved at most.
        search_type: ``similarity``, ``similarity_score_threshold`` or ``mmr``.
        search_kwargs: further arguments of that search: ``filter``, ``score_threshold``,
            ``fetch_k``, ``lambda_mult``.
    """

    vector_store: ConvexVectorStore
    k: int = 4
    search_type: Literal["similarity", "similarity_score_threshold", "mmr"] = "similarity"
    search_kwargs: dict[str, Any] = Field(default_factory=dict)

    def upsert(
        self, items: Sequence[Document], /, *, batch_size: int | None = None, **kwargs: Any
    ) -> UpsertResponse:
        """Store documents; one whose id exists replaces it. Those without an id get one.

        Args:
            batch_size: of no effect; batches are cut by their size in bytes.

        Returns:
            All ids, in the order of *items*, as ``succeeded``: what fails is raised.

        Raises, and costs, what ``ConvexVectorStore.add_documents`` does.
        """
        refuse(kwargs)
        ids = self.vector_store.add_documents(items, batch_size=batch_size)
        return UpsertResponse(succeeded=ids, failed=[])

    async def aupsert(
        self, items: Sequence[Document], /, *, batch_size: int | None = None, **kwargs: Any
    ) -> UpsertResponse:
        """Do what ``upsert`` does, without blocking the running loop."""
        refuse(kwargs)
        ids = await self.vector_store.aadd_documents(items, batch_size=batch_size)
        return UpsertResponse(succeeded=ids, failed=[])

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Delete documents by id; those that do not exist are skipped.

        Returns:
            The ids that existed, as ``succeeded``.

        Raises:
            InvalidArgumentError: *ids* is None, or holds something that is no id.

        Cost: that of reading them, and of deleting them.
        """
        refuse(kwargs)
        existing = _ids(self.vector_store.get_by_ids(_required(ids)))
        self.vector_store.delete(existing)
        return _deleted(existing)

    async def adelete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Do what ``delete`` does, without blocking the running loop."""
        refuse(kwargs)
        existing = _ids(await self.vector_store.aget_by_ids(_required(ids)))
        await self.vector_store.adelete(existing)
        return _deleted(existing)

    def get(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Return the documents that exist, in the order of *ids*; each once."""
        refuse(kwargs)
        return self.vector_store.get_by_ids(ids)

    async def aget(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Do what ``get`` does, without blocking the running loop."""
        refuse(kwargs)
        return await self.vector_store.aget_by_ids(ids)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - a search reports nothing
        **kwargs: Any,
    ) -> list[Document]:
        return self.vector_store.search(query, self.search_type, **self._arguments(kwargs))

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002
        **kwargs: Any,
    ) -> list[Document]:
        return await self.vector_store.asearch(query, self.search_type, **self._arguments(kwargs))

    def _arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {"k": self.k, **self.search_kwargs, **kwargs}


def _required(ids: list[str] | None) -> list[str]:
    if ids is None:
        raise InvalidArgumentError(
            "ids must be given; nothing is ever deleted by leaving them out.", field="ids"
        )
    return ids


def _ids(documents: Sequence[Document]) -> list[str]:
    return [document.id for document in documents if document.id is not None]


def _deleted(ids: list[str]) -> DeleteResponse:
    return DeleteResponse(num_deleted=len(ids), succeeded=ids, num_failed=0, failed=[])
