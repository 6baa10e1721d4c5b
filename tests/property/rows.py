"""Rows for every table of a Mastra deployment, valid and flawed, from small pools of values.

Small pools make rows collide: the same ids come again, in other tables and with other content.
Used by ``operations``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

Values = st.SearchStrategy[Any]

INT64: Final = {"$integer": "BQAAAAAAAAA="}
BYTES: Final = {"$bytes": "AAEC"}
NAN: Final = {"$float": "AAAAAAAA+H8="}
INFINITY: Final = {"$float": "AAAAAAAA8H8="}

IDS: Final = st.sampled_from(["a", "b", "c", "d"])
TEXTS: Final = st.sampled_from(["", "x", "y", "é", "Z", "~", "x y", "\U0001f600", "\uffee"])
TIMES: Final = st.integers(1, 6).map(lambda day: f"2020-01-0{day}T00:00:00.000Z")
NUMBERS: Final = st.sampled_from([0, 1, 2, 2.5, -1, -0.0, 1e21, 5])
BOOLEANS: Final = st.booleans()
ANYTHING: Final = st.sampled_from(
    [
        {"k": 1, "j": {"deep": [1, None, True]}},
        {"k": "text"},
        {},
        None,
        "text",
        '{"k": 3, "m": {"n": 1}}',
        0,
        -0.0,
        True,
        [],
        [1, "a", {"b": None}],
        {"10": 1, "9": 2, "b": 3, "": 4, "a b": 5},
        INT64,
        {"in": INT64, "by": BYTES, "nan": NAN},
        BYTES,
        INFINITY,
    ]
)
STRANGE: Final = st.sampled_from(
    [None, 0, 5, "5", "", True, False, -0.0, ["a"], {"a": 1}, INT64, BYTES, NAN, [], {}]
)


def mostly(usual: Values, strange: Values, times: int = 12) -> Values:
    """Draw from *usual*, and once in a while from *strange*."""
    return st.integers(0, times).flatmap(lambda n: strange if n == times else usual)


def _fields(required: Mapping[str, Values], optional: Mapping[str, Values]) -> Values:
    return st.fixed_dictionaries(dict(required), optional=dict(optional))


def _or_null(values: Values) -> Values:
    return values | st.none()


_SCHEDULE_TARGETS: Final = st.sampled_from(['{"type":"workflow"}', "{}"])
_STATUSES: Final = st.sampled_from(["active", "paused"])
_TASK_STATUSES: Final = st.sampled_from(["pending", "running", "completed"])
_BUFFERED: Final = (
    '[{"cycleId":"c1","observations":"o1","tokenCount":3,"messageTokens":100,'
    '"messageIds":["m1","m2"],"lastObservedAt":"2020-01-02T00:00:00.000Z"},'
    '{"cycleId":"c2","observations":"o2","tokenCount":4,"messageTokens":250,'
    '"messageIds":["m3"],"suggestedContinuation":"go","currentTask":"t"},'
    '{"observations":"o3","tokenCount":1}]'
)
_CHUNKS: Final = mostly(
    st.just(_BUFFERED), st.sampled_from([None, "", "no json", "[]", "{}", "[5]", "[null]"]), 3
)
_FOR_EACH: Final = (
    '{"context":{"s1":{"status":"success","output":[1,null,{"a":1}]},"input":{"10":1,"9":2}},'
    '"status":"running","runId":"r"}'
)
_SUSPENDED: Final = (
    '{"context":{"s1":{"status":"suspended","output":[{"status":"suspended","suspendPayload":1},'
    'null,2,{"__mastra_pending__":true}]}},"requestContext":{"u":1}}'
)
NAMES: Final = st.sampled_from(["a", "b"])
"""Of what rows are found by together: workflow and run, owner's type and id. There must be few."""
SNAPSHOTS: Final = mostly(
    st.sampled_from(
        [
            _FOR_EACH,
            _FOR_EACH,
            _SUSPENDED,
            _SUSPENDED,
            '{"context":{}}',
            '{"context":{"s1":"text","s2":5,"$x":{"y":1.0}}}',
            {"context": {"s1": {"output": [1, 2]}}, "value": {}},
        ]
    ),
    st.sampled_from(
        [
            '{"status":"x"}',
            '{"context":""}',
            '{"context":"text"}',
            "no json",
            "null",
            {"context": {"big": INT64}},
            {},
            None,
            5,
        ]
    ),
    times=3,
)

