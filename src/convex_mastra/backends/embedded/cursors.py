"""The cursors of paginated queries: where a page ended, and of which query.

Opaque to callers, as Convex's encrypted ones are. Called by ``transaction``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from convex_mastra.backends.embedded.js import Thrown

START: Final = -(2**63)
END: Final = 2**63 - 1
"""Positions before and after every ``seq``; nothing follows the end, not even later inserts."""
_SEPARATOR: Final = "."
_DIGEST_BYTES: Final = 8


def fingerprint(table: str, index: str, equals: Sequence[Any]) -> str:
    """Return what tells one query from another."""
    text = "\0".join([table, index, *map(repr, equals)])
    return hashlib.blake2s(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def write(query: str, position: int) -> str:
    """Return the cursor for a position in a query."""
    return f"{query}{_SEPARATOR}{position:x}"


def read(cursor: Any, query: str) -> int:
    """Return the position a cursor stands for.

    Raises:
        Thrown: it is not a cursor, or belongs to another query.
    """
    if type(cursor) is not str:
        raise Thrown("Failed to parse cursor")
    own_query, separator, position = cursor.partition(_SEPARATOR)
    try:
        parsed = int(position, 16)
    except ValueError:
        parsed = START
    if not separator or not START < parsed <= END:
        raise Thrown("Failed to parse cursor")
    if own_query != query:
        raise Thrown(
            "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this "
            "cursor is from a different query."
        )
    return parsed
