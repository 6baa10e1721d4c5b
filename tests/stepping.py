"""Flows that a test runs request by request, to let others in between."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import combinations, islice
from typing import Any

from convex_mastra.flow import Gather, Send, Sleep


def stepped(flow: Generator[Any, Any, Any], backend: Any) -> Iterator[None]:
    """Run a flow on a backend, or on what wraps one, and stop before each of its requests."""

    def run(one: Generator[Any, Any, Any]) -> Generator[None, None, Any]:
        reply: Any = None
        while True:
            try:
                effect = one.send(reply)
            except StopIteration as done:
                return done.value
            match effect:
                case Send(request):
                    yield
                    reply = backend.send(request)
                case Gather(flows):
                    reply = []
                    for inner in flows:
                        reply.append((yield from run(inner)))
                case Sleep(_):
                    reply = None

    yield from run(flow)


def orders(first: int, second: int, *, every: int = 1) -> Iterator[list[bool]]:
    """In which orders the steps of two flows can be taken; true: one of the first.

    Args:
        first: how many steps the first has.
        second: how many the second has.
        every: take one of so many.
    """
    for places in islice(combinations(range(first + second), first), 0, None, every):
        yield [place in places for place in range(first + second)]


def run_both(first: Iterator[None], second: Iterator[None], order: list[bool]) -> None:
    """Take the steps of two flows in this order, and then what is left of each."""
    next(first), next(second)
    for is_first in order:
        next(first if is_first else second, None)
    for flow in (first, second):
        for _ in flow:
            pass
