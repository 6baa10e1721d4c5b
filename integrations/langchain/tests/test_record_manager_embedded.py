"""``ConvexRecordManager`` where many requests are cheap: full lists, and writers side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convex_mastra import ScanLimitError
from convex_mastra.backends import Backend
from integrations.langchain.tests.record_managers import (
    OneFace,
    groups_of_two_lists,
    manager_on,
)
from tests.faulty import FaultyBackend
from tests.lanes import Deployment, on_lanes

Unique = Callable[[str], str]
pytestmark = on_lanes(["embedded"])


async def test_more_than_can_be_listed_is_no_short_list(
    face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    ours = OneFace(manager_on(deployment, backend, unique("records")), face)
    g, h = groups_of_two_lists()
    keys = [f"key-{number}" for number in range(10_000)]
    await ours.update(keys[1:], group_ids=[g] * 9_999)
    await ours.update(["h"], group_ids=[h])
    assert await ours.list_keys(group_ids=[g], limit=3) == keys[1:4]
    await ours.update(keys[:1], group_ids=[g])
    for groups in ([g], None):
        with pytest.raises(ScanLimitError, match="at least 10,000 rows"):
            await ours.list_keys(group_ids=groups, limit=1)
    assert await ours.list_keys(group_ids=[h]) == ["h"]
    assert await ours.exists([keys[0], "h", "i"]) == [True, True, False]
    await ours.delete_keys(keys[:2])
    assert len(await ours.list_keys(group_ids=[g])) == 9_998


INTERLEAVED = st.lists(
    st.tuples(
        st.sampled_from(["update", "delete", "index"]),
        st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True),
        st.sampled_from([None, "group-0", "group-1", "group-2"]),
    ),
    min_size=1,
    max_size=3,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories=st.lists(INTERLEAVED, min_size=2, max_size=3), random=st.randoms())
async def test_whatever_writers_do_at_once_every_record_is_listed(
    histories: list[Any], random: Any, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    namespace = unique("records")
    slow = FaultyBackend(backend, delay=lambda: random.randrange(12))
    start = manager_on(deployment, backend, namespace)
    start.update(["a", "b"], group_ids=["group-0", "group-1"])

    async def write(history: Any) -> None:
        manager = manager_on(deployment, slow, namespace)
        for what, keys, group in history:
            if what == "delete":
                await manager.adelete_keys(keys)
            elif what == "index":
                await manager.aexists(keys)
                await manager.aupdate(keys)
                await manager.aupdate(keys, group_ids=[group] * len(keys))
            else:
                await manager.aupdate(keys, group_ids=[group] * len(keys))

    await asyncio.gather(*map(write, histories))
    fresh = manager_on(deployment, backend, namespace)
    stored = {
        key for key, is_there in zip("abc", fresh.exists(list("abc")), strict=True) if is_there
    }
    assert set(fresh.list_keys()) == stored
    by_group = [
        key
        for group in (None, "group-0", "group-1", "group-2")
        for key in fresh.list_keys(group_ids=[group])
    ]
    assert set(by_group) == stored
    fresh.delete_keys(list("abc"))
    assert fresh.list_keys() == manager_on(deployment, backend, namespace).list_keys() == []
