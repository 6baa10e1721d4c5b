"""The embedded backend against Mastra's own functions over native vector tables.

Both must give the same reply to every call and end with the same rows in the same order. Scores
are compared as float32, and ids of equal ones as sets: Convex's ids, which decide, are random.
"""

from __future__ import annotations

import re
from typing import Any, Final

import httpx
import pytest
from hypothesis import given, note

from convex_mastra import wire
from convex_mastra.backends.answers import value_of_envelope
from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.backends.embedded.native_tables import Config, find
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.errors import FunctionError
from tests.native import CONFIGS
from tests.property.comparison import Place
from tests.property.drawing import share_of_sequences
from tests.property.native_operations import FOUND, sequences
from tests.property.steps import Call
from tests.reference import ReferenceServer

_REFUSED: Final = re.compile(
    "ArgumentValidationError:|Validator error:|Invalid arguments for |Failed to insert or update|"
    # The mock's validators look into null as if it were an object.
    "Cannot convert undefined or null to object|"
    "Delete on non-?existent"
)
_FLOAT32: Final = 1e-5
"""Scores that differ by less are the same."""


class NativePlace:
    """Runs calls and remembers what the last search found."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._place = Place(lambda _request: None, lambda _row: None)
        self._found: list[str] = []

    def run(self, call: Call) -> Any:
        """Run a call and return its outcome: a value, or the text of a failure."""
        args = dict(call.args)
        if args.get("ids") == FOUND:
            args["ids"] = self._found
        try:
            value = self._send(wire.FunctionCall(call.kind, call.path, args, call.path, True))
        except FunctionError as error:
            return "refused" if _REFUSED.match(error.message) else f"failed: {error.message}"
        if call.kind == "action":
            return self._hits(value, args.get("limit", 10))
        if args.get("op") == "getByConvexIds":
            value = sorted(value, key=lambda document: document.get("key", document.get("id")))
        return self.comparable(value)

    def comparable(self, value: Any) -> Any:
        return self._place.comparable(value)

    def _hits(self, hits: list[Any], limit: int) -> Any:
        scores = [hit["score"] for hit in hits]
        # Of those that score like the last of a full answer, others may have been left out.
        certain = len(hits) < limit
        self._found = [
            hit["id"]
            for hit, score in zip(hits, scores, strict=True)
            if certain or score > scores[-1] + _FLOAT32
        ]
        return scores


def embedded_rows(backend: EmbeddedBackend) -> dict[str, list[Any]]:
    """Every row of every native table, in order of creation."""

    def read(connection: Any) -> dict[str, list[Any]]:
        transaction = Transaction(connection, backend._matrices)
        tables = {
            config["tableName"]: find(connection, Config.of(config)) for config in CONFIGS.values()
        }
        return {
            name: [] if table is None else [row.document for row in transaction.take(table, 1000)]
            for name, table in tables.items()
        }

    return backend._database.read(read, snapshot=True)


def empty(backend: EmbeddedBackend) -> None:
    """Delete every native table."""

    def delete(connection: Any) -> None:
        for table in ("native_tables", "native_vectors", "vector_versions"):
            connection.execute(f"DELETE FROM {table}")

    backend._database.write(delete)
    backend._matrices._held.clear()  # versions begin again


@share_of_sequences
@given(steps=sequences())
def test_same_replies_and_same_rows(
    server: ReferenceServer, http: httpx.Client, backend: EmbeddedBackend, steps: list[Call]
) -> None:
    server.reset()
    empty(backend)
    headers = {"Authorization": f"Convex {server.admin_key}", "Content-Type": "application/json"}

    def post(call: wire.FunctionCall) -> Any:
        body = {"path": call.path, "args": call.args, "format": "convex_encoded_json"}
        response = http.post(f"/api/{call.kind}", content=wire.encode(body), headers=headers)
        response.raise_for_status()
        return value_of_envelope(wire.decode(response.content), call)

    ours, theirs = NativePlace(backend.send), NativePlace(post)
    for number, step in enumerate(steps, start=1):
        expected, answer = theirs.run(step), ours.run(step)
        if step.kind == "action" and isinstance(expected, list):
            expected = pytest.approx(expected, abs=_FLOAT32)
        if answer != expected:
            note(f"step {number} of {len(steps)}: {step}")
        assert answer == expected
    ends = embedded_rows(backend)
    assert {name: ours.comparable(rows) for name, rows in ends.items()} == {
        name: theirs.comparable(server.rows()[name]) for name in ends
    }
