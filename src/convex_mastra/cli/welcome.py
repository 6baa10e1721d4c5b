"""What ``convex-mastra dev`` prints: where it is, and what to set to reach it.

Lines to copy stand by themselves, unbroken, so that a terminal's selection takes them whole. A key
that was given is not repeated: whoever gave it has it, and output is often kept in logs.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from textwrap import indent

import typer

from convex_mastra.config import ENVIRONMENT_PAIRS, MEMORY

_TYPESCRIPT = """\
import { ConvexStore } from '@mastra/convex';

const storage = new ConvexStore({
  id: 'convex',
  deploymentUrl: process.env.CONVEX_URL!,
  adminAuthToken: process.env.CONVEX_ADMIN_KEY!,
});
"""
_PYTHON = """\
from convex_mastra import ConvexStore

with ConvexStore() as store:
    print(store.memory.list_threads())
"""


def welcome(*, url: str, database: str, new_key: str | None, loopback_only: bool) -> str:
    """Return the text for a server that now listens.

    Args:
        url: where it listens.
        database: path of its file, or ``:memory:``.
        new_key: the key, when it was made for this run.
        loopback_only: only this machine can reach it.
    """
    title = typer.style(f"convex-mastra {version('convex-mastra')}", bold=True)
    shown_url = typer.style(url, fg=typer.colors.CYAN, bold=True)
    parts = [
        f"\n{title} is listening on {shown_url}\n{_place(database)}\n",
        _section("Set in the shell (or .env file) of your app:", _variables(url, new_key)),
        _section("Then in Mastra:", _TYPESCRIPT),
        _section("And in Python:", _PYTHON),
    ]
    if not loopback_only:
        parts.append(
            typer.style("\nOther machines can reach this server.", fg=typer.colors.YELLOW)
            + " The key crosses the network unencrypted;\nPython clients there need "
            "Options(allow_insecure_http=True).\n"
        )
    parts.append(f"\n{typer.style('Press Ctrl-C to stop.', dim=True)}\n")
    return "".join(parts)


def farewell(database: str) -> str:
    """Return the text for a server that has stopped."""
    kept = "nothing was kept" if database == MEMORY else f"everything is in {database}"
    return f"\nStopped; {kept}.\n"


def _place(database: str) -> str:
    if database == MEMORY:
        return "and keeps everything in memory, until it stops."
    return f"and keeps everything in {Path(database).absolute()}"


def _variables(url: str, new_key: str | None) -> str:
    url_variable, key_variable = ENVIRONMENT_PAIRS[0]
    set_variable = "$env:{} = '{}'\n" if os.name == "nt" else "export {}='{}'\n"
    key_line = (
        f"# {key_variable}: the key you gave\n"
        if new_key is None
        else set_variable.format(key_variable, new_key)
    )
    return set_variable.format(url_variable, url) + key_line


def _section(heading: str, lines: str) -> str:
    return f"\n{typer.style(heading, fg=typer.colors.GREEN)}\n\n{indent(lines, '    ')}"
