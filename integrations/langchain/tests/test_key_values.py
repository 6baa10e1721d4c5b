"""``ConvexByteStore`` and ``ConvexKVStore`` beyond the standard tests, under both faces."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.load import Serializable
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel, SecretStr

from convex_mastra import (
    ConfigurationError,
    ConvexDocuments,
    ConvexKeyValues,
    InvalidArgumentError,
    ProtocolError,
    open_backend,
)
from convex_mastra.backends import Backend
from convex_mastra.face import SyncClient, blocking
from convex_mastra.ops.storage import query_rows
from convex_mastra.wire import FunctionCall
from integrations.langchain.tests.strategies import JSON, MESSAGES
from langchain_convex_mastra import ConvexByteStore, ConvexKVStore
from langchain_convex_mastra.byte_store import ByteCodec
from langchain_convex_mastra.json_values import DOCUMENTS_AND_MESSAGES, JsonCodec
from langchain_convex_mastra.key_value_store import Place
from tests.lanes import FACES, Deployment, with_older_lanes

Unique = Callable[[str], str]
SHARDS = "0123456789abcdef"
KEYS = ["a/b", "#", "a#b", "$x", "größe", "\N{GRINNING FACE}", "%2F", " ", "x" * 3000]
LARGE = b"\xff\x00\x80" * 2**20
"""3 MiB that are no UTF-8."""


class OneFace:
    """A store whose methods are all awaited, those of one face."""

    def __init__(self, store: Any, face: str) -> None:
        self.store = store
        self._is_async = face == "async"

    async def get(self, keys: Any) -> Any:
        return await self.store.amget(keys) if self._is_async else self.store.mget(keys)

    async def set(self, pairs: Any) -> None:
        await self.store.amset(pairs) if self._is_async else self.store.mset(pairs)

    async def delete(self, keys: Any) -> None:
        await self.store.amdelete(keys) if self._is_async else self.store.mdelete(keys)

    async def keys(self, prefix: Any = None) -> list[str]:
        if self._is_async:
            return [key async for key in self.store.ayield_keys(prefix=prefix)]
        return list(self.store.yield_keys(prefix=prefix))


@dataclass
class Stores:
    """A store of each class, on one backend of a lane, of one face."""

    deployment: Deployment
    backend: Backend
    namespace: str
    bytes: OneFace
    values: OneFace

    def rows_left(self) -> list[str]:
        """Ids of all rows of both namespaces."""
        raw = Raw(backend=self.backend, storage_function=self.deployment.storage_function)
        prefixes = [f"key_values/langchain.{kind}.{self.namespace}" for kind in ("bytes", "values")]
        parts = ["values", "values#parts", "values#versions", *(f"keys/{name}" for name in SHARDS)]
        return [
            row["id"]
            for prefix in prefixes
            for part in parts
            for row in raw.rows(f"{prefix}/{part}", {})
        ]


class Raw(SyncClient):
    """Rows as they are stored."""

    rows = blocking(query_rows)


@pytest_asyncio.fixture(params=FACES)
async def stores(
    request: pytest.FixtureRequest, deployment: Deployment, unique: Unique
) -> AsyncIterator[Stores]:
    backend = open_backend(deployment.url, deployment.admin_key)
    shared: dict[str, Any] = {
        "storage_function": deployment.storage_function,
        "backend": backend,
    }
    namespace = unique("stores")
    yield Stores(
        deployment,
        backend,
        namespace,
        OneFace(ConvexByteStore(namespace, **shared), request.param),
        OneFace(ConvexKVStore(namespace, **shared), request.param),
    )
    await backend.aclose()


@with_older_lanes
async def test_bytes_of_any_kind_and_size(stores: Stores) -> None:
    values = {
        "empty": b"",
        "text": "größe \N{GRINNING FACE}".encode(),
        "nul": b"\0\x01\x7f",
        "all": bytes(range(256)),
        "prefixes": b"utf8:base64:",
        "large": LARGE,
        "large text": b'{"x": "\xe2\x82\xac"}' * 2**17,
    }
    store = stores.bytes
    await store.set(list(values.items()))
    found = await store.get([*values, "none", "empty", "all"])
    assert found == [*values.values(), None, b"", bytes(range(256))]
    assert {type(value) for value in found} == {bytes, type(None)}
    assert await store.keys() == sorted(values)
    await store.set([("large", b"small now"), ("empty", LARGE), ("nul", b"1"), ("nul", b"2")])
    assert await store.get(["large", "empty", "nul"]) == [b"small now", LARGE, b"2"]
    await store.set([("large", LARGE + b"!"), ("empty", b"")])
    assert await store.get(["large", "empty"]) == [LARGE + b"!", b""]
    await store.delete([*values, "none"])
    assert await store.get(list(values)) == [None] * len(values)
    assert await store.keys() == []
    assert stores.rows_left() == []


@with_older_lanes
async def test_keys_of_any_kind(stores: Stores) -> None:
    for store in (stores.bytes, stores.values):
        pairs = [(key, (key[:9] + "!").encode()) for key in KEYS]
        if store is stores.values:
            pairs = [(key, value.decode()) for key, value in pairs]
        await store.set(pairs)
        assert await store.get(KEYS) == [value for _, value in pairs]
        assert await store.keys() == sorted(KEYS)
        assert await store.keys("a") == ["a#b", "a/b"]
        assert await store.keys("\N{GRINNING FACE}") == ["\N{GRINNING FACE}"]
        assert await store.keys("$") == ["$x"]
        assert await store.keys("") == sorted(KEYS)
        assert await store.keys("none") == []
    await stores.bytes.delete(KEYS)
    assert await stores.values.keys() == sorted(KEYS), "the stores do not share a namespace"
    await stores.values.delete(KEYS)
    assert stores.rows_left() == []


async def test_thousands_of_keys(stores: Stores) -> None:
    # Beyond a socket it is the same requests, more slowly; 1,000 are several of each kind, too.
    count = 5000 if stores.deployment.lane == "embedded" else 1000
    pairs = [(f"user/{number % 7}/{number}", str(number).encode()) for number in range(count)]
    await stores.bytes.set(pairs)
    assert len(await stores.bytes.keys()) == count
    of_three = await stores.bytes.keys("user/3/")
    assert of_three == sorted(key for key, _ in pairs if key.startswith("user/3/"))
    assert await stores.bytes.get([key for key, _ in pairs]) == [value for _, value in pairs]
    await stores.bytes.delete([key for key, _ in pairs])
    assert stores.rows_left() == []


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1.0,
    -0.0,
    1e300,
    "",
    "größe",
    "lone \ud800",
    [],
    {},
    [1, [2.0, {"deep": [None]}]],
    {"$x": 1, "é": {"": "\0"}, "z": 1, "a": 2},
    {"lc": 1, "type": "constructor", "id": ["langchain", "x", "Y"], "kwargs": {}},
    {"lc": 1, "type": "secret", "id": ["PATH"]},
    {"__lc_escaped__": {"lc": 1}},
    {"x": {"__lc_escaped__": {"lc": 2, "deep": {"__lc_escaped__": 1}}}},
    Document("text", id="d", metadata={"n": 2**60, "lc": 1, "nested": {"lc": 1, "type": "secret"}}),
    [HumanMessage("q", id="1"), AIMessage([{"type": "text", "text": "a"}])],
    {"call": ToolMessage("r", tool_call_id="c", artifact={"x": [1.5, Document("inner")]})},
]


@with_older_lanes
async def test_values_come_back_exactly(stores: Stores) -> None:
    await stores.values.set([(f"k{position}", value) for position, value in enumerate(VALUES)])
    found = await stores.values.get([f"k{position}" for position in range(len(VALUES))])
    assert found == VALUES
    assert [repr(value) for value in found] == [repr(value) for value in VALUES]
    await stores.values.set([("tuple", (1, (2,)))])
    assert await stores.values.get(["tuple"]) == [[1, [2]]]
    assert "k0" in await stores.values.keys(), "a value of None is there, though it reads as none"


@with_older_lanes
async def test_large_documents(stores: Stores) -> None:
    large = Document("\N{EURO SIGN}" * 2**20, metadata={"pages": list(range(1000))})
    await stores.values.set([("d", large), ("e", large)])
    assert await stores.values.get(["d", "e"]) == [large, large]
    await stores.values.set([("d", Document("small"))])
    assert await stores.values.get(["d"]) == [Document("small")]
    await stores.values.set([("d", large)])
    await stores.values.delete(["d", "e"])
    assert stores.rows_left() == []


KEPT = MESSAGES.filter(lambda message: not message.model_extra)
"""Of fields that it does not know, LangChain's own form leaves out what is empty."""


