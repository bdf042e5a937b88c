"""What lets a customer into a journey and leads on through it: the plots of random lives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from journeyflow.basics.durations import Duration, add
from journeyflow.basics.moments import iso, to_micros, zone
from journeyflow.basics.words import JOURNEY_COMPLETED, MESSAGE, MESSAGE_EVENTS
from journeyflow.definition.entry import KEY_ROOT
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.conditions import Rule
from journeyflow.definition.steps import Condition, Send, Step, Wait
from journeyflow.records.public import Enroll, Event, Put
from journeyflow.testing.host_calls import START, Call, Reaction
from journeyflow.testing.solving import Demand, Renamed, as_objects, below, solve

TRIES = 1_000
"""How many values are tried to meet a rule: some milliseconds' work, and enough for rules as people write them."""

ASKED_AT = to_micros(START + timedelta(hours=1))
"""The instant at which rules about time are to have their answers: just before the first customers come in."""

AHEAD = to_micros(START + timedelta(days=4))
"""When waits for a date end, where the customer has one."""

BARE: Mapping[str, Mapping[str, object]] = {
    "tag.added": {"tag": "a"},
    "tag.removed": {"tag": "a"},
    "list.subscribed": {"list": "a"},
    "list.unsubscribed": {"list": "a"},
    "field.changed": {"field": "a", "new": 1},
    "revenue": {"amount": 1},
    "journey.completed": {"journey": "a"},
}
"""What the data of events of the engine's own types must say."""

Brought = Mapping[str, object]
"""Values by path: those of attributes, of the trigger, of events that were waited for, of messages."""

Maker = Callable[[str, datetime], Call]
"""Makes a call about a customer at an instant."""


@frozen
class Beat:
    """Something that leads a run on: one of some calls, so long after what came before."""

    options: Sequence[Maker]
    after: timedelta


@frozen
class Plot:
    """How one customer comes into a journey, and goes on.

    The customer needs the values `asked` to be let in; of each of the `wishes`, which have alternatives, branches and
    waits make use. `enter` makes the call that enters the customer, with these values; None where a schedule does.
    """

    asked: Brought
    wishes: Sequence[Sequence[Brought]]
    enter: Callable[[str, datetime, Brought], Call] | None
    beats: Sequence[Beat]


def plot(journey: Journey) -> Plot:
    """Return the plot of a journey, from its rules.

    >>> from journeyflow import End, Trigger, field
    >>> gold = Journey("gold", trigger=Trigger("joined"), run_criteria=field("tier").eq("gold"), steps=[End("done")])
    >>> plot(gold).asked
    {'tier': 'gold'}
    """
    needed = _solved(door(journey), "trigger.") or {}
    required = {**_consent(journey), **_pulled(journey), **_key(journey)}
    asked = {**needed, **{path: value for path, value in required.items() if needed.get(path) is None}}
    asking = [(step.id, step.where) for step in journey.steps if isinstance(step, Wait) and step.where is not None]
    waited = {name: _solved([(where, True)], f"wait.{name}.") for name, where in asking}
    for found in waited.values():
        given = {path: value for path, value in (found or {}).items() if path.startswith("trigger.")}
        asked = {**given, **asked}
    wishes = [wish for wish in map(list, _wishes(journey)) if wish]
    return Plot(asked, wishes, _entering(journey), list(_Beats(journey, waited, wishes).all()))


def door(journey: Journey) -> list[Demand]:
    """Return what a journey demands of those whom it lets in: its own criteria, and that no exit ends the run at once.

    >>> from journeyflow import End, Exit, Trigger, field
    >>> [(str(rule), wanted) for rule, wanted in door(Journey("j", exits=[Exit("x", when=field("a").eq(1))], steps=[]))]
    [('a = 1', False)]
    """
    criteria = [(rule, True) for rule in (journey.trigger.where, journey.run_criteria) if rule is not None]
    return [*criteria, *((each.when, False) for each in journey.exits if each.when is not None)]


def _solved(demands: Sequence[Demand], root: str) -> dict[str, object] | None:
    return solve(demands, {}, ASKED_AT, Renamed(root), tries=TRIES)


# --- what a customer has ----------------------------------------------------------------------------------------------


def _consent(journey: Journey) -> Brought:
    """Return the consent that the journey requires, to every channel."""
    channels = {f"consent.{step.channel}": True for step in journey.steps if isinstance(step, Send)}
    return channels if journey.consent == "required" else {}


def _pulled(journey: Journey) -> Brought:
    """Return the list from which a journey pulls customers in."""
    pull = journey.trigger.pull
    return {} if pull is None or pull.list is None else {"lists": [pull.list]}


def _key(journey: Journey) -> Brought:
    """Return a key, where customers have parallel runs."""
    key = journey.reentry.key
    return {} if key is None else {f"trigger.{key.removeprefix(KEY_ROOT)}": "a"}