ROWS: Final[dict[str, Values]] = {
    "mastra_threads": _fields(
        {"id": IDS, "resourceId": NAMES, "title": TEXTS, "createdAt": TIMES, "updatedAt": TIMES},
        {"metadata": ANYTHING},
    ),
    "mastra_messages": _fields(
        {
            "id": IDS,
            "thread_id": NAMES,
            "content": TEXTS,
            "role": TEXTS,
            "type": TEXTS,
            "createdAt": TIMES,
        },
        {"resourceId": NAMES},
    ),
    "mastra_resources": _fields(
        {"id": IDS, "createdAt": TIMES, "updatedAt": TIMES},
        {"workingMemory": TEXTS, "metadata": ANYTHING},
    ),
    "mastra_workflow_snapshot": _fields(
        {
            "id": IDS,
            "workflow_name": NAMES,
            "run_id": NAMES,
            "snapshot": SNAPSHOTS,
            "createdAt": TIMES,
            "updatedAt": TIMES,
        },
        {"resourceId": NAMES},
    ),
    "mastra_scorers": _fields(
        {
            "id": IDS,
            "scorerId": NAMES,
            "runId": NAMES,
            "scorer": ANYTHING,
            "score": NUMBERS,
            "input": ANYTHING,
            "output": ANYTHING,
            "source": TEXTS,
            "createdAt": TIMES,
            "updatedAt": TIMES,
        },
        {"entityId": NAMES, "entityType": TEXTS, "reason": TEXTS, "metadata": ANYTHING},
    ),
    "mastra_schedules": _fields(
        {
            "id": IDS,
            "target": _SCHEDULE_TARGETS,
            "cron": TEXTS,
            "status": _STATUSES,
            "next_fire_at": NUMBERS,
            "created_at": NUMBERS,
            "updated_at": NUMBERS,
        },
        {
            "timezone": _or_null(TEXTS),
            "last_fire_at": _or_null(NUMBERS),
            "owner_type": _or_null(NAMES),
            "owner_id": _or_null(NAMES),
            "workflow_id": _or_null(NAMES),
        },
    ),
    "mastra_schedule_triggers": _fields(
        {
            "id": IDS,
            "schedule_id": NAMES,
            "scheduled_fire_at": NUMBERS,
            "actual_fire_at": NUMBERS,
            "outcome": TEXTS,
            "trigger_kind": TEXTS,
        },
        {"run_id": _or_null(NAMES), "parent_trigger_id": _or_null(NAMES)},
    ),
    "mastra_channel_installations": _fields(
        {
            "id": IDS,
            "platform": NAMES,
            "agentId": NAMES,
            "status": TEXTS,
            "data": TEXTS,
            "createdAt": TIMES,
            "updatedAt": TIMES,
        },
        {"webhookId": _or_null(NAMES), "error": _or_null(TEXTS)},
    ),
    "mastra_channel_config": _fields(
        {"id": IDS, "platform": NAMES, "data": TEXTS, "updatedAt": TIMES}, {}
    ),
    "mastra_background_tasks": _fields(
        {
            "id": IDS,
            "tool_call_id": NAMES,
            "tool_name": NAMES,
            "agent_id": NAMES,
            "run_id": NAMES,
            "thread_id": _or_null(NAMES),
            "resource_id": _or_null(NAMES),
            "status": _TASK_STATUSES,
            "args": TEXTS,
            "result": _or_null(TEXTS),
            "error": st.none(),
            "suspend_payload": st.none(),
            "retry_count": NUMBERS,
            "max_retries": NUMBERS,
            "timeout_ms": NUMBERS,
            "createdAt": TIMES,
            "startedAt": st.none(),
            "suspendedAt": st.none(),
            "completedAt": st.none(),
        },
        {},
    ),
    "mastra_observational_memory": _fields(
        {
            "id": IDS,
            "lookupKey": NAMES,
            "scope": TEXTS,
            "activeObservations": st.sampled_from(["", "one", "one\ntwo\nthree", " \n "]),
            "originType": TEXTS,
            "config": st.sampled_from(['{"a":{"b":1,"c":2}}', "{}", "", "no json", "[1]"]),
            "generationCount": NUMBERS,
            "pendingMessageTokens": NUMBERS,
            "totalTokensObserved": NUMBERS,
            "observationTokenCount": NUMBERS,
            "isObserving": BOOLEANS,
            "isReflecting": BOOLEANS,
            "isBufferingObservation": BOOLEANS,
            "isBufferingReflection": BOOLEANS,
            "lastBufferedAtTokens": NUMBERS,
            "bufferedObservationChunks": _CHUNKS,
            "createdAt": TIMES,
            "updatedAt": TIMES,
        },
        {
            "bufferedReflection": _or_null(TEXTS),
            "reflectedObservationLineCount": _or_null(NUMBERS),
            "bufferedReflectionTokens": _or_null(NUMBERS),
            "observedMessageIds": _or_null(st.lists(TEXTS, max_size=2)),
        },
    ),
    "mastra_vector_indexes": _fields(
        {
            "id": IDS,
            "indexName": NAMES,
            "dimension": NUMBERS,
            "metric": TEXTS,
            "createdAt": TIMES,
        },
        {},
    ),
}

VECTORS: Final = _fields(
    {"id": IDS, "embedding": st.lists(NUMBERS, max_size=3)}, {"metadata": ANYTHING}
)
LOOSE_IDS: Final = st.sampled_from(["a", "b", 5, "5"])
DOCUMENTS: Final = _fields({"id": mostly(LOOSE_IDS, STRANGE)}, {"n": ANYTHING, "tag": TEXTS})

OLD_TASKS: Final = _fields(
    {"id": IDS},
    {
        "toolName": IDS,
        "agentId": NAMES,
        "agent_id": NAMES,
        "status": _TASK_STATUSES,
        "runId": NAMES,
    },
)
"""Background tasks as servers before 1.2 left them, in ``mastra_documents``."""
OLD_SNAPSHOTS: Final = _fields(
    {
        "workflow_name": NAMES,
        "run_id": NAMES,
        "snapshot": SNAPSHOTS,
        "createdAt": TIMES,
        "updatedAt": TIMES,
    },
    {},
)
"""Workflow snapshots as servers before 1.0.1 left them, without an id."""


@st.composite
def flawed(draw: st.DrawFn, rows: Values) -> Any:
    """Draw a row with one thing wrong: a field missing, of a strange type, or too many."""
    row = dict(draw(rows))
    names = sorted(row)
    flaw = draw(st.integers(0, 3))
    if flaw == 0:
        del row[draw(st.sampled_from(names))]
    elif flaw == 1:
        row[draw(st.sampled_from(names))] = draw(STRANGE)
    elif flaw == 2:
        row[draw(st.sampled_from(["extra", "_own", "_id", "_creationTime"]))] = draw(STRANGE)
    else:
        return draw(STRANGE)
    return row


def records(rows: Values) -> Values:
    """Draw a row, now and then a flawed one."""
    return mostly(rows, flawed(rows), times=7)
