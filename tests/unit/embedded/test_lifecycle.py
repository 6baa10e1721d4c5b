"""Opening, refusing, closing: the file and the backend around it."""

from __future__ import annotations

import asyncio
import os
import pickle
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from convex_mastra import wire
from convex_mastra.backends.embedded import EmbeddedBackend, migrations
from convex_mastra.config import Event, Options
from convex_mastra.errors import (
    ClosedError,
    ConfigurationError,
    ConvexMastraError,
    FunctionError,
    FunctionNotFoundError,
    InvalidArgumentError,
    UnavailableError,
)
from tests.unit.embedded.storage import call, message, result, send

CURRENT = len(migrations.MIGRATIONS)


@pytest.fixture
def opened(path: str) -> Iterator[EmbeddedBackend]:
    """A backend over a file that nothing was asked of yet."""
    with closing(EmbeddedBackend(path, Options(timeout_s=0.2))) as backend:
        yield backend


def test_no_file_before_the_first_call(opened: EmbeddedBackend, path: str) -> None:
    assert not Path(path).exists()
    assert result(opened, "load", "mastra_threads", keys={"id": "a"}) is None
    assert Path(path).exists()


def test_what_was_written_is_there_again(opened: EmbeddedBackend, path: str) -> None:
    send(opened, "insert", "mastra_messages", record=message(1))
    opened.close()
    with closing(EmbeddedBackend(path, Options())) as again:
        assert [row["id"] for row in result(again, "queryTable", "mastra_messages")] == ["m1"]
    assert not Path(f"{path}-wal").exists()


def test_commits_are_on_disk_when_acknowledged(opened: EmbeddedBackend, path: str) -> None:
    send(opened, "insert", "mastra_messages", record=message(1))
    modes = opened._database.write(
        lambda connection: [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        ]
    )
    assert modes == ["wal", 2]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (
            migrations.APPLICATION_ID,
        )
        assert connection.execute("PRAGMA user_version").fetchone() == (CURRENT,)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "mastra.db"
    with (
        closing(EmbeddedBackend(str(nowhere), Options())) as backend,
        pytest.raises(ConfigurationError, match=r"directory of .* does not exist; create it first"),
    ):
        send(backend, "clearTable", "notes")
    assert not nowhere.parent.exists()


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with (
        closing(EmbeddedBackend(str(tmp_path), Options())) as backend,
        pytest.raises(ConfigurationError, match="cannot be opened"),
    ):
        send(backend, "clearTable", "notes")


