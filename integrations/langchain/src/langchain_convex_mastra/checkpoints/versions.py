"""Versions of channels: texts that sort as they were made, and that no two writers both make.

Called by the saver, which LangGraph asks for them, and where old checkpoints are read.
"""

from __future__ import annotations

import random


def next_version(current: str | int | float | None) -> str:
    """Return a version after *current*; a number is one of LangGraph's own."""
    if current is None:
        count = 0
    elif isinstance(current, str):
        count = int(current.split(".")[0])
    else:
        count = int(current)
    return f"{count + 1:032}.{random.random():016}"  # noqa: S311 - tells writers apart, no secret
