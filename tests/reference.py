"""The reference deployment: the project's own ``convex/`` folder, run by Convex's mock in Node.

Used by the conformance, property and interop tests and by the benchmarks. Knows how to start and
end the server and its two extra routes; what is asked of it is the caller's business.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.interop.node import NODE_TESTS, node_executable

SERVER_SCRIPT: Final = NODE_TESTS / "reference" / "server.ts"
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 10.0
REQUEST_TIMEOUT_S: Final = 120.0


class ReferenceServer:
    """A running reference deployment.

    Attributes:
        url: its address, e.g. ``http://127.0.0.1:40123``.
        admin_key: the key it accepts, made up for this run.
    """

    def __init__(
        self, *, plain: bool = False, probes: bool = False, generation: str | None = None
    ) -> None:
        """Start the server; see ``start_reference_server``."""
        # No deployment key has this form by chance, and "|" must survive every layer.
        self.admin_key = f"reference|{secrets.token_hex(16)}"
        self._errors = tempfile.NamedTemporaryFile()  # noqa: SIM115
        switches = [
            *(["--plain"] if plain else []),
            *(["--probes"] if probes else []),
            *(["--generation", generation] if generation else []),
        ]
        self._process = subprocess.Popen(
            [node_executable(), SERVER_SCRIPT, "--admin-key", self.admin_key, *switches],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        try:
            self.url = self._await_address()
            self._http = self.connect()
        except BaseException:
            self._end_process()
            raise

    def connect(self) -> httpx.Client:
        """Return a new client of this server, without the key in its headers."""
        return httpx.Client(base_url=self.url, timeout=REQUEST_TIMEOUT_S, trust_env=False)

    def reset(self) -> None:
        """Empty the database."""
        self._post("/__reset")

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Return every committed row of every table, ``_id`` and ``_creationTime`` included.

        Rows are in order of creation. Values are in Convex's encoded form, in which nothing is
        lost: a 64-bit integer is ``{"$integer": …}``.
        """
        tables: dict[str, list[dict[str, Any]]] = self._post("/__rows").json()
        return tables

    def stop(self) -> None:
        """End the process. Safe to call twice."""
        self._http.close()
        self._end_process()

    def _end_process(self) -> None:
        # Its closed input tells the server to end, so it also ends when this process is killed.
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def errors(self) -> str:
        """Return what the server has written to its standard error so far."""
        # Not through the open file: its position is the server's own, where it writes next.
        return Path(self._errors.name).read_text(encoding="utf-8", errors="replace")

    def _await_address(self) -> str:
        assert self._process.stdout is not None
        alarm = threading.Timer(START_TIMEOUT_S, self._process.kill)
        alarm.start()
        try:
            line = self._process.stdout.readline()
        finally:
            alarm.cancel()
            alarm.join()
        if not line:
            self._process.wait()
            raise RuntimeError(f"the reference server did not start:\n{self.errors()}")
        return str(json.loads(line)["url"])

    def _post(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Convex {self.admin_key}"}
        response = self._http.post(path, headers=headers)
        response.raise_for_status()
        return response


@contextmanager
def start_reference_server(
    *, plain: bool = False, probes: bool = False, generation: str | None = None
) -> Iterator[ReferenceServer]:
    """Start a reference deployment and end it with the block, whatever happens in it.

    Args:
        plain: run the mock without the lookup that makes it fast.
        probes: deploy the functions of ``tests/node/reference/probes`` too.
        generation: deploy the handler and schema of this older version of @mastra/convex, which
            has a folder in ``tests/node/reference/generations``, instead of ``convex/``.
    """
    server = ReferenceServer(plain=plain, probes=probes, generation=generation)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def reference_server() -> Iterator[ReferenceServer]:
    """One reference deployment for all tests of a session; each test resets it."""
    with start_reference_server() as server:
        yield server
