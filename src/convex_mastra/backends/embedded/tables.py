"""The Convex tables of a Mastra deployment: their schemas and indexes, as data.

``storage`` looks a logical table name up here; ``rows`` and ``migrations`` derive the SQLite
tables from the same definitions. Source: @mastra/convex 1.5.2 dist/schema.js over the table
schemas of @mastra/core 1.71 (a nullable column there is optional here, and refuses null).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from convex_mastra import wire
from convex_mastra.backends.embedded.validators import (
    ANY,
    BOOLEAN,
    NUMBER,
    NUMBERS,
    STRING,
    STRINGS,
    Validator,
    in_order,
    literals,
    nullable,
    optional,
)

BY_ID: Final = "by_record_id"
Fields = dict[str, Validator]


@dataclass(frozen=True, eq=False)
class Table:
    """One Convex table.

    Attributes:
        name: in Convex, and in SQLite.
        fields: every column's validator.
        indexes: the fields of each index; ``_creationTime`` and ``_id`` follow implicitly.
        key_columns: the fields that any index holds.
    """

    name: str
    fields: Fields
    indexes: dict[str, tuple[str, ...]]
    key_columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        columns = dict.fromkeys(name for fields in self.indexes.values() for name in fields)
        object.__setattr__(self, "key_columns", tuple(columns))
        object.__setattr__(self, "fields", in_order(self.fields))

    @property
    def stored_in(self) -> str:
        """The SQLite table that holds its rows."""
        return self.name

    @property
    def partition(self) -> tuple[str, ...]:
        """What its rows hold in the leading columns, where they share a SQLite table with others."""
        return ()

    def columns(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """The SQLite columns of its partition and of *fields*, which are those of an index."""
        return fields


def _required(validator: Validator, names: str) -> Fields:
    return dict.fromkeys(names.split(), validator)


def _optional(validator: Validator, names: str) -> Fields:
    return dict.fromkeys(names.split(), optional(validator))


def _optional_or_null(validator: Validator, names: str) -> Fields:
    return dict.fromkeys(names.split(), optional(nullable(validator)))


THREADS: Final = Table(
    wire.THREADS,
    _required(STRING, "id resourceId title createdAt updatedAt") | _optional(ANY, "metadata"),
    {
        BY_ID: ("id",),
        "by_resource": ("resourceId",),
        "by_created": ("createdAt",),
        "by_updated": ("updatedAt",),
    },
)
MESSAGES: Final = Table(
    wire.MESSAGES,
    _required(STRING, "id thread_id content role type createdAt") | _optional(STRING, "resourceId"),
    {
        BY_ID: ("id",),
        "by_thread": ("thread_id",),
        "by_thread_created": ("thread_id", "createdAt"),
        "by_resource": ("resourceId",),
    },
)
RESOURCES: Final = Table(
    wire.RESOURCES,
    _required(STRING, "id createdAt updatedAt")
    | _optional(STRING, "workingMemory")
    | _optional(ANY, "metadata"),
    {BY_ID: ("id",), "by_updated": ("updatedAt",)},
)
WORKFLOW_SNAPSHOTS: Final = Table(
    wire.SNAPSHOTS_TABLE,
    _required(STRING, "workflow_name run_id createdAt updatedAt")
    | _required(ANY, "snapshot")
    | _optional(STRING, "id resourceId"),
    {
        BY_ID: ("id",),
        "by_workflow_run": ("workflow_name", "run_id"),
        "by_workflow": ("workflow_name",),
        "by_resource": ("resourceId",),
        "by_created": ("createdAt",),
    },
)
SCORERS: Final = Table(
    wire.SCORERS,
    _required(STRING, "id scorerId runId source createdAt updatedAt")
    | _required(NUMBER, "score")
    | _required(ANY, "scorer input output")
    | _optional(
        STRING,
        "traceId spanId reason preprocessPrompt extractPrompt generateScorePrompt "
        "generateReasonPrompt analyzePrompt reasonPrompt entityType entityId resourceId threadId "
        "organizationId projectId batchId datasetId datasetItemId",
    )
    | _optional(
        ANY,
        "preprocessStepResult extractStepResult analyzeStepResult metadata additionalContext "
        "requestContext entity",
    ),
    {
        BY_ID: ("id",),
        "by_scorer": ("scorerId",),
        "by_entity": ("entityId", "entityType"),
        "by_run": ("runId",),
        "by_created": ("createdAt",),
    },
)
SCHEDULES: Final = Table(
    wire.SCHEDULES,
    _required(STRING, "id target cron status")
    | _required(NUMBER, "next_fire_at created_at updated_at")
    | _optional_or_null(NUMBER, "last_fire_at")
    | _optional_or_null(STRING, "timezone last_run_id metadata owner_type owner_id workflow_id"),
    {
        BY_ID: ("id",),
        "by_status_next_fire_at": ("status", "next_fire_at"),
        "by_workflow_status": ("workflow_id", "status"),
        "by_workflow_id": ("workflow_id",),
        "by_owner": ("owner_type", "owner_id"),
        "by_owner_id": ("owner_id",),
        "by_created": ("created_at",),
    },
)
SCHEDULE_TRIGGERS: Final = Table(
    wire.SCHEDULE_TRIGGERS,
    _required(STRING, "id schedule_id outcome trigger_kind")
    | _required(NUMBER, "scheduled_fire_at actual_fire_at")
    | _optional_or_null(STRING, "run_id error parent_trigger_id metadata"),
    {
        BY_ID: ("id",),
        "by_schedule_actual": ("schedule_id", "actual_fire_at"),
        "by_parent_trigger": ("parent_trigger_id",),
    },
)
CHANNEL_INSTALLATIONS: Final = Table(
    wire.CHANNEL_INSTALLATIONS,
    _required(STRING, "id platform agentId status data createdAt updatedAt")
    | _optional_or_null(STRING, "webhookId configHash error"),
    {
        BY_ID: ("id",),
        "by_webhook": ("webhookId",),
        "by_platform_agent": ("platform", "agentId"),
        "by_platform": ("platform",),
    },
)
CHANNEL_CONFIG: Final = Table(
    wire.CHANNEL_CONFIG,
    _required(STRING, "id platform data updatedAt"),
    {BY_ID: ("id",), "by_platform": ("platform",)},
)
BACKGROUND_TASKS: Final = Table(
    wire.BACKGROUND_TASKS,
    _required(STRING, "id tool_call_id tool_name agent_id run_id args createdAt")
    | _required(
        nullable(STRING),
        "thread_id resource_id result error suspend_payload startedAt suspendedAt completedAt",
    )
    | _required(NUMBER, "retry_count max_retries timeout_ms")
    | {
        "status": literals(
            "pending", "running", "suspended", "completed", "failed", "cancelled", "timed_out"
        )
    },
    {
        BY_ID: ("id",),
        "by_status_created": ("status", "createdAt"),
        "by_agent_status": ("agent_id", "status"),
        "by_run": ("run_id",),
        "by_tool_call": ("tool_call_id",),
        "by_thread": ("thread_id",),
        "by_resource": ("resource_id",),
        "by_tool": ("tool_name",),
        "by_created": ("createdAt",),
    },
)
OBSERVATIONAL_MEMORY: Final = Table(
    wire.OBSERVATIONAL_MEMORY,
    _required(STRING, "id lookupKey scope activeObservations originType config createdAt updatedAt")
    | _required(
        NUMBER,
        "generationCount pendingMessageTokens totalTokensObserved observationTokenCount "
        "lastBufferedAtTokens",
    )
    | _required(BOOLEAN, "isObserving isReflecting isBufferingObservation isBufferingReflection")
    | _optional_or_null(STRINGS, "observedMessageIds bufferedMessageIds")
    | _optional_or_null(
        NUMBER,
        "bufferedObservationTokens bufferedReflectionTokens bufferedReflectionInputTokens "
        "reflectedObservationLineCount",
    )
    | _optional_or_null(
        STRING,
        "resourceId threadId activeObservationsPendingUpdate lastObservedAt lastReflectionAt "
        "observedTimezone bufferedObservations bufferedReflection bufferedObservationChunks "
        "lastBufferedAtTime metadata",
    ),
    {BY_ID: ("id",), "by_lookup_key": ("lookupKey", "generationCount")},
)
VECTOR_INDEXES: Final = Table(
    wire.VECTOR_INDEXES,
    _required(STRING, "id indexName metric createdAt") | _required(NUMBER, "dimension"),
    {BY_ID: ("id",), "by_name": ("indexName",)},
)
VECTORS: Final = Table(
    wire.VECTORS_TABLE,
    _required(STRING, "id indexName") | {"embedding": NUMBERS} | _optional(ANY, "metadata"),
    {"by_index_id": ("indexName", "id"), "by_index": ("indexName",)},
)
DOCUMENTS: Final = Table(
    wire.DOCUMENTS_TABLE,
    _required(STRING, "table primaryKey") | _required(ANY, "record"),
    {"by_table": ("table",), "by_table_primary": ("table", "primaryKey")},
)
CACHE: Final = Table(
    wire.CACHE,
    _required(STRING, "key keyPrefix")
    | _required(nullable(NUMBER), "expiresAt")
    | _optional(STRING, "value")
    | _optional(NUMBER, "counter")
    | {"kind": literals("value", "list", "counter", "deleted")},
    {"by_key": ("key",), "by_key_prefix": ("keyPrefix",)},
)
CACHE_LIST_ITEMS: Final = Table(
    "mastra_cache_list_items",
    _required(STRING, "key keyPrefix value") | _required(NUMBER, "index"),
    {"by_key_prefix": ("keyPrefix",), "by_key_index": ("key", "index")},
)

TYPED: Final[dict[str, Table]] = {
    wire.WORKFLOW_SNAPSHOTS: WORKFLOW_SNAPSHOTS,
    **{
        table.name: table
        for table in (
            THREADS,
            MESSAGES,
            RESOURCES,
            SCORERS,
            SCHEDULES,
            SCHEDULE_TRIGGERS,
            CHANNEL_INSTALLATIONS,
            CHANNEL_CONFIG,
            BACKGROUND_TASKS,
            OBSERVATIONAL_MEMORY,
            VECTOR_INDEXES,
        )
    },
}
"""The table behind each logical name that has one of its own."""
ALL: Final = (*TYPED.values(), VECTORS, DOCUMENTS, CACHE, CACHE_LIST_ITEMS)