@given(JSON | KEPT | st.lists(JSON | KEPT, max_size=3))
def test_any_value_comes_back_exactly(value: Any) -> None:
    codec = JsonCodec(DOCUMENTS_AND_MESSAGES)
    back = codec.decode(codec.encode(value, "value"), "value")
    assert back == value
    assert repr(back) == repr(value)


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "ignore")))
def test_any_bytes_come_back(value: bytes) -> None:
    assert ByteCodec().decode(ByteCodec().encode(value, "value"), "value") == value


class Colour(Enum):
    RED = 1


class Model(BaseModel):
    x: int = 1


class Note(Serializable):
    """A class of a user's own."""

    text: str
    about: Document | None = None

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return True


class Keyed(Note):
    """One with a secret."""

    token: SecretStr | None = None

    @property
    def lc_secrets(self) -> dict[str, str]:
        return {"token": "TOKEN"}


class Private(Serializable):
    """One that is not serialised."""


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
NOT_JSON: list[Any] = [
    object(),
    b"bytes",
    {1, 2},
    datetime(2026, 1, 1, tzinfo=UTC),
    Colour.RED,
    Model(),
    float("nan"),
    float("inf"),
    {1: "a key that is no text"},
    {(1, 2): "a key that is a tuple"},
    {"lc": 1, "x": object()},
    {"lc": 1, "x": Document("within what is left as it is")},
    Document("text", metadata={"at": datetime(2026, 1, 1, tzinfo=UTC)}),
    Document("text", metadata={"nan": float("nan")}),
    Document("text", metadata={7: "x"}),
    AIMessage("x", additional_kwargs={"parsed": Model()}),
    Private(),
    Note(text="not allowed"),
    [{"deep": Note(text="not allowed")}],
    ChatPromptTemplate.from_messages([("human", "{x}")]),
    CYCLE,
]


