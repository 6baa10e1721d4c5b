"""The operations of Mastra's deployed handlers: which there are, and what may be done with each.

Read by ``wire`` when it builds a call, and by whoever explains a refusal. Knows no tables.

Source: @mastra/convex 1.5.2, dist/storage/types.d.ts and dist/server; the package's changelog.
"""

from __future__ import annotations

from typing import Final

REPEATABLE: Final[dict[str, bool]] = {
    "insert": True,  # an upsert by id
    "batchInsert": True,
    "patch": True,
    "updateThread": True,  # metadata is merged, and merging twice is merging once
    "updateResource": True,
    "load": True,
    "loadMany": True,
    "queryTable": True,
    "deleteMany": True,
    "clearTable": True,
    "dropTable": True,
    "mergeWorkflowStepResult": True,
    "mergeWorkflowState": True,
    "createSchedule": False,  # refuses an id that exists, so a repeat turns success into an error
    "recordScheduleTrigger": False,
    "listDueSchedules": True,
    "updateScheduleNextFire": False,  # compare-and-set: a repeat reports that it lost
    "updateSchedule": True,
    "listScheduleTriggers": True,
    "deleteScheduleTriggers": True,
    "omGetLatest": True,
    "omGetHistory": True,
    "omUpdateActive": False,  # adds to a running total
    "omAppendBufferedChunk": False,
    "omSwapBuffered": False,
    "omUpdateBufferedReflection": False,
    "omSwapBufferedReflection": False,
    "omUpdateConfig": True,
}
"""The storage handler's operations: may the same request be applied twice?"""

SINCE: Final[dict[str, str]] = {
    "patch": "1.2.0",
    "createSchedule": "1.2.0",
    "recordScheduleTrigger": "1.2.0",
    "listDueSchedules": "1.2.0",
    "updateScheduleNextFire": "1.2.0",
    "updateSchedule": "1.2.0",
    "listScheduleTriggers": "1.2.0",
    "deleteScheduleTriggers": "1.2.0",
    "loadMany": "1.2.1",
    "updateThread": "1.2.1",
    "updateResource": "1.2.1",
    "mergeWorkflowStepResult": "1.2.1",
    "mergeWorkflowState": "1.2.1",
    "omGetLatest": "1.4.0",
    "omGetHistory": "1.4.0",
    "omUpdateActive": "1.4.0",
    "omAppendBufferedChunk": "1.4.0",
    "omSwapBuffered": "1.4.0",
    "omUpdateBufferedReflection": "1.4.0",
    "omSwapBufferedReflection": "1.4.0",
    "omUpdateConfig": "1.4.0",
}
"""The version of @mastra/convex that brought an operation; those not named are older than 1.0."""

NEWEST_OPERATIONS: Final = max(SINCE.values())
"""The version that brought the last of them."""

CACHE_REPEATABLE: Final[dict[str, bool]] = {
    "get": True,
    "set": True,
    "listLength": True,
    "listPush": False,  # a repeat pushes the value once more
    "listFromTo": True,
    "delete": True,
    "clear": True,
    "increment": False,
}
"""The cache handler's operations: may the same request be applied twice?"""
