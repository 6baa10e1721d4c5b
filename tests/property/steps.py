"""What a random sequence is made of: calls of deployed functions, and rows written past them.

Drawn by ``operations`` and ``cache_operations``, run by ``comparison``; knows no function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from convex_mastra.wire import Json, Kind


@dataclass(frozen=True)
class Call:
    """One call of a deployed function."""

    path: str
    kind: Kind
    args: Json


@dataclass(frozen=True)
class Seed:
    """A row written directly into a Convex table: one that no function of today's server writes."""

    table: str
    fields: dict[str, Any]


Step = Call | Seed


def calls(
    path: str,
    kind: Kind,
    required: dict[str, st.SearchStrategy[Any]],
    optional: dict[str, st.SearchStrategy[Any]] | None = None,
) -> st.SearchStrategy[Any]:
    """Draw calls of one function, each argument from a strategy of its own."""
    arguments = st.fixed_dictionaries(required, optional=optional or {})
    return arguments.map(lambda args: Call(path, kind, args))
