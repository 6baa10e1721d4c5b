"""What goes over the wire, and what comes back.

The function calls of Convex's HTTP API, those of Mastra's handlers with their replies, the names of
their tables, and the JSON codec. Called by the operations (to build calls and read replies) and by the
backends (to encode and decode). Knows no rows: which columns a table has is the operations' matter.

Source: @mastra/convex 1.5.2, dist/storage/types.d.ts, dist/cache/types.d.ts and dist/server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

import orjson

from convex_mastra.errors import (
    InvalidArgumentError,
    ProtocolError,
    StorageError,
    UnsupportedOperationError,
)
from convex_mastra.operations import CACHE_REPEATABLE, REPEATABLE, SINCE

Kind = Literal["query", "mutation", "action"]
Json = dict[str, Any]

STORAGE_FUNCTION: Final = "mastra/storage:handle"
CACHE_FUNCTION: Final = "mastra/cache:handle"
SEARCH_FUNCTION: Final = "convex_mastra/vectors:search"
"""Our own, optional: exact top-k on the server's side. The embedded backend always has it."""
COUNT_FUNCTION: Final = "convex_mastra/vectors:count"
"""Our own, optional: how many vectors an index holds."""
RECENT_MESSAGES_FUNCTION: Final = "convex_mastra/messages:recent"
"""Our own, optional: the newest messages of a thread, without reading the others."""
DOCUMENTS_PAGE_FUNCTION: Final = "convex_mastra/documents:page"
"""Our own, optional: a page of a logical table of ``mastra_documents``."""
DOCUMENTS_RANGES_FUNCTION: Final = "convex_mastra/documents:ranges"
"""Our own, optional: the ends of several ranges of ``mastra_documents``, as of one moment."""
DOCUMENTS_LOAD_FUNCTION: Final = "convex_mastra/documents:load"
"""Our own, optional: rows of ``mastra_documents`` under many keys."""
DOCUMENTS_WRITE_FUNCTION: Final = "convex_mastra/documents:write"
"""Our own, optional: rows of several logical tables of ``mastra_documents`` in one transaction."""
DOCUMENTS_REMOVE_FUNCTION: Final = "convex_mastra/documents:remove"
"""Our own, optional: deletes rows of several logical tables of ``mastra_documents`` likewise."""
OWN_FUNCTIONS: Final = (
    SEARCH_FUNCTION,
    COUNT_FUNCTION,
    RECENT_MESSAGES_FUNCTION,
    DOCUMENTS_PAGE_FUNCTION,
    DOCUMENTS_RANGES_FUNCTION,
    DOCUMENTS_LOAD_FUNCTION,
    DOCUMENTS_WRITE_FUNCTION,
    DOCUMENTS_REMOVE_FUNCTION,
)
NATIVE_SEARCH_FUNCTION: Final = "mastra/nativeVector:query"
"""An action: Convex's own vector search, over a table that the deployment's schema declares."""
NATIVE_READ_FUNCTION: Final = "mastra/nativeVector:read"
"""A query, on the same tables."""
NATIVE_WRITE_FUNCTION: Final = "mastra/nativeVector:write"
"""A mutation, on the same tables."""
NATIVE_VECTOR_FUNCTIONS: Final = (
    NATIVE_SEARCH_FUNCTION,
    NATIVE_READ_FUNCTION,
    NATIVE_WRITE_FUNCTION,
)

SYSTEM_PREFIX: Final = "_system/"
"""Functions of Convex itself; they answer to an admin key alone."""
TABLES_FUNCTION: Final = "_system/cli/tables:default"
"""The deployed tables, a page at a time. A query."""
SPECIFICATION_FUNCTION: Final = "_system/cli/modules:apiSpec"
"""Every deployed function, with its kind. A query."""

VERSION_PATH: Final = "/version"
DATABASE_MISSING: Final = "DatabaseMissing"
"""Code of the embedded backend's answer where a look would have to create its file."""
CHECK_KEY_PATH: Final = "/api/check_admin_key"
ACTIVE_SYNCS_PATH: Final = "/api/v1/data/list_active_syncs?limit=1"
"""Part of streaming export; unlike a sync, looking at the list begins nothing."""

