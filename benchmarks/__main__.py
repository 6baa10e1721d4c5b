"""``python -m benchmarks``: runs the comparisons, prints the table, writes the JSON.

Ends with status 1 when a target is missed at the stated sizes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import (
    calls,
    checkpoints,
    domains,
    embedded,
    history,
    langchain_documents,
    llama_index_documents,
    llama_index_vectors,
    machine,
    memory,
    npm,
    report,
    rows,
)
from benchmarks.harness import Result
from benchmarks.scale import FULL, QUICK, Scale

COMPARISONS: Final[dict[str, Callable[[Scale], Iterator[Result]]]] = {
    "calls": calls.compare,
    "npm-dev-server": npm.compare_on_dev_server,
    "npm-reference": npm.compare_on_reference,
    "domains-dev-server": domains.compare_on_dev_server,
    "domains-reference": domains.compare_on_reference,
    "rows": rows.compare,
    "embedded": embedded.compare_searches,
    "memory": memory.compare,
    "history": history.compare,
    "documents": langchain_documents.compare,
    "checkpoints": checkpoints.compare,
    "docstore": llama_index_documents.compare,
    "llama-vectors": llama_index_vectors.compare,
}
RESULTS: Final = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line names; return the exit status."""
    options = _parser().parse_args(arguments)
    scale = QUICK if options.quick else FULL
    console = Console()
    results: list[Result] = []
    for name in options.only or COMPARISONS:
        with console.status(name):
            for result in COMPARISONS[name](scale):
                results.append(result)
                console.print(f"{result.name}: {result.ratio:.2f}", highlight=False)
    console.print(report.table(results))
    file = report.write(
        results, machine.facts(), options.results, now=datetime.now(UTC), quick=options.quick
    )
    console.print(f"Written to {file.name} in {file.parent.name}/.", highlight=False)
    return exit_status(results, scale)


def exit_status(results: Sequence[Result], scale: Scale) -> int:
    """Return 1 when a target is missed and counts at that scale, else 0."""
    return int(scale.judged and any(result.met is False for result in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=COMPARISONS,
        metavar="NAME",
        help=f"run this comparison; may be repeated. One of: {', '.join(COMPARISONS)}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, once each; targets do not count"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder for the JSON file", metavar="FOLDER"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
