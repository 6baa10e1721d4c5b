"""Rows that no function of today's handlers writes, but older ones left behind.

Used by tests of such rows. Knows how a row gets into a lane's database past its functions; which
rows is the test's business.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from convex_mastra import open_backend
from convex_mastra.backends.embedded import EmbeddedBackend, tables
from convex_mastra.backends.embedded.arguments import accept
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.config import Options
from convex_mastra.wire import FunctionCall
from tests.lanes import Deployment

SEED_FUNCTION: Final = "seed:insert"
"""Deployed on the reference lanes only; see ``tests/node/reference/probes``."""


def insert_row(deployment: Deployment, table: str, fields: dict[str, Any]) -> None:
    """Insert a row into a Convex table as it is."""
    if deployment.lane == "live":
        pytest.skip("a real deployment has no function that writes rows of older shapes")
    if deployment.database is not None:
        backend = EmbeddedBackend(str(deployment.database), Options())
        seed(backend, table, fields)
        backend.close()
        return
    remote = open_backend(deployment.url, deployment.admin_key)
    args = {"table": table, "fields": fields}
    remote.send(FunctionCall("mutation", SEED_FUNCTION, args, SEED_FUNCTION, repeatable=False))
    remote.close()


def seed(backend: EmbeddedBackend, table: str, fields: dict[str, Any]) -> None:
    """Insert a row into a table of an embedded backend as it is."""
    found = next(one for one in tables.ALL if one.name == table)
    accepted = accept(SEED_FUNCTION, fields)
    backend._database.write(
        lambda connection: Transaction(connection, backend._matrices).insert(found, accepted)
    )
