"""``ConvexDocumentStore`` on every lane, of both faces."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from itertools import count
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
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.storage.docstore.types import BaseDocumentStore, RefDocInfo

from convex_mastra import (
    ConnectionLostError,
    InvalidArgumentError,
    Options,
    ScanLimitError,
    limits,
    open_backend,
)
from convex_mastra.ops.target import Target
from convex_mastra.wire import (
    DOCUMENTS_LOAD_FUNCTION,
    DOCUMENTS_PAGE_FUNCTION,
    DOCUMENTS_RANGES_FUNCTION,
    DOCUMENTS_REMOVE_FUNCTION,
    DOCUMENTS_WRITE_FUNCTION,
    OWN_FUNCTIONS,
)
from llama_index_convex_mastra import ConvexDocumentStore
from llama_index_convex_mastra.docstore_layout import Place
from llama_index_convex_mastra.docstore_writes import (
    add_documents,
    delete_document,
    delete_ref_doc,
)
from llama_index_convex_mastra.nodes import node_to_data, to_json
from tests.faulty import FaultyBackend
from tests.lanes import Deployment, with_older_lanes
from tests.stepping import orders, run_both, stepped


def node(node_id: str, doc: str | None = None, **metadata: Any) -> TextNode:
    made = TextNode(id_=node_id, text=f"text of {node_id}", metadata=metadata)
    if doc is not None:
        made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=doc)
    return made


def same(one: BaseNode, other: BaseNode) -> bool:
    return (
        type(one) is type(other)
        and one.hash == other.hash
        and to_json(node_to_data(one)) == to_json(node_to_data(other))
    )


@with_older_lanes
async def test_nodes_come_back_as_they_were(stores: Any) -> None:
    nodes: list[BaseNode] = [
        node("n1", "d", zeta=1, alpha=2.0, **{"$odd": 2**60, "clé": {"": None}}),
        Document(id_="d2", text="a document", metadata={"z": 1, "a": 2}),
        IndexNode(id_="n3", text="see", index_id="other"),
        ImageNode(id_="n4", text="caption", image="aGVsbG8="),
        TextNode(id_="n5", text="lone \ud800"),
    ]
    await stores.documents.add_documents(nodes)
    for one in nodes:
        back = await stores.documents.get_document(one.node_id)
        assert same(back, one)
        assert list(back.metadata) == list(one.metadata)
        assert await stores.documents.get_document_hash(one.node_id) == one.hash
        assert await stores.documents.document_exists(one.node_id)
    ids = ["n5", "d2", "n1", "n5"]
    assert [one.node_id for one in await stores.documents.get_nodes(ids)] == ids
    by_position = await stores.documents.get_node_dict({7: "n3", 2: "n1"})
    assert {key: one.node_id for key, one in by_position.items()} == {7: "n3", 2: "n1"}
    assert sorted(stores.docstore.docs) == ["d2", "n1", "n3", "n4", "n5"]


async def test_what_is_not_there(stores: Any) -> None:
    documents = stores.documents
    await documents.add_documents([node("n1")])
    with pytest.raises(ValueError, match=r"^doc_id none not found\.$"):
        await documents.get_document("none")
    with pytest.raises(ValueError, match=r"^doc_id none not found\.$"):
        await documents.get_nodes(["n1", "none"])
    with pytest.raises(ValueError, match=r"^doc_id none not found\.$"):
        await documents.delete_document("none")
    with pytest.raises(ValueError, match=r"^ref_doc_id none not found\.$"):
        await documents.delete_ref_doc("none")
    assert await documents.get_document("none", raise_error=False) is None
    assert [one.node_id for one in await documents.get_nodes(["n1", "none"], False)] == ["n1"]
    await documents.delete_document("none", raise_error=False)
    await documents.delete_ref_doc("none", raise_error=False)
    assert await documents.get_document_hash("none") is None
    assert await documents.get_ref_doc_info("none") is None
    assert not await documents.document_exists("none")
    assert not await documents.ref_doc_exists("none")


async def test_adding_again_replaces_unless_it_is_forbidden(stores: Any) -> None:
    await stores.documents.add_documents([node("n1", "d", turn=1)])
    await stores.documents.add_documents([node("n1", "d", turn=2)], allow_update=True)
    assert (await stores.documents.get_document("n1")).metadata == {"turn": 2}
    with pytest.raises(
        ValueError, match=r"^node_id n1 already exists\. Set allow_update to True to overwrite\.$"
    ):
        await stores.documents.add_documents([node("n0"), node("n1")], allow_update=False)
    assert not await stores.documents.document_exists("n0")
    await stores.documents.add_documents([node("n0")], allow_update=False)
    assert (await stores.documents.get_ref_doc_info("d")).node_ids == ["n1"]


async def test_source_documents(stores: Any) -> None:
    documents = stores.documents
    await documents.add_documents(
        [node("b", "d1", source="a.md"), node("a", "d1", source="a.md"), node("c", "d2")]
    )
    await documents.add_documents([node("z", "d1"), node("b", "d1", source="a.md")])
    info = await documents.get_ref_doc_info("d1")
    assert isinstance(info, RefDocInfo)
    assert info.node_ids == ["b", "a", "z"]
    assert (await documents.get_ref_doc_info("d2")).node_ids == ["c"]
    everything = await documents.get_all_ref_doc_info()
    assert {key: info.node_ids for key, info in everything.items()} == {
        "d1": ["b", "a", "z"],
        "d2": ["c"],
    }
    await documents.add_documents([Document(id_="d3", text="no source")])
    assert await documents.get_ref_doc_info("d3") is None
    assert await documents.ref_doc_exists("d1")


async def test_the_metadata_of_a_source_document(stores: Any) -> None:
    await stores.documents.add_documents([node("a", "d", page=1), node("b", "d", page=2)])
    assert (await stores.documents.get_ref_doc_info("d")).metadata == {"page": 1}
    assert (await stores.documents.get_all_ref_doc_info())["d"].metadata == {"page": 1}


async def test_deleting_a_node_takes_it_off_its_source_document(stores: Any) -> None:
    documents = stores.documents
    await documents.add_documents([Document(id_="d", text="all"), node("a", "d"), node("b", "d")])
    await documents.delete_document("a")
    assert (await documents.get_ref_doc_info("d")).node_ids == ["b"]
    assert await documents.get_document_hash("a") is None
    assert await documents.document_exists("d")
    await documents.delete_document("b")
    # The last node takes the document with it, as in llama-index's own store.
    assert await documents.get_ref_doc_info("d") is None
    assert not await documents.document_exists("d")
    assert await documents.get_document_hash("d") is None
    assert await documents.get_all_document_hashes() == {}
    assert await documents.get_all_ref_doc_info() == {}


async def test_deleting_a_source_document(stores: Any) -> None:
    documents = stores.documents
    await documents.add_documents([node(f"n{number}", "d") for number in range(20)])
    await documents.add_documents([Document(id_="d", text="all"), node("other", "d2")])
    await documents.set_document_hash("n3", "set by hand")
    await documents.delete_ref_doc("d")
    assert list(await documents.get_docs()) == ["other"]
    assert list((await documents.get_all_document_hashes()).values()) == ["other"]
    assert await documents.get_document_hash("n3") is None
    assert list(await documents.get_all_ref_doc_info()) == ["d2"]


async def test_hashes(stores: Any) -> None:
    documents = stores.documents
    await documents.set_document_hash("d1", "h1")
    await documents.set_document_hashes({"d2": "h2", "d3": "h3"})
    await documents.set_document_hash("d2", "h2 again")
    added = node("n1", "d1")
    await documents.add_documents([added])
    assert await documents.get_document_hash("d2") == "h2 again"
    expected = {"h1": "d1", "h2 again": "d2", "h3": "d3", added.hash: "n1"}
    assert await documents.get_all_document_hashes() == expected
    assert sorted(await documents.get_all_document_ids()) == ["d1", "d2", "d3", "n1"]
    assert await documents.get_docs() == {"n1": added}


async def test_documents_of_one_hash_are_all_named(stores: Any) -> None:
    """By the values pipelines find what to delete; core's own names one document of each hash."""
    documents = stores.documents
    await documents.set_document_hashes({f"d{number}": "same" for number in range(5)})
    by_hash = await documents.get_all_document_hashes()
    assert by_hash["same"] in {f"d{number}" for number in range(5)}
    assert sorted(by_hash.values()) == [f"d{number}" for number in range(5)]


