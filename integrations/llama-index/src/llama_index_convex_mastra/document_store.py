"""``ConvexDocumentStore``: a llama-index document store in Mastra's generic documents table.

The class that users construct: its connection, and one line for each method, blocking and async;
the docstrings are in ``docstore_reads`` and ``docstore_writes``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from llama_index.core.schema import BaseNode
from llama_index.core.storage.docstore.types import BaseDocumentStore

from convex_mastra import Backend, Options
from convex_mastra.face import AsyncClient, SyncClient, show_signature
from convex_mastra.flow import Flow, arun, run
from convex_mastra.ops.arguments import required_text
from convex_mastra.wire import STORAGE_FUNCTION
from llama_index_convex_mastra import docstore_reads as reads
from llama_index_convex_mastra import docstore_writes as writes
from llama_index_convex_mastra.docstore_layout import Place
from llama_index_convex_mastra.pickling import PickledByPlace, place_arguments

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_NAMESPACE = "docstore"


class _Faces(SyncClient, AsyncClient):
    """A connection for both faces, and the namespace that the operations work in."""

    _namespace: str

    @property
    def _place(self) -> Place:
        return Place(self._target, self._namespace)


def _blocking(
    operation: Callable[Concatenate[Place, P], Flow[R]],
) -> Callable[Concatenate[_Faces, P], R]:
    @wraps(operation)
    def method(self: _Faces, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return run(operation(self._place, *args, **kwargs), self.backend)

    show_signature(method, operation)
    return method


def _nonblocking(
    operation: Callable[Concatenate[Place, P], Flow[R]],
) -> Callable[Concatenate[_Faces, P], Coroutine[Any, Any, R]]:
    @wraps(operation)
    async def method(self: _Faces, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await arun(operation(self._place, *args, **kwargs), self.backend)

    show_signature(method, operation)
    return method


class ConvexDocumentStore(PickledByPlace, _Faces, BaseDocumentStore):
    """Nodes in Mastra's generic documents table on Convex.

    Nodes come back as they were added: hash, order of metadata, integers, relationships, class;
    of any size. The nodes of a source document are listed by rows of their own, so writers side by
    side lose nothing, and deleting a document takes a handful of requests.

    Constructing sends nothing. One object may be used from several threads and event loops, with
    or without ``with``. It is pickled without the admin key, which must then be in the environment.

    Examples:
        ``pip install llama-index-convex-mastra``

        .. code-block:: python

            docstore = ConvexDocumentStore("handbook", deployment_url="file:./mastra.db")
            storage_context = StorageContext.from_defaults(docstore=docstore)

    Args:
        namespace: separates the document stores of a deployment.
        deployment_url, admin_auth_token, storage_function: as of ``convex_mastra.ConvexStore``.
        backend: an open backend to share; closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook; not pickled.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: an empty *namespace*.
    """

    def __init__(
        self,
        namespace: str = DEFAULT_NAMESPACE,
        *,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        super().__init__(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )
        self._namespace = required_text(namespace, "namespace")
        self._place_arguments = place_arguments(
            namespace, deployment_url, storage_function, backend
        )

    @classmethod
    def from_params(
        cls,
        namespace: str = DEFAULT_NAMESPACE,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store; what the arguments leave out comes from the environment.

        Args:
            **kwargs: as of the constructor.
        """
        return cls(
            namespace, deployment_url=deployment_url, admin_auth_token=admin_auth_token, **kwargs
        )

    @property
    def namespace(self) -> str:
        """What separates this document store from others of the deployment."""
        return self._namespace

    @property
    def docs(self) -> dict[str, BaseNode]:
        """All nodes by id, blocking; see ``aget_docs``."""
        return self.get_docs()

    add_documents = _blocking(writes.add_documents)
    async_add_documents = _nonblocking(writes.add_documents)
    get_document = _blocking(reads.get_document)
    aget_document = _nonblocking(reads.get_document)
    delete_document = _blocking(writes.delete_document)
    adelete_document = _nonblocking(writes.delete_document)
    document_exists = _blocking(reads.document_exists)
    adocument_exists = _nonblocking(reads.document_exists)
    get_docs = _blocking(reads.get_docs)
    aget_docs = _nonblocking(reads.get_docs)

    get_nodes = _blocking(reads.get_nodes)
    aget_nodes = _nonblocking(reads.get_nodes)
    get_node_dict = _blocking(reads.get_node_dict)
    aget_node_dict = _nonblocking(reads.get_node_dict)

    set_document_hash = _blocking(writes.set_document_hash)
    aset_document_hash = _nonblocking(writes.set_document_hash)
    set_document_hashes = _blocking(writes.set_document_hashes)
    aset_document_hashes = _nonblocking(writes.set_document_hashes)
    get_document_hash = _blocking(reads.get_document_hash)
    aget_document_hash = _nonblocking(reads.get_document_hash)
    get_all_document_hashes = _blocking(reads.get_all_document_hashes)
    aget_all_document_hashes = _nonblocking(reads.get_all_document_hashes)
    get_all_document_ids = _blocking(reads.get_all_document_ids)
    aget_all_document_ids = _nonblocking(reads.get_all_document_ids)

    get_ref_doc_info = _blocking(reads.get_ref_doc_info)
    aget_ref_doc_info = _nonblocking(reads.get_ref_doc_info)
    get_all_ref_doc_info = _blocking(reads.get_all_ref_doc_info)
    aget_all_ref_doc_info = _nonblocking(reads.get_all_ref_doc_info)
    ref_doc_exists = _blocking(reads.ref_doc_exists)
    aref_doc_exists = _nonblocking(reads.ref_doc_exists)
    delete_ref_doc = _blocking(writes.delete_ref_doc)
    adelete_ref_doc = _nonblocking(writes.delete_ref_doc)
