"""A backend whose requests a test counts, delays, loses or interrupts; another backend answers them.

Used by tests of what must hold whatever happens half-way.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, Literal

from convex_mastra import ConnectionLostError, Options
from convex_mastra.backends import Backend
from convex_mastra.wire import Request

Fault = Literal["interrupted before", "interrupted after", "lost before", "lost after"]
FAULTS: tuple[Fault, ...] = (
    "interrupted before",
    "interrupted after",
    "lost before",
    "lost after",
)
"""A request that is not sent, or whose reply does not come back: the caller is stopped (cancelled,
Ctrl-C), or the connection is gone, for good."""


class Interrupted(BaseException):
    """What stops a blocking caller, as Ctrl-C does; event loops let that stop themselves too."""


class FaultyBackend:
    """Passes requests on, until the one whose turn it is to fail.

    Attributes:
        sent: the operations that were asked for.
        fails_at: the number of the request that fails, from 1; None: none does.
        fault: how.
        delay: how many other tasks may run before a request of the async face is passed on.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        fails_at: int | None = None,
        fault: Fault = "interrupted before",
        delay: Callable[[], int] = lambda: 0,
    ) -> None:
        self._backend = backend
        self.sent: list[str] = []
        self.fails_at = fails_at
        self.fault = fault
        self.delay = delay
        self.options = Options(retry_attempts=1)
        self.abilities = backend.abilities
        self.clock = backend.clock
        self.max_in_flight = 1 if fails_at is not None else backend.max_in_flight
        self.executor = backend.executor

    def send(self, request: Request) -> Any:
        fails = self._count(request)
        if fails and self.fault == "interrupted before":
            raise Interrupted
        if fails and self.fault == "lost before":
            raise ConnectionLostError("lost", operation=request.label)
        value = self._backend.send(request)
        if fails and self.fault == "interrupted after":
            raise Interrupted
        if fails:
            raise ConnectionLostError("lost", operation=request.label)
        return value

    async def asend(self, request: Request) -> Any:
        fails = self._count(request)
        for _ in range(self.delay()):
            await asyncio.sleep(0)
        if fails and self.fault == "interrupted before":
            await _cancelled()
        if fails and self.fault == "lost before":
            raise ConnectionLostError("lost", operation=request.label)
        value = await self._backend.asend(request)
        if fails and self.fault == "interrupted after":
            await _cancelled()
        if fails:
            raise ConnectionLostError("lost", operation=request.label)
        return value

    def close(self) -> None:
        self._backend.close()

    async def aclose(self) -> None:
        await self._backend.aclose()

    def _count(self, request: Request) -> bool:
        self.sent.append(request.label)
        return len(self.sent) == self.fails_at


async def _cancelled() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def outcome(call: Callable[[], Any]) -> BaseException | None:
    """Run a call of either face to its end, in a task of its own; what stopped it, or None."""

    async def body() -> None:
        result = call()
        if inspect.isawaitable(result):
            await result

    try:
        await asyncio.create_task(body())
    except (asyncio.CancelledError, Interrupted, ConnectionLostError) as error:
        return error
    return None
