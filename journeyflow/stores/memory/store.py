"""The store in memory: plain dicts and sorted lists, for tests and simulation, and as the model for other stores.

Queries in SQL work here too: they run on an in-memory SQLite database with the same rows (R80, `mirror.py`).
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain, count
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from journeyflow.basics.words import ACTIVE, COUNTED, QUEUED, SET_ASIDE, UNKNOWN_AFTER
from journeyflow.errors import StorageError
from journeyflow.records.changes import (
    CatalogChanges,
    Changes,
    Erased,
    Flag,
    Forgotten,
    Hold,
    NewJourney,
    NewPolicies,
    NewVersion,
    Pruned,
    PullChanges,
    Transition,
)
from journeyflow.records.forgetting import (
    FORGOTTEN,
    anonymous,
    bare,
    bare_post,
    is_anonymous,
    without_error,
    without_person,
)
from journeyflow.records.message_ids import place_of
from journeyflow.records.rows import (
    Counter,
    Crowd,
    Export,
    Glimpse,
    Input,
    Move,
    Post,
    Refusal,
    Run,
    Suppression,
    make_input,
    make_move,
    make_post,
    make_run,
    mixing,
    patched,
)
from journeyflow.records.suppression import KEY, key_of, known_events, suppressions
from journeyflow.stores.batch import (
    INPUT,
    NOTHING,
    TIMER,
    CustomerInHand,
    Due,
    DueKey,
    Finished,
    Loaded,
    Request,
    named_by,
    select_due,
    timer_key,
)
from journeyflow.stores.contract import LAST_TICK, NOT_PAUSED, ClaimRequest, Shelf, check_nonce
from journeyflow.stores.memory.agenda import Agenda
from journeyflow.stores.memory.commits import Unfinished, cut, unfinished
from journeyflow.stores.memory.limits import KeptLimits
from journeyflow.stores.memory.mirror import Mirror
from journeyflow.stores.memory.pruning import finished_in, past_in
from journeyflow.stores.memory.pulls import KeptPulls
from journeyflow.stores.turns import Block, Joining, StoreTurn

if TYPE_CHECKING:  # which only queries need
    from sqlite3 import Connection

    from journeyflow.stores.sqlite.reader import SQLiteReader

KnownEvent = tuple[int, int, str, str | None]
"""A handled event with an id: its instant, its sequence number, the customer, its data."""

Item = TypeVar("Item")

Where = TypeVar("Where")

OutboxPlace = tuple[int, int, int]
"""The place of a message in the outbox: (instant, serial, n)."""

PAGE = 1_000
"""How many inputs are looked at together."""

NAME = "memory"
"""The placeholder for a path in errors."""

READING = ("this transaction was opened for reading", "open it with write=True to commit")

CLOSED = ("the store is closed", "make another")


class MemoryStore:
    """A store that keeps everything in this process; nothing is written to disk.

    `nonce` is part of message ids; it is fixed, so that equal inputs give equal results (R90).
    """

    def __init__(self, *, nonce: str = "memory") -> None:
        """Create an empty store."""
        check_nonce(nonce)
        self.turn = StoreTurn(NAME)
        self._mirror = Mirror()
        self._closed = False
        self._unfinished: Unfinished | None = None
        self.meta = {"nonce": nonce, KEY: key_of(nonce), "revision": "0"}
        self.suppressions: dict[str, Suppression] = {}
        self.journeys: list[NewJourney] = []
        self.versions: dict[int, NewVersion] = {}
        self.publications: list[tuple[int, int, int]] = []
        self.edited: dict[int, int] = {}
        self.flags: list[Flag] = []
        self.holds: list[Hold] = []
        self.transitions: list[Transition] = []
        self.policies: list[NewPolicies] = []
        self.customers: dict[int, tuple[str, str, dict[str, object]]] = {}
        self.numbers: dict[tuple[str, str], int] = {}
        self.inputs: dict[int, Input] = {}
        self.pending: dict[int, Input] = {}
        self.outcomes: dict[int, str] = {}
        self.known: dict[tuple[str, str, str], list[KnownEvent]] = {}
        self.runs: dict[int, Run] = {}
        self.newest: dict[int, dict[tuple[int, str], int]] = {}
        self.moves: list[Move] = []
        self.posts: dict[tuple[int, int], Post] = {}
        self.posts_of: dict[int, list[int]] = {}
        self.refusals: list[Refusal] = []
        self.counters: dict[tuple[object, ...], Counter] = {}
        self.openings: dict[tuple[object, ...], Counter] = {}
        self.arms: dict[tuple[int, int, str, str], None] = {}
        self.limits = KeptLimits()
        self.pulls = KeptPulls()
        self.last = {"journey": 0, "version": 0, "run": 0, "input": 0}
        self.exports: dict[int, Export] = {}
        self.inbox = Agenda[DueKey]()
        self.timers = Agenda[DueKey]()
        self.leases = Agenda[DueKey]()
        self.journey_timers = Agenda[DueKey]()
        self.outbox = Agenda[OutboxPlace]()
        self.posts_by_customer: dict[int, list[tuple[int, int]]] | None = None

    def __repr__(self) -> str:
        """Return how many customers and enrollments are stored."""
        return f"MemoryStore({len(self.customers)} customers, {len(self.runs)} enrollments)"

    def close(self) -> None:
        """Close the database behind questions; a closed store answers nothing."""
        with Joining(self.turn):
            self._closed = True
            self._mirror.drop()

    def transaction(self, *, write: bool = True) -> AbstractContextManager["MemoryTransaction"]:
        """Open a transaction; its commits take effect when the block ends without an exception."""
        return MemoryBlock(self, write=write)

    def reader(self) -> AbstractContextManager["SQLiteReader"]:
        """Open a consistent view for queries, on an in-memory SQLite database with the same rows."""
        from journeyflow.stores.sqlite.blocks import View  # noqa: PLC0415 imports sqlite3, for queries only

        return View(self.turn, self._questioned)

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
            cut(self, self._unfinished)
            self.posts_by_customer = None
            self.pulls.forgo()
            self._set_out(self.limits.places())
            self._finish()

    def snapshot(self) -> Changes:
        """Return everything that is stored as one value; committed to an empty store it makes an equal one."""
        before = {**self.meta, "revision": str(int(self.meta["revision"]) - 1)}  # the commit itself makes a revision
        return Changes(
            inputs=tuple(self.inputs.values()),
            handled=tuple(self.outcomes.items()),
            customers=tuple((number, *rest) for number, rest in self.customers.items()),
            runs=tuple(self.runs.values()),
            moves=tuple(self.moves),
            new_posts=tuple(self.posts.values()),
            refusals=tuple(self.refusals),
            counters=tuple(self.counters.values()),
            pruned=Pruned(openings=tuple(self.openings.values()), arms=tuple(self.arms)),
            catalog=CatalogChanges(
                journeys=tuple(self.journeys),
                versions=tuple(evolve(self.versions[number], published_at=at) for _, at, number in self.publications),
                described=tuple((number, self.versions[number].text, at) for number, at in self.edited.items()),
                transitions=tuple(self.transitions),
                policies=tuple(self.policies),
                flags=tuple(self.flags),
                holds=tuple(self.holds),
                meta=tuple(before.items()),
            ),
            exports=tuple(self.exports.values()),
            erased=Erased(suppressed=tuple(self.suppressions.values())),
            limits=self.limits.snapshot(),
            pulls=PullChanges(rounds=tuple(self.pulls.rounds.values()), listed=tuple(self.pulls.listed())),
        )

    # --- writing --------------------------------------------------------------------------------------------------

    def commit(self, committed: Iterable[Changes]) -> None:
        """Write what a transaction came to, all of it or nothing (see `commits.py`)."""
        self._unfinished = unfinished(self, tuple(self._numbered(committed)))
        self._finish()

    def _finish(self) -> None:
        """Put in place what is left of the commit that counts."""
        while self._unfinished is not None:
            self._take(self._unfinished.left[0], self._unfinished)
            self._unfinished = unfinished(self, self._unfinished.left[1:])

    def _take(self, changes: Changes, prepared: Unfinished) -> None:
        """Apply one part of a commit. What is done twice comes to the same as what is done once."""
        self._mirror.note(changes)
        if changes.catalog:
            self._take_catalog(changes.catalog)
        self._rename(changes.erased.forgotten)
        self._take_inputs(changes)
        self._take_customers(changes)
        for run in changes.runs:
            self._take_run(run)
        self.moves += changes.moves
        for post in (*changes.new_posts, *changes.posts):
            self._take_post(post)
        for crowd in changes.crowds:
            self._take_crowd(crowd)
        self.refusals += changes.refusals
        self.counters.update(prepared.counters)
        self.openings.update(prepared.openings)
        for journey, at in changes.released:
            self._release(journey, at)
        self.pulls.take(changes.pulls, changes.limits.emptied)
        if changes.limits:
            self._set_out(self.limits.take(changes.limits))
        self.exports.update((job.number, job) for job in changes.exports)
        if changes.erased:
            self._forget(changes.erased)
        if changes.pruned:
            self._prune(changes.pruned)
        if changes.last_tick is not None:
            self.meta[LAST_TICK] = str(changes.last_tick)

    def _set_out(self, keys: Iterable[DueKey]) -> None:
        """Add timers of journeys to the agenda."""
        for key in keys:
            self.journey_timers.add(key)

    def _take_customers(self, changes: Changes) -> None:
        for number, tenant, name, attributes in changes.customers:
            if number not in self.customers:
                self.pulls.come(tenant, name)
            self.customers[number] = (tenant, name, attributes)
            self.numbers[tenant, name] = number

    def _numbered(self, committed: Iterable[Changes]) -> Iterator[Changes]:
        """Yield the changes with numbered inputs; copied inputs keep their numbers."""
        numbers = count(self.last["input"] + 1)
        for changes in committed:
            if not changes.inputs or changes.inputs[0].seq:
                yield changes
            else:
                yield evolve(changes, inputs=tuple(make_input((next(numbers), *item[1:])) for item in changes.inputs))

    def _take_inputs(self, changes: Changes) -> None:
        for item in changes.inputs:
            self._number("input", item.seq)
            self.inputs[item.seq] = self.pending[item.seq] = item
            self.inbox.add((item.at, INPUT, item.seq, 0))
        for seq, outcome in changes.handled:
            self.outcomes[seq] = outcome
            self.pending.pop(seq, None)
            item = self.inputs[seq]
            if item.kind == "event" and item.id is not None and outcome not in UNKNOWN_AFTER:
                known = self.known.setdefault((item.tenant, item.type, item.id), [])
                if (event := (item.at, seq, item.customer, item.text)) not in known:
                    insort(known, event)
        for seq in changes.reopened:
            self._reopen(seq)

    def _reopen(self, seq: int) -> None:
        """Put an input that was set aside back into the inbox."""
        if self.outcomes.get(seq) == SET_ASIDE:
            item = self.pending[seq] = self.inputs[seq]
            self.inbox.add((item.at, INPUT, seq, 0))
            del self.outcomes[seq]

    def _release(self, journey: int, at: int) -> None:
        """Release held work of a journey at an instant, but not before its own when the resume is told late (R16)."""
        for run in [run for run in self.runs.values() if run.journey == journey and run.due is None]:
            if run.held is not None:
                self._take_run(run._replace(due=max(at, run.held)))
        self._set_out(self.limits.release(journey, at))

    def _rename(self, people: Iterable[Forgotten]) -> None:
        """Rename customers to their anonymous names."""
        for person in people:
            if person.number in self.customers:
                self.customers[person.number] = (person.tenant, person.name, {})
                self.pulls.forget(person.tenant, person.id)
                self.numbers.pop((person.tenant, person.id), None)
                self.numbers[person.tenant, person.name] = person.number

    def _forget(self, erased: Erased) -> None:
        """Remove the personal data of customers who have been renamed to their anonymous names (R86)."""
        for seq, text in erased.retold:
            self.inputs[seq] = self.inputs[seq]._replace(text=text)
        self._suppress(erased.suppressed)
        for seq in erased.dismissed:
            self._forget_input(seq, self.inputs[seq], FORGOTTEN, anonymous(0))
        people = erased.forgotten
        if not people:
            return
        inbox = {person.number: person.inbox for person in people}
        serials = {serial: inbox[run.customer] for serial, run in self.runs.items() if run.customer in inbox}
        for serial in sorted(serials):
            run = self.runs[serial] = bare(self.runs[serial], "enrollments")
            self.newest[run.customer] = {(each, ""): newest for (each, _), newest in self.newest[run.customer].items()}
            self.newest[run.customer][run.journey, run.key] = serial
        self.moves = [bare(move, "moves") if move.serial in serials else move for move in self.moves]
        self.posts.update((key, bare_post(post)) for key, post in self.posts.items() if key[0] in serials)
        self.refusals = [bare(each, "last_refusals") if each.customer in inbox else each for each in self.refusals]
        for person in people:
            self.limits.forget(person.number)
            self.pulls.step_back(person.id, *self._before(person))
            self._forget_inputs(person)
        for seq, item in self.inputs.items():
            place = place_of(item.id) if item.kind == "nack" else None
            if place is not None and place[0] in serials and (serials[place[0]] or seq in self.outcomes):
                self.inputs[seq] = without_error(item)
                self.pending.update({seq: self.inputs[seq]} if seq in self.pending else {})

    def _before(self, person: Forgotten) -> tuple[str, set[int]]:
        """Return the id before that of a forgotten customer of a tenant, "" for none, and the tenant's journeys."""
        names = (name for tenant, name, _ in self.customers.values() if tenant == person.tenant)
        before = max((name for name in names if name < person.id and not is_anonymous(name)), default="")
        return before, {each.number for each in self.journeys if each.tenant == person.tenant}

    def _forget_inputs(self, person: Forgotten) -> None:
        """Remove personal data from inputs about a customer; from waiting ones only if the inbox is to be emptied."""
        later = set(person.later)
        told = [
            item
            for seq, item in self.inputs.items()
            if (item.tenant, item.customer) == (person.tenant, person.id) and seq not in later
            if person.inbox or seq in self.outcomes
        ]
        events = known_events((item, self.outcomes.get(item.seq)) for item in told)
        self._suppress(suppressions(self.meta[KEY], person, events))  # first: ids are found by the customer's
        for item in told:
            self._forget_input(item.seq, item, self.outcomes.get(item.seq), person.name)

    def _suppress(self, entries: Iterable[Suppression]) -> None:
        """Add to the suppression list; what is on it already keeps the later instant."""
        for entry in entries:
            self.suppressions[entry.hash] = max(entry, self.suppressions.get(entry.hash, entry))

    def _forget_input(self, seq: int, item: Input, outcome: str | None, name: str) -> None:
        bare, self.outcomes[seq] = without_person(item, outcome, name)
        self.pending.pop(seq, None)
        self._unlearn(seq, item)
        self.inputs[seq] = bare  # last: until then it is found by the customer's id

    def _unlearn(self, seq: int, item: Input) -> None:
        """Forget the id of an event."""
        if item.kind == "event" and item.id is not None:
            key = (item.tenant, item.type, item.id)
            left = [each for each in self.known.pop(key, []) if each[1] != seq]
            self.known.update({key: left} if left else {})

    def _prune(self, pruned: Pruned) -> None:
        """Remove finished history (R86)."""
        self.runs.update((run.serial, run) for run in pruned.bared)
        for serial in pruned.gone:
            self.runs.pop(serial, None)
        emptied = {*pruned.gone, *(run.serial for run in pruned.bared)}
        self._drop_history(emptied)
        self.arms.update(dict.fromkeys(pruned.arms))
        for seq in self.inputs.keys() & pruned.inputs:
            self._unlearn(seq, self.inputs[seq])
            self.outcomes.pop(seq, None)
            del self.inputs[seq]

    def _drop_history(self, gone: set[int]) -> None:
        """Remove the moves, messages and timers of runs, by serial."""
        self.moves = [move for move in self.moves if move.serial not in gone]
        self.posts = {key: post for key, post in self.posts.items() if key[0] not in gone}
        self.posts_of = {serial: numbers for serial, numbers in self.posts_of.items() if serial not in gone}
        self.posts_by_customer = None
        self.timers.keep(lambda key: _serial(key) not in gone)
        self.leases.keep(lambda key: key[2] not in gone)
        self.outbox.keep(lambda place: place[1] not in gone)

    def _take_catalog(self, changes: CatalogChanges) -> None:
        self.journeys += changes.journeys
        self._number("journey", *(each.number for each in changes.journeys))
        for version in changes.versions:
            self.versions[version.number] = version
            self.publications.append((version.journey, version.published_at, version.number))
        self._number("version", *(each.number for each in changes.versions))
        for number, text, at in changes.described:
            self.versions[number] = evolve(self.versions[number], text=text)
            self.edited[number] = at
        self.transitions += changes.transitions
        self.flags += changes.flags
        self.holds += changes.holds
        self.policies += changes.policies
        self.meta.update(changes.meta)
        self.meta["revision"] = str(int(self.meta["revision"]) + 1)
        for journey in changes.purged:
            self._purge(journey)

    def _number(self, what: str, *numbers: int) -> None:
        """Remember the highest number of a kind: a number is never used again, even if its owner is removed."""
        self.last[what] = max([self.last[what], *numbers])

    def _purge(self, journey: int) -> None:
        """Remove a journey with everything recorded for it (R15)."""
        gone = {serial for serial, run in self.runs.items() if run.journey == journey}
        self._drop_history(gone)
        self.arms = {each: None for each in self.arms if each[0] not in gone}
        for customer, newest in self.newest.items():
            self.newest[customer] = {place: serial for place, serial in newest.items() if place[0] != journey}
        self.limits.purge(journey)
        self.pulls.purge(journey)
        self.journey_timers.keep(lambda key: key[2] != journey)
        self.refusals = [each for each in self.refusals if each.journey != journey]
        self.counters = {key: each for key, each in self.counters.items() if each.journey != journey}
        self.openings = {key: each for key, each in self.openings.items() if each.journey != journey}
        self.journeys = [each for each in self.journeys if each.number != journey]
        self.versions = {number: each for number, each in self.versions.items() if each.journey != journey}
        self.edited = {number: at for number, at in self.edited.items() if number in self.versions}
        self.publications = [each for each in self.publications if each[0] != journey]
        self.transitions = [each for each in self.transitions if each.journey != journey]
        self.flags = [each for each in self.flags if each.journey != journey]
        self.runs = {serial: run for serial, run in self.runs.items() if serial not in gone}  # last: they say what goes

    def _take_run(self, run: Run) -> None:
        if run.serial not in self.runs:
            self.last["run"] = max(self.last["run"], run.serial)
            self.newest.setdefault(run.customer, {})[run.journey, run.key] = run.serial
            self.pulls.enter(run)
        if run.due is not None:
            self.timers.add(timer_key(run))  # before: of a run that is there, all else is
        self.runs[run.serial] = run

    def _take_crowd(self, crowd: Crowd) -> None:
        """Apply what a crowd came to."""
        people, serials = crowd.people.items(), [*crowd.people]
        for customer in crowd.people.values() if crowd.news else ():
            tenant, name, attributes = self.customers[customer]
            self.customers[customer] = tenant, name, patched(attributes, crowd.news)
        if crowd.entering:
            _, _, *rest = crowd.run  # behind whose it is
            runs = [make_run((*who, *rest)) for who in people]
        else:
            runs = [_in_crowd(self.runs[serial], crowd.run) for serial in serials]
        for run in runs:
            self._take_run(run)
        _, *rest = crowd.move
        self.moves += [make_move((serial, *rest)) for serial in serials]
        for _, *rest in crowd.posts:
            for serial in serials:
                self._take_post(make_post((serial, *rest)))

    def _take_post(self, post: Post) -> None:
        key = (post.serial, post.n)
        before = self.posts.get(key)
        if before is None:
            if post.n not in (numbers := self.posts_of.setdefault(post.serial, [])):  # pragma: no branch - interrupts
                numbers.append(post.n)
            if self.posts_by_customer is not None:
                self.posts_by_customer.setdefault(self.runs[post.serial].customer, []).append(key)
        was_queued = before is not None and before.status == QUEUED and before.available_at == post.available_at
        if post.status == QUEUED and not was_queued:
            self.outbox.add((post.available_at, *key))
        if post.lease_until is not None:
            self.leases.add((post.lease_until, TIMER, *key))
        self.posts[key] = post

    def by_customer(self) -> dict[int, list[tuple[int, int]]]:
        """Return the messages of each customer, kept from the first time they are asked for: only caps need them."""
        if self.posts_by_customer is None:
            found: dict[int, list[tuple[int, int]]] = {}
            for key in self.posts:
                found.setdefault(self.runs[key[0]].customer, []).append(key)
            self.posts_by_customer = found
        return self.posts_by_customer

    # --- the items behind the places in the agendas ---------------------------------------------------------------

    def waiting(self, keys: Iterable[DueKey]) -> dict[DueKey, Input]:
        """Return the inputs that are not handled yet."""
        pending = self.pending
        return {key: pending[key[2]] for key in keys if key[2] in pending}

    def resting(self, keys: Iterable[DueKey]) -> dict[DueKey, Run]:
        """Return the runs that still rest until their instant."""
        runs = self.runs
        return {
            key: run
            for key in keys
            if (run := runs[key[2] if key[1] == TIMER else key[3]]).due == key[0]
            and run.held == (None if key[1] == TIMER else key[2])
        }

    def leased(self, keys: Iterable[DueKey]) -> dict[DueKey, Post]:
        """Return the messages whose lease ends at its instant."""
        return {key: post for key in keys if (post := self.posts[key[2:]]).lease_until == key[0]}

    def ringing(self, keys: Iterable[DueKey]) -> dict[DueKey, None]:
        """Return the timers of journeys that are due at their instant."""
        return {key: None for key in keys if self.limits.timers.get(key[2:]) == key[0]}

    def queued(self, places: Iterable[OutboxPlace]) -> dict[OutboxPlace, Post]:
        """Return the messages that may be handed out from their instant on."""
        found = ((place, self.posts[place[1:]]) for place in places)
        return {place: post for place, post in found if post.status == QUEUED and post.available_at == place[0]}


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


