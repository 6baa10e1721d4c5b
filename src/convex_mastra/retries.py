"""Trying again: when a failed request is sent once more, and how long to wait before.

The arithmetic is tenacity's; waiting is an effect, as all of an operation's waiting is. Called by
the operations; knows nothing of Convex, nor of what makes a failure worth another try.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from tenacity import (
    DoAttempt,
    DoSleep,
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from convex_mastra.flow import Flow, Sleep

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how long, a transient failure is retried.

    The waits are drawn at random below an exponentially growing bound (full jitter).
    """

    attempts: int
    budget_s: float
    wait_initial_s: float
    wait_max_s: float


@lru_cache
def only_once(policy: RetryPolicy) -> RetryPolicy:
    """The same policy without a second attempt."""
    return replace(policy, attempts=1)


def attempt(
    send: Callable[[int], Flow[R]], policy: RetryPolicy, retryable: Callable[[BaseException], bool]
) -> Flow[R]:
    """Run ``send(attempt_number)`` until it succeeds, fails for good, or the policy is used up.

    The last failure is raised as it is. A wait that would pass the budget is not begun.
    """
    began = time.monotonic()
    try:
        return (yield from send(1))
    except Exception as error:  # noqa: BLE001 - the policy decides
        failure = error
    retrying = Retrying(
        stop=stop_after_attempt(policy.attempts) | stop_before_delay(policy.budget_s),
        wait=wait_random_exponential(multiplier=policy.wait_initial_s, max=policy.wait_max_s),
        retry=retry_if_exception(retryable),
        reraise=True,
    )
    retrying.begin()
    state = RetryCallState(retrying, None, (), {})
    state.start_time = began
    state.set_exception((type(failure), failure, failure.__traceback__))
    while True:
        step = retrying.iter(state)
        if isinstance(step, DoAttempt):
            try:
                result = yield from send(state.attempt_number)
            except Exception as error:  # noqa: BLE001 - the policy decides
                state.set_exception((type(error), error, error.__traceback__))
            else:
                return result
        elif isinstance(step, DoSleep):
            state.prepare_for_next_attempt()
            yield Sleep(step)
