"""Where the document store keeps what: partitions, keys, and the JSON texts under them.

Pure; called by the document store's operations. An id that is no text is an ``InvalidArgumentError``.
Four kinds of partition for each namespace:

- ``…/nodes``: ``n:<id>`` a node as JSON, ``h:<id>`` its hash. Read by key only, so it may be of
  any size.
- ``…/ref_docs/<id>``: the nodes of one source document, a small row for each. Two writers on one
  document write different rows, so neither loses the other's.
- ``…/documents/0`` to ``f``: what lists need: ``d:<id>`` the hash of a node without a source, or
  one set by hand, ``r:<id>`` a source document and its metadata. Spread over sixteen partitions,
  see ``convex_mastra.ops.partitions``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from llama_index.core.schema import BaseNode

from convex_mastra.ops.arguments import any_text
from convex_mastra.ops.partitions import name_part, shard
from convex_mastra.ops.target import Target
from llama_index_convex_mastra.nodes import node_from_data, node_to_data, to_json


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of a deployment: what every operation of the document store takes first."""

    target: Target
    namespace: str

    @property
    def nodes(self) -> str:
        """The partition of nodes and hashes."""
        return f"{self._prefix}/nodes"

    def members(self, ref_doc_id: str) -> str:
        """The partition that lists the nodes of a source document."""
        return f"{self._prefix}/ref_docs/{name_part(any_text(ref_doc_id, 'ref_doc_id'))}"

    def directory(self, doc_id: str) -> str:
        """The partition that lists a document."""
        return shard(self.directories, any_text(doc_id, "doc_id"))

    @property
    def directories(self) -> str:
        """What the names of all partitions that list documents begin with."""
        return f"{self._prefix}/documents"

    @property
    def _prefix(self) -> str:
        return f"llama_index/{name_part(self.namespace)}"


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A row of a node: which source document it has, and the node, unless only that was kept."""

    ref_doc_id: str | None
    data: dict[str, Any] | None

    def node(self) -> BaseNode | None:
        """Build the node anew."""
        return None if self.data is None else node_from_data(self.data)


def node_key(node_id: str) -> str:
    """The key of a node."""
    return f"n:{any_text(node_id, 'node_id')}"


def hash_key(doc_id: str) -> str:
    """The key of a hash."""
    return f"h:{any_text(doc_id, 'doc_id')}"


def document_key(doc_id: str) -> str:
    """The key of a document in its directory."""
    return f"d:{doc_id}"


def ref_doc_key(ref_doc_id: str) -> str:
    """The key of a source document in its directory."""
    return f"r:{any_text(ref_doc_id, 'ref_doc_id')}"


def own_keys(doc_ids: Iterable[str]) -> list[str]:
    """All keys of these documents in the partition of nodes."""
    return [key for doc_id in doc_ids for key in (node_key(doc_id), hash_key(doc_id))]


def node_text(node: BaseNode, *, store_text: bool) -> str:
    """Write a node's row.

    Raises:
        TypeError, ValueError: metadata that JSON cannot carry.
    """
    row: dict[str, Any] = {"ref_doc_id": node.ref_doc_id}
    if store_text:
        row["node"] = node_to_data(node)
    return to_json(row)


def read_node(text: str) -> StoredNode:
    """Read a node's row."""
    row = json.loads(text)
    return StoredNode(row["ref_doc_id"], row.get("node"))
