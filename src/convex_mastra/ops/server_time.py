"""What time it is on the deployment, for what must not depend on clients' clocks.

Mastra's handlers tell nobody the time, but Convex stamps every document when it is created, and rows
of typed tables come back with that stamp. So a row is written where nobody looks, read, and
deleted. Called by the adapters.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar
from uuid import uuid4

from convex_mastra.errors import ProtocolError, TransportError
from convex_mastra.flow import Flow, Join, Start
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import delete_rows, query_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.wire import vector_table

R = TypeVar("R")

PROBES: Final = vector_table("convex_mastra/server_time")
"""A vector index that is never declared, so Mastra neither lists nor searches it."""
ABANDONED_MS: Final = 3_600_000.0
"""So old, by the deployment's own clock, is no row that anybody still waits for."""
_MS_PER_S: Final = 1000.0


def server_time(target: Target) -> Flow[float]:
    """Return the deployment's time, in seconds since 1970, finer than a microsecond.

    It is a moment between the call and the return. Of two calls, by whichever clients, of which one
    returned before the other began, the later is never told an earlier time by a Convex
    deployment; the embedded backend has the clock of its machine.

    Cost: three round trips, in which a row is written, read and deleted again.
    """
    return (yield from at_server_time(target, _told))


def at_server_time(target: Target, use: Callable[[float], Flow[R]]) -> Flow[R]:
    """Run ``use(the deployment's time)`` and return its result.

    The row that told the time is deleted beside it, whatever *use* ends with. One that stays after
    all (a process was killed, a connection lost) is harmless, and deleted by any client that asks
    for the time an hour later or more.

    Raises:
        ProtocolError: the deployment told no time.

    Cost: two round trips before *use*, and one beside it.
    """
    probe = uuid4().hex
    is_removed = False
    try:
        record: Row = {"id": probe, "embedding": [0.0]}
        yield from call_storage(target, "insert", PROBES, record=record)
        rows = yield from query_rows(target, PROBES, {})
        created_ms = _creation_times(rows)
        if probe not in created_ms:
            raise ProtocolError("The row that was to tell the deployment's time is gone.")
        now_ms = created_ms[probe]
        abandoned = [row for row, ms in created_ms.items() if ms < now_ms - ABANDONED_MS]
        removal = yield Start(delete_rows(target, PROBES, [probe, *abandoned]))
        result = yield from use(now_ms / _MS_PER_S)
        with suppress(TransportError):
            yield Join(removal)
            is_removed = True
        return result
    finally:
        if not is_removed:
            with suppress(TransportError):  # then whoever asks an hour later deletes it
                yield from delete_rows(_once(target), PROBES, [probe])


def _told(now_s: float) -> Flow[float]:
    yield from ()
    return now_s


def _creation_times(rows: list[Row]) -> dict[str, float]:
    try:
        return {row["id"]: float(row["_creationTime"]) for row in rows}
    except (KeyError, TypeError, ValueError):
        raise ProtocolError("The deployment does not say when its rows were created.") from None


def _once(target: Target) -> Target:
    """The same, without retries: something has failed or was stopped already."""
    return replace(target, policy=replace(target.policy, attempts=1))
