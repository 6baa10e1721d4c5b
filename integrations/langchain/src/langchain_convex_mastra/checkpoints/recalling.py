"""The newest checkpoint of a place, seen in one request.

``convex_mastra/documents:ranges`` reads the header with the highest key, the lanes, and the pending
writes of the checkpoint that this saver knows, as of one moment. If that header is the known one, its
values are too. Where the function is not deployed, or the lanes are many and were not looked at for
long, ``reading`` goes the long way. Called by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from convex_mastra.errors import ProtocolError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.storage import checked_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.wire import DOCUMENTS_RANGES_FUNCTION
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
        known: what is known of it; None if its values are still to be read.
        writes: its pending writes, if it is known.
    """

    header: Header | None
    known: Known | None = None
    writes: list[Write] = field(default_factory=list)


def look(target: Target, desk: Desk, place: Place) -> Flow[Sight | None]:
    """Return what one request shows of the newest checkpoint; None if that is no answer.

    Cost: one round trip; more for many or large pending writes of the known checkpoint.
    """
    ledger = desk.ledger
    since_s = ledger.clock()
    known = ledger.newest.of(place)
    ranges: list[dict[str, Any]] = [
        {"table": place.state, "limit": 1, "keys": _NEWEST},
        {"table": place.lanes, "limit": LANES_MAX + 1},
    ]
    if known is not None:
        ranges.append({"table": place.writes(bucket_of(known.id)), "limit": WRITES_MAX})
    found = yield from ask_own(target, DOCUMENTS_RANGES_FUNCTION, {"ranges": ranges})
    if found is None:
        return None
    headers, lanes, *writes = _lists(found, len(ranges))
    listed = [row["id"] for row in lanes]
    is_known = known is not None and bool(headers) and _is_of(headers[0], known, listed)
    if not (is_known and ledger.knows_lanes(place)):
        if len(listed) <= LANES_MAX:
            ledger.see_lanes(place, listed, since_s, [])
        elif not ledger.knows_lanes(place):
            return None
    if known is not None and is_known:
        header = known.header or read_header(headers[0])
        return Sight(header, known, (yield from _writes_of(target, place, known.id, writes[0])))
    ledger.newest.forget(place)
    if not headers:
        return None if listed else Sight(None)
    header = read_header(headers[0])
    # One whose lane is not listed was put while its thread was deleted.
    return Sight(header) if header.lane in listed and is_own_name(header.id) else None


def _is_of(row: Row, known: Known, listed: list[str]) -> bool:
    if row["id"] != header_key(known.id) or row.get("lane") != known.lane:
        return False
    # If it was put here and not read yet, its thread may have been deleted before.
    return is_own_name(known.id) and (known.header is not None or known.lane in listed)


def _writes_of(target: Target, place: Place, known_id: str, rows: list[Row]) -> Flow[list[Write]]:
    writes = writes_of(rows, known_id) if len(rows) < WRITES_MAX else None
    if writes is None:
        writes = (yield from read_writes(target, place, [known_id]))[known_id]
    return writes


def _lists(found: Any, count: int) -> list[list[Row]]:
    if not isinstance(found, list) or len(found) != count:
        raise ProtocolError(f"{DOCUMENTS_RANGES_FUNCTION} did not return {count} ranges.")
    return [checked_rows(rows, DOCUMENTS_RANGES_FUNCTION) for rows in found]
