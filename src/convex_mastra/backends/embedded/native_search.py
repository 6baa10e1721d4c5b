"""Convex's vector search over one native table: ``ctx.vectorSearch``.

Cosine in float32, as there; exact, where a large index of a deployment is approximate. A vector of
another length than the index's is stored but not in the index, and of zeros it scores 0. Called by
``handlers.native_vectors``. Rules: get-convex/convex-backend crates/vector/src.
"""

from __future__ import annotations

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from convex_mastra.backends.embedded import js, keys
from convex_mastra.backends.embedded.matrices import Float32, Matrix, Source
from convex_mastra.backends.embedded.native_tables import STORED_IN, NativeTable
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.scoring import Vector

_COUNT: Final = f'SELECT count(*) FROM {STORED_IN} WHERE "table" = ?'  # noqa: S608
_CHANGED: Final = (
    f'SELECT seq, embedding FROM {STORED_IN} WHERE "table" = ? AND revision > ? '  # noqa: S608
    "ORDER BY seq"
)
_DOCUMENTS: Final = f'SELECT seq, document FROM {STORED_IN} WHERE "table" = ?'  # noqa: S608
_OF_LENGTH: Final = f'SELECT seq FROM {STORED_IN} WHERE "table" = ? AND length(embedding) = ?'  # noqa: S608
_ID: Final = f"SELECT _id FROM {STORED_IN} WHERE seq = ?"  # noqa: S608
_FLOAT64_BYTES: Final = 8

Seqs = npt.NDArray[np.int64]


@np.errstate(over="ignore", invalid="ignore")  # beyond 1e154 a square is none
def nearest(
    transaction: Transaction,
    table: NativeTable,
    query: Vector,
    limit: int,
    clause: Mapping[str, Any] | None,
) -> list[tuple[str, float]]:
    """Return ``(_id, score)`` of the nearest documents, best first, equal scores by id descending.

    A vector that holds NaN is not found.

    Args:
        query: shape (table.dimension,).
        clause: the equality that documents must meet, ``{"field", "value"}``; None: all.
    """
    connection = transaction.connection
    source = Source(table.version_name, table.name, _COUNT, _CHANGED)
    matrix = transaction.matrices.get(connection, source, table.dimension)
    seqs, scores = _scored(connection, table, matrix, query)
    wanted = np.isfinite(scores)
    if clause is not None:
        wanted &= np.isin(seqs, _selected(connection, table, clause))
    seqs, scores = seqs[wanted], scores[wanted]
    if len(scores) > limit:
        worth = scores >= np.partition(scores, len(scores) - limit)[len(scores) - limit]
        seqs, scores = seqs[worth], scores[worth]
    found = [
        (connection.execute(_ID, (int(seq),)).fetchone()[0], float(score))
        for seq, score in zip(seqs, np.clip(scores, -1.0, 1.0), strict=True)
    ]
    found.sort(reverse=True)
    found.sort(key=lambda hit: -hit[1])
    return found[:limit]


def _scored(
    connection: Connection, table: NativeTable, matrix: Matrix, query: Vector
) -> tuple[Seqs, Float32]:
    length = float(np.sqrt(query @ query))
    unit = query / length if length else query
    scores = matrix.rows @ unit.astype(np.float32)
    if not matrix.incomparable:
        return matrix.seqs, scores
    of_length = connection.execute(_OF_LENGTH, (table.name, _FLOAT64_BYTES * table.dimension))
    zeros = sorted(matrix.incomparable.intersection(seq for (seq,) in of_length))
    return (
        np.concatenate([matrix.seqs, np.array(zeros, np.int64)]),
        np.concatenate([scores, np.zeros(len(zeros), np.float32)]),
    )


def _selected(connection: Connection, table: NativeTable, clause: Mapping[str, Any]) -> list[int]:
    field, value = clause["field"], clause["value"]
    return [
        seq
        for seq, document in connection.execute(_DOCUMENTS, (table.name,))
        if keys.equal(orjson.loads(document).get(field, js.UNDEFINED), value)
    ]
