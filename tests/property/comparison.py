"""Two places that run deployed functions, and what must be equal between them.

``Place`` runs steps on the embedded backend or on the reference deployment and returns outcomes in
a common form: identities numbered in order of appearance, times that the server took from its
clock blanked, the few texts that Convex's mock words otherwise reduced to what they say.
"""

from __future__ import annotations

import math
import re
import sqlite3
import struct
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import httpx
import numpy as np

from convex_mastra import wire
from convex_mastra.backends.answers import value_of_envelope
from convex_mastra.backends.embedded import EmbeddedBackend, tables
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.config import Options
from convex_mastra.errors import FunctionError
from tests.property.operations import LAST_CURSOR
from tests.property.steps import Call, Seed, Step
from tests.reference import ReferenceServer
from tests.seeding import SEED_FUNCTION, seed

SERVER_TIME_FROM: Final = 1.6e12
"""Numbers from here on are milliseconds of the server's clock; the tests draw smaller ones."""
_NOW: Final = "<now>"
_NO_FIELD_PATH: Final = "<no field path>"
_BEFORE_THE_FILTER: Final = "Arg 1 `n` to `take` must be a non-negative integer"
_CLOCK_TEXTS: Final = re.compile(r"\b1[6-9]\d{11}\b|\b20(?!20-)\d\d-\d\d-\d\dT[\d:.]+Z")
_WORDINGS: Final = [
    (re.compile(r"Validator error:.*", re.DOTALL), "<refused>"),
    (re.compile(r"Failed to insert or update a document.*", re.DOTALL), "<refused>"),
    (re.compile(r"The document isn't a valid document.*", re.DOTALL), "<refused>"),
    (re.compile(r"Provided (document ID|creation time|`_).*", re.DOTALL), "<refused>"),
    (re.compile(r"Delete on non.?existent.*"), "<deleted before>"),
    (re.compile(r"\[[^\]]*, \.\.\.\]"), "[ids]"),
    (re.compile(r".*(is not valid JSON|in JSON at position|end of JSON input).*"), "<no JSON>"),
    (re.compile(r".*(`db\.patch`|\(reading '_id'\)).*"), "<refused>"),
    (re.compile(r".*(field path|fieldPath|not implemented: ).*"), "<no field path>"),
]


class Place:
    """Runs steps and remembers what the outcomes name."""

    def __init__(self, send: Callable[[Call], Any], seed: Callable[[Seed], None]) -> None:
        self._send = send
        self._seed = seed
        self._identities: dict[str, str] = {}
        self._cursors: dict[str, Any] = {}

    def run(self, step: Step) -> Any:
        """Run a step and return its outcome: a reply, or the text of a failure."""
        if isinstance(step, Seed):
            return self._outcome(lambda: self._seed(step))
        call = step
        if step.args.get("cursor") == LAST_CURSOR:
            cursor = self._cursors.get(str(step.args["tableName"]))
            call = replace(step, args=step.args | {"cursor": cursor})
        outcome = self._outcome(lambda: self._send(call))
        if isinstance(outcome, dict) and "continuationCursor" in outcome:
            self._end_full_page(call, outcome)
            self._cursors[call.args["tableName"]] = outcome.pop("continuationCursor")
        return self.comparable(outcome)

    def comparable(self, value: Any) -> Any:
        """Return *value* without what two places cannot have in common."""
        match value:
            case str():
                return _CLOCK_TEXTS.sub(_NOW, self._identities.get(value, value))
            case float() if value >= SERVER_TIME_FROM and value < 1e20:
                return _NOW
            case {"$float": str(text)}:
                return repr(struct.unpack("<d", b64decode(text))[0])
            case float() if value == 0:
                return repr(math.copysign(0.0, value))
            case np.ndarray():
                return self.comparable(value.tolist())
            case list():
                return [self.comparable(item) for item in value]
            case dict():
                if "_id" in value and "_creationTime" in value:
                    number = f"<id {len(self._identities)}>"
                    self._identities.setdefault(value["_id"], number)
                return {key: self.comparable(item) for key, item in value.items()}
        return value

    def _end_full_page(self, call: Call, outcome: wire.Json) -> None:
        # The mock says that an exactly full last page is the last; a deployment says so only on
        # the empty page after it.
        if not outcome["hasMore"]:
            return
        cursor = outcome["continuationCursor"]
        unfiltered = {name: value for name, value in call.args.items() if name != "filters"}
        after = self._send(replace(call, args=unfiltered | {"cursor": cursor}))
        if not after["result"] and not after["hasMore"]:
            outcome["hasMore"] = False
            outcome["continuationCursor"] = after["continuationCursor"]

    def _outcome(self, run: Callable[[], Any]) -> Any:
        try:
            value = run()
        except FunctionError as error:
            return f"failed: {reworded(error.message)}"
        if isinstance(value, dict) and isinstance(value.get("error"), str):
            return value | {"error": reworded(value["error"])}
        return value


