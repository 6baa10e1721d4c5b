"""Whole places: all headers of one, and lanes written anew for those that stay or are copied.

Called by ``removal`` and ``copying``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.long_partitions import list_rows
from convex_mastra.ops.storage import batches_by_size, upsert_rows
from convex_mastra.ops.target import Target
from langchain_convex_mastra.checkpoints.blobs import SizedRow
from langchain_convex_mastra.checkpoints.desk import Desk
from langchain_convex_mastra.checkpoints.headers import Header, header_row, load_headers
from langchain_convex_mastra.checkpoints.journal import Journal
from langchain_convex_mastra.checkpoints.lanes import Lane
from langchain_convex_mastra.checkpoints.layout import Place, buckets_of
from langchain_convex_mastra.checkpoints.putting import announce


@dataclass(slots=True)
class Archive:
    """All of a place but its values and writes.

    Attributes:
        ids: every id that a lane lists, highest first; the headers of some may be gone.
        headers: those that are there, by id.
        stray: buckets of pending writes that no header leads to.
    """

    place: Place
    journal: Journal
    ids: list[str]
    headers: dict[str, Header] = field(default_factory=dict)
    stray: list[str] = field(default_factory=list)

    @property
    def newest(self) -> Header | None:
        """The header of the newest checkpoint."""
        return self.headers[max(self.headers)] if self.headers else None

    def buckets(self, ids: Iterable[str]) -> list[str]:
        """Where pending writes of these checkpoints, or of descendants never stored, may be."""
        found = [bucket for one in ids for bucket in buckets_of(one)]
        return list(dict.fromkeys([*found, *self.stray]))


def read_archive(target: Target, place: Place) -> Flow[Archive]:
    """Read all lanes and headers of a place. A round trip for every 10 headers, side by side."""
    journal = Journal(place)
    _, stray = yield Gather([journal.open(target), list_rows(target, place.stray)])
    ids = yield from journal.all(target)
    headers = yield from load_headers(target, place, ids)
    return Archive(place, journal, ids, headers, [row["id"] for row in stray])


def write_lane(target: Target, desk: Desk, place: Place, headers: Iterable[Header]) -> Flow[None]:
    """Write headers, and a new lane that lists them. The lane's end is last."""
    lane = Lane()
    now_s = desk.ledger.clock()
    rows: list[SizedRow] = []
    tail: list[SizedRow] = []
    for header in sorted(headers, key=lambda one: one.id):
        text = header.text()
        rows.append(header_row(place, header.id, text, lane.id, lane.position_of(header.id)))
        *pages, last = lane.append(place, header.id, header.parent, text, now_s)
        rows += pages
        tail = [last]
    yield from announce(target, desk, place, lane)
    yield from upsert_rows(target, place.state, batches_by_size(rows))
    yield from upsert_rows(target, place.state, batches_by_size(tail))
