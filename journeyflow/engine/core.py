"""What an engine and its tenant-bound copies share: the store, the handlers, the options, the catalog."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from attrs import frozen

from journeyflow.basics.durations import Duration
from journeyflow.catalog.catalog import Catalog, JourneyRecord
from journeyflow.catalog.lifecycle import find
from journeyflow.catalog.loading import amended, read_catalog
from journeyflow.errors import StorageError
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.changes import Changes
from journeyflow.records.public import Message
from journeyflow.stores.contract import Store, Transaction
from journeyflow.stores.turns import TURN_PATIENCE, Open

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

    `closing` is whether the engine is being closed; ticks then end as soon as they can.
    """

    def __init__(self, store: Store, channels: Mapping[str, Handler], options: Options) -> None:
        """Begin without a catalog."""
        self.store, self.channels, self.options = store, dict(channels), options
        self.catalog: Catalog | None = None
        self.path: object = getattr(store, "path", "memory")
        self.compiled: dict[tuple[int, str], Program] = {}
        self.local = threading.local()
        self.stopwatch = options.stopwatch
        self.closing = False
        self.with_handlers: set[tuple[int, int] | None] = set()
        """The messages that handlers were given, until their answers are stored or they are given back."""
        self._ticks: dict[Ticking, None] = {}
        self._one_ended, self._pid = threading.Condition(), os.getpid()

    def ticking(self) -> "Ticking":
        """Have `close` wait until the block is left. Raises StorageError on a closed engine.

        No lock is taken, so a process may be forked here.
        """
        return Ticking(self)

    def begin(self, tick: "Ticking") -> None:
        """Note a tick that is going on."""
        if self.closing and threading.get_ident() not in self._ticking():
            raise StorageError(self.path, "the engine is closed", "make another")
        self._ticks[tick] = None

    def end(self, tick: "Ticking") -> None:
        """Note that a tick is over; on an engine that is to be closed, close the store after the last one."""
        self._ticks.pop(tick, None)
        if not self.closing:
            return
        with self._one_ended:
            if not self._ticking():
                self.store.close()
            self._one_ended.notify_all()

    def _ticking(self) -> set[int]:
        """Return the threads that tick; a tick that an interrupt left is over."""
        return {tick.thread for tick in [*self._ticks] if not tick.is_left()}

    def close(self) -> None:
        """Close the store, after the ticks of other threads; within a tick, at its end."""
        self.closing = True
        if os.getpid() != self._pid:  # the ticks of the parent's threads never end here
            self.store.close()
        elif threading.get_ident() not in self._ticking():
            with self._one_ended:
                while self._ticking():
                    self._one_ended.wait(TURN_PATIENCE)
            self.store.close()

    def refresh(self, transaction: Transaction) -> Catalog:
        """Return the catalog as of a transaction, reading it again only if its revision has changed."""
        known = self.catalog
        shelf = transaction.shelf(known.revision if known else None)
        if shelf is not None:
            known = self.catalog = read_catalog(shelf, self.path, self.compiled)
        return known  # type: ignore[return-value]  # it has been read at least once

    def amending(self) -> "Amending":
        """Open a transaction that changes the catalog, and apply what it commits to the cached catalog.

        So a call costs what it changes, however many journeys there are. If the block raises, or if the catalog has
        been read again in the meantime, the cached catalog stays as it is.
        """
        return Amending(self)


class Ticking(Open):
    """A block in which a thread ticks."""

    def __init__(self, core: Core) -> None:
        """Begin when the block is entered."""
        self._core = core

    def __enter__(self) -> None:
        """Note that the tick goes on."""
        self.mark()
        self._core.begin(self)

    def __exit__(self, *_: object) -> None:
        """Note that it is over."""
        self._core.end(self)


class Amending:
    """A block with a transaction that remembers what was committed through it, to amend the cached catalog."""

    tenant = None

    def __init__(self, core: Core) -> None:
        """Begin with nothing committed."""
        self._core, self._block = core, core.store.transaction()
        self._before: Catalog | None = None
        self._committed: list[Changes] = []

    def __enter__(self) -> Transaction:
        """Begin the transaction, and return this in its place."""
        transaction = self._block.__enter__()
        self._transaction = transaction
        self.shelf, self.due, self.load = transaction.shelf, transaction.due, transaction.load
        self.ask = transaction.ask
        return self

    def commit(self, changes: Changes) -> None:
        """Commit the changes, and remember them."""
        if self._before is None:
            self._before = self._core.refresh(self._transaction)
        self._transaction.commit(changes)
        self._committed.append(changes)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the transaction; then amend the catalog."""
        block = self._block
        del self._block  # it has the frame of the `with` statement, which has this: a cycle that keeps the store
        block.__exit__(kind, error, trace)
        after = self._before
        if error is not None or after is None:
            return
        for changes in self._committed:
            after = amended(after, changes.catalog, self._core.path, self._core.compiled)
        if self._core.catalog is self._before:  # otherwise it has been read again
            self._core.catalog = after


class Bound:
    """A core bound to one tenant, the base of `Engine`: its methods look up the journeys of that tenant."""

    _core: Core
    _tenant: str
    _bound: bool

    def _known(self, journey: str) -> JourneyRecord:
        """Return the catalog's record of a journey; raises NotFound, and InvalidInput for what is not text."""
        with self._core.store.transaction(write=False) as transaction:
            return self._find(transaction, journey)

    def _records(self) -> tuple[JourneyRecord, ...]:
        """Return the catalog's records of this tenant's journeys, by id."""
        with self._core.store.transaction(write=False) as transaction:
            return self._core.refresh(transaction).of_tenant(self._tenant)

    def _find(self, transaction: Transaction, journey: str, tenant: str | None = None) -> JourneyRecord:
        """Return the record of a journey within a transaction; raises what `_known` raises."""
        refuse(name_faults("journey", journey=journey))
        return find(self._core.refresh(transaction), tenant or self._tenant, journey)

    def _check_known(self, journey: str | None) -> None:
        """Raise NotFound for an unknown journey; None is no journey."""
        if journey is not None:
            self._known(journey)
