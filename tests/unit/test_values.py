"""What Convex can hold, how large it is, and the texts and times that rows are made of."""

from __future__ import annotations

import enum
from collections import ChainMap, namedtuple
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra import InvalidArgumentError, LimitExceededError, ProtocolError, jsontext
from convex_mastra.timestamps import MILLISECOND, Clock, checked, from_text, to_text
from convex_mastra.values import measure, plain_numbers
from convex_mastra.wire import decode, encode


class Colour(str, enum.Enum):  # noqa: UP042 - its str() is its name, a StrEnum's is not
    RED = "red"


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 1),
        (True, 1),
        (7, 9),
        (1.5, 9),
        ("", 2),
        ("abc", 5),
        ("é🌍", 8),
        ([], 2),
        ([1, "a"], 14),
        ((1,), 11),
        ({}, 2),
        ({"ab": None, "c": [True]}, 2 + 3 + 1 + 2 + 3),
        (np.zeros(10), 92),
        (np.float64(1.5), 9),
        (Colour.RED, 5),
    ],
)
def test_sizes_are_convex_s(value: Any, size: int) -> None:
    assert measure(value, "x") == size


@pytest.mark.parametrize(
    ("value", "field", "text"),
    [
        ({"a": [float("nan")]}, "x.a[0]", "finite"),
        ({"$a": 1}, "x", "reserves"),
        ({"a": {"é": 1}}, "x.a", "printable ASCII"),
        ({"a\n": 1}, "x", "printable ASCII"),
        ({"k" * 1025: 1}, "x", "1024"),
        ({"__proto__": 1}, "x", "JavaScript"),
        ({1: 1}, "x", "keys must be text"),
        (2**53 + 1, "x", "2\\*\\*53"),
        ("\udc00", "x", "surrogate"),
        (b"x", "x", "bytes"),
        ({"a": {1, 2}}, "x.a", "set"),
        (np.zeros((2, 2)), "x", "one-dimensional"),
        (np.zeros(2, np.float32), "x", "float64"),
        (np.array([np.inf]), "x", "infinity"),
    ],
)
def test_what_convex_cannot_hold(value: Any, field: str, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text) as caught:
        measure(value, "x")
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("value", "unit", "limit"),
    [
        ([0] * 8193, "elements", 8192),
        (np.zeros(8193), "elements", 8192),
        ({str(i): 0 for i in range(1025)}, "fields", 1024),
    ],
)
def test_limits_of_containers(value: Any, unit: str, limit: int) -> None:
    with pytest.raises(LimitExceededError) as caught:
        measure(value, "x")
    assert (caught.value.unit, caught.value.limit) == (unit, limit)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_text_comes_back_exactly(value: Any) -> None:
    text = jsontext.dumps(value, "x")
    text.encode()
    assert jsontext.loads(text) == value
    assert repr(jsontext.loads(text)) == repr(value), "integers stay integers, in order"


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}, object(), {(1, 2): 3}])
def test_what_is_not_json(value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        jsontext.dumps(value, "here")
    assert caught.value.field == "here"


@pytest.mark.parametrize(
    "value",
    [
        namedtuple("Point", "x y")(1, 2),
        MappingProxyType({"a": 1}),
        ChainMap({"a": [1]}),
        type("Metres", (float,), {})(1.5),
        np.float64(2.5),
        np.str_("x"),
        np.zeros(3),
        Colour.RED,
        {"deep": (MappingProxyType({}),)},
    ],
)
def test_what_is_measured_can_be_sent(value: Any) -> None:
    assert measure(value, "x")
    assert decode(encode({"value": value}))["value"] is not None


def test_json_that_python_reads_otherwise() -> None:
    for text in ("NaN", "-Infinity", "[" * 100_000, '{"a": NaN}', "1 2", " "):
        with pytest.raises(ValueError, match=r"."):
            jsontext.loads(text)
    assert jsontext.loads(' {"a": 1}\n') == {"a": 1}


def test_unreadable_json() -> None:
    assert jsontext.loads_or_none("{") is None
    assert jsontext.loads_or_none(7) is None
    assert jsontext.loads_or_none('"\\ud800"') == "\ud800"


def test_whole_floats_become_integers() -> None:
    value = {"a": 1.0, "b": [2.0, 2.5, {"c": -0.0}], "d": 1e300, "e": True, "f": "3.0"}
    plain = plain_numbers(value)
    assert plain == {"a": 1, "b": [2, 2.5, {"c": 0}], "d": 1e300, "e": True, "f": "3.0"}
    assert repr(plain["a"]) == "1"
    assert repr(plain["d"]) == "1e+300"


def test_times_are_written_as_javascript_does() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6_789, timezone(timedelta(hours=2)))
    assert to_text(moment) == "2026-01-02T01:04:05.006Z"
    assert from_text("2026-01-02T01:04:05.006Z", 0) == checked(moment, "x")
    assert from_text("2026-01-02T03:04:05.006+02:00", 0) == checked(moment, "x")
    assert from_text("2026-01-02T01:04:05.006", 0) == checked(moment, "x")
    assert from_text("yesterday", 1_000.0) == datetime(1970, 1, 1, 0, 0, 1, 0, UTC)
    assert from_text(None, 0.0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert from_text("0001-01-01T00:00:00+14:00", 0.0) == datetime(1970, 1, 1, tzinfo=UTC)
    for garbage in (None, "x", 1e300):
        with pytest.raises(ProtocolError):
            from_text("yesterday", garbage)  # type: ignore[arg-type]


def test_the_end_of_time() -> None:
    with pytest.raises(InvalidArgumentError):
        checked(datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), "x")
    clock = Clock(wall_s=lambda: 1.0)
    end = checked(datetime.max.replace(tzinfo=UTC), "x")
    clock.note("t", end)
    assert clock.next("t") == end


@given(st.datetimes(timezones=st.just(UTC)))
def test_the_order_of_times_is_the_order_of_texts(moment: datetime) -> None:
    moment = checked(moment, "x")
    assert from_text(to_text(moment), 0) == moment
    if moment.year < 9999:
        assert to_text(moment) < to_text(moment + MILLISECOND)


def test_the_clock_never_repeats_itself_in_a_thread() -> None:
    clock = Clock(wall_s=lambda: 1.0004)
    second = datetime(1970, 1, 1, 0, 0, 1, 0, UTC)
    assert clock.next("t") == clock.now() == second
    assert clock.next("t") == second + MILLISECOND, "also while the first is being saved"
    clock.note("t", second + 5 * MILLISECOND)
    clock.note("t", second)
    assert clock.next("t") == second + 6 * MILLISECOND
    assert clock.next("other") == second


@pytest.mark.parametrize(("depth", "limit"), [(0, 16), (1, 16), (2, 64)])
def test_the_containers_around_a_value_count_as_levels(depth: int, limit: int) -> None:
    value: Any = 1
    for _ in range(limit - depth):
        value = [value]
    assert measure(value, "value", depth, limit) > 0
    with pytest.raises(LimitExceededError, match=f"the {limit} levels") as caught:
        measure({"a": value}, "value", depth, limit)
    assert (caught.value.size, caught.value.limit) == (limit + 1, limit)
