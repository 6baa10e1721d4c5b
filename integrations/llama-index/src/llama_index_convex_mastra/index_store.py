"""``ConvexIndexStore``: LlamaIndex's index structures, in the key-value store.

LlamaIndex's own ``KVIndexStore`` does the work; this is where it lies, and that several structures are
told apart.
"""

from __future__ import annotations

from typing import Any, Self

from llama_index.core.data_structs.data_structs import IndexStruct
from llama_index.core.storage.index_store.keyval_index_store import KVIndexStore

from convex_mastra import Backend, InvalidArgumentError, Options
from convex_mastra.connected import Connected
from convex_mastra.wire import STORAGE_FUNCTION
from llama_index_convex_mastra.kv_store import ConvexKVStore

DEFAULT_NAMESPACE = "index_store"


class ConvexIndexStore(Connected[ConvexKVStore], KVIndexStore):
    """Index structures in Mastra's generic documents table on Convex.

    ``load_index_from_storage`` finds them. Every ``VectorStoreIndex([], storage_context=...)`` adds a
    structure, so open an index again by its id: ``load_index_from_storage(context, index_id=...)``,
    the id being what ``index.set_index_id`` gave it.

    Constructing sends nothing. One object may be used from several threads and event loops, with
    or without ``with``. It is pickled without the admin key, which must then be in the environment.

    Args:
        namespace: separates the index stores of a deployment.
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
        rows = ConvexKVStore(
            namespace,
            deployment_url=deployment_url,
            admin_auth_token=admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )
        super().__init__(rows, namespace)
        self._connection = rows

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

    def get_index_struct(self, struct_id: str | None = None) -> IndexStruct | None:
        """Return the structure of that id, None if there is none; without an id the only one.

        Raises:
            InvalidArgumentError: no id, and not exactly one structure.

        Cost: one round trip; without an id those of ``ConvexKVStore.get_all``.
        """
        if struct_id is None:
            return _only(self.index_structs())
        return super().get_index_struct(struct_id)

    async def aget_index_struct(self, struct_id: str | None = None) -> IndexStruct | None:
        """Do what ``get_index_struct`` does, without blocking the running loop."""
        if struct_id is None:
            return _only(await self.async_index_structs())
        return await super().aget_index_struct(struct_id)


def _only(structs: list[IndexStruct]) -> IndexStruct:
    if len(structs) != 1:
        ids = ", ".join(sorted(struct.index_id for struct in structs)[:5])
        raise InvalidArgumentError(
            f"There are {len(structs)} index structures; say which one, struct_id: {ids}"
            if structs
            else "There is no index structure yet.",
            field="struct_id",
        )
    return structs[0]
