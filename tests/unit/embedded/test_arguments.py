"""What a deployment refuses before a function runs, and the form arguments have in it."""

from __future__ import annotations

import enum
import math
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.backends.embedded.arguments import accept
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.errors import FunctionError, InvalidArgumentError
from tests.unit.embedded.storage import result, send, thread

PATH = "mastra/storage:handle"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_numbers_are_floats_and_keys_are_sorted() -> None:
    accepted = accept(PATH, {"b": {"y": (1, 2), "x": True}, "a": -0.0})
    assert list(accepted) == ["a", "b"]
    assert list(accepted["b"]) == ["x", "y"]
    assert [type(number) for number in accepted["b"]["y"]] == [float, float]
    assert accepted["b"]["x"] is True
    assert math.copysign(1, accepted["a"]) == -1


def test_subclasses_and_numpy_scalars_become_plain() -> None:
    class Color(enum.StrEnum):
        RED = "red"

    accepted = accept(
        PATH,
        {"e": Color.RED, "i": np.int32(3), "f": np.float32(0.5), "m": MappingProxyType({"a": 1})},
    )
    assert accepted == {"e": "red", "i": 3.0, "f": 0.5, "m": {"a": 1.0}}
    assert {type(value) for value in accepted.values()} == {str, float, dict}


def test_what_is_accepted_shares_nothing_with_the_caller() -> None:
    given = {"a": [{"b": [1.0]}]}
    accepted = accept(PATH, given)
    given["a"][0]["b"].append(2.0)
    assert accepted == {"a": [{"b": [1.0]}]}


def test_encoded_values_are_kept_as_they_are() -> None:
    encoded = {"i": {"$integer": "BQAAAAAAAAA="}, "b": {"$bytes": "AAEC"}}
    assert accept(PATH, encoded) == {"b": {"$bytes": "AAEC"}, "i": {"$integer": "BQAAAAAAAAA="}}
    assert accept(PATH, {"n": {"$float": "AAAAAAAA+H8="}}) == {"n": {"$float": "AAAAAAAA+H8="}}
    zero = accept(PATH, {"z": {"$float": "AAAAAAAAAIA="}})["z"]
    assert (zero, math.copysign(1, zero)) == (0.0, -1.0)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"$x": 1}, "Field name $x starts with '$', which is reserved."),
        ({"$integer": "BQAAAAAAAAA=", "a": 1}, "Field name $integer starts with '$'"),
        ({"clé": 1}, "Field name clé has invalid character 'é': Field names can only contain"),
        ({"a\n": 1}, "has invalid character '\\n'"),
        ({"x" * 1025: 1}, "Field name is too long (1025 > maximum 1024)"),
        ({"$integer": "AAAA"}, "Int64 must be exactly eight bytes"),
        ({"$integer": "no base64"}, "Malformed $integer field"),
        ({"$bytes": 5}, "Malformed $bytes field"),
        ({"$float": "AAAAAAAA8D8="}, "Float64 1.0 should be encoded as a number"),
        ({f"k{n}": n for n in range(1025)}, "Object has too many fields (1025 > maximum number 1024)"),
        ([0] * 8193, "Array length is too long (8193 > maximum length 8192)"),
        ([0.5] * 8193, "Array length is too long (8193 > maximum length 8192)"),
        (nested(63), "Value is too nested (nested 65 levels deep > maximum nesting 64)"),
        (math.nan, "NaN and infinity are not JSON numbers."),
        ([0.5, math.inf], "NaN and infinity are not JSON numbers."),
        (10**400, "NaN and infinity are not JSON numbers."),
        ("\ud800", "lone surrogate"),
    ],
)  # fmt: skip
def test_refused(value: Any, complaint: str) -> None:
    with pytest.raises(Thrown) as caught:
        accept(PATH, {"record": value})
    assert str(caught.value).startswith("Invalid arguments for mastra/storage.js:handle: ")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        {"": 1, " ~": 2, "_x": 3, "x" * 1024: 4},
        {f"k{n}": n for n in range(1024)},
        [0] * 8192,
        nested(62),
        2**53 + 1,
        "\U0001f600",
    ],
)
def test_accepted(value: Any) -> None:
    accept(PATH, {"record": value})


def test_a_key_that_javascript_loses_is_lost() -> None:
    assert accept(PATH, {"__proto__": {"id": "x"}, "a": 1}) == {"a": 1.0}


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a": {5}}])
def test_what_is_not_json_is_the_callers_mistake(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be written as JSON"):
        accept(PATH, {"record": value})


def test_arguments_beyond_16_mib_are_refused(backend: EmbeddedBackend) -> None:
    rows = [{"id": str(n), "text": "x" * 2**20} for n in range(17)]
    with pytest.raises(
        FunctionError, match=r"^Arguments for mastra/storage.js:handle are too large"
    ):
        send(backend, "batchInsert", "notes", records=rows)
    assert result(backend, "queryTable", "notes") == []


def test_what_is_refused_applies_nothing(backend: EmbeddedBackend) -> None:
    good = {"id": "a", "embedding": [1.0]}
    bad = {"id": "b", "embedding": [1.0], "metadata": {"$x": 1}}
    with pytest.raises(FunctionError, match="starts with"):
        send(backend, "batchInsert", "mastra_vector_v", records=[good, bad])
    assert result(backend, "queryTable", "mastra_vector_v") == []


def test_replies_share_nothing_with_the_caller_or_each_other(backend: EmbeddedBackend) -> None:
    metadata = {"list": [1.0]}
    send(backend, "insert", "mastra_threads", record=thread("a"))
    update = {"id": "a", "title": "t", "metadata": metadata, "updatedAt": "u"}
    updated = result(backend, "updateThread", "mastra_threads", **update)
    updated["metadata"]["list"].append(2.0)
    metadata["list"].append(3.0)
    loaded = result(backend, "load", "mastra_threads", keys={"id": "a"})
    assert loaded["metadata"] == {"list": [1.0]}
    loaded["metadata"]["list"].clear()
    assert result(backend, "load", "mastra_threads", keys={"id": "a"})["metadata"] == {
        "list": [1.0]
    }
