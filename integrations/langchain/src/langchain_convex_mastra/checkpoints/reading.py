"""Reading checkpoints: the newest one, one by its id, and whatever else needs them whole.

The newest is the header with the highest key, if a lane lists it. Where that cannot be seen, it is the
highest id at the ends of the lanes; its header comes with the lane, and is read once more together with
the values, so that a checkpoint that is being deleted is never returned in part.
Called by the saver and by lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.serde.types import TASKS

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.target import Target
from langchain_convex_mastra.checkpoints.blobs import Blob
from langchain_convex_mastra.checkpoints.desk import Desk, checkpoint_id_of, place_of
from langchain_convex_mastra.checkpoints.headers import (
    Header,
    load_bodies,
    load_headers,
    parse_header,
    read_body,
)
from langchain_convex_mastra.checkpoints.journal import Journal
from langchain_convex_mastra.checkpoints.layout import Place, header_key, tail_key
from langchain_convex_mastra.checkpoints.ledger import IDLE_S
from langchain_convex_mastra.checkpoints.loading import Loaded, load_values
from langchain_convex_mastra.checkpoints.newest import Known
from langchain_convex_mastra.checkpoints.pending_reads import Write, pending_writes, read_writes
from langchain_convex_mastra.checkpoints.recalling import is_listed, look
from langchain_convex_mastra.checkpoints.strict import UNREADABLE, damaged, read_value
from langchain_convex_mastra.checkpoints.versions import next_version

PENDING_SENDS_BEFORE: Final = 4
"""Checkpoints of older formats have the sends that made their tasks in their parent's writes."""


def read_tuple(target: Target, desk: Desk, config: Any) -> Flow[CheckpointTuple | None]:
    """Return the checkpoint that a config names, or the newest of its place; None if there is none.

    Cost: two waits: a round trip for every 10 values and two more. One wait for the newest if it is
    the one that this saver read or put last; one more for values that are not known. Where
    ``convex_mastra/documents:ranges`` is not deployed, or more than 16 savers wrote the place, three
    for the newest, and three round trips besides those for its values.
    """
    place, checkpoint_id = place_of(config), checkpoint_id_of(config)
    if checkpoint_id is None:
        return (yield from _read_newest(target, desk, place))
    headers, writes = yield Gather(
        [
            load_headers(target, place, [checkpoint_id]),
            read_writes(target, place, [checkpoint_id]),
        ]
    )
    loaded = yield from load_values(target, place, list(headers.values()), are_fresh=True)
    tuples = yield from compose(target, desk, place, loaded, writes)
    return tuples[0]._replace(config=config) if tuples else None


def _read_newest(target: Target, desk: Desk, place: Place) -> Flow[CheckpointTuple | None]:
    sight = yield from look(target, desk, place)
    if sight is None:
        return (yield from _read_by_lanes(target, desk, place))
    if sight.header is None:
        return None
    if sight.known is not None:
        return (
            yield from _read_known(target, desk, place, sight.header, sight.known, sight.writes)
        )
    flows: list[Flow[Any]] = _parts_of(target, place, sight.header, are_fresh=True)
    if not sight.is_listed:
        flows.append(is_listed(target, desk, place, sight.header))
    loaded, writes, *listed = yield Gather(flows)
    found = None
    if all(listed):
        found = yield from _remembered(target, desk, place, loaded, writes)
    return found or (yield from _read_by_lanes(target, desk, place))


def _read_known(
    target: Target, desk: Desk, place: Place, header: Header, known: Known, writes: list[Write]
) -> Flow[CheckpointTuple | None]:
    if known.header is header:
        found = {channel: known.blobs[key] for channel, key in header.channel_keys().items()}
        values = {channel: blob for channel, blob in found.items() if blob is not None}
        one = _tuple(desk, place, header, values, writes)
        if _has_sends_in_parent(one):
            yield from _add_sends(target, desk, place, [one])
        return one
    loaded = yield from load_values(target, place, [header], are_fresh=True, known=known.blobs)
    return (yield from _remembered(target, desk, place, loaded, {header.id: writes}))


def _read_by_lanes(target: Target, desk: Desk, place: Place) -> Flow[CheckpointTuple | None]:
    header = yield from newest_header(target, desk, place)
    is_fresh = False
    while header is not None:
        loaded, writes = yield Gather(_parts_of(target, place, header, are_fresh=is_fresh))
        found = yield from _remembered(target, desk, place, loaded, writes)
        if found is not None:
            return found
        left = yield from _highest_left(target, place)
        if is_fresh and left is not None and left.id == header.id:
            raise damaged(header_key(left.id))  # what is kept beside it is missing
        header, is_fresh = left, True
    return None


def _parts_of(target: Target, place: Place, header: Header, *, are_fresh: bool) -> list[Flow[Any]]:
    """What reads the values of a header, and its pending writes."""
    return [
        load_values(target, place, [header], are_fresh=are_fresh),
        read_writes(target, place, [header.id]),
    ]


