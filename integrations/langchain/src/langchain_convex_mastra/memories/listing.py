"""Which namespaces hold memories. Called by ``batches``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from langgraph.store.base import ListNamespacesOp

from convex_mastra.flow import Flow, Gather
from langchain_convex_mastra.memories.layout import Namespace, Place
from langchain_convex_mastra.memories.matching import fits, plain_prefix
from langchain_convex_mastra.memories.namespaces import (
    ALL,
    list_flows,
    listed_under,
    take_off,
)
from langchain_convex_mastra.memories.reads import is_occupied

SIDE_BY_SIDE: Final = 16
"""So many are looked into at once, at least."""


def list_namespaces(place: Place, op: ListNamespacesOp) -> Flow[list[Namespace]]:
    """Return what a checked operation asks for, sorted. No value is read.

    Cost: 16 round trips side by side, or one below a prefix of two labels and more; then one for
    each namespace until there are enough, 16 side by side.
    """
    conditions = tuple(op.match_conditions or ())
    prefix = plain_prefix(conditions)
    lists = yield Gather(list_flows(place, prefix))
    listed = listed_under(prefix, lists)
    groups: defaultdict[Namespace, list[Namespace]] = defaultdict(list)
    for namespace in sorted(listed):
        if all(fits(condition, namespace) for condition in conditions):
            groups[namespace[: op.max_depth]].append(namespace)
    wanted = op.offset + op.limit
    names = sorted(groups)
    found: list[Namespace] = []
    empty: list[Namespace] = []
    while names and len(found) < wanted:
        size = max(wanted - len(found), SIDE_BY_SIDE)
        some, names = names[:size], names[size:]
        vacant: list[list[Namespace]] = yield Gather(
            [_vacant(place, groups[name]) for name in some]
        )
        for name, without in zip(some, vacant, strict=True):
            empty += without
            if len(without) < len(groups[name]):
                found.append(name)
    yield from take_off(
        place, ALL, {one: listed[one] for one in empty}, lambda one: is_occupied(place, one)
    )
    return found[op.offset : wanted]


def _vacant(place: Place, namespaces: Sequence[Namespace]) -> Flow[list[Namespace]]:
    """Those without memories, before the first one that has some."""
    vacant = []
    for namespace in namespaces:
        if (yield from is_occupied(place, namespace)):
            break
        vacant.append(namespace)
    return vacant
