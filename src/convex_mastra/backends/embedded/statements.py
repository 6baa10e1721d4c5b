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
    """Select rows of an index range, in order; values are the range's, then the limit.

    Here and below, the table's partition counts among those that are equal, and comes first.
    """
    columns = _columns(table, index)
    terms = [f'"{name}" IS ?' for name in columns[:equals]]
    terms += [f'"{columns[equals]}" {operator} ?' for operator in operators]
    direction = " DESC" if descending else ""
    order = ", ".join(f"{name}{direction}" for name in (*_quoted(columns[equals:]), "seq"))
    return f"{_select(table, terms)} ORDER BY {order} LIMIT ?"


@cache
def select_each(table: Table, index: str, equals: int, count: int, with_last_seq: bool) -> str:
    """Select the rows of *count* values of an index's last field, each with that value at the end.

    The index is named, as SQLite would rather read all of a long partition for many values.

    Args:
        with_last_seq: add what ``last_seq`` selects, as a row that has nothing else.
    """
    *leading, last = _quoted(_columns(table, index))
    columns = [*_quoted(rows.selected_columns(table)), last]
    terms = [f"{name} IS ?" for name in leading[:equals]]
    terms.append(f"{last} IN ({', '.join('?' * count)})")
    source = f'"{table.stored_in}" INDEXED BY "{table.name}.{index}"'
    sql = f"SELECT {', '.join(columns)} FROM {source} WHERE {' AND '.join(terms)}"  # noqa: S608
    if not with_last_seq:
        return sql
    nothing = ", NULL" * (len(columns) - 1)
    return f'{sql} UNION ALL SELECT max(seq){nothing} FROM "{table.stored_in}"'  # noqa: S608


@cache
def select_after(table: Table, index: str, equals: int) -> str:
    """Select the rows after a ``seq`` where all fields of the index are equal."""
    terms = [f'"{name}" IS ?' for name in _columns(table, index)[:equals]]
    return f"{_select(table, [*terms, 'seq > ?'])} ORDER BY seq LIMIT ?"


@cache
def insert(table: Table, columns: tuple[str, ...]) -> str:
    """Insert one row."""
    marks = ", ".join("?" * len(columns))
    return f'INSERT INTO "{table.stored_in}" ({", ".join(_quoted(columns))}) VALUES ({marks})'  # noqa: S608


@cache
def update(table: Table, columns: tuple[str, ...]) -> str:
    """Update some columns of one row; the last value is its ``seq``."""
    changes = ", ".join(f"{name} = ?" for name in _quoted(columns))
    return f'UPDATE "{table.stored_in}" SET {changes} WHERE seq = ?'  # noqa: S608


@cache
def delete(table: Table) -> str:
    """Delete one row by ``seq``."""
    return f'DELETE FROM "{table.stored_in}" WHERE seq = ?'  # noqa: S608


@cache
def last_seq(table: Table) -> str:
    """Select the latest ``seq`` of a table, or of those that it shares a SQLite table with."""
    return f'SELECT max(seq) FROM "{table.stored_in}"'  # noqa: S608


def _select(table: Table, terms: list[str]) -> str:
    condition = f" WHERE {' AND '.join(terms)}" if terms else ""
    columns = ", ".join(_quoted(rows.selected_columns(table)))
    return f'SELECT {columns} FROM "{table.stored_in}"{condition}'  # noqa: S608


def _columns(table: Table, index: str | None) -> tuple[str, ...]:
    fields = () if index is None else table.indexes.get(index)
    if fields is None:
        raise Thrown(
            f'Cannot use index "{index}" for table "{table.name}" because it is not declared in '
            "the schema."
        )
    return table.columns(fields)


def _quoted(names: tuple[str, ...]) -> list[str]:
    return [f'"{name}"' for name in names]
