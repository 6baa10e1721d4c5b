"""``ConvexSaver`` beyond LangGraph's suite: sizes, costs, serialisers, writers side by side."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from convex_mastra import (
    ConnectionLostError,
    InvalidArgumentError,
    Options,
    ProtocolError,
    ScanLimitError,
    limits,
    open_backend,
)
from convex_mastra.ops.partitions import name_part
from convex_mastra.wire import DOCUMENTS_PAGE_FUNCTION, STORAGE_FUNCTION, encode, storage_call
from integrations.langchain.tests.savers import (
    Chain,
    Savers,
    SyncSaver,
    config_for,
    id_of,
    listed,
    rows_left,
)
from langchain_convex_mastra import ConvexSaver
from langchain_convex_mastra.checkpoints import history, pending, recalling, removal
from langchain_convex_mastra.checkpoints import ledger as ledgers
from langchain_convex_mastra.checkpoints.headers import read_header
from langchain_convex_mastra.checkpoints.lanes import Lane, read_page, read_tail
from langchain_convex_mastra.checkpoints.layout import (
    Place,
    bucket_of,
    buckets_of,
    value_key,
)

Unique = Callable[[str], str]
MIB = 1024 * 1024


class Point:
    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and other.x == self.x

    __hash__ = None  # type: ignore[assignment]


async def test_values_of_any_size(savers: Savers, unique: Unique) -> None:
    saver = savers.open()
    chain = Chain(saver, unique("t"))
    values: dict[str, Any] = {"small": 1, "large": os.urandom(3 * MIB), "text": "ü" * MIB}
    await chain.put(values)
    huge = {f"huge{number}": os.urandom(4 * MIB) for number in range(5)}
    await chain.put(huge)
    writes = [("large", os.urandom(2 * MIB)), ("small", 2)]
    await saver.aput_writes(chain.config, writes, "task")
    found = await savers.open().aget_tuple(config_for(chain.config["configurable"]["thread_id"]))
    assert found.checkpoint["channel_values"] == values | huge
    assert found.pending_writes == [("task", *one) for one in writes]
    [newest, first] = await listed(saver, config_for(chain.config["configurable"]["thread_id"]))
    assert newest.checkpoint == found.checkpoint
    assert first.checkpoint["channel_values"] == values
    await saver.adelete_for_runs(["none"])
    other = unique("copy")
    await saver.acopy_thread(chain.config["configurable"]["thread_id"], other)
    copied = await saver.aget_tuple(config_for(other))
    assert copied.checkpoint == found.checkpoint
    assert copied.pending_writes == found.pending_writes
    await saver.aprune([other])
    assert (await saver.aget_tuple(config_for(other))).checkpoint == found.checkpoint


async def test_an_unchanged_value_is_not_written_again(savers: Savers, unique: Unique) -> None:
    backend = open_backend(
        savers.deployment.url,
        savers.deployment.admin_key,
        options=Options(on_event=lambda event: sent.append(event.request_bytes)),
    )
    sent: list[int] = []
    saver = ConvexSaver(backend=backend, storage_function=savers.deployment.storage_function)
    chain = Chain(SyncSaver(saver), unique("t"))
    await chain.put({"large": "x" * 500_000})
    sent.clear()
    for number in range(3):
        await chain.put({"n": number})
    assert len(sent) == 3
    assert max(sent) < 20_000
    values = saver.get_tuple(chain.config)
    assert values is not None
    assert values.checkpoint["channel_values"] == {"large": "x" * 500_000, "n": 2}
    backend.close()


async def test_writing_the_same_again_changes_nothing(savers: Savers, unique: Unique) -> None:
    saver = savers.open()
    thread = unique("t")
    start = config_for(thread)
    checkpoint = {
        **empty_checkpoint(),
        "v": 4,
        "channel_values": {"a": ["x"], "b": 1},
        "channel_versions": {"a": "1.5", "b": "1.5"},
    }
    for _ in range(3):
        config = await saver.aput(start, checkpoint, {"step": 1}, {"a": "1.5", "b": "1.5"})
        await saver.aput_writes(config, [("a", 1), ("b", 2)], "task", "path")
        await saver.aput_writes(config, [("__error__", "e")], "task")
    [one] = await listed(savers.open(), start)
    assert one.pending_writes == [("task", "__error__", "e"), ("task", "a", 1), ("task", "b", 2)]
    assert one.checkpoint["channel_values"] == {"a": ["x"], "b": 1}


async def test_the_first_writes_count_and_of_special_ones_the_last(
    savers: Savers, unique: Unique
) -> None:
    answers = []
    with SqliteSaver.from_conn_string(":memory:") as sqlite:
        for saver in (savers.open(), SyncSaver(sqlite)):  # type: ignore[arg-type]
            chain = Chain(saver, unique("t"))
            await chain.put()
            for number in range(3):
                await saver.aput_writes(chain.config, [("__resume__", number)], "t1", "p")
                mixed = [("__resume__", -number), ("a", number), ("__error__", number)]
                await saver.aput_writes(chain.config, mixed, "t1", "p")
                await saver.aput_writes(chain.config, [("a", number), ("b", number)], "t2", "a")
            await saver.aput_writes(chain.config, [("__interrupt__", 1), ("__error__", 2)], "t2")
            answers.append((await saver.aget_tuple(chain.config)).pending_writes)
    assert answers[0] == answers[1]


async def test_more_writes_than_a_bucket_holds(
    savers: Savers, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "BUCKET_ROWS", 8)
    monkeypatch.setattr(pending, "VOLUME_ROWS", 20)
    saver = savers.open()
    chain = Chain(saver, unique("t"))
    await chain.put()
    count = 60  # the bucket and three volumes
    await asyncio.gather(
        *(saver.aput_writes(chain.config, [("a", n)], f"t{n:05}") for n in range(count))
    )
    savers.sent()
    found = await savers.open().aget_tuple(chain.config)
    assert len([one for one in savers.sent() if "writes" in one]) == 4
    assert found.pending_writes == [(f"t{n:05}", "a", n) for n in range(count)]
    await saver.adelete_thread(chain.config["configurable"]["thread_id"])
    if savers.deployment.database:
        left = rows_left(savers.deployment.database)
        assert [row for row in left if chain.config["configurable"]["thread_id"] in row] == []


async def test_writes_are_found_after_another_process_deleted_those_before_them(
    savers: Savers, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "BUCKET_ROWS", 2)
    mine, other = savers.open(), savers.open()
    thread = unique("t")

    async def write(chain: Chain) -> None:
        for number in range(6):
            await mine.aput_writes(chain.config, [("a", number)], f"t{number}")
        found = await savers.open().aget_tuple(chain.config)
        assert found.pending_writes == [(f"t{number}", "a", number) for number in range(6)]

    for _ in range(2):  # the second time, the bucket was named before the thread was deleted
        chain = Chain(mine, thread)
        await chain.put()
        await write(chain)
        await other.adelete_thread(thread)
    chain = Chain(mine, thread)
    for _ in range(3):
        await chain.put({"n": 1})
    await write(chain)
    await chain.put({"n": 2}, run_id="r")  # the same four steps share a bucket
    await other.aprune([thread])
    await write(chain)
    await chain.put({"n": 3})
    await other.adelete_for_runs(["r"])
    await write(chain)


async def test_ten_thousand_checkpoints(unique: Unique) -> None:
    events: list[Any] = []
    backend = open_backend(":memory:", options=Options(on_event=events.append))
    saver = SyncSaver(ConvexSaver(backend=backend))
    chain = Chain(saver, unique("t"))
    thread = chain.config["configurable"]["thread_id"]
    ids = [id_of(await chain.put({"n": number})) for number in range(10_000)]
    assert len(events) < 10_000 * 1.02
    sizes: list[int] = []
    send = backend.send

    def measured(request: Any) -> Any:
        answer = send(request)
        sizes.append(len(encode(answer)))
        return answer

    with patch.object(backend, "send", measured):
        newest = await SyncSaver(ConvexSaver(backend=backend)).aget_tuple(config_for(thread))
        assert id_of(newest.config) == ids[-1]
        assert len(sizes) <= 4
        assert sum(sizes) < 6_000
        sizes.clear()
        first_ten = await listed(saver, config_for(thread), limit=10)
        assert [id_of(one.config) for one in first_ten] == ids[:-11:-1]
        assert len(sizes) <= 10
        assert sum(sizes) < 30_000
    events.clear()
    before = config_for(thread, ids[5_000])
    page = await listed(saver, config_for(thread), before=before, limit=10)
    assert [id_of(one.config) for one in page] == ids[4_999:4_989:-1]
    assert len(events) <= 20, [event.operation for event in events]
    every = [id_of(one.config) async for one in saver.alist(config_for(thread))]
    assert every == ids[::-1]
    await saver.aprune([thread])
    events.clear()
    assert [id_of(one.config) for one in await listed(saver, config_for(thread))] == [ids[-1]]
    assert len(events) <= 10
    backend.close()


async def test_a_list_holds_no_more_at_once_than_may_be(
    unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PORTION_BYTES", 3_000)
    saver = ConvexSaver(":memory:")
    chain = Chain(SyncSaver(saver), unique("t"))
    for number in range(30):
        config = await chain.put({"large": os.urandom(1_000)}, even=number % 2 == 0)
        saver.put_writes(config, [("large", os.urandom(500))], "task")
    for filter_, portions in ((None, [10, *[2] * 10]), ({"even": True}, [5, 2, 2, 2, 2, 2])):
        asked = history.History(config_for(chain.config["configurable"]["thread_id"]), filter_,
                                None, None)  # fmt: skip
        found = []
        while tuples := saver._connection.read_on(saver._desk, asked):
            found.append(len(tuples))
        assert found == portions


async def test_listing_threads_reads_no_state(savers: Savers, unique: Unique) -> None:
    if savers.deployment.lane != "embedded":
        pytest.skip("lists the threads of all tests")
    saver = savers.open()
    chain = Chain(saver, unique("t"))
    mine = {"run_id": unique("run")}
    await chain.put({"a": ["x"]}, **mine)
    savers.sent()
    every = [one async for one in saver.alist(None, filter=mine, limit=1)]
    assert id_of(every[0].config) == id_of(chain.config)
    threads = [one for one in savers.sent() if "threads" in one]
    assert len(threads) == 16


NAMES = [
    "",
    "a",
    "a/b",
    "a%2Fb",
    "A",
    "ü",
    "x" * 2000,
    "x" * 2001,
    "~",
    "~x",
    "\udc80",
    "a\0b",
    "#",
]
TELLING_NAMES = ["", "a/b", "a%2Fb", "ü", "x" * 2001, "\udc80"]
"""One of each kind, for lanes that are slower."""


async def test_any_text_is_a_name_of_its_own(savers: Savers, unique: Unique) -> None:
    assert len({name_part(text) for text in NAMES}) == len(NAMES)
    digest = name_part("x" * 2000)
    assert name_part(digest) != digest
    saver = savers.open()
    prefix = unique("t")
    stored = {}
    names = NAMES if savers.deployment.lane == "embedded" else TELLING_NAMES
    for thread in names[1:]:
        for namespace in ("", thread):
            config = config_for(prefix + thread, namespace=namespace)
            checkpoint = {
                **empty_checkpoint(),
                "v": 4,
                "channel_values": {thread: [len(stored)]},
                "channel_versions": {thread: "1"},
            }
            put = await saver.aput(config, checkpoint, {"step": 1}, {thread: "1"})
            await saver.aput_writes(put, [(thread, len(stored))], thread, namespace)
            stored[prefix + thread, namespace] = checkpoint
    for (thread, namespace), checkpoint in stored.items():
        [one] = await listed(saver, config_for(thread, namespace=namespace))
        assert one.checkpoint["channel_values"] == checkpoint["channel_values"]
        [number] = one.checkpoint["channel_values"].popitem()[1]
        assert one.pending_writes is not None
        assert [write[2] for write in one.pending_writes] == [number]
        assert one.config["configurable"]["thread_id"] == thread
    for thread in {thread for thread, _ in stored}:
        both = await listed(saver, {"configurable": {"thread_id": thread}})
        assert len(both) == 2
        await saver.adelete_thread(thread)
    assert [one async for one in saver.alist(config_for(prefix + names[1]))] == []


def test_versions_and_steps_have_keys_of_their_own() -> None:
    keys = [value_key("a", version) for version in ("1", 1, 2, 1.5, "n1", "s1")]
    assert len(set(keys)) == len(keys)
    assert value_key("a", 1) == value_key("a", 1.0)
    steps = [bucket_of(str(uuid6(clock_seq=step))) for step in range(12)]
    assert [steps.count(bucket) for bucket in dict.fromkeys(steps)] == [4, 4, 4]
    assert buckets_of(str(uuid6(clock_seq=-1))) == (bucket_of(str(uuid6(clock_seq=-1))), steps[0])
    assert bucket_of("b") != bucket_of("c")


async def test_encrypted_values(savers: Savers, unique: Unique) -> None:
    serde = EncryptedSerializer.from_pycryptodome_aes(key=b"0123456789abcdef")
    saver = savers.open(serde=serde)
    chain = Chain(saver, unique("t"))
    secret = "4711-secret"
    for _ in range(2):
        await chain.put({"number": secret, "list": [secret]}, note=secret)
        await saver.aput_writes(chain.config, [("list", secret)], "task")
    thread = chain.config["configurable"]["thread_id"]
    found = await savers.open(serde=serde).aget_tuple(config_for(thread))
    assert found.checkpoint["channel_values"] == {"number": secret, "list": [secret]}
    assert found.pending_writes == [("task", "list", secret)]
    assert len(await listed(saver, config_for(thread), filter={"note": secret})) == 2
    await savers.open().acopy_thread(thread, thread + "-copy")  # needs no key
    copied = await saver.aget_tuple(config_for(thread + "-copy"))
    assert copied.checkpoint == found.checkpoint
    if savers.deployment.database:
        data = savers.deployment.database.read_bytes()
        wal = savers.deployment.database.with_name(savers.deployment.database.name + "-wal")
        assert secret.encode() not in data + (wal.read_bytes() if wal.exists() else b"")


async def test_only_allowed_types_are_made(savers: Savers, unique: Unique) -> None:
    chain = Chain(savers.open(serde=JsonPlusSerializer(pickle_fallback=True)), unique("t"))
    await chain.put({"point": Point(3)})
    with pytest.raises(TypeError):
        await Chain(savers.open(), unique("t")).put({"point": Point(3)})
    strict = savers.plain(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    allowing = strict.with_allowlist([("tests", "Nothing")])
    assert allowing is not strict
    assert isinstance(allowing, ConvexSaver)
    assert allowing.backend is strict.backend
    assert allowing.serde is not strict.serde
    shallow = copy.copy(strict)
    config = await Chain(SyncSaver(shallow), unique("t")).put({"a": [1]})
    found = strict.get_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"a": [1]}
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(strict._connection)


async def test_writers_side_by_side_lose_nothing(savers: Savers, unique: Unique) -> None:
    thread = unique("t")

    async def write(saver: Any, count: int) -> list[str]:
        chain = Chain(saver, thread)
        return [id_of(await chain.put({"n": number})) for number in range(count)]

    if savers.face == "async":
        makers = [savers.open() for _ in range(3)]
        written = await asyncio.gather(*(write(saver, 40) for saver in [*makers, makers[0]]))
    else:
        made = [savers.open() for _ in range(3)]
        with ThreadPoolExecutor(4) as threads:
            futures = [threads.submit(asyncio.run, write(saver, 40)) for saver in [*made, made[0]]]
            written = [future.result() for future in futures]
    ids = sorted((one for some in written for one in some), reverse=True)
    reader = savers.open()
    assert [id_of(one.config) for one in await listed(reader, config_for(thread))] == ids
    assert id_of((await reader.aget_tuple(config_for(thread))).config) == ids[0]


class Losing:
    """A backend that loses replies, and delivers the requests later."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.late: list[Any] = []
        self.lose = 0

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._backend, attribute)

    def send(self, request: Any) -> Any:
        if self.lose and "langgraph/state" in request.label and "batchInsert" in request.label:
            self.lose -= 1
            self.late.append(request)
            raise ConnectionLostError("lost", applied=None)
        return self._backend.send(request)


