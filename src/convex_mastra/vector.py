"""``ConvexVector`` and ``AsyncConvexVector``: Mastra's vector store, one line an operation.

The same operations under both faces; the docstrings are in ``convex_mastra.ops``.
"""

from __future__ import annotations

from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.ops import vector_indexes, vector_reads, vector_search, vectors


class ConvexVector(SyncClient):
    """Mastra's scanned vectors on Convex (cosine, exact), blocking.

    Arguments and errors of the constructor are those of ``ConvexStore``. May be used inside a
    running event loop, from many threads, with or without ``with``.
    """

    create_index = blocking(vector_indexes.create_index)
    list_indexes = blocking(vector_indexes.list_indexes)
    describe_index = blocking(vector_indexes.describe_index)
    truncate_index = blocking(vector_indexes.truncate_index)
    delete_index = blocking(vector_indexes.delete_index)
    upsert = blocking(vectors.upsert)
    get_vectors = blocking(vector_reads.get_vectors)
    list_vectors = blocking(vector_reads.list_vectors)
    query = blocking(vector_search.query)
    update_vector = blocking(vectors.update_vector)
    delete_vector = blocking(vectors.delete_vector)
    delete_vectors = blocking(vectors.delete_vectors)


class AsyncConvexVector(AsyncClient):
    """Mastra's scanned vectors on Convex (cosine, exact), async.

    Arguments and errors of the constructor are those of ``ConvexStore``. May be used from
    several event loops, with or without ``async with``.
    """

    create_index = nonblocking(vector_indexes.create_index)
    list_indexes = nonblocking(vector_indexes.list_indexes)
    describe_index = nonblocking(vector_indexes.describe_index)
    truncate_index = nonblocking(vector_indexes.truncate_index)
    delete_index = nonblocking(vector_indexes.delete_index)
    upsert = nonblocking(vectors.upsert)
    get_vectors = nonblocking(vector_reads.get_vectors)
    list_vectors = nonblocking(vector_reads.list_vectors)
    query = nonblocking(vector_search.query)
    update_vector = nonblocking(vectors.update_vector)
    delete_vector = nonblocking(vectors.delete_vector)
    delete_vectors = nonblocking(vectors.delete_vectors)
