"""Vector indexes that the deployment's schema declares: which there are, and what they hold.

Behaves as ConvexNativeVector of @mastra/convex 1.5.2 (dist/vector/native). Called by the faces of
``ConvexNativeVector``, and by the other native rooms for an index and for calls.
"""

from __future__ import annotations

from typing import Any

from convex_mastra import limits
from convex_mastra.errors import (
    FunctionError,
    InvalidArgumentError,
    NotFoundError,
    ProtocolError,
    ScanLimitError,
)
from convex_mastra.flow import Flow
from convex_mastra.ops.arguments import required_text
from convex_mastra.ops.calls import call_function
from convex_mastra.ops.storage import is_read_limit
from convex_mastra.ops.target import Target
from convex_mastra.ops.vector_indexes import IndexStats
from convex_mastra.records import NativeIndex, native_config
from convex_mastra.values import NUMBER_BYTES
from convex_mastra.wire import FunctionCall, Json, Kind


def create_index(
    target: Target, index_name: str, dimension: int, *, metric: str = "cosine"
) -> Flow[None]:
    """Check that an index is configured as asked for; the deployment's schema declares it.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: it has another dimension, or the metric is not ``cosine``.

    Cost: no round trip.
    """
    index = index_named(target, index_name)
    yield from ()
    if dimension != index.dimension or type(dimension) is not int:
        raise InvalidArgumentError(
            f"ConvexNativeVector.createIndex: deployed Convex index {index_name!r} has "
            f"{index.dimension} dimensions, but {dimension!r} were requested",
            field="dimension",
        )
    if metric != "cosine":
        raise InvalidArgumentError(
            "ConvexNativeVector.createIndex: Convex native vector search currently supports "
            "cosine only",
            field="metric",
        )


def list_indexes(target: Target) -> Flow[list[str]]:
    """Return the names of all configured indexes. No round trip."""
    yield from ()
    return list(target.native.indexes)


def describe_index(
    target: Target, index_name: str, *, count_limit: int = limits.NATIVE_COUNT
) -> Flow[IndexStats]:
    """Return an index's dimension and count.

    Args:
        count_limit: count no further than this, 1 to 10,000. The deployment counts by reading, so
            it gets no further than the 16 MiB that one call may read: 1,200 vectors of dimension
            1,536. ``count_is_limited`` says that there are more.

    Raises:
        NotFoundError: no index of that name is configured.
        ScanLimitError: not even one vector could be read.

    Cost: one round trip, and one more for each time that half of the rest is still too much.
    """
    index = index_named(target, index_name)
    if type(count_limit) is not int or not 1 <= count_limit <= limits.NATIVE_COUNT:
        raise InvalidArgumentError(
            f"count_limit must be an integer from 1 to {limits.NATIVE_COUNT:,}, not "
            f"{count_limit!r}.",
            field="count_limit",
        )
    vector_bytes = NUMBER_BYTES * index.dimension
    limit = min(count_limit, limits.TRANSACTION_READ_BYTES // vector_bytes)
    while True:
        try:
            reply = yield from native_read(target, index, "describe", countLimit=limit)
            break
        except FunctionError as error:
            if not is_read_limit(error):
                raise
            if limit == 1:
                raise ScanLimitError(
                    f"The vectors of {index_name} are too large to be counted: {error.message}",
                    operation=error.operation,
                    request_id=error.request_id,
                ) from None
            limit //= 2
    try:
        count, is_limited = int(reply["count"]), bool(reply["countIsLimited"])
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(f"{target.native.read_function} returned no count.") from None
    return IndexStats(
        dimension=index.dimension, count=count, metric="cosine", count_is_limited=is_limited
    )


def delete_index(target: Target, index_name: str) -> Flow[None]:
    """Refuse: an index goes when it is taken out of the deployment's schema. No round trip.

    Raises:
        NotFoundError: no index of that name is configured.
        InvalidArgumentError: always else.
    """
    index_named(target, index_name)
    yield from ()
    raise InvalidArgumentError(
        "ConvexNativeVector.deleteIndex: Convex native vector indexes are managed in "
        "convex/schema.ts.",
        field="index_name",
    )


def index_named(target: Target, index_name: str) -> NativeIndex:
    """Return the index configured under a name.

    Raises:
        NotFoundError: there is none.
    """
    index = target.native.indexes.get(required_text(index_name, "index_name"))
    if index is None:
        raise NotFoundError(f'ConvexNativeVector: index "{index_name}" is not configured')
    return index


def native_search(target: Target, index: NativeIndex, **args: Any) -> Flow[Any]:
    """Call the action, which only reads. One round trip."""
    path = target.native.search_function
    return _call(target, "action", path, index, "vectorSearch", args)


def native_read(target: Target, index: NativeIndex, op: str, **args: Any) -> Flow[Any]:
    """Call the query. One round trip."""
    return _call(target, "query", target.native.read_function, index, op, {"op": op, **args})


def native_write(target: Target, index: NativeIndex, op: str, **args: Any) -> Flow[Any]:
    """Call the mutation; all it does is by id, and may be done twice. One round trip."""
    return _call(target, "mutation", target.native.write_function, index, op, {"op": op, **args})


def _call(
    target: Target, kind: Kind, path: str, index: NativeIndex, op: str, args: Json
) -> Flow[Any]:
    return call_function(
        target,
        FunctionCall(
            kind=kind,
            path=path,
            args={"config": native_config(index), **args},
            label=f"{op} {index.table_name}",
            repeatable=True,
        ),
    )
