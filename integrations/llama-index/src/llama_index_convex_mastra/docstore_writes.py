"""What the document store writes and deletes.

Flows for both faces; called by ``document_store`` only. Rows are written without being read
before, and one row belongs to one node, so writers side by side lose nothing. The lists are written
before the nodes and after them, and the nodes deleted before the lists and after them (ADR 14):
whatever is stored can be found and deleted, whoever writes or deletes at the same time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from llama_index.core.schema import BaseNode

from convex_mastra import InvalidArgumentError, ScanLimitError, limits
from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.ops.arguments import any_text, required_object
from convex_mastra.ops.document_writes import put_each, put_many
from convex_mastra.ops.documents import (
    delete_each,
    delete_many,
    first_keys,
    get_many,
    list_documents,
)
from llama_index_convex_mastra.docstore_layout import (
    Place,
    StoredNode,
    document_key,
    hash_key,
    node_key,
    node_text,
    own_keys,
    read_node,
    ref_doc_key,
)
from llama_index_convex_mastra.docstore_reads import NODES_AT_ONCE
from llama_index_convex_mastra.nodes import checked_nodes, to_json

DEFAULT_BATCH_SIZE: Final = 1
"""llama-index's; batches are cut by bytes here, whatever it is."""


class _Rows(defaultdict[str, dict[str, str]]):
    """Texts by partition and key."""

    def __init__(self) -> None:
        super().__init__(dict)


def add_documents(
    place: Place,
    docs: Sequence[BaseNode],
    allow_update: bool = True,
    batch_size: int | None = DEFAULT_BATCH_SIZE,  # noqa: ARG001 - llama-index's signature
    store_text: bool = True,
) -> Flow[None]:
    """Store nodes; those whose ids exist are replaced.

    Args:
        allow_update: False refuses nodes that exist. Checked before writing; a writer at the same
            time is not seen.
        batch_size: ignored; batches are cut by bytes.
        store_text: False keeps hashes and the lists of source documents, but not the nodes.

    Raises:
        ValueError: a node exists and *allow_update* is False.
        InvalidArgumentError: no list of nodes, or metadata that JSON cannot carry. Nothing was
            sent.

    Cost: three round trips' wait. One request for every 4 MiB or 1,000 rows of nodes (two each),
    and twice one for so many rows of the lists (one each) where ``convex_mastra/documents:write``
    is deployed; elsewhere twice one for each source document, and up to 16 for the list of
    documents.
    """
    latest = {doc.node_id: doc for doc in checked_nodes(docs, "docs")}
    nodes: dict[str, str] = {}
    members = _Rows()
    entries = _Rows()
    for position, (node_id, doc) in enumerate(latest.items()):
        if position % NODES_AT_ONCE == 0:
            yield Sleep(0)
        text, about = _texts_of(doc, store_text, f"docs[{position}]")
        doc_hash = to_json(doc.hash)
        nodes[node_key(node_id)] = text
        nodes[hash_key(node_id)] = doc_hash
        if doc.ref_doc_id:
            members[place.members(doc.ref_doc_id)][node_id] = doc_hash
            listed = entries[place.directory(doc.ref_doc_id)]
            listed.setdefault(ref_doc_key(doc.ref_doc_id), about)
        else:
            entries[place.directory(node_id)][document_key(node_id)] = doc_hash

    if not allow_update:
        yield from _refuse_existing(place, latest)
    lists = {**members, **entries}
    yield from put_each(place.target, lists, in_order=True)
    yield from put_many(place.target, place.nodes, nodes)
    yield from put_each(place.target, lists, in_order=True)


def set_document_hash(place: Place, doc_id: str, doc_hash: str) -> Flow[None]:
    """Set the hash of a document, which need not be stored. Two round trips."""
    yield from set_document_hashes(place, {any_text(doc_id, "doc_id"): doc_hash})


def set_document_hashes(place: Place, doc_hashes: Mapping[str, str]) -> Flow[None]:
    """Set the hashes of documents, which need not be stored.

    Cost: two round trips' wait: up to 16 requests for the list of documents, or one for every 1,000
    where ``convex_mastra/documents:write`` is deployed, then one for every 1,000.
    """
    given = required_object(doc_hashes, "doc_hashes")
    texts = {doc_id: to_json(any_text(one, "doc_hash")) for doc_id, one in given.items()}
    entries = _Rows()
    for doc_id, text in texts.items():
        entries[place.directory(doc_id)][document_key(doc_id)] = text
    hashes = {hash_key(doc_id): text for doc_id, text in texts.items()}
    yield from put_each(place.target, entries)
    yield from put_many(place.target, place.nodes, hashes)


