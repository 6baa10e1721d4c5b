"""Reading pending writes, in the order in which LangGraph applies them.

What ``pending`` says of its rows is told apart here: which of several writes of a task counts, what is
in volumes, what is kept beside. Called by the rooms that read, delete and copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from langgraph.checkpoint.base import PendingWrite, writes_sort_key
from langgraph.checkpoint.serde.base import SerializerProtocol

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.long_partitions import list_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.blobs import Blob, load_blobs, part_keys, unpacked
from langchain_convex_mastra.checkpoints.layout import Place, bucket_of, write_prefix
from langchain_convex_mastra.checkpoints.strict import damaged, read_json, read_value, text

VOLUME_MARK: Final = "+"
"""What the row of a bucket begins with that names a volume."""
REPLACES: Final = "="
"""What the last part of a row's key begins with whose latest write counts."""


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


def read_bucket(target: Target, place: Place, bucket: str) -> Flow[Bucket]:
    """Return the rows of a bucket.

    Raises:
        ScanLimitError: a stock deployment, and more than 10,000 writes of other processes, or 16
            MiB of them, share it.

    Cost: one round trip; one wait more if it has volumes.
    """
    rows = yield from list_rows(target, place.writes(bucket))
    names = [row["id"][1:] for row in rows if row["id"].startswith(VOLUME_MARK)]
    if not names:
        return Bucket(rows)
    volumes: list[list[Row]] = yield Gather(
        [list_rows(target, place.writes(bucket, one)) for one in names]
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
    wanted = [_beside_key(row) for found in rows.values() for row in found if "beside" in row]
    beside: dict[str, Blob] = {}
    if wanted:
        beside = yield from load_blobs(target, place.state, wanted)
    return {one: _in_order(found, beside) for one, found in rows.items()}


def writes_of(rows: list[Row], checkpoint_id: str) -> list[Write] | None:
    """Return the pending writes of a checkpoint from all rows of its bucket.

    None if some of them lie in volumes, or beside the bucket.
    """
    own = Bucket(rows).of(checkpoint_id)
    if any(row["id"].startswith(VOLUME_MARK) for row in rows) or any("beside" in r for r in own):
        return None
    return _in_order(own, {})


def beside_keys(row: Row) -> list[str]:
    """The keys of what is kept beside a row of pending writes."""
    if "beside" not in row:
        return []
    return [row["beside"], *part_keys({**row, "id": row["beside"]})]


def pending_writes(serde: SerializerProtocol, writes: Iterable[Write]) -> list[PendingWrite]:
    """Return writes as a ``CheckpointTuple`` has them."""
    return [
        (one.task_id, one.channel, read_value(serde, one.blob, f"a write of task {one.task_id!r}"))
        for one in writes
    ]


def is_special(row: Row) -> bool:
    """Whether a row holds a write to a special channel, of which the latest counts."""
    return bool(row["id"].rsplit("/", 1)[1].startswith(REPLACES))


def _beside_key(row: Row) -> str:
    if not isinstance(row["beside"], str):
        raise damaged(row["id"])
    return str(row["beside"])


def _text_of(row: Row, blob: Blob) -> str:
    try:
        return blob[1].decode()
    except UnicodeDecodeError:
        raise damaged(row["id"]) from None


def _writes_of(fields: Any) -> list[Write]:
    task_id, task_path, items = text(fields[0]), text(fields[1]), fields[2]
    return [
        Write(task_id, int(index), task_path, text(channel), unpacked(pair))
        for index, channel, pair in items
    ]


def _in_order(rows: Sequence[Row], beside: dict[str, Blob]) -> list[Write]:
    found: dict[tuple[str, int], Write] = {}
    replaced: dict[tuple[str, int], Write] = {}
    for row in rows:
        whole = row
        if "beside" in row:
            if row["beside"] not in beside:
                continue  # deleted meanwhile
            whole = {"id": row["id"], "json": _text_of(row, beside[row["beside"]])}
        chosen = replaced if is_special(row) else found
        for write in read_json(whole, _writes_of):
            chosen.setdefault((write.task_id, write.index), write)
    return sorted((found | replaced).values(), key=lambda write: write.order)
