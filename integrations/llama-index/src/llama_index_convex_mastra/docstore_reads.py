"""What the document store reads: nodes, hashes, source documents.

Flows for both faces; called by ``document_store`` and ``docstore_writes``. Lists are derived from
rows, one for each node, never from a list that two writers could overwrite.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from llama_index.core.schema import BaseNode
from llama_index.core.storage.docstore.types import RefDocInfo

from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.ops.arguments import many, required_object
from convex_mastra.ops.documents import first_keys, get_many, list_each, list_long
from convex_mastra.ops.partitions import list_shards
from llama_index_convex_mastra.docstore_layout import (
    Place,
    document_key,
    hash_key,
    node_key,
    read_node,
    ref_doc_key,
)

NODES_AT_ONCE: Final = 32
"""Nodes converted between two chances for other tasks; about 10 ms of work."""


def get_nodes(
    place: Place, node_ids: Sequence[str], raise_error: bool = True
) -> Flow[list[BaseNode]]:
    """Return nodes in the order of *node_ids*; those that do not exist are left out.

    Raises:
        ValueError: *raise_error*, and one does not exist.

    Cost: one round trip for every 10 ids, side by side; where ``convex_mastra/documents:load`` is
    deployed, for every 500.
    """
    node_ids = list(many(node_ids, "node_ids", "node ids"))
    found = yield from _read_nodes(place, node_ids)
    missing = [node_id for node_id in node_ids if node_id not in found]
    if missing and raise_error:
        raise ValueError(f"doc_id {missing[0]} not found.")
    return [found[node_id] for node_id in node_ids if node_id in found]


def get_node_dict(place: Place, node_id_dict: Mapping[int, str]) -> Flow[dict[int, BaseNode]]:
    """Return nodes under the keys of *node_id_dict*; as ``get_nodes`` otherwise."""
    wanted = required_object(node_id_dict, "node_id_dict")
    nodes = yield from get_nodes(place, list(wanted.values()))
    return dict(zip(node_id_dict, nodes, strict=True))


def get_document(place: Place, doc_id: str, raise_error: bool = True) -> Flow[BaseNode | None]:
    """Return a node, or None if it does not exist and *raise_error* is False. One round trip.

    Raises:
        ValueError: *raise_error*, and it does not exist.
    """
    nodes = yield from get_nodes(place, [doc_id], raise_error)
    return nodes[0] if nodes else None


def document_exists(place: Place, doc_id: str) -> Flow[bool]:
    """Return whether a node is stored. One round trip, which fetches it."""
    return bool((yield from _read_nodes(place, [doc_id])))


def get_docs(place: Place) -> Flow[dict[str, BaseNode]]:
    """Return all nodes by id.

    Cost: those of ``get_all_document_ids`` and of ``get_nodes``, one after the other.
    """
    return (yield from _read_nodes(place, (yield from get_all_document_ids(place))))


def get_document_hash(place: Place, doc_id: str) -> Flow[str | None]:
    """Return the hash of a document, or None. One round trip."""
    return (yield from _read_hashes(place, [doc_id])).get(doc_id)


def get_all_document_hashes(place: Place) -> Flow[dict[str, str]]:
    """Return the id of a document by its hash, of every document.

    Of several with one hash the first stands under it, and each of the others under the hash and
    its own id: by the values, LlamaIndex's pipelines find what is to be deleted.

    Cost: 16 round trips side by side, then one for every source document with nodes. Where
    ``convex_mastra/documents:ranges`` is deployed one, then one for every 100 source documents.
    """
    by_hash: dict[str, str] = {}
    for doc_id, doc_hash in (yield from _list_hashes(place)).items():
        by_hash[f"{doc_hash} {doc_id}" if doc_hash in by_hash else doc_hash] = doc_id
    return by_hash


def get_all_document_ids(place: Place) -> Flow[list[str]]:
    """Return the ids of all nodes and of all documents that have a hash.

    Cost: as ``get_all_document_hashes``.
    """
    return list((yield from _list_hashes(place)))


def get_ref_doc_info(place: Place, ref_doc_id: str) -> Flow[RefDocInfo | None]:
    """Return the nodes of a source document, in the order they were added, and its metadata.

    Returns:
        None if it has no nodes. The metadata is that of the first node of the last addition.

    Raises:
        ScanLimitError: it has more than 8,192 nodes, and ``convex_mastra/documents:page`` is not
            deployed.

    Cost: two round trips, side by side; of so many nodes one more for every 4,096.
    """
    members, about = yield Gather(
        [
            list_long(place.target, place.members(ref_doc_id)),
            get_many(place.target, place.directory(ref_doc_id), [ref_doc_key(ref_doc_id)]),
        ]
    )
    if not members:
        return None
    return _ref_doc_info(members, about.get(ref_doc_key(ref_doc_id)))


def get_all_ref_doc_info(place: Place) -> Flow[dict[str, RefDocInfo]]:
    """Return the nodes of every source document.

    Cost: as ``get_all_document_hashes``.
    """
    entries = yield from list_shards(place.target, place.directories)
    members = yield from _list_members(place, entries)
    return {
        ref_doc_id: _ref_doc_info(rows, entries[ref_doc_key(ref_doc_id)])
        for ref_doc_id, rows in members.items()
    }


def ref_doc_exists(place: Place, ref_doc_id: str) -> Flow[bool]:
    """Return whether a source document has nodes. One round trip, however many there are."""
    return bool((yield from first_keys(place.target, place.members(ref_doc_id), 1)))


def _read_nodes(place: Place, node_ids: Sequence[str]) -> Flow[dict[str, BaseNode]]:
    keys = {node_key(node_id): node_id for node_id in node_ids}
    texts = yield from get_many(place.target, place.nodes, keys)
    nodes = {}
    for position, (key, text) in enumerate(texts.items()):
        if position % NODES_AT_ONCE == 0:
            yield Sleep(0)
        if (node := read_node(text).node()) is not None:
            nodes[keys[key]] = node
    return nodes


def _read_hashes(place: Place, doc_ids: Sequence[str]) -> Flow[dict[str, str]]:
    keys = {hash_key(doc_id): doc_id for doc_id in doc_ids}
    texts = yield from get_many(place.target, place.nodes, keys)
    return {keys[key]: json.loads(text) for key, text in texts.items()}


def _list_hashes(place: Place) -> Flow[dict[str, str]]:
    entries = yield from list_shards(place.target, place.directories)
    members = yield from _list_members(place, entries)
    hashes: dict[str, str] = {}
    doubtful = []
    for rows in members.values():
        hashes.update({node_id: json.loads(text) for node_id, text in rows.items()})
    for key, text in entries.items():
        if key.startswith(document_key("")):
            doc_id = key.removeprefix(document_key(""))
            if doc_id in hashes:
                doubtful.append(doc_id)  # listed twice: as a node, and with a hash set by hand
            hashes[doc_id] = json.loads(text)
    hashes.update((yield from _read_hashes(place, doubtful)))
    return hashes


def _list_members(place: Place, entries: Mapping[str, str]) -> Flow[dict[str, dict[str, str]]]:
    """The rows of every source document that has any."""
    ref_doc_ids = [
        key.removeprefix(ref_doc_key("")) for key in entries if key.startswith(ref_doc_key(""))
    ]
    partitions = [place.members(ref_doc_id) for ref_doc_id in ref_doc_ids]
    listed = yield from list_each(place.target, partitions)
    return {ref_doc_id: rows for ref_doc_id, rows in zip(ref_doc_ids, listed, strict=True) if rows}


def _ref_doc_info(members: Mapping[str, str], about: str | None) -> RefDocInfo:
    return RefDocInfo(node_ids=list(members), metadata={} if about is None else json.loads(about))
