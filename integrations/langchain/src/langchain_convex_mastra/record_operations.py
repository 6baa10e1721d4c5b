"""What a record manager does, as flows that know no waiting.

Each is written once; ``record_manager`` binds it for both faces. An update writes the list rows
first, then the records, and deletes the list rows it supersedes; a deletion goes the other way
round. So every record is listed, and a list row counts only if its record is not newer: whatever
two writers or an interruption leave behind is told apart when it is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from convex_mastra import InvalidArgumentError
from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.ops.arguments import many, whole_number
from convex_mastra.ops.document_writes import put_many
from convex_mastra.ops.documents import delete_many, get_many, list_documents
from convex_mastra.ops.partitions import shard_of
from convex_mastra.ops.server_time import at_server_time, server_time
from convex_mastra.ops.target import Target
from langchain_convex_mastra.record_knowledge import Namespace
from langchain_convex_mastra.record_layout import (
    Record,
    checked_text,
    read_record,
    record_key,
    shards_of,
)

ABANDONED_S: Final = 3600.0
"""A list row that has been without its record for so long is not about to get one."""
ROWS_AT_ONCE: Final = 1_000
"""Rows read or written between two chances for other tasks; about 10 ms of work."""


def get_time(target: Target, namespace: Namespace) -> Flow[float]:
    """Return the deployment's time in seconds, later than all that were returned before.

    Cost: three round trips.
    """
    return namespace.following((yield from server_time(target)))


def update(
    target: Target,
    namespace: Namespace,
    keys: Sequence[str],
    *,
    group_ids: Sequence[str | None] | None = None,
    time_at_least: float | None = None,
) -> Flow[None]:
    """Record that the keys are up to date now, each in its group.

    Raises:
        InvalidArgumentError: lengths that differ, something that is no text, or a *time_at_least*
            that the deployment's clock has not reached. Nothing was written.
        LimitExceededError: a key or group id is longer than 64 KiB.

    Cost: four round trips' wait. Three requests for the time; for every 1,000 keys one, and one for
    each list concerned (16 at most), of keys that exist two. Before, one for every 10 keys that
    this object has not just seen.
    """
    groups = _groups_by_key(keys, group_ids)
    _check_time(time_at_least, "time_at_least")
    if not groups:
        return
    old = yield from _seen_or_read(target, namespace, groups)

    def write(now_s: float) -> Flow[None]:
        now_s = namespace.following(now_s)
        if time_at_least and time_at_least > now_s:
            raise InvalidArgumentError(
                f"time_at_least is {time_at_least}, but the deployment's time is {now_s}.",
                field="time_at_least",
            )
        new = _records(groups, old, now_s)
        yield from _write(target, namespace, new, [record for record in old.values() if record])
        namespace.remember({record.key: record for record in new})

    yield from at_server_time(target, write)


def exists(target: Target, namespace: Namespace, keys: Sequence[str]) -> Flow[list[bool]]:
    """Return for each key whether it is recorded.

    Cost: one round trip for every 10 keys, side by side.
    """
    wanted = _checked_keys(keys)
    records = yield from _read(target, namespace, wanted)
    namespace.remember(records)
    return [records[key] is not None for key in wanted]


def list_keys(
    target: Target,
    namespace: Namespace,
    *,
    before: float | None = None,
    after: float | None = None,
    group_ids: Sequence[str | None] | None = None,
    limit: int | None = None,
) -> Flow[list[str]]:
    """Return keys in the order in which they were first recorded.

    As LangChain's own managers have it, a time of 0, no groups and a limit of 0 are as None.

    Args:
        before, after: only those updated before, or after, that time; not those of that time.
        group_ids: only those of these groups. None among them: those without a group.
        limit: how many at most.

    Raises:
        ScanLimitError: a list holds more than the deployment reads in one call: 10,000 keys, or
            16 MiB. There are 16 lists; keys of one group are in one.

    Cost: one round trip for the list of each group, 16 at most, side by side; one more for every
    10 keys that are returned, side by side up to *limit*.
    """
    _check_time(before, "before")
    _check_time(after, "after")
    groups = set(_checked_groups(group_ids))
    limit = whole_number(limit, "limit") if limit is not None else 0

    def matches(record: Record) -> bool:
        return (
            (not before or record.updated_at < before)
            and (not after or record.updated_at > after)
            and (not groups or record.group_id in groups)
        )

    rows = yield from _list_rows(target, namespace, shards_of(groups))
    newest_s = max((row.updated_at for listed in rows.values() for row in listed), default=0.0)
    candidates = sorted(
        (key for key, listed in rows.items() if any(map(matches, listed))),
        key=lambda key: _newest(rows[key]).since,
    )
    found: list[str] = []
    obsolete: list[Record] = []
    at_once = limit or len(candidates)
    while candidates and (not limit or len(found) < limit):
        some, candidates = candidates[:at_once], candidates[at_once:]
        records = yield from _read(target, namespace, some)
        namespace.remember(records)
        for key in some:
            live, dead = _told_apart(rows[key], records[key], newest_s)
            obsolete += dead
            if live and matches(_newest(live)):
                found.append(key)
    yield Gather(_unlist(target, namespace, obsolete))
    return found[:limit] if limit else found


def delete_keys(target: Target, namespace: Namespace, keys: Sequence[str]) -> Flow[None]:
    """Delete records; keys that do not exist are skipped.

    Cost: two round trips' wait: for every 1,000 keys one request, then one for each list concerned.
    Before, one for every 10 keys that this object has not just seen.
    """
    wanted = list(dict.fromkeys(_checked_keys(keys)))
    if not wanted:
        return
    old = yield from _seen_or_read(target, namespace, wanted)
    yield from delete_many(
        target, namespace.partitions.by_key, map(record_key, wanted), unsplit=True
    )
    namespace.remember(dict.fromkeys(wanted))
    yield Gather(_unlist(target, namespace, [record for record in old.values() if record]))


def _records(
    groups: Mapping[str, str | None], old: Mapping[str, Record | None], now_s: float
) -> list[Record]:
    """What an update at that time makes of the keys."""
    version = uuid4().hex
    records = []
    for position, (key, group_id) in enumerate(groups.items()):
        known = old[key]
        if group_id is not None or known is None:
            shard = shard_of(key if group_id is None else group_id)
        else:
            shard = known.shard  # index() takes keys out of their groups, only to put them back
        records.append(
            Record(
                key=key,
                group_id=group_id,
                updated_at=now_s,
                since=(now_s, position) if known is None else known.since,
                shard=shard,
                version=version,
            )
        )
    return records


def _write(
    target: Target, namespace: Namespace, new: Sequence[Record], superseded: Sequence[Record]
) -> Flow[None]:
    partitions = namespace.partitions
    texts: dict[str, str] = {}
    for position, record in enumerate(new):
        if position % ROWS_AT_ONCE == 0:
            yield Sleep(0)
        texts[record.key] = record.text()
    yield Gather(
        [
            put_many(
                target,
                partitions.listing(shard),
                {record.list_key: texts[record.key] for record in records},
            )
            for shard, records in _by_shard(new).items()
        ]
    )
    by_key = {record_key(key): text for key, text in texts.items()}
    yield Gather(
        [
            put_many(target, partitions.by_key, by_key),
            *_unlist(target, namespace, superseded),
        ]
    )


def _unlist(target: Target, namespace: Namespace, records: Iterable[Record]) -> list[Flow[None]]:
    """What deletes the list rows of these updates."""
    return [
        delete_many(
            target,
            namespace.partitions.listing(shard),
            [record.list_key for record in listed],
            unsplit=True,
        )
        for shard, listed in _by_shard(records).items()
    ]


def _seen_or_read(
    target: Target, namespace: Namespace, keys: Iterable[str]
) -> Flow[dict[str, Record | None]]:
    keys = list(keys)
    records = namespace.recall(keys)
    records |= yield from _read(target, namespace, [key for key in keys if key not in records])
    return records


def _read(
    target: Target, namespace: Namespace, keys: Iterable[str]
) -> Flow[dict[str, Record | None]]:
    names = {key: record_key(key) for key in keys}
    texts = yield from get_many(target, namespace.partitions.by_key, names.values())
    return {key: read_record(texts[name]) if name in texts else None for key, name in names.items()}


def _list_rows(
    target: Target, namespace: Namespace, shards: Iterable[str]
) -> Flow[dict[str, list[Record]]]:
    """All rows of these lists, by key."""
    listed: list[dict[str, str]] = yield Gather(
        [list_documents(target, namespace.partitions.listing(shard)) for shard in shards]
    )
    rows: defaultdict[str, list[Record]] = defaultdict(list)
    for position, text in enumerate(text for texts in listed for text in texts.values()):
        if position % ROWS_AT_ONCE == 0:
            yield Sleep(0)
        record = read_record(text)
        rows[record.key].append(record)
    return rows


def _told_apart(
    rows: Sequence[Record], record: Record | None, newest_s: float
) -> tuple[list[Record], list[Record]]:
    """Which of a key's list rows count, and which may be deleted, by what is stored under it."""
    if record is None:
        # An update writes its list rows first, so this one may be about to write the record.
        return [], [row for row in rows if row.updated_at < newest_s - ABANDONED_S]
    live = [row for row in rows if row.updated_at >= record.updated_at]
    return live, [row for row in rows if row.updated_at < record.updated_at]


