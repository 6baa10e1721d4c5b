"""``convex_mastra/documents:ranges``: the first records of several ranges, on every lane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convex_mastra import FunctionError, open_backend
from convex_mastra.flow import run
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.storage import delete_rows, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.wire import DOCUMENTS_RANGES_FUNCTION
from tests.lanes import Deployment, with_older_lanes

pytestmark = with_older_lanes

Unique = Callable[[str], str]
KEYS = ["b", "a/1", "é", "a/2", "a", "a0", "a/10", "😀", "ﬀ"]


class Documents:
    """Rows of logical tables, and ranges of them."""

    def __init__(self, deployment: Deployment) -> None:
        self.backend = open_backend(deployment.url, deployment.admin_key)
        self.is_deployed = not deployment.is_older
        self.target = Target(
            self.backend.options.retry_policy(), deployment.storage_function, self.backend.abilities
        )

    def put(self, table: str, *keys: str) -> None:
        rows = [{"id": key, "n": number} for number, key in enumerate(keys)]
        run(upsert_rows(self.target, table, [rows]), self.backend)

    def ranges(self, *ranges: Any) -> Any:
        args = {"ranges": list(ranges)}
        return run(ask_own(self.target, DOCUMENTS_RANGES_FUNCTION, args), self.backend)

    def keys(self, *ranges: Any) -> Any:
        return [[row["id"] for row in rows] for rows in self.ranges(*ranges)]


@pytest.fixture
def documents(deployment: Deployment) -> Iterator[Documents]:
    opened = Documents(deployment)
    if opened.is_deployed:
        yield opened
    else:
        assert opened.ranges({"table": "any", "limit": 1}) is None
    opened.backend.close()
    if not opened.is_deployed:
        pytest.skip("it is not deployed there")


def test_ranges_of_keys_are_in_their_order(documents: Documents, unique: Unique) -> None:
    table = unique("ranges")
    documents.put(table, *KEYS)
    documents.put(f"{table}x", "a/3")

    def one(first: str, below: str, limit: int = 99, **more: Any) -> Any:
        return {"table": table, "limit": limit, "keys": {"from": first, "below": below, **more}}

    assert documents.keys(
        one("a/", "a0"),
        one("a/", "a0", descending=True),
        one("a/", "a0", 1, descending=True),
        one("a/", "a0", 2, descending=False),
        one("", "\U0010ffff"),
        one("a", "a"),
        one("z", "a"),
    ) == [
        ["a/1", "a/10", "a/2"],
        ["a/2", "a/10", "a/1"],
        ["a/2"],
        ["a/1", "a/10"],
        sorted(KEYS),
        [],
        [],
    ]


def test_a_table_is_in_order_of_creation(documents: Documents, unique: Unique) -> None:
    table, other = unique("ranges"), unique("ranges")
    documents.put(table, *KEYS)
    run(delete_rows(documents.target, table, [KEYS[1]]), documents.backend)
    documents.put(table, KEYS[1], KEYS[0])
    whole, some, none = documents.ranges(
        {"table": table, "limit": 99}, {"table": table, "limit": 2}, {"table": other, "limit": 1}
    )
    assert [row["id"] for row in whole] == [KEYS[0], *KEYS[2:], KEYS[1]]
    assert whole[0] == {"id": KEYS[0], "n": 1}
    assert (some, none) == (whole[:2], [])
    assert documents.ranges() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 1},
        {"table": "t"},
        {"table": 1, "limit": 1},
        {"table": "t", "limit": 0.5},
        {"table": "t", "limit": 1, "keys": {"from": "a"}},
        {"table": "t", "limit": 1, "keys": {"from": 1, "below": "b"}},
    ],
)
def test_what_cannot_be_asked_is_refused(documents: Documents, wrong: Any) -> None:
    documents.backend.abilities[DOCUMENTS_RANGES_FUNCTION] = True
    with pytest.raises(FunctionError):
        documents.ranges(wrong)
