"""npm's ``ConvexServerCache`` and ours on the same keys.

On the dev server and on the reference deployment; the JavaScript is the package's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convex_mastra import ConvexServerCache, StorageError
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

VALUES = [
    None,
    False,
    3,
    -2.5,
    2**53,
    1e21,
    "Grüße \N{GRINNING FACE} \u2028",
    [1, [None], {}],
    {"b": 1, "a": {"10": [True], "9": "x"}, "": 0},
]


@pytest.fixture
def cache(deployment: Deployment, unique: Callable[[str], str]) -> Iterator[ConvexServerCache]:
    with ConvexServerCache(
        deployment.url, deployment.admin_key, key_prefix=unique("cache") + ":"
    ) as opened:
        yield opened


def mastra(
    deployment: Deployment, cache: ConvexServerCache, *calls: list[Any], **options: Any
) -> list[Any]:
    """What npm's client answers on the same keys."""
    place = {"url": deployment.url, "key": deployment.admin_key, "keyPrefix": cache.key_prefix}
    answers: list[Any] = run_node("cache.ts", {**place, **options, "calls": list(calls)})
    return answers


def test_mastra_reads_what_python_cached(deployment: Deployment, cache: ConvexServerCache) -> None:
    for number, value in enumerate(VALUES):
        cache.set(f"v{number}", value)
        cache.list_push("l", value)
    cache.increment("c")
    found = mastra(deployment, cache, *(["get", f"v{number}"] for number in range(len(VALUES))))
    assert found == VALUES
    assert mastra(
        deployment,
        cache,
        ["listFromTo", "l", 0],
        ["listFromTo", "l", -2, -1],
        ["listLength", "l"],
        ["increment", "c"],
        ["get", "l"],
        ["get", "none"],
    ) == [VALUES, VALUES[-2:], len(VALUES), 2, None, None]
    assert cache.increment("c") == 3


def test_python_reads_what_mastra_cached(deployment: Deployment, cache: ConvexServerCache) -> None:
    sets = [["set", f"v{number}", value] for number, value in enumerate(VALUES)]
    pushes = [["listPush", "l", value] for value in VALUES]
    assert not any(mastra(deployment, cache, *sets, *pushes))
    assert mastra(deployment, cache, ["increment", "c"], ["increment", "c"]) == [1, 2]
    assert [cache.get(f"v{number}") for number in range(len(VALUES))] == VALUES
    assert cache.list_from_to("l", 0) == VALUES
    assert cache.list_from_to("l", -2, -1) == VALUES[-2:]
    assert cache.list_length("l") == len(VALUES)
    assert cache.increment("c") == 3


def test_both_delete_and_clear_the_same(deployment: Deployment, cache: ConvexServerCache) -> None:
    for _ in range(30):
        cache.list_push("l", 1)
    cache.set("v", 1)
    mastra(deployment, cache, ["delete", "l"], ["listPush", "l", "again"])
    assert cache.list_from_to("l", 0) == ["again"]
    mastra(deployment, cache, ["clear"])
    assert (cache.list_length("l"), cache.get("v")) == (0, None)
    mastra(deployment, cache, *[["listPush", "l", 1]] * 30, ["set", "v", 1])
    cache.clear()
    assert mastra(deployment, cache, ["listLength", "l"], ["get", "v"]) == [0, None]


def test_both_let_entries_live_as_long(deployment: Deployment, cache: ConvexServerCache) -> None:
    mastra(deployment, cache, ["set", "short", 1, 1], ["set", "long", 2], ["set", "ever", 3, 0])
    assert [cache.get(key) for key in ("short", "long", "ever")] == [None, 2, 3]
    cache.set("short", 1, ttl_s=0.001)
    cache.set("long", 2)
    cache.set("ever", 3, ttl_s=0)
    reads = [["get", key] for key in ("short", "long", "ever")]
    assert mastra(deployment, cache, *reads) == [None, 2, 3]


def test_both_fail_with_the_same_words(deployment: Deployment, cache: ConvexServerCache) -> None:
    cache.set("v", 1)
    answers = mastra(deployment, cache, ["listPush", "v", 1], ["increment", "v"])
    for call, answer in zip(
        (lambda: cache.list_push("v", 1), lambda: cache.increment("v")), answers, strict=True
    ):
        with pytest.raises(StorageError) as caught:
            call()
        assert {"error": caught.value.message} == answer
