"""Sending storage operations to an embedded backend, as the tests here do it."""

from __future__ import annotations

from typing import Any

from convex_mastra import wire
from convex_mastra.backends.embedded import EmbeddedBackend


def call(op: Any, table: Any, **args: Any) -> wire.FunctionCall:
    """Return the call of one storage operation."""
    return wire.FunctionCall(
        kind="mutation",
        path=wire.STORAGE_FUNCTION,
        args={"op": op, "tableName": table, **args},
        label=f"{op} {table}",
        repeatable=True,
    )


def send(backend: EmbeddedBackend, op: Any, table: Any, **args: Any) -> Any:
    """Run one storage operation and return the handler's reply."""
    return backend.send(call(op, table, **args))


def result(backend: EmbeddedBackend, op: Any, table: Any, **args: Any) -> Any:
    """Run one storage operation that succeeds and return its result."""
    reply = send(backend, op, table, **args)
    assert reply["ok"] is True, reply
    return reply.get("result")


def message(number: int, thread: str = "t", **columns: Any) -> dict[str, Any]:
    """Return a row of ``mastra_messages``."""
    return {
        "id": f"m{number}",
        "thread_id": thread,
        "content": "{}",
        "role": "user",
        "type": "v2",
        "createdAt": f"2026-01-01T00:00:{number % 60:02}.000Z",
        **columns,
    }


def thread(identity: str, **columns: Any) -> dict[str, Any]:
    """Return a row of ``mastra_threads``."""
    moment = "2026-01-01T00:00:00.000Z"
    row = {"id": identity, "resourceId": "r", "title": "", "createdAt": moment}
    return {**row, "updatedAt": moment, **columns}