def _remembered(
    target: Target,
    desk: Desk,
    place: Place,
    loaded: Sequence[Loaded],
    writes: Mapping[str, list[Write]],
) -> Flow[CheckpointTuple | None]:
    """Compose the newest checkpoint, and remember it if all of its header is in its row."""
    for header, values in loaded:
        if not header.body_keys():
            keys = header.channel_keys().items()
            blobs = {key: values.get(channel) for channel, key in keys}
            desk.ledger.newest.was_read(place, Known(header.id, header.lane, blobs, header))
    tuples = yield from compose(target, desk, place, loaded, writes)
    return tuples[0] if tuples else None


def newest_header(target: Target, desk: Desk, place: Place) -> Flow[Header | None]:
    """Return a header that was the newest of a place when it was written; it may be gone since.

    Cost: two waits: a round trip for the lanes and one for every 10 of them.
    """
    since_s = desk.ledger.clock()
    journal = Journal(place)
    yield from journal.open(target, closed=False)
    _learn_lanes(desk, journal, since_s)
    highest = max(
        (lane for lane in journal.lanes.values() if lane.highest is not None),
        key=lambda lane: lane.highest or "",
        default=None,
    )
    if highest is None or highest.highest is None:
        return (yield from _highest_left(target, place)) if journal.listed else None
    if highest.head is not None:
        try:
            return parse_header(highest.head)
        except UNREADABLE:
            raise damaged(tail_key(highest.id)) from None
    headers = yield from load_headers(target, place, [highest.highest])
    return headers.get(highest.highest) or (yield from _highest_left(target, place))


def _learn_lanes(desk: Desk, journal: Journal, since_s: float) -> None:
    lanes = [lane for lane in journal.lanes.values() if lane.highest is not None]
    newest = max((lane.highest or "" for lane in lanes), default="")
    idle = [
        (lane.id, lane.highest)
        for lane in lanes
        if lane.highest is not None and lane.highest < newest and since_s - lane.written_s > IDLE_S
    ]
    desk.ledger.see_lanes(journal.place, journal.listed, since_s, idle)


def _highest_left(target: Target, place: Place) -> Flow[Header | None]:
    """The newest header that is there, where newer ones were deleted."""
    journal = Journal(place)
    yield from journal.open(target)
    count = 1
    while ids := (yield from journal.take(target, count)):
        headers = yield from load_headers(target, place, ids)
        for one in ids:
            if one in headers:
                return headers[one]
        count = min(count * 4, 256)
    return None


def compose(
    target: Target,
    desk: Desk,
    place: Place,
    loaded: Sequence[Loaded],
    writes: Mapping[str, list[Write]],
) -> Flow[list[CheckpointTuple]]:
    """Return checkpoints as LangGraph has them, in the order given."""
    there = yield from load_bodies(target, place, [header for header, _ in loaded])
    whole = {header.id for header in there}
    tuples = [
        _tuple(desk, place, header, values, writes.get(header.id, ()))
        for header, values in loaded
        if header.id in whole
    ]
    desk.ledger.know(place, whole)
    older = [one for one in tuples if _has_sends_in_parent(one)]
    if older:
        yield from _add_sends(target, desk, place, older)
    return tuples


def _tuple(
    desk: Desk, place: Place, header: Header, values: Mapping[str, Blob], writes: Iterable[Write]
) -> CheckpointTuple:
    serde = desk.serde
    blobs = {**header.inline, **values}
    checkpoint = read_body(serde, header, "checkpoint")
    checkpoint["channel_versions"] = dict(header.versions)
    checkpoint["channel_values"] = {
        channel: read_value(serde, blobs[channel], f"channel {channel!r} of {header.id}")
        for channel in header.versions
        if channel in blobs
    }
    return CheckpointTuple(
        config=place.config(header.id),
        checkpoint=checkpoint,
        metadata=read_body(serde, header, "metadata"),
        parent_config=place.config(header.parent) if header.parent else None,
        pending_writes=pending_writes(serde, writes),
    )


def _has_sends_in_parent(one: CheckpointTuple) -> bool:
    return one.checkpoint["v"] < PENDING_SENDS_BEFORE and one.parent_config is not None


def _add_sends(
    target: Target, desk: Desk, place: Place, tuples: Sequence[CheckpointTuple]
) -> Flow[None]:
    parents = [checkpoint_id_of(one.parent_config) or "" for one in tuples]
    writes = yield from read_writes(target, place, parents)
    for one, parent in zip(tuples, parents, strict=True):
        sends = [
            read_value(desk.serde, write.blob, f"a send of {parent}")
            for write in writes[parent]
            if write.channel == TASKS
        ]
        if sends:
            versions = one.checkpoint["channel_versions"]
            one.checkpoint["channel_values"][TASKS] = sends
            one.checkpoint["channel_versions"][TASKS] = (
                max(versions.values()) if versions else next_version(None)
            )
