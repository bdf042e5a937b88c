"""The engine: the thin seam between a host and the pure core. Load, run, commit; then hand messages over.

It has no clock, no thread, no sleep and no state of its own beyond a cache of the catalog; every instant is an
argument.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from inspect import iscoroutine, iscoroutinefunction
from os import PathLike, fspath
from typing import Self

from attrs import evolve

from journeyflow.basics.moments import LAST, MINUTE, Duration, add, from_micros, to_micros
from journeyflow.basics.values import INTEGER_MAX, describe, id_fault
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.catalog.lifecycle import policies_set
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.definition.policies import Policies
from journeyflow.engine import exports as exportjobs
from journeyflow.engine.core import Core, Handler, Options
from journeyflow.engine.exports import ExportJob
from journeyflow.engine.inputs import (
    Checked,
    answer_input,
    event_input,
    journey_input,
    one_or_many,
    pair_input,
    pairs_of,
    retry_input,
    told_error,
)
from journeyflow.engine.journeys import JourneyCalls
from journeyflow.engine.questions import Questions
from journeyflow.engine.ticking import UTC, TickResult, do_due_work, next_call
from journeyflow.errors import Forbidden, InvalidInput, shown
from journeyflow.questions import paging
from journeyflow.questions.paging import name_faults, refuse, words
from journeyflow.records.changes import Changes
from journeyflow.records.public import Enrollment, Event, Message, PruneResult
from journeyflow.records.rows import Input
from journeyflow.stores.contract import Store
from journeyflow.work.intake import DEDUP_DAYS, dedup_micros
from journeyflow.work.outbox import claim_posts

BATCH = 2_000
"""Items per commit: a batch holds the write lock for some tens of milliseconds."""

CHUNK = 10_000
"""Inputs per commit when a host gives many."""

PUSH = 100
"""Messages the engine claims for its own handlers at a time: answered before their lease ends at 3 seconds each."""

LEASE = 5 * MINUTE
"""How long the engine gives its own handlers before a message counts as not delivered."""


class Engine(JourneyCalls, Questions):
    """An embedded journey engine on a SQLite file (a path) or any `Store`.

    `channels` maps channel names to functions that deliver one message; without it the host claims messages itself.
    `grace` is how late work may be found before its instant is softened (R5): default 1 hour for a file, kept in the
    file; None is no limit. `max_jump` bounds how far behind the earliest due work may be (R3); None is no bound.
    `dedup_days` is how long ids of events are known (R26). `batch_size` items make one commit. A tick in
    which a step forgot somebody leaves nothing of them on the medium; with `scrub=False` that waits for `vacuum` (R86).
    All methods may be called from any thread (R72). As a context manager the engine closes its store at the end.

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
    ) -> None:
        """Open the store; raises StorageError for a file that cannot be used, TypeError for `async` handlers."""
        _check_handlers({} if channels is None else channels)
        if type(batch_size) is not int or batch_size < 1:
            msg = f"batch_size must be 1 or more, not {describe(batch_size)}"
            raise ValueError(msg)
        if type(dedup_days) is not int or dedup_days < 0:
            msg = f"dedup_days must be 0 or more, not {describe(dedup_days)}"
            raise ValueError(msg)
        length = None if max_jump is None else _forward(max_jump, "max_jump")
        wanted = None if grace in {None, "default"} else _length(grace, "grace")
        opened = _opened(store)
        self._core = Core(opened, channels or {}, Options(length, batch_size, dedup_micros(dedup_days), scrub))
        self._tenant = DEFAULT_TENANT
        self._bound = False
        try:
            self._keep_grace(grace, wanted)
        except BaseException:
            if opened is not store:  # nobody else could close it
                opened.close()
            raise

    def _keep_grace(self, grace: object, wanted: int | None) -> None:
        """Read the catalog, and keep the grace that the host wants from now on (R5)."""
        with self._core.store.transaction(write=False) as transaction:
            catalog = self._core.refresh(transaction)
        if grace != "default" and catalog.grace != wanted:
            with self._core.amending() as transaction:
                transaction.commit(Changes(meta=(("grace", "" if wanted is None else str(wanted)),)))

    def __repr__(self) -> str:
        """Show the store and the tenant."""
        return f"Engine({self._core.store!r}, tenant={self._tenant!r})"

    def __enter__(self) -> Self:
        """Give the engine."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the store; closing again does nothing."""
        self._core.store.close()

    @property
    def store(self) -> Store:
        """The store underneath."""
        return self._core.store

    def tenant(self, name: str) -> "Engine":
        """Give the same engine bound to a tenant, which exists by being named (R20, R91)."""
        if fault := id_fault(name):
            raise InvalidInput([f"tenant: {fault}"])
        bound = object.__new__(Engine)
        bound._core, bound._tenant, bound._bound = self._core, name, True
        return bound

    # --- policies -------------------------------------------------------------------------------------------------

    def set_policies(self, policies: Policies, *, at: datetime) -> None:
        """Set this tenant's caps and quiet hours from an instant on; the same again changes nothing (R31).

        Work sees the policies as of the instant at which it happens, so what is late sees those of its own time. An
        `at` before the newest policies' instant means that instant (R11). `Policies()` takes all away.
        """
        if not isinstance(policies, Policies):
            msg = f"expected Policies, not {describe(policies)}"
            raise TypeError(msg)
        instant = to_micros(at)
        with self._core.amending() as transaction:
            changes = policies_set(self._core.refresh(transaction), self._tenant, policies, instant)
            if changes:
                transaction.commit(changes)

    def policies(self, *, at: datetime | None = None) -> Policies:
        """Give this tenant's policies as of an instant, or those that were set last; `Policies()` where none are."""
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
        """Tell attributes of a customer: merged by name, None takes a name away (R50). Handled by the next tick."""
        self.put_customers({customer: attributes}, at=at, replace=replace)

    def put_customers(
        self,
        customers: Mapping[str, Mapping[str, object]] | Iterable[tuple[str, Mapping[str, object]]],
        *,
        at: datetime,
        replace: bool = False,
    ) -> None:
        """Tell attributes of many customers, as a mapping or pairs; one commit per chunk (R10, R50)."""
        instant = to_micros(at)
        self._give(pair_input(self._tenant, pair, instant, replace=replace) for pair in pairs_of(customers))

    def feed(self, events: Event | Iterable[Event]) -> None:
        """Tell one event or many; handled by the tick that reaches their instant (R8, R10)."""
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

        Raises NotFound for an unknown journey, Forbidden for one that is not ACTIVE, InvalidInput for a key that is
        none, or that the journey does not ask for. `force` passes run criteria, consent and re-entry; nobody is ever
        inside twice. What is refused later is recorded.
        """
        record = self._check_active(journey, at)
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
        """End the runs of one customer or many in a journey, with a key that run alone: EXITED with the reason."""
        if fault := id_fault(reason):
            raise InvalidInput([f"reason: {fault}"])
        with self._core.store.transaction(write=False) as transaction:
            record = self._find(transaction, journey)
        paths = [program.key for _, program in record.versions if program.key is not None]  # a run keeps its version
        _check_key(key, journey, paths[0] if paths else None)
        self._about("exit", journey, customers, at, {"reason": reason, **({} if key is None else {"key": key})})

    def retry(
        self, enrollments: Enrollment | tuple[str, str] | Iterable[Enrollment | tuple[str, str]], *, at: datetime
    ) -> None:
        """Put FAILED runs back at their last rest; each is an Enrollment, or (journey, customer): the newest run (R43).

        Raises NotFound for an unknown journey, Forbidden for one that is not ACTIVE, InvalidInput for an enrollment
        that has not failed, or failed with a given-up message. What the next tick refuses is recorded: a customer who
        is inside again, a newer run.
        """
        instant = to_micros(at)
        one = isinstance(enrollments, Enrollment) or (
            isinstance(enrollments, tuple) and any(isinstance(part, str) for part in enrollments)
        )
        many = [enrollments] if one else one_or_many(enrollments, (), "enrollments")
        inputs = [retry_input(self._tenant, each, instant) for each in many]
        for name in dict.fromkeys(item.type for item in inputs if isinstance(item, Input)):
            self._check_active(name, at)
        self._give(inputs)

    def _check_active(self, journey: str, at: datetime) -> JourneyRecord:
        """Give a journey that takes people; refuse one that is not there, or does not."""
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

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Group calls of this thread into one commit; an exception drops them all (R10)."""
        local = self._core.local
        if getattr(local, "pending", None) is not None:
            msg = "a batch is open already in this thread; batches do not nest"
            raise RuntimeError(msg)
        local.pending = []
        try:
            yield
            if local.pending:
                with self._core.store.transaction() as transaction:
                    transaction.commit(Changes(inputs=tuple(local.pending)))
        finally:
            local.pending = None

    def _give(self, inputs: Iterable["Input | list[str]"]) -> None:
        """Put inputs into the inbox, a chunk per commit; a chunk with faults is not stored and all its faults told."""
        pending = getattr(self._core.local, "pending", None)
        accepted, chunk, found = 0, list[Input](), list[str]()
        for position, item in enumerate(inputs):
            if isinstance(item, Input):
                chunk.append(item)
            else:
                found += [f"[{position}] {fault}" for fault in item]
            if len(chunk) >= CHUNK and not found and pending is None:
                self._store_inputs(chunk)
                accepted, chunk = accepted + len(chunk), []
        if found:
            raise InvalidInput(found, accepted)
        if pending is not None:
            pending += chunk
        elif chunk:
            self._store_inputs(chunk)

    def _store_inputs(self, inputs: Sequence[Input]) -> None:
        with self._core.store.transaction() as transaction:
            transaction.commit(Changes(inputs=tuple(inputs)))

    # --- time -----------------------------------------------------------------------------------------------------

    def tick(self, now: datetime, *, limit: int | None = None, allow_jump: bool = False) -> TickResult:
        """Do what is due at `now`, for all tenants, each thing at its own instant (R3, R4); then deliver.

        `limit` bounds how many items are handled; `more` then tells whether some are left. Raises ClockJump when the
        earliest work lies more than `max_jump` back, unless `allow_jump`.
        """
        instant = to_micros(now, "now")
        if limit is not None:
            _check_limit(limit)
        result = do_due_work(self._core, instant, limit=limit, allow_jump=allow_jump)
        delivered, failed = self._deliver(instant) if self._core.channels else (0, 0)
        due = next_call(self._core)
        return evolve(
            result,
            delivered=delivered,
            failed=failed,
            next_due=None if due is None else from_micros(due),
            more=due is not None and due <= instant,
        )

    def next_due(self) -> datetime | None:
        """Give the instant of the earliest work, over all tenants: when to tick next; None when nothing waits (R73).

        With `channels`, a message that is to be handed to one of them again is work too.
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
        """Lease messages to a worker until `at` + `lease`, oldest first (R71).

        Every message carries its id, the idempotency key, and a token; give it back with `ack` or `nack`. What was
        exited meanwhile is CANCELLED, what expired EXPIRED, what the customer no longer consents to SUPPRESSED. Only
        this tenant's messages are given.
        """
        if fault := id_fault(worker):
            raise InvalidInput([f"worker: {fault}"])
        _check_limit(limit)
        length = _length(lease, "lease")
        names = None if channels is None else words(channels)
        refuse([fault for name in names or () for fault in name_faults("channels", channels=name)])
        wanted = None if names is None else frozenset(names)
        return self._claim(self._tenant, worker, to_micros(at), wanted, min(limit, INTEGER_MAX), length)

    def _claim(  # noqa: PLR0917 what a claim depends on
        self, tenant: str | None, worker: str, at: int, channels: frozenset[str] | None, limit: int, length: int
    ) -> tuple[Message, ...]:
        """Lease messages until there are enough; what is not to be sent any more takes no place of the limit."""
        core, taken, more = self._core, list[Message](), True
        while more and len(taken) < limit:
            with core.store.transaction() as transaction:
                catalog, left = core.refresh(transaction), limit - len(taken)
                found, more = claim_posts(transaction, catalog, tenant, channels, at, left, length, worker)
            taken += found
        return tuple(taken)

    def ack(self, messages: Message | str | Iterable[Message | str], *, at: datetime) -> None:
        """Tell that one message or many went out; the next tick makes them SENT, whatever else was so far (R71)."""
        self._answer("ack", messages, at, "")

    def nack(self, messages: Message | Iterable[Message], *, at: datetime, error: str = "") -> None:
        """Tell that messages could not be delivered; they are handed out again later, or given up (R71)."""
        self._answer("nack", messages, at, error)

    def _answer(self, kind: str, messages: object, at: datetime, error: str) -> None:
        instant = to_micros(at)
        many = one_or_many(messages, (Message, str, Mapping), "messages")
        self._give(answer_input(self._tenant, kind, message, instant, error) for message in many)

    def _deliver(self, now: int) -> tuple[int, int]:
        """Push: claim, call the handler, ack; an exception is a nack (R71). Give how many went well and ill."""
        core, answers = self._core, list[Checked]()
        delivered = failed = 0
        while claimed := self._claim(None, "engine", now, frozenset(core.channels), PUSH, LEASE):
            for message in claimed:
                try:
                    _refuse_awaitable(core.channels[message.channel](message))
                except Exception as error:  # noqa: BLE001 whatever a handler raises is a failed attempt
                    failed += 1
                    answers.append(answer_input(message.tenant, "nack", message, now, told_error(error)))
                else:
                    delivered += 1
                    answers.append(answer_input(message.tenant, "ack", message, now))
            self._give(answers)
            answers = []
        return delivered, failed

    # --- housekeeping ---------------------------------------------------------------------------------------------

    def forget(
        self, customers: str | Iterable[str], *, at: datetime, scrub: bool = True, allow_jump: bool = False
    ) -> int:
        """Take out everything personal of one customer or many, and give how many enrollments that ended (R86).

        Nothing of it is left: not in the file's free space, not in its log; with `scrub=False` that waits for `vacuum`.
        Their enrollments stay as rows of nobody, EXITED "forgotten"; what they are told of later makes them new people.
        All work with instants before `at` is done first, without deliveries; ClockJump as for a tick (R3, R11). Raises
        NotFound, with nothing changed, where nothing is known of somebody.
        """
        from journeyflow.engine.housekeeping import forget  # noqa: PLC0415 wanted now and then

        many = dict.fromkeys([customers] if isinstance(customers, str) else customers)
        refuse([f"customer: {fault}" for each in many if (fault := id_fault(each))])
        return forget(self._core, self._tenant, many, to_micros(at), scrubbed=scrub, allow_jump=allow_jump)

    def prune(
        self,
        before: datetime,
        *,
        journey: str | None = None,
        all_tenants: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int], object] | None = None,
    ) -> PruneResult:
        """Turn history that was finished before an instant into opening balances; give how many rows that took (R86).

        Of this tenant, of one journey of it, or of all tenants. Statistics and results stay what they are, and no later
        decision changes; what explains single runs of that time is gone. What is told later of messages that are gone
        is "unmatched": go back so far that nobody opens, or unsubscribes by, a mail of that time. `dry_run` changes
        nothing; `progress` is told how far it is, so much of so much. Cut short, it goes on when it is called again.
        The space comes back with `vacuum`. Raises NotFound for an unknown journey.
        """
        from journeyflow.engine.housekeeping import Scope, prune  # noqa: PLC0415 wanted now and then

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
        """Give everything that is kept of a customer as plain values, ready for JSON; instants are ISO 8601 text.

        Attributes, enrollments with visits and the values that decisions compared, messages, refusals, and all that
        was told of the customer, also what still waits. Raises NotFound.
        """
        from journeyflow.questions.dossier import dossier  # noqa: PLC0415 wanted now and then

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
    ) -> ExportJob:
        """Put a job into the queue that writes the statistics of this tenant's journeys as CSV (F190, F191).

        The window is that of `stats`, journeys of one `status` or all; `include_steps` adds a line for each Send.
        Raises InvalidInput with everything that cannot be asked.
        """
        days = [day.isoformat() if isinstance(day, date) else day for day in (since, until)]
        options = {"since": days[0], "until": days[1], "status": status, "include_steps": bool(include_steps)}
        return exportjobs.submit(self._core, self._tenant, to_micros(at), options)

    def work_exports(self, *, at: datetime, limit: int = 100) -> int:
        """Work off jobs of all tenants, the first submitted first; give how many (F193, F194).

        Anybody may work: the host after a tick, another process, many at once; each job is taken by one.
        """
        _check_limit(limit)
        return exportjobs.work(self._core, to_micros(at), limit)

    def export_job(self, export: int) -> ExportJob:
        """Give a job of this tenant as it stands: PENDING, PROCESSING, COMPLETED or FAILED; raises NotFound (F192)."""
        return exportjobs.job_of(self._core, self._tenant, export)

    def download_export(self, export: int) -> str:
        """Give the CSV of a COMPLETED job; raises NotFound, and Conflict before it is one (F195, F197)."""
        return exportjobs.download(self._core, self._tenant, export)

    def vacuum(self) -> None:
        """Give the file's free space back; nothing of what was deleted is left in it, nor in its log (R86).

        The file is built anew, which needs as much free space again. Raises StorageError where another connection
        still reads what was there before.
        """
        from journeyflow.engine.housekeeping import vacuum  # noqa: PLC0415 wanted now and then

        vacuum(self._core)

    def renew_nonce(self, nonce: str | None = None) -> str:
        """Let the ids of messages begin with another nonce from now on, given or drawn, and give it (R70).

        Call it after restoring a backup, before the first tick: what was made after the backup is lost, and its ids
        must not be given again. Messages keep the ids they have. It concerns all tenants. Raises InvalidInput for a
        nonce that is no id, or was used before.
        """
        from journeyflow.engine.housekeeping import renew_nonce  # noqa: PLC0415 wanted now and then
        from journeyflow.stores.sqlite.opening import draw_nonce  # noqa: PLC0415 as the files themselves draw it

        renewed = draw_nonce() if nonce is None else nonce
        refuse([f"nonce: {fault}"] if (fault := id_fault(renewed)) else [])
        renew_nonce(self._core, renewed)
        return renewed


def _refuse_awaitable(answer: object) -> None:
    """Refuse what a handler gave back unawaited: nothing was delivered yet, and nobody would ever (R71)."""
    if iscoroutine(answer):
        answer.close()
        msg = "the handler gave back a coroutine; pass a plain function, such as one that asyncio.run()s it"
        raise TypeError(msg)


def _opened(store: str | PathLike[str] | Store) -> Store:
    """Open the file that a path names; a store is taken as it is."""
    if not isinstance(store, str | PathLike):
        if not hasattr(store, "transaction"):
            msg = f"store: expected the path of a file or a Store such as MemoryStore(), not {describe(store)}"
            raise TypeError(msg)
        return store
    from journeyflow.stores.sqlite.store import SQLiteStore  # noqa: PLC0415 it costs sqlite-utils; for files only

    return SQLiteStore(fspath(store))


def _forward(value: object, what: str) -> Duration:
    """Read a length of time that leads forward."""
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
    """Read a length of time that leads forward as microseconds, days as 24 hours."""
    return add(0, _forward(value, what), UTC)


def _check_handlers(channels: object) -> None:
    """Refuse what is no mapping of channels to plain functions of a message (R71)."""
    if not isinstance(channels, Mapping):
        msg = f"channels: give a function for each channel, such as {{'EMAIL': send}}, not {describe(channels)}"
        raise TypeError(msg)
    for name, handler in channels.items():
        if iscoroutinefunction(handler) or iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004 is it async?
            msg = f"channel {name!r}: the handler is async; pass a plain function, such as one that asyncio.run()s it"
            raise TypeError(msg)
        if not callable(handler):
            msg = f"channel {name!r}: the handler must be a function of a message, not {describe(handler)}"
            raise TypeError(msg)


def _check_key(key: object, journey: str, path: str | None) -> None:
    """Refuse what cannot be the key of a run, and any key where a journey has none (R22)."""
    if key is None:
        return
    if fault := id_fault(key):
        raise InvalidInput([f"key: {fault}"])
    if path is None:
        raise InvalidInput([f"key: journey {journey!r} has no parallel runs; give it Reentry(..., key='event.x')"])


def _check_limit(limit: int) -> None:
    """Refuse what is no number of items."""
    if type(limit) is not int or limit < 1:
        msg = f"limit must be 1 or more, not {describe(limit)}"
        raise ValueError(msg)
