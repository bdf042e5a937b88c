"""Random lives, made of what given journeys listen to: what is reported about customers, and what hosts do."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from attrs import evolve, frozen
from hypothesis import strategies as st

from journeyflow.basics.words import REVENUE
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.definition.rules.changes import Change
from journeyflow.definition.rules.conditions import FieldRule, Rule, walk
from journeyflow.definition.rules.templates import template_reads
from journeyflow.definition.steps import Condition, Send, Update, Wait
from journeyflow.records.public import Event
from journeyflow.testing.definitions import DATES, ZONES, weighted
from journeyflow.testing.running import (
    FOR_GOOD,
    START,
    Call,
    Enroll,
    Forget,
    Leave,
    Life,
    Lifecycle,
    Migrate,
    Put,
    Reaction,
    RetryRun,
    SetPolicies,
    SetPublished,
)

REACTIONS = ("opened", "clicked", "sent", "delivered", "unsubscribed", "complained", "acknowledged", "revenue")
BOUNCES = ("bounced", f"bounced{FOR_GOOD}")
MAILBOXES = ("ann@a.example", "bob@B.example", "nowhere", None)
KEYS = ("a", 1, "1", 1.0, 2)


@frozen
class _Vocabulary:
    """What some journeys listen to: event types, and the values that their rules distinguish."""

    types: Sequence[str]
    data: Mapping[str, Sequence[object]]
    attributes: Mapping[str, Sequence[object]]
    tags: Sequence[str]
    lists: Sequence[str]
    channels: Sequence[str]


def _vocabulary(journeys: Sequence[Journey]) -> _Vocabulary:
    """Return the vocabulary of journeys, from their rules, waits, templates and changes."""
    data: dict[str, list[object]] = {}
    attributes: dict[str, list[object]] = {}
    for path, values in (pair for journey in journeys for pair in _named(journey)):
        root, _, rest = path.partition(".")
        if root == "wait":
            root, (_, _, rest) = "event", rest.partition(".")
        if root in {"event", "trigger"} or root not in {"customer", "message", "enrollment"}:
            data.setdefault(rest if root in {"event", "trigger"} else path, []).extend(values)
        if root not in {"event", "trigger", "message", "enrollment"}:
            attributes.setdefault(rest if root == "customer" else path, []).extend(values)
    types = dict.fromkeys(kind for journey in journeys for kind in _listened(journey) if not _is_built_in(kind))
    members = {name: [each for each in attributes.pop(name, []) if isinstance(each, str)] for name in ("tags", "lists")}
    plain = {
        name: values
        for name, values in attributes.items()
        if name.partition(".")[0] not in {"consent", "tags", "lists"}
    }
    channels = dict.fromkeys(step.channel for journey in journeys for step in journey.steps if isinstance(step, Send))
    return _Vocabulary(
        [*types] or ["event"],
        {name: [*dict.fromkeys(values)] for name, values in data.items() if name.partition(".")[0] not in members},
        {name: [*dict.fromkeys(values)] for name, values in plain.items()},
        [*dict.fromkeys(members["tags"])] or ["tag"],
        [*dict.fromkeys(members["lists"])] or ["list"],
        [*channels],
    )


def _is_built_in(kind: str) -> bool:
    return kind.startswith(("message.", "list.", "tag.", "field.", "journey."))


def _listened(journey: Journey) -> Iterator[str]:
    waits = [step.event for step in journey.steps if isinstance(step, Wait)]
    goals = [journey.goal.event] if journey.goal else []
    yield from (
        kind for kind in (journey.trigger.event, *waits, *(each.event for each in journey.exits), *goals) if kind
    )


def _rules(journey: Journey) -> Iterator[Rule | None]:
    yield from (journey.trigger.where, journey.run_criteria, None if journey.goal is None else journey.goal.where)
    yield from (rule for each in journey.exits for rule in (each.where, each.when))
    for step in journey.steps:
        if isinstance(step, Wait):
            yield from (step.where, step.when)
        elif isinstance(step, Condition):
            yield from (each.when for each in step.branches)


def _named(journey: Journey) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield every path that a journey reads or writes, with values that make a difference there."""
    yield from _named_at_the_door(journey)
    for rule in _rules(journey):
        for part, _ in walk(rule):
            if isinstance(part, FieldRule):
                yield part.field, _telling(part)
                if part.value_of:
                    yield part.value_of, _telling(part)
    for step in journey.steps:
        if isinstance(step, Wait) and step.field:
            yield step.field, DATES
        elif isinstance(step, Update):
            yield from ((each.field, _around(each.value)) for each in step.changes if isinstance(each, Change))
        elif isinstance(step, Send):
            yield from ((path, ("a", 1)) for path in template_reads(step.data))


