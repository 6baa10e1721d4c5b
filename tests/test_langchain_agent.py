"""The example of a LangChain agent that remembers: a process for each question, on every lane."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from convex_mastra import ConvexStore
from tests.interop.node import run_node
from tests.lanes import Deployment

SCRIPT = Path(__file__).resolve().parents[1] / "examples" / "langchain_agent.py"
COUNTED = """\
       user  How many days are there from 2026-06-24 to 2026-12-24?
       call  days_between(2026-06-24, 2026-12-24)
     result  183
"""
ADDED = """\
  assistant  That is 183 days.
       user  And which day is as many days after 2027-03-01?
       call  add_days(2027-03-01, 183)
     result  2027-08-31
"""


def ask(deployment: Deployment, thread_id: str, question: str) -> tuple[str, str]:
    """Return what the model was sent and what it answered."""
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, "--thread", thread_id, question],
        env={**os.environ, **deployment.environment(), "CHAT_MODEL": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _, sent, answer = done.stdout.replace("and answered:\n", "was sent:\n").split("was sent:\n")
    return sent, answer


def test_the_next_process_goes_on(deployment: Deployment, unique: Callable[[str], str]) -> None:
    thread_id = unique("dates")
    sent, answer = ask(
        deployment, thread_id, "How many days are there from 2026-06-24 to 2026-12-24?"
    )
    assert (sent, answer) == (COUNTED, "  assistant  That is 183 days.\n")
    sent, answer = ask(deployment, thread_id, "And which day is as many days after 2027-03-01?")
    assert (sent, answer) == (COUNTED + ADDED, "  assistant  That is 2027-08-31.\n")

    with ConvexStore(deployment.url, deployment.admin_key) as store:
        thread = store.memory.get_thread_by_id(thread_id)
        assert thread is not None
        assert (thread.resource_id, thread.title) == ("ann", "Dates")
        rows = store.memory.list_messages(thread_id).messages
    assert [row.role for row in rows] == ["user", "assistant"] * 2, "a row for each turn"
    called, _, said = rows[-1].content["parts"]
    assert called["toolInvocation"]["args"] == {"day": "2027-03-01", "days": 183}
    assert called["toolInvocation"]["result"] == "2027-08-31"
    assert said["text"] == rows[-1].text == "That is 2027-08-31."

    if deployment.lane == "embedded":
        return
    place = {"url": deployment.url, "key": deployment.admin_key}
    read = run_node("store.ts", {**place, "command": "read", "threadIds": [thread_id]})
    forms = run_node("messagelist.ts", {"messages": read["recalled"][thread_id]})["forms"]
    assert {name: form for name, form in forms.items() if isinstance(form, dict)} == {}
    assert [message["role"] for message in forms["aiV5.prompt"]] == [
        "user", "assistant", "tool", "assistant", "user", "assistant", "tool", "assistant",
    ]  # fmt: skip
