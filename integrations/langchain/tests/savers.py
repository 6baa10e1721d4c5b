"""What the saver's tests have in common: savers on a lane, both faces, and what they sent."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, empty_checkpoint
from langgraph.checkpoint.base.id import uuid6

from convex_mastra import Options, open_backend
from langchain_convex_mastra import ConvexSaver
from tests.lanes import Deployment


class SyncSaver(BaseCheckpointSaver[str]):
    """The async methods of a saver, done by its sync ones, for suites that only await."""

    def __init__(self, saver: ConvexSaver) -> None:
        super().__init__(serde=saver.serde)
        self.saver = saver

    async def aget_tuple(self, config: Any) -> Any:
        return self.saver.get_tuple(config)

    async def alist(self, config: Any, **kwargs: Any) -> AsyncIterator[Any]:
        for one in self.saver.list(config, **kwargs):
            yield one

    async def aput(self, *args: Any) -> Any:
        return self.saver.put(*args)

    async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
        self.saver.put_writes(*args, **kwargs)

    async def adelete_thread(self, thread_id: str) -> None:
        self.saver.delete_thread(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        self.saver.delete_for_runs(run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        self.saver.copy_thread(source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        self.saver.prune(thread_ids, strategy=strategy)

    async def aget_delta_channel_history(self, *, config: Any, channels: Any) -> Any:
        return self.saver.get_delta_channel_history(config=config, channels=channels)

    def get_next_version(self, current: Any, channel: None) -> str:
        return self.saver.get_next_version(current, channel)


class Savers:
    """Savers of one face on one deployment, each as another process would have it."""

    def __init__(self, deployment: Deployment, face: str) -> None:
        self.deployment = deployment
        self.face = face
        self.events: list[str] = []
        self.backend = open_backend(
            deployment.url,
            deployment.admin_key,
            options=Options(on_event=lambda event: self.events.append(event.operation)),
        )

    def plain(self, **options: Any) -> ConvexSaver:
        return ConvexSaver(
            backend=self.backend, storage_function=self.deployment.storage_function, **options
        )

    def open(self, **options: Any) -> Any:
        """A saver whose methods are awaited."""
        saver = self.plain(**options)
        return saver if self.face == "async" else SyncSaver(saver)

    def sent(self) -> list[str]:
        """The operations since the last call, without the names of threads."""
        sent = [event.replace("langgraph/", "", 1).split("/")[0] for event in self.events]
        self.events.clear()
        return sent


def config_for(thread: str, checkpoint_id: str | None = None, namespace: str = "") -> Any:
    """A config of a thread."""
    named = {} if checkpoint_id is None else {"checkpoint_id": checkpoint_id}
    return {"configurable": {"thread_id": thread, "checkpoint_ns": namespace, **named}}


def id_of(config: Any) -> str:
    """The checkpoint that a config names."""
    return str(config["configurable"]["checkpoint_id"])


class Chain:
    """Checkpoints of a thread, put one after another as Pregel does."""

    def __init__(self, saver: Any, thread: str, namespace: str = "") -> None:
        self.saver = saver
        self.config: RunnableConfig = config_for(thread, namespace=namespace)
        self.versions: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self.step = -1

    async def put(self, /, changes: dict[str, Any] | None = None, **metadata: Any) -> Any:
        """Put the next checkpoint, in which *changes* got new versions."""
        changes = changes or {}
        new = {name: self.saver.get_next_version(self.versions.get(name), None) for name in changes}
        self.versions = {**self.versions, **new}
        self.values = {**self.values, **changes}
        checkpoint = {
            **empty_checkpoint(),
            "v": 4,
            "id": str(uuid6(clock_seq=self.step)),
            "channel_values": dict(self.values),
            "channel_versions": dict(self.versions),
        }
        about = {"source": "loop", "step": self.step, "parents": {}, **metadata}
        self.config = await self.saver.aput(self.config, checkpoint, about, new)
        self.step += 1
        return self.config


async def listed(saver: Any, config: Any, **options: Any) -> list[CheckpointTuple]:
    return [one async for one in saver.alist(config, **options)]


def rows_left(database: Any) -> list[str]:
    """The keys of all rows that a saver has in a database file."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            'SELECT "table", primaryKey FROM mastra_documents WHERE "table" LIKE \'langgraph/%\''
        )
        return [f"{table} {key}" for table, key in rows]
