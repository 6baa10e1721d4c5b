"""Tables with a vector index of their own, which a Convex project declares in its schema.

Nothing is deployed here, so the first ``upsert`` that names such a table declares it: dimension,
names of fields and of indexes are those of its ``config``, and hold from then on. All of them
share one SQLite table. Called by ``handlers.native_vectors``; ``rows`` says how a row lies there.

DIFFERS: a deployment refuses a table that its schema does not declare; here it is an empty one
until it is written to. Filter fields may hold any value, and grow by those of later writes.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, Final, Self

import orjson

from convex_mastra import limits
from convex_mastra.backends.embedded import js, tables
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.tables import Fields, Table
from convex_mastra.backends.embedded.validators import ANY, NUMBERS, STRING, optional
from convex_mastra.wire import Json

STORED_IN: Final = "native_vectors"
BY_CONVEX_ID: Final = "by_id"
"""Convex's own index of every table."""
CREATE: Final = (
    "CREATE TABLE native_tables (name TEXT PRIMARY KEY, config TEXT NOT NULL) WITHOUT ROWID",
    (
        f"CREATE TABLE {STORED_IN} (seq INTEGER PRIMARY KEY, size INTEGER NOT NULL, "
        '"table" TEXT NOT NULL, _id TEXT NOT NULL, record_id TEXT NOT NULL, '
        "document TEXT NOT NULL, embedding BLOB NOT NULL, revision INTEGER NOT NULL)"
    ),
    f'CREATE INDEX "{STORED_IN}.table" ON {STORED_IN} ("table")',
    f'CREATE INDEX "{STORED_IN}.record_id" ON {STORED_IN} ("table", record_id)',
    f'CREATE INDEX "{STORED_IN}.revision" ON {STORED_IN} ("table", revision)',
    f'CREATE UNIQUE INDEX "{STORED_IN}._id" ON {STORED_IN} (_id)',
)
TABLES_REMEMBERED: Final = 256
_FIND: Final = "SELECT config FROM native_tables WHERE name = ?"
_OWNER: Final = (
    f'SELECT config FROM {STORED_IN} JOIN native_tables ON name = "table" '  # noqa: S608
    "WHERE _id = ?"
)
_PUT: Final = "INSERT OR REPLACE INTO native_tables (name, config) VALUES (?, ?)"
_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_MASTRAS: Final = frozenset(table.name for table in tables.ALL)


@dataclass(frozen=True, slots=True)
class Config:
    """What the functions' ``config`` says of a table, Mastra's defaults filled in.

    Attributes:
        dimension: None where it says none.
    """

    table_name: str
    vector_index_name: str
    dimension: float | None
    id_field: str
    id_index_name: str
    vector_field: str
    metadata_field: str
    filter_fields: tuple[str, ...]

    @classmethod
    def of(cls, config: Json) -> Self:
        """Read a ``config`` that its validator accepted."""
        dimension = config.get("dimension")
        return cls(
            table_name=config["tableName"],
            vector_index_name=config["vectorIndexName"],
            dimension=js.number(dimension) if isinstance(dimension, dict) else dimension,
            id_field=config.get("idField", "id"),
            id_index_name=config.get("idIndexName", tables.BY_ID),
            vector_field=config.get("vectorField", "embedding"),
            metadata_field=config.get("metadataField", "metadata"),
            filter_fields=tuple(config.get("filterFields", ())),
        )


