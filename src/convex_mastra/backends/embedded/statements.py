"""The SQL that ``transaction`` runs, built once per shape from the table definitions.

All values are bound; names come from ``tables`` alone. ``IS ?`` is equality that also finds
NULL, which is what undefined is stored as, and uses the index like ``=``.
"""

from __future__ import annotations

from functools import cache

from convex_mastra.backends.embedded import rows
from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.tables import Table


@cache
def select(
    table: Table, index: str | None, equals: int, operators: tuple[str, ...], descending: bool
) -> str:
    """Select rows of an index range, in order; values are the range's, then the limit."""
    fields = () if index is None else _index_fields(table, index)
    terms = [f'"{name}" IS ?' for name in fields[:equals]]
    terms += [f'"{fields[equals]}" {operator} ?' for operator in operators]
    direction = " DESC" if descending else ""
    order = ", ".join(f"{name}{direction}" for name in (*_quoted(fields[equals:]), "seq"))
    return f"{_select(table, terms)} ORDER BY {order} LIMIT ?"


@cache
def select_after(table: Table, index: str, equals: int) -> str:
    """Select the rows after a ``seq`` where all fields of the index are equal."""
    fields = _index_fields(table, index)
    terms = [f'"{name}" IS ?' for name in fields[:equals]]
    return f"{_select(table, [*terms, 'seq > ?'])} ORDER BY seq LIMIT ?"


@cache
def insert(table: Table, columns: tuple[str, ...]) -> str:
    """Insert one row."""
    marks = ", ".join("?" * len(columns))
    return f'INSERT INTO "{table.name}" ({", ".join(_quoted(columns))}) VALUES ({marks})'  # noqa: S608


@cache
def update(table: Table, columns: tuple[str, ...]) -> str:
    """Update some columns of one row; the last value is its ``seq``."""
    changes = ", ".join(f"{name} = ?" for name in _quoted(columns))
    return f'UPDATE "{table.name}" SET {changes} WHERE seq = ?'  # noqa: S608


@cache
def delete(table: Table) -> str:
    """Delete one row by ``seq``."""
    return f'DELETE FROM "{table.name}" WHERE seq = ?'  # noqa: S608


@cache
def last_seq(table: Table) -> str:
    """Select the latest ``seq`` of a table."""
    return f'SELECT max(seq) FROM "{table.name}"'  # noqa: S608


def _select(table: Table, terms: list[str]) -> str:
    condition = f" WHERE {' AND '.join(terms)}" if terms else ""
    columns = ", ".join(_quoted(rows.selected_columns(table)))
    return f'SELECT {columns} FROM "{table.name}"{condition}'  # noqa: S608


def _index_fields(table: Table, index: str) -> tuple[str, ...]:
    fields = table.indexes.get(index)
    if fields is None:
        raise Thrown(
            f'Cannot use index "{index}" for table "{table.name}" because it is not declared in '
            "the schema."
        )
    return fields


def _quoted(names: tuple[str, ...]) -> list[str]:
    return [f'"{name}"' for name in names]
