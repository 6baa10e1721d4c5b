"""``ConvexVectorStore`` on every lane, of both faces: writing, reading, deleting."""

from __future__ import annotations

import math
from typing import Any

import pytest
from llama_index.core.schema import (
    BaseNode,
    Document,
    ImageNode,
    IndexNode,
    NodeRelationship,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.vector_stores.types import (
    FilterCondition,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
)

from convex_mastra import InvalidArgumentError, LimitExceededError
from llama_index_convex_mastra.nodes import node_to_data, to_json
from tests.lanes import with_older_lanes


def node(node_id: str, *, doc: str | None = None, dimension: int = 3, **metadata: Any) -> TextNode:
    """A node whose embedding is a unit vector at an angle that its number gives."""
    angle = int(node_id.lstrip("abcdefghijklmnopqrstuvwxyz") or 0) / 10
    made = TextNode(
        id_=node_id,
        text=f"text of {node_id}",
        metadata=metadata,
        embedding=[math.cos(angle), math.sin(angle), *[0.0] * (dimension - 2)],
    )
    if doc is not None:
        made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=doc)
    return made


def only(key: str, value: Any, operator: str = "==") -> MetadataFilters:
    return MetadataFilters(filters=[MetadataFilter(key=key, value=value, operator=operator)])


def ids(nodes: list[BaseNode]) -> list[str]:
    return [one.node_id for one in nodes]


@with_older_lanes
async def test_nodes_come_back_with_their_embeddings(stores: Any) -> None:
    nodes: list[BaseNode] = [
        node("n1", doc="d", zeta=1, alpha=[1, "x"], **{"$odd": 2**60, "clé": True}),
        Document(id_="n2", text="a document", metadata={"z": 1, "a": 2}, embedding=[0.0, 1.0, 0.0]),
        IndexNode(id_="n3", text="see", index_id="other", embedding=[0.0, 0.0, 1.0]),
        ImageNode(id_="n4", text="", image_path="p.png", embedding=[1.0, 0.0, 1.0]),
        TextNode(id_="n5", text="lone \ud800", embedding=[1.0, 1e-300, 0.1]),
    ]
    before = [one.model_copy(deep=True) for one in nodes]
    assert await stores.vectors.add(nodes) == ["n1", "n2", "n3", "n4", "n5"]
    assert nodes == before

    back = await stores.vectors.get_nodes(["n5", "n1", "none", "n4", "n3", "n2"])
    assert ids(back) == ["n5", "n1", "n4", "n3", "n2"]
    originals = {one.node_id: one for one in nodes}
    for one in back:
        original = originals[one.node_id]
        assert type(one) is type(original)
        assert to_json(node_to_data(one)) == to_json(node_to_data(original))
        assert one.hash == original.hash
        assert one.embedding == original.embedding


async def test_adding_again_replaces(stores: Any) -> None:
    await stores.vectors.add([node("n1", color="red"), node("n2")])
    await stores.vectors.add([node("n1", size=3)])
    back = await stores.vectors.get_nodes()
    assert ids(back) == ["n1", "n2"]
    assert back[0].metadata == {"size": 3}


async def test_of_nodes_with_one_id_the_last_is_stored(stores: Any) -> None:
    nodes = [node("n1", turn=1), node("n2"), node("n1", turn=2)]
    assert await stores.vectors.add(nodes) == ["n1", "n2", "n1"]
    back = await stores.vectors.get_nodes(["n1"])
    assert back[0].metadata == {"turn": 2}


