"""What ``ConvexSaver`` makes of bytes and rows that others may have written: nothing that they ask for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import ormsgpack
import pytest
import pytest_asyncio
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import EXT_CONSTRUCTOR_POS_ARGS, JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from convex_mastra import Backend, InvalidArgumentError, ProtocolError, open_backend
from convex_mastra.flow import run
from convex_mastra.ops.storage import delete_rows, load, query_rows, upsert_rows
from convex_mastra.wire import DOCUMENTS_RANGES_FUNCTION
from integrations.langchain.tests.damage import GONE, changed, places
from integrations.langchain.tests.savers import Chain, Savers, SyncSaver, config_for, id_of
from langchain_convex_mastra import ConvexSaver
from langchain_convex_mastra.checkpoints import blobs, delta, lanes
from langchain_convex_mastra.checkpoints.layout import (
    Place,
    bucket_of,
    header_key,
    page_key,
    tail_key,
    value_key,
)
from langchain_convex_mastra.checkpoints.strict import PARTS_MAX

Unique = Callable[[str], str]


@dataclass
class Point:
    x: int


class Visit(BaseModel):
    city: str


class Trip(TypedDict):
    start: Point
    visits: list[Visit]
    answer: str


def plan(_state: Trip) -> dict[str, Any]:
    return {"start": Point(1), "visits": [Visit(city="Oslo")]}


def ask(state: Trip) -> dict[str, Any]:
    answer = interrupt("Really?")
    return {"answer": f"{answer} from {state['start'].x} to {state['visits'][0].city}"}


def trip(saver: ConvexSaver) -> Any:
    graph = StateGraph(Trip)
    graph.add_node("plan", plan)
    graph.add_node("ask", ask)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "ask")
    return graph.compile(checkpointer=saver)


async def test_a_state_of_own_classes_is_read_where_they_are_allowed(
    savers: Savers, unique: Unique
) -> None:
    config = config_for(unique("t"))
    trip(savers.plain(allowed_msgpack_modules=[Point, Visit])).invoke({"answer": ""}, config)
    raw = savers.plain().get_tuple(config)
    assert raw is not None
    assert raw.checkpoint["channel_values"]["start"] == {"x": 1}
    again = savers.plain(
        allowed_msgpack_modules=[Point, (Visit.__module__, "Visit")]
    )  # as another process has it
    found = again.get_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"]["start"] == Point(1)
    result = trip(again).invoke(Command(resume="yes"), config)
    assert result["answer"] == "yes from 1 to Oslo"


def test_bytes_make_nothing_that_is_not_allowed(tmp_path: Any) -> None:
    saver = ConvexSaver(":memory:")
    made = tmp_path / "made"
    call = ormsgpack.packb(("os", "mkdir", (str(made),)))
    hostile = ormsgpack.packb(ormsgpack.Ext(EXT_CONSTRUCTOR_POS_ARGS, call))
    assert saver.serde.loads_typed(("msgpack", hostile)) == [str(made)]
    assert not made.exists()
    with pytest.raises(Exception, match="pickle"):
        saver.serde.loads_typed(("pickle", b"cos\nmkdir\n(S'" + str(made).encode() + b"'\ntR."))
    assert not made.exists()


def test_an_encrypting_serialiser_makes_nothing_that_is_not_allowed(tmp_path: Any) -> None:
    made = tmp_path / "made"
    call = ormsgpack.packb(("os", "mkdir", (str(made),)))
    hostile = ormsgpack.packb(ormsgpack.Ext(EXT_CONSTRUCTOR_POS_ARGS, call))
    cipher = EncryptedSerializer.from_pycryptodome_aes(key=b"0123456789abcdef").cipher
    for serde in (
        EncryptedSerializer.from_pycryptodome_aes(key=b"0123456789abcdef"),
        EncryptedSerializer(cipher),
    ):
        saver = ConvexSaver(":memory:", serde=serde, allowed_msgpack_modules=[Point])
        assert saver.serde.loads_typed(("msgpack", hostile)) == [str(made)]
        assert not made.exists()
        kind, data = saver.serde.dumps_typed([Point(1), Visit(city="Oslo")])
        assert kind == "msgpack+aes"
        assert saver.serde.loads_typed((kind, data)) == [Point(1), {"city": "Oslo"}]
    chosen = EncryptedSerializer(cipher, JsonPlusSerializer(allowed_msgpack_modules=[Visit]))
    assert ConvexSaver(":memory:", serde=chosen).serde is chosen


@pytest.mark.parametrize("lc", [1, 2])
def test_json_of_older_versions_makes_nothing_that_is_not_allowed(
    lc: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "4711")
    saver = ConvexSaver(":memory:")
    secret = {"lc": lc, "type": "secret", "id": ["SOME_KEY"]}
    call = {"lc": lc, "type": "constructor", "id": ["os", "getenv"], "args": ["SOME_KEY"]}
    for value in (secret, call):
        try:
            made = saver.serde.loads_typed(("json", json.dumps({"made": value}).encode()))
        except ValueError:
            continue
        assert "4711" not in str(made)


@pytest.mark.parametrize("wrong", ["tests", 5, [5], [("module",)], [("module", 5)], {"a": "b"}])
def test_what_cannot_be_allowed_is_named(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="allowed_msgpack_modules"):
        ConvexSaver(":memory:", allowed_msgpack_modules=wrong)


def test_a_serialiser_has_its_own_list() -> None:
    with pytest.raises(InvalidArgumentError, match="with serde, allow the classes there"):
        ConvexSaver(":memory:", serde=JsonPlusSerializer(), allowed_msgpack_modules=[Point])


class Stored:
    """A checkpoint with one value and one write, and its rows, to be changed."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.saver = ConvexSaver(backend=backend)
        self.target = self.saver._connection._target
        self.place = Place("t", "")
        self.bucket = ""
        self.id = ""
        self.config: Any = None

    async def put(self, value: Any) -> None:
        chain = Chain(SyncSaver(self.saver), "t")
        await chain.put({"a": value})
        self.saver.put_writes(chain.config, [("a", 1)], "task")
        self.config = chain.config
        self.id = id_of(chain.config)
        self.bucket = self.place.writes(bucket_of(self.id))
        self.value_key = value_key("a", chain.versions["a"])

    def change(self, key: str, partition: str | None = None, **changes: Any) -> None:
        """Write a row anew; columns that are None go."""
        partition = partition or self.place.state
        row = run(load(self.target, partition, key), self.backend)
        assert row is not None
        row = {name: value for name, value in (row | changes).items() if value is not None}
        run(upsert_rows(self.target, partition, [[row]]), self.backend)

    def read(self) -> Any:
        return ConvexSaver(backend=self.backend).get_tuple(config_for("t"))


