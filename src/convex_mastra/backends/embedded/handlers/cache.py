"""The cache function, ``mastra/cache:handle``: values, lists and counters that expire.

Re-tells ``handleCacheOperation`` of src/server/cache.ts. A key has one row in ``mastra_cache``, and
a list one more for each item. What has expired is deleted by whoever comes upon it. A call deletes
25 items at most; where more are left it says ``hasMore``, and leaves a row of the kind ``deleted``
so that nobody takes the rest for a list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.arguments import returned
from convex_mastra.backends.embedded.handlers.replies import failed, more, ok, unsupported
from convex_mastra.backends.embedded.handlers.upserts import BATCH_ROWS, delete_batch
from convex_mastra.backends.embedded.js import json
from convex_mastra.backends.embedded.queries import Bound
from convex_mastra.backends.embedded.rows import Row
from convex_mastra.backends.embedded.tables import CACHE, CACHE_LIST_ITEMS
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json

_BY_PREFIX: Final = "by_key_prefix"
_BY_INDEX: Final = "by_key_index"


def handle(transaction: Transaction, request: Json) -> Json:
    """Run one cache operation and return the handler's reply.

    Raises:
        Thrown: the function fails; its transaction must be rolled back.
    """
    op = js.get(request, "op")
    operation = _OPERATIONS.get(op) if type(op) is str else None
    return operation(transaction, request) if operation else unsupported(request)


def _get(transaction: Transaction, request: Json) -> Json:
    row, has_more = _live(transaction, js.get(request, "key"))
    if has_more:
        return more(True, None)
    if row is None or _kind(row) != "value":
        return ok(None)
    return ok(returned(json.parse(row.document.get("value", "null"))))


def _set(transaction: Transaction, request: Json) -> Json:
    key = js.get(request, "key")
    row = _find(transaction, key)
    if row is not None and (_is_expired(row) or _kind(row) != "value"):
        if _delete_key(transaction, key):
            return more(True)
        row = None
    _write(transaction, row, request, kind="value", value=_encoded(request))
    return ok()


def _list_length(transaction: Transaction, request: Json) -> Json:
    row, has_more = _live(transaction, js.get(request, "key"))
    if has_more:
        return more(True, 0.0)
    if row is None:
        return ok(0.0)
    return ok(_counter(row)) if _kind(row) == "list" else _not("an array", request)


def _list_push(transaction: Transaction, request: Json) -> Json:
    row, has_more = _live(transaction, js.get(request, "key"))
    if has_more:
        return more(True)
    if row is not None and _kind(row) != "list":
        return _not("an array", request)
    length = js.add(_counter(row), 1.0)
    _write(transaction, row, request, kind="list", counter=length)
    transaction.insert(
        CACHE_LIST_ITEMS,
        {
            "key": js.get(request, "key"),
            "keyPrefix": js.get(request, "keyPrefix"),
            "index": js.add(length, -1.0),
            "value": _encoded(request),
        },
    )
    return ok()


def _list_from_to(transaction: Transaction, request: Json) -> Json:
    key = js.get(request, "key")
    row, has_more = _live(transaction, key)
    if has_more:
        return more(True, [])
    if row is None or _kind(row) != "list":
        return ok([])
    bounds = _bounds(js.get(request, "from"), js.get(request, "to"), _counter(row))
    if bounds is None:
        return ok([])
    items = transaction.take(CACHE_LIST_ITEMS, None, _BY_INDEX, [key], bounds=bounds)
    return ok(returned([json.parse(item.document["value"]) for item in items]))


def _delete(transaction: Transaction, request: Json) -> Json:
    return more(_delete_key(transaction, js.get(request, "key")))


def _clear(transaction: Transaction, request: Json) -> Json:
    prefix = js.get(request, "keyPrefix")
    rows = transaction.take(CACHE, BATCH_ROWS + 1, _BY_PREFIX, [prefix])
    if not rows:
        items = transaction.take(CACHE_LIST_ITEMS, BATCH_ROWS + 1, _BY_PREFIX, [prefix])
        return more(delete_batch(transaction, items))
    has_items = bool(transaction.take(CACHE_LIST_ITEMS, 1, _BY_PREFIX, [prefix]))
    for row in rows[:BATCH_ROWS]:
        if _kind(row) in ("list", "deleted"):
            # The other rows are counted as they were found, those deleted just now included.
            left = _delete_key(transaction, row.document["key"])
            return more(left or len(rows) > 1 or has_items)
        transaction.delete(row)
    return more(len(rows) > BATCH_ROWS or has_items)


def _increment(transaction: Transaction, request: Json) -> Json:
    row, has_more = _live(transaction, js.get(request, "key"))
    if has_more:
        return more(True)
    if row is not None and _kind(row) != "counter":
        return _not("a number", request)
    counter = js.add(_counter(row), 1.0)
    _write(transaction, row, request, kind="counter", counter=counter)
    return ok(counter)


def _find(transaction: Transaction, key: Any) -> Row | None:
    return transaction.first(CACHE, "by_key", [key])


def _live(transaction: Transaction, key: Any) -> tuple[Row | None, bool]:
    """Return the row of a key, and whether more of an old one must be deleted first."""
    row = _find(transaction, key)
    if row is None or (_kind(row) != "deleted" and not _is_expired(row)):
        return row, False
    return None, _delete_key(transaction, key)


def _delete_key(transaction: Transaction, key: Any) -> bool:
    """Delete a key with the first of its items; True if more of them remain."""
    row = _find(transaction, key)
    items = transaction.take(CACHE_LIST_ITEMS, BATCH_ROWS + 1, _BY_INDEX, [key])
    if row is not None and _kind(row) != "deleted":
        transaction.patch(row, {"kind": "deleted"})
    has_more = delete_batch(transaction, items)
    if row is not None and not has_more:
        transaction.delete(row)
    return has_more


def _write(transaction: Transaction, row: Row | None, request: Json, **fields: Any) -> None:
    fields |= {name: js.get(request, name) for name in ("keyPrefix", "expiresAt")}
    if row is None:
        transaction.insert(CACHE, {"key": js.get(request, "key"), **fields})
    else:
        transaction.patch(row, fields)


def _bounds(start: Any, end: Any, length: Any) -> list[Bound] | None:
    """Return the range of indexes that is asked for, or None if nothing can be in it."""
    if js.less(start, 0.0):
        from_end = js.to_number(js.add(length, start))
        start = js.encoded(js.larger(from_end, 0.0))
    if js.less(end, 0.0):
        end = js.add(length, end)
    if js.less(end, start) or js.at_least(start, length):
        return None
    # Nothing is less than undefined: no bound at all.
    lower = [] if start is js.UNDEFINED else [Bound(">=", start)]
    return [*lower, Bound("<=", end)]


def _kind(row: Row) -> str:
    return str(row.document["kind"])


def _counter(row: Row | None) -> Any:
    return 0.0 if row is None else row.document.get("counter", 0.0)


def _is_expired(row: Row) -> bool:
    expires_at = row.document["expiresAt"]
    return expires_at is not None and js.at_most(expires_at, js.now())


def _encoded(request: Json) -> str:
    value = js.get(request, "value")
    return json.stringify(json.from_convex(None if value is js.UNDEFINED else value))


def _not(noun: str, request: Json) -> Json:
    return failed(f"{js.to_string(js.get(request, 'key'))} exists but is not {noun}")


_OPERATIONS: Final[dict[str, Callable[[Transaction, Json], Json]]] = {
    "get": _get,
    "set": _set,
    "listLength": _list_length,
    "listPush": _list_push,
    "listFromTo": _list_from_to,
    "delete": _delete,
    "clear": _clear,
    "increment": _increment,
}
