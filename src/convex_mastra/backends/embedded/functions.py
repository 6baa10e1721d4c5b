"""The functions that are deployed here: path, kind, and what each needs of the database.

``backend`` looks calls up in ``FUNCTIONS``; a new function is one entry. A function is given a
``Transaction`` and its arguments in Convex's form, and returns plain Python data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from convex_mastra import wire
from convex_mastra.backends.embedded import many_documents, recent_messages, search, system
from convex_mastra.backends.embedded.handlers import cache, native_vectors, storage
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json, Kind


class Access(Enum):
    """What a call needs of the database."""

    READ = "one statement that reads"
    SNAPSHOT = "several statements that read one state"
    WRITE = "a write transaction"


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function.

    Attributes:
        access: what a call with these arguments (as the caller sent them) needs.
    """

    kind: Kind
    run: Callable[[Transaction, Json], Any]
    access: Callable[[Mapping[str, Any]], Access]


def _specify(_transaction: Transaction, _args: Json) -> list[Json]:
    return system.specify((path, function.kind) for path, function in FUNCTIONS.items())


def _storage_access(args: Mapping[str, Any]) -> Access:
    op = args.get("op")
    if type(op) is not str or op not in storage.READING_OPERATIONS:
        return Access.WRITE
    return Access.READ if storage.reads_once(args) else Access.SNAPSHOT


FUNCTIONS: Final[dict[str, Function]] = {
    wire.STORAGE_FUNCTION: Function("mutation", storage.handle, _storage_access),
    # Whatever is asked of it, an entry that is found to have expired is deleted.
    wire.CACHE_FUNCTION: Function("mutation", cache.handle, lambda _args: Access.WRITE),
    wire.SEARCH_FUNCTION: Function("query", search.search, lambda _args: Access.SNAPSHOT),
    wire.COUNT_FUNCTION: Function("query", search.count, lambda _args: Access.READ),
    wire.RECENT_MESSAGES_FUNCTION: Function(
        "query", recent_messages.recent, lambda _args: Access.READ
    ),
    wire.DOCUMENTS_PAGE_FUNCTION: Function("query", many_documents.page, lambda _args: Access.READ),
    wire.DOCUMENTS_RANGES_FUNCTION: Function(
        "query", many_documents.ranges, lambda _args: Access.SNAPSHOT
    ),
    wire.DOCUMENTS_LOAD_FUNCTION: Function(
        "query", many_documents.load, lambda _args: Access.SNAPSHOT
    ),
    wire.DOCUMENTS_WRITE_FUNCTION: Function(
        "mutation", many_documents.write, lambda _args: Access.WRITE
    ),
    wire.DOCUMENTS_REMOVE_FUNCTION: Function(
        "mutation", many_documents.remove, lambda _args: Access.WRITE
    ),
    wire.TABLES_FUNCTION: Function(
        "query", lambda _transaction, _args: system.list_tables(), lambda _args: Access.READ
    ),
    wire.SPECIFICATION_FUNCTION: Function("query", _specify, lambda _args: Access.READ),
    wire.NATIVE_SEARCH_FUNCTION: Function(
        "action", native_vectors.search, lambda _args: Access.SNAPSHOT
    ),
    wire.NATIVE_READ_FUNCTION: Function(
        "query", native_vectors.read, lambda _args: Access.SNAPSHOT
    ),
    wire.NATIVE_WRITE_FUNCTION: Function(
        "mutation", native_vectors.write, lambda _args: Access.WRITE
    ),
}
