"""Convex's ``ctx.db`` over one SQLite transaction: what the handlers read and write with.

Queries run over an index in Convex's order (its fields, then creation); inserts, patches and
deletes check and count as Convex does. The database begins and ends the SQLite transaction
around it. Knows no operations and no logical table names.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Final, NamedTuple

from convex_mastra.backends.embedded import cursors, js, keys, rows, statements
from convex_mastra.backends.embedded.budget import Budget
from convex_mastra.backends.embedded.documents import (
    CREATION_TIME,
    ID,
    check,
    fill_system_fields,
    new_id,
)
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.matrices import Matrices
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import Table
from convex_mastra.backends.embedded.versions import VectorVersions

PAGE_SIZE_MAX: Final = 32_000


class Bound(NamedTuple):
    """One end of an index range, on the field after those that are equal.

    Attributes:
        operator: ``<``, ``<=``, ``>`` or ``>=``.
    """

    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a paginated query. It may be short, or empty, with more to come."""

    rows: list[Row]
    is_done: bool
    continue_cursor: str


class Transaction:
    """One call's view of the database."""

    def __init__(self, connection: Connection, matrices: Matrices) -> None:
        self.connection = connection
        self.matrices = matrices
        self._budget = Budget()
        self._next_creation_ms: dict[str, float] = {}
        self._versions = VectorVersions(connection)

    def take(
        self,
        table: Table,
        count: int | None,
        index: str | None = None,
        equals: Sequence[Any] = (),
        *,
        bounds: Sequence[Bound] = (),
        descending: bool = False,
        where: Callable[[dict[str, Any]], bool] | None = None,
    ) -> list[Row]:
        """Return the first *count* documents of an index range, or of the table, in order.

        Args:
            count: how many at most; None for all.
            index: its name; None scans in order of creation.
            equals: values of the index's first fields.
            bounds: limits on the field after those.
            where: a filter; what it drops counts as read, as on a deployment.

        Raises:
            Thrown: the table has no such index, or the call read too much.
        """
        equals = (*table.partition, *equals)
        sql = statements.select(
            table, index, len(equals), tuple(bound.operator for bound in bounds), descending
        )
        self._budget.range()
        values = [keys.of(value) for value in equals]
        values += [keys.of(bound.value) for bound in bounds]
        limit = -1 if count is None or (where is not None and count > 0) else count
        result: list[Row] = []
        cursor = self.connection.execute(sql, (*values, limit))
        try:
            for cells in cursor:
                self._budget.read(cells[1])
                row = Row(table, cells)
                if where is None or where(row.document):
                    result.append(row)
                    if len(result) == count:
                        break
        finally:
            cursor.close()
        return result

    def first(
        self, table: Table, index: str, equals: Sequence[Any], *, descending: bool = False
    ) -> Row | None:
        """Return the first document of an index range, or None."""
        found = self.take(table, 1, index, equals, descending=descending)
        return found[0] if found else None

    def unique(self, table: Table, index: str, *equals: Any) -> Row | None:
        """Return the only document of an index range, or None.

        Raises:
            Thrown: there are several.
        """
        equals = (*table.partition, *equals)
        sql = statements.select(table, index, len(equals), (), False)
        stored = self.connection.execute(sql, (*map(keys.of, equals), 2)).fetchall()
        return self._only(table, stored)

    def unique_each(
        self, table: Table, index: str, equals: Sequence[Any], values: Sequence[Any]
    ) -> list[Row | Thrown | None]:
        """Do what ``unique`` does for each of *values*, of the index's last field, at once.

        Returns:
            For each value its document, None, or what looking it up throws.
        """
        wanted = [keys.of(value) for value in values]
        sql = statements.select_each(table, index, len(equals), len(wanted))
        stored: dict[keys.Key, list[tuple[Any, ...]]] = {}
        for cells in self.connection.execute(sql, (*map(keys.of, equals), *wanted)):
            stored.setdefault(cells[-1], []).append(cells[:-1])
        found: list[Row | Thrown | None] = []
        for key in wanted:
            try:
                found.append(self._only(table, stored.get(key, [])))
            except Thrown as error:
                found.append(error)
        return found

    def paginate(
        self, table: Table, index: str, equals: Sequence[Any], cursor: Any, page_size: int
    ) -> Page:
        """Return the next page of a range whose fields are all equal, in order of creation.

        As on a deployment, and unlike in Convex's mock, a page that is exactly full is not yet the
        last, and a page that would read too much ends early.

        Args:
            cursor: where the last page ended, or None to begin.

        Raises:
            Thrown: the cursor is not one, or is of another query.
        """
        if page_size > PAGE_SIZE_MAX:
            raise Thrown(f"Requested too many items: {page_size}")
        query = cursors.fingerprint(table.name, index, equals)
        after = None if cursor is None else cursors.read(cursor, query)
        self._budget.range()
        if after == cursors.END:
            return Page([], True, cursors.write(query, cursors.END))
        equals = (*table.partition, *equals)
        sql = statements.select_after(table, index, len(equals))
        values = [keys.of(value) for value in equals]
        position = cursors.START if after is None else after
        found: list[Row] = []
        is_done = False
        stored = self.connection.execute(sql, (*values, position, page_size))
        try:
            for cells in stored:
                if not self._budget.can_read(cells[1]):
                    break
                self._budget.read(cells[1])
                found.append(Row(table, cells))
            else:
                is_done = len(found) < page_size
        finally:
            stored.close()
        end = cursors.END if is_done else found[-1].seq
        return Page(found, is_done, cursors.write(query, end))

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

    def _only(self, table: Table, stored: list[tuple[Any, ...]]) -> Row | None:
        self._budget.range()
        for cells in stored:
            self._budget.read(cells[1])
        if len(stored) > 1:
            ids = ", ".join(Row(table, cells).document[ID] for cells in stored[:2])
            raise Thrown(
                f"unique() query returned more than one result from table {table.name}:\n "
                f"[{ids}, ...]"
            )
        return Row(table, stored[0]) if stored else None

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
            (last,) = self.connection.execute(statements.last_seq(table)).fetchone()
            creation_ms = time.time_ns() / 1e6
            if last is not None:
                creation_ms = max(creation_ms, math.nextafter(rows.creation_time(last), math.inf))
        self._next_creation_ms[table.stored_in] = math.nextafter(creation_ms, math.inf)
        return creation_ms
