"""Copying a thread: all its checkpoints, in all its namespaces, with their writes.

The reverse of deleting: what lists the copy first, then values and writes, then headers, and the lane
that makes them seen last. Rows are copied as they are; no serialiser is asked. Called by the saver.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.storage import batches_by_size, load_many, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.archive import Archive, read_archive, write_lane
from langchain_convex_mastra.checkpoints.blobs import sized
from langchain_convex_mastra.checkpoints.desk import Desk
from langchain_convex_mastra.checkpoints.headers import load_headers
from langchain_convex_mastra.checkpoints.layout import Place
from langchain_convex_mastra.checkpoints.listing import list_place, list_run, places_of
from langchain_convex_mastra.checkpoints.pending_reads import beside_keys, read_bucket

KEYS_AT_ONCE: Final = 100


def copy_thread(
    target: Target, desk: Desk, source_thread_id: str, target_thread_id: str
) -> Flow[None]:
    """Copy a thread into another, which keeps what it has; a thread that does not exist is nothing.

    What is deleted from the source meanwhile is copied whole or not at all.

    Cost: a round trip for every 10 rows that are read, and for every 4 MiB.
    """
    source, copy = str(source_thread_id), str(target_thread_id)
    if source == copy:
        return
    places = yield from places_of(target, source)
    for place in places:
        archive = yield from read_archive(target, place)
        if archive.headers or archive.stray:
            yield from _copy_place(target, desk, archive, Place(copy, place.namespace))


def _copy_place(target: Target, desk: Desk, archive: Archive, copy: Place) -> Flow[None]:
    headers = archive.headers.values()
    runs = {header.run for header in headers if header.run is not None}
    strays: list[Row] = [{"id": bucket} for bucket in archive.stray]
    yield Gather(
        [
            *list_place(target, copy),
            *(list_run(target, run, copy) for run in runs),
            *([upsert_rows(target, copy.stray, [strays])] if strays else []),
        ]
    )
    buckets = archive.buckets(archive.headers)
    found: list[list[str]] = yield Gather(
        [_copy_bucket(target, archive.place, copy, bucket) for bucket in buckets]
    )
    beside = [key for some in found for key in some]
    keys = dict.fromkeys(key for header in headers for key in header.own_keys())
    yield from _copy_rows(target, archive.place, copy, [*keys, *beside])
    # Whoever deletes begins with the headers: of those that are still there, all was copied.
    there = yield from load_headers(target, archive.place, archive.headers)
    if there:
        yield from write_lane(target, desk, copy, there.values())


def _copy_rows(target: Target, place: Place, copy: Place, keys: list[str]) -> Flow[None]:
    for start in range(0, len(keys), KEYS_AT_ONCE):
        rows = yield from load_many(target, place.state, keys[start : start + KEYS_AT_ONCE])
        batches = batches_by_size(sized(row, copy.state) for row in rows)
        yield from upsert_rows(target, copy.state, batches)


def _copy_bucket(target: Target, place: Place, copy: Place, bucket: str) -> Flow[list[str]]:
    """Copy the rows of a bucket; return the keys of what is kept beside them."""
    found = yield from read_bucket(target, place, bucket)
    beside: list[str] = []
    for volume, rows in reversed(found.parts()):
        yield from _write_in_order(target, copy.writes(bucket, volume), rows)
        beside += [key for row in rows for key in beside_keys(row)]
    return beside


def _write_in_order(target: Target, partition: str, rows: Iterable[Row]) -> Flow[None]:
    for batch in batches_by_size(sized(row, partition) for row in rows):
        yield from upsert_rows(target, partition, [batch])
