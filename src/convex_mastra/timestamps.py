"""Points in time as Mastra stores them: ``YYYY-MM-DDTHH:MM:SS.mmmZ``, and never two alike.

Convex orders messages by this text, so every writer must use exactly this form, and two messages
of one thread must never carry the same millisecond: readers that sort newest-first would turn
them round. Called by the operations on rows.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from convex_mastra.errors import InvalidArgumentError

MILLISECOND: Final = timedelta(milliseconds=1)
REMEMBERED_THREADS: Final = 10_000


def to_text(moment: datetime) -> str:
    """Write *moment* as JavaScript's ``toISOString`` does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_text(text: Any, creation_time_ms: float) -> datetime:
    """Read a stored time; one that no reader understands becomes the row's creation time.

    Args:
        text: the column's value.
        creation_time_ms: ``_creationTime`` of the row, in milliseconds since 1970.
    """
    if isinstance(text, str):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.fromtimestamp(creation_time_ms / 1000, UTC)


def checked(moment: datetime, field: str) -> datetime:
    """Return *moment* in UTC, whole milliseconds.

    Raises:
        InvalidArgumentError: it is no datetime, or does not say which time zone it is in.
    """
    if not isinstance(moment, datetime):
        raise InvalidArgumentError(
            f"{field} must be a datetime, not {type(moment).__name__}.", field=field
        )
    if moment.tzinfo is None:
        raise InvalidArgumentError(
            f"{field} has no time zone; use datetime.now(timezone.utc).", field=field
        )
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Clock:
    """The time now, in whole milliseconds, moving on for each thread of messages.

    Two saves to one thread within a millisecond, or a save of a hundred messages and the next
    one right after, would otherwise carry equal or crossing times.
    """

    def __init__(self, wall_s: Callable[[], float] = time.time) -> None:
        self._wall_s = wall_s
        self._last: OrderedDict[str, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time now in UTC, cut to the millisecond."""
        milliseconds = int(self._wall_s() * 1000)
        return datetime.fromtimestamp(0, UTC) + milliseconds * MILLISECOND

    def next(self, thread_id: str) -> datetime:
        """The time now, or a millisecond after the latest time noted for the thread."""
        with self._lock:
            last = self._last.get(thread_id)
        now = self.now()
        return now if last is None else max(now, last + MILLISECOND)

    def note(self, thread_id: str, moment: datetime) -> None:
        """Remember that the thread has a message of this time."""
        with self._lock:
            last = self._last.pop(thread_id, None)
            self._last[thread_id] = moment if last is None else max(last, moment)
            while len(self._last) > REMEMBERED_THREADS:
                self._last.popitem(last=False)
