"""``ConvexVectorStore``: a llama-index vector store that is a Mastra vector index.

The class that users construct: its fields, its connection, and one line for each method, blocking
and async. What the methods do is in ``vector_operations`` and ``vector_query``; which index is
meant, in ``vector_choice``.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Self

from llama_index.core.bridge.pydantic import BaseModel, PrivateAttr
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryResult,
)

from convex_mastra import (
    Backend,
    ConfigurationError,
    ConvexNativeVector,
    ConvexVector,
    NativeIndex,
    Options,
)
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.ops.target import NativeVectors
from convex_mastra.wire import (
    NATIVE_READ_FUNCTION,
    NATIVE_SEARCH_FUNCTION,
    NATIVE_WRITE_FUNCTION,
    STORAGE_FUNCTION,
)
from llama_index_convex_mastra import vector_operations
from llama_index_convex_mastra.vector_choice import (
    NativeIndexField,
    Vectors,
    as_native_index,
    chosen_index,
)
from llama_index_convex_mastra.vector_query import query_nodes


class _Operations(SyncClient, AsyncClient):
    """The store's operations on one backend, each for both faces."""

    def __init__(self, *where: str | None, native: NativeVectors, **more: Any) -> None:
        super().__init__(*where, **more)
        self._target = replace(self._target, native=native)

    add = blocking(vector_operations.add_nodes)
    async_add = nonblocking(vector_operations.add_nodes)
    delete = blocking(vector_operations.delete_reference)
    adelete = nonblocking(vector_operations.delete_reference)
    delete_nodes = blocking(vector_operations.delete_nodes)
    adelete_nodes = nonblocking(vector_operations.delete_nodes)
    get_nodes = blocking(vector_operations.get_nodes)
    aget_nodes = nonblocking(vector_operations.get_nodes)
    clear = blocking(vector_operations.clear)
    aclear = nonblocking(vector_operations.clear)
    query = blocking(query_nodes)
    aquery = nonblocking(query_nodes)


