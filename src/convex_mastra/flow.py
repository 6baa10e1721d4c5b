"""Operations that do not wait: generators that say what they need, and two drivers that do it.

An operation is a ``Flow``: it yields effects (send a request, run flows side by side, sleep) and
returns a result. ``run`` drives it with blocking calls, ``arun`` inside a running event loop; both
throw every failure back into the flow, cancellation and Ctrl-C included, so that its ``finally``
blocks run. The faces call the drivers; operations only yield. Knows nothing of Convex.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Executor, Future, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

R = TypeVar("R")
_THREAD: Final = threading.local()


class Transport(Protocol):
    """What the drivers need of a backend."""

    @property
    def max_in_flight(self) -> int:
        """How many requests may run side by side; 1 runs parallel flows one after the other."""

    def send(self, request: Any, /) -> Any:
        """Answer *request*, blocking."""

    async def asend(self, request: Any, /) -> Any:
        """Answer *request* without blocking the running loop."""

    def executor(self) -> Executor:
        """The threads in which ``run`` waits for requests that go side by side."""


@dataclass(frozen=True, slots=True)
class Send:
    """Effect: send one request; the flow resumes with the reply."""

    request: Any


@dataclass(frozen=True, slots=True)
class Sleep:
    """Effect: wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Gather:
    """Effect: run flows side by side; the flow resumes with their results, in order.

    When one fails, those not begun are dropped, those under way are awaited, and the first
    failure is thrown into the flow.
    """

    flows: Sequence[Generator[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Start:
    """Effect: begin a flow; the flow resumes at once with a handle for ``Join``."""

    flow: Generator[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Join:
    """Effect: wait for a started flow; the flow resumes with its result, or its failure."""

    handle: Any


Effect = Send | Sleep | Gather | Start | Join
Flow = Generator[Effect, Any, R]


def side_by_side(flows: Sequence[Flow[R]]) -> Flow[list[R]]:
    """Return the results of flows that run side by side; a single one needs no ``Gather``."""
    if len(flows) == 1:
        return [(yield from flows[0])]
    results: list[R] = yield Gather(flows)
    return results


def run(flow: Flow[R], transport: Transport) -> R:
    """Drive *flow* with blocking calls and return its result.

    Parts that still run in other threads when it ends, after Ctrl-C for example, end with the
    request they are at.
    """
    # A callback may call an operation from a worker, and workers never wait for workers.
    if transport.max_in_flight <= 1 or getattr(_THREAD, "is_worker", False):
        return _drive(flow, transport, None, parallel=False)
    ended = threading.Event()
    try:
        return _drive(flow, transport, ended, parallel=True)
    finally:
        ended.set()


def _drive(
    flow: Flow[R], transport: Transport, ended: threading.Event | None, *, parallel: bool
) -> R:
    """Drive a flow until *ended* is set; None: all of it runs in the caller's thread."""
    reply: Any = None
    failure: BaseException | None = None
    pending: set[Future[Any]] = set()
    try:
        while True:
            try:
                effect = flow.send(reply) if failure is None else flow.throw(failure)
            except StopIteration as finished:
                result: R = finished.value
                return result
            reply, failure = None, None
            try:
                reply = _perform(effect, transport, ended, parallel, pending)
            except BaseException as error:  # noqa: BLE001 - the flow decides, after its finally
                failure = error
    finally:
        for future in pending:
            future.cancel()


def _perform(
    effect: Effect,
    transport: Transport,
    ended: threading.Event | None,
    parallel: bool,
    pending: set[Future[Any]],
) -> Any:
    if ended is not None and ended.is_set():
        raise CancelledError
    if isinstance(effect, Send):  # nearly all of them
        return transport.send(effect.request)
    match effect:
        case Sleep(seconds):
            return time.sleep(seconds) if ended is None else ended.wait(seconds)
        case Gather(flows) if parallel and ended is not None and len(flows) > 1:
            return _gather(flows, transport, ended)
        case Gather(flows):
            return [_drive(flow, transport, ended, parallel=parallel) for flow in flows]
        case Start(flow) if parallel and ended is not None:
            future = _submit(flow, transport, ended)
            pending.add(future)
            return future
        case Start(flow):
            return flow  # nothing runs side by side here: the flow runs when it is joined
        case Join(Future() as future):
            pending.discard(future)
            return future.result()
        case Join(flow):
            return _drive(flow, transport, ended, parallel=False)


def _submit(flow: Flow[R], transport: Transport, ended: threading.Event) -> Future[R]:
    """Run *flow* in a worker, in the caller's context; here if there are no workers any more."""
    try:
        work = copy_context().run
        return transport.executor().submit(work, _work, flow, transport, ended)
    except RuntimeError as error:  # the interpreter ends, or the backend was just closed
        if not str(error).startswith("cannot schedule new futures"):
            raise
    future: Future[R] = Future()
    try:
        future.set_result(_drive(flow, transport, ended, parallel=False))
    except Exception as error:  # noqa: BLE001 - as in a worker, it is for whoever asks
        future.set_exception(error)
    return future


def _work(flow: Flow[R], transport: Transport, ended: threading.Event) -> R:
    # A flow that runs in a worker runs its own parallel parts one after the other: workers never
    # wait for workers, so a full pool cannot stand still.
    _THREAD.is_worker = True
    return _drive(flow, transport, ended, parallel=False)


def _gather(flows: Sequence[Flow[Any]], transport: Transport, ended: threading.Event) -> list[Any]:
    futures = [_submit(flow, transport, ended) for flow in flows]
    try:
        _, running = wait(futures, return_when=FIRST_EXCEPTION)
        if running:
            for future in running:
                future.cancel()
            wait(running)
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    for future in futures:
        if not future.cancelled() and (error := future.exception()) is not None:
            raise error
    return [future.result() for future in futures]


async def arun(flow: Flow[R], transport: Transport) -> R:
    """Drive *flow* inside the running event loop and return its result."""
    reply: Any = None
    failure: BaseException | None = None
    tasks: set[asyncio.Task[Any]] = set()
    try:
        while True:
            try:
                effect = flow.send(reply) if failure is None else flow.throw(failure)
            except StopIteration as finished:
                result: R = finished.value
                return result
            reply, failure = None, None
            try:
                reply = await _aperform(effect, transport, tasks)
            except BaseException as error:  # noqa: BLE001 - the flow decides, after its finally
                failure = error
    finally:
        await _cancel(tasks)


async def _aperform(effect: Effect, transport: Transport, tasks: set[asyncio.Task[Any]]) -> Any:
    if isinstance(effect, Send):
        return await transport.asend(effect.request)
    match effect:
        case Sleep(seconds):
            return await asyncio.sleep(seconds)
        case Gather(flows) if transport.max_in_flight > 1 and len(flows) > 1:
            return await _agather(flows, transport)
        case Gather(flows):
            return [await arun(flow, transport) for flow in flows]
        case Start(flow):
            task = asyncio.create_task(arun(flow, transport))
            tasks.add(task)
            return task
        case Join(handle):
            tasks.discard(handle)
            return await handle


async def _agather(flows: Sequence[Flow[Any]], transport: Transport) -> list[Any]:
    # Transports bound what is really in flight; the semaphore keeps flows beyond that from
    # beginning, so that the first failure can still drop them.
    slots = asyncio.Semaphore(transport.max_in_flight)
    failed: list[BaseException] = []

    async def one(flow: Flow[Any]) -> Any:
        async with slots:
            if failed:
                return None
            try:
                return await arun(flow, transport)
            except BaseException as error:
                failed.append(error)
                raise

    tasks = {asyncio.create_task(one(flow)): None for flow in flows}
    try:
        await asyncio.wait(tasks)
    finally:
        await _cancel(set(tasks))
    if failed:
        raise failed[0]
    return [task.result() for task in tasks]


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    unfinished = [task for task in tasks if not task.done()]
    for task in unfinished:
        task.cancel()
    if unfinished:
        await asyncio.gather(*unfinished, return_exceptions=True)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # mark it as seen; the flow raised its own failure
