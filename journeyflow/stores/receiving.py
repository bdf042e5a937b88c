"""What a place does to which another store is copied, row by row: the interface that files and servers share."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol

from attrs import frozen

from journeyflow.errors import StorageError
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.rows import Row
from journeyflow.stores.schema import TABLE_NAMES

NOTE: Final = "copy"
"""The setting of an unfinished copy that says how far it is."""

MOVED: Final = tuple(name for name in TABLE_NAMES if name != "meta")
"""The tables whose rows are copied as they are, each after those that it refers to."""

SETTINGS: Final = f"SELECT name, value FROM meta WHERE name <> '{NOTE}' ORDER BY name"

FULL: Final = ("there are rows here already", "name a place where nothing is yet")

TAKEN: Final = ("another process copies to here too", "wait until it is done")


@frozen
class Used:
    """Which numbers a store has given, also those of rows that are gone: none of them is ever given again.

    `numbers` is (table, last number); a store with a range of numbers for each tenant has several of a table.
    `tenants` is the range of each tenant with the instant of its last tick; empty for a file, which knows neither.
    """

    numbers: Sequence[tuple[str, int]]
    tenants: Mapping[str, tuple[int, int | None]]


class Receiver(Protocol):
    """A store that is being filled and cannot be opened meanwhile. Every method is one transaction.

    `path` is what errors call it.
    """

    path: str

    def settings(self) -> Mapping[str, str]:
        """Return the settings, with the note of an unfinished copy."""

    def begin(self, note: str) -> None:
        """Mark the store as an unfinished copy. Raises StorageError as `refuse_rows` does."""

    def add(self, table: str, rows: Sequence[Row], note: str, later: str) -> None:
        """Add rows, and replace the note. Raises StorageError if another process has replaced it."""

    def settle(self, settings: Mapping[str, str], used: Used) -> None:
        """Replace the settings, and see to it that no number is given again. Doing it again does no harm."""

    def reader(self) -> AbstractContextManager[SqlReader]:
        """Open a consistent view for queries."""

    def finish(self) -> None:
        """Make a store of it that can be opened."""

    def close(self) -> None:
        """Release all resources."""


def refuse_rows(reader: SqlReader, path: str) -> None:
    """Raise StorageError for a store in which any table has a row, or which another process fills already."""
    if any(reader.rows(f"SELECT 1 FROM {table} LIMIT 1") for table in MOVED):
        raise StorageError(path, *FULL)
    if reader.rows(f"SELECT 1 FROM meta WHERE name = '{NOTE}'"):
        raise StorageError(path, *TAKEN)