def delete_document(place: Place, doc_id: str, raise_error: bool = True) -> Flow[None]:
    """Delete a node, its hash, and its place in its source document.

    With the last node of a source document the document itself is deleted.

    Raises:
        ValueError: *raise_error*, and the node was not stored.

    Cost: seven round trips' wait, with the last node eight, whatever the size of the source
    document.
    """
    texts = yield from get_many(place.target, place.nodes, [node_key(doc_id)])
    stored = read_node(texts[node_key(doc_id)]) if texts else StoredNode(None, None)
    if stored.ref_doc_id is None:
        yield from _delete_entries(place, [doc_id])
    else:
        # Of two nodes one is another: the list need not be read further.
        members, about = yield from _read_ref_doc(
            place, first_keys(place.target, place.members(stored.ref_doc_id), 2), stored.ref_doc_id
        )
        if set(members) <= {doc_id}:
            yield from _delete_ref_doc(place, stored.ref_doc_id, [doc_id], about)
        else:
            yield from _delete_entries(place, [doc_id], stored.ref_doc_id)
    if stored.data is None and raise_error:
        raise ValueError(f"doc_id {doc_id} not found.")


def delete_ref_doc(place: Place, ref_doc_id: str, raise_error: bool = True) -> Flow[None]:
    """Delete a source document and all its nodes.

    Where that is interrupted, what is left is listed still, and deleting again goes on.

    Raises:
        ValueError: *raise_error*, and it is not listed.

    Cost: seven round trips' wait. Two requests for every 500 nodes, one for every 1,000, and up to
    16 for the list of documents; with ``convex_mastra/documents:remove`` these are in one for every
    500. Of more nodes than can be listed at once the same for every 4,096, in turn.
    """
    members, about = yield from _read_ref_doc(
        place, _all_or_first(place, place.members(ref_doc_id)), ref_doc_id
    )
    if members or about:
        while len(members) == limits.DOCUMENT_PAGE_ROWS:
            yield from _delete_entries(place, members, ref_doc_id)
            members = yield from _all_or_first(place, place.members(ref_doc_id))
        yield from _delete_ref_doc(place, ref_doc_id, members, about)
    elif raise_error:
        raise ValueError(f"ref_doc_id {ref_doc_id} not found.")


def _read_ref_doc(
    place: Place, reading: Flow[list[str]], ref_doc_id: str
) -> Flow[tuple[list[str], dict[str, str]]]:
    """What *reading* finds of a source document's nodes, and its own row, side by side."""
    members, about = yield Gather(
        [
            reading,
            get_many(place.target, place.directory(ref_doc_id), [ref_doc_key(ref_doc_id)]),
        ]
    )
    return members, about


def _all_or_first(place: Place, partition: str) -> Flow[list[str]]:
    """All keys of a partition; a page of the first where they are too many for one read."""
    try:
        return list((yield from list_documents(place.target, partition)))
    except ScanLimitError:
        return (yield from first_keys(place.target, partition, limits.DOCUMENT_PAGE_ROWS))


def _delete_ref_doc(
    place: Place, ref_doc_id: str, members: list[str], about: dict[str, str]
) -> Flow[None]:
    yield from _delete_entries(place, [*members, ref_doc_id], ref_doc_id, about)
    if about and (yield from first_keys(place.target, place.members(ref_doc_id), 1)):
        # Nodes were added to the document meanwhile; it must stay in the list.
        yield from put_many(place.target, place.directory(ref_doc_id), about)


def _delete_entries(
    place: Place,
    doc_ids: list[str],
    ref_doc_id: str | None = None,
    about: Iterable[str] = (),
) -> Flow[None]:
    """Delete nodes, what lists them (as documents, and as nodes of *ref_doc_id*), and nodes again.

    Again: one that was added meanwhile would be there, and in no list.
    """
    yield from delete_many(place.target, place.nodes, own_keys(doc_ids))
    obsolete: defaultdict[str, list[str]] = defaultdict(list)
    for doc_id in doc_ids:
        obsolete[place.directory(doc_id)].append(document_key(doc_id))
    if ref_doc_id is not None:
        obsolete[place.directory(ref_doc_id)].extend(about)
        obsolete[place.members(ref_doc_id)].extend(doc_ids)
    yield from delete_each(place.target, obsolete)
    yield from delete_many(place.target, place.nodes, own_keys(doc_ids))


def _refuse_existing(place: Place, node_ids: Iterable[str]) -> Flow[None]:
    keys = {node_key(node_id): node_id for node_id in node_ids}
    texts = yield from get_many(place.target, place.nodes, keys)
    for key, text in texts.items():
        if read_node(text).data is not None:
            raise ValueError(
                f"node_id {keys[key]} already exists. Set allow_update to True to overwrite."
            )


def _texts_of(doc: BaseNode, store_text: bool, field: str) -> tuple[str, str]:
    """The JSON of a node's row, and of its metadata."""
    try:
        return node_text(doc, store_text=store_text), to_json(doc.metadata)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"Node {doc.node_id} cannot be written as JSON: {error}", field=field
        ) from error
