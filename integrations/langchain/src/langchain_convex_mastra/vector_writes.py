"""Adding, reading and deleting documents of a ``ConvexVectorStore``, as flows that know no waiting.

Each is written once and bound for both faces by ``vector_faces``; signatures and docstrings are the
methods' own. What lies in a row is in ``documents``, what an index does in ``vector_indexes``.
"""

# ruff: noqa: A002 - ``filter`` is what every LangChain vector store calls it
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from langchain_core.documents import Document

from convex_mastra import InvalidArgumentError
from convex_mastra.flow import Flow, Sleep
from convex_mastra.ops.arguments import distinct_ids
from convex_mastra.ops.index_kinds import VectorIndex
from langchain_convex_mastra.documents import (
    columns_of,
    columns_of_documents,
    document_of,
    stored_metadata,
)
from langchain_convex_mastra.embedding import embed_texts
from langchain_convex_mastra.filters import Filter, selection_of, selects_all
from langchain_convex_mastra.keywords import refuse

T = TypeVar("T")
R = TypeVar("R")
DOCUMENTS_AT_ONCE: Final = 64
"""Documents converted between two chances for other tasks; a few milliseconds of work."""


def add_texts(
    index: VectorIndex,
    /,
    texts: Iterable[str],
    metadatas: Iterable[dict[str, Any] | None] | None = None,
    *,
    ids: Iterable[str | None] | None = None,
    batch_size: int | None = None,  # noqa: ARG001 - LangChain's indexing passes it
    **kwargs: Any,
) -> Flow[list[str]]:
    """Embed texts and store them; one whose id exists replaces it, metadata included.

    Args:
        metadatas: one for each text.
        ids: one for each text; random UUIDs for those that are None.
        batch_size: of no effect; batches are cut by their size in bytes.

    Returns:
        The ids, in the order of *texts*.

    Raises:
        InvalidArgumentError: lengths, ids, metadata or dimensions that do not fit. Nothing was
            stored, and, but for the dimensions, nothing embedded.
        LimitExceededError: a document with its vector is larger than 1 MiB. Nothing was stored.
        TypeError: an argument that does not exist.

    Cost: on a scanned index two round trips' wait, three more where it is declared; on a native
    one a single wait. Large writes are cut into batches, which go side by side.
    """
    refuse(kwargs)
    contents, metadata, names = columns_of(texts, metadatas, ids)
    stored = yield from _each(
        list(zip(contents, metadata, strict=True)),
        lambda one, position: stored_metadata(*one, f"metadatas[{position}]"),
    )
    if not contents:
        return []
    matrix = yield from embed_texts(contents)
    return (yield from index.write(names, matrix, stored))


def add_documents(
    index: VectorIndex, /, documents: Iterable[Document], **kwargs: Any
) -> Flow[list[str]]:
    """Store documents as ``add_texts`` does, under their own ids unless *ids* are given."""
    return (yield from add_texts(index, **columns_of_documents(documents) | kwargs))


def get_by_ids(index: VectorIndex, ids: Sequence[str], /) -> Flow[list[Document]]:
    """Return the documents that exist, in the order of *ids*; each once.

    Raises:
        InvalidArgumentError: *ids* is one text, or holds something that is no id.

    Cost: one round trip for every 10 ids, of a native index for every 100, side by side.
    """
    return (yield from _documents((yield from index.read(distinct_ids(ids, "ids")))))


def list_documents(index: VectorIndex, /, filter: Filter | None = None) -> Flow[list[Document]]:
    """Return all documents that match, searching for nothing.

    Args:
        filter: as of ``similarity_search``; None: all.

    Returns:
        In the order in which they were first written; of a native index by id.

    Raises:
        InvalidArgumentError: *filter* cannot be.
        ScanLimitError: a native index, and 256 documents or more remain of it after what of
            *filter* the index can take.

    Cost: a scan of the index, 4 MiB a round trip; of a native index two round trips.
    """
    return (yield from _documents((yield from index.matching(selection_of(filter)))))


def delete(
    index: VectorIndex,
    /,
    ids: Iterable[str] | None = None,
    *,
    filter: Filter | None = None,
    **kwargs: Any,
) -> Flow[bool]:
    """Delete documents by id, or all that match a filter. Returns True.

    Args:
        ids: those that do not exist are skipped; an empty list deletes nothing.
        filter: as of ``similarity_search``, but not an empty one.

    Raises:
        InvalidArgumentError: both or neither are given, or *filter* is empty, or ``$nin`` of an
            empty list: nothing is ever deleted by leaving something out.
        ScanLimitError: a native index, and a filter that it cannot take whole, which leaves 256
            documents or more to be judged. Nothing was deleted.
        TypeError: an argument that does not exist.

    Cost: by id one round trip for every 1,000, of a native index for every 100, side by side. By
    filter a scan of the index more; of a native index three for every 256 documents.
    """
    refuse(kwargs)
    if (ids is None) is (filter is None):
        given = "both" if ids is not None else "neither"
        raise InvalidArgumentError(
            f"Give either ids or a filter of what to delete, not {given}; to delete everything, "
            "use truncate_index of ConvexVector.",
            field="ids",
        )
    if ids is not None:
        if wanted := distinct_ids(ids, "ids"):
            yield from index.delete(wanted)
        return True
    selection = selection_of(filter)
    if selects_all(selection):
        raise InvalidArgumentError(
            f"The filter {filter!r:.80} excludes nothing: it would delete every document.",
            field="filter",
        )
    yield from index.delete_matching(selection)
    return True


def _documents(records: Sequence[Any]) -> Flow[list[Document]]:
    return _each(records, lambda record, _position: document_of(record.id, record.metadata))


def _each(items: Sequence[T], convert: Callable[[T, int], R]) -> Flow[list[R]]:
    """Convert all *items*, and let other tasks of an event loop run in between."""
    converted: list[R] = []
    for position, item in enumerate(items):
        if position % DOCUMENTS_AT_ONCE == DOCUMENTS_AT_ONCE - 1:
            yield Sleep(0)
        converted.append(convert(item, position))
    return converted
