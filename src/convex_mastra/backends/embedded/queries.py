"""The reading half of Convex's ``ctx.db``: queries over an index, in Convex's order.

A range is of an index's fields, then creation; what is read is counted as Convex counts it. The
base of ``Transaction``, through which the handlers reach it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Final, NamedTuple

from convex_mastra.backends.embedded import cursors, keys, statements
from convex_mastra.backends.embedded.budget import Budget
from convex_mastra.backends.embedded.documents import ID
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import Table

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


class Queries:
    """One call's view of what is stored."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._budget = Budget()
        self._last_seqs: dict[str, int | None] = {}

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
        self,
        table: Table,
        index: str,
        equals: Sequence[Any],
        values: Sequence[Any],
        *,
        inserting: bool = False,
    ) -> list[Row | Thrown | None]:
        """Do what ``unique`` does for each of *values*, of the index's last field, at once.

        Args:
            inserting: those that are not found are inserted next; what that takes is read along.

        Returns:
            For each value its document, None, or what looking it up throws.
        """
        wanted = [keys.of(value) for value in values]
        sql = statements.select_each(table, index, len(equals), len(wanted), inserting)
        stored: dict[keys.Key, list[tuple[Any, ...]]] = {}
        for cells in self.connection.execute(sql, (*map(keys.of, equals), *wanted)):
            if cells[1] is None:
                self._last_seqs.setdefault(table.stored_in, cells[0])
                continue
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
