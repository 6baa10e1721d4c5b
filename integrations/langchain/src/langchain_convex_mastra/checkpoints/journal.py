"""The checkpoints of one place, newest first, a few at a time.

Merges the lanes: an id is given out when no row that was not read yet can hold a higher one. Pages and
closed lanes are read when it is their turn, more at once the longer the list is. Called by the rooms
that read the newest checkpoint, list, delete and copy. Ids come from lanes alone: whether a header is
still there is for the caller to find out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.storage import load_many, query_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.lanes import Lane, read_page, read_tail
from langchain_convex_mastra.checkpoints.layout import Place, page_key, tail_key
from langchain_convex_mastra.checkpoints.strict import read_json

PAGES_AT_ONCE: Final = 80
LANES_AT_ONCE: Final = 20
PROBES: Final = 10
"""Pages that one step of a search reads: as many as one request loads."""


@dataclass(slots=True)
class _Unread:
    """The pages of a lane that were not read yet: 0 up to *pages*, and their highest id."""

    lane: str
    pages: int
    highest: str
    ordered: bool
    at_once: int = 1


@dataclass(slots=True)
class Journal:
    """The ids of a place.

    Attributes:
        before: only ids below this one.
        lanes: the lanes that were listed when it was opened, and those closed ones that were read.
        closed: closed lanes that were not read yet, by the highest id of each.
        closed_rows: the keys of the lists of closed lanes.
    """

    place: Place
    before: str | None = None
    lanes: dict[str, Lane] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)
    closed_rows: list[str] = field(default_factory=list)
    _found: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _unread: dict[str, _Unread] = field(default_factory=dict)
    _last: str | None = None
    _is_short: bool = False

    def open(self, target: Target, *, closed: bool = True) -> Flow[None]:
        """Read the ends of the lanes. Two waits, and one more if a lane has no end.

        Args:
            closed: look for closed lanes too. Without, ``take`` gives out the highest id, if that
                has not been deleted; what comes after it may be wrong.
        """
        rows: list[Row] = yield from query_rows(target, self.place.lanes, {})
        self.listed = [row["id"] for row in rows]
        flows: list[Flow[Any]] = [self._read(target, lanes=self.listed)]
        if closed:  # asked for after the lanes: whoever closes one lists it there first
            flows.append(query_rows(target, self.place.closed, {}))
        _, *found = yield Gather(flows)
        if closed:
            self.closed_rows = [row["id"] for row in found[0]]
            entries = [entry for row in found[0] for entry in read_json(row, _closed_lanes)]
            self.closed = {lane: highest for lane, highest in entries if lane not in self.listed}
            yield from self._look_again(target)

    def take(self, target: Target, count: int) -> Flow[list[str]]:
        """Return the next *count* ids, highest first; fewer, if there are no more."""
        if self.before is not None:
            for unread in list(self._unread.values()):
                yield from self._skip(target, unread, self.before)
        taken: list[str] = []
        while len(taken) < count:
            bound = self._bound()
            while self._found and len(taken) < count and self._found[-1] >= bound:
                taken.append(self._found.pop())
                self._last = taken[-1]
            if len(taken) == count or (not self._found and not bound):
                break
            yield from self._read_on(target, bound)
            yield from self._look_again(target)
        return taken

    def all(self, target: Target) -> Flow[list[str]]:
        """Return all ids, highest first."""
        every: list[str] = []
        while ids := (yield from self.take(target, 10_000)):
            every += ids
        return every

    def _bound(self) -> str:
        """The highest id that may not have been read; an empty text if there is none."""
        bounds = [unread.highest for unread in self._unread.values()]
        return max([*bounds, *self.closed.values()], default="")

    def _read_on(self, target: Target, bound: str) -> Flow[None]:
        """Read at least what may hold *bound*."""
        # Whatever may come before the next known id would be read by the next turns.
        floor = min(bound, self._found[-1]) if self._found else bound
        by_highest = sorted(self.closed, key=self.closed.__getitem__, reverse=True)
        lanes = [lane for lane in by_highest if self.closed[lane] >= floor][:LANES_AT_ONCE]
        pages: list[tuple[str, int]] = []
        for unread in self._unread.values():
            if unread.highest >= floor:
                first = max(0, unread.pages - unread.at_once)
                pages += [(unread.lane, n) for n in range(unread.pages - 1, first - 1, -1)]
                unread.at_once = min(unread.at_once * 2, PAGES_AT_ONCE)
        yield from self._read(target, lanes=lanes, pages=pages)

    def _look_again(self, target: Target) -> Flow[None]:
        """Read the lane that lists what is left, where a lane or a page turned out to be gone.

        It is listed before those are deleted. A lane that was begun and not written yet is as good
        as gone, and costs one request here.
        """
        while self._is_short:
            self._is_short = False
            rows = yield from query_rows(target, self.place.lanes, {})
            new = [row["id"] for row in rows if row["id"] not in self.listed]
            self.listed += new
            yield from self._read(target, lanes=new)

    def _read(
        self, target: Target, *, lanes: list[str], pages: list[tuple[str, int]] | None = None
    ) -> Flow[None]:
        pages = pages or []
        keys = [tail_key(lane) for lane in lanes]
        keys += [page_key(lane, number) for lane, number in pages]
        found = {row["id"]: row for row in (yield from load_many(target, self.place.state, keys))}
        for lane in lanes:
            self.closed.pop(lane, None)
            if (row := found.get(tail_key(lane))) is not None:
                self._add_tail(read_tail(lane, row))
            else:
                self._is_short = True
        for lane, number in pages:
            self._add_page(lane, number, found.get(page_key(lane, number)))

    def _add_tail(self, lane: Lane) -> None:
        self.lanes[lane.id] = lane
        if lane.pages and lane.older is not None:
            self._unread[lane.id] = _Unread(lane.id, lane.pages, lane.older, lane.ordered)
        self._add_ids([one for one, _ in lane.entries])

    def _add_page(self, lane: str, number: int, row: Row | None) -> None:
        unread = self._unread.get(lane)
        if unread is None:  # a page after it was gone, and so are all before
            return
        if row is None:
            del self._unread[lane]
            self._is_short = True
            return
        entries, older = read_page(row)
        self._add_ids([one for one, _ in entries])
        if number == 0 or older is None:
            del self._unread[lane]
        else:
            unread.pages, unread.highest = number, older

    def _add_ids(self, ids: list[str]) -> None:
        new = [
            one
            for one in ids
            if one not in self._seen
            and (self.before is None or one < self.before)
            and (self._last is None or one < self._last)
        ]
        self._seen.update(new)
        self._found += new
        self._found.sort()

    def _skip(self, target: Target, unread: _Unread, before: str) -> Flow[None]:
        """Pass over the pages that hold nothing below *before*, if the lane is in order."""
        if not unread.ordered or unread.highest < before:
            return
        # The first page that begins at or above `before` is somewhere in low..high.
        low, high = 0, unread.pages
        while low < high:
            step = max(1, (high - low) // PROBES)
            numbers = list(range(low, high, step))
            keys = [page_key(unread.lane, number) for number in numbers]
            rows = yield from load_many(target, self.place.state, keys)
            begins = {row["id"]: read_page(row)[0][0][0] for row in rows}
            below = [
                n for n, key in zip(numbers, keys, strict=True) if begins.get(key, "") < before
            ]
            if len(below) < len(numbers):
                high = numbers[len(below)]
            low = below[-1] + 1 if below else high
        unread.pages, unread.highest = high, before
        if high == 0:
            del self._unread[unread.lane]


def _closed_lanes(entries: Any) -> list[tuple[str, str]]:
    return [(str(lane), str(highest)) for lane, highest in entries]