async def test_what_cannot_be_added_is_refused_before_anything_is_sent(stores: Any) -> None:
    await stores.vectors.add([node("n1")])
    stores.requests()
    bare = TextNode(id_="n3", text="no embedding")
    for wrong in (None, "text", node("n2"), {"n2": node("n2")}):
        with pytest.raises(InvalidArgumentError, match="nodes must be a list of nodes"):
            await stores.vectors.add(wrong)
    with pytest.raises(InvalidArgumentError, match=r"nodes\[1\] is .*, not a node"):
        await stores.vectors.add([node("n2"), "text"])
    with pytest.raises(InvalidArgumentError, match="n3 has no embedding"):
        await stores.vectors.add([node("n2"), bare])
    with pytest.raises(InvalidArgumentError, match="n3 cannot be written as JSON"):
        await stores.vectors.add([node("n2"), node("n3", what=object())])
    with pytest.raises(InvalidArgumentError, match="different dimensions"):
        await stores.vectors.add([node("n2"), node("n3", dimension=4)])
    with pytest.raises(InvalidArgumentError, match="query must be a VectorStoreQuery"):
        await stores.vectors.query("text")
    for wrong in (5, "text", ["a"], {"a": 1}):
        with pytest.raises(InvalidArgumentError, match=r"query\.filters must be MetadataFilters"):
            await stores.vectors.query(VectorStoreQuery(query_embedding=[1.0], filters=wrong))
        for method in (stores.vectors.get_nodes, stores.vectors.delete_nodes):
            with pytest.raises(InvalidArgumentError, match="filters must be MetadataFilters"):
                await method(None, wrong)
    for wrong in (5, "text", {"a": 1}):
        for method in (stores.vectors.get_nodes, stores.vectors.delete_nodes):
            with pytest.raises(InvalidArgumentError, match="node_ids must be a list of node ids"):
                await method(wrong)
    for wrong in (5, b"x", ["a"]):
        with pytest.raises(InvalidArgumentError, match="ref_doc_id must be a text"):
            await stores.vectors.delete(wrong)
    with pytest.raises(InvalidArgumentError, match="must be one list of numbers"):
        await stores.vectors.query(VectorStoreQuery(query_embedding=5))
    assert stores.requests() == []
    with pytest.raises(InvalidArgumentError, match="4 dimensions"):
        await stores.vectors.add([node("n2", dimension=4)])
    with pytest.raises(LimitExceededError, match=r"1,048,576|1 MiB"):
        await stores.vectors.add([node("n2"), TextNode(text="x" * 2**20, embedding=[1.0, 0, 0])])
    assert ids(await stores.vectors.get_nodes()) == ["n1"]


async def test_adding_nothing_sends_nothing(stores: Any) -> None:
    assert await stores.vectors.add([]) == []
    assert stores.requests() == []


async def test_delete_a_source_document(stores: Any) -> None:
    await stores.vectors.add([node(f"n{i}", doc=f"d{i % 2}") for i in range(6)])
    await stores.vectors.add([node("n6"), node("n7", doc_id="d1")])
    await stores.vectors.delete("d1")
    await stores.vectors.delete("d1")
    await stores.vectors.delete("no such document")
    assert ids(await stores.vectors.get_nodes()) == ["n0", "n2", "n4", "n6", "n7"]


async def test_nodes_without_a_source_are_deleted_as_llama_index_calls_them(stores: Any) -> None:
    await stores.vectors.add([node("n1", doc="d"), node("n2"), node("n3")])
    await stores.vectors.delete(None)
    assert ids(await stores.vectors.get_nodes()) == ["n1", "n2", "n3"]
    await stores.vectors.delete("None")
    assert ids(await stores.vectors.get_nodes()) == ["n1"]


async def test_delete_nodes_by_id_and_by_filter(stores: Any) -> None:
    await stores.vectors.add([node(f"n{i}", even=i % 2 == 0, number=i) for i in range(8)])
    await stores.vectors.delete_nodes()
    await stores.vectors.delete_nodes([])
    await stores.vectors.delete_nodes(filters=MetadataFilters(filters=[]))
    await stores.vectors.delete_nodes([], filters=only("even", 1))
    assert len(await stores.vectors.get_nodes()) == 8
    await stores.vectors.delete_nodes(["n7", "none"])
    await stores.vectors.delete_nodes(filters=only("number", 5, ">="))
    await stores.vectors.delete_nodes(["n0", "n1"], filters=only("even", 1))
    assert ids(await stores.vectors.get_nodes()) == ["n1", "n2", "n3", "n4"]


async def test_arguments_of_other_stores_are_taken_and_ignored(stores: Any) -> None:
    """``VectorStoreIndex`` hands on whatever keyword arguments its callers give."""
    assert await stores.vectors.add([node("n1", doc="d"), node("n2")], namespace="x") == [
        "n1",
        "n2",
    ]
    await stores.vectors.delete("d", namespace="x")
    await stores.vectors.delete_nodes(["n2"], None, namespace="x")
    assert await stores.vectors.get_nodes() == []


async def test_get_nodes_by_filter_and_by_both(stores: Any) -> None:
    await stores.vectors.add([node(f"n{i}", doc=f"d{i % 2}", number=i) for i in range(6)])
    assert ids(await stores.vectors.get_nodes(filters=only("number", [1, 4], "in"))) == ["n1", "n4"]
    assert ids(await stores.vectors.get_nodes(filters=only("ref_doc_id", "d1"))) == [
        "n1",
        "n3",
        "n5",
    ]
    assert ids(await stores.vectors.get_nodes(["n5", "n0", "n1"], only("number", 2, "<"))) == [
        "n0",
        "n1",
    ]
    assert await stores.vectors.get_nodes([]) == []


async def test_clear(stores: Any) -> None:
    await stores.vectors.add([node(f"n{i}") for i in range(30)])
    await stores.vectors.clear()
    assert await stores.vectors.get_nodes() == []
    assert await stores.vectors.add([node("n1")]) == ["n1"]


