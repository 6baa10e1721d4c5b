"""``ConvexStore`` and ``AsyncConvexStore``: Mastra's storage domains behind one deployment.

A property for each domain of ``convex_mastra.domains``, and a look at the deployment itself.
"""

from __future__ import annotations

from convex_mastra.domains import (
    AsyncBackgroundTasks,
    AsyncChannels,
    AsyncMemory,
    AsyncSchedules,
    AsyncScores,
    AsyncWorkflows,
    BackgroundTasks,
    Channels,
    Memory,
    Schedules,
    Scores,
    Workflows,
)
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.ops import inspection


class ConvexStore(SyncClient):
    """Mastra's storage on Convex, blocking.

    Its domains are properties: ``memory``, ``workflows``, ``schedules``, ``channels``,
    ``background_tasks`` and ``scores``. May be used inside a running event loop, from many threads,
    with or without ``with``.

    Args:
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        storage_function: path of the deployed storage handler.
        backend: what ``open_backend`` returned, to share it; then no other place may be named, and
            closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
    """

    @property
    def memory(self) -> Memory:
        """Threads, messages, resources, observational memory."""
        return Memory(self.backend, self._target)

    @property
    def workflows(self) -> Workflows:
        """Workflow runs and their snapshots."""
        return Workflows(self.backend, self._target)

    @property
    def background_tasks(self) -> BackgroundTasks:
        """Tool calls that outlive the turn which made them."""
        return BackgroundTasks(self.backend, self._target)

    @property
    def scores(self) -> Scores:
        """What scorers said about runs."""
        return Scores(self.backend, self._target)

    @property
    def schedules(self) -> Schedules:
        """Schedules and their history."""
        return Schedules(self.backend, self._target)

    @property
    def channels(self) -> Channels:
        """Channel installations and configurations."""
        return Channels(self.backend, self._target)

    inspect = blocking(inspection.inspect)


class AsyncConvexStore(AsyncClient):
    """Mastra's storage on Convex, async.

    Its domains are those of ``ConvexStore``, their methods are awaited. May be used from several
    event loops, with or without ``async with``.

    Args:
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        storage_function: path of the deployed storage handler.
        backend: what ``open_backend`` returned, to share it; then no other place may be named, and
            closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
    """

    @property
    def memory(self) -> AsyncMemory:
        """Threads, messages, resources, observational memory."""
        return AsyncMemory(self.backend, self._target)

    @property
    def workflows(self) -> AsyncWorkflows:
        """Workflow runs and their snapshots."""
        return AsyncWorkflows(self.backend, self._target)

    @property
    def background_tasks(self) -> AsyncBackgroundTasks:
        """Tool calls that outlive the turn which made them."""
        return AsyncBackgroundTasks(self.backend, self._target)

    @property
    def scores(self) -> AsyncScores:
        """What scorers said about runs."""
        return AsyncScores(self.backend, self._target)

    @property
    def schedules(self) -> AsyncSchedules:
        """Schedules and their history."""
        return AsyncSchedules(self.backend, self._target)

    @property
    def channels(self) -> AsyncChannels:
        """Channel installations and configurations."""
        return AsyncChannels(self.backend, self._target)

    inspect = nonblocking(inspection.inspect)
