"""The newest checkpoint of a place, seen in one request.

``convex_mastra/documents:ranges`` reads, as of one moment, the header with the highest key, and beside
it the pending writes of the checkpoint that this saver knows, or the lanes. If that header is the known
one, its values are too. Where the function is not deployed, or the lanes are many and were not looked
at for long, ``reading`` goes the long way. Called by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from convex_mastra.errors import ProtocolError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.storage import checked_rows, query_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.wire import DOCUMENTS_RANGES_FUNCTION, Json
from langchain_convex_mastra.checkpoints.desk import Desk
from langchain_convex_mastra.checkpoints.headers import Header, read_header
from langchain_convex_mastra.checkpoints.layout import (
    HEADERS_BELOW,
    HEADERS_FROM,
    Place,
    bucket_of,
    header_key,
    is_own_name,
)
from langchain_convex_mastra.checkpoints.newest import Known
from langchain_convex_mastra.checkpoints.pending_reads import Write, read_writes, writes_of

LANES_MAX: Final = 16
"""So many lanes are looked at along; where there are more, whoever reads them all finds idle ones."""
WRITES_MAX: Final = 1_000
"""Rows of pending writes that are read along; where there are more, they are read on their own."""
_NEWEST: Final = {"from": HEADERS_FROM, "below": HEADERS_BELOW, "descending": True}


@dataclass(frozen=True, slots=True)
class Sight:
    """The newest checkpoint, as far as one request shows it.

    Attributes:
        header: None if there is no checkpoint.
        is_listed: whether a lane was seen that lists it; if not, it is still to be looked for. A
            header that none lists does not count: it was put while its thread was deleted.
        known: what is known of it; None if its values are still to be read.
        writes: its pending writes, if it is known.
    """

    header: Header | None
    is_listed: bool = True
    known: Known | None = None
    writes: list[Write] = field(default_factory=list)


def look(target: Target, desk: Desk, place: Place) -> Flow[Sight | None]:
    """Return what one request shows of the newest checkpoint; None if that is no answer.

    Cost: one round trip; more for many or large pending writes of the known checkpoint.
    """
    known = desk.ledger.newest.of(place)
    if known is None or not is_own_name(known.id) or not desk.ledger.knows_lanes(place):
        return (yield from _look_anew(target, desk, place))
    ranges: list[Json] = [
        _newest_of(place),
        {"table": place.writes(bucket_of(known.id)), "limit": WRITES_MAX},
    ]
    if known.header is None:  # its thread may have been deleted before it was put: is it listed?
        lane = {"from": known.lane, "below": f"{known.lane}0"}
        ranges.append({"table": place.lanes, "limit": 1, "keys": lane})
    found = yield from _ask(target, ranges)
    if found is None:
        return None
    headers, rows, *lanes = found
    if headers and _is_of(headers[0], known) and all(lanes):
        header = known.header or read_header(headers[0])
        writes = writes_of(rows, known.id) if len(rows) < WRITES_MAX else None
        if writes is None:
            writes = (yield from read_writes(target, place, [known.id]))[known.id]
        return Sight(header, known=known, writes=writes)
    desk.ledger.newest.forget(place)
    return _sight_of(headers)


def _look_anew(target: Target, desk: Desk, place: Place) -> Flow[Sight | None]:
    since_s = desk.ledger.clock()
    lanes_of: Json = {"table": place.lanes, "limit": LANES_MAX + 1}
    found = yield from _ask(target, [_newest_of(place), lanes_of])
    if found is None:
        return None
    headers, lanes = found
    listed = [row["id"] for row in lanes]
    if not _learn(desk, place, listed, since_s):
        return None
    return _sight_of(headers, listed) if headers or listed else Sight(None)


def is_listed(target: Target, desk: Desk, place: Place, header: Header) -> Flow[bool]:
    """Whether a lane lists a header. One round trip."""
    since_s = desk.ledger.clock()
    rows = yield from query_rows(target, place.lanes, {})
    listed = [row["id"] for row in rows]
    return _learn(desk, place, listed, since_s) and header.lane in listed


def _learn(desk: Desk, place: Place, listed: list[str], since_s: float) -> bool:
    """Note which lanes are listed; false if they are many, and must be looked at more closely."""
    if len(listed) <= LANES_MAX:
        desk.ledger.see_lanes(place, listed, since_s, [])
    return desk.ledger.knows_lanes(place)


def _sight_of(headers: list[Row], listed: Sequence[str] | None = None) -> Sight | None:
    header = read_header(headers[0]) if headers else None
    if header is None or not is_own_name(header.id):
        return None
    if listed is not None and header.lane not in listed:
        return None
    return Sight(header, is_listed=listed is not None)


def _newest_of(place: Place) -> Json:
    return {"table": place.state, "limit": 1, "keys": _NEWEST}


def _is_of(row: Row, known: Known) -> bool:
    return row["id"] == header_key(known.id) and row.get("lane") == known.lane


def _ask(target: Target, ranges: list[Json]) -> Flow[list[list[Row]] | None]:
    found = yield from ask_own(target, DOCUMENTS_RANGES_FUNCTION, {"ranges": ranges})
    if found is None:
        return None
    if not isinstance(found, list) or len(found) != len(ranges):
        raise ProtocolError(f"{DOCUMENTS_RANGES_FUNCTION} did not return {len(ranges)} ranges.")
    return [checked_rows(rows, DOCUMENTS_RANGES_FUNCTION) for rows in found]
