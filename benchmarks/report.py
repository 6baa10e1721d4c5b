"""Results for a person (a table) and for a program (a JSON file).

Called once the results are in; measures nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from benchmarks.harness import Result, Unit

_SECONDS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def table(results: Sequence[Result]) -> Group:
    """Return one row for each result, and below them with whom each is compared."""
    shown = Table(
        title="This client against its peers",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    shown.add_column("comparison", overflow="fold")
    for heading in ("ours", "peer's", "ratio", "target"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        low, high = result.ratio_quartiles
        shown.add_row(
            Text(result.name).append(f"\n{result.size}", "dim"),
            amount(result.ours, result.unit),
            amount(result.peer, result.unit),
            Text(f"{result.ratio:.2f}", "bold").append(f"\n{low:.2f}-{high:.2f}", "not bold dim"),
            _verdict(result),
        )
    return Group(shown, Text(_LEGEND), *map(Text, _peers(results)))


_LEGEND: Final = (
    "Times and sizes are medians. The ratio is the median of ours / peer's, pair by pair, and below "
    "it its first and third quartile. Below 1 this client is cheaper. The peers:"
)


def _peers(results: Sequence[Result]) -> list[str]:
    names: dict[str, list[str]] = {}
    for result in results:
        names.setdefault(result.peer_is, []).append(result.name)
    return [f"- {peer}: {', '.join(compared)}" for peer, compared in names.items()]


def amount(value: float, unit: Unit) -> str:
    """Return *value* with three digits and a unit that suits it."""
    if unit == "bytes":
        return f"{value / 1e6:.1f} MB"
    if unit == "requests":
        return f"{value:,.0f} requests"
    size, name = next((step for step in _SECONDS if value >= step[0]), _SECONDS[-1])
    return f"{value / size:.3g} {name}"


def write(
    results: Sequence[Result], machine: dict[str, Any], folder: Path, *, now: datetime, quick: bool
) -> Path:
    """Write the results as JSON; return the file, which is named by the time."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{now:%Y%m%dT%H%M%SZ}.json"
    content = {
        "measured_at": now.isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine,
        "results": [asdict(result) for result in results],
    }
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return file


def _verdict(result: Result) -> Text:
    if result.target is None:
        return Text("none", "dim")
    verdict = Text(f"{result.target:.2f}\n")
    return verdict.append("met", "green") if result.met else verdict.append("missed", "bold red")