@pytest_asyncio.fixture
async def stored() -> Any:
    backend = open_backend(":memory:")
    one = Stored(backend)
    await one.put({"k": "x"})
    yield one
    backend.close()


CUT: dict[str, Any] = {"data": None, "version": "v"}


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "no base64!"},
        {"data": 5},
        {"data": None},
        {"type": 5},
        {"type": None},
        {"type": "unheard of"},
        {"data": b64encode(b"\xc1").decode()},
        {**CUT, "parts": 10**12},
        {**CUT, "parts": PARTS_MAX + 1},
        {**CUT, "parts": 0},
        {**CUT, "parts": -1},
        {**CUT, "parts": 1.5},
        {**CUT, "parts": "3"},
        {**CUT, "parts": None},
        {**CUT, "parts": 2},
        {**CUT, "version": 5, "parts": 2},
    ],
    ids=repr,
)
async def test_damaged_values_are_named(stored: Stored, changes: dict[str, Any]) -> None:
    stored.change(stored.value_key, **changes)
    with pytest.raises(ProtocolError, match=r"v/a/s|channel 'a' of"):
        stored.read()
    with pytest.raises(ProtocolError, match=r"v/a/s|channel 'a' of"):
        list(stored.saver.list(config_for("t")))


async def test_a_value_without_one_of_its_parts_is_named(stored: Stored) -> None:
    await stored.put("x" * 1_500_000)
    rows = run(query_rows(stored.target, stored.place.state, {}), stored.backend)
    part = min(row["id"] for row in rows if row["id"].startswith(f"{stored.value_key}/"))
    stored.change(part, data=5)
    with pytest.raises(ProtocolError, match="v/a/s"):
        stored.read()


async def test_a_snapshot_without_one_of_its_parts_is_named(stored: Stored) -> None:
    chain = Chain(SyncSaver(stored.saver), "t")
    await chain.put({"d": _DeltaSnapshot("x" * 1_500_000)})
    seed, key = chain.config, value_key("d", chain.versions["d"])
    chain.values.clear()
    await chain.put()

    def walk() -> Any:
        return stored.saver.get_delta_channel_history(config=chain.config, channels=["d"])

    assert len(walk()["d"]["seed"].value) == 1_500_000
    rows = run(query_rows(stored.target, stored.place.state, {}), stored.backend)
    part = min(row["id"] for row in rows if row["id"].startswith(f"{key}/"))
    run(delete_rows(stored.target, stored.place.state, [part]), stored.backend)
    with pytest.raises(ProtocolError, match="v/d/s"):
        walk()
    # A thread that is being deleted has no snapshots any more.
    header = header_key(id_of(seed))
    with patch.object(delta, "join", _deleting(header, stored)):
        assert walk() == {"d": {"writes": []}}


def _deleting(key: str, stored: Stored) -> Callable[..., Any]:
    def join(*args: Any) -> Any:
        yield from delete_rows(stored.target, stored.place.state, [key])
        return (yield from blobs.join(*args))

    return join


