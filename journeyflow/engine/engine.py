"""The engine: the thin layer between a host and the pure core. Load, run, commit; then hand messages over.

It has no clock, no thread, no sleep and no state of its own beyond a cache of the catalog; every instant is an
argument.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from os import PathLike
from time import monotonic
from typing import Self

from attrs import evolve

from journeyflow.basics.moments import LAST, Duration, add, from_micros, to_micros
from journeyflow.basics.values import INTEGER_MAX, describe, id_fault
from journeyflow.basics.words import FAILED
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.catalog.lifecycle import policies_set
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.definition.policies import Policies
from journeyflow.engine import delivery
from journeyflow.engine import exports as exportjobs
from journeyflow.engine.batches import Batch, open_batch
from journeyflow.engine.channels import ChannelCalls
from journeyflow.engine.collector import undisturbed
from journeyflow.engine.core import LOG, Core, Handler, Options
from journeyflow.engine.exports import ExportJob
from journeyflow.engine.inputs import (
    answer_input,
    event_input,
    journey_input,
    lease_fault,
    one_or_many,
    pair_input,
    pairs_of,
    reopened,
    requeue_input,
    retry_input,
)
from journeyflow.engine.journeys import JourneyCalls
from journeyflow.engine.questions import Questions
from journeyflow.engine.ticking import UTC, TickResult, do_due_work, next_call, settle
from journeyflow.errors import Forbidden, InvalidInput, shown
from journeyflow.questions import paging
from journeyflow.questions.messages import SetAside
from journeyflow.questions.paging import name_faults, refuse, words
from journeyflow.records.changes import CatalogChanges, Changes
from journeyflow.records.public import Enrollment, Event, Message, PruneResult
from journeyflow.records.rows import Input
from journeyflow.stores.contract import Store
from journeyflow.work.intake import DEDUP_DAYS, dedup_micros

BATCH = 2_000
"""Items per commit: a batch of this size holds the write lock for some tens of milliseconds."""

CHUNK = 10_000
"""Inputs per commit when a host gives many in one call."""


class Engine(JourneyCalls, ChannelCalls, Questions):
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
    TypeError. All methods may be called from any thread (R72). Used as a context manager, the engine closes its store
    at the end.

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

        What an earlier process still owed to the medium is erased (R86). Raises StorageError for a file that cannot be
        used, TypeError for a handler that is no plain function, and ValueError or TypeError for an option that cannot
        be.
        """
        delivery.check_handlers({} if channels is None else channels)
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
        length = None if max_jump is None else _forward(max_jump, "max_jump")
        wanted = None if grace is None or grace == "default" else _length(grace, "grace")
        opened = _opened(store)
        options = Options(length, batch_size, dedup_micros(dedup_days), scrub, stopwatch)
        self._core = Core(opened, channels or {}, options)
        self._tenant = DEFAULT_TENANT
        self._bound = False
        try:
            self._keep_grace(grace, wanted)
            settle(self._core)
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
        tenants all the same. Raises InvalidInput for a name that cannot be an id.
        """
        if fault := id_fault(name):
            raise InvalidInput([f"tenant: {fault}"])
        bound = object.__new__(Engine)
        bound._core, bound._tenant, bound._bound = self._core, name, True
        return bound

    # --- policies -------------------------------------------------------------------------------------------------

    def set_policies(self, policies: Policies, *, at: datetime) -> None:
        """Set this tenant's frequency caps and quiet hours from an instant on (R31).

        They replace the tenant's policies as a whole: `Policies()` removes them all, and setting what holds already
        changes nothing. A Send follows the policies as of the instant at which it happens, so late work follows those
        of its own time. An `at` before the instant of the newest policies means that instant (R11). Raises TypeError
        for anything but `Policies`.
        """
        if not isinstance(policies, Policies):
            msg = f"expected Policies, not {describe(policies)}"
            raise TypeError(msg)
        instant = to_micros(at)
        with self._core.amending() as transaction:
            changes = policies_set(self._core.refresh(transaction), self._tenant, policies, instant)
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

    # --- inputs ---------------------------------------------------------------------------------------------------

    def put_customer(
        self, customer: str, attributes: Mapping[str, object], *, at: datetime, replace: bool = False
    ) -> None:
        """Put attributes of one customer into the inbox; the tick that reaches `at` applies them (R8, R50).

        Attributes are merged by top-level name, and consent by channel; None removes a name. With `replace=True`, names
        that are not given are removed too, except consent, tags, lists and the instants of the last message sent,
        opened and clicked (R52). Raises InvalidInput with every fault.
        """
        self.put_customers([(customer, attributes)], at=at, replace=replace)

    def put_customers(
        self,
        customers: Mapping[str, Mapping[str, object]] | Iterable[tuple[str, Mapping[str, object]]],
        *,
        at: datetime,
        replace: bool = False,
    ) -> None:
        """Put attributes of many customers into the inbox, one commit per chunk of 10,000 (R10, R50).

        `customers` maps ids to attributes, or is an iterable of such pairs, which may be a generator. `at` and
        `replace` are those of `put_customer`. Raises InvalidInput with every fault: nothing is stored from the first
        faulty chunk on; its `accepted` counts what earlier chunks stored.
        """
        instant = to_micros(at)
        refuse(name_faults(replace=replace))
        self._give(pair_input(self._tenant, pair, instant, replace=replace) for pair in pairs_of(customers))

    def feed(self, events: Event | Iterable[Event]) -> None:
        """Put one event or many into the inbox; the tick that reaches an event's instant handles it (R8, R10).

        There is one commit per chunk of 10,000. Raises InvalidInput with every fault, as `put_customers` does, and
        TypeError for what is neither an `Event` nor an iterable.
        """
        self._give(event_input(self._tenant, event) for event in one_or_many(events, Event, "events"))

    def enroll(
        self,
        journey: str,
        customers: str | Iterable[str],
        *,
        at: datetime,
        force: bool = False,
        key: str | None = None,
    ) -> None:
        """Enroll one customer or many by hand, in a journey with parallel runs under a key (R22, R24).

        The tick that reaches `at` decides who enters, and records who is refused. The trigger is not asked; with
        `force`, neither are run criteria, consent and re-entry. Nobody is ever inside twice, or twice under one key.

        Raises NotFound for an unknown journey, Forbidden for one that is not ACTIVE at `at`, InvalidInput for an id or
        a key that is malformed, or a key where the journey has none.
        """
        record = self._check_active(journey, at)
        refuse(name_faults(force=force))
        _check_key(key, journey, record.program(to_micros(at)).key)
        said = {"force": force, "key": key}
        self._about("enroll", journey, customers, at, {name: value for name, value in said.items() if value})

    def exit(
        self,
        journey: str,
        customers: str | Iterable[str],
        *,
        at: datetime,
        reason: str = "manual",
        key: str | None = None,
    ) -> None:
        """End the runs of one customer or many in a journey: EXITED with `reason` (R10).

        With `key`, only the run with that key ends. The tick that reaches `at` does it; a customer who waits for a slot
        of the entry limits is taken out of the queue (R23). Raises NotFound for an unknown journey, InvalidInput for a
        malformed id, reason or key, or a key where the journey has none.
        """
        if fault := id_fault(reason):
            raise InvalidInput([f"reason: {fault}"])
        with self._core.store.transaction(write=False) as transaction:
            record = self._find(transaction, journey)
        paths = [program.key for _, program in record.versions if program.key is not None]  # a run keeps its version
        _check_key(key, journey, paths[0] if paths else None)
        self._about("exit", journey, customers, at, {"reason": reason, **({} if key is None else {"key": key})})

    def retry(
        self,
        enrollments: Enrollment | tuple[str, str] | SetAside | Iterable[Enrollment | tuple[str, str] | SetAside],
        *,
        at: datetime,
    ) -> None:
        """Put one FAILED run or many back at their last rest, to wait there again for what they waited for (R43).

        Each is an `Enrollment`, or a pair (journey, customer), which names the customer's newest run. The tick that
        reaches `at` does it, or records why it is refused: the customer is inside again, or has a newer run. What
        `set_aside` lists is taken up again too: the next tick handles such an input as if it had just been given, with
        its own instant (R6, R9).

        Raises NotFound for an unknown journey, Forbidden for one that is not ACTIVE at `at`, InvalidInput for an
        enrollment that has not failed, or failed because its message was given up.
        """
        instant = to_micros(at)
        one = isinstance(enrollments, Enrollment | SetAside) or (
            isinstance(enrollments, tuple) and any(isinstance(part, str) for part in enrollments)
        )
        many = [enrollments] if one else list(one_or_many(enrollments, (), "enrollments"))
        again = reopened(self._tenant, [each for each in many if isinstance(each, SetAside)])
        inputs = [retry_input(self._tenant, each, instant) for each in many if not isinstance(each, SetAside)]
        for name in dict.fromkeys(item.type for item in inputs if isinstance(item, Input)):
            self._check_active(name, at)
        self._give(inputs)
        if again:
            with self._core.store.transaction() as transaction:
                transaction.commit(again)

    def _check_active(self, journey: str, at: datetime) -> JourneyRecord:
        """Return the record of a journey; raises NotFound, and Forbidden unless it is ACTIVE at `at`."""
        with self._core.store.transaction(write=False) as transaction:
            record = self._find(transaction, journey)
        state = record.state(to_micros(at))
        if state != "ACTIVE":
            raise Forbidden(journey, state)
        return record

    def _about(
        self, kind: str, journey: str, customers: str | Iterable[str], at: datetime, data: Mapping[str, object]
    ) -> None:
        instant = to_micros(at)
        many = one_or_many(customers, str, "customers")
        self._give(journey_input(self._tenant, kind, journey, customer, instant, data=data) for customer in many)

    def batch(self) -> AbstractContextManager[None]:
        """Group what this thread puts into the inbox within a `with` block into one commit (R10).

        If the block raises, nothing of it is stored. Batches do not nest: raises RuntimeError inside another one of the
        same thread.
        """
        return Batch(self._core)

    def _give(self, inputs: Iterable["Input | list[str]"]) -> None:
        """Put inputs into the inbox, one commit per chunk.

        Raises InvalidInput with the faults of all inputs; nothing is stored from the first faulty chunk on.
        """
        batch = open_batch(self._core)
        accepted, chunk, found = 0, list[Input](), list[str]()
        for position, item in enumerate(inputs):
            if isinstance(item, Input):
                chunk.append(item)
            else:
                found += [f"[{position}] {fault}" for fault in item]
            if len(chunk) >= CHUNK and not found and batch is None:
                undisturbed(self._store_inputs, chunk)
                accepted, chunk = accepted + len(chunk), []
        if found:
            raise InvalidInput(found, accepted)
        if batch is not None:
            batch.inputs += chunk
        elif chunk:
            undisturbed(self._store_inputs, chunk)

    def _store_inputs(self, inputs: Sequence[Input]) -> None:
        with self._core.store.transaction() as transaction:
            transaction.commit(Changes(inputs=tuple(inputs)))

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
        the work done, if what a step forgot cannot be erased because somebody still reads the old file (R86).
        """
        instant = to_micros(now, "now")
        if limit is not None:
            _check_limit(limit)
        with self._core.ticking():
            result = do_due_work(self._core, instant, limit=limit, allow_jump=allow_jump)
            delivered, failed = delivery.push(self._core, instant) if self._core.channels else (0, 0)
            due = next_call(self._core)
        result = evolve(
            result,
            delivered=delivered,
            failed=failed,
            next_due=None if due is None else from_micros(due),
            more=due is not None and due <= instant,
        )
        LOG.debug("tick at %s: %s", now, result)
        return result

    def next_due(self) -> datetime | None:
        """Return the instant of the earliest work of all tenants, in UTC: when to tick next (R73).

        None if nothing waits. With `channels`, a message that is to be handed to one of them again is work too.
        """
        due = next_call(self._core)
        return None if due is None else from_micros(due)

    # --- delivery -------------------------------------------------------------------------------------------------

    def claim(
        self,
        worker: str,
        *,
        at: datetime,
        channels: Iterable[str] | None = None,
        limit: int = 100,
        lease: object = "5 minutes",
    ) -> tuple[Message, ...]:
        """Lease messages of this tenant to a worker until `at` + `lease`, oldest first (R71).

        Returns at most `limit` messages, of all channels or of those named. Each carries its id, which is its
        idempotency key, and a token. Answer each with `ack` or `nack` before the lease ends, else the attempt has
        failed. `lease` is a length of time such as "5 minutes"; a day is 24 hours.

        Messages that must not be sent any more are not returned and do not count toward `limit`: those of an exited run
        become CANCELLED (unless their Send has `cancel_on_exit=False`), those past their expiry EXPIRED, those without
        the customer's consent SUPPRESSED. Messages of paused journeys, of unpublished steps, and of customers with
        unhandled inputs are held back.

        Raises InvalidInput for a malformed worker or channel, ValueError for a `limit` below 1 or a `lease` that is not
        positive.
        """
        if fault := id_fault(worker):
            raise InvalidInput([f"worker: {fault}"])
        _check_limit(limit)
        length = _length(lease, "lease")
        names = None if channels is None else words(channels)
        refuse([fault for name in names or () for fault in name_faults("channels", channels=name)])
        wanted = None if names is None else frozenset(names)
        taken = list[Message]()
        most, instant = min(limit, INTEGER_MAX), to_micros(at)
        undisturbed(delivery.claim, self._core, self._tenant, worker, instant, wanted, most, length, taken)
        return tuple(taken)

    def ack(self, messages: Message | str | Iterable[Message | str], *, at: datetime) -> None:
        """Record that one message or many went out; the next tick makes them SENT (R71).

        Each is a claimed `Message`, or the id of one. An ack wins over every other status and is final. Raises
        InvalidInput for anything else; an id that no message of this tenant has is found by the tick, and listed by
        `unmatched`.
        """
        self._answer("ack", messages, at, "")

    def nack(
        self, messages: Message | Iterable[Message], *, at: datetime, error: str = "", permanent: bool = False
    ) -> None:
        """Record that one message or many could not be delivered; they are handed out again later, or given up (R71).

        Each is a `Message` as `claim` returned it: a nack counts only under the present lease, which the token names.
        Of `error`, 1,000 characters are kept, with the message as its last error. With `permanent=True` the message is
        given up at once. Raises InvalidInput for a message without a token.
        """
        self._answer("nack", messages, at, error, permanent=permanent)

    def release(self, messages: Message | Iterable[Message]) -> int:
        """Give one claimed message or many back unsent: they can be claimed again at once, the attempt does not count.

        Each is a `Message` as `claim` returned it. Call it for what a worker has claimed and will not get to, as when
        it is told to stop. Returns how many were given back: not those whose lease has ended, or that were answered in
        the meantime. Raises InvalidInput for a message without a token.
        """
        many = list(one_or_many(messages, Message, "messages"))
        refuse([fault for each in many if (fault := lease_fault(each))])
        return delivery.release(self._core, self._tenant, many)

    def requeue(
        self,
        messages: Message | str | Iterable[Message | str] | None = None,
        *,
        at: datetime,
        journey: str | None = None,
        step: str | None = None,
        channel: str | None = None,
        error: str | None = None,
    ) -> int:
        """Queue messages again that were given up; return how many were noted for the next tick (R71).

        Give either `messages`, one or many, each a `Message` or an id; or what the FAILED messages have in common:
        their journey, step, channel, or a text that is in their last error. The tick that reaches `at` puts them into
        the outbox with their data and expiry of then, and all attempts before them; what is no longer FAILED is left
        alone. A run that FAILED with its message stays FAILED.

        Raises InvalidInput for a message that is not FAILED, for both or neither of the two forms, and NotFound for an
        unknown journey.
        """
        instant = to_micros(at)
        shared = [journey, step, channel, error]
        if (messages is None) != any(each is not None for each in shared):
            raise InvalidInput(["give either messages, or what they share: journey, step, channel or error"])
        if messages is None:
            messages = self.messages(journey, step=step, channel=channel, error=error, status=FAILED, take=None)
        many = one_or_many(messages, (Message, str), "messages")
        inputs = [requeue_input(self._tenant, message, instant) for message in many]
        self._give(inputs)
        return len(inputs)

    def _answer(self, kind: str, messages: object, at: datetime, error: str, *, permanent: bool = False) -> None:
        instant = to_micros(at)
        refuse([] if isinstance(permanent, bool) else [f"permanent: must be True or False, not {describe(permanent)}"])
        many = one_or_many(messages, (Message, str, Mapping), "messages")
        self._give(answer_input(self._tenant, kind, message, instant, error, permanent=permanent) for message in many)

    # --- housekeeping ---------------------------------------------------------------------------------------------

    def forget(
        self, customers: str | Iterable[str], *, at: datetime, scrub: bool = True, allow_jump: bool = False
    ) -> int:
        """Remove everything personal of one customer or many; return how many enrollments that ended (R86).

        Their enrollments stay as rows of an anonymous customer, EXITED "forgotten", so that statistics keep their sums.
        Inputs given later for the same id make a new customer. Nothing of what was removed is left in the file's free
        space or its log; with `scrub=False` that waits for `vacuum`.

        All work with instants before `at` is done first, without deliveries; raises ClockJump as a tick does, unless
        `allow_jump` (R3, R11). Raises NotFound, with nobody forgotten, if nothing is known of one of the customers, and
        InvalidInput for a malformed id.
        """
        from journeyflow.engine.housekeeping import forget  # noqa: PLC0415 seldom needed

        refuse(name_faults(scrub=scrub))
        many = list(one_or_many(customers, str, "customers"))
        refuse([f"customer: {fault}" for each in many if (fault := id_fault(each))])
        named = dict.fromkeys(many)
        return forget(self._core, self._tenant, named, to_micros(at), scrubbed=scrub, allow_jump=allow_jump)

    def prune(
        self,
        before: datetime,
        *,
        journey: str | None = None,
        all_tenants: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int], object] | None = None,
    ) -> PruneResult:
        """Turn history that was finished before an instant into opening balances; return how many rows went (R86).

        Prunes this tenant, one journey of it, or all tenants. Statistics and results stay what they are, and no later
        decision changes; but single runs of that time can no longer be explained. Events about pruned messages will be
        "unmatched", so choose an instant so far back that nobody still opens a mail of that time, or unsubscribes by
        it.

        With `dry_run` nothing changes. `progress` is called with how much is done, and of how much. A call that was cut
        short goes on when it is made again. `vacuum` gives the space back. Raises NotFound for an unknown journey,
        InvalidInput for a journey together with `all_tenants`.
        """
        from journeyflow.engine.housekeeping import Scope, prune  # noqa: PLC0415 seldom needed

        refuse(name_faults(all_tenants=all_tenants, dry_run=dry_run))
        if progress is not None and not callable(progress):
            raise InvalidInput([f"progress: must be a function of two numbers, not {describe(progress)}"])
        if all_tenants and journey is not None:
            raise InvalidInput([f"journey: {journey!r} is one of a tenant; leave out all_tenants or journey"])
        instant = to_micros(before)
        with self._core.store.transaction(write=False) as transaction:
            records = self._core.refresh(transaction).by_name.values()
            named = None if journey is None else self._find(transaction, journey)
        chosen = [named] if named is not None else records
        mine = frozenset(each.number for each in chosen if all_tenants or each.tenant == self._tenant)
        scope = Scope(instant, mine, None if all_tenants else self._tenant, journey is None, dry_run)
        return prune(self._core, scope, progress or (lambda *_: None))

    def export_customer(self, customer: str) -> dict[str, object]:
        """Return everything that is kept about a customer as plain values, ready for JSON (R86).

        Attributes, lists, enrollments with their visits and the values that decisions compared, messages, entries that
        wait for a slot, refusals, every input about the customer, also those that no tick has handled, and what
        channels answered: all that `forget` removes. Instants are ISO 8601 text in UTC. Raises NotFound, and
        InvalidInput for what is no text.
        """
        from journeyflow.questions.dossier import dossier  # noqa: PLC0415 seldom needed

        refuse(name_faults("customer", customer=customer))
        with self._core.store.reader() as reader:
            return paging.required(dossier(reader, self._tenant, customer), "customer", customer)

    def submit_export(
        self,
        *,
        at: datetime,
        since: date | str | None = None,
        until: date | str | None = None,
        status: str | None = None,
        include_steps: bool = False,
        channel: str | None = None,
    ) -> ExportJob:
        """Queue a job that writes the statistics of this tenant's journeys as CSV, and return it (F190, F191).

        The window is that of `stats`. `status` chooses journeys by state, or by "Enabled" and "Disabled", by default
        all; `include_steps` adds a line for each Send and channel; `channel` restricts the file to messages of one
        channel. `work_exports` does the work. Raises InvalidInput with every fault.
        """
        days = [day.isoformat() if isinstance(day, date) else day for day in (since, until)]
        options = {
            "since": days[0], "until": days[1], "status": status, "include_steps": include_steps, "channel": channel,
        }  # fmt: skip
        return exportjobs.submit(self._core, self._tenant, to_micros(at), options)

    def work_exports(self, *, at: datetime, limit: int = 100) -> int:
        """Process queued export jobs of all tenants, the first submitted first; return how many (F193, F194).

        The host may call this wherever it likes: after a tick, in another process, in many at once. Each job is taken
        by one of them. Raises ValueError for a `limit` below 1.
        """
        _check_limit(limit)
        return exportjobs.work(self._core, to_micros(at), limit)

    def export_job(self, export: int) -> ExportJob:
        """Return a job of this tenant as it stands: PENDING, PROCESSING, COMPLETED or FAILED (F192).

        Raises NotFound.
        """
        refuse(name_faults("export", export=export))
        return exportjobs.job_of(self._core, self._tenant, export)

    def download_export(self, export: int) -> str:
        """Return the CSV of a COMPLETED job of this tenant (F195, F197).

        Raises NotFound, and Conflict for a job that is not COMPLETED.
        """
        refuse(name_faults("export", export=export))
        return exportjobs.download(self._core, self._tenant, export)

    def vacuum(self) -> None:
        """Rebuild the file without its free space: nothing of what was deleted is left in it, nor in its log (R86).

        This needs as much free space again on the disk. Raises StorageError if another connection still reads the old
        file.
        """
        from journeyflow.engine.housekeeping import vacuum  # noqa: PLC0415 seldom needed

        vacuum(self._core)

    def renew_nonce(self, nonce: str | None = None) -> str:
        """Begin the ids of messages with another nonce from now on, given or drawn, and return it (R70).

        Call it after restoring a backup, before the first tick: messages made after the backup are lost, and their ids
        must not be used again. Call it on a copy that runs beside its original, which would give the same ids. Existing
        messages keep theirs. It applies to all tenants. Raises InvalidInput for a nonce that cannot be an id, or was
        used before.
        """
        from journeyflow.engine.housekeeping import renew_nonce  # noqa: PLC0415 seldom needed
        from journeyflow.stores.sqlite.opening import draw_nonce  # noqa: PLC0415 drawn as for a new file

        renewed = draw_nonce() if nonce is None else nonce
        refuse([f"nonce: {fault}"] if (fault := id_fault(renewed)) else [])
        renew_nonce(self._core, renewed)
        return renewed


