"""Documents and the metadata stored for them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convex_mastra import InvalidArgumentError
from convex_mastra.filters import compile_filter
from convex_mastra.limits import DOCUMENT_DEPTH
from convex_mastra.ops.index_kinds import Selection
from convex_mastra.values import measure, plain_numbers
from integrations.langchain.tests.stores import KINDS, store_on
from integrations.langchain.tests.strategies import JSON
from langchain_convex_mastra.documents import (
    document_of,
    native_key,
    stored_metadata,
)
from langchain_convex_mastra.filters import selection_of, selects_all
from langchain_convex_mastra.sameness import same
from tests.lanes import Deployment

KEYS = st.sampled_from(
    ["a", "text", "content", "_langchain", "__proto__", "", "$x", "%24x", "größe", "a.b", "%"]
) | st.text(st.characters(codec="utf-8"), max_size=3)
METADATA = st.dictionaries(KEYS, JSON, max_size=4)


def through_convex(value: Any) -> Any:
    """What comes back: keys sorted, numbers as floats, then made plain by the core."""
    if isinstance(value, dict):
        return {key: through_convex(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [through_convex(item) for item in value]
    return plain_numbers(float(value)) if type(value) in (int, float) else value


def kept(text: str, metadata: dict[str, Any]) -> dict[str, Any]:
    stored = stored_metadata(text, metadata, "metadata")
    measure(stored, "metadata", depth_limit=DOCUMENT_DEPTH - 1)  # Convex would take it
    back: dict[str, Any] = through_convex(stored)
    return back


@given(st.text(st.characters(codec="utf-8"), max_size=5), METADATA)
def test_any_metadata_comes_back(text: str, metadata: dict[str, Any]) -> None:
    document = document_of("id", kept(text, metadata))
    assert (document.id, document.page_content) == ("id", text)
    assert same(document.metadata, metadata)


@pytest.mark.parametrize(
    "metadata",
    [
        {"id": 1, "score": 1.0, "big": 2**60, "none": None, "flag": True},
        {"nan": math.nan, "deep": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]},
        {"surrogate": "\ud800", "$where": {"$gt": 1}, "größe": "ö", "\ud800": 1},
        {f"key{n}": n for n in range(2_000)},
        {"%24x": {"\x1f": None}, "$x": None},
        {"$x": 1, "%24x": 2},
    ],
)
def test_what_convex_cannot_hold_comes_back(metadata: dict[str, Any]) -> None:
    back = document_of("id", kept("t", metadata)).metadata
    if "nan" in metadata:
        assert math.isnan(back["nan"])
        back, metadata = ({**one, "nan": 0} for one in (back, metadata))
    assert same(back, metadata)


def test_plain_metadata_is_stored_as_mastra_stores_it() -> None:
    metadata = {"source": "a.md", "page": 3, "tags": ["x"], "ratio": 0.5}
    assert stored_metadata("hello", metadata, "m") == {"text": "hello", **metadata}


def test_tuples_become_lists() -> None:
    assert document_of("i", kept("t", {"box": (1, 2.5)})).metadata == {"box": [1, 2.5]}


@pytest.mark.parametrize(
    "value", [datetime.now(UTC), {1: "a"}, {"deep": [{1, 2}]}, b"bytes", object()]
)
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"metadatas\[0\]\.k"):
        stored_metadata("t", {"k": value}, "metadatas[0]")


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def test_what_nests_without_end_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    for value in (ring, nested(100_000)):
        with pytest.raises(InvalidArgumentError, match=r"metadatas\[0\] nests too deep"):
            stored_metadata("t", {"k": value}, "metadatas[0]")


def test_a_native_change_wins() -> None:
    stored = kept("t", {"size": 2.0, "kept": 1.0, "größe": 1})
    changed = {**stored, "text": "new", "size": 3, "added": True}
    document = document_of("id", changed)
    assert document.page_content == "new"
    assert document.metadata == {"size": 3, "kept": 1.0, "größe": 1, "added": True}
    assert type(document.metadata["kept"]) is float


@pytest.mark.parametrize(
    ("stored", "text", "metadata"),
    [
        ({"text": "chunk", "source": "a", "docId": "d"}, "chunk", {"source": "a", "docId": "d"}),
        ({"content": "said", "role": "user"}, "said", {"role": "user"}),
        ({"text": 3, "n": 1}, "", {"text": 3, "n": 1}),
        ({"text": "t", "_langchain": "no json", "%41": 1}, "t", {"%41": 1}),
        ({"text": "t", "_langchain": "[" * 100_000, "n": 1}, "t", {"n": 1}),
        (None, "", {}),
    ],
)
def test_rows_of_mastra(stored: Any, text: str, metadata: dict[str, Any]) -> None:
    document = document_of("id", stored)
    assert (document.page_content, document.metadata) == (text, metadata)


def test_filters_name_stored_keys() -> None:
    def stored(where: Any) -> Any:
        return selection_of(where).where

    assert selection_of(None) == Selection(None, None)
    assert native_key("größe") == "gr%C3%B6%C3%9Fe"
    where = {"text": {"$contains": "x"}, "größe": 1, "$or": [{"größe.x": 1}, {"a.b": {"$gt": 1}}]}
    assert stored(where) == {
        "text": {"$contains": "x"},
        "gr%C3%B6%C3%9Fe": 1,
        "$or": [{"gr%C3%B6%C3%9Fe.x": 1}, {"a.b": {"$gt": 1}}],
    }
    assert native_key("\ud800") == "%ED%A0%80"
    assert stored({"metadata": {"größe": 1}}) == {"gr%C3%B6%C3%9Fe": 1}
    assert stored({"metadata": {"metadata": {"größe": 1}}}) == {
        "$and": [{"metadata": {"größe": 1}}]
    }
    assert stored({"$or": [{"metadata": {}}, {"a": 1}]}) == {"$or": [{"metadata": {}}, {"a": 1}]}
    assert stored({"$not": {"größe": 1}}) == {"$not": {"gr%C3%B6%C3%9Fe": 1}}
    assert stored([{"a": 1}, {}, ({"b": 2})]) == {"$and": [{"a": 1}, {"b": 2}]}
    assert stored([{"a": 1}, lambda _document: True]) == {"a": 1}


def test_what_a_function_is_shown() -> None:
    stored = kept("t", {"page": 3, "ratio": 1.0, "größe": 2**60})
    raw = {**stored, "page": 3.0}  # as a scan has it from Convex
    seen: list[Any] = []
    accept = selection_of(lambda document: not seen.append(document)).accept
    assert accept is not None
    assert accept("a", raw) is True
    expected = {"page": 3, "ratio": 1.0, "größe": 2**60}
    assert (seen[0].id, seen[0].page_content) == ("a", "t")
    assert same(seen[0].metadata, expected)
    assert accept("b", {"text": "t", "page": 3.0, "ratio": 0.5}) is True
    assert same(seen[1].metadata, {"page": 3, "ratio": 0.5})
    never = selection_of([lambda _: True, lambda _: False]).accept
    assert never is not None
    assert never("a", None) is False


NESTED = st.recursive(
    st.sampled_from(
        [
            {},
            {"a": 1},
            {"a": {}},
            {"metadata": {}},
            *({"a": one} for one in ({"$in": []}, {"$nin": []}, {"$nin": [1]}, {"$all": []})),
            *({"a": {"$not": one}} for one in ({}, {"$in": []}, {"$nin": []}, {"$in": [1]})),
            {"a": {"$nin": [], "$in": []}},
            {"a": {"$nin": [], "$ne": 1}},
        ]
    ),
    lambda inner: (
        st.builds(
            lambda name, branches, more: {name: branches, **more},
            st.sampled_from(["$and", "$or", "$nor"]),
            st.lists(inner, max_size=2),
            st.just({}) | st.just({"b": 1}),
        )
        | st.builds(lambda operand: {"$not": operand}, inner)
    ),
)


@settings(max_examples=500)
@given(NESTED)
def test_an_empty_filter_is_one_that_no_document_fails(where: dict[str, Any]) -> None:
    everything: list[dict[str, Any]] = [
        {key: value for key, value in (("a", a), ("b", b), ("metadata", m)) if value is not None}
        for a in (None, 1, {}, [])
        for b in (None, 1)
        for m in (None, {}, 1)
    ]
    predicate = compile_filter(where)
    selection = selection_of(where)
    asked = compile_filter(selection.where)
    for one in everything:
        passes = predicate is None or predicate(one)
        assert passes == (asked is None or asked(one)), "what is asked is what was said"
        assert passes or not selects_all(selection)


@pytest.mark.parametrize(
    "where",
    [
        {"page": {"$nin": []}},
        {"page": {"$not": {"$in": []}}},
        {"$not": {"$or": []}},
        {"$not": {"page": {"$in": []}}},
        {"$nor": [{"page": {"$in": []}}]},
        {"$and": [{"page": {"$nin": []}}, {"a": {"$nin": []}}]},
        [{"page": {"$nin": []}}, {}],
    ],
)
def test_a_filter_of_empty_lists_selects_all(where: Any) -> None:
    assert selects_all(selection_of(where))


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(METADATA | st.fixed_dictionaries({"tag": JSON, "page": JSON}), max_size=40))
@pytest.mark.parametrize("kind", KINDS)
def test_any_metadata_comes_back_from_an_index(
    deployment: Deployment, kind: str, metadatas: list[dict[str, Any]]
) -> None:
    ids = [f"d{number}" for number in range(len(metadatas))]
    with store_on(deployment, kind, "any-metadata") as store:
        store.add_texts(["1,0"] * len(ids), metadatas, ids=ids)
        found = [
            sorted(documents, key=lambda one: int((one.id or "")[1:]))
            for documents in (
                store.get_by_ids(ids),
                store.list_documents(),
                store.similarity_search("1,0", k=40),
                store.max_marginal_relevance_search("1,0", k=40),
            )
        ]
        store.delete(ids)
    for documents in found:
        assert len(documents) == len(ids)
        for document, metadata in zip(documents, metadatas, strict=True):
            assert same(document.metadata, metadata)
