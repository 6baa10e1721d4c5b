"""Numbers on the writes to each vector index, so that what a search holds can be brought up to date.

``vector_versions`` has one row per index: ``version`` grows with every transaction that writes to
the index and is the ``revision`` of the rows it wrote; ``deletions`` counts rows deleted. Both
only ever grow. Owned by a ``Transaction``; read by ``matrices``.
"""

from __future__ import annotations

from sqlite3 import Connection
from typing import Final

CREATE_TABLE: Final = (
    "CREATE TABLE vector_versions (index_name TEXT PRIMARY KEY, version INTEGER NOT NULL, "
    "deletions INTEGER NOT NULL) WITHOUT ROWID"
)
CREATE_INDEX: Final = (
    'CREATE INDEX "mastra_vectors.revision" ON mastra_vectors ("indexName", revision)'
)
_BUMP: Final = (
    "INSERT INTO vector_versions (index_name, version, deletions) VALUES (?, 1, 0) "
    "ON CONFLICT (index_name) DO UPDATE SET version = version + 1"
)
_VERSION: Final = "SELECT version FROM vector_versions WHERE index_name = ?"
_COUNT_DELETIONS: Final = (
    "UPDATE vector_versions SET deletions = deletions + ? WHERE index_name = ?"
)


class VectorVersions:
    """The indexes that one transaction writes to."""

    __slots__ = ("_connection", "_deletions", "_revisions")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._revisions: dict[str, int] = {}
        self._deletions: dict[str, int] = {}

    def revision(self, index_name: str) -> int:
        """Return the number that this transaction's writes to an index carry."""
        revision = self._revisions.get(index_name)
        if revision is None:
            self._connection.execute(_BUMP, (index_name,))
            (revision,) = self._connection.execute(_VERSION, (index_name,)).fetchone()
            self._revisions[index_name] = revision
        return int(revision)

    def count_deletion(self, index_name: str) -> None:
        """Note that a row of the index goes."""
        self.revision(index_name)
        self._deletions[index_name] = self._deletions.get(index_name, 0) + 1

    def finish(self) -> None:
        """Write the counts, before the commit."""
        for index_name, deletions in self._deletions.items():
            self._connection.execute(_COUNT_DELETIONS, (deletions, index_name))
