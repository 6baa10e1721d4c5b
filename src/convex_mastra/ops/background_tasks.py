"""Reading and deleting background tasks: ``mastra_background_tasks``.

Behaves as BackgroundTasksConvex of @mastra/convex 1.5.2, and says so where it does better. Each
operation first makes sure that the deployed handler has the table, which costs one round trip more
at the first use of a backend. Tasks that servers before 1.2 left as documents are found and deleted
like the others: the handler merges both. Called by the faces of ``store.background_tasks``; writing
is in ``background_task_writes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from convex_mastra.flow import Flow
from convex_mastra.ops import paging
from convex_mastra.ops.abilities import BACKGROUND_TASKS_TABLE, require
from convex_mastra.ops.arguments import one_of, required_text
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.storage import (
    delete_rows,
    load,
    query_rows,
)
from convex_mastra.ops.target import Target
from convex_mastra.ops.task_filters import TaskFilter, task_filter
from convex_mastra.records import (
    TASK_TIMES,
    BackgroundTask,
    BackgroundTaskPage,
    PerPage,
    TaskStatus,
    TaskTime,
    background_task_from_row,
)
from convex_mastra.timestamps import EPOCH
from convex_mastra.wire import BACKGROUND_TASKS


def get_task(target: Target, task_id: str) -> Flow[BackgroundTask | None]:
    """Return a task, or None if there is none. One round trip.

    Raises:
        UnsupportedOperationError: the deployed handler is older than 1.2.
    """
    required_text(task_id, "task_id")
    yield from require(target, BACKGROUND_TASKS_TABLE)
    row = yield from load(target, BACKGROUND_TASKS, task_id)
    return None if row is None else background_task_from_row(row)


def list_tasks(
    target: Target,
    *,
    status: TaskStatus | Sequence[TaskStatus] | None = None,
    agent_id: str | None = None,
    thread_id: str | None = None,
    resource_id: str | None = None,
    run_id: str | None = None,
    tool_name: str | None = None,
    tool_call_id: str | None = None,
    from_date: datetime | None = None,
    to_date: datetime | None = None,
    date_filter_by: TaskTime = "created_at",
    order_by: TaskTime = "created_at",
    order_direction: Literal["asc", "desc"] = "asc",
    page: int = 0,
    per_page: PerPage = False,
) -> Flow[BackgroundTaskPage]:
    """Return the tasks that match all that is given.

    Args:
        status: one, or several of which a task has any; of none, no task.
        agent_id, thread_id, resource_id, run_id, tool_name, tool_call_id: None for all. An empty
            one is refused: Mastra's own client takes it for none given.
        from_date, to_date: the first moment, and the one after the last; tasks without a time for
            *date_filter_by* do not match.
        order_by, order_direction: oldest first by default; a task without the time counts as 1970,
            and tasks of the same time come as the deployment's index has them.
        page: counted from 0; of no meaning when all are returned.
        per_page: tasks a page; False, the default, for all.

    Raises:
        InvalidArgumentError: a filter, an order or a page that cannot be.
        ScanLimitError: there are more tasks than the deployment reads in one call. (Of documents
            that servers before 1.2 left, the handler looks at 10,000, and does not say so.)
        UnsupportedOperationError: the deployed handler is older than 1.2.

    Cost: one round trip, which reads all tasks of the best indexed filter: agent (with one status),
    one status, run, tool call, thread, resource or tool.
    """
    paging.check_message_page(page, per_page)
    one_of(order_by, TASK_TIMES, "order_by")
    one_of(order_direction, ("asc", "desc"), "order_direction")
    wanted = task_filter(
        status=status,
        agent_id=agent_id,
        thread_id=thread_id,
        resource_id=resource_id,
        run_id=run_id,
        tool_name=tool_name,
        tool_call_id=tool_call_id,
        from_date=from_date,
        to_date=to_date,
        date_filter_by=date_filter_by,
    )
    tasks = yield from _matching(target, wanted)
    tasks.sort(key=lambda task: getattr(task, order_by) or EPOCH, reverse=order_direction == "desc")
    return BackgroundTaskPage(tasks=paging.cut_page(tasks, page, per_page), total=len(tasks))


def delete_task(target: Target, task_id: str) -> Flow[None]:
    """Delete a task; no error if there is none. One round trip.

    Raises:
        UnsupportedOperationError: the deployed handler is older than 1.2.
    """
    required_text(task_id, "task_id")
    yield from require(target, BACKGROUND_TASKS_TABLE)
    yield from delete_rows(target, BACKGROUND_TASKS, [task_id])


def delete_tasks(
    target: Target,
    *,
    status: TaskStatus | Sequence[TaskStatus] | None = None,
    agent_id: str | None = None,
    thread_id: str | None = None,
    resource_id: str | None = None,
    run_id: str | None = None,
    tool_name: str | None = None,
    tool_call_id: str | None = None,
    from_date: datetime | None = None,
    to_date: datetime | None = None,
    date_filter_by: TaskTime = "created_at",
) -> Flow[None]:
    """Delete the tasks that match all that is given; nothing if nothing is given.

    The arguments are those of ``list_tasks``.

    Raises:
        InvalidArgumentError: a filter that cannot be.
        ScanLimitError: there are more tasks than the deployment reads in one call; nothing was
            deleted. Name more columns, and delete them part by part.
        UnsupportedOperationError: the deployed handler is older than 1.2.

    Cost: as ``list_tasks``, and one round trip for every 1,000 tasks, side by side.
    """
    wanted = task_filter(
        status=status,
        agent_id=agent_id,
        thread_id=thread_id,
        resource_id=resource_id,
        run_id=run_id,
        tool_name=tool_name,
        tool_call_id=tool_call_id,
        from_date=from_date,
        to_date=to_date,
        date_filter_by=date_filter_by,
    )
    if wanted:
        tasks = yield from _matching(target, wanted)
        yield from delete_rows(target, BACKGROUND_TASKS, [task.id for task in tasks])


def get_running_count(target: Target) -> Flow[int]:
    """Return how many tasks are running. One round trip, which reads them."""
    return len((yield from _matching(target, task_filter(status="running"))))


def get_running_count_by_agent(target: Target, agent_id: str) -> Flow[int]:
    """Return how many tasks of an agent are running. One round trip, which reads them."""
    required_text(agent_id, "agent_id")
    wanted = task_filter(status="running", agent_id=agent_id)
    return len((yield from _matching(target, wanted)))


def dangerously_clear_all(target: Target) -> Flow[None]:
    """Delete all background tasks of the deployment. One round trip for every 25."""
    yield from require(target, BACKGROUND_TASKS_TABLE)
    yield from clear_table(target, BACKGROUND_TASKS)


def _matching(target: Target, wanted: TaskFilter) -> Flow[list[BackgroundTask]]:
    yield from require(target, BACKGROUND_TASKS_TABLE)
    if wanted.statuses == ():
        return []
    rows = yield from query_rows(target, BACKGROUND_TASKS, wanted.columns)
    return [task for task in map(background_task_from_row, rows) if wanted.matches(task)]
