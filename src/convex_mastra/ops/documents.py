"""Texts under keys, in partitions: ``mastra_documents``.

For what Mastra has no table for: a framework's nodes, key-value pairs, checkpoints. A partition is
a logical table of its own, so that reading one never reads another. Texts larger than a document
are split over rows, see ``document_parts``. Called by the faces of ``ConvexDocuments`` and by the
adapters; what a text says is their business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.errors import (
    FunctionError,
    InvalidArgumentError,
    ProtocolError,
    ScanLimitError,
)
from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.ops import document_parts
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.arguments import distinct_ids, required_text
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.storage import (
    batches_by_size,
    checked_rows,
    delete_rows,
    is_read_limit,
    load_many,
    query_rows,
    upsert_rows,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import DOCUMENTS_PAGE_FUNCTION, encode

RESERVED_PREFIX: Final = "mastra_"
"""Names the storage handler gives tables of their own."""
PARTITION_NAME_BYTES: Final = 4096
DOCUMENT_ROW_BYTES: Final = 64
"""The columns ``table``, ``primaryKey`` and ``record`` around a record, without their values."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Texts that were checked, as the rows of their partition.

    Attributes:
        batches: the rows under the texts' keys, as many as one request can carry.
        split: the texts that are larger than a document.
    """

    partition: str
    batches: list[list[Row]]
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


def prepare(partition: str, documents: Mapping[str, str]) -> Flow[Prepared]:
    """Check texts and make them the rows that ``put_prepared`` writes. Sends nothing.

    Raises:
        InvalidArgumentError: as of ``put_many``.
    """
    _check_partition(partition)
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
    return Prepared(partition, batches_by_size(rows), split)


def put_prepared(target: Target, prepared: Prepared, *, in_order: bool = False) -> Flow[None]:
    """Write what ``prepare`` returned; arguments and cost as of ``put_many``."""
    partition, split = prepared.partition, prepared.split
    replaced = yield from document_parts.write_parts(target, partition, split)
    if in_order:
        for batch in prepared.batches:
            yield from upsert_rows(target, partition, [batch])
    else:
        yield from upsert_rows(target, partition, prepared.batches)
    yield from document_parts.settle(target, partition, split, replaced)


def get_many(target: Target, partition: str, keys: Iterable[str]) -> Flow[dict[str, str]]:
    """Return the texts that exist, by key, in the order of *keys*.

    Cost: one round trip for every 10 keys, side by side; for texts beyond 1 MiB one wait more. On a
    handler before 1.2.1 a round trip for every key and part.
    """
    _check_partition(partition)
    rows = yield from load_many(target, partition, distinct_ids(keys, "keys"))
    return (yield from document_parts.join(target, partition, rows))


def list_documents(target: Target, partition: str) -> Flow[dict[str, str]]:
    """Return all texts of a partition, by key, in the order in which the keys were first written.

    Raises:
        ScanLimitError: the partition holds 10,000 rows or more, or more bytes than the deployment
            reads in one call (16 MiB). Stock deployments cannot read such a partition page by
            page; spread it over several, or read by key.

    Cost: one round trip; one wait more if there are texts beyond 1 MiB.
    """
    _check_partition(partition)
    rows = yield from query_rows(target, partition, {})
    return (yield from document_parts.join(target, partition, rows))


def list_long(target: Target, partition: str) -> Flow[dict[str, str]]:
    """Return all texts of a partition that may be too long for ``list_documents``, as that does.

    A long one is read page by page: a text that is written or deleted meanwhile may be missing or
    not; every other is there, once.

    Raises:
        ScanLimitError: as of ``list_documents``, where ``convex_mastra/documents:page`` is not
            deployed.

    Cost: that of ``list_documents``; of a long partition one round trip more for every 4,096 texts,
    one after the other.
    """
    try:
        return (yield from list_documents(target, partition))
    except ScanLimitError:
        rows = yield from _read_pages(target, partition)
        if rows is None:
            raise
    return (yield from document_parts.join(target, partition, rows))


def first_keys(target: Target, partition: str, limit: int) -> Flow[list[str]]:
    """Return the keys that were first written, *limit* at most, however many there are.

    Cost: one round trip, which reads the texts.
    """
    _check_partition(partition)
    rows = yield from query_rows(target, partition, {}, limit=limit)
    return [row["id"] for row in rows]


def delete_many(
    target: Target, partition: str, keys: Iterable[str], *, unsplit: bool = False
) -> Flow[None]:
    """Delete texts; keys that do not exist are skipped.

    Args:
        unsplit: the caller knows that none of the texts was ever larger than a document.

    Cost: one round trip to learn which texts are split, unless *unsplit*, then one for every 1,000
    keys, side by side. Texts are not read.
    """
    _check_partition(partition)
    keys = distinct_ids(keys, "keys")
    if not keys:
        return
    obsolete = []
    if not unsplit:
        obsolete = yield from document_parts.versions_of(target, partition, keys)
    yield from delete_rows(target, partition, keys)
    yield from document_parts.drop(target, partition, obsolete)


def clear(target: Target, partition: str) -> Flow[None]:
    """Delete all texts of a partition. One round trip for every 25."""
    _check_partition(partition)
    yield from clear_table(target, partition)
    yield Gather([clear_table(target, table) for table in document_parts.tables_of(partition)])


def _read_pages(target: Target, partition: str) -> Flow[list[Row] | None]:
    """All rows of a partition, or None where our function is not deployed."""
    rows: dict[str, Row] = {}
    cursor: str | None = None
    limit = limits.DOCUMENT_PAGE_ROWS
    is_done = False
    while not is_done:
        args = {"table": partition, "cursor": cursor, "limit": limit}
        try:
            page = yield from ask_own(target, DOCUMENTS_PAGE_FUNCTION, args)
        except FunctionError as error:
            if limit == 1 or not is_read_limit(error):
                raise
            limit //= 2
            continue
        if page is None:
            return None
        records, is_done, next_cursor = _page_of(page)
        if not is_done and next_cursor == cursor:
            raise ProtocolError(f"{DOCUMENTS_PAGE_FUNCTION} returned the same cursor twice.")
        cursor = next_cursor
        rows.update((row["id"], row) for row in records)
    return list(rows.values())


def _page_of(page: Any) -> tuple[list[Row], bool, str]:
    if isinstance(page, dict):
        is_done, cursor = page.get("isDone"), page.get("continueCursor")
        if isinstance(is_done, bool) and isinstance(cursor, str):
            return checked_rows(page.get("records"), DOCUMENTS_PAGE_FUNCTION), is_done, cursor
    raise ProtocolError(f"{DOCUMENTS_PAGE_FUNCTION} returned no page.")


def _check_partition(partition: str) -> None:
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
