"""The store in one SQLite file: the file, its lock, its transactions and its views."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from journeyflow.errors import StorageError, quoted
from journeyflow.stores.contract import check_nonce
from journeyflow.stores.sqlite.beside import Beside
from journeyflow.stores.sqlite.blocks import SQLiteBlock, TransactionBlock, View
from journeyflow.stores.sqlite.held_file import HeldFile
from journeyflow.stores.sqlite.kept import Kept
from journeyflow.stores.sqlite.opening import MEMORY, meaning, open_file, rebuild
from journeyflow.stores.turns import Joining, StoreTurn

if TYPE_CHECKING:
    from sqlite_utils import Database

    from journeyflow.stores.sqlite.reader import SQLiteReader
    from journeyflow.stores.sqlite.transaction import SQLiteTransaction
    from journeyflow.stores.sqlite.writing import Paths


class SQLiteStore:
    """A store that keeps everything in one SQLite file, or in memory with the path ":memory:".

    `synchronous` is "FULL" (a commit survives power loss) or "NORMAL" (power loss may undo the last commits, but does
    not damage the file). `nonce`, the start of message ids, is drawn at random for a new file if it is not given (R70).
    Raises ForeignDatabase, NewerSchema, CorruptDatabase, ReadOnlyDatabase or StorageError, each with path and remedy;
    ValueError for another `synchronous`.
    """

    def __init__(self, path: str | os.PathLike[str], *, synchronous: str = "FULL", nonce: str | None = None) -> None:
        """Open the file, or create it."""
        if synchronous not in ("FULL", "NORMAL"):
            msg = f"synchronous is 'FULL' or 'NORMAL', not {quoted(synchronous)}"
            raise ValueError(msg)
        if nonce is not None:
            check_nonce(nonce)
        self._held = HeldFile(path)
        self.path, self._location = self._held.path, self._held.location
        self._turn = StoreTurn(self.path, is_shared=self._held.is_shared)
        self._paths: Paths = {}
        self._kept = Kept()
        with Joining(self._turn):  # a fork meanwhile would not know of the file
            self.connection: sqlite3.Connection | None = open_file(self._location, synchronous, nonce)
            self._held.note()
        self._beside = Beside(self._location)

    def __repr__(self) -> str:
        """Return the call with the path."""
        return f"SQLiteStore({self.path!r})"

    def close(self) -> None:
        """Close the file; closing again does nothing, and neither does closing in a forked child process."""
        if self._held.came_by_fork():
            return
        with Joining(self._turn):
            if self.connection is not None:
                self.connection.close()
                self.connection = None
                self._held.drop()
        self._beside.close()

    def transaction(
        self,
        *,
        write: bool = True,
        tenant: str | None = None,  # noqa: ARG002 a file has one lock
        due_at: int | None = None,  # noqa: ARG002 likewise
        leasing: bool = False,  # noqa: ARG002 likewise
    ) -> AbstractContextManager["SQLiteTransaction"]:
        """Open a transaction; one that writes holds the write lock of the file from the start."""
        self._refuse_fork()  # before the turn, which another thread may have had when the process was forked
        turn, use = self._place(write=write)
        kept = self._kept if turn is self._turn else Kept()
        return TransactionBlock(turn, use, self._paths, kept, self._scrub, write=write)

    def _scrub(self) -> None:
        """Rewrite the file from its content and empty its log, so that no deleted data is left in either."""
        try:
            if self.path == MEMORY:
                self.use().execute("VACUUM")
            else:
                with Joining(self._beside.turn):  # nobody here may still read the old content
                    rebuild(self._location)
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error

    def reader(self) -> AbstractContextManager["SQLiteReader"]:
        """Open a consistent view for queries; no thread waits for what another one is writing."""
        self._refuse_fork()
        return View(*self._place(write=False))

    def _place(self, *, write: bool) -> tuple[StoreTurn, Callable[[], sqlite3.Connection]]:
        """Return whose turn a block takes, and its connection: another one to read while a thread is at work."""
        beside = self._beside
        if beside.turn.is_of(mine=True) or (not write and self.path != MEMORY and self._turn.is_of(mine=False)):
            return beside.turn, self._use_beside
        return self._turn, self.use

    @contextmanager
    def look(self) -> Iterator["Database"]:
        """Open the file for people who look: a `sqlite_utils.Database` that cannot write.

        It is a connection of its own, so an engine may work meanwhile; each query sees what is committed by then. A
        database in memory is copied, as it is now. Raises StorageError on a closed store and after a fork.
        """
        from sqlite_utils import Database  # noqa: PLC0415 engines work without it

        self._refuse_fork()
        with SQLiteBlock(self._turn, self.use) as connection:
            if self.path == MEMORY:
                shown = sqlite3.connect(MEMORY)
                connection.backup(shown)
            else:
                shown = sqlite3.connect(f"{Path(self._location.absolute).as_uri()}?mode=ro", uri=True)
        with closing(shown):
            shown.execute("PRAGMA query_only = ON")
            yield Database(shown, execute_plugins=False)

    def use(self) -> sqlite3.Connection:
        """Return the connection, for a block that has the turn; raises StorageError as `_check` does."""
        self._check()
        return self.connection  # type: ignore[return-value]  # the store is open

    def _use_beside(self) -> sqlite3.Connection:
        """Return the connection to read from while another thread is at work; raises StorageError as `_check` does."""
        self._check()
        return self._beside.connection()

    def _check(self) -> None:
        """Raise StorageError if the store is closed, or if the file is gone or another one."""
        if self.connection is None:
            raise StorageError(self.path, "the store is closed", "open it again")
        self._held.check()

    def _refuse_fork(self) -> None:
        """Raise StorageError in a process that got this store through a fork."""
        self._held.refuse_fork("store")
