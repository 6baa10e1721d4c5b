"""Where a record manager keeps what."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra import ProtocolError
from convex_mastra.ops.partitions import name_part
from langchain_convex_mastra.record_knowledge import REMEMBERED_RECORDS, Namespace
from langchain_convex_mastra.record_layout import Record, read_record

ANY_TEXT = st.text(st.characters(), max_size=4)
TIMES = st.floats(1e9, 4e9)


@given(ANY_TEXT, ANY_TEXT)
@settings(max_examples=300)
def test_names_differ_as_texts_do(one: str, other: str) -> None:
    assert (name_part(one) == name_part(other)) == (one == other)
    long = name_part(one * 1000)
    assert (name_part(long) == long) == (not long.startswith("~") and "%" not in long)


@given(
    st.builds(
        Record,
        key=ANY_TEXT,
        group_id=st.none() | ANY_TEXT,
        updated_at=TIMES,
        since=st.tuples(TIMES, st.integers(0, 10**6)),
        shard=st.sampled_from("0f"),
        version=st.just("v"),
    )
)
def test_a_record_comes_back(record: Record) -> None:
    assert read_record(record.text()) == record


@pytest.mark.parametrize("text", ["", "7", "{}", '{"since": 7}', '{"since": [1, 2], "key": "a"}'])
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(ProtocolError, match="is no record"):
        read_record(text)


def test_memory_is_bounded() -> None:
    namespace = Namespace("n")
    namespace.remember({str(number): None for number in range(REMEMBERED_RECORDS)})
    namespace.remember({"0": None, "new": None})
    assert namespace.recall(["0", "1", "2", "new"]) == {"0": None, "2": None, "new": None}
