"""Native vector indexes: npm's ConvexNativeVector and ours on the same rows, both ways.

On the dev server and on the reference deployment; the JavaScript is the package's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convex_mastra import ConvexNativeVector
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment
from tests.native import CONFIGS, INDEXES

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

METADATA = [
    {"tag": "x", "page": 1, "text": "é", "deep": {"l": [1.5, None, True]}},
    {"tag": "y", "page": 1},
    {"tag": None, "n": 2**53},
    {},
]
VECTORS = [[1, 0.25], [0.5, 0.5], [0, 2], [-1, 0]]
QUERIES: list[dict[str, Any]] = [
    {},
    {"top_k": 2, "include_vector": True},
    {"filter": {"tag": "x"}},
    {"filter": {"tag": {"$eq": "y"}}, "include_vector": True},
    {"filter": {"metadata": {"page": 1}}},
    {"filter": {"tag": None}},
    {"filter": {"tag": "nobody"}},
]


@pytest.fixture
def native(deployment: Deployment) -> Iterator[ConvexNativeVector]:
    with ConvexNativeVector(INDEXES, deployment.url, deployment.admin_key) as opened:
        yield opened
        opened.delete_vectors("docs", list("abcd"))


def on(deployment: Deployment, *steps: tuple[str, dict[str, Any]]) -> Any:
    return run_node(
        "native.ts",
        {
            "url": deployment.url,
            "key": deployment.admin_key,
            "indexes": CONFIGS,
            "steps": [{"method": method, "args": args} for method, args in steps],
        },
    )


def ours(native: ConvexNativeVector) -> list[list[dict[str, Any]]]:
    """What our client answers to the queries, in the words of npm's."""
    answers = []
    for query in QUERIES:
        found = []
        for match in native.query("docs", [1, 0.5], **query):
            one = {"id": match.id, "score": match.score, "metadata": match.metadata}
            if match.vector is not None:
                one["vector"] = match.vector.tolist()
            found.append({name: value for name, value in one.items() if value is not None})
        answers.append(found)
    return answers


def in_javascript() -> list[tuple[str, dict[str, Any]]]:
    names = {"top_k": "topK", "include_vector": "includeVector", "filter": "filter"}
    return [
        (
            "query",
            {"indexName": "docs", "queryVector": [1, 0.5]}
            | {names[name]: value for name, value in query.items()},
        )
        for query in QUERIES
    ]


def test_mastra_searches_what_python_wrote(
    deployment: Deployment, native: ConvexNativeVector
) -> None:
    native.upsert("docs", VECTORS, ids=list("abcd"), metadata=METADATA)
    *answers, described = on(deployment, *in_javascript(), ("describeIndex", {"indexName": "docs"}))
    assert answers == ours(native)
    assert answers[0] == [
        {
            "id": name,
            "score": pytest.approx(score, abs=1e-6),
            "metadata": METADATA["abcd".index(name)],
        }
        for name, score in [("a", 0.9761871), ("b", 0.9486833), ("c", 0.4472136), ("d", -0.8944272)]
    ]
    assert [[match["id"] for match in answer] for answer in answers[1:]] == [
        ["a", "b"],
        ["a"],
        ["b"],
        ["a", "b"],
        ["c"],
        [],
    ]
    assert answers[3][0]["vector"] == [0.5, 0.5]
    assert described == {"dimension": 2, "count": 4, "metric": "cosine"}


def test_python_searches_what_mastra_wrote(
    deployment: Deployment, native: ConvexNativeVector
) -> None:
    upsert = {"indexName": "docs", "vectors": VECTORS, "ids": list("abcd"), "metadata": METADATA}
    ids, updated, deleted, *answers = on(
        deployment,
        ("upsert", upsert),
        (
            "updateVector",
            {"indexName": "docs", "id": "b", "update": {"vector": [1, 0], "metadata": {"page": 2}}},
        ),
        ("deleteVectors", {"indexName": "docs", "ids": ["d"]}),
        *in_javascript(),
    )
    assert (ids, updated, deleted) == (list("abcd"), None, None)
    assert answers == ours(native)
    (match,) = native.query("docs", [1, 0], filter={"page": 2})
    assert (match.id, match.metadata) == ("b", {"tag": "y", "page": 2})
    assert native.describe_index("docs").count == 3


def test_both_change_the_same_rows_in_the_same_way(
    deployment: Deployment, native: ConvexNativeVector
) -> None:
    native.upsert("docs", VECTORS[:2], ids=["a", "b"], metadata=METADATA[:2])
    native.update_vector("docs", "a", metadata={"page": 7, "more": 1})
    native.upsert("docs", [VECTORS[1]], ids=["b"], metadata=[{"page": 8}])
    mine = ours(native)
    native.delete_vectors("docs", ["a", "b"])
    upsert = {"indexName": "docs", "vectors": VECTORS[:2], "ids": ["a", "b"]}
    on(
        deployment,
        ("upsert", {**upsert, "metadata": METADATA[:2]}),
        (
            "updateVector",
            {"indexName": "docs", "id": "a", "update": {"metadata": {"page": 7, "more": 1}}},
        ),
        (
            "upsert",
            {"indexName": "docs", "vectors": [VECTORS[1]], "ids": ["b"], "metadata": [{"page": 8}]},
        ),
    )
    assert ours(native) == mine


def test_mastras_alternatives_are_refused_by_convex_and_ours_are_not(
    deployment: Deployment, native: ConvexNativeVector
) -> None:
    native.upsert("docs", VECTORS, ids=list("abcd"), metadata=METADATA)
    either = {"$or": [{"tag": "y"}, {"tag": None}]}
    (answer,) = on(
        deployment,
        ("query", {"indexName": "docs", "queryVector": [1, 0.5], "filter": either}),
    )
    assert "$or starts with" in answer["error"]
    assert [match.id for match in native.query("docs", [1, 0.5], filter=either)] == ["b", "c"]
