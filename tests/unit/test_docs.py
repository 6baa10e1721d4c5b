"""The documents say what the code does: examples run, differences are listed, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("convex/*.md"),
        *ROOT.glob("benchmarks/*.md"),
        *ROOT.glob("integrations/*/README.md"),
    ]
)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def blocks() -> list[object]:
    return [
        pytest.param(block, id=f"{name_of(path)}-{number}")
        for path in DOCUMENTS
        for number, block in enumerate(PYTHON.findall(path.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("block", blocks())
def test_examples_run(block: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each block runs alone, in an empty folder, on the embedded backend."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        cwd=tmp_path_factory.mktemp("example"),
        env={"CONVEX_URL": "file:./mastra.db", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_deliberate_differences_are_listed() -> None:
    listed = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "convex_mastra"
    marked = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "DIFFERS:" in path.read_text(encoding="utf-8")
    }
    assert marked
    assert {module for module in marked if f"`{module}`" not in listed} == set()
    for module in re.findall(r"^\| `([a-z_/]+\.py)` \|", listed, re.MULTILINE):
        assert module in marked, f"{module} is listed but has no DIFFERS mark"


def test_every_decision_has_its_parts() -> None:
    decisions = sorted(ROOT.glob("docs/adr/*.md"))
    for number, path in enumerate(decisions, start=1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number}. ")
        for part in ("**Context.**", "**Decision.**", "**Costs.**"):
            assert part in text, path.name
