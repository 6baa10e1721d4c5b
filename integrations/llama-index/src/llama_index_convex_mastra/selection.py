"""The index that the vector store lies on, and what of it llama-index's filters select.

Called by the flows of ``vector_operations`` and ``vector_query``, which know a ``VectorIndex`` of
either kind. Knows no requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.vector_stores.types import MetadataFilters

from convex_mastra.ops.index_kinds import ScannedIndex, Selection, VectorIndex
from convex_mastra.ops.native_indexed import NativeIndexed
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_scan import Accept
from llama_index_convex_mastra.filters import build_predicate
from llama_index_convex_mastra.nodes import filterable_metadata
from llama_index_convex_mastra.pushdown import Pushed, push_down, push_down_to


def index_on(target: Target, index_name: str) -> VectorIndex:
    """Return the index of that name: the native one that the target knows, else a scanned one."""
    if index_name in target.native.indexes:
        return NativeIndexed(target, index_name)
    return ScannedIndex(target, index_name)


def push(
    index: VectorIndex, filters: MetadataFilters | None, doc_ids: Sequence[str] | None = None
) -> Pushed:
    """Return what *index* is asked for in place of llama-index's filters."""
    if index.filter_fields is None:
        return Pushed(push_down(filters, doc_ids), decides=False)
    return push_down_to(index.filter_fields, filters, doc_ids)


def select(index: VectorIndex, filters: MetadataFilters | None) -> Selection:
    """Return what *filters* select of *index*."""
    pushed = push(index, filters)
    return Selection(pushed.where, None if pushed.decides else judge(filters))


def judge(filters: MetadataFilters | None) -> Accept:
    """Return llama-index's own word on each vector."""
    predicate = build_predicate(filters)

    def accept(_node_id: str, metadata: Any) -> bool:
        return predicate(filterable_metadata(metadata))

    return accept
