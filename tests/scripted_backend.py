"""A backend whose functions are Python callables: what the dev server is tested over.

Says "missing" and "wrong kind" in Convex's words, as the embedded backend does, and keeps every
call it was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from convex_mastra.config import Options
from convex_mastra.errors import FunctionError, FunctionNotFoundError
from convex_mastra.wire import FunctionCall

Function = Callable[[dict[str, Any]], Any]


class ScriptedBackend:
    """Runs ``functions[path] = (kind, callable)``."""

    def __init__(self, scripts: dict[str, tuple[str, Function]]) -> None:
        self.options = Options()
        self.abilities: dict[str, bool] = {}
        self.scripts = scripts
        self.calls: list[FunctionCall] = []
        self.closed = False

    @property
    def max_in_flight(self) -> int:
        return 1

    def send(self, request: FunctionCall, /) -> Any:
        module, _, name = request.path.partition(":")
        if request.path not in self.scripts:
            raise FunctionNotFoundError(f"Could not find public function for '{request.path}'.")
        kind, function = self.scripts[request.path]
        if kind != request.kind:
            raise FunctionError(
                f"Trying to execute {module}.js:{name} as {request.kind.title()}, "
                f"but it is defined as {kind.title()}."
            )
        self.calls.append(request)
        return function(request.args)

    async def asend(self, request: FunctionCall, /) -> Any:
        return self.send(request)

    def executor(self) -> Executor:
        raise NotImplementedError("the server awaits calls; it runs none in threads")

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True
