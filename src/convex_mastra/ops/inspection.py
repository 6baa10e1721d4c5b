"""Looking a deployment over: what answers, what the key allows, what is deployed.

Called by the faces of ``ConvexStore``. Asks by ``inspection_requests``, one step after the other
as each needs the last, and has ``inspection_problems`` say what a finding means to the user. Must
not raise for anything that a deployment does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from convex_mastra import wire
from convex_mastra.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ConvexMastraError,
    FunctionError,
)
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import inspection_problems as problems
from convex_mastra.ops import inspection_requests as requests
from convex_mastra.ops.abilities import ABILITIES, probe
from convex_mastra.ops.calls import call_function
from convex_mastra.ops.inspection_requests import Outcome, settled
from convex_mastra.ops.target import Target
from convex_mastra.records import Inspection
from convex_mastra.wire import Get

ATTEMPTS: Final = 2
"""Tries of one request, at most: whoever asks what is wrong does not want to wait for it."""
FIRST_VERSION: Final = "1.0"

CORE_TABLES: Final = (
    wire.THREADS,
    wire.MESSAGES,
    wire.RESOURCES,
    wire.SNAPSHOTS_TABLE,
    wire.SCORERS,
    wire.VECTOR_INDEXES,
    wire.VECTORS_TABLE,
    wire.DOCUMENTS_TABLE,
)
"""The Convex tables that every version of the storage handler uses."""
_BAD_KEY_CODES: Final = ("InvalidAdminKey", "InvalidHeaderFailure", "HeaderParseFailure")
_VERSION: Final = re.compile(r"[\w.+:-]{1,100}", re.ASCII)
"""What a server may call its version; a web page is none."""


def inspect(target: Target) -> Flow[Inspection]:
    """Look the deployment over and return what was found.

    Writes nothing, and begins no data sync; an embedded file that does not exist is not created.
    What is found of the deployment's abilities replaces what this store remembered of them, so
    that a store which runs on makes use of what was deployed meanwhile.

    Returns:
        An ``Inspection``: ``ok`` when nothing is wrong, else ``problems`` says what, and what to
        do. A deployment that is broken, out of reach, or none at all is a finding, not an error.

    Raises:
        ClosedError: the store is closed.

    Cost: about a dozen requests in the time of three or four round trips; one round trip when
    nothing answers. Each is tried twice at most.
    """
    attempts = min(ATTEMPTS, target.policy.attempts)
    target = replace(target, policy=replace(target.policy, attempts=attempts))
    version = yield from settled(call_function(target, Get(wire.VERSION_PATH)))
    found = Inspection(reachable=False, storage_function=target.storage_function)
    if isinstance(version.error, ConfigurationError | ConnectError | ConnectionLostError):
        return found.replace(problems=(problems.unreached(version.error),))
    key, storage = yield Gather(
        [settled(requests.check_key(target)), settled(requests.ask_storage(target))]
    )
    found = found.replace(reachable=True, is_convex=requests.speaks_convex(key, storage))
    if not found.is_convex:
        return found.replace(problems=(problems.not_convex(key.error, storage.error),))
    found = found.replace(server_version=_version_of(version.value), **_key_findings(key, storage))
    barrier = problems.barrier(found, storage.error)
    if barrier is not None:
        return found.replace(problems=(barrier,))
    return (yield from _look_inside(target, found, storage))


def _look_inside(target: Target, found: Inspection, storage: Outcome) -> Flow[Inspection]:
    """Add what a deployment says only to whoever has the key."""
    wrong: ConvexMastraError | None = storage.error or storage.value
    probed = ABILITIES if wrong is None else ()
    functions, tables, syncs, *answers = yield Gather(
        [
            settled(requests.list_functions(target)),
            settled(requests.list_tables(target)),
            settled(requests.get_json(target, wire.ACTIVE_SYNCS_PATH)),
            *(settled(probe(target, ability)) for ability in probed),
        ]
    )
    outcomes: dict[str, Outcome] = {
        ability.name: answer for ability, answer in zip(probed, answers, strict=True)
    }
    found = found.replace(
        storage_version=_version_known(outcomes) if wrong is None else None,
        abilities={name: _is_known(outcome) for name, outcome in outcomes.items()},
        functions=(yield from _find_functions(target, functions.value, storage)),
        tables=_find_tables(tables.value),
        function_listing=functions.offered,
        table_listing=tables.offered,
        streaming_export=syncs.offered,
    )
    for path in (wire.CACHE_FUNCTION, *wire.OWN_FUNCTIONS):
        if (is_deployed := found.functions[path]) is not None:
            target.abilities[path] = is_deployed
    failing = [ability for ability in probed if outcomes[ability.name].error is not None]
    return found.replace(
        problems=(
            *problems.of_key(found),
            *problems.of_storage(found, wrong),
            *problems.of_abilities(found),
            *problems.of_tables(found, _needed_tables(found)),
            *problems.of_failing(found, failing),
        )
    )


def _find_functions(
    target: Target, listed: frozenset[str] | None, storage: Outcome
) -> Flow[dict[str, bool | None]]:
    """Which functions are deployed: by the list, or else by what calling them shows."""
    others = (wire.CACHE_FUNCTION, *wire.NATIVE_VECTOR_FUNCTIONS, *wire.OWN_FUNCTIONS)
    if listed is not None:
        paths = (target.storage_function, *others)
        return {path: requests.canonical(path) in listed for path in paths}
    found: list[bool | None] = yield Gather([requests.look_for(target, path) for path in others])
    handler = {target.storage_function: requests.is_deployed(storage)}
    return handler | dict(zip(others, found, strict=True))


def _find_tables(listed: frozenset[str] | None) -> dict[str, bool | None]:
    later = [table for ability in ABILITIES for table in ability.tables]
    return {
        table: None if listed is None else table in listed
        for table in (*CORE_TABLES, *later, *wire.CACHE_TABLES)
    }


def _needed_tables(found: Inspection) -> Iterable[str]:
    """The tables that the deployed functions use."""
    yield from CORE_TABLES
    for ability in ABILITIES:
        if found.abilities.get(ability.name):
            yield from ability.tables
    if found.functions[wire.CACHE_FUNCTION]:
        yield from wire.CACHE_TABLES


def _key_findings(key: Outcome, storage: Outcome) -> dict[str, Any]:
    if key.error is None:
        operations = key.value.get("allowedOps")
        return {
            "key_accepted": True,
            "key_read_only": key.value.get("isReadOnly") is True,
            "key_operations": tuple(map(str, operations)) if isinstance(operations, list) else (),
        }
    if any(map(requests.is_not_permitted, (key.error, storage.error))):
        return {"key_accepted": True}
    is_refused = any(
        error.code in _BAD_KEY_CODES or (isinstance(error, AuthenticationError) and error.code)
        for error in (key.error, storage.error)
        if error is not None
    )
    return {"key_accepted": False if is_refused else None}


def _version_of(text: Any) -> str | None:
    found = _VERSION.fullmatch(text.strip()) if isinstance(text, str) else None
    return found and found[0]


def _is_known(outcome: Outcome) -> bool | None:
    """Whether the handler knows the operation that was probed."""
    if outcome.error is None:
        return bool(outcome.value)
    # It ran, so it is not unknown: a table of it is missing.
    return True if isinstance(outcome.error, FunctionError) else None


def _version_known(outcomes: dict[str, Outcome]) -> str:
    version = FIRST_VERSION
    for ability in ABILITIES:
        if not _is_known(outcomes[ability.name]):
            break
        version = ability.since
    return version
