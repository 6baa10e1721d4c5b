"""Values under keys that can be listed, on every lane, of both faces."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, islice
from typing import Any

import pytest
import pytest_asyncio

from convex_mastra import (
    AsyncConvexKeyValues,
    Backend,
    ConvexKeyValues,
    FunctionError,
    InvalidArgumentError,
    LimitExceededError,
    Options,
    ScanLimitError,
    open_backend,
)
from convex_mastra.face import SyncClient, blocking
from convex_mastra.ops import key_values
from convex_mastra.ops.storage import query_rows
from convex_mastra.ops.target import Target
from convex_mastra.wire import (
    DOCUMENTS_LOAD_FUNCTION,
    DOCUMENTS_RANGES_FUNCTION,
    DOCUMENTS_REMOVE_FUNCTION,
    DOCUMENTS_WRITE_FUNCTION,
    OWN_FUNCTIONS,
    FunctionCall,
)
from tests.lanes import FACES, Awaited, Deployment, with_older_lanes
from tests.stepping import orders, run_both, stepped

pytestmark = with_older_lanes

SHARDS = "0123456789abcdef"
LARGE = "a\N{EURO SIGN}" * 800_000
"""3.2 MB."""
ODD_KEYS = [
    "a/b",
    "#",
    "a#b",
    "$x",
    "_id",
    "\N{EURO SIGN}",
    "\N{GRINNING FACE}",
    "größe",
    "gro\u0308ße",
    " ",
    "\n\0",
    "__proto__",
    "%2F",
    "k" * 5000,
]


class Raw(SyncClient):
    """Rows as they are stored."""

    rows = blocking(query_rows)


@dataclass
class Values:
    face: Any
    raw: Raw
    backend: Backend
    namespace: str
    events: list[Any]
    is_older: bool
    has_ours: bool = True

    def kinds(self) -> dict[str, int]:
        """How many requests of each kind were sent since the last call."""
        kinds = Counter(event.operation.partition(" ")[0] for event in self.events)
        self.events.clear()
        return dict(kinds)

    def ask_mastra_alone(self) -> None:
        """Let the backend believe that none of our functions is deployed."""
        self.backend.abilities.update(dict.fromkeys(OWN_FUNCTIONS, False))
        self.has_ours = False

    @property
    def listing(self) -> dict[str, int]:
        """The requests that list the keys."""
        return {DOCUMENTS_RANGES_FUNCTION: 1} if self.has_ours else {"queryTable": 16}

    def rows_left(self) -> list[str]:
        """Ids of all rows of the namespace."""
        return rows_of(self.raw, self.namespace)


def shard_of(key: str) -> str:
    return sha256(key.encode()).hexdigest()[0]


def rows_of(raw: Raw, namespace: str) -> list[str]:
    prefix = f"key_values/{namespace}"
    tables = [f"{prefix}/values{part}" for part in ("", "#parts", "#versions")]
    tables += [f"{prefix}/keys/{shard}" for shard in SHARDS]
    return [row["id"] for table in tables for row in raw.rows(table, {})]


@pytest_asyncio.fixture(params=FACES)
async def values(
    request: pytest.FixtureRequest, deployment: Deployment, unique: Callable[[str], str]
) -> AsyncIterator[Values]:
    events: list[Any] = []
    backend = open_backend(
        deployment.url, deployment.admin_key, options=Options(on_event=events.append)
    )
    function = deployment.storage_function
    face = ConvexKeyValues if request.param == "sync" else AsyncConvexKeyValues
    opened = Values(
        Awaited(face(backend=backend, storage_function=function)),
        Raw(backend=backend, storage_function=function),
        backend,
        unique("values"),
        events,
        deployment.is_older,
    )
    if opened.is_older:
        opened.ask_mastra_alone()
    yield opened
    await backend.aclose()


async def test_values_come_back_in_the_order_asked_and_keys_are_listed(values: Values) -> None:
    face, namespace = values.face, values.namespace
    await face.put_many(namespace, {"b": "1", "a": '{"$x": "\N{EURO SIGN}"}', "empty": ""})
    await face.put_many(namespace, {"b": "2", "c": "3"})
    assert list((await face.get_many(namespace, ["c", "none", "b", "empty"])).items()) == [
        ("c", "3"),
        ("b", "2"),
        ("empty", ""),
    ]
    assert await face.list_keys(namespace) == ["a", "b", "c", "empty"]
    await face.delete_many(namespace, ["b", "none", "b"])
    assert await face.list_keys(namespace) == ["a", "c", "empty"]
    assert await face.get_many(namespace, ["b", "a"]) == {"a": '{"$x": "\N{EURO SIGN}"}'}
    await face.clear(namespace)
    assert await face.list_keys(namespace) == []
    assert values.rows_left() == []


async def test_keys_with_every_kind_of_character(values: Values) -> None:
    items = {key: f"value of {key[:9]}" for key in ODD_KEYS}
    await values.face.put_many(values.namespace, items)
    assert await values.face.get_many(values.namespace, ODD_KEYS) == items
    assert await values.face.list_keys(values.namespace) == sorted(ODD_KEYS)
    await values.face.delete_many(values.namespace, ODD_KEYS)
    assert values.rows_left() == []


async def test_prefixes(values: Values) -> None:
    keys = ["user/1", "user/10", "user/2", "User/1", "user", "\N{GRINNING FACE}x"]
    await values.face.put_many(values.namespace, dict.fromkeys(keys, "v"))
    list_keys = values.face.list_keys
    assert await list_keys(values.namespace, prefix="user/") == ["user/1", "user/10", "user/2"]
    assert await list_keys(values.namespace, prefix="user/1") == ["user/1", "user/10"]
    assert await list_keys(values.namespace, prefix="\N{GRINNING FACE}") == ["\N{GRINNING FACE}x"]
    assert await list_keys(values.namespace, prefix="none") == []
    assert await list_keys(values.namespace, prefix="") == sorted(keys)


async def test_namespaces_do_not_see_each_other(values: Values) -> None:
    face, one = values.face, values.namespace
    others = [f"{one}/values", f"{one}/keys/0", f"{one}#", f"{one}\N{EURO SIGN}", one * 40]
    for namespace in (one, *others):
        await face.put_many(namespace, {"k": namespace})
    await face.clear(one)
    assert await face.list_keys(one) == []
    for namespace in others:
        assert await face.get_many(namespace, ["k"]) == {"k": namespace}
        assert await face.list_keys(namespace) == ["k"]


async def test_values_of_any_size(values: Values) -> None:
    face, namespace = values.face, values.namespace
    await face.put_many(namespace, {"large": LARGE, "small": "1"})
    assert await face.get_many(namespace, ["large", "small"]) == {"large": LARGE, "small": "1"}
    values.kinds()
    assert await face.list_keys(namespace) == ["large", "small"]
    assert values.kinds() == values.listing
    await face.put_many(namespace, {"large": "small now", "small": LARGE})
    found = await face.get_many(namespace, ["large", "small"])
    assert found == {"large": "small now", "small": LARGE}
    await face.put_many(namespace, {"large": LARGE + "!", "small": ""})
    found = await face.get_many(namespace, ["large", "small"])
    assert found == {"large": LARGE + "!", "small": ""}
    assert await face.list_keys(namespace) == ["large", "small"]
    await face.delete_many(namespace, ["large", "small"])
    assert values.rows_left() == []
    await face.put_many(namespace, {"large": LARGE})
    await face.clear(namespace)
    assert values.rows_left() == []


@pytest.mark.parametrize("has_ours", [True, False], ids=["ours", "mastras"])
async def test_round_trips(values: Values, has_ours: bool) -> None:
    face, namespace = values.face, values.namespace
    if not has_ours:
        values.ask_mastra_alone()
    elif values.is_older:
        pytest.skip("it has none of our functions")
    await face.put_many(namespace, {"k": "v"})
    assert values.kinds() == {"batchInsert": 3}
    await face.get_many(namespace, ["k"])
    assert sum(values.kinds().values()) == (2 if values.is_older else 1)  # the first, refused
    await face.delete_many(namespace, ["k"])
    assert values.kinds() == {"queryTable": 2, "deleteMany": 3}
    await face.list_keys(namespace)
    assert values.kinds() == values.listing

    items = {f"k{number}": "x" * 100 for number in range(2500)}
    await face.put_many(namespace, items)
    many = {"batchInsert": 3, DOCUMENTS_WRITE_FUNCTION: 2 * 3}
    assert values.kinds() == (many if has_ours else {"batchInsert": 3 + 2 * 16})
    found = await face.get_many(namespace, list(items)[:95])
    assert found == dict(list(items.items())[:95])
    if has_ours:
        assert values.kinds() == {DOCUMENTS_LOAD_FUNCTION: 1}
    else:
        assert values.kinds() == ({"load": 95} if values.is_older else {"loadMany": 10})
    assert len(await face.list_keys(namespace)) == 2500
    assert values.kinds() == values.listing
    await face.delete_many(namespace, list(items))
    many = {"queryTable": 2, "deleteMany": 3 + 3, DOCUMENTS_REMOVE_FUNCTION: 3}
    mastras = {"queryTable": 2, "deleteMany": 3 + 16 + 3}
    assert values.kinds() == (many if has_ours else mastras)
    assert values.rows_left() == []


async def test_nothing_to_do_sends_nothing(values: Values) -> None:
    await values.face.put_many(values.namespace, {})
    assert await values.face.get_many(values.namespace, []) == {}
    await values.face.delete_many(values.namespace, [])
    assert values.kinds() == {}


async def test_what_cannot_be_stored_is_refused_before_anything_is_sent(values: Values) -> None:
    face, namespace = values.face, values.namespace
    wrong: list[Any] = [{"": "2"}, {"lone": "\ud800"}, {"\ud800": "lone"}, {"k": b"v"}, {7: "v"}]
    for items in wrong:
        with pytest.raises(InvalidArgumentError):
            await face.put_many(namespace, {"ok": "1", **items})
    with pytest.raises(LimitExceededError) as caught:
        await face.put_many(namespace, {"ok": "1", "k" * 2**19: "v"})
    assert len(str(caught.value)) < 1000
    for namespace in ("", None, 7):
        with pytest.raises(InvalidArgumentError, match="namespace"):
            await face.put_many(namespace, {"ok": "1"})
    for call in (face.get_many, face.delete_many):
        with pytest.raises(InvalidArgumentError, match="keys"):
            await call(values.namespace, "one text")
    with pytest.raises(InvalidArgumentError, match="items"):
        await face.put_many(values.namespace, [("k", "v")])
    with pytest.raises(InvalidArgumentError, match="prefix"):
        await face.list_keys(values.namespace, prefix=7)
    assert values.kinds() == {}


@pytest.mark.parametrize("has_ours", [True, False], ids=["ours", "mastras"])
async def test_more_keys_than_one_call_lists_are_an_error_and_still_read(
    values: Values, has_ours: bool
) -> None:
    face, namespace = values.face, values.namespace
    if not has_ours:
        values.ask_mastra_alone()
    elif values.is_older:
        pytest.skip("it has none of our functions")
    long = "k" * 340_000  # a row holds its key twice; a call cannot read 26 such rows
    numbered = (f"{number}{long}" for number in count())
    keys = list(islice((key for key in numbered if shard_of(key) == "0"), 26))
    for key in keys:
        await face.put_many(namespace, {key: key[:9]})
    if has_ours:
        assert await face.list_keys(namespace) == sorted(keys)
    else:
        with pytest.raises(ScanLimitError, match="spread the keys over several namespaces"):
            await face.list_keys(namespace)
    assert await face.get_many(namespace, keys[:3]) == {key: key[:9] for key in keys[:3]}
    await face.delete_many(namespace, keys[:9])
    assert await face.list_keys(namespace) == sorted(keys[9:])
    await face.clear(namespace)
    assert await face.list_keys(namespace) == []


async def test_writers_side_by_side_lose_nothing(deployment: Deployment, unique: Any) -> None:
    namespace = unique("values")
    stores = [
        AsyncConvexKeyValues(
            deployment.url, deployment.admin_key, storage_function=deployment.storage_function
        )
        for _ in range(2)
    ]
    await asyncio.gather(
        *(
            store.put_many(namespace, {f"{name}{turn}{i}": str(turn) for i in range(20)})
            for turn in range(5)
            for name, store in zip("ab", stores, strict=True)
        )
    )
    keys = await stores[0].list_keys(namespace)
    assert len(keys) == 200
    assert set(await stores[1].get_many(namespace, keys)) == set(keys)
    for store in stores:
        await store.aclose()


class Failing:
    """A backend that refuses the next requests for tables that end with a text."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self.refused = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _check(self, request: FunctionCall) -> None:
        if self.refused and self.refused in request.label:
            raise FunctionError("refused by the test", operation=request.label)

    def send(self, request: FunctionCall, /) -> Any:
        self._check(request)
        return self._inner.send(request)

    async def asend(self, request: FunctionCall, /) -> Any:
        self._check(request)
        return await self._inner.asend(request)


