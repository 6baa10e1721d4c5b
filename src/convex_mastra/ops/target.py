"""Where an operation goes: what every operation takes as its first argument.

Built once by each face from its backend, and passed through unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from convex_mastra.retries import RetryPolicy
from convex_mastra.timestamps import Clock
from convex_mastra.wire import STORAGE_FUNCTION


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment as the operations see it.

    Attributes:
        policy: how transient failures are retried.
        storage_function: path of Mastra's storage handler.
        abilities: what the deployment can do of what not every one can, as far as known, by the
            name of a function, operation or ``Ability``; shared by all targets of one backend, and
            filled in as operations find out.
        clock: gives new messages their times.
    """

    policy: RetryPolicy
    storage_function: str = STORAGE_FUNCTION
    abilities: dict[str, bool] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
