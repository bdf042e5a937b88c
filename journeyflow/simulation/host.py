"""The simulated host: it ticks the engine by virtual time, delivers, and reports what people do.

Time is cut into intervals of `Behavior.soonest`: no customer reacts to a message within the interval in which it was
sent, so that an interval in which something is due is handled by one tick, and everything still happens at its own
instant. The intervals are counted from the start, so that what happens to one participant does not depend on the
others.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from heapq import heapify, heappop, heapreplace
from typing import Final

from attrs import frozen

from journeyflow.basics.collector import undisturbed
from journeyflow.basics.moments import from_micros, to_micros
from journeyflow.basics.values import Attributes, dumps
from journeyflow.basics.words import EMITTED, MESSAGE_EVENTS
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.definition.rules.value_paths import read_path
from journeyflow.engine.engine import Engine
from journeyflow.engine.housekeeping import Progress
from journeyflow.engine.inputs import event_input
from journeyflow.questions.numbers.totals import Totals, totals
from journeyflow.records.changes import Changes
from journeyflow.records.public import Enroll, Event, Message, Put
from journeyflow.records.rows import Input, make_input
from journeyflow.simulation.behavior import Behavior, Done
from journeyflow.simulation.draws import Draws, Key
from journeyflow.simulation.population import Participant, Population
from journeyflow.simulation.reacting import Habit, Reactor
from journeyflow.simulation.recording import CLAIM, Deliver, Submitted, claimed, naming, sent_input, submitted_input
from journeyflow.stores.memory.store import MemoryStore

Entering = Callable[[str, datetime], Iterable[Event]]
"""What a participant does on coming: events, from their id and the instant."""


@frozen
class Replication:
    """Everything that one replication depends on; it can be sent to another process."""

    journeys: tuple[Journey, ...]
    population: Population
    behavior: Behavior
    start: int
    end: int
    seed: int
    policies: Policies | None = None
    entering: Entering | None = None
    part: int = 0
    parts: int = 1
    """Participants are cut into parts of the same size, one after the other; this one is counted from 0."""

    @property
    def span(self) -> dict[str, int]:
        """What the participants depend on besides their population."""
        return {"seed": self.seed, "start": self.start, "end": self.end}


def run_plan(plan: Replication, record: list[Submitted] | None = None, progress: Progress | None = None) -> Totals:
    """Run one replication, or a part of it, and return what was counted.

    The cycle collector rests until the store is gone: otherwise it would look at all of it, and find nothing.
    """
    return undisturbed(_counted, plan, record, progress)


def _counted(plan: Replication, record: list[Submitted] | None, progress: Progress | None) -> Totals:
    with played(plan, record, progress) as (tallies, _):
        return tallies


@contextmanager
def played(
    plan: Replication, record: list[Submitted] | None = None, progress: Progress | None = None
) -> Iterator[tuple[Totals, MemoryStore]]:
    """Run one replication, or a part of it; yield what was counted, and the store as it is at the end."""
    store = MemoryStore()
    with Engine(store, grace=None, max_jump=None, scrub=False) as engine:
        host = SimulatedHost(plan, engine, record)
        undisturbed(host.begin)
        undisturbed(host.live, progress)
        with store.figures() as reader:
            host.tallies.update(totals(reader))
        yield host.tallies, store


class SimulatedHost:
    """The simulated host of one replication."""

    def __init__(self, plan: Replication, engine: Engine, record: list[Submitted] | None = None) -> None:
        self._plan, self._engine, self._record = plan, engine, record
        self._reactor = Reactor(plan.behavior, plan.journeys, plan.seed)
        self._begun = plan.start
        self._attributes: dict[str, dict[str, object]] = {}
        self._habits: list[tuple[int, int, str, Habit]] = []
        self._habits_of: dict[str, list[Habit]] = {}
        self._key_names = _key_names(plan)
        self._keys: dict[str, dict[str, object]] = {}
        self.tallies: Totals = Counter()

    # --- the beginning ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Deploy the journeys, and put all who will come into the inbox."""
        plan, engine = self._plan, self._engine
        start = from_micros(plan.start)
        if plan.policies is not None:
            engine.set_policies(plan.policies, at=start)
        for journey in plan.journeys:
            engine.deploy(journey, at=start)
        self.welcome()

    def go_on(
        self,
        customers: Mapping[str, Attributes],
        messages: Iterable[Message],
        keys: Iterable[tuple[str, str, str]] = (),
    ) -> None:
        """Continue from a store: with its customers, and with the messages to which they may still react.

        `keys` are those of active runs, as (customer, journey, key), older runs first.
        """
        names = {each.id: each.reentry.key_name for each in self._plan.journeys}
        for customer, journey, key in keys:
            if name := names.get(journey):
                self._keys.setdefault(customer, {})[name] = key
        start = self._plan.start
        self._begun = start + 1  # what happened at the very beginning, the store has
        for customer, attributes in customers.items():
            self._attributes[customer] = attributes
            self._expect_habits(customer, start)
        outstanding = list[Input]()
        for message in messages:
            done = self._reactor.outstanding(message, customers.get(message.customer, {}), start)
            outstanding += self._inputs(message, done, start)
        self._report(outstanding)

    def welcome(self) -> None:
        """Put all who will come into the inbox, in one commit."""
        plan, coming = self._plan, list[Input]()
        for participant in plan.population.participants(**plan.span, part=plan.part, parts=plan.parts):
            self.tallies["customers",] += 1
            self._attributes[participant.id] = participant.attributes
            for item in self._done_on_coming(participant):
                coming.append(submitted_input(item))
                if isinstance(item, Event):
                    self._note(item)
                elif self._record is not None:
                    self._record.append(item)
            self._expect_habits(participant.id, participant.at)
        self._report(coming)
        heapify(self._habits)

    def _done_on_coming(self, participant: Participant) -> Iterator[Event | Put | Enroll]:
        """Yield the attributes of a participant, and what brings them into journeys."""
        customer, at = participant.id, from_micros(participant.at)
        yield Put(customer, participant.attributes, at=at)
        yield from self._entering(customer, at) if self._plan.entering is None else self._plan.entering(customer, at)

    def _expect_habits(self, customer: str, at: int) -> None:
        """Note what a customer will do by themselves from an instant on."""
        keys = self._keys.setdefault(customer, {}) if self._key_names else NO_KEYS
        for known in self._plan.behavior.background:
            habit = Habit(known, customer, Draws(self._plan.seed, customer), at, keys)
            self._habits.append((habit.at, len(self._habits), customer, habit))
            self._habits_of.setdefault(customer, []).append(habit)

    def _entering(self, customer: str, at: datetime) -> Iterator[Event | Enroll]:
        """Yield the events that the triggers of the journeys listen to, and enrollments by hand."""
        told = set[str]()
        for journey in self._plan.journeys:
            trigger = journey.trigger
            if trigger.manual:
                yield Enroll(journey.id, customer, at=at)
            elif trigger.event is not None and trigger.event not in told and _is_of_hosts(trigger.event):
                told.add(trigger.event)
                data = dict.fromkeys(self._key_names, f"{customer}-{trigger.event}")
                yield Event(trigger.event, customer=customer, at=at, data=data)

    def _note(self, event: Event) -> None:
        """Note the keys in an event, and the event itself if there is a record."""
        for name in self._key_names:
            if (key := read_path(event.data, name)) is not None:
                self._keys.setdefault(event.customer, {})[name] = key
        if self._record is not None:
            self._record.append(event)

    # --- life ---------------------------------------------------------------------------------------------------------

    def live(self, progress: Progress | None) -> None:
        """Tick, deliver and react, interval by interval, until the end."""
        plan, engine = self._plan, self._engine
        span, length = plan.behavior.soonest, plan.end - plan.start
        due: int = plan.start
        while due <= plan.end:
            now = min(plan.start + (due - plan.start) // span * span + span - 1, plan.end)
            self._do_habits(now)
            result = engine.tick(from_micros(now))
            fed = self._deliver(now) if result.messages or due == plan.start else plan.end + 1
            later = plan.end + 1 if result.next_due is None else to_micros(result.next_due)
            due = min([later, fed, *(habit[0] for habit in self._habits[:1])])
            if progress is not None:
                progress(now - plan.start, length)
        engine.tick(from_micros(plan.end))

    def _do_habits(self, now: int) -> None:
        """Feed the background events up to an instant; the messages of earlier intervals have changed their rates."""
        events = list[Event]()
        while self._habits and self._habits[0][0] <= now:
            at, number, customer, habit = self._habits[0]
            if habit.happens():
                event = Event(habit.event, customer=customer, at=from_micros(at), data=habit.data())
                self._note(event)
                events.append(event)
                self.tallies["background", habit.event, event.at.date().isoformat()] += 1
                self.tallies["acted", habit.event] += not habit.happened
                habit.happened = True
                habit.leave()
            habit.advance()
            if habit.at > self._plan.end:
                heappop(self._habits)
            else:
                heapreplace(self._habits, (habit.at, number, customer, habit))
        self._engine.feed(events)

    def _deliver(self, now: int) -> int:
        """Send what waits, and let people react from the next interval on; return the instant of the first report.

        The workers report what they sent at the beginning of the next interval, which handles that along with all else.
        """
        delivery = Deliver(from_micros(now))
        hour = f"{delivery.at:%Y-%m-%d %H}:00"
        more = True
        while more:
            if self._record is not None:
                self._record.append(delivery)
            messages = claimed(self._engine, delivery)
            self.tallies.update(("handed out", hour, message.channel) for message in messages)
            acks = [sent_input(message, now + 1) for message in messages] if now < self._plan.end else []
            self._report([*acks, *(each for message in messages for each in self._reactions(message, now))])
            more = len(messages) == CLAIM
        return now + 1

    def _report(self, inputs: Sequence[Input]) -> None:
        """Put inputs that need no check into the inbox, in one commit."""
        if inputs:
            with self._engine.store.transaction() as transaction:
                transaction.commit(Changes(inputs=tuple(inputs)))

    def _reactions(self, message: Message, now: int) -> list[Input]:
        """Count a message, and return what its customer does with it before the end."""
        if to_micros(message.at) >= self._begun:  # the others were made before the simulation
            day = message.at.date().isoformat()
            self.tallies["messages", day, message.channel, message.journey, message.step] += 1
        for habit in self._habits_of.get(message.customer, ()):
            habit.lift(message, now)
        done = self._reactor.reactions(message, self._attributes.get(message.customer, {}))
        return self._inputs(message, done, now)

    def _inputs(self, message: Message, done: Iterable[Done], now: int) -> list[Input]:
        """Return what a customer does with a message as inputs, after an instant and before the end.

        What only names the message needs neither an `Event` nor its checks, unless the host notes events.
        """
        sent, end, noted = to_micros(message.at), self._plan.end, self._record is not None or self._key_names
        tenant, customer, text = message.tenant, message.customer, dumps(naming(message))
        inputs = list[Input]()
        for delay, kind, data in done:
            at = sent + delay
            if not now < at <= end:
                continue
            if data is None and not noted:
                inputs.append(make_input((0, tenant, customer, "event", kind, at, None, text)))
            else:
                said = naming(message) if data is None else data
                event = Event(kind, customer=customer, at=from_micros(at), data=said)
                self._note(event)
                inputs.append(event_input(tenant, event))  # type: ignore[arg-type]  # an Event has no faults
        return inputs


NO_KEYS: Final[dict[str, object]] = {}
"""The keys of a customer where no journey and no background event has any."""


def _key_names(plan: Replication) -> tuple[str, ...]:
    """Return the names of keys in the data of events: of journeys with parallel runs, and of background events."""
    journeys = (each.reentry.key_name for each in plan.journeys)
    events = (name for known in plan.behavior.background for name, how in known.data.items() if isinstance(how, Key))
    return tuple(dict.fromkeys(name for name in (*journeys, *events) if name is not None))


def _is_of_hosts(event: str) -> bool:
    """Return whether only a host can cause an event: others are emitted by the engine, or are reactions to messages."""
    return event not in EMITTED | MESSAGE_EVENTS
