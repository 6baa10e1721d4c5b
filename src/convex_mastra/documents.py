"""``ConvexDocuments`` and ``AsyncConvexDocuments``: texts under keys, one line an operation.

The same operations under both faces; the docstrings are in ``convex_mastra.ops.documents``.
"""

from __future__ import annotations

from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.ops import document_writes, documents


class ConvexDocuments(SyncClient):
    """Texts under keys, in partitions of Mastra's generic documents table, blocking.

    Arguments and errors of the constructor are those of ``ConvexStore``. May be used inside a
    running event loop, from many threads, with or without ``with``.
    """

    put_many = blocking(document_writes.put_many)
    get_many = blocking(documents.get_many)
    list_documents = blocking(documents.list_documents)
    delete_many = blocking(documents.delete_many)
    clear = blocking(documents.clear)


class AsyncConvexDocuments(AsyncClient):
    """Texts under keys, in partitions of Mastra's generic documents table, async.

    Arguments and errors of the constructor are those of ``ConvexStore``. May be used from
    several event loops, with or without ``async with``.
    """

    put_many = nonblocking(document_writes.put_many)
    get_many = nonblocking(documents.get_many)
    list_documents = nonblocking(documents.list_documents)
    delete_many = nonblocking(documents.delete_many)
    clear = nonblocking(documents.clear)
