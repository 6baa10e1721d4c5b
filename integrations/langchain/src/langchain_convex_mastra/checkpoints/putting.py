"""Writing a checkpoint: its values, its header, and the lane that lists it.

All rows of a put are in one partition, so that one request writes them whole or not at all. What is
too large for one request goes before the header, and the lane's tail is last, so that no reader ever
finds half a checkpoint. Called by the saver, and by copying and pruning, which write lanes as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, get_checkpoint_metadata

from convex_mastra.errors import TransportError
from convex_mastra.flow import Flow, Gather, side_by_side
from convex_mastra.ops.storage import batches_by_size, delete_rows, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.retries import attempt
from convex_mastra.values import check_document_size
from langchain_convex_mastra.checkpoints.blobs import SizedRow, blob_rows, cuts_of, text_of
from langchain_convex_mastra.checkpoints.desk import Desk, checkpoint_id_of, place_of
from langchain_convex_mastra.checkpoints.headers import Header, header_row, make_header
from langchain_convex_mastra.checkpoints.lanes import Lane
from langchain_convex_mastra.checkpoints.layout import Place
from langchain_convex_mastra.checkpoints.listing import list_place, list_run
from langchain_convex_mastra.checkpoints.newest import Known


def put_checkpoint(
    target: Target, desk: Desk, config: Any, checkpoint: Any, metadata: Any, new_versions: Any
) -> Flow[RunnableConfig]:
    """Store a checkpoint and return the config that names it.

    Cost: one round trip for every 4 MiB. The first time of a saver and place one wait more, and
    of a run and place.
    """
    place = place_of(config)
    parent = checkpoint_id_of(config)
    versions: ChannelVersions = new_versions
    header, blobs = make_header(
        desk.serde, checkpoint, get_checkpoint_metadata(config, metadata), parent, versions
    )
    values = header.beside(place)
    for key, blob in blobs.items():
        values += blob_rows(place.state, key, blob)
    header.cut = cuts_of(values)
    text = header.text()
    _, size, _ = header_row(place, header.id, text, "", 0)
    check_document_size(size, f"the header of checkpoint {header.id!r}")
    if parent is None:
        desk.ledger.begin_thread(place)
    desk.ledger.know(place, [header.id])
    if header.run is not None and not desk.ledger.knows_run(header.run, place):
        yield from list_run(target, header.run, place)
        desk.ledger.know_run(header.run, place)

    def send(_number: int) -> Flow[str]:
        return _write(target, desk, place, header, text, values)

    # A request whose reply was lost may still be applied, after later ones: its lane would then be
    # set back. So what is tried again goes to another lane.
    lane = yield from attempt(send, target.policy, lambda error: isinstance(error, TransportError))
    desk.ledger.newest.was_put(place, Known(header.id, lane, blobs))
    return place.config(header.id)


def _write(
    target: Target,
    desk: Desk,
    place: Place,
    header: Header,
    text: str,
    values: Sequence[SizedRow],
) -> Flow[str]:
    """Write the rows, and return the lane that lists them."""
    ledger = desk.ledger
    once = target.without_retries()
    while True:
        refresh: list[Flow[Any]] = []
        lane = ledger.take(place)
        if lane is None:
            lane = yield from open_lane(target, desk, place)
        elif header.parent is None:  # a thread that another process deleted begins anew
            yield from announce(target, desk, place, lane)
        elif not ledger.is_announced(place):
            refresh = [announce(target, desk, place, lane)]
        written = lane.copy()
        position = lane.position_of(header.id)
        listed = [
            header_row(place, header.id, text, lane.id, position),
            *written.append(place, header.id, header.parent, text, ledger.clock()),
        ]
        batches = batches_by_size([*values, *listed])
        if len(batches) > 1:
            yield from upsert_rows(target, place.state, batches_by_size(values))
            batches = batches_by_size(listed)
        try:
            yield from side_by_side([upsert_rows(once, place.state, batches), *refresh])
        except TransportError as error:
            if error.applied is False:
                ledger.give_back(place, lane)
            raise
        # Was this process stopped for so long that the lane may have been taken for idle?
        if ledger.is_own(written, ledger.clock()):
            ledger.give_back(place, written)
            return written.id


def open_lane(target: Target, desk: Desk, place: Place) -> Flow[Lane]:
    """Begin a lane, and list it. Two waits if idle lanes are moved, else one."""
    lane = Lane()
    flows = [announce(target, desk, place, lane)]
    if idle := desk.ledger.take_idle(place):
        flows.append(close_lanes(target, place, idle))
    yield Gather(flows)
    lane.announced_s = desk.ledger.clock()
    return lane


def announce(target: Target, desk: Desk, place: Place, lane: Lane | None = None) -> Flow[None]:
    """List a place, and a lane of it. Requests side by side."""
    now = desk.ledger.clock()
    flows = list_place(target, place)
    if lane is not None:
        flows.append(upsert_rows(target, place.lanes, [[{"id": lane.id}]]))
    yield Gather(flows)
    desk.ledger.announced(place, now)


def close_lanes(target: Target, place: Place, idle: Iterable[tuple[str, str]]) -> Flow[None]:
    """Move idle lanes, each with its highest id, to where only lists look. Two round trips."""
    idle = list(idle)
    row: Row = {"id": uuid4().hex, "json": text_of(idle)}
    yield from upsert_rows(target, place.closed, [[row]])
    yield from delete_rows(target, place.lanes, [lane for lane, _ in idle])
