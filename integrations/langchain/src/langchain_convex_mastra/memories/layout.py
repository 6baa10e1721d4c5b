"""Where memories lie among Mastra's documents, and what their rows say.

A store is a set of partitions (logical tables of ``mastra_documents``) below ``langgraph/<name>``:

- ``<namespace>/items``: one JSON text a memory, under its key, split if it is large;
- ``<namespace>/keys``: one tiny row a memory: when it expires;
- ``<namespace>/vectors``: one tiny row for all vectors that were written for one put, see ``vectors``;
- ``namespaces/…`` and ``expiring/…``: which namespaces there are, see ``namespaces``.

A namespace is named by its JSON array, so that no character of a label can be taken for a
separator. Called by all rooms beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from convex_mastra import ProtocolError, jsontext
from convex_mastra.flow import Flow
from convex_mastra.limits import EXACT_INTEGER
from convex_mastra.ops.long_partitions import list_rows
from convex_mastra.ops.partitions import name_part
from convex_mastra.ops.storage import batches_by_size, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.timestamps import to_milliseconds
from convex_mastra.wire import encode

Namespace = tuple[str, ...]
Address = tuple[Namespace, str]
"""Of a memory: its namespace and key."""
ROOT: Final = "langgraph"
ROW_OVERHEAD_BYTES: Final = 200
"""System fields and column names around a small row, generously."""


@dataclass(frozen=True, slots=True)
class Indexing:
    """How memories are embedded.

    Attributes:
        dims: how long the vectors are.
        fields: which texts of a value, unless a put says otherwise.
    """

    dims: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A store on a deployment: what the flows of this package take first.

    Attributes:
        indexing: None if memories are not embedded.
        listed: until when, in milliseconds, a namespace needs not be listed again, by partition
            and namespace.
    """

    target: Target
    name: str
    indexing: Indexing | None = None
    listed: dict[tuple[str, Namespace], int] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """What the store's partitions begin with."""
        return f"{ROOT}/{name_part(self.name)}"

    @property
    def index_name(self) -> str:
        """Mastra's vector index of this store."""
        return f"{ROOT}_{self.name}"

    def items(self, namespace: Namespace) -> str:
        """The partition of a namespace's memories."""
        return f"{self.root}/{name_part(namespace_id(namespace))}/items"

    def keys(self, namespace: Namespace) -> str:
        """The partition of the tiny rows beside them."""
        return f"{self.root}/{name_part(namespace_id(namespace))}/keys"

    def vectors(self, namespace: Namespace) -> str:
        """The partition that says which vectors there are."""
        return f"{self.root}/{name_part(namespace_id(namespace))}/vectors"

    def now_ms(self) -> int:
        """The time now, in milliseconds since 1970."""
        return to_milliseconds(self.target.clock.now())


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory as it is stored.

    Attributes:
        value: ``{}`` in one that is to be written, whose value is a text already.
        ttl: minutes after which it expires if nobody reads it; None: never.
        version: differs for every put; vectors of another version are not this memory's.
        vectors: how many it has.
    """

    namespace: Namespace
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    ttl: float | None
    version: str
    vectors: int

    @property
    def address(self) -> Address:
        """Which memory of its store it is."""
        return self.namespace, self.key


@dataclass(frozen=True, slots=True)
class KeyRow:
    """The tiny row beside a memory.

    Attributes:
        expires_ms: when it expires, in milliseconds since 1970; None: never.
    """

    key: str
    expires_ms: int | None

    def is_expired(self, now_ms: int) -> bool:
        """Whether its time is over."""
        return self.expires_ms is not None and self.expires_ms <= now_ms


def namespace_id(namespace: Namespace) -> str:
    """The text that names a namespace, and no other."""
    return jsontext.dumps(list(namespace), "namespace")


def namespace_of(text: str) -> Namespace:
    """The namespace that a text names.

    Raises:
        ProtocolError: ``namespace_id`` does not write such texts.
    """
    labels = jsontext.loads_or_none(text)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ProtocolError(f"A row lists something that is no namespace: {text!r:.80}.")
    return tuple(labels)


def memory_text(memory: Memory, value_text: str) -> str:
    """The JSON text of a memory, whose value is written already."""
    head = {
        "namespace": list(memory.namespace),
        "key": memory.key,
        "created_at": memory.created_at.isoformat(),
        "updated_at": memory.updated_at.isoformat(),
        "ttl": memory.ttl,
        "version": memory.version,
        "vectors": memory.vectors,
    }
    return f'{jsontext.dumps(head, "memory")[:-1]},"value":{value_text}}}'


def memory_of(text: str, key: str) -> Memory:
    """The memory that a JSON text says.

    Raises:
        ProtocolError: ``memory_text`` does not write such texts.
    """
    try:
        stored = jsontext.loads(text)
        memory = Memory(
            namespace=tuple(stored["namespace"]),
            key=stored["key"],
            value=stored["value"],
            created_at=datetime.fromisoformat(stored["created_at"]),
            updated_at=datetime.fromisoformat(stored["updated_at"]),
            ttl=stored["ttl"],
            version=stored["version"],
            vectors=stored["vectors"],
        )
    except (ValueError, TypeError, KeyError):
        memory = None
    if memory is None or not isinstance(memory.value, dict) or memory.key != key:
        raise ProtocolError(f"The document under {key!r:.80} is no memory of this library.")
    return memory


def first_expiry_ms(memory: Memory) -> int | None:
    """When a memory expires that nobody reads."""
    if memory.ttl is None:
        return None
    return to_milliseconds(memory.updated_at) + ttl_ms(memory.ttl)


def is_live(place: Place, memory: Memory, row: KeyRow | None) -> bool:
    """Whether a memory has not expired, given the row beside it, which may be missing."""
    if memory.ttl is None:
        return True
    expires = row.expires_ms if row and row.expires_ms is not None else first_expiry_ms(memory)
    return expires is None or expires > place.now_ms()


def ttl_ms(minutes: float) -> int:
    """Minutes as milliseconds."""
    return round(minutes * 60_000)


def key_rows(place: Place, namespace: Namespace) -> Flow[dict[str, KeyRow]]:
    """Return the rows beside the memories of a namespace, by key. One round trip."""
    rows = yield from list_rows(place.target, place.keys(namespace))
    return {row["id"]: key_row_of(row) for row in rows}


def count_of(row: Row, column: str) -> int:
    """The count, or the time in milliseconds, that a small row has in a column.

    Raises:
        ProtocolError: it has none.
    """
    count = row.get(column)
    if not isinstance(count, int | float) or not 0 <= count <= EXACT_INTEGER:
        raise ProtocolError(f"The row {row['id']!r:.80} is none of this library's: no {column}.")
    return int(count)


def key_row_of(row: Row) -> KeyRow:
    """The row beside a memory, as it is stored.

    Raises:
        ProtocolError: it is something else.
    """
    is_kept = row.get("expires") is None
    return KeyRow(row["id"], None if is_kept else count_of(row, "expires"))


def put_key_rows(place: Place, namespace: Namespace, rows: Iterable[KeyRow]) -> Flow[None]:
    """Write rows beside memories; one round trip."""
    stored = [{"id": row.key, "expires": row.expires_ms} for row in rows]
    yield from put_small(place.target, place.keys(namespace), stored)


def put_small(target: Target, partition: str, rows: Sequence[Row]) -> Flow[None]:
    """Write rows that are small; one round trip for as many as a request carries."""
    sized = [(row, size := len(encode(row)) + ROW_OVERHEAD_BYTES, size) for row in rows]
    yield from upsert_rows(target, partition, batches_by_size(sized))
