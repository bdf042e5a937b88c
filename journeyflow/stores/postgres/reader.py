"""Queries on a PostgreSQL database, in the SQL of the questions (see `dialect.py`)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import ClientCursor, Connection

from journeyflow.stores.postgres.dialect import asked

PAGE = 1_000
"""How many rows of a stream are fetched at a time."""


class PostgresReader:
    """A view for SQL queries over the tables and views of `schema.py`."""

    def __init__(self, connection: Connection) -> None:
        """Use a connection that is in a transaction."""
        self._connection = connection
        self._streams = 0

    def rows(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        cursor = ClientCursor(self._connection)
        cursor.execute(asked(sql), parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return found

    def stream(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query one by one, as long as the view is open."""
        self._streams += 1
        name = f"stream_{self._streams}"
        ClientCursor(self._connection).execute(f"DECLARE {name} NO SCROLL CURSOR FOR {asked(sql)}", parameters)
        while page := self._connection.execute(f"FETCH {PAGE} FROM {name}").fetchall():
            yield from page
