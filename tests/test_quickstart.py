"""The example that everybody runs first, on every lane, twice; then Mastra reads what it left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.interop.node import run_node
from tests.lanes import Deployment

SCRIPT = Path(__file__).resolve().parents[1] / "examples" / "quickstart.py"


def run(deployment: Deployment, *questions: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, *questions],
        env={**os.environ, **deployment.environment()},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "quickstart_docs" in done.stdout
    return done.stdout


def test_quickstart(deployment: Deployment) -> None:
    first = run(deployment)
    assert "We have not met before" in first
    assert "docs/adr/0001-operations-are-flows.md" in first, "finds the document that knows"
    assert "6 messages" in first

    question = "How are equal creation times spread?"
    second = run(deployment, question)
    assert "I remember you: 6 messages" in second
    assert "Why is an operation a generator that yields effects?" in second
    assert "0 passages are new or changed" in second
    assert "docs/adr/0006-time-is-spread-not-trusted.md" in second
    assert "8 messages" in second

    if deployment.lane == "embedded":
        return
    read = run_node(
        "store.ts",
        {
            "url": deployment.url,
            "key": deployment.admin_key,
            "command": "read",
            "threadIds": ["quickstart"],
            "resourceIds": ["reader"],
            "queries": [{"indexName": "quickstart_docs", "queryVector": [1] * 512, "topK": 3}],
        },
    )
    messages = read["messages"]["quickstart"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 4
    assert messages[-2]["content"]["content"] == question
    assert [message["id"] for message in read["recalled"]["quickstart"]] == [
        message["id"] for message in messages
    ]
    assert read["threads"]["quickstart"]["title"] == "Quickstart"
    assert read["indexes"]["quickstart_docs"]["dimension"] == 512
    assert all(hit["metadata"]["text"] for hit in read["queries"][0]), "what Mastra's RAG reads"
    forms = run_node("messagelist.ts", {"messages": messages})["forms"]
    assert {name: form for name, form in forms.items() if isinstance(form, dict)} == {}
