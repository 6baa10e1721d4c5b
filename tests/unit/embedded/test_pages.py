"""Pages of a vector index, and the cursors between them."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra import limits
from convex_mastra.backends.embedded import EmbeddedBackend
from tests.unit.embedded.storage import send

TABLE = "mastra_vector_v"


def fill(backend: EmbeddedBackend, *numbers: int) -> None:
    records = [{"id": f"v{n}", "embedding": [float(n)]} for n in numbers]
    assert send(backend, "batchInsert", TABLE, records=records) == {"ok": True}


def page(backend: EmbeddedBackend, size: int, cursor: str | None = None, **args: Any) -> Any:
    reply = send(backend, "queryTable", TABLE, pageSize=size, cursor=cursor, **args)
    assert reply["ok"], reply
    return [row["id"] for row in reply["result"]], reply["hasMore"], reply["continuationCursor"]


def test_pages_follow_each_other_to_the_end(backend: EmbeddedBackend) -> None:
    fill(backend, *range(5))
    first, has_more, cursor = page(backend, 2)
    assert (first, has_more) == (["v0", "v1"], True)
    second, has_more, cursor = page(backend, 2, cursor)
    assert (second, has_more) == (["v2", "v3"], True)
    third, has_more, cursor = page(backend, 2, cursor)
    assert (third, has_more) == (["v4"], False)
    fill(backend, 9)
    assert page(backend, 2, cursor)[:2] == ([], False)


def test_an_exactly_full_page_is_not_yet_the_last(backend: EmbeddedBackend) -> None:
    fill(backend, 0, 1)
    rows, has_more, cursor = page(backend, 2)
    assert (rows, has_more) == (["v0", "v1"], True)
    assert page(backend, 2, cursor)[:2] == ([], False)


def test_a_cursor_outlives_the_row_it_stands_on(backend: EmbeddedBackend) -> None:
    fill(backend, *range(4))
    _, _, cursor = page(backend, 2)
    send(backend, "deleteMany", TABLE, ids=["v1", "v2"])
    fill(backend, 1)
    assert page(backend, 9, cursor)[:2] == (["v3", "v1"], False)


def test_a_row_inserted_after_the_last_one_was_deleted_is_seen(backend: EmbeddedBackend) -> None:
    fill(backend, 0, 1)
    _, _, cursor = page(backend, 2)
    send(backend, "deleteMany", TABLE, ids=["v1"])
    fill(backend, 2)
    assert page(backend, 2, cursor)[0] == ["v2"]


def test_filters_thin_a_page_and_do_not_end_it(backend: EmbeddedBackend) -> None:
    fill(backend, *range(4))
    wanted = [{"field": "id", "value": "v3"}]
    rows, has_more, cursor = page(backend, 2, filters=wanted)
    assert (rows, has_more) == ([], True)
    assert page(backend, 3, cursor, filters=wanted)[:2] == (["v3"], False)


def test_a_page_that_would_read_too_much_ends_early(
    backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(backend, *range(10))
    monkeypatch.setattr(limits, "TRANSACTION_READ_BYTES", 500)
    rows, has_more, cursor = page(backend, 10)
    assert 0 < len(rows) < 10
    assert has_more
    monkeypatch.undo()
    rest, has_more, _ = page(backend, 20, cursor)
    assert rows + rest == [f"v{n}" for n in range(10)]
    assert not has_more


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"cursor": "x"}, "queryTable cursor requires pageSize"),
        ({"cursor": None}, "queryTable cursor requires pageSize"),
        ({"pageSize": 0}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": 1.5}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": None}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": "2"}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": 2, "limit": 1}, "queryTable limit cannot be combined with pageSize"),
        ({"pageSize": 32_001}, "Requested too many items: 32001"),
        ({"pageSize": 2, "cursor": "garbage"}, "Failed to parse cursor"),
        ({"pageSize": 2, "cursor": ""}, "Failed to parse cursor"),
        ({"pageSize": 2, "cursor": 5}, "Failed to parse cursor"),
        ({"pageSize": 2, "cursor": f"{'0' * 16}.zz"}, "Failed to parse cursor"),
        ({"pageSize": 2, "cursor": f"{'0' * 16}.{2**64:x}"}, "Failed to parse cursor"),
    ],
)
def test_refused(backend: EmbeddedBackend, args: dict[str, Any], error: str) -> None:
    assert send(backend, "queryTable", TABLE, **args) == {"error": error, "ok": False}


def test_a_cursor_belongs_to_its_index(backend: EmbeddedBackend) -> None:
    fill(backend, 0, 1)
    _, _, cursor = page(backend, 1)
    reply = send(backend, "queryTable", "mastra_vector_other", pageSize=1, cursor=cursor)
    assert reply["error"].startswith("InvalidCursor: Tried to run a query starting from a cursor")