def _wishes(journey: Journey) -> Iterator[Iterator[Brought]]:
    """Yield the values that steps make use of, with alternatives: dates to wait for, then what branches ask for."""
    for step in journey.steps:
        if isinstance(step, Wait) and step.field is not None:
            yield iter([{Renamed("trigger.")(step.field): _date(step.offset)}])
        elif isinstance(step, Condition):
            yield _of_branches(door(journey), [each.when for each in step.branches if each.when is not None])


def _date(offset: Duration | None) -> str:
    """Return a date from which a wait with an offset ends some days after the start, in UTC."""
    return iso(AHEAD if offset is None else 2 * AHEAD - add(AHEAD, offset, zone("UTC")))


def _of_branches(entry: Sequence[Demand], rules: Sequence[Rule]) -> Iterator[Brought]:
    """Yield the values of somebody let in that lead into each branch, then those that lead into none."""
    for n in range(len(rules) + 1):
        branch = [*((each, False) for each in rules[:n]), *((each, True) for each in rules[n : n + 1])]
        found = _solved([*entry, *branch], "trigger.")
        if found:
            yield found


def _entering(journey: Journey) -> Callable[[str, datetime, Brought], Call] | None:
    """Return what enters a customer: the event of the trigger where hosts report it, otherwise the host by hand."""
    kind, key = journey.trigger.event, journey.reentry.key
    if journey.trigger.pull is not None:
        return None
    if kind is None or kind in MESSAGE_EVENTS or kind == JOURNEY_COMPLETED:
        by_hand = None if key is None else "a"
        return lambda customer, at, _: Enroll(journey.id, customer, at=at, key=by_hand)
    return lambda customer, at, values: Event(
        kind, customer=customer, at=at, data={**BARE.get(kind, {}), **as_objects(below(values, "trigger."))}
    )


# --- what leads on ----------------------------------------------------------------------------------------------------


@frozen
class _Beats:
    """The beats of a journey's plot: `waited` are the values of the events that its waits are waiting for."""

    journey: Journey
    waited: Mapping[str, Brought | None]
    wishes: Sequence[Sequence[Brought]]

    def all(self) -> Iterator[Beat]:
        """Yield the beats in the order of the steps, then those of the exits and the goal."""
        sent, after = -1, timedelta()
        for step in self.journey.steps:
            if isinstance(step, Send):
                sent += 1
            elif isinstance(step, Wait) and step.duration is not None:
                after += add(0, step.duration, zone("UTC")) * timedelta(microseconds=1)
            options = list(self._of_step(step, max(sent, 0)))
            if options:
                yield Beat(options, after)
                after = timedelta()
        goal = self.journey.goal
        for each in (*self.journey.exits, *(() if goal is None else (goal,))):
            options = list(_happening(each.event, _of_event(each.where), max(sent, 0)))
            if options:
                yield Beat(options, timedelta())

    def _of_step(self, step: Step, sent: int) -> Iterator[Maker]:
        """Yield what may happen at a step: what rules ask about its message, or what it is waiting for."""
        if isinstance(step, Send):
            asked = sorted(path for path in self._asked_of_messages() if path.startswith(f"message.{step.id}."))
            yield from (_reaction(path.rpartition(".")[2].removesuffix("_at"), sent) for path in asked)
        elif isinstance(step, Wait) and step.event is not None:
            root = f"wait.{step.id}."
            own = as_objects(below(self.waited.get(step.id) or {}, root))
            yield from _happening(step.event, own, sent)
            for values in (each for wish in self.wishes for each in wish):
                more = as_objects(below(values, root))
                yield from _happening(step.event, {**more, **own}, sent) if more else ()
        elif isinstance(step, Wait) and step.when is not None:
            yield from _changed(step.when)

    def _asked_of_messages(self) -> set[str]:
        return {path for wish in self.wishes for values in wish for path in values if path.startswith(MESSAGE)}


def _changed(rule: Rule) -> Iterator[Maker]:
    """Yield the attributes that make a rule true."""
    attributes = as_objects(below(_solved([(rule, True)], "") or {}))
    if attributes:
        yield lambda customer, at: Put(customer, attributes, at=at)


def _of_event(where: Rule | None) -> dict[str, object]:
    """Return the data of an event with which a rule about it is true, as far as it can say so."""
    return {} if where is None else as_objects(below(_solved([(where, True)], "event.") or {}, "event."))


def _happening(kind: str | None, data: Mapping[str, object], sent: int) -> Iterator[Maker]:
    """Yield what reports an event; nothing if no host can report it."""
    if kind is None or kind == JOURNEY_COMPLETED:
        return
    if kind in MESSAGE_EVENTS:
        yield _reaction(kind.removeprefix(MESSAGE), sent)
        return
    said = {**BARE.get(kind, {}), **data}
    yield lambda customer, at: Event(kind, customer=customer, at=at, data=said)


def _reaction(kind: str, sent: int) -> Maker:
    return lambda _, at: Reaction(kind, sent, at=at)
