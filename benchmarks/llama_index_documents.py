"""LlamaIndex's document stores: ours, LlamaIndex's own in memory, and its own over our key-value store.

Times are on the embedded backend, against a dictionary that keeps nothing on a disk: the least that a
document store of LlamaIndex takes. Requests are counted on the dev server, where each is a round trip.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final

from llama_index.core.schema import BaseNode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.storage.docstore.keyval_docstore import KVDocumentStore
from llama_index.core.storage.docstore.types import BaseDocumentStore
from llama_index.core.storage.kvstore import SimpleKVStore

from benchmarks.harness import Comparison, Measure, Result, expect, timed
from benchmarks.scale import Scale
from benchmarks.servers import dev_server
from benchmarks.workload import metadata
from convex_mastra import Options, open_backend
from llama_index_convex_mastra import ConvexDocumentStore, ConvexKVStore

REQUESTS_TARGET: Final = 0.02
"""At least 50 times fewer, of adding and getting together."""
IN_MEMORY: Final = "LlamaIndex's KVDocumentStore over SimpleKVStore, which keeps nothing on a disk"
OVER_OURS: Final = "LlamaIndex's KVDocumentStore over our ConvexKVStore"


def compare(scale: Scale) -> Iterator[Result]:
    """Measure times, then requests."""
    nodes = _nodes(scale.docstore_nodes, scale.docstore_documents)
    size = f"{len(nodes):,} nodes of {scale.docstore_documents:,} documents"
    yield from _times(scale, nodes, size)
    yield from _requests(scale, nodes, size)


def _times(scale: Scale, nodes: Sequence[BaseNode], size: str) -> Iterator[Result]:
    numbers = count()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        backend = open_backend(f"file:{Path(folder) / 'mastra.db'}")
        stack.callback(backend.close)

        def ours() -> BaseDocumentStore:
            return ConvexDocumentStore(f"times-{next(numbers)}", backend=backend)

        for work, measure in (("add", _adding), ("get", _getting)):
            yield Comparison(
                name=f"docstore.{work}",
                size=f"{work} {size}",
                peer_is=IN_MEMORY,
                target=None,
                ours=measure(ours, nodes),
                peer=measure(lambda: KVDocumentStore(SimpleKVStore()), nodes),
            ).run(scale.docstores)


def _adding(make: Callable[[], BaseDocumentStore], nodes: Sequence[BaseNode]) -> Measure:
    def measure() -> float:
        store = make()
        elapsed_s, _ = timed(lambda: store.add_documents(nodes))
        expect(found=len(store.docs), wanted=len(nodes), doing="add")
        return elapsed_s

    return measure


def _getting(make: Callable[[], BaseDocumentStore], nodes: Sequence[BaseNode]) -> Measure:
    store = make()
    store.add_documents(nodes)
    ids = [node.node_id for node in nodes]

    def measure() -> float:
        elapsed_s, found = timed(lambda: store.get_nodes(ids))
        expect(found=found, wanted=list(nodes), doing="get")
        return elapsed_s

    return measure


def _requests(scale: Scale, nodes: Sequence[BaseNode], size: str) -> Iterator[Result]:
    numbers = count()
    sent: list[str] = []
    ids = [node.node_id for node in nodes]
    with dev_server() as server, ExitStack() as stack:
        options = Options(on_event=lambda event: sent.append(event.operation))
        backend = open_backend(server.url, server.admin_key, options=options)
        stack.callback(backend.close)

        def ours() -> BaseDocumentStore:
            return ConvexDocumentStore(f"requests-{next(numbers)}", backend=backend)

        def peer() -> BaseDocumentStore:
            return KVDocumentStore(ConvexKVStore(f"requests-{next(numbers)}", backend=backend))

        def counting(
            make: Callable[[], BaseDocumentStore], *, add: bool = False, get: bool = False
        ) -> Measure:
            def measure() -> float:
                store = make()
                sent.clear()
                store.add_documents(nodes)
                added = len(sent)
                expect(found=store.get_nodes(ids), wanted=list(nodes), doing="requests")
                return float(added * add + (len(sent) - added) * get)

            return measure

        for name, work, adds, gets, target in (
            ("requests", "add and get", True, True, REQUESTS_TARGET),
            ("requests-add", "add", True, False, None),
            ("requests-get", "get", False, True, None),
        ):
            yield Comparison(
                name=f"docstore.{name}",
                size=f"{work} {size}, on the dev server",
                peer_is=OVER_OURS,
                target=target,
                ours=counting(ours, add=adds, get=gets),
                peer=counting(peer, add=adds, get=gets),
                unit="requests",
            ).run(scale.docstore_counts)


def _nodes(nodes: int, documents: int) -> list[BaseNode]:
    """Nodes of a text of 100 characters and two numbers, those of a document side by side."""
    made: list[BaseNode] = []
    for number in range(nodes):
        about = metadata(number)
        node = TextNode(id_=f"node-{number}", text=about.pop("text"), metadata=about)
        source = RelatedNodeInfo(node_id=f"document-{number * documents // nodes}")
        node.relationships[NodeRelationship.SOURCE] = source
        made.append(node)
    return made
