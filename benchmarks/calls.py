"""One operation, one request: this client against a bare POST of the same bytes.

What the client adds to httpx: building the call, checking values, encoding, retries, reading the
reply. Both keep one connection to the same dev server; the bare side sends the same headers and
does not look at the answer beyond its status.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from benchmarks.harness import Comparison, Measure, Result, expect, timed
from benchmarks.scale import Scale
from benchmarks.servers import Server, dev_server
from convex_mastra import AsyncConvexStore, ConvexStore, Event, Options, Thread
from convex_mastra.backends.http import CLIENT_HEADER
from convex_mastra.ops.threads import thread_row
from convex_mastra.wire import STORAGE_FUNCTION, THREADS, encode, storage_call

TARGET: Final = 1.15
PEER: Final = "bare httpx POST, same bytes and headers"
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_THREAD: Final = Thread(
    id="benchmark-thread",
    resource_id="benchmark-user",
    title="A conversation about the weather",
    metadata={"topic": "weather", "turns": 12},
    created_at=_NOW,
    updated_at=_NOW,
)


_Sides = tuple[Measure, Measure]


@dataclass(frozen=True, slots=True)
class _Call:
    """An operation, as a method of both faces, and the bytes that it sends."""

    name: str
    method: str
    argument: Any
    body: bytes


def compare(scale: Scale) -> Iterator[Result]:
    """Measure loading and saving a thread, sync and async."""
    with dev_server() as server:
        for call in _calls():
            _check_bytes(server, call)
            for face, sides in (("sync", _sync), ("async", _async)):
                with sides(server, call, scale.calls_per_pair) as (ours, peer):
                    yield Comparison(
                        name=f"calls.{call.name}.{face}",
                        size=f"{scale.calls_per_pair} calls of {len(call.body)} bytes",
                        peer_is=PEER,
                        target=TARGET,
                        ours=ours,
                        peer=peer,
                    ).run(scale.calls)


def _calls() -> list[_Call]:
    insert = {"record": thread_row(_THREAD)}
    return [
        _Call("insert", "save_thread", _THREAD, _body("insert", insert)),
        _Call("load", "get_thread_by_id", _THREAD.id, _body("load", {"keys": {"id": _THREAD.id}})),
    ]


def _body(op: str, args: dict[str, Any]) -> bytes:
    call = storage_call(STORAGE_FUNCTION, op, THREADS, args)
    return encode({"path": call.path, "args": call.args, "format": "json"})


def _check_bytes(server: Server, call: _Call) -> None:
    events: list[Event] = []
    options = Options(on_event=events.append)
    with ConvexStore(server.url, server.admin_key, options=options) as store:
        getattr(store.memory, call.method)(call.argument)
    sent = [event.request_bytes for event in events]
    expect(found=sent, wanted=[len(call.body)], doing=f"what {call.method} sends, in bytes")


def _settings(server: Server) -> dict[str, Any]:
    return {
        "trust_env": False,
        "headers": {
            "Content-Type": "application/json",
            "Authorization": f"Convex {server.admin_key}",
            "Convex-Client": CLIENT_HEADER,
        },
    }


@contextmanager
def _sync(server: Server, call: _Call, count: int) -> Iterator[_Sides]:
    with (
        ConvexStore(server.url, server.admin_key) as store,
        httpx.Client(**_settings(server)) as client,
    ):
        method = getattr(store.memory, call.method)
        url = f"{server.url}/api/mutation"

        def ours() -> None:
            for _ in range(count):
                method(call.argument)

        def peer() -> None:
            for _ in range(count):
                client.post(url, content=call.body).raise_for_status()

        yield lambda: timed(ours)[0], lambda: timed(peer)[0]


@contextmanager
def _async(server: Server, call: _Call, count: int) -> Iterator[_Sides]:
    with asyncio.Runner() as runner:  # one event loop throughout: connections belong to it
        store = AsyncConvexStore(server.url, server.admin_key)
        client = httpx.AsyncClient(**_settings(server))
        method = getattr(store.memory, call.method)
        url = f"{server.url}/api/mutation"

        async def ours() -> float:
            started = time.perf_counter()
            for _ in range(count):
                await method(call.argument)
            return time.perf_counter() - started

        async def peer() -> float:
            started = time.perf_counter()
            for _ in range(count):
                (await client.post(url, content=call.body)).raise_for_status()
            return time.perf_counter() - started

        try:
            yield lambda: runner.run(ours()), lambda: runner.run(peer())
        finally:
            runner.run(store.aclose())
            runner.run(client.aclose())