class MemoryTransaction:
    """A transaction on a `MemoryStore`; see `contract.Transaction`."""

    def __init__(self, store: MemoryStore, *, write: bool) -> None:
        """Start without commits."""
        self._store, self._write = store, write
        self.committed: list[Changes] = []

    def commit(self, changes: Changes) -> None:
        """Note changes to be applied at the end of the block."""
        if not self._write:
            raise StorageError(NAME, *READING)
        self.committed.append(changes)

    def shelf(self, known_revision: int | None) -> Shelf | None:
        """Return the rows of the catalog, or None when its revision is still the known one."""
        store = self._store
        revision = int(store.meta["revision"])
        if revision == known_revision:
            return None
        published = sorted(store.publications, key=lambda each: each[0])
        versions = [(store.versions[number], at) for _, at, number in published]
        return Shelf(
            revision,
            [(each.number, each.tenant, each.id) for each in store.journeys],
            [(v.number, v.journey, v.version, at, v.fingerprint, v.text) for v, at in versions],
            [(each.journey, each.at, each.state) for each in sorted(store.transitions, key=lambda each: each.journey)],
            dict(store.meta),
            [(each.tenant, each.at, each.text) for each in sorted(store.policies, key=lambda each: each.tenant)],
            [
                (each.journey, each.at, each.step, each.published)
                for each in sorted(store.flags, key=lambda each: each.journey)
            ],
            [
                (each.tenant, each.at, each.channel, each.held)
                for each in sorted(store.holds, key=lambda each: each.tenant)
            ],
            store.last["journey"] + 1,
            store.last["version"] + 1,
        )

    def due(self, now: int, limit: int, *, inputs: bool = True, paused: Mapping[int, int] = NOT_PAUSED) -> Due:
        """Return the first due items in total order (R7)."""
        store, count = self._store, limit + 1
        return select_due(
            _first(count, store.inbox.pages(now, count, store.waiting) if inputs else ()),
            _first(count, _unheld(store.timers.pages(now, count, store.resting), paused)),
            _first(count, store.leases.pages(now, count, store.leased)),
            limit,
            _first(count, _unheld(store.journey_timers.pages(now, count, store.ringing), paused))[0],
        )

    def load(self, request: Request) -> Loaded:
        """Return what is known for a request."""
        store = self._store
        runs = {serial: store.runs[serial] for serial in request.serials if serial in store.runs}
        runs.update((run.serial, run) for run in self._active(request))
        circles = store.pulls.circles(request.pulls, store.numbers)
        numbers = map(store.numbers.get, named_by(request, circles))
        named = {number for number in numbers if number is not None}
        whole = {*request.whole, *named, *(run.customer for run in runs.values())}
        heads = {} if request.limits is None else store.limits.heads(request.limits)
        whole |= {entry.customer for entries in heads.values() for entry in entries}
        people = self._people(whole, whole | request.numbers)
        runs.update((serial, store.runs[serial]) for person in people for serial in person.serials)
        known = {event: _without_numbers(store.known[event]) for event in request.events if event in store.known}
        clicked, sent = self._clicked(request, people), self._sent(request, people)
        posts = {**clicked, **{key: store.posts[key] for key in request.posts if key in store.posts}}
        newest = self._newest_posts(request.readers(runs))
        runs.update((serial, store.runs[serial]) for serial, _ in clicked)
        limits = None if request.limits is None else store.limits.load(request.limits, heads, whole)
        following = store.last["run"] + 1, len(store.customers) + 1
        pulls = None if request.pulls is None else store.pulls.load(request.pulls, circles, named, store.runs)
        return Loaded(
            people,
            runs,
            posts,
            newest,
            known,
            *following,
            sent,
            limits,
            *self._exports(request),
            pulls,
            *self._past(request),
            int(store.meta[LAST_TICK]) if request.last_tick and LAST_TICK in store.meta else None,
            {each: store.suppressions[each].before for each in request.suppressed if each in store.suppressions},
        )

    def _past(self, request: Request) -> tuple[Finished, Sequence[tuple[Input, str]]]:
        """Return what a prune asks for (R86)."""
        finished = NOTHING if request.finished is None else finished_in(self._store, request.finished)
        return finished, () if request.past is None else past_in(self._store, request.past)

    def _exports(self, request: Request) -> tuple[tuple[Export, ...], int]:
        """Return the jobs that are not done yet, and the number that the next one gets."""
        if not request.exports:
            return (), 1
        waiting = tuple(job for job in self._store.exports.values() if job.finished_at is None)
        return waiting, len(self._store.exports) + 1

    def _clicked(self, request: Request, people: Iterable[CustomerInHand]) -> dict[tuple[int, int], Post]:
        """Return the messages of some customers that were clicked (R83)."""
        if not request.clicked:
            return {}
        by_customer, store = self._store.by_customer(), self._store
        wanted = (person.number for person in people if (person.tenant, person.id) in request.clicked)
        keys = (key for number in wanted for key in by_customer.get(number, ()))
        return {key: store.posts[key] for key in keys if "clicked" in store.posts[key].flags}

    def _sent(self, request: Request, people: Iterable[CustomerInHand]) -> list[tuple[int, int, int, int, str]]:
        """Return the messages that caps count, of the customers of some tenants, since an instant (R31)."""
        caps, store = request.caps, self._store
        if caps is None:
            return []
        by_customer = store.by_customer()
        found = (
            (person.number, store.posts[key])
            for person in people
            if person.tenant in caps.tenants
            for key in by_customer.get(person.number, ())
        )
        return [
            (number, post.serial, post.n, post.at, post.channel)
            for number, post in found
            if post.at >= caps.since and post.status in COUNTED
        ]

    def _active(self, request: Request) -> list[Run]:
        """Return the active runs of a journey that are asked for, by serial."""
        wanted = request.active
        if wanted is None:
            return []
        active = [
            run
            for serial, run in sorted(self._store.runs.items())
            if serial > wanted.after and run.journey == wanted.journey and run.status == ACTIVE
        ]
        return active[: wanted.limit]

    def _people(self, whole: set[int], numbers: set[int]) -> tuple[CustomerInHand, ...]:
        """Return the customers under some numbers, the whole ones with the newest run of each journey and key."""
        store, people = self._store, []
        for number in sorted(numbers & store.customers.keys()):
            tenant, name, attributes = store.customers[number]
            of_runs = store.newest.get(number) if number in whole else None
            people.append(CustomerInHand(number, tenant, name, attributes, sorted(of_runs.values()) if of_runs else ()))
        return tuple(people)

    def _newest_posts(self, serials: Iterable[int]) -> dict[int, dict[str, Glimpse]]:
        """Return the newest message of each step of some runs."""
        posts, numbers = self._store.posts, self._store.posts_of
        newest: dict[int, dict[str, Glimpse]] = {}
        for key in sorted([(serial, n) for serial in serials for n in numbers.get(serial, ())]):
            post = posts[key]
            newest.setdefault(post.serial, {})[post.step] = post
        return newest

    def claimable(self, request: ClaimRequest) -> list[Post]:
        """Return queued messages that may be handed out, oldest first (R71)."""
        store = self._store
        told = chain.from_iterable(page.values() for page in store.inbox.pages(request.at, PAGE, store.waiting))
        withheld = {(item.tenant, item.customer) for item in told}
        fitting = (
            {place: post for place, post in page.items() if self._fits(post, request, withheld)}
            for page in store.outbox.pages(request.at, request.limit, store.queued)
        )
        return _first(request.limit, fitting)[1][: request.limit]

    def _fits(self, post: Post, request: ClaimRequest, withheld: set[tuple[str, str]]) -> bool:
        """Return whether a queued message is one that this worker may have now."""
        run = self._store.runs[post.serial]
        tenant, name, _ = self._store.customers[run.customer]
        wanted = request.tenant in {None, tenant} and (request.channels is None or post.channel in request.channels)
        free = run.journey not in request.journeys and (run.journey, post.step) not in request.steps
        free = free and (tenant, post.channel) not in request.held
        return wanted and free and (tenant, name) not in withheld


