"""``ConvexKeyValues`` and ``AsyncConvexKeyValues``: values under keys that can be listed.

The same operations under both faces, one line each; the docstrings are in
``convex_mastra.ops.key_values``.
"""

from __future__ import annotations

from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.ops import key_values


class ConvexKeyValues(SyncClient):
    """Values under keys that can be listed, in Mastra's generic documents table, blocking.

    Arguments and errors of the constructor are those of ``ConvexStore``. May be used inside a
    running event loop, from many threads, with or without ``with``.
    """

    put_many = blocking(key_values.put_many)
    get_many = blocking(key_values.get_many)
    delete_many = blocking(key_values.delete_many)
    list_keys = blocking(key_values.list_keys)
    clear = blocking(key_values.clear)


class AsyncConvexKeyValues(AsyncClient):
    """Values under keys that can be listed, in Mastra's generic documents table, async.

    Arguments and errors of the constructor are those of ``ConvexStore``. May be used from
    several event loops, with or without ``async with``.
    """

    put_many = nonblocking(key_values.put_many)
    get_many = nonblocking(key_values.get_many)
    delete_many = nonblocking(key_values.delete_many)
    list_keys = nonblocking(key_values.list_keys)
    clear = nonblocking(key_values.clear)
