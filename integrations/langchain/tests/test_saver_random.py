"""Random histories: several savers on one database answer as one ``InMemorySaver`` does.

Time jumps, so that lanes go idle, are closed, and are given up; pages are short, so that there are
many. What ``InMemorySaver`` cannot do (copying, pruning, deleting runs) is done to its dictionaries.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from convex_mastra import Backend, open_backend
from integrations.langchain.tests.savers import config_for
from langchain_convex_mastra import ConvexSaver
from langchain_convex_mastra.checkpoints import delta, journal, lanes, ledger, pending, recalling

THREADS = ["t", "t/1", "ü%"]
NAMESPACES = ["", "sub", "sub:1|x:2"]
CHANNELS = ["messages", "n", "a/b", "delta"]
RUNS = ["run-1", "run-2"]
OPERATIONS = [
    *["put"] * 8,
    *["writes"] * 5,
    *["read"] * 3,
    *["sleep"] * 2,
    *["delete_thread", "delete_runs", "prune", "copy", "delta"],
]


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with (
        patch.object(lanes, "PAGE_ENTRIES", 2),
        patch.object(delta, "PAGE_ENTRIES", 2),
        patch.object(ledger, "IDLE_LANES", 2),
        patch.object(recalling, "LANES_MAX", 2),
        patch.object(pending, "BUCKET_ROWS", 3),
        patch.object(pending, "ROW_LENGTH", 200),
        patch.object(pending, "SPECIAL_ROW_LENGTH", 60),
        patch.object(journal, "PROBES", 2),
    ):
        yield


class Twins:
    """Savers on one database, and the saver whose answers they must give."""

    def __init__(self, seed: int, backend: Backend) -> None:
        self.random = random.Random(seed)
        self.backend = backend
        self.now_s = 1e9
        self.model = InMemorySaver()
        self.savers = [self.new_saver() for _ in range(2)]
        self.puts: list[tuple[Any, dict[str, Any], dict[str, Any]]] = []
        self.step = 0

    def new_saver(self) -> ConvexSaver:
        saver = ConvexSaver(backend=self.backend)
        saver._ledger.clock = lambda: self.now_s
        return saver

    def saver(self) -> ConvexSaver:
        draw = self.random.random()
        if draw < 0.1:  # a process ends, another begins
            self.savers[self.random.randrange(2)] = self.new_saver()
        return self.random.choice(self.savers)

    def run(self, count: int) -> None:
        for _ in range(count):
            self.now_s += self.random.choice([0.1, 0.1, 1, 90])
            getattr(self, self.random.choice(OPERATIONS))()
        self.compare()

    def place(self) -> tuple[str, str]:
        return self.random.choice(THREADS), self.random.choice(NAMESPACES)

    def known(self) -> list[tuple[Any, dict[str, Any], dict[str, Any]]]:
        return [one for one in self.puts if self.model.get_tuple(one[0]) is not None]

    def put(self) -> None:
        base = self.random.choice([None, *self.known()[-3:], *self.known()])
        config, values, versions = base or (config_for(*self.place_config()), {}, {})
        changed = self.random.sample(CHANNELS, self.random.randint(0, len(CHANNELS)))
        values, new = dict(values), {}
        for name in changed:
            new[name] = self.model.get_next_version(versions.get(name), None)
            drawn = self.value()
            if drawn is None and self.random.random() < 0.7:
                values.pop(name, None)
            else:
                values[name] = drawn
        versions = {**versions, **new}
        self.step += 1
        checkpoint = {
            "v": 4,
            "id": self.checkpoint_id(),
            "ts": "2026",
            "channel_values": values,
            "channel_versions": versions,
            "versions_seen": {"node": dict(versions)},
            "updated_channels": changed,
        }
        metadata = {"source": "loop", "step": self.step, "parents": {}}
        if self.random.random() < 0.5:
            metadata["run_id"] = self.random.choice(RUNS)
        ours = self.saver().put(config, checkpoint, metadata, new)
        theirs = self.model.put(config, checkpoint, metadata, new)
        assert ours == theirs
        self.puts.append((ours, values, versions))

    def place_config(self) -> tuple[str, None, str]:
        thread, namespace = self.place()
        return thread, None, namespace

    def checkpoint_id(self) -> str:
        if self.random.random() < 0.1:
            return f"{self.random.choice('09az~%')}{self.step}"
        return str(uuid6(clock_seq=self.step % 9))

    def value(self) -> Any:
        return self.random.choice(
            [None, True, 7, 1.5, "text", "long " * 80, ["m", {"k": (1, 2)}], b"bytes", {1, 2},
             _DeltaSnapshot(["s"])]
        )  # fmt: skip

    def writes(self) -> None:
        known = self.known()
        if known and self.random.random() < 0.9:
            config = self.random.choice(known)[0]
        else:
            thread, namespace = self.place()
            config = config_for(thread, str(uuid6(clock_seq=1)), namespace)
        special = self.random.random() < 0.3
        channels = ["__error__", "__interrupt__", "__resume__"] if special else CHANNELS
        writes = [
            (self.random.choice(channels), self.value()) for _ in range(self.random.randint(1, 3))
        ]
        if special:
            writes = list(dict(writes).items())
        task, path = self.random.choice([("t1", "~2"), ("t2", "~1"), ("t/3", "")])
        self.saver().put_writes(config, writes, task, path)
        self.model.put_writes(config, writes, task, path)

    def sleep(self) -> None:
        self.now_s += self.random.choice([100, 700])

    def read(self) -> None:
        thread, namespace = self.place()
        config = config_for(thread, None, namespace)
        assert same(self.saver().get_tuple(config)) == same(self.model.get_tuple(config))

    def delta(self) -> None:
        known = self.known()
        if known:
            config = self.random.choice(known)[0]
            answers = [
                saver.get_delta_channel_history(config=config, channels=CHANNELS)
                for saver in (self.saver(), self.model)
            ]
            assert answers[0] == answers[1]

    def delete_thread(self) -> None:
        thread, _ = self.place()
        self.saver().delete_thread(thread)
        self.model.delete_thread(thread)
        self.forget_lanes()

    def forget_lanes(self) -> None:
        """What runs do that begin a while after a deletion: they read the newest state first."""
        self.now_s += ledger.ANNOUNCE_S
        for saver in self.savers:
            for thread in THREADS:
                for namespace in NAMESPACES:
                    saver.get_tuple(config_for(thread, None, namespace))

    def delete_runs(self) -> None:
        run = self.random.choice(RUNS)
        self.saver().delete_for_runs([run])
        for thread, namespaces in self.model.storage.items():
            for namespace, stored in namespaces.items():
                load = self.model.serde.loads_typed
                self.keep(
                    thread,
                    namespace,
                    {one for one in stored if load(stored[one][1]).get("run_id") != run},
                )
        self.forget_lanes()

    def prune(self) -> None:
        thread, _ = self.place()
        self.saver().prune([thread])
        for namespace, stored in self.model.storage[thread].items():
            self.keep(thread, namespace, {max(stored)} if stored else set())

    def keep(self, thread: str, namespace: str, kept: set[str]) -> None:
        stored = self.model.storage[thread][namespace]
        if kept == set(stored):
            return
        for one in set(stored) - kept:
            del stored[one]
            self.model.writes.pop((thread, namespace, one), None)
        for one, (checkpoint, metadata, parent) in stored.items():
            stored[one] = checkpoint, metadata, parent if parent in kept else None
        if not kept:
            for key in [k for k in self.model.writes if k[:2] == (thread, namespace)]:
                del self.model.writes[key]

    def copy(self) -> None:
        source, copy = self.random.sample(THREADS, 2)
        self.saver().copy_thread(source, copy)
        self.model.storage[copy]
        for namespace, stored in self.model.storage[source].items():
            self.model.storage[copy][namespace].update(stored)
        for (thread, namespace, one), writes in list(self.model.writes.items()):
            if thread == source and self.model.storage[source][namespace]:
                into = self.model.writes[copy, namespace, one]
                for key, write in writes.items():
                    if key[1] < 0:
                        into[key] = write
                    else:
                        into.setdefault(key, write)
        for (thread, *rest), blob in list(self.model.blobs.items()):
            if thread == source:
                self.model.blobs[(copy, *rest)] = blob

    def compare(self) -> None:
        savers = [self.new_saver(), *self.savers]
        for thread in THREADS:
            for namespace in NAMESPACES:
                config = config_for(thread, None, namespace)
                theirs = [same(one) for one in self.model.list(config)]
                for saver in savers:
                    assert [same(one) for one in saver.list(config)] == theirs
                    assert same(saver.get_tuple(config)) == same(self.model.get_tuple(config))
                ids = [one["config"]["configurable"]["checkpoint_id"] for one in theirs if one]
                for one in ids:
                    named = config_for(thread, one, namespace)
                    assert same(savers[0].get_tuple(named)) == same(self.model.get_tuple(named))
                if ids:
                    before = config_for(thread, self.random.choice(ids), namespace)
                    limit = self.random.randint(0, 3)
                    where = self.random.choice([None, {"run_id": "run-1"}, {"nothing": 1}])
                    options: dict[str, Any] = {"before": before, "limit": limit, "filter": where}
                    assert [same(one) for one in savers[0].list(config, **options)] == [
                        same(one) for one in self.model.list(config, **options)
                    ]
        every = sorted((place(one) for one in self.model.list(None)), reverse=True)
        ours = [place(one) for one in savers[0].list(None)]
        assert sorted(ours, reverse=True) == every
        assert [one[0] for one in ours] == [one[0] for one in every]  # newest first


def place(one: CheckpointTuple) -> tuple[str, ...]:
    named = one.config["configurable"]
    return named["checkpoint_id"], named["thread_id"], named["checkpoint_ns"]


def same(one: CheckpointTuple | None) -> dict[str, Any] | None:
    """A tuple as something to compare; the order of keys does not count."""
    if one is None:
        return None
    configurable = dict(one.config["configurable"])
    return one._asdict() | {"config": {"configurable": configurable}}


@settings(max_examples=40, phases=[Phase.generate])  # a seed does not shrink
@given(seed=st.integers(0, 2**32), count=st.integers(5, 60))
def test_savers_answer_as_langgraphs_own(seed: int, count: int) -> None:
    backend = open_backend(":memory:")
    try:
        Twins(seed, backend).run(count)
    finally:
        backend.close()
