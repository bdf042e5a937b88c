"""Customers who do the same at the same instant, handled as one crowd: all are asked, the outcome is stored once.

`scheduler.run` offers its due items here first. An item is taken if it affects only its own customer, if nothing else
is due for that customer in the batch, and if a noted walk already covers it (`walks.py`). Such an item is a timer of a
resting run, or an event whose only effect is to let a new customer in. The outcomes then differ only in whose they are,
so no run, move or message is made for each customer; there is one `Crowd` for all of them, which a store writes as a
set. Where no walk has been noted yet, the next customer walks normally and that walk is noted: each batch learns its
own walks.

This pays off when instants are shared, which `are_shared` decides. A batch whose instants nearly all differ is handled
item by item from the start.

Anything unusual, in the journey, the customer or the batch, takes the plain way: `tests/properties/test_crowds.py`
shows that both give the same result.
"""

import marshal
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from operator import itemgetter

from journeyflow.basics.moments import FIRST, LAST
from journeyflow.basics.values import loads
from journeyflow.basics.words import ACTIVE, WITH_EFFECT
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.definition.rules.chains import Order
from journeyflow.machine.behaviours import advance, go
from journeyflow.machine.facts import NO_DATA, Facts
from journeyflow.machine.notes import FRESH, NO_POSTS, NOTHING_SENT, Past, Result, Situation, Stimulus
from journeyflow.machine.program import Program
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Crowd, Input, Run
from journeyflow.stores.batch import INPUT, TIMER, CustomerInHand, Due, customer_of
from journeyflow.work.entries import first_run, obstacles_of
from journeyflow.work.happenings import changed_attribute
from journeyflow.work.intake import known_already, note_dates
from journeyflow.work.stages import LISTENING
from journeyflow.work.together.walks import (
    UNKNOWN,
    AskedWalk,
    NotedWalk,
    NotedWalks,
    Read,
    WalkOutcome,
    WalkStart,
    Way,
    follow,
)
from journeyflow.work.working_set import Work

NOBODY_LISTENS, WATCHERS, SOMEBODY = range(3)
"""Who listens to what is emitted: no journey; only exits and waits that watch the customer's attributes without naming
the event; a journey that names it."""

where_of: Callable[[Run], tuple[int, int, int]] = itemgetter(3, 11, 12)
"""Return a run's version, and the visit and step at which it rests."""

Who = int | tuple[str, str]
"""A customer's number, or the tenant and id of a customer who has no number yet."""


class Lane:
    """The place where runs of one version begin a walk with one stimulus.

    It is valid from the instant of the newest policies and unpublished steps on.
    """

    __slots__ = ("place", "program", "since", "walk", "way")

    def __init__(self, work: Work, program: Program, stimulus: Stimulus, visit: int, step: int) -> None:
        """Use the newest policies and the newest unpublished steps."""
        catalog = work.catalog
        record, timeline = catalog.journeys[program.journey_number], catalog.policies.get(program.tenant)
        since, terms = (record.settled_at, None) if timeline is None else timeline.history[-1]
        self.program, self.since = program, max(record.settled_at, since)
        self.walk = AskedWalk(program, catalog.nonces, terms)
        self.place = (program, stimulus, visit, step, record.newest_unpublished, terms)
        self.way: Way = UNKNOWN


class Entrance(Lane):
    """Where new customers enter a journey by an event; also the candidate whom the checks on an entry are about."""

    __slots__ = ("begun", "beside", "key", "obstacles", "run")

    force = False

    def __init__(self, work: Work, record: JourneyRecord) -> None:
        """Open the newest version to customers."""
        program = record.newest
        super().__init__(work, program, "ENTER", 0, 0)
        self.obstacles, self.key = obstacles_of(program), ""
        self.beside = AskedWalk(program, work.catalog.nonces, None)
        self.begun: tuple[int, str | None, str] | None = None

    @property
    def facts(self) -> Facts:
        """The facts about the customer last met."""
        return self.walk

    def is_closed(self) -> bool:
        """Return whether any check stops the customer last met, under the key."""
        for stands in self.obstacles:  # noqa: SIM110 checked for every entry: any() would make a generator each time
            if stands(self):
                return True
        return False

    def bare(self) -> Facts:
        """Return the facts about the customer last met, without the event."""
        met, beside = self.walk, self.beside
        beside.meet(met.customer, met.attributes, met.at, None)
        return beside

    def run_of(self, at: int, text: str | None) -> Run:
        """Return the run of a customer who enters at an instant with this trigger data, under the key."""
        begun = at, text, self.key
        if begun != self.begun:
            self.begun, self.run = begun, first_run(0, 0, self.program, *begun)
        return self.run


