"""``ConvexVectorStore``: a LangChain vector store that is a Mastra vector index.

The class that users construct: writing, reading by id, deleting; searching is in
``vector_search``, what a row holds in ``documents``. Every async method awaits the embedding and
the backend; none borrows a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from convex_mastra import Backend, InvalidArgumentError, Options
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.documents import document_of, records_of
from langchain_convex_mastra.vector_search import VectorSearch, refuse


class ConvexVectorStore(VectorSearch):
    """Documents in a Mastra vector index on Convex; exact cosine search.

    Mastra's RAG tools read what is written here (``metadata.text`` is the text), and indexes that
    they wrote are searched as documents. Metadata comes back as it was added, whatever Convex does
    to it; values follow JSON, so a datetime is refused and a tuple becomes a list.

    ``filter=`` takes Mastra's grammar (``{"page": {"$gte": 3}, "$or": [...]}``), in which ``text``
    is the document's text. Metadata that Convex cannot hold as it is (integers beyond 2**53, NaN,
    nesting beyond 14 levels) is returned, but no filter matches it.

    Constructing sends nothing. The index is declared by the first write, with the dimension of its
    first embedding; searching an index that does not exist finds nothing. One object may be used
    from several threads and event loops, with or without ``with``.

    Args:
        embedding: embeds texts and queries.
        index_name: Mastra's index; any text but ``indexes``.
        deployment_url, admin_auth_token, storage_function: as of ``convex_mastra.ConvexVector``.
        backend: an open backend to share; closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.
        dimension: how long the embeddings are, where the first one should not decide.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
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
        dimension: int | None = None,
    ) -> None:
        super().__init__(
            embedding,
            index_name=index_name,
            deployment_url=deployment_url,
            admin_auth_token=admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )
        self._dimension = dimension
        self._is_declared = False

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,  # noqa: ARG002 - LangChain's callers pass their own
    ) -> list[str]:
        """Embed texts and store them; one whose id exists replaces it, metadata included.

        Args:
            metadatas: one for each text.
            ids: one for each text; random UUIDs for those that are None.
            **kwargs: ignored; LangChain's indexing passes ``batch_size``, batches are cut by size.

        Returns:
            The ids, in the order of *texts*.

        Raises:
            InvalidArgumentError: lengths, ids, metadata or dimensions that do not fit. Nothing was
                stored, and, but for the dimensions, nothing embedded.
            LimitExceededError: a document with its vector is larger than 1 MiB.

        Cost: two round trips' wait, with the first write one or two more.
        """
        ids, texts, stored = records_of(texts, metadatas, ids)
        if not texts:
            return []
        vectors = self._embedding.embed_documents(texts)
        if not self._is_declared:
            self._vectors.create_index(self.index_name, self._dimension or len(vectors[0]))
            self._is_declared = True
        return self._vectors.upsert(self.index_name, vectors, ids=ids, metadata=stored)

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> list[str]:
        """Do what ``add_texts`` does, without blocking the running loop."""
        ids, texts, stored = records_of(texts, metadatas, ids)
        if not texts:
            return []
        vectors = await self._embedding.aembed_documents(texts)
        if not self._is_declared:
            await self._avectors.create_index(self.index_name, self._dimension or len(vectors[0]))
            self._is_declared = True
        return await self._avectors.upsert(self.index_name, vectors, ids=ids, metadata=stored)

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Store documents as ``add_texts`` does, under their own ids unless *ids* are given."""
        return self.add_texts(**_columns(documents) | kwargs)

    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Do what ``add_documents`` does, without blocking the running loop."""
        return await self.aadd_texts(**_columns(documents) | kwargs)

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Delete documents by id; those that do not exist are skipped. Returns True.

        Raises:
            InvalidArgumentError: *ids* is None; nothing is ever deleted by leaving them out.
        """
        refuse(kwargs)
        if wanted := _ids_to_delete(ids):
            self._vectors.delete_vectors(self.index_name, ids=wanted)
        return True

    async def adelete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Do what ``delete`` does, without blocking the running loop."""
        refuse(kwargs)
        if wanted := _ids_to_delete(ids):
            await self._avectors.delete_vectors(self.index_name, ids=wanted)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents that exist, in the order of *ids*. Ten ids a round trip."""
        records = self._vectors.get_vectors(self.index_name, ids)
        return [document_of(record.id, record.metadata) for record in records]

    async def aget_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Do what ``get_by_ids`` does, without blocking the running loop."""
        records = await self._avectors.get_vectors(self.index_name, ids)
        return [document_of(record.id, record.metadata) for record in records]

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store that holds *texts*; *kwargs* are the constructor's."""
        store = cls(embedding, **kwargs)
        try:
            store.add_texts(texts, metadatas, ids=ids)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    async def afrom_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Do what ``from_texts`` does, without blocking the running loop."""
        store = cls(embedding, **kwargs)
        try:
            await store.aadd_texts(texts, metadatas, ids=ids)
        except BaseException:
            await store.aclose()
            raise
        return store

    def close(self) -> None:
        """Close the backend, unless it is shared. Safe to call twice."""
        self._vectors.close()

    async def aclose(self) -> None:
        """Close the backend, unless it is shared. Safe to call twice."""
        if self._owns_backend:
            await self.backend.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()


def _columns(documents: Sequence[Document]) -> dict[str, Any]:
    return {
        "texts": [document.page_content for document in documents],
        "metadatas": [document.metadata for document in documents],
        "ids": [document.id for document in documents],
    }


def _ids_to_delete(ids: Sequence[str] | None) -> list[str]:
    if ids is None or isinstance(ids, str):
        raise InvalidArgumentError(
            "ids must be a list of ids; to delete all, use truncate_index of ConvexVector.",
            field="ids",
        )
    return list(ids)
