"""What a transaction has read of a file and the next one need not ask again, as long as nothing else was committed."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from journeyflow.records.changes import Changes
from journeyflow.stores.batch import seq_of, serial_of
from journeyflow.stores.sqlite.due import GLANCE


class Kept:
    """What is known of a file on one connection: when there is work, and which numbers the next rows of tables get.

    SQLite tells whether that still holds: `PRAGMA data_version` is another one after a commit of anybody else, and
    `total_changes` counts what was written here. Only a rollback does not show; it has to be followed by `forget`.
    A transaction that writes has the lock, so nobody else takes the numbers meanwhile; none is ever used again.
    """

    def __init__(self) -> None:
        """Begin without knowing anything."""
        self._mark: tuple[object, int] = None, 0
        self.forget()

    def begin(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction; what may not hold any more is forgotten when the transaction asks for the first time."""
        self._connection, self._holds = connection, False

    def forget(self) -> None:
        """Ask again the next time."""
        self._glanced: tuple[Any, ...] | None = None
        self._last: dict[str, int] = {}

    def glance(self) -> tuple[Any, ...]:
        """Return the first instant of each kind of work, that of a queued message, and the revision of the catalog."""
        self._check()
        if self._glanced is None:
            (self._glanced,) = self._connection.execute(GLANCE).fetchall()
        return self._glanced

    def following(self, table: str) -> int:
        """Return the number that the next row of a table gets."""
        self._check()
        if not self._last:
            self._last = dict(self._connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        return self._last.get(table, 0) + 1

    def _check(self) -> None:
        """Forget everything if something was committed since the transaction that asked last."""
        if self._holds:
            return
        [version] = self._connection.execute("PRAGMA data_version").fetchall()
        mark = version, self._connection.total_changes
        if mark != self._mark:
            self._mark = mark
            self.forget()
        self._holds = True

    def wrote(self, changes: Changes) -> None:
        """Go on from what was written: numbers are known still where the changes show all that were taken."""
        if not self._holds:
            return  # nothing was asked in this transaction; the next one that does will see that something was written
        self._mark, self._glanced = (self._mark[0], self._connection.total_changes), None
        elsewhere = changes.catalog or changes.limits.joined or changes.exports or changes.crowds
        if elsewhere or (changes.inputs and not changes.inputs[0].seq):
            self._last = {}
        elif self._last:
            self._take("inputs", map(seq_of, changes.inputs))
            self._take("customers", [number for number, *_ in changes.customers])
            self._take("enrollments", map(serial_of, changes.runs))

    def _take(self, table: str, numbers: Iterable[int]) -> None:
        self._last[table] = max([self._last.get(table, 0), *numbers])