async def test_setting_a_hash_keeps_the_source_document(stores: Any) -> None:
    documents = stores.documents
    await documents.add_documents([node("a", "d"), node("b", "d")])
    await documents.set_document_hash("a", "other")
    assert await documents.get_document_hash("a") == "other"
    assert (await documents.get_all_document_hashes())["other"] == "a"
    await documents.delete_document("a")
    assert (await documents.get_ref_doc_info("d")).node_ids == ["b"]
    assert "other" not in await documents.get_all_document_hashes()
    await documents.set_document_hash("b", "other")
    await documents.add_documents([node("b", "d")])
    assert await documents.get_document_hash("b") == node("b", "d").hash
    assert await documents.get_all_document_hashes() == {node("b", "d").hash: "b"}


async def test_without_the_text_only_hashes_and_lists_are_kept(stores: Any) -> None:
    documents = stores.documents
    await documents.add_documents([node("a", "d"), node("b")], store_text=False)
    assert not await documents.document_exists("a")
    assert await documents.get_docs() == {}
    assert await documents.get_document_hash("a") == node("a", "d").hash
    assert (await documents.get_ref_doc_info("d")).node_ids == ["a"]
    await documents.delete_document("a", raise_error=False)
    assert await documents.get_ref_doc_info("d") is None


