"""Hypothesis strategies: random valid journeys, and random lives made of what given journeys listen to."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from attrs import evolve, frozen

from journeyflow.chains import Chain
from journeyflow.changes import Change, field, tag
from journeyflow.entry import Exit, Goal, Limits, Pull, Reentry, Trigger
from journeyflow.errors import MissingExtra
from journeyflow.journey import Journey
from journeyflow.openings import Window
from journeyflow.policies import Cap, Policies, QuietHours
from journeyflow.records import REVENUE, Event
from journeyflow.rules import Comparison, Rule, all_of, any_of, not_, walk
from journeyflow.steps import Condition, End, Send, Split, Step, Update, Wait, arm, branch
from journeyflow.templates import template_reads
from journeyflow.testing.running import (
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
    Retry,
    SetPolicies,
    SetPublished,
)

try:
    from hypothesis import strategies as st
except ImportError as error:
    feature = "making random journeys and lives (journeyflow.testing.journeys, lives)"
    raise MissingExtra(feature, "testing") from error

EVENTS = ("go", "buy", "view")
BUILT_IN = ("field.changed", "tag.added", "tag.removed", "list.subscribed", "journey.completed")
OF_MESSAGES = ("message.opened", "message.clicked", "message.unsubscribed", "message.sent")
CHANNELS = ("EMAIL", "SMS")
DATES = ("2025-01-04", "2026-01-03", "2026-01-05T12:00:00+00:00", "2026-01-02T06:00:00", "2024-02-29", "soon")
DURATIONS = ("1 hour", "6 hours", "1 day", "2 days", "1 week", "1 month")
VISITS = (60, 10, 400)
REACTIONS = ("opened", "clicked", "sent", "delivered", "unsubscribed", "complained", "acknowledged", "revenue")
MAILBOXES = ("ann@a.example", "bob@B.example", "nowhere", None)
KEYS = ("a", 1, "1", 1.0, 2)
MAX_STEPS = 7
ZONES = ("UTC", "Africa/Johannesburg", "America/New_York")
WINDOWS = (
    Window("MON-FRI", "09:00", "17:00"),
    Window(None, "22:00", "06:00"),
    Window("SAT,SUN"),
    Window("MON-SAT", "09:00", "18:00", "Europe/Paris"),
)
CHANGES = (
    tag.add("vip"),
    tag.remove("vip"),
    tag.add("{{ plan }}"),
    tag.append("new"),
    field("lists").add("news"),
    field("n").increment(),
    field("n").increment(-2),
    field("n").set(1),
    field("n").unset(),
    field("plan").set("paid"),
    field("plan").set("{{ trigger.plan }}"),
    field("plan").append("x"),
    field("copy").set("{{ n }}"),
    field("seen.by").set("{{ enrollment.journey }}-{{ n }}"),
    field("consent.EMAIL").set(True),
)
CHAINS = (
    Chain.enroll("a"),
    Chain.enroll("b", "j1"),
    Chain.enroll("j2", "j3"),
    Chain.exit("a", "j1"),
    Chain.exit("b", "j2"),
    Chain.exit_this(),
    Chain.exit_others(),
    Chain.exit_all(),
    Chain.forget(),
)
"""Changes that are about journeys, by ids that tests give; an id that nobody has is nobody's journey."""


