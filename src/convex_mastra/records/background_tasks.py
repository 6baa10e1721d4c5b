"""The typed records of background tasks, and how a task is read from its row.

A task is a tool call that outlives the turn which made it. Its row in ``mastra_background_tasks``
has ids in snake_case, times in camelCase, and payloads as JSON text. Servers before 1.2 kept tasks
as documents with all names in camelCase; today's hands those out as they are. Called by the
operations; sends nothing.

Source: @mastra/convex 1.5.2 mastraBackgroundTasksTable and ``fromStored``, @mastra/core 1.71
background-tasks/types.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args

from msgspec import field

from convex_mastra.records import columns
from convex_mastra.records.columns import SYSTEM_COLUMNS, Row
from convex_mastra.records.record import Record, new_id, now

TaskStatus = Literal[
    "pending", "running", "suspended", "completed", "failed", "cancelled", "timed_out"
]
TaskTime = Literal["created_at", "started_at", "suspended_at", "completed_at"]
TASK_STATUSES: Final = get_args(TaskStatus)
TASK_TIMES: Final = get_args(TaskTime)

_CURRENT_NAMES: Final = {
    "toolCallId": "tool_call_id",
    "toolName": "tool_name",
    "agentId": "agent_id",
    "runId": "run_id",
    "threadId": "thread_id",
    "resourceId": "resource_id",
    "suspendPayload": "suspend_payload",
    "retryCount": "retry_count",
    "maxRetries": "max_retries",
    "timeoutMs": "timeout_ms",
}
"""The columns of today, by the name that servers before 1.2 gave them."""
BACKGROUND_TASK_COLUMNS: Final = SYSTEM_COLUMNS.union(
    _CURRENT_NAMES.values(),
    ("id", "status", "args", "result", "error"),
    ("createdAt", "startedAt", "suspendedAt", "completedAt"),
)


class BackgroundTask(Record, frozen=True, kw_only=True):
    """A tool call that runs in the background.

    Attributes:
        status: ``pending`` until a worker takes it.
        tool_name, tool_call_id: which tool, and the call in the agent's message.
        agent_id, run_id: who called it, and in which run.
        thread_id, resource_id: where the answer belongs; None if nowhere.
        args: the tool's arguments. They, *result*, *error* and *suspend_payload* are any JSON, and
            come back exactly.
        result: what the tool returned; None also if it returned nothing.
        error: ``{"message": ..., "stack": ...}`` of the last failure.
        suspend_payload: what the tool passed when it suspended itself.
        retry_count, max_retries: tries after the first one, so far and at most.
        timeout_ms: how long one try may take; Mastra's own default is 5 minutes.
        started_at, suspended_at, completed_at: None until it happens.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=new_id)
    status: TaskStatus = "pending"
    tool_name: str
    tool_call_id: str
    agent_id: str
    run_id: str
    thread_id: str | None = None
    resource_id: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    error: Mapping[str, Any] | None = None
    suspend_payload: Any = None
    retry_count: int = 0
    max_retries: int = 0
    timeout_ms: int = 300_000
    created_at: datetime = field(default_factory=now)
    started_at: datetime | None = None
    suspended_at: datetime | None = None
    completed_at: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class BackgroundTaskPage(Record, frozen=True, kw_only=True):
    """Some background tasks. *total* counts all that match, on this page or not."""

    tasks: list[BackgroundTask]
    total: int


def background_task_from_row(row: Row) -> BackgroundTask:
    """Read a row of ``mastra_background_tasks``, or the document of an older server."""
    row = _with_current_names(row)
    args = columns.json_value(row, "args")
    return BackgroundTask(
        id=columns.text(row, "id"),
        status=columns.text(row, "status"),  # type: ignore[arg-type]  # of a newer version, perhaps
        tool_name=columns.text(row, "tool_name"),
        tool_call_id=columns.text(row, "tool_call_id"),
        agent_id=columns.text(row, "agent_id"),
        run_id=columns.text(row, "run_id"),
        thread_id=row.get("thread_id"),
        resource_id=row.get("resource_id"),
        args={} if args is None else args,
        result=columns.json_value(row, "result"),
        error=columns.json_value(row, "error"),
        suspend_payload=columns.json_value(row, "suspend_payload"),
        retry_count=int(columns.number(row, "retry_count")),
        max_retries=int(columns.number(row, "max_retries")),
        timeout_ms=int(columns.number(row, "timeout_ms")),
        created_at=columns.moment(row, "createdAt"),
        started_at=columns.moment_or_none(row, "startedAt"),
        suspended_at=columns.moment_or_none(row, "suspendedAt"),
        completed_at=columns.moment_or_none(row, "completedAt"),
        extra=columns.unknown(row, BACKGROUND_TASK_COLUMNS),
    )


def _with_current_names(row: Row) -> Row:
    if row.keys().isdisjoint(_CURRENT_NAMES):
        return row
    older = {_CURRENT_NAMES[name]: row[name] for name in row.keys() & _CURRENT_NAMES.keys()}
    return older | {name: value for name, value in row.items() if name not in _CURRENT_NAMES}
