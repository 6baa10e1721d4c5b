"""The newest checkpoints that a saver knows, so that what did not change is not fetched again.

Holds headers and serialised values, never what was made of them: whoever reads gets objects of his
own. Nothing here says that a checkpoint is still there, or still the newest: ``recalling`` asks that
first. Owned by the ledger; shared by threads, so what is remembered is replaced and never changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from langchain_convex_mastra.checkpoints.blobs import Blob
from langchain_convex_mastra.checkpoints.headers import Header
from langchain_convex_mastra.checkpoints.layout import Place

REMEMBERED_BYTES: Final = 16 * 1024 * 1024
"""Of all headers and values together."""
HEADER_BYTES: Final = 2 * 1024
"""What a header counts for, besides its channels' keys and values."""


@dataclass(frozen=True, slots=True)
class Known:
    """A checkpoint that was the newest of its place.

    Attributes:
        lane: the lane that lists it; a copy of it, or what stays of it after pruning, has another.
        blobs: values of its channels by key, those that are known; None where there is none.
        header: None if it was put here and not read yet; else all of *blobs* are known.
    """

    id: str
    lane: str
    blobs: Mapping[str, Blob | None]
    header: Header | None = None

    @property
    def size(self) -> int:
        """Its bytes, roughly."""
        small = self.header.inline.values() if self.header is not None else ()
        held = [*self.blobs.values(), *small]
        keys = sum(map(len, self.blobs))
        return HEADER_BYTES + keys + sum(len(blob[1]) for blob in held if blob is not None)


class Newest:
    """The newest checkpoints of the places that were read last."""

    def __init__(self, size_max: int = REMEMBERED_BYTES) -> None:
        self._size_max = size_max
        self._size = 0
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, place: Place) -> Known | None:
        """What is known of a place, or None."""
        with self._lock:
            known = self._known.get(place.key)
            if known is not None:
                self._known.move_to_end(place.key)
            return known

    def was_read(self, place: Place, known: Known) -> None:
        """Remember what was just read as the newest."""
        with self._lock:
            self._remember(place, known)

    def was_put(self, place: Place, known: Known) -> None:
        """Remember what was just put, if it comes after what was the newest so far."""
        with self._lock:
            before = self._known.get(place.key)
            if before is not None and before.id <= known.id:
                self._remember(place, known)

    def forget(self, place: Place) -> None:
        """Forget what is known of a place."""
        with self._lock:
            self._drop(place.key)

    def _remember(self, place: Place, known: Known) -> None:
        self._drop(place.key)
        if known.size > self._size_max // 2:  # one would crowd out all others
            known = Known(known.id, known.lane, {})
        self._known[place.key] = known
        self._size += known.size
        while self._size > self._size_max:
            self._drop(next(iter(self._known)))

    def _drop(self, key: str) -> None:
        dropped = self._known.pop(key, None)
        if dropped is not None:
            self._size -= dropped.size
