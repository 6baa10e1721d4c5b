"""The versions of the database file, and the way from each to the next.

``PRAGMA user_version`` counts the migrations a file has had. Called by ``database`` when it opens
a file, inside one write transaction; a file from a newer release is never touched. Once released,
a migration is frozen: later changes of ``tables`` come with a migration of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Connection
from typing import Final

from convex_mastra.backends.embedded import native_tables, rows, tables, versions
from convex_mastra.errors import ConfigurationError

APPLICATION_ID: Final = 0x436D_6173
"""``Cmas``: marks a SQLite file as this library's."""

Migration = Callable[[Connection], None]


def _create_tables(connection: Connection) -> None:
    _create(connection, *tables.TYPED.values(), tables.VECTORS, tables.DOCUMENTS)
    connection.execute(versions.CREATE_TABLE)
    connection.execute(versions.CREATE_INDEX)


def _create_cache_tables(connection: Connection) -> None:
    _create(connection, tables.CACHE, tables.CACHE_LIST_ITEMS)


def _create_native_tables(connection: Connection) -> None:
    for statement in native_tables.CREATE:
        connection.execute(statement)


MIGRATIONS: list[Migration] = [_create_tables, _create_cache_tables, _create_native_tables]


def check(connection: Connection, name: str) -> None:
    """Refuse a file that is not this library's, or is newer than it.

    Raises:
        ConfigurationError: as said.
    """
    version = _version(connection)
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id != APPLICATION_ID and (application_id or version or objects):
        raise ConfigurationError(f"{name} is a SQLite database of another program.")
    if version > len(MIGRATIONS):
        raise ConfigurationError(
            f"{name} has format {version}; this release of convex-mastra knows formats up to "
            f"{len(MIGRATIONS)}. Use a newer release."
        )


def is_current(connection: Connection) -> bool:
    """Whether the file needs no migration."""
    return _version(connection) == len(MIGRATIONS)


def migrate(connection: Connection) -> None:
    """Apply the migrations that are missing. Runs inside a write transaction."""
    for migration in MIGRATIONS[_version(connection) :]:
        migration(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _create(connection: Connection, *created: tables.Table) -> None:
    for table in created:
        connection.execute(rows.create_table(table))
        for index in table.indexes:
            connection.execute(rows.create_index(table, index))


def _version(connection: Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
