"""Random operations of the storage handler: every one, on every kind of table, right and wrong.

``sequences()`` draws lists of steps for the differential test: calls of ``mastra/storage:handle``,
and rows that only older servers write. Values of the sequence's own making (cursors) are
placeholders that the test fills in.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from convex_mastra.backends.embedded.tables import TYPED
from convex_mastra.wire import STORAGE_FUNCTION
from tests.property.rows import (
    ANYTHING,
    DOCUMENTS,
    IDS,
    LOOSE_IDS,
    NAMES,
    NUMBERS,
    OLD_SNAPSHOTS,
    OLD_TASKS,
    ROWS,
    STRANGE,
    TEXTS,
    TIMES,
    VECTORS,
    Values,
    mostly,
    records,
)
from tests.property.steps import Seed, Step, calls

LAST_CURSOR: Final = "last cursor"
"""Stands for the cursor that the last page of the same table ended with."""
VECTOR_TABLES: Final = ("mastra_vector_v", "mastra_vector_w")
GENERIC_TABLES: Final = ("notes", "mastra_vectors", "mastra_workflow_snapshots", "")
_STEPS_MAX: Final = 11


_ODD_IDS: Final = mostly(IDS, STRANGE)
_ID_LISTS: Final = mostly(
    st.lists(IDS, max_size=4) | st.lists(LOOSE_IDS, max_size=4),
    st.lists(IDS | STRANGE, max_size=5)
    | STRANGE
    | st.just([f"id{n}" for n in range(11)])
    | st.just([f"id{n}" for n in range(9)] + ["a"]),
    times=5,
)
_LIMITS: Final = mostly(
    st.integers(1, 4), STRANGE | st.sampled_from([-1, 1.5, 0.4, "2", 1e9]), times=5
)


def _filters(rows: Values, keys: tuple[str, ...] = ()) -> Values:
    """Draw filters that often match a row of the table, most on the fields of its indexes."""

    def of_row(row: dict[str, Any]) -> Values:
        names = sorted(row)
        indexed = [name for name in names if name in keys]
        usual = st.sampled_from(indexed * 6 + names).map(
            lambda name: {"field": name, "value": row[name]}
        )
        strange = st.fixed_dictionaries(
            {"field": st.sampled_from([*keys, "metadata.k", "metadata.j.deep", "_id", "nope"])},
            optional={"value": st.none() | ANYTHING},
        )
        return st.lists(mostly(usual, strange, times=4), min_size=1, max_size=2)

    return rows.flatmap(of_row)


def _common(table: str, rows: Values) -> list[Values]:
    """The operations that all tables know."""
    columns = TYPED[table].key_columns if table in TYPED else ()
    pairs = _filters(rows, columns).map(
        lambda filters: {one["field"]: one.get("value") for one in filters}
    )
    keys = mostly(st.fixed_dictionaries({"id": IDS}), pairs | STRANGE, times=2)
    parts = rows.flatmap(
        lambda row: st.lists(st.sampled_from(sorted(row)), max_size=3).map(
            lambda names: {name: row[name] for name in names}
        )
    )
    insert = _request("insert", table, record=records(rows))
    batch = _request(
        "batchInsert",
        table,
        records=mostly(st.lists(records(rows), min_size=1, max_size=5), STRANGE, times=15),
    )
    plain = _request("queryTable", table, {"limit": _LIMITS})
    filtered = _request(
        "queryTable",
        table,
        {"limit": _LIMITS},
        filters=mostly(_filters(rows, columns), st.just([]) | STRANGE, times=12),
    )
    many = st.sampled_from([2, 25, 30]).flatmap(
        lambda size: st.tuples(records(rows), rows, st.integers(0, size)).map(
            lambda drawn: _many(drawn[1], size, drawn[0], drawn[2])
        )
    )
    return [
        insert,
        insert,
        batch,
        batch,
        _request("batchInsert", table, records=many),
        _request("deleteMany", table, ids=st.just([f"id{n}" for n in range(30)])),
        _request("patch", table, id=_ODD_IDS, record=mostly(parts, records(rows) | STRANGE)),
        _request("load", table, keys=keys),
        _request("loadMany", table, ids=_ID_LISTS),
        plain,
        filtered,
        filtered,
        filtered,
        filtered,
        _request("deleteMany", table, ids=_ID_LISTS),
        _request(st.sampled_from(["clearTable", "dropTable"]), table),
    ]


def _many(row: dict[str, Any], size: int, other: Any, place: int) -> list[Any]:
    """Return rows for more than one group of 25, one of them drawn apart."""
    rows: list[Any] = [{**row, "id": f"id{n}"} for n in range(size)]
    rows.insert(place, other)
    return rows


def _request(
    op: str | Values,
    table: str | Values,
    optional: dict[str, Values] | None = None,
    **required: Values,
) -> Values:
    names = {
        "op": st.just(op) if isinstance(op, str) else op,
        "tableName": st.just(table) if isinstance(table, str) else table,
    }
    return calls(STORAGE_FUNCTION, "mutation", names | required, optional)


_THREAD: Final = _request(
    "updateThread",
    "mastra_threads",
    {"metadata": ANYTHING},
    id=_ODD_IDS,
    title=mostly(TEXTS, STRANGE),
    updatedAt=TIMES,
)
_RESOURCE: Final = _request(
    "updateResource",
    "mastra_resources",
    {"metadata": ANYTHING, "workingMemory": TEXTS},
    resourceId=_ODD_IDS,
    createdAt=TIMES,
    updatedAt=mostly(TIMES, STRANGE),
)
_RESULTS: Final = mostly(
    st.sampled_from(
        [
            '{"status":"success","output":[null,{"__mastra_pending__":true},3]}',
            '{"output":[{"__mastra_pending__":true},{"__mastra_pending__":true}]}',
            '{"status":"success","output":[7,null,9,10]}',
            '{"output":[]}',
            '"text"',
            "null",
            '{"b":1.5,"10":[],"2":{},"e":"\\u00e9\\ud83d"}',
        ]
    ),
    STRANGE,
)
_CONTEXTS: Final = mostly(st.sampled_from(["{}", '{"u":2,"v":1e21}', "null", '"ab"']), STRANGE)
_RUN: Final = {"workflowName": NAMES, "runId": NAMES}
_SNAPSHOT_TABLE: Final = "mastra_workflow_snapshot"
_HINTS: Final = mostly(
    st.fixed_dictionaries(
        {"index": st.sampled_from(["by_workflow", "by_workflow_run"])}, optional=_RUN
    ),
    st.just({"index": "by_other"}) | STRANGE,
    times=5,
)
_MERGE_STEP: Final = _request(
    "mergeWorkflowStepResult",
    _SNAPSHOT_TABLE,
    **_RUN,
    stepId=st.sampled_from(["s1", "s1", "s1", "s2", "10", "input"]),
    result=_RESULTS,
    requestContext=_CONTEXTS,
)
_WORKFLOWS: Final = [
    _request(
        "mergeWorkflowState",
        _SNAPSHOT_TABLE,
        **_RUN,
        opts=mostly(st.sampled_from(['{"status":"done","1":1}', "{}", "[5]"]), STRANGE),
    ),
    _request(
        "queryTable",
        _SNAPSHOT_TABLE,
        {"filters": _filters(ROWS[_SNAPSHOT_TABLE])},
        indexHint=_HINTS,
    ),
    _request(
        "load",
        _SNAPSHOT_TABLE,
        keys=st.fixed_dictionaries({"workflow_name": NAMES, "run_id": NAMES}),
    ),
    OLD_SNAPSHOTS.map(lambda fields: Seed("mastra_workflow_snapshots", fields)),
]
_SCHEDULES: Final = [
    _request("createSchedule", "mastra_schedules", record=records(ROWS["mastra_schedules"])),
    _request("createSchedule", "mastra_schedules", record=records(ROWS["mastra_schedules"])),
    _request("listDueSchedules", "mastra_schedules", {"limit": _LIMITS, "now": STRANGE}),
    _request("listDueSchedules", "mastra_schedules", {"limit": _LIMITS}, now=NUMBERS),
    _request(
        "updateScheduleNextFire",
        "mastra_schedules",
        {"lastRunId": IDS | st.none()},
        id=IDS,
        expectedNextFireAt=NUMBERS,
        newNextFireAt=mostly(NUMBERS, STRANGE),
        lastFireAt=NUMBERS,
    ),
    _request(
        "updateSchedule",
        "mastra_schedules",
        id=IDS,
        patch=mostly(
            st.fixed_dictionaries(
                {}, optional={"cron": TEXTS, "owner_id": IDS | st.none(), "next_fire_at": NUMBERS}
            ),
            records(ROWS["mastra_schedules"]) | STRANGE,
            times=5,
        ),
    ),
]
_TRIGGERS: Final = [
    _request(
        "recordScheduleTrigger",
        "mastra_schedule_triggers",
        record=records(ROWS["mastra_schedule_triggers"]),
    ),
    _request(
        "listScheduleTriggers",
        "mastra_schedule_triggers",
        {
            "fromActualFireAt": mostly(NUMBERS, STRANGE),
            "toActualFireAt": mostly(NUMBERS, STRANGE),
            "limit": _LIMITS,
        },
        scheduleId=_ODD_IDS,
    ),
    _request("deleteScheduleTriggers", "mastra_schedule_triggers", scheduleId=_ODD_IDS),
]
_MEMORY_TABLE: Final = "mastra_observational_memory"
_CHUNK: Final = mostly(
    st.fixed_dictionaries(
        {"observations": TEXTS, "tokenCount": NUMBERS},
        optional={
            "cycleId": IDS,
            "messageTokens": st.sampled_from([10, 100, 1000, 5000]),
            "messageIds": st.lists(IDS, max_size=2),
            "lastObservedAt": TIMES,
            "currentTask": TEXTS,
        },
    ),
    ANYTHING,
    times=15,
)
_TOKENS: Final = st.sampled_from([0, 50, 100, 500, 3000, 20000])
_MEMORY: Final = [
    _request("omGetLatest", _MEMORY_TABLE, lookupKey=mostly(NAMES, STRANGE)),
    _request(
        "omGetHistory",
        _MEMORY_TABLE,
        {
            "from": mostly(TIMES, STRANGE),
            "to": mostly(TIMES, STRANGE),
            "offset": _LIMITS,
            "limit": _LIMITS,
        },
        lookupKey=NAMES,
    ),
    _request(
        "omUpdateActive",
        _MEMORY_TABLE,
        {"observedMessageIds": st.lists(IDS, max_size=2) | st.none()},
        id=IDS,
        observations=TEXTS,
        lastObservedAt=TIMES,
        tokenCount=mostly(NUMBERS, STRANGE),
        updatedAt=TIMES,
    ),
    _request(
        "omAppendBufferedChunk",
        _MEMORY_TABLE,
        {"lastBufferedAtTime": TIMES | st.none()},
        id=IDS,
        chunk=_CHUNK,
        updatedAt=TIMES,
    ),
    _request(
        "omSwapBuffered",
        _MEMORY_TABLE,
        {
            "forceMaxActivation": st.booleans(),
            "lastObservedAt": TIMES,
            "bufferedChunks": st.lists(_CHUNK, max_size=4),
        },
        id=IDS,
        activationRatio=st.sampled_from([0, 0.2, 0.5, 0.8, 1]),
        messageTokensThreshold=_TOKENS,
        currentPendingTokens=_TOKENS,
        now=TIMES,
    ),
    _request(
        "omUpdateBufferedReflection",
        _MEMORY_TABLE,
        id=IDS,
        reflection=TEXTS,
        tokenCount=mostly(NUMBERS, st.sampled_from([None, "5", True])),
        inputTokenCount=NUMBERS,
        reflectedObservationLineCount=NUMBERS,
        updatedAt=TIMES,
    ),
    _request(
        "omSwapBufferedReflection",
        _MEMORY_TABLE,
        currentRecord=mostly(ROWS[_MEMORY_TABLE], STRANGE),
        newId=IDS,
        tokenCount=NUMBERS,
        now=TIMES,
    ),
    _request(
        "omUpdateConfig",
        _MEMORY_TABLE,
        id=IDS,
        config=mostly(st.sampled_from(['{"a":{"b":9,"d":[]},"e":1}', '{"a":5}', "{}"]), STRANGE),
        updatedAt=TIMES,
    ),
]
_PAGES: Final = [
    _request(
        "queryTable",
        table,
        {
            "cursor": mostly(st.just(LAST_CURSOR), st.none(), times=5),
            "filters": _filters(VECTORS),
            "limit": mostly(st.nothing() | st.just(3), st.just(3)),
        },
        pageSize=mostly(st.integers(1, 3), STRANGE),
    )
    for table in VECTOR_TABLES
]
_OLD_TASK: Final = OLD_TASKS.map(
    lambda record: Seed(
        "mastra_documents",
        {"table": "mastra_background_tasks", "primaryKey": record["id"], "record": record},
    )
)
_OWN: Final[dict[str, list[Values]]] = {
    "mastra_threads": [_THREAD] * 4,
    "mastra_resources": [_RESOURCE] * 4,
    "mastra_workflow_snapshot": [_MERGE_STEP] * 12 + _WORKFLOWS * 3,
    "mastra_schedules": _SCHEDULES * 3,
    "mastra_schedule_triggers": _TRIGGERS * 3,
    "mastra_observational_memory": _MEMORY * 3,
    "mastra_background_tasks": [_OLD_TASK, _OLD_TASK],
}
_MISPLACED: Final = st.sampled_from(
    ["nonsense", 5, None, "updateThread", "updateResource", "mergeWorkflowState", "createSchedule",
     "listDueSchedules", "deleteScheduleTriggers", "omGetLatest", "loadMany", "patch", "load"]
)  # fmt: skip
_STRAY: Final = _request(
    _MISPLACED,
    mostly(st.sampled_from([*ROWS, *VECTOR_TABLES, "notes"]), st.sampled_from([None, 5, ["a"]]), 5),
)


def _steps(table: str) -> Values:
    """Draw steps on one table."""
    if table in ROWS:
        own = _common(table, ROWS[table]) + _OWN.get(table, [])
    elif table in VECTOR_TABLES:
        own = _common(table, VECTORS) + _PAGES
    else:
        own = _common(table, DOCUMENTS)
    # Not ``one_of``, which would draw each of them equally often, repeated or not.
    return st.sampled_from(own).flatmap(lambda step: step)


_TABLES: Final = (*ROWS, *VECTOR_TABLES, *GENERIC_TABLES)
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "memory": ("mastra_threads", "mastra_resources", "mastra_messages"),
    "workflows": ("mastra_workflow_snapshot",) * 3 + ("mastra_scorers",),
    "schedules": ("mastra_schedules", "mastra_schedule_triggers"),
    "observations": ("mastra_observational_memory",) * 3
    + ("mastra_channel_installations", "mastra_channel_config"),
    "tasks": ("mastra_background_tasks",),
    "vectors": (*VECTOR_TABLES, *VECTOR_TABLES, "mastra_vector_indexes"),
    "documents": GENERIC_TABLES,
}
"""Tables whose operations are drawn together; a table named more often is drawn more often."""
_BY_TABLE: Final = {table: _steps(table) for table in _TABLES}


def _filled(table: str) -> Values:
    """Draw a step that leaves a few rows in a table."""
    rows = ROWS.get(table, VECTORS if table in VECTOR_TABLES else DOCUMENTS)
    return _request("batchInsert", table, records=st.lists(rows, min_size=3, max_size=6))


@st.composite
def sequences(draw: st.DrawFn, group: str) -> list[Step]:
    """Draw a list of steps on one or two tables of a group, so that rows meet."""
    tables = draw(st.lists(st.sampled_from(GROUPS[group]), min_size=1, max_size=2))
    steps: list[Step] = [draw(_filled(table)) for table in tables]
    if group == "tasks":
        steps += draw(st.lists(_OLD_TASK, min_size=1, max_size=4))
    step = mostly(st.sampled_from(tables).flatmap(_BY_TABLE.__getitem__), _STRAY, times=20)
    return steps + draw(st.lists(step, min_size=3, max_size=_STEPS_MAX))
