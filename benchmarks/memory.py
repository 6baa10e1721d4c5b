"""How much memory a search of the embedded backend takes, against the float32 matrix alone.

Measured in new processes (``memory_probe``): the peak of one that opens the file and searches it,
less the peak of one that only imports the same modules.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from benchmarks.embedded import INDEX, TOP_K, filled_database
from benchmarks.harness import Comparison, Result
from benchmarks.scale import Scale
from tests.interop.node import REPOSITORY

TARGET: Final = 3.0
_PROBE_TIMEOUT_S: Final = 120.0


def compare(scale: Scale) -> Iterator[Result]:
    """Measure the peak of the first search and one more, without what the imports take."""
    with filled_database(scale) as filled:
        dimension = filled.vectors.shape[1]

        def ours() -> float:
            searching = _peak_bytes(filled.url, INDEX, str(dimension), str(TOP_K))
            return searching - _peak_bytes()

        yield Comparison(
            name="embedded.peak-memory",
            size=f"open the file, {filled.size}, twice",
            peer_is="the float32 matrix",
            target=TARGET,
            ours=ours,
            peer=lambda: float(filled.vectors.nbytes),
            unit="bytes",
        ).run(scale.processes)


def _peak_bytes(*search: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory_probe", *search],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PROBE_TIMEOUT_S,
        check=True,
    )
    return int(done.stdout)
