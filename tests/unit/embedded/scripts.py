"""Running a script in a process of its own, for what a test process must not do to itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
TIMEOUT_S: Final = 60.0
_HEAD: Final = """
import os, sys
from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.config import Options
from tests.unit.embedded.storage import *
backend = EmbeddedBackend(sys.argv[1], Options())
"""


def start(script: str, *args: str) -> subprocess.Popen[str]:
    """Start a script that finds ``backend`` opened over the path in its first argument."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _HEAD + script, *args],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(script: str, *args: str) -> str:
    """Run a script to its end and return what it printed."""
    process = start(script, *args)
    return finish(process)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a script and return what it printed."""
    try:
        output, errors = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    return output
