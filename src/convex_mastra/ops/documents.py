"""Texts under keys, in partitions: ``mastra_documents``. Reading and deleting them.

For what Mastra has no table for: a framework's nodes, key-value pairs, checkpoints. A partition is
a logical table of its own, so that reading one never reads another. Texts larger than a document
are split over rows, see ``document_parts``; writing is in ``document_writes``. Called by the faces
of ``ConvexDocuments`` and by the adapters; what a text says is their business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from convex_mastra import limits
from convex_mastra.flow import Flow, side_by_side
from convex_mastra.ops import document_parts, many_documents
from convex_mastra.ops.arguments import distinct_ids
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.document_writes import check_partition
from convex_mastra.ops.long_partitions import list_rows
from convex_mastra.ops.storage import delete_rows, load_many, query_rows
from convex_mastra.ops.target import Target


def get_many(target: Target, partition: str, keys: Iterable[str]) -> Flow[dict[str, str]]:
    """Return the texts that exist, by key, in the order of *keys*.

    Cost: one round trip for every 10 keys, side by side; for texts beyond 1 MiB one wait more. Where
    ``convex_mastra/documents:load`` is deployed, one for every 500. On a handler before 1.2.1 a
    round trip for every key and part.
    """
    check_partition(partition)
    wanted = distinct_ids(keys, "keys")
    rows = None
    if len(wanted) > limits.LOAD_MANY_IDS:
        rows = yield from many_documents.load_rows(target, partition, wanted)
    if rows is None:
        rows = yield from load_many(target, partition, wanted)
    return (yield from document_parts.join(target, partition, rows))


def list_documents(target: Target, partition: str) -> Flow[dict[str, str]]:
    """Return all texts of a partition, by key, in the order in which the keys were first written.

    Raises:
        ScanLimitError: the partition holds 10,000 rows or more, or more bytes than the deployment
            reads in one call (16 MiB). Stock deployments cannot read such a partition page by
            page; spread it over several, or read by key.

    Cost: one round trip; one wait more if there are texts beyond 1 MiB.
    """
    check_partition(partition)
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
    check_partition(partition)
    rows = yield from list_rows(target, partition)
    return (yield from document_parts.join(target, partition, rows))


def list_each(target: Target, partitions: Sequence[str]) -> Flow[list[dict[str, str]]]:
    """Return for each partition all its texts, as ``list_long`` does.

    Raises:
        ScanLimitError: as of ``list_long``.

    Cost: one round trip for every partition, side by side. Where ``convex_mastra/documents:ranges``
    is deployed one for every 100, and for long ones what ``list_long`` takes.
    """
    for partition in partitions:
        check_partition(partition)
    listed = None
    if len(partitions) > 1:
        listed = yield from many_documents.list_rows(target, partitions)
    if listed is None:
        listed = [None] * len(partitions)
    return (
        yield from side_by_side(
            [
                list_long(target, partition)
                if rows is None
                else document_parts.join(target, partition, rows)
                for partition, rows in zip(partitions, listed, strict=True)
            ]
        )
    )


def first_keys(target: Target, partition: str, limit: int) -> Flow[list[str]]:
    """Return the keys that were first written, *limit* at most, however many there are.

    Cost: one round trip, which reads the texts.
    """
    check_partition(partition)
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
    check_partition(partition)
    keys = distinct_ids(keys, "keys")
    if not keys:
        return
    obsolete = []
    if not unsplit:
        obsolete = yield from document_parts.versions_of(target, partition, keys)
    yield from delete_rows(target, partition, keys)
    yield from document_parts.drop(target, partition, obsolete)


def delete_each(target: Target, keys: Mapping[str, Sequence[str]]) -> Flow[None]:
    """Delete texts of several partitions, none of which was ever larger than a document.

    Args:
        keys: by partition.

    Cost: one round trip for every 1,000 keys of each partition, side by side; of all of them where
    ``convex_mastra/documents:remove`` is deployed.
    """
    distinct = {partition: distinct_ids(some, "keys") for partition, some in keys.items()}
    for partition in distinct:
        check_partition(partition)
    if len(distinct) > 1:
        placed = [(partition, key) for partition, some in distinct.items() for key in some]
        if (yield from many_documents.delete_rows(target, placed)):
            return
    yield from side_by_side(
        [delete_rows(target, partition, some) for partition, some in distinct.items()]
    )


def clear(target: Target, partition: str) -> Flow[None]:
    """Delete all texts of a partition; one that is written meanwhile is there whole, or not at all.

    Cost: one round trip for every 25, and one more; where there were texts beyond 1 MiB, that of
    ``document_parts.drop_dead``.
    """
    check_partition(partition)
    yield from clear_table(target, partition)
    yield from document_parts.drop_dead(target, partition)
