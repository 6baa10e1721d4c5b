"""What the vector store does, as operations of the core: written once for both faces.

Each is a flow that yields requests and returns nodes or ids. The loops over nodes give way between
batches, so that a long one does not hold up an event loop. Called by ``vector_store`` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import MetadataFilters

from convex_mastra import InvalidArgumentError, NotFoundError, VectorRecord
from convex_mastra.flow import Flow, Sleep
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_indexes import create_index, truncate_index
from convex_mastra.ops.vector_reads import get_vectors, list_vectors
from convex_mastra.ops.vectors import delete_vectors, upsert
from llama_index_convex_mastra.filters import build_predicate
from llama_index_convex_mastra.nodes import (
    REFERENCE_KEYS,
    filterable_metadata,
    metadata_to_node,
    node_to_metadata,
)
from llama_index_convex_mastra.pushdown import push_down

NODES_AT_ONCE: Final = 32
"""Nodes converted between two chances for other tasks; about 10 ms of work."""


def add_nodes(target: Target, index_name: str, nodes: Sequence[BaseNode]) -> Flow[list[str]]:
    """Store nodes with their embeddings; one whose id exists is replaced.

    The index is declared with the nodes' dimension if it does not exist. Of nodes with one id the
    last is stored.

    Returns:
        The ids, in the order of *nodes*.

    Raises:
        InvalidArgumentError: a node without an embedding, embeddings of another dimension than the
            index's, NaN, metadata that JSON cannot carry. Nothing was sent.
        LimitExceededError: a node with its embedding is larger than a document (1 MiB).

    Cost: one round trip for the check of the dimension, then one for every batch of about 4 MiB,
    side by side; three more for the first nodes of an index.
    """
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
        metadatas.append(_metadata_of(node, f"nodes[{position}].metadata"))
    dimensions = {embedding.shape for embedding in embeddings}
    if len(dimensions) > 1:
        raise InvalidArgumentError(
            f"The embeddings have different dimensions: {sorted(dimensions)}.", field="nodes"
        )
    matrix = np.stack(embeddings)
    ids = list(latest)
    try:
        yield from upsert(target, index_name, matrix, ids=ids, metadata=metadatas)
    except NotFoundError:
        yield from create_index(target, index_name, matrix.shape[1])
        yield from upsert(target, index_name, matrix, ids=ids, metadata=metadatas)
    return [node.node_id for node in nodes]


def delete_reference(target: Target, index_name: str, ref_doc_id: str | None) -> Flow[None]:
    """Delete all nodes of a source document; nothing happens if there are none, or for None.

    ``"None"`` is what llama-index calls the source of nodes that have none.

    Cost: a scan of the index, then one round trip for every 1,000 nodes.
    """
    if ref_doc_id is None:
        return

    def is_wanted(_node_id: str, metadata: Mapping[str, Any] | None) -> bool:
        return filterable_metadata(metadata).get(REFERENCE_KEYS[-1]) == ref_doc_id

    found = yield from list_vectors(
        target, index_name, filter=push_down(None, [ref_doc_id]), accept=is_wanted
    )
    yield from _delete_all(target, index_name, [record.id for record in found])


def delete_nodes(
    target: Target,
    index_name: str,
    node_ids: Sequence[str] | None,
    filters: MetadataFilters | None,
) -> Flow[None]:
    """Delete the nodes that are among *node_ids* and match *filters*, as far as these are given.

    Neither, or an empty list, deletes nothing.

    Cost: one round trip for every 1,000 ids. With *filters* the nodes are read before: by id ten a
    round trip, else in a scan of the index.
    """
    has_filters = filters is not None and bool(filters.filters)
    if not has_filters:
        yield from _delete_all(target, index_name, list(node_ids or []))
        return
    found = yield from _select(target, index_name, node_ids, filters)
    yield from _delete_all(target, index_name, [record.id for record in found])


def get_nodes(
    target: Target,
    index_name: str,
    node_ids: Sequence[str] | None,
    filters: MetadataFilters | None,
) -> Flow[list[BaseNode]]:
    """Return the nodes that are among *node_ids* and match *filters*, with their embeddings.

    Neither returns every node. In the order of *node_ids*, or else as they were first written.

    Cost: by id one round trip for every 10, side by side; else a scan of the index.
    """
    nodes = []
    for position, record in enumerate((yield from _select(target, index_name, node_ids, filters))):
        if position % NODES_AT_ONCE == 0:
            yield Sleep(0)
        nodes.append(metadata_to_node(record.id, record.metadata, record.vector.tolist()))
    return nodes


def clear(target: Target, index_name: str) -> Flow[None]:
    """Delete all nodes; the index stays declared. One round trip for every 25."""
    yield from truncate_index(target, index_name)


def _select(
    target: Target,
    index_name: str,
    node_ids: Sequence[str] | None,
    filters: MetadataFilters | None,
) -> Flow[list[VectorRecord]]:
    predicate = build_predicate(filters)

    def accept(_node_id: str, metadata: Mapping[str, Any] | None) -> bool:
        return predicate(filterable_metadata(metadata))

    if node_ids is None:
        return (
            yield from list_vectors(
                target, index_name, filter=push_down(filters, None), accept=accept
            )
        )
    records = yield from get_vectors(target, index_name, list(node_ids))
    return [record for record in records if accept(record.id, record.metadata)]


def _delete_all(target: Target, index_name: str, node_ids: list[str]) -> Flow[None]:
    if node_ids:
        yield from delete_vectors(target, index_name, ids=node_ids)


def _metadata_of(node: BaseNode, field: str) -> dict[str, Any]:
    try:
        return node_to_metadata(node)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"Node {node.node_id} cannot be written as JSON: {error}", field=field
        ) from error
