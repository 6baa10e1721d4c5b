"""What a finding means to whoever deployed it: one sentence each of what is wrong and what to do.

Called by ``inspection`` with what it found and the errors it met. Quotes no platform's text about
a key, and of functions' failures only the first line. The codes are listed in docs/deployments.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from convex_mastra.errors import (
    ConfigurationError,
    ConvexMastraError,
    FunctionError,
    FunctionNotFoundError,
    RequestRejectedError,
    StorageError,
    TransportError,
    UnsupportedOperationError,
)
from convex_mastra.ops.abilities import ABILITIES, Ability
from convex_mastra.ops.inspection_requests import is_not_permitted
from convex_mastra.records import Inspection, Problem
from convex_mastra.wire import DATABASE_MISSING

QUOTE_LENGTH: Final = 300


def configuration(error: ConfigurationError) -> Problem:
    """No deployment is named, or the one named cannot be used."""
    code = "file_missing" if error.code == DATABASE_MISSING else "configuration"
    what, *remedies = error.message.split(". ", maxsplit=2)
    remedy = remedies[0] if remedies else "Correct the URL or the key that is given."
    return Problem(code=code, what=_sentence(what), remedy=_sentence(remedy))


def unreached(error: ConvexMastraError) -> Problem:
    """Nothing answers."""
    if isinstance(error, ConfigurationError):
        return configuration(error)
    return Problem(
        code="unreachable",
        what=_sentence(error.message),
        remedy="Check the URL, and that the deployment runs and this machine may reach it.",
    )


def not_convex(*errors: ConvexMastraError | None) -> Problem:
    """Something answers, and not as Convex does."""
    for error in errors:
        if isinstance(error, TransportError):
            return _unavailable(error)
    statuses = [f" (HTTP {e.status})" for e in errors if isinstance(e, RequestRejectedError)]
    return Problem(
        code="not_convex",
        what=f"What answers there is no Convex deployment{statuses[0] if statuses else ''}.",
        remedy="Give the deployment's own URL, as in https://….convex.cloud or "
        "http://127.0.0.1:3210, not that of its dashboard or HTTP actions (….convex.site).",
    )


def barrier(found: Inspection, error: ConvexMastraError | None) -> Problem | None:
    """What keeps an inspection from looking any further, given the storage call's error."""
    if found.key_accepted is False:
        return Problem(
            code="key_refused",
            what="The deployment refuses the key.",
            remedy="Set a key that was made for this very deployment, and all of it: in a shell, "
            "quote it, as it holds a |.",
        )
    return _unavailable(error) if isinstance(error, TransportError) else None


def of_key(found: Inspection) -> Iterator[Problem]:
    """What the key does not allow."""
    if found.key_read_only:
        yield Problem(
            code="key_read_only",
            what="The key may only read, and Mastra's storage handler is a mutation.",
            remedy="Set a key that may write.",
        )


def of_storage(found: Inspection, error: ConvexMastraError | None) -> Iterator[Problem]:
    """Why the storage handler does not serve, given the error it ended with."""
    path = found.storage_function
    is_listed = found.functions[path]
    if error is None:
        return
    if is_not_permitted(error):
        yield Problem(
            code="key_limited",
            what=f"The key lacks the permission to run {path}.",
            remedy="Set a key that may run functions, and read and write data.",
        )
    elif isinstance(error, FunctionNotFoundError) or is_listed is False:
        yield Problem(
            code="storage_missing",
            what=f"No function {path} is deployed.",
            remedy="Deploy Mastra's functions, or give the path at which they are deployed as the "
            "storage function.",
        )
    elif isinstance(error, FunctionError) and error.hidden:
        yield Problem(
            code="storage_unclear",
            what=f"{path} fails, and the deployment hides why.",
            remedy="Read the reason in the deployment's log: it may be paused, lack the function "
            "or lack a table.",
        )
    elif _is_foreign(error):
        yield Problem(
            code="storage_foreign",
            what=f"{path} does not answer as Mastra's storage handler does.",
            remedy="Give the path of Mastra's storage handler as the storage function.",
        )
    else:
        yield Problem(
            code="storage_failing",
            what=f"{path} fails: {_sentence(error.message)}",
            remedy="See to that reason first; if it names a table or an index, add Mastra's tables "
            "to the Convex schema and deploy.",
        )


def of_abilities(found: Inspection) -> Iterator[Problem]:
    """What the storage handler is too old for."""
    missing = [ability for ability in ABILITIES if found.abilities.get(ability.name) is False]
    if missing:
        names = ", ".join(ability.name for ability in missing)
        yield Problem(
            code="storage_outdated",
            what=f"The storage handler is older than @mastra/convex {missing[0].since} and knows "
            f"no {names}.",
            remedy=f"Update @mastra/convex in the Convex project to {missing[-1].since} or later, "
            "add its new tables to the schema, and deploy.",
        )


def of_tables(found: Inspection, needed: Iterable[str]) -> Iterator[Problem]:
    """Which tables are missing of those that the deployed functions use."""
    missing = [table for table in needed if found.tables[table] is False]
    if missing:
        yield Problem(
            code="table_missing",
            what=f"The deployed functions use tables that are not deployed: {', '.join(missing)}.",
            remedy="Add them to the Convex schema, as in the quick start of @mastra/convex, and "
            "deploy.",
        )


def of_failing(found: Inspection, failing: Sequence[Ability]) -> Iterator[Problem]:
    """Which tables the handler knows and fails on, though none of them is known to be missing."""
    failing = [
        ability
        for ability in failing
        if found.abilities[ability.name] and False not in map(found.tables.get, ability.tables)
    ]
    if failing:
        names = ", ".join(ability.name for ability in failing)
        yield Problem(
            code="table_failing",
            what=f"The storage handler knows {names}, and fails on their tables.",
            remedy="Declare the tables and their indexes in the Convex schema as the deployed "
            "@mastra/convex has them, and deploy.",
        )


def _unavailable(error: TransportError) -> Problem:
    status = f" (HTTP {error.status})" if error.status else ""
    return Problem(
        code="unavailable",
        what=f"The deployment is reached, and cannot answer now{status}.",
        remedy="Try again in a minute; if it stays so, see the deployment's log and status.",
    )


def _is_foreign(error: ConvexMastraError) -> bool:
    return isinstance(error, UnsupportedOperationError) or not isinstance(
        error, FunctionError | StorageError | RequestRejectedError
    )


def _sentence(text: str) -> str:
    line = text.strip().partition("\n")[0][:QUOTE_LENGTH]
    # It ends up on a terminal, which must not obey what a server says.
    line = "".join(char if char.isprintable() else " " for char in line).strip()
    return line if line.endswith((".", "!", "?")) else f"{line}."
