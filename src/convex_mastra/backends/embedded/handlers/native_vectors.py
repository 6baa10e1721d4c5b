"""The functions over native vector tables: ``mastra/nativeVector:query``, ``:read``, ``:write``.

Re-tells src/server/native-vector.ts. What these throw fails the function, and nothing it wrote
stays. No ``$or`` ever arrives: Convex takes no argument with such a key. Rows are written, read and
counted by ``transaction`` like those of any table; ``native_tables`` says which tables there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from convex_mastra import limits
from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers.native_arguments import READ, SEARCH, WRITE, check
from convex_mastra.backends.embedded.handlers.replies import ok
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.native_search import nearest
from convex_mastra.backends.embedded.native_tables import (
    BY_CONVEX_ID,
    Config,
    NativeTable,
    declare,
    find,
    owner_of,
)
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.scoring import Vector
from convex_mastra.wire import Json


def search(transaction: Transaction, args: Json) -> list[Json]:
    """Return ``[{id, score}]`` of the documents nearest to ``vector``, best first.

    Raises:
        Thrown: an argument that cannot be.
    """
    check(SEARCH, args)
    limit = js.get(args, "limit")
    if limit is not js.UNDEFINED and not _is_limit(limit):
        raise Thrown(
            f"Native vector query: limit must be an integer between 1 and {limits.NATIVE_RESULTS}"
        )
    query = _array(args["vector"])
    if not len(query):
        raise Thrown("`vector` must be a non-empty Array in vectorSearch")
    table = find(transaction.connection, Config.of(args["config"]))
    if table is None:
        return []
    if len(query) != table.dimension:
        raise Thrown(f"Expected a vector with dimensions {table.dimension}, received {len(query)}.")
    if not np.isfinite(query).all():
        raise Thrown("Invalid vector query: its numbers must be finite.")
    clause = args.get("filter")
    if clause is not None and clause["field"] not in table.config.filter_fields:
        raise Thrown(
            f'"{clause["field"]}" is no filter field of the vector index '
            f'"{table.name}.{table.config.vector_index_name}".'
        )
    count = limits.NATIVE_RESULTS_DEFAULT if limit is js.UNDEFINED else int(limit)
    hits = nearest(transaction, table, query, count, clause)
    return [{"id": identity, "score": score} for identity, score in hits]


def read(transaction: Transaction, args: Json) -> Any:
    """Return documents by their ids, or how many there are.

    Raises:
        Thrown: an argument that cannot be.
    """
    check(READ, args)
    config = Config.of(args["config"])
    op = args["op"]
    if op == "describe":
        return _describe(transaction, config, args)
    ids = js.get(args, "ids")
    if ids is js.UNDEFINED:
        raise Thrown("Native vector query: ids are required")
    table = find(transaction.connection, config)
    if op == "listByIds":
        rows = [None if table is None else _find(transaction, table, one) for one in ids]
        return [None if row is None else row.document for row in rows]
    left_out = "" if args.get("includeVector") is True else config.vector_field
    rows = [_get(transaction, one) for one in ids]
    return [_without(row.document, left_out) for row in rows if row is not None]


def write(transaction: Transaction, args: Json) -> Json:
    """Write, change or delete documents by their records' ids.

    Raises:
        Thrown: an argument that cannot be, or a document that Convex would refuse.
    """
    check(WRITE, args)
    return _WRITES[args["op"]](transaction, Config.of(args["config"]), args)


def _describe(transaction: Transaction, config: Config, args: Json) -> Json:
    wanted = js.number(args.get("countLimit", float(limits.NATIVE_COUNT)))
    # ``Math.min`` and ``Math.max`` pass NaN on, and ``take`` refuses it.
    limit = wanted if math.isnan(wanted) else max(1.0, min(wanted, float(limits.NATIVE_COUNT)))
    if not limit.is_integer():
        raise Thrown("Arg 1 `n` to `take` must be a non-negative integer")
    table = find(transaction.connection, config)
    count = 0 if table is None else len(transaction.take(table, int(limit) + 1))
    return {"count": min(float(count), limit), "countIsLimited": count > limit}


def _upsert(transaction: Transaction, config: Config, args: Json) -> Json:
    ids, vectors = js.get(args, "ids"), js.get(args, "vectors")
    if ids is js.UNDEFINED or vectors is js.UNDEFINED:
        raise Thrown("Native vector upsert: ids and vectors are required")
    if len(vectors) != len(ids):
        raise Thrown(
            f"Native vector upsert: vectors length ({len(vectors)}) must match ids length "
            f"({len(ids)})"
        )
    metadata = _metadata_list(js.get(args, "metadata"), len(ids))
    if len(set(ids)) != len(ids):
        raise Thrown("Native vector upsert: ids must be unique")
    if not ids:
        return ok()
    table = declare(transaction.connection, config, len(vectors[0]))
    for identity, vector, about in zip(ids, vectors, metadata, strict=True):
        record = {config.id_field: identity, config.vector_field: vector}
        if about is not js.UNDEFINED:
            record |= {config.metadata_field: about, **_filter_fields(about, config)}
        existing = _find(transaction, table, identity)
        if existing is None:
            transaction.insert(table, record)
        else:
            if about is not js.UNDEFINED:
                record |= _missing_filter_fields(about, config)
            transaction.patch(existing, record)
    return ok()


def _update_by_id(transaction: Transaction, config: Config, args: Json) -> Json:
    if not args.get("id"):
        raise Thrown("Native vector update: id is required")
    table = find(transaction.connection, config)
    if table is None:
        return ok()
    table = declare(transaction.connection, config, table.dimension)
    existing = _find(transaction, table, args["id"])
    if existing is None:
        return ok()
    patch: Json = {}
    if "vector" in args:
        patch[config.vector_field] = args["vector"]
    metadata = js.get(args, "metadata")
    if metadata is not js.UNDEFINED:
        if not _is_record(metadata):
            raise Thrown("Native vector update: metadata must be an object when provided")
        merged = js.spread(existing.document.get(config.metadata_field)) | js.spread(metadata)
        patch[config.metadata_field] = merged
        patch |= _filter_fields(merged, config)
    if patch:
        transaction.patch(existing, patch)
    return ok()


def _delete_by_ids(transaction: Transaction, config: Config, args: Json) -> Json:
    ids = js.get(args, "ids")
    if ids is js.UNDEFINED:
        raise Thrown("Native vector deleteByIds: ids are required")
    table = find(transaction.connection, config)
    if table is not None:
        found = [_find(transaction, table, one) for one in ids]
        for row in found:
            if row is not None:
                transaction.delete(row)
    return ok()


_WRITES: Final[Mapping[str, Callable[[Transaction, Config, Json], Json]]] = {
    "upsert": _upsert,
    "updateById": _update_by_id,
    "deleteByIds": _delete_by_ids,
}


def _find(transaction: Transaction, table: NativeTable, identity: str) -> Row | None:
    return transaction.unique(table, table.config.id_index_name, identity)


def _get(transaction: Transaction, convex_id: str) -> Row | None:
    """``ctx.db.get``, which asks for no table.

    DIFFERS: a text that is no id at all is not found, like one of a document that is gone.
    """
    table = owner_of(transaction.connection, convex_id)
    return None if table is None else transaction.unique(table, BY_CONVEX_ID, convex_id)


def _metadata_list(metadata: Any, count: int) -> list[Any]:
    if metadata is js.UNDEFINED:
        return [js.UNDEFINED] * count
    if js.kind(metadata) != "array":
        raise Thrown("Native vector upsert: metadata must be an array matching ids when provided")
    if len(metadata) != count:
        raise Thrown(
            f"Native vector upsert: metadata length ({len(metadata)}) must match ids length "
            f"({count})"
        )
    if not all(map(_is_record, metadata)):
        raise Thrown("Native vector upsert: metadata entries must be objects when provided")
    return list(metadata)


def _is_record(value: Any) -> bool:
    """Whether ``typeof`` says object, and it is no array."""
    return js.kind(value) in ("object", "bytes")


def _array(vector: Any) -> Vector:
    if isinstance(vector, np.ndarray):
        return vector
    return np.array([js.number(number) for number in vector], np.float64)


def _is_limit(limit: Any) -> bool:
    return js.is_integer(limit) and 1 <= limit <= limits.NATIVE_RESULTS


def _filter_fields(metadata: Json, config: Config) -> Json:
    return {
        field: value
        for field in config.filter_fields
        if (value := js.get(metadata, field)) is not js.UNDEFINED
    }


def _missing_filter_fields(metadata: Json, config: Config) -> Json:
    return {
        field: js.UNDEFINED
        for field in config.filter_fields
        if js.get(metadata, field) is js.UNDEFINED
    }


def _without(document: Json, left_out: str) -> Json:
    return {name: value for name, value in document.items() if name != left_out}