@pytest.mark.parametrize("refused", ["/keys", "/values", "/values#parts", "/values#versions"])
async def test_what_failed_half_way_is_found_and_deleted(values: Values, refused: str) -> None:
    failing: Any = Failing(values.backend)
    face = Awaited(
        type(values.face.face)(backend=failing, storage_function=values.raw.storage_function)
    )
    namespace, text = values.namespace, "x" * 1_200_000

    failing.refused = f"batchInsert key_values/{namespace}{refused}"
    with pytest.raises(FunctionError, match="refused by the test"):
        await face.put_many(namespace, {"k": text})
    failing.refused = ""
    listed, readable = await face.list_keys(namespace), await face.get_many(namespace, ["k"])
    assert listed == ([] if refused == "/keys" else ["k"])
    assert readable == ({"k": text} if refused == "/values#versions" else {})
    assert bool(values.rows_left()) == bool(listed)
    await face.put_many(namespace, {"k": text})
    assert await face.get_many(namespace, ["k"]) == {"k": text}

    failing.refused = f"deleteMany key_values/{namespace}{refused}"
    with pytest.raises(FunctionError, match="refused by the test"):
        await face.delete_many(namespace, ["k"])
    failing.refused = ""
    assert await face.list_keys(namespace) == ["k"]
    await face.delete_many(namespace, ["k"])
    assert await face.list_keys(namespace) == []
    # A version that was live and is not listed as such leaves its parts, and nothing else.
    await face.clear(namespace)
    assert len(values.rows_left()) == (2 if refused == "/values#versions" else 0)


