"""The store in one SQLite file: the file, its lock, its transactions and its views."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from journeyflow.errors import CorruptDatabase, JourneyflowError, StorageError
from journeyflow.stores.sqlite.opening import (
    MEMORY,
    REOPEN,
    REPLACED,
    RESTORE,
    Location,
    meaning,
    open_file,
    primary_code,
    rebuild,
)
from journeyflow.stores.sqlite.reader import SQLiteReader
from journeyflow.stores.sqlite.transaction import SQLiteTransaction

if TYPE_CHECKING:
    from journeyflow.stores.sqlite.writing import Paths

if TYPE_CHECKING:
    from sqlite_utils import Database

NESTED = ("a transaction is open in this thread already", "leave it first: they do not nest")

BAD_JSON = "malformed JSON"
"""The message of SQLite for text in the file that should be JSON and is not."""

UNEXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, sqlite3.Error)
"""The exceptions that damaged values in a file can cause, such as truncated JSON or dangling numbers."""


class SQLiteStore:
    """A store that keeps everything in one SQLite file, or in memory with the path ":memory:".

    `synchronous` is "FULL" (a commit survives power loss) or "NORMAL" (power loss may undo the last commits, but does
    not damage the file). `nonce`, the start of message ids, is drawn at random for a new file if it is not given (R70).
    Raises ForeignDatabase, NewerSchema, CorruptDatabase, ReadOnlyDatabase or StorageError, each with path and remedy;
    ValueError for another `synchronous`.
    """

    def __init__(self, path: str | os.PathLike[str], *, synchronous: str = "FULL", nonce: str | None = None) -> None:
        """Open the file, or create it."""
        if synchronous not in {"FULL", "NORMAL"}:
            msg = f"synchronous is 'FULL' or 'NORMAL', not {synchronous!r}"
            raise ValueError(msg)
        self.path = os.fspath(path)
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._paths: Paths = {}
        self._location = Location.of(self.path)
        self.connection: sqlite3.Connection | None = open_file(self._location, synchronous, nonce)
        self._identity = self._location.identity()

    def __repr__(self) -> str:
        """Return the call with the path."""
        return f"SQLiteStore({self.path!r})"

    def close(self) -> None:
        """Close the file; closing again does nothing, and neither does closing in a forked child process."""
        if self._came_by_fork():
            return
        with self._lock:
            if self.connection is not None:
                self.connection.close()
                self.connection = None

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator["SQLiteTransaction"]:
        """Open a transaction; one that writes holds the write lock of the file from the start."""
        added: Paths = {}
        with self._block("BEGIN IMMEDIATE" if write else "BEGIN", "COMMIT", _OURS) as connection:
            transaction = SQLiteTransaction(connection, self.path, self._paths, added, write=write)
            yield transaction
        for version, numbers in added.items():
            self._paths.setdefault(version, {}).update(numbers)
        if transaction.scrubbed:
            self._scrub()

    def _scrub(self) -> None:
        """Rewrite the file from its content and empty its log, so that no deleted data is left in either."""
        with self._lock:
            connection = self._connection()
            if self.path == MEMORY:
                connection.execute("VACUUM")
                return
            try:
                rebuild(self._location)
            except sqlite3.Error as error:
                raise meaning(error, self.path) from error

    @contextmanager
    def reader(self) -> Iterator["SQLiteReader"]:
        """Open a consistent view for queries."""
        with self._block("BEGIN", "ROLLBACK", _THEIRS) as connection:
            reader = SQLiteReader(connection)
            try:
                yield reader
            finally:
                reader.close()

    @contextmanager
    def look(self) -> Iterator["Database"]:
        """Open the file for people who look: a `sqlite_utils.Database` that cannot write.

        It is a connection of its own, so an engine may work meanwhile; each query sees what is committed by then. A
        database in memory is copied, as it is now. Raises StorageError on a closed store and behind a fork.
        """
        from sqlite_utils import Database  # noqa: PLC0415 engines work without it

        self._refuse_fork()
        with self._lock:
            connection = self._connection()
            if self.path == MEMORY:
                shown = sqlite3.connect(MEMORY)
                connection.backup(shown)
            else:
                shown = sqlite3.connect(f"{Path(self._location.absolute).as_uri()}?mode=ro", uri=True)
        with closing(shown):
            shown.execute("PRAGMA query_only = ON")
            yield Database(shown, execute_plugins=False)

    @contextmanager
    def _block(self, begin: str, end: str, doubtful: frozenset[int]) -> Iterator[sqlite3.Connection]:
        """Hold the lock and a transaction, which is rolled back after an exception.

        `doubtful` is the codes of errors that may be caused by a damaged file.
        """
        self._refuse_fork()  # before the lock, which another thread may have held when the process was forked
        with self._lock:
            connection = self._connection()
            try:
                connection.execute(begin)
                yield connection
                connection.execute(end)
            except BaseException as error:
                _roll_back(connection)
                found = self._meaning(connection, error, doubtful)
                if found is None:
                    raise
                raise found from error

    def _came_by_fork(self) -> bool:
        """Return whether another process opened the file; a database in memory is shared with nobody."""
        return self.path != MEMORY and os.getpid() != self._pid

    def _refuse_fork(self) -> None:
        """Raise StorageError in a process that got this store through a fork."""
        if self._came_by_fork():
            remedy = "open the file again in the child process"
            raise StorageError(self.path, "this store was opened before a fork; SQLite forbids sharing it", remedy)

    def _connection(self) -> sqlite3.Connection:
        """Return the connection.

        Raises StorageError if the store is closed, if this thread has a transaction open, or if the file is gone or
        another one: what would be written to it then, nobody would find.
        """
        if self.connection is None:
            raise StorageError(self.path, "the store is closed", "open it again")
        if self.connection.in_transaction:
            raise StorageError(self.path, *NESTED)
        if self._location.identity() != self._identity:
            raise StorageError(self.path, REPLACED, REOPEN)
        return self.connection

    def _meaning(
        self, connection: sqlite3.Connection, error: BaseException, doubtful: frozenset[int]
    ) -> StorageError | None:
        """Return the error to raise instead of one raised in a transaction; None to raise that error itself.

        An unexpected error is reported as damage of the file if the audit finds a fault in the file.
        """
        if isinstance(error, JourneyflowError) or not isinstance(error, UNEXPECTED):
            return None
        plain = meaning(error, self.path) if isinstance(error, sqlite3.Error) else None
        if isinstance(error, sqlite3.Error) and primary_code(error) not in doubtful and BAD_JSON not in str(error):
            return plain
        certain = isinstance(error, sqlite3.Error) and primary_code(error) in doubtful - _THEIRS
        damage = str(error) if certain else _damage(connection)
        return plain if damage is None else CorruptDatabase(self.path, damage, RESTORE)


_OURS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT})
"""The doubtful codes in a transaction: the engine's own statements fit the tables, so the file must be damaged."""

_THEIRS = frozenset({sqlite3.SQLITE_CONSTRAINT})
"""The doubtful codes in a view: a host's query may be wrong, or a row refused, although the file is intact, so the
audit decides."""


def _damage(connection: sqlite3.Connection) -> str | None:
    """Return what is wrong with the file, or None."""
    from journeyflow.stores.audit import faults  # noqa: PLC0415 wanted when something is wrong

    try:
        with closing(SQLiteReader(connection)) as reader:
            return next(faults(reader), None)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error)


def _roll_back(connection: sqlite3.Connection) -> None:
    """Roll a transaction back; SQLite may have ended it already, and the connection may be closed."""
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
