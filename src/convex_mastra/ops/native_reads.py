"""Reading schema-declared vectors by id, or by what their metadata says.

Mastra's own client has no such reads; framework stores need them. Its functions return vectors by
their ids, and have no list: what matches a filter is what a search finds. Called by the faces of
``ConvexNativeVector``; searching is in ``native_search``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convex_mastra import limits
from convex_mastra.errors import ProtocolError, ScanLimitError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.arguments import distinct_ids
from convex_mastra.ops.native_filters import clauses
from convex_mastra.ops.native_indexes import index_named, native_read
from convex_mastra.ops.native_search import documents_of, nearest
from convex_mastra.ops.storage import in_parts, parts_of
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_reads import VectorRecord
from convex_mastra.ops.vector_scan import Accept
from convex_mastra.records import NativeIndex
from convex_mastra.values import plain_numbers
from convex_mastra.wire import Json


def get_vectors(target: Target, index_name: str, ids: Sequence[str]) -> Flow[list[VectorRecord]]:
    """Return the vectors that exist, in the order of *ids*; each once.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: *ids* is one text, or holds something that is no id.

    Cost: one round trip for every 100, side by side; more where one call cannot read so much.
    """
    index = index_named(target, index_name)

    def send(part: list[str]) -> Flow[Any]:
        return native_read(target, index, "listByIds", ids=part)

    parts = parts_of(distinct_ids(ids, "ids"), limits.NATIVE_BATCH_ROWS)
    replies = yield Gather([in_parts(send, part) for part in parts])
    try:
        documents = [document for part in replies for reply in part for document in reply]
    except TypeError:
        raise ProtocolError(f"{target.native.read_function} returned no documents.") from None
    return [_record(index, document) for document in documents if document is not None]


def list_vectors(
    target: Target,
    index_name: str,
    *,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - Mastra's name
    accept: Accept | None = None,
) -> Flow[list[VectorRecord]]:
    """Return all vectors that match, by id.

    Args:
        filter: what ``query`` takes.
        accept: the last word on each, given its id and metadata.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: a filter that the index cannot take. Nothing was sent.
        ScanLimitError: 256 or more match *filter*, or one alternative of its ``$or``, whatever
            *accept* says: Convex's vector search, which this is, goes no further.

    Cost: two round trips, with ``$or`` as of ``query``.
    """
    index = index_named(target, index_name)
    anywhere = np.eye(1, index.dimension)[0]
    terms = clauses(filter, index)
    hits = yield from nearest(target, index, anywhere, limits.NATIVE_RESULTS, terms)
    if not hits.are_all:
        raise ScanLimitError(
            f"At least {limits.NATIVE_RESULTS} vectors of {index_name} match; Convex's vector "
            "search, the only way to list them, finds no more.",
            limit=limits.NATIVE_RESULTS,
            operation=f"vectorSearch {index.table_name}",
        )
    if not hits.scores:
        return []
    documents = yield from documents_of(target, index, list(hits.scores), include_vector=True)
    records = [_record(index, document) for document in documents]
    records.sort(key=lambda record: record.id)
    return [one for one in records if accept is None or accept(one.id, one.metadata)]


def find_ids(
    target: Target,
    index_name: str,
    *,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - Mastra's name
) -> Flow[list[str] | None]:
    """Return ids of vectors that match, 256 or more if there are so many; None if none match.

    An empty list says that some matched, and were deleted while this looked at them.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: a filter that the index cannot take. Nothing was sent.

    Cost: two round trips, one if none match.
    """
    index = index_named(target, index_name)
    anywhere = np.eye(1, index.dimension)[0]
    terms = clauses(filter, index)
    hits = yield from nearest(target, index, anywhere, limits.NATIVE_RESULTS, terms)
    if not hits.scores:
        return None
    documents = yield from documents_of(target, index, list(hits.scores), include_vector=False)
    try:
        return [str(document[index.id_field]) for document in documents]
    except KeyError:
        raise ProtocolError(f"A document of {index.table_name} has no id.") from None


def _record(index: NativeIndex, document: Json) -> VectorRecord:
    try:
        return VectorRecord(
            id=str(document[index.id_field]),
            vector=np.asarray(document[index.vector_field], np.float64),
            metadata=plain_numbers(document.get(index.metadata_field)),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ProtocolError(f"A document of {index.table_name} holds no vector.") from None
