"""Nodes as JSON and as vector metadata: nothing of them may change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.schema import (
    BaseNode,
    Document,
    ImageDocument,
    ImageNode,
    IndexNode,
    MediaResource,
    Node,
    NodeRelationship,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.vector_stores.utils import metadata_dict_to_node, node_to_metadata_dict

from convex_mastra import limits
from convex_mastra.values import measure
from llama_index_convex_mastra.nodes import (
    filterable_metadata,
    metadata_to_node,
    node_from_data,
    node_to_data,
    node_to_metadata,
    to_json,
)

METADATA = {
    "zeta": 1,
    "alpha": 2.0,
    "$cost": 3,
    "clé": [1, "a"],
    "": {"y": 1, "b": None},
    "n": 2**70,
}
RELATIONSHIPS: dict[Any, Any] = {
    NodeRelationship.SOURCE: RelatedNodeInfo(node_id="doc", metadata={"z": 1, "a": 2}, hash="h"),
    NodeRelationship.NEXT: RelatedNodeInfo(node_id="n2", node_type="1"),
    NodeRelationship.CHILD: [RelatedNodeInfo(node_id="c1"), RelatedNodeInfo(node_id="c2")],
}
COMMON: dict[str, Any] = {
    "id_": "n1",
    "metadata": METADATA,
    "relationships": RELATIONSHIPS,
    "excluded_embed_metadata_keys": ["zeta"],
}
NODES = [
    TextNode(text="text", start_char_idx=3, end_char_idx=7, mimetype="text/html", **COMMON),
    TextNode(text="", **COMMON),
    TextNode(text="broken \ud800 text", **COMMON),
    ImageNode(text="caption", image="aGVsbG8=", image_mimetype="image/png", **COMMON),
    IndexNode(text="see", index_id="other", **COMMON),
    IndexNode(text="see", index_id="other", obj=TextNode(text="inner", id_="i"), **COMMON),
    Node(
        text_resource=MediaResource(text="words", mimetype="text/markdown"),
        image_resource=MediaResource(url="http://localhost/picture.png"),
        **COMMON,
    ),
    Node(image_resource=MediaResource(path="picture.png"), **COMMON),
    Node(text_resource=MediaResource(text=""), **COMMON),
    Document(text="document", **COMMON),
    ImageDocument(text="document", image=b"aGVsbG8=", **COMMON),
]


def same(one: BaseNode, other: BaseNode) -> bool:
    return (
        type(one) is type(other)
        and to_json(node_to_data(one)) == to_json(node_to_data(other))
        and list(one.metadata) == list(other.metadata)
    )


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.class_name())
def test_a_node_comes_back_as_it_was(node: BaseNode) -> None:
    metadata = node_to_metadata(node)
    # What Convex makes of it: keys sorted, integers as floats.
    metadata = {
        key: float(value) if type(value) is int else value
        for key, value in sorted(metadata.items())
    }
    from_vector = metadata_to_node("n1", metadata, [0.5])
    from_text = node_from_data(json.loads(to_json(node_to_data(node))))
    for back in (from_vector, from_text):
        assert same(node, back)
        assert back.get_content() == node.get_content()
        assert back.ref_doc_id == "doc"
        # llama-index itself leaves the bytes of resources out, and the hash of a Node counts them.
        if not isinstance(node, ImageDocument):
            assert back.hash == node.hash
    assert from_vector.embedding == [0.5]


@settings(deadline=None)
@given(
    st.text(st.characters()),
    st.dictionaries(
        st.text(st.characters()),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
        max_size=4,
    ),
)
def test_any_text_and_metadata_come_back(text: str, user_metadata: dict[str, Any]) -> None:
    node = TextNode(text=text, metadata=user_metadata, id_="n")
    metadata = node_to_metadata(node)
    measure(metadata, "metadata", depth_limit=limits.DOCUMENT_DEPTH - 1)  # Convex takes it
    back = metadata_to_node("n", metadata)
    assert back.hash == node.hash
    assert list(back.metadata) == list(user_metadata)
    flat = filterable_metadata(metadata)
    assert {key: flat[key] for key in user_metadata if not key.endswith("doc_id")} == {
        key: value for key, value in user_metadata.items() if not key.endswith("doc_id")
    }


def test_the_metadata_is_what_core_writes_without_the_text() -> None:
    node = TextNode(text="chunk", metadata={"page": 3, "doc_id": "the user's"}, id_="n1")
    theirs = node_to_metadata_dict(node, remove_text=True)
    ours = node_to_metadata(node)
    assert ours.pop("text") == "chunk"
    content, expected = (json.loads(m.pop("_node_content")) for m in (ours, theirs))
    assert expected.pop("embedding") is None
    assert content == expected
    assert ours == theirs
    # The user's own doc_id is hidden from filters, not lost.
    assert metadata_to_node("n1", node_to_metadata(node)).metadata["doc_id"] == "the user's"


def test_core_reads_what_is_written_here() -> None:
    for node in NODES[:2] + NODES[9:10]:
        metadata = node_to_metadata(node)
        assert metadata_dict_to_node(metadata, metadata["text"]).get_content() == node.get_content()


def test_native_copies_for_filters_and_for_mastra() -> None:
    user_metadata = {"page": 3, "tags": ["a"], "$cost": 1, "big": 2**60, "window": "w" * 9000}
    metadata = node_to_metadata(TextNode(text="chunk", metadata=user_metadata))
    assert metadata["text"] == "chunk"
    assert (metadata["page"], metadata["tags"]) == (3, ["a"])
    assert metadata["_node_uncopied"] == ["$cost", "big", "window"]
    assert not {"$cost", "big", "window"} & metadata.keys()
    assert metadata["ref_doc_id"] == metadata["doc_id"] == metadata["document_id"] == "None"
    assert "_node_uncopied" not in node_to_metadata(TextNode(text="chunk", metadata={"page": 3}))


def test_more_keys_than_a_convex_object_holds() -> None:
    user_metadata = {f"key{number}": number for number in range(3000)}
    metadata = node_to_metadata(TextNode(text="chunk", metadata=user_metadata))
    measure(metadata, "metadata")
    assert metadata["_node_uncopied"] is True
    assert filterable_metadata(metadata)["key2999"] == 2999


def test_what_json_cannot_carry_as_it_is() -> None:
    node = TextNode(text="x", metadata={"when": datetime(2026, 1, 2, tzinfo=UTC), "pair": (1, 2)})
    back = metadata_to_node("n", node_to_metadata(node))
    assert back.metadata == {"when": "2026-01-02T00:00:00Z", "pair": [1, 2]}
    with pytest.raises((TypeError, ValueError)):
        node_to_metadata(TextNode(text="x", metadata={"what": object()}))


def test_nan_is_kept() -> None:
    node = TextNode(text="x", metadata={"score": float("nan")})
    assert metadata_to_node("n", node_to_metadata(node)).hash == node.hash


def test_a_vector_that_mastra_wrote_is_a_text_node() -> None:
    node = metadata_to_node("m1", {"text": "chunk", "source": "a.md", "page": 3})
    assert isinstance(node, TextNode)
    assert (node.node_id, node.text) == ("m1", "chunk")
    assert node.metadata == {"source": "a.md", "page": 3}
    assert filterable_metadata({"text": "chunk", "page": 3}) == {"page": 3}
    assert metadata_to_node("m2", None).get_content() == ""
    recalled = metadata_to_node("m3", {"content": "a message", "role": "user"})
    assert (recalled.get_content(), recalled.metadata) == ("a message", {"role": "user"})


def test_a_class_of_ones_own_becomes_a_text_node() -> None:
    class Chunk(TextNode):
        extra: int = 1

        @classmethod
        def class_name(cls) -> str:
            return "Chunk"

    back = metadata_to_node("c", node_to_metadata(Chunk(text="mine", metadata={"a": 1})))
    assert type(back) is TextNode
    assert (back.text, back.metadata) == ("mine", {"a": 1})
