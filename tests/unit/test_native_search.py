"""Native vectors over a deployment that answers out of order, too much, too late, or nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convex_mastra import (
    ConvexMastraError,
    ConvexNativeVector,
    Options,
    ProtocolError,
    ScanLimitError,
)
from tests.native import INDEXES
from tests.scripted import (
    ADMIN_KEY,
    Reply,
    ScriptedDeployment,
    Seen,
    failure,
    scripted_deployment,
    success,
)

TOO_MUCH = failure("Uncaught Error: Too many bytes read in a single function execution")


@pytest.fixture
def deployment() -> Iterator[ScriptedDeployment]:
    with scripted_deployment() as started:
        yield started


@pytest.fixture
def native(deployment: ScriptedDeployment) -> Iterator[ConvexNativeVector]:
    options = Options(retry_budget_s=5)
    with ConvexNativeVector(INDEXES, deployment.url, ADMIN_KEY, options=options) as opened:
        yield opened


def document(name: str, **fields: Any) -> dict[str, Any]:
    return {"_id": f"convex-{name}", "_creationTime": 1.0, "key": name, **fields}


HITS = [{"id": f"convex-{name}", "score": score} for name, score in [("a", 0.9), ("b", 0.5)]]


def test_documents_may_come_in_any_order(
    deployment: ScriptedDeployment, native: ConvexNativeVector
) -> None:
    documents = [document("b", about={"n": 2.0}), document("a")]
    deployment.answer_in_turn(success(HITS), success(documents))
    found = native.query("docs", [1, 0])
    assert [(match.id, match.score, match.metadata) for match in found] == [
        ("a", 0.9, None),
        ("b", 0.5, {"n": 2}),
    ]
    search, read = deployment.seen
    assert search.path == "/api/action"
    assert search.body["args"]["config"]["tableName"] == "native_docs"
    assert (search.body["args"]["vector"], search.body["args"]["limit"]) == ([1.0, 0.0], 10)
    assert read.path == "/api/query"
    assert read.body["args"]["ids"] == ["convex-a", "convex-b"]


def test_documents_too_large_for_one_read_come_in_halves(
    deployment: ScriptedDeployment, native: ConvexNativeVector
) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.path == "/api/action":
            return success(HITS)
        asked = seen.body["args"]["ids"]
        if len(asked) > 1:
            return TOO_MUCH
        return success([document(one.removeprefix("convex-")) for one in asked])

    deployment.script = answer
    assert [match.id for match in native.query("docs", [1, 0])] == ["a", "b"]
    assert len(deployment.seen) == 4


def test_counting_less_where_all_is_too_much(
    deployment: ScriptedDeployment, native: ConvexNativeVector
) -> None:
    limits: list[int] = []

    def answer(seen: Seen) -> Reply:
        limits.append(seen.body["args"]["countLimit"])
        if limits[-1] > 1_000:
            return TOO_MUCH
        return success({"count": float(limits[-1]), "countIsLimited": True})

    deployment.script = answer
    stats = native.describe_index("docs", count_limit=4_000)
    assert (stats.count, stats.count_is_limited) == (1_000, True)
    assert limits == [4_000, 2_000, 1_000]
    deployment.script = lambda _seen: TOO_MUCH
    with pytest.raises(ScanLimitError, match="too large to be counted"):
        native.describe_index("docs")
    deployment.script = lambda _seen: failure("Uncaught Error: other")
    with pytest.raises(ConvexMastraError, match="other"):
        native.describe_index("docs")


def test_everything_is_safe_to_repeat(
    deployment: ScriptedDeployment, native: ConvexNativeVector
) -> None:
    lost = Reply(cut=True)
    for work, answers in (
        (lambda: native.upsert("docs", [[1, 0]], ids=["a"]), [success({"ok": True})]),
        (lambda: native.update_vector("docs", "a", vector=[1, 0]), [success({"ok": True})]),
        (lambda: native.delete_vector("docs", "a"), [success({"ok": True})]),
        (lambda: native.query("docs", [1, 0]), [success([])]),
        (lambda: native.query("docs", [1, 0]), [success(HITS), lost, success([])]),
        (lambda: native.describe_index("docs"), [success({"count": 0.0, "countIsLimited": False})]),
    ):
        deployment.seen.clear()
        deployment.answer_in_turn(lost, *answers)
        work()
        assert len(deployment.seen) == 1 + len(answers)


@pytest.mark.parametrize(
    "answers",
    [
        [success(None)],
        [success({"ok": True})],
        [success([{"id": "x"}])],
        [success([{"id": "x", "score": None}])],
        [success(HITS), success(None)],
        [success(HITS), success([None])],
        [success(HITS), success([document("c")])],
        [success(HITS), success([{"_id": "convex-a"}])],
        [success(HITS), success([document("a", vector="text")])],
    ],
)
def test_an_answer_that_is_none(
    deployment: ScriptedDeployment, native: ConvexNativeVector, answers: list[Reply]
) -> None:
    deployment.answer_in_turn(*answers)
    with pytest.raises(ProtocolError):
        native.query("docs", [1, 0], include_vector=True)
    deployment.answer_in_turn(success([]))
    with pytest.raises(ProtocolError):
        native.describe_index("docs")


@pytest.mark.parametrize(
    "answer",
    [None, {"ok": True}, [1], [{"key": "a"}], [{"vector": [1, 0]}], [document("a", vector="text")]],
)
def test_documents_that_are_none(
    deployment: ScriptedDeployment, native: ConvexNativeVector, answer: Any
) -> None:
    deployment.answer_in_turn(success(answer))
    with pytest.raises(ProtocolError):
        native.get_vectors("docs", ["a"])


def test_reading_by_id_in_halves(
    deployment: ScriptedDeployment, native: ConvexNativeVector
) -> None:
    def answer(seen: Seen) -> Reply:
        asked = seen.body["args"]["ids"]
        assert (seen.path, seen.body["args"]["op"]) == ("/api/query", "listByIds")
        if len(asked) > 1:
            return TOO_MUCH
        return success([document(name, vector=[1, 0]) if name != "b" else None for name in asked])

    deployment.script = answer
    assert [one.id for one in native.get_vectors("docs", ["c", "b", "a"])] == ["c", "a"]


def test_a_search_that_was_cut_is_trusted_no_further_than_it_goes(
    deployment: ScriptedDeployment, native: ConvexNativeVector
) -> None:
    def answer(seen: Seen) -> Reply:
        args = seen.body["args"]
        if seen.path == "/api/query":
            return success([document(one.removeprefix("convex-")) for one in args["ids"]])
        known = {"x": [0.9, 0.8, 0.7, 0.6, 0.5], "y": [0.55]}[args["filter"]["value"]]
        hits = [
            {"id": f"convex-{args['filter']['value']}{score}", "score": score} for score in known
        ]
        return success(hits[: int(args["limit"])])

    deployment.script = answer
    either = {"$or": [{"tag": "x"}, {"tag": "y"}]}
    found = native.query(
        "docs", [1, 0], top_k=1, filter=either, accept=lambda name, _about: name == "y0.55"
    )
    assert [match.id for match in found] == ["y0.55"]
    limits = [seen.body["args"].get("limit") for seen in deployment.seen]
    assert limits == [4, 4, None, 16, 16, None], "each document is read once"
    assert deployment.seen[-1].body["args"]["ids"] == ["convex-y0.55", "convex-x0.5"]


def test_one_request_for_each_alternative(
    deployment: ScriptedDeployment, native: ConvexNativeVector
) -> None:
    def answer(seen: Seen) -> Reply:
        args = seen.body["args"]
        if seen.path == "/api/query":
            return success([document(one.removeprefix("convex-")) for one in args["ids"]])
        if args["filter"] == {"field": "tag", "value": "x"}:
            return success(HITS)
        assert args["filter"] == {"field": "page", "value": 1}
        return success([{"id": "convex-c", "score": 0.7}, HITS[0]])

    deployment.script = answer
    either = {"$or": [{"tag": "x"}, {"page": {"$eq": 1}}]}
    assert [m.id for m in native.query("docs", [1, 0], filter=either)] == ["a", "c", "b"]
    assert [m.id for m in native.query("docs", [1, 0], filter=either, top_k=2)] == ["a", "c"]
    assert [seen.path for seen in deployment.seen].count("/api/action") == 4
