"""The benchmarks run, from end to end, and their harness counts right. No times are asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import report, workload
from benchmarks.__main__ import COMPARISONS, exit_status, main
from benchmarks.harness import Comparison, Result, expect
from benchmarks.scale import FULL, QUICK, Rounds
from tests.interop.node import REPOSITORY

KEYS = {"name", "size", "unit", "ours", "peer", "ratio", "target", "met", "pairs", "peer_is"}
QUICK_RUN = [
    "calls",
    "npm-dev-server",
    "domains-dev-server",
    "rows",
    "embedded",
    "memory",
    "history",
    "documents",
    "checkpoints",
    "docstore",
    "llama-vectors",
]
"""All but the reference deployment, which is slow to start."""


def comparison(ours: list[float], peer: list[float], *, target: float | None = 1.0) -> Comparison:
    mine, others = iter(ours), iter(peer)
    return Comparison(
        name="group.work",
        size="10 pieces",
        peer_is="a peer",
        target=target,
        ours=lambda: next(mine),
        peer=lambda: next(others),
    )


def result(*, met: bool | None = True) -> Result:
    target = None if met is None else 1.0
    ratio = 2.0 if met is False else 0.5
    return comparison([ratio], [1.0], target=target).run(Rounds(pairs=1, warm_up=0))


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    measured = comparison([9, 1, 8, 3, 4, 10], [9, 1, 2, 1, 4, 5], target=1.5)
    found = measured.run(Rounds(pairs=4, warm_up=2))
    assert (found.ours, found.peer, found.pairs) == (6.0, 3.0, 4)
    assert found.ratio == 2.5  # of 4, 3, 1, 2; the ratio of the medians would be 2
    low, high = found.ratio_quartiles
    assert low < found.ratio < high
    assert (found.target, found.met) == (1.5, False)


def test_the_sides_take_turns_at_being_first() -> None:
    order: list[str] = []

    def measure(side: str) -> float:
        order.append(side)
        return 1.0

    Comparison(
        name="n",
        size="s",
        peer_is="p",
        target=None,
        ours=lambda: measure("ours"),
        peer=lambda: measure("peer"),
    ).run(Rounds(pairs=3, warm_up=0))
    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]


def test_a_ratio_at_the_target_meets_it() -> None:
    assert comparison([1.0], [1.0]).run(Rounds(pairs=1, warm_up=0)).met is True


def test_a_missed_target_fails_the_run_at_the_stated_sizes_alone() -> None:
    results = [result(), result(met=None), result(met=False)]
    assert exit_status(results, FULL) == 1
    assert exit_status(results, QUICK) == 0
    assert exit_status(results[:2], FULL) == 0


def test_sides_that_do_different_work_stop_the_run() -> None:
    expect(found=[1], wanted=[1], doing="query")
    with pytest.raises(RuntimeError, match=r"query: got \[1\], not \[2\]"):
        expect(found=[1], wanted=[2], doing="query")


def test_the_stated_sizes() -> None:
    assert (FULL.messages, FULL.vectors, FULL.dimension) == (1_000, 10_000, 384)
    assert (FULL.embedded_vectors, FULL.embedded_dimension) == (10_000, 1_536)
    assert FULL.judged
    assert min(FULL.reference_memory.pairs, FULL.reference_vectors.pairs) >= 3


def test_both_sides_get_the_same_work(tmp_path: Path) -> None:
    work = workload.make(QUICK)
    work.write(tmp_path)
    written = json.loads((tmp_path / "work.json").read_text())
    messages = work.messages("t")
    assert [m["content"] for m in written["messages"]] == [m.content for m in messages]
    assert [m["role"] for m in written["messages"]] == [m.role for m in messages]
    times = [datetime.fromisoformat(m["createdAt"]) for m in written["messages"]]
    assert times == [m.created_at for m in messages]
    assert (written["vectorIds"], written["metadata"]) == (work.vector_ids, work.metadata)
    assert {len(about["text"]) for about in work.metadata} == {workload.TEXT_CHARACTERS}
    assert (tmp_path / "vectors.f64").read_bytes() == work.vectors.tobytes()
    again = workload.make(QUICK)
    assert again.vectors.tolist() == work.vectors.tolist()


def test_the_table_and_the_file(tmp_path: Path) -> None:
    results = [result(), result(met=None), result(met=False)]
    console = Console(width=80, record=True, file=(tmp_path / "table").open("w"))
    console.print(report.table(results))
    console.file.close()
    shown = console.export_text()
    assert shown.count("group.work") == 6  # each in its row, and under its peer
    assert "missed" in shown
    assert "0.50" in shown
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    file = report.write(results, {"cpu_count": 2}, tmp_path / "new", now=now, quick=False)
    assert file.name == "20260102T030405Z.json"
    written = json.loads(file.read_text())
    assert written["machine"] == {"cpu_count": 2}
    assert [row["met"] for row in written["results"]] == [True, None, False]
    assert all(row.keys() >= KEYS for row in written["results"])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.5, "s", "2.5 s"),
        (0.0123, "s", "12.3 ms"),
        (1e-5, "s", "10 us"),
        (1e-9, "s", "0.001 us"),
        (61_440_000.0, "bytes", "61.4 MB"),
        (1000.0, "requests", "1,000 requests"),
    ],
)
def test_amounts(value: float, unit: str, text: str) -> None:
    assert report.amount(value, unit) == text  # type: ignore[arg-type]


def test_an_unknown_comparison_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "everything"])
    assert "npm-dev-server" in capsys.readouterr().err


def test_all_of_it_runs(tmp_path: Path) -> None:
    only = [argument for name in QUICK_RUN for argument in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", *only, "--results", tmp_path],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [file] = tmp_path.iterdir()
    written = json.loads(file.read_text())
    rows = {row["name"]: row for row in written["results"]}
    assert rows.keys() == {
        *(f"calls.{op}.{face}" for op in ("insert", "load") for face in ("sync", "async")),
        *(
            f"npm-dev-server.{work}"
            for work in ("save-messages", "read-messages", "upsert", "query")
        ),
        *(
            f"domains-dev-server.{domain}.{work}"
            for domain in (
                "workflows",
                "scores",
                "schedules",
                "channels",
                "tasks",
                "observations",
                "cache",
                "native",
            )
            for work in ("write", "read")
        ),
        *(f"rows.{work}" for work in ("upsert-and-load", "load")),
        *(f"embedded.{work}" for work in ("query", "query-filtered", "first-query", "peak-memory")),
        *(f"history.{peer}" for peer in ("sqlite-window", "sqlite-all", "npm")),
        *(
            f"documents.{work}-{peer}"
            for work in ("search", "ingest")
            for peer in ("in-memory", "numpy")
        ),
        *(
            f"checkpoints.{work}-{state}"
            for work in ("run", "get")
            for state in ("counter", "chat")
        ),
        *(
            f"llama-vectors.{kind}-{peer}"
            for kind in ("scanned", "native")
            for peer in ("simple", "numpy")
        ),
        *(f"llama-vectors.mmr-{candidates}" for candidates in ("usual", "all")),
        *(f"checkpoints.{counted}" for counted in ("bytes", "requests")),
        *(
            f"docstore.{work}"
            for work in ("add", "get", "requests", "requests-add", "requests-get")
        ),
    }
    assert all(row["ours"] > 0 and row["peer"] > 0 and row["ratio"] > 0 for row in rows.values())
    assert written["quick"] is True
    assert written["machine"]["node"].count(".") == 2
    for name in rows:
        assert name in done.stdout.replace("\n", "")
    assert set(QUICK_RUN) == COMPARISONS.keys() - {"npm-reference", "domains-reference"}
