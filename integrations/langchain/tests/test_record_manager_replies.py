"""What ``ConvexRecordManager`` answers to random histories: as LangChain's own manager does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convex_mastra.backends import Backend
from integrations.langchain.tests.record_managers import Model, OneFace, manager_on, rows_of
from tests.lanes import Deployment, on_lanes, with_older_lanes

Unique = Callable[[str], str]

LONG = "k" * 10_000
KEYS = st.sampled_from(["", "a", "b", "c", "ä/#$~@", "~" + "f" * 64, LONG, "\ud800", "%41"])
GROUPS = st.sampled_from([None, "", "g", "h", "i/#$", "ü" * 5_000])
MARKS = st.none() | st.integers(0, 30)
FUTURE_S = 1e12

UPDATES = st.tuples(
    st.just("update"), st.lists(st.tuples(KEYS, GROUPS), max_size=4), st.booleans(), MARKS
)
LISTS = st.tuples(
    st.just("list"),
    MARKS,
    MARKS,
    st.none() | st.lists(GROUPS, max_size=2),
    st.sampled_from([None, None, 0, 1, 2, 3]),
)
STEPS = st.one_of(
    UPDATES,
    UPDATES,
    LISTS,
    LISTS,
    st.tuples(st.just("delete"), st.lists(KEYS, max_size=3)),
    st.tuples(st.just("exists"), st.lists(KEYS, max_size=4)),
    st.tuples(st.just("time")),
)
HISTORIES = st.lists(st.tuples(STEPS, st.integers(0, 1)), min_size=3, max_size=12)
"""Steps, each with which of two managers takes it."""


class Both:
    """Our manager and LangChain's, asked the same.

    Attributes:
        marks: moments that both were asked for, by the clock of each.
    """

    def __init__(self, ours: list[OneFace]) -> None:
        self.ours = ours
        self.model = Model("model")
        self.marks: list[tuple[float, float]] = []

    async def mark(self, manager: OneFace) -> None:
        self.marks.append((await manager.get_time(), self.model.get_time()))

    def moment(self, mark: int | None) -> tuple[float | None, float | None]:
        """The same moment for both; the last number is one that is yet to come."""
        if mark is None:
            return None, None
        return (*self.marks, (FUTURE_S, FUTURE_S))[mark % (len(self.marks) + 1)]

    async def do(self, step: Any, manager: OneFace) -> None:
        match step:
            case ("time",):
                await self.mark(manager)
            case ("exists", keys):
                assert await manager.exists(keys) == self.model.exists(keys)
            case ("delete", keys):
                assert await manager.delete_keys(keys) is self.model.delete_keys(keys)
            case ("update", pairs, has_groups, mark):
                keys = [key for key, _ in pairs]
                groups = [group for _, group in pairs] if has_groups else None
                at_least, model_at_least = self.moment(mark)
                try:
                    self.model.update(keys, group_ids=groups, time_at_least=model_at_least)
                except ValueError:
                    with pytest.raises(ValueError, match="time_at_least"):
                        await manager.update(keys, group_ids=groups, time_at_least=at_least)
                else:
                    await manager.update(keys, group_ids=groups, time_at_least=at_least)
            case ("list", before, after, groups, limit):
                (our_before, model_before) = self.moment(before)
                (our_after, model_after) = self.moment(after)
                options = {"group_ids": groups, "limit": limit}
                found = await manager.list_keys(before=our_before, after=our_after, **options)
                wanted = self.model.list_keys(before=model_before, after=model_after, **options)
                if len(self.ours) == 1:
                    assert found == wanted
                    return
                every = self.model.list_keys(
                    before=model_before, after=model_after, group_ids=groups
                )
                assert len(set(found)) == len(wanted)
                assert set(found) <= set(every)  # which come first is what one manager knows


async def compare(history: Any, managers: list[OneFace]) -> Model:
    """Ask ours and LangChain's the same; return LangChain's."""
    both = Both(managers)
    await both.mark(managers[0])
    for step, number in history:
        await both.do(step, managers[number % len(managers)])
    for last in (("list", None, None, None, None), ("exists", list(both.model.records))):
        await both.do(last, managers[-1])
    return both.model


def examples(number: int) -> settings:
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@with_older_lanes
@examples(6)
@given(history=HISTORIES, number=st.integers(1, 2))
async def test_replies(
    history: Any, number: int, face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    name = unique("records")
    ours = [OneFace(manager_on(deployment, backend, name), face) for _ in range(number)]
    model = await compare(history, ours)
    if number == 1:
        assert len(rows_of(deployment, backend, name)) == len(model.records), "nothing is left over"


@on_lanes(["embedded"])
@examples(100)
@given(history=HISTORIES, number=st.integers(1, 2))
async def test_more_replies(
    history: Any, number: int, face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    name = unique("records")
    await compare(
        history, [OneFace(manager_on(deployment, backend, name), face) for _ in range(number)]
    )
