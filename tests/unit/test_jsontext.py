"""JSON texts: read as the standard library reads them, however fast."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra import InvalidArgumentError
from convex_mastra.jsontext import dumps, loads, loads_or_none

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=4)
    ),
    max_leaves=12,
)


def same(ours: Any, theirs: Any) -> bool:
    """Equal, and of the same kinds: 1 is not 1.0, and 0.0 not -0.0."""
    return repr(ours) == repr(theirs)


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert same(loads(dumps(value, "value")), value)


@given(st.text(st.sampled_from('0123456789-+.eE"{}[]:, \\u\ud800nulltrueNaN\t')))
def test_any_text_is_read_as_the_standard_library_reads_it(text: str) -> None:
    try:
        wanted = json.loads(text)
    except ValueError:
        assert loads_or_none(text) is None
    else:
        if wanted is None or "NaN" in text or "Infinity" in text:
            return  # the constants, which JSON does not have
        assert same(loads_or_none(text), wanted)


@pytest.mark.parametrize(
    "text",
    ["-0", "-0.0", "1e400", str(2**64), str(-(2**63) - 1), "9" * 400, '"\\ud83d"', '{"a":1,"a":2}'],
)
def test_the_edges_of_what_a_fast_decoder_reads(text: str) -> None:
    assert same(loads(text), json.loads(text))


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "9" * 5_000, "[" * 100_000, "", "\x00", "{"])
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)
    assert loads_or_none(text) is None


@pytest.mark.parametrize("value", [{1: 2, "1": 3}, [{"a": ({None: 1},)}], {"a": {True: 1}}])
def test_a_key_that_is_no_text(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="is no text") as caught:
        dumps(value, "value")
    assert caught.value.field == "value"


def test_a_float_too_large_is_infinite_as_in_javascript() -> None:
    assert math.isinf(loads("1e999"))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [1, {"b": {1}}]}, r" \(at a\[1\]\.b\)\."),
        ({"a": {"b": 1.0}, "c": math.nan}, r" \(at c\)\."),
        ([None, b""], r" \(at \[1\]\)\."),
        (math.inf, r"compliant\."),
        ({"a": {2: 3}}, r"no text\."),
    ],
)
def test_the_message_says_where(value: Any, place: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"^it cannot be written as JSON: .*{place}$"):
        dumps(value, "it")


def test_what_nests_as_deep_as_can_be_is_refused_and_nothing_else() -> None:
    for depth in range(700, 1100, 7):
        value: Any = {1}
        for _ in range(depth):
            value = [value]
        with pytest.raises(InvalidArgumentError, match="cannot be written as JSON"):
            dumps(value, "it")
