"""Operations on resources: ``mastra_resources``, where working memory lives.

Behaves as MemoryConvex of @mastra/convex 1.5.2. Called by the faces of ``store.memory``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convex_mastra.errors import InvalidArgumentError, ProtocolError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import call_or
from convex_mastra.ops.arguments import any_text, plain_object, required_text
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import (
    load,
    row_or_none,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import Resource, Row, columns, resource_from_row
from convex_mastra.timestamps import checked, to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import RESOURCES


def save_resource(target: Target, resource: Resource) -> Flow[Resource]:
    """Create a resource, or overwrite the one of that id.

    Its metadata is replaced as a whole; a stored working memory is kept if *resource* has none.
    One round trip.
    """
    row = _resource_row(resource)
    check_document_size(measure(row, "resource"), "resource")
    yield from call_storage(target, "insert", RESOURCES, record=row)
    return resource


def get_resource_by_id(target: Target, resource_id: str) -> Flow[Resource | None]:
    """Return a resource, or None if there is none. One round trip."""
    row = yield from load(target, RESOURCES, required_text(resource_id, "resource_id"))
    return None if row is None else resource_from_row(row)


def update_resource(
    target: Target,
    resource_id: str,
    *,
    working_memory: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Flow[Resource]:
    """Set a resource's working memory and merge *metadata* into what it has; create it if need be.

    None leaves a column as it is. The merge happens inside the deployment's transaction. One
    round trip; on a handler before 1.2.1 two, and what another writer sets between them is lost.
    """
    required_text(resource_id, "resource_id")
    changes: Row = {}
    if working_memory is not None:
        changes["workingMemory"] = any_text(working_memory, "working_memory")
    if metadata is not None:
        changes["metadata"] = plain_object(metadata, "metadata")
    check_document_size(measure(changes, "resource"), "resource")
    now = to_text(target.clock.now())
    result = yield from call_or(
        target,
        "updateResource",
        RESOURCES,
        {"resourceId": resource_id, "createdAt": now, "updatedAt": now, **changes},
        lambda: _read_and_write(target, resource_id, changes, now),
    )
    row = row_or_none(result, RESOURCES)
    if row is None:
        raise ProtocolError("updateResource returned no row.", operation="updateResource")
    return resource_from_row(row)


def _read_and_write(target: Target, resource_id: str, changes: Row, now: str) -> Flow[Row]:
    """What stands in for ``updateResource``: ``insert`` merges into a row that exists."""
    stored = yield from load(target, RESOURCES, resource_id)
    record: Row = {"id": resource_id, **changes, "createdAt": now, "updatedAt": now}
    if stored is None:
        record.setdefault("metadata", {})
    else:
        record["createdAt"] = stored.get("createdAt", now)
        if "metadata" in changes:
            record["metadata"] = {**columns.metadata(stored), **changes["metadata"]}
    yield from call_storage(target, "insert", RESOURCES, record=record)
    return {**(stored or {}), **record}


def _resource_row(resource: Resource) -> Row:
    if not isinstance(resource, Resource):
        raise InvalidArgumentError(
            f"resource must be a Resource, not {type(resource).__name__}.", field="resource"
        )
    row: Row = {
        **resource.extra,
        "id": required_text(resource.id, "resource.id"),
        "metadata": plain_object(resource.metadata, "resource.metadata"),
        "createdAt": to_text(checked(resource.created_at, "resource.created_at")),
        "updatedAt": to_text(checked(resource.updated_at, "resource.updated_at")),
    }
    if resource.working_memory is not None:
        row["workingMemory"] = any_text(resource.working_memory, "resource.working_memory")
    return row