@pytest.mark.parametrize("applied_first", [True, False])
async def test_a_request_that_arrives_late_loses_nothing(
    unique: Unique, applied_first: bool
) -> None:
    backend = Losing(open_backend(":memory:"))
    saver = SyncSaver(ConvexSaver(backend=backend))  # type: ignore[arg-type]
    chain = Chain(saver, unique("t"))
    ids = [id_of(await chain.put({"n": 1}))]
    backend.lose = 1
    ids.append(id_of(await chain.put({"n": 2})))
    if applied_first:
        backend._backend.send(backend.late[0])
    ids += [id_of(await chain.put({"n": number})) for number in range(3)]
    backend._backend.send(backend.late[0])
    config = config_for(chain.config["configurable"]["thread_id"])
    for one in (saver, SyncSaver(ConvexSaver(backend=backend))):  # type: ignore[arg-type]
        assert [id_of(found.config) for found in await listed(one, config)] == ids[::-1]
        assert id_of((await one.aget_tuple(config)).config) == ids[-1]
    backend.close()


async def test_lanes_of_many_processes_do_not_pile_up(unique: Unique) -> None:
    backend = open_backend(":memory:")
    thread = unique("t")
    now_s = 1e9
    ids = []
    config = config_for(thread)
    for _turn in range(60):  # each turn by a process of its own
        now_s += 300
        saver = ConvexSaver(backend=backend)
        saver._ledger.clock = partial(float, now_s)
        found = saver.get_tuple(config)
        chain = Chain(SyncSaver(saver), thread)
        chain.config = found.config if found else config
        ids += [id_of(await chain.put({"n": 1})) for _ in range(2)]
    assert [id_of(one.config) for one in saver.list(config)] == ids[::-1]
    newest = ConvexSaver(backend=backend).get_tuple(config)
    assert newest is not None
    assert id_of(newest.config) == ids[-1]
    rows = backend.send(_query(f"langgraph/lanes/{thread}/"))["result"]
    assert len(rows) <= recalling.LANES_MAX + 2
    backend.close()


