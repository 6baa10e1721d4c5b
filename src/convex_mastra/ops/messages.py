"""Reading messages: ``mastra_messages``.

Behaves as MemoryConvex of @mastra/convex 1.5.2 (dist/storage/domains/memory), and says so where
it does better. Called by the faces of ``store.memory``; writing is in ``message_writes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from convex_mastra import limits
from convex_mastra.errors import MASTRA_CODE, InvalidArgumentError
from convex_mastra.flow import Flow, Gather
from convex_mastra.jsontext import loads_or_none
from convex_mastra.ops import paging
from convex_mastra.ops.arguments import distinct_ids, kind_of, required_text
from convex_mastra.ops.storage import load_many, query_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import (
    DateRange,
    Include,
    Message,
    MessagePage,
    PerPage,
    Row,
    message_from_row,
)
from convex_mastra.timestamps import checked, from_text
from convex_mastra.wire import MESSAGES


def list_messages(
    target: Target,
    thread_id: str | Sequence[str],
    *,
    resource_id: str | None = None,
    include: Sequence[Include] = (),
    page: int = 0,
    per_page: PerPage | None = None,
    date_range: DateRange | None = None,
    metadata: Mapping[str, Any] | None = None,
    direction: paging.Direction = "ASC",
) -> Flow[MessagePage]:
    """Return one page of the messages of one thread, or of several.

    Args:
        thread_id: one id, or several.
        resource_id: only messages of this resource; holds for *include* too (there Mastra's own
            client returns messages of other resources).
        include: messages to return besides the page, with neighbours from their own threads.
        page: counted from 0.
        per_page: messages a page, 40 by default; False for all; 0 for those included alone.
        date_range: only messages created in it.
        metadata: only messages whose ``content.metadata`` holds these simple values.
        direction: oldest first by default.

    Raises:
        InvalidArgumentError: a thread id, page or filter that Mastra refuses.
        ScanLimitError: a thread has more messages than the deployment reads in one call.

    Cost: one round trip for every thread, side by side; *include* adds up to two.
    """
    thread_ids = _checked_thread_ids(thread_id)
    per_page = limits.MESSAGES_PER_PAGE if per_page is None else per_page
    paging.check_message_page(page, per_page)
    paging.check_message_filter(metadata)
    paging.check_direction(direction)
    within = _date_filter(date_range)
    include = paging.checked_include(include)
    if per_page is not False and per_page == 0:
        included = yield from _included_rows(target, include, {}, resource_id)
        return _page_of(_in_order(included, direction), 0, page, per_page, has_more=False)

    threads = yield from _rows_of_threads(target, thread_ids)
    rows = [
        row
        for own_rows in threads.values()
        for row in own_rows
        if (resource_id is None or row.get("resourceId") == resource_id)
        and within(row)
        and (not metadata or paging.matches_metadata(_content_metadata(row), metadata))
    ]
    if per_page is False and not include:
        return _whole_page(rows, page, direction)
    rows = _in_order(rows, direction)
    chosen = paging.cut_page(rows, page, per_page)
    has_more = paging.more_after(len(rows), page, per_page)
    if include:
        included = yield from _included_rows(target, include, threads, resource_id)
        chosen = _in_order({row["id"]: row for row in [*chosen, *included]}.values(), direction)
        if has_more and not metadata:  # perhaps all that follow the page are among the included
            returned = {row["id"] for row in chosen}
            has_more = any(row["id"] not in returned for row in rows[(page + 1) * per_page :])
    return _page_of(chosen, len(rows), page, per_page, has_more=has_more)


def list_messages_by_resource_id(
    target: Target,
    resource_id: str,
    *,
    page: int = 0,
    per_page: PerPage | None = None,
    date_range: DateRange | None = None,
    metadata: Mapping[str, Any] | None = None,
    direction: paging.Direction = "ASC",
) -> Flow[MessagePage]:
    """Return one page of a resource's messages, over all its threads.

    Arguments as of ``list_messages``; *direction* chooses the page, whose messages come oldest
    first, as from Mastra's own client.

    Raises:
        InvalidArgumentError: a page or filter that Mastra refuses.
        ScanLimitError: the resource has more messages than the deployment reads in one call.

    Cost: one round trip.
    """
    per_page = limits.MESSAGES_PER_PAGE if per_page is None else per_page
    paging.check_message_page(
        page, per_page, code=f"{MASTRA_CODE}LIST_MESSAGES_BY_RESOURCE_ID_INVALID_PAGE"
    )
    paging.check_message_filter(metadata)
    paging.check_direction(direction)
    within = _date_filter(date_range)
    if resource_id != "":  # which has none, as with Mastra's own client
        required_text(resource_id, "resource_id")
    found = yield from query_rows(target, MESSAGES, {"resourceId": resource_id})
    rows = _in_order(
        (
            row
            for row in found
            if within(row)
            and (not metadata or paging.matches_metadata(_content_metadata(row), metadata))
        ),
        direction,
    )
    chosen = _in_order(paging.cut_page(rows, page, per_page), "ASC")
    has_more = per_page is not False and page * per_page + len(chosen) < len(rows)
    return _page_of(chosen, len(rows), page, per_page, has_more=has_more)


def list_messages_by_id(target: Target, message_ids: Sequence[str]) -> Flow[list[Message]]:
    """Return the messages that exist, oldest first.

    One round trip for every 10, side by side; for every one on a handler before 1.2.1.
    """
    rows = yield from load_many(target, MESSAGES, distinct_ids(message_ids, "message_ids"))
    return [message_from_row(row) for row in _in_order(rows, "ASC")]


def _rows_of_threads(target: Target, thread_ids: Iterable[str]) -> Flow[dict[str, list[Row]]]:
    ids = list(dict.fromkeys(thread_ids))
    found: list[list[Row]] = yield Gather(
        [query_rows(target, MESSAGES, {"thread_id": thread_id}) for thread_id in ids]
    )
    return dict(zip(ids, found, strict=True))


def _included_rows(
    target: Target,
    include: Sequence[Include],
    threads: Mapping[str, list[Row]],
    resource_id: str | None,
) -> Flow[list[Row]]:
    known = {row["id"]: row for rows in threads.values() for row in rows}
    missing = [item.id for item in include if item.id not in known]
    known |= {row["id"]: row for row in (yield from load_many(target, MESSAGES, missing))}
    wanted = [
        item
        for item in include
        if item.id in known
        and (resource_id is None or known[item.id].get("resourceId") == resource_id)
    ]
    others = {
        known[item.id]["thread_id"]
        for item in wanted
        if item.with_previous_messages or item.with_next_messages
    } - threads.keys()
    threads = {**threads, **(yield from _rows_of_threads(target, sorted(others)))}
    rows: dict[str, Row] = {}
    for item in wanted:
        around = _in_order(
            (
                row
                for row in threads.get(known[item.id]["thread_id"], ())
                if resource_id is None or row.get("resourceId") == resource_id
            ),
            "ASC",
        )
        rows |= {row["id"]: row for row in _neighbourhood(around, item)}
        rows.setdefault(item.id, known[item.id])
    return list(rows.values())


def _neighbourhood(ordered: Sequence[Row], item: Include) -> Sequence[Row]:
    for position, row in enumerate(ordered):
        if row["id"] == item.id:
            first = max(0, position - item.with_previous_messages)
            return ordered[first : position + item.with_next_messages + 1]
    return ()


def _page_of(
    rows: Sequence[Row], total: int, page: int, per_page: PerPage, *, has_more: bool
) -> MessagePage:
    return MessagePage(
        messages=[message_from_row(row) for row in rows],
        total=total,
        page=page,
        per_page=per_page,
        has_more=has_more,
    )


def _whole_page(rows: Iterable[Row], page: int, direction: paging.Direction) -> MessagePage:
    """All the messages; quicker than ordering the rows first, whose times are then read twice."""
    messages = sorted(
        map(message_from_row, rows), key=attrgetter("created_at"), reverse=direction == "DESC"
    )
    return MessagePage(
        messages=messages, total=len(messages), page=page, per_page=False, has_more=False
    )


def _in_order(rows: Iterable[Row], direction: paging.Direction) -> list[Row]:
    return sorted(rows, key=_created_at, reverse=direction == "DESC")


def _created_at(row: Row) -> datetime:
    return from_text(row.get("createdAt"), row.get("_creationTime", 0.0))


def _content_metadata(row: Row) -> Any:
    content = loads_or_none(row.get("content"))
    return content.get("metadata") if isinstance(content, dict) else None


def _date_filter(date_range: DateRange | None) -> Callable[[Row], bool]:
    if date_range is None:
        return lambda _row: True
    if not isinstance(date_range, DateRange):
        raise InvalidArgumentError(
            f"date_range must be a convex_mastra.DateRange; it is {kind_of(date_range)}.",
            field="date_range",
        )
    start = date_range.start and checked(date_range.start, "date_range.start")
    end = date_range.end and checked(date_range.end, "date_range.end")

    def within(row: Row) -> bool:
        moment = _created_at(row)
        if start and (moment < start or (moment == start and date_range.start_exclusive)):
            return False
        return not end or moment < end or (moment == end and not date_range.end_exclusive)

    return within


def _checked_thread_ids(thread_id: str | Sequence[str]) -> list[str]:
    thread_ids = [thread_id] if isinstance(thread_id, str) else list(thread_id or ())
    if not thread_ids or not all(isinstance(one, str) and one.strip() for one in thread_ids):
        raise InvalidArgumentError(
            "threadId must be a non-empty string or array of non-empty strings",
            field="thread_id",
            code=f"{MASTRA_CODE}LIST_MESSAGES_INVALID_THREAD_ID",
        )
    for one in thread_ids:
        required_text(one, "thread_id")
    return thread_ids
