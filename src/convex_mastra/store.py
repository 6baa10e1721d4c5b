"""``ConvexStore`` and ``AsyncConvexStore``: Mastra's storage domains behind one deployment.

A property for each domain of ``convex_mastra.domains``; nothing else.
"""

from __future__ import annotations

from convex_mastra.domains import AsyncMemory, Memory
from convex_mastra.face import AsyncClient, SyncClient


class ConvexStore(SyncClient):
    """Mastra's storage on Convex, blocking.

    ``ConvexStore().memory`` has threads, messages and resources. Arguments and errors are those
    of ``Client``. May be used inside a running event loop, from many threads, with or without
    ``with``.
    """

    @property
    def memory(self) -> Memory:
        """Threads, messages, resources."""
        return Memory(self.backend, self._target)


class AsyncConvexStore(AsyncClient):
    """Mastra's storage on Convex, async.

    ``AsyncConvexStore().memory`` has threads, messages and resources. Arguments and errors are
    those of ``Client``. May be used from several event loops, with or without ``async with``.
    """

    @property
    def memory(self) -> AsyncMemory:
        """Threads, messages, resources."""
        return AsyncMemory(self.backend, self._target)
