"""Choosing threads, and reading one as documents, as flows that know no waiting.

Each is written once and bound for both faces by ``ThreadReader``; they are put together from the
core's operations on threads and messages. ``thread_loader`` calls them, a thread at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document

from convex_mastra import DateRange, Message, NotFoundError, Thread
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.messages import list_messages
from convex_mastra.ops.target import Target
from convex_mastra.ops.threads import get_thread_by_id, list_threads
from langchain_convex_mastra.thread_documents import Mode, documents_of


@dataclass(frozen=True, slots=True)
class Selection:
    """Which threads are read, what of them, and as what. The fields are ``ConvexThreadLoader``'s."""

    thread_ids: Sequence[str] | None
    resource_id: str | None
    metadata: Mapping[str, Any] | None
    date_range: DateRange | None
    mode: Mode
    include_tools: bool


def choose_threads(target: Target, selection: Selection) -> Flow[list[Thread]]:
    """Return the threads of a selection that names none, oldest first. One round trip."""
    page = yield from list_threads(
        target,
        resource_id=selection.resource_id,
        metadata=selection.metadata,
        per_page=False,
        direction="ASC",
    )
    return page.threads


def read_thread(target: Target, selection: Selection, thread: Thread | str) -> Flow[list[Document]]:
    """Return the documents of a thread, in order; an id stands for a thread not yet read.

    Raises:
        NotFoundError: there is no thread of that id, or it is another resource's.
        ScanLimitError: it has more messages than the deployment reads in one call.

    Cost: one round trip.
    """
    known, messages = yield Gather(
        [_found(target, selection, thread), _messages_in(target, selection, thread)]
    )
    return documents_of(known, messages, selection.mode, include_tools=selection.include_tools)


def _found(target: Target, selection: Selection, thread: Thread | str) -> Flow[Thread]:
    if isinstance(thread, Thread):
        return thread
    found = yield from get_thread_by_id(target, thread, resource_id=selection.resource_id)
    if found is None:
        whose = f" of the resource {selection.resource_id}" if selection.resource_id else ""
        raise NotFoundError(f"There is no thread {thread}{whose}.")
    return found


def _messages_in(target: Target, selection: Selection, thread: Thread | str) -> Flow[list[Message]]:
    page = yield from list_messages(
        target,
        thread.id if isinstance(thread, Thread) else thread,
        resource_id=selection.resource_id,
        date_range=selection.date_range,
        per_page=False,
    )
    return page.messages


class ThreadReader(SyncClient, AsyncClient):
    """The flows on one backend, each for both faces."""

    choose = blocking(choose_threads)
    read = blocking(read_thread)
    achoose = nonblocking(choose_threads)
    aread = nonblocking(read_thread)
