"""What the embedded backend answers about itself: Convex's system functions, and its version.

Looked up by ``functions`` (the two system queries that tools list a deployment with) and by
``backend`` (what is no function). Says what is truly there and writes nothing; whether whoever
asks has the key is the dev server's matter. Source of the forms: get-convex/convex-backend
npm-packages/system-udfs/convex/_system/cli/{tables,modules}.ts.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

from convex_mastra.backends.embedded.arguments import module_path
from convex_mastra.backends.embedded.database import Database
from convex_mastra.backends.embedded.tables import ALL
from convex_mastra.errors import ConfigurationError, RequestRejectedError
from convex_mastra.wire import DATABASE_MISSING, SYSTEM_PREFIX, VERSION_PATH, Get, Json, Kind


def list_tables() -> Json:
    """The tables, as one page."""
    # DIFFERS: Convex cuts the list into the pages asked for; this one is always short.
    names = sorted(table.name for table in ALL)
    return {"continueCursor": "end", "isDone": True, "page": [{"name": name} for name in names]}


def specify(deployed: Iterable[tuple[str, Kind]]) -> list[Json]:
    """The functions other than the system's, given the path and kind of all."""
    return [
        {
            "args": {"type": "any"},
            "functionType": kind.capitalize(),
            "identifier": module_path(path),
            "returns": {"type": "any"},
            "visibility": {"kind": "public"},
        }
        for path, kind in sorted(deployed)
        if not path.startswith(SYSTEM_PREFIX)
    ]


def answer(request: Get, database: Database) -> str:
    """The text of an endpoint: the version; there are no keys to check, and no exports.

    Raises:
        ConfigurationError: there is no file yet, and looking must not make one; or it cannot be
            used.
        RequestRejectedError: there is no such endpoint here.
    """
    if not database.exists:
        raise ConfigurationError(
            f"There is no file {database.path}. The first operation makes it, if its directory "
            "exists; check the path if it should be there.",
            code=DATABASE_MISSING,
            operation=request.label,
        )
    database.read(lambda _connection: None, snapshot=False)
    if request.path == VERSION_PATH:
        return version("convex-mastra")
    raise RequestRejectedError(
        f"The embedded backend has no {request.path}.", status=404, operation=request.label
    )
