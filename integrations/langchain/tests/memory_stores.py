"""Memory stores for tests: on a lane, of one face, with a clock that can be put forward."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from convex_mastra import Backend, ConvexVector, Options, open_backend
from convex_mastra.face import SyncClient, blocking
from convex_mastra.ops.partitions import SHARDS
from convex_mastra.ops.storage import query_rows
from convex_mastra.timestamps import Clock
from integrations.langchain.tests.stores import Directions, OneFace
from langchain_convex_mastra import ConvexMemoryStore
from langchain_convex_mastra.memories.layout import Place
from tests.lanes import FACES, Deployment, on_lanes

Unique = Callable[[str], str]
MINUTE = 60.0
embedded_only = on_lanes(["embedded"])
"""For what no handler has a part in."""


class Raw(SyncClient):
    """Rows as they are stored."""

    rows = blocking(query_rows)


@dataclass
class Stores:
    """Stores of one name on one backend of a lane, of one face."""

    deployment: Deployment
    backend: Backend
    name: str
    face: str
    events: list[Any]

    def open(self, **more: Any) -> OneFace:
        """A store; more of them share their memories."""
        more.setdefault("name", self.name)
        more.setdefault("backend", self.backend)
        store = ConvexMemoryStore(storage_function=self.deployment.storage_function, **more)
        return OneFace(store, self.face)

    def indexed(self, embedding: Any = None, **more: Any) -> OneFace:
        """A store that embeds the field ``at``."""
        fields = more.pop("fields", ["at"])
        return self.open(
            index={"dims": 2, "embed": embedding or Directions(), "fields": fields}, **more
        )

    def requests(self) -> list[str]:
        """The operations sent since the last call, without the store's name."""
        root = place_of(self.open()).root
        operations = [event.operation.replace(root, "") for event in self.events]
        self.events.clear()
        return operations

    def rows(self, partition: str) -> list[dict[str, Any]]:
        """Rows of a logical table below the store's."""
        raw = Raw(backend=self.backend, storage_function=self.deployment.storage_function)
        return raw.rows(f"{place_of(self.open()).root}/{partition}", {})

    def vectors(self) -> list[dict[str, Any]]:
        """The metadata of all vectors."""
        vector = ConvexVector(
            backend=self.backend, storage_function=self.deployment.storage_function
        )
        return [one.metadata or {} for one in vector.list_vectors(f"langgraph_{self.name}")]

    def rows_of(self, *namespaces: tuple[str, ...]) -> list[str]:
        """Ids of all rows that memories of namespaces left."""
        place = place_of(self.open())
        tables = [
            table.removeprefix(f"{place.root}/")
            for one in namespaces
            for items in [place.items(one)]
            for table in (
                items,
                f"{items}#parts",
                f"{items}#versions",
                place.keys(one),
                place.vectors(one),
            )
        ]
        return [row["id"] for table in tables for row in self.rows(table)]

    def listed(self, kind: str = "namespaces") -> set[str]:
        """Which namespaces are listed."""
        return {row["id"] for name in SHARDS for row in self.rows(f"{kind}/{name}")}


def place_of(store: OneFace) -> Place:
    return store.store._place


def at(store: OneFace, minutes: float) -> OneFace:
    """Put a store's clock forward."""
    place = place_of(store)
    clock = Clock(lambda: time.time() + minutes * MINUTE)
    store.store._place = replace(place, target=replace(place.target, clock=clock))
    return store


@pytest_asyncio.fixture(params=FACES)
async def stores(
    request: pytest.FixtureRequest, deployment: Deployment, unique: Unique
) -> AsyncIterator[Stores]:
    events: list[Any] = []
    backend = open_backend(
        deployment.url, deployment.admin_key, options=Options(on_event=events.append)
    )
    yield Stores(deployment, backend, unique("store"), request.param, events)
    await backend.aclose()
