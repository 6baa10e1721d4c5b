"""Writing vectors into schema-declared tables.

Behaves as ConvexNativeVector of @mastra/convex 1.5.2 (dist/vector/native), but checks shapes, ids
and values before anything is sent, and batches by size too. Called by the faces of
``ConvexNativeVector``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy.typing as npt

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.arguments import distinct_ids, required_text
from convex_mastra.ops.native_indexes import index_named, native_write
from convex_mastra.ops.storage import batches_by_size, in_parts, parts_of
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import (
    as_matrix,
    as_query,
    checked_ids,
    checked_metadata,
    sized_row,
)
from convex_mastra.records import NativeIndex, Row
from convex_mastra.scoring import Vector
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import Json


def upsert(
    target: Target,
    index_name: str,
    vectors: npt.ArrayLike,
    *,
    ids: Sequence[str] | None = None,
    metadata: Sequence[Mapping[str, Any]] | None = None,
) -> Flow[list[str]]:
    """Write vectors; one whose id exists replaces it.

    Args:
        vectors: shape (n, dimension), finite.
        ids: n different texts; random UUIDs if None.
        metadata: n objects, which replace those stored; None leaves those stored as they are.
            Keys that are filter fields are copied to fields of their own.

    Returns:
        The ids, in the order of *vectors*.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: shapes, ids or values that do not fit. Nothing was sent.
        LimitExceededError: one vector with its metadata is larger than a document (1 MiB).

    Cost: one round trip for every batch of 100, or of about 4 MiB, side by side. A batch is
    written whole or not at all, unless the rows it replaces are too large to be read in one call.
    Upserting again is harmless.
    """
    index = index_named(target, index_name)
    matrix = as_matrix(vectors)
    if len(matrix) and matrix.shape[1] != index.dimension:
        raise InvalidArgumentError(
            f"The vectors have {matrix.shape[1]} dimensions; index {index_name} has "
            f"{index.dimension}.",
            field="vectors",
        )
    ids = [str(uuid4()) for _ in matrix] if ids is None else checked_ids(ids, len(matrix))
    metadatas = checked_metadata(metadata, len(matrix))
    rows = [
        _sized(index, vector_id, vector, about, f"vectors[{position}]", metadata is not None)
        for position, (vector_id, vector, about) in enumerate(
            zip(ids, matrix, metadatas, strict=True)
        )
    ]

    def send(batch: list[Row]) -> Flow[Any]:
        args: Json = {
            "ids": [row["id"] for row in batch],
            "vectors": [row["embedding"] for row in batch],
        }
        if metadata is not None:
            args["metadata"] = [row["metadata"] for row in batch]
        return native_write(target, index, "upsert", **args)

    batches = batches_by_size(rows, rows_max=limits.NATIVE_BATCH_ROWS)
    yield Gather([in_parts(send, batch) for batch in batches])
    return ids


def update_vector(
    target: Target,
    index_name: str,
    id: str,  # noqa: A002 - Mastra's name
    *,
    vector: npt.ArrayLike | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Flow[None]:
    """Change one vector; nothing happens if there is none of that id.

    *metadata* is merged, key by key, into what is stored.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: no change, or a vector or metadata that does not fit.
        FunctionError: with what is stored, the metadata is larger than a document (1 MiB).

    Cost: one round trip. Updating again is harmless.
    """
    index = index_named(target, index_name)
    args: Json = {"id": required_text(id, "id")}
    if vector is None and metadata is None:
        raise InvalidArgumentError("Nothing to update: give a vector or metadata.", field="vector")
    if vector is not None:
        args["vector"] = as_query(vector, index.dimension, index_name, "vector")
    if metadata is not None:
        _check_metadata(metadata, "metadata")
        check_document_size(_metadata_bytes(index, metadata, "metadata"), "metadata")
        args["metadata"] = dict(metadata)
    yield from native_write(target, index, "updateById", **args)


def delete_vector(target: Target, index_name: str, id: str) -> Flow[None]:  # noqa: A002
    """Delete a vector; no error if there is none. One round trip."""
    yield from delete_vectors(target, index_name, [required_text(id, "id")])


def delete_vectors(target: Target, index_name: str, ids: Sequence[str]) -> Flow[None]:
    """Delete vectors; those that do not exist are skipped.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: no ids, or something that is none.

    Cost: one round trip for every 100, side by side.
    """
    index = index_named(target, index_name)
    distinct = distinct_ids(ids, "ids")
    if not distinct:
        raise InvalidArgumentError(
            "ConvexNativeVector.deleteVectors: ids are required", field="ids"
        )

    def send(part: list[str]) -> Flow[Any]:
        return native_write(target, index, "deleteByIds", ids=part)

    parts = parts_of(distinct, limits.NATIVE_BATCH_ROWS)
    yield Gather([in_parts(send, part) for part in parts])


def _sized(
    index: NativeIndex,
    vector_id: str,
    vector: Vector,
    metadata: Mapping[str, Any] | None,
    field: str,
    needs_metadata: bool,
) -> tuple[Row, int, int]:
    if needs_metadata:
        _check_metadata(metadata, f"{field}.metadata")
    row, size, json_size = sized_row(vector_id, vector, metadata, field)
    if metadata is not None:
        size += _copies_bytes(index, metadata, field)
        check_document_size(size, field)
    return row, size, json_size


def _check_metadata(metadata: Any, field: str) -> None:
    if not isinstance(metadata, Mapping):
        raise InvalidArgumentError(
            f"{field} must be an object, not {type(metadata).__name__}.", field=field
        )


def _metadata_bytes(index: NativeIndex, metadata: Mapping[str, Any], field: str) -> int:
    size = measure(metadata, field, depth_limit=limits.DOCUMENT_DEPTH - 1)
    return size + _copies_bytes(index, metadata, field)


def _copies_bytes(index: NativeIndex, metadata: Mapping[str, Any], field: str) -> int:
    """The size of the filter fields, which are stored a second time."""
    return sum(
        len(name) + 1 + measure(metadata[name], f"{field}.{name}")
        for name in index.filter_fields
        if name in metadata
    )
