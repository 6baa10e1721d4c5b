"""How a Convex document lies in a SQLite row, and how it comes back.

Every table has ``seq`` (the place of the row in the order of creation, see ``creation_time``),
``size`` in bytes, and a column per indexed field. Most keep the whole document as one JSON text;
``mastra_vectors`` keeps its embedding as little-endian float64 and its metadata as JSON of its
own, and numbers each write with a ``revision``, so that a search reads only what it needs and
only what is new. Native tables do likewise, and share one SQLite table. Called by ``transaction``
and ``migrations``; knows no handlers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import orjson

from convex_mastra.backends.embedded import js, keys, tables
from convex_mastra.backends.embedded.documents import CREATION_TIME, ID
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.native_tables import NativeTable
from convex_mastra.backends.embedded.tables import Table

_JSON_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY
_COLUMNS: Final = {
    tables.VECTORS.name: ("seq", "size", "_id", "indexName", "id", "metadata", "embedding"),
}
_NATIVE_COLUMNS: Final = ("seq", "size", "table", "_id", "record_id", "document", "embedding")
_DOCUMENT_COLUMNS: Final = ("seq", "size", "document")

Cells = dict[str, Any]
"""Column values by column name."""


class Row:
    """A stored document, decoded when first looked at."""

    __slots__ = ("_cells", "_document", "seq", "size", "table")

    def __init__(self, table: Table, cells: tuple[Any, ...]) -> None:
        self.table = table
        self.seq: int = cells[0]
        self.size: int = cells[1]
        self._cells = cells
        self._document: dict[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The whole document, fresh, its keys sorted."""
        if self._document is None:
            self._document = _decode(self.table, self._cells)
        return self._document

    def changes(self, document: dict[str, Any], size: int) -> Cells:
        """Return the columns that differ when *document* takes this one's place."""
        before: Cells = dict(zip(selected_columns(self.table), self._cells, strict=True))
        if not isinstance(self.table, NativeTable):  # where they are among the selected columns
            before |= _keys(self.table, self.document)
        after = encode(self.table, document, size)
        return {name: value for name, value in after.items() if value != before[name]}


def selected_columns(table: Table) -> tuple[str, ...]:
    """The columns that a ``Row`` is made from, in order."""
    if isinstance(table, NativeTable):
        return _NATIVE_COLUMNS
    return _COLUMNS.get(table.name, _DOCUMENT_COLUMNS)


def vector_index(table: Table, document: dict[str, Any]) -> str | None:
    """The name under which ``versions`` counts the writes to a document; None: it does not."""
    if isinstance(table, NativeTable):
        return table.version_name
    index_name: str | None = document["indexName"] if table is tables.VECTORS else None
    return index_name


def create_table(table: Table) -> str:
    """The SQL that makes a table's SQLite table."""
    columns = ["seq INTEGER PRIMARY KEY", "size INTEGER NOT NULL"]
    if table is tables.VECTORS:
        columns += ["_id TEXT NOT NULL", "metadata TEXT", "embedding BLOB NOT NULL"]
        columns += ["revision INTEGER NOT NULL"]
    else:
        columns += ["document TEXT NOT NULL"]
    columns += [f'"{name}"' for name in table.key_columns]
    return f'CREATE TABLE "{table.name}" ({", ".join(columns)})'


def create_index(table: Table, index: str) -> str:
    """The SQL that makes one index; ``seq`` follows its fields by itself, being the row's key."""
    columns = ", ".join(f'"{name}"' for name in table.indexes[index])
    return f'CREATE INDEX "{table.name}.{index}" ON "{table.name}" ({columns})'


def encode(table: Table, document: dict[str, Any], size: int) -> Cells:
    """Return what the row of *document* holds, except ``seq`` and ``revision``."""
    cells: Cells = {"size": size}
    try:
        if isinstance(table, NativeTable):
            return cells | _native_cells(table, document)
        cells |= _keys(table, document)
        if table is tables.VECTORS:
            cells["_id"] = document[ID]
            cells["embedding"] = _embedding_bytes(document["embedding"])
            if "metadata" in document:
                cells["metadata"] = _json(document["metadata"])
            else:
                cells["metadata"] = None
        else:
            cells["document"] = _json(document)
    except TypeError as error:  # text that JSON.parse made, with a lone surrogate
        raise Thrown(f"The document is not a valid Convex value: {error}") from None
    return cells


def creation_time(seq: int) -> float:
    """``_creationTime`` of a row in milliseconds: *seq* is its place among all float64s.

    So the order of rows is the order of creation, and a cursor stays valid when its row goes.
    """
    return keys.number_of(seq)


def seq_of(creation_time_ms: float) -> int:
    """The ``seq`` of a row created at that time."""
    return keys.of_number(creation_time_ms)


def _keys(table: Table, document: dict[str, Any]) -> Cells:
    return {name: keys.of(document.get(name, js.UNDEFINED)) for name in table.key_columns}


def _native_cells(table: NativeTable, document: dict[str, Any]) -> Cells:
    rest = {name: value for name, value in document.items() if name != table.vector_field}
    return {
        "table": table.name,
        "_id": document[ID],
        "record_id": keys.of(document[table.id_field]),
        "document": _json(rest),
        "embedding": _embedding_bytes(document[table.vector_field]),
    }


def _decode(table: Table, cells: tuple[Any, ...]) -> dict[str, Any]:
    if isinstance(table, NativeTable):
        document = orjson.loads(cells[5])
        document[table.vector_field] = _numbers(cells[6])
        return dict(sorted(document.items()))
    if table is tables.VECTORS:
        return _vector(cells)
    stored: dict[str, Any] = orjson.loads(cells[2])
    return stored


def _vector(cells: tuple[Any, ...]) -> dict[str, Any]:
    seq, _, identity, index_name, record_id, metadata, embedding = cells
    document = {
        CREATION_TIME: creation_time(seq),
        ID: identity,
        "embedding": _numbers(embedding),
        "id": record_id,
        "indexName": index_name,
    }
    if metadata is not None:
        document["metadata"] = orjson.loads(metadata)
    return document


def _json(value: Any) -> str:
    return orjson.dumps(value, option=_JSON_OPTIONS).decode()


def _numbers(embedding: bytes) -> Any:
    numbers = np.frombuffer(embedding, "<f8")
    if np.isfinite(numbers).all():
        return numbers
    return [js.encoded(number) for number in numbers.tolist()]


def _embedding_bytes(embedding: Any) -> bytes:
    if not isinstance(embedding, np.ndarray):
        embedding = np.array([js.number(item) for item in embedding], np.float64)
    return bytes(embedding.astype("<f8", copy=False).tobytes())
