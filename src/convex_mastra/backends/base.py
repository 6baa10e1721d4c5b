"""What every backend is: one call, ``(kind, function path, args) -> value``, sync and async.

The operations' drivers send ``FunctionCall``s here; the HTTP backend posts them, the embedded one
executes them. A ``Get`` asks for what is no function, e.g. the version. Above this line nothing
differs between a laptop and a deployment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Final, Protocol

from convex_mastra.config import Event, Options
from convex_mastra.timestamps import Clock
from convex_mastra.wire import Request

log: Final = logging.getLogger("convex_mastra")


class Backend(Protocol):
    """A place where deployed functions run.

    Attributes:
        abilities: what the place can do of what not every place can, by the name of a function,
            operation or ``Ability``: True, False, or absent while unknown.
        clock: gives new messages their times, one for all who share the backend.
    """

    options: Options
    abilities: dict[str, bool]
    clock: Clock

    @property
    def max_in_flight(self) -> int:
        """How many requests go side by side."""

    def send(self, request: Request, /) -> Any:
        """Run the function and return its value; of a ``Get``, the text."""

    async def asend(self, request: Request, /) -> Any:
        """Answer *request* as ``send`` does, without blocking the running loop."""

    def executor(self) -> Executor:
        """Threads for requests that go side by side under the sync face."""

    def close(self) -> None:
        """Release what can be released without a running loop. Safe to call twice."""

    async def aclose(self) -> None:
        """Release everything. Safe to call twice."""


def notify(hook: Callable[[Event], Any] | None, event: Event) -> None:
    """Hand *event* to the user's hook; a hook that raises is logged, not obeyed."""
    if hook is None:
        return
    try:
        hook(event)
    except Exception:
        log.exception("on_event raised for %s", event.operation)
