"""``ConvexNativeVector`` and ``AsyncConvexNativeVector``: Convex's own vector search.

The same operations under both faces; the docstrings are in ``convex_mastra.ops``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from convex_mastra.backends import Backend
from convex_mastra.config import Options
from convex_mastra.errors import ConfigurationError
from convex_mastra.face import AsyncClient, Client, SyncClient, blocking, nonblocking
from convex_mastra.ops import native_indexes, native_reads, native_search, native_vectors
from convex_mastra.ops.target import NativeVectors
from convex_mastra.records import NativeIndex
from convex_mastra.wire import (
    NATIVE_READ_FUNCTION,
    NATIVE_SEARCH_FUNCTION,
    NATIVE_WRITE_FUNCTION,
)


class NativeVectorClient(Client):
    """A client that knows the vector indexes which the deployment's schema declares.

    Args:
        indexes: what is declared, by the names that operations take.
        native_vector_action: path of the deployed search.
        native_vector_query: path of the deployed reads.
        native_vector_mutation: path of the deployed writes.

    The other arguments, and what they raise, are those of ``Client``.
    """

    def __init__(
        self,
        indexes: Mapping[str, NativeIndex],
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        *,
        native_vector_action: str = NATIVE_SEARCH_FUNCTION,
        native_vector_query: str = NATIVE_READ_FUNCTION,
        native_vector_mutation: str = NATIVE_WRITE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        if not isinstance(indexes, Mapping):
            raise ConfigurationError(
                "indexes must be a mapping of names to NativeIndex, as in {'docs': "
                f"NativeIndex(…)}}, not {type(indexes).__name__}."
            )
        for name, index in indexes.items():
            if not isinstance(index, NativeIndex):
                raise ConfigurationError(
                    f"indexes[{name!r}] must be a NativeIndex, not {type(index).__name__}."
                )
        super().__init__(deployment_url, admin_auth_token, backend=backend, options=options)
        native = NativeVectors(
            dict(indexes), native_vector_action, native_vector_query, native_vector_mutation
        )
        self._target = replace(self._target, native=native)

    @property
    def native_vectors(self) -> NativeVectors:
        """The indexes, by the names that operations take, and the paths of the functions."""
        return self._target.native


class ConvexNativeVector(NativeVectorClient, SyncClient):
    """Schema-declared vector indexes on Convex (cosine, approximate where large), blocking.

    Args:
        indexes: what the deployment's ``schema.ts`` declares, as ``NativeIndex``, by the names
            that operations take.
        native_vector_action: path of the deployed search, Mastra's unless it is kept elsewhere;
            ``native_vector_query`` and ``native_vector_mutation`` likewise.

    The other arguments, and errors, are those of ``ConvexStore``. May be used inside a running
    event loop, from many threads, with or without ``with``.
    """

    create_index = blocking(native_indexes.create_index)
    list_indexes = blocking(native_indexes.list_indexes)
    describe_index = blocking(native_indexes.describe_index)
    delete_index = blocking(native_indexes.delete_index)
    upsert = blocking(native_vectors.upsert)
    get_vectors = blocking(native_reads.get_vectors)
    list_vectors = blocking(native_reads.list_vectors)
    query = blocking(native_search.query)
    update_vector = blocking(native_vectors.update_vector)
    delete_vector = blocking(native_vectors.delete_vector)
    delete_vectors = blocking(native_vectors.delete_vectors)


class AsyncConvexNativeVector(NativeVectorClient, AsyncClient):
    """Schema-declared vector indexes on Convex (cosine, approximate where large), async.

    Args:
        indexes: what the deployment's ``schema.ts`` declares, as ``NativeIndex``, by the names
            that operations take.
        native_vector_action: path of the deployed search, Mastra's unless it is kept elsewhere;
            ``native_vector_query`` and ``native_vector_mutation`` likewise.

    The other arguments, and errors, are those of ``ConvexStore``. May be used from several event
    loops, with or without ``async with``.
    """

    create_index = nonblocking(native_indexes.create_index)
    list_indexes = nonblocking(native_indexes.list_indexes)
    describe_index = nonblocking(native_indexes.describe_index)
    delete_index = nonblocking(native_indexes.delete_index)
    upsert = nonblocking(native_vectors.upsert)
    get_vectors = nonblocking(native_reads.get_vectors)
    list_vectors = nonblocking(native_reads.list_vectors)
    query = nonblocking(native_search.query)
    update_vector = nonblocking(native_vectors.update_vector)
    delete_vector = nonblocking(native_vectors.delete_vector)
    delete_vectors = nonblocking(native_vectors.delete_vectors)
