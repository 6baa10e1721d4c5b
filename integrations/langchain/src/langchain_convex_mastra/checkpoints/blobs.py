"""Serialised values as rows: bytes of any size under a key.

A serialiser's bytes are kept as they are, as base64 text. What is larger than a document is cut into
parts under a digest of its own, written before the row that names it. Called by the rooms that read
and write; knows no checkpoints.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from convex_mastra.errors import LimitExceededError
from convex_mastra.flow import Flow
from convex_mastra.jsontext import dumps
from convex_mastra.ops.storage import load_many
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.layout import digest
from langchain_convex_mastra.checkpoints.strict import (
    PARTS_MAX,
    damaged,
    read_bytes,
    read_cut,
)

PART_BYTES: Final = 720 * 1024
"""Bytes of a part: a multiple of three, so that the base64 texts of parts are those of the whole,
and as text within a document (1 MiB) with its names."""
ROW_BYTES: Final = 256
"""What a row takes besides its key, its partition's name and its texts."""

Blob = tuple[str, bytes]
"""A type and bytes, as a serialiser returns them."""
Cut = tuple[str, int]
"""Under which version a blob was cut, and into how many parts."""
SizedRow = tuple[Row, int, int]
"""A row with its sizes in Convex and as JSON, for ``batches_by_size``."""


def text_of(value: Any) -> str:
    """Write JSON; lone surrogates and integers of any size are kept."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return dumps(value, "checkpoint")


def sized(row: Row, partition: str) -> SizedRow:
    """A row of texts and small numbers with its sizes; a little too large rather than too small."""
    size = len(partition) + 2 * len(row["id"]) + ROW_BYTES
    for text in row.values():
        if type(text) is str:
            size += len(text) if text.isascii() else len(text.encode())
    return row, size, 2 * size  # a JSON text inside JSON: its quotes are escaped


def packed(blob: Blob) -> list[str]:
    """A blob as JSON."""
    return [blob[0], b64encode(blob[1]).decode("ascii")]


def unpacked(pair: Any) -> Blob:
    """A blob that ``packed`` wrote.

    Raises:
        LookupError, TypeError, ValueError: it is none.
    """
    kind, text = pair
    if not isinstance(kind, str):
        raise TypeError
    return kind, b64decode(text, validate=True)


def blob_rows(partition: str, key: str, blob: Blob) -> list[SizedRow]:
    """The rows of a blob; the one under *key* is the last.

    Raises:
        LimitExceededError: it has more than 5.6 GiB.
    """
    kind, data = blob
    if len(data) <= PART_BYTES:
        text = b64encode(data).decode("ascii")
        fixed = len(partition) + 2 * len(key) + len(kind) + ROW_BYTES
        return [({"id": key, "type": kind, "data": text}, len(text) + fixed, len(text) + fixed)]
    if len(data) > PARTS_MAX * PART_BYTES:
        raise LimitExceededError(
            f"The value under {key!r:.200} has {len(data):,} bytes; the limit is "
            f"{PARTS_MAX * PART_BYTES:,}.",
            size=len(data),
            limit=PARTS_MAX * PART_BYTES,
        )
    version = digest(data)
    starts = range(0, len(data), PART_BYTES)
    rows: list[SizedRow] = []
    for number, start in enumerate(starts):
        text = b64encode(data[start : start + PART_BYTES]).decode("ascii")
        fixed = len(partition) + 2 * len(key) + ROW_BYTES
        row = {"id": _part_key(key, version, number), "data": text}
        rows.append((row, len(text) + fixed, len(text) + fixed))
    head: Row = {"id": key, "type": kind, "version": version, "parts": len(starts)}
    return [*rows, sized(head, partition)]


def part_keys(row: Row) -> list[str]:
    """The keys of a blob's parts; none of one that was not cut."""
    cut = read_cut(row)
    return [] if cut is None else cut_keys(row["id"], *cut)


def cut_keys(key: str, version: str, parts: int) -> list[str]:
    """The keys of the parts of a blob under *key*."""
    return [_part_key(key, version, number) for number in range(parts)]


def cuts_of(rows: Iterable[SizedRow]) -> dict[str, Cut]:
    """How the blobs among *rows* were cut, by key; those that were not are left out."""
    return {row["id"]: (row["version"], row["parts"]) for row, _, _ in rows if "version" in row}


def load_blobs(target: Target, partition: str, keys: Iterable[str]) -> Flow[dict[str, Blob]]:
    """Return the blobs that exist, by key.

    Cost: one round trip for every 10 keys, side by side; one wait more if one was cut.
    """
    rows = yield from load_many(target, partition, keys)
    return (yield from join(target, partition, rows))


def join(target: Target, partition: str, rows: Iterable[Row]) -> Flow[dict[str, Blob]]:
    """Return the blobs of *rows*, by key; one whose parts were deleted meanwhile is left out.

    Raises:
        ProtocolError: a row holds none.
    """
    rows = list(rows)
    wanted = [key for row in rows for key in part_keys(row)]
    parts: Mapping[str, Row] = {}
    if wanted:
        found = yield from load_many(target, partition, wanted)
        parts = {part["id"]: part for part in found}
    blobs: dict[str, Blob] = {}
    for row in rows:
        if "data" in row:
            blobs[row["id"]] = _type_of(row), read_bytes(row)
        elif not (keys := part_keys(row)):
            raise damaged(row["id"])
        elif all(key in parts for key in keys):
            blobs[row["id"]] = _type_of(row), b"".join(read_bytes(parts[key]) for key in keys)
    return blobs


def _type_of(row: Row) -> str:
    if not isinstance(row.get("type"), str):
        raise damaged(row["id"])
    return str(row["type"])


def _part_key(key: str, version: str, number: int) -> str:
    return f"{key}/{version}/{number}"
