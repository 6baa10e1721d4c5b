"""``ConvexDocumentStore`` answers as ``KVDocumentStore`` over ``SimpleKVStore``, of both faces.

Where core's own is known to be wrong (a hash that is set on a stored node forgets its source; a
node that changes its source stays listed under the old one), ``test_document_store`` says what is
right; such steps are not drawn here. The nodes of a source share its metadata, as node parsers
have it: of several, core lists the first that are not empty, and this store the latest. Core's blocking methods are the model of both faces, for its
async ``adelete_document`` never unlists a node.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llama_index.core.schema import BaseNode, Document, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.storage.docstore.keyval_docstore import KVDocumentStore
from llama_index.core.storage.docstore.types import RefDocInfo
from llama_index.core.storage.kvstore import SimpleKVStore

from convex_mastra import open_backend
from llama_index_convex_mastra import ConvexDocumentStore

SOURCES = {"n1": "d1", "n2": "d1", "n3": "d2", "n/4": "d/é", "free": None}
IDS = st.sampled_from([*SOURCES, "none"])
METADATA = st.dictionaries(
    st.sampled_from(["z", "a", "$x", "clé", ""]), st.integers(-3, 3) | st.text(max_size=2)
)


def node(node_id: str, text: str, metadata: dict[str, Any]) -> BaseNode:
    source = SOURCES[node_id]
    if source is None:
        return Document(id_=node_id, text=text, metadata=metadata)
    made = TextNode(id_=node_id, text=text, metadata={"source": source, "a": 1})
    made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=source)
    return made


NODES = st.builds(node, st.sampled_from([*SOURCES]), st.text(max_size=3), METADATA)
STEPS = st.one_of(
    st.tuples(
        st.just("add_documents"), st.lists(NODES, max_size=4, unique_by=lambda one: one.node_id)
    ),
    st.tuples(st.just("get_document"), IDS, st.booleans()),
    st.tuples(st.just("get_nodes"), st.lists(IDS, max_size=3), st.booleans()),
    st.tuples(st.just("document_exists"), IDS),
    st.tuples(st.just("delete_document"), IDS, st.booleans()),
    st.tuples(st.just("set_document_hash"), st.sampled_from(["h1", "h2"]), st.sampled_from("xyz")),
    st.tuples(st.just("get_document_hash"), IDS | st.just("h1")),
    st.tuples(st.just("get_all_document_hashes")),
    st.tuples(st.just("get_ref_doc_info"), st.sampled_from(["d1", "d2", "d/é", "none"])),
    st.tuples(st.just("get_all_ref_doc_info")),
    st.tuples(st.just("ref_doc_exists"), st.sampled_from(["d1", "d2", "none"])),
    st.tuples(st.just("delete_ref_doc"), st.sampled_from(["d1", "d/é", "none"]), st.booleans()),
)


def told(answer: Any) -> Any:
    """An answer as it is compared: nodes whole, a document's list of nodes without its order."""
    if isinstance(answer, BaseNode):
        return type(answer), answer.hash, answer.to_json()
    if isinstance(answer, RefDocInfo):
        return sorted(answer.node_ids), list(answer.metadata.items())
    if isinstance(answer, list):
        return [told(one) for one in answer]
    if isinstance(answer, dict):
        return {key: told(one) for key, one in answer.items()}
    return answer


async def ask(store: Any, face: str, name: str, *arguments: Any) -> Any:
    try:
        if face == "sync":
            return told(getattr(store, name)(*arguments))
        prefix = "async_" if name == "add_documents" else "a"
        return told(await getattr(store, prefix + name)(*arguments))
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("face", ["sync", "async"])
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, max_size=15))
def test_it_answers_as_cores_own(face: str, steps: list[tuple[Any, ...]]) -> None:
    async def compare() -> None:
        theirs = KVDocumentStore(SimpleKVStore())
        backend = open_backend(":memory:")
        ours = ConvexDocumentStore(backend=backend)
        for step in [*steps, ("get_all_document_hashes",), ("get_all_ref_doc_info",)]:
            wanted = await ask(theirs, "sync", *step)
            answer = await ask(ours, face, *step)
            if step[0] == "get_all_document_hashes":
                # Of several documents with one hash core's names one only.
                doc_ids = list(answer.values())
                assert len(doc_ids) == len(set(doc_ids)), step
                for doc_hash, doc_id in answer.items():
                    theirs_is = await ask(theirs, "sync", "get_document_hash", doc_id)
                    assert doc_hash in (theirs_is, f"{theirs_is} {doc_id}")
                assert set(wanted.values()) <= set(doc_ids)
                assert set(wanted) <= set(answer), step
                continue
            assert answer == wanted, step
        assert told(ours.docs) == told(theirs.docs)
        await backend.aclose()

    asyncio.run(compare())
