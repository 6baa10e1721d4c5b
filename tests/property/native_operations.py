"""Random calls of the functions over native vector tables: every operation, right and wrong.

``sequences()`` draws lists of calls for a differential test. A step is ``Call``: the path and kind
of a function, and its arguments. ``FOUND`` in the ids of a read stands for those that the last
search returned; the test fills it in.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from convex_mastra.wire import (
    NATIVE_READ_FUNCTION,
    NATIVE_SEARCH_FUNCTION,
    NATIVE_WRITE_FUNCTION,
    Kind,
)
from tests.native import CONFIGS, INDEXES
from tests.property.rows import ANYTHING, IDS, INT64, NAN, STRANGE, TEXTS, Values, mostly
from tests.property.steps import Call

FOUND: Final = "<what the last search found>"
MANY: Final = [f"id{number}" for number in range(30)]
"""More than the 25 that the functions take side by side."""
_STEPS_MAX: Final = 10

_NUMBERS: Final = st.sampled_from([0, 1, 2, -1, 0.5, 3])
_TAGS: Final = st.sampled_from(["x", "y", "", None, 1, 0, True, False, 2.5])
_METADATA: Final = st.fixed_dictionaries(
    {}, optional={"tag": mostly(_TAGS, ANYTHING, 4), "page": _TAGS, "key": TEXTS, "n": ANYTHING}
)
_LIMITS: Final = mostly(st.integers(1, 5), st.sampled_from([0, 257, 1.5, -1, "2", None, NAN]), 8)
_COUNTS: Final = mostly(st.integers(1, 4), st.sampled_from([0, -3, 1.5, 1e9, NAN, None, "2"]), 5)


def _vectors(name: str) -> Values:
    """Draw vectors that an index holds, or whose length it does not."""
    dimension = INDEXES[name].dimension
    usual = st.lists(_NUMBERS, min_size=dimension, max_size=dimension)
    return mostly(usual, st.lists(_NUMBERS, max_size=4))


@st.composite
def _configs(draw: st.DrawFn, name: str) -> Any:
    """Draw what a request may say of an index: nothing that contradicts its declaration."""
    config = dict(CONFIGS[name])
    for optional in ("dimension", *(_DEFAULTS if name == "plain" else ())):
        if draw(st.integers(0, 3)) == 0:
            del config[optional]
    fields = CONFIGS[name]["filterFields"]
    if draw(st.integers(0, 3)) == 0 and fields:
        config["filterFields"] = draw(st.lists(st.sampled_from(fields), max_size=2))
    return draw(mostly(st.just(config), _flawed(config), 25))


_DEFAULTS: Final = ("idField", "idIndexName", "vectorField", "metadataField", "filterFields")


def _flawed(config: dict[str, Any]) -> Values:
    """Draw a config that no validator accepts."""
    return st.sampled_from(
        [
            {name: value for name, value in config.items() if name != "tableName"},
            {name: value for name, value in config.items() if name != "vectorIndexName"},
            {**config, "extra": 1},
            {**config, "dimension": "2"},
            {**config, "filterFields": "tag"},
            {**config, "filterFields": ["tag", 5]},
            {**config, "idField": None},
            None,
            [],
            "docs",
        ]
    )


@st.composite
def _upserts(draw: st.DrawFn, name: str) -> dict[str, Any]:
    ids = draw(
        mostly(
            st.lists(IDS, min_size=1, max_size=4, unique=True),
            st.just(MANY) | st.lists(IDS | STRANGE, max_size=3) | STRANGE,
            10,
        )
    )
    count = len(ids) if isinstance(ids, list) else 1
    args = {"op": "upsert", "ids": ids}
    vectors = st.lists(_vectors(name), min_size=count, max_size=count)
    args["vectors"] = draw(
        mostly(vectors, st.just([[1, INT64]]) | st.just([["x"]]) | st.just([[NAN]]) | STRANGE, 20)
    )
    metadata = st.lists(_METADATA, min_size=count, max_size=count)
    if draw(st.integers(0, 3)):
        args["metadata"] = draw(mostly(metadata, st.lists(ANYTHING, max_size=3) | STRANGE, 12))
    return args


def _update(name: str) -> Values:
    return st.fixed_dictionaries(
        {"op": st.just("updateById"), "id": mostly(IDS, STRANGE)},
        optional={
            "vector": mostly(_vectors(name), STRANGE),
            "metadata": mostly(_METADATA, ANYTHING),
        },
    )


_ID_LISTS: Final = mostly(
    st.lists(IDS, max_size=4), st.just(MANY) | st.lists(IDS | STRANGE, max_size=3) | STRANGE, 8
)
_DELETE: Final = st.fixed_dictionaries({"op": st.just("deleteByIds")}, optional={"ids": _ID_LISTS})
_DESCRIBE: Final = st.fixed_dictionaries(
    {"op": st.just("describe")}, optional={"countLimit": _COUNTS}
)
_LIST: Final = st.fixed_dictionaries({"op": st.just("listByIds")}, optional={"ids": _ID_LISTS})
_GET: Final = st.fixed_dictionaries(
    {"op": st.just("getByConvexIds"), "ids": mostly(st.just(FOUND), STRANGE)},
    optional={"includeVector": mostly(st.booleans(), STRANGE)},
)
_STRAY: Final = st.fixed_dictionaries(
    {"op": st.sampled_from(["upsert", "describe", "query", "", None, 5])},
    optional={"ids": _ID_LISTS, "extra": STRANGE},
)


def _search(name: str) -> Values:
    fields = st.sampled_from(CONFIGS[name]["filterFields"] or ["tag"])
    clause = st.fixed_dictionaries({"field": fields, "value": mostly(_TAGS, ANYTHING)})
    strange = st.just({"$or": []}) | st.just({"field": "tag"}) | STRANGE
    dimension = INDEXES[name].dimension
    usual = st.lists(_NUMBERS, min_size=dimension, max_size=dimension)
    optional = {"limit": _LIMITS}
    if CONFIGS[name]["filterFields"]:
        optional["filter"] = mostly(clause, strange)
    return st.fixed_dictionaries(
        {"vector": mostly(usual, _vectors(name) | STRANGE)}, optional=optional
    )


def _calls(name: str) -> Values:
    """Draw calls on one index."""

    def with_config(path: str, kind: Kind, args: Values) -> Values:
        return st.tuples(args, _configs(name)).map(
            lambda drawn: Call(path, kind, {**drawn[0], "config": drawn[1]})
        )

    writes = [_upserts(name)] * 4 + [_update(name)] * 3 + [_DELETE] * 2 + [_STRAY]
    reads = [_DESCRIBE, _LIST, _GET, _GET, _STRAY]
    own = [with_config(NATIVE_WRITE_FUNCTION, "mutation", args) for args in writes]
    own += [with_config(NATIVE_READ_FUNCTION, "query", args) for args in reads]
    own += [with_config(NATIVE_SEARCH_FUNCTION, "action", _search(name))] * 4
    return st.sampled_from(own).flatmap(lambda step: step)


def _filled(name: str) -> Values:
    """Draw the write that declares a table where nothing is deployed, and leaves rows in it."""
    dimension = INDEXES[name].dimension
    vectors = st.lists(_NUMBERS, min_size=dimension, max_size=dimension)
    return st.tuples(*[vectors] * 3, *[_METADATA] * 3).map(
        lambda drawn: Call(
            NATIVE_WRITE_FUNCTION,
            "mutation",
            {
                "op": "upsert",
                "config": CONFIGS[name],
                "ids": ["a", "b", "c"],
                "vectors": list(drawn[:3]),
                "metadata": [
                    {key: value for key, value in one.items() if key != "key"} for one in drawn[3:]
                ],
            },
        )
    )


_BY_INDEX: Final = {name: _calls(name) for name in INDEXES}


@st.composite
def sequences(draw: st.DrawFn) -> list[Call]:
    """Draw a list of calls on one index or both."""
    names = draw(st.lists(st.sampled_from(sorted(INDEXES)), min_size=1, max_size=2, unique=True))
    steps: list[Call] = [draw(_filled(name)) for name in names]
    step = st.sampled_from(names).flatmap(_BY_INDEX.__getitem__)
    return steps + draw(st.lists(step, min_size=3, max_size=_STEPS_MAX))
