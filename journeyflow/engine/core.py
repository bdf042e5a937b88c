"""What an engine and its tenants share: the store, the handlers, the options, the catalog."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import frozen

from journeyflow.basics.moments import Duration
from journeyflow.catalog.catalog import Catalog, JourneyRecord
from journeyflow.catalog.lifecycle import find
from journeyflow.catalog.loading import amended, read_catalog
from journeyflow.records.changes import Changes
from journeyflow.records.public import Message
from journeyflow.stores.contract import Store, Transaction

if TYPE_CHECKING:
    from journeyflow.machine.program import Program

Handler = Callable[[Message], object]


@frozen
class Options:
    """What a host chose: the bound of R3, items per commit, how long ids of events are known (micros).

    `scrub` says whether work that forgets somebody ends with scrubbing the store (R86).
    """

    max_jump: Duration | None
    batch_size: int
    dedup: int
    scrub: bool = True


class Core:
    """What an engine and its tenants share: the store, the handlers, the options, a cache of the catalog."""

    def __init__(self, store: Store, channels: Mapping[str, Handler], options: Options) -> None:
        """Begin without a catalog."""
        self.store, self.channels, self.options = store, dict(channels), options
        self.lock = threading.RLock()
        self.catalog: Catalog | None = None
        self.path: object = getattr(store, "path", "memory")
        self.compiled: dict[tuple[int, str], Program] = {}
        self.local = threading.local()

    def refresh(self, transaction: Transaction) -> Catalog:
        """Give the catalog as it stands in a transaction, read again only when another revision is there."""
        with self.lock:
            shelf = transaction.shelf(self.catalog.revision if self.catalog else None)
            if shelf is not None:
                self.catalog = read_catalog(shelf, self.path, self.compiled)
            return self.catalog  # type: ignore[return-value]  # there is one by now

    @contextmanager
    def amending(self) -> Iterator[Transaction]:
        """Open a transaction that changes the catalog: what it changes is taken over, and not read again.

        So a call costs what it changes, however many journeys there are. Where the block ends with an exception, and
        where somebody has read the catalog since, the catalog stays as it is.
        """
        with self.store.transaction() as transaction:
            noted, before = Noted(transaction), self.refresh(transaction)
            yield noted
        after = before
        for changes in noted.committed:
            after = amended(after, changes, self.path, self.compiled)
        with self.lock:
            if self.catalog is before:
                self.catalog = after


class Noted:
    """A transaction of which it is remembered what was committed."""

    def __init__(self, transaction: Transaction) -> None:
        """Do what the transaction does."""
        self.shelf, self.due, self.load = transaction.shelf, transaction.due, transaction.load
        self.claimable, self._commit = transaction.claimable, transaction.commit
        self.committed: list[Changes] = []

    def commit(self, changes: Changes) -> None:
        """Write everything at once, and remember it."""
        self._commit(changes)
        self.committed.append(changes)


class Bound:
    """A tenant's hold on a core, which an `Engine` is: its parts find the journeys of that tenant."""

    _core: Core
    _tenant: str
    _bound: bool

    def _known(self, journey: str) -> JourneyRecord:
        """Give a journey as the catalog has it; raises NotFound."""
        with self._core.store.transaction(write=False) as transaction:
            return self._find(transaction, journey)

    def _find(self, transaction: Transaction, journey: str, tenant: str | None = None) -> JourneyRecord:
        return find(self._core.refresh(transaction), tenant or self._tenant, journey)
