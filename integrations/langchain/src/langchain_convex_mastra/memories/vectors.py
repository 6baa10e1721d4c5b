"""The vectors of memories, in an ordinary vector index of Mastra's.

Each put writes vectors under a version of its own, which its memory names: until the memory is
written, the one before keeps its vectors, and of two writers the one that wins has its own. A tiny
row lists every version before its vectors are written, so that they are found and deleted whatever
happened to the put. Called by ``writes``, ``expiry`` and ``search``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from convex_mastra import InvalidArgumentError, ScanLimitError
from convex_mastra.flow import Flow
from convex_mastra.limits import MIB
from convex_mastra.ops.long_partitions import list_rows
from convex_mastra.ops.storage import delete_rows
from convex_mastra.ops.vector_arguments import sized_row
from convex_mastra.records import Row
from convex_mastra.scoring import Vector
from convex_mastra.wire import vector_table
from langchain_convex_mastra.embedding import embed_texts
from langchain_convex_mastra.memories.layout import Memory, Namespace, Place, count_of, put_small

TEXT_CHARACTERS: Final = MIB // 16
"""Of what was embedded, so much stands beside the vector."""
UNDER_WAY_MS: Final = 10 * 60 * 1000
"""So long a version that no memory names may be that of a put which is not done yet."""


@dataclass(frozen=True, slots=True)
class Version:
    """The vectors that were written for one put, or were about to be.

    Attributes:
        listed_ms: when, in milliseconds since 1970.
    """

    id: str
    key: str
    vectors: int
    listed_ms: int

    def vector_ids(self) -> list[str]:
        """Under which ids they are."""
        return vector_ids(self.id, self.vectors)


Versions = dict[str, list[Version]]
"""Versions by the key that they are of."""


def vector_ids(version: str, count: int) -> list[str]:
    """Under which ids the vectors of a version are."""
    return [f"{version}/{number}" for number in range(count)]


def embed(place: Place, texts: Iterable[str]) -> Flow[dict[str, Vector]]:
    """Return the vectors of texts, each embedded once.

    Raises:
        InvalidArgumentError: the embedding returned something else, or another dimension.
    """
    distinct = list(dict.fromkeys(texts))
    if not distinct or place.indexing is None:
        return {}
    matrix = yield from embed_texts(distinct)
    if matrix.shape[1] != place.indexing.dims:
        raise InvalidArgumentError(
            f"The embeddings have {matrix.shape[1]} dimensions; index says {place.indexing.dims}.",
            field="index.dims",
        )
    return dict(zip(distinct, matrix, strict=True))


def vector_rows(
    memory: Memory, texts: Sequence[tuple[str, str]], vectors: Mapping[str, Vector]
) -> list[tuple[Row, int, int]]:
    """Return the rows of a memory's vectors, with their sizes.

    What Mastra's RAG tools read, and whose vector it is, stands beside each.

    Raises:
        LimitExceededError: its key and namespace are larger than a document.
    """
    rows = []
    for vector_id, (path, text) in zip(vector_ids(memory.version, len(texts)), texts, strict=True):
        about = {
            "text": _unicode(text[:TEXT_CHARACTERS]),
            "namespace": list(memory.namespace),
            "key": memory.key,
            "path": path,
            "version": memory.version,
        }
        rows.append(sized_row(vector_id, vectors[text], about, f"vector of {memory.key!r:.80}"))
    return rows


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def whose(about: Mapping[str, Any] | None) -> tuple[tuple[Namespace, str], str | None]:
    """Of which memory and version a vector is; of none if someone else wrote it."""
    try:
        if about is not None:
            return (tuple(about["namespace"]), about["key"]), about["version"]
    except (TypeError, KeyError):
        pass
    return ((), ""), None


def list_versions(place: Place, memories: Iterable[Memory]) -> list[Flow[None]]:
    """List the versions of memories that are about to be written; one round trip a namespace."""
    rows: defaultdict[Namespace, list[Row]] = defaultdict(list)
    for memory in memories:
        if memory.vectors:
            row = {"id": memory.version, "key": memory.key, "vectors": memory.vectors}
            rows[memory.namespace].append(row | {"listed": place.now_ms()})
    return [
        put_small(place.target, place.vectors(namespace), some) for namespace, some in rows.items()
    ]


def versions_of(place: Place, namespace: Namespace) -> Flow[Versions]:
    """Return the versions that are listed in a namespace. One round trip."""
    found: Versions = defaultdict(list)
    try:
        rows = yield from list_rows(place.target, place.vectors(namespace))
    except ScanLimitError:
        return found  # of so many, those that memories name are dropped with them
    for row in rows:
        version = Version(
            row["id"], str(row.get("key")), count_of(row, "vectors"), count_of(row, "listed")
        )
        found[version.key].append(version)
    return found


def obsolete(place: Place, versions: Iterable[Version], replaced: Memory | None) -> list[Version]:
    """Those of a key's versions that no memory names any more, once *replaced* is replaced."""
    old = place.now_ms() - UNDER_WAY_MS
    name = None if replaced is None else replaced.version
    return [one for one in versions if one.id == name or one.listed_ms <= old]


def version_of(memory: Memory) -> Version:
    """The version that a memory names."""
    return Version(memory.version, memory.key, memory.vectors, 0)


def drop_versions(place: Place, namespace: Namespace, versions: Sequence[Version]) -> Flow[None]:
    """Delete vectors, then take them off the list. Two round trips; none for no versions."""
    ids = [one for version in versions for one in version.vector_ids()]
    yield from delete_rows(place.target, vector_table(place.index_name), ids)
    yield from delete_rows(place.target, place.vectors(namespace), [one.id for one in versions])
