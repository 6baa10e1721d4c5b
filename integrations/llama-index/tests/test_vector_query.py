"""Queries of ``ConvexVectorStore`` on every lane, of both faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores import SimpleVectorStore
from llama_index.core.vector_stores.types import (
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from convex_mastra import ConfigurationError, InvalidArgumentError
from llama_index_convex_mastra import ConvexVectorStore
from tests.lanes import with_older_lanes

RANDOM = np.random.default_rng(7)
DIMENSION = 8
VECTORS = RANDOM.normal(size=(300, DIMENSION))
QUERY = RANDOM.normal(size=DIMENSION).tolist()
SCORES = VECTORS @ QUERY / np.linalg.norm(VECTORS, axis=1) / np.linalg.norm(QUERY)


def nodes() -> list[TextNode]:
    made = []
    for number, vector in enumerate(VECTORS):
        metadata = {"number": number, "kind": ["even", "odd"][number % 2], "clé": number % 50}
        one = TextNode(
            id_=f"n{number}", text=f"text {number}", metadata=metadata, embedding=vector.tolist()
        )
        one.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=f"d{number % 10}")
        made.append(one)
    return made


def best(k: int, where: Any = lambda number: True) -> list[str]:
    order = [number for number in np.argsort(-SCORES) if where(int(number))]
    return [f"n{number}" for number in order[:k]]


def asking(k: int = 5, **query: Any) -> VectorStoreQuery:
    return VectorStoreQuery(query_embedding=QUERY, similarity_top_k=k, **query)


def both(*filters: MetadataFilter | MetadataFilters, condition: str = "and") -> MetadataFilters:
    return MetadataFilters(filters=list(filters), condition=condition)


def one(key: str, value: Any, operator: str = "==") -> MetadataFilter:
    return MetadataFilter(key=key, value=value, operator=operator)


@with_older_lanes
async def test_the_nearest_nodes_with_their_cosine_similarity(stores: Any) -> None:
    await stores.vectors.add(nodes())
    result = await stores.vectors.query(asking(7))
    assert result.ids == best(7)
    assert [found.node_id for found in result.nodes] == result.ids
    assert result.similarities == pytest.approx(sorted(SCORES, reverse=True)[:7])
    assert result.nodes[0].get_content() == f"text {result.ids[0][1:]}"
    assert result.nodes[0].embedding is None

    result = await stores.vectors.query(asking(1), include_embeddings=True)
    assert result.nodes[0].embedding == VECTORS[int(result.ids[0][1:])].tolist()
    everything = await stores.vectors.query(asking(1000))
    assert everything.ids == best(300)


@pytest.mark.parametrize(
    ("filters", "where"),
    [
        (both(one("kind", "odd")), lambda n: n % 2 == 1),
        (both(one("number", 290, ">=")), lambda n: n >= 290),
        (both(one("kind", "odd"), one("number", [3, 4, 5], "in")), lambda n: n in (3, 5)),
        (
            both(
                both(one("kind", "odd"), one("number", 20, "<"), condition="not"),
                one("number", 24, "<"),
            ),
            lambda n: n % 2 == 0 and 20 <= n < 24,
        ),
        # A key that Convex cannot hold: judged by the node itself, and never short of top_k.
        (both(one("clé", 49)), lambda n: n % 50 == 49),
        (
            both(one("clé", 49, "!="), one("ref_doc_id", "d9")),
            lambda n: n % 50 != 49 and n % 10 == 9,
        ),
        (both(one("missing", 1)), lambda n: False),
    ],
)
async def test_filters_never_starve_the_result(stores: Any, filters: Any, where: Any) -> None:
    await stores.vectors.add(nodes())
    result = await stores.vectors.query(asking(5, filters=filters))
    assert result.ids == best(5, where)


async def test_document_and_node_ids_restrict_and_empty_lists_do_not(stores: Any) -> None:
    await stores.vectors.add(nodes())
    assert (await stores.vectors.query(asking(4, doc_ids=["d1", "d2"]))).ids == best(
        4, lambda n: n % 10 in (1, 2)
    )
    few = [f"n{number}" for number in range(20)]
    assert (await stores.vectors.query(asking(30, node_ids=[*few, "none"]))).ids == best(
        30, lambda n: n < 20
    )
    many = [f"n{number}" for number in range(280)]
    assert (await stores.vectors.query(asking(4, node_ids=many))).ids == best(4, lambda n: n < 280)
    filters = both(one("kind", "odd"))
    restricted = asking(50, node_ids=few, doc_ids=["d1", "d2"], filters=filters)
    assert (await stores.vectors.query(restricted)).ids == best(50, lambda n: n in (1, 11))
    assert (await stores.vectors.query(asking(4, node_ids=[], doc_ids=[]))).ids == best(4)


@pytest.mark.parametrize("key", ["document_id", "doc_id", "ref_doc_id"])
async def test_filters_see_the_source_under_each_of_its_names(stores: Any, key: str) -> None:
    """Also where the user has a key of that name, which comes back as it was."""
    mine = TextNode(id_="mine", text="t", metadata={key: "user's"}, embedding=VECTORS[0].tolist())
    mine.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id="d3")
    await stores.vectors.add([*nodes()[:20], mine])
    for filters in (both(one(key, "d3")), both(one(key, ["d3"], "in"))):
        result = await stores.vectors.query(asking(9, filters=filters))
        assert sorted(result.ids) == ["mine", "n13", "n3"]
        (found,) = (node for node in result.nodes if node.node_id == "mine")
        assert found.metadata == {key: "user's"}
    assert (await stores.vectors.query(asking(9, filters=both(one(key, "user's"))))).ids == []
    kept = await stores.vectors.get_nodes(filters=both(one(key, "d3"), condition="not"))
    assert len(kept) == 18


async def test_a_filter_in_mastras_grammar(stores: Any) -> None:
    await stores.vectors.add(nodes())
    result = await stores.vectors.query(
        asking(5, filters=both(one("kind", "odd"))), mastra_filter={"number": {"$lt": 10}}
    )
    assert result.ids == best(5, lambda n: n % 2 == 1 and n < 10)


async def test_mmr_trades_relevance_for_diversity(stores: Any) -> None:
    await stores.vectors.add(nodes())
    mode = VectorStoreQueryMode.MMR
    relevant = await stores.vectors.query(asking(5, mode=mode, mmr_threshold=1.0))
    assert relevant.ids == best(5)
    assert relevant.similarities == pytest.approx(sorted(SCORES, reverse=True)[:5])
    result = await stores.vectors.query(asking(5, mode=mode), mmr_threshold=0.3)
    assert result.ids == chosen(best(20), 5, 0.3)
    assert result.nodes[0].embedding is None
    result = await stores.vectors.query(asking(5, mode=mode), mmr_prefetch_k=300)
    assert result.ids == chosen(best(300), 5, 0.5)
    filters = both(one("kind", "odd"))
    result = await stores.vectors.query(
        asking(3, mode=mode, filters=filters), mmr_prefetch_factor=2.0, include_embeddings=True
    )
    assert result.ids == chosen(best(6, lambda n: n % 2 == 1), 3, 0.5)
    assert result.nodes[0].embedding is not None


def chosen(candidates: list[str], k: int, weight: float) -> list[str]:
    """Maximal marginal relevance, from its definition."""
    numbers = [int(candidate[1:]) for candidate in candidates]
    units = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    picked = [max(numbers, key=lambda n: SCORES[n])]
    while len(picked) < min(k, len(numbers)):
        rest = [n for n in numbers if n not in picked]
        picked.append(
            max(
                rest,
                key=lambda n: (
                    weight * SCORES[n]
                    - (1 - weight) * max(units[n] @ units[other] for other in picked)
                ),
            )
        )
    return [f"n{n}" for n in picked]


@pytest.mark.parametrize(
    "mode", [m for m in VectorStoreQueryMode if m.value not in ("default", "mmr")]
)
async def test_other_modes_are_named_in_the_error(stores: Any, mode: VectorStoreQueryMode) -> None:
    with pytest.raises(InvalidArgumentError, match=f"'{mode.value}'"):
        await stores.vectors.query(asking(mode=mode))
    assert stores.requests() == []


async def test_options_that_cannot_be(stores: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="mastra_filter must be an object"):
        await stores.vectors.query(asking(), mastra_filter="x")
    for wrong in (5, -0.1, float("nan")):
        with pytest.raises(InvalidArgumentError, match="mmr_threshold must be from 0 to 1"):
            await stores.vectors.query(asking(mmr_threshold=wrong, mode="mmr"))
        with pytest.raises(InvalidArgumentError, match="mmr_threshold must be from 0 to 1"):
            await stores.vectors.query(asking(mode="mmr"), mmr_threshold=wrong)
    with pytest.raises(
        ConfigurationError, match="vector must be one of the core's; it is of type str"
    ):
        ConvexVectorStore("x", vector="y")
    assert stores.requests() == []


async def test_queries_that_do_not_fit(stores: Any) -> None:
    await stores.vectors.add(nodes()[:3])
    with pytest.raises(InvalidArgumentError, match="no embedding"):
        await stores.vectors.query(VectorStoreQuery(query_str="text only"))
    for node_ids in ([], ["n1"]):
        short = VectorStoreQuery(query_embedding=[1.0, 2.0], node_ids=node_ids)
        with pytest.raises(InvalidArgumentError, match="2 dimensions"):
            await stores.vectors.query(short)
    with pytest.raises(TypeError, match="no_such_option"):
        await stores.vectors.query(asking(), no_such_option=1)


async def test_the_results_are_those_of_the_simple_store(stores: Any) -> None:
    simple = SimpleVectorStore()
    simple.add(nodes())
    await stores.vectors.add(nodes())
    for filters in (None, both(one("kind", "even"), one("number", 100, "<"))):
        theirs = simple.query(asking(10, filters=filters))
        ours = await stores.vectors.query(asking(10, filters=filters))
        assert ours.ids == theirs.ids
        assert ours.similarities == pytest.approx(theirs.similarities)


async def test_round_trips(stores: Any) -> None:
    await stores.vectors.add(nodes())
    has_search = stores.lane in ("embedded", "dev-server")
    await stores.vectors.query(asking())
    await stores.vectors.query(asking())
    stores.requests()
    await stores.vectors.query(asking(filters=both(one("kind", "odd"))))
    searches = 1 if has_search else 0
    assert len(stores.requests()) == 1 + (searches or 1)
    await stores.vectors.query(asking(30, node_ids=[f"n{number}" for number in range(30)]))
    assert stores.kinds() == {"load": 1, "loadMany": 3}
    await stores.vectors.query(asking(5, filters=both(one("clé", 49))))
    # The search is widened by four until five of the six nodes in 300 that match were found.
    assert len(stores.requests()) <= (1 + 4 if has_search else 2)
