"""A Node.js process with the npm client in it, which does what it is told and says how long it took.

The other ends are ``peer.ts`` and ``domains.ts`` of ``tests/node/bench``. Called by ``npm`` and
``domains``; knows nothing of what is compared.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.servers import Server
from benchmarks.workload import Workload
from tests.interop.node import NODE_TESTS, node_executable

_SCRIPTS: Final = NODE_TESTS / "bench"


class NpmClient:
    """The npm client; see ``start_npm_client`` and ``start_npm_domains``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, command: str, **arguments: Any) -> tuple[float, Any]:
        """Have it do one thing; return how many seconds that took, and what came of it.

        Raises:
            RuntimeError: it failed; its own message is on standard error.
        """
        return self._ask({"command": command, **arguments}, command)

    def run_domain(self, domain: str, work: str, ids: list[str]) -> tuple[float, Any]:
        """Have it write or read *ids* in a domain; otherwise as ``run``."""
        return self._ask({"domain": domain, "work": work, "ids": ids}, f"{domain} {work}")

    def _ask(self, message: dict[str, Any], doing: str) -> tuple[float, Any]:
        self.send(message)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the npm client failed at {doing}; its own message is above")
        answer = json.loads(line)
        return answer["elapsedMs"] / 1000, answer["result"]

    def send(self, message: dict[str, Any]) -> None:
        """Write one line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


@contextmanager
def start_npm_client(server: Server, work: Workload) -> Iterator[NpmClient]:
    """Run the npm client for messages and vectors against *server* while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        work.write(Path(folder))
        with _started(["peer.ts", folder], _place(server)) as client:
            yield client


@contextmanager
def start_npm_domains(server: Server, native_indexes: dict[str, Any]) -> Iterator[NpmClient]:
    """Run the npm client's other domains against *server* while the block runs."""
    place = {**_place(server), "nativeIndexes": native_indexes}
    with _started(["domains.ts"], place) as client:
        yield client


@contextmanager
def _started(script: list[str], place: dict[str, Any]) -> Iterator[NpmClient]:
    process = subprocess.Popen(
        [node_executable(), _SCRIPTS / script[0], *script[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        client = NpmClient(process)
        client.send(place)
        yield client
    finally:
        process.kill()  # it has nothing to tidy up
        process.communicate()


def _place(server: Server) -> dict[str, Any]:
    return {"url": server.url, "key": server.admin_key}
