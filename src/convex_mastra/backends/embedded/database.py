"""The SQLite file: its connections, its transactions, its locks.

One connection writes, under a lock; reads have connections of their own and never wait for it
(write-ahead log). A commit has reached the disk when ``write`` returns. Nothing is opened or
created before the first call, and connections are never used across a fork. Called by the
backend; knows no tables beyond what ``migrations`` makes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from convex_mastra.backends.embedded import failures, migrations
from convex_mastra.config import MEMORY
from convex_mastra.errors import ClosedError, ConfigurationError

R = TypeVar("R")

STATEMENTS_CACHED: Final = 512
TIMEOUT_MAX_S: Final = 24 * 3600.0
"""SQLite counts its waiting time in a 32-bit number of milliseconds."""
RETRY_WAIT_S: Final = 0.01
"""Between tries to switch a file to its write-ahead log, for which SQLite itself does not wait."""

_abandoned: Final[list[object]] = []
"""Connections that a fork left to the child; SQLite forbids it even to close them."""


@dataclass(eq=False)
class _Connections:
    """The connections of one process.

    Attributes:
        lock: held by whoever uses the writing connection.
        idle: reading connections that wait for work; taken and put back without a lock, as the
            operations of a list are atomic.
    """

    pid: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    writer: sqlite3.Connection | None = None
    idle: list[sqlite3.Connection] = field(default_factory=list)
    is_closed: bool = False


class Database:
    """A database file, or ``:memory:``."""

    def __init__(self, path: str, timeout_s: float) -> None:
        self.path = path
        self._timeout_s = min(timeout_s, TIMEOUT_MAX_S)
        self._is_memory = path == MEMORY
        self._connections = _Connections()

    @property
    def name(self) -> str:
        """What errors call it."""
        return "The in-memory database" if self._is_memory else self.path

    @property
    def exists(self) -> bool:
        """Whether it is there without being created."""
        return self._is_memory or Path(self.path).exists()

    def read(self, work: Callable[[sqlite3.Connection], R], *, snapshot: bool) -> R:
        """Run *work* on a connection that reads.

        Args:
            snapshot: whether its statements must see one state; a single statement always does.

        Raises:
            ClosedError, ConfigurationError, UnavailableError: the file cannot be read.
        """
        connections = self._opened()
        if self._is_memory:
            return self._write(connections, work, "BEGIN")
        try:
            connection = self._take_reader(connections)
            try:
                if snapshot:
                    connection.execute("BEGIN")
                return work(connection)
            finally:
                _roll_back(connection)
                self._give_back(connections, connection)
        except sqlite3.Error as error:
            raise failures.translate(error, self.name, self._timeout_s) from error

    def write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Run *work* in a write transaction; commit when it returns, roll back when it raises.

        Raises:
            ClosedError, ConfigurationError: the file cannot be written.
            UnavailableError: it stayed locked for ``timeout_s`` (nothing was applied), or failed.
        """
        return self._write(self._opened(), work, "BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close every connection, after a write that is under way. Safe to call twice."""
        connections = self._connections
        connections.is_closed = True
        if connections.pid != os.getpid():
            return
        with connections.lock:
            if connections.writer is not None:
                connections.writer.close()
                connections.writer = None
            _close_idle(connections)

    def _opened(self) -> _Connections:
        connections = self._connections
        if connections.pid != os.getpid():
            connections = self._after_fork(connections)
        if connections.writer is None:
            self._open(connections)
        return connections

    def _after_fork(self, inherited: _Connections) -> _Connections:
        if inherited.is_closed:
            raise ClosedError(f"{self.name} is closed.")
        if self._is_memory and inherited.writer is not None:
            raise ClosedError(
                f"{self.name} belongs to the process that opened it, not to this child of it."
            )
        _abandoned.append(inherited)
        self._connections = _Connections()
        return self._connections

    def _open(self, connections: _Connections) -> None:
        self._lock(connections)
        try:
            if connections.is_closed:
                raise ClosedError(f"{self.name} is closed.")
            if connections.writer is not None:
                return
            if not self._is_memory and not Path(self.path).parent.is_dir():
                raise ConfigurationError(
                    f"The directory of {self.path} does not exist; create it first."
                )
            connections.writer = self._open_writer()
        except sqlite3.Error as error:
            raise failures.translate(error, self.name, self._timeout_s) from error
        finally:
            connections.lock.release()

    def _open_writer(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            migrations.check(connection, self.name)
            self._use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            if not migrations.is_current(connection):
                connection.execute("BEGIN IMMEDIATE")
                migrations.check(connection, self.name)  # another process may have been first
                migrations.migrate(connection)
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not failures.is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_WAIT_S)
            else:
                return

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self.path,
            timeout=self._timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS_CACHED,
        )

    def _take_reader(self, connections: _Connections) -> sqlite3.Connection:
        try:
            return connections.idle.pop()
        except IndexError:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
            return connection

    def _give_back(self, connections: _Connections, connection: sqlite3.Connection) -> None:
        connections.idle.append(connection)
        if connections.is_closed:
            _close_idle(connections)

    def _write(
        self, connections: _Connections, work: Callable[[sqlite3.Connection], R], begin: str
    ) -> R:
        self._lock(connections)
        try:
            connection = connections.writer
            if connection is None:
                raise ClosedError(f"{self.name} is closed.")
            _roll_back(connection)  # what Ctrl-C may have left open, however it fell
            try:
                connection.execute(begin)
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
        except sqlite3.Error as error:
            raise failures.translate(error, self.name, self._timeout_s) from error
        finally:
            connections.lock.release()
        return result

    def _lock(self, connections: _Connections) -> None:
        if not connections.lock.acquire(timeout=self._timeout_s):
            raise failures.locked(self.name, self._timeout_s)


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _close_idle(connections: _Connections) -> None:
    while connections.idle:
        try:
            connection = connections.idle.pop()
        except IndexError:
            return
        connection.close()
