"""Two ways of doing the same work, timed in turn, and the ratio of the two.

A ratio of two times taken moments apart says more than either: a busy or a slow machine changes
both. Called by every comparison; knows none of them.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Literal, TypeVar

from benchmarks.scale import Rounds

R = TypeVar("R")
Unit = Literal["s", "bytes", "requests"]
Measure = Callable[[], float]
"""Does the work once, and returns what it cost: seconds, bytes, or requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one comparison.

    Attributes:
        name: which, e.g. ``npm-dev-server.upsert``.
        size: the work, in words.
        unit: of *ours* and *peer*, which are medians.
        ratio: the median of ours / peer, pair by pair; below 1 this client is cheaper.
        ratio_quartiles: the ratios' first and third quartile; a wide range is a noisy machine.
        target: the largest ratio that is accepted, or None where none is set.
        met: whether it was, or None without a target.
        peer_is: whom it is compared with, and how.
    """

    name: str
    size: str
    unit: Unit
    ours: float
    peer: float
    ratio: float
    ratio_quartiles: tuple[float, float]
    pairs: int
    target: float | None
    met: bool | None
    peer_is: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two measures of the same work, not yet taken; the rest is as of ``Result``."""

    name: str
    size: str
    peer_is: str
    target: float | None
    ours: Measure
    peer: Measure
    unit: Unit = "s"

    def run(self, rounds: Rounds) -> Result:
        """Take both measures in turn: warm up, then measure every pair of *rounds*."""
        with _own_garbage_only():
            for _ in range(rounds.warm_up):
                self._pair(ours_first=True)
            pairs = [self._pair(ours_first=number % 2 == 0) for number in range(rounds.pairs)]
        ratios = [ours / peer for ours, peer in pairs]
        ratio = median(ratios)
        first, _, third = quantiles(ratios, n=4) if len(ratios) > 1 else (ratio, ratio, ratio)
        return Result(
            name=self.name,
            size=self.size,
            unit=self.unit,
            ours=median(ours for ours, _ in pairs),
            peer=median(peer for _, peer in pairs),
            ratio=ratio,
            ratio_quartiles=(first, third),
            pairs=len(pairs),
            target=self.target,
            met=None if self.target is None else ratio <= self.target,
            peer_is=self.peer_is,
        )

    def _pair(self, *, ours_first: bool) -> tuple[float, float]:
        # Who goes second finds warmer caches: the two take turns at that as well.
        if ours_first:
            ours = _clean(self.ours)
            return ours, _clean(self.peer)
        peer = _clean(self.peer)
        return _clean(self.ours), peer


def timed(work: Callable[[], R]) -> tuple[float, R]:
    """Return how many seconds *work* takes, and its result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def expect(*, found: object, wanted: object, doing: str) -> None:
    """Stop the run when one side did other work than the other.

    Raises:
        RuntimeError: *found* is not *wanted*.
    """
    if found != wanted:
        raise RuntimeError(f"{doing}: got {found!r:.200}, not {wanted!r:.200}")


def _clean(measure: Measure) -> float:
    gc.collect()  # what the other side left behind is not this side's cost
    return measure()


@contextmanager
def _own_garbage_only() -> Iterator[None]:
    """Keep the collector from walking what was there before: the work and the modules.

    The collector stays on, and what the measured code makes is collected at that code's cost.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