THREADS: Final = "mastra_threads"
MESSAGES: Final = "mastra_messages"
RESOURCES: Final = "mastra_resources"
WORKFLOW_SNAPSHOTS: Final = "mastra_workflow_snapshot"
SCORERS: Final = "mastra_scorers"
SCHEDULES: Final = "mastra_schedules"
SCHEDULE_TRIGGERS: Final = "mastra_schedule_triggers"
CHANNEL_INSTALLATIONS: Final = "mastra_channel_installations"
CHANNEL_CONFIG: Final = "mastra_channel_config"
BACKGROUND_TASKS: Final = "mastra_background_tasks"
OBSERVATIONAL_MEMORY: Final = "mastra_observational_memory"
CACHE: Final = "mastra_cache"
VECTOR_INDEXES: Final = "mastra_vector_indexes"
VECTOR_TABLE_PREFIX: Final = "mastra_vector_"

SNAPSHOTS_TABLE: Final = "mastra_workflow_snapshots"
"""In Convex; the handler calls it ``mastra_workflow_snapshot``."""
VECTORS_TABLE: Final = "mastra_vectors"
"""In Convex; the handler calls each index a table of its own."""
DOCUMENTS_TABLE: Final = "mastra_documents"
"""In Convex; the handler files here what has no table of its own."""
CACHE_TABLES: Final = ("mastra_cache", "mastra_cache_list_items")


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One call of a deployed function.

    Attributes:
        label: the operation as errors and events name it.
        repeatable: whether applying it twice is the same as applying it once.
        attempt: 1 for the first try.
    """

    kind: Kind
    path: str
    args: Json = field(repr=False)
    label: str
    repeatable: bool
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Get:
    """One look at an endpoint of the deployment that is no function; the answer is its text.

    Attributes:
        path: below the deployment's URL, e.g. ``/version``.
        attempt: 1 for the first try.
    """

    path: str
    attempt: int = 1
    repeatable: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """The request as errors and events name it."""
        return f"GET {self.path}"


Request = FunctionCall | Get
"""What a backend answers."""


@dataclass(frozen=True, slots=True)
class StorageReply:
    """A handler's answer to one operation, on storage or on the cache."""

    result: Any
    has_more: bool
    cursor: str | None


def vector_table(index_name: str) -> str:
    """The logical table that holds the vectors of an index."""
    return VECTOR_TABLE_PREFIX + index_name


def storage_call(path: str, op: str, table: str, args: Json) -> FunctionCall:
    """Build the call of one storage operation."""
    return FunctionCall(
        kind="mutation",
        path=path,
        args={"op": op, "tableName": table, **args},
        label=f"{op} {table}",
        repeatable=REPEATABLE[op],
    )


def cache_call(path: str, op: str, args: Json) -> FunctionCall:
    """Build the call of one cache operation."""
    return FunctionCall(
        kind="mutation",
        path=path,
        args={"op": op, **args},
        label=f"{op} {CACHE}",
        repeatable=CACHE_REPEATABLE[op],
    )


def read_storage_reply(value: Any, call: FunctionCall) -> StorageReply:
    """Take the handler's reply apart.

    Raises:
        StorageError: ``ok`` is false; UnsupportedOperationError when the handler is too old.
        ProtocolError: the value is not a storage reply.
    """
    if not isinstance(value, dict) or not isinstance(value.get("ok"), bool):
        raise ProtocolError(
            f"{call.path} did not answer as a Mastra storage handler does.", operation=call.label
        )
    if value["ok"]:
        return StorageReply(
            result=value.get("result"),
            has_more=bool(value.get("hasMore", False)),
            cursor=value.get("continuationCursor"),
        )
    message = str(value.get("error") or "Unknown Convex storage error")
    raised = StorageError
    if message.startswith("Unsupported operation "):
        raised = UnsupportedOperationError
        if since := SINCE.get(call.args["op"]):
            message = (
                f"{message}: it needs the storage handler of @mastra/convex {since} or later. "
                "Nothing was written. Update the package and deploy it again."
            )
    raise raised(message, code=value.get("code"), data=value.get("details"), operation=call.label)


def encode(body: Any) -> bytes:
    """Encode as UTF-8 JSON all that ``values.measure`` accepts.

    Float64 arrays go in without becoming lists.

    Raises:
        InvalidArgumentError: something in it is not JSON.
    """
    try:
        return orjson.dumps(body, _plain, orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise InvalidArgumentError(f"The request cannot be written as JSON: {error}.") from error


def decode(body: bytes) -> Any:
    """Decode JSON.

    Raises:
        ProtocolError: it is not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProtocolError(f"The answer is not JSON: {error}.") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float):
        return float(value)
    raise TypeError
