"""Delta channels: the writes since the last stored value, along the chain of parents.

The lanes say who is whose parent, so many ancestors are read side by side; their headers then confirm
the chain, and where it leaves a lane the walk goes on from the header. Called by the saver, and by
pruning, which must keep what a walk needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from langgraph.checkpoint.base import DeltaChannelHistory, PendingWrite
from langgraph.checkpoint.serde.base import SerializerProtocol

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.storage import load_many
from convex_mastra.ops.target import Target
from langchain_convex_mastra.checkpoints.blobs import Blob, join
from langchain_convex_mastra.checkpoints.desk import Desk, checkpoint_id_of, place_of
from langchain_convex_mastra.checkpoints.headers import (
    Header,
    load_bodies,
    load_headers,
    read_body,
)
from langchain_convex_mastra.checkpoints.lanes import PAGE_ENTRIES, read_page, read_tail
from langchain_convex_mastra.checkpoints.layout import Place, page_key, tail_key
from langchain_convex_mastra.checkpoints.pending_reads import Write, pending_writes, read_writes
from langchain_convex_mastra.checkpoints.reading import newest_header
from langchain_convex_mastra.checkpoints.strict import damaged, read_value

COUNTERS: Final = "counters_since_delta_snapshot"
STRIDE: Final = 32
"""How many ancestors are read at once, to begin with."""
STRIDE_MAX: Final = 256


@dataclass(slots=True)
class Walk:
    """What was found on the way, and what is still looked for."""

    serde: SerializerProtocol
    open: set[str]
    writes: dict[str, list[PendingWrite]] = field(default_factory=dict)
    seeds: dict[str, Any] = field(default_factory=dict)

    def pass_by(self, header: Header, blobs: dict[str, Blob], writes: Sequence[Write]) -> None:
        """Take along what an ancestor has."""
        for write in reversed(writes):
            if write.channel in self.open:
                self.writes.setdefault(write.channel, []).extend(
                    pending_writes(self.serde, [write])
                )
        keys = header.channel_keys()
        for channel in sorted(self.open):
            blob = header.inline.get(channel) or blobs.get(keys.get(channel, ""))
            if blob is not None and channel in header.versions:
                self.seeds[channel] = read_value(self.serde, blob, f"channel {channel!r}")
                self.open.discard(channel)

    def history(self, channel: str) -> DeltaChannelHistory:
        """The answer for one channel."""
        found: DeltaChannelHistory = {"writes": self.writes.get(channel, [])[::-1]}
        if channel in self.seeds:
            found["seed"] = self.seeds[channel]
        return found


def read_delta_history(
    target: Target, desk: Desk, config: Any, channels: Sequence[str]
) -> Flow[dict[str, DeltaChannelHistory]]:
    """Return the writes to *channels* since their last stored value, and that value.

    Cost: two waits for the checkpoint, three for all ancestors up to the last snapshot: a round
    trip for every 10 headers and for every four steps.
    """
    if not channels:
        return {}
    place, checkpoint_id = place_of(config), checkpoint_id_of(config)
    if checkpoint_id is None:
        newest = yield from newest_header(target, desk, place)
        checkpoint_id = newest.id if newest else None
    walk = Walk(desk.serde, set(channels))
    headers = yield from load_headers(target, place, [checkpoint_id] if checkpoint_id else [])
    for header in (yield from load_bodies(target, place, headers.values())):
        stride = _distance(desk, header, channels)
        yield from _go(target, place, header, walk, stride)
    return {channel: walk.history(channel) for channel in channels}


def _distance(desk: Desk, header: Header, channels: Iterable[str]) -> int:
    """How far back the last snapshots are, as far as the metadata says."""
    counters = read_body(desk.serde, header, "metadata").get(COUNTERS) or {}
    steps = [counters[channel][1] for channel in channels if channel in counters]
    return min(max([*steps, 0]) + 2, STRIDE_MAX) if steps else STRIDE


def _go(target: Target, place: Place, header: Header, walk: Walk, stride: int) -> Flow[None]:
    passed: set[str] = {header.id}
    while header.parent and header.parent not in passed and walk.open:
        chain = yield from _ancestors(target, place, header, stride)
        headers, writes = yield Gather(
            [load_headers(target, place, chain), read_writes(target, place, chain)]
        )
        blobs = yield from _load_values(target, place, headers, walk.open)
        for one in chain:
            if one != header.parent or one in passed or not walk.open:
                break  # the header knows better than the lane; or all was found, or it is a ring
            if one not in headers:
                return
            header = headers[one]
            passed.add(one)
            walk.pass_by(header, blobs, writes[one])
        stride = min(stride * 2, STRIDE_MAX)


def _load_values(
    target: Target, place: Place, headers: dict[str, Header], channels: Iterable[str]
) -> Flow[dict[str, Blob]]:
    """Return the values of channels, by key; headers that were deleted meanwhile go.

    Raises:
        ProtocolError: a part of a value is missing.
    """
    channels = set(channels)
    keys = {
        header.id: [key for channel, key in header.channel_keys().items() if channel in channels]
        for header in headers.values()
    }
    rows = yield from load_many(
        target, place.state, [key for some in keys.values() for key in some]
    )
    blobs = yield from join(target, place.state, rows)
    short = {row["id"] for row in rows} - blobs.keys()
    if short:
        doubtful = [one for one, some in keys.items() if short.intersection(some)]
        there = yield from load_headers(target, place, doubtful)
        for one in doubtful:
            if one in there:
                raise damaged(min(short.intersection(keys[one])))
            del headers[one]
    return blobs


def _ancestors(target: Target, place: Place, header: Header, count: int) -> Flow[list[str]]:
    """Return a header's parent, its parent, and so on, as far as its lane tells."""
    last = header.position // PAGE_ENTRIES
    first = max(0, last - count // PAGE_ENTRIES - 1)
    keys = [tail_key(header.lane), *(page_key(header.lane, n) for n in range(first, last + 1))]
    rows = yield from load_many(target, place.state, keys)
    parents: dict[str, str | None] = {}
    for row in rows:
        is_tail = row["id"] == keys[0]
        entries = read_tail(header.lane, row).entries if is_tail else read_page(row)[0]
        parents.update(entries)
    chain: list[str] = []
    one = header.parent
    while one and len(chain) < count and one not in chain:
        chain.append(one)
        one = parents.get(one)
    return chain