def _opened(store: str | PathLike[str] | Store) -> Store:
    """Return a store as it is; open the SQLite file that a path names."""
    if not isinstance(store, str | PathLike):
        if not hasattr(store, "transaction"):
            msg = f"store: expected the path of a file or a Store such as MemoryStore(), not {describe(store)}"
            raise TypeError(msg)
        return store
    from journeyflow.stores.sqlite.store import SQLiteStore  # noqa: PLC0415 imports sqlite-utils; for files only

    return SQLiteStore(store)


def _forward(value: object, what: str) -> Duration:
    """Parse a length of time; raise ValueError unless it is positive."""
    try:
        length = Duration.parse(value)
    except (TypeError, ValueError) as error:
        msg = f"{what}: {error}"
        raise type(error)(msg) from None
    if length.sign <= 0:
        msg = f"{what} must lead forward, not {shown(value)}"
        raise ValueError(msg)
    return length


def _length(value: object, what: str) -> int:
    """Return a positive length of time in microseconds; a day of it is 24 hours."""
    return add(0, _forward(value, what), UTC)


def _check_key(key: object, journey: str, path: str | None) -> None:
    """Raise InvalidInput for what cannot be the key of a run, and for any key if the journey has none (R22)."""
    if key is None:
        return
    if fault := id_fault(key):
        raise InvalidInput([f"key: {fault}"])
    if path is None:
        raise InvalidInput([f"key: journey {journey!r} has no parallel runs; give it Reentry(..., key='event.x')"])


def _check_limit(limit: int) -> None:
    """Raise ValueError unless a limit is an integer of 1 or more."""
    if type(limit) is not int or limit < 1:
        msg = f"limit must be 1 or more, not {describe(limit)}"
        raise ValueError(msg)
