"""Texts larger than a document, split over rows.

The text is written as parts under a version of its own, and the row under its key (the head) names
that version. Parts come first and the head last, so a reader finds a whole text or the one before.
A list of versions that were once live says what may be deleted later without reading any text.
Called by ``documents`` only.

Three logical tables: the partition (heads), ``…#parts`` (``<version>/<n>``) and ``…#versions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from convex_mastra.errors import ProtocolError, ScanLimitError
from convex_mastra.flow import Flow, Gather
from convex_mastra.limits import DELETE_BATCH_IDS, MIB
from convex_mastra.ops.storage import (
    batches_by_size,
    delete_rows,
    load_many,
    query_rows,
    upsert_rows,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.wire import encode

PART_BYTES: Final = MIB - 16 * 1024
"""UTF-8 bytes of a part; its ids, names and system fields take the rest of the document."""
_CONTINUATION: Final = 0b1000_0000
_CONTINUATION_MASK: Final = 0b1100_0000


@dataclass(frozen=True, slots=True)
class SplitText:
    """A text that was cut, under a version of its own."""

    key: str
    version: str
    pieces: list[str]

    @property
    def head(self) -> Row:
        """The row under the text's key."""
        return {"id": self.key, "version": self.version, "parts": len(self.pieces)}


@dataclass(frozen=True, slots=True)
class Version:
    """A text that was cut, without the text."""

    id: str
    parts: int

    def part_ids(self) -> list[str]:
        """Under which keys its parts are."""
        return [f"{self.id}/{number}" for number in range(self.parts)]


def split(key: str, text: str) -> SplitText:
    """Cut *text* at character boundaries into parts that each fit into a document."""
    data = text.encode()
    pieces = []
    start = 0
    while start < len(data):
        end = min(start + PART_BYTES, len(data))
        while end < len(data) and data[end] & _CONTINUATION_MASK == _CONTINUATION:
            end -= 1
        pieces.append(data[start:end].decode())
        start = end
    return SplitText(key, uuid4().hex, pieces)


def write_parts(target: Target, partition: str, texts: Sequence[SplitText]) -> Flow[list[Version]]:
    """Write the parts, before the heads, and return the versions that the heads will replace.

    Once the new heads are written, no head can name a version that was in the list before.
    """
    if not texts:
        return []
    rows = [
        (row := {"id": part_id, "json": piece}, len(piece.encode()) + 200, len(encode(row)))
        for text in texts
        for part_id, piece in zip(_version(text.head).part_ids(), text.pieces, strict=True)
    ]
    replaced, _ = yield Gather(
        [
            versions_of(target, partition, [text.key for text in texts]),
            upsert_rows(target, _parts_table(partition), batches_by_size(rows)),
        ]
    )
    found: list[Version] = replaced
    return found


def settle(
    target: Target, partition: str, texts: Sequence[SplitText], replaced: Sequence[Version]
) -> Flow[None]:
    """List the versions that are live now, after the heads, and delete those they replaced."""
    if not texts:
        return
    live = [{"id": text.version, "key": text.key, "parts": len(text.pieces)} for text in texts]
    yield Gather(
        [
            upsert_rows(target, _versions_table(partition), [live]),
            drop(target, partition, replaced),
        ]
    )


def versions_of(target: Target, partition: str, keys: Iterable[str]) -> Flow[list[Version]]:
    """Return the versions that were ever live under *keys* and are not deleted yet.

    Cost: one round trip; it reads no text unless a partition has 10,000 split texts.
    """
    wanted = dict.fromkeys(keys)
    try:
        rows = yield from query_rows(target, _versions_table(partition), {})
    except ScanLimitError:
        heads = yield from load_many(target, partition, wanted)
        return [_version(head) for head in heads if "version" in head]
    return [Version(row["id"], _count(row)) for row in rows if row.get("key") in wanted]


def drop(target: Target, partition: str, versions: Sequence[Version]) -> Flow[None]:
    """Delete the parts of versions that no head names any more, then the versions."""
    part_ids = [part_id for version in versions for part_id in version.part_ids()]
    yield from delete_rows(target, _parts_table(partition), part_ids)
    yield from delete_rows(target, _versions_table(partition), [version.id for version in versions])


def drop_dead(target: Target, partition: str) -> Flow[None]:
    """Delete the parts of all versions that were live once and that no head names any more.

    A version is listed after its head was written, and never used again: listed, and not named by
    the head now, it is dead. Parts that no version lists may be those of a text that is being
    written; they stay.

    Cost: one round trip where there is none. Else, for every 1,000 versions, three round trips'
    wait: one request for every 10 of them and one for every 1,000 parts.
    """
    table = _versions_table(partition)
    while rows := (yield from query_rows(target, table, {}, limit=DELETE_BATCH_IDS)):
        heads = yield from load_many(target, partition, [row["key"] for row in rows])
        live = {head.get("version") for head in heads}
        dead = [Version(row["id"], _count(row)) for row in rows if row["id"] not in live]
        yield from drop(target, partition, dead)
        if not dead or len(rows) < DELETE_BATCH_IDS:
            return


def join(target: Target, partition: str, rows: Sequence[Row]) -> Flow[dict[str, str]]:
    """Return the texts of a partition's *rows*, by key; those that were split made whole.

    Raises:
        ProtocolError: parts are missing although the head still names them.
    """
    texts: dict[str, str | None] = {row["id"]: row.get("json") for row in rows}
    heads = {row["id"]: row for row in rows if "version" in row}
    while heads:
        part_ids = [i for head in heads.values() for i in _version(head).part_ids()]
        parts = yield from load_many(target, _parts_table(partition), part_ids)
        pieces = {part["id"]: part["json"] for part in parts if "json" in part}
        torn = {key: head for key, head in heads.items() if not _joined(key, head, pieces, texts)}
        if not torn:
            break
        # Replaced or deleted since its head was read: what the head says now is the answer.
        now = {row["id"]: row for row in (yield from load_many(target, partition, torn))}
        heads = {}
        for key, head in torn.items():
            row = now.get(key)
            if row is not None and row.get("version") == head["version"]:
                raise ProtocolError(f"Parts of document {key!r} of {partition} are missing.")
            texts[key] = None if row is None else row.get("json")
            if row is not None and "version" in row:
                heads[key] = row
    return {key: text for key, text in texts.items() if text is not None}


def _joined(key: str, head: Row, pieces: Mapping[str, str], texts: dict[str, str | None]) -> bool:
    part_ids = _version(head).part_ids()
    whole = all(part_id in pieces for part_id in part_ids)
    if whole:
        texts[key] = "".join(pieces[part_id] for part_id in part_ids)
    return whole


def _version(head: Row) -> Version:
    return Version(head["version"], _count(head))


def _count(row: Row) -> int:
    count = row.get("parts")
    if not isinstance(count, int | float):
        raise ProtocolError(f"The row {row['id']!r} does not say how many parts it has.")
    return int(count)


def _parts_table(partition: str) -> str:
    return f"{partition}#parts"


def _versions_table(partition: str) -> str:
    return f"{partition}#versions"
