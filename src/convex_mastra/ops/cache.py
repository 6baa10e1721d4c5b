"""Mastra's server cache: values, lists and counters under keys, which expire.

Every operation is a call of ``mastra/cache:handle``, again for as long as it says that it must
delete more of what expired first. Called by the faces of ``ConvexServerCache``. What is cached is
the caller's matter.

Source: ConvexServerCache of @mastra/convex 1.5.2 (dist/index.js), handleCacheOperation of
dist/server.
"""

from __future__ import annotations

from typing import Any

from convex_mastra import limits
from convex_mastra.errors import (
    FunctionError,
    InvalidArgumentError,
    ProtocolError,
    ScanLimitError,
    UnfinishedError,
)
from convex_mastra.flow import Flow
from convex_mastra.ops.arguments import required_text
from convex_mastra.ops.calls import call_function
from convex_mastra.ops.storage import is_read_limit
from convex_mastra.ops.target import Target
from convex_mastra.timestamps import to_milliseconds
from convex_mastra.values import check_document_size, measure, plain_numbers
from convex_mastra.wire import Json, cache_call, encode, read_storage_reply


def get(target: Target, key: str) -> Flow[Any]:
    """Return the value under a key; None if there is none, or a list or a counter.

    Convex sorts the keys of objects, and numbers are float64; whole ones come back as int.

    Cost: one round trip.
    """
    return plain_numbers((yield from _settle(target, "get", {"key": _full(target, key)})))


def set(  # noqa: A001 - Mastra's name
    target: Target, key: str, value: Any, ttl_s: float | None = None
) -> Flow[None]:
    """Write a value, in place of whatever is under the key.

    Args:
        key: a text that is not empty.
        value: any JSON that Convex takes as an argument: no keys that begin with ``$`` or are not
            printable ASCII, no integers beyond 2**53.
        ttl_s: seconds until it expires; 0 for never, None for as long as the cache says.

    Raises:
        InvalidArgumentError: the key, the value or the time cannot be used. Nothing was sent.
        LimitExceededError: the value takes more than a Convex document (1 MiB) as JSON text.
        UnfinishedError: a long list was under the key, and not all of it was deleted.

    Cost: one round trip; in place of a list, or of one that expired, one for every 25 items.
    """
    columns = {"kind": "value", "value": "", "expiresAt": 0}
    entry = _entry(target, key, columns, _text_bytes(value))
    yield from _settle(
        target,
        "set",
        {**entry, "value": value},
        ttl_s=target.cache.ttl_s if ttl_s is None else checked_ttl_s(ttl_s),
    )


def list_length(target: Target, key: str) -> Flow[int]:
    """Return how many items a list has; 0 if there is none.

    Raises:
        StorageError: a value or a counter is under the key.

    Cost: one round trip.
    """
    return _count((yield from _settle(target, "listLength", {"key": _full(target, key)})))


def list_push(target: Target, key: str, value: Any) -> Flow[None]:
    """Append a value to a list, which then lives as long as the cache says.

    A list that does not exist, or expired, begins with it. Writers side by side lose nothing.

    Raises:
        InvalidArgumentError: the key or the value cannot be used, see ``set``. Nothing was sent.
        StorageError: a value or a counter is under the key.
        OutcomeUnknownError: the reply was lost; the value may be in the list or not.
        UnfinishedError: a long list expired under the key, and not all of it was deleted.

    Cost: one round trip; in place of a list that expired, one for every 25 items.
    """
    entry = _entry(target, key, {"index": 0, "value": ""}, _text_bytes(value))
    yield from _settle(target, "listPush", {**entry, "value": value}, ttl_s=target.cache.ttl_s)


def list_from_to(target: Target, key: str, start: int, end: int = -1) -> Flow[list[Any]]:
    """Return items of a list, in order; none if there is no list.

    Args:
        start: index of the first item; from the end if negative, -1 being the last item's.
        end: index of the last item, itself included; from the end if negative.

    Raises:
        InvalidArgumentError: an index is no integer.
        ScanLimitError: the list was too large for one answer, and was deleted or expired while
            it was read in parts.

    Cost: one round trip. More items than one answer of Convex holds (8,192, or 16 MiB) are read
    in parts, each half as large as what failed; the parts see the list as it is when each is read.
    """
    full_key = _full(target, key)
    _check_index(start, "start")
    _check_index(end, "end")
    try:
        return (yield from _items(target, full_key, start, end))
    except FunctionError as error:
        if not is_read_limit(error):
            raise
    length = yield from list_length(target, key)
    first = max(length + start, 0) if start < 0 else start
    last = length + end if end < 0 else min(end, length - 1)
    if last < first:
        return []
    items = yield from _items_in_halves(target, full_key, first, last)
    if len(items) != last - first + 1:
        raise ScanLimitError(
            f"The list {key!r} was deleted or expired while it was read in parts.",
            operation="listFromTo",
        )
    return items


