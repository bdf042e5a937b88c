"""The database behind the questions to a store in memory: laid out once, then brought up to date by what was committed.

`Changes` are a value, so what one store takes over another one can take over, too. A question thereby costs what has
changed since the last one, not what is kept.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING
from weakref import finalize

from attrs import evolve

from journeyflow.records.changes import Changes

if TYPE_CHECKING:  # costs sqlite-utils; wanted for questions only
    from journeyflow.stores.sqlite.store import SQLiteStore


class Mirror:
    """An SQLite database in memory with the rows of a store, from the first question on."""

    def __init__(self) -> None:
        """Begin without a database: a store that is asked nothing pays nothing."""
        self._database: SQLiteStore | None = None
        self._open = ExitStack()
        self._behind: list[Changes] = []
        self._rows = self._rows_behind = 0
        # Not in __del__: of garbage that hangs together, the connection may be finalized before the store, and from
        # Python 3.13 on it warns then. Not at exit: the host may still ask there.
        finalize(self, self._open.close).atexit = False

    def note(self, changes: Changes) -> None:
        """Note what was committed; where that is more than what is kept, laying everything out anew costs less."""
        if self._database is None:
            return
        self._behind.append(evolve(changes, scrubbed=False))
        self._rows_behind += _rows_of(changes)
        if self._rows_behind > self._rows:
            self.drop()

    def database(self, everything: Callable[[], Changes], nonce: str) -> "SQLiteStore":
        """Return the database as of now; `everything` returns all that is kept. It is the mirror's: do not close it."""
        try:
            if self._database is None:
                self._database = self._laid_out(everything(), nonce)
            elif self._behind:
                with self._database.transaction() as transaction:
                    for changes in self._behind:
                        transaction.commit(changes)
                self._rows += self._rows_behind
            self._behind, self._rows_behind = [], 0
        except BaseException:  # half of it may be there
            self.drop()
            raise
        return self._database

    def _laid_out(self, everything: Changes, nonce: str) -> "SQLiteStore":
        from journeyflow.stores.sqlite.store import SQLiteStore  # noqa: PLC0415 costs sqlite-utils

        database = SQLiteStore(":memory:", nonce=nonce)
        self._open.callback(database.close)
        with database.transaction() as transaction:
            transaction.commit(everything)
        self._rows = _rows_of(everything)
        return database

    def drop(self) -> None:
        """Close the database; the next question lays it out anew."""
        self._database = None
        self._behind, self._rows_behind = [], 0
        self._open.close()


def _rows_of(changes: Changes) -> int:
    """Count the rows that changes write or change, roughly: what takes time."""
    many = (changes.inputs, changes.handled, changes.customers, changes.runs, changes.moves, changes.new_posts)
    crowds = sum(len(crowd.people) * (2 + len(crowd.posts)) for crowd in changes.crowds)
    return sum(map(len, many)) + len(changes.posts) + len(changes.counters) + crowds
