"""The truth table of filters, against core's own reference wherever that answers."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)
from llama_index.core.vector_stores.utils import build_metadata_filter_fn

from convex_mastra.filters import compile_filter
from llama_index_convex_mastra.filters import build_predicate
from llama_index_convex_mastra.nodes import filterable_metadata, node_to_metadata
from llama_index_convex_mastra.pushdown import push_down

TEXTS = ["", "a", "A", "ab", "é", "İ", "1", "\U0001f600", "\uffff", "\ud800", "None"]
NUMBERS = [0, 1, -1, 2, 1.0, 0.5, 2**53, 2**60]
STORED = [
    *TEXTS,
    *NUMBERS,
    *[True, False, None, float("nan"), [], {}, {"$y": 1}, {"a": 1}, [["a"], True]],
    *[["a"], ["a", "ab"], [1], [0, 2], [True], [False, "a"], [2**60]],
]
WANTED = [
    *[None, *TEXTS, *NUMBERS],
    *[[], ["a"], ["a", "é"], ["ab", ""], ["\ud800"], [1], [0, 2], [2**60], [0.5], [1.0]],
]
KEYS = ["k", "clé", "\ud800", "text", "a.b", "$x", "metadata", "doc_id"]


def one(key: str, operator: FilterOperator, wanted: Any) -> MetadataFilter:
    return MetadataFilter(key=key, operator=operator, value=wanted)


def stored_rows(key: str) -> list[dict[str, Any]]:
    """What the vector store would write for a node with each value under *key*, and without."""
    metadatas = [{}, *({key: value} for value in STORED)]
    return [node_to_metadata(TextNode(text="a", metadata=metadata)) for metadata in metadatas]


@pytest.mark.parametrize("operator", list(FilterOperator))
@pytest.mark.parametrize("condition", [*FilterCondition, None])
def test_answers_as_core_does_wherever_core_answers(
    operator: FilterOperator, condition: FilterCondition | None
) -> None:
    answered = 0
    for wanted in WANTED:
        filters = MetadataFilters(filters=[one("k", operator, wanted)], condition=condition)
        matches = build_predicate(filters)
        for metadata in [{}, *({"k": value} for value in STORED)]:
            try:
                expected = build_metadata_filter_fn(lambda _id, m=metadata: m, filters)("node")
            except TypeError:
                continue
            answered += 1
            assert matches(metadata) == expected, (metadata, filters)
    assert answered > 100


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("condition", [FilterCondition.AND, FilterCondition.NOT])
def test_what_is_pushed_down_selects_all_that_matches(key: str, condition: FilterCondition) -> None:
    rows = stored_rows(key)
    flat = [filterable_metadata(row) for row in rows]
    matched = 0
    for operator, wanted in product(FilterOperator, WANTED):
        filters = MetadataFilters(filters=[one(key, operator, wanted)], condition=condition)
        selects = compile_filter(push_down(filters, None))
        matches = build_predicate(filters)
        for row, metadata in zip(rows, flat, strict=True):
            if matches(metadata):
                matched += 1
                assert selects is None or selects(row), (metadata, filters)
    assert matched > 100


singles = st.builds(
    one, st.sampled_from(["k", "m"]), st.sampled_from(list(FilterOperator)), st.sampled_from(WANTED)
)
nested = st.recursive(
    singles,
    lambda inner: st.builds(
        MetadataFilters,
        filters=st.lists(inner, max_size=3),
        condition=st.sampled_from([*FilterCondition, None]),
    ),
    max_leaves=6,
)
NESTED_ROWS = [
    node_to_metadata(TextNode(text="t", metadata=metadata))
    for metadata in [
        {},
        *({"k": value} for value in STORED),
        *({"k": value, "m": other} for value, other in product([1, True, "a", ["a"]], STORED)),
    ]
]
NESTED_METADATA = [filterable_metadata(row) for row in NESTED_ROWS]


@settings(max_examples=400, deadline=None)
@given(nested)
def test_what_is_pushed_down_selects_all_that_matches_nested(
    item: MetadataFilter | MetadataFilters,
) -> None:
    filters = MetadataFilters(filters=[item])
    selects = compile_filter(push_down(filters, None))
    matches = build_predicate(filters)
    for row, metadata in zip(NESTED_ROWS, NESTED_METADATA, strict=True):
        if matches(metadata):
            assert selects is None or selects(row), metadata


def test_what_can_be_said_exactly_is() -> None:
    matching, other = (
        node_to_metadata(TextNode(text="t", metadata=metadata))
        for metadata in ({"year": 2024, "tag": "a"}, {"year": 2023, "tag": "b"})
    )
    for filters in [
        MetadataFilters(filters=[MetadataFilter(key="year", value=2024)]),
        MetadataFilters(filters=[MetadataFilter(key="year", value=2023, operator="!=")]),
        MetadataFilters(filters=[MetadataFilter(key="tag", value=["a"], operator="in")]),
        MetadataFilters(
            filters=[
                MetadataFilters(filters=[MetadataFilter(key="tag", value="b")]),
                MetadataFilter(key="year", value=1),
            ],
            condition="not",
        ),
    ]:
        selects = compile_filter(push_down(filters, None))
        assert selects is not None
        assert selects(matching)
        assert not selects(other)


@pytest.mark.parametrize("wanted", [2**60, "\ud800", ["a", "\udfff"], float("inf")])
def test_what_json_or_a_float64_would_change_is_not_pushed_down(wanted: Any) -> None:
    assert push_down(MetadataFilters(filters=[one("k", FilterOperator.NE, wanted)]), None) is None


@pytest.mark.parametrize("operator", list(FilterOperator))
def test_a_missing_key(operator: FilterOperator) -> None:
    matches = build_predicate(
        MetadataFilters(filters=[MetadataFilter(key="k", value=["x"], operator=operator)])
    )
    negative = operator in (FilterOperator.NE, FilterOperator.NIN, FilterOperator.IS_EMPTY)
    assert matches({}) is negative
    assert matches({"k": None}) is negative


def test_kinds_that_do_not_compare_match_nothing() -> None:
    def matches(value: Any, operator: str, wanted: Any) -> bool:
        item = MetadataFilter(key="k", value=wanted, operator=operator)
        return build_predicate(MetadataFilters(filters=[item]))({"k": value})

    assert not matches("2024", ">", 2000)
    assert not matches(5, "contains", "5")
    assert not matches(5, "text_match", "5")
    assert not matches(5, "in", "5")
    assert matches(5, "nin", "5")


def test_not_means_that_none_matches() -> None:
    both = [MetadataFilter(key="a", value=1), MetadataFilter(key="b", value=2)]
    matches = build_predicate(MetadataFilters(filters=both, condition="not"))
    assert matches({"a": 0, "b": 0})
    assert not matches({"a": 1, "b": 0})
    everything = MetadataFilters(filters=[])
    assert not build_predicate(MetadataFilters(filters=[everything], condition="not"))({})
