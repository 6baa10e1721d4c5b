"""What an inspection of a deployment found: facts, problems, and both as lines to read.

Made by ``ops.inspection``; printed by ``print()`` and by ``convex-mastra doctor``. Holds no key and
nothing that was stored. ``None`` always means that it could not be found out, never "no".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import field

from convex_mastra.operations import NEWEST_OPERATIONS
from convex_mastra.records.record import Record
from convex_mastra.wire import (
    CACHE_FUNCTION,
    COUNT_FUNCTION,
    NATIVE_VECTOR_FUNCTIONS,
    SEARCH_FUNCTION,
)

State = Literal["ok", "problem", "absent", "unknown"]
Findings = Mapping[str, bool | None]

_MARKS: Final[dict[State, str]] = {"ok": "ok", "problem": "!!", "absent": "--", "unknown": "??"}


class Problem(Record, frozen=True, kw_only=True):
    """Something that keeps the deployment from serving as it should.

    Attributes:
        code: stable, e.g. ``key_refused``; docs/deployments.md lists all.
        what: what is wrong, in a sentence.
        remedy: what to do about it, in a sentence.
    """

    code: str
    what: str
    remedy: str


class Check(Record, frozen=True, kw_only=True):
    """One line of a report.

    Attributes:
        name: what was looked at.
        state: ``absent`` is what may be missing and is; ``unknown`` could not be found out.
        text: what was found.
    """

    name: str
    state: State
    text: str

    @property
    def mark(self) -> str:
        """The state in two characters."""
        return _MARKS[self.state]


class Inspection(Record, frozen=True, kw_only=True):
    """A deployment as it was found; ``print()`` shows it line by line.

    Attributes:
        reachable: something answered.
        is_convex: it answered as a Convex deployment does.
        server_version: as the server says it.
        key_accepted: whether the key is right. None also where there are no keys, as embedded.
        key_read_only: the key may not write.
        key_operations: what the key allows, in Convex's words, e.g. ``ViewData``.
        storage_function: path of the storage handler that was asked.
        storage_version: a version of @mastra/convex all of whose probed operations the handler
            knows: ``1.0``, ``1.2.0``, ``1.2.1`` or ``1.4.0``. It may be newer.
        abilities: what the handler can do of what not every version can, e.g. ``schedules``.
        functions: which of the functions that Mastra or this library call are deployed.
        tables: which of Mastra's Convex tables are deployed.
        function_listing, table_listing: the deployment lists its functions, its tables.
        streaming_export: its data can be followed as a stream.
        problems: what to see to, the most urgent first.
    """

    reachable: bool
    storage_function: str
    is_convex: bool | None = None
    server_version: str | None = None
    key_accepted: bool | None = None
    key_read_only: bool | None = None
    key_operations: tuple[str, ...] = ()
    storage_version: str | None = None
    abilities: Findings = field(default_factory=dict)
    functions: Findings = field(default_factory=dict)
    tables: Findings = field(default_factory=dict)
    function_listing: bool | None = None
    table_listing: bool | None = None
    streaming_export: bool | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing is wrong. What is optional may be missing all the same."""
        return not self.problems

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was looked at, in the order in which one thing needs the other."""
        checks = [self._place_check()]
        if self.is_convex:
            checks += [self._key_check(), self._storage_check()]
        if self.functions:
            checks += [
                self._findings_check("abilities", self.abilities, "storage_"),
                self._findings_check("tables", self.tables, "table_"),
                self._optional_check("cache", [CACHE_FUNCTION]),
                self._optional_check("native vectors", NATIVE_VECTOR_FUNCTIONS),
                self._optional_check("vector search", [SEARCH_FUNCTION, COUNT_FUNCTION]),
                _ability_check("function listing", self.function_listing),
                _ability_check("table listing", self.table_listing),
                _ability_check("streaming export", self.streaming_export),
            ]
        return tuple(checks)

    def __str__(self) -> str:
        lines = [f"{check.mark}  {check.name:<17} {check.text}" for check in self.checks]
        lines += [f"{problem.code}: {problem.what} {problem.remedy}" for problem in self.problems]
        return "\n".join(lines)

    def _place_check(self) -> Check:
        version = f", server {self.server_version}" if self.server_version else ""
        if not self.reachable:
            return Check(name="deployment", state="problem", text="not reached")
        if not self.is_convex:
            return Check(name="deployment", state="problem", text="not found to be Convex")
        return Check(name="deployment", state="ok", text=f"answers as Convex does{version}")

    def _key_check(self) -> Check:
        state: State = "problem" if self._has_problem("key_") else "ok"
        if self.key_accepted is None:
            return Check(name="key", state="unknown", text="not checked here")
        text = "accepted" if self.key_accepted else "refused"
        return Check(
            name="key",
            state=state,
            text=f"{text}, but only to read" if self.key_read_only else text,
        )

    def _storage_check(self) -> Check:
        path, version = self.storage_function, self.storage_version
        if version is None:
            state: State = "problem" if self._has_problem("storage_") else "unknown"
            return Check(name="storage handler", state=state, text=f"{path} does not answer")
        state = "problem" if self._has_problem("storage_") else "ok"
        newest = " (the newest there are)" if version == NEWEST_OPERATIONS else ""
        text = f"{path}, with the operations of @mastra/convex {version}{newest}"
        return Check(name="storage handler", state=state, text=text)

    def _findings_check(self, name: str, findings: Findings, codes: str) -> Check:
        missing = [item for item, found in findings.items() if found is False]
        if missing:
            state: State = "problem" if self._has_problem(codes) else "absent"
            return Check(name=name, state=state, text=f"missing: {', '.join(missing)}")
        if None in findings.values() or not findings:
            return Check(name=name, state="unknown", text="could not be found out")
        return Check(name=name, state="ok", text=f"all {len(findings)}")

    def _optional_check(self, name: str, paths: Iterable[str]) -> Check:
        found = {path: self.functions.get(path) for path in paths}
        if False in found.values():
            missing = ", ".join(path for path, there in found.items() if there is False)
            return Check(name=name, state="absent", text=f"not deployed (optional): {missing}")
        if None in found.values():
            return Check(name=name, state="unknown", text="could not be found out (optional)")
        return Check(name=name, state="ok", text="deployed")

    def _has_problem(self, codes: str) -> bool:
        return any(problem.code.startswith(codes) for problem in self.problems)


def _ability_check(name: str, found: bool | None) -> Check:
    if found is None:
        return Check(name=name, state="unknown", text="could not be found out (optional)")
    if found:
        return Check(name=name, state="ok", text="available")
    return Check(name=name, state="absent", text="not available (optional)")
