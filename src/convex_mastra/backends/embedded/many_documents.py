"""Many rows of logical tables that have none of their own: ``convex_mastra/documents``.

The same records that Mastra's handler reads from the beginning only or by ten keys, and writes and
deletes a table a call. Told in TypeScript in ``convex/src/convex_mastra/documents.ts``.
"""

from __future__ import annotations

from typing import Any

from convex_mastra.backends.embedded import js
from convex_mastra.backends.embedded.handlers import generic
from convex_mastra.backends.embedded.handlers.generic import record_of
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.queries import Bound
from convex_mastra.backends.embedded.tables import DOCUMENTS
from convex_mastra.backends.embedded.transaction import Transaction
from convex_mastra.wire import Json


def page(transaction: Transaction, args: Json) -> Any:
    """Return ``{"records": [record], "isDone": …, "continueCursor": …}``, in order of creation.

    Arguments: ``table``, ``limit``, and ``cursor``, null for the first page.

    Raises:
        Thrown: an argument that cannot be.
    """
    table, cursor = _text(args, "table"), args.get("cursor")
    limit = _limit(args)
    found = transaction.paginate(DOCUMENTS, "by_table", [table], cursor, limit)
    return {
        "records": [record_of(row) for row in found.rows],
        "isDone": found.is_done,
        "continueCursor": found.continue_cursor,
    }


def ranges(transaction: Transaction, args: Json) -> Any:
    """Return ``[[record]]``, the first records of each of some ranges, all as of one moment.

    Arguments: ``ranges``, a list of ``table``, ``limit`` and perhaps ``keys``: ``from`` the first
    key ``below`` another, ``descending`` or not. Without, a table is read in order of creation.

    Raises:
        Thrown: an argument that cannot be.
    """
    wanted = args.get("ranges")
    if not isinstance(wanted, list):
        raise Thrown("ranges must be a list")
    return [_first_of(transaction, one) for one in wanted]


def load(transaction: Transaction, args: Json) -> Any:
    """Return ``[record]``, those that exist of ``keys`` in ``table``, in the order of the keys.

    Raises:
        Thrown: an argument that cannot be.
    """
    return generic.load_each(transaction, _text(args, "table"), _keys(args))


def write(transaction: Transaction, args: Json) -> None:
    """Write ``tables``, a list of ``table`` and ``records``, by the records' ids.

    Raises:
        Thrown: an argument that cannot be. Nothing was written.
    """
    for one in _tables(args):
        table, records = _text(one, "table"), js.get(one, "records")
        if not isinstance(records, list):
            raise Thrown("records must be a list")
        for record in records:
            if not (isinstance(record, dict) and record.get("id") and type(record["id"]) is str):
                raise Thrown("every record needs an id, a text")
        generic.upsert(transaction, table, records)


def remove(transaction: Transaction, args: Json) -> None:
    """Delete ``tables``, a list of ``table`` and ``keys``; keys that do not exist are skipped.

    Raises:
        Thrown: an argument that cannot be. Nothing was deleted.
    """
    for one in _tables(args):
        generic.delete_each(transaction, _text(one, "table"), _keys(one))


def _first_of(transaction: Transaction, args: Any) -> list[Any]:
    table, limit, keys = _text(args, "table"), _limit(args), args.get("keys")
    if keys is None:
        rows = transaction.take(DOCUMENTS, limit, "by_table", [table])
    else:
        bounds = [Bound(">=", _text(keys, "from")), Bound("<", _text(keys, "below"))]
        is_descending = js.truthy(js.get(keys, "descending"))
        rows = transaction.take(
            DOCUMENTS, limit, "by_table_primary", [table], bounds=bounds, descending=is_descending
        )
    return [record_of(row) for row in rows]


def _tables(args: Json) -> list[Any]:
    tables = args.get("tables")
    if not isinstance(tables, list):
        raise Thrown("tables must be a list")
    return tables


def _keys(args: Any) -> list[str]:
    keys = js.get(args, "keys")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise Thrown("keys must be a list of texts")
    return keys


def _text(args: Any, name: str) -> str:
    value = js.get(args, name)
    if not isinstance(value, str):
        raise Thrown(f"{name} must be a text")
    return value


def _limit(args: Any) -> int:
    limit = js.get(args, "limit")
    if not isinstance(limit, float) or not limit.is_integer() or limit < 1:
        raise Thrown("limit must be a whole number of at least 1")
    return int(limit)