@pytest.mark.parametrize("position", range(len(NOT_JSON)))
def test_what_is_not_json_is_refused_before_anything_is_sent(position: int) -> None:
    backend = open_backend(":memory:")
    store = ConvexKVStore[Any]("values", backend=backend)
    with pytest.raises(InvalidArgumentError, match=r"key_value_pairs\[1\]\[1\]") as caught:
        store.mset([("ok", 1), ("k", NOT_JSON[position])])
    assert caught.value.field == "key_value_pairs[1][1]"
    assert list(store.yield_keys()) == []
    backend.close()


@pytest.mark.parametrize("value", [None, "text", bytearray(b"x"), 7, [b"x"]])
async def test_what_is_not_bytes_is_refused_before_anything_is_sent(
    stores: Stores, value: Any
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"key_value_pairs\[1\]\[1\] must be bytes"):
        await stores.bytes.set([("ok", b"1"), ("k", value)])
    assert await stores.bytes.keys() == []


async def test_keys_and_pairs_that_cannot_be(stores: Stores) -> None:
    store = stores.bytes
    for key in ("", None, 7, b"bytes", "\ud800"):
        with pytest.raises(InvalidArgumentError):
            await store.set([("ok", b"1"), (key, b"2")])
        for call in (store.get, store.delete):
            with pytest.raises(InvalidArgumentError):
                await call(["ok", key])
    wrong: list[Any] = ["text", {"k": b"v"}, None, [b"kv"], ["kv"], [("k",)], [("k", b"v", 1)]]
    for pairs in wrong:
        with pytest.raises(InvalidArgumentError, match="key_value_pairs"):
            await store.set(pairs)
    for keys in ("text", None):
        for call in (store.get, store.delete):
            with pytest.raises(InvalidArgumentError, match="keys"):
                await call(keys)
    with pytest.raises(InvalidArgumentError, match="prefix"):
        await store.keys(7)
    assert await store.keys() == []
    assert await store.get([]) == []
    await store.set([])
    await store.delete([])


