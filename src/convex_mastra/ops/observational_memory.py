"""Observational memory: ``mastra_observational_memory``, a row for each generation.

Reading, beginning, configuring and clearing a memory; what fills it is in ``observations``, and what
condenses it in ``reflections``. Behaves as MemoryConvex of @mastra/convex 1.5.2. The first operation
of a backend sends one request more, to find out whether the deployed handler knows the table
(``observational_calls``). Called by the faces of ``store.memory``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from convex_mastra import limits
from convex_mastra.errors import FunctionError, InvalidArgumentError, ScanLimitError
from convex_mastra.flow import Flow
from convex_mastra.ops.abilities import OBSERVATIONAL_MEMORY_TABLE, require
from convex_mastra.ops.arguments import required_text, whole_number
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.clearing import clear_matching
from convex_mastra.ops.observational_calls import call_record, insert_record
from convex_mastra.ops.observational_rows import (
    first_generation_row,
    lookup_key,
    object_text,
    time_text,
    whole_row,
)
from convex_mastra.ops.storage import (
    is_read_limit,
    row_or_none,
    rows_of,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import (
    ObservationalMemory,
    ObservationalMemoryScope,
    Row,
    observational_memory_from_row,
)
from convex_mastra.timestamps import to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import OBSERVATIONAL_MEMORY


def get_observational_memory(
    target: Target, thread_id: str | None = None, resource_id: str | None = None
) -> Flow[ObservationalMemory | None]:
    """Return the current generation of a memory: the thread's, or the resource's without a thread.

    None if there is none. One round trip.

    Raises:
        InvalidArgumentError: an empty id, or none.
    """
    key = lookup_key(thread_id, resource_id)
    yield from require(target, OBSERVATIONAL_MEMORY_TABLE)
    reply = yield from call_storage(target, "omGetLatest", OBSERVATIONAL_MEMORY, lookupKey=key)
    row = row_or_none(reply.result, OBSERVATIONAL_MEMORY)
    return None if row is None else observational_memory_from_row(row)


def get_observational_memory_history(
    target: Target,
    thread_id: str | None = None,
    resource_id: str | None = None,
    *,
    limit: int = 10,
    offset: int = 0,
    from_date: datetime | None = None,
    to_date: datetime | None = None,
) -> Flow[list[ObservationalMemory]]:
    """Return the generations of a memory, the current one first.

    Args:
        limit: how many at most; offset: how many to skip before.
        from_date, to_date: only generations created then or later, then or earlier.

    Raises:
        InvalidArgumentError: an empty id, or none; a negative number; a time without zone.
        ScanLimitError: the memory has more generations than the deployment reads in one call.

    Cost: one round trip, in which the deployment reads all generations; two if a range of time
    holds fewer than *limit*.
    """
    args: dict[str, Any] = {"lookupKey": lookup_key(thread_id, resource_id)}
    args |= {"limit": whole_number(limit, "limit"), "offset": whole_number(offset, "offset")}
    if from_date is not None:
        args["from"] = time_text(from_date, "from_date")
    if to_date is not None:
        args["to"] = time_text(to_date, "to_date")
    yield from require(target, OBSERVATIONAL_MEMORY_TABLE)
    rows = yield from _history(target, args)
    if len(rows) < limit:
        yield from _check_nothing_beyond(target, args, len(rows))
    return [observational_memory_from_row(row) for row in rows]


def initialize_observational_memory(
    target: Target,
    *,
    scope: ObservationalMemoryScope,
    resource_id: str,
    thread_id: str | None = None,
    config: Mapping[str, Any] | None = None,
    observed_timezone: str | None = None,
) -> Flow[ObservationalMemory]:
    """Begin a memory, of a thread or of a resource, and return it.

    Args:
        scope: ``thread``, with the thread's id, or ``resource``, without one.
        config: any JSON object; kept exactly.
        observed_timezone: in which the observer tells times, e.g. ``Europe/Oslo``.

    Raises:
        InvalidArgumentError: an empty id, another scope, one that the ids do not fit, or a config
            that is no JSON object.
        LimitExceededError: a config larger than a Convex document (1 MiB).

    Cost: one round trip.
    """
    if (scope, thread_id is None) in (("thread", True), ("resource", False)):
        raise InvalidArgumentError(
            "The scope 'thread' needs a thread_id, and 'resource' must have none: the thread, or "
            "else the resource, is whose memory it is.",
            field="thread_id",
        )
    now = target.clock.now()
    memory = ObservationalMemory(
        scope=scope,
        resource_id=required_text(resource_id, "resource_id"),
        thread_id=thread_id,
        config={} if config is None else config,
        observed_timezone=observed_timezone,
        created_at=now,
        updated_at=now,
    )
    yield from insert_record(target, first_generation_row(memory), "config")
    return memory


def insert_observational_memory_record(target: Target, record: ObservationalMemory) -> Flow[None]:
    """Write a record as it is, or overwrite the one of that id: to copy or to restore a memory.

    One round trip. Of a record that is overwritten, ``buffered_observation_tokens`` stay where
    *record* has none, as with Mastra's own client.

    Raises:
        InvalidArgumentError: a field that Mastra or Convex could not read back.
        LimitExceededError: it is larger than a Convex document (1 MiB).
    """
    if not isinstance(record, ObservationalMemory):
        raise InvalidArgumentError(
            f"record must be an ObservationalMemory, not {type(record).__name__}.", field="record"
        )
    yield from insert_record(target, whole_row(record, "record."), "record")


def update_observational_memory_config(
    target: Target, record_id: str, config: Mapping[str, Any]
) -> Flow[None]:
    """Merge *config* into a record's own, object by object; other values are replaced.

    The deployment merges, and writes the JSON anew as JavaScript does: keys that are numbers come
    first, and integers beyond 2**53 are rounded. One round trip.

    Raises:
        NotFoundError: there is no such record.
        InvalidArgumentError: a config that is no JSON object.
        LimitExceededError: a config larger than a Convex document (1 MiB).
        FunctionError: the record would become larger than a document. Nothing was written.
    """
    required_text(record_id, "record_id")
    text = object_text(config, "config")
    check_document_size(measure(text, "config"), "config")
    yield from call_record(
        target,
        "UPDATE_OBSERVATIONAL_MEMORY_CONFIG",
        "omUpdateConfig",
        record_id,
        id=record_id,
        config=text,
        updatedAt=to_text(target.clock.now()),
    )


def clear_observational_memory(
    target: Target, thread_id: str | None = None, resource_id: str | None = None
) -> Flow[None]:
    """Delete all generations of a memory; no error if there is none.

    Two round trips for every 500 generations, or fewer where they are large. The current one goes
    last: an interrupted deletion leaves a memory that can be cleared again.

    Raises:
        InvalidArgumentError: an empty id, or none.
    """
    key = lookup_key(thread_id, resource_id)
    yield from require(target, OBSERVATIONAL_MEMORY_TABLE)
    yield from clear_matching(target, OBSERVATIONAL_MEMORY, {"lookupKey": key})


def _history(target: Target, args: Mapping[str, Any]) -> Flow[list[Row]]:
    try:
        reply = yield from call_storage(target, "omGetHistory", OBSERVATIONAL_MEMORY, **args)
    except FunctionError as error:
        if is_read_limit(error):
            raise _too_many(args, error.message) from None
        raise
    return rows_of(reply, OBSERVATIONAL_MEMORY)


def _check_nothing_beyond(target: Target, args: Mapping[str, Any], found: int) -> Flow[None]:
    """Refuse a history that ends where the handler stops reading, which it does not say."""
    is_range = "from" in args or "to" in args
    if not is_range and args["offset"] + found < limits.SCAN_ROWS:
        return
    last = {"lookupKey": args["lookupKey"], "offset": limits.SCAN_ROWS - 1, "limit": 1}
    if (yield from _history(target, last)):
        raise _too_many(args, f"it reads {limits.SCAN_ROWS:,}", limits.SCAN_ROWS)


def _too_many(args: Mapping[str, Any], why: str, limit: int | None = None) -> ScanLimitError:
    return ScanLimitError(
        f"{args['lookupKey']} has more generations than the deployment reads in one call: {why}.",
        limit=limit,
        operation=f"omGetHistory {OBSERVATIONAL_MEMORY}",
    )
