"""``ConvexRecordManager`` itself, on every lane, under both faces."""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra import (
    ClosedError,
    ConvexDocuments,
    InvalidArgumentError,
    LimitExceededError,
)
from convex_mastra.backends import Backend
from convex_mastra.ops.partitions import SHARDS, name_part
from integrations.langchain.tests.record_managers import (
    OneFace,
    groups_of_two_lists,
    manager_on,
    rows_of,
)
from langchain_convex_mastra import ConvexRecordManager, record_operations
from langchain_convex_mastra.record_layout import (
    Partitions,
    read_record,
    record_key,
    shard_of,
)
from tests.faulty import FaultyBackend
from tests.lanes import Deployment, with_older_lanes

Unique = Callable[[str], str]
pytestmark = with_older_lanes


async def test_time_goes_on_and_is_not_the_clients(
    face: str,
    backend: Backend,
    deployment: Deployment,
    unique: Unique,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, other = (OneFace(manager_on(deployment, backend, unique("r")), face) for _ in range(2))
    first = await ours.get_time()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    times = [first, await ours.get_time(), await other.get_time(), await ours.get_time()]
    assert times == sorted(set(times))
    assert times[-1] - first < 600
    monkeypatch.setattr(record_operations, "server_time", told_again(first))
    assert times[-1] < await ours.get_time() < await ours.get_time() < times[-1] + 1e-5


def told_again(now_s: float) -> Callable[[Any], Any]:
    """A deployment whose clock stands still."""

    def server_time(_target: Any) -> Any:
        yield from ()
        return now_s

    return server_time


async def test_comparisons_are_strict(
    face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    namespace = unique("records")
    ours = OneFace(manager_on(deployment, backend, namespace), face)
    began = await ours.get_time()
    await ours.update(["a"], time_at_least=began)
    documents = ConvexDocuments(backend=backend, storage_function=deployment.storage_function)
    stored = documents.get_many(Partitions(namespace).by_key, [record_key("a")])
    at = read_record(stored[record_key("a")]).updated_at
    assert began < at < await ours.get_time()
    assert await ours.list_keys(before=at) == await ours.list_keys(after=at) == []
    assert await ours.list_keys(before=math.nextafter(at, math.inf)) == ["a"]
    assert await ours.list_keys(after=math.nextafter(at, 0)) == ["a"]


async def test_refusals(
    face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    watched = FaultyBackend(backend)
    ours = OneFace(manager_on(deployment, watched, unique("records")), face)
    too_long = "é" * 32_769
    for call, message in (
        (lambda: ours.update(["a"], group_ids=["g", "h"]), "1 keys but 2 group_ids"),
        (lambda: ours.update([], group_ids=["g"]), "0 keys but 1 group_ids"),
        (lambda: ours.update("a"), "keys must be a list"),
        (lambda: ours.update(["a", None]), r"keys\[1\] must be a text; it is None"),
        (lambda: ours.update(["a"], group_ids=[7]), r"group_ids\[0\] must be a text"),
        (lambda: ours.update(["a"], group_ids="g"), "group_ids must be a list"),
        (lambda: ours.update(["a"], time_at_least="noon"), "time_at_least must be a time"),
        (lambda: ours.list_keys(before=math.nan), "before must be a time"),
        (lambda: ours.list_keys(after="noon"), "after must be a time"),
        (lambda: ours.list_keys(limit=-1), "limit must be a whole number"),
        (lambda: ours.list_keys(group_ids="g"), "group_ids must be a list"),
        (lambda: ours.exists("a"), "keys must be a list"),
        (lambda: ours.delete_keys("a"), "keys must be a list"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            await call()
    for call in (lambda: ours.exists([too_long]), lambda: ours.update(["a"], group_ids=[too_long])):
        with pytest.raises(LimitExceededError, match=r"65,538 bytes; .* up to 65,536"):
            await call()
    assert watched.sent == [], "refused before anything is sent"
    await ours.update(["\0" * 65_536], group_ids=["\0" * 65_536])
    assert await ours.list_keys(group_ids=["\0" * 65_536]) == ["\0" * 65_536]


async def test_namespaces_do_not_see_each_other(
    face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    base, long = unique("ns"), unique("ns") * 100
    names = [base, f"{base}/by_key", f"{base}/lists/0", f"{base}#parts", f"{base}$ ü\ud800", long]
    names.append(name_part(long))
    managers = [OneFace(manager_on(deployment, backend, name), face) for name in names]
    for number, manager in enumerate(managers):
        await manager.update([str(number), "everywhere"])
    for number, manager in enumerate(managers):
        assert await manager.list_keys() == [str(number), "everywhere"]
    await managers[0].delete_keys(["everywhere"])
    assert await managers[1].exists(["everywhere", "0"]) == [True, False]


async def test_a_key_that_moves_leaves_nothing_behind(
    face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    namespace = unique("records")
    one, other = (OneFace(manager_on(deployment, backend, namespace), face) for _ in range(2))
    g, h = groups_of_two_lists()
    await one.update(["a"], group_ids=[g])
    await other.update(["a"], group_ids=[h])
    assert len(rows_of(deployment, backend, namespace)) == 1
    # The first still takes the key for its own: its row is now the newest, the other's too much.
    await one.update(["a"], group_ids=[g])
    assert len(rows_of(deployment, backend, namespace)) == 2
    later = await other.get_time()
    assert await other.list_keys(group_ids=[h]) == []
    assert len(rows_of(deployment, backend, namespace)) == 1, "who finds such a row deletes it"
    assert await other.list_keys(group_ids=[g], before=later) == ["a"]
    # A row that stays behind does not bring a deleted key back.
    await other.update(["a"], group_ids=[h])
    await one.update(["a"], group_ids=[g])
    await one.delete_keys(["a"])
    assert await one.list_keys() == await other.list_keys() == []
    assert await other.list_keys(group_ids=[h]) == []


async def test_a_limit_counts_what_is_returned(
    face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    namespace = unique("records")
    one, other = (OneFace(manager_on(deployment, backend, namespace), face) for _ in range(2))
    g, h = groups_of_two_lists()
    await one.update(list("abcde"), group_ids=[g] * 5)
    await other.exists(["a"])
    await one.update(["a"], group_ids=[g])
    await other.update(["a"], group_ids=[h])  # leaves the row that it has not seen
    assert len(rows_of(deployment, backend, namespace)) == 6
    assert await one.list_keys(group_ids=[g], limit=2) == ["b", "c"]
    assert await one.list_keys(group_ids=[g], limit=3) == ["b", "c", "d"]
    assert len(rows_of(deployment, backend, namespace)) == 5


async def test_rows_without_a_record_are_forgotten(
    face: str,
    backend: Backend,
    deployment: Deployment,
    unique: Unique,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an update leaves them that was stopped half-way, or is still under way."""
    namespace = unique("records")
    ours = OneFace(manager_on(deployment, backend, namespace), face)
    await ours.update(["stopped"], group_ids=["g"])
    documents = ConvexDocuments(backend=backend, storage_function=deployment.storage_function)
    documents.delete_many(Partitions(namespace).by_key, [record_key("stopped")])
    await ours.update(["b"], group_ids=["g"])
    assert await ours.list_keys() == ["b"]
    assert await ours.exists(["stopped"]) == [False]
    assert len(rows_of(deployment, backend, namespace)) == 2, "it may be under way"
    monkeypatch.setattr(record_operations, "ABANDONED_S", 0.0)
    assert await ours.list_keys(group_ids=["g"]) == ["b"]
    assert len(rows_of(deployment, backend, namespace)) == 1


async def test_cost(face: str, backend: Backend, deployment: Deployment, unique: Unique) -> None:
    watched = FaultyBackend(backend)
    ours = OneFace(manager_on(deployment, watched, unique("records")), face)
    keys = [f"key-{number}" for number in range(40)]
    groups = [f"group-{number % 4}" for number in range(40)]
    lists = len({shard_of(group) for group in groups})

    async def requests(call: Any) -> int:
        watched.sent.clear()
        await call
        return len(watched.sent)

    await ours.exists([f"an older deployment refuses a request once {n}" for n in range(11)])
    loads = 40 if deployment.is_older else 1
    assert await requests(ours.exists(keys)) == loads
    time_and_records = 3 + 1
    assert await requests(ours.update(keys, group_ids=groups)) == time_and_records + lists
    assert await requests(ours.update(keys, group_ids=groups)) == time_and_records + 2 * lists
    assert await requests(ours.update(keys)) == time_and_records + 2 * lists
    assert await requests(ours.update(keys, group_ids=groups)) == time_and_records + 2 * lists
    assert await requests(ours.list_keys(group_ids=groups, before=1.0)) == lists
    assert await requests(ours.list_keys(group_ids=groups)) == lists + loads
    assert await requests(ours.list_keys(before=1.0)) == len(SHARDS)
    assert await requests(ours.delete_keys(keys)) == 1 + lists
    for nothing in (ours.exists([]), ours.update([]), ours.delete_keys([]), ours.create_schema()):
        assert await requests(nothing) == 0


async def test_closing_and_showing(deployment: Deployment, backend: Backend) -> None:
    with ConvexRecordManager("n" * 200, backend=backend) as shared:
        assert shared.backend is backend
    assert "n" * 200 not in repr(shared)
    async with ConvexRecordManager("n", backend=backend) as shared:
        assert await shared.aexists(["a"]) == [False]
    owned = ConvexRecordManager(
        "n", deployment_url=deployment.url, admin_auth_token=deployment.admin_key
    )
    assert deployment.admin_key is None or deployment.admin_key not in repr(owned)
    with pytest.raises(TypeError):
        pickle.dumps(owned)
    owned.close()
    await owned.aclose()
    with pytest.raises(ClosedError):
        owned.exists(["a"])
    for bad in (None, 7, "n" * 65_537):
        with pytest.raises(InvalidArgumentError, match="namespace"):
            ConvexRecordManager(bad, backend=backend)  # type: ignore[arg-type]
