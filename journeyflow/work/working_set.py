"""The working set of one batch: what was loaded, how it has changed, and the changes to commit.

It lives as long as one `scheduler.run`. This is the only place where data is changed in place; everything that goes in
or comes out is a value.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from heapq import heappush
from operator import itemgetter
from typing import cast

from journeyflow.basics.moments import local_day
from journeyflow.basics.words import ACTIVE
from journeyflow.catalog.catalog import NONE, Catalog, JourneyRecord
from journeyflow.definition.policies import Terms
from journeyflow.definition.rules.attribute_changes import Emitted
from journeyflow.definition.rules.chains import Order
from journeyflow.machine.behaviours import advance
from journeyflow.machine.facts import Data, Facts
from journeyflow.machine.notes import FRESH, NOTHING_SENT, Past, Result, Sent, Stimulus, make_situation
from journeyflow.machine.program import Program
from journeyflow.records.changes import Changes, Erased, PullChanges
from journeyflow.records.counting import Note, count
from journeyflow.records.rows import Crowd, Input, Move, Refusal, Run
from journeyflow.records.suppression import suppressions
from journeyflow.stores.batch import CustomerInHand, DueKey, timer_key
from journeyflow.work.batch_messages import Messages
from journeyflow.work.batch_people import People
from journeyflow.work.happenings import Cause, GivenUp, Happening, OrderGiven, Tally, changed_attribute
from journeyflow.work.pull_lists import Pulls
from journeyflow.work.slots import Slots

UNBOUND: tuple[Terms | None, Sent] = (None, NOTHING_SENT)
"""The policies and counted messages of a tenant that has no policies."""

outcome_of: Callable[[tuple[int, str]], str] = itemgetter(1)

KNOWN_ALREADY = frozenset({"duplicate", "conflicting"})
"""The outcomes of what was known already: an event under its id (R26), an ack of what is SENT (R71)."""


class Work:
    """The working set of one batch; see the module docstring."""

    def __init__(self, catalog: Catalog, now: int, grace: int | None, horizon: DueKey) -> None:
        """Start empty. `horizon` is the last place in the total order that this batch may reach (R7)."""
        self.catalog, self.now, self.grace, self.horizon = catalog, now, grace, horizon
        self.own = now
        """The own instant of the current root item (R5)."""
        self.place = now
        """The instant of the current root item's place in the order: for held work that of the resume (R7, R16)."""
        self.inputs: Mapping[int, Input] = {}
        self.runs: dict[int, Run] = {}
        self.slots, self.pulls, self.walk = Slots(), Pulls(), advance
        self.people, self.messages = People(self.pulls, catalog.dated), Messages(catalog, self.runs)
        self.known: dict[tuple[str, str, str], list[tuple[int, str, str | None]]] = {}
        self.suppressed: dict[str, int] = {}
        """What the suppression list has about this batch (R86)."""
        self.next_serial = 1
        self.heap: list[DueKey] = []
        self.queue: deque[Happening | OrderGiven] = deque()
        self.past: dict[int, Past] = {}
        self.caused: dict[int, frozenset[Cause]] = {}
        # the output of the batch
        self.handled: list[tuple[int, str]] = []
        self.moves: list[Move] = []
        self.refusals: list[Refusal] = []
        self.notes: list[Note] = []
        self.given_up: list[GivenUp] = []
        self.touched_runs: dict[int, None] = {}
        self.crowds: dict[Hashable, Crowd] = {}
        """Customers who moved together, keyed by what they have in common; not looked up again in this batch."""
        self.entered = self.late = 0
        self.retold: list[tuple[int, str]] = []
        self.dismissed: list[int] = []
        """Inputs about customers who were forgotten before."""
        self.stop: DueKey | None = None
        """The place in the order before which this batch must end, because what comes there is not loaded."""
        self.put_off = 0
        """1 if the last item was left to another batch, else 0."""

    # --- time -----------------------------------------------------------------------------------------------------

    def softened(self, own: int) -> int:
        """Return the instant at which work takes effect: now, if it is found later than the grace allows (R5)."""
        return own if self.grace is None or self.now - own <= self.grace else self.now

    def effective(self, own: int) -> int:
        """Return the instant at which something takes effect, and count it if it is late (R5)."""
        if self.grace is None:
            return own
        at = self.softened(own)
        self.late += at != own
        return at

    def push(self, run: Run) -> None:
        """Add a run's timer to this batch, unless its place is beyond the horizon."""
        if run.due is not None:
            key = timer_key(run)
            if key <= self.horizon:
                heappush(self.heap, key)

    # --- customers ------------------------------------------------------------------------------------------------

    def forget(self, person: CustomerInHand, before: int) -> None:
        """Reduce a customer to an anonymous number; what comes with an instant earlier than `before` is old (R86)."""
        events = list[tuple[str, str]]()
        known = [(kind, name, seen) for (tenant, kind, name), seen in self.known.items() if tenant == person.tenant]
        for kind, name, seen in known:  # no longer known, but suppressed (R26)
            others = [each for each in seen if each[1] != person.id]
            events += [(kind, name)] if len(others) < len(seen) else []
            seen[:] = others
        forgotten = self.people.forget(person, len(self.handled), before)
        entries = suppressions(self.catalog.suppression_key, forgotten, events)
        self.suppressed.update((entry.hash, entry.before) for entry in entries)

    # --- runs -----------------------------------------------------------------------------------------------------

    def program(self, run: Run) -> Program:
        """Return the version that a run is pinned to (R12)."""
        return self.catalog.programs[run.version]

    def record(self, run: Run) -> JourneyRecord:
        """Return the journey of a run."""
        return self.catalog.journeys[run.journey]

    def set_run(self, run: Run) -> None:
        """Record a run's new state."""
        self.runs[run.serial] = run
        self.touched_runs[run.serial] = None

    def facts(
        self, person: CustomerInHand, program: Program, at: int, event: Data | None = None, run: Run | None = None
    ) -> Facts:
        """Return the values that a rule may read when it is evaluated outside a walk."""
        posts = self.messages.newest.get(run.serial) if run is not None else None
        attributes = person.attributes
        zone = program.zone_of(attributes)
        return Facts(person.id, attributes, at, zone, event, run, program.header, posts, self.catalog.nonces)

    def advance(
        self,
        run: Run,
        stimulus: Stimulus,
        at: int,
        *,
        event: Data | None = None,
        causes: frozenset[Cause] = frozenset(),
        reason: str = "",
        softened: bool = False,
        asked: dict[str, object] | None = None,
    ) -> Result:
        """Walk a run, apply the result to the working set, and queue what the run emits."""
        catalog, serial = self.catalog, run.serial
        program, person = catalog.programs[run.version], self.people.numbered[run.customer]
        posts, past = self.messages.newest.get(serial), self.past.get(serial, FRESH)
        if causes or self.caused:
            causes = self.caused[serial] = causes | self.caused.get(serial, causes)
        if at < run.last_at:  # noqa: PLR1730 a call of `max` costs eight times as much
            at = run.last_at
        terms, sent = self._bounds(program, person, at) if catalog.policies else UNBOUND
        hidden = catalog.unpublished_of(program, at) if catalog.flagged else NONE
        situation = make_situation((person.id, person.attributes, event, posts, catalog.nonces, terms, sent, hidden))
        result = self.walk(program, run, stimulus, situation, at, past, reason, softened, asked)
        after, move, new_posts, attributes, emitted, past = result
        if move is not None:
            self.past[serial] = past
            self.moves.append(move)
        if new_posts:
            self.messages.add(new_posts, program)
        if attributes is not person.attributes:
            self.people.set_attributes(person, attributes)
        if emitted and program.number not in catalog.unheard:
            cause = (program.journey_number, after.key)
            self._emit_of_run(emitted, person, after.last_at, causes | {cause}, program)
        if after is not run:
            self.runs[serial] = after
            self.touched_runs[serial] = None
            if after.due is not None and after.due <= self.horizon[0]:
                self.push(after)
        return result

    def _bounds(self, program: Program, person: CustomerInHand, at: int) -> tuple[Terms | None, Sent]:
        """Return the policies of a program's tenant as of an instant, and the messages their caps count (R11, R31)."""
        timeline = self.catalog.policies.get(program.tenant)
        return None if timeline is None else timeline.at(at), self.messages.sent.get(person.number, NOTHING_SENT)

    def _emit_of_run(
        self,
        emitted: Sequence[Emitted | Order],
        person: CustomerInHand,
        at: int,
        causes: frozenset[Cause],
        program: Program,
    ) -> None:
        """Queue what a run emits: events, and after those of an Update its orders to other runs (R39)."""
        if not program.chained:
            self.emit(cast("Sequence[Emitted]", emitted), person, at, causes)
            return
        for each in emitted:
            if isinstance(each, Order):
                self.queue.append(OrderGiven(*each, at, person, program.journey_number, causes))
            else:
                self.emit([each], person, at, causes)

    def emit(
        self,
        events: Iterable[tuple[str, Data]],
        person: CustomerInHand,
        at: int,
        causes: frozenset[Cause] = frozenset(),
        own: int | None = None,
    ) -> None:
        """Queue the events that some journey listens to. The customer has already changed (R7, R50).

        `own` is the own instant of an input that causes the events; events that a run emits have only the instant of
        its move.
        """
        for kind, data in events:
            changed = changed_attribute(kind, data)
            if self.catalog.hears(person.tenant, kind, changed):
                self.queue.append(
                    Happening(kind, data, at if own is None else own, at, person, causes, changed=changed)
                )

    def hold(self, run: Run, instant: int) -> None:
        """Hold a timer during a pause, until the resume if its instant is known, else until there is one (R16)."""
        due = self.record(run).resumes(instant)
        held = run._replace(due=due, held=run.due if run.held is None else run.held)
        self.set_run(held)
        self.push(held)

    def paused(self, run: Run, *instants: int) -> bool:
        """Return whether a run's journey was paused at any of the given instants."""
        if run.journey not in self.catalog.paused:
            return False
        record = self.record(run)
        return any(record.state(instant) == "PAUSED" for instant in instants)

    def refuse(
        self, record: JourneyRecord, person: CustomerInHand, reason: str, at: int, seen: dict[str, object]
    ) -> str:
        """Record a refused entry (R21)."""
        day = local_day(at, record.newest.zone)
        self.refusals.append(Refusal(record.number, person.number, reason, at, day, seen))
        return reason

    # --- result ---------------------------------------------------------------------------------------------------

    def changes(self) -> Changes:
        """Return the changes to commit, in a stable order (R90)."""
        people, messages, crowds = self.people, self.messages, tuple(self.crowds.values())
        new_posts = messages.of(messages.new)
        return Changes(
            (),
            tuple(self.handled),
            people.rows(),
            tuple(map(self.runs.__getitem__, sorted(self.touched_runs))),
            tuple(self.moves),
            new_posts,
            crowds,
            messages.of(messages.touched),
            tuple(self.refusals),
            count(self.moves, self.runs, self.notes, self.catalog.zones, posts=new_posts, crowds=crowds),
            self.slots.changes(),
            PullChanges(self.pulls.changes(), people.listed(), people.unlisted()),
            erased=Erased(
                people.all_forgotten(self.handled, self.inputs), (), tuple(self.dismissed), tuple(self.retold)
            ),
        )

    def end_before(self, key: DueKey) -> None:
        """End this batch before a place in the order, because what comes there is not loaded (R7)."""
        self.stop = key if self.stop is None else min(self.stop, key)

    def tally(self, items: int, *, cut: bool = False, errors: int = 0) -> Tally:
        """Return the totals of the batch, given its number of items; `cut` is whether due work is left."""
        outcomes = [*map(outcome_of, self.handled)]
        moves, messages = len(self.moves), len(self.messages.new)
        for crowd in self.crowds.values():
            moves += len(crowd.people)
            messages += len(crowd.people) * len(crowd.posts)
        return Tally(
            len(self.handled),
            self.entered,
            moves,
            messages,
            len(self.refusals),
            self.late,
            outcomes.count("unmatched"),
            self.slots.count,
            cut,
            items,
            len(self.people.forgotten),
            errors,
            tuple(self.people.unreadable),
            tuple(self.given_up),
            sum(map(outcomes.count, KNOWN_ALREADY)),
        )


def active_runs(work: Work, person: CustomerInHand) -> list[Run]:
    """Return a customer's active runs, ordered by serial."""
    return [run for serial in person.serials if (run := work.runs[serial]).status == ACTIVE]