async def test_classes_of_ones_own(stores: Stores) -> None:
    shared: dict[str, Any] = {
        "storage_function": stores.deployment.storage_function,
        "backend": stores.backend,
    }
    notes = ConvexKVStore[Any](stores.namespace, allowed_objects=[Note, Keyed, Document], **shared)
    value = {"note": Note(text="t", about=Document("d")), "keyed": Keyed(text="no token")}
    await notes.amset([("k", value), ("plain", 1)])
    assert notes.mget(["k", "plain"]) == [value, 1]
    with pytest.raises(InvalidArgumentError, match=r"test_key_values\.Note, which is not among"):
        await stores.values.get(["k"])
    assert await stores.values.get(["plain"]) == [1]
    with pytest.raises(InvalidArgumentError, match="secret TOKEN") as caught:
        notes.mset([("s", Keyed(text="t", token=SecretStr("hush")))])
    assert "hush" not in str(caught.value)
    with pytest.raises(InvalidArgumentError, match="HumanMessage, which is not among"):
        notes.mset([("m", HumanMessage("in place of the messages"))])


def test_classes_that_cannot_be_allowed() -> None:
    class Local(Note):
        pass

    for wrong, problem in [
        ([Model], r"allowed_objects\[0\] is no class"),
        ([Document, "messages"], r"allowed_objects\[1\] is no class"),
        ("messages", "must be a list of classes"),
        ([Private], "does not let itself be serialised"),
        ([Local], "cannot be imported"),
    ]:
        with pytest.raises(InvalidArgumentError, match=problem):
            ConvexKVStore("n", deployment_url=":memory:", allowed_objects=wrong)  # type: ignore[arg-type]


HOSTILE = [
    "not json",
    '{"lc": 1, "type": "constructor"}',
    '{"lc": 1, "type": "constructor", "id": 7, "kwargs": {}}',
    '{"lc": 1, "type": "constructor", "id": ["langchain","schema","document","Document"], "kwargs": {"page_content": 7}}',
    '{"lc": 1, "type": "constructor", "id": ["langchain","schema","document","Document"], "kwargs": 7}',
    "[" * 100_000,
]
HARMFUL = [
    '{"lc": 1, "type": "constructor", "id": ["langchain_core","prompts","prompt","PromptTemplate"], "kwargs": {"template": "x"}}',
    '[{"lc": 1, "type": "secret", "id": ["PATH"]}]',
    '{"lc": 1, "type": "not_implemented", "id": ["os", "system"], "repr": "x"}',
]


@pytest.mark.parametrize("text", [*HOSTILE, *HARMFUL])
def test_texts_that_somebody_else_wrote(text: str) -> None:
    backend = open_backend(":memory:")
    raw = ConvexKeyValues(backend=backend)
    raw.put_many("langchain.values.n", {"k": text})
    raw.put_many("langchain.bytes.n", {"k": text, "b": "base64:?", "e": "base64:\N{EURO SIGN}"})
    error = ProtocolError if text in HOSTILE else InvalidArgumentError
    with pytest.raises(error, match="The value of 'k'"):
        ConvexKVStore[Any]("n", backend=backend).mget(["k"])
    for key in "kbe":
        with pytest.raises(ProtocolError, match=f"The value of '{key}' was not written by Convex"):
            ConvexByteStore("n", backend=backend).mget([key])
    backend.close()


async def test_two_writers_lose_nothing(deployment: Deployment, unique: Unique) -> None:
    namespace = unique("two")
    both = [
        ConvexByteStore(
            namespace,
            deployment_url=deployment.url,
            admin_auth_token=deployment.admin_key,
            storage_function=deployment.storage_function,
        )
        for _ in range(2)
    ]
    await asyncio.gather(
        *(
            store.amset(
                [(f"{name}{turn}/{i}", b"v") for i in range(10)] + [("same", name.encode())]
            )
            for turn in range(5)
            for name, store in zip("ab", both, strict=True)
        )
    )
    assert len(list(both[0].yield_keys())) == 101
    assert both[1].mget(["same"]) in ([b"a"], [b"b"])
    for store in both:
        await store.aclose()


