"""``ConvexSaver``: LangGraph's checkpoints on Convex.

The class that users construct, with LangGraph's names and signatures; what it does is in the other
rooms, as flows that are written once. The sync and the async methods of one object may be mixed, from
several threads and event loops.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)

from langchain_convex_mastra.checkpoints.base import SaverBase
from langchain_convex_mastra.checkpoints.history import History
from langchain_convex_mastra.checkpoints.versions import next_version


class ConvexSaver(SaverBase):
    """LangGraph's checkpoints in a Convex deployment with Mastra's stock functions, or in a file.

    A step costs two requests: one for its checkpoint, one for the writes of its task. A channel's
    value is stored once for each version. Reading the newest state costs the same however long the
    thread is. Values may be of any size. Several processes may write one thread.

    A saver remembers the newest checkpoints that it read or put, as the serialiser's bytes, 16 MiB
    at most. It asks with each read whether they are still the newest, so what other processes put
    or deleted is seen at once; every reader gets objects of its own.

    Values, checkpoints and metadata are what the serialiser makes of them. Thread ids, namespaces,
    channel names, versions, run ids and task ids are stored as they are, with an encrypting
    serialiser too.

    Constructing sends nothing and needs no running event loop. One object has sync and async
    methods, and may be used from several threads and event loops, with or without ``with``.

    Args:
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        storage_function: path of the deployed storage handler.
        backend: an open backend to share; closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.
        serde: makes bytes of values. None: LangGraph's own, which pickles nothing and, when it reads,
            makes only objects of classes that LangGraph knows to be safe (messages, documents,
            dates, its own types); of any other class it returns the data it was made of, with a
            warning. An ``EncryptedSerializer`` for which no inner one was chosen gets the same;
            any other decides for itself, and ``JsonPlusSerializer()`` makes whatever is named.
        allowed_msgpack_modules: further classes that may be made: those of a graph's state, as
            classes or as (module, name). Not together with a *serde* that decides for itself.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: *allowed_msgpack_modules* is no list of classes, or beside a
            *serde* that decides for itself.
    """

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that *config* names, or the newest of its thread and namespace.

        Raises:
            ScanLimitError: a stock deployment, and other processes wrote more than 10,000 pending
                writes, or 16 MiB of them, at its steps.

        Cost: three waits for the newest, two for a named one. One for the newest if this object
        knows it, and ``convex_mastra/documents:ranges`` is deployed.
        """
        return self._connection.read_tuple(self._desk, config)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Do what ``get_tuple`` does, without blocking the running loop."""
        return await self._connection.aread_tuple(self._desk, config)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Yield checkpoints, newest first, reading them in portions.

        Args:
            config: names a thread, and perhaps a namespace and a checkpoint. None: all threads.
            filter: metadata that must be equal, by key.
            before: names a checkpoint; only older ones.
            limit: how many at most.

        Raises:
            ScanLimitError: there are more threads, or subgraph namespaces of a thread, than a stock
                deployment lists (about 160,000).

        Cost: two waits for the first ten of a namespace, and two more to find the namespaces of a
        thread. All threads: two requests and more for each.
        """
        history = History(config, filter, before, limit)
        while tuples := self._connection.read_on(self._desk, history):
            yield from tuples

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Do what ``list`` does, without blocking the running loop."""
        history = History(config, filter, before, limit)
        while tuples := await self._connection.aread_on(self._desk, history):
            for one in tuples:
                yield one

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint, whole or not at all, and return the config that names it.

        Raises:
            LimitExceededError: the versions of its channels alone are larger than 1 MiB.

        Cost: one round trip for every 4 MiB; one wait more the first time for a thread.
        """
        return self._connection.put(self._desk, config, checkpoint, metadata, new_versions)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Do what ``put`` does, without blocking the running loop."""
        return await self._connection.aput(self._desk, config, checkpoint, metadata, new_versions)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store what a task wrote; the first call for a task counts, of special channels the last.

        Cost: one round trip; one wait more beyond 64 KiB.
        """
        self._connection.put_writes(self._desk, config, writes, task_id, task_path)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Do what ``put_writes`` does, without blocking the running loop."""
        await self._connection.aput_writes(self._desk, config, writes, task_id, task_path)

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread, in all namespaces.

        What a run of another process still writes to it meanwhile may stay; delete it again.

        Cost: a round trip for every 10 checkpoints and about three for every four steps.
        """
        self._connection.delete_thread(self._desk, thread_id)

    async def adelete_thread(self, thread_id: str) -> None:
        """Do what ``delete_thread`` does, without blocking the running loop."""
        await self._connection.adelete_thread(self._desk, thread_id)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints whose metadata has one of these ``run_id``, with their writes.

        Values that other checkpoints refer to stay; delta channels that need a deleted checkpoint
        cannot be rebuilt.

        Raises:
            InvalidArgumentError: *run_ids* is no list of texts. Nothing was deleted.

        Cost: as reading the headers of all namespaces that the runs wrote.
        """
        self._connection.delete_for_runs(self._desk, run_ids)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Do what ``delete_for_runs`` does, without blocking the running loop."""
        await self._connection.adelete_for_runs(self._desk, run_ids)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread into another, which keeps what it has.

        Cost: a round trip for every 10 rows that are read, and for every 4 MiB.
        """
        self._connection.copy_thread(self._desk, source_thread_id, target_thread_id)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Do what ``copy_thread`` does, without blocking the running loop."""
        await self._connection.acopy_thread(self._desk, source_thread_id, target_thread_id)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete all checkpoints of threads but the newest of each namespace.

        The ancestors that its delta channels are rebuilt from stay. A subgraph's call goes with the
        checkpoint of the root that it belongs to. Do not prune a thread that a run writes to.

        Args:
            strategy: ``keep_latest``, or ``delete`` for all.

        Raises:
            InvalidArgumentError: an unknown strategy, or *thread_ids* is no list. Nothing was
                deleted.

        Cost: as reading all headers of the threads.
        """
        self._connection.prune(self._desk, thread_ids, strategy)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Do what ``prune`` does, without blocking the running loop."""
        await self._connection.aprune(self._desk, thread_ids, strategy)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return the writes to delta channels since their last snapshot, and the snapshots.

        Cost: about five waits, whatever the distance; a round trip for every 10 ancestors and for
        every four steps.
        """
        return self._connection.read_delta(self._desk, config, channels)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Do what ``get_delta_channel_history`` does, without blocking the running loop."""
        return await self._connection.aread_delta(self._desk, config, channels)

    def get_next_version(self, current: str | None, channel: None) -> str:  # noqa: ARG002
        """Return a version of a channel that comes after *current*."""
        return next_version(current)