def _weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Draw from strategies, some oftener than others; `one_of` would take equal ones for one."""
    return st.sampled_from([each for weight, each in choices for _ in range(weight)]).flatmap(lambda each: each)


# --- rules --------------------------------------------------------------------------------------------------------

_NUMBERS = st.builds(
    Comparison,
    st.sampled_from(("n", "customer.n")),
    st.sampled_from(("eq", "ne", "gt", "gte", "lt", "lte")),
    st.sampled_from((1, 2)),
)
_ABOUT_CUSTOMERS = _NUMBERS | st.sampled_from(
    (
        field("plan").eq("paid"),
        field("plan").ne("paid"),
        field("customer.plan").is_null(),
        field("n").is_not_null(),
        field("lists").contains("news"),
        field("lastEmailOpenAt").within_last("2 days"),
        tag.contains("vip"),
        tag.not_contains("new"),
    )
)
_ABOUT_EVENTS = _ABOUT_CUSTOMERS | st.sampled_from(
    (
        field("event.n").gte(2),
        field("event.n").gte(field("customer.n")),
        field("event.plan").ne("free"),
        field("event.field").eq("n"),
        field("event.field").ne("plan"),
        field("event.tag").eq("vip"),
        field("event.journey").ne("j1"),
    )
)


def _combined(simple: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    return st.one_of(
        simple, simple, st.builds(all_of, simple, simple), st.builds(any_of, simple, simple), st.builds(not_, simple)
    )


_CUSTOMER_RULES, _EVENT_RULES = _combined(_ABOUT_CUSTOMERS), _combined(_ABOUT_EVENTS)


# --- steps --------------------------------------------------------------------------------------------------------


@frozen
class _Place:
    """Where a step is drawn: its number, how many steps there are, the sends and awaited events among them."""

    draw: st.DrawFn
    number: int
    count: int
    sends: Sequence[str]
    awaited: Sequence[str]
    windows: bool

    def pick(self, *options: Any) -> Any:  # noqa: ANN401 whatever is drawn from
        """Draw one of some values."""
        return self.draw(_sampled(options))

    def forward(self) -> str | None:
        """Draw a later step; None, the one that follows, most often."""
        step: str | None = self.pick(None, None, *(f"s{number}" for number in range(self.number + 1, self.count)))
        return step

    def anywhere(self) -> str | None:
        """Draw any step: a loop is legal through a wait that takes time (R41)."""
        step: str | None = self.pick(None, None, None, *(f"s{number}" for number in range(self.count)))
        return step

    def rule(self) -> Rule:
        """Draw a rule about the customer, the run's trigger, its messages or the events it waited for."""
        about: list[Rule] = [field("trigger.n").gte(2), field("enrollment.run").gt(1)]
        about += [field(f"message.{each}.opened").eq(True) for each in self.sends]
        about += [field(f"wait.{each}.n").gte(1) for each in self.awaited]
        found: Rule = self.draw(_CUSTOMER_RULES) if self.pick(True, False) else self.pick(*about)
        return found

    def window(self) -> Window | None:
        found: Window | None = self.pick(None, None, *WINDOWS) if self.windows else None
        return found


