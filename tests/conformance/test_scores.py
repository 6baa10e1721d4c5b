"""Scores, as ScoresConvex of @mastra/convex 1.5.2 has them, on every lane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra import FunctionError, InvalidArgumentError, LimitExceededError, Score
from tests.lanes import Clients, with_older_lanes

pytestmark = with_older_lanes

Unique = Callable[[str], str]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
VALUE = {"n": 1, "x": 1.5, "list": [1, {"deep": None}], "b": True, "": "Größe 🌍", "_a.b-c d": -2}


def score(**fields: Any) -> Score:
    required = {
        "scorer_id": "s",
        "run_id": "r",
        "scorer": {"id": "s", "name": "Tone"},
        "score": 0.5,
        "input": {"q": 1},
        "output": {"text": "x"},
        "source": "LIVE",
    }
    return Score(**{**required, **fields})


FULL = {
    "scorer": VALUE,
    "score": -2.25,
    "input": [VALUE],
    "output": "a text",
    "source": "TEST",
    "reason": "",
    "entity_id": "e",
    "entity_type": "AGENT",
    "entity": VALUE,
    "trace_id": "tr",
    "span_id": "sp",
    "resource_id": "re",
    "thread_id": "th",
    "organization_id": "or",
    "project_id": "pr",
    "batch_id": "ba",
    "dataset_id": "da",
    "dataset_item_id": "di",
    "metadata": VALUE,
    "additional_context": VALUE,
    "request_context": {},
    "preprocess_step_result": [1, 2],
    "preprocess_prompt": "p1",
    "extract_step_result": VALUE,
    "extract_prompt": "p2",
    "analyze_step_result": False,
    "analyze_prompt": "p3",
    "generate_score_prompt": "p4",
    "generate_reason_prompt": "p5",
    "reason_prompt": "p6",
}


async def test_a_score_comes_back_as_it_was_saved(clients: Clients, unique: Unique) -> None:
    scores = clients.domain("scores")
    given = score(**FULL, run_id=unique("run"))
    assert all(getattr(given, name) is not None for name in Score.__struct_fields__)
    saved = await scores.save_score(given)
    assert saved == given.replace(
        id=saved.id, created_at=saved.created_at, updated_at=saved.created_at
    )
    found = await scores.get_score_by_id(saved.id)
    assert found == saved
    assert type(found.metadata["n"]) is int
    assert type(found.input[0]["list"][0]) is int
    assert type(found.preprocess_step_result[0]) is int


async def test_a_score_of_what_it_must_have(clients: Clients, unique: Unique) -> None:
    scores = clients.domain("scores")
    saved = await scores.save_score(score(input=None, output=None, score=1))
    found = await scores.get_score_by_id(saved.id)
    assert found == saved
    assert (found.input, found.output, found.score, found.reason) == (None, None, 1, None)
    assert (found.entity_id, found.metadata, found.analyze_step_result) == (None, None, None)
    assert await scores.get_score_by_id(unique("nobody")) is None


async def test_saving_makes_a_new_score(clients: Clients, unique: Unique) -> None:
    scores = clients.domain("scores")
    run_id = unique("run")
    given = score(id="mine", run_id=run_id, created_at=LONG_AGO, updated_at=LONG_AGO)
    first = await scores.save_score(given)
    second = await scores.save_score(first)
    assert len({given.id, first.id, second.id}) == 3
    assert first.created_at == first.updated_at > LONG_AGO
    assert second.created_at >= first.created_at
    page = await scores.list_scores_by_run_id(run_id)
    assert {found.id for found in page.scores} == {first.id, second.id}


async def seeded(clients: Clients, unique: Unique) -> tuple[list[Score], str]:
    """Six scores of a scorer, of different runs, entities, sources and tenants."""
    name = unique("scorer")
    made = []
    for i in range(6):
        given = score(
            scorer_id=name,
            run_id=f"{name}-run{i // 2}",
            entity_id=f"{name}-entity{i % 2}",
            entity_type="WORKFLOW" if i < 4 else "AGENT",
            source="TEST" if i in (1, 2) else "LIVE",
            organization_id=f"org{i % 3}",
            project_id="project" if i > 2 else None,
            trace_id=f"{name}-trace{i % 2}",
            span_id=f"span{i % 3}",
            metadata={"i": i},
        )
        made.append(await clients.domain("scores").save_score(given))
    return made, name


def in_order(made: list[Score], *numbers: int) -> list[Score]:
    """Newest first; those of one millisecond in the order they were created in."""
    return sorted((made[i] for i in sorted(numbers)), key=lambda s: s.created_at, reverse=True)


async def test_listing(clients: Clients, unique: Unique) -> None:
    scores = clients.domain("scores")
    made, name = await seeded(clients, unique)

    async def check(operation: str, *ids: str, expected: tuple[int, ...], **args: Any) -> None:
        page = await getattr(scores, operation)(*ids, **args)
        assert page.scores == in_order(made, *expected), (operation, ids, args)
        assert (page.total, page.page, page.has_more) == (len(expected), 0, False)

    by_scorer = "list_scores_by_scorer_id"
    await check(by_scorer, name, expected=(0, 1, 2, 3, 4, 5))
    await check(by_scorer, unique("other"), expected=())
    await check(by_scorer, name, entity_id=f"{name}-entity1", expected=(1, 3, 5))
    await check(by_scorer, name, entity_type="AGENT", expected=(4, 5))
    await check(
        by_scorer, name, entity_id=f"{name}-entity0", entity_type="WORKFLOW", expected=(0, 2)
    )
    await check(by_scorer, name, source="TEST", expected=(1, 2))
    await check(by_scorer, name, organization_id="org0", expected=(0, 3))
    await check(by_scorer, name, project_id="project", expected=(3, 4, 5))
    await check(by_scorer, name, organization_id="org0", project_id="project", expected=(3,))
    await check(by_scorer, "s", entity_id=f"{name}-entity0", expected=())

    by_run = "list_scores_by_run_id"
    await check(by_run, f"{name}-run1", expected=(2, 3))
    await check(by_run, f"{name}-run1", organization_id="org2", expected=(2,))
    await check(by_run, f"{name}-run1", project_id="project", expected=(3,))

    by_entity = "list_scores_by_entity_id"
    await check(by_entity, f"{name}-entity0", "WORKFLOW", expected=(0, 2))
    await check(by_entity, f"{name}-entity0", "AGENT", expected=(4,))
    await check(by_entity, f"{name}-entity0", "WORKFLOW", organization_id="org2", expected=(2,))
    await check(by_entity, f"{name}-entity0", "AGENT", project_id="none", expected=())

    by_span = "list_scores_by_span"
    await check(by_span, f"{name}-trace0", "span0", expected=(0,))
    await check(by_span, f"{name}-trace0", "span1", expected=(4,))
    await check(by_span, f"{name}-trace1", "span0", organization_id="org1", expected=())
    await check(by_span, f"{name}-trace1", "span0", project_id="project", expected=(3,))


async def test_pages(clients: Clients, unique: Unique) -> None:
    scores = clients.domain("scores")
    made, name = await seeded(clients, unique)
    ordered = in_order(made, *range(6))

    async def page_of(**args: Any) -> tuple[list[Score], int, Any, bool]:
        page = await scores.list_scores_by_scorer_id(name, **args)
        assert page.total == 6
        return page.scores, page.page, page.per_page, page.has_more

    assert await page_of() == (ordered, 0, 100, False)
    assert await page_of(per_page=4) == (ordered[:4], 0, 4, True)
    assert await page_of(per_page=4, page=1) == (ordered[4:], 1, 4, False)
    assert await page_of(per_page=3, page=1) == (ordered[3:], 1, 3, False)
    assert await page_of(per_page=3, page=2) == ([], 2, 3, False)
    assert await page_of(per_page=0) == ([], 0, 0, True)
    assert await page_of(per_page=False) == (ordered, 0, False, False)
    assert await page_of(per_page=False, page=3) == (ordered, 3, False, False)


async def test_each_operation_is_one_request(clients: Clients, unique: Unique) -> None:
    scores = clients.domain("scores")
    made, name = await seeded(clients, unique)
    clients.requests()
    await scores.get_score_by_id(made[0].id)
    await scores.list_scores_by_scorer_id(name, per_page=2)
    assert clients.requests() == ["load mastra_scorers", "queryTable mastra_scorers"]
    await scores.list_scores_by_span("t", "s")
    assert clients.requests()[-1] == "queryTable mastra_scorers", "the first asks how old it is"
    await scores.list_scores_by_span("t", "s")
    await scores.list_scores_by_scorer_id(name, project_id="p")
    assert clients.requests() == ["queryTable mastra_scorers"] * 2


async def test_clearing(clients: Clients, unique: Unique) -> None:
    if clients.deployment.lane == "live":
        pytest.skip("would empty a deployment that is not ours")
    scores = clients.domain("scores")
    run_id = unique("run")
    for _ in range(30):
        await scores.save_score(score(run_id=run_id))
    assert (await scores.list_scores_by_run_id(run_id, per_page=5)).total == 30
    await scores.dangerously_clear_all()
    assert (await scores.list_scores_by_run_id(run_id)).total == 0


async def test_an_unknown_column_is_refused_by_the_deployment(
    clients: Clients, unique: Unique
) -> None:
    scores = clients.domain("scores")
    run_id = unique("run")
    with pytest.raises(FunctionError):
        await scores.save_score(score(run_id=run_id, extra={"structuredOutput": True}))
    assert (await scores.list_scores_by_run_id(run_id)).total == 0


def nested(depth: int) -> Any:
    value: Any = "leaf"
    for _ in range(depth):
        value = [value]
    return value


async def test_the_deepest_value_there_is(clients: Clients) -> None:
    scores = clients.domain("scores")
    saved = await scores.save_score(score(input=nested(15)))
    assert await scores.get_score_by_id(saved.id) == saved
    with pytest.raises(LimitExceededError) as caught:
        await scores.save_score(score(input=nested(16)))
    assert (caught.value.limit, caught.value.unit) == (16, "levels")
    assert str(caught.value.field).startswith("score.input")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scorer_id": ""}, "score.scorer_id"),
        ({"run_id": None}, "score.run_id"),
        ({"scorer": None}, "score.scorer"),
        ({"scorer": "Tone"}, "score.scorer"),
        ({"score": float("nan")}, "score.score"),
        ({"score": float("inf")}, "score.score"),
        ({"score": "0.5"}, "score.score"),
        ({"score": True}, "score.score"),
        ({"score": None}, "score.score"),
        ({"score": 10**400}, "score.score"),
        ({"source": "live"}, "score.source"),
        ({"source": None}, "score.source"),
        ({"reason": 5}, "score.reason"),
        ({"reason_prompt": "\ud800"}, "score.reason_prompt"),
        ({"entity_id": ""}, "score.entity_id"),
        ({"entity_type": 5}, "score.entity_type"),
        ({"entity": []}, "score.entity"),
        ({"trace_id": ""}, "score.trace_id"),
        ({"metadata": "text"}, "score.metadata"),
        ({"metadata": {"$schema": 1}}, "score.metadata"),
        ({"additional_context": {"clé": 1}}, "score.additional_context"),
        ({"request_context": {"a": {"$b": 1}}}, "score.request_context.a"),
        ({"input": {"a": [float("nan")]}}, "score.input.a[0]"),
        ({"output": {"n": 2**60}}, "score.output.n"),
        ({"preprocess_step_result": object()}, "score.preprocess_step_result"),
        ({"extract_step_result": {1: 2}}, "score.extract_step_result"),
        ({"analyze_step_result": {"x": {1, 2}}}, "score.analyze_step_result.x"),
        ({"input": "x" * 1_100_000}, "score"),
    ],
)
async def test_refused_scores(clients: Clients, fields: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("scores").save_score(score(**fields))
    assert caught.value.field == field
    assert clients.requests() == []


async def test_what_is_no_score(clients: Clients) -> None:
    with pytest.raises(InvalidArgumentError, match="score must be a Score, not dict"):
        await clients.domain("scores").save_score({"scorer_id": "s"})
    with pytest.raises(InvalidArgumentError, match="score_id must be a text"):
        await clients.domain("scores").get_score_by_id("")


LISTS = [
    ("list_scores_by_scorer_id", {"scorer_id": "s"}),
    ("list_scores_by_run_id", {"run_id": "r"}),
    ("list_scores_by_entity_id", {"entity_id": "e", "entity_type": "AGENT"}),
    ("list_scores_by_span", {"trace_id": "t", "span_id": "s"}),
]


@pytest.mark.parametrize(("operation", "ids"), LISTS)
async def test_refused_listings(clients: Clients, operation: str, ids: dict[str, str]) -> None:
    method = getattr(clients.domain("scores"), operation)
    for name in [*ids, "organization_id", "project_id"]:
        with pytest.raises(InvalidArgumentError) as caught:
            await method(**{**ids, name: ""})
        assert caught.value.field == name
    for page, field in [
        ({"page": -1}, "page"),
        ({"page": "0"}, "page"),
        ({"per_page": -1}, "per_page"),
        ({"per_page": True}, "per_page"),
        ({"page": 2**52, "per_page": 100}, "page"),
    ]:
        with pytest.raises(InvalidArgumentError) as caught:
            await method(**ids, **page)
        assert caught.value.field == field
        assert caught.value.code == "MASTRA_STORAGE_CONVEX_LIST_SCORES_INVALID_PAGINATION"
    assert clients.requests() == []


@pytest.mark.parametrize("filters", [{"source": "live"}, {"entity_id": ""}, {"entity_type": 5}])
async def test_refused_filters(clients: Clients, filters: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("scores").list_scores_by_scorer_id("s", **filters)
    assert caught.value.field == next(iter(filters))
    assert clients.requests() == []
