"""``Date.now()``: the time as the handlers see it."""

from __future__ import annotations

import time


def now() -> float:
    """Return the milliseconds since 1970, whole."""
    return float(time.time_ns() // 1_000_000)
