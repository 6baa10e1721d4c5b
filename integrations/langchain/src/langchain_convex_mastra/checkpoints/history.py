"""Lists of checkpoints: of a place, of a thread, of all threads; newest first.

Places are merged by id. Headers are read in growing portions, as long as their values are small; values
and writes only of those that match. A list sends nothing before it is asked for its first checkpoint. Called by the saver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from langgraph.checkpoint.base import CheckpointTuple

from convex_mastra.flow import Flow, Gather
from convex_mastra.limits import MIB
from convex_mastra.ops.target import Target
from langchain_convex_mastra.checkpoints.desk import (
    Desk,
    checkpoint_id_of,
    configurable_of,
    place_of,
)
from langchain_convex_mastra.checkpoints.headers import (
    Header,
    load_bodies,
    load_headers,
    read_body,
)
from langchain_convex_mastra.checkpoints.journal import Journal
from langchain_convex_mastra.checkpoints.layout import Place
from langchain_convex_mastra.checkpoints.listing import all_threads, places_of
from langchain_convex_mastra.checkpoints.loading import Loaded, load_values
from langchain_convex_mastra.checkpoints.pending_reads import Write, read_writes
from langchain_convex_mastra.checkpoints.reading import compose

PORTION: Final = 10
"""The headers of the first portion: as many as one request loads."""
PORTION_MAX: Final = 160
PORTION_BYTES: Final = 8 * MIB
"""About so many bytes of values are held at once, unless one checkpoint has more."""

Found = tuple[Place, Header]


class _Stream:
    """The ids of one place, with a look at the next."""

    def __init__(self, place: Place, before: str | None) -> None:
        self.journal = Journal(place, before)
        self.ids: list[str] = []
        self.is_done = False

    def fill(self, target: Target, count: int) -> Flow[None]:
        """Have *count* ids at hand, or all there are."""
        if not self.is_done and len(self.ids) < count:
            wanted = count - len(self.ids)
            more = yield from self.journal.take(target, wanted)
            self.ids += more
            self.is_done = len(more) < wanted


class History:
    """What was asked for, and how far it was read.

    Raises:
        InvalidArgumentError: *config* or *before* is no config.
    """

    def __init__(self, config: Any, where: Any, before: Any, limit: int | None) -> None:
        self._config = config
        self._named = None
        if config is not None:
            place_of(config)
            self._named = checkpoint_id_of(config)
        self._where = dict(where or {})
        self._before = checkpoint_id_of(before) if before else None
        self._left = limit
        self._streams: list[_Stream] | None = None
        self._portion = PORTION

    def read_on(self, target: Target, desk: Desk) -> Flow[list[CheckpointTuple]]:
        """Return the next checkpoints; none if there are no more.

        Raises:
            ScanLimitError: there are more threads, or namespaces of a thread, than can be listed.

        Cost: at first two waits for a place, and two more to find those of a thread; then two for
        every portion: a round trip for every 10 headers, 10 values and 4 steps.
        """
        while self._left is None or self._left > 0:
            ids = yield from self._next_ids(target)
            if not ids:
                break
            found = yield from self._matching(target, desk, ids)
            if self._left is not None:
                found = found[: self._left]
            tuples, size = yield from _load(target, desk, found)
            self._fit_portion(len(ids), size)
            if self._left is not None:
                self._left -= len(tuples)
            if tuples:
                return tuples
        return []

    def _next_ids(self, target: Target) -> Flow[list[tuple[Place, str]]]:
        if self._streams is None:
            places = yield from self._places(target)
            self._streams = [_Stream(place, self._before) for place in places]
            if self._named is not None:
                return self._named_ids()
            yield Gather([stream.journal.open(target) for stream in self._streams])
        elif self._named is not None:
            return []
        count = self._portion
        if self._left is not None and not self._where:
            count = min(count, self._left)
        yield Gather([stream.fill(target, count) for stream in self._streams])
        ranked = sorted(
            (
                (one, number)
                for number, stream in enumerate(self._streams)
                for one in stream.ids[:count]
            ),
            reverse=True,
        )[:count]
        for _, number in ranked:
            self._streams[number].ids.pop(0)
        return [(self._streams[number].journal.place, one) for one, number in ranked]

    def _fit_portion(self, count: int, size: int) -> None:
        """Let the next portion have about as many bytes as may be, given those of the last."""
        self._portion = min(self._portion * 2, PORTION_MAX)
        if size > 0:
            self._portion = max(1, min(self._portion, count * PORTION_BYTES // size))

    def _named_ids(self) -> list[tuple[Place, str]]:
        named = self._named or ""
        if self._before is not None and named >= self._before:
            return []
        return [(stream.journal.place, named) for stream in self._streams or ()]

    def _places(self, target: Target) -> Flow[list[Place]]:
        if self._config is None:
            threads = yield from all_threads(target)
            found: list[list[Place]] = yield Gather(
                [places_of(target, thread, nested=nested) for thread, nested in threads]
            )
            return [place for places in found for place in places]
        place = place_of(self._config)
        if configurable_of(self._config).get("checkpoint_ns") is not None:
            return [place]
        return (yield from places_of(target, place.thread))

    def _matching(
        self, target: Target, desk: Desk, ids: Sequence[tuple[Place, str]]
    ) -> Flow[list[Found]]:
        by_place: dict[Place, list[str]] = {}
        for place, one in ids:
            by_place.setdefault(place, []).append(one)
        loaded: list[list[Header]] = yield Gather(
            [_whole_headers(target, place, some) for place, some in by_place.items()]
        )
        headers = {
            (place, header.id): header
            for place, some in zip(by_place, loaded, strict=True)
            for header in some
        }
        found = [(place, headers[place, one]) for place, one in ids if (place, one) in headers]
        if not self._where:
            return found
        return [one for one in found if self._matches(desk, one[1])]

    def _matches(self, desk: Desk, header: Header) -> bool:
        metadata = read_body(desk.serde, header, "metadata")
        return all(metadata.get(key) == value for key, value in self._where.items())


def _whole_headers(target: Target, place: Place, ids: Sequence[str]) -> Flow[list[Header]]:
    headers = yield from load_headers(target, place, ids)
    return (yield from load_bodies(target, place, headers.values()))


def _load(
    target: Target, desk: Desk, found: Sequence[Found]
) -> Flow[tuple[list[CheckpointTuple], int]]:
    """The checkpoints that were found, and how many bytes their values and writes have."""
    by_place: dict[Place, list[Header]] = {}
    for place, header in found:
        by_place.setdefault(place, []).append(header)
    flows: list[Flow[Any]] = [
        load_values(target, place, headers, are_fresh=True) for place, headers in by_place.items()
    ]
    flows += [
        read_writes(target, place, [header.id for header in headers])
        for place, headers in by_place.items()
    ]
    results = yield Gather(flows)
    values: list[list[Loaded]] = results[: len(by_place)]
    writes: list[dict[str, list[Write]]] = results[len(by_place) :]
    composed: list[list[CheckpointTuple]] = yield Gather(
        [
            compose(target, desk, place, loaded, pending)
            for place, loaded, pending in zip(by_place, values, writes, strict=True)
        ]
    )
    tuples = {
        (place, one.checkpoint["id"]): one
        for place, some in zip(by_place, composed, strict=True)
        for one in some
    }
    there = [tuples[place, header.id] for place, header in found if (place, header.id) in tuples]
    blobs = [blob for some in values for _, read in some for blob in read.values()]
    blobs += [write.blob for some in writes for pending in some.values() for write in pending]
    return there, sum(len(data) for _, data in blobs)
