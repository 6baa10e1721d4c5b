"""What the vector store does, as operations of the core: written once for both faces.

Each is a flow that yields requests and returns nodes or ids. The loops over nodes give way between
batches, so that a long one does not hold up an event loop. Called by ``vector_store`` only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import MetadataFilters

from convex_mastra import InvalidArgumentError, VectorRecord
from convex_mastra.flow import Flow, Sleep
from convex_mastra.ops.arguments import any_text, many
from convex_mastra.ops.index_kinds import Selection, VectorIndex
from convex_mastra.ops.target import Target
from llama_index_convex_mastra.filters import checked_filters
from llama_index_convex_mastra.nodes import (
    REFERENCE_KEYS,
    checked_nodes,
    filterable_metadata,
    metadata_to_node,
    node_to_metadata,
)
from llama_index_convex_mastra.selection import index_on, judge, push, select

NODES_AT_ONCE: Final = 32
"""Nodes converted between two chances for other tasks; about 10 ms of work."""


def add_nodes(target: Target, index_name: str, nodes: Sequence[BaseNode]) -> Flow[list[str]]:
    """Store nodes with their embeddings; one whose id exists is replaced.

    A scanned index is declared with the nodes' dimension if it does not exist. Of nodes with one id
    the last is stored.

    Returns:
        The ids, in the order of *nodes*.

    Raises:
        InvalidArgumentError: no list of nodes, a node without an embedding, embeddings of another
            dimension than the index's, NaN, metadata that JSON cannot carry. Nothing was sent.
        LimitExceededError: a node with its embedding is larger than a document (1 MiB).

    Cost: one round trip for the check of the dimension, then one for every batch of about 4 MiB,
    side by side; three more for the first nodes of an index. A native index: one round trip for
    every 100 nodes or 4 MiB, side by side.
    """
    index = index_on(target, index_name)
    nodes = checked_nodes(nodes, "nodes")
    latest = {node.node_id: node for node in nodes}
    if not latest:
        return []
    embeddings = []
    metadatas = []
    for position, node in enumerate(latest.values()):
        if position % NODES_AT_ONCE == 0:
            yield Sleep(0)
        if node.embedding is None:
            raise InvalidArgumentError(
                f"Node {node.node_id} has no embedding; embed nodes before adding them.",
                field=f"nodes[{position}].embedding",
            )
        embeddings.append(np.asarray(node.embedding, dtype=np.float64))
        metadatas.append(
            _metadata_of(node, index.filter_fields or (), f"nodes[{position}].metadata")
        )
    dimensions = {embedding.shape for embedding in embeddings}
    if len(dimensions) > 1:
        raise InvalidArgumentError(
            f"The embeddings have different dimensions: {sorted(dimensions)}.", field="nodes"
        )
    yield from index.write(list(latest), np.stack(embeddings), metadatas)
    return [node.node_id for node in nodes]


def delete_reference(target: Target, index_name: str, ref_doc_id: str | None) -> Flow[None]:
    """Delete all nodes of a source document; nothing happens if there are none, or for None.

    ``"None"`` is what llama-index calls the source of nodes that have none.

    Raises:
        ScanLimitError: a native index that has no filter field ``ref_doc_id`` and holds 256 nodes
            or more. Nothing was deleted.

    Cost: a scan of the index, then one round trip for every 1,000 nodes. A native index with that
    filter field: three round trips for every 256 nodes.
    """
    if ref_doc_id is None:
        return
    any_text(ref_doc_id, "ref_doc_id")

    def is_wanted(_node_id: str, metadata: Mapping[str, Any] | None) -> bool:
        return filterable_metadata(metadata).get(REFERENCE_KEYS[-1]) == ref_doc_id

    index = index_on(target, index_name)
    pushed = push(index, None, [ref_doc_id])
    yield from index.delete_matching(Selection(pushed.where, None if pushed.decides else is_wanted))


def delete_nodes(
    target: Target,
    index_name: str,
    node_ids: Sequence[str] | None,
    filters: MetadataFilters | None,
) -> Flow[None]:
    """Delete the nodes that are among *node_ids* and match *filters*, as far as these are given.

    Neither, or an empty list, deletes nothing.

    Raises:
        ScanLimitError: a native index finds 256 nodes or more, of which *filters* leave some to be
            judged here. Nothing was deleted.

    Cost: one round trip for every 1,000 ids. With *filters* the nodes are read before: by id ten a
    round trip, else in a scan of the index. A native index takes 100 ids in either; where it can
    take all of *filters*, three round trips for every 256 nodes.
    """
    node_ids, filters = _ids_of(node_ids), checked_filters(filters, "filters")
    index = index_on(target, index_name)
    has_filters = filters is not None and bool(filters.filters)
    if not has_filters:
        yield from _delete_all(index, node_ids or [])
    elif node_ids is not None:
        found = yield from _select(index, node_ids, filters)
        yield from _delete_all(index, [record.id for record in found])
    else:
        yield from index.delete_matching(select(index, filters))


def get_nodes(
    target: Target,
    index_name: str,
    node_ids: Sequence[str] | None,
    filters: MetadataFilters | None,
) -> Flow[list[BaseNode]]:
    """Return the nodes that are among *node_ids* and match *filters*, with their embeddings.

    Neither returns every node. In the order of *node_ids*, or else as they were first written; of a
    native index, by id.

    Raises:
        ScanLimitError: a native index finds 256 nodes or more for what it can take of *filters*.
            By id there is no limit.

    Cost: by id one round trip for every 10, side by side; else a scan of the index. A native index:
    one for every 100, or two in all.
    """
    node_ids, filters = _ids_of(node_ids), checked_filters(filters, "filters")
    nodes = []
    index = index_on(target, index_name)
    for position, record in enumerate((yield from _select(index, node_ids, filters))):
        if position % NODES_AT_ONCE == 0:
            yield Sleep(0)
        nodes.append(metadata_to_node(record.id, record.metadata, record.vector.tolist()))
    return nodes


def clear(target: Target, index_name: str) -> Flow[None]:
    """Delete all nodes; the index stays declared.

    Cost: one round trip for every 25; of a native index, three for every 256.
    """
    yield from index_on(target, index_name).clear()


def _select(
    index: VectorIndex, node_ids: list[str] | None, filters: MetadataFilters | None
) -> Flow[list[VectorRecord]]:
    if node_ids is None:
        return (yield from index.matching(select(index, filters)))
    records = yield from index.read(node_ids)
    accept = judge(filters)
    return [record for record in records if accept(record.id, record.metadata)]


def _ids_of(node_ids: Sequence[str] | None) -> list[str] | None:
    return None if node_ids is None else list(many(node_ids, "node_ids", "node ids"))


def _delete_all(index: VectorIndex, node_ids: list[str]) -> Flow[None]:
    if node_ids:
        yield from index.delete(node_ids)


def _metadata_of(node: BaseNode, first: Collection[str], field: str) -> dict[str, Any]:
    try:
        return node_to_metadata(node, first)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"Node {node.node_id} cannot be written as JSON: {error}", field=field
        ) from error
