"""Writing many records by id, and deleting many: what all tables share.

Re-tells ``mapInBatches``, ``coalesce…``, ``findExistingDocsByIds`` and ``deleteDocs`` of
src/server/storage.ts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

BATCH_ROWS: Final = limits.CLEAR_TABLE_ROWS
FindEach = Callable[[list[Any]], list[Row | Thrown | None]]
"""For each of some ids its row, None, or what looking it up throws."""


def by_id(records: Any, *, merge: bool) -> list[Json]:
    """Return one record per id, in order of first occurrence; those without an id are dropped.

    Args:
        merge: whether a later record is merged into the earlier one, or takes its place.
    """
    found: dict[str, Json] = {}
    for record in js.iterate(records, "records"):
        identity = js.get(record, "id")
        if not js.truthy(identity):
            continue
        key = js.to_string(identity)
        found[key] = found.get(key, {}) | record if merge else record
    return list(found.values())


def upsert(
    records: list[Json],
    find_each: FindEach,
    insert: Callable[[Json], None],
    patch: Callable[[Row, Json], None],
) -> None:
    """Insert or patch records in groups by their ids, each group as ``Promise.all`` runs it.

    All look-ups of a group come first, then its inserts, then its patches. A record that fails
    does not stop the others of its group; the first failure is raised after them.
    """
    for start in range(0, len(records), BATCH_ROWS):
        group = records[start : start + BATCH_ROWS]
        found = find_each([record["id"] for record in group])
        failure = _first_thrown(found)
        known = list(zip(group, found, strict=True))
        for record, row in known:
            if row is None:
                try:
                    insert(record)
                except Thrown as error:
                    failure = failure or error
        for record, row in known:
            if isinstance(row, Row):
                try:
                    patch(row, record)
                except Thrown as error:
                    failure = failure or error
        if failure is not None:
            raise failure


def find_existing(ids: Any, find_each: FindEach) -> list[Row]:
    """Look distinct ids up and return the rows that exist.

    Raises:
        Thrown: one of them cannot be looked up.
    """
    distinct = js.unique(ids)
    rows: list[Row] = []
    for start in range(0, len(distinct), BATCH_ROWS):
        found = find_each(distinct[start : start + BATCH_ROWS])
        if (failure := _first_thrown(found)) is not None:
            raise failure
        rows += [row for row in found if isinstance(row, Row)]
    return rows


def load_many_ids(ids: Any) -> list[Any]:
    """Return the distinct ids of a ``loadMany``.

    Raises:
        Thrown: there are too many.
    """
    length = js.get(ids, "length")
    if type(length) is float and length > limits.LOAD_MANY_IDS:
        raise Thrown(f"loadMany supports at most {limits.LOAD_MANY_IDS} ids per request")
    return js.unique(ids)


def delete(transaction: Transaction, rows: list[Row]) -> None:
    """Delete rows in groups."""
    js.in_batches(rows, BATCH_ROWS, transaction.delete)


def delete_batch(transaction: Transaction, rows: list[Row]) -> bool:
    """Delete one batch of the rows that a look one row further found; True if more remain."""
    delete(transaction, rows[:BATCH_ROWS])
    return len(rows) > BATCH_ROWS


def _first_thrown(found: Iterable[Row | Thrown | None]) -> Thrown | None:
    return next((one for one in found if isinstance(one, Thrown)), None)
