"""Checking what callers pass to the vector operations, before anything is sent.

Pure functions; shapes, finiteness, ids, names and sizes. Called by the other vector rooms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.ops.arguments import required_text
from convex_mastra.records import Row
from convex_mastra.scoring import Vector
from convex_mastra.values import check_document_size, measure, measure_vector
from convex_mastra.wire import encode

NUMBER_JSON_BYTES: Final = 21
"""A float64 as JSON text takes up to 20 characters and a comma."""
ROW_BYTES: Final = 350
"""Column names and the index name (at most 255 bytes are assumed) of a row."""
RESERVED_INDEX_NAME: Final = "indexes"
"""Its table would be ``mastra_vector_indexes``, which is the list of indexes."""


def checked_index_name(index_name: str) -> str:
    """Return *index_name* if an index can have it."""
    required_text(index_name, "index_name")
    if index_name == RESERVED_INDEX_NAME:
        raise InvalidArgumentError(
            "An index cannot be named 'indexes': its table would be the list of indexes.",
            field="index_name",
        )
    return index_name


def as_matrix(vectors: npt.ArrayLike, field: str = "vectors") -> Vector:
    """Return *vectors* as float64 of shape (n, d).

    Raises:
        InvalidArgumentError: they are not n lists of equally many finite numbers.
    """
    try:
        matrix = np.ascontiguousarray(vectors, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(
            f"{field} must be lists of equally many numbers: {error}.", field=field
        ) from None
    if matrix.size == 0 and matrix.ndim == 1:
        return np.empty((0, 0))
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise InvalidArgumentError(
            f"{field} must have the shape (n, dimension), not {matrix.shape}.", field=field
        )
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        position = int(np.flatnonzero(~finite)[0])
        raise InvalidArgumentError(
            f"{field}[{position}] holds NaN or infinity.", field=f"{field}[{position}]"
        )
    return matrix


def as_query(vector: npt.ArrayLike, dimension: int | None, index_name: str, field: str) -> Vector:
    """Return one vector as float64 of shape (dimension,).

    Raises:
        InvalidArgumentError: it is something else. A *dimension* of None accepts any length.
    """
    try:
        array = np.asarray(vector, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"{field} must be numbers: {error}.", field=field) from None
    if array.ndim != 1 or array.size == 0:
        raise InvalidArgumentError(
            f"{field} must be one list of numbers, not of shape {array.shape}.", field=field
        )
    if not np.isfinite(array).all():
        raise InvalidArgumentError(f"{field} holds NaN or infinity.", field=field)
    if dimension is not None and len(array) != dimension:
        raise InvalidArgumentError(
            f"{field} has {len(array)} dimensions; index {index_name} has {dimension}.",
            field=field,
        )
    return array


def check_top_k(top_k: Any) -> None:
    """Refuse anything but a positive integer."""
    if type(top_k) is not int or top_k < 1:
        raise InvalidArgumentError(
            f"top_k must be an integer of at least 1, not {top_k!r}.", field="top_k"
        )


def check_min_score(min_score: Any) -> None:
    """Refuse anything but None or a finite number."""
    try:
        if min_score is None or math.isfinite(min_score):
            return
    except (TypeError, OverflowError):
        pass
    raise InvalidArgumentError("min_score must be a finite number.", field="min_score")


def checked_ids(ids: Iterable[str], count: int) -> list[str]:
    """Return *ids*, which must be *count* different texts."""
    ids = [ids] if isinstance(ids, str) else list(ids)
    if len(ids) != count:
        raise InvalidArgumentError(f"There are {count} vectors but {len(ids)} ids.", field="ids")
    seen: set[str] = set()
    for position, vector_id in enumerate(ids):
        required_text(vector_id, f"ids[{position}]")
        if vector_id in seen:
            raise InvalidArgumentError(
                f"ids[{position}] repeats {vector_id!r}.", field=f"ids[{position}]"
            )
        seen.add(vector_id)
    return ids


def checked_metadata(
    metadata: Iterable[Mapping[str, Any] | None] | None, count: int
) -> Sequence[Mapping[str, Any] | None]:
    """Return one metadata, or None, for each of *count* vectors."""
    if metadata is None:
        return [None] * count
    metadata = metadata if isinstance(metadata, Mapping | str) else list(metadata)
    if not isinstance(metadata, list) or len(metadata) != count:
        raise InvalidArgumentError(
            f"metadata must be a list of {count} objects, one for each vector.", field="metadata"
        )
    return metadata


def check_selection(method: str, by_id: bool, where: Mapping[str, Any] | None) -> None:
    """Refuse anything but ids or a filter, in Mastra's words."""
    name = "ids" if method == "deleteVectors" else "id"
    if by_id and where is not None:
        raise InvalidArgumentError(
            f"ConvexVector.{method}: {name} and filter are mutually exclusive", field=name
        )
    if not by_id and where is None:
        either = "Either filter or ids" if name == "ids" else "Either id or filter"
        raise InvalidArgumentError(f"ConvexVector.{method}: {either} must be provided", field=name)
    if where is not None and (not where or where == {"metadata": {}}):
        verb = "delete" if name == "ids" else "update"
        raise InvalidArgumentError(
            f"ConvexVector.{method}: cannot {verb} with empty filter", field="filter"
        )


def sized_row(
    vector_id: str, vector: Vector, metadata: Mapping[str, Any] | None, field: str
) -> tuple[Row, int, int]:
    """Return the row of a vector, its Convex size and its size as JSON text, in bytes.

    Raises:
        InvalidArgumentError: metadata that Convex cannot hold.
        LimitExceededError: the row is larger than a document.
    """
    row: Row = {"id": vector_id, "embedding": vector}
    about = about_json = 0
    if metadata is not None:
        if not isinstance(metadata, Mapping):
            raise InvalidArgumentError(
                f"{field}: metadata must be an object, not {type(metadata).__name__}.", field=field
            )
        row["metadata"] = dict(metadata)
        about = measure(metadata, f"{field}.metadata", depth=1)
        about_json = len(encode(row["metadata"]))
    size = about + measure_vector(vector, field) + measure(vector_id, field) + ROW_BYTES
    check_document_size(size, field)
    return row, size, about_json + len(vector) * NUMBER_JSON_BYTES + 100
