"""LangGraph's checkpoints on the embedded backend, against LangGraph's own saver for SQLite.

Both write files on the same disk, with the write-ahead log and ``synchronous = FULL``, and both get the
same graphs: a counter, and a counter beside the twenty messages of a chat, which is nearer to what
agents keep. Requests are counted on the dev server.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from benchmarks.harness import Comparison, Measure, Result, expect, timed
from benchmarks.scale import Scale
from benchmarks.servers import dev_server
from convex_mastra import Options, open_backend
from langchain_convex_mastra import ConvexSaver

SPEED_TARGET: Final = 1.0
BYTES_TARGET: Final = 0.1
REQUESTS_TARGET: Final = 2.0
LARGE_LENGTH: Final = 64 * 1024
PEER: Final = "langgraph-checkpoint-sqlite: SqliteSaver, WAL, synchronous = FULL"

Saver = BaseCheckpointSaver[Any]


class State(TypedDict):
    """A number that each step counts up, and what stays as it is."""

    number: int
    kept: Any


def compare(scale: Scale) -> Iterator[Result]:
    """Measure runs and reads, bytes, and requests."""
    with tempfile.TemporaryDirectory() as folder:
        for name, kept in (("counter", None), ("chat", _chat())):
            with _savers(Path(folder), name) as (ours, peer):
                yield _runs(scale, name, kept, ours, peer)
                yield _reads(scale, name, kept, ours, peer)
        yield _bytes(scale, Path(folder))
    yield _requests(scale)


def _runs(scale: Scale, name: str, kept: Any, ours: Saver, peer: Saver) -> Result:
    threads = count()

    def measure(saver: Saver) -> Measure:
        def run() -> float:
            return timed(lambda: _run(saver, f"run-{next(threads)}", scale.checkpoint_steps, kept))[
                0
            ]

        return run

    return Comparison(
        name=f"checkpoints.run-{name}",
        size=f"a graph of {scale.checkpoint_steps:,} steps; state: {name}",
        peer_is=PEER,
        target=SPEED_TARGET,
        ours=measure(ours),
        peer=measure(peer),
    ).run(scale.checkpoint_runs)


def _reads(scale: Scale, name: str, kept: Any, ours: Saver, peer: Saver) -> Result:
    config: Any = {"configurable": {"thread_id": "read", "checkpoint_ns": ""}}
    for saver in (ours, peer):
        _run(saver, "read", 2, kept)

    def measure(saver: Saver) -> Measure:
        def read() -> None:
            for _ in range(scale.checkpoint_reads):
                found = saver.get_tuple(config)
                assert found is not None
                expect(
                    found=found.checkpoint["channel_values"]["number"], wanted=2, doing="get_tuple"
                )

        return lambda: timed(read)[0]

    return Comparison(
        name=f"checkpoints.get-{name}",
        size=f"{scale.checkpoint_reads:,} get_tuple of the newest checkpoint; state: {name}",
        peer_is=PEER,
        target=SPEED_TARGET,
        ours=measure(ours),
        peer=measure(peer),
    ).run(scale.checkpoint_runs)


def _bytes(scale: Scale, folder: Path) -> Result:
    numbers = count()

    def measure(which: Callable[[Path, str], Any], file: str) -> Measure:
        def stored() -> float:
            name = f"bytes-{next(numbers)}"
            with which(folder, name) as saver:
                _run(saver, "bytes", scale.checkpoint_stored_steps, "x" * LARGE_LENGTH)
            database = folder / f"{name}{file}"
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return float(database.stat().st_size)

        return stored

    return Comparison(
        name="checkpoints.bytes",
        size=f"{scale.checkpoint_stored_steps:,} steps beside a text of 64 KiB that stays",
        peer_is=f"{PEER}: the file",
        target=BYTES_TARGET,
        ours=measure(_ours, ".mastra.db"),
        peer=measure(_peer, ".peer.db"),
        unit="bytes",
    ).run(scale.checkpoint_counts)


def _requests(scale: Scale) -> Result:
    steps = scale.checkpoint_stored_steps
    sent: list[str] = []
    with dev_server() as server, ExitStack() as stack:
        options = Options(on_event=lambda event: sent.append(event.operation))
        backend = open_backend(server.url, server.admin_key, options=options)
        stack.callback(backend.close)
        saver = ConvexSaver(backend=backend)
        threads = count()

        def requests() -> float:
            counts = []
            for length in (steps, 2 * steps):  # beginning a thread is not a step
                sent.clear()
                _run(saver, f"requests-{next(threads)}", length, None)
                counts.append(len(sent))
            return float(counts[1] - counts[0])

        return Comparison(
            name="checkpoints.requests",
            size=f"requests of {steps:,} further steps of a run, on the dev server",
            peer_is="the steps",
            target=REQUESTS_TARGET,
            ours=requests,
            peer=lambda: float(steps),
            unit="requests",
        ).run(scale.checkpoint_counts)


@contextmanager
def _savers(folder: Path, name: str) -> Iterator[tuple[Saver, Saver]]:
    with _ours(folder, name) as ours, _peer(folder, name) as peer:
        yield ours, peer


@contextmanager
def _ours(folder: Path, name: str) -> Iterator[Saver]:
    with ConvexSaver(f"file:{folder}/{name}.mastra.db") as saver:
        yield saver


@contextmanager
def _peer(folder: Path, name: str) -> Iterator[Saver]:
    path = folder / f"{name}.peer.db"
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        saver = SqliteSaver(connection)
        saver.setup()
        yield saver


def _run(saver: Saver, thread: str, steps: int, kept: Any) -> None:
    """Run a graph that counts to *steps*, each step a checkpoint."""
    graph = StateGraph(State)
    graph.add_node("count", lambda state: {"number": state["number"] + 1})
    graph.add_edge(START, "count")
    graph.add_conditional_edges(
        "count", lambda state: "count" if state["number"] < steps else END, ["count", END]
    )
    result = graph.compile(checkpointer=saver).invoke(
        {"number": 0, "kept": kept},
        {"configurable": {"thread_id": thread}, "recursion_limit": steps + 10},
        durability="sync",
    )
    expect(found=result["number"], wanted=steps, doing="the graph")


def _chat() -> list[BaseMessage]:
    """Twenty messages: five questions, each answered after a call of a tool."""
    messages: list[BaseMessage] = []
    for turn in range(5):
        call = {"name": "days_between", "args": {"first": "2026-01-01"}, "id": f"call-{turn}"}
        messages += [
            HumanMessage(f"How many days are there until day {turn}? " * 3, id=f"q-{turn}"),
            AIMessage("", tool_calls=[call], id=f"c-{turn}"),
            ToolMessage("42 days", tool_call_id=f"call-{turn}", id=f"t-{turn}"),
            AIMessage("There are 42 days until then. " * 4, id=f"a-{turn}"),
        ]
    return messages
