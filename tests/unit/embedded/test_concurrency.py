"""Threads, processes, event loops, forks and kills on one file."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psutil
import pytest

from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.config import Options
from convex_mastra.errors import ClosedError, UnavailableError
from tests.unit.embedded import scripts
from tests.unit.embedded.storage import call, message, result, send, thread

THREADS = 16


@pytest.fixture
def opened(path: str) -> Iterator[EmbeddedBackend]:
    with closing(EmbeddedBackend(path, Options())) as backend:
        yield backend


def test_sixteen_threads_lose_nothing(backend: EmbeddedBackend) -> None:
    def work(number: int) -> None:
        for step in range(10):
            row = message(number * 100 + step, thread=f"t{number}")
            send(backend, "insert", "mastra_messages", record=row)
            send(backend, "insert", "mastra_threads", record=thread("shared", title=f"{number}"))
            own = [{"field": "thread_id", "value": f"t{number}"}]
            rows = result(backend, "queryTable", "mastra_messages", filters=own)
            assert len(rows) == step + 1

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    rows = result(backend, "queryTable", "mastra_messages")
    assert len({row["id"] for row in rows}) == THREADS * 10
    assert all(a["_creationTime"] < b["_creationTime"] for a, b in itertools.pairwise(rows))
    assert len(result(backend, "queryTable", "mastra_threads")) == 1


def test_merges_of_many_threads_are_all_kept(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "mastra_threads", record=thread("a"))

    def work(number: int) -> None:
        update = {"id": "a", "title": "t", "updatedAt": "u", "metadata": {f"k{number}": number}}
        send(backend, "updateThread", "mastra_threads", **update)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(60)))
    merged = result(backend, "load", "mastra_threads", keys={"id": "a"})["metadata"]
    assert merged == {f"k{number}": float(number) for number in range(60)}


def test_two_processes_on_a_new_file(path: str) -> None:
    script = """
for n in range(60):
    send(backend, "insert", "mastra_messages", record=message(n, thread=sys.argv[2]) | {"id": f"{sys.argv[2]}{n}"})
backend.close()
"""
    processes = [scripts.start(script, path, name) for name in ("a", "b")]
    for process in processes:
        scripts.finish(process)
    with closing(EmbeddedBackend(path, Options())) as backend:
        rows = result(backend, "queryTable", "mastra_messages")
    assert len(rows) == 120
    assert all(a["_creationTime"] < b["_creationTime"] for a, b in itertools.pairwise(rows))
    for name in ("a", "b"):
        own = [row["id"] for row in rows if row["thread_id"] == name]
        assert own == [f"{name}{n}" for n in range(60)]


def test_what_was_acknowledged_survives_a_kill(path: str) -> None:
    script = """
for n in range(100_000):
    send(backend, "batchInsert", "mastra_messages", records=[message(n), message(n, thread="x") | {"id": f"x{n}"}])
    print(n, flush=True)
"""
    process = scripts.start(script, path)
    assert process.stdout is not None
    for _ in range(25):
        line = process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=scripts.TIMEOUT_S)
    lines = rest.splitlines() or [line]
    acknowledged = int(lines[-1]) if lines[-1].strip() else int(lines[-2])
    with closing(EmbeddedBackend(path, Options())) as backend:
        rows = result(backend, "queryTable", "mastra_messages")
        check = backend._database.write(
            lambda connection: connection.execute("PRAGMA integrity_check").fetchone()
        )
    ids = {row["id"] for row in rows}
    assert {f"m{n}" for n in range(acknowledged + 1)} <= ids
    assert len([one for one in ids if one[0] == "m"]) == len([one for one in ids if one[0] == "x"])
    assert check == ("ok",)


def test_a_forked_child_opens_the_file_anew(path: str) -> None:
    output = scripts.run(
        """
send(backend, "insert", "mastra_messages", record=message(1))
pid = os.fork()
if pid == 0:
    assert len(result(backend, "queryTable", "mastra_messages")) == 1
    send(backend, "insert", "mastra_messages", record=message(2))
    backend.close()
    os._exit(0)
_, status = os.waitpid(pid, 0)
send(backend, "insert", "mastra_messages", record=message(3))
print(os.waitstatus_to_exitcode(status), [row["id"] for row in result(backend, "queryTable", "mastra_messages")])
backend.close()
""",
        path,
    )
    assert output == "0 ['m1', 'm2', 'm3']\n"


def test_a_fork_while_another_thread_writes(path: str) -> None:
    # The child inherits the lock in the state it was in: taken.
    output = scripts.run(
        """
