"""People who do the same at the same instant are handled as one crowd: each is asked, what they come to is noted once.

`scheduler.run` offers each due item here first. It is taken where it touches nobody but its customer, who has nothing
else due in the batch, and where somebody went the same way before (`cohorts.py`): a timer of a run that rests, or an
event that does nothing but let a newcomer in. What becomes of them then is alike in all but whose it is; so neither
runs nor moves nor messages are made of each, but a `Crowd` of all, and a store writes them set-wise.

Whatever is out of the ordinary, in the journey, in the person or in the batch, is left to the plain way, which stays
the reference: `tests/properties/test_cohorts.py` shows that both come to the same.
"""

import marshal
from collections import Counter
from collections.abc import Hashable, Iterator

from journeyflow.batch import INPUT, TIMER, Due, Key, Person
from journeyflow.catalog import JourneyRecord
from journeyflow.cohorts import AskedWalk, Outcome, Read
from journeyflow.entry import MESSAGE_KINDS
from journeyflow.facts import NOTHING, Data, Facts
from journeyflow.intake import known_already
from journeyflow.moments import FIRST, LAST
from journeyflow.program import Program
from journeyflow.records import ACTIVE, REVENUE, Crowd, Input, Run
from journeyflow.stages import LISTENING, first_run, make_candidate, obstacles_of
from journeyflow.values import loads
from journeyflow.walk import NO_POSTS, NOTHING_SENT, Stimulus
from journeyflow.work import CUSTOMER_EVENTS, MESSAGE, NOBODY, Work, make_happening, parse_message_id

WITH_EFFECT = frozenset({*CUSTOMER_EVENTS, REVENUE, *(f"{MESSAGE}{kind}" for kind in MESSAGE_KINDS)})
"""The events that do something beside letting people in."""

ANSWERS = frozenset({"ack", "nack"})
"""The kinds of input that name a message, and no customer."""

Who = int | tuple[str, str]
"""A customer's number, or tenant and id of one who has none yet."""


class Lane:
    """Where runs of one version begin a walk by one stimulus, as it is from an instant on at which all is settled."""

    __slots__ = ("place", "program", "since", "walk")

    def __init__(self, work: Work, program: Program, stimulus: Stimulus, visit: int, step: int) -> None:
        """Ask under the policies and behind the flags that were set last."""
        catalog = work.catalog
        record, timeline = catalog.journeys[program.journey_number], catalog.policies.get(program.tenant)
        since, terms = (record.settled_at, None) if timeline is None else timeline.history[-1]
        self.program, self.since = program, max(record.settled_at, since)
        self.walk = AskedWalk(program, catalog.nonces, terms)
        self.place = (program, stimulus, visit, step, record.newest_unpublished)


class Entrance(Lane):
    """Where newcomers enter a journey by an event."""

    __slots__ = ("facts", "obstacles", "record", "run")

    def __init__(self, work: Work, record: JourneyRecord) -> None:
        """Let people into the newest version."""
        program = record.newest
        super().__init__(work, program, "ENTER", 0, 0)
        self.record, self.obstacles = record, obstacles_of(program)
        self.facts = Facts("", {}, 0, program.zone, header=program.header, nonces=work.catalog.nonces)
        self.run = first_run(0, 0, program, 0, None, "")

    def ask(self, name: str, attributes: dict[str, object], at: int, data: Data) -> bool:
        """Tell whether the trigger matches."""
        facts, program = self.facts, self.program
        facts.customer, facts.attributes, facts.at, facts.event = name, attributes, at, data
        facts.seen = {}
        if program.journey.customer_timezone:
            facts.zone = program.zone_of(attributes)
        return program.where is None or program.where(facts)

    def stand(self, name: str, attributes: dict[str, object], at: int, text: str | None, key: str) -> None:
        """Stand there as somebody who enters, with the data of the event and the key."""
        run = self.run
        if run.last_at != at or run.trigger != text or run.key != key:
            run = self.run = first_run(0, 0, self.program, at, text, key)
        self.walk.stand(run, name, attributes, at, NO_POSTS)


Entry = tuple[Entrance, Outcome, int | None, Read]
"""A door that somebody goes through, and what `Cohorts.follow` says of the walk behind it."""


