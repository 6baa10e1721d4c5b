"""JavaScript's rules. Expected values are what Node prints."""

from __future__ import annotations

import math

import pytest

from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.js.json import from_convex, parse, stringify

INT64 = {"$integer": "BQAAAAAAAAA="}
ZERO64 = {"$integer": "AAAAAAAAAAA="}
NAN = {"$float": "AAAAAAAA+H8="}
INFINITY = {"$float": "AAAAAAAA8H8="}
BYTES = {"$bytes": "AAEC"}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5.0, "5"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-9, "1.25e-9"),
        (1795309847410.0, "1795309847410"),
        (0.000123, "0.000123"),
        (4.35, "4.35"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_numbers_are_written_as_javascript_writes_them(number: float, text: str) -> None:
    assert js.number_to_string(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (js.UNDEFINED, "undefined"),
        (None, "null"),
        (True, "true"),
        (1.0, "1"),
        ("x", "x"),
        ([1.0, [2.0, None], js.UNDEFINED, "a"], "1,2,,,a"),
        ({"a": 1.0}, "[object Object]"),
        (INT64, "5"),
        (NAN, "NaN"),
        (BYTES, "[object ArrayBuffer]"),
    ],
)
def test_string_of_a_value(value: object, text: str) -> None:
    assert js.to_string(value) == text


@pytest.mark.parametrize("value", [js.UNDEFINED, None, False, 0.0, -0.0, "", NAN, ZERO64])
def test_falsy(value: object) -> None:
    assert not js.truthy(value)


@pytest.mark.parametrize("value", [True, 1.0, "0", [], {}, INFINITY, INT64, BYTES])
def test_truthy(value: object) -> None:
    assert js.truthy(value)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1.0, 1.0, True),
        (1.0, True, False),
        (0.0, -0.0, True),
        (1.0, "1", False),
        (None, js.UNDEFINED, False),
        (js.UNDEFINED, js.UNDEFINED, True),
        ([], [], False),
        ({}, {}, False),
        (NAN, NAN, False),
        (INFINITY, INFINITY, True),
        (INT64, INT64, True),
        (INT64, 5.0, False),
        (BYTES, BYTES, False),
    ],
)
def test_strict_equality(left: object, right: object, equal: bool) -> None:
    assert js.strictly_equal(left, right) is equal


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("", 0.0),
        (" 12 ", 12.0),
        ("1e3", 1000.0),
        ("0x10", 16.0),
        (".5", 0.5),
        ("-Infinity", -math.inf),
        (None, 0.0),
        (True, 1.0),
        ([5.0], 5.0),
        ([], 0.0),
        ("nan", math.nan),
        ("1_000", math.nan),
        ("infinity", math.nan),
        ([1.0, 2.0], math.nan),
        ({}, math.nan),
        (js.UNDEFINED, math.nan),
    ],
)
def test_number_of_a_value(value: object, number: float) -> None:
    assert js.to_number(value) == pytest.approx(number, nan_ok=True)


def test_what_counts_as_white_space() -> None:
    assert js.trim("\ufeff\u3000 a b\r\n\u2028\u00a0") == "a b"
    assert js.trim("\x1c a \x85") == "\x1c a \x85"
    assert js.to_number("\ufeff5\v") == 5.0
    assert math.isnan(js.to_number("\x1c5"))


def test_reading_from_nothing_throws_as_v8_says_it() -> None:
    with pytest.raises(js.Thrown, match=r"^Cannot read properties of undefined \(reading 'id'\)$"):
        js.get(js.UNDEFINED, "id")
    with pytest.raises(js.Thrown, match=r"^Cannot read properties of null \(reading 'id'\)$"):
        js.get(None, "id")
    assert js.get(5.0, "id") is js.UNDEFINED
    assert js.get("a\U0001f600", "length") == 3.0