async def test_a_document_larger_than_a_convex_document(stores: Any) -> None:
    text = '\N{EURO SIGN}uro \\" ' * 200_000
    large = Document(id_="large", text=text, metadata={"z": 1, "a": 1})
    await stores.documents.add_documents([large, node("small", "d")])
    back = await stores.documents.get_document("large")
    assert same(back, large)
    large.set_content("small now")
    await stores.documents.add_documents([large])
    assert (await stores.documents.get_document("large")).text == "small now"
    await stores.documents.delete_document("large")
    assert not await stores.documents.document_exists("large")


async def test_two_writers_on_one_source_document_lose_nothing(
    deployment: Deployment, unique: Any
) -> None:
    name = unique("same")
    backends = [open_backend(deployment.url, deployment.admin_key) for _ in range(2)]
    one, other = (ConvexDocumentStore(name, backend=backend) for backend in backends)
    await asyncio.gather(
        *(
            store.async_add_documents([node(f"{name}{turn}{i}", "d") for i in range(10)])
            for turn in range(5)
            for name, store in (("a", one), ("b", other))
        )
    )
    info = await one.aget_ref_doc_info("d")
    assert len(info.node_ids) == len(set(info.node_ids)) == 100
    await asyncio.gather(
        *(store.adelete_document(f"{name}00") for name, store in (("a", one), ("b", other)))
    )
    assert len((await other.aget_ref_doc_info("d")).node_ids) == 98
    for backend in backends:
        await backend.aclose()