def _query(table: str) -> Any:
    return storage_call(STORAGE_FUNCTION, "queryTable", table, {})


async def test_a_process_that_slept_writes_to_a_new_lane(unique: Unique) -> None:
    backend = open_backend(":memory:")
    now_s = 1e9
    slow = ConvexSaver(backend=backend)
    slow._ledger.clock = lambda: now_s
    chain = Chain(SyncSaver(slow), unique("t"))
    ids = [id_of(await chain.put({"n": 1}))]
    send, lanes = backend.send, set()

    def sleepy(request: Any) -> Any:
        nonlocal now_s
        if "batchInsert langgraph/state" in request.label:
            lanes.add(request.args["records"][-1]["id"])
            if len(lanes) == 1:
                now_s += ledgers.IDLE_S * 2
        return send(request)

    with patch.object(backend, "send", sleepy):
        ids.append(id_of(await chain.put({"n": 2})))
    assert len(lanes) == 2
    config = config_for(chain.config["configurable"]["thread_id"])
    assert [id_of(one.config) for one in slow.list(config)] == ids[::-1]
    backend.close()


async def test_a_thread_that_another_process_deleted_begins_anew(
    savers: Savers, unique: Unique
) -> None:
    mine, other = savers.open(), savers.open()
    thread = unique("t")
    chain = Chain(mine, thread)
    for _ in range(3):
        await chain.put({"a": ["x"]})
    await other.adelete_thread(thread)
    assert await mine.aget_tuple(config_for(thread)) is None
    again = Chain(mine, thread)
    config = await again.put({"a": ["new"]})
    for saver in (mine, other, savers.open()):
        assert [id_of(one.config) for one in await listed(saver, config_for(thread))] == [
            id_of(config)
        ]
    await other.adelete_thread(thread)
    blind = Chain(mine, thread)  # has not looked since
    config = await blind.put({"a": ["newer"]})
    assert id_of((await other.aget_tuple(config_for(thread))).config) == id_of(config)


