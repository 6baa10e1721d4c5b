"""Points in time as Mastra stores them: ``YYYY-MM-DDTHH:MM:SS.mmmZ``, and never two alike.

Convex orders messages by this text, so every writer must use exactly this form, and two messages
of one thread must never carry the same millisecond: readers that sort newest-first would turn
them round. Called by the operations on rows.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from convex_mastra.errors import InvalidArgumentError, ProtocolError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC)
REMEMBERED_THREADS: Final = 10_000
_MILLISECOND_DIGITS: Final = re.compile(r"[0-9]{12,14}")
"""From 1973 to the year 5138; fewer digits may be a date, as in 20260102."""


def to_text(moment: datetime) -> str:
    """Write *moment* as JavaScript's ``toISOString`` does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_text(text: Any, creation_time_ms: float) -> datetime:
    """Read a stored time; one that no reader understands becomes the row's creation time.

    Args:
        text: the column's value: an ISO text, or, in old rows, milliseconds since 1970 as a number
            or its digits.
        creation_time_ms: ``_creationTime`` of the row, in milliseconds since 1970.

    Raises:
        ProtocolError: neither is a time.
    """
    if isinstance(text, str):
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is UTC:  # nearly all of them
                return moment
            if moment.tzinfo:
                return moment.astimezone(UTC)
            if not _MILLISECOND_DIGITS.fullmatch(text):  # some of which look like a date
                return moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            pass
    try:
        return from_milliseconds(_written_milliseconds(text))
    except ProtocolError:
        pass
    try:
        return from_milliseconds(creation_time_ms)
    except ProtocolError:
        raise ProtocolError(f"A row has no readable time: {text!r:.40}.") from None


def _written_milliseconds(value: Any) -> Any:
    if isinstance(value, str):
        return int(value) if _MILLISECOND_DIGITS.fullmatch(value) else None
    return None if isinstance(value, bool) else value


def to_milliseconds(moment: datetime) -> int:
    """Write *moment* as JavaScript's ``getTime`` does: milliseconds since 1970."""
    return (moment - EPOCH) // MILLISECOND


def from_milliseconds(milliseconds: float) -> datetime:
    """Read a time that is stored as milliseconds since 1970.

    Raises:
        ProtocolError: it is no time.
    """
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except (TypeError, ValueError, OverflowError):
        raise ProtocolError(f"A row has no readable time: {milliseconds!r:.40}.") from None


def following(moment: datetime) -> datetime:
    """The next time a row may carry: a millisecond later, if that can be written at all."""
    return min(moment, LATEST - MILLISECOND) + MILLISECOND


def checked(moment: datetime, field: str) -> datetime:
    """Return *moment* in UTC, whole milliseconds.

    Raises:
        InvalidArgumentError: it is no datetime, does not say which time zone it is in, or is
            beyond the years 1 to 9999 of UTC.
    """
    if not isinstance(moment, datetime):
        raise InvalidArgumentError(
            f"{field} must be a datetime, not {type(moment).__name__}.", field=field
        )
    if moment.tzinfo is None:
        raise InvalidArgumentError(
            f"{field} has no time zone; use datetime.now(timezone.utc).", field=field
        )
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidArgumentError(
            f"{field} cannot be told in UTC: {error}.", field=field
        ) from None
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
        return EPOCH + milliseconds * MILLISECOND

    def next(self, thread_id: str) -> datetime:
        """The time now, or after the thread's latest. Nobody is given the same one again."""
        now = self.now()
        with self._lock:
            last = self._last.get(thread_id)
            moment = now if last is None else max(now, following(last))
            self._remember(thread_id, moment)
        return moment

    def note(self, thread_id: str, moment: datetime) -> None:
        """Remember that the thread has a message of this time."""
        with self._lock:
            self._remember(thread_id, max(moment, self._last.get(thread_id, moment)))

    def _remember(self, thread_id: str, moment: datetime) -> None:
        self._last[thread_id] = moment
        self._last.move_to_end(thread_id)
        while len(self._last) > REMEMBERED_THREADS:
            self._last.popitem(last=False)
