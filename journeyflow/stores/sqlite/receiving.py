"""A file to which another store is copied, and what a copy of a file has to know."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from journeyflow.errors import StorageError
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.receiving import NOTE, TAKEN, Used, refuse_rows
from journeyflow.stores.rows import Row
from journeyflow.stores.schema import APPLICATION_ID, COPYING_ID, columns_of
from journeyflow.stores.sqlite.opening import MEMORY, Location, meaning, open_again
from journeyflow.stores.sqlite.reader import SQLiteReader
from journeyflow.stores.sqlite.store import SQLiteStore

_SEQUENCES = "SELECT name, seq FROM sqlite_sequence ORDER BY name"


def used(reader: SqlReader) -> Used:
    """Return which numbers a file has given."""
    return Used(reader.rows(_SEQUENCES), {})


def source(path: str) -> SQLiteStore:
    """Open a file to copy from. Raises StorageError for one that is missing or empty, which would be made."""
    if not os.path.exists(path) or (os.path.isfile(path) and not os.path.getsize(path)):  # noqa: PTH110, PTH113, PTH202 a text
        raise StorageError(path, "there is nothing to copy here", "name the file of a store")
    return SQLiteStore(path)


class SQLiteReceiver:
    """A file that is filled from another store; it is made if it is missing."""

    def __init__(self, path: str) -> None:
        """Open the file."""
        if path == MEMORY:
            raise StorageError(path, "what is copied to memory is gone at once", "name a file")
        self.path = path
        location = Location.of(path)
        if not _is_unfinished(location):
            SQLiteStore(path).close()
        self._connection = open_again(location)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _block(self, how: str, end: str) -> Iterator[sqlite3.Connection]:
        """Work in a transaction of the database."""
        try:
            self._connection.execute(how)
            try:
                yield self._connection
                self._connection.execute(end)
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error

    @contextmanager
    def reader(self) -> Iterator[SQLiteReader]:
        """Open a consistent view for queries."""
        with self._block("BEGIN", "ROLLBACK") as connection, closing(SQLiteReader(connection)) as reader:
            yield reader

    def settings(self) -> Mapping[str, str]:
        """Return the settings, with the note of an unfinished copy."""
        with self.reader() as reader:
            return dict(reader.rows("SELECT name, value FROM meta"))

    def begin(self, note: str) -> None:
        """Mark the file as an unfinished copy. Raises StorageError as `refuse_rows` does."""
        with self._block("BEGIN IMMEDIATE", "COMMIT") as connection:
            refuse_rows(SQLiteReader(connection), self.path)
            connection.execute(f"PRAGMA application_id = {COPYING_ID}")
            connection.execute("INSERT INTO meta VALUES (?, ?)", (NOTE, note))

    def add(self, table: str, rows: Sequence[Row], note: str, later: str) -> None:
        """Add rows, and replace the note. Raises StorageError if another process has replaced it."""
        marks = ", ".join("?" * len(rows[0]))
        with self._block("BEGIN IMMEDIATE", "COMMIT") as connection:
            asked = (later, NOTE, note)
            if not connection.execute("UPDATE meta SET value = ? WHERE name = ? AND value = ?", asked).rowcount:
                raise StorageError(self.path, *TAKEN)
            connection.executemany(f"INSERT INTO {table} ({columns_of(table)}) VALUES ({marks})", rows)

    def settle(self, settings: Mapping[str, str], used: Used) -> None:
        """Replace the settings, and count on from the highest of all numbers."""
        last = dict[str, int]()
        for table, number in (*used.numbers, *self._sequences()):
            last[table] = max(last.get(table, 0), number)
        last.pop("paths", None)  # it has no sequence: its numbers are not used again, because no path is ever removed
        with self._block("BEGIN IMMEDIATE", "COMMIT") as connection:
            connection.execute("DELETE FROM meta WHERE name <> ?", (NOTE,))
            connection.executemany("INSERT INTO meta VALUES (?, ?)", settings.items())
            connection.execute("DELETE FROM sqlite_sequence")
            connection.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", last.items())

    def _sequences(self) -> Sequence[tuple[str, int]]:
        with self.reader() as reader:
            return reader.rows(_SEQUENCES)

    def finish(self) -> None:
        """Make a store of the file that can be opened."""
        with self._block("BEGIN IMMEDIATE", "COMMIT") as connection:
            connection.execute("DELETE FROM meta WHERE name = ?", (NOTE,))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _is_unfinished(location: Location) -> bool:
    """Return whether a file is there that is an unfinished copy."""
    if not os.path.isfile(location.absolute):  # noqa: PTH113 as elsewhere in this package
        return False
    try:
        with closing(sqlite3.connect(location.absolute)) as connection:
            return bool(connection.execute("PRAGMA application_id").fetchone()[0] == COPYING_ID)
    except sqlite3.Error:
        return False  # opening it says why
