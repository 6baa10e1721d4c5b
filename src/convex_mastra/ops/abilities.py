"""What not every deployment can do, and finding out without writing.

Three kinds of gaps. An operation that an older handler refuses, and that others can stand in for:
``call_or`` asks for it and takes the other way when it is refused. Tables that it does not know: it
takes their rows all the same, and files them in ``mastra_documents``, where no Mastra ever looks;
so whoever writes or reads such a table calls ``require`` first. And functions besides the storage
handler, which may not be deployed: Mastra's (``if_deployed``), and ours, which are faster at the
same rows (``ask_own``).
``probe`` asks anew, for ``inspection``. Called by the operations, and by the adapters'.

Source: the handlers of @mastra/convex 1.0.6 and 1.5.2, and the package's changelog.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from convex_mastra.errors import FunctionError, FunctionNotFoundError, UnsupportedOperationError
from convex_mastra.flow import Flow
from convex_mastra.operations import SINCE
from convex_mastra.ops.calls import call_function, call_storage
from convex_mastra.ops.target import Target
from convex_mastra.wire import (
    BACKGROUND_TASKS,
    CHANNEL_CONFIG,
    CHANNEL_INSTALLATIONS,
    OBSERVATIONAL_MEMORY,
    SCHEDULE_TRIGGERS,
    SCHEDULES,
    THREADS,
    FunctionCall,
    Json,
)

R = TypeVar("R")
D = TypeVar("D")

NOWHERE: Final = "convex-mastra-probe"
"""An id and a lookup key that nothing has."""


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that handlers can do from one version on.

    Attributes:
        name: as errors say it, in the plural: ``schedules``.
        since: the version of @mastra/convex that brought it.
        op, table, args: a request that a handler without it refuses, and that changes nothing.
        tables: the Convex tables that came with it.
    """

    name: str
    since: str
    op: str
    table: str
    args: Mapping[str, Any]
    tables: tuple[str, ...] = ()


SCHEDULES_TABLES: Final = Ability(
    "schedules",
    "1.2.0",
    "listDueSchedules",
    SCHEDULES,
    {"now": -1, "limit": 1},
    (SCHEDULES, SCHEDULE_TRIGGERS),
)
CHANNELS_TABLES: Final = Ability(
    "channels",
    "1.2.0",
    "patch",
    CHANNEL_INSTALLATIONS,
    {"id": NOWHERE, "record": {}},
    (CHANNEL_INSTALLATIONS, CHANNEL_CONFIG),
)
BACKGROUND_TASKS_TABLE: Final = Ability(
    "background tasks",
    "1.2.0",
    "patch",
    BACKGROUND_TASKS,
    {"id": NOWHERE, "record": {}},
    (BACKGROUND_TASKS,),
)
ATOMIC_UPDATES: Final = Ability("atomic updates", "1.2.1", "loadMany", THREADS, {"ids": [NOWHERE]})
"""Updates of threads, resources and workflow snapshots that merge inside the deployment, reads of
many rows by id, and pages of vectors: all came in one version."""
OBSERVATIONAL_MEMORY_TABLE: Final = Ability(
    "observational memories",
    "1.4.0",
    "omGetLatest",
    OBSERVATIONAL_MEMORY,
    {"lookupKey": NOWHERE},
    (OBSERVATIONAL_MEMORY,),
)

ABILITIES: Final = (
    SCHEDULES_TABLES,
    CHANNELS_TABLES,
    BACKGROUND_TASKS_TABLE,
    ATOMIC_UPDATES,
    OBSERVATIONAL_MEMORY_TABLE,
)
"""All, in the order of the versions that brought them."""


def call_or(
    target: Target, op: str, table: str, args: Mapping[str, Any], older: Callable[[], Flow[Any]]
) -> Flow[Any]:
    """Run a storage operation and return its result, or do the same in an older way.

    Nothing is asked beforehand: a handler that does not know *op* refuses it and changes nothing.
    That is remembered, for all operations of the backend, until it is closed or a ``probe`` finds
    a handler that knows better.

    Args:
        older: makes the flow that stands in for *op*: of operations that every handler knows, with
            the result that *op* would have. Called only where it is needed.

    Cost: one round trip. On an older handler those of *older*, and one more the first time.
    """
    key = _key(target, op)
    if target.abilities.get(key) is not False:
        try:
            return (yield from call_storage(target, op, table, **args)).result
        except UnsupportedOperationError:
            target.abilities[key] = False
    return (yield from older())


def if_deployed(target: Target, path: str, calls: Flow[R], default: D) -> Flow[R | D]:
    """Run *calls*, which call only the function *path*; return *default* if it is not deployed.

    As with ``call_or`` nothing is asked beforehand, and what was found is remembered: a function
    that is missing is not called again.

    Cost: that of *calls*; one round trip more the first time, if the function is missing.
    """
    if target.abilities.get(path) is False:
        return default
    try:
        result = yield from calls
    except FunctionError as error:
        # A deployment that hides error texts says the same of a missing function as of any
        # failure, so only one that has answered before is believed to have failed.
        is_missing = error.hidden and not target.abilities.get(path)
        if not (is_missing or isinstance(error, FunctionNotFoundError)):
            raise
        target.abilities[path] = False
        return default
    target.abilities[path] = True
    return result


def ask_own(target: Target, path: str, args: Json) -> Flow[Any]:
    """Call one of our own functions, a query; None if the deployment does not have it."""
    call = FunctionCall("query", path, args, label=path, repeatable=True)
    return if_deployed(target, path, call_function(target, call), None)


def require(target: Target, ability: Ability) -> Flow[None]:
    """Go on if the deployed handler has *ability*.

    Raises:
        UnsupportedOperationError: it is too old; says which version is needed.

    Cost: one round trip the first time; then the backend remembers.
    """
    if not (yield from has(target, ability)):
        raise UnsupportedOperationError(
            f"{ability.name} need the storage handler of @mastra/convex {ability.since} or later; "
            f"the deployed one does not know {ability.op!r}, and would file their rows where no "
            "Mastra looks. Nothing was written. Update the package and deploy it again.",
            operation=f"{ability.op} {ability.table}",
        )


def has(target: Target, ability: Ability) -> Flow[bool]:
    """Say whether the deployed handler has *ability*. One round trip the first time."""
    known = target.abilities.get(_key(target, ability.name))
    return (yield from probe(target, ability)) if known is None else known


def probe(target: Target, ability: Ability) -> Flow[bool]:
    """Ask whether the deployed handler has *ability*, and remember it. One round trip.

    If it has, it is no longer remembered that a handler before it refused operations of that
    version.

    Raises:
        FunctionError: it has, and fails all the same: a table of the ability is not deployed.
    """
    try:
        yield from call_storage(target, ability.op, ability.table, **ability.args)
    except UnsupportedOperationError:
        known = False
    else:
        known = True
    target.abilities[_key(target, ability.name)] = known
    if known:
        for op, since in SINCE.items():
            if since == ability.since:
                target.abilities.pop(_key(target, op), None)
    return known


def _key(target: Target, name: str) -> str:
    return f"{target.storage_function} {name}"
