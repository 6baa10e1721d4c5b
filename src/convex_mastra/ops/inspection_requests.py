"""What an inspection sends, and what each answer shows.

Every request reads, or is refused before it runs. ``settled`` makes a failure a finding. Called by
``inspection`` alone. Sources: @mastra/convex 1.5.2 dist/server; get-convex/convex-backend
crates/udf/src/validation.rs and npm-packages/system-udfs/convex/_system/cli.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from convex_mastra import wire
from convex_mastra.errors import (
    ClosedError,
    ConvexMastraError,
    FunctionError,
    FunctionNotFoundError,
    ProtocolError,
    RateLimitedError,
    RequestRejectedError,
    UnavailableError,
)
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import NOWHERE
from convex_mastra.ops.calls import call_function
from convex_mastra.ops.target import Target
from convex_mastra.wire import FunctionCall, Get, Json

TABLES_A_PAGE: Final = 10_000
_NOT_PERMITTED: Final = "You do not have permission to perform this operation"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended: with a value, or with an error."""

    value: Any = None
    error: ConvexMastraError | None = None

    @property
    def offered(self) -> bool | None:
        """Whether the deployment offers what was asked for; None if it gave no clear answer."""
        if self.error is None:
            return True
        return False if isinstance(self.error, FunctionError | RequestRejectedError) else None


def settled(flow: Flow[Any]) -> Flow[Outcome]:
    """Run *flow*; its failure is an outcome too, unless the store is closed."""
    try:
        return Outcome(value=(yield from flow))
    except ClosedError:
        raise
    except ConvexMastraError as error:
        return Outcome(error=error)


def check_key(target: Target) -> Flow[Json]:
    """Return what the deployment says of the key."""
    answer = yield from get_json(target, wire.CHECK_KEY_PATH)
    if not isinstance(answer, dict) or answer.get("success") is not True:
        raise ProtocolError("The deployment does not say whether the key is right.")
    return answer


def ask_storage(target: Target) -> Flow[ConvexMastraError | None]:
    """Load a thread that does not exist; return what is wrong with the handler's reply, if it is.

    What the deployment raises before there is a reply is raised.
    """
    args: Json = {"keys": {"id": NOWHERE}}
    call = wire.storage_call(target.storage_function, "load", wire.THREADS, args)
    value = yield from call_function(target, call)
    try:
        wire.read_storage_reply(value, call)
    except ConvexMastraError as error:
        return error
    return None


def list_functions(target: Target) -> Flow[frozenset[str]]:
    """Return the paths of all deployed functions."""
    entries = yield from _query(target, wire.SPECIFICATION_FUNCTION, {})
    if not isinstance(entries, list):
        raise ProtocolError(f"{wire.SPECIFICATION_FUNCTION} returned no list.")
    identifiers = [entry.get("identifier") for entry in entries if isinstance(entry, dict)]
    return frozenset(canonical(text) for text in identifiers if isinstance(text, str))


def list_tables(target: Target) -> Flow[frozenset[str]]:
    """Return the names of all deployed tables."""
    options = {"numItems": TABLES_A_PAGE, "cursor": None}
    answer = yield from _query(target, wire.TABLES_FUNCTION, {"paginationOpts": options})
    page = answer.get("page") if isinstance(answer, dict) and answer.get("isDone") else None
    if not isinstance(page, list):
        raise ProtocolError(f"{wire.TABLES_FUNCTION} returned no whole list.")
    names = [entry.get("name") for entry in page if isinstance(entry, dict)]
    return frozenset(name for name in names if isinstance(name, str))


def get_json(target: Target, path: str) -> Flow[Any]:
    """Return what an endpoint says."""
    text = yield from call_function(target, Get(path))
    return wire.decode(text.encode())


def look_for(target: Target, path: str) -> Flow[bool | None]:
    """Say whether a function is deployed, where the deployment lists none.

    It is called as a query without arguments: a mutation or an action is then refused by its kind
    and never runs, and a query cannot write.
    """
    return is_deployed((yield from settled(_query(target, path, {}))))


def is_deployed(outcome: Outcome) -> bool | None:
    """Say what the outcome of a call shows of whether the function is deployed."""
    error = outcome.error
    if isinstance(error, FunctionNotFoundError):
        return False
    if error is None or (
        isinstance(error, FunctionError)
        and error.message.startswith(("Trying to execute ", "ArgumentValidationError"))
    ):
        return True
    return None


def speaks_convex(*outcomes: Outcome) -> bool:
    """Say whether one of the answers is of a form that only a Convex deployment gives."""
    refusals = RequestRejectedError | UnavailableError | RateLimitedError
    return any(
        outcome.error is None
        or isinstance(outcome.error, FunctionError)
        or (isinstance(outcome.error, refusals) and outcome.error.code is not None)
        for outcome in outcomes
    )


def is_not_permitted(error: ConvexMastraError | None) -> bool:
    """Say whether the key was accepted, and lacks a permission."""
    return error is not None and (
        error.code == "OperationNotPermitted" or error.message.startswith(_NOT_PERMITTED)
    )


def canonical(path: str) -> str:
    """A function's path in one form: no ``.js``, and ``:default`` where no name is given."""
    module, _, name = path.partition(":")
    return f"{module.removesuffix('.js')}:{name or 'default'}"


def _query(target: Target, path: str, args: Json) -> Flow[Any]:
    return (
        yield from call_function(
            target, FunctionCall("query", path, args, label=path, repeatable=True)
        )
    )
