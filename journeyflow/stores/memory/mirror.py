"""The database for queries to a store in memory: filled once, then updated with what was committed since.

`Changes` are a value, so that the changes applied to one store can be applied to another one too. So the cost of a
query depends on the changes since the last query, not on the size of the store.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING
from weakref import finalize

from journeyflow.records.changes import Changes

if TYPE_CHECKING:  # imports sqlite-utils, which only queries need
    from journeyflow.stores.sqlite.store import SQLiteStore


class Mirror:
    """An SQLite database in memory with the rows of a store, created at the first query."""

    def __init__(self) -> None:
        """Start without a database, so that a store without queries has no cost."""
        self._database: SQLiteStore | None = None
        self._open = ExitStack()
        self._behind: list[Changes] = []
        self._rows = self._rows_behind = 0
        # Not in __del__: in a reference cycle, the connection may be finalized before the store, which warns from
        # Python 3.13 on. Not at exit: the host may still run queries then.
        finalize(self, self._open.close).atexit = False

    def note(self, changes: Changes) -> None:
        """Note committed changes; if they outgrow the database, drop it, because filling a new one costs less."""
        if self._database is None:
            return
        self._behind.append(changes._replace(erased=changes.erased._replace(scrubbed=False)))
        self._rows_behind += _rows_of(changes)
        if self._rows_behind > self._rows:
            self.drop()

    def database(self, everything: Callable[[], Changes], nonce: str) -> "SQLiteStore":
        """Return the database, brought up to date; `everything` returns the whole content of the store.

        The mirror owns the database: do not close it.
        """
        database, self._database = self._database, None  # none while it is half up to date
        if database is None:
            self.drop()
            content = everything()
            database = laid_out(content, nonce, self._open)
            self._rows = _rows_of(content)
        elif self._behind:
            with database.transaction() as transaction:
                for changes in self._behind:
                    transaction.commit(changes)
            self._rows += self._rows_behind
        self._behind, self._rows_behind = [], 0
        self._database = database
        return database

    def drop(self) -> None:
        """Close the database; the next query creates a new one."""
        self._database = None
        self._behind, self._rows_behind = [], 0
        self._open.close()


def laid_out(content: Changes, nonce: str, opened: ExitStack) -> "SQLiteStore":
    """Return a database in memory with the rows of a store; it is closed with what is `opened`."""
    from journeyflow.stores.sqlite.store import SQLiteStore  # noqa: PLC0415 imports sqlite-utils

    database = SQLiteStore(":memory:", nonce=nonce)
    opened.callback(database.close)
    with database.transaction() as transaction:
        transaction.commit(content)
    return database


def _rows_of(changes: Changes) -> int:
    """Return roughly how many rows these changes write, as a measure of the time that takes."""
    many = (changes.inputs, changes.handled, changes.customers, changes.runs, changes.moves, changes.new_posts)
    crowds = sum(len(crowd.people) * (2 + len(crowd.posts)) for crowd in changes.crowds)
    return sum(map(len, many)) + len(changes.posts) + len(changes.counters) + crowds