send(backend, "insert", "mastra_messages", record=message(1))
backend._database._connections.lock.acquire()
pid = os.fork()
if pid == 0:
    send(backend, "insert", "mastra_messages", record=message(2))
    backend.close()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
backend._database._connections.lock.release()
print(len(result(backend, "queryTable", "mastra_messages")))
backend.close()
""",
        path,
    )
    assert output == "0\n2\n"


def test_a_memory_database_stays_with_its_process() -> None:
    output = scripts.run(
        """
from convex_mastra.errors import ClosedError
fresh = EmbeddedBackend(":memory:", Options())
send(backend, "insert", "mastra_messages", record=message(1))
pid = os.fork()
if pid == 0:
    send(fresh, "insert", "mastra_messages", record=message(1))
    try:
        result(backend, "queryTable", "mastra_messages")
    except ClosedError as error:
        os.write(1, f"{error.message}\\n".encode())
    os._exit(0)
os.waitpid(pid, 0)
print(len(result(backend, "queryTable", "mastra_messages")))
""",
        ":memory:",
    )
    assert output == (
        "The in-memory database belongs to the process that opened it, not to this child of it.\n"
        "1\n"
    )


def test_two_event_loops_one_after_the_other(backend: EmbeddedBackend) -> None:
    async def write(number: int) -> None:
        rows = [message(number * 10 + step) for step in range(5)]
        calls = [call("insert", "mastra_messages", record=row) for row in rows]
        await asyncio.gather(*map(backend.asend, calls))

    asyncio.run(write(0))
    asyncio.run(write(1))
    assert len(result(backend, "queryTable", "mastra_messages")) == 10


async def test_a_locked_database_does_not_block_the_loop(path: str) -> None:
    backend = EmbeddedBackend(path, Options(timeout_s=0.5))
    await backend.asend(call("insert", "mastra_messages", record=message(1)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = [
            asyncio.create_task(backend.asend(call("insert", "mastra_messages", record=message(n))))
            for n in range(2, 5)
        ]
        await asyncio.sleep(0)
        # Reads have threads of their own, and the loop is free to run them.
        reply = await backend.asend(call("load", "mastra_messages", keys={"id": "m1"}))
        waited = [task.done() for task in waiting]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        other.execute("ROLLBACK")
    await backend.aclose()
    assert reply["result"]["id"] == "m1"
    assert waited == [False] * 3
    assert {type(outcome) for outcome in outcomes} == {UnavailableError}


async def test_calls_that_wait_when_the_backend_closes(path: str) -> None:
    backend = EmbeddedBackend(path, Options())
    calls = [call("insert", "mastra_messages", record=message(n)) for n in range(50)]
    tasks = [asyncio.create_task(backend.asend(one)) for one in calls]
    await tasks[0]
    await backend.aclose()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert {type(outcome) for outcome in failed} <= {ClosedError}
    with closing(EmbeddedBackend(path, Options())) as again:
        kept = len(result(again, "queryTable", "mastra_messages"))
    assert kept == 50 - len(failed)


async def test_a_cancelled_call_leaves_the_backend_in_order(backend: EmbeddedBackend) -> None:
    tasks = [
        asyncio.create_task(backend.asend(call("insert", "mastra_messages", record=message(n))))
        for n in range(20)
    ]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    reply = await backend.asend(call("queryTable", "mastra_messages"))
    ids = {row["id"] for row in reply["result"]}
    assert {f"m{n}" for n in range(1, 20, 2)} <= ids


def test_a_reader_sees_whole_commits_only(opened: EmbeddedBackend) -> None:
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            seen.append(len(result(opened, "queryTable", "mastra_messages")))

    reader = threading.Thread(target=read)
    reader.start()
    for batch in range(8):
        rows = [message(batch * 50 + n) for n in range(50)]
        send(opened, "batchInsert", "mastra_messages", records=rows)
    done.set()
    reader.join()
    assert {count % 50 for count in seen} == {0}


def test_nothing_is_left_open(path: str) -> None:
    before = _open_files(path)
    threads = threading.active_count()
    backend = EmbeddedBackend(path, Options())

    async def use() -> None:
        calls = [call("insert", "mastra_messages", record=message(n)) for n in range(5)]
        await asyncio.gather(*map(backend.asend, calls))
        await backend.asend(call("queryTable", "mastra_messages"))
        await backend.aclose()

    asyncio.run(use())
    assert _open_files(path) == before == 0
    assert threading.active_count() == threads


def _open_files(path: str) -> int:
    return sum(file.path.startswith(path) for file in psutil.Process().open_files())
