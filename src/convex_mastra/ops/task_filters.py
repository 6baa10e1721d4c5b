"""Which background tasks an operation means: filters by column and by date, in Mastra's sense.

A filter is checked when it is made. Single values go to the handler, which has an index for most
of them; several statuses and dates it cannot filter by, so those are applied to what comes back.
Called by ``background_tasks``; sends nothing.

Source: TaskFilter of @mastra/core 1.71, ``listTasks`` and ``hasDeleteFilter`` of @mastra/convex
1.5.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from convex_mastra.ops.arguments import one_of, required_text
from convex_mastra.records import TASK_STATUSES, TASK_TIMES, BackgroundTask, TaskTime
from convex_mastra.timestamps import checked


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What a task must be to be meant.

    Attributes:
        columns: the values that its columns must equal, by name; the names are the record's too.
        statuses: those of which it must have one; None for any.
        start, end: the first moment, and the one after the last, of its time *date_filter_by*.
    """

    columns: dict[str, str]
    statuses: tuple[str, ...] | None
    start: datetime | None
    end: datetime | None
    date_filter_by: TaskTime

    def __bool__(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.columns or self.statuses or self.start or self.end)

    def matches(self, task: BackgroundTask) -> bool:
        """Whether *task* is meant."""
        if self.statuses is not None and task.status not in self.statuses:
            return False
        if any(getattr(task, name) != value for name, value in self.columns.items()):
            return False  # the handler also looks at the older spelling of a column that has both
        if self.start is None and self.end is None:
            return True
        moment = getattr(task, self.date_filter_by)
        return (
            moment is not None
            and (self.start is None or moment >= self.start)
            and (self.end is None or moment < self.end)
        )


def task_filter(
    *,
    status: Any = None,
    from_date: datetime | None = None,
    to_date: datetime | None = None,
    date_filter_by: TaskTime = "created_at",
    **names: str | None,
) -> TaskFilter:
    """Check a filter's parts and put them together; what is None is not asked for.

    Raises:
        InvalidArgumentError: an unknown status or time, an empty name, a date without zone.
    """
    columns = {
        name: required_text(value, name) for name, value in names.items() if value is not None
    }
    statuses = None if status is None else _checked_statuses(status)
    if statuses is not None and len(statuses) == 1:
        columns["status"] = statuses[0]
    one_of(date_filter_by, TASK_TIMES, "date_filter_by")
    return TaskFilter(
        columns=columns,
        statuses=statuses,
        start=None if from_date is None else checked(from_date, "from_date"),
        end=None if to_date is None else checked(to_date, "to_date"),
        date_filter_by=date_filter_by,
    )


def _checked_statuses(status: Any) -> tuple[str, ...]:
    if isinstance(status, str) or not isinstance(status, Iterable):
        return (one_of(status, TASK_STATUSES, "status"),)
    return tuple(
        one_of(one, TASK_STATUSES, f"status[{position}]") for position, one in enumerate(status)
    )
