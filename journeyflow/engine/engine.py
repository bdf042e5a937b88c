"""The engine: the thin layer between a host and the pure core. Load, run, commit; then hand messages over.

It has no clock, no thread, no sleep and no state of its own beyond a cache of the catalog; every instant is an
argument.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from os import PathLike
from time import monotonic
from typing import Self

from journeyflow.basics.moments import LAST, from_micros, to_micros
from journeyflow.basics.values import describe, id_faults, plain_text
from journeyflow.catalog.lifecycle import policies_set
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.definition.policies import Policies
from journeyflow.engine.channels import ChannelCalls
from journeyflow.engine.copy_calls import CopyCalls
from journeyflow.engine.core import Core, Handler, Options
from journeyflow.engine.cycling import Cycling
from journeyflow.engine.delivery_calls import DeliveryCalls
from journeyflow.engine.handlers import check_handlers
from journeyflow.engine.inputs import check_limit, claim_of, forward, positive_length
from journeyflow.engine.latest_calls import LatestCalls
from journeyflow.engine.report_calls import ReportCalls
from journeyflow.engine.settling import Settling
from journeyflow.engine.ticking import TickResult, erase_owed, next_call, tick
from journeyflow.engine.upkeep_calls import UpkeepCalls
from journeyflow.engine.working import HostCall
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.changes import CatalogChanges, Changes
from journeyflow.stores.addresses import open_store
from journeyflow.stores.contract import Store
from journeyflow.work.intake import DEDUP_DAYS, dedup_micros

BATCH = 2_000
"""Items per commit: a batch of this size holds the write lock for some tens of milliseconds."""


class Engine(ReportCalls, CopyCalls, DeliveryCalls, ChannelCalls, UpkeepCalls, LatestCalls):
    """An embedded customer-journey engine on a SQLite file or any other `Store`.

    `store` is the path of a file, which is made if it is missing, or a `Store` such as `MemoryStore()`.

    `channels` maps names of channels to functions that deliver one `Message` each. A tick calls them; an exception
    counts as a failed attempt. Without `channels`, workers claim messages themselves.

    `grace` is how late work may be found before it takes effect at the tick's `now` instead of its own instant (R5): a
    length of time such as "1 hour", or None for no limit. It is kept in the store. Left out, the stored value stays: 1
    hour in a new file, no limit in memory.

    `max_jump` is how far before `now` the earliest due timer and the last tick may both lie before a tick raises
    `ClockJump` (R3); None is no bound. `batch_size` is how many items make one commit. `dedup_days` is for how many
    days the id of an event is remembered, so that the same event fed again changes nothing (R26).

    `scrub` is whether a tick in which a step forgot a customer also erases every trace of them from the medium; with
    `scrub=False` that waits for `vacuum` (R86).

    `stopwatch` returns seconds that only grow. With it the engine measures how long handlers take, and nothing else:
    none is called when the lease of its message is about to end (R1, R71).

    Every instant that a method takes is a timezone-aware `datetime`: a naive one raises ValueError, anything else
    TypeError. An id, number or option of a wrong type raises InvalidInput. Ids are sorted by code point. All methods
    may be called from any thread (R72). Used as a context manager, the engine closes its store at the end.

    >>> from journeyflow import MemoryStore
    >>> Engine(MemoryStore())
    Engine(MemoryStore(0 customers, 0 enrollments), tenant='default')
    """

    def __init__(
        self,
        store: str | PathLike[str] | Store,
        *,
        channels: Mapping[str, Handler] | None = None,
        grace: object = "default",
        max_jump: object = "366 days",
        batch_size: int = BATCH,
        dedup_days: int = DEDUP_DAYS,
        scrub: bool = True,
        stopwatch: Callable[[], float] = monotonic,
    ) -> None:
        """Open the store.

        Traces that an earlier process still had to erase from the medium are erased (R86). Raises StorageError for a
        file that cannot be used, TypeError for a handler that is not a plain function, and ValueError or TypeError for
        an option that is not allowed.
        """
        check_handlers({} if channels is None else channels)
        if type(batch_size) is not int or batch_size < 1:
            msg = f"batch_size must be 1 or more, not {describe(batch_size)}"
            raise ValueError(msg)
        if type(dedup_days) is not int or dedup_days < 0:
            msg = f"dedup_days must be 0 or more, not {describe(dedup_days)}"
            raise ValueError(msg)
        if not callable(stopwatch):
            msg = f"stopwatch must be a function that returns seconds, not {describe(stopwatch)}"
            raise TypeError(msg)
        refuse(name_faults(scrub=scrub))
        length = None if max_jump is None else forward(max_jump, "max_jump")
        wanted = None if grace is None or grace == "default" else positive_length(grace, "grace")
        opened = _opened(store)
        options = Options(length, batch_size, dedup_micros(dedup_days), scrub, stopwatch)
        self._core = Core(opened, channels or {}, options)
        self._tenant = DEFAULT_TENANT
        self._bound = False
        try:
            self._keep_grace(grace, wanted)
            erase_owed(self._core)
        except BaseException:
            if opened is not store:  # nobody else could close it
                opened.close()
            raise

    def _keep_grace(self, grace: object, wanted: int | None) -> None:
        """Read the catalog, and store the grace that the host asks for if it is another one (R5)."""
        with self._core.store.transaction(write=False) as transaction:
            catalog = self._core.refresh(transaction)
        if grace != "default" and catalog.grace != wanted:
            with self._core.amending() as transaction:
                settings = (("grace", "" if wanted is None else str(wanted)),)
                transaction.commit(Changes(catalog=CatalogChanges(meta=settings)))

    def __repr__(self) -> str:
        """Show the store and the tenant."""
        return f"Engine({self._core.store!r}, tenant={self._tenant!r})"

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the store; closing it again does nothing.

        A tick that is going on in another thread is waited for. It calls no further handler: what the running one
        answers is kept, and messages that were not handed over are given back (R71). Called by a handler, the store is
        closed when the tick ends.
        """
        self._core.close()

    @property
    def store(self) -> Store:
        """The store underneath."""
        return self._core.store

    def tenant(self, name: str) -> "Engine":
        """Return the same engine bound to a tenant, which exists by being named (R20, R91).

        The engine returned sees no journeys, customers, enrollments or messages of other tenants; its `tick` serves all
        tenants anyway. Raises InvalidInput for a name that cannot be an id.
        """
        refuse(id_faults(tenant=name))
        bound = object.__new__(Engine)
        bound._core, bound._tenant, bound._bound = self._core, plain_text(name), True
        return bound

    # --- policies -------------------------------------------------------------------------------------------------

    def set_policies(self, policies: Policies, *, at: datetime, replacing: Policies | None = None) -> None:
        """Set this tenant's frequency caps and quiet hours from an instant on (R31).

        They replace the tenant's policies as a whole: `Policies()` removes them all, and setting what holds already
        changes nothing. A Send follows the policies as of the instant at which it happens, so late work follows those
        of its own time. An `at` before the instant of the newest policies means that instant (R11).

        `replacing` are the policies that these were made from: if the newest are others by now, nothing is stored and
        Superseded is raised, so that no change overwrites another. Raises TypeError for anything but `Policies`.
        """
        for said in (policies, *([] if replacing is None else [replacing])):
            if not isinstance(said, Policies):
                msg = f"expected Policies, not {describe(said)}"
                raise TypeError(msg)
        instant = to_micros(at)
        with self._core.amending() as transaction:
            changes = policies_set(self._core.refresh(transaction), self._tenant, policies, instant, replacing)
            if changes:
                transaction.commit(Changes(catalog=changes))

    def policies(self, *, at: datetime | None = None) -> Policies:
        """Return this tenant's policies as of an instant, by default those set last; `Policies()` if there are none."""
        instant = LAST if at is None else to_micros(at)
        with self._core.store.transaction(write=False) as transaction:
            timeline = self._core.refresh(transaction).policies.get(self._tenant)
        if timeline is None:
            return Policies()
        terms = timeline.at(instant)
        return Policies() if terms is None else terms.policies

    # --- time -----------------------------------------------------------------------------------------------------

    def tick(self, now: datetime, *, limit: int | None = None, allow_jump: bool = False) -> TickResult:
        """Do what is due at `now`, for all tenants, each thing at its own instant (R3, R4); then deliver.

        Work happens at the instant at which it was due, however late the tick. Nothing is done twice, and a tick that
        finds nothing due writes nothing. `limit` bounds how many items are handled; `more` of the result says whether
        some are left. With `channels`, messages are then handed to their handlers.

        An item whose handling raises an exception is set aside and logged, and the others go on: `errors` of the result
        counts them, `set_aside` and `audit` list them (R9).

        Raises ClockJump, before anything is done, if the earliest due timer and the last tick that did anything both
        lie more than `max_jump` before `now`, unless `allow_jump`; ValueError for a `limit` below 1; StorageError, with
        the work done, if what a step forgot cannot be erased because another connection still reads the old file (R86).
        """
        instant = to_micros(now, "now")
        if limit is not None:
            check_limit(limit)
        with self._core.ticking():
            return tick(HostCall(self._core, instant, allow_jump=allow_jump), limit=limit)

    def cycle(
        self,
        now: datetime,
        *,
        worker: str | None = None,
        channels: Iterable[str] | None = None,
        limit: int = 100,
        lease: object = "5 minutes",
        allow_jump: bool = False,
    ) -> Cycling:
        """Store what a `with` block gives, do what is due, and claim messages: in one commit, if it fits (R75).

        This is for a host that works in cycles. What this thread puts into the inbox within the block, such as answers
        about messages and events, is stored when the block ends, and handled with everything else that is due, as by
        `tick(now)`. Then, with a `worker`, messages of this tenant are claimed, as by `claim(worker, at=now)` with the
        same `channels`, `limit` and `lease`. The results are those of the separate calls. `batch_size` bounds what one
        commit handles: more inputs than that, or more due work, make further commits.

        If the block raises, nothing of it is stored, and nothing is done. What it gives is stored in the first commit,
        all of it or nothing; messages are leased in the last.

        Raises RuntimeError inside another batch of the same thread, and what `tick` and `claim` raise: after ClockJump,
        what the block gave is in the inbox.

        >>> from datetime import UTC
        >>> from journeyflow import Event, Journey, MemoryStore, Send, Trigger
        >>> engine, now = Engine(MemoryStore()), datetime(2026, 1, 5, tzinfo=UTC)
        >>> hello = Send("hello", channel="EMAIL", template="hello")
        >>> _ = engine.deploy(Journey(id="welcome", trigger=Trigger("signed.up"), steps=[hello]), at=now)
        >>> with engine.cycle(now, worker="mailer") as cycle:
        ...     engine.feed(Event("signed.up", customer="ann", at=now))
        >>> cycle.result.entered, [message.customer for message in cycle.messages]
        (1, ['ann'])
        """
        instant = to_micros(now, "now")
        wanted = None if worker is None else claim_of(self._tenant, worker, instant, channels, limit, lease)
        return Cycling(self._core, instant, wanted, allow_jump=allow_jump)

    def settle(self, now: datetime, *, allow_jump: bool = False) -> Settling:
        """Handle what is given in a `with` block as soon as the block ends, and return the outcomes (R74).

        What this thread puts into the inbox within the block is stored in one commit, as by `batch`. Then everything
        that is due at `now` of the customers whom it is about is done, in order, and no work of others; nothing is
        delivered. A tick at `now` that follows has the results that it would have had without. Where the work of these
        customers may depend on that of others, because it takes or asks for a place of an entry limit, a pull is due,
        an event id is another's too, or a step forgets customers, all due work is done, as `archive` does it.

        Raises RuntimeError inside another batch of the same thread, and ClockJump as a tick does, unless `allow_jump`;
        what the block gave is then in the inbox.

        >>> from datetime import UTC
        >>> from journeyflow import Journey, MemoryStore, Wait
        >>> engine, now = Engine(MemoryStore()), datetime(2026, 1, 5, tzinfo=UTC)
        >>> _ = engine.deploy(Journey(id="welcome", steps=[Wait("rest", "1 day")]), at=now)
        >>> with engine.settle(now) as settled:
        ...     engine.enroll("welcome", ["ann", "ann"], at=now)
        >>> [(each.customer, each.step) for each in settled.entered], [each.refusal for each in settled.outcomes]
        ([('ann', 'rest')], [None, 'already inside'])
        """
        return Settling(self._core, to_micros(now, "now"), allow_jump=allow_jump)

    def next_due(self) -> datetime | None:
        """Return the instant of the earliest work of all tenants, in UTC: when to tick next (R73).

        None if nothing waits but what a pause holds. With `channels`, a message that is to be handed to one of them
        again is work too.
        """
        due = next_call(self._core).free
        return None if due is None else from_micros(due)


def _opened(store: str | PathLike[str] | Store) -> Store:
    """Return a store as it is; open the file or the database that a path or an address names."""
    if not isinstance(store, str | PathLike):
        if not hasattr(store, "transaction"):
            msg = f"store: expected the path of a file or a Store such as MemoryStore(), not {describe(store)}"
            raise TypeError(msg)
        return store
    return open_store(store)