_in_crowd: Callable[[Run, Run], Run] = mixing(Run, ("serial", "customer", "number", "entered_at", "trigger", "key"))
"""Makes the run of somebody in a crowd: what never changes is their own, the rest is the crowd's."""


def _without_numbers(known: Iterable[KnownEvent]) -> tuple[tuple[int, str, str | None], ...]:
    return tuple((at, customer, text) for at, _, customer, text in known)


def _serial(key: DueKey) -> int:
    """Return the serial of the run whose timer has a place."""
    return key[2] if key[1] == TIMER else key[3]


Waking = TypeVar("Waking", Run, None)
"""A run, or None for a timer of a journey."""


def _unheld(pages: Iterable[Mapping[DueKey, Waking]], paused: Mapping[int, int]) -> Iterator[Mapping[DueKey, Waking]]:
    """Yield the pages without the timers of paused journeys, from an instant each (R16)."""
    for page in pages:
        if paused:
            page = {  # noqa: PLW2901 the same page
                key: run
                for key, run in page.items()
                if key[0] < paused.get(key[2] if run is None else run.journey, key[0] + 1)
            }
        yield page


def _first(count: int, pages: Iterable[Mapping[Where, Item]]) -> tuple[list[Where], list[Item]]:
    """Return the places on as many pages as hold this many, and what stands at each."""
    found: dict[Where, Item] = {}
    for page in pages:
        found.update(page)
        if len(found) >= count:
            break
    return [*found], [*found.values()]
