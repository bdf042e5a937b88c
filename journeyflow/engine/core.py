"""What an engine and its tenant-bound copies share: the store, the handlers, the options, the catalog."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import frozen

from journeyflow.basics.moments import Duration
from journeyflow.catalog.catalog import Catalog, JourneyRecord
from journeyflow.catalog.lifecycle import find
from journeyflow.catalog.loading import amended, read_catalog
from journeyflow.errors import StorageError
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.changes import Changes
from journeyflow.records.public import Message
from journeyflow.stores.contract import Store, Transaction

if TYPE_CHECKING:
    from journeyflow.machine.program import Program

Handler = Callable[[Message], object]

LOG = logging.getLogger("journeyflow")
"""The log of the library; it goes nowhere unless the host says where."""

LOG.addHandler(logging.NullHandler())


@frozen
class Options:
    """What the host chose when it made the engine.

    `max_jump` bounds how far before `now` the earliest due work may lie (R3), None for no bound. `batch_size` is how
    many items make one commit, `dedup` how long event ids are remembered, in microseconds. `scrub` is whether work that
    forgets a customer ends with scrubbing the store (R86). `stopwatch` returns seconds that only grow (R1).
    """

    max_jump: Duration | None
    batch_size: int
    dedup: int
    scrub: bool
    stopwatch: Callable[[], float]


class Core:
    """What an engine and its tenant-bound copies share: the store, the handlers, the options, a cached catalog.

    `closing` is whether somebody closes the engine; ticks then end as soon as they can.
    """

    def __init__(self, store: Store, channels: Mapping[str, Handler], options: Options) -> None:
        """Begin without a catalog."""
        self.store, self.channels, self.options = store, dict(channels), options
        self.lock = threading.RLock()
        self.catalog: Catalog | None = None
        self.path: object = getattr(store, "path", "memory")
        self.compiled: dict[tuple[int, str], Program] = {}
        self.local = threading.local()
        self.stopwatch = options.stopwatch
        self.closing = False
        self._ticks: dict[object, int] = {}
        """The thread of each tick that is going on."""
        self._one_ended, self._pid = threading.Condition(), os.getpid()

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Have `close` wait until the block is left. Raises StorageError on a closed engine.

        No lock is taken, so a process may be forked here.
        """
        tick, thread = object(), threading.get_ident()
        if self.closing and thread not in self._ticks.values():
            raise StorageError(self.path, "the engine is closed", "make another")
        try:
            self._ticks[tick] = thread
            yield
        finally:
            self._ticks.pop(tick, None)
            if self.closing:
                self._end()

    def _end(self) -> None:
        """Close the store if no tick is going on, and wake those who wait for that."""
        with self._one_ended:
            if not self._ticks:
                self.store.close()
            self._one_ended.notify_all()

    def close(self) -> None:
        """Close the store, after the ticks of other threads; within a tick, at its end."""
        self.closing = True
        if os.getpid() != self._pid:  # the ticks of the parent's threads never end here
            self.store.close()
        elif threading.get_ident() not in self._ticks.values():
            with self._one_ended:
                self._one_ended.wait_for(lambda: not self._ticks)
            self.store.close()

    def refresh(self, transaction: Transaction) -> Catalog:
        """Return the catalog as of a transaction, reading it again only if its revision has changed."""
        with self.lock:
            shelf = transaction.shelf(self.catalog.revision if self.catalog else None)
            if shelf is not None:
                self.catalog = read_catalog(shelf, self.path, self.compiled)
            return self.catalog  # type: ignore[return-value]  # it has been read at least once

    @contextmanager
    def amending(self) -> Iterator[Transaction]:
        """Open a transaction that changes the catalog, and apply what it commits to the cached catalog.

        So a call costs what it changes, however many journeys there are. If the block raises, or if the catalog has
        been read again in the meantime, the cached catalog stays as it is.
        """
        with self.store.transaction() as transaction:
            noted, before = Noted(transaction), self.refresh(transaction)
            yield noted
        after = before
        for changes in noted.committed:
            after = amended(after, changes.catalog, self.path, self.compiled)
        with self.lock:
            if self.catalog is before:
                self.catalog = after


class Noted:
    """A transaction that remembers what was committed through it."""

    def __init__(self, transaction: Transaction) -> None:
        """Pass everything on to the transaction."""
        self.shelf, self.due, self.load = transaction.shelf, transaction.due, transaction.load
        self.claimable, self._commit = transaction.claimable, transaction.commit
        self.committed: list[Changes] = []

    def commit(self, changes: Changes) -> None:
        """Commit the changes, and remember them."""
        self._commit(changes)
        self.committed.append(changes)


class Bound:
    """A core bound to one tenant, the base of `Engine`: its methods look up the journeys of that tenant."""

    _core: Core
    _tenant: str
    _bound: bool

    def _known(self, journey: str) -> JourneyRecord:
        """Return the catalog's record of a journey; raises NotFound, and InvalidInput for what is no text."""
        with self._core.store.transaction(write=False) as transaction:
            return self._find(transaction, journey)

    def _find(self, transaction: Transaction, journey: str, tenant: str | None = None) -> JourneyRecord:
        """Return the record of a journey within a transaction; raises what `_known` raises."""
        refuse(name_faults("journey", journey=journey))
        return find(self._core.refresh(transaction), tenant or self._tenant, journey)