async def test_nodes_added_while_their_document_is_deleted_stay_listed(stores: Any) -> None:
    other = stores.docstore
    late = [node("late", "d", page=9)]

    def interfere(event: Any) -> None:
        # The deletion has read what there is to delete, and has deleted the first of it.
        if event.operation.startswith("deleteMany") and late:
            other.add_documents([late.pop()])

    backend = open_backend(
        stores.deployment.url, stores.deployment.admin_key, options=Options(on_event=interfere)
    )
    deleting = ConvexDocumentStore(stores.name, backend=backend)
    deleting.add_documents([node("a", "d", page=1), node("b", "d", page=1)])
    deleting.delete_ref_doc("d")
    assert not late
    assert (await stores.documents.get_ref_doc_info("d")).node_ids == ["late"]
    assert list(await stores.documents.get_all_ref_doc_info()) == ["d"]
    await backend.aclose()


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "mastras"])
@pytest.mark.parametrize("deletes", ["the node", "the document"])
async def test_whatever_can_be_read_is_listed_however_writers_meet(
    deployment: Deployment, unique: Any, ours: bool, deletes: str
) -> None:
    """A node is added while it is deleted, in every order; in some of them off the embedded lane."""
    outcomes: Counter[bool] = Counter()
    with closing(open_backend(deployment.url, deployment.admin_key)) as backend:
        if not ours:
            backend.abilities.update(dict.fromkeys(OWN_FUNCTIONS, False))
        policy = backend.options.retry_policy()
        target = Target(policy, deployment.storage_function, backend.abilities)
        every = 1 if deployment.lane == "embedded" else 9
        for turn, order in enumerate(orders(3, 9, every=every)):
            place = Place(target, unique(f"meeting{turn}"))
            store = ConvexDocumentStore(place.namespace, backend=backend)
            store.add_documents([node("n", "d", turn=1)])
            if deletes == "the node":
                deleting = delete_document(place, "n", raise_error=False)
            else:
                deleting = delete_ref_doc(place, "d", raise_error=False)
            adding = add_documents(place, [node("n", "d", turn=2)])
            run_both(stepped(adding, backend), stepped(deleting, backend), order)
            is_there = store.document_exists("n")
            assert is_there == (store.get_document_hash("n") is not None)
            if is_there:
                assert store.get_ref_doc_info("d").node_ids == ["n"]
                assert list(store.get_all_ref_doc_info()) == ["d"]
                assert list(store.docs) == list(store.get_all_document_hashes().values()) == ["n"]
            outcomes[is_there] += 1
            store.delete_ref_doc("d", raise_error=False)
            assert store.get_all_ref_doc_info() == store.docs == {}
    assert outcomes[True], "some that added came last"
    assert outcomes[False], "some deletions came last"


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "mastras"])
async def test_whatever_can_be_read_is_listed_when_a_request_is_lost(
    stores: Any, ours: bool
) -> None:
    """Of adding and of deleting, whichever it is (off the embedded lane, each third); the same
    again goes on."""
    backend = FaultyBackend(stores.backend, fault="lost before")
    if not ours:
        stores.ask_mastra_alone()

    async def run(fails_at: int, act: str, *args: Any) -> bool:
        backend.sent.clear()
        backend.fails_at = fails_at
        try:
            await getattr(stores.documents_over(backend), act)(*args)
        except ConnectionLostError:
            return True
        finally:
            backend.fails_at = None
        return False

    async def check() -> None:
        listed = set(await stores.documents.get_all_document_ids())
        everything = await stores.documents.get_all_ref_doc_info()
        for node_id in ("a", "b"):
            if await stores.documents.document_exists(node_id):
                assert node_id in listed
                assert node_id in everything["d"].node_ids
        if await stores.documents.document_exists("alone"):
            assert "alone" in listed

    nodes = [node("a", "d"), node("b", "d"), node("alone")]
    for fails_at in count(1, 1 if stores.lane == "embedded" else 3):
        lost = await run(fails_at, "add_documents", nodes)
        await check()
        await stores.documents.add_documents(nodes)
        assert len(await stores.documents.get_nodes(["a", "b", "alone"])) == 3
        lost_too = await run(fails_at, "delete_ref_doc", "d")
        await check()
        await stores.documents.delete_ref_doc("d", raise_error=False)
        assert await stores.documents.get_all_ref_doc_info() == {}
        assert not await stores.documents.document_exists("a")
        await stores.documents.delete_document("alone")
        if not lost and not lost_too:
            break
    assert fails_at > 8


async def test_a_source_document_of_more_nodes_than_an_array_holds(
    deployment: Deployment, unique: Any
) -> None:
    events: list[Any] = []
    options = Options(on_event=events.append)
    backend = open_backend(deployment.url, deployment.admin_key, options=options)
    store = ConvexDocumentStore(unique("llama"), backend=backend)
    nodes = [TextNode(id_=f"n{number}", text="x") for number in range(8200)]
    for one in nodes:
        one.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id="d")
    await store.async_add_documents(nodes)
    info = await store.aget_ref_doc_info("d")
    assert info is not None
    assert info.node_ids == [one.node_id for one in nodes]
    events.clear()
    await store.adelete_ref_doc("d")
    # 16,402 rows of nodes, 8,200 of the list, 16 directories; and the reads around them.
    # The nodes twice.
    assert len(events) <= 2 * 17 + 9 + 16 + 5
    assert await store.aget_docs() == {}
    await backend.aclose()


def lower_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCAN_ROWS", 100)
    monkeypatch.setattr(limits, "DOCUMENT_PAGE_ROWS", 40)


