"""The blocks in which a SQLite connection works: a transaction or a view, and the meaning of what goes wrong in one."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from journeyflow.errors import CorruptDatabase, JourneyflowError, StorageError
from journeyflow.stores.sqlite.kept import Kept
from journeyflow.stores.sqlite.opening import RESTORE, meaning, primary_code
from journeyflow.stores.sqlite.reader import SQLiteReader
from journeyflow.stores.sqlite.transaction import MediumError, SQLiteTransaction
from journeyflow.stores.turns import Block, StoreTurn

if TYPE_CHECKING:
    from journeyflow.stores.sqlite.writing import Paths

BAD_JSON = "malformed JSON"
"""The message of SQLite for text in the file that should be JSON and is not."""

UNEXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, sqlite3.Error)
"""The exceptions that damaged values in a file can cause, such as truncated JSON or dangling numbers."""

_THEIRS = frozenset({sqlite3.SQLITE_CONSTRAINT})
"""The doubtful codes in a view: a host's query may be wrong, or a row refused, although the file is intact, so the
audit decides."""

_OURS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT})
"""The doubtful codes in a transaction: the engine's own statements fit the tables, so the file must be damaged."""


class SQLiteBlock(Block):
    """A block on the connection that `connect` returns once the block has its turn."""

    doubtful = _THEIRS
    """The codes of errors that may be caused by a damaged file."""

    def __init__(self, turn: StoreTurn, connect: Callable[[], sqlite3.Connection]) -> None:
        """Wait for a turn when the block is entered."""
        super().__init__(turn)
        self._connect = connect
        self.connection: sqlite3.Connection | None = None

    def begin(self) -> sqlite3.Connection:
        """Return the connection."""
        self.connection = self._connect()
        return self.connection

    def drop(self) -> None:
        """Roll the transaction back; SQLite may have ended it already, and the connection may be closed."""
        with suppress(sqlite3.Error):
            if self.connection is not None and self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def meaning(self, error: BaseException) -> StorageError | None:
        """Return the error to raise instead of one raised in a block; None to raise that error itself.

        An unexpected error is reported as damage of the file if the audit finds a fault in the file.
        """
        if isinstance(error, MediumError):
            error = error.__cause__ or error
        if self.connection is None or isinstance(error, JourneyflowError) or not isinstance(error, UNEXPECTED):
            return None
        path = self.turn.name
        plain = meaning(error, path) if isinstance(error, sqlite3.Error) else None
        if isinstance(error, sqlite3.Error) and primary_code(error) not in self.doubtful and BAD_JSON not in str(error):
            return plain
        certain = isinstance(error, sqlite3.Error) and primary_code(error) in self.doubtful - _THEIRS
        damage = str(error) if certain else _damage(self.connection)
        return plain if damage is None else CorruptDatabase(path, damage, RESTORE)


class View(SQLiteBlock):
    """A consistent view for queries; changes that a query makes are not kept."""

    _reader: SQLiteReader | None = None

    def begin(self) -> SQLiteReader:  # type: ignore[override]  # what the `with` statement names
        """Return the reader."""
        connection = super().begin()
        connection.execute("BEGIN")
        self._reader = SQLiteReader(connection)
        return self._reader

    def end(self) -> None:
        """End the view."""
        self.drop()

    def drop(self) -> None:
        """Close what is still being read, and end the view."""
        if self._reader is not None:
            self._reader.close()
        super().drop()


class TransactionBlock(SQLiteBlock):
    """A transaction; one that writes holds the write lock of the file from the start."""

    doubtful = _OURS

    def __init__(
        self,
        turn: StoreTurn,
        connect: Callable[[], sqlite3.Connection],
        paths: "Paths",
        kept: Kept,
        scrub: Callable[[], None],
        *,
        write: bool,
    ) -> None:
        """Wait for a turn when the block is entered; `paths` are the interned paths that are known."""
        super().__init__(turn, connect)
        self._paths, self._kept, self._scrub, self._write = paths, kept, scrub, write
        self._added: Paths = {}

    def begin(self) -> SQLiteTransaction:  # type: ignore[override]  # what the `with` statement names
        """Return the transaction."""
        connection = super().begin()
        connection.execute("BEGIN IMMEDIATE" if self._write else "BEGIN")
        self._kept.begin(connection)
        self._transaction = SQLiteTransaction(
            connection, self.turn.name, self._paths, self._added, self._kept, write=self._write
        )
        return self._transaction

    def drop(self) -> None:
        """Roll the transaction back, and forget what was read in it."""
        super().drop()
        self._kept.forget()

    def end(self) -> None:
        """Commit; then note the paths that are interned, and erase what was deleted if the work asks for it."""
        connection: sqlite3.Connection = self.connection  # type: ignore[assignment]  # the block has begun
        connection.execute("COMMIT")
        for version, numbers in self._added.items():
            self._paths.setdefault(version, {}).update(numbers)
        if self._transaction.scrubbed:
            self._scrub()


def _damage(connection: sqlite3.Connection) -> str | None:
    """Return what is wrong with the file, or None."""
    from journeyflow.stores.audit import audit_faults  # noqa: PLC0415 wanted when something is wrong

    try:
        with closing(SQLiteReader(connection)) as reader:
            return next(audit_faults(reader), None)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error)