async def test_whatever_can_be_read_is_listed_however_writers_meet(
    deployment: Deployment, unique: Any
) -> None:
    """A value is written while it is deleted, in every order there is."""
    backend = open_backend(deployment.url, deployment.admin_key)
    raw = Raw(backend=backend, storage_function=deployment.storage_function)
    store = ConvexKeyValues(backend=backend, storage_function=deployment.storage_function)
    target = Target(
        policy=backend.options.retry_policy(), storage_function=deployment.storage_function
    )
    namespace = unique("meeting")
    outcomes: Counter[tuple[bool, bool]] = Counter()
    for order in orders(3, 5):
        store.put_many(namespace, {"k": "old"})
        run_both(
            stepped(key_values.put_many(target, namespace, {"k": "new"}), backend),
            stepped(key_values.delete_many(target, namespace, ["k"]), backend),
            order,
        )
        listed = raw.rows(f"key_values/{namespace}/keys/{shard_of('k')}", {})
        readable = store.get_many(namespace, ["k"])
        assert listed or not readable
        outcomes[bool(readable), bool(listed)] += 1
    store.delete_many(namespace, ["k"])
    assert rows_of(raw, namespace) == []
    assert outcomes[True, True], "some writers came last"
    assert outcomes[False, False], "some deletions came last"
    assert sum(outcomes.values()) == 56
    backend.close()
