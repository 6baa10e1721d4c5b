"""Asking for the deployment's time: answers that do not tell it."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra import ProtocolError
from convex_mastra.flow import run
from convex_mastra.ops.server_time import server_time
from convex_mastra.ops.target import Target
from convex_mastra.retries import RetryPolicy
from convex_mastra.wire import FunctionCall

TARGET = Target(RetryPolicy(attempts=1, budget_s=0, wait_initial_s=0, wait_max_s=0))


class Timeless:
    """A deployment whose one row is the one just written, with other system columns."""

    max_in_flight = 1

    def __init__(self, columns: dict[str, Any]) -> None:
        self.columns = columns
        self.rows: dict[str, Any] = {}

    def send(self, call: FunctionCall) -> Any:
        match call.args["op"]:
            case "insert":
                self.rows[call.args["record"]["id"]] = call.args["record"] | self.columns
            case "deleteMany":
                for row_id in call.args["ids"]:
                    del self.rows[row_id]
        return {"ok": True, "result": list(self.rows.values())}


@pytest.mark.parametrize("columns", [{}, {"_creationTime": None}, {"_creationTime": "noon"}])
def test_a_deployment_that_tells_no_time(columns: dict[str, Any]) -> None:
    deployment: Any = Timeless(columns)
    with pytest.raises(ProtocolError, match="does not say when"):
        run(server_time(TARGET), deployment)
    assert deployment.rows == {}


def test_the_row_is_gone_when_it_is_read() -> None:
    deployment: Any = Timeless({"_creationTime": 1.0, "id": "another's"})
    with pytest.raises(ProtocolError, match="is gone"):
        run(server_time(TARGET), deployment)


def test_it_is_told_in_seconds() -> None:
    deployment: Any = Timeless({"_creationTime": 1_790_000_000_123.5})
    assert run(server_time(TARGET), deployment) == 1_790_000_000.1235
