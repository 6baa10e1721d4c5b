"""What one saver object remembers: its lanes, and what it has announced.

Only saves requests, but for one thing: a lane is handed to one put at a time, and one whose write
failed, or whose owner was idle for long, is never written again. Shared by the copies of a saver, used
from several threads and event loops; a child process begins with an empty one.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from langchain_convex_mastra.checkpoints.lanes import Lane
from langchain_convex_mastra.checkpoints.layout import Place, buckets_of
from langchain_convex_mastra.checkpoints.newest import Newest

PLACES: Final = 4096
"""How many places are remembered; of those forgotten, lanes are opened anew."""
RUNS: Final = 16_384
OWN_S: Final = 120.0
"""An owner that was idle for so long gives its lane up, and names its volumes again."""
ANNOUNCE_S: Final = 60.0
"""How long a place stays announced: another process may have deleted its thread since."""
IDLE_S: Final = 600.0
"""What was idle for so long is written no more, whatever its owner's clock says."""
IDLE_LANES: Final = 8
"""So many idle lanes are moved to the closed ones together."""


@dataclass(slots=True)
class Volume:
    """Where the next pending writes of a bucket go.

    Attributes:
        name: None for the bucket itself.
        named_s: when the bucket last said so.
        rows, size: how many rows go there, and their bytes, those still being sent included.
    """

    name: str | None = None
    named_s: float | None = None
    rows: int = 0
    size: int = 0


@dataclass(slots=True)
class Memory:
    """What is remembered of a place.

    Attributes:
        lanes: those of its own that are at rest.
        buckets: those that a header leads to, or the list of stray ones.
        volumes: what was written into buckets.
        idle: idle lanes that were seen, each with its highest id.
        opened: how many lanes were opened since all were seen; at first as many as if none ever was.
        announced_s: when the place was listed.
    """

    lanes: list[Lane] = field(default_factory=list)
    buckets: set[str] = field(default_factory=set)
    volumes: OrderedDict[str, Volume] = field(default_factory=OrderedDict)
    idle: list[tuple[str, str]] = field(default_factory=list)
    opened: int = IDLE_LANES
    announced_s: float | None = None

    def distrust(self) -> None:
        """Forget what leads to pending writes: another process may have deleted it."""
        self.buckets.clear()
        for volume in list(self.volumes.values()):
            volume.named_s = None


class Ledger:
    """The memory of a saver and its copies."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._places: OrderedDict[str, Memory] = OrderedDict()
        self._runs: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._newest = Newest()

    @property
    def newest(self) -> Newest:
        """The newest checkpoints that are known."""
        if self._pid != os.getpid():
            self._begin()
        return self._newest

    def of(self, place: Place) -> Memory:
        """What is remembered of *place*; the caller changes it only through this class."""
        if self._pid != os.getpid():
            self._begin()
        with self._lock:
            memory = self._places.get(place.key)
            if memory is None:
                memory = self._places[place.key] = Memory()
                if len(self._places) > PLACES:
                    self._places.popitem(last=False)
            else:
                self._places.move_to_end(place.key)
            return memory

    def take(self, place: Place) -> Lane | None:
        """Hand out a lane of this saver's own; None if there is none at rest."""
        memory = self.of(place)
        now = self.clock()
        with self._lock:
            while memory.lanes:
                lane = memory.lanes.pop()
                if self.is_own(lane, now):
                    return lane
        return None

    def is_own(self, lane: Lane, now_s: float) -> bool:
        """Whether a lane that was last written, or begun, by this saver is still its own."""
        return 0 <= now_s - max(lane.written_s, lane.announced_s) < OWN_S

    def give_back(self, place: Place, lane: Lane) -> None:
        """Take a lane back after a write that is known to have been applied."""
        memory = self.of(place)
        with self._lock:
            memory.lanes.append(lane)

    def give_up(self, place: Place) -> list[Lane]:
        """Forget all lanes at rest, and whatever else is known of the place; return the lanes."""
        memory = self.of(place)
        with self._lock:
            lanes = memory.lanes
            self._places.pop(place.key, None)
        self._newest.forget(place)
        return lanes

    def see_lanes(
        self, place: Place, listed: Iterable[str], since_s: float, idle: list[tuple[str, str]]
    ) -> None:
        """Learn which lanes were listed at *since_s*, and which of them are idle.

        A lane of its own that was not listed was deleted, or taken for idle.
        """
        memory = self.of(place)
        names = set(listed)
        with self._lock:
            kept = [one for one in memory.lanes if one.id in names or one.announced_s >= since_s]
            if len(kept) < len(memory.lanes):
                memory.announced_s = None
                memory.distrust()
            memory.lanes = kept
            memory.idle = idle
            memory.opened = 0

    def knows_lanes(self, place: Place) -> bool:
        """Whether so few lanes were opened since all were seen that idle ones do not pile up."""
        return self.of(place).opened < IDLE_LANES

    def take_idle(self, place: Place) -> list[tuple[str, str]]:
        """Hand out the idle lanes that were seen, if they are enough to be moved.

        Called for each lane that is opened.
        """
        memory = self.of(place)
        with self._lock:
            memory.opened += 1
            if len(memory.idle) < IDLE_LANES:
                return []
            idle, memory.idle = memory.idle, []
            return idle

    def is_announced(self, place: Place) -> bool:
        """Whether the place was listed a short while ago."""
        announced_s = self.of(place).announced_s
        return announced_s is not None and 0 <= self.clock() - announced_s < ANNOUNCE_S

    def is_named(self, volume: Volume) -> bool:
        """Whether its bucket named a volume so lately that nobody took that for old."""
        return volume.named_s is not None and 0 <= self.clock() - volume.named_s < OWN_S

    def begin_thread(self, place: Place) -> None:
        """Trust nothing of a place that begins anew."""
        self.of(place).distrust()

    def announced(self, place: Place, now_s: float) -> None:
        """Remember that the place was listed."""
        self.of(place).announced_s = now_s

    def know(self, place: Place, ids: Iterable[str]) -> None:
        """Remember that a deletion would find the writes of these checkpoints and their children."""
        buckets = self.of(place).buckets
        for one in ids:
            buckets.update(buckets_of(one))

    def knows_run(self, run_id: str, place: Place) -> bool:
        """Whether the place was listed for a run a short while ago."""
        listed_s = self._runs.get((run_id, place.key))
        return listed_s is not None and 0 <= self.clock() - listed_s < ANNOUNCE_S

    def know_run(self, run_id: str, place: Place) -> None:
        """Remember that the place was listed for a run."""
        with self._lock:
            self._runs[run_id, place.key] = self.clock()
            while len(self._runs) > RUNS:
                self._runs.popitem(last=False)

    def forget_runs(self, run_ids: Iterable[str], places: Iterable[str]) -> None:
        """Forget that places were listed for runs."""
        run_ids, places = set(run_ids), set(places)
        with self._lock:
            for run_id, place in list(self._runs):
                if run_id in run_ids or place in places:
                    del self._runs[run_id, place]
