"""What one record manager remembers: the last time it was told, and records it has seen.

``index()`` asks for a batch's records right before it updates them, so that an update need not
look up again which list rows it supersedes. What is remembered may be out of date: then a row
stays behind that readers of lists tell from the newer one, and delete. Called by
``record_operations``.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from langchain_convex_mastra.record_layout import Partitions, Record

REMEMBERED_RECORDS: Final = 10_000


class Namespace:
    """A namespace, as one manager knows it; may be used by several threads."""

    def __init__(self, name: str) -> None:
        self.partitions = Partitions(name)
        self._seen: OrderedDict[str, Record | None] = OrderedDict()
        self._last_s = 0.0
        self._lock = threading.Lock()

    def following(self, now_s: float) -> float:
        """The deployment's time, or right after the last one that was returned here."""
        with self._lock:
            self._last_s = max(now_s, math.nextafter(self._last_s, math.inf))
            return self._last_s

    def remember(self, records: Mapping[str, Record | None]) -> None:
        """Remember what is stored under keys; None: nothing."""
        with self._lock:
            for key, record in records.items():
                self._seen[key] = record
                self._seen.move_to_end(key)
            while len(self._seen) > REMEMBERED_RECORDS:
                self._seen.popitem(last=False)

    def recall(self, keys: Iterable[str]) -> dict[str, Record | None]:
        """What was last seen under those of the keys that are remembered."""
        with self._lock:
            return {key: self._seen[key] for key in keys if key in self._seen}
