"""``ConvexCache``: what models answered, kept in a Convex deployment for all who ask the same.

The class that users construct and hand to ``set_llm_cache``. Where a text is kept is in
``cached_texts``, what it says in ``generations``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from langchain_core.caches import BaseCache
from langchain_core.outputs import Generation

from convex_mastra import Backend, Options
from convex_mastra.connected import Connected
from convex_mastra.wire import CACHE_FUNCTION, STORAGE_FUNCTION
from langchain_convex_mastra.cached_texts import CachedTexts
from langchain_convex_mastra.generations import generations_of, text_of
from langchain_convex_mastra.keywords import refuse

KEY_PREFIX: Final = "langchain:llm:"


class ConvexCache(Connected[CachedTexts], BaseCache):
    """A LangChain cache of model answers on Convex, shared by all processes that use it.

    ``set_llm_cache(ConvexCache())`` for all models, or ``cache=ConvexCache()`` for one. An answer
    comes back as it was, as far as JSON goes: usage, tool calls and content blocks included. Of
    the prompt and the model's settings only a digest is kept.

    With Mastra's cache function deployed (since ``@mastra/convex`` 1.1) answers are its entries;
    without it, or beyond 256 KiB, they are documents, which any deployment takes. Time is told by
    the writer's clock, and judged by the deployment's, of documents by the reader's.

    A failure is raised, as LangChain leaves it to its caches: a deployment that cannot be reached
    fails the model's call. An entry that cannot be read is a miss, and never an error.

    Constructing sends nothing and needs no running event loop. One object may be used from several
    threads and event loops, with or without ``with``.

    Args:
        ttl_s: seconds until an answer expires; None or 0 for never.
        key_prefix: what every key begins with. Caches with the same prefix are one cache; ``clear``
            deletes what was written with exactly this one.
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        cache_function: path of the deployed cache handler.
        storage_function: path of the deployed storage handler.
        backend: an open backend to share, from ``convex_mastra.open_backend()`` or another
            store's ``backend``. Closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: *ttl_s* is no time, or *key_prefix* no text.
    """

    def __init__(
        self,
        *,
        ttl_s: float | None = None,
        key_prefix: str = KEY_PREFIX,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        cache_function: str = CACHE_FUNCTION,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        self._connection = CachedTexts(
            deployment_url,
            admin_auth_token,
            key_prefix=key_prefix,
            ttl_s=ttl_s,
            cache_function=cache_function,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key_prefix={self.key_prefix!r}, backend={self.backend!r})"

    @property
    def key_prefix(self) -> str:
        """What every key begins with."""
        return self._connection.key_prefix

    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """Return what was cached for a prompt and a model's settings; None if nothing was.

        Cost: one round trip; two for an answer beyond 256 KiB, more beyond 1 MiB.
        """
        text = self._connection.get(_key(prompt, llm_string))
        return None if text is None else generations_of(text)

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """Do what ``lookup`` does, without blocking the running loop."""
        text = await self._connection.aget(_key(prompt, llm_string))
        return None if text is None else generations_of(text)

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Cache an answer, in place of the one before; the last of several writers wins.

        Raises:
            InvalidArgumentError: it holds something that would not come back from JSON, or a
                message of a class that is not LangChain's own. Nothing was sent.

        Cost: one round trip; two for an answer beyond 256 KiB, more beyond 1 MiB.
        """
        self._connection.put(_key(prompt, llm_string), text_of(return_val))

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Do what ``update`` does, without blocking the running loop."""
        await self._connection.aput(_key(prompt, llm_string), text_of(return_val))

    def clear(self, **kwargs: Any) -> None:
        """Delete all answers of this cache's ``key_prefix``.

        Raises:
            TypeError: any argument; more than was meant would be deleted.
            UnfinishedError: there were more than 25,000; call it again.

        Cost: one round trip for every 25.
        """
        refuse(kwargs)
        self._connection.clear()

    async def aclear(self, **kwargs: Any) -> None:
        """Do what ``clear`` does, without blocking the running loop."""
        refuse(kwargs)
        await self._connection.aclear()


def _key(prompt: str, llm_string: str) -> str:
    return sha256(json.dumps([prompt, llm_string]).encode()).hexdigest()