def _named_at_the_door(journey: Journey) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield the key of parallel runs, and the list from which a journey pulls customers in."""
    if journey.reentry.key:
        yield journey.reentry.key, KEYS
    if journey.trigger.pull is not None and journey.trigger.pull.list is not None:
        yield "lists", (journey.trigger.pull.list,)


def _telling(part: FieldRule) -> Sequence[object]:
    """Return values on both sides of a comparison."""
    if part.op in {"before", "after", "withinLast", "withinNext"}:
        return DATES
    values = part.value if isinstance(part.value, tuple) else (part.value,)
    return [near for value in values for near in _around(value)]


def _around(value: object) -> Sequence[object]:
    """Return a value and its neighbors.

    >>> _around(2), _around("paid"), _around(None)
    ((1, 2, 3, '2'), ('paid', 'other'), (0, 1, 'other'))
    """
    if isinstance(value, str):
        return (value, "other")
    if isinstance(value, bool):
        return (value, not value)
    if isinstance(value, int):
        return (value - 1, value, value + 1, str(value))
    return (value, value + 0.5) if isinstance(value, float) else (0, 1, "other")


@frozen
class _Saying:
    """Draws single calls from a vocabulary; their instants are set later."""

    journeys: Sequence[Journey]
    words: _Vocabulary
    customers: Sequence[str]
    bounds: st.SearchStrategy[Policies] | None
    later: Sequence[Journey] = ()
    forgetting: bool = False

    @property
    def customer(self) -> st.SearchStrategy[str]:
        return st.sampled_from(self.customers)

    @property
    def journey(self) -> st.SearchStrategy[str]:
        return st.sampled_from([each.id for each in self.journeys])

    def events(self) -> st.SearchStrategy[Call]:
        """Draw an event that the journeys listen to; ids are rare, and repeat."""
        ids = st.none() | st.none() | st.none() | st.sampled_from(("e1", "e2"))
        kinds = st.sampled_from(self.words.types)
        return st.builds(
            Event, kinds, customer=self.customer, at=st.just(START), id=ids, data=_objects(self.words.data)
        )

    def told(self) -> st.SearchStrategy[Call]:
        """Draw an event that changes the customer by itself (R50)."""
        words = self.words
        members = [("tag", each, ("added", "removed")) for each in words.tags]
        members += [("list", each, ("subscribed", "unsubscribed")) for each in words.lists]
        of_members = [
            (f"{what}.{done}", {what: member}) for what, member, both in members for done in both
        ]  # fmt: skip
        of_fields = [
            ("field.changed", {"field": name, "new": value})
            for name, values in words.attributes.items()
            for value in (None, *values)
        ]
        return st.builds(
            lambda customer, told: Event(told[0], customer=customer, at=START, data=told[1]),
            self.customer,
            st.sampled_from([*of_members, *of_fields]),
        )

    def puts(self) -> st.SearchStrategy[Call]:
        """Draw what a host knows about a customer: attributes, tags, lists, consent."""
        words = self.words
        members = {
            name: st.lists(st.sampled_from(some), unique=True, max_size=2)
            for name, some in (("tags", words.tags), ("lists", words.lists))
        }
        given = {channel: st.sampled_from((True, False, None)) for channel in words.channels or ["EMAIL"]}
        consent = st.fixed_dictionaries({}, optional=given)
        zones = {"timezone": st.sampled_from((*ZONES, "Nowhere"))} if self.zoned else {}
        email = st.sampled_from(MAILBOXES)
        reserved = st.fixed_dictionaries({}, optional={**members, **zones, "consent": consent, "email": email})
        attributes = st.builds(lambda left, right: {**left, **right}, _objects(words.attributes, gone=True), reserved)
        replaces = st.sampled_from((False, False, False, True))
        return st.builds(Put, self.customer, attributes, at=st.just(START), replace=replaces)

    def by_hand(self) -> st.SearchStrategy[Call]:
        """Draw an enrollment, an exit or a retry by hand."""
        keyed = [each.id for each in self.journeys if each.reentry.key]
        pairs = [(each.id, None) for each in self.journeys] + [(each, key) for each in keyed for key in ("a", "1", "2")]
        enroll = st.builds(
            lambda pair, customer, force: Enroll(pair[0], customer, at=START, force=force, key=pair[1]),
            st.sampled_from(pairs),
            self.customer,
            st.booleans(),
        )
        leave = st.builds(
            lambda pair, customer: Leave(pair[0], customer, at=START, key=pair[1]),
            st.sampled_from(pairs),
            self.customer,
        )
        retry = st.builds(RetryRun, self.journey, self.customer, at=st.just(START))
        return weighted((3, enroll), (1, leave), (2, retry))

    def of_messages(self) -> st.SearchStrategy[Call]:
        """Draw an event about a message, occasionally about an unknown one."""
        known = st.builds(Reaction, st.sampled_from((*REACTIONS, *BOUNCES)), st.integers(0, 9), at=st.just(START))
        data = st.sampled_from(({}, {"message": "unknown"}, {"message": "memory-1-1"}))
        kinds = st.sampled_from(("message.opened", "message.clicked"))
        stray = st.builds(Event, kinds, customer=self.customer, at=st.just(START), data=data)
        paid = st.sampled_from([{"amount": 500, "message": name} for name in ("unknown", "memory-1-1")])
        money = st.builds(Event, st.just(REVENUE), customer=self.customer, at=st.just(START), data=paid)
        return weighted((12, known), (2, stray), (1, money))

    def lifecycles(self) -> st.SearchStrategy[Call]:
        """Draw a change of state; which one is possible is decided later."""
        actions = st.sampled_from(("pause", "pause", "pause", "archive"))
        overdue = st.sampled_from(("run", "shift")) if self.later else st.just("run")
        return st.builds(Lifecycle, self.journey, actions, at=st.just(START), overdue=overdue)

    def migrations(self) -> st.SearchStrategy[Call]:
        """Draw a version to which every active run is moved, from any step (R14)."""
        return st.sampled_from([*self.journeys, *self.later]).flatmap(self._migration)

    def _migration(self, to: Journey) -> st.SearchStrategy[Call]:
        others = [each for each in (*self.journeys, *self.later) if each.id == to.id]
        steps = {step.id for each in others for step in each.steps}
        places = st.sampled_from([*(step.id for step in to.steps), None])
        mapping = st.fixed_dictionaries(dict.fromkeys(sorted(steps - to.index.keys()), places))
        return st.builds(Migrate, st.just(to), mapping, at=st.just(START))

    def flags(self) -> st.SearchStrategy[Call]:
        """Draw the flag of a step without which every version stays valid (R17)."""
        plain = [
            (each.id, step.id)
            for each in self.journeys
            for step in each.steps
            if all(isinstance(same, Send | Update) for same in self._named(each.id, step.id))
        ]
        flag = st.sampled_from(plain or [("", "")])
        return st.builds(
            lambda place, published: SetPublished(place[0], place[1], published, at=START),
            flag,
            st.sampled_from((False, False, True)),
        ).filter(lambda call: bool(call.journey))

    def _named(self, journey: str, step: str) -> list[object]:
        return [each.step(step) for each in (*self.journeys, *self.later) if each.id == journey and step in each.index]

    @property
    def zoned(self) -> bool:
        """Whether any journey uses the customers' time zones."""
        return any(each.customer_timezone for each in self.journeys)

    def policies(self) -> st.SearchStrategy[Call]:
        """Draw policies that the host sets (R31)."""
        bounds = st.nothing() if self.bounds is None else self.bounds
        return st.builds(SetPolicies, bounds, at=st.just(START))

    def calls(self) -> st.SearchStrategy[Call]:
        """Draw any call; events, messages and attributes more often than the rest."""
        messages = 3 if self.words.channels else 0
        policies = 0 if self.bounds is None else 1
        return weighted(
            (5, self.events()),
            (3, self.puts()),
            (1, self.told()),
            (messages, self.of_messages()),
            (1, self.by_hand()),
            (1, self.lifecycles()),
            (policies, self.policies()),
            (2 if self.later else 0, self.migrations()),
            (1 if self.later else 0, self.flags()),
            (1 if self.forgetting else 0, st.builds(Forget, self.customer, at=st.just(START))),
        )


