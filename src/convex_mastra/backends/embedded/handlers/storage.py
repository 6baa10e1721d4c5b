"""The storage function, ``mastra/storage:handle``: which table, which room, and what failing means.

Re-tells ``mastraStorage`` and ``resolveTable`` of src/server/storage.ts. There, what operations on
vectors and background tasks throw is caught inside the function: it answers ``ok: false``, and
what they wrote before stays. Everything else that throws fails the function and applies nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from convex_mastra import wire
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers import (
    background_tasks,
    generic,
    observational,
    schedules,
    typed,
    vectors,
    workflows,
)
from convex_mastra.backends.embedded.handlers.replies import failed, unsupported
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.tables import (
    BACKGROUND_TASKS,
    OBSERVATIONAL_MEMORY,
    TYPED,
    Table,
)
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

READING_OPERATIONS: Final = frozenset(
    {
        "load",
        "loadMany",
        "queryTable",
        "omGetLatest",
        "omGetHistory",
        "listDueSchedules",
        "listScheduleTriggers",
    }
)


def reads_once(args: Mapping[str, Any]) -> bool:
    """Whether a reading operation is a single query, and so needs no transaction around it."""
    return args.get("tableName") != wire.BACKGROUND_TASKS


def handle(transaction: Transaction, request: Json) -> Json:
    """Run one storage operation and return the handler's reply.

    Raises:
        Thrown: the function fails; its transaction must be rolled back.
    """
    table_name = js.get(request, "tableName")
    if type(table_name) is not str:
        return failed(_no_text(table_name))
    table = TYPED.get(table_name)
    if table is BACKGROUND_TASKS:
        return _handle_background_task(transaction, request)
    if table is not None:
        return _handle_typed(transaction, table, request)
    if table_name.startswith(wire.VECTOR_TABLE_PREFIX):
        return _handle_vector(
            transaction, table_name.removeprefix(wire.VECTOR_TABLE_PREFIX), request
        )
    return _handle_generic(transaction, table_name, request)


def _handle_typed(transaction: Transaction, table: Table, request: Json) -> Json:
    op = _operation(request)
    operation = typed.OPERATIONS.get(op)
    if operation is not None:
        return operation(transaction, table, request)
    if op in observational.OPERATIONS:
        if table is not OBSERVATIONAL_MEMORY:
            raise Thrown(f"{op} is only supported for {OBSERVATIONAL_MEMORY.name}")
        return observational.OPERATIONS[op](transaction, request)
    if op in schedules.OPERATIONS:
        own_table, run = schedules.OPERATIONS[op]
        if table is not own_table:
            raise Thrown(f"{op} is only supported for {own_table.name}")
        return run(transaction, request)
    if op in workflows.OPERATIONS:
        return workflows.handle(transaction, table, request)
    return unsupported(request)


def _handle_background_task(transaction: Transaction, request: Json) -> Json:
    try:
        return _handle_typed(transaction, BACKGROUND_TASKS, request)
    except Thrown as error:
        if not background_tasks.is_missing_table(str(error)):
            return failed(str(error))
    return _handle_generic(transaction, wire.BACKGROUND_TASKS, request)


def _handle_vector(transaction: Transaction, index_name: str, request: Json) -> Json:
    operation = vectors.OPERATIONS.get(_operation(request))
    if operation is None:
        return unsupported(request)
    try:
        return operation(transaction, index_name, request)
    except Thrown as error:
        return failed(str(error))


def _handle_generic(transaction: Transaction, table_name: str, request: Json) -> Json:
    operation = generic.OPERATIONS.get(_operation(request))
    return operation(transaction, table_name, request) if operation else unsupported(request)


def _operation(request: Json) -> str:
    op = js.get(request, "op")
    return op if type(op) is str else ""


def _no_text(table_name: Any) -> str:
    if table_name is None or table_name is js.UNDEFINED:
        return f"Cannot read properties of {js.to_string(table_name)} (reading 'startsWith')"
    return "tableName.startsWith is not a function"
