"""The example of two agents with one memory: a Mastra agent and a LangChain agent take turns.

What either model was sent is in the example's output; what is stored, npm's client reads.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from convex_mastra import ConvexStore
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

SCRIPT = Path(__file__).resolve().parents[1] / "examples" / "one_memory" / "main.py"
TURN = re.compile(
    r"^(\w+) agent, thread '([\w-]+)'; its model was sent:\n((?: .*\n)+)and answered:\n(.*)$",
    re.MULTILINE,
)
COUNTED = """\
       user  How many days are there from 2026-06-24 to 2026-12-24?
       call  days_between(2026-06-24, 2026-12-24)
     result  183
"""
ADDED = f"""\
{COUNTED}\
  assistant  That is 183 days.
       user  And which day is as many days after 2027-03-01?
       call  add_days(2027-03-01, 183)
     result  2027-08-31
"""
TURNS = [
    (COUNTED, "  assistant  That is 183 days."),
    (ADDED, "  assistant  That is 2027-08-31."),
]


def run(directory: Path, environment: Mapping[str, str]) -> list[str]:
    """Run the example, look at all it shows, and return the ids of its threads."""
    done = subprocess.run(
        [sys.executable, SCRIPT],
        cwd=directory,
        env={
            **{name: text for name, text in os.environ.items() if not name.startswith("CONVEX_")},
            **environment,
            "CHAT_MODEL": "",
            "MASTRA_TELEMETRY_DISABLED": "1",
            "PYTHONWARNINGS": "error",
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    turns = TURN.findall(done.stdout)
    assert [agent for agent, *_ in turns] == ["Mastra", "LangChain", "LangChain", "Mastra"]
    assert [(sent, answer) for *_, sent, answer in turns] == TURNS * 2
    first, again, second, then_again = [thread_id for _, thread_id, *_ in turns]
    assert first == again != second == then_again
    return [first, second]


@pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")
def test_each_goes_on_with_the_other(deployment: Deployment, tmp_path: Path) -> None:
    thread_ids = run(tmp_path, deployment.environment())
    place = {"url": deployment.url, "key": deployment.admin_key}
    read = run_node("store.ts", {**place, "command": "read", "threadIds": thread_ids})
    for thread_id in thread_ids:
        assert read["threads"][thread_id]["resourceId"] == "ann"
        messages = read["recalled"][thread_id]
        assert [message["role"] for message in messages] == ["user", "assistant"] * 2
        forms = run_node("messagelist.ts", {"messages": messages})["forms"]
        assert {name: form for name, form in forms.items() if isinstance(form, dict)} == {}
    assert list(tmp_path.iterdir()) == [], "no dev server where a deployment is named"


def test_without_a_deployment_the_dev_server_serves_a_file(tmp_path: Path) -> None:
    thread_ids = [*run(tmp_path, {}), *run(tmp_path, {})]
    with ConvexStore(f"file:{tmp_path / 'mastra.db'}") as store:
        threads = store.memory.list_threads(resource_id="ann").threads
        assert {thread.id for thread in threads} == set(thread_ids)
        assert len(threads) == 4, "the second run begins threads of its own"
        assert all(store.memory.list_messages(one.id).total == 4 for one in threads)
