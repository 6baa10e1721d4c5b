"""Operations on threads: ``mastra_threads``.

Behaves as MemoryConvex of @mastra/convex 1.5.2 (dist/storage/domains/memory), and says so where
it does better. Called by the faces of ``store.memory``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from convex_mastra import limits
from convex_mastra.errors import MASTRA_CODE, InvalidArgumentError, NotFoundError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import older, paging
from convex_mastra.ops.abilities import call_or
from convex_mastra.ops.arguments import any_text, plain_object, required_text
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.clearing import clear_matching, clear_table
from convex_mastra.ops.storage import (
    delete_rows,
    load,
    query_rows,
    row_or_none,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import PerPage, Row, Thread, ThreadPage, columns, thread_from_row
from convex_mastra.timestamps import checked, to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import MESSAGES, OBSERVATIONAL_MEMORY, RESOURCES, THREADS


def save_thread(target: Target, thread: Thread) -> Flow[Thread]:
    """Create a thread, or overwrite the one of that id.

    Its metadata is replaced as a whole. One round trip.

    Raises:
        InvalidArgumentError: an empty id or resource, or metadata that Convex cannot hold.
    """
    row = thread_row(thread)
    check_document_size(measure(row, "thread"), "thread")
    yield from call_storage(target, "insert", THREADS, record=row)
    return thread


def get_thread_by_id(
    target: Target, thread_id: str, *, resource_id: str | None = None
) -> Flow[Thread | None]:
    """Return a thread, or None if there is none, or it belongs to another resource.

    One round trip.
    """
    row = yield from load(target, THREADS, required_text(thread_id, "thread_id"))
    if row is None or (resource_id is not None and row.get("resourceId") != resource_id):
        return None
    return thread_from_row(row)


def update_thread(
    target: Target,
    thread_id: str,
    *,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Flow[Thread]:
    """Set a thread's title and merge *metadata*, key by key, into what it has.

    The merge happens inside the deployment's transaction. One round trip; two when *title* is
    None, because the handler demands one and it is read first; a title that another writer sets
    between the two is then lost. On a handler before 1.2.1 the thread is read and written in two
    round trips, in either case, and what another writer sets between them is lost.

    Raises:
        NotFoundError: there is no such thread.
    """
    required_text(thread_id, "thread_id")
    metadata = plain_object(metadata, "metadata")
    measure(metadata, "metadata", depth=1)
    if title is None:
        row = yield from load(target, THREADS, thread_id)
        if row is None:
            raise _thread_not_found(thread_id)
        title = str(row.get("title") or "")
    any_text(title, "title")
    changes = {"title": title, "updatedAt": to_text(target.clock.now())}

    def merged(row: Row) -> Row:
        return {**changes, "metadata": {**columns.metadata(row), **metadata}}

    result = yield from call_or(
        target,
        "updateThread",
        THREADS,
        {"id": thread_id, "metadata": metadata, **changes},
        lambda: older.change(target, THREADS, thread_id, merged),
    )
    row = row_or_none(result, THREADS)
    if row is None:
        raise _thread_not_found(thread_id)
    return thread_from_row(row)


def delete_thread(target: Target, thread_id: str) -> Flow[None]:
    """Delete a thread and all its messages, however many; no error if there is none.

    Two round trips for every 500 messages, and one for the thread, which goes last: an
    interrupted deletion leaves a thread that can be deleted again.
    """
    yield from clear_thread(target, thread_id)
    yield from delete_rows(target, THREADS, [thread_id])


def clear_thread(target: Target, thread_id: str) -> Flow[None]:
    """Delete all messages of a thread, however many; the thread itself stays.

    Two round trips for every 500 messages.
    """
    required_text(thread_id, "thread_id")
    yield from clear_matching(target, MESSAGES, {"thread_id": thread_id})


def list_threads(
    target: Target,
    *,
    resource_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    page: int = 0,
    per_page: PerPage | None = None,
    order_by: Literal["created_at", "updated_at"] = "created_at",
    direction: paging.Direction = "DESC",
) -> Flow[ThreadPage]:
    """Return one page of threads.

    Args:
        resource_id: only threads of this resource; None for all. An empty one is refused: Mastra's
            own client takes it for none given, and would return everybody's threads.
        metadata: only threads whose metadata holds these simple values.
        page: counted from 0.
        per_page: threads a page, 100 by default; False for all of them.
        order_by, direction: newest first by default.

    Raises:
        InvalidArgumentError: a page or metadata key that Mastra refuses; an empty *resource_id*.
        ScanLimitError: there are more threads than the deployment reads in one call.

    Cost: one round trip, which reads all threads of the resource (or all there are).
    """
    code = f"{MASTRA_CODE}LIST_THREADS_INVALID_PAGE"
    per_page = limits.THREADS_PER_PAGE if per_page is None else per_page
    paging.check_page(page, per_page, code=code)
    paging.check_thread_filter(metadata, code=f"{MASTRA_CODE}LIST_THREADS_INVALID_METADATA_KEY")
    paging.check_direction(direction)
    if order_by not in ("created_at", "updated_at"):
        raise InvalidArgumentError(
            "order_by must be 'created_at' or 'updated_at'.", field="order_by"
        )
    filters = {}
    if resource_id is not None:
        filters["resourceId"] = required_text(resource_id, "resource_id")
    rows = yield from query_rows(target, THREADS, filters)
    threads = [
        thread
        for thread in map(thread_from_row, rows)
        if paging.matches_metadata(thread.metadata, metadata)
    ]
    threads.sort(key=lambda thread: getattr(thread, order_by), reverse=direction == "DESC")
    return ThreadPage(
        threads=paging.cut_page(threads, page, per_page),
        total=len(threads),
        page=page,
        per_page=per_page,
        has_more=paging.more_after(len(threads), page, per_page),
    )


def dangerously_clear_all(target: Target) -> Flow[None]:
    """Delete all threads, messages, resources and observational memory of the deployment.

    One round trip for every 25 rows of each table, the tables side by side.
    """
    yield Gather(
        [
            clear_table(target, table)
            for table in (THREADS, MESSAGES, RESOURCES, OBSERVATIONAL_MEMORY)
        ]
    )


def touch_thread(target: Target, thread_id: str) -> Flow[None]:
    """Set a thread's ``updatedAt`` to now; no error if there is no such thread.

    One round trip; two on a handler before 1.2.0.
    """
    record = {"updatedAt": to_text(target.clock.now())}
    yield from call_or(
        target,
        "patch",
        THREADS,
        {"id": thread_id, "record": record},
        lambda: older.patch(target, THREADS, thread_id, record),
    )


def thread_row(thread: Thread) -> Row:
    """The row of a thread."""
    if not isinstance(thread, Thread):
        raise InvalidArgumentError(
            f"thread must be a Thread, not {type(thread).__name__}.", field="thread"
        )
    required_text(thread.id, "thread.id")
    required_text(thread.resource_id, "thread.resource_id")
    return {
        **thread.extra,
        "id": thread.id,
        "resourceId": thread.resource_id,
        "title": any_text(thread.title, "thread.title"),
        "metadata": plain_object(thread.metadata, "thread.metadata"),
        "createdAt": to_text(checked(thread.created_at, "thread.created_at")),
        "updatedAt": to_text(checked(thread.updated_at, "thread.updated_at")),
    }


def _thread_not_found(thread_id: str) -> NotFoundError:
    return NotFoundError(
        f"Thread {thread_id} not found", code=f"{MASTRA_CODE}UPDATE_THREAD_THREAD_NOT_FOUND"
    )
