"""Writing vectors: ``mastra_vectors``.

Behaves as ConvexVector of @mastra/convex 1.5.2 (dist/vector), but checks shapes, ids and values
before anything is sent, and batches by size. Called by the faces of ``ConvexVector``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy.typing as npt

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow
from convex_mastra.ops.arguments import distinct_ids, required_text
from convex_mastra.ops.storage import batches_by_size, delete_rows, load, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_arguments import (
    as_matrix,
    as_query,
    check_selection,
    checked_ids,
    checked_index_name,
    checked_metadata,
    sized_row,
)
from convex_mastra.ops.vector_indexes import existing_dimension
from convex_mastra.ops.vector_scan import embedding_of, matching_rows
from convex_mastra.wire import vector_table


def upsert(
    target: Target,
    index_name: str,
    vectors: npt.ArrayLike,
    *,
    ids: Sequence[str] | None = None,
    metadata: Sequence[Mapping[str, Any] | None] | None = None,
) -> Flow[list[str]]:
    """Write vectors; one whose id exists replaces it, metadata included.

    Args:
        vectors: shape (n, dimension), finite.
        ids: n different texts; random UUIDs if None.
        metadata: n objects or None; ``text`` is what Mastra's RAG tools read.

    Returns:
        The ids, in the order of *vectors*.

    Raises:
        NotFoundError: the index is not declared.
        InvalidArgumentError: shapes, ids or values that do not fit. Nothing was sent.
        LimitExceededError: one vector with its metadata is larger than a document (1 MiB).

    Cost: one round trip for the check, then one for every batch of about 4 MiB, side by side.
    A batch that fails may leave its first rows written; upserting again is harmless.
    """
    checked_index_name(index_name)
    matrix = as_matrix(vectors)
    ids = [str(uuid4()) for _ in matrix] if ids is None else checked_ids(ids, len(matrix))
    metadatas = checked_metadata(metadata, len(matrix))
    dimension = yield from existing_dimension(target, index_name)
    if len(matrix) and matrix.shape[1] != dimension:
        raise InvalidArgumentError(
            f"The vectors have {matrix.shape[1]} dimensions; index {index_name} has {dimension}.",
            field="vectors",
        )
    rows = (
        sized_row(vector_id, vector, about, f"vectors[{position}]")
        for position, (vector_id, vector, about) in enumerate(
            zip(ids, matrix, metadatas, strict=True)
        )
    )
    yield from upsert_rows(target, vector_table(index_name), batches_by_size(rows))
    return ids


def update_vector(
    target: Target,
    index_name: str,
    *,
    id: str | None = None,  # noqa: A002 - Mastra's name
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - Mastra's name
    vector: npt.ArrayLike | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Flow[None]:
    """Change one vector by id, or all that match a filter; nothing happens if there is none.

    *metadata* is merged, key by key, into what is stored.

    Raises:
        InvalidArgumentError: neither or both of *id* and *filter*, an empty filter, no change, or
            a vector that does not fit.
        NotFoundError: a vector is given and the index is not declared.

    Cost: by id two round trips; by filter a scan of the index, then the matching rows in batches.
    """
    checked_index_name(index_name)
    check_selection("updateVector", id is not None, filter)
    if vector is None and metadata is None:
        raise InvalidArgumentError("Nothing to update: give a vector or metadata.", field="vector")
    if not isinstance(metadata, Mapping | None):
        raise InvalidArgumentError(
            f"metadata must be an object, not {type(metadata).__name__}.", field="metadata"
        )
    replacement = None
    if vector is not None:
        dimension = yield from existing_dimension(target, index_name)
        replacement = as_query(vector, dimension, index_name, "vector")
    if id is not None:
        row = yield from load(target, vector_table(index_name), required_text(id, "id"))
        rows = [] if row is None else [row]
    else:
        rows = yield from matching_rows(target, index_name, filter)
    sized = []
    for row in rows:
        about = row.get("metadata")
        if metadata is not None:
            about = {**(about or {}), **metadata}
        embedding = embedding_of(row) if replacement is None else replacement
        sized.append(sized_row(row["id"], embedding, about, f"vector {row['id']}"))
    yield from upsert_rows(target, vector_table(index_name), batches_by_size(sized))


def delete_vector(target: Target, index_name: str, id: str) -> Flow[None]:  # noqa: A002
    """Delete a vector; no error if there is none. One round trip."""
    required_text(id, "id")
    yield from delete_rows(target, vector_table(checked_index_name(index_name)), [id])


def delete_vectors(
    target: Target,
    index_name: str,
    *,
    ids: Sequence[str] | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - Mastra's name
) -> Flow[None]:
    """Delete vectors by id, or all that match a filter.

    Raises:
        InvalidArgumentError: neither or both of *ids* and *filter*, or an empty one.

    Cost: one round trip for every 1,000 ids, side by side; by filter also a scan of the index.
    """
    checked_index_name(index_name)
    check_selection("deleteVectors", ids is not None, filter)
    if ids is None:
        ids = [row["id"] for row in (yield from matching_rows(target, index_name, filter))]
    else:
        ids = distinct_ids(ids, "ids")
        if not ids:
            raise InvalidArgumentError(
                "ConvexVector.deleteVectors: cannot delete with empty ids array", field="ids"
            )
    yield from delete_rows(target, vector_table(index_name), ids)
