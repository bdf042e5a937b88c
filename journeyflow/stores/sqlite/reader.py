"""Queries on a SQLite file."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

BYTES = "a value in the file is bytes, and no column holds any"


def checked(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows; raises TypeError for one with bytes, as a flipped bit makes of a text: no column holds any.

    Transactions do not: it is a twentieth of a crowd's time on file, and what they hand out is checked there (see
    `basics/soundness.py`).

    >>> checked([("a", 1), ("b", None)])
    [('a', 1), ('b', None)]
    """
    if bytes in set(map(type, chain.from_iterable(rows))):
        raise TypeError(BYTES)
    return rows


def checked_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row as `checked` does."""
    if bytes in map(type, row):
        raise TypeError(BYTES)
    return row


class SQLiteReader:
    """A view for SQL queries over the tables and views of `schema.py`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection that is in a transaction."""
        self._connection = connection
        self._streams: list[sqlite3.Cursor] = []

    def rows(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return checked(self._connection.execute(sql, parameters).fetchall())

    def stream(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a query one by one, as long as the view is open."""
        cursor = self._connection.cursor()
        self._streams.append(cursor)  # before it runs: whatever happens then, it is closed
        return map(checked_row, cursor.execute(sql, parameters))

    def close(self) -> None:
        """Close every stream: an unfinished one would keep its old view open, in the way of the next writer."""
        for cursor in self._streams:
            cursor.close()
