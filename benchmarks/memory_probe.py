"""A process whose peak memory is measured; prints it in bytes. Run by ``memory``.

    python -m benchmarks.memory_probe [URL INDEX DIMENSION TOP_K]

Without arguments it imports what the search needs and ends: the base to subtract.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from convex_mastra import ConvexVector


def main(arguments: list[str]) -> None:
    """Search, if told to, and print the peak."""
    if arguments:
        url, index_name, dimension, top_k = arguments
        with ConvexVector(url) as store:
            for _ in range(2):
                store.query(index_name, np.ones(int(dimension)), top_k=int(top_k))
    print(peak_bytes())


def peak_bytes() -> int:
    """Return the largest resident set that this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would do, but on Linux its peak includes that of the process that started
        # this one.
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].removesuffix("kB")) * 1024
    import resource  # not there on Windows, which has neither

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(sys.argv[1:])
