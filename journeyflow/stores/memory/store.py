"""The store in memory, for tests and simulation, and as the model for other stores.

Queries in SQL work here too: they run on an in-memory SQLite database with the same rows (R80, `mirror.py`).
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from journeyflow.errors import StorageError
from journeyflow.records.changes import Changes
from journeyflow.stores.contract import check_nonce
from journeyflow.stores.memory.commits import Unfinished, take_back, unfinished
from journeyflow.stores.memory.mirror import Mirror, laid_out
from journeyflow.stores.memory.transaction import NAME, MemoryTransaction
from journeyflow.stores.memory.writing import MemoryWriting
from journeyflow.stores.turns import Block, Joining, StoreTurn

if TYPE_CHECKING:  # which only queries need
    from sqlite3 import Connection

    from journeyflow.stores.sqlite.reader import SQLiteReader

NO_ATTRIBUTES: dict[str, object] = {}

CLOSED = ("the store is closed", "make another")


class MemoryStore(MemoryWriting):
    """A store that keeps everything in this process; nothing is written to disk.

    `nonce` is part of message ids; it is fixed, so that equal inputs give equal results (R90).
    """

    def __init__(self, *, nonce: str = "memory") -> None:
        """Create an empty store."""
        check_nonce(nonce)
        super().__init__(nonce=nonce)
        self.turn = StoreTurn(NAME)
        self._mirror = Mirror()
        self._closed = False
        self._unfinished: Unfinished | None = None

    def __repr__(self) -> str:
        """Return how many customers and enrollments are stored."""
        return f"MemoryStore({len(self.customers)} customers, {len(self.runs)} enrollments)"

    def close(self) -> None:
        """Close the database behind questions; a closed store answers nothing."""
        with Joining(self.turn):
            self._closed = True
            self._mirror.drop()

    def transaction(
        self,
        *,
        write: bool = True,
        tenant: str | None = None,  # noqa: ARG002 one thread at a time
        due_at: int | None = None,  # noqa: ARG002 likewise
        leasing: bool = False,  # noqa: ARG002 likewise
    ) -> AbstractContextManager["MemoryTransaction"]:
        """Open a transaction; its commits take effect when the block ends without an exception."""
        return MemoryBlock(self, write=write)

    def reader(self) -> AbstractContextManager["SQLiteReader"]:
        """Open a consistent view for queries, on an in-memory SQLite database with the same rows."""
        from journeyflow.stores.sqlite.blocks import View  # noqa: PLC0415 imports sqlite3, for queries only

        return View(self.turn, self._questioned)

    @contextmanager
    def figures(self) -> Iterator["SQLiteReader"]:
        """Open a view for queries about enrollments and what is counted.

        It has no inputs, no messages, no attributes of customers, and of the moves only those that a cap has stopped:
        these are most of what `reader` copies. Nothing is kept for the next view.
        """
        with self.transaction(write=False):
            capped = tuple([move for move in self.moves if any("cap" in read for read in move.seen.values())])
            counted = self._counted()
            people = tuple([(number, tenant, name, NO_ATTRIBUTES) for number, tenant, name, _ in counted.customers])
            counted = counted._replace(customers=people, moves=capped)
        with ExitStack() as opened, laid_out(counted, self.meta["nonce"], opened).reader() as reader:
            yield reader

    def _questioned(self) -> "Connection":
        """Return the connection of the database for queries, brought up to date."""
        self.use()
        return self._mirror.database(self.snapshot, self.meta["nonce"]).use()

    def use(self) -> None:
        """Begin to use the store, for a block that has the turn; raises StorageError if it is closed."""
        if self._closed:
            raise StorageError(NAME, *CLOSED)
        if self._unfinished is not None:
            self._mirror.drop()
            take_back(self, self._unfinished)
            self.posts_by_customer = None
            self.pulls.forgo()
            self.journey_timers.add(self.limits.places())
            self._finish()

    def commit(self, committed: Iterable[Changes]) -> None:
        """Write what a transaction came to, all of it or nothing (see `commits.py`)."""
        self._unfinished = unfinished(self, tuple(self._numbered(committed)))
        self._finish()

    def _finish(self) -> None:
        """Put in place what is left of the commit that counts."""
        while self._unfinished is not None:
            changes = self._unfinished.left[0]
            self._mirror.note(changes)
            self._take(changes, self._unfinished)
            self._unfinished = unfinished(self, self._unfinished.left[1:])


class MemoryBlock(Block):
    """The block of a transaction on a `MemoryStore`."""

    def __init__(self, store: MemoryStore, *, write: bool) -> None:
        """Wait for the turn when the block is entered."""
        super().__init__(store.turn)
        self._store, self._transaction = store, MemoryTransaction(store, write=write)

    def begin(self) -> "MemoryTransaction":
        """Return the transaction."""
        self._store.use()
        return self._transaction

    def end(self) -> None:
        """Put the commits in place."""
        self._store.commit(self._transaction.committed)
