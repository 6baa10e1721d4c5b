"""``convex-mastra doctor``: one inspection, printed for people or as JSON.

Called by ``app``. What there is to find out, and what to say of it, is the inspection's; here it
only gets a form. The key comes from the environment alone and is never printed.
"""

from __future__ import annotations

from textwrap import fill
from typing import Final

import msgspec
import typer

from convex_mastra.errors import ConfigurationError
from convex_mastra.ops.inspection_problems import configuration
from convex_mastra.records import Inspection, Problem
from convex_mastra.store import ConvexStore

LINE_LENGTH: Final = 88
_COLOURS: Final = {
    "ok": typer.colors.GREEN,
    "problem": typer.colors.RED,
    "absent": typer.colors.BRIGHT_BLACK,
    "unknown": typer.colors.YELLOW,
}


def run(url: str | None, storage_function: str, *, as_json: bool) -> bool:
    """Inspect the deployment, print what was found, and return whether nothing is wrong."""
    found = _inspect(url, storage_function)
    typer.echo(as_json_text(found) if as_json else report(found))
    return found.ok


def as_json_text(found: Inspection) -> str:
    """All findings, and ``ok``, as one JSON object."""
    findings = msgspec.to_builtins(found)
    return msgspec.json.format(msgspec.json.encode({"ok": found.ok} | findings)).decode()


def report(found: Inspection) -> str:
    """A line for each check, then a paragraph for each problem."""
    lines = [
        f"{typer.style(check.mark, fg=_COLOURS[check.state])}  {check.name:<17} {check.text}"
        for check in found.checks
    ]
    return "\n".join([*lines, *map(_paragraph, found.problems)])


def _inspect(url: str | None, storage_function: str) -> Inspection:
    try:
        with ConvexStore(url, storage_function=storage_function) as store:
            return store.inspect()
    except ConfigurationError as error:
        return Inspection(
            reachable=False, storage_function=storage_function, problems=(configuration(error),)
        )


def _paragraph(problem: Problem) -> str:
    code = typer.style(problem.code, fg=typer.colors.RED, bold=True)
    what, remedy = (
        fill(text, LINE_LENGTH, initial_indent="    ", subsequent_indent="    ")
        for text in (problem.what, f"To do: {problem.remedy}")
    )
    return f"\n{code}\n{what}\n{remedy}"
