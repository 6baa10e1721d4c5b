"""Operations on logical tables that have none of their own: rows of ``mastra_documents``.

Re-tells ``handleGenericOperation`` of src/server/storage.ts. A record lies in the column
``record``, found by logical table name and by the text of its id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convex_mastra import limits, wire
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers import field_aliases, scans, upserts
from convex_mastra.backends.embedded.handlers.replies import more, ok
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import DOCUMENTS
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json


def find(transaction: Transaction, table_name: str, identity: Any) -> Row | None:
    """Return the row of a record, or None."""
    return transaction.unique(DOCUMENTS, "by_table_primary", table_name, js.to_string(identity))


def find_each(
    transaction: Transaction, table_name: str, ids: list[Any], *, inserting: bool = False
) -> list[Row | Thrown | None]:
    """Return for each id its row, None, or what looking it up throws."""
    keys = list(map(js.to_string, ids))
    return transaction.unique_each(
        DOCUMENTS, "by_table_primary", [table_name], keys, inserting=inserting
    )


def take(transaction: Transaction, table_name: str, count: int) -> list[Row]:
    """Return the first rows of a logical table, in order of creation."""
    return transaction.take(DOCUMENTS, count, "by_table", [table_name])


def record_of(row: Row) -> Any:
    """The record that a row holds."""
    return row.document["record"]


def _insert(transaction: Transaction, table_name: str, request: Json) -> Json:
    record = js.get(request, "record")
    identity = js.get(record, "id")
    if not js.truthy(identity):
        raise Thrown(f"Record for table {table_name} is missing an id")
    _upsert(transaction, table_name, [record])
    return ok()


def _batch_insert(transaction: Transaction, table_name: str, request: Json) -> Json:
    upsert(transaction, table_name, js.get(request, "records"))
    return ok()


def upsert(transaction: Transaction, table_name: str, records: Any) -> None:
    """Write records by id; of several with one id the last, at the place of the first."""
    _upsert(transaction, table_name, upserts.by_id(records, merge=False))


def _upsert(transaction: Transaction, table_name: str, records: list[Json]) -> None:
    upserts.upsert(
        records,
        lambda ids: find_each(transaction, table_name, ids, inserting=True),
        lambda record: transaction.insert(
            DOCUMENTS,
            {
                "table": table_name,
                "primaryKey": js.to_string(record["id"]),
                "record": record,
            },
        ),
        lambda row, record: transaction.patch(row, {"record": record}),
    )


def _patch(transaction: Transaction, table_name: str, request: Json) -> Json:
    changes = js.spread(js.get(request, "record"))
    changes.pop("id", None)
    existing = find(transaction, table_name, js.get(request, "id"))
    if existing is None:
        return ok(False)
    record = record_of(existing)
    if table_name == wire.BACKGROUND_TASKS:
        patched = field_aliases.merge(record, changes)
    else:
        patched = js.spread(record) | changes
    transaction.patch(existing, {"record": patched})
    return ok(True)


def _load(transaction: Transaction, table_name: str, request: Json) -> Json:
    wanted = js.get(request, "keys")
    identity = js.get(wanted, "id")
    if js.truthy(identity):
        row = find(transaction, table_name, identity)
        return ok(None if row is None else record_of(row))
    pairs = js.spread(wanted).items()
    for row in take(transaction, table_name, limits.SCAN_ROWS):
        record = record_of(row)
        if all(js.strictly_equal(js.get(record, key), value) for key, value in pairs):
            return ok(record)
    return ok(None)


def load_each(transaction: Transaction, table_name: str, ids: list[Any]) -> list[Any]:
    """Return the records that exist, in the order of *ids*."""
    rows = upserts.find_existing(ids, lambda some: find_each(transaction, table_name, some))
    return [record_of(row) for row in rows]


def _load_many(transaction: Transaction, table_name: str, request: Json) -> Json:
    return ok(load_each(transaction, table_name, upserts.load_many_ids(js.get(request, "ids"))))


def _query_table(transaction: Transaction, table_name: str, request: Json) -> Json:
    rows = take(transaction, table_name, scans.scan_limit(request))
    records = [record_of(row) for row in rows]
    filters = scans.filters_of(request)
    if filters and table_name == wire.BACKGROUND_TASKS:
        records = [one for one in records if field_aliases.matches_all(one, filters)]
    elif filters:
        records = [one for one in records if scans.matches_all(one, filters)]
    return ok(scans.cut(records, request))


def _clear_table(transaction: Transaction, table_name: str, request: Json) -> Json:  # noqa: ARG001
    rows = take(transaction, table_name, upserts.BATCH_ROWS + 1)
    return more(upserts.delete_batch(transaction, rows))


def _delete_many(transaction: Transaction, table_name: str, request: Json) -> Json:
    delete_each(transaction, table_name, js.get(request, "ids"))
    return ok()


def delete_each(transaction: Transaction, table_name: str, ids: Any) -> None:
    """Delete the records that exist."""
    rows = upserts.find_existing(ids, lambda some: find_each(transaction, table_name, some))
    upserts.delete(transaction, rows)


OPERATIONS: Final[dict[str, Callable[[Transaction, str, Json], Json]]] = {
    "insert": _insert,
    "batchInsert": _batch_insert,
    "patch": _patch,
    "load": _load,
    "loadMany": _load_many,
    "queryTable": _query_table,
    "clearTable": _clear_table,
    "dropTable": _clear_table,
    "deleteMany": _delete_many,
}
