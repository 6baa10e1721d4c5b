"""Flows of several writers, driven request by request in an order that the test decides.

A flow stands still before each request it would send; ``step`` sends one, and takes the flow on to
the next. So two writers meet exactly where a test wants them to, on any deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from convex_mastra import Backend, ConnectionLostError
from convex_mastra.flow import Gather, Send, Sleep


@dataclass
class _Strand:
    """A flow, or a part of one that runs side by side with others."""

    flow: Generator[Any, Any, Any]
    parent: _Strand | None = None
    place: int = 0
    results: list[Any] = field(default_factory=list)
    running: int = 0


class Writer:
    """A flow, and the requests that it stands before."""

    def __init__(self, backend: Backend, flow: Generator[Any, Any, Any]) -> None:
        self._backend = backend
        self._strands: list[tuple[_Strand, Any]] = []
        self.is_done = self.is_dead = False
        self._root = _Strand(flow)
        self._go_on(self._root, flow.send, None)

    @property
    def waiting(self) -> list[str]:
        """The requests it stands before, as ``op table``."""
        return [request.label for _, request in self._strands]

    def step(self, number: int = 0, *, lose_reply: bool = False) -> Any:
        """Send one of the requests, and return it.

        Args:
            lose_reply: the deployment does what it is asked, and nobody hears of it.
        """
        strand, request = self._strands.pop(number)
        reply = self._backend.send(request)
        if lose_reply:
            self._go_on(strand, strand.flow.throw, ConnectionLostError("lost"))
        else:
            self._go_on(strand, strand.flow.send, reply)
        return request

    def run_until(self, label: str) -> None:
        """Send what comes before a request of that label."""
        while not self.is_done:
            others = [number for number, one in enumerate(self.waiting) if one != label]
            if not others:
                return
            self.step(others[0])

    def pass_by(self, label: str) -> None:
        """Send what comes before a request of that label, and then that."""
        self.run_until(label)
        self.step(self.waiting.index(label))

    def finish(self) -> None:
        """Send all that is left."""
        while not self.is_done:
            self.step()

    def die(self) -> None:
        """Send nothing any more."""
        self._strands.clear()
        self.is_done = self.is_dead = True

    def _go_on(self, strand: _Strand, resume: Callable[[Any], Any], value: Any) -> None:
        while True:
            try:
                effect = resume(value)
            except StopIteration as finished:
                self._finished(strand, finished.value)
                return
            resume, value = strand.flow.send, None
            match effect:
                case Send(request):
                    self._strands.append((strand, request))
                    return
                case Gather(flows) if flows:
                    strand.results, strand.running = [None] * len(flows), len(flows)
                    for place, flow in enumerate(flows):
                        self._go_on(_Strand(flow, strand, place), flow.send, None)
                    return
                case Gather():
                    value = []
                case Sleep():
                    pass
                case _:
                    raise NotImplementedError(effect)

    def _finished(self, strand: _Strand, result: Any) -> None:
        parent = strand.parent
        if parent is None:
            self.is_done = True
            return
        parent.results[strand.place] = result
        parent.running -= 1
        if not parent.running:
            self._go_on(parent, parent.flow.send, parent.results)
