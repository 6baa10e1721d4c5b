"""Convex's ``ctx.db`` over one SQLite transaction: what the handlers read and write with.

Inserts, patches and deletes check and count as Convex does; ``queries`` has the reading half. The
database begins and ends the SQLite transaction around it. Knows no operations and no logical table
names.
"""

from __future__ import annotations

import math
import time
from sqlite3 import Connection
from typing import Any

from convex_mastra.backends.embedded import js, rows, statements
from convex_mastra.backends.embedded.documents import (
    CREATION_TIME,
    ID,
    check,
    fill_system_fields,
    new_id,
)
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.matrices import Matrices
from convex_mastra.backends.embedded.queries import Queries
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import Table
from convex_mastra.backends.embedded.versions import VectorVersions


class Transaction(Queries):
    """One call's view of the database."""

    def __init__(self, connection: Connection, matrices: Matrices) -> None:
        super().__init__(connection)
        self.matrices = matrices
        self._next_creation_ms: dict[str, float] = {}
        self._versions = VectorVersions(connection)

    def insert(self, table: Table, fields: dict[str, Any]) -> None:
        """Add a document; fields that are UNDEFINED are left out.

        Raises:
            Thrown: Convex would refuse the document.
        """
        creation_ms = self._take_creation_time(table)
        document = {name: value for name, value in fields.items() if value is not js.UNDEFINED}
        fill_system_fields(document, new_id(), creation_ms)
        size = check(table, document)
        self._budget.write(size)
        cells = rows.encode(table, document, size)
        cells["seq"] = rows.seq_of(creation_ms)
        self._number_write(table, document, cells)
        self.connection.execute(statements.insert(table, tuple(cells)), tuple(cells.values()))

    def patch(self, row: Row, fields: dict[str, Any]) -> None:
        """Merge *fields* into a document; those that are UNDEFINED are removed from it.

        A patch that changes nothing writes nothing.

        Raises:
            Thrown: Convex would refuse the document.
        """
        table, old = row.table, row.document
        self._budget.read(row.size)
        merged = old | fields
        document = {name: value for name, value in merged.items() if value is not js.UNDEFINED}
        fill_system_fields(document, old[ID], old[CREATION_TIME])
        size = check(table, document)
        cells = row.changes(document, size)
        if not cells:
            return
        self._budget.write(size)
        self._number_write(table, document, cells)
        sql = statements.update(table, tuple(cells))
        self.connection.execute(sql, (*cells.values(), row.seq))

    def delete(self, row: Row) -> None:
        """Remove a document.

        Raises:
            Thrown: this call removed it before.
        """
        self._budget.read(row.size)
        self._budget.write(0)
        deleted = self.connection.execute(statements.delete(row.table), (row.seq,))
        if deleted.rowcount == 0:
            raise Thrown(f"Delete on nonexistent document ID {row.document[ID]}")
        vector_index = rows.vector_index(row.table, row.document)
        if vector_index is not None:
            self._versions.count_deletion(vector_index)

    def finish(self) -> None:
        """Write what is only known at the end, before the commit."""
        self._versions.finish()

    def _number_write(self, table: Table, document: dict[str, Any], cells: rows.Cells) -> None:
        vector_index = rows.vector_index(table, document)
        if vector_index is not None:
            cells["revision"] = self._versions.revision(vector_index)

    def _take_creation_time(self, table: Table) -> float:
        creation_ms = self._next_creation_ms.get(table.stored_in)
        if creation_ms is None:
            creation_ms = time.time_ns() / 1e6
            last = self._last_seq(table)
            if last is not None:
                creation_ms = max(creation_ms, math.nextafter(rows.creation_time(last), math.inf))
        self._next_creation_ms[table.stored_in] = math.nextafter(creation_ms, math.inf)
        return creation_ms

    def _last_seq(self, table: Table) -> int | None:
        """The highest ``seq`` before this call wrote."""
        if table.stored_in not in self._last_seqs:
            (last,) = self.connection.execute(statements.last_seq(table)).fetchone()
            self._last_seqs[table.stored_in] = last
        return self._last_seqs[table.stored_in]