class Crowds:
    """The crowds of one batch, while it is handled."""

    def __init__(self, work: Work, due: Due, dedup: int) -> None:
        """Begin without any; `dedup` is how long ids of events are known, in microseconds."""
        self._work, self._dedup = work, dedup
        self._lanes: dict[tuple[int, int, int], Lane | None] = {}
        self._doors: dict[tuple[str, str], tuple[int, list[Entrance]]] = {}
        self._until = work.horizon[0]
        """Who wakes up to then wakes in this same batch: others may look at what has become of the run by then."""
        self._busy = _busy(work, due)
        self._apart = _is_apart(work, due)

    def take(self, key: Key) -> bool:
        """Handle an item if it is an ordinary one; else leave everything as it is."""
        instant, rank, first, second = key
        if rank == INPUT:
            return self._apart and self._enter(self._work.inputs[first])
        return rank == TIMER and not second and self._apart and self._wake(self._work.runs[first], instant)

    # --- timers ---------------------------------------------------------------------------------------------------

    def _wake(self, run: Run, own: int) -> bool:
        """Wake a run at the instant until which it rests."""
        work, serial, customer, place = self._work, run[0], run[1], (run[3], run[11], run[12])
        lane = self._lanes[place] if place in self._lanes else self._lane(place)
        if lane is None or own < lane.since or run.memory is not None or customer in self._busy:
            return False
        at = own if run.softened else work.softened(own)
        person, walk = work.numbered[customer], lane.walk
        attributes = person.attributes
        walk.stand(run, person.id, attributes, max(at, run.last_at), work.newest_posts.get(serial, NO_POSTS))
        if walk.terms is not None:
            walk.sent = work.sent.get(customer, NOTHING_SENT)
        way, due, read = work.cohorts.follow(lane.place, walk, {})
        if not isinstance(way, Outcome) or (due is not None and due <= self._until):
            return False
        if way.changes:
            work.set_attributes(person, way.change(attributes))
        work.late += at != own
        self._join(walk, way, due, read, run[:2], run[10])
        return True

    def _lane(self, place: tuple[int, int, int]) -> Lane | None:
        """Say where runs go on that rest at a place; None where that is left to the plain way."""
        version, visit, step = place
        program = self._work.catalog.programs[version]
        lane = Lane(self._work, program, "DUE", visit, step) if self._is_ordinary(program) else None
        self._lanes[place] = lane
        return lane

    def _is_ordinary(self, program: Program) -> bool:
        """Tell whether runs of a version touch nobody but their customer, and the journey goes on."""
        catalog = self._work.catalog
        return program.number in catalog.unheard and catalog.journeys[program.journey_number].newest_state == ACTIVE

    # --- events ---------------------------------------------------------------------------------------------------

    def _enter(self, item: Input) -> bool:
        """Let a newcomer in wherever the event does."""
        work, seq, tenant, name = self._work, item[0], item[1], item[2]
        where = (tenant, item[4])
        since, doors = self._doors[where] if where in self._doors else self._doors_of(*where)
        person = work.people.get((tenant, name))
        if item[3] != "event" or item[5] < since or (person is not None and person.serials):
            return False
        if (tenant, name) in self._busy or (person is not None and person.number in self._busy):
            return False
        entries = self._entries(doors, item, person.attributes if person is not None else {})
        if entries is None:
            return False
        outcome = known_already(work, item, self._dedup) if item.id is not None else None
        if outcome is None:
            outcome, person = "handled", person or work.person(tenant, name)
            for door, way, due, read in entries:
                if way.changes:
                    work.set_attributes(person, way.change(person.attributes))
                self._join(door.walk, way, due, read, (work.next_serial, person.number), item[7])
                work.next_serial += 1
            work.entered += len(entries)
        work.late += work.softened(item[5]) != item[5]
        work.handled.append((seq, outcome))
        return True

    def _entries(self, doors: list[Entrance], item: Input, attributes: dict[str, object]) -> list[Entry] | None:
        """Give the journeys that somebody enters, or None where one of them needs the plain way."""
        work, name, text, entries = self._work, item[2], item[7], list[Entry]()
        at, data = work.softened(item[5]), loads(text) if text else NOTHING
        for door in doors:
            if not door.ask(name, attributes, at, data):
                continue
            program, seen = door.program, door.facts.seen
            key = "" if program.key is None else program.key_of(data)
            if door.obstacles and self._is_stopped(door, item, data, at, key):
                return None
            door.stand(name, attributes, at, text, key)
            way, due, read = work.cohorts.follow(door.place, door.walk, {"entry": seen} if seen else {})
            if not isinstance(way, Outcome) or (due is not None and due <= self._until):
                return None
            entries.append((door, way, due, read))
        alone = len(entries) < 2 or not any(way.changes or way.posts for _, way, _, _ in entries)  # noqa: PLR2004
        return entries if alone else None

    def _is_stopped(self, door: Entrance, item: Input, data: Data, at: int, key: str) -> bool:
        """Tell whether something stands against an entry."""
        work = self._work
        person = work.people.get((item.tenant, item.customer)) or Person(0, item.tenant, item.customer, {})
        event = make_happening((item.type, data, item.at, at, person, NOBODY, None, "", item.text))
        candidate = make_candidate((work, door.record, door.program, event, door.facts, None, key, False))
        return any(stands(candidate) for stands in door.obstacles)

    def _doors_of(self, tenant: str, event: str) -> tuple[int, list[Entrance]]:
        """Find where an event lets people in, and from when on; never, for what needs the plain way."""
        catalog = self._work.catalog
        records = catalog.triggered.get((tenant, event), ())
        open_to = [each for each in records if each.newest_state in LISTENING]
        listening = [each for each in open_to if each.newest.journey.trigger.event == event]
        apart = event in WITH_EFFECT or any(
            not self._is_ordinary(each.newest) or each.number in catalog.limited or each.number in catalog.pulling
            for each in listening
        )
        doors = [] if apart else [Entrance(self._work, each) for each in listening]
        since = max([*(each.settled_at for each in records), *(door.since for door in doors)], default=FIRST)
        self._doors[tenant, event] = (LAST + 1 if apart else since), doors
        return self._doors[tenant, event]

    # --- what comes out -------------------------------------------------------------------------------------------

    def _join(  # noqa: PLR0917 what `follow` gave of whom
        self, walk: AskedWalk, way: Outcome, due: int | None, read: Read, whose: tuple[int, int], own: Hashable
    ) -> None:
        """Put a run, of this serial and customer, among those that came to the same.

        `own` is what else is kept of it that others may not share.
        """
        at, texts, crowds = walk.at, way.write(walk) if way.composed else (), self._work.crowds
        key = (way, at, due, marshal.dumps(read, 2), texts, own, walk.run[19])
        crowd = crowds.get(key)
        if crowd is None:
            serial, customer = whose
            run = walk.run._replace(serial=serial, customer=customer)
            crowd = crowds[key] = Crowd(*way.of(run, at, due, read, texts), [])
        crowd.people.append(whose)


