"""Pending writes: what tasks wrote before the checkpoint that comes of it.

One row for each ``put_writes``, in a partition that a few steps share, so that one request writes them
and one reads them. Nothing is read before it is written: the first of several rows for the same task and
position is the one that counts, unless all their channels are special; then each has a row of its own,
which is replaced. What is large is kept beside them, by key. Called by the saver and by the rooms that
read, delete and copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from langgraph.checkpoint.base import WRITES_IDX_MAP, PendingWrite, writes_sort_key
from langgraph.checkpoint.serde.base import SerializerProtocol

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow, Gather
from convex_mastra.jsontext import loads
from convex_mastra.ops.storage import batches_by_size, query_rows, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.blobs import (
    Blob,
    SizedRow,
    blob_rows,
    cuts_of,
    load_blobs,
    packed,
    part_keys,
    sized,
    text_of,
    unpacked,
)
from langchain_convex_mastra.checkpoints.desk import Desk, checkpoint_id_of, place_of
from langchain_convex_mastra.checkpoints.layout import Place, bucket_of, digest, name, write_prefix
from langchain_convex_mastra.checkpoints.ledger import Memory, Volume
from langchain_convex_mastra.checkpoints.putting import announce

ROW_LENGTH: Final = 64 * 1024
"""Longer rows are kept beside the bucket."""
SPECIAL_ROW_LENGTH: Final = 4 * 1024
"""Of special channels, which are always in the bucket itself."""
BUCKET_ROWS: Final = 64
BUCKET_BYTES: Final = 256 * 1024
"""What one saver writes into a bucket; more goes to volumes, which the bucket names."""
VOLUME_ROWS: Final = 1_000
VOLUME_BYTES: Final = 4 * 1024 * 1024
VOLUMES: Final = 64
"""How many buckets of a place are counted; one that is forgotten is counted anew."""
VOLUME_MARK: Final = "+"
_REPLACES: Final = "="


@dataclass(slots=True)
class Write:
    """A pending write.

    Attributes:
        index: its place among those of its task; negative for special channels.
    """

    task_id: str
    index: int
    task_path: str
    channel: str
    blob: Blob

    @property
    def order(self) -> tuple[str, str, int]:
        """Where it comes among the writes of a checkpoint."""
        return writes_sort_key(self.task_path, self.task_id, self.index)


@dataclass(slots=True)
class Bucket:
    """The rows of a bucket, as they lie there.

    Attributes:
        rows: those of the bucket itself.
        volumes: the rows of each volume, by its name.
    """

    rows: list[Row] = field(default_factory=list)
    volumes: dict[str, list[Row]] = field(default_factory=dict)

    def of(self, checkpoint_id: str) -> list[Row]:
        """The rows of one checkpoint, those that were written first before the others."""
        prefix = write_prefix(checkpoint_id)
        return [row for _, rows in self.parts() for row in rows if row["id"].startswith(prefix)]

    def parts(self) -> list[tuple[str | None, list[Row]]]:
        """The rows of the bucket itself (None), and those of each volume."""
        return [(None, self.rows), *self.volumes.items()]


def put_writes(
    target: Target,
    desk: Desk,
    config: Any,
    writes: Sequence[tuple[str, Any]],
    task_id: str,
    task_path: str,
) -> Flow[None]:
    """Store the pending writes of a task.

    Cost: one round trip; for more than 64 KiB one wait more. One more for a checkpoint if this
    saver neither put nor read one of its nearest ancestors.
    """
    place, checkpoint_id = place_of(config), checkpoint_id_of(config)
    if checkpoint_id is None:
        raise InvalidArgumentError(
            "config must name the checkpoint whose writes these are.",
            field="config.configurable.checkpoint_id",
        )
    if not writes:
        return
    rows, beside = _rows_of(desk.serde, place, checkpoint_id, writes, task_id, task_path)
    bucket = bucket_of(checkpoint_id)
    memory = desk.ledger.of(place)
    first: list[Flow[Any]] = []
    if bucket not in memory.buckets:
        if not desk.ledger.is_announced(place):
            first.append(announce(target, desk, place))
        first.append(upsert_rows(target, place.stray, [[{"id": bucket}]]))
    if beside:
        first.append(upsert_rows(target, place.state, batches_by_size(beside)))
    volume = _volume_for(memory, bucket, rows)
    if volume.name is not None and volume.rows == 0:
        mark: Row = {"id": f"{VOLUME_MARK}{volume.name}"}
        first.append(upsert_rows(target, place.writes(bucket), [[mark]]))
    if first:
        yield Gather(first)
        memory.buckets.add(bucket)
    volume.rows += len(rows)
    volume.size += _size_of(rows)
    yield from upsert_rows(target, place.writes(bucket, volume.name), [[row for row, _, _ in rows]])


def read_bucket(target: Target, place: Place, bucket: str) -> Flow[Bucket]:
    """Return the rows of a bucket.

    Raises:
        ScanLimitError: more than 10,000 writes of other processes share it.

    Cost: one round trip; one wait more if it has volumes.
    """
    rows = yield from query_rows(target, place.writes(bucket), {})
    names = [row["id"][1:] for row in rows if row["id"].startswith(VOLUME_MARK)]
    if not names:
        return Bucket(rows)
    volumes: list[list[Row]] = yield Gather(
        [query_rows(target, place.writes(bucket, one), {}) for one in names]
    )
    return Bucket(rows, dict(zip(names, volumes, strict=True)))


def read_writes(
    target: Target, place: Place, checkpoint_ids: Iterable[str]
) -> Flow[dict[str, list[Write]]]:
    """Return the pending writes of checkpoints, in the order in which they are applied.

    Cost: one round trip for every four steps, side by side.
    """
    by_bucket: dict[str, list[str]] = {}
    for one in checkpoint_ids:
        by_bucket.setdefault(bucket_of(one), []).append(one)
    buckets: list[Bucket] = yield Gather(
        [read_bucket(target, place, bucket) for bucket in by_bucket]
    )
    rows = {
        one: bucket.of(one)
        for bucket, ids in zip(buckets, by_bucket.values(), strict=True)
        for one in ids
    }
    wanted = [row["beside"] for found in rows.values() for row in found if "beside" in row]
    beside: dict[str, Blob] = {}
    if wanted:
        beside = yield from load_blobs(target, place.state, wanted)
    return {one: _in_order(found, beside) for one, found in rows.items()}


def beside_keys(row: Row) -> list[str]:
    """The keys of what is kept beside a row of pending writes."""
    if "beside" not in row:
        return []
    return [row["beside"], *part_keys({**row, "id": row["beside"]})]


def pending_writes(serde: SerializerProtocol, writes: Iterable[Write]) -> list[PendingWrite]:
    """Return writes as a ``CheckpointTuple`` has them."""
    return [(one.task_id, one.channel, serde.loads_typed(one.blob)) for one in writes]


def _rows_of(
    serde: SerializerProtocol,
    place: Place,
    checkpoint_id: str,
    writes: Sequence[tuple[str, Any]],
    task_id: str,
    task_path: str,
) -> tuple[list[SizedRow], list[SizedRow]]:
    """The rows of a call, and those that are kept beside them."""
    items = [
        (WRITES_IDX_MAP.get(channel, index), channel, packed(serde.dumps_typed(value)))
        for index, (channel, value) in enumerate(writes)
    ]
    length = ROW_LENGTH
    parts = [("", items)]
    if all(channel in WRITES_IDX_MAP for channel, _ in writes):
        length = SPECIAL_ROW_LENGTH
        parts = [(f"{_REPLACES}{item[0]}", [item]) for item in {i[0]: i for i in items}.values()]
    partition = place.writes(bucket_of(checkpoint_id))
    rows: list[SizedRow] = []
    beside: list[SizedRow] = []
    for suffix, part in parts:
        text = text_of([task_id, task_path, part])
        key = f"{write_prefix(checkpoint_id)}{name(task_id)}/{suffix or digest(text)}"
        if len(text) <= length:
            rows.append(sized({"id": key, "json": text}, partition))
            continue
        at = f"w/{name(checkpoint_id)}/{digest(text)}"
        blob = blob_rows(place.state, at, ("json", text.encode()))
        beside += blob
        row: Row = {"id": key, "beside": at}
        if (cut := cuts_of(blob).get(at)) is not None:
            row["version"], row["parts"] = cut
        rows.append(sized(row, partition))
    return rows, beside


def _size_of(rows: Iterable[SizedRow]) -> int:
    return sum(size for _, size, _ in rows)


def _volume_for(memory: Memory, bucket: str, rows: Sequence[SizedRow]) -> Volume:
    if _is_special(rows[0][0]):
        return Volume()  # so that what replaces and what is replaced are one row
    volume = memory.volumes.get(bucket)
    if volume is None:
        volume = memory.volumes[bucket] = Volume()
        if len(memory.volumes) > VOLUMES:
            memory.volumes.popitem(last=False)
    rows_max, bytes_max = (
        (BUCKET_ROWS, BUCKET_BYTES) if volume.name is None else (VOLUME_ROWS, VOLUME_BYTES)
    )
    if volume.rows and (volume.rows >= rows_max or volume.size + _size_of(rows) > bytes_max):
        volume = memory.volumes[bucket] = Volume(uuid4().hex[:16])
    return volume


def _is_special(row: Row) -> bool:
    return bool(row["id"].rsplit("/", 1)[1].startswith(_REPLACES))


def _in_order(rows: Sequence[Row], beside: dict[str, Blob]) -> list[Write]:
    found: dict[tuple[str, int], Write] = {}
    replaced: dict[tuple[str, int], Write] = {}
    for row in rows:
        if "json" in row:
            text = row["json"]
        elif row["beside"] in beside:
            text = beside[row["beside"]][1].decode()
        else:
            continue  # deleted meanwhile
        task_id, task_path, items = loads(text)
        chosen = replaced if _is_special(row) else found
        for index, channel, pair in items:
            write = Write(task_id, int(index), task_path, channel, unpacked(pair))
            chosen.setdefault((task_id, write.index), write)
    return sorted((found | replaced).values(), key=lambda write: write.order)
