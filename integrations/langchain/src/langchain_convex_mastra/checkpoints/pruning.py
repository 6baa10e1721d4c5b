"""Keeping only the newest checkpoints of threads.

What LangGraph's own savers keep: of each namespace the newest checkpoint; of a subgraph's call only if
the root's newest checkpoint is the one it belongs to. With delta channels also the ancestors that
their values are rebuilt from. Called by the saver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from convex_mastra.flow import Flow, Gather
from convex_mastra.limits import LOAD_MANY_IDS
from convex_mastra.ops.arguments import many, one_of
from convex_mastra.ops.storage import load_many
from convex_mastra.ops.target import Target
from langchain_convex_mastra.checkpoints import listing
from langchain_convex_mastra.checkpoints.archive import Archive, read_archive
from langchain_convex_mastra.checkpoints.delta import COUNTERS
from langchain_convex_mastra.checkpoints.desk import Desk
from langchain_convex_mastra.checkpoints.headers import Header, load_bodies, read_body
from langchain_convex_mastra.checkpoints.removal import clear_place, delete_thread, retain

STRATEGIES: Final = ("keep_latest", "delete")
_CALL_MARK: Final = ":"
"""In the namespace of a subgraph that is called anew each time: ``name:task_id``."""


def prune(
    target: Target, desk: Desk, thread_ids: Sequence[str], strategy: str = "keep_latest"
) -> Flow[None]:
    """Delete all checkpoints of threads, or all but the newest.

    Raises:
        InvalidArgumentError: *thread_ids* is no list, or the strategy is unknown.

    Cost: as reading all headers of the threads.
    """
    one_of(strategy, STRATEGIES, "strategy")
    thread_ids = [str(one) for one in many(thread_ids, "thread_ids", "thread ids")]
    for thread_id in dict.fromkeys(thread_ids):
        if strategy == "delete":
            yield from delete_thread(target, desk, thread_id)
        else:
            yield from _keep_latest(target, desk, thread_id)


def _keep_latest(target: Target, desk: Desk, thread_id: str) -> Flow[None]:
    places = yield from listing.places_of(target, thread_id)
    archives: list[Archive] = yield Gather([read_archive(target, place) for place in places])
    root = archives[0].newest
    for archive in archives:
        newest = archive.newest
        if newest is None:
            continue
        whole = yield from load_bodies(target, archive.place, [newest])
        if not whole:
            continue  # deleted meanwhile
        metadata = read_body(desk.serde, newest, "metadata")
        belongs_to = (metadata.get("parents") or {}).get(listing.ROOT)
        is_call = _CALL_MARK in archive.place.namespace
        if is_call and root is not None and belongs_to not in (None, root.id):
            yield from clear_place(target, desk, archive.place)
            yield from listing.unlist_namespaces(target, [archive.place])
        else:
            chain = yield from _chain(target, archive, newest, metadata.get(COUNTERS) or ())
            yield from retain(target, desk, archive, {header.id for header in chain})


def _chain(
    target: Target, archive: Archive, newest: Header, channels: Iterable[str]
) -> Flow[list[Header]]:
    """The newest checkpoint, and the ancestors that its delta channels are rebuilt from."""
    ancestors = [newest]
    seen = {newest.id}
    while (parent := ancestors[-1].parent) in archive.headers and parent not in seen:
        ancestors.append(archive.headers[parent or ""])
        seen.add(parent or "")
    last = 0
    for channel in channels:
        last = max(last, (yield from _seed(target, archive, ancestors, channel)))
    return ancestors[: last + 1]


def _seed(target: Target, archive: Archive, ancestors: Sequence[Header], channel: str) -> Flow[int]:
    """Which ancestor holds a value of a channel: the first; the last of all if none does."""
    for start in range(0, len(ancestors), LOAD_MANY_IDS):
        some = ancestors[start : start + LOAD_MANY_IDS]
        keys = [header.channel_keys().get(channel, "") for header in some]
        rows = yield from load_many(target, archive.place.state, [key for key in keys if key])
        there = {row["id"] for row in rows}
        for number, (header, key) in enumerate(zip(some, keys, strict=True)):
            if channel in header.inline or key in there:
                return start + number
    return len(ancestors) - 1