def _objects(named: Mapping[str, Sequence[object]], *, gone: bool = False) -> st.SearchStrategy[dict[str, object]]:
    """Draw objects with some of the named values, dotted names as nested objects; with `gone` also None."""
    values = {name: st.sampled_from([*some, None] if gone else [*some, 0]) for name, some in named.items()}
    return st.fixed_dictionaries({}, optional=values).map(_nested)


def _nested(flat: Mapping[str, object]) -> dict[str, object]:
    """Return a mapping with its dotted names as nested objects.

    >>> _nested({"a": 1, "b.c": 2})
    {'a': 1, 'b': {'c': 2}}
    """
    whole: dict[str, object] = {}
    for path, value in flat.items():
        *outer, name = path.split(".")
        inner = whole
        for each in outer:
            found = inner.get(each)
            inner[each] = inner = found if isinstance(found, dict) else {}
        inner[name] = value
    return whole


_DELAYS = st.sampled_from((0, 0, 0, 0, 6, 48))
"""How many hours after its own instant a call of a late life is made."""


@cache
def _instants(days: int) -> st.SearchStrategy[datetime]:
    """Draw instants that often coincide: full hours, occasionally a microsecond off."""
    beside = st.sampled_from((0, 0, 0, 0, 0, 0, -1, 1))
    hours = st.integers(1, 4 * days).map(lambda quarter: 6 * quarter) | st.integers(1, 24 * days)
    return st.builds(lambda hour, micro: START + timedelta(hours=hour, microseconds=micro), hours, beside)