def test_sets_and_loops() -> None:
    assert js.unique([1.0, 1.0, "1", True, None, None, [1.0], [1.0]]) == [
        1.0,
        "1",
        True,
        None,
        [1.0],
        [1.0],
    ]
    assert js.unique(None) == []
    assert js.unique("aab") == ["a", "b"]
    with pytest.raises(js.Thrown, match=r"^number 5 is not iterable \(cannot read property"):
        js.unique(5.0)
    with pytest.raises(js.Thrown, match=r"^object is not iterable"):
        js.unique({})
    with pytest.raises(js.Thrown, match=r"^records is not iterable$"):
        js.iterate(js.UNDEFINED, "records")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0.0, js.UNDEFINED, [1, 2, 3]),
        (0.0, 2.0, [1, 2]),
        (0.0, 1.9, [1]),
        (-1.0, js.UNDEFINED, [3]),
        (0.0, -1.0, [1, 2]),
        (0.0, None, []),
        (0.0, "2", [1, 2]),
        ({}, js.UNDEFINED, [1, 2, 3]),
        (0.0, 1e9, [1, 2, 3]),
        (INFINITY, js.UNDEFINED, []),
    ],
)
def test_slices(start: object, end: object, expected: list[int]) -> None:
    assert js.slice_of([1, 2, 3], start, end) == expected


def test_a_failure_lets_its_group_finish_and_no_other_begin() -> None:
    done = []

    def work(number: int) -> None:
        if number in (4, 6):
            raise js.Thrown(f"failed {number}")
        done.append(number)

    with pytest.raises(js.Thrown, match="failed 4"):
        js.in_batches(range(12), 3, work)
    assert done == [0, 1, 2, 3, 5]


def test_json_is_written_byte_for_byte_as_javascript_writes_it() -> None:
    value = parse('{"b":1.0,"10":1e21,"a":[null,true,"\\u00e9\\u2028\\ud83d\\n"],"9":-0,"x":{}}')
    assert stringify(value) == '{"9":0,"10":1e+21,"b":1,"a":[null,true,"é\u2028\\ud83d\\n"],"x":{}}'


def test_keys_that_only_look_like_indexes_keep_their_place() -> None:
    assert stringify(parse('{"z":1,"01":2,"4294967295":3,"-1":4,"7":5}')) == (
        '{"7":5,"z":1,"01":2,"4294967295":3,"-1":4}'
    )


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1,]", "undefined", "\ufeff1", js.UNDEFINED])
def test_what_is_no_json_throws(text: object) -> None:
    with pytest.raises(js.Thrown, match="is not valid JSON"):
        parse(text)


def test_json_too_deep_throws() -> None:
    with pytest.raises(js.Thrown, match="Maximum call stack size exceeded"):
        parse("[" * 100_000)


def test_convex_values_as_json() -> None:
    assert stringify(from_convex({"n": NAN, "b": BYTES, "v": [1.0, "x"]})) == (
        '{"n":null,"b":{},"v":[1,"x"]}'
    )
    with pytest.raises(js.Thrown, match="Do not know how to serialize a BigInt"):
        from_convex({"n": [INT64]})


def test_adding() -> None:
    assert js.add(1.0, 2.0) == 3.0
    assert js.add(1.0, "2") == "12"
    assert js.add(1.0, None) == 1.0
    assert js.add(1.0, js.UNDEFINED) == NAN
    with pytest.raises(js.Thrown, match="Cannot mix BigInt"):
        js.add(1.0, INT64)


@pytest.mark.parametrize(
    ("left", "right", "at_least", "at_most"),
    [
        ("b", "a", True, False),
        ("a", "a", True, True),
        ("\uffee", "\U0001f600", True, False),
        ("5", 4.0, True, False),
        ("5", INT64, True, True),
        ("2026", {}, False, True),
        ("2026", [2025.0], True, False),
        ("x", 4.0, False, False),
        ("x", js.UNDEFINED, False, False),
        (2.0, "10", False, True),
        ([2.0], "10", True, False),
        (2.0, INT64, False, True),
        (None, 0.0, True, True),
        (True, 1.0, True, True),
        (js.UNDEFINED, js.UNDEFINED, False, False),
        (NAN, NAN, False, False),
        (INFINITY, 1e300, True, False),
        ({}, 1.0, False, False),
        ({}, [], True, False),
    ],
)
def test_comparing(left: object, right: object, at_least: bool, at_most: bool) -> None:
    assert (js.at_least(left, right), js.at_most(left, right)) == (at_least, at_most)
    assert js.less(left, right) == (at_most and not at_least)
