"""The typed records, one module for each domain of Mastra's storage, and their rows."""

from convex_mastra.records.columns import SYSTEM_COLUMNS, Row
from convex_mastra.records.memory import (
    MESSAGE_COLUMNS,
    RESOURCE_COLUMNS,
    THREAD_COLUMNS,
    DateRange,
    Include,
    Message,
    MessagePage,
    MessageUpdate,
    PerPage,
    Resource,
    Thread,
    ThreadPage,
    message_from_row,
    resource_from_row,
    text_content,
    thread_from_row,
)
from convex_mastra.records.record import Record
from convex_mastra.records.workflows import (
    WorkflowRun,
    WorkflowRunPage,
    workflow_row_id,
    workflow_run_from_row,
)

__all__ = [
    "MESSAGE_COLUMNS",
    "RESOURCE_COLUMNS",
    "SYSTEM_COLUMNS",
    "THREAD_COLUMNS",
    "DateRange",
    "Include",
    "Message",
    "MessagePage",
    "MessageUpdate",
    "PerPage",
    "Record",
    "Resource",
    "Row",
    "Thread",
    "ThreadPage",
    "WorkflowRun",
    "WorkflowRunPage",
    "message_from_row",
    "resource_from_row",
    "text_content",
    "thread_from_row",
    "workflow_row_id",
    "workflow_run_from_row",
]
