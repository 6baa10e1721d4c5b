"""A Node.js process with the npm client in it, which does what it is told and says how long it took.

The other end is ``tests/node/bench/peer.ts``. Called by ``npm``; knows nothing of what is compared.
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

_SCRIPT: Final = NODE_TESTS / "bench" / "peer.ts"


class NpmClient:
    """The npm client; see ``start_npm_client``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, command: str, **arguments: Any) -> tuple[float, Any]:
        """Have it do one thing; return how many seconds that took, and what came of it.

        Raises:
            RuntimeError: it failed; its own message is on standard error.
        """
        self.send({"command": command, **arguments})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the npm client failed at {command}; its own message is above")
        answer = json.loads(line)
        return answer["elapsedMs"] / 1000, answer["result"]

    def send(self, message: dict[str, Any]) -> None:
        """Write one line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


@contextmanager
def start_npm_client(server: Server, work: Workload) -> Iterator[NpmClient]:
    """Run the npm client against *server* while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        work.write(Path(folder))
        process = subprocess.Popen(
            [node_executable(), _SCRIPT, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        try:
            client = NpmClient(process)
            client.send({"url": server.url, "key": server.admin_key})
            yield client
        finally:
            process.kill()  # it has nothing to tidy up
            process.communicate()
