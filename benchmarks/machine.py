"""What the numbers were measured on, without naming the machine, its user or its folders."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from typing import Any, Final

from tests.interop.node import node_executable

_PACKAGES: Final = ("convex-mastra", "httpx", "numpy", "orjson", "uvicorn")


def facts() -> dict[str, Any]:
    """Return the machine's and the software's kind, version and present load, as JSON."""
    node = subprocess.run(
        [node_executable(), "--version"], capture_output=True, text=True, check=True
    )
    return {
        "cpu_count": os.cpu_count(),
        "load_average_1_min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "node": node.stdout.strip().removeprefix("v"),
        **{package: version(package) for package in _PACKAGES},
    }
