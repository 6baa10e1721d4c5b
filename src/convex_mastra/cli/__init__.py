"""The ``convex-mastra`` command.

The entry point of the distribution. Its libraries come with the extra ``convex-mastra[cli]``, which
may be missing: then it says so in one sentence, instead of a traceback.
"""

from __future__ import annotations

import sys
from typing import Final

EXTRA: Final = frozenset({"starlette", "typer", "uvicorn"})
MISSING_EXTRA: Final = (
    "convex-mastra: the command line needs a few more packages; install them with: "
    "pip install 'convex-mastra[cli]'\n"
)


def main() -> None:
    """Run the command line."""
    try:
        from convex_mastra.cli.app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        sys.stderr.write(MISSING_EXTRA)
        raise SystemExit(2) from None
    app(prog_name="convex-mastra")
