"""The package as a whole: what it exports, and that its page is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import langchain_convex_mastra

DOCS = Path(__file__).resolve().parents[3] / "docs"
RUN_TIMEOUT_S = 120


def test_exports() -> None:
    assert langchain_convex_mastra.__all__ == [
        "ConvexByteStore",
        "ConvexCache",
        "ConvexChatMessageHistory",
        "ConvexDocumentIndex",
        "ConvexKVStore",
        "ConvexMemoryStore",
        "ConvexRecordManager",
        "ConvexSaver",
        "ConvexThreadLoader",
        "ConvexVectorStore",
        "__version__",
        "is_pending",
    ]
    assert langchain_convex_mastra.__version__


def run(code: str, tmp_path: Path) -> str:
    """Run code in a new interpreter, in which every warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"CONVEX_URL": "file:./mastra.db", "CONVEX_ADMIN_KEY": ""},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def printed_by(page: str, count: int, tmp_path: Path) -> list[str]:
    """What the examples of a page print, run one after the other."""
    text = (DOCS / page).read_text("utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.M)
    assert len(examples) == count
    return run("\n".join(examples), tmp_path).splitlines()


def test_the_examples_print_what_they_should(tmp_path: Path) -> None:
    assert printed_by("langchain.md", 15, tmp_path) == [
        "human: What is Convex?",
        "ai: A database that reacts.",
        "2 messages",
        "About Convex {'project': 'docs'} 1",
        "Convex is a database. {'page': 1}",
        "['Convex is a database.']",
        "2",
        "Hei. {'lang': 'no', 'year': 2025}",
        "2 ['1']",
        "{'num_added': 2, 'num_updated': 0, 'num_skipped': 0, 'num_deleted': 0}",
        "{'num_added': 1, 'num_updated': 0, 'num_skipped': 1, 'num_deleted': 1}",
        "user said: What is Convex?",
        "assistant said: A database that reacts.",
        "user said: And Mastra?",
        "[b'\\xff\\x00', None] ['a/1', 'a/2']",
        "A long text.",
        "Convex is a database. It reacts.",
        "['A database.', 'A database.']",
        "{'count': 2} 3 checkpoints",
        "cat 2024 1.0",
        "1 [('memories', 'ann')]",
        "About Convex 3",
        "[]",
    ]


def test_the_examples_of_agents_print_what_they_should(tmp_path: Path) -> None:
    assert printed_by("agent-memory.md", 3, tmp_path) == [
        "{'remember': 'Ann likes tea.'}",
        "I shall. ['Ann likes tea.']",
        "paid",
        "The mail server does not answer.",
        "('mail',)",
        "['mailed', 'paid']",
        "Bob likes green tea. Green tea!",
    ]
