"""Questions asked of a SQLite file."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class SQLiteReader:
    """Questions in SQL over the tables and views of `schema.py`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Ask through a connection."""
        self._connection = connection
        self._streams: list[sqlite3.Cursor] = []

    def rows(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a query one by one, as long as the view is open."""
        cursor = self._connection.execute(sql, parameters)
        self._streams.append(cursor)
        return iter(cursor)

    def close(self) -> None:
        """End every stream: one that is left half-way would hold its old view, and the next writer would find it."""
        for cursor in self._streams:
            cursor.close()
