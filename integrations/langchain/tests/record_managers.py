"""What the tests of the record manager share: managers of both faces, and a model with a clock."""

from __future__ import annotations

from typing import Any

from langchain_core.indexing import InMemoryRecordManager

from convex_mastra import ConvexDocuments
from convex_mastra.backends import Backend
from convex_mastra.ops.partitions import SHARDS, shard_of
from langchain_convex_mastra import ConvexRecordManager
from langchain_convex_mastra.record_layout import Partitions
from tests.lanes import Awaited, Deployment


class OneFace:
    """A manager whose methods are all awaited, those of one face."""

    def __init__(self, manager: Any, face: str) -> None:
        self.manager = manager
        self._prefix = "a" if face == "async" else ""

    def __getattr__(self, name: str) -> Any:
        return getattr(Awaited(self.manager), self._prefix + name)


def manager_on(deployment: Deployment, backend: Backend, namespace: str) -> ConvexRecordManager:
    return ConvexRecordManager(
        namespace, backend=backend, storage_function=deployment.storage_function
    )


def rows_of(deployment: Deployment, backend: Backend, namespace: str) -> dict[str, str]:
    """All list rows of a namespace."""
    documents = ConvexDocuments(backend=backend, storage_function=deployment.storage_function)
    partitions = Partitions(namespace)
    return {
        key: text
        for shard in SHARDS
        for key, text in documents.list_documents(partitions.listing(shard)).items()
    }


class Model(InMemoryRecordManager):
    """LangChain's own manager; its time is how often it was asked for."""

    def __init__(self, namespace: str) -> None:
        super().__init__(namespace)
        self.asked = 0.0

    def get_time(self) -> float:
        self.asked += 1
        return self.asked


def groups_of_two_lists() -> tuple[str, str]:
    """Two group ids whose records lie in different lists."""
    first = "group-0"
    return first, next(
        name
        for name in (f"group-{number}" for number in range(1, 99))
        if shard_of(name) != shard_of(first)
    )