async def test_an_index_that_does_not_exist_is_empty(stores: Any) -> None:
    assert await stores.vectors.get_nodes() == []
    assert await stores.vectors.get_nodes(["n1"]) == []
    await stores.vectors.delete("d")
    await stores.vectors.delete_nodes(["n1"])
    await stores.vectors.clear()
    result = await stores.vectors.query(VectorStoreQuery(query_embedding=[1.0, 0.0, 0.0]))
    assert (result.nodes, result.similarities, result.ids) == ([], [], [])


async def test_what_mastra_wrote_is_read_and_filtered(stores: Any) -> None:
    vector = stores.index.client
    vector.create_index(stores.name, 3)
    vector.upsert(
        stores.name,
        [[1, 0, 0], [0, 1, 0]],
        ids=["m1", "m2"],
        metadata=[{"text": "one", "page": 1, "source": "a.md"}, {"text": "two", "page": 2}],
    )
    await stores.vectors.add([node("n1", page=1)])
    back = await stores.vectors.get_nodes(filters=only("page", 1))
    assert ids(back) == ["m1", "n1"]
    assert back[0].get_content() == "one"
    assert back[0].metadata == {"page": 1, "source": "a.md"}
    query = VectorStoreQuery(
        query_embedding=[0.0, 1.0, 0.0],
        similarity_top_k=5,
        filters=only("source", None, "is_empty"),
    )
    assert (await stores.vectors.query(query)).ids == ["m2", "n1"]


async def test_mastra_reads_what_is_written_here(stores: Any) -> None:
    await stores.vectors.add([node("n1", doc="d", page=3, tags=["a"])])
    (match,) = stores.index.client.query(stores.name, [1, 0, 0], filter={"page": {"$gte": 3}})
    assert match.id == "n1"
    assert match.metadata["text"] == "text of n1"
    assert (match.metadata["page"], match.metadata["tags"]) == (3, ["a"])
    assert match.metadata["ref_doc_id"] == "d"


async def test_what_mastra_changes_on_a_node_that_was_written_here(stores: Any) -> None:
    await stores.vectors.add([node("n1", page=3)])
    stores.index.client.update_vector(stores.name, id="n1", metadata={"text": "new", "page": 4})
    (back,) = await stores.vectors.get_nodes(["n1"])
    assert (back.get_content(), back.metadata) == ("new", {"page": 3})
    (match,) = stores.index.client.query(stores.name, [1, 0, 0])
    assert match.metadata["page"] == 4


async def test_round_trips(stores: Any) -> None:
    nodes = [node(f"n{i}", doc="d") for i in range(500)]
    await stores.vectors.add(nodes[:1])
    assert stores.kinds() == {"load": 3, "insert": 1, "batchInsert": 1}
    await stores.vectors.add(nodes)
    assert stores.kinds() == {"load": 1, "batchInsert": 1}
    await stores.vectors.delete_nodes([one.node_id for one in nodes[100:]])
    assert stores.kinds() == {"deleteMany": 1}
    assert len(await stores.vectors.get_nodes([one.node_id for one in nodes[:95]])) == 95
    assert stores.kinds() == {"loadMany": 10}
    await stores.vectors.delete("d")
    assert stores.kinds() == {"queryTable": 1, "deleteMany": 1}


async def test_many_nodes_are_cut_into_batches(stores: Any) -> None:
    nodes = [node(f"n{i}", dimension=300, padding="p" * 4000) for i in range(700)]
    assert len(await stores.vectors.add(nodes)) == 700
    # Eight megabytes: a native copy of each padding stands beside the node.
    assert stores.kinds()["batchInsert"] == 2
    back = await stores.vectors.get_nodes(filters=only("padding", "q", "!="))
    assert len(back) == 700
    assert await stores.vectors.get_nodes(filters=nested_none_of("padding")) == []


async def test_as_many_nodes_as_an_index_adds_at_once(stores: Any) -> None:
    """``VectorStoreIndex`` inserts 2,048 nodes in one call."""
    nodes = [node(f"n{i:04}", doc=f"d{i % 2}", page=i) for i in range(2_048)]
    assert await stores.vectors.add(nodes) == ids(nodes)
    assert stores.kinds()["batchInsert"] == 3  # a thousand rows each
    assert sorted(ids(await stores.vectors.get_nodes(filters=only("page", 2_000, "<")))) == ids(
        nodes[:2_000]
    )
    await stores.vectors.delete("d0")
    back = await stores.vectors.get_nodes()
    assert sorted(ids(back)) == ids(nodes[1::2])
    assert {one.node_id: one.hash for one in back} == {one.node_id: one.hash for one in nodes[1::2]}


def nested_none_of(key: str) -> MetadataFilters:
    return MetadataFilters(
        filters=[only(key, None, "is_empty"), only(key, ["p" * 4000], "in")],
        condition=FilterCondition.NOT,
    )
