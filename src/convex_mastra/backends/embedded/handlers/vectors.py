"""Operations on the vectors of one index: rows of ``mastra_vectors``.

Re-tells ``handleVectorOperation`` of src/server/storage.ts. What these throw becomes an
``ok: false`` reply, and what they wrote before that stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers import scans, upserts
from convex_mastra.backends.embedded.handlers.replies import more, ok
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import VECTORS
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json


def _insert(transaction: Transaction, index_name: str, request: Json) -> Json:
    record = js.get(request, "record")
    if not js.truthy(js.get(record, "id")):
        raise Thrown("Vector record is missing an id")
    _upsert(transaction, index_name, [record])
    return ok()


def _batch_insert(transaction: Transaction, index_name: str, request: Json) -> Json:
    _upsert(transaction, index_name, upserts.by_id(js.get(request, "records"), merge=False))
    return ok()


def _upsert(transaction: Transaction, index_name: str, records: list[Json]) -> None:
    upserts.upsert(
        records,
        lambda ids: _find_each(transaction, index_name, ids, inserting=True),
        lambda record: transaction.insert(
            VECTORS, {"id": record["id"], "indexName": index_name, **_content(record)}
        ),
        lambda row, record: transaction.patch(row, _content(record)),
    )


def _patch(transaction: Transaction, index_name: str, request: Json) -> Json:
    record = js.spread(js.get(request, "record"))
    changes = {name: value for name, value in record.items() if name not in ("id", "indexName")}
    existing = _find(transaction, index_name, js.get(request, "id"))
    if existing is None:
        return ok(False)
    transaction.patch(existing, changes)
    return ok(True)


def _load(transaction: Transaction, index_name: str, request: Json) -> Json:
    identity = js.get(js.get(request, "keys"), "id")
    if not js.truthy(identity):
        return ok(None)
    row = _find(transaction, index_name, identity)
    return ok(None if row is None else row.document)


def _load_many(transaction: Transaction, index_name: str, request: Json) -> Json:
    ids = upserts.load_many_ids(js.get(request, "ids"))
    rows = upserts.find_existing(ids, lambda some: _find_each(transaction, index_name, some))
    return ok([row.document for row in rows])


def _query_table(transaction: Transaction, index_name: str, request: Json) -> Json:
    page_size = js.get(request, "pageSize")
    cursor = js.get(request, "cursor")
    if page_size is not js.UNDEFINED:
        return _page(transaction, index_name, request)
    if cursor is not js.UNDEFINED:
        raise Thrown("queryTable cursor requires pageSize")
    rows = transaction.take(VECTORS, scans.scan_limit(request), "by_index", [index_name])
    return ok(scans.cut(_filtered(rows, request), request))


def _page(transaction: Transaction, index_name: str, request: Json) -> Json:
    page_size = js.get(request, "pageSize")
    if not js.is_integer(page_size) or page_size <= 0:
        raise Thrown("queryTable pageSize must be a positive integer")
    if js.get(request, "limit") is not js.UNDEFINED:
        raise Thrown("queryTable limit cannot be combined with pageSize")
    cursor = js.get(request, "cursor")
    page = transaction.paginate(
        VECTORS,
        "by_index",
        [index_name],
        None if cursor is js.UNDEFINED else cursor,
        int(page_size),
    )
    return {
        "continuationCursor": page.continue_cursor,
        "hasMore": not page.is_done,
        "ok": True,
        "result": _filtered(page.rows, request),
    }


def _clear_table(transaction: Transaction, index_name: str, request: Json) -> Json:  # noqa: ARG001
    rows = transaction.take(VECTORS, upserts.BATCH_ROWS + 1, "by_index", [index_name])
    return more(upserts.delete_batch(transaction, rows))


def _delete_many(transaction: Transaction, index_name: str, request: Json) -> Json:
    ids = js.get(request, "ids")
    rows = upserts.find_existing(ids, lambda some: _find_each(transaction, index_name, some))
    upserts.delete(transaction, rows)
    return ok()


def _find(transaction: Transaction, index_name: str, identity: Any) -> Row | None:
    return transaction.unique(VECTORS, "by_index_id", index_name, identity)


def _find_each(
    transaction: Transaction, index_name: str, ids: list[Any], *, inserting: bool = False
) -> list[Row | Thrown | None]:
    return transaction.unique_each(VECTORS, "by_index_id", [index_name], ids, inserting=inserting)


def _content(record: Json) -> Json:
    return {"embedding": js.get(record, "embedding"), "metadata": js.get(record, "metadata")}


def _filtered(rows: list[Row], request: Json) -> list[Json]:
    documents = [row.document for row in rows]
    filters = scans.filters_of(request)
    if not filters:
        return documents
    return [one for one in documents if scans.matches_all(one, filters)]


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
