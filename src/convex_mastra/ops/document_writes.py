"""Writing texts under keys, in partitions: the other half of ``documents``.

Texts are checked and made rows before anything is sent. Called by the faces of ``ConvexDocuments``
and by the adapters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow, Sleep, side_by_side
from convex_mastra.ops import document_parts, many_documents
from convex_mastra.ops.arguments import required_text
from convex_mastra.ops.storage import batches_by_size, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import encode

RESERVED_PREFIX: Final = "mastra_"
"""Names the storage handler gives tables of their own."""
PARTITION_NAME_BYTES: Final = 4096
DOCUMENT_ROW_BYTES: Final = 64
"""The columns ``table``, ``primaryKey`` and ``record`` around a record, without their values."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Texts that were checked, as the rows of their partition.

    Attributes:
        rows: those under the texts' keys, each with its Convex size and its size as JSON, in bytes.
        split: the texts that are larger than a document.
    """

    partition: str
    rows: list[tuple[Row, int, int]]
    split: list[document_parts.SplitText]


def put_many(
    target: Target, partition: str, documents: Mapping[str, str], *, in_order: bool = False
) -> Flow[None]:
    """Write texts; one whose key exists is replaced.

    Args:
        partition: any text without ``#`` that does not begin with ``mastra_``.
        documents: text by key; a key is not empty.
        in_order: make ``list_documents`` return new keys in the order given here, even if they do
            not fit into one request.

    Raises:
        InvalidArgumentError: a name, key or text that Convex cannot hold. Nothing was sent.

    Cost: one round trip for every 4 MiB or 1,000 texts, side by side unless *in_order*. A text
    beyond 1 MiB costs two round trips' wait more. A reader sees the old text of a key or the new
    one, never a mixture; a batch is applied whole or not at all.
    """
    prepared = yield from prepare(partition, documents)
    yield from put_prepared(target, prepared, in_order=in_order)


def put_each(
    target: Target, documents: Mapping[str, Mapping[str, str]], *, in_order: bool = False
) -> Flow[None]:
    """Write texts of several partitions.

    Args:
        documents: text by key, by partition.
        in_order: as of ``put_many``, in each partition.

    Raises:
        InvalidArgumentError: as of ``put_many``.

    Cost: that of ``put_many`` for each partition, side by side. Where
    ``convex_mastra/documents:write`` is deployed the partitions share requests: one round trip for
    every 4 MiB or 1,000 texts of all that are not larger than a document.
    """
    prepared = []
    for partition, texts in documents.items():
        prepared.append((yield from prepare(partition, texts)))
    yield from put_each_prepared(target, prepared, in_order=in_order)


def put_each_prepared(
    target: Target, prepared: Sequence[Prepared], *, in_order: bool = False
) -> Flow[None]:
    """Write what ``prepare`` returned for several partitions; cost as of ``put_each``."""
    whole = [one for one in prepared if not one.split]
    apart = prepared
    if len(whole) > 1:
        rows = [
            ((one.partition, row), size, json_size)
            for one in whole
            for row, size, json_size in one.rows
        ]
        if (yield from many_documents.write_rows(target, batches_by_size(rows), in_order=in_order)):
            apart = [one for one in prepared if one.split]
    yield from side_by_side([put_prepared(target, one, in_order=in_order) for one in apart])


def prepare(partition: str, documents: Mapping[str, str]) -> Flow[Prepared]:
    """Check texts and make them the rows that ``put_prepared`` writes. Sends nothing.

    Raises:
        InvalidArgumentError: as of ``put_many``.
    """
    check_partition(partition)
    rows: list[tuple[Row, int, int]] = []
    split: list[document_parts.SplitText] = []
    worked = 0
    for key, text in list(documents.items()):
        required_text(key, "key")
        field = f"document {key!r:.80} of {partition}"
        fixed = 2 * measure(key, field) + measure(partition, field) + DOCUMENT_ROW_BYTES
        if not isinstance(text, str):
            raise InvalidArgumentError(
                f"{field} must be a text, not {type(text).__name__}.", field=field
            )
        row: Row = {"id": key, "json": text}
        size = measure(row, field) + fixed
        worked += size
        if size + limits.DOCUMENT_SYSTEM_BYTES > limits.DOCUMENT_SIZE_BYTES:
            split.append(document_parts.split(key, text))
            row = split[-1].head
            size = measure(row, field) + fixed
            check_document_size(size, field)
        rows.append((row, size, len(encode(row))))
        if worked >= limits.MIB:
            yield Sleep(0)
            worked = 0
    return Prepared(partition, rows, split)


def put_prepared(target: Target, prepared: Prepared, *, in_order: bool = False) -> Flow[None]:
    """Write what ``prepare`` returned; arguments and cost as of ``put_many``."""
    partition, split = prepared.partition, prepared.split
    replaced = yield from document_parts.write_parts(target, partition, split)
    batches = batches_by_size(prepared.rows)
    for some in [[batch] for batch in batches] if in_order else [batches]:
        yield from upsert_rows(target, partition, some)
    yield from document_parts.settle(target, partition, split, replaced)


def check_partition(partition: str) -> None:
    """Check a partition's name.

    Raises:
        InvalidArgumentError: as of ``put_many``.
    """
    required_text(partition, "partition")
    if partition.startswith(RESERVED_PREFIX):
        problem = f"begins with {RESERVED_PREFIX!r}: such names are Mastra's"
    elif "#" in partition:
        problem = "holds a '#', which divides a partition's own tables"
    elif measure(partition, "partition") > PARTITION_NAME_BYTES:
        problem = f"is longer than {PARTITION_NAME_BYTES:,} bytes"
    else:
        return
    raise InvalidArgumentError(f"The partition {partition[:80]!r} {problem}.", field="partition")
