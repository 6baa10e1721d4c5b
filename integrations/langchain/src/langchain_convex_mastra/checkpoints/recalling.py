"""The newest checkpoint of a place in one request, if it is the one that this saver knows.

``convex_mastra/documents:ranges`` reads the header with the highest key and the pending writes as of
one moment. If that header is the known one, its values are too. Otherwise, or where the function is
not deployed, or the lanes were not looked at for long, ``reading`` goes the long way. Called by it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

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

WRITES_MAX: Final = 1_000
"""Rows of pending writes that are read along; where there are more, they are read on their own."""
_NEWEST: Final = {"from": HEADERS_FROM, "below": HEADERS_BELOW, "descending": True}


class Recalled(NamedTuple):
    """The newest checkpoint, as far as it is known."""

    known: Known
    header: Header
    writes: list[Write]


def recall(target: Target, desk: Desk, place: Place) -> Flow[Recalled | None]:
    """Return the newest checkpoint if it is the known one, else None.

    Cost: none if none is known, else one round trip; more for many or large pending writes.
    """
    known = desk.ledger.newest.of(place)
    if known is None or not is_own_name(known.id) or not desk.ledger.knows_lanes(place):
        return None
    ranges = [
        {"table": place.state, "limit": 1, "keys": _NEWEST},
        {"table": place.writes(bucket_of(known.id)), "limit": WRITES_MAX},
    ]
    if known.header is None:  # its thread may have been deleted before it was put: is it listed?
        lane = {"from": known.lane, "below": f"{known.lane}0"}
        ranges.append({"table": place.lanes, "limit": 1, "keys": lane})
    found = yield from ask_own(target, DOCUMENTS_RANGES_FUNCTION, {"ranges": ranges})
    if found is None:
        return None
    newest, rows, *lanes = _lists(found, len(ranges))
    if not (newest and _is_of(newest[0], known) and all(lanes)):
        desk.ledger.newest.forget(place)
        return None
    header = known.header or read_header(newest[0])
    writes = writes_of(rows, known.id) if len(rows) < WRITES_MAX else None
    if writes is None:
        writes = (yield from read_writes(target, place, [known.id]))[known.id]
    return Recalled(known, header, writes)


def _is_of(row: Row, known: Known) -> bool:
    return row["id"] == header_key(known.id) and row.get("lane") == known.lane


def _lists(found: Any, count: int) -> list[list[Row]]:
    if not isinstance(found, list) or len(found) != count:
        raise ProtocolError(f"{DOCUMENTS_RANGES_FUNCTION} did not return {count} ranges.")
    return [checked_rows(rows, DOCUMENTS_RANGES_FUNCTION) for rows in found]
