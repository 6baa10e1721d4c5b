"""Vector stores of both kinds and faces, for tests, and an embedding that needs no model."""

from __future__ import annotations

from typing import Any, Final

from langchain_core.embeddings import Embeddings

from convex_mastra import Backend, ConvexNativeVector, NativeIndex
from langchain_convex_mastra import ConvexVectorStore
from tests.lanes import Awaited, Deployment
from tests.native import INDEXES

KINDS: Final = ["scanned", "native"]
NATIVE: Final = INDEXES["docs"]
"""Two dimensions, filtered on ``tag`` and ``page``; shared by all tests of a deployment."""


class Directions(Embeddings):
    """Embeds ``x,y`` as that direction; counts what it is asked, under which face."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.faces: set[str] = set()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.faces.add("sync")
        return [self._embed(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        self.faces.add("sync")
        return self._embed(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        self.faces.add("async")
        return [self._embed(text) for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        self.faces.add("async")
        return self._embed(text)

    def _embed(self, text: str) -> list[float]:
        self.asked.append(text)
        return [float(number) for number in text.split(",")]


class OneFace:
    """A store whose methods are all awaited, those of one face."""

    def __init__(self, store: Any, face: str) -> None:
        self.store = store
        self._prefix = "a" if face == "async" else ""

    def __getattr__(self, name: str) -> Any:
        return getattr(Awaited(self.store), self._prefix + name)


def place(deployment: Deployment) -> dict[str, Any]:
    """Where a deployment is, as arguments."""
    return {
        "deployment_url": deployment.url,
        "admin_auth_token": deployment.admin_key,
        "storage_function": deployment.storage_function,
    }


def index_of(kind: str, name: str, native: NativeIndex = NATIVE) -> dict[str, Any]:
    """An index of one kind, as an argument; *name* is the scanned one's."""
    return {"index_name": name} if kind == "scanned" else {"native_index": native}


def store_on(
    deployment: Deployment, kind: str, name: str, embedding: Embeddings | None = None, **more: Any
) -> ConvexVectorStore:
    return ConvexVectorStore(
        embedding or Directions(), **index_of(kind, name), **place(deployment), **more
    )


def empty(backend: Backend, native: NativeIndex = NATIVE) -> None:
    """Delete what a test left in a native table, which others share."""
    vectors = ConvexNativeVector({"table": native}, backend=backend)
    while found := vectors.query("table", [1] * native.dimension, top_k=256):
        vectors.delete_vectors("table", [match.id for match in found])
