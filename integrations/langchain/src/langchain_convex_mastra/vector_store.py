"""``ConvexVectorStore``: a LangChain vector store that is a Mastra vector index.

The class that users construct, and where it lies. Its methods are in ``vector_faces``, what they do
in ``vector_search`` and ``vector_writes``, the two kinds of index in ``vector_indexes`` and
``native_index``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from convex_mastra import Backend, InvalidArgumentError, NativeIndex, Options
from convex_mastra.face import AsyncClient, SyncClient
from convex_mastra.limits import VECTOR_DIMENSION
from convex_mastra.ops.arguments import kind_of
from convex_mastra.ops.index_kinds import ScannedIndex
from convex_mastra.ops.native_indexed import NativeIndexed
from convex_mastra.ops.target import NativeVectors
from convex_mastra.ops.vector_arguments import checked_index_name
from convex_mastra.wire import (
    NATIVE_READ_FUNCTION,
    NATIVE_SEARCH_FUNCTION,
    NATIVE_WRITE_FUNCTION,
    STORAGE_FUNCTION,
)
from langchain_convex_mastra.embedding import EmbeddingBackend
from langchain_convex_mastra.results import relevance
from langchain_convex_mastra.vector_faces import DocumentMethods


class ConvexVectorStore(DocumentMethods, SyncClient, AsyncClient, VectorStore):
    """Documents in a Mastra vector index on Convex, searched by cosine.

    The index is of one of two kinds. ``index_name=`` names a scanned one (Mastra's
    ``ConvexVector``), which needs nothing but Mastra's stock functions, is declared by the first
    write, and is searched exactly. ``native_index=`` is one that the deployment's schema declares
    (Mastra's ``ConvexNativeVector``), searched by Convex itself: fast however large, approximate
    where large, at most 256 documents a search.

    Mastra's RAG tools read what is written here (``metadata.text`` is the text), and indexes that
    they wrote are searched as documents. Metadata comes back as it was added, whatever Convex does
    to it; values follow JSON, so a datetime is refused and a tuple becomes a list.

    ``filter=`` takes Mastra's grammar (``{"page": {"$gte": 3}, "$or": [...]}``), in which ``text``
    is the document's text; or a function of a document, ``lambda document: ...``; or a list of
    these, all of which must hold. *k* documents are returned if *k* match. Metadata that Convex
    cannot hold as it is (integers beyond 2**53, NaN, nesting beyond 14 levels) is returned, and
    seen by functions, but no mapping matches it. A native index takes equalities on its
    ``filter_fields``, with ``$eq``, ``$in`` and ``$or``; everything else is judged after the
    search, which raises ScanLimitError rather than returning less than there is.

    Constructing sends nothing. Searching a scanned index that does not exist finds nothing. One
    object may be used from several threads and event loops, with or without ``with``; it is never
    pickled.

    Args:
        embedding: embeds texts and queries.
        index_name: Mastra's scanned index; any text but ``indexes``.
        native_index: the schema-declared index; exactly one of these two.
        dimension: how long the embeddings are, where the first one should not decide; only with
            *index_name*.
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        storage_function: path of the deployed storage handler, for *index_name*.
        native_vector_action: path of the deployed native search, for *native_index*;
            ``native_vector_query`` and ``native_vector_mutation`` likewise.
        backend: an open backend to share; closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        InvalidArgumentError: *embedding* is none, or both or neither of the two kinds are named.
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
    """

    def __init__(
        self,
        embedding: Embeddings,
        *,
        index_name: str | None = None,
        native_index: NativeIndex | None = None,
        dimension: int | None = None,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        native_vector_action: str = NATIVE_SEARCH_FUNCTION,
        native_vector_query: str = NATIVE_READ_FUNCTION,
        native_vector_mutation: str = NATIVE_WRITE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        if not isinstance(embedding, Embeddings):
            raise InvalidArgumentError(
                f"embedding must be LangChain Embeddings; it is {kind_of(embedding)}.",
                field="embedding",
            )
        _check_kind(index_name, native_index, dimension)
        super().__init__(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )
        self._embedding = embedding
        self._transport = EmbeddingBackend(self.backend, embedding)
        if index_name is not None:
            self._index = ScannedIndex(self._target, index_name, dimension)
        elif native_index is not None:
            native = NativeVectors(
                {native_index.table_name: native_index},
                native_vector_action,
                native_vector_query,
                native_vector_mutation,
            )
            self._index = NativeIndexed(
                replace(self._target, native=native), native_index.table_name
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(index_name={self.index_name!r}, backend={self.backend!r})"

    @property
    def index_name(self) -> str:
        """The scanned index, or the table of the native one."""
        return self._index.name

    @property
    def embeddings(self) -> Embeddings:
        """The embedding."""
        return self._embedding

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return relevance

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


def _check_kind(index_name: Any, native_index: Any, dimension: Any) -> None:
    if (index_name is None) is (native_index is None):
        given = "both" if native_index is not None else "neither"
        raise InvalidArgumentError(
            f"Give either index_name or native_index, not {given}.", field="index_name"
        )
    if native_index is None:
        checked_index_name(index_name)
        if dimension is not None and not (
            type(dimension) is int and 1 <= dimension <= VECTOR_DIMENSION
        ):
            raise InvalidArgumentError(
                f"dimension must be an integer from 1 to {VECTOR_DIMENSION:,}, not "
                f"{dimension!r:.40}.",
                field="dimension",
            )
        return
    if not isinstance(native_index, NativeIndex):
        raise InvalidArgumentError(
            f"native_index must be a NativeIndex; it is {kind_of(native_index)}.",
            field="native_index",
        )
    if dimension is not None:
        raise InvalidArgumentError(
            "dimension goes with index_name; a native index has its own.", field="dimension"
        )
