"""``store.background_tasks``: tool calls that outlive their turn, one line an operation and face.

The docstrings are those of ``convex_mastra.ops``.
"""

from __future__ import annotations

from convex_mastra.face import Face, blocking, nonblocking
from convex_mastra.ops import background_task_writes, background_tasks


class BackgroundTasks(Face):
    """Background tasks, blocking. Source: BackgroundTasksConvex of @mastra/convex 1.5.2."""

    create_task = blocking(background_task_writes.create_task)
    update_task = blocking(background_task_writes.update_task)
    get_task = blocking(background_tasks.get_task)
    list_tasks = blocking(background_tasks.list_tasks)
    delete_task = blocking(background_tasks.delete_task)
    delete_tasks = blocking(background_tasks.delete_tasks)
    get_running_count = blocking(background_tasks.get_running_count)
    get_running_count_by_agent = blocking(background_tasks.get_running_count_by_agent)
    dangerously_clear_all = blocking(background_tasks.dangerously_clear_all)


class AsyncBackgroundTasks(Face):
    """Background tasks, async. Source: BackgroundTasksConvex of @mastra/convex 1.5.2."""

    create_task = nonblocking(background_task_writes.create_task)
    update_task = nonblocking(background_task_writes.update_task)
    get_task = nonblocking(background_tasks.get_task)
    list_tasks = nonblocking(background_tasks.list_tasks)
    delete_task = nonblocking(background_tasks.delete_task)
    delete_tasks = nonblocking(background_tasks.delete_tasks)
    get_running_count = nonblocking(background_tasks.get_running_count)
    get_running_count_by_agent = nonblocking(background_tasks.get_running_count_by_agent)
    dangerously_clear_all = nonblocking(background_tasks.dangerously_clear_all)