class Crash:
    """Sends requests until some deletion, and then no more."""

    def __init__(self, send: Callable[[Any], Any], left: int) -> None:
        self.send, self.left = send, left

    def __call__(self, request: Any) -> Any:
        if "delete" in request.label or "clear" in request.label:
            self.left -= 1
            if self.left <= 0:
                raise KeyboardInterrupt
        return self.send(request)


async def test_a_crash_while_deleting_leaves_whole_checkpoints(unique: Unique) -> None:
    for fail_at in range(1, 40):
        backend = open_backend(":memory:")
        saver = ConvexSaver(backend=backend)
        thread = unique("t")
        chain = Chain(SyncSaver(saver), thread)
        for number in range(4):
            await chain.put(
                {"a": ["x", number] if number < 2 else chain.values["a"], "b": {"k": 1}}
            )
            saver.put_writes(chain.config, [("a", number)], "task")
        whole = {id_of(one.config): one for one in saver.list(config_for(thread))}
        crash = Crash(backend.send, fail_at)
        ended = True
        with patch.object(backend, "send", crash):
            try:
                saver.delete_thread(thread)
            except KeyboardInterrupt:
                ended = False
        fresh = ConvexSaver(backend=backend)
        for one in fresh.list(config_for(thread)):
            assert one.checkpoint == whole[id_of(one.config)].checkpoint
        fresh.delete_thread(thread)
        every = [
            row
            for table in (f"langgraph/{kind}/{thread}/" for kind in ("state", "lanes", "closed"))
            for row in backend.send(_query(table))["result"]
        ]
        assert every == []
        backend.close()
        if ended:
            break
    else:
        raise AssertionError("never ended")


