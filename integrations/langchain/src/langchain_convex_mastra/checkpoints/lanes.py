"""Lanes: who wrote which checkpoints, newest last.

A lane lists the checkpoints that one saver object put, one put after the other, so that no two
writers ever change the same row. Its tail holds the newest ids, and the newest header; full pages
hold the older ones. An entry names its parent unless that is the entry before it. Pure; called by the
rooms that write and list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from convex_mastra.errors import ProtocolError
from convex_mastra.jsontext import loads
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.blobs import SizedRow, sized, text_of
from langchain_convex_mastra.checkpoints.layout import Place, page_key, tail_key
from langchain_convex_mastra.checkpoints.strict import UNREADABLE, text, text_or_none

PAGE_ENTRIES: Final = 32
PAGES_MAX: Final = 1_000_000
"""Pages of one lane; more were never written."""
HEAD_BYTES: Final = 16 * 1024
"""A longer header is not repeated in the tail."""

Entry = tuple[str, str | None]
"""A checkpoint and its parent."""


@dataclass(slots=True)
class Lane:
    """A lane: as its only writer knows it, or as a reader finds it.

    Attributes:
        entries: those of the tail.
        pages: how many full pages there are.
        older: the highest id on any page.
        highest: the highest id of all.
        head: the header of the highest, unless it is long.
        ordered: whether every id was higher than all before it.
        written_s: when it was last written, in seconds of its writer's clock.
    """

    id: str = field(default_factory=lambda: uuid4().hex[:16])
    entries: list[Entry] = field(default_factory=list)
    pages: int = 0
    older: str | None = None
    highest: str | None = None
    head: str | None = None
    ordered: bool = True
    written_s: float = 0.0
    announced_s: float = 0.0

    def copy(self) -> Lane:
        """A lane that can be written to while this one stays as it is."""
        return Lane(
            self.id,
            list(self.entries),
            self.pages,
            self.older,
            self.highest,
            self.head,
            self.ordered,
            self.written_s,
            self.announced_s,
        )

    def position_of(self, checkpoint_id: str) -> int:
        """Where a checkpoint is, or would be put."""
        if self.highest is None or checkpoint_id > self.highest:
            return self.pages * PAGE_ENTRIES + len(self.entries)
        for number, (listed, _) in enumerate(self.entries):
            if listed == checkpoint_id:
                return self.pages * PAGE_ENTRIES + number
        return self.pages * PAGE_ENTRIES + len(self.entries)

    def append(
        self, place: Place, checkpoint_id: str, parent: str | None, header: str, now_s: float
    ) -> list[SizedRow]:
        """List a checkpoint, and return the rows that say so; the tail is the last."""
        rows = []
        place_in_tail = self.position_of(checkpoint_id) - self.pages * PAGE_ENTRIES
        if place_in_tail == PAGE_ENTRIES:
            rows.append(self._turn_page(place))
            place_in_tail = 0
        if place_in_tail < len(self.entries):
            self.entries[place_in_tail] = checkpoint_id, parent
        else:
            self.entries.append((checkpoint_id, parent))
            self.ordered = self.ordered and (self.highest is None or checkpoint_id > self.highest)
        if self.highest is None or checkpoint_id >= self.highest:
            self.highest = checkpoint_id
            self.head = header if len(header) <= HEAD_BYTES else None
        self.written_s = now_s
        rows.append(self._tail(place))
        return rows

    def _turn_page(self, place: Place) -> SizedRow:
        text = text_of({"entries": _packed(self.entries), "older": self.older})
        row = {"id": page_key(self.id, self.pages), "json": text}
        self.pages += 1
        self.older = max(self.older or "", *(one for one, _ in self.entries))
        self.entries = []
        return sized(row, place.state)

    def _tail(self, place: Place) -> SizedRow:
        fields: dict[str, Any] = {
            "entries": _packed(self.entries),
            "pages": self.pages,
            "older": self.older,
            "highest": self.highest,
            "ordered": self.ordered,
            "written_s": self.written_s,
        }
        row = {"id": tail_key(self.id), "json": text_of(fields)}
        if self.head is not None:
            row["head"] = self.head
        return sized(row, place.state)


def read_tail(lane_id: str, row: Row) -> Lane:
    """Read the tail of a lane.

    Raises:
        ProtocolError: it is none.
    """
    try:
        fields = loads(row["json"])
        return Lane(
            id=lane_id,
            entries=_unpacked(fields["entries"]),
            pages=range(PAGES_MAX).index(fields["pages"]),
            older=text_or_none(fields["older"]),
            highest=text_or_none(fields["highest"]),
            head=text_or_none(row.get("head")),
            ordered=bool(fields["ordered"]),
            written_s=float(fields["written_s"]),
        )
    except UNREADABLE:
        raise _not_of_a_lane(row) from None


def read_page(row: Row) -> tuple[list[Entry], str | None]:
    """Read a full page: its entries, and the highest id on the pages before it.

    Raises:
        ProtocolError: it is none.
    """
    try:
        fields = loads(row["json"])
        return _unpacked(fields["entries"]), text_or_none(fields["older"])
    except UNREADABLE:
        raise _not_of_a_lane(row) from None


def _not_of_a_lane(row: Row) -> ProtocolError:
    return ProtocolError(f"The row {row['id']!r} is no part of a list of checkpoints.")


def lane_keys(lane: Lane) -> list[str]:
    """The keys of all rows of a lane, the oldest page first."""
    return [*(page_key(lane.id, number) for number in range(lane.pages)), tail_key(lane.id)]


def _packed(entries: Iterable[Entry]) -> list[str | list[str | None]]:
    packed: list[str | list[str | None]] = []
    before: str | None = None
    for one, parent in entries:
        packed.append(one if parent == before else [one, parent])
        before = one
    return packed


def _unpacked(packed: Sequence[Any]) -> list[Entry]:
    entries: list[Entry] = []
    before: str | None = None
    for item in packed:
        one, parent = (item, before) if isinstance(item, str) else item
        entries.append((text(one), text_or_none(parent)))
        before = one
    return entries
