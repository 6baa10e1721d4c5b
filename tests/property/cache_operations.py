"""Random operations of Mastra's server cache: every one, right and wrong, on few keys.

``sequences()`` draws lists of calls of ``mastra/cache:handle``, and of rows that no sound sequence
leaves behind: items without a list, values that are no JSON. The clocks of two places differ, so
what expires did so long ago or never will while the tests run.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from convex_mastra.wire import CACHE_FUNCTION
from tests.property.rows import ANYTHING, INFINITY, NAN, STRANGE, TEXTS, Values, mostly
from tests.property.steps import Call, Seed, Step, calls

PREFIXES: Final = ("p:", "p:q:")
"""The one begins as the other does, and neither may touch the other's rows."""
_LATER: Final = st.sampled_from([1e21, 2e21, None])
_STEPS_MAX: Final = 16
_PAST: Final = st.sampled_from([0, 5, -1, -0.0])
_SOUND_EXPIRY: Final = mostly(
    _LATER, mostly(_PAST, st.sampled_from([INFINITY, NAN]), times=4), times=4
)
_EXPIRY: Final = mostly(_SOUND_EXPIRY, STRANGE)
_PREFIX: Final = mostly(st.sampled_from(PREFIXES), STRANGE, times=20)
_KEY: Final = mostly(st.sampled_from(["p:a", "p:b", "p:q:a"]), STRANGE, times=20)
_INDEX: Final = mostly(
    st.integers(-4, 4),
    # Convex's mock takes NaN for less than any number, where Convex takes it for more.
    STRANGE.filter(lambda value: value != NAN) | st.sampled_from([1.5, -1.5, 1e9, "1", INFINITY]),
    times=4,
)
_END: Final = mostly(_INDEX, st.sampled_from(["-1", [-2]]))
_VALUE: Final = mostly(ANYTHING, TEXTS, times=3)


def _call(op: str, optional: dict[str, Values] | None = None, **required: Values) -> Values:
    return calls(CACHE_FUNCTION, "mutation", {"op": st.just(op), **required}, optional)


_ENTRY: Final = {"key": _KEY, "keyPrefix": _PREFIX, "expiresAt": _EXPIRY}
_SET: Final = _call("set", {"value": _VALUE}, **_ENTRY)
_PUSH: Final = _call("listPush", {"value": _VALUE}, **_ENTRY)
_INCREMENT: Final = _call("increment", **_ENTRY)
_LIST: Final = _call("listFromTo", key=_KEY, **{"from": _INDEX, "to": _END})
_CALLS: Final = [
    *[_SET] * 3,
    *[_PUSH] * 5,
    *[_INCREMENT] * 3,
    *[_LIST] * 3,
    _call("listFromTo", {"from": _INDEX, "to": st.just(3)}, key=_KEY),
    *[_call("get", key=_KEY)] * 2,
    *[_call("listLength", key=_KEY)] * 2,
    *[_call("delete", key=_KEY)] * 2,
    *[_call("clear", keyPrefix=_PREFIX)] * 2,
    calls(
        CACHE_FUNCTION,
        "mutation",
        {},
        {"op": st.sampled_from(["get", "set", "clear", "listPush", "nonsense", "load"]) | STRANGE}
        | {"key": _KEY, "keyPrefix": _PREFIX},
    ),
]


def _row(table: str, required: dict[str, Values], optional: dict[str, Values]) -> Values:
    """Draw a row of a key and the prefix it begins with."""
    place = st.sampled_from([("p:a", "p:"), ("p:b", "p:"), ("p:q:a", "p:q:")])
    fields = st.fixed_dictionaries(required, optional=optional)
    return st.builds(
        lambda keys, rest: Seed(table, {"key": keys[0], "keyPrefix": keys[1], **rest}),
        place,
        fields,
    )


_KINDS: Final = st.sampled_from(["value", "list", "list", "counter", "deleted"])
_TEXT: Final = st.sampled_from(["null", "[1,2]", '{"10":1,"9":[-0]}', "no json", ""])
_SEED: Final = st.one_of(
    _row(
        "mastra_cache",
        {"kind": _KINDS, "expiresAt": _SOUND_EXPIRY},
        {"value": _TEXT, "counter": st.sampled_from([0, 2, 30, -1, 1.5])},
    ),
    _row("mastra_cache_list_items", {"index": st.integers(0, 30), "value": _TEXT}, {}),
)


@st.composite
def _long_list(draw: st.DrawFn) -> list[Step]:
    """Draw a list that takes more than one call to delete."""
    key, prefix = draw(st.sampled_from([("p:a", "p:"), ("p:q:a", "p:q:")]))
    place = {"key": key, "keyPrefix": prefix}
    pushes: list[Step] = [
        Call(
            CACHE_FUNCTION,
            "mutation",
            {"op": "listPush", "value": number, "expiresAt": None, **place},
        )
        for number in range(draw(st.sampled_from([25, 26, 27, 51])))
    ]
    ends: list[Step] = [
        Call(CACHE_FUNCTION, "mutation", {"op": "listPush", "expiresAt": expiry, **place})
        for expiry in draw(st.sampled_from([[], [0]]))
    ]
    return pushes + ends


@st.composite
def sequences(draw: st.DrawFn) -> list[Any]:
    """Draw a list of steps; one in a few begins with a long list or with odd rows."""
    begins = draw(
        st.sampled_from(
            [st.just([])] * 2 + [_long_list(), st.lists(_SEED, min_size=1, max_size=5)]
        ).flatmap(lambda steps: steps)
    )
    step = st.sampled_from(_CALLS).flatmap(lambda drawn: drawn)
    return [*begins, *draw(st.lists(step, min_size=4, max_size=_STEPS_MAX))]
