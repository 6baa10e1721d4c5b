"""Creating and changing background tasks: ``mastra_background_tasks``.

Behaves as BackgroundTasksConvex of @mastra/convex 1.5.2. Like every operation on tasks, each first
makes sure that the deployed handler has the table, which costs one round trip more at the first use
of a backend. A task that a server before 1.2 left as a document is changed where it is. Called by
the faces of ``store.background_tasks``; reading and deleting are in ``background_tasks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow
from convex_mastra.jsontext import dumps
from convex_mastra.ops.abilities import BACKGROUND_TASKS_TABLE, require
from convex_mastra.ops.arguments import (
    one_of,
    optional_text,
    plain_object,
    required_text,
    whole_number,
)
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.target import Target
from convex_mastra.records import (
    TASK_STATUSES,
    BackgroundTask,
    Row,
    TaskStatus,
    background_task_from_row,
)
from convex_mastra.timestamps import checked, to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import BACKGROUND_TASKS


def create_task(target: Target, task: BackgroundTask) -> Flow[BackgroundTask]:
    """Create a task, or overwrite the one of that id. One round trip.

    Returns:
        The task as stored: its times in UTC, cut to the millisecond.

    Raises:
        InvalidArgumentError: an empty id, an unknown status, a payload that is not JSON.
        LimitExceededError: it is larger than a Convex document (1 MiB).
        UnsupportedOperationError: the deployed handler is older than 1.2.
    """
    row = _task_row(task)
    check_document_size(measure(row, "task"), "task")
    yield from require(target, BACKGROUND_TASKS_TABLE)
    yield from call_storage(target, "insert", BACKGROUND_TASKS, record=row)
    return background_task_from_row(row)


def update_task(
    target: Target,
    task_id: str,
    *,
    status: TaskStatus | None = None,
    result: Any = UNSET,
    error: Mapping[str, Any] | UnsetType | None = UNSET,
    suspend_payload: Any = UNSET,
    retry_count: int | None = None,
    max_retries: int | None = None,
    timeout_ms: int | None = None,
    started_at: datetime | UnsetType | None = UNSET,
    suspended_at: datetime | UnsetType | None = UNSET,
    completed_at: datetime | UnsetType | None = UNSET,
) -> Flow[bool]:
    """Change a task; what is not given stays as it is.

    Args:
        status, retry_count, max_retries, timeout_ms: None leaves them.
        result, error, suspend_payload, started_at, suspended_at, completed_at: None empties them.

    Returns:
        Whether there is such a task. (Mastra's own client returns nothing.)

    Raises:
        InvalidArgumentError: an unknown status, a time without zone, a payload that is not JSON.
        UnsupportedOperationError: the deployed handler is older than 1.2.

    Cost: one round trip. Two writers of different columns do not disturb each other.
    """
    required_text(task_id, "task_id")
    changes: Row = {}
    if status is not None:
        changes["status"] = one_of(status, TASK_STATUSES, "status")
    for column, number in (
        ("retry_count", retry_count),
        ("max_retries", max_retries),
        ("timeout_ms", timeout_ms),
    ):
        if number is not None:
            changes[column] = whole_number(number, column)
    if result is not UNSET:
        changes["result"] = _json_or_null(result, "result")
    if error is not UNSET:
        changes["error"] = _error_or_null(error, "error")
    if suspend_payload is not UNSET:
        changes["suspend_payload"] = _json_or_null(suspend_payload, "suspend_payload")
    if started_at is not UNSET:
        changes["startedAt"] = _time_or_null(started_at, "started_at")
    if suspended_at is not UNSET:
        changes["suspendedAt"] = _time_or_null(suspended_at, "suspended_at")
    if completed_at is not UNSET:
        changes["completedAt"] = _time_or_null(completed_at, "completed_at")
    check_document_size(measure(changes, "task"), "task")
    yield from require(target, BACKGROUND_TASKS_TABLE)
    reply = yield from call_storage(target, "patch", BACKGROUND_TASKS, id=task_id, record=changes)
    return reply.result is True


def _task_row(task: BackgroundTask) -> Row:
    if not isinstance(task, BackgroundTask):
        raise InvalidArgumentError(
            f"task must be a BackgroundTask, not {type(task).__name__}.", field="task"
        )
    return {
        **task.extra,
        "id": required_text(task.id, "task.id"),
        "status": one_of(task.status, TASK_STATUSES, "task.status"),
        "tool_name": required_text(task.tool_name, "task.tool_name"),
        "tool_call_id": required_text(task.tool_call_id, "task.tool_call_id"),
        "agent_id": required_text(task.agent_id, "task.agent_id"),
        "run_id": required_text(task.run_id, "task.run_id"),
        "thread_id": optional_text(task.thread_id, "task.thread_id"),
        "resource_id": optional_text(task.resource_id, "task.resource_id"),
        "args": dumps(plain_object(task.args, "task.args"), "task.args"),
        "result": _json_or_null(task.result, "task.result"),
        "error": _error_or_null(task.error, "task.error"),
        "suspend_payload": _json_or_null(task.suspend_payload, "task.suspend_payload"),
        "retry_count": whole_number(task.retry_count, "task.retry_count"),
        "max_retries": whole_number(task.max_retries, "task.max_retries"),
        "timeout_ms": whole_number(task.timeout_ms, "task.timeout_ms"),
        "createdAt": to_text(checked(task.created_at, "task.created_at")),
        "startedAt": _time_or_null(task.started_at, "task.started_at"),
        "suspendedAt": _time_or_null(task.suspended_at, "task.suspended_at"),
        "completedAt": _time_or_null(task.completed_at, "task.completed_at"),
    }


def _json_or_null(value: Any, field: str) -> str | None:
    return None if value is None else dumps(value, field)


def _error_or_null(error: Any, field: str) -> str | None:
    if error is None:
        return None
    if not isinstance(error, Mapping) or not isinstance(error.get("message"), str):
        raise InvalidArgumentError(
            f'{field} must be an object with a text as its message: {{"message": "…"}}.',
            field=field,
        )
    return dumps(dict(error), field)


def _time_or_null(moment: datetime | None, field: str) -> str | None:
    return None if moment is None else to_text(checked(moment, field))
