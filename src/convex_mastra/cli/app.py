"""The commands, their options and help texts.

Reads the command line and hands plain values on; what ``dev`` does is in ``dev``,
and what ``doctor`` does in ``doctor``.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from convex_mastra.cli import dev as dev_command
from convex_mastra.cli import doctor as doctor_command
from convex_mastra.config import ENVIRONMENT_PAIRS
from convex_mastra.wire import STORAGE_FUNCTION

ADMIN_KEY_VARIABLE: Final = ENVIRONMENT_PAIRS[0][1]
DEFAULT_DATABASE: Final = Path("mastra.db")
DEFAULT_PORT: Final = 3210

app = typer.Typer(
    help="Mastra's Convex storage in Python: one memory, two languages.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # it can show local variables, and one of them is the key
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"convex-mastra {version('convex-mastra')}")
        raise typer.Exit


@app.callback()
def convex_mastra(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Mastra's Convex storage in Python: one memory, two languages."""


@app.command()
def dev(
    *,
    db: Annotated[
        Path,
        typer.Option(
            "--db", metavar="PATH", help="The SQLite file; created if missing. ':memory:' for none."
        ),
    ] = DEFAULT_DATABASE,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The TCP port; 0 lets the system choose.")
    ] = DEFAULT_PORT,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on.")
    ] = "127.0.0.1",
    admin_key: Annotated[
        str | None,
        typer.Option(
            envvar=ADMIN_KEY_VARIABLE,
            metavar="KEY",
            show_default=False,
            help="The key clients must send. Without it, one is made and printed. On the command "
            "line other users can see it: prefer the variable.",
        ),
    ] = None,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Let --host be an address that other machines reach. Every call then needs the "
            "key, which crosses the network unencrypted.",
        ),
    ] = False,
) -> None:
    """Serve a local database as a Convex deployment, for Mastra and for Python.

    Speaks the Convex HTTP API over a SQLite file: no account, no Node, no upload. Point
    @mastra/convex and convex_mastra at it with the two variables it prints. As on Convex,
    Mastra's functions are public: on this machine they answer without the key too. Stop it with
    Ctrl-C.
    """
    settings = dev_command.Settings(
        database=str(db), host=host, port=port, admin_key=admin_key, allow_remote=allow_remote
    )
    try:
        dev_command.run(settings)
    except dev_command.UsageError as problem:
        raise typer.BadParameter(str(problem), param_hint=problem.option) from None
    except dev_command.StartError as problem:
        typer.secho(f"convex-mastra dev: {problem}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None


@app.command()
def doctor(
    *,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            show_default=False,
            help="The deployment: https://…, http://127.0.0.1:3210, file:./mastra.db. Without it, "
            "the one that the environment names.",
        ),
    ] = None,
    storage_function: Annotated[
        str,
        typer.Option(
            "--storage-function", metavar="PATH", help="Where Mastra's storage handler is deployed."
        ),
    ] = STORAGE_FUNCTION,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all findings as one JSON object.")
    ] = False,
) -> None:
    """Look a deployment over: what is there, what is wrong, what to do about it.

    Reads the key from the environment (CONVEX_ADMIN_KEY or CONVEX_SELF_HOSTED_ADMIN_KEY) and never
    prints it. Writes nothing. Exits with 0 when nothing is wrong, with 1 when something is.
    """
    is_fine = doctor_command.run(url, storage_function, as_json=as_json)
    raise typer.Exit(0 if is_fine else 1)
