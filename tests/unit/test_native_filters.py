"""What a native index is asked for in place of any filter."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra import NativeIndex
from convex_mastra.filters import compile_filter
from convex_mastra.ops.native_filters import clauses, narrow

INDEX = NativeIndex(table_name="t", dimension=2, filter_fields=("tag", "page"))
SCALARS = st.sampled_from(["x", "y", "", None, True, False, 0, 1, -0.0, 2.5, 2**60])
ODD = st.sampled_from([["x"], {"a": 1}])
OPERANDS = st.one_of(
    SCALARS,
    ODD,
    st.builds(lambda value: {"$eq": value}, SCALARS | ODD),
    st.builds(lambda values: {"$in": values}, st.lists(SCALARS, max_size=3)),
    st.builds(lambda value, other: {"$eq": value, "$ne": other}, SCALARS, SCALARS),
    st.builds(lambda values: {"$in": values, "$exists": True}, st.lists(SCALARS, max_size=2)),
    st.sampled_from([{"$gt": 1}, {"$exists": True}, {"$ne": "x"}, {"$not": {"$eq": "x"}}]),
)
FIELDS = st.dictionaries(st.sampled_from(["tag", "page", "other"]), OPERANDS, max_size=2)
FILTERS = st.recursive(
    FIELDS,
    lambda inner: st.one_of(
        st.builds(
            lambda name, branches, more: {name: branches, **more},
            st.sampled_from(["$or", "$and", "$nor"]),
            st.lists(inner, max_size=3),
            FIELDS,
        ),
        st.builds(lambda where: {"$not": where}, inner),
    ),
    max_leaves=6,
)
METADATA = st.dictionaries(st.sampled_from(["tag", "page", "other"]), SCALARS | ODD)
NOTHING = object()


def equal_to_convex(stored: Any, value: Any) -> bool:
    """Equality of Convex values: of one type, and -0 is not 0."""
    if isinstance(stored, bool) or isinstance(value, bool) or not isinstance(stored, int | float):
        return type(stored) is type(value) and stored == value
    return (
        isinstance(value, int | float)
        and stored == value
        and math.copysign(1, stored) == math.copysign(1, value)
    )


@given(FILTERS, METADATA)
def test_every_match_meets_what_is_asked_for(
    where: dict[str, Any], metadata: dict[str, Any]
) -> None:
    predicate = compile_filter(where)
    matches = predicate is None or predicate(metadata)
    narrowed = narrow(where, INDEX)
    asked = [
        equal_to_convex(metadata.get(term["field"], NOTHING), term["value"])
        for term in clauses(narrowed.filter, INDEX)
    ]
    found = not narrowed.is_empty and (not asked or any(asked))
    assert found or not matches
    if narrowed.is_exact:
        assert found is matches


@pytest.mark.parametrize(
    ("where", "asked", "is_exact"),
    [
        (None, None, True),
        ({"metadata": {"tag": "x"}}, {"tag": "x"}, True),
        ({"tag": {"$in": ["x", "y", "x"]}}, {"$or": [{"tag": "x"}, {"tag": "y"}]}, True),
        ({"tag": "x", "other": 1}, {"tag": "x"}, False),
        ({"page": {"$in": [1, 2]}, "tag": "x"}, {"tag": "x"}, False),
        ({"$and": [{"tag": "x"}]}, {"tag": "x"}, True),
        ({"$or": [{"tag": "x"}, {"page": 3, "n": 1}]}, {"$or": [{"tag": "x"}, {"page": 3}]}, False),
        ({"$or": [{"tag": "x"}, {"other": 1}]}, None, False),
        ({"page": 0}, {"$or": [{"page": 0}, {"page": -0.0}]}, True),
        ({"tag": {"$in": [str(n) for n in range(65)]}}, None, False),
        ({"tag": {"$gt": "x"}}, None, False),
        ({"tag": 2**60}, None, False),
        ({"$not": {"tag": "x"}}, None, False),
    ],
)
def test_what_is_asked_for(where: Any, asked: Any, is_exact: bool) -> None:
    narrowed = narrow(where, INDEX)
    assert (narrowed.filter, narrowed.is_exact, narrowed.is_empty) == (asked, is_exact, False)


def test_nothing_to_ask() -> None:
    for where in ({"tag": {"$in": []}}, {"$or": []}, {"other": 1, "tag": {"$in": []}}):
        assert narrow(where, INDEX).is_empty
