"""Which namespaces a store has, so that searches find them.

A namespace is a tiny row in one of sixteen partitions (ADR 9) and, if it is two labels deep or more,
in one that all namespaces with these two labels share: a search below ``("memories", "ann")`` reads
the list of nobody else. It is listed before the first memory is written and once more after it, so
whatever can be read is listed (ADR 14). Whoever finds a namespace empty takes it off, but only if
it was listed a day ago: a store lists its namespaces again every hour that it writes to them.
Called by the rooms that read, write and list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from convex_mastra import ScanLimitError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.long_partitions import list_rows
from convex_mastra.ops.partitions import SHARDS, name_part, shard
from convex_mastra.ops.storage import delete_rows
from convex_mastra.records import Row
from langchain_convex_mastra.memories.layout import (
    Namespace,
    Place,
    count_of,
    namespace_id,
    namespace_of,
    put_small,
)

ALL: Final = "namespaces"
"""The list of all namespaces."""
EXPIRING: Final = "expiring"
"""The list of those in which memories may expire."""
BRANCH_LABELS: Final = 2
LISTED_FOR_MS: Final = 60 * 60 * 1000
"""So long a store trusts that what it listed is listed."""
LISTED_MAX: Final = 16_384
"""How many of them it remembers; then it lists anew what it writes to."""
KEPT_FOR_MS: Final = 24 * 60 * 60 * 1000
"""So long nobody takes off what was listed; longer than above, by more than clocks differ."""

Listed = dict[Namespace, int]
"""Namespaces, and when each was listed, in milliseconds since 1970."""


class Listing:
    """The listing of some namespaces that are about to be written to, in one of the lists.

    The flows of ``begin`` go before the writing, those of ``end`` after it, then ``done``.
    """

    def __init__(self, place: Place, kind: str, namespaces: Iterable[Namespace]) -> None:
        now = place.now_ms()
        self._place = place
        self._kind = kind
        self._namespaces = [
            one for one in dict.fromkeys(namespaces) if place.listed.get((kind, one), 0) <= now
        ]
        self._until = now + LISTED_FOR_MS

    def flows(self) -> list[Flow[None]]:
        """What lists those that this store did not list lately; one round trip, side by side."""
        return _enter(self._place, self._kind, self._namespaces)

    def done(self) -> None:
        """Remember that they are listed."""
        if len(self._place.listed) > LISTED_MAX:
            self._place.listed.clear()
        for namespace in self._namespaces:
            self._place.listed[self._kind, namespace] = self._until


def list_flows(place: Place, prefix: Namespace, kind: str = ALL) -> list[Flow[list[Row]]]:
    """The reads whose rows, handed to ``listed_under``, are the namespaces below *prefix*."""
    if kind == ALL and len(prefix) >= BRANCH_LABELS:
        return [_read(place, _branch(place, prefix))]
    return [_read(place, f"{place.root}/{kind}/{name}") for name in SHARDS]


def listed_under(prefix: Namespace, lists: Iterable[Iterable[Row]]) -> Listed:
    """The namespaces below *prefix*, itself included: whole labels, never parts of one."""
    found: Listed = {}
    for rows in lists:
        for row in rows:
            namespace = namespace_of(row["id"])
            if namespace[: len(prefix)] == prefix:
                found[namespace] = count_of(row, "listed")
    return found


def take_off(
    place: Place, kind: str, found: Listed, still: Callable[[Namespace], Flow[bool]]
) -> Flow[None]:
    """Take namespaces off a list, those that were listed long ago.

    Args:
        still: whether one belongs there after all: asked afterwards, for a writer in between.
    """
    old = [one for one, listed in found.items() if listed <= place.now_ms() - KEPT_FOR_MS]
    for one in old:
        place.listed.pop((kind, one), None)
    yield Gather(
        [
            delete_rows(place.target, partition, [namespace_id(one)])
            for one in old
            for partition in _lists_of(place, kind, one)
        ]
    )
    again: list[bool] = yield Gather([still(one) for one in old])
    yield Gather(_enter(place, kind, [one for one, back in zip(old, again, strict=True) if back]))


def _enter(place: Place, kind: str, namespaces: Iterable[Namespace]) -> list[Flow[None]]:
    now = place.now_ms()
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for namespace in namespaces:
        for partition in _lists_of(place, kind, namespace):
            rows[partition].append({"id": namespace_id(namespace), "listed": now})
    return [put_small(place.target, partition, some) for partition, some in rows.items()]


def _lists_of(place: Place, kind: str, namespace: Namespace) -> list[str]:
    lists = [shard(f"{place.root}/{kind}", namespace_id(namespace))]
    if kind == ALL and len(namespace) >= BRANCH_LABELS:
        lists.append(_branch(place, namespace))
    return lists


def _branch(place: Place, namespace: Namespace) -> str:
    return f"{place.root}/{ALL}/in/{name_part(namespace_id(namespace[:BRANCH_LABELS]))}"


def _read(place: Place, partition: str) -> Flow[list[Row]]:
    try:
        return (yield from list_rows(place.target, partition))
    except ScanLimitError as error:
        raise ScanLimitError(
            f"The store {place.name!r:.80} has more namespaces here than the deployment lists. "
            "Read by key, search below a longer prefix, or use several stores (name=).",
            limit=error.limit,
            operation=error.operation,
            request_id=error.request_id,
        ) from error
