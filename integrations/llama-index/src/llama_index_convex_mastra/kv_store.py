"""``ConvexKVStore``: LlamaIndex's key-value store, under its document and index stores and its cache.

The class that users construct; what it does is in ``kv_operations``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from llama_index.core.storage.kvstore.types import (
    DEFAULT_BATCH_SIZE,
    DEFAULT_COLLECTION,
    BaseKVStore,
)

from convex_mastra import Backend, Options
from convex_mastra.connected import Connected
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.ops.arguments import required_text
from convex_mastra.wire import STORAGE_FUNCTION
from llama_index_convex_mastra import kv_operations as operations
from llama_index_convex_mastra.pickling import PickledByPlace, place_arguments

Row = dict[str, Any]

DEFAULT_NAMESPACE = "kvstore"


class _Rows(SyncClient, AsyncClient):
    """The flows on one backend, each for both faces."""

    put_all = blocking(operations.put_all)
    get = blocking(operations.get)
    get_many = blocking(operations.get_many)
    get_all = blocking(operations.get_all)
    delete = blocking(operations.delete)
    delete_many = blocking(operations.delete_many)
    clear = blocking(operations.clear)
    aput_all = nonblocking(operations.put_all)
    aget = nonblocking(operations.get)
    aget_many = nonblocking(operations.get_many)
    aget_all = nonblocking(operations.get_all)
    adelete = nonblocking(operations.delete)
    adelete_many = nonblocking(operations.delete_many)
    aclear = nonblocking(operations.clear)


class ConvexKVStore(Connected[_Rows], PickledByPlace, BaseKVStore):
    """Rows under keys, in collections, in Mastra's generic documents table on Convex.

    For ``IngestionCache``, ``KVDocumentStore``, ``KVIndexStore`` and whatever else takes a
    ``BaseKVStore``. Rows may be of any size and come back as they were: order of keys, integers,
    everything that JSON has. Keys and collections are any text that is not empty. Writers side by
    side lose nothing, and whatever can be read by key is among ``get_all``.

    Constructing sends nothing. One object may be used from several threads and event loops, with
    or without ``with``. It is pickled without the admin key, which must then be in the environment.

    Examples:
        ``pip install llama-index-convex-mastra``

        .. code-block:: python

            cache = IngestionCache(cache=ConvexKVStore(deployment_url="file:./mastra.db"))
            pipeline = IngestionPipeline(transformations=[...], cache=cache)

    Args:
        namespace: separates the key-value stores of a deployment.
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
        self._namespace = required_text(namespace, "namespace")
        self._place_arguments = place_arguments(
            namespace, deployment_url, storage_function, backend
        )
        self._connection = _Rows(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._namespace!r}, backend={self.backend!r})"

    @property
    def namespace(self) -> str:
        """What separates this store from others of the deployment."""
        return self._namespace

    def put(self, key: str, val: Row, collection: str = DEFAULT_COLLECTION) -> None:
        """Write a row, see ``put_all``."""
        self._connection.put_all(self._namespace, [(key, val)], collection)

    async def aput(self, key: str, val: Row, collection: str = DEFAULT_COLLECTION) -> None:
        """Do what ``put`` does, without blocking the running loop."""
        await self._connection.aput_all(self._namespace, [(key, val)], collection)

    def put_all(
        self,
        kv_pairs: list[tuple[str, Row]],
        collection: str = DEFAULT_COLLECTION,
        batch_size: int = DEFAULT_BATCH_SIZE,  # noqa: ARG002 - LlamaIndex's; batches go by bytes
    ) -> None:
        """Write rows; one whose key exists is replaced whole. Of several under one key the last stays.

        Args:
            batch_size: of no effect: rows are sent in requests of up to 4 MiB or 1,000.

        Raises:
            InvalidArgumentError: an empty key, or a row that is no dict or not JSON. Nothing was
                sent.

        Cost: three round trips' wait, for rows beyond 1 MiB two more. One request for every 4 MiB
        or 1,000 rows, and twice up to 16 for the list of keys.
        """
        self._connection.put_all(self._namespace, kv_pairs, collection)

    async def aput_all(
        self,
        kv_pairs: list[tuple[str, Row]],
        collection: str = DEFAULT_COLLECTION,
        batch_size: int = DEFAULT_BATCH_SIZE,  # noqa: ARG002
    ) -> None:
        """Do what ``put_all`` does, without blocking the running loop."""
        await self._connection.aput_all(self._namespace, kv_pairs, collection)

    def get(self, key: str, collection: str = DEFAULT_COLLECTION) -> Row | None:
        """Return a row, the caller's own; None if there is none. See ``get_many``."""
        return self._connection.get(self._namespace, key, collection)

    async def aget(self, key: str, collection: str = DEFAULT_COLLECTION) -> Row | None:
        """Do what ``get`` does, without blocking the running loop."""
        return await self._connection.aget(self._namespace, key, collection)

    def get_many(self, keys: Iterable[str], collection: str = DEFAULT_COLLECTION) -> dict[str, Row]:
        """Return the rows that exist, by key, in the order of *keys*.

        Raises:
            InvalidArgumentError: a key that is empty or no text.
            ProtocolError: what is stored is not of this store's form.

        Cost: one round trip for every 10 keys, side by side; for rows beyond 1 MiB one wait more.
        """
        return self._connection.get_many(self._namespace, keys, collection)

    async def aget_many(
        self, keys: Iterable[str], collection: str = DEFAULT_COLLECTION
    ) -> dict[str, Row]:
        """Do what ``get_many`` does, without blocking the running loop."""
        return await self._connection.aget_many(self._namespace, keys, collection)

    def get_all(self, collection: str = DEFAULT_COLLECTION) -> dict[str, Row]:
        """Return all rows of a collection, sorted by key; an empty dict if it has none.

        Raises:
            ScanLimitError: there are more keys than a stock deployment lists, about 125,000.

        Cost: 16 round trips for the keys, side by side, then as ``get_many``.
        """
        return self._connection.get_all(self._namespace, collection)

    async def aget_all(self, collection: str = DEFAULT_COLLECTION) -> dict[str, Row]:
        """Do what ``get_all`` does, without blocking the running loop."""
        return await self._connection.aget_all(self._namespace, collection)

    def delete(self, key: str, collection: str = DEFAULT_COLLECTION) -> bool:
        """Delete a row, and say whether it existed. See ``delete_many``."""
        return self._connection.delete(self._namespace, key, collection)

    async def adelete(self, key: str, collection: str = DEFAULT_COLLECTION) -> bool:
        """Do what ``delete`` does, without blocking the running loop."""
        return await self._connection.adelete(self._namespace, key, collection)

    def delete_many(self, keys: Iterable[str], collection: str = DEFAULT_COLLECTION) -> list[str]:
        """Delete rows, and return the keys of those that existed, in the order of *keys*.

        Cost: reading them, then five round trips' wait: three requests for every 1,000 keys, and up
        to 16 for the list.
        """
        return self._connection.delete_many(self._namespace, keys, collection)

    async def adelete_many(
        self, keys: Iterable[str], collection: str = DEFAULT_COLLECTION
    ) -> list[str]:
        """Do what ``delete_many`` does, without blocking the running loop."""
        return await self._connection.adelete_many(self._namespace, keys, collection)

    def clear(self, collection: str = DEFAULT_COLLECTION) -> None:
        """Delete all rows of a collection, however many. One round trip for every 25."""
        self._connection.clear(self._namespace, collection)

    async def aclear(self, collection: str = DEFAULT_COLLECTION) -> None:
        """Do what ``clear`` does, without blocking the running loop."""
        await self._connection.aclear(self._namespace, collection)
