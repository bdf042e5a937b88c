"""What the store in memory keeps, and how it changes: plain dicts, lists and agendas.

What a commit writes is put in place by steps that may be repeated (see `commits.py`).
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, repeat
from typing import Any

from attrs import evolve

from journeyflow.basics.words import QUEUED, SET_ASIDE, UNKNOWN_AFTER
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
    Input,
    Move,
    Post,
    Refusal,
    Run,
    Suppression,
    make_input,
    make_move,
    patched,
    posts_of,
    runs_of,
)
from journeyflow.records.suppression import KEY, key_of, known_events, suppressions
from journeyflow.stores.batch import INPUT, TIMER, DueKey, at_of, seq_of, timer_key
from journeyflow.stores.contract import LAST_TICK
from journeyflow.stores.memory.agenda import Agenda
from journeyflow.stores.memory.commits import Unfinished
from journeyflow.stores.memory.limits import KeptLimits
from journeyflow.stores.memory.pulls import KeptPulls

KnownEvent = tuple[int, int, str, str | None]
"""A handled event with an id: its instant, its sequence number, the customer, its data."""

InputRow = tuple[Any, ...]
"""An input as a plain tuple, to be read by `input` and `told`.

Python's cycle collector looks at each tuple that has a class of its own for as long as it lives, and at plain ones of
numbers and texts once. Inputs are most of what a store keeps.
"""

OutboxPlace = tuple[int, int, int]
"""The place of a message in the outbox: (instant, serial, n)."""


class MemoryRows:
    """Everything that a store in memory keeps. `transaction.py` reads it, `store.py` guards it."""

    def __init__(self, *, nonce: str = "memory") -> None:
        """Keep nothing yet. `nonce` is part of message ids (R70)."""
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
        self.inputs: dict[int, InputRow] = {}
        self.pending: dict[int, Input] = {}
        self.outcomes: dict[int, str] = {}
        self.known: dict[tuple[str, str, str], list[KnownEvent]] = {}
        self.runs: dict[int, Run] = {}
        self.newest: dict[int, dict[tuple[int, str], int]] = {}
        self.moves: list[Move] = []
        self.posts: dict[tuple[int, int], Post] = {}
        self.posts_of: dict[int, tuple[int, ...]] = {}
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

    def snapshot(self) -> Changes:
        """Return everything that is stored as one value; committed to an empty store it makes an equal one."""
        before = {**self.meta, "revision": str(int(self.meta["revision"]) - 1)}  # the commit itself makes a revision
        return Changes(
            inputs=tuple(self.told()),
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

    def _take(self, changes: Changes, prepared: Unfinished) -> None:
        """Apply one part of a commit. What is done twice comes to the same as what is done once."""
        if changes.catalog:
            self._take_catalog(changes.catalog)
        self._rename(changes.erased.forgotten)
        self._take_inputs(changes)
        self._take_customers(changes)
        self._take_runs(changes.runs)
        self.moves += changes.moves
        self._take_posts(changes.new_posts)
        for crowd in changes.crowds:
            self._take_crowd(crowd)
        self._take_posts(changes.posts)
        self.refusals += changes.refusals
        self.counters.update(prepared.counters)
        self.openings.update(prepared.openings)
        for journey, at in changes.released:
            self._release(journey, at)
        self.pulls.take(changes.pulls, changes.limits.emptied)
        if changes.limits:
            self.journey_timers.add(self.limits.take(changes.limits))
        self.exports.update((job.number, job) for job in changes.exports)
        if changes.erased:
            self._forget(changes.erased)
        if changes.pruned:
            self._prune(changes.pruned)
        if changes.last_tick is not None:
            self.meta[LAST_TICK] = str(changes.last_tick)

    def _take_customers(self, changes: Changes) -> None:
        for number, tenant, name, attributes in changes.customers:
            if number not in self.customers:
                self.pulls.come(tenant, name)
                self.numbers[tenant, name] = number
            self.customers[number] = (tenant, name, attributes)  # last: of a customer who is there, all else is

    def _numbered(self, committed: Iterable[Changes]) -> Iterator[Changes]:
        """Yield the changes with numbered inputs; copied inputs keep their numbers."""
        numbers = count(self.last["input"] + 1)
        for changes in committed:
            if not changes.inputs or changes.inputs[0].seq:
                yield changes
            else:
                yield changes._replace(inputs=tuple(make_input((next(numbers), *item[1:])) for item in changes.inputs))

    def input(self, seq: int) -> Input:
        """Return the input with a number."""
        return make_input(self.inputs[seq])

    def told(self) -> Iterator[Input]:
        """Yield all inputs, waiting or handled."""
        return map(make_input, self.inputs.values())

    def _take_inputs(self, changes: Changes) -> None:
        inputs, pending, handled = self.inputs, self.pending, dict(changes.handled)
        inputs.update(zip(map(seq_of, changes.inputs), map(tuple, changes.inputs), strict=True))
        self._number("input", *map(seq_of, changes.inputs[-1:]))  # ascending
        waiting = [item for item in changes.inputs if item[0] not in handled]
        pending.update(zip(map(seq_of, waiting), waiting, strict=True))
        self.inbox.add(zip(map(at_of, waiting), repeat(INPUT), map(seq_of, waiting), repeat(0)))
        self.outcomes.update(handled)
        for seq, outcome in handled.items():
            pending.pop(seq, None)
            _, tenant, customer, kind, name, at, told_as, text = inputs[seq]
            if told_as is not None and kind == "event" and outcome not in UNKNOWN_AFTER:
                known = self.known.setdefault((tenant, name, told_as), [])
                if (event := (at, seq, customer, text)) not in known:
                    insort(known, event)
        for seq in changes.reopened:
            self._reopen(seq)

    def _reopen(self, seq: int) -> None:
        """Put an input that was set aside back into the inbox."""
        if self.outcomes.get(seq) == SET_ASIDE:
            item = self.pending[seq] = self.input(seq)
            self.inbox.add([(item.at, INPUT, seq, 0)])
            del self.outcomes[seq]

    def _release(self, journey: int, at: int) -> None:
        """Release held work of a journey at an instant, but not before its own when the resume is told late (R16)."""
        held = [run for run in self.runs.values() if run.journey == journey and run.due is None]
        self._take_runs([run._replace(due=max(at, run.held)) for run in held if run.held is not None])
        self.journey_timers.add(self.limits.release(journey, at))

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
            self.inputs[seq] = tuple(self.input(seq)._replace(text=text))
        self._suppress(erased.suppressed)
        for seq in erased.dismissed:
            self._forget_input(self.input(seq), FORGOTTEN, anonymous(0))
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
        for item in self.told():
            place = place_of(item.id) if item.kind == "nack" else None
            if place is not None and place[0] in serials and (serials[place[0]] or item.seq in self.outcomes):
                without = without_error(item)
                self.inputs[item.seq] = tuple(without)
                self.pending.update({item.seq: without} if item.seq in self.pending else {})

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
            for item in self.told()
            if (item.tenant, item.customer) == (person.tenant, person.id) and item.seq not in later
            if person.inbox or item.seq in self.outcomes
        ]
        events = known_events((item, self.outcomes.get(item.seq)) for item in told)
        self._suppress(suppressions(self.meta[KEY], person, events))  # first: ids are found by the customer's
        for item in told:
            self._forget_input(item, self.outcomes.get(item.seq), person.name)

    def _suppress(self, entries: Iterable[Suppression]) -> None:
        """Add to the suppression list; what is on it already keeps the later instant."""
        for entry in entries:
            self.suppressions[entry.hash] = max(entry, self.suppressions.get(entry.hash, entry))

    def _forget_input(self, item: Input, outcome: str | None, name: str) -> None:
        bare, self.outcomes[item.seq] = without_person(item, outcome, name)
        self.pending.pop(item.seq, None)
        self._unlearn(item)
        self.inputs[item.seq] = tuple(bare)  # last: until then it is found by the customer's id

    def _unlearn(self, item: Input) -> None:
        """Forget the id of an event."""
        if item.kind == "event" and item.id is not None:
            key = (item.tenant, item.type, item.id)
            left = [each for each in self.known.pop(key, []) if each[1] != item.seq]
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
            self._unlearn(self.input(seq))
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

    def _take_runs(self, runs: Sequence[Run]) -> None:
        """Put runs in place last: of a run that is there, all else is."""
        self.timers.add([timer_key(run) for run in runs if run.due is not None])
        for run in runs:
            serial = run.serial
            if serial not in self.runs:
                self.last["run"] = max(self.last["run"], serial)
                self.newest.setdefault(run.customer, {})[run.journey, run.key] = serial
                self.pulls.enter(run)
            self.runs[serial] = run

    def _take_crowd(self, crowd: Crowd) -> None:
        """Apply what a crowd came to."""
        for customer in crowd.people.values() if crowd.news else ():
            tenant, name, attributes = self.customers[customer]
            self.customers[customer] = tenant, name, patched(attributes, crowd.news)
        self._take_runs(runs_of(crowd, self.runs))
        _, *rest = crowd.move
        self.moves += [make_move((serial, *rest)) for serial in crowd.people]
        self._take_posts([*posts_of(crowd)])

    def _take_posts(self, posts: Sequence[Post]) -> None:
        """Put messages in place last: of a message that is there, all else is."""
        kept, numbers, by_customer = self.posts, self.posts_of, self.posts_by_customer
        self.outbox.add([(post.available_at, *post[:2]) for post in posts if post.status == QUEUED])
        self.leases.add([(post.lease_until, TIMER, *post[:2]) for post in posts if post.lease_until is not None])
        for post in posts:
            serial, n = key = post[:2]
            if key not in kept:
                if n not in (own := numbers.get(serial, ())):  # pragma: no branch - interrupts
                    numbers[serial] = (*own, n)
                if by_customer is not None:
                    by_customer.setdefault(self.runs[serial].customer, []).append(key)
            kept[key] = post

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


def _serial(key: DueKey) -> int:
    """Return the serial of the run whose timer has a place."""
    return key[2] if key[1] == TIMER else key[3]
