"""Background tasks that an older server left as generic documents.

Servers before 1.2 kept them in ``mastra_documents``; 1.5 reads both places, prefers the typed row,
and deletes the old one when a task is written. Re-tells the ``isBackgroundTasksTable`` branches of
src/server/storage.ts.
"""

from __future__ import annotations

from typing import Any, Final

from convex_mastra import wire
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers import field_aliases, generic, scans, upserts
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import BACKGROUND_TASKS, BY_ID
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

_TABLE: Final = wire.BACKGROUND_TASKS


def is_missing_table(message: str) -> bool:
    """Whether an error reads as if the deployed schema had no table for background tasks."""
    text = message.lower()
    signs = ("does not exist", "not found", "not defined", "no such")
    return BACKGROUND_TASKS.name in text and any(sign in text for sign in signs)


def patch(transaction: Transaction, request: Json, existing: Row | None, changes: Json) -> bool:
    """Patch a task where it is; the old document of a task that has a row is deleted."""
    identity = js.get(request, "id")
    if existing is not None:
        transaction.patch(existing, changes)
        older = generic.find(transaction, _TABLE, identity)
        if older is not None:
            transaction.delete(older)
        return True
    older = generic.find(transaction, _TABLE, identity)
    if older is None:
        return False
    record = field_aliases.merge(generic.record_of(older), changes)
    transaction.patch(older, {"record": record})
    return True


def load(transaction: Transaction, identity: Any) -> Any:
    """Return the old record of a task that has no row, or None."""
    older = generic.find(transaction, _TABLE, identity)
    return None if older is None else generic.record_of(older)


def load_many(transaction: Transaction, ids: list[Any], documents: list[Json]) -> list[Any]:
    """Return the tasks of *ids*, in their order, from rows and old documents."""
    tasks = {document["id"]: document for document in documents}
    missing = [one for one in ids if type(one) is not str or one not in tasks]
    for row in js.in_batches(
        missing, upserts.BATCH_ROWS, lambda one: generic.find(transaction, _TABLE, one)
    ):
        if row is not None:
            record = generic.record_of(row)
            tasks.setdefault(js.to_string(js.get(record, "id")), record)
    return [tasks[one] for one in ids if type(one) is str and one in tasks]


def with_older(transaction: Transaction, request: Json, documents: list[Json]) -> list[Any]:
    """Return the tasks of a query, the old ones that have no row after the rows."""
    rows = generic.take(transaction, _TABLE, scans.scan_limit(request))
    older = [generic.record_of(row) for row in rows]
    filters = scans.filters_of(request)
    if filters:
        older = [record for record in older if field_aliases.matches_all(record, filters)]
    kept = js.in_batches(
        older, upserts.BATCH_ROWS, lambda record: _unless_typed(transaction, record)
    )
    return _distinct([*documents, *(record for record in kept if record is not None)])


def clear(transaction: Transaction, rows: list[Row]) -> bool:
    """Delete one batch of rows, filled up with old documents; True if more remain."""
    if len(rows) >= upserts.BATCH_ROWS:
        return upserts.delete_batch(transaction, rows)
    room = upserts.BATCH_ROWS - len(rows)
    older = generic.take(transaction, _TABLE, room + 1)
    upserts.delete(transaction, rows + older[:room])
    return len(older) > room


def find_older(transaction: Transaction, ids: Any) -> list[Row]:
    """Return the old documents of *ids*."""
    return upserts.find_existing(ids, lambda some: generic.find_each(transaction, _TABLE, some))


def _unless_typed(transaction: Transaction, record: Json) -> Json | None:
    identity = js.get(record, "id")
    if identity is None or identity is js.UNDEFINED:
        return record
    row = transaction.unique(BACKGROUND_TASKS, BY_ID, js.to_string(identity))
    return record if row is None else None


def _distinct(records: list[Any]) -> list[Any]:
    seen: set[str] = set()
    result = []
    for record in records:
        identity = js.get(record, "id")
        if identity is None or identity is js.UNDEFINED:
            result.append(record)
            continue
        key = js.to_string(identity)
        if key not in seen:
            seen.add(key)
            result.append(record)
    return result
