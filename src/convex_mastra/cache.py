"""``ConvexServerCache`` and ``AsyncConvexServerCache``: Mastra's server cache, one line an operation.

The same operations under both faces; the docstrings are in ``convex_mastra.ops.cache``.
"""

from __future__ import annotations

from dataclasses import replace

from convex_mastra.backends import Backend
from convex_mastra.config import Options
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.face import AsyncClient, Client, SyncClient, blocking, nonblocking
from convex_mastra.ops import cache
from convex_mastra.ops.target import CACHE_KEY_PREFIX, CACHE_TTL_S, CacheScope
from convex_mastra.values import measure
from convex_mastra.wire import CACHE_FUNCTION


class CacheClient(Client):
    """What the caches of both faces have in common: the keys they see, and how long these live.

    Args:
        deployment_url: where, as for ``Client``.
        admin_auth_token: the key, as for ``Client``.
        key_prefix: what every key begins with. Caches with the same prefix are one cache, Mastra's
            included.
        ttl_s: seconds until what is written expires; None or 0 for never.
        cache_function: path of the deployed cache handler.
        backend: an open backend to share, as for ``Client``.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: as for ``Client``.
        InvalidArgumentError: the prefix is no text, or the time is none.
    """

    def __init__(
        self,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        *,
        key_prefix: str = CACHE_KEY_PREFIX,
        ttl_s: float | None = CACHE_TTL_S,
        cache_function: str = CACHE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        if not isinstance(key_prefix, str):
            raise InvalidArgumentError("key_prefix must be a text.", field="key_prefix")
        measure(key_prefix, "key_prefix")
        scope = CacheScope(
            function=cache_function,
            key_prefix=key_prefix,
            ttl_s=0 if ttl_s is None else cache.checked_ttl_s(ttl_s),
        )
        super().__init__(deployment_url, admin_auth_token, backend=backend, options=options)
        self._target = replace(self._target, cache=scope)

    @property
    def key_prefix(self) -> str:
        """What every key begins with."""
        return self._target.cache.key_prefix


class ConvexServerCache(CacheClient, SyncClient):
    """Mastra's server cache on Convex, blocking.

    Args:
        key_prefix: what every key begins with. Caches with the same prefix are one cache, Mastra's
            included.
        ttl_s: seconds until what is written expires; None or 0 for never.
        cache_function: path of the deployed cache handler.

    The other arguments, and errors, are those of ``ConvexStore``. May be used inside a running
    event loop, from many threads, with or without ``with``.
    """

    get = blocking(cache.get)
    set = blocking(cache.set)
    list_length = blocking(cache.list_length)
    list_push = blocking(cache.list_push)
    list_from_to = blocking(cache.list_from_to)
    delete = blocking(cache.delete)
    clear = blocking(cache.clear)
    increment = blocking(cache.increment)


class AsyncConvexServerCache(CacheClient, AsyncClient):
    """Mastra's server cache on Convex, async.

    Args:
        key_prefix: what every key begins with. Caches with the same prefix are one cache, Mastra's
            included.
        ttl_s: seconds until what is written expires; None or 0 for never.
        cache_function: path of the deployed cache handler.

    The other arguments, and errors, are those of ``ConvexStore``. May be used from several event
    loops, with or without ``async with``.
    """

    get = nonblocking(cache.get)
    set = nonblocking(cache.set)
    list_length = nonblocking(cache.list_length)
    list_push = nonblocking(cache.list_push)
    list_from_to = nonblocking(cache.list_from_to)
    delete = nonblocking(cache.delete)
    clear = nonblocking(cache.clear)
    increment = nonblocking(cache.increment)