def _busy(work: Work, due: Due) -> set[Who]:
    """Give the people of whom more than one thing is due, or may become so; by id too, for a step may forget them."""
    concerned = list(_concerned(work, due))
    if len(set(concerned)) == len(concerned):
        return set()
    busy = {who for who, times in Counter(concerned).items() if times > 1}
    known = (work.numbered[who] for who in busy if who in work.numbered)
    return busy | {(person.tenant, person.id) for person in known}


def _concerned(work: Work, due: Due) -> Iterator[Who]:
    """Yield whom each due item is about; whoever waits for a slot, twice."""
    for item in due.inputs.values():
        if item.kind not in ANSWERS:
            person = work.people.get((item.tenant, item.customer))
            yield (item.tenant, item.customer) if person is None else person.number
        elif place := parse_message_id(item.id, work.catalog.nonces):
            yield from (run.customer for run in [work.runs.get(place[0])] if run is not None)
    yield from (run.customer for run in due.runs.values())
    yield from (work.runs[post.serial].customer for post in due.posts.values())
    for entry in work.gate.held.values():
        yield from (entry.customer, entry.customer)


def _is_apart(work: Work, due: Due) -> bool:
    """Tell whether items touch those alone whom they are about: no pull asks others, none names a message to come."""
    told = (parse_message_id(item.id, work.catalog.nonces) for item in due.inputs.values() if item.kind in ANSWERS)
    return not work.pulls.circles and all(place is None or place[0] < work.next_serial for place in told)
