"""The retry arithmetic, driven by hand: no network, no clock."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra.flow import Flow, Send, Sleep
from convex_mastra.retries import RetryPolicy, attempt

POLICY = RetryPolicy(attempts=4, budget_s=60, wait_initial_s=0.1, wait_max_s=2.0)


def ask(request: Any) -> Flow[Any]:
    return (yield Send(request))


class TransientError(Exception):
    pass


def steps(flow: Flow[Any], failures: int) -> tuple[list[float], Any]:
    """Drive a retrying flow by hand: fail so many sends, note the sleeps."""
    sleeps: list[float] = []
    effect = next(flow)
    try:
        while True:
            if isinstance(effect, Sleep):
                sleeps.append(effect.seconds)
                effect = flow.send(None)
            elif failures:
                failures -= 1
                effect = flow.throw(TransientError(f"{failures} left"))
            else:
                effect = flow.send(f"attempt {effect.request}")
    except StopIteration as finished:
        return sleeps, finished.value


def test_retries_until_it_succeeds_waiting_below_a_growing_bound() -> None:
    sleeps, result = steps(attempt(ask, POLICY, lambda e: isinstance(e, TransientError)), 3)
    assert result == "attempt 4"
    assert len(sleeps) == 3
    assert all(0 <= pause <= bound for pause, bound in zip(sleeps, (0.1, 0.2, 0.4), strict=True))


def test_gives_up_after_the_attempts_with_the_last_failure() -> None:
    with pytest.raises(TransientError, match="0 left"):
        steps(attempt(ask, POLICY, lambda e: isinstance(e, TransientError)), 4)


def test_does_not_repeat_what_must_not_be() -> None:
    with pytest.raises(TransientError, match="2 left"):
        steps(attempt(ask, POLICY, lambda _error: False), 3)


def test_a_spent_budget_ends_the_retries() -> None:
    policy = RetryPolicy(attempts=10, budget_s=0, wait_initial_s=0.1, wait_max_s=2.0)
    with pytest.raises(TransientError, match="4 left"):
        steps(attempt(ask, policy, lambda e: isinstance(e, TransientError)), 5)
