"""How many random sequences the differential tests draw, and from which seed.

``CONVEX_MASTRA_SEQUENCES`` is how many all of them draw together; ``CONVEX_MASTRA_SEED`` repeats a
run, whose seed stands in the report's header.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, seed, settings

SEQUENCES: Final = int(os.environ.get("CONVEX_MASTRA_SEQUENCES", "2700"))
TESTS: Final = 9
"""The groups of ``test_differential`` and the native vectors, each with an equal share."""


def share_of_sequences(test: Callable[..., Any]) -> Any:
    """Have a test draw its share."""
    drawn = settings(
        max_examples=-(-SEQUENCES // TESTS),
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    )(test)
    return seed(int(os.environ["CONVEX_MASTRA_SEED"]))(drawn)