@dataclass(frozen=True, eq=False)
class NativeTable(Table):
    """A declared table; ``fields`` and ``indexes`` are those of its ``config``."""

    config: Config
    dimension: int

    @property
    def id_field(self) -> str:
        """The field that holds a record's id."""
        return self.config.id_field

    @property
    def vector_field(self) -> str:
        """The field that holds the vector."""
        return self.config.vector_field

    @property
    def stored_in(self) -> str:
        """The SQLite table of all native tables."""
        return STORED_IN

    @property
    def partition(self) -> tuple[str, ...]:
        """What its rows hold in the column ``table``."""
        return (self.name,)

    def columns(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """The columns of the partition and of an index: its one field is the id, or ``_id``."""
        return ("table", *("record_id" if name == self.id_field else name for name in fields))

    @property
    def version_name(self) -> str:
        """What ``versions`` counts writes under.

        A scanned index of that very name would share the number, which only ever makes a matrix
        be refreshed too early.
        """
        return f"native:{self.name}"


def find(connection: Connection, config: Config) -> NativeTable | None:
    """Return the table that *config* names, or None if it is not declared.

    Raises:
        Thrown: it is declared otherwise.
    """
    found = connection.execute(_FIND, (config.table_name,)).fetchone()
    if found is None:
        return None
    table = _table(found[0])
    _refuse_contradiction(table, config)
    return table


def owner_of(connection: Connection, convex_id: str) -> NativeTable | None:
    """Return the table that holds the document of that ``_id``, or None."""
    found = connection.execute(_OWNER, (convex_id,)).fetchone()
    return None if found is None else _table(found[0])


def declare(connection: Connection, config: Config, vector_length: int) -> NativeTable:
    """Return the table that *config* names, declared by it if it is not yet.

    Args:
        config: its filter fields are added to those declared.
        vector_length: the dimension, where *config* says none.

    Raises:
        Thrown: it is declared otherwise, or cannot be declared so.
    """
    table = find(connection, config)
    declared = Config(**{**asdict(config), "dimension": float(vector_length)})
    if config.dimension is not None:
        declared = config
    if table is not None:
        fields = dict.fromkeys((*table.config.filter_fields, *config.filter_fields))
        declared = replace(table.config, filter_fields=tuple(fields))
        if declared == table.config:
            return table
    _check(declared)
    text = orjson.dumps(asdict(declared)).decode()
    connection.execute(_PUT, (declared.table_name, text))
    return _table(text)


@lru_cache(TABLES_REMEMBERED)
def _table(text: str) -> NativeTable:
    stored = orjson.loads(text)
    config = Config(**{**stored, "filter_fields": tuple(stored["filter_fields"])})
    fields: Fields = dict.fromkeys(config.filter_fields, optional(ANY))
    fields[config.metadata_field] = optional(ANY)
    fields[config.vector_field] = NUMBERS
    fields[config.id_field] = STRING
    return NativeTable(
        config.table_name,
        fields,
        {config.id_index_name: (config.id_field,), BY_CONVEX_ID: ("_id",)},
        config,
        int(config.dimension or 0),
    )


def _refuse_contradiction(table: NativeTable, config: Config) -> None:
    declared, given = asdict(table.config), asdict(config)
    for name in (
        "vector_index_name",
        "id_field",
        "id_index_name",
        "vector_field",
        "metadata_field",
    ):
        if given[name] != declared[name]:
            raise _contradiction(table, name, declared[name], given[name])
    if config.dimension is not None and config.dimension != table.dimension:
        raise _contradiction(table, "dimension", table.dimension, config.dimension)


def _contradiction(table: NativeTable, name: str, declared: Any, given: Any) -> Thrown:
    words = name.replace("_", " ")
    shown = f"{given:g}" if isinstance(given, float) else given
    return Thrown(
        f'Table "{table.name}" was declared with the {words} {declared} by its first write; '
        f"this request says {shown}."
    )


def _check(config: Config) -> None:
    """Refuse what no Convex schema could declare."""
    names = [
        config.table_name,
        config.vector_index_name,
        config.id_field,
        config.id_index_name,
        config.vector_field,
        config.metadata_field,
        *config.filter_fields,
    ]
    for name in names:
        if not _IDENTIFIER.fullmatch(name):
            raise Thrown(f'"{name}" is no name that a Convex schema can declare.')
    if config.table_name in _MASTRAS:
        raise Thrown(f'Table "{config.table_name}" is one of Mastra\'s own.')
    smallest, largest = limits.NATIVE_DIMENSION_MIN, limits.NATIVE_DIMENSION_MAX
    dimension = config.dimension or 0.0
    if not dimension.is_integer() or not smallest <= dimension <= largest:
        raise Thrown(
            f"Dimensions of a vector index must be an integer between {smallest} and {largest}; "
            f"received {dimension:g}."
        )
    if len(config.filter_fields) > limits.NATIVE_FILTER_FIELDS:
        raise Thrown(f"A vector index has at most {limits.NATIVE_FILTER_FIELDS} filter fields.")
