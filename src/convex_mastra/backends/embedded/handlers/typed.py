"""Operations that every table of its own understands: rows found by their ``id`` column.

Re-tells ``handleTypedOperation`` of src/server/storage.ts, except schedules, workflows and
observational memory. Background tasks also have older rows elsewhere; what concerns those is in
``background_tasks``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.arguments import returned
from convex_mastra.backends.embedded.handlers import background_tasks, scans, upserts
from convex_mastra.backends.embedded.handlers.replies import merged, more, ok, unsupported
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.js.json import parse_or
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import (
    BACKGROUND_TASKS,
    BY_ID,
    RESOURCES,
    THREADS,
    WORKFLOW_SNAPSHOTS,
    Table,
)
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

Operation = Callable[[Transaction, Table, Json], Json]


def _insert(transaction: Transaction, table: Table, request: Json) -> Json:
    record = js.get(request, "record")
    identity = js.get(record, "id")
    if not js.truthy(identity):
        raise Thrown("Record is missing an id")
    existing = transaction.unique(table, BY_ID, identity)
    if existing is None:
        transaction.insert(table, record)
    else:
        transaction.patch(existing, _without_id(record))
    return ok()


def _batch_insert(transaction: Transaction, table: Table, request: Json) -> Json:
    upserts.upsert(
        upserts.by_id(js.get(request, "records"), merge=True),
        lambda ids: transaction.unique_each(table, BY_ID, [], ids, inserting=True),
        lambda record: transaction.insert(table, record),
        lambda row, record: transaction.patch(row, _without_id(record)),
    )
    return ok()


def _patch(transaction: Transaction, table: Table, request: Json) -> Json:
    changes = _without_id(js.spread(js.get(request, "record")))
    existing = transaction.unique(table, BY_ID, js.get(request, "id"))
    if table is BACKGROUND_TASKS:
        return ok(background_tasks.patch(transaction, request, existing, changes))
    if existing is None:
        return ok(False)
    transaction.patch(existing, changes)
    return ok(True)


def _load(transaction: Transaction, table: Table, request: Json) -> Json:
    wanted = js.get(request, "keys")
    identity = js.get(wanted, "id")
    if js.truthy(identity):
        row = transaction.unique(table, BY_ID, identity)
        if row is None and table is BACKGROUND_TASKS:
            return ok(background_tasks.load(transaction, identity))
        return ok(_document(row))
    workflow, run = js.get(wanted, "workflow_name"), js.get(wanted, "run_id")
    if table is WORKFLOW_SNAPSHOTS and type(workflow) is str and type(run) is str:
        return ok(_document(transaction.unique(table, "by_workflow_run", workflow, run)))
    pairs = js.spread(wanted).items()
    for row in transaction.take(table, limits.SCAN_ROWS):
        document = row.document
        if all(js.strictly_equal(js.get(document, key), value) for key, value in pairs):
            return ok(document)
    return ok(None)


def _load_many(transaction: Transaction, table: Table, request: Json) -> Json:
    ids = upserts.load_many_ids(js.get(request, "ids"))
    rows = upserts.find_existing(ids, lambda some: transaction.unique_each(table, BY_ID, [], some))
    documents = [row.document for row in rows]
    if table is BACKGROUND_TASKS:
        documents = background_tasks.load_many(transaction, ids, documents)
    return ok(documents)


def _query_table(transaction: Transaction, table: Table, request: Json) -> Json:
    hint = js.get(request, "indexHint")
    index: str | None = None
    equals: list[Any] = []
    if js.truthy(hint):
        match js.get(hint, "index"):
            case "by_workflow":
                index, equals = "by_workflow", [js.get(hint, "workflowName")]
            case "by_workflow_run":
                index = "by_workflow_run"
                equals = [js.get(hint, "workflowName"), js.get(hint, "runId")]
    rows = scans.take_filtered(transaction, table, request, index, equals)
    documents = [row.document for row in rows]
    if table is BACKGROUND_TASKS:
        documents = background_tasks.with_older(transaction, request, documents)
    return ok(scans.cut(documents, request))


def _clear_table(transaction: Transaction, table: Table, request: Json) -> Json:  # noqa: ARG001
    rows = transaction.take(table, upserts.BATCH_ROWS + 1)
    if table is BACKGROUND_TASKS:
        return more(background_tasks.clear(transaction, rows))
    return more(upserts.delete_batch(transaction, rows))


def _delete_many(transaction: Transaction, table: Table, request: Json) -> Json:
    ids = js.get(request, "ids")
    rows = upserts.find_existing(ids, lambda some: transaction.unique_each(table, BY_ID, [], some))
    if table is BACKGROUND_TASKS:
        rows += background_tasks.find_older(transaction, ids)
    upserts.delete(transaction, rows)
    return ok()


def _update_thread(transaction: Transaction, table: Table, request: Json) -> Json:
    if table is not THREADS:
        return unsupported(request, for_table=True)
    existing = transaction.unique(table, BY_ID, js.get(request, "id"))
    if existing is None:
        return ok(None)
    changes = {
        "title": js.get(request, "title"),
        "metadata": _merged_metadata(existing, js.get(request, "metadata")),
        "updatedAt": js.get(request, "updatedAt"),
    }
    transaction.patch(existing, changes)
    return ok(merged(existing.document, changes))


def _update_resource(transaction: Transaction, table: Table, request: Json) -> Json:
    if table is not RESOURCES:
        return unsupported(request, for_table=True)
    identity = js.get(request, "resourceId")
    memory, metadata = js.get(request, "workingMemory"), js.get(request, "metadata")
    existing = transaction.unique(table, BY_ID, identity)
    if existing is None:
        record = {
            "id": identity,
            "workingMemory": memory,
            "metadata": {} if metadata is None or metadata is js.UNDEFINED else metadata,
            "createdAt": js.get(request, "createdAt"),
            "updatedAt": js.get(request, "updatedAt"),
        }
        transaction.insert(table, record)
        return ok(merged(record, {}))
    changes = {"updatedAt": js.get(request, "updatedAt")}
    if memory is not js.UNDEFINED:
        changes["workingMemory"] = memory
    if metadata is not js.UNDEFINED:
        changes["metadata"] = _merged_metadata(existing, metadata)
    transaction.patch(existing, changes)
    return ok(merged(existing.document, changes))


def _merged_metadata(existing: Row, update: Any) -> Json:
    stored = js.get(existing.document, "metadata")
    while type(stored) is str:
        stored = returned(parse_or(stored, None))
    before = stored if js.kind(stored) == "object" else {}
    return merged(before, js.spread(update))


def _without_id(record: Json) -> Json:
    return {name: value for name, value in record.items() if name != "id"}


def _document(row: Row | None) -> Json | None:
    return None if row is None else row.document


OPERATIONS: Final[dict[str, Operation]] = {
    "insert": _insert,
    "batchInsert": _batch_insert,
    "patch": _patch,
    "load": _load,
    "loadMany": _load_many,
    "queryTable": _query_table,
    "clearTable": _clear_table,
    "dropTable": _clear_table,
    "deleteMany": _delete_many,
    "updateThread": _update_thread,
    "updateResource": _update_resource,
}
