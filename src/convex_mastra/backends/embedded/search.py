"""Searching a vector index on the server's side: ``convex_mastra/vectors:search`` and ``:count``.

The float32 matrix of an index finds all that could be among the best k, whatever rounding did to
it; those few are scored again in float64 from the stored vectors, so the answer is exact. Runs in
one read transaction. DIFFERS: no limit on what a transaction reads applies to these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sqlite3 import Connection
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.matrices import Matrix, Source
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.filters import Predicate, compile_filter
from convex_mastra.scoring import NOT_COMPARABLE, TopK, Vector, cosine_scores
from convex_mastra.wire import Json

_COUNT: Final = "SELECT count(*) FROM mastra_vectors WHERE indexName = ?"
_CHANGED: Final = (
    "SELECT seq, embedding FROM mastra_vectors WHERE indexName = ? AND revision > ? ORDER BY seq"
)
_METADATA: Final = "SELECT seq, metadata FROM mastra_vectors WHERE indexName = ?"
_ROW: Final = "SELECT id, metadata, embedding FROM mastra_vectors WHERE seq = ?"
FLOAT32_ROUNDING: Final = 2.0**-24
"""Half a unit in the last place: the relative error of one float32 operation."""
ROWS_AT_ONCE: Final = 256
"""How many vectors are held in float64 while candidates are scored again."""

Seqs = npt.NDArray[np.int64]


def count(transaction: Transaction, args: Json) -> Any:
    """Return ``{"count": n}`` of the index ``indexName``."""
    index_name = _text(args, "indexName")
    (number,) = transaction.connection.execute(_COUNT, (index_name,)).fetchone()
    return {"count": float(number)}


@np.errstate(over="ignore", invalid="ignore")  # beyond 1e154 a square is none
def search(transaction: Transaction, args: Json) -> Any:
    """Return ``{"matches": [{"id", "score", "metadata"?, "embedding"?}]}``, best first.

    Arguments: ``indexName``, ``vector``, ``topK``, ``filter`` (JSON text of Mastra's grammar),
    ``minScore``, ``includeVector``; the last three may be missing.

    Raises:
        Thrown: an argument that cannot be.
    """
    index_name = _text(args, "indexName")
    query = _vector(args)
    top_k = _top_k(args)
    predicate = _predicate(args)
    connection = transaction.connection
    source = Source(index_name, index_name, _COUNT, _CHANGED)
    matrix = transaction.matrices.get(connection, source, len(query))
    selected = None if predicate is None else _selected(connection, index_name, predicate)

    best = TopK(top_k, args.get("minScore"))
    length = float(np.sqrt(query @ query))
    comparable = _candidates(matrix, query / length, top_k, selected) if length else matrix.seqs
    incomparable = [seq for seq in matrix.incomparable if selected is None or seq in selected]
    _rank(connection, best, comparable, lambda vectors: cosine_scores(vectors, query))
    _rank(connection, best, incomparable, None)
    with_vector = bool(args.get("includeVector"))
    return {"matches": [_match(hit.payload, hit.score, with_vector) for hit in best.result()]}


def _candidates(
    matrix: Matrix, unit_query: Vector, top_k: int, selected: frozenset[int] | None
) -> Seqs:
    """The rows whose exact score may be among the best *top_k*."""
    seqs = matrix.seqs
    scores = matrix.rows @ unit_query.astype(np.float32)
    if selected is not None:
        wanted = np.isin(seqs, np.fromiter(selected, np.int64, len(selected)))
        seqs, scores = seqs[wanted], scores[wanted]
    if len(scores) <= top_k:
        return seqs
    kth = np.partition(scores, len(scores) - top_k)[len(scores) - top_k]
    # A sum of d products of rounded factors is off by at most (d + 2) roundings; a row below the
    # k-th by twice that, once for each of the two, cannot overtake it.
    margin = 2 * (len(unit_query) + 2) * FLOAT32_ROUNDING
    return np.asarray(seqs[scores >= kth - margin], np.int64)


def _rank(
    connection: Connection,
    best: TopK,
    seqs: Iterable[int],
    score: Callable[[Vector], Vector] | None,
) -> None:
    wanted = [int(seq) for seq in seqs]
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        rows = [
            connection.execute(_ROW, (seq,)).fetchone()
            for seq in wanted[start : start + ROWS_AT_ONCE]
        ]
        if score is None:
            scores = np.full(len(rows), NOT_COMPARABLE)
        else:
            scores = score(np.stack([np.frombuffer(row[2], "<f8") for row in rows]))
        best.add([row[0] for row in rows], scores, rows)


def _selected(connection: Connection, index_name: str, predicate: Predicate) -> frozenset[int]:
    rows = connection.execute(_METADATA, (index_name,))
    return frozenset(
        seq for seq, metadata in rows if metadata is not None and predicate(orjson.loads(metadata))
    )


def _match(row: tuple[str, str | None, bytes], score: float, with_vector: bool) -> Json:
    match: Json = {"id": row[0], "score": score}
    if row[1] is not None:
        match["metadata"] = orjson.loads(row[1])
    if with_vector:
        match["embedding"] = np.frombuffer(row[2], "<f8")
    return match


def _text(args: Json, name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str):
        raise Thrown(f"{name} must be a string")
    return value


def _vector(args: Json) -> Vector:
    try:
        vector = np.array(args.get("vector"), dtype=np.float64)
    except (TypeError, ValueError):
        raise Thrown("vector must be an array of numbers") from None
    if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
        raise Thrown("vector must be an array of finite numbers")
    return vector


def _top_k(args: Json) -> int:
    value = args.get("topK")
    if not isinstance(value, float) or value < 1 or not value.is_integer():
        raise Thrown("topK must be a positive integer")
    return int(value)


def _predicate(args: Json) -> Predicate | None:
    text = args.get("filter")
    if text is None:
        return None
    try:
        return compile_filter(orjson.loads(text))
    except (orjson.JSONDecodeError, InvalidArgumentError) as error:
        raise Thrown(f"filter: {error}") from None
