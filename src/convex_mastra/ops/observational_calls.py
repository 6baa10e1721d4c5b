"""One request about one record of observational memory, and what its refusal means.

Shared by the operations on observational memory. Each request is preceded by ``require``: a handler
older than 1.4.0 would file the rows where no Mastra looks. That costs one more round trip the first
time; then the backend remembers.
"""

from __future__ import annotations

from typing import Any

from convex_mastra.errors import MASTRA_CODE, FunctionError, NotFoundError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import OBSERVATIONAL_MEMORY_TABLE, require
from convex_mastra.ops.arguments import required_text
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import load
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.timestamps import to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import OBSERVATIONAL_MEMORY


def insert_record(target: Target, row: Row, field: str) -> Flow[None]:
    """Write a row, by its id.

    Raises:
        InvalidArgumentError: Convex could not hold it. Nothing was sent.
        LimitExceededError: it is larger than a Convex document (1 MiB). Nothing was sent.
    """
    check_document_size(measure(row, field), field)
    yield from require(target, OBSERVATIONAL_MEMORY_TABLE)
    yield from call_storage(target, "insert", OBSERVATIONAL_MEMORY, record=row)


def patch_record(target: Target, operation: str, record_id: str, **columns: Any) -> Flow[None]:
    """Set columns of a record, and its ``updatedAt``.

    Args:
        operation: as Mastra's error code names it.

    Raises:
        NotFoundError: there is no such record.
    """
    required_text(record_id, "record_id")
    yield from require(target, OBSERVATIONAL_MEMORY_TABLE)
    columns["updatedAt"] = to_text(target.clock.now())
    reply = yield from call_storage(
        target, "patch", OBSERVATIONAL_MEMORY, id=record_id, record=columns
    )
    if reply.result is not True:
        raise _not_found(operation, record_id)


def call_record(
    target: Target, operation: str, op: str, record_id: str, /, **args: Any
) -> Flow[Any]:
    """Run an operation of the handler on a record, and return its result.

    The handler throws when there is no such record, and a deployment may hide why: after a failure
    the record is looked up, with one more round trip.

    Raises:
        NotFoundError: there is no such record.
        FunctionError: the handler refused for another reason. Nothing was applied.
    """
    yield from require(target, OBSERVATIONAL_MEMORY_TABLE)
    try:
        reply = yield from call_storage(target, op, OBSERVATIONAL_MEMORY, **args)
    except FunctionError as error:
        if type(error) is not FunctionError:
            raise
        if (yield from load(target, OBSERVATIONAL_MEMORY, record_id)) is None:
            raise _not_found(operation, record_id) from None
        raise
    return reply.result


def _not_found(operation: str, record_id: str) -> NotFoundError:
    return NotFoundError(
        f"Observational memory record not found: {record_id}",
        code=f"{MASTRA_CODE}{operation}_NOT_FOUND",
    )