@lru_cache(maxsize=1024)
def _sampled(options: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Keep strategies: to make one costs more than to draw from it."""
    return st.sampled_from(options)


def _send(name: str, place: _Place) -> Step:
    return Send(
        name,
        channel=place.pick(*CHANNELS),
        template=f"t{place.number}",
        data=dict(place.pick((), (), (("n", "{{ n }}"), ("said", "{{ plan }} for {{ trigger.n }}")))),
        transactional=place.pick(False, False, True),
        on_failure=place.pick("continue", "continue", "fail"),
        window=place.window(),
        next=place.forward(),
    )


def _wait_for_duration(name: str, place: _Place) -> Step:
    return Wait(name, place.pick(*DURATIONS), window=place.window(), next=place.anywhere())


def _wait_for_event(name: str, place: _Place) -> Step:
    timeout = place.pick(None, *DURATIONS)
    return Wait(
        name,
        event=place.draw(_TYPES),
        where=place.draw(_MAYBE_EVENT_RULES),
        any_message=place.pick(False, False, True),
        timeout=timeout,
        window=place.window(),
        next=place.anywhere(),
        on_event=place.anywhere(),
        on_timeout=timeout and place.anywhere(),
    )


def _wait_for_instant(name: str, place: _Place) -> Step:
    return Wait(name, at=START + timedelta(hours=place.pick(-24, 0, 6, 24, 48, 72, 200)), next=place.forward())


def _wait_for_field(name: str, place: _Place) -> Step:
    every = place.pick(None, "year")
    return Wait(
        name,
        field=place.pick("day", "day", "customer.day", "trigger.day", "lastEmailOpenAt"),
        offset=place.pick(None, "6 hours", "-1 day", "1 month"),
        every=every,
        next=place.anywhere() if every else place.forward(),
        on_missing=place.forward(),
        on_past=place.forward(),
    )


def _wait_for_opening(name: str, place: _Place) -> Step:
    return Wait(name, until=place.pick("09:00", "MON 09:00", "SAT"), next=place.anywhere())


def _condition(name: str, place: _Place) -> Step:
    branches = [branch(place.rule(), place.forward()) for _ in range(place.pick(1, 1, 2, 3))]
    return Condition(name, branches=branches, otherwise=place.forward())


def _split(name: str, place: _Place) -> Step:
    shares = place.pick((50, 50), (100,), (12.34, 87.66), (0, 33.3, 66.7))
    return Split(name, *(arm(share, place.forward()) for share in shares))


def _update(name: str, place: _Place) -> Step:
    choices = (*CHANGES, *CHANGES, *CHAINS)
    return Update(name, *(place.pick(*choices) for _ in range(place.pick(1, 1, 2, 3))), next=place.forward())


def _end(name: str, place: _Place) -> Step:
    return End(name, place.pick("", "good"))


_TYPES = st.sampled_from((*EVENTS, *EVENTS, *EVENTS, *BUILT_IN, *OF_MESSAGES))
_MAYBE_EVENT_RULES = _weighted((3, st.none()), (1, _EVENT_RULES))
_KINDS = st.sampled_from(
    (
        _send,
        _send,
        _wait_for_duration,
        _wait_for_event,
        _wait_for_event,
        _wait_for_instant,
        _wait_for_field,
        _condition,
        _split,
        _update,
        _update,
        _end,
        _wait_for_opening,
    )
)


def _steps(draw: st.DrawFn, *, windows: bool) -> list[Step]:
    kinds = [draw(_KINDS) for _ in range(draw(_SIZES))]
    if not windows:
        kinds = [_wait_for_duration if kind is _wait_for_opening else kind for kind in kinds]
    named = {f"s{number}": kind for number, kind in enumerate(kinds)}
    sends = [each for each, kind in named.items() if kind is _send]
    awaited = [each for each, kind in named.items() if kind is _wait_for_event]
    return [
        kind(each, _Place(draw, number, len(kinds), sends, awaited, windows))
        for number, (each, kind) in enumerate(named.items())
    ]


_SIZES = st.integers(1, MAX_STEPS)


# --- journeys -----------------------------------------------------------------------------------------------------

_PULLS = st.builds(
    lambda every, name, size, cap: Pull(every, list=name, size=size, **cap),
    st.sampled_from(("1 day", "2 days", "1 week", "30 hours")),
    st.sampled_from(("news", "news", None)),
    st.sampled_from((None, None, 1, 2, (0, 2))),
    st.sampled_from(({}, {}, {"times": 1, "within": "3 days"}, {"times": 2, "within": "1 week"})),
)
_TRIGGERS = _weighted(
    (4, st.builds(Trigger, st.sampled_from(EVENTS))),
    (1, st.builds(Trigger, st.sampled_from(EVENTS), where=_EVENT_RULES)),
    (2, st.builds(Trigger, _TYPES, where=_MAYBE_EVENT_RULES)),
    (1, st.just(Trigger(manual=True))),
    (2, st.builds(lambda pull, where: Trigger(pull=pull, where=where), _PULLS, st.none() | _CUSTOMER_RULES)),
)
KEY = "event.n"
_REENTRIES = st.sampled_from(
    (
        Reentry.never(),
        Reentry.always(),
        Reentry.always(),
        Reentry.after("1 day"),
        Reentry.restart(),
        *(each(key=KEY) for each in (Reentry.never, Reentry.always, Reentry.restart)),
        Reentry.after("1 day", key=KEY),
    )
)
_LIMITS = st.sampled_from(
    (
        *(Limits() for _ in range(5)),
        Limits(per_hour=1),
        Limits(per_day=1),
        Limits(per_hour=1, per_day=2),
        Limits(per_hour=2, over="drop"),
    )
)
_EXIT = st.builds(
    lambda kind, where, any_message: Exit("x", event=kind, where=where, any_message=any_message),
    _TYPES,
    _MAYBE_EVENT_RULES,
    st.booleans(),
) | st.builds(lambda when: Exit("x", when=when), _CUSTOMER_RULES)
_EXITS = _weighted((2, st.just(())), (1, st.lists(_EXIT, max_size=2))).map(
    lambda exits: [evolve(each, name=f"x{number}") for number, each in enumerate(exits)]
)
_GOALS = st.none() | st.builds(
    Goal,
    _TYPES,
    where=_MAYBE_EVENT_RULES,
    within=st.sampled_from((None, *DURATIONS)),
    exit=st.booleans(),
    any_message=st.booleans(),
)
_RUN_CRITERIA = _weighted((5, st.none()), (1, _CUSTOMER_RULES))


@st.composite
def journeys(draw: st.DrawFn, *, id: str = "j1", windows: bool = True) -> Journey:  # noqa: A002 the field's own word
    """Draw valid journeys of every kind of step, in a vocabulary so small that they meet each other's events.

    `id` names the journey. Without `windows` nothing asks for a local time: no `until`, no window on waits and sends,
    and the zone is UTC.

    >>> from hypothesis import find
    >>> find(journeys(windows=False), lambda journey: journey.trigger.manual)
    Journey('j1', manual, 2 steps: s0, end)
    """
    goal, trigger, reentry = draw(_GOALS), draw(_TRIGGERS), draw(_REENTRIES)
    if trigger.pull is not None:  # which carries no key
        window = draw(_sampled((None, *WINDOWS))) if windows else None
        trigger, reentry = evolve(trigger, pull=evolve(trigger.pull, window=window)), evolve(reentry, key=None)
    return Journey(
        id,
        steps=_steps(draw, windows=windows),
        trigger=trigger,
        run_criteria=draw(_RUN_CRITERIA),
        reentry=reentry,
        exits=draw(_EXITS),
        goal=goal,
        holdout=draw(_sampled((0, 0, 50, 12.5, 100))) if goal and goal.within else 0,
        limits=draw(_LIMITS),
        consent=draw(_sampled(("optional", "optional", "optional", "optional", "required"))),
        max_visits=draw(_sampled(VISITS)),
        timezone=draw(_sampled(ZONES if windows else ("UTC",))),
        customer_timezone=windows and draw(_sampled((False, True))),
    )


# --- policies -----------------------------------------------------------------------------------------------------

_CAPS = st.builds(
    lambda count, length, channel, over: Cap(count, **length, channel=channel, over=over),
    st.sampled_from((0, 1, 1, 2, 2, 3, None)),
    st.sampled_from(({"per": "day"}, {"per": "week"}, {"per": "month"}, {"within": "6 hours"}, {"within": "2 days"})),
    st.sampled_from((None, None, *CHANNELS)),
    st.sampled_from(("skip", "defer", "defer")),
)
_QUIET = st.sampled_from(
    (
        QuietHours("22:00", "08:00"),
        QuietHours("12:00", "18:00", channel="SMS"),
        QuietHours("00:00", "24:00", weekdays="SAT,SUN"),
        QuietHours("20:00", "06:00", weekdays="MON-FRI", channel="EMAIL"),
    )
)


@st.composite
def policies(draw: st.DrawFn, *, windows: bool = True) -> Policies:
    """Draw policies of a tenant: a few caps, a few quiet hours (R31).

    Without `windows` nothing asks for a zone: no quiet hours, and UTC.

    >>> from hypothesis import find
    >>> find(policies(), lambda each: any(cap.over == "defer" for cap in each.caps))
    Policies(caps=(Cap(0, per='day', over='defer'),))
    """
    caps = draw(st.lists(_CAPS, max_size=3))
    if not windows:
        return Policies(caps=caps, timezone="UTC")
    return Policies(caps=caps, quiet=draw(st.lists(_QUIET, max_size=2)), timezone=draw(_sampled((None, *ZONES))))


# --- lives --------------------------------------------------------------------------------------------------------


@frozen
class _Vocabulary:
    """What some journeys listen to: event types, and the values that their rules tell apart."""

    types: Sequence[str]
    data: Mapping[str, Sequence[object]]
    attributes: Mapping[str, Sequence[object]]
    tags: Sequence[str]
    lists: Sequence[str]
    channels: Sequence[str]


def _vocabulary(journeys: Sequence[Journey]) -> _Vocabulary:
    """Read the vocabulary of journeys from their rules, waits, templates and changes."""
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
            yield step.where
        elif isinstance(step, Condition):
            yield from (each.when for each in step.branches)


def _named(journey: Journey) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield every path that a journey reads or writes, with values that make a difference there."""
    yield from _named_at_the_door(journey)
    for rule in _rules(journey):
        for part, _ in walk(rule):
            if isinstance(part, Comparison):
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
    """Yield the key of parallel runs, and the list from which a journey pulls people in."""
    if journey.reentry.key:
        yield journey.reentry.key, KEYS
    if journey.trigger.pull is not None and journey.trigger.pull.list is not None:
        yield "lists", (journey.trigger.pull.list,)


def _telling(part: Comparison) -> Sequence[object]:
    """List values on both sides of a comparison."""
    if part.op in {"before", "after", "withinLast"}:
        return DATES
    values = part.value if isinstance(part.value, tuple) else (part.value,)
    return [near for value in values for near in _around(value)]


def _around(value: object) -> Sequence[object]:
    """List a value and its neighbours.

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
    """Draws single calls from a vocabulary; the instants are set later."""

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
        """Draw an event the journeys listen to; ids come seldom, and again."""
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
        """Draw what a host knows of a customer: attributes, tags, lists, consent."""
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
        retry = st.builds(Retry, self.journey, self.customer, at=st.just(START))
        return _weighted((3, enroll), (1, leave), (2, retry))

    def of_messages(self) -> st.SearchStrategy[Call]:
        """Draw what happens to a message, now and then to one that nobody knows."""
        known = st.builds(Reaction, st.sampled_from(REACTIONS), st.integers(0, 9), at=st.just(START))
        data = st.sampled_from(({}, {"message": "unknown"}, {"message": "memory-1-1"}))
        kinds = st.sampled_from(("message.opened", "message.clicked"))
        stray = st.builds(Event, kinds, customer=self.customer, at=st.just(START), data=data)
        paid = st.sampled_from([{"amount": 500, "message": name} for name in ("unknown", "memory-1-1")])
        money = st.builds(Event, st.just(REVENUE), customer=self.customer, at=st.just(START), data=paid)
        return _weighted((12, known), (2, stray), (1, money))

    def lifecycles(self) -> st.SearchStrategy[Call]:
        """Draw a change of state; which one is possible is known later."""
        actions = st.sampled_from(("pause", "pause", "pause", "archive"))
        overdue = st.sampled_from(("run", "shift")) if self.later else st.just("run")
        return st.builds(Lifecycle, self.journey, actions, at=st.just(START), overdue=overdue)

    def migrations(self) -> st.SearchStrategy[Call]:
        """Draw a version that everybody inside comes to, wherever they are (R14)."""
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
        """Tell whether somebody asks for the customers' zones."""
        return any(each.customer_timezone for each in self.journeys)

    def policies(self) -> st.SearchStrategy[Call]:
        """Draw policies that the host sets (R31)."""
        bounds = st.nothing() if self.bounds is None else self.bounds
        return st.builds(SetPolicies, bounds, at=st.just(START))

    def calls(self) -> st.SearchStrategy[Call]:
        """Draw any call; events, messages and attributes more often than the rest."""
        messages = 3 if self.words.channels else 0
        policies = 0 if self.bounds is None else 1
        return _weighted(
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
    """Draw objects with some of the named values, dotted names as objects inside; with `gone` also None."""
    values = {name: st.sampled_from([*some, None] if gone else [*some, 0]) for name, some in named.items()}
    return st.fixed_dictionaries({}, optional=values).map(_nested)


def _nested(flat: Mapping[str, object]) -> dict[str, object]:
    """Turn dotted names into objects.

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


def _instants(days: int) -> st.SearchStrategy[datetime]:
    """Draw instants that often coincide: full hours, now and then a microsecond beside."""
    beside = st.sampled_from((0, 0, 0, 0, 0, 0, -1, 1))
    hours = st.integers(1, 4 * days).map(lambda quarter: 6 * quarter) | st.integers(1, 24 * days)
    return st.builds(lambda hour, micro: START + timedelta(hours=hour, microseconds=micro), hours, beside)


_NEXT: dict[tuple[str, str], tuple[Literal["pause", "resume", "archive"], str]] = {
    ("ACTIVE", "pause"): ("pause", "PAUSED"),
    ("PAUSED", "pause"): ("resume", "ACTIVE"),
}


def _possible(calls: Sequence[Call]) -> Iterator[Call]:
    """Make every second pause of a journey a resume, and leave out what comes after its archive."""
    states: dict[str, str] = {}
    for call in calls:
        state = states.get(call.journey, "ACTIVE") if isinstance(call, Lifecycle | Migrate | SetPublished) else ""
        if not isinstance(call, Lifecycle):
            yield from () if state == "ARCHIVED" else (call,)
        elif state != "ARCHIVED":
            action, states[call.journey] = _NEXT.get((state, call.action), ("archive", "ARCHIVED"))
            yield evolve(call, action=action)


@st.composite
def lives(
    draw: st.DrawFn,
    *journeys: Journey,
    customers: int = 2,
    days: int = 10,
    late: bool = False,
    calls: int = 24,
    policies: st.SearchStrategy[Policies] | None = None,
    later: Sequence[Journey] = (),
    forgetting: bool = False,
) -> Life:
    """Draw lives of a few customers among given journeys: what they do, what is told of them, what hosts do.

    Events, attributes and values are those that the journeys' own rules tell apart, so that they match often. Calls
    come in order of their instants, from `START` on over so many days, at most so many calls; with `late` some come
    after later ones. Hosts pause, resume and archive as R11 allows, and set `policies` at the start and now and then
    where a strategy for them is given (R31); with `forgetting` they forget customers (R86). With `later` versions of
    the journeys they also publish those, migrate everybody inside to one version or another, shift what a pause held,
    and unpublish steps. The life ends after everything has run its course, or 60 days after the last call.

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
    size = draw(st.integers(0, calls))
    drawn = draw(st.lists(st.tuples(saying.calls(), _instants(days)), min_size=size, max_size=size))
    timed = [evolve(call, at=at) for call, at in drawn]
    if late:
        delays = [draw(st.sampled_from((0, 0, 0, 0, 6, 48))) for _ in timed]
        order = sorted(range(len(timed)), key=lambda n: (timed[n].at + timedelta(hours=delays[n]), n))
    else:
        order = sorted(range(len(timed)), key=lambda n: (timed[n].at, n))
    first = [] if policies is None else [SetPolicies(draw(policies), at=START)]
    return Life([*first, *_possible([timed[n] for n in order])], START + timedelta(days=days + 60))
