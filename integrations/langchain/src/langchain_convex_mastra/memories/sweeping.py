"""Sweeping again and again, in the background: in a thread, or as a task of a running loop.

LangGraph's stores start and stop such a sweeper by these methods. It is the only thread of this
package, and begins only when asked to. Called by ``store``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Final

from convex_mastra import ClosedError, ConvexMastraError

logger: Final = logging.getLogger(__name__)


class ThreadSweeper:
    """Sweeps in a thread; one at a time."""

    def __init__(self, sweep: Callable[[], int]) -> None:
        self._sweep = sweep
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._ended: Future[None] = Future()

    def start(self, interval_s: float) -> Future[None]:
        """Begin, unless it runs; return what ends with it, and ends it when cancelled."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return self._ended
            self._stop = threading.Event()
            self._ended = Future()
            self._ended.add_done_callback(lambda _, stop=self._stop: stop.set())  # type: ignore[misc]
            self._thread = threading.Thread(
                target=self._run,
                args=(interval_s, self._stop, self._ended),
                name="ttl-sweeper",
                daemon=True,
            )
            self._thread.start()
            return self._ended

    def stop(self, timeout_s: float | None) -> bool:
        """Let it end, and wait for that; whether it ended in time."""
        self._stop.set()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _run(self, interval_s: float, stop: threading.Event, ended: Future[None]) -> None:
        while not stop.wait(interval_s):
            try:
                self._sweep()
            except ClosedError:
                break
            except ConvexMastraError:
                logger.exception("A sweep of expired memories failed; the next one tries again.")
        with suppress(InvalidStateError):  # it was cancelled
            ended.set_result(None)


class TaskSweeper:
    """Sweeps as a task of the loop that starts it; one at a time."""

    def __init__(self, sweep: Callable[[], Awaitable[int]]) -> None:
        self._sweep = sweep
        self._task: asyncio.Task[None] | None = None

    def start(self, interval_s: float) -> asyncio.Task[None]:
        """Begin, unless it runs; cancelling the task ends it."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(interval_s), name="ttl-sweeper")
        return self._task

    async def stop(self, timeout_s: float | None) -> bool:
        """Cancel it, and wait for that; whether it ended in time."""
        task, self._task = self._task, None
        if task is None or task.done():
            return True
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=timeout_s)
        return bool(done)

    async def _run(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self._sweep()
            except ClosedError:
                return
            except ConvexMastraError:
                logger.exception("A sweep of expired memories failed; the next one tries again.")
