"""Writing many records by id, and deleting many: what all tables share.

Re-tells ``mapInBatches``, ``coalesce…``, ``findExistingDocsByIds`` and ``deleteDocs`` of
src/server/storage.ts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

BATCH_ROWS: Final = limits.CLEAR_TABLE_ROWS
Find = Callable[[Any], Row | None]


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
    find: Callable[[Json], Row | None],
    insert: Callable[[Json], None],
    patch: Callable[[Row, Json], None],
) -> None:
    """Insert or patch records in groups, each group as ``Promise.all`` runs it.

    All look-ups of a group come first, then its inserts, then its patches. A record that fails
    does not stop the others of its group; the first failure is raised after them.
    """
    for start in range(0, len(records), BATCH_ROWS):
        group = records[start : start + BATCH_ROWS]
        steps = _Steps()
        known = [(record, steps.run(find, record)) for record in group]
        for record, row in known:
            if row is None:
                steps.run(insert, record)
        for record, row in known:
            if isinstance(row, Row):
                steps.run(patch, row, record)
        if steps.failure is not None:
            raise steps.failure


def find_existing(ids: Any, find: Find) -> list[Row]:
    """Look distinct ids up and return the rows that exist."""
    rows = js.in_batches(js.unique(ids), BATCH_ROWS, find)
    return [row for row in rows if row is not None]


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


class _Steps:
    """Runs steps and keeps the first thing thrown."""

    def __init__(self) -> None:
        self.failure: Thrown | None = None

    def run(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return step(*args)
        except Thrown as error:
            self.failure = self.failure or error
            return error
