"""Functions that may not be deployed: who is believed to be missing, and for how long."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import pytest

from convex_mastra import FunctionError, FunctionNotFoundError
from convex_mastra.flow import run
from convex_mastra.ops import cache
from convex_mastra.ops.abilities import if_deployed
from convex_mastra.ops.target import Target
from convex_mastra.retries import RetryPolicy
from convex_mastra.wire import CACHE_FUNCTION, FunctionCall

MISSING = FunctionNotFoundError("Could not find public function for 'mastra/cache:handle'.")
HIDDEN = FunctionError("It failed, and the deployment hides error texts.", hidden=True)
FAILED = FunctionError("Uncaught Error: boom")
DEFAULT = object()


class Deployment:
    """Answers with what it is told to, one after the other, and counts."""

    max_in_flight = 1

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def send(self, _call: FunctionCall, /) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"ok": True, "result": answer}

    async def asend(self, call: FunctionCall, /) -> Any:
        return self.send(call)

    def executor(self) -> Executor:
        raise NotImplementedError("one call at a time")


@pytest.fixture
def target() -> Target:
    return Target(RetryPolicy(attempts=1, budget_s=0, wait_initial_s=0, wait_max_s=0))


def ask(target: Target, deployment: Deployment) -> Any:
    return run(if_deployed(target, CACHE_FUNCTION, cache.get(target, "k"), DEFAULT), deployment)


@pytest.mark.parametrize("error", [MISSING, HIDDEN], ids=["missing", "hidden"])
def test_a_missing_function_is_called_once(target: Target, error: FunctionError) -> None:
    deployment = Deployment(error, "is not asked any more")
    assert ask(target, deployment) is DEFAULT
    assert ask(target, deployment) is DEFAULT
    assert deployment.answers == ["is not asked any more"]
    assert target.abilities == {CACHE_FUNCTION: False}


def test_what_answered_before_is_not_taken_for_missing(target: Target) -> None:
    deployment = Deployment("value", HIDDEN, "other", MISSING)
    assert ask(target, deployment) == "value"
    assert target.abilities == {CACHE_FUNCTION: True}
    with pytest.raises(FunctionError, match="hides"):
        ask(target, deployment)
    assert ask(target, deployment) == "other"
    assert ask(target, deployment) is DEFAULT, "unless the deployment says so: it was taken away"


def test_a_failure_is_a_failure(target: Target) -> None:
    deployment = Deployment(FAILED, "value")
    with pytest.raises(FunctionError, match="boom"):
        ask(target, deployment)
    assert target.abilities == {}
    assert ask(target, deployment) == "value"