async def test_wrong_arguments_are_named(savers: Savers) -> None:
    saver = savers.open()
    savers.sent()
    with pytest.raises(InvalidArgumentError, match="thread"):
        await saver.aget_tuple({"configurable": {}})
    with pytest.raises(InvalidArgumentError, match=r"name a thread, .* it has no 'configurable'"):
        await saver.aget_tuple({})
    with pytest.raises(InvalidArgumentError, match=r"config must .* it is None"):
        await saver.aput(None, empty_checkpoint(), {}, {})
    with pytest.raises(InvalidArgumentError, match="checkpoint"):
        await saver.aput_writes(config_for("t"), [("a", 1)], "task")
    with pytest.raises(InvalidArgumentError, match="thread_ids must be a list"):
        await saver.aprune("thread")
    with pytest.raises(InvalidArgumentError, match="run_ids must be a list"):
        await saver.adelete_for_runs("run")
    with pytest.raises(ValueError, match="strategy"):
        await saver.aprune(["thread"], strategy="keep_none")
    assert savers.sent() == []


@pytest.mark.parametrize(
    "text",
    ["", "null", "5", "[]", "{}", "[" * 100_000, '{"entries": 5}', '{"id": "x", "parent": null}']
    + [
        f'{{"id": "x", "parent": null, "versions": {{}}, {more}}}'
        for more in ('"inline": [1]', '"inline": {"a": []}', '"cut": 5', '"checkpoint": ["m"]')
    ],
)
def test_what_the_saver_did_not_write_is_named(text: str) -> None:
    row = {"id": "some/row", "json": text, "lane": "l", "position": 0}
    for read in (read_header, read_page, partial(read_tail, "l")):
        with pytest.raises(ProtocolError, match="'some/row' is no"):
            read(row)