def test_namespaces_and_connections(tmp_path: Any) -> None:
    url = f"file:{tmp_path}/mastra.db"
    with ConvexByteStore("one", deployment_url=url) as one:
        one.mset([("k", b"1")])
        other = ConvexByteStore("other", backend=one.backend)
        assert other.mget(["k"]) == [None]
        other.close()
        assert one.mget(["k"]) == [b"1"], "closing leaves a shared backend open"
    for kind in (ConvexByteStore, ConvexKVStore):
        with pytest.raises(InvalidArgumentError, match="namespace"):
            kind("", deployment_url=url)
        with pytest.raises(ConfigurationError):
            kind("n", deployment_url="http://example.org", admin_auth_token="x|y")
        key = "prod:brave-bear-123|0123456789secret"
        store: Any = kind("n", deployment_url="https://brave.convex.cloud", admin_auth_token=key)
        assert "n" in repr(store)
        assert "secret" not in repr(store)
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(store)
        store.close()


def test_bytes_that_are_text_can_be_read_where_they_lie() -> None:
    backend = open_backend(":memory:")
    ConvexByteStore("n", backend=backend).mset([("k", b'{"x": 1}')])
    found = ConvexDocuments(backend=backend).list_documents("key_values/langchain.bytes.n/values")
    assert found == {"k": 'utf8:{"x": 1}'}
    backend.close()


class Gated:
    """A backend that answers an async call only after another task of the loop has run."""

    def __init__(self) -> None:
        self._inner = open_backend(":memory:")
        self._asked = asyncio.Event()
        self._may_go = asyncio.Event()
        self.beats = 0
        self.is_gated = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def send(self, request: FunctionCall, /) -> Any:
        assert not self.is_gated, f"{request.label} was sent with a blocking call"
        return self._inner.send(request)

    async def asend(self, request: FunctionCall, /) -> Any:
        self._asked.set()
        await self._may_go.wait()
        self._may_go.clear()
        return await self._inner.asend(request)

    async def other_task(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            self.beats += 1
            self._may_go.set()


@pytest.mark.parametrize("kind", [ConvexByteStore, ConvexKVStore])
async def test_async_methods_never_block_the_loop(kind: Any) -> None:
    backend: Any = Gated()
    store = kind("n", backend=backend)
    value = b"v" if kind is ConvexByteStore else "v"

    async def list_all() -> list[str]:
        return [key async for key in store.ayield_keys()]

    calls = {
        "amset": lambda: store.amset([("k", value)]),
        "amget": lambda: store.amget(["k"]),
        "ayield_keys": list_all,
        "amdelete": lambda: store.amdelete(["k"]),
    }
    for call in calls.values():
        backend.beats = 0
        other = asyncio.create_task(backend.other_task())
        backend.is_gated = True
        async with asyncio.timeout(20):
            await call()
        backend.is_gated = False
        other.cancel()
        assert backend.beats >= 1
    await backend.aclose()


class Noting:
    """A codec that notes which turn of the loop each value is made in."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self.turn = 0
        self.turns: list[int] = []

    def encode(self, value: Any, field: str) -> str:
        self.turns.append(self.turn)
        text: str = self._codec.encode(value, field)
        return text

    def decode(self, text: str, field: str) -> Any:
        self.turns.append(self.turn)
        return self._codec.decode(text, field)

    async def count_turns(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize("kind", [ConvexByteStore, ConvexKVStore])
async def test_other_tasks_run_between_values(kind: Any) -> None:
    async with kind("n", deployment_url=":memory:") as store:
        noting = Noting(store._place.codec)
        store._place = Place(store._place.namespace, noting)
        counting = asyncio.create_task(noting.count_turns())
        pairs = [(f"k{n}", b"v" if kind is ConvexByteStore else Document("v")) for n in range(50)]
        for call in (store.amset(pairs), store.amget([key for key, _ in pairs])):
            noting.turns.clear()
            await call
            assert len(set(noting.turns)) == len(noting.turns) == 50
        counting.cancel()