@pytest.mark.parametrize("text", ["", "5", "[]", '["t"]', '["t", "", [[0]]]', '[5, "", []]'])
async def test_damaged_writes_are_named(stored: Stored, text: str) -> None:
    [row] = run(query_rows(stored.target, stored.bucket, {}), stored.backend)
    stored.change(row["id"], stored.bucket, json=text)
    with pytest.raises(ProtocolError, match="is no part of a checkpoint"):
        stored.read()


@pytest.mark.parametrize("changes", [{"json": None}, {"json": None, "beside": 5}], ids=repr)
async def test_writes_that_are_nowhere_are_named(stored: Stored, changes: dict[str, Any]) -> None:
    [row] = run(query_rows(stored.target, stored.bucket, {}), stored.backend)
    stored.change(row["id"], stored.bucket, **changes)
    with pytest.raises(ProtocolError, match="is no part of a checkpoint"):
        stored.read()


async def test_damaged_writes_beside_their_row_are_named(stored: Stored) -> None:
    stored.saver.put_writes(stored.config, [("a", "x" * 100_000)], "large")
    [beside] = [
        row["beside"]
        for row in run(query_rows(stored.target, stored.bucket, {}), stored.backend)
        if "beside" in row
    ]
    stored.change(beside, data=b64encode(b"\xff").decode())
    with pytest.raises(ProtocolError, match=r"large.* is no part of a checkpoint"):
        stored.read()


@pytest.mark.parametrize("head", ["", "[]", "{}", '{"id": "x"}'])
async def test_damaged_headers_are_named(stored: Stored, head: str) -> None:
    [lane] = run(query_rows(stored.target, stored.place.lanes, {}), stored.backend)
    stored.change(tail_key(lane["id"]), head=head)
    stored.backend.abilities[DOCUMENTS_RANGES_FUNCTION] = False  # which would not read the lane
    with pytest.raises(ProtocolError, match="l/"):
        stored.read()


@pytest.mark.parametrize("junk", [GONE, None, -1, 1e300, float("inf"), "x", [], [5], {}], ids=repr)
@pytest.mark.parametrize("kind", ["header", "tail", "page", "writes"])
async def test_json_that_was_changed_anywhere_is_read_or_named(
    stored: Stored, kind: str, junk: Any
) -> None:
    with patch.object(lanes, "PAGE_ENTRIES", 1):
        chain = Chain(SyncSaver(stored.saver), "t")
        for number in range(3):
            await chain.put({"a": [number]}, run_id="r")
            stored.saver.put_writes(chain.config, [("a", 1)], "task")
        [lane] = run(query_rows(stored.target, stored.place.lanes, {}), stored.backend)
        key, partition = {
            "header": (header_key(id_of(chain.config)), stored.place.state),
            "tail": (tail_key(lane["id"]), stored.place.state),
            "page": (page_key(lane["id"], 1), stored.place.state),
            "writes": (
                run(query_rows(stored.target, stored.bucket, {}), stored.backend)[0]["id"],
                stored.bucket,
            ),
        }[kind]
        row = run(load(stored.target, partition, key), stored.backend)
        assert row is not None
        said = json.loads(row["json"])
        for path in places(said):
            stored.change(key, partition, json=json.dumps(changed(said, path, junk)))
            saver = ConvexSaver(backend=stored.backend)
            for work in (
                partial(saver.get_tuple, config_for("t")),
                partial(saver.get_tuple, chain.config),
                lambda saver=saver: list(saver.list(config_for("t"))),
                partial(saver.get_delta_channel_history, config=chain.config, channels=["z"]),
                partial(saver.copy_thread, "t", "copy"),
            ):
                with suppress(ProtocolError):
                    work()  # type: ignore[operator]


async def test_a_body_that_is_no_object_is_named(stored: Stored) -> None:
    kind, data = stored.saver.serde.dumps_typed([1])
    row = run(load(stored.target, stored.place.state, header_key(stored.id)), stored.backend)
    assert row is not None
    header = json.loads(row["json"]) | {"metadata": [kind, b64encode(data).decode()]}
    stored.change(header_key(stored.id), json=json.dumps(header))
    with pytest.raises(ProtocolError, match=r"metadata of .* is no object"):
        stored.read()


NAMED_BY_SCHEMA = """
from typing import TypedDict
from langgraph.graph import START, StateGraph
from pydantic import BaseModel
from langchain_convex_mastra import ConvexSaver

class Visit(BaseModel):
    city: str

class Trip(TypedDict):
    visits: list[Visit]

graph = StateGraph(Trip)
graph.add_node("plan", lambda state: {"visits": [Visit(city="Oslo")]})
graph.add_edge(START, "plan")
with ConvexSaver(":memory:") as saver:
    app = graph.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "t"}}
    app.invoke({"visits": []}, config)
    print(app.get_state(config).values["visits"])
"""


def test_langgraph_names_the_classes_of_a_schema_where_it_is_strict() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NAMED_BY_SCHEMA],
        env=os.environ | {"LANGGRAPH_STRICT_MSGPACK": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "[Visit(city='Oslo')]\n"
