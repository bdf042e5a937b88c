"""Queries on a SQLite file."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class SQLiteReader:
    """A view for SQL queries over the tables and views of `schema.py`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection that is in a transaction."""
        self._connection = connection
        self._streams: list[sqlite3.Cursor] = []

    def rows(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a query one by one, as long as the view is open."""
        cursor = self._connection.cursor()
        self._streams.append(cursor)  # before it runs: whatever happens then, it is closed
        return iter(cursor.execute(sql, parameters))

    def close(self) -> None:
        """Close every stream: an unfinished one would keep its old view open, in the way of the next writer."""
        for cursor in self._streams:
            cursor.close()