async def test_a_source_document_of_more_nodes_than_one_read_returns(
    stores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,500 on the embedded lane; elsewhere fewer, with limits as much smaller."""
    documents, count = stores.documents, 10_500
    if stores.lane != "embedded":
        count = 105
        lower_limits(monkeypatch)
    nodes = [node(f"n{number}", "d", about="d") for number in range(count)]
    ids = [one.node_id for one in nodes]
    await documents.add_documents([*nodes, node("other", "d2")])
    stores.requests()

    info = await documents.get_ref_doc_info("d")
    assert info == RefDocInfo(node_ids=ids, metadata={"about": "d"})
    assert stores.requests().count(DOCUMENTS_PAGE_FUNCTION) == 3
    everything = await documents.get_all_ref_doc_info()
    assert everything == {"d": info, "d2": RefDocInfo(node_ids=["other"])}
    assert sorted(await documents.get_all_document_ids()) == sorted([*ids, "other"])

    await documents.delete_document(ids[0])
    assert (await documents.get_ref_doc_info("d")).node_ids == ids[1:]
    await documents.delete_ref_doc("d")
    assert await documents.get_ref_doc_info("d") is None
    assert await documents.get_nodes(ids[:20] + ids[-20:], raise_error=False) == []
    assert list(await documents.get_docs()) == ["other"]


@pytest.mark.parametrize("count", [105, 120])
async def test_mastras_functions_alone_delete_what_they_cannot_list(
    stores: Any, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    documents = stores.documents
    lower_limits(monkeypatch)
    stores.ask_mastra_alone()
    ids = [f"n{number}" for number in range(count)]
    await documents.add_documents([*(node(one, "d") for one in ids), node("other", "d2")])
    stores.requests()
    assert await documents.ref_doc_exists("d")
    assert stores.kinds() == {"queryTable": 1}
    for read in (documents.get_all_ref_doc_info, documents.get_docs):
        with pytest.raises(ScanLimitError):
            await read()
    with pytest.raises(ScanLimitError):
        await documents.get_ref_doc_info("d")

    await documents.delete_document(ids[0])
    assert await documents.ref_doc_exists("d")
    await documents.delete_ref_doc("d")
    assert not set(stores.requests()) & set(OWN_FUNCTIONS)
    assert not await documents.ref_doc_exists("d")
    assert await documents.get_nodes(ids, raise_error=False) == []
    assert await documents.get_document_hash(ids[-1]) is None
    assert list(await documents.get_all_ref_doc_info()) == ["d2"]
    assert list(await documents.get_docs()) == ["other"]


async def test_round_trips(stores: Any) -> None:
    nodes = [node(f"n{i}", f"d{i % 50}", about="x" * 200) for i in range(1000)]
    await stores.documents.add_documents(nodes, batch_size=1)
    # 1,050 rows of lists, twice, and between them 2,000 of nodes.
    assert stores.kinds() == {DOCUMENTS_WRITE_FUNCTION: 4, "batchInsert": 2}
    await stores.documents.get_nodes([one.node_id for one in nodes])
    assert stores.kinds() == {DOCUMENTS_LOAD_FUNCTION: 2}
    assert len(await stores.documents.get_all_document_hashes()) == 1000
    assert stores.kinds() == {DOCUMENTS_RANGES_FUNCTION: 2}
    await stores.documents.set_document_hash("d1", "h")
    assert stores.kinds() == {"batchInsert": 2}
    await stores.documents.delete_ref_doc("d2")
    deleting = {"queryTable": 4, "deleteMany": 2, DOCUMENTS_REMOVE_FUNCTION: 1}
    assert stores.kinds() == {"loadMany": 1, **deleting}
    await stores.documents.delete_document("n3")
    assert stores.kinds() == {"loadMany": 2, **deleting, "queryTable": 3}


async def test_round_trips_with_mastras_functions_alone(stores: Any) -> None:
    stores.ask_mastra_alone()
    nodes = [node(f"n{i}", f"d{i % 50}", about="x" * 200) for i in range(1000)]
    await stores.documents.add_documents(nodes, batch_size=1)
    # Two batches of 2,000 rows; twice 50 source documents, and at most 16 directories.
    assert stores.kinds()["batchInsert"] <= 2 + 2 * (50 + 16)
    await stores.documents.get_nodes([one.node_id for one in nodes])
    assert stores.kinds() == {"loadMany": 100}
    await stores.documents.get_document_hash("n1")
    assert stores.kinds() == {"loadMany": 1}
    await stores.documents.set_document_hash("d1", "h")
    assert stores.kinds() == {"batchInsert": 2}
    await stores.documents.get_ref_doc_info("d1")
    assert stores.kinds() == {"queryTable": 1, "loadMany": 1}
    await stores.documents.delete_document("n2")
    assert sum(stores.kinds().values()) <= 9
    await stores.documents.delete_ref_doc("d1")
    assert sum(stores.kinds().values()) <= 6 + 2 + 16 + 1


async def test_names_with_every_kind_of_character(stores: Any) -> None:
    names = ["a/b", "a%2Fb", "é#?", "\N{EURO SIGN}" * 400, "None", "r:x", " "]
    await stores.documents.add_documents([node(f"n{name}", name) for name in names])
    for name in names:
        assert (await stores.documents.get_ref_doc_info(name)).node_ids == [f"n{name}"]
    assert sorted(await stores.documents.get_all_ref_doc_info()) == sorted(names)
    namespaces = [ConvexDocumentStore(f"{stores.name}/{n}", backend=stores.backend) for n in names]
    for store in namespaces:
        await store.async_add_documents([node("only", store.namespace)])
    for store in namespaces:
        assert list(await store.aget_all_ref_doc_info()) == [store.namespace]


async def test_metadata_that_json_cannot_carry_is_refused_before_anything_is_sent(
    stores: Any,
) -> None:
    for wrong in (None, "text", node("n2")):
        with pytest.raises(InvalidArgumentError, match="docs must be a list of nodes"):
            await stores.documents.add_documents(wrong)
    with pytest.raises(InvalidArgumentError, match=r"docs\[0\] is .*, not a node"):
        await stores.documents.add_documents([5])
    for store_text in (True, False):
        with pytest.raises(InvalidArgumentError, match="n2 cannot be written as JSON"):
            await stores.documents.add_documents(
                [node("n1"), node("n2", what=object())], store_text=store_text
            )
    assert stores.requests() == []


@pytest.mark.parametrize("wrong", [None, 5, b"x", ["a"], {"a": 1}], ids=repr)
async def test_ids_and_hashes_that_are_no_texts_are_named(stores: Any, wrong: Any) -> None:
    calls = [
        ("node_id", "get_document", (wrong,)),
        ("node_id", "get_nodes", ([wrong],)),
        ("node_id", "get_node_dict", ({0: wrong},)),
        ("node_id", "document_exists", (wrong,)),
        ("node_id", "delete_document", (wrong,)),
        ("doc_id", "get_document_hash", (wrong,)),
        ("doc_id", "set_document_hash", (wrong, "h")),
        ("doc_hash", "set_document_hash", ("a", wrong)),
        ("ref_doc_id", "get_ref_doc_info", (wrong,)),
        ("ref_doc_id", "ref_doc_exists", (wrong,)),
        ("ref_doc_id", "delete_ref_doc", (wrong,)),
    ]
    for field, method, arguments in calls:
        with pytest.raises(InvalidArgumentError, match=f"{field} must be a text") as caught:
            await getattr(stores.documents, method)(*arguments)
        assert caught.value.field == field
    if not isinstance(wrong, list):
        with pytest.raises(InvalidArgumentError, match="node_ids must be a list of node ids"):
            await stores.documents.get_nodes(wrong)
    if not isinstance(wrong, dict):
        for field, method in (
            ("doc_hashes", "set_document_hashes"),
            ("node_id_dict", "get_node_dict"),
        ):
            with pytest.raises(InvalidArgumentError, match=f"{field} must be an object"):
                await getattr(stores.documents, method)(wrong)
    assert stores.requests() == []


async def test_nothing_to_do_sends_nothing(stores: Any) -> None:
    await stores.documents.add_documents([])
    await stores.documents.set_document_hashes({})
    assert await stores.documents.get_nodes([]) == []
    assert stores.requests() == []


async def test_behaves_as_llama_indexs_own_store(stores: Any) -> None:
    """The same calls on both, and the same answers."""
    theirs: BaseDocumentStore = SimpleDocumentStore()
    ours = stores.docstore
    docs = [Document(id_="d1", text="one"), Document(id_="d2", text="two")]
    nodes = [node(f"n{i}", f"d{i % 2 + 1}", i=i) for i in range(6)]
    for store in (theirs, ours):
        store.add_documents([*docs, *nodes])
        store.delete_document("n0")
        store.set_document_hash("d9", "h9")
        store.delete_ref_doc("d2")
    assert ours.get_all_document_hashes() == theirs.get_all_document_hashes()
    assert sorted(ours.docs) == sorted(theirs.docs)
    info = theirs.get_all_ref_doc_info() or {}
    found = ours.get_all_ref_doc_info()
    assert {key: one.node_ids for key, one in found.items()} == {
        key: one.node_ids for key, one in info.items()
    }