def _newest(rows: Iterable[Record]) -> Record:
    return max(rows, key=lambda row: row.updated_at)


def _by_shard(records: Iterable[Record]) -> dict[str, list[Record]]:
    shards: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        shards[record.shard].append(record)
    return shards


def _checked_keys(keys: Any) -> list[str]:
    return [
        checked_text(key, f"keys[{position}]")
        for position, key in enumerate(many(keys, "keys", "keys"))
    ]


def _checked_groups(group_ids: Any) -> list[str | None]:
    return [
        None if group_id is None else checked_text(group_id, f"group_ids[{position}]")
        for position, group_id in enumerate(many(group_ids or (), "group_ids", "group ids"))
    ]


def _groups_by_key(keys: Any, group_ids: Any) -> dict[str, str | None]:
    wanted = _checked_keys(keys)
    groups = _checked_groups(group_ids) or [None] * len(wanted)
    if len(groups) != len(wanted):
        raise InvalidArgumentError(
            f"There are {len(wanted)} keys but {len(groups)} group_ids.", field="group_ids"
        )
    return dict(zip(wanted, groups, strict=True))


def _check_time(value: Any, field: str) -> None:
    """A time that is no number would compare with nothing, and so delete everything."""
    if value is not None and (not isinstance(value, int | float) or value != value):
        raise InvalidArgumentError(
            f"{field} must be a time in seconds, not {value!r:.40}.", field=field
        )