def delete(target: Target, key: str) -> Flow[None]:
    """Delete whatever is under a key; nothing if there is nothing.

    Raises:
        UnfinishedError: a long list was under the key, and not all of it was deleted.

    Cost: one round trip; of a list, one for every 25 items.
    """
    yield from _settle(target, "delete", {"key": _full(target, key)})


def clear(target: Target) -> Flow[None]:
    """Delete all keys that were written with exactly this cache's ``key_prefix``.

    Raises:
        UnfinishedError: there was more than a thousand requests delete; call it again.

    Cost: one round trip for every 25 values and counters, and as many for each list as ``delete``
    takes.
    """
    yield from _settle(target, "clear", {"keyPrefix": target.cache.key_prefix})


def increment(target: Target, key: str) -> Flow[int]:
    """Add one to a counter, which then lives as long as the cache says, and return it: 1 at first.

    Each of several writers gets a number of its own.

    Raises:
        StorageError: a value or a list is under the key.
        OutcomeUnknownError: the reply was lost; it may have been counted or not.
        UnfinishedError: a long list expired under the key, and not all of it was deleted.

    Cost: one round trip; in place of a list that expired, one for every 25 items.
    """
    entry = _entry(target, key, {"kind": "counter", "counter": 0, "expiresAt": 0})
    return _count((yield from _settle(target, "increment", entry, ttl_s=target.cache.ttl_s)))


def checked_ttl_s(ttl_s: float) -> float:
    """Return *ttl_s*, a time that entries may live.

    Raises:
        InvalidArgumentError: it is no number of seconds, or negative, or beyond 2**53 milliseconds.
    """
    if type(ttl_s) not in (int, float) or not 0 <= ttl_s * 1000 <= limits.EXACT_INTEGER:
        raise InvalidArgumentError(
            f"ttl_s must be a number of seconds, 0 for never, not {ttl_s!r:.40}.", field="ttl_s"
        )
    return ttl_s


def _settle(target: Target, op: str, fields: Json, *, ttl_s: float | None = None) -> Flow[Any]:
    """Call until nothing that expired is in the way any more, and return the last result."""
    for _ in range(limits.CACHE_BATCHES):
        args = fields if ttl_s is None else {**fields, "expiresAt": _expires_at(target, ttl_s)}
        call = cache_call(target.cache.function, op, args)
        reply = read_storage_reply((yield from call_function(target, call)), call)
        if not reply.has_more:
            return reply.result
    raise UnfinishedError(
        f"{call.label} was not done after {limits.CACHE_BATCHES:,} requests, each of which deleted "
        "rows; call it again.",
        operation=call.label,
    )


def _expires_at(target: Target, ttl_s: float) -> float | None:
    return to_milliseconds(target.clock.now()) + ttl_s * 1000 if ttl_s else None


def _entry(target: Target, key: str, columns: Json, text_bytes: int = 0) -> Json:
    """Return what every write sends, once its row is known to fit into a document."""
    entry = {"key": _full(target, key), "keyPrefix": target.cache.key_prefix}
    size = measure({**entry, **columns}, "key") + text_bytes
    check_document_size(size, "value" if text_bytes else "key")
    return entry


def _text_bytes(value: Any) -> int:
    """Return the size of *value* as the JSON text that is stored of it."""
    measure(value, "value", limits.ARGUMENTS_DEPTH, limits.VALUE_DEPTH)
    return len(encode(plain_numbers(value)))


def _full(target: Target, key: str) -> str:
    return target.cache.key_prefix + required_text(key, "key")


def _check_index(index: int, field: str) -> None:
    if type(index) is not int or abs(index) > limits.EXACT_INTEGER:
        raise InvalidArgumentError(f"{field} must be an integer, not {index!r:.40}.", field=field)


def _items(target: Target, full_key: str, start: int, end: int) -> Flow[list[Any]]:
    items = yield from _settle(target, "listFromTo", {"key": full_key, "from": start, "to": end})
    if not isinstance(items, list):
        raise ProtocolError("The cache handler returned no list of items.")
    plain: list[Any] = plain_numbers(items)
    return plain


def _items_in_halves(target: Target, full_key: str, first: int, last: int) -> Flow[list[Any]]:
    middle = (first + last) // 2
    items: list[Any] = []
    for start, end in ((first, middle), (middle + 1, last)):
        try:
            items += yield from _items(target, full_key, start, end)
        except FunctionError as error:
            if start == end or not is_read_limit(error):
                raise
            items += yield from _items_in_halves(target, full_key, start, end)
    return items


def _count(result: Any) -> int:
    if type(result) not in (int, float) or not float(result).is_integer():
        raise ProtocolError(f"The cache handler returned no count: {type(result).__name__}.")
    return int(result)
