"""A LangChain conversation of 2,000 messages: one is appended, the last ten are read.

On the embedded backend against SQLite, stored as LangChain's own SQL history stores it (a table of
sessions' messages as JSON); on the dev server against the npm client, which keeps the same thread.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    message_to_dict,
    messages_from_dict,
)

from benchmarks.harness import Comparison, Measure, Result, expect, timed
from benchmarks.npm import PATIENT, PEER
from benchmarks.npm_client import start_npm_client
from benchmarks.scale import Scale
from benchmarks.servers import dev_server
from benchmarks.workload import RESOURCE_ID, make
from convex_mastra import open_backend
from langchain_convex_mastra import ConvexChatMessageHistory

WINDOW: Final = 10
NPM_TARGET: Final = 1.0
THREAD_ID: Final = "conversation"
_STORE: Final = "sqlite3: a table of sessions' messages as JSON, WAL, synchronous = FULL"
_INSERT: Final = "INSERT INTO message_store (session_id, message) VALUES (?, ?)"
_SELECT: Final = "SELECT message FROM message_store WHERE session_id = ? ORDER BY id"
_SELECT_LAST: Final = f"{_SELECT} DESC LIMIT {WINDOW}"

Add = Callable[[Sequence[BaseMessage]], None]
Read = Callable[[], list[BaseMessage]]


def compare(scale: Scale) -> Iterator[Result]:
    """Measure both peers."""
    yield from _compare_with_sqlite(scale)
    yield from _compare_with_npm(scale)


def _compare_with_sqlite(scale: Scale) -> Iterator[Result]:
    with (
        tempfile.TemporaryDirectory() as folder,
        ConvexChatMessageHistory(
            THREAD_ID, deployment_url=f"file:{folder}/mastra.db", history_size=WINDOW
        ) as history,
        closing(_opened(Path(folder) / "peer.db")) as database,
    ):
        before = _messages(scale.history_messages)
        history.add_messages(before)

        def add(messages: Sequence[BaseMessage]) -> None:
            texts = [json.dumps(message_to_dict(message)) for message in messages]
            with database:
                database.executemany(_INSERT, [(THREAD_ID, text) for text in texts])

        def read_all() -> list[BaseMessage]:
            return _parsed(database.execute(_SELECT, (THREAD_ID,)))[-WINDOW:]

        def read_last() -> list[BaseMessage]:
            return _parsed(database.execute(_SELECT_LAST, (THREAD_ID,)))[::-1]

        add(before)
        ours = _turn(history.add_messages, lambda: history.messages)
        for name, read, words in (
            ("sqlite-window", read_last, f"{_STORE}; the last {WINDOW} by LIMIT"),
            ("sqlite-all", read_all, f"{_STORE}; all of them, as SQLChatMessageHistory reads"),
        ):
            yield Comparison(
                name=f"history.{name}",
                size=_size(scale),
                peer_is=words,
                target=None,
                ours=ours,
                peer=_turn(add, read),
            ).run(scale.histories)


def _compare_with_npm(scale: Scale) -> Iterator[Result]:
    work = make(scale)
    with dev_server() as server, start_npm_client(server, work) as npm:
        backend = open_backend(server.url, server.admin_key, options=PATIENT)
        try:
            histories = {
                thread_id: ConvexChatMessageHistory(
                    thread_id, resource_id=RESOURCE_ID, backend=backend, history_size=WINDOW
                )
                for thread_id in ("ours", "npm")
            }
            for history in histories.values():
                history.add_messages(_messages(scale.history_messages))
            # Messages of one save are a millisecond apart, so the last one's time is yet to come.
            time.sleep(scale.history_messages / 1000)
            ours = _turn(histories["ours"].add_messages, lambda: histories["ours"].messages)
            numbers = count()

            def peer() -> float:
                message_id = f"npm-{next(numbers)}"
                elapsed_s, found = npm.run(
                    "appendAndReadLast", threadId="npm", messageId=message_id, last=WINDOW
                )
                expect(found=(len(found), found[-1]), wanted=(WINDOW, message_id), doing="npm")
                return elapsed_s

            yield Comparison(
                name="history.npm",
                size=_size(scale),
                peer_is=f"{PEER}: saveMessages, then listMessages",
                target=NPM_TARGET,
                ours=ours,
                peer=peer,
            ).run(scale.histories)
        finally:
            backend.close()


def _turn(add: Add, read: Read) -> Measure:
    numbers = count()

    def measure() -> float:
        message = HumanMessage(f"question {next(numbers)}")

        def work() -> list[BaseMessage]:
            add([message])
            return read()

        elapsed_s, found = timed(work)
        expect(
            found=(len(found), found[-1].content), wanted=(WINDOW, message.content), doing="history"
        )
        return elapsed_s

    return measure


def _messages(size: int) -> list[BaseMessage]:
    return [
        AIMessage(f"answer {number}") if number % 2 else HumanMessage(f"question {number}")
        for number in range(size)
    ]


def _size(scale: Scale) -> str:
    return f"1 message appended, the last {WINDOW} read, of a thread of {scale.history_messages:,}"


def _parsed(rows: sqlite3.Cursor) -> list[BaseMessage]:
    return messages_from_dict([json.loads(text) for (text,) in rows])


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)"
    )
    database.execute("CREATE INDEX by_session ON message_store (session_id, id)")
    return database