Entry = tuple[AskedWalk, WalkOutcome, int | None, Read]
"""A walk at an entrance, and what `follow` returned for it."""


class Crowds:
    """The crowds of one batch, while it is handled."""

    def __init__(self, work: Work, due: Due, dedup: int) -> None:
        """Start empty. `dedup` is how long ids of events are known, in microseconds."""
        self._work, self._crowds, self._dedup = work, work.crowds, dedup
        self._ways = NotedWalks()
        self._wanted: set[WalkStart] = set()
        """Places where no known walk fits the answers of some run: the next normal walk there is noted."""
        self._lanes: dict[tuple[int, int, int], Lane] = {}
        self._hearing: dict[WalkOutcome, int] = {}
        self._entrances: dict[tuple[str, str], tuple[int, list[Entrance]]] = {}
        self._until = work.horizon[0]
        """A run that wakes by then wakes in this same batch, whose other items may read its outcome."""
        self._keys, self._busy = due.keys, _busy(work, due)
        self._apart = _is_apart(work, due)

    def take(self, position: int, end: int) -> int:
        """Handle the due items from `position` to before `end` while they are ordinary; return how many were handled.

        The remaining items are left untouched.
        """
        if position == end or not self._apart or self._work.suppressed:
            return 0
        rank = self._keys[position][1]
        return self._enter(position, end) if rank == INPUT else self._wake(position, end) if rank == TIMER else 0

    # --- timers ---------------------------------------------------------------------------------------------------

    def _wake(self, position: int, end: int) -> int:
        """Wake runs at the instants at which their rests end."""
        work, keys, lanes, busy, until = self._work, self._keys, self._lanes, self._busy, self._until
        hearing = self._hearing
        runs, people, posts = work.runs, work.people.numbered, work.messages.newest
        before = softened = FIRST - 1
        for n in range(position, end):
            own, rank, serial, lease = keys[n]
            if rank != TIMER or lease:
                return n - position
            run = runs[serial]
            customer, place = run.customer, where_of(run)
            lane = lanes.get(place) or self._lane(place)
            if own < lane.since or run.memory is not None or customer in busy:
                return n - position
            if own != before:
                before, softened = own, work.softened(own)
            person, walk, at = people[customer], lane.walk, own if run.softened else softened
            start = at if at > run.last_at else run.last_at  # noqa: FURB136 as in `Work.advance`
            walk.stand(run, person.id, person.attributes, start, posts.get(serial, NO_POSTS))
            if walk.terms is not None:
                walk.sent = work.messages.sent.get(customer, NOTHING_SENT)
            way, due, read = follow(lane.way if lane.way is not UNKNOWN else self._beginning(lane), walk, {})
            if way.__class__ is not WalkOutcome or (due is not None and due <= until):
                self._want(lane, way)
                return n - position
            if hearing.get(way, SOMEBODY) and self._reaches_others(way, lane.program, person, serial):
                return n - position
            if way.news is None:
                work.people.set_attributes(person, way.change(walk.attributes))
            work.late += at != own
            self._join(walk, way, due, read, serial, customer, run.converted_at)
        return end - position

    def _lane(self, place: tuple[int, int, int]) -> Lane:
        """Return the lane of runs that rest at a place. It is never valid if the journey is not ACTIVE."""
        version, visit, step = place
        catalog = self._work.catalog
        program = catalog.programs[version]
        lane = self._lanes[place] = Lane(self._work, program, "DUE", visit, step)
        if catalog.journeys[program.journey_number].newest_state != ACTIVE:
            lane.since = LAST + 1
        return lane

    def _reaches_others(self, way: WalkOutcome, program: Program, person: CustomerInHand | None, serial: int) -> bool:
        """Return whether what a walk emits may affect or begin any run, this one included (R9, R39).

        An event that no journey names may still affect the customer's active runs, because it changes an attribute.
        """
        heard = self._hearing.get(way)
        if heard is None:
            heard = self._hearing[way] = self._listeners(way, program)
        if heard != WATCHERS:
            return heard == SOMEBODY
        if not way.ended:
            return True
        runs = self._work.runs
        for each in person.serials if person is not None else ():
            if each != serial and runs[each].status == ACTIVE:
                return True
        return False

    def _listeners(self, way: WalkOutcome, program: Program) -> int:
        """Return who listens to what a walk emits."""
        catalog = self._work.catalog
        events = [each for each in way.emitted if not isinstance(each, Order)]
        ordered, listened = len(events) < len(way.emitted), catalog.listened[program.tenant]
        if ordered or any(kind in listened for kind, _ in events):
            return SOMEBODY
        changed = any(changed_attribute(kind, data) for kind, data in events)
        return WATCHERS if changed and program.tenant in catalog.watched else NOBODY_LISTENS

    # --- events ---------------------------------------------------------------------------------------------------

    def _enter(self, position: int, end: int) -> int:
        """Enter new customers where events trigger entries."""
        work, keys, entrances, busy = self._work, self._keys, self._entrances, self._busy
        inputs, people, handled = work.inputs, work.people.named, work.handled
        before = at = FIRST - 1
        for n in range(position, end):
            _, rank, seq, _ = keys[n]
            if rank != INPUT:
                return n - position
            item = inputs[seq]
            _, tenant, name, kind, event, own, told, _ = item
            since, doors = entrances.get((tenant, event)) or self._doors_of(tenant, event)
            person = people.get((tenant, name))
            if kind != "event" or own < since or (person is not None and person.serials):
                return n - position
            if busy and ((tenant, name) in busy or (person is not None and person.number in busy)):
                return n - position
            if own != before:
                before, at = own, work.softened(own)
            entries = self._entries(doors, item, at, person)
            if entries is None:
                return n - position
            outcome = None if told is None else known_already(work, item, self._dedup)
            if outcome is None:
                note_dates(work, item)
                outcome, person = "handled", person or work.people.meet(tenant, name)
                for walk, way, due, read in entries:
                    if way.news is None:
                        work.people.set_attributes(person, way.change(walk.attributes))
                    self._join(walk, way, due, read, work.next_serial, person.number, walk.run.trigger)
                    work.next_serial += 1
                    work.entered += 1
            work.late += at != own
            handled.append((seq, outcome))
        return end - position

    def _entries(
        self, doors: list[Entrance], item: Input, at: int, person: CustomerInHand | None
    ) -> list[Entry] | None:
        """Return the journeys that a customer enters at an instant, or None if one needs the plain way."""
        name, text = item.customer, item.text
        entries: list[Entry] = []
        data, attributes = loads(text) if text else NO_DATA, {} if person is None else person.attributes
        for door in doors:
            walk, program = door.walk, door.program
            walk.meet(name, attributes, at, data)
            if program.where is not None and not program.where(walk):
                continue
            if program.key is not None:
                door.key = program.key_of(data)
            if door.obstacles and door.is_closed():
                return None
            begin = door.way if door.way is not UNKNOWN else self._beginning(door)
            way, due, read = follow(begin, walk, walk.begin(door.run_of(at, text)))
            if way.__class__ is not WalkOutcome or (due is not None and due <= self._until):
                self._want(door, way)
                return None
            if self._hearing.get(way, SOMEBODY) and self._reaches_others(way, program, person, 0):
                return None
            entries.append((walk, way, due, read))
        if len(entries) > 1 and any(way.changes or way.posts for _, way, _, _ in entries):
            return None  # the second may depend on what the first does
        return entries

    def _doors_of(self, tenant: str, event: str) -> tuple[int, list[Entrance]]:
        """Return the entrances of an event, and the instant from which they are valid.

        If anything about the event needs the plain way, they are never valid.
        """
        catalog = self._work.catalog
        records = catalog.triggered.get((tenant, event), ())
        open_to = [each for each in records if each.newest_state in LISTENING]
        listening = [each for each in open_to if each.newest.journey.trigger.event == event]
        apart = event in WITH_EFFECT or any(
            each.newest_state != ACTIVE or each.number in catalog.limited or each.number in catalog.pulling
            for each in listening
        )
        doors = [] if apart else [Entrance(self._work, each) for each in listening]
        since = max([*(each.settled_at for each in records), *(door.since for door in doors)], default=FIRST)
        self._entrances[tenant, event] = (LAST + 1 if apart else since), doors
        return self._entrances[tenant, event]

    def _beginning(self, lane: Lane) -> Way:
        """Return where walks lead that begin in a lane, as far as that is known."""
        lane.way = self._ways.beginning(lane.place)
        return lane.way

    # --- learning -------------------------------------------------------------------------------------------------

    def _want(self, lane: Lane, way: Way) -> None:
        """Have the next walk at this place noted, if no known walk fits."""
        if way is UNKNOWN:
            self._wanted.add(lane.place)

    def advance(  # noqa: PLR0917 as `machine.advance`
        self,
        program: Program,
        run: Run,
        stimulus: Stimulus,
        situation: Situation,
        at: int,
        past: Past = FRESH,
        reason: str = "",
        softened: bool = False,
        asked: dict[str, object] | None = None,
    ) -> Result:
        """Do what `machine.advance` does, and note the walk if it is wanted."""
        place = (program, stimulus, run.visit, run.step, situation.unpublished, situation.terms)
        if place not in self._wanted or past != FRESH or run.memory is not None:
            return advance(program, run, stimulus, situation, at, past, reason, softened, asked)
        self._wanted.remove(place)
        walk = NotedWalk(program, run, situation, at)
        result = go(walk, stimulus, softened=softened, asked=asked)
        self._ways.learn(place, walk, result)
        return result

    # --- the output -----------------------------------------------------------------------------------------------

    def _join(  # noqa: PLR0917 what `follow` returned, and for which run
        self, walk: AskedWalk, way: WalkOutcome, due: int | None, read: Read, serial: int, customer: int, own: Hashable
    ) -> None:
        """Add a run to the crowd with its outcome; `own` is anything else stored with it that must be equal."""
        texts, crowds = way.write(walk) if way.composed else (), self._crowds
        key = (way, walk.at, due, marshal.dumps(read, 2), texts, own, walk.run.key)
        crowd = crowds.get(key)
        if crowd is None:
            run = walk.run._replace(serial=serial, customer=customer)
            crowd = crowds[key] = Crowd(*way.of(run, walk.at, due, read, texts), way.news or {}, {})
        crowd.people[serial] = customer