class ConvexVectorStore(BasePydanticVectorStore):
    """Nodes in a Mastra vector index on Convex, searched by cosine.

    The index is of one of two kinds. A scanned one (Mastra's ``ConvexVector``) needs nothing but
    Mastra's stock functions, is declared by the first nodes, and is searched exactly. A native one
    (``native_index=``, Mastra's ``ConvexNativeVector``) is declared by the deployment's schema and
    searched by Convex itself: fast however large, approximate where large, at most 256 nodes a
    search. It takes equalities (``==`` and ``in``) on its ``filter_fields``; everything else is
    judged on what it finds, and ScanLimitError is raised rather than returning less than there is.
    Declare ``ref_doc_id`` a filter field, and source documents of any size can be deleted.

    Nodes come back as they were added: hash, order of metadata, integers, relationships, class.
    Mastra's RAG tools read them (``metadata.text`` is the text), and an index that Mastra wrote is
    read as TextNodes. Query modes ``default`` and ``mmr``; all of llama-index's filters, nested
    and NOT included, with the results of core's own reference. ``node_ids`` and ``doc_ids``
    restrict a query; an empty list does not.

    ``VectorStoreIndex.as_retriever`` passes the ids of the Image and Index nodes that were added
    through that index object, if there are any, as ``node_ids``: in an index that mixes them with
    text nodes, use ``VectorIndexRetriever(index)``, which restricts nothing.

    Constructing sends nothing. A scanned index that does not exist is empty. One object may be used
    from several threads and event loops. It is pickled without the admin key, which must then be in
    the environment.

    Examples:
        ``pip install llama-index-convex-mastra``

        .. code-block:: python

            store = ConvexVectorStore("handbook", deployment_url="file:./mastra.db")
            index = VectorStoreIndex.from_vector_store(store)

    Args:
        index_name: Mastra's scanned index, any text but ``indexes``; ``llama_index`` if None. With
            *vector* a native one, the name by which that knows the index.
        native_index: the schema-declared index, instead.
        deployment_url, admin_auth_token, storage_function: as of ``convex_mastra.ConvexVector``.
        native_vector_action: path of the deployed native search, for *native_index*;
            ``native_vector_query`` and ``native_vector_mutation`` likewise.
        include_embeddings: whether queries return the nodes' embeddings; ``get_nodes`` always does.
        backend: an open backend to share; closing this object leaves it open.
        vector: a vector store of the core whose backend to share: a ``ConvexVector``, or a
            ``ConvexNativeVector`` that knows *index_name*; of either face.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, the URL is unsafe, or
            the arguments name two indexes, or a native one that *vector* does not know.
    """

    stores_text: bool = True
    flat_metadata: bool = False
    index_name: str
    deployment_url: str | None = None
    storage_function: str = STORAGE_FUNCTION
    native_index: NativeIndexField = None
    native_vector_action: str = NATIVE_SEARCH_FUNCTION
    native_vector_query: str = NATIVE_READ_FUNCTION
    native_vector_mutation: str = NATIVE_WRITE_FUNCTION
    include_embeddings: bool = False

    _operations: _Operations = PrivateAttr()
    _is_shared: bool = PrivateAttr()

    def __init__(
        self,
        index_name: str | None = None,
        *,
        native_index: NativeIndex | None = None,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str | None = None,
        native_vector_action: str = NATIVE_SEARCH_FUNCTION,
        native_vector_query: str = NATIVE_READ_FUNCTION,
        native_vector_mutation: str = NATIVE_WRITE_FUNCTION,
        include_embeddings: bool = False,
        backend: Backend | None = None,
        vector: Vectors | None = None,
        options: Options | None = None,
        **fields: Any,
    ) -> None:
        if unknown := fields.keys() - type(self).model_fields.keys():
            raise TypeError(f"ConvexVectorStore takes no argument {sorted(unknown)[0]!r}")
        if backend is not None and vector is not None:
            raise ConfigurationError("Pass either a backend or a vector, not both.")
        index_name, native_index, paths = chosen_index(
            index_name,
            as_native_index(native_index),
            vector,
            (native_vector_action, native_vector_query, native_vector_mutation),
        )
        if vector is not None:
            backend = vector.backend
            storage_function = storage_function or vector.storage_function
        super().__init__(  # type: ignore[call-arg]
            index_name=index_name,
            native_index=native_index,
            deployment_url=deployment_url,
            storage_function=storage_function or STORAGE_FUNCTION,
            native_vector_action=paths[0],
            native_vector_query=paths[1],
            native_vector_mutation=paths[2],
            include_embeddings=include_embeddings,
            **fields,
        )
        self._operations = _Operations(
            deployment_url,
            admin_auth_token,
            native=self._native_vectors(),
            storage_function=self.storage_function,
            backend=backend,
            options=options,
        )
        self._is_shared = backend is not None

    @classmethod
    def from_params(
        cls,
        index_name: str | None = None,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store; what the arguments leave out comes from the environment.

        Args:
            **kwargs: as of the constructor.
        """
        return cls(
            index_name,
            deployment_url=deployment_url,
            admin_auth_token=admin_auth_token,
            **kwargs,
        )

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which llama-index serialises the class."""
        return "ConvexVectorStore"

    @property
    def client(self) -> ConvexVector | ConvexNativeVector:
        """The core's vector store of the index's kind, on the same backend."""
        if self.native_index is not None:
            return ConvexNativeVector(
                {self.index_name: self.native_index},
                native_vector_action=self.native_vector_action,
                native_vector_query=self.native_vector_query,
                native_vector_mutation=self.native_vector_mutation,
                backend=self._operations.backend,
            )
        return ConvexVector(
            backend=self._operations.backend, storage_function=self.storage_function
        )

    def add(self, nodes: Sequence[BaseNode], **_kwargs: Any) -> list[str]:
        """Store nodes; see ``vector_operations.add_nodes``. Other arguments are ignored."""
        return self._operations.add(self.index_name, nodes)

    async def async_add(self, nodes: Sequence[BaseNode], **_kwargs: Any) -> list[str]:
        """Do what ``add`` does, without blocking the running loop."""
        return await self._operations.async_add(self.index_name, nodes)

    def delete(self, ref_doc_id: str, **_kwargs: Any) -> None:
        """Delete a source document's nodes; see ``vector_operations.delete_reference``."""
        self._operations.delete(self.index_name, ref_doc_id)

    async def adelete(self, ref_doc_id: str, **_kwargs: Any) -> None:
        """Do what ``delete`` does, without blocking the running loop."""
        await self._operations.adelete(self.index_name, ref_doc_id)

    def delete_nodes(
        self,
        node_ids: list[str] | None = None,
        filters: MetadataFilters | None = None,
        **_kwargs: Any,
    ) -> None:
        """Delete nodes by id, filter or both; see ``vector_operations.delete_nodes``."""
        self._operations.delete_nodes(self.index_name, node_ids, filters)

    async def adelete_nodes(
        self,
        node_ids: list[str] | None = None,
        filters: MetadataFilters | None = None,
        **_kwargs: Any,
    ) -> None:
        """Do what ``delete_nodes`` does, without blocking the running loop."""
        await self._operations.adelete_nodes(self.index_name, node_ids, filters)

    def get_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """Return nodes by id, filter or both; see ``vector_operations.get_nodes``."""
        return self._operations.get_nodes(self.index_name, node_ids, filters)

    async def aget_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """Do what ``get_nodes`` does, without blocking the running loop."""
        return await self._operations.aget_nodes(self.index_name, node_ids, filters)

    def clear(self) -> None:
        """Delete all nodes; see ``vector_operations.clear``."""
        self._operations.clear(self.index_name)

    async def aclear(self) -> None:
        """Do what ``clear`` does, without blocking the running loop."""
        await self._operations.aclear(self.index_name)

    def query(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """Return the nearest nodes; *kwargs* are those of ``vector_query.query_nodes``."""
        return self._operations.query(self.index_name, query, **self._with_defaults(kwargs))

    async def aquery(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """Do what ``query`` does, without blocking the running loop."""
        return await self._operations.aquery(self.index_name, query, **self._with_defaults(kwargs))

    def close(self) -> None:
        """Close the connection, unless it is shared. Safe to call twice."""
        self._operations.close()

    async def aclose(self) -> None:
        """Close the connection, unless it is shared. Safe to call twice."""
        await self._operations.aclose()

    def __getstate__(self) -> dict[str, Any]:
        if self._is_shared:
            raise TypeError(
                "a ConvexVectorStore over a shared backend cannot be pickled: it does not know "
                "where it is; pass deployment_url instead"
            )
        # Not BaseComponent's: it tries to pickle every attribute, and warns of those it drops.
        state: dict[str, Any] = BaseModel.__getstate__(self)
        state["__pydantic_private__"] = None
        return state

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # As pickled and read again; pydantic would copy the connection.
        copied = type(self).__new__(type(self))
        copied.__setstate__(deepcopy(self.__getstate__(), memo))
        return copied

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["__dict__"])  # type: ignore[misc]

    def _native_vectors(self) -> NativeVectors:
        """The native index under the name that operations are given; none for a scanned one."""
        return NativeVectors(
            {} if self.native_index is None else {self.index_name: self.native_index},
            self.native_vector_action,
            self.native_vector_query,
            self.native_vector_mutation,
        )

    def _with_defaults(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {"include_embeddings": self.include_embeddings, **kwargs}