@pytest.mark.parametrize("has_pages", [True, False])
async def test_what_a_scan_cannot_hold_is_read_in_pages_or_an_error(
    unique: Unique, tmp_path: Path, has_pages: bool
) -> None:
    backend = open_backend(f"file:{tmp_path / 'a.db'}")
    backend.abilities[DOCUMENTS_PAGE_FUNCTION] = has_pages
    saver = ConvexSaver(backend=backend)
    thread = unique("t")
    config = await Chain(SyncSaver(saver), thread).put()
    with (
        patch.object(limits, "SCAN_ROWS", 3),
        patch.object(limits, "DOCUMENT_PAGE_ROWS", 2),
        patch.object(removal, "ROWS_AT_ONCE", 2),
        patch.object(pending, "BUCKET_ROWS", 2),
    ):
        for number in range(6):
            other = ConvexSaver(backend=backend)
            for call in range(3):  # one of them into a volume
                other.put_writes(config, [("a", number)], f"t{number}-{call}")
        if has_pages:
            found = saver.get_tuple(config)
            assert found is not None
            assert len(found.pending_writes or ()) == 18
        else:
            with pytest.raises(ScanLimitError):
                saver.get_tuple(config)
        saver.delete_thread(thread)
    backend.close()
    assert rows_left(tmp_path / "a.db") == []


