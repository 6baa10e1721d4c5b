"""What the tests of both stores share: an embedding that needs no network, and both faces."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from llama_index.core.embeddings import BaseEmbedding

from convex_mastra import Backend, Event, Options, open_backend
from convex_mastra.wire import OWN_FUNCTIONS
from llama_index_convex_mastra import (
    ConvexDocumentStore,
    ConvexIndexStore,
    ConvexKVStore,
    ConvexVectorStore,
)
from tests.lanes import FACES, Deployment

DIMENSION = 24


def embed(text: str) -> list[float]:
    """A bag of hashed words: equal texts are equal, common words bring texts nearer."""
    vector = np.zeros(DIMENSION)
    for word in text.lower().split():
        vector += np.frombuffer(sha256(word.encode()).digest()[:DIMENSION], np.uint8) - 127.5
    return vector.tolist()


class WordEmbedding(BaseEmbedding):
    """``embed`` as llama-index wants it."""

    def _get_query_embedding(self, query: str) -> list[float]:
        return embed(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return embed(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return embed(text)


class Faced:
    """A store whose methods are all awaited: the blocking ones, or their async twins."""

    def __init__(self, store: Any, face: str) -> None:
        self.store = store
        self.face = face

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)
        if self.face == "async":
            has_long_prefix = name in ("add", "add_documents", "add_index_struct", "index_structs")
            method = getattr(self.store, ("async_" if has_long_prefix else "a") + name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return call


@dataclass
class Stores:
    """Both stores over one backend of a lane, of one face."""

    deployment: Deployment
    backend: Backend
    face: str
    name: str
    events: list[Event] = field(default_factory=list)

    def ask_mastra_alone(self) -> None:
        """Let the backend believe that none of our functions is deployed."""
        self.backend.abilities.update(dict.fromkeys(OWN_FUNCTIONS, False))

    @property
    def lane(self) -> str:
        return self.deployment.lane

    @property
    def index(self) -> ConvexVectorStore:
        return ConvexVectorStore(self.name, backend=self.backend)

    @property
    def docstore(self) -> ConvexDocumentStore:
        return ConvexDocumentStore(self.name, backend=self.backend)

    @property
    def kvstore(self) -> ConvexKVStore:
        return ConvexKVStore(self.name, backend=self.backend)

    @property
    def index_store(self) -> ConvexIndexStore:
        return ConvexIndexStore(self.name, backend=self.backend)

    @property
    def rows(self) -> Any:
        return Faced(self.kvstore, self.face)

    @property
    def structs(self) -> Any:
        return Faced(self.index_store, self.face)

    @property
    def vectors(self) -> Any:
        return Faced(self.index, self.face)

    @property
    def documents(self) -> Any:
        return Faced(self.docstore, self.face)

    def documents_over(self, backend: Any) -> Any:
        """The document store over another backend, of the same face."""
        return Faced(ConvexDocumentStore(self.name, backend=backend), self.face)

    def requests(self) -> list[str]:
        """The operations sent since the last call."""
        operations = [event.operation for event in self.events]
        self.events.clear()
        return operations

    def kinds(self) -> dict[str, int]:
        """How many of each kind of operation were sent since the last call."""
        kinds: dict[str, int] = {}
        for operation in self.requests():
            kind = operation.partition(" ")[0]
            kinds[kind] = kinds.get(kind, 0) + 1
        return kinds


@pytest_asyncio.fixture(params=FACES)
async def stores(
    request: pytest.FixtureRequest, deployment: Deployment, unique: Callable[[str], str]
) -> AsyncIterator[Stores]:
    """Both stores, on every lane, of both faces, with a name of their own."""
    events: list[Event] = []
    backend = open_backend(
        deployment.url, deployment.admin_key, options=Options(on_event=events.append)
    )
    yield Stores(deployment, backend, request.param, unique("llama"), events)
    await backend.aclose()


@pytest.fixture
def embed_model() -> WordEmbedding:
    return WordEmbedding()
