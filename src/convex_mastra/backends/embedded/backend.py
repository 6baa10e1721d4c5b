"""The embedded backend's face: takes function calls, runs them, never blocks an event loop.

Implements ``backends.base.Backend``. A call is checked, looked up among ``functions`` and run in
one transaction of ``database``. Async calls run in threads of their own: one for writes, which
wait for each other anyway, and a few for reads, which must not wait for writes. Knows no
operations.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from sqlite3 import Connection
from typing import Any, Final

from convex_mastra.backends.base import notify
from convex_mastra.backends.embedded import system
from convex_mastra.backends.embedded.arguments import accept, module_path
from convex_mastra.backends.embedded.database import Database
from convex_mastra.backends.embedded.functions import FUNCTIONS, Access, Function
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.matrices import Matrices
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.config import Event, Options
from convex_mastra.errors import (
    ClosedError,
    ConvexMastraError,
    FunctionError,
    FunctionNotFoundError,
    InvalidArgumentError,
)
from convex_mastra.timestamps import Clock
from convex_mastra.wire import FunctionCall, Get, Request

READER_THREADS: Final = 4


class EmbeddedBackend:
    """Mastra's storage functions over a SQLite file, or in memory (``:memory:``).

    Several threads and several processes may use one file. Nothing is opened, and no file is
    created, before the first call.
    """

    def __init__(self, path: str, options: Options) -> None:
        self.options = options
        self.abilities = dict.fromkeys(FUNCTIONS, True)
        self._database = Database(path, options.timeout_s)
        self._matrices = Matrices()
        self.clock = Clock()
        self._is_closed = False
        self._threads: _Threads | None = None
        self._threads_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"EmbeddedBackend({self._database.path!r})"

    def __getstate__(self) -> None:
        raise TypeError("a backend holds connections, and is never pickled")

    @property
    def max_in_flight(self) -> int:
        """One: calls side by side would only wait for each other."""
        return 1

    def send(self, request: Request, /) -> Any:
        """Run the function and return its value, fresh Python data; of a ``Get``, the text.

        Raises:
            RequestRejectedError: there is no endpoint to get.
            FunctionError: the function refused, or does not exist; nothing was applied.
            ConfigurationError: the file cannot be used.
            UnavailableError: the file stayed locked for ``options.timeout_s`` (``applied`` is
                False), or failed.
            ClosedError: the backend is closed, or is in memory and of another process.
        """
        if self.options.on_event is None:
            return self._execute(request)
        started = time.perf_counter()
        try:
            value = self._execute(request)
        except ConvexMastraError as error:
            self._note(request, started, error)
            raise
        self._note(request, started, None)
        return value

    async def asend(self, request: Request, /) -> Any:
        """Answer *request* in a thread, as ``send`` does.

        A cancelled call that has begun still runs to its end.
        """
        threads = self._opened_threads()
        pool = threads.writer if _writes(request) else threads.readers
        started = time.perf_counter()
        try:
            running = asyncio.get_running_loop().run_in_executor(pool, self._execute, request)
        except RuntimeError:  # closed in the meantime
            raise self._closed() from None
        try:
            value = await running
        except ConvexMastraError as error:
            self._note(request, started, error)
            raise
        self._note(request, started, None)
        return value

    def executor(self) -> Executor:
        """Threads for requests that go side by side under the sync face."""
        return self._opened_threads().readers

    def close(self) -> None:
        """Close the file, after calls that are under way. Safe to call twice."""
        self._is_closed = True
        self._database.close()
        with self._threads_lock:
            threads, self._threads = self._threads, None
        if threads is not None and threads.pid == os.getpid():
            threads.readers.shutdown()
            threads.writer.shutdown()

    async def aclose(self) -> None:
        """Close the file without blocking the running loop. Safe to call twice."""
        await asyncio.to_thread(self.close)

    def _execute(self, request: Request) -> Any:
        if self._is_closed:
            raise self._closed()
        if isinstance(request, Get):
            return system.answer(request, self._database)
        function = _find(request)
        try:
            args = accept(request.path, request.args)

            def work(connection: Connection) -> Any:
                transaction = Transaction(connection, self._matrices)
                value = function.run(transaction, args)
                transaction.finish()
                return value

            access = function.access(request.args)
            if access is Access.WRITE:
                return self._database.write(work)
            return self._database.read(work, snapshot=access is Access.SNAPSHOT)
        except Thrown as error:
            raise FunctionError(str(error), operation=request.label) from None
        except RecursionError:  # JSON that nests deeper than Python goes
            raise FunctionError(
                "Maximum call stack size exceeded", operation=request.label
            ) from None
        except ConvexMastraError as error:
            error.operation = error.operation or request.label
            raise

    def _note(self, request: Request, started: float, error: ConvexMastraError | None) -> None:
        # As over HTTP: what was never attempted is no event.
        if self.options.on_event is None or isinstance(error, ClosedError | InvalidArgumentError):
            return
        elapsed_s = time.perf_counter() - started
        notify(self.options.on_event, Event(request.label, request.attempt, elapsed_s, 0, 0, error))

    def _opened_threads(self) -> _Threads:
        if self._is_closed:
            raise self._closed()
        threads = self._threads
        if threads is not None and threads.pid == os.getpid():
            return threads
        if threads is not None:  # a fork: its threads, and whoever held the lock, stayed behind
            self._threads_lock = threading.Lock()
        with self._threads_lock:
            if self._threads is None or self._threads.pid != os.getpid():
                self._threads = _Threads()
            return self._threads

    def _closed(self) -> ClosedError:
        return ClosedError(f"{self._database.name} is closed.")


class _Threads:
    """The threads of one process in which async calls run."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.readers = ThreadPoolExecutor(READER_THREADS, "convex-mastra-read")
        self.writer = ThreadPoolExecutor(1, "convex-mastra-write")


def _writes(request: Request) -> bool:
    if isinstance(request, Get):
        return False
    function = FUNCTIONS.get(request.path)
    return function is not None and function.access(request.args) is Access.WRITE


def _find(request: FunctionCall) -> Function:
    function = FUNCTIONS.get(request.path)
    if function is None:
        raise FunctionNotFoundError(
            f"Could not find public function for '{request.path}'.", operation=request.label
        )
    if function.kind != request.kind:
        raise FunctionError(
            f"Trying to execute {module_path(request.path)} as {request.kind.capitalize()}, but "
            f"it is defined as {function.kind.capitalize()}.",
            operation=request.label,
        )
    return function