_NEXT: dict[tuple[str, str], tuple[Literal["pause", "resume", "archive"], str]] = {
    ("ACTIVE", "pause"): ("pause", "PAUSED"),
    ("PAUSED", "pause"): ("resume", "ACTIVE"),
}


def _possible(calls: Sequence[Call]) -> Iterator[Call]:
    """Turn every second pause of a journey into a resume, and drop what comes after its archiving."""
    states: dict[str, str] = {}
    for call in calls:
        state = states.get(call.journey, "ACTIVE") if isinstance(call, Lifecycle | Migrate | SetPublished) else ""
        if not isinstance(call, Lifecycle):
            yield from () if state == "ARCHIVED" else (call,)
        elif state != "ARCHIVED":
            action, states[call.journey] = _NEXT.get((state, call.action), ("archive", "ARCHIVED"))
            yield evolve(call, action=action)


def lives(
    *journeys: Journey,
    customers: int = 2,
    days: int = 10,
    late: bool = False,
    calls: int = 24,
    policies: st.SearchStrategy[Policies] | None = None,
    later: Sequence[Journey] = (),
    forgetting: bool = False,
) -> st.SearchStrategy[Life]:
    """Return a strategy for lives of a few customers among given journeys: their events, and the host's calls.

    Events, attributes and values are those that the journeys' own rules distinguish, so that they match often. There
    are at most `calls` calls, in order of their instants, from `START` on over `days` days; with `late` some are made
    after later ones. Hosts pause, resume and archive as R11 allows. If a strategy for `policies` is given, they set
    policies at the start and occasionally later (R31); with `forgetting` they forget customers (R86). With `later`
    versions of the journeys they also publish these, migrate all active runs to one version or another, shift what a
    pause held, and unpublish steps. A life ends `days` + 60 days after `START`.

    >>> from hypothesis import find
    >>> from journeyflow import End, Journey, Trigger
    >>> hello = Journey(id="hello", trigger=Trigger("joined"), steps=[End("done")])
    >>> life = find(lives(hello), lambda life: any(isinstance(call, Event) for call in life.calls))
    >>> [(call.type, call.customer) for call in life.calls]
    [('joined', 'c1')]
    """
    words = _vocabulary([*journeys, *later])
    names = [f"c{number + 1}" for number in range(customers)]
    saying = _Saying(journeys, words, names, policies, later, forgetting)
    told = st.tuples(saying.calls(), _instants(days))  # made once for all lives: making it is slower than drawing
    return _lives(told, calls, START + timedelta(days=days + 60), late=late, policies=policies)


@st.composite
def _lives(
    draw: st.DrawFn,
    told: st.SearchStrategy[tuple[Call, datetime]],
    calls: int,
    end: datetime,
    *,
    late: bool,
    policies: st.SearchStrategy[Policies] | None,
) -> Life:
    """Draw at most `calls` calls with their instants, and put them in order."""
    size = draw(st.integers(0, calls))
    timed = [evolve(call, at=at) for call, at in draw(st.lists(told, min_size=size, max_size=size))]
    if late:
        delays = [draw(_DELAYS) for _ in timed]
        order = sorted(range(len(timed)), key=lambda n: (timed[n].at + timedelta(hours=delays[n]), n))
    else:
        order = sorted(range(len(timed)), key=lambda n: (timed[n].at, n))
    first = [] if policies is None else [SetPolicies(draw(policies), at=START)]
    return Life([*first, *_possible([timed[n] for n in order])], end)
