"""Single rows on the embedded backend, against plain sqlite3 with the same durability.

The peer runs the same two statements on a file of its own on the same disk: an upsert by id in a
transaction that is on the disk when it ends, and a select by id. It reads and writes JSON as well.
Ours also checks the arguments, runs Mastra's handler with its rules, and makes a record.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.harness import Comparison, Result, expect, timed
from benchmarks.scale import Scale
from convex_mastra import ConvexStore, Thread
from convex_mastra.ops.threads import thread_row

TARGET: Final = 2.5
"""0.4 of sqlite3's operations in the same time."""
PEER: Final = "sqlite3: the same statements, WAL, synchronous = FULL"
_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
_UPSERT: Final = (
    "INSERT INTO threads (id, document) VALUES (?, ?) "
    "ON CONFLICT (id) DO UPDATE SET document = excluded.document"
)
_SELECT: Final = "SELECT document FROM threads WHERE id = ?"

Work = Callable[[list[Thread]], None]


def compare(scale: Scale) -> Iterator[Result]:
    """Measure rows that are written and read one by one, and reads alone."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ConvexStore(f"file:{folder}/mastra.db") as store,
        closing(_opened(Path(folder) / "peer.db")) as database,
    ):
        memory = store.memory

        def save_and_load(threads: list[Thread]) -> None:
            for thread in threads:
                memory.save_thread(thread)
                expect(found=memory.get_thread_by_id(thread.id), wanted=thread, doing="rows")

        def upsert_and_select(threads: list[Thread]) -> None:
            for thread in threads:
                database.execute("BEGIN IMMEDIATE")
                database.execute(_UPSERT, (thread.id, json.dumps(thread_row(thread))))
                database.execute("COMMIT")
                _selected(database, thread)

        def load(threads: list[Thread]) -> None:
            for thread in threads:
                memory.get_thread_by_id(thread.id)

        def select(threads: list[Thread]) -> None:
            for thread in threads:
                _selected(database, thread)

        size = scale.rows_per_pair
        words = f"{size} rows, each upserted and loaded"
        yield _comparison(
            "upsert-and-load", words, TARGET, save_and_load, upsert_and_select, size
        ).run(scale.rows)
        words = f"{size} rows, loaded"
        yield _comparison("load", words, None, load, select, size).run(scale.rows)


def _comparison(
    name: str, size: str, target: float | None, ours: Work, peer: Work, rows: int
) -> Comparison:
    def measure(work: Work) -> Callable[[], float]:
        numbers = count()

        def measured() -> float:
            threads = [_thread(next(numbers)) for _ in range(rows)]
            return timed(lambda: work(threads))[0]

        return measured

    return Comparison(
        name=f"rows.{name}",
        size=size,
        peer_is=PEER,
        target=target,
        ours=measure(ours),
        peer=measure(peer),
    )


def _thread(number: int) -> Thread:
    # The same rows come again in every pair of the second comparison, which reads them.
    return Thread(
        id=f"thread-{number}",
        resource_id="benchmark-user",
        title="A conversation about the weather",
        metadata={"topic": "weather", "turns": number, "tags": ["a", "b"]},
        created_at=_TIME,
        updated_at=_TIME,
    )


def _selected(database: sqlite3.Connection, thread: Thread) -> None:
    (document,) = database.execute(_SELECT, (thread.id,)).fetchone()
    expect(found=json.loads(document)["id"], wanted=thread.id, doing="rows of the peer")


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE threads (seq INTEGER PRIMARY KEY, id TEXT, document TEXT)")
    database.execute("CREATE UNIQUE INDEX by_id ON threads (id)")
    return database
