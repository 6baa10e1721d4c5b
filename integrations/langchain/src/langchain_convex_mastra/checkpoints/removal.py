"""Deleting checkpoints: threads, runs, and all but the newest.

Headers go first, then writes and values, and what lists them last: whoever reads meanwhile finds a
whole checkpoint or none, and what a crash leaves is found by the next deletion. Called by the saver.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from convex_mastra.errors import ScanLimitError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.arguments import many
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.long_partitions import list_rows
from convex_mastra.ops.storage import delete_rows, query_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints import listing
from langchain_convex_mastra.checkpoints.archive import Archive, read_archive, write_lane
from langchain_convex_mastra.checkpoints.desk import Desk
from langchain_convex_mastra.checkpoints.headers import Header
from langchain_convex_mastra.checkpoints.lanes import Lane, lane_keys
from langchain_convex_mastra.checkpoints.layout import (
    Place,
    header_key,
    write_prefix,
)
from langchain_convex_mastra.checkpoints.ledger import IDLE_S
from langchain_convex_mastra.checkpoints.pending_reads import VOLUME_MARK, beside_keys, read_bucket

ROWS_AT_ONCE: Final = 100
"""Of the longest pending writes, twice so many are within what one call reads."""


def delete_thread(target: Target, desk: Desk, thread_id: str) -> Flow[None]:
    """Delete all of a thread.

    Cost: a round trip for every 10 checkpoints, and about three for every four steps, side by side.
    """
    places = yield from listing.places_of(target, str(thread_id))
    yield Gather([clear_place(target, desk, place) for place in places])
    yield from listing.unlist_namespaces(target, places)
    yield from listing.unlist_thread(target, str(thread_id))


def delete_for_runs(target: Target, desk: Desk, run_ids: Iterable[str]) -> Flow[None]:
    """Delete the checkpoints of runs, with their writes and what only they refer to.

    Raises:
        InvalidArgumentError: *run_ids* is no list.

    Cost: as reading all headers of the places that the runs wrote.
    """
    run_ids = [str(one) for one in many(run_ids, "run_ids", "run ids")]
    lists: list[list[Place]] = yield Gather(
        [listing.places_of_run(target, one) for one in dict.fromkeys(run_ids)]
    )
    places = list(dict.fromkeys(place for places in lists for place in places))
    desk.ledger.forget_runs(run_ids, ())
    for place in places:
        archive = yield from read_archive(target, place)
        keep = {one for one, header in archive.headers.items() if header.run not in run_ids}
        yield from retain(target, desk, archive, keep)
        if not keep:
            yield from _unlist(target, place)
    yield Gather([listing.forget_run(target, one) for one in run_ids])


def clear_place(target: Target, desk: Desk, place: Place) -> Flow[None]:
    """Delete all of a place but its entry in the list of namespaces."""
    archive = yield from read_archive(target, place)
    desk.ledger.give_up(place)
    desk.ledger.forget_runs((), [place.key])
    headers = archive.headers.values()
    yield from delete_rows(target, place.state, [header_key(one) for one in archive.ids])
    yield Gather([_clear_bucket(target, place, one) for one in archive.buckets(archive.ids)])
    keys = dict.fromkeys(key for header in headers for key in header.own_keys())
    yield from delete_rows(target, place.state, list(keys))
    yield from clear_table(target, place.state)  # lanes, and what nothing led to
    runs = {header.run for header in headers if header.run is not None}
    yield Gather(
        [
            *(clear_table(target, one) for one in (place.lanes, place.closed, place.stray)),
            listing.unlist_runs(target, runs, place),
        ]
    )


def retain(target: Target, desk: Desk, archive: Archive, keep: set[str]) -> Flow[None]:
    """Delete all checkpoints of a place but those of *keep*, and what only the others refer to.

    What stays is listed in a lane of its own, so that nobody has to pass over what is gone.
    """
    place = archive.place
    dead = [header for one, header in archive.headers.items() if one not in keep]
    if not keep:
        yield from clear_place(target, desk, place)
        return
    if not dead:
        return
    own = desk.ledger.give_up(place)
    kept = [_without(archive.headers[one], dead, keep) for one in keep]
    yield from write_lane(target, desk, place, kept)
    yield from delete_rows(target, place.state, [header_key(header.id) for header in dead])
    old_s = desk.ledger.clock() - IDLE_S
    yield from _delete_writes(target, archive, {header.id for header in dead}, old_s)
    used = {key for header in kept for key in header.own_keys()}
    unused = dict.fromkeys(key for one in dead for key in one.own_keys() if key not in used)
    yield from delete_rows(target, place.state, list(unused))
    yield from _drop_lanes(target, desk, archive, own)
    runs = {one.run for one in dead if one.run is not None} - {one.run for one in kept}
    desk.ledger.forget_runs((), [place.key])
    yield from listing.unlist_runs(target, [one for one in runs if one], place)


def _without(header: Header, dead: Iterable[Header], keep: set[str]) -> Header:
    """A header that stays: it takes over what it needs to know of those that go."""
    keys = set(header.channel_keys().values())
    cut = {key: cut for one in dead for key, cut in one.cut.items() if key in keys}
    parent = header.parent if header.parent in keep else None
    return replace(header, parent=parent, cut=cut | header.cut)


def _drop_lanes(target: Target, desk: Desk, archive: Archive, own: Iterable[Lane]) -> Flow[None]:
    """Delete the lanes that nobody writes any more; of others the pages, which are never rewritten."""
    now_s = desk.ledger.clock()
    names = {lane.id for lane in own}
    pages: list[str] = []
    gone: list[str] = []
    for lane in archive.journal.lanes.values():
        *older, tail = lane_keys(lane)
        pages += older
        if lane.id in names or now_s - lane.written_s > IDLE_S:
            gone.append(lane.id)
            pages.append(tail)
    place = archive.place
    yield from delete_rows(target, place.lanes, gone)
    yield from delete_rows(target, place.closed, archive.journal.closed_rows)
    yield from delete_rows(target, place.state, pages)


def _delete_writes(target: Target, archive: Archive, dead: set[str], old_s: float) -> Flow[None]:
    prefixes = tuple(write_prefix(one) for one in dead)
    buckets = archive.buckets(dead)
    yield Gather([_thin_bucket(target, archive.place, one, prefixes, old_s) for one in buckets])


def _thin_bucket(
    target: Target, place: Place, bucket: str, prefixes: tuple[str, ...], old_s: float
) -> Flow[None]:
    """Delete rows of a bucket, and the empty volumes that were last named before *old_s*."""
    found = yield from read_bucket(target, place, bucket)
    beside: list[str] = []
    marks: list[str] = []
    deletions: list[tuple[str, list[str]]] = []
    idle = {row["id"] for row in found.rows if not _is_since(row.get("since_s"), old_s)}
    for volume, rows in found.parts():
        dead = [row for row in rows if row["id"].startswith(prefixes)]
        beside += [key for row in dead for key in beside_keys(row)]
        deletions.append((place.writes(bucket, volume), [row["id"] for row in dead]))
        mark = f"{VOLUME_MARK}{volume}"
        if mark in idle and len(dead) == len(rows):
            marks.append(mark)
    yield Gather([delete_rows(target, partition, ids) for partition, ids in deletions])
    yield from delete_rows(target, place.state, beside)
    yield from delete_rows(target, place.writes(bucket), marks)


def _is_since(since_s: Any, old_s: float) -> bool:
    return isinstance(since_s, int | float) and since_s >= old_s


def _clear_bucket(target: Target, place: Place, bucket: str) -> Flow[None]:
    """Delete a bucket and its volumes; what is kept beside it goes with its place."""
    is_all = False
    while not is_all:
        rows, is_all = yield from _first_rows(target, place.writes(bucket))
        ids = [row["id"] for row in rows]
        volumes = [one.removeprefix(VOLUME_MARK) for one in ids if one.startswith(VOLUME_MARK)]
        yield Gather([clear_table(target, place.writes(bucket, one)) for one in volumes])
        yield from delete_rows(target, place.writes(bucket), ids)


def _first_rows(target: Target, partition: str) -> Flow[tuple[list[Row], bool]]:
    """The rows of a partition, and whether these are all: some of one that cannot be listed."""
    try:
        return (yield from list_rows(target, partition)), True
    except ScanLimitError:
        rows = yield from query_rows(target, partition, {}, limit=ROWS_AT_ONCE)
        return rows, not rows


def _unlist(target: Target, place: Place) -> Flow[None]:
    """Take an empty place off the lists, and its thread if all of it is empty."""
    yield from listing.unlist_namespaces(target, [place])
    places = yield from listing.places_of(target, place.thread)
    lanes: list[list[Row]] = yield Gather(
        [query_rows(target, one.lanes, {}, limit=1) for one in places]
    )
    if not any(lanes):
        yield from listing.unlist_namespaces(target, places)
        yield from listing.unlist_thread(target, place.thread)