def agree(ours: Any, theirs: Any) -> bool:
    """Whether two outcomes of one step are the same.

    A filter without a field is refused when it is built; the mock only looks at it when there is a
    row to compare, which is after it has looked at the limit.
    """
    if ours == theirs:
        return True
    looked_before = (*_failures(_BEFORE_THE_FILTER), {"ok": True, "result": []})
    return ours in _failures(_NO_FIELD_PATH) and theirs in looked_before


def _failures(message: str) -> tuple[Any, ...]:
    """A failure with that text, thrown and as a reply."""
    return f"failed: {message}", {"ok": False, "error": message}


def embedded_place(backend: EmbeddedBackend) -> Place:
    """A place over the embedded backend."""

    return Place(
        lambda call: backend.send(_request(call)),
        lambda row: seed(backend, row.table, row.fields),
    )


def embedded_rows(backend: EmbeddedBackend) -> dict[str, list[Any]]:
    """Every row of every table, in order of creation."""
    return {
        table.name: [
            row.document
            for row in backend._database.read(
                lambda connection, table=table: Transaction(connection, backend._matrices).take(
                    table, 10_000
                ),
                snapshot=False,
            )
        ]
        for table in tables.ALL
    }


def reference_place(server: ReferenceServer, http: httpx.Client) -> Place:
    """A place over the reference deployment."""
    headers = {
        "Authorization": f"Convex {server.admin_key}",
        "Content-Type": "application/json",
    }

    def send(call: Call) -> Any:
        body = {"path": call.path, "args": call.args, "format": "convex_encoded_json"}
        response = http.post(f"/api/{call.kind}", content=wire.encode(body), headers=headers)
        response.raise_for_status()
        return value_of_envelope(wire.decode(response.content), _request(call))

    def sow(row: Seed) -> None:
        send(Call(SEED_FUNCTION, "mutation", {"table": row.table, "fields": row.fields}))

    return Place(send, sow)


@contextmanager
def start_embedded_backend() -> Iterator[EmbeddedBackend]:
    """An embedded backend in memory."""
    backend = EmbeddedBackend(":memory:", Options())
    try:
        yield backend
    finally:
        backend.close()


def empty(backend: EmbeddedBackend) -> None:
    """Delete every row; quicker than a new database."""

    def delete(connection: sqlite3.Connection) -> None:
        for table in tables.ALL:
            connection.execute(f'DELETE FROM "{table.name}"')
        connection.execute("DELETE FROM vector_versions")

    backend._database.write(delete)


def _request(call: Call) -> wire.FunctionCall:
    return wire.FunctionCall(call.kind, call.path, call.args, str(call.args.get("op")), True)


def reworded(message: str) -> str:
    """Return an error's text, in the words that both places have in common."""
    for pattern, replacement in _WORDINGS:
        message = pattern.sub(replacement, message)
    return message