def test_a_file_that_is_not_sqlite_is_left_alone(opened: EmbeddedBackend, path: str) -> None:
    Path(path).write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigurationError, match="is not a SQLite database"):
        send(opened, "clearTable", "notes")
    assert Path(path).read_bytes() == b"not a database" * 100


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE t (a)", "PRAGMA application_id = 5", "PRAGMA user_version = 7"]
)
def test_another_programs_database_is_left_alone(
    opened: EmbeddedBackend, path: str, sql: str
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE x (a)")
        connection.execute("DROP TABLE x")
        connection.execute(sql)
    before = Path(path).read_bytes()
    with pytest.raises(ConfigurationError, match="is a SQLite database of another program"):
        send(opened, "clearTable", "notes")
    assert Path(path).read_bytes() == before


def test_an_empty_file_is_a_new_database(opened: EmbeddedBackend, path: str) -> None:
    Path(path).touch()
    send(opened, "insert", "mastra_messages", record=message(1))
    assert len(result(opened, "queryTable", "mastra_messages")) == 1


def test_a_file_of_a_newer_release_is_left_alone(opened: EmbeddedBackend, path: str) -> None:
    send(opened, "insert", "mastra_messages", record=message(1))
    opened.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {CURRENT + 1}")
    with (
        closing(EmbeddedBackend(path, Options())) as older,
        pytest.raises(
            ConfigurationError, match=rf"has format {CURRENT + 1}; .* up to {CURRENT}\. Use a newer"
        ),
    ):
        send(older, "load", "mastra_messages", keys={"id": "m1"})


def test_missing_migrations_are_applied_once_and_in_order(
    opened: EmbeddedBackend, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(opened, "insert", "mastra_messages", record=message(1))
    opened.close()
    applied: list[str] = []

    def add_column(connection: sqlite3.Connection) -> None:
        applied.append("column")
        connection.execute("ALTER TABLE mastra_messages ADD COLUMN later")

    def fill_column(connection: sqlite3.Connection) -> None:
        applied.append("fill")
        connection.execute("UPDATE mastra_messages SET later = 5")

    newer = [*migrations.MIGRATIONS, add_column, fill_column]
    monkeypatch.setattr(migrations, "MIGRATIONS", newer)
    for _ in range(2):
        with closing(EmbeddedBackend(path, Options())) as upgraded:
            assert result(upgraded, "load", "mastra_messages", keys={"id": "m1"})["id"] == "m1"
    assert applied == ["column", "fill"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT later FROM mastra_messages").fetchone() == (5,)
        assert connection.execute("PRAGMA user_version").fetchone() == (CURRENT + 2,)


def test_a_file_without_cache_tables_is_brought_forward(
    opened: EmbeddedBackend, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        send(opened, "insert", "mastra_messages", record=message(1))
        opened.close()
    counted = {"op": "increment", "key": "k", "keyPrefix": "", "expiresAt": None}
    for number in (1, 2):
        with closing(EmbeddedBackend(path, Options())) as upgraded:
            call = wire.cache_call(wire.CACHE_FUNCTION, "increment", counted)
            assert upgraded.send(call) == {"ok": True, "result": number}
            assert result(upgraded, "load", "mastra_messages", keys={"id": "m1"})["id"] == "m1"


def test_a_failed_migration_leaves_the_old_version(
    opened: EmbeddedBackend, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(opened, "insert", "mastra_messages", record=message(1))
    opened.close()

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE mastra_messages")
        connection.execute("SELECT * FROM missing")

    monkeypatch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, fail])
    with (
        closing(EmbeddedBackend(path, Options())) as upgraded,
        pytest.raises(ConfigurationError, match="no such table"),
    ):
        send(upgraded, "load", "mastra_messages", keys={"id": "m1"})
    monkeypatch.undo()
    with closing(EmbeddedBackend(path, Options())) as again:
        assert result(again, "load", "mastra_messages", keys={"id": "m1"})["id"] == "m1"


def test_closing_twice_and_calling_afterwards(backend: EmbeddedBackend) -> None:
    send(backend, "insert", "mastra_messages", record=message(1))
    backend.close()
    backend.close()
    asyncio.run(backend.aclose())
    with pytest.raises(ClosedError):
        send(backend, "load", "mastra_messages", keys={"id": "m1"})
    with pytest.raises(ClosedError):
        asyncio.run(backend.asend(call("load", "mastra_messages", keys={"id": "m1"})))
    with pytest.raises(ClosedError):
        backend.executor()


def test_closing_what_was_never_opened(opened: EmbeddedBackend, path: str) -> None:
    opened.close()
    with pytest.raises(ClosedError):
        send(opened, "clearTable", "notes")
    assert not Path(path).exists()


def test_a_database_locked_by_another_program(opened: EmbeddedBackend, path: str) -> None:
    send(opened, "insert", "mastra_messages", record=message(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match=r"stayed locked .* for 0\.2 s") as caught:
            send(opened, "insert", "mastra_messages", record=message(2))
        assert caught.value.code == "DatabaseLocked"
        assert caught.value.applied is False
        assert caught.value.operation == "insert mastra_messages"
        # Whoever writes does not keep others from reading.
        assert len(result(opened, "queryTable", "mastra_messages")) == 1
        other.execute("ROLLBACK")
    send(opened, "insert", "mastra_messages", record=message(2))
    assert len(result(opened, "queryTable", "mastra_messages")) == 2


class Interrupted(sqlite3.Connection):
    """A connection during one statement of which Ctrl-C is pressed."""

    during: str | None = None

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        cursor = super().execute(sql, *args)
        if sql == self.during:
            self.during = None
            raise KeyboardInterrupt
        return cursor


@pytest.mark.parametrize("during", ["BEGIN IMMEDIATE", "COMMIT"])
def test_ctrl_c_leaves_no_transaction_open(
    opened: EmbeddedBackend, path: str, during: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.close()
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **options: connect(*args, factory=Interrupted, **options)
    )
    with closing(EmbeddedBackend(path, Options(timeout_s=0.2))) as backend:
        send(backend, "insert", "mastra_messages", record=message(1))
        writer = backend._database._connections.writer
        assert isinstance(writer, Interrupted)
        writer.during = during
        with pytest.raises(KeyboardInterrupt):
            send(backend, "insert", "mastra_messages", record=message(2))
        with closing(EmbeddedBackend(path, Options(timeout_s=0.2))) as other:
            send(other, "insert", "mastra_messages", record=message(3))
        send(backend, "insert", "mastra_messages", record=message(4))


def test_a_transaction_that_was_left_open_is_rolled_back(opened: EmbeddedBackend) -> None:
    send(opened, "insert", "mastra_messages", record=message(1))
    writer = opened._database._connections.writer
    assert writer is not None
    writer.execute("BEGIN IMMEDIATE")  # as where Ctrl-C is pressed a second time, amid a rollback
    writer.execute("DELETE FROM mastra_messages")
    send(opened, "insert", "mastra_messages", record=message(2))
    assert [row["id"] for row in result(opened, "queryTable", "mastra_messages")] == ["m1", "m2"]


def test_a_damaged_file_is_said_to_be_damaged(opened: EmbeddedBackend, path: str) -> None:
    send(opened, "batchInsert", "mastra_messages", records=[message(n) for n in range(200)])
    opened.close()
    content = bytearray(Path(path).read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    Path(path).write_bytes(content)
    with (
        closing(EmbeddedBackend(path, Options())) as backend,
        pytest.raises(ConfigurationError, match="is damaged"),
    ):
        send(backend, "queryTable", "mastra_messages")


def test_unknown_functions_and_wrong_kinds(backend: EmbeddedBackend) -> None:
    missing = wire.FunctionCall("query", "a/b:c", {}, "probe", repeatable=True)
    with pytest.raises(FunctionNotFoundError) as caught:
        backend.send(missing)
    assert caught.value.message == "Could not find public function for 'a/b:c'."
    wrong = wire.FunctionCall("query", wire.STORAGE_FUNCTION, {}, "probe", repeatable=True)
    with pytest.raises(FunctionError) as refused:
        backend.send(wrong)
    assert refused.value.message == (
        "Trying to execute mastra/storage.js:handle as Query, but it is defined as Mutation."
    )


def test_every_attempt_is_an_event(path: str) -> None:
    events: list[Event] = []
    with closing(EmbeddedBackend(path, Options(on_event=events.append))) as backend:
        send(backend, "insert", "mastra_messages", record=message(1))
        with pytest.raises(FunctionError) as refused:
            send(backend, "insert", "mastra_messages", record={"id": "x"})
        asyncio.run(backend.asend(call("load", "mastra_messages", keys={"id": "m1"})))
        with pytest.raises(InvalidArgumentError):
            send(backend, "insert", "mastra_messages", record={"id": object()})
    assert [event.operation for event in events] == [
        "insert mastra_messages",
        "insert mastra_messages",
        "load mastra_messages",
    ]
    errors: list[ConvexMastraError | None] = [event.error for event in events]
    assert errors == [None, refused.value, None]
    assert all(event.elapsed_s > 0 for event in events)
    assert {(event.request_bytes, event.response_bytes) for event in events} == {(0, 0)}


def test_a_backend_says_where_it_is_and_is_not_pickled(opened: EmbeddedBackend, path: str) -> None:
    assert repr(opened) == f"EmbeddedBackend({path!r})"
    assert opened.max_in_flight == 1
    assert opened.abilities[wire.SEARCH_FUNCTION] is True
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(opened)
