"""Convex's order of values, kept by the columns of the indexes."""

from __future__ import annotations

import sqlite3
import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from convex_mastra.backends.embedded import js, keys

IN_ORDER: list[Any] = [
    js.UNDEFINED,
    None,
    {"$integer": "BQAAAAAAAAA="},
    {"$float": "AAAAAAAA8P8="},
    -1e300,
    -1.0,
    -5e-324,
    -0.0,
    0.0,
    1.0,
    1e300,
    {"$float": "AAAAAAAA8H8="},
    {"$float": "AAAAAAAA+H8="},
    True,
    "",
    "A",
    "a",
    "a\0b",
    "é",
    "\uffee",
    "\U0001f600",
    [],
]


def test_sqlite_sorts_columns_as_convex_sorts_values() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (place INTEGER, key)")
    places = list(range(len(IN_ORDER)))
    for place in places[::2] + places[1::2]:
        connection.execute("INSERT INTO t VALUES (?, ?)", (place, keys.of(IN_ORDER[place])))
    found = [place for (place,) in connection.execute("SELECT place FROM t ORDER BY key")]
    connection.close()
    assert found == places


@given(st.floats(), st.floats())
def test_numbers_have_their_place_in_ieee_total_order(left: float, right: float) -> None:
    assert (keys.of_number(left) < keys.of_number(right)) == (_total(left) < _total(right))
    assert struct.pack("<d", keys.number_of(keys.of_number(left))) == struct.pack("<d", left)


@given(st.text(), st.text())
def test_texts_are_in_order_of_code_points(left: str, right: str) -> None:
    connection = sqlite3.connect(":memory:")
    (less,) = connection.execute("SELECT ? < ?", (keys.of(left), keys.of(right))).fetchone()
    connection.close()
    assert bool(less) == (left < right)


def test_equality_is_by_type_and_content() -> None:
    assert keys.equal({"a": [1.0, None], "b": "x"}, {"b": "x", "a": [1.0, None]})
    assert not keys.equal({"a": 1.0}, {"a": True})
    assert not keys.equal({"a": 1.0}, {"a": 1.0, "b": None})
    assert not keys.equal([1.0], [1.0, 2.0])
    assert not keys.equal(0.0, -0.0)
    assert keys.equal({"$float": "AAAAAAAA+H8="}, {"$float": "AAAAAAAA+H8="})
    assert not keys.equal(None, js.UNDEFINED)


def _total(number: float) -> int:
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return int(bits) if bits >= 0 else -int(bits & 0x7FFF_FFFF_FFFF_FFFF) - 1
