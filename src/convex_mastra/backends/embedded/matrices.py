"""Vector indexes held in memory as unit float32 matrices, so that a search is one product.

A matrix is made when an index is first searched, and brought up to date by reading only the rows
written since; a deletion makes it anew. Searches of other threads go on with the matrix they
took. Called by ``search`` and ``native_search``; must not rank anything itself.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from convex_mastra import limits

Float32 = npt.NDArray[np.float32]
SPARE: Final = 8
"""A grown matrix keeps an eighth of its rows free for those to come."""
_VERSION: Final = "SELECT version, deletions FROM vector_versions WHERE index_name = ?"
_NEVER: Final = (0, 0)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the vectors of one index are.

    Attributes:
        version_name: what ``versions`` counts its writes under.
        name: what the two statements are given first.
        count: SQL for how many there are.
        changed: SQL for ``seq, embedding`` of those with a greater ``revision``, by ``seq``.
    """

    version_name: str
    name: str
    count: str
    changed: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """One index at one version, for vectors of one dimension.

    Attributes:
        units: shape (n, dimension) and more rows that are not in use; each of length 1.
        seqs: shape (n,): which row of the table each is, ascending.
        incomparable: rows of zeros, or of another dimension.
    """

    version: tuple[int, int]
    units: Float32
    seqs: npt.NDArray[np.int64]
    incomparable: frozenset[int]

    @property
    def rows(self) -> Float32:
        """The rows in use, shape (n, dimension)."""
        return self.units[: len(self.seqs)]


class Matrices:
    """The matrices of one database, the most recently used within ``MATRIX_CACHE_BYTES``."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[Source, int], Matrix] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: Connection, source: Source, dimension: int) -> Matrix:
        """Return the matrix of an index as the connection's transaction sees it."""
        version = connection.execute(_VERSION, (source.version_name,)).fetchone() or _NEVER
        key = source, dimension
        with self._lock:  # two threads must not append to one matrix at once
            held = self._held.get(key)
            if held is None or held.version != version:
                held = _refreshed(connection, source, dimension, version, held)
                self._held[key] = held
            self._held.move_to_end(key)
            size = sum(matrix.units.nbytes for matrix in self._held.values())
            while size > limits.MATRIX_CACHE_BYTES and len(self._held) > 1:
                size -= self._held.popitem(last=False)[1].units.nbytes
        return held


def _refreshed(
    connection: Connection,
    source: Source,
    dimension: int,
    version: tuple[int, int],
    held: Matrix | None,
) -> Matrix:
    if held is None or held.version[1] != version[1] or held.version[0] > version[0]:
        (count,) = connection.execute(source.count, (source.name,)).fetchone()
        empty = np.empty((count, dimension), np.float32)
        held = Matrix(_NEVER, empty, np.empty(0, np.int64), frozenset())
    changed = connection.execute(source.changed, (source.name, held.version[0]))
    builder = _Builder(held, dimension)
    try:
        for seq, embedding in changed:
            builder.put(seq, np.frombuffer(embedding, "<f8"))
    finally:
        changed.close()
    return builder.finish(version)


class _Builder:
    """Takes changed rows, in ascending order of ``seq``, onto a matrix that others may be using."""

    def __init__(self, matrix: Matrix, dimension: int) -> None:
        self._units = matrix.units
        self._seqs = matrix.seqs
        self._incomparable = set(matrix.incomparable)
        self._dimension = dimension
        self._new: list[int] = []
        self._is_copy = False

    def put(self, seq: int, vector: npt.NDArray[np.float64]) -> None:
        length = float(np.sqrt(vector @ vector))
        known = int(np.searchsorted(self._seqs, seq))
        is_known = known < len(self._seqs) and self._seqs[known] == seq
        if len(vector) != self._dimension or length == 0.0:
            self._incomparable.add(seq)
            if is_known:
                self._drop(known)
            return
        self._incomparable.discard(seq)
        if is_known:
            self._own()
            self._units[known] = vector / length
        elif len(self._seqs) and seq < self._seqs[-1]:  # was incomparable before; rare
            self._insert(known, seq, vector / length)
        else:
            self._append(seq, vector / length)

    def finish(self, version: tuple[int, int]) -> Matrix:
        seqs = np.concatenate([self._seqs, np.array(self._new, np.int64)])
        return Matrix(version, self._units, seqs, frozenset(self._incomparable))

    def _append(self, seq: int, unit: Any) -> None:
        used = len(self._seqs) + len(self._new)
        if used == len(self._units):
            grown = np.empty((used + used // SPARE + 16, self._dimension), np.float32)
            grown[:used] = self._units
            self._units, self._is_copy = grown, True
        # Rows behind those in use belong to nobody else: searches look at theirs only.
        self._units[used] = unit
        self._new.append(seq)

    def _own(self) -> None:
        if not self._is_copy:
            self._units, self._is_copy = self._units.copy(), True

    def _drop(self, position: int) -> None:
        self._units = np.delete(self._units, position, axis=0)
        self._seqs = np.delete(self._seqs, position)
        self._is_copy = True

    def _insert(self, position: int, seq: int, unit: Any) -> None:
        self._units = np.insert(self._units, position, unit, axis=0)
        self._seqs = np.insert(self._seqs, position, seq)
        self._is_copy = True