def _busy(work: Work, due: Due) -> set[Who]:
    """Return the customers for whom more than one item is, or may become, due in this batch.

    They are named by number, and by tenant and id where inputs name them. A step may forget a customer meanwhile, and
    an entry that waits for a slot may be let in.
    """
    named = due.named
    numbered = list(map(customer_of, due.runs.values()))
    if due.answers or due.posts or work.slots.held:
        numbered += _concerned(work, due)
    if len({*named}) == len(named) and len({*numbered}) == len(numbered) and not (named and numbered):
        return set()
    known = (person.number for name in named if (person := work.people.named.get(name)) is not None)
    busy = {who for who, times in Counter[Who]((*named, *numbered, *known)).items() if times > 1}
    people = (work.people.numbered[who] for who in busy if isinstance(who, int))
    return busy | {(person.tenant, person.id) for person in people}


def _concerned(work: Work, due: Due) -> Iterator[int]:
    """Yield the customers of acks, nacks and ends of leases, and of entries that wait for a slot."""
    for item in due.answers:
        key = message_key(item.id, work.catalog.nonces)
        if key is not None and key[0] in work.runs:
            yield work.runs[key[0]].customer
    yield from (work.runs[post.serial].customer for post in due.posts.values())
    yield from (entry.customer for entry in work.slots.held.values())


def _is_apart(work: Work, due: Due) -> bool:
    """Return whether items affect only their own customers: no pull is due, no answer names a message yet to come."""
    told = (message_key(item.id, work.catalog.nonces) for item in due.answers)
    return not work.pulls.lists and all(place is None or place[0] < work.next_serial for place in told)
