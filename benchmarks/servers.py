"""The servers that both sides of a comparison talk to, each a process of its own.

The dev server runs as a user starts it, not in a thread here, where it would take turns with the
Python client for the interpreter and not with the Node.js one. Called by the comparisons that go
over HTTP.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.reference import start_reference_server

_DEV_COMMAND: Final = "from convex_mastra.cli import main; main()"
_START_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 10.0
_ADDRESS: Final = re.compile(r"CONVEX_URL='(http://[^']+)'")


@dataclass(frozen=True, slots=True)
class Server:
    """A running deployment: where it is, and the key that it accepts."""

    url: str
    admin_key: str = field(repr=False)


@contextmanager
def dev_server() -> Iterator[Server]:
    """Run ``convex-mastra dev`` on a new database file while the block runs."""
    key = f"benchmark|{secrets.token_hex(16)}"
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "mastra.db"
        process = subprocess.Popen(
            [sys.executable, "-c", _DEV_COMMAND, "dev", "--db", str(database), "--port", "0"],
            env={**os.environ, "CONVEX_ADMIN_KEY": key},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Server(_address(process), key)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@contextmanager
def reference_server() -> Iterator[Server]:
    """Run the reference deployment of the tests while the block runs."""
    with start_reference_server() as server:
        yield Server(server.url, server.admin_key)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    alarm = threading.Timer(_START_TIMEOUT_S, process.kill)
    alarm.start()
    try:
        for line in process.stdout:
            if found := _ADDRESS.search(line):
                return found[1]
    finally:
        alarm.cancel()
        alarm.join()
    raise RuntimeError("the dev server did not start; its own message is above")
