"""Reading one record of observational memory. Shared by ``observational`` and ``reflections``."""

from __future__ import annotations

from typing import Any

from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import BY_ID, OBSERVATIONAL_MEMORY
from convex_mastra.backends.embedded.transaction import Transaction


def require(transaction: Transaction, identity: Any) -> Row:
    """Return the row of a record.

    Raises:
        Thrown: there is none.
    """
    row = transaction.unique(OBSERVATIONAL_MEMORY, BY_ID, identity)
    if row is None:
        raise Thrown(f"Observational memory record not found: {js.to_string(identity)}")
    return row


def text(row: Row, name: str) -> str:
    """``doc[name] || ""`` of a column that holds text or nothing."""
    value = js.get(row.document, name)
    return value if type(value) is str else ""


def number(row: Row, name: str) -> float:
    """``Number(doc[name] || 0)`` of a column that holds a number or nothing."""
    value = js.get(row.document, name)
    return js.number(value) if js.truthy(value) else 0.0
