"""The filter grammar: what each operator selects. Parity with npm is in tests/interop."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from convex_mastra import InvalidArgumentError
from convex_mastra.filters import compile_filter

RECORD: dict[str, Any] = {
    "n": 5,
    "f": 5.5,
    "s": "Hello World",
    "b": True,
    "nil": None,
    "tags": ["x", "y", 3],
    "a": {"b": {"c": 1}, "list": [{"k": 1}, {"k": 2, "z": True}]},
    "a.b": "literal",
    "hex": "0x10",
    "arabic": "\u0663",
}


@pytest.mark.parametrize(
    "where",
    [
        {"n": 5},
        {"n": {"$eq": 5.0}},
        {"n": {"$gt": 4, "$lt": 6}},
        {"n": {"$gt": -(10**400)}},
        {"hex": {"$gt": 15, "$lt": 17}},
        {"n": {"$gte": 5, "$lte": 5, "$ne": 6}},
        {"nil": None},
        {"nil": {"$exists": True}},
        {"gone": {"$exists": False}},
        {"gone": {"$ne": 1}},
        {"gone": {"$nin": [1]}},
        {"s": {"$regex": "^hello", "$options": "i"}},
        {"s": {"$regex": "W"}},
        {"s": {"$contains": "lo W"}},
        {"tags": {"$contains": "x"}},
        {"tags": {"$contains": ["x", 3]}},
        {"a": {"$contains": {"b": {"c": 1}}}},
        {"tags": {"$all": ["y", "x"]}},
        {"tags": {"$all": []}},
        {"tags": {"$elemMatch": {"$gt": 2}}},
        {"a.list": {"$elemMatch": {"k": 2, "z": True}}},
        {"a.list.1.k": 2},
        {"tags.0": "x"},
        {"a.b": "literal"},
        {"a.b.c": 1},
        {"tags": ["x", "y", 3]},
        {"a": {"$eq": RECORD["a"]}},
        {"n": {"$not": {"$gt": 5}}},
        {"$not": {"n": 6}},
        {"$nor": [{"n": 6}, {"b": False}]},
        {"$nor": []},
        {"$or": [{"n": 6}, {"$and": [{"n": 5}, {"b": True}]}]},
    ],
)
def test_selects(where: dict[str, Any]) -> None:
    predicate = compile_filter(where)
    assert predicate is not None
    assert predicate(RECORD)
    negated = compile_filter({"$not": where})
    assert negated is not None
    assert not negated(RECORD)


@pytest.mark.parametrize(
    "where",
    [
        {"n": True},
        {"b": 1},
        {"n": "5"},
        {"n": {"$gt": 4, "$lt": 5}},
        {"gone": None},
        {"s": {"$gt": 0}},
        {"arabic": {"$gt": 0}},
        {"n": {"$gt": 10**400}},
        {"gone": {"$gt": 0}},
        {"gone": {"$in": [None]}},
        {"nil": {"$exists": False}},
        {"s": {"$regex": "hello"}},
        {"n": {"$regex": "5"}},
        {"n": {"$contains": 5}},
        {"tags": {"$all": ["x", "z"]}},
        {"n": {"$all": [5]}},
        {"tags": {"$in": ["x"]}},
        {"tags": {"$elemMatch": {"$gt": 3}}},
        {"a.list": {"$elemMatch": {"k": 1, "z": True}}},
        {"a.gone.c": 1},
        {"tags.9": "x"},
        {"$or": []},
        {"$nor": [{"n": 5}]},
    ],
)
def test_does_not_select(where: dict[str, Any]) -> None:
    predicate = compile_filter(where)
    assert predicate is not None
    assert not predicate(RECORD)


@pytest.mark.parametrize("where", [None, {}])
def test_selects_everything(where: Any) -> None:
    assert compile_filter(where) is None


@pytest.mark.parametrize("metadata", [None, [], "x"])
def test_no_metadata_matches_no_filter(metadata: Any) -> None:
    predicate = compile_filter({"$and": []})
    assert predicate is not None
    assert not predicate(metadata)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({"$and": {}}, r"\$and in a filter must be a list of objects"),
        ({"$or": [1]}, r"\$or"),
        ({"$not": []}, r"\$not"),
        ({"$where": "1"}, r"\$where is unknown"),
        ({"n": {"$near": 1}}, r"\$near on n is unknown"),
        ({"n": {"$gt": 1, "x": 2}}, "x on n is unknown"),
        ({"n": {"$gt": [1]}}, "n's bound"),
        ({"n": {"$in": "abc"}}, r"n\.\$in"),
        ({"n": {"$all": 1}}, r"n\.\$all"),
        ({"n": {"$exists": 1}}, r"n\.\$exists"),
        ({"n": {"$elemMatch": 1}}, r"n\.\$elemMatch"),
        ({"n": {"$not": 1}}, r"n\.\$not"),
        ({"n": {"$regex": 1}}, r"n\.\$regex"),
        ({"n": {"$regex": "a", "$options": "q"}}, "unknown flag"),
        ({"n": {"$regex": "a{99999999999999999999}"}}, r"n\.\$regex"),
        ({"n": {"$options": "i"}}, r"\$options on n is unknown"),
        ({1: 2}, "the key 1 is no text"),
        ({"n": {"$in": {1}}}, "cannot be written as JSON"),
        ({"n": datetime(2026, 1, 1, tzinfo=UTC)}, "cannot be written as JSON"),
        ({"n": float("nan")}, "cannot be written as JSON"),
        ({"n": np.int64(5)}, "cannot be written as JSON"),
        ([], None),
        ([1], "^filter must be an object"),
    ],
)
def test_refuses(where: Any, text: str | None) -> None:
    if text is None:
        assert compile_filter(where) is None
        return
    with pytest.raises(InvalidArgumentError, match=text):
        compile_filter(where)
