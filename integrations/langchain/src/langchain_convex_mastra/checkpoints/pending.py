"""Pending writes: what tasks wrote before the checkpoint that comes of it.

One row for each ``put_writes``, in a partition that a few steps share, so that one request writes them
and one reads them. Nothing is read before it is written: the first of several rows for the same task and
position is the one that counts, unless all their channels are special; then each has a row of its own,
which is replaced. What is large is kept beside them, by key. Called by the saver; ``pending_reads``
reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import uuid4

from langgraph.checkpoint.base import WRITES_IDX_MAP
from langgraph.checkpoint.serde.base import SerializerProtocol

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.partitions import name_part
from convex_mastra.ops.storage import batches_by_size, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.blobs import (
    SizedRow,
    blob_rows,
    cuts_of,
    packed,
    sized,
    text_of,
)
from langchain_convex_mastra.checkpoints.desk import Desk, checkpoint_id_of, place_of
from langchain_convex_mastra.checkpoints.layout import Place, bucket_of, digest, write_prefix
from langchain_convex_mastra.checkpoints.ledger import Memory, Volume
from langchain_convex_mastra.checkpoints.pending_reads import REPLACES, VOLUME_MARK, is_special
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
    now_s = desk.ledger.clock()
    if volume.name is not None and not desk.ledger.is_named(volume):
        mark: Row = {"id": f"{VOLUME_MARK}{volume.name}", "since_s": now_s}
        first.append(upsert_rows(target, place.writes(bucket), [[mark]]))
    if first:
        yield Gather(first)
        memory.buckets.add(bucket)
        volume.named_s = now_s
    yield from upsert_rows(target, place.writes(bucket, volume.name), [[row for row, _, _ in rows]])


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
        parts = [(f"{REPLACES}{item[0]}", [item]) for item in {i[0]: i for i in items}.values()]
    partition = place.writes(bucket_of(checkpoint_id))
    rows: list[SizedRow] = []
    beside: list[SizedRow] = []
    for suffix, part in parts:
        text = text_of([task_id, task_path, part])
        key = f"{write_prefix(checkpoint_id)}{name_part(task_id)}/{suffix or digest(text)}"
        if len(text) <= length:
            rows.append(sized({"id": key, "json": text}, partition))
            continue
        at = f"w/{name_part(checkpoint_id)}/{digest(text)}"
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
    """Choose where *rows* go, and count them at once: others choose while these are being sent."""
    if is_special(rows[0][0]):
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
    volume.rows += len(rows)
    volume.size += _size_of(rows)
    return volume