def test_constructing_and_closing() -> None:
    saver = ConvexSaver(":memory:")
    assert repr(saver) == "ConvexSaver(EmbeddedBackend(':memory:'))"
    saver.setup()
    saver.close()
    saver.close()
    with ConvexSaver.from_conn_string(":memory:") as opened:
        assert opened.get_tuple(config_for("t")) is None

    async def use() -> None:
        async with ConvexSaver.afrom_conn_string(":memory:") as opened:
            await opened.asetup()
            assert await opened.aget_tuple(config_for("t")) is None
            assert opened.get_tuple(config_for("t")) is None  # sync, inside a running loop

    asyncio.run(use())
    with ConvexSaver("https://x.convex.cloud", "prod:x|secret") as hidden:
        assert "secret" not in repr(hidden) + repr(vars(hidden))


def test_a_child_process_has_lanes_of_its_own() -> None:
    book = ledgers.Ledger()
    place = Place("t", "")
    book.give_back(place, Lane(written_s=book.clock()))
    with patch.object(os, "getpid", lambda: -1):
        assert book.take(place) is None


class Interrupting:
    """Sends requests, and acts before one of them."""

    def __init__(self, send: Callable[[Any], Any], at: int, act: Callable[[], None]) -> None:
        self.send, self.left, self.act = send, at, act

    def __call__(self, request: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            self.act()
        return self.send(request)


async def test_a_copy_holds_whole_checkpoints_though_its_source_is_deleted(unique: Unique) -> None:
    for delete_at in range(1, 40):
        backend = open_backend(":memory:")
        saver, other = ConvexSaver(backend=backend), ConvexSaver(backend=backend)
        thread = unique("t")
        chain = Chain(SyncSaver(saver), thread)
        for number in range(3):
            await chain.put({"a": ["x" * 1000, number], "b": [number]})
            saver.put_writes(chain.config, [("a", number)], "task")
        originals = {id_of(one.config): one for one in saver.list(config_for(thread))}
        send = Interrupting(backend.send, delete_at, partial(other.delete_thread, thread))
        with patch.object(backend, "send", send):
            saver.copy_thread(thread, f"{thread}-copy")
        for found in saver.list(config_for(f"{thread}-copy")):
            original = originals[id_of(found.config)]
            assert found.checkpoint == original.checkpoint
            assert found.pending_writes == original.pending_writes
        backend.close()
        if send.left > 0:
            break
    assert send.left > 0
    assert delete_at > 5


@pytest.mark.parametrize("size", [1000, 2 * MIB])
async def test_a_reader_finds_a_whole_checkpoint_or_none(unique: Unique, size: int) -> None:
    """A thread is deleted between any two requests of whoever reads it."""
    values = {f"c{number}": os.urandom(size) for number in range(3)}
    ended = False
    for delete_at in range(1, 9):
        backend = open_backend(":memory:")
        saver = ConvexSaver(backend=backend)
        chain = Chain(SyncSaver(saver), unique("t"))
        config = await chain.put(values)
        thread = config["configurable"]["thread_id"]
        for wanted in (config, config_for(thread)):
            send = Interrupting(backend.send, delete_at, partial(saver.delete_thread, thread))
            with patch.object(backend, "send", send):
                found = ConvexSaver(backend=backend).get_tuple(wanted)
            assert found is None or found.checkpoint["channel_values"] == values
            ended = send.left > 0
            await Chain(SyncSaver(saver), thread).put(values)
        backend.close()
    assert ended
