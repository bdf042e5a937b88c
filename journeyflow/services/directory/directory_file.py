"""The file of a directory: one connection, one block of work at a time, and what goes wrong with either.

It is held as the file of a store is: a fork, a file that was replaced and an interrupt are met in the same way.
"""

import sqlite3
from collections.abc import Callable
from functools import partial
from os import PathLike

from journeyflow.errors import StorageError
from journeyflow.services.directory.schema import set_up
from journeyflow.stores.sqlite.blocks import SQLiteBlock
from journeyflow.stores.sqlite.held_file import HeldFile
from journeyflow.stores.sqlite.opening import BUSY_SECONDS, meaning, retry_busy
from journeyflow.stores.turns import Joining, Open, StoreTurn


class DirectoryFile:
    """An open file; ":memory:" is one that nobody else sees."""

    def __init__(self, path: str | PathLike[str]) -> None:
        """Open the file, or make it. Raises StorageError."""
        self._held = HeldFile(path)
        self.path = self._held.path
        self._turn = StoreTurn(self.path, is_shared=self._held.is_shared)
        with Joining(self._turn):  # a fork meanwhile would not know of the file
            try:
                self.connection: sqlite3.Connection | None = self._opened()
            except sqlite3.Error as error:
                raise meaning(error, self.path) from error
            self._held.note()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._held.location.absolute, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            retry_busy(connection, partial(connection.execute, "PRAGMA journal_mode = WAL"))
            connection.execute("BEGIN IMMEDIATE")
            set_up(connection, self.path)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the file; closing again does nothing, and neither does closing in a forked child process."""
        if self._held.came_by_fork():
            return
        with Joining(self._turn):
            if self.connection is not None:
                self.connection.close()
                self.connection = None
                self._held.drop()

    def reading(self) -> "DirectoryBlock":
        """Open a block that reads."""
        return self._block("")

    def writing(self) -> "DirectoryBlock":
        """Open a block that writes everything or nothing; inside another one it is a part of that."""
        return self._block("BEGIN IMMEDIATE")

    def _block(self, begin: str) -> "DirectoryBlock":
        self._held.refuse_fork("directory")  # before the turn, which another thread may have had at the fork
        return DirectoryBlock(self._turn, self._use, begin)

    def _use(self) -> sqlite3.Connection:
        if self.connection is None:
            raise StorageError(self.path, "the directory is closed", "open it again")
        self._held.check()
        return self.connection


class DirectoryBlock(SQLiteBlock):
    """A block of work on a directory; it may stand inside another one of its thread, which then ends it."""

    joins = True

    def __init__(self, turn: StoreTurn, connect: Callable[[], sqlite3.Connection], begin: str) -> None:
        """Wait for a turn when the block is entered; `begin` is the statement that begins a transaction, if any."""
        super().__init__(turn, connect)
        self._begin = begin

    def begin(self) -> sqlite3.Connection:
        """Return the connection."""
        connection = super().begin()
        if self._begin and not connection.in_transaction:
            connection.execute(self._begin)
        return connection

    def end(self) -> None:
        """Commit, unless an outer block will."""
        if self.turn.is_had_by(self) and self.connection is not None and self.connection.in_transaction:
            self.connection.execute("COMMIT")

    def drop(self) -> None:
        """Roll back, unless an outer block decides."""
        if self.turn.is_had_by(self):
            super().drop()

    def meaning(self, error: BaseException) -> StorageError | None:
        """Return what an error of SQLite means; others are those of the caller."""
        return meaning(error, self.turn.name) if isinstance(error, sqlite3.Error | UnicodeDecodeError) else None

    def is_left(self) -> bool:
        """Return whether the `with` statement is over, that of a host too: blocks are not passed on."""
        return Open.is_left(self)
