"""Random lives, made of what given journeys listen to: what is reported about customers, and what hosts do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property
from itertools import islice
from typing import Any, Final, Literal

from attrs import evolve, frozen
from hypothesis import strategies as st

from journeyflow.basics.words import REVENUE
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.definition.steps import Send, Update
from journeyflow.records.public import Enroll, Event, Put
from journeyflow.testing.definitions import ZONES
from journeyflow.testing.host_calls import (
    FOR_GOOD,
    START,
    Call,
    Forget,
    Leave,
    Life,
    Lifecycle,
    Migrate,
    Reaction,
    RetryRun,
    SetPolicies,
    SetPublished,
)
from journeyflow.testing.plots import Plot, plot
from journeyflow.testing.solving import as_objects, below
from journeyflow.testing.vocabulary import Vocabulary, vocabulary

REACTIONS = ("opened", "clicked", "sent", "delivered", "unsubscribed", "complained", "acknowledged", "revenue")
BOUNCES = ("bounced", f"bounced{FOR_GOOD}")
MAILBOXES = ("ann@a.example", "bob@B.example", "nowhere", None)
HOUR = timedelta(hours=1)

# --- drawing ----------------------------------------------------------------------------------------------------------


def pick(draw: st.DrawFn, options: Sequence[Any]) -> Any:  # noqa: ANN401 any value
    """Draw one of several values: the cheapest draw that there is, and the first is the simplest."""
    return options[draw(_below(len(options)))]


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@cache
def _instants(days: int) -> Sequence[datetime]:
    """Return every hour, and every sixth hour several times, so that instants often coincide."""
    hours = [hour for hour in range(1, 24 * days + 1) for _ in range(1 if hour % 6 else 7)]
    return [START + hour * HOUR for hour in hours]


_BESIDE = tuple(timedelta(microseconds=micros) for micros in (0, 0, 0, 0, 0, 0, -1, 1))
"""How far from the full hour a call is made."""

_MEMBERS = ("tags", "lists")
_FEW = (1, 0, 1, 2, 2, 3)
"""How many values an event or a change of attributes has."""
_PUTS: Final[tuple[dict[str, bool], ...]] = ({}, {}, {"only_missing": True}, {"replace": True})
"""What a put does with what is known of the customer."""


# --- single calls -----------------------------------------------------------------------------------------------------

Teller = Callable[[st.DrawFn, datetime], Call | None]
"""Draws one call at an instant; None where there is nothing to say."""


@frozen(slots=False, repr=False)
class _Saying:
    """Draws calls of lives among some journeys; the options are those of `lives`."""

    journeys: Sequence[Journey]
    customers: Sequence[str]
    days: int
    late: bool
    calls: int
    bounds: st.SearchStrategy[Policies] | None
    later: Sequence[Journey]
    forgetting: bool

    def __repr__(self) -> str:
        """Return the ids of the journeys: a strategy shows its arguments."""
        return f"<{', '.join(each.id for each in self.journeys)}>"

    @cached_property
    def words(self) -> Vocabulary:
        """What the journeys listen to, with their later versions."""
        return vocabulary([*self.journeys, *self.later])

    @cached_property
    def many(self) -> Sequence[st.SearchStrategy[list[Call | None]]]:
        """Strategies for calls without a story: few, or many in one life of three; made once."""
        said = _said(self)
        few = st.lists(said, max_size=self.calls)
        return (few, few, st.lists(said, min_size=self.calls // 3, max_size=self.calls))

    @cached_property
    def kinds(self) -> Sequence[Teller]:
        """The kinds of calls; events, messages and attributes come more often than the rest."""
        messages = 3 if self.words.channels else 0
        versions = len(self.later) and 1
        weighted: Sequence[tuple[int, Teller]] = (
            (5, self.event),
            (3, self.put),
            (1, self.told),
            (messages, self.of_message),
            (1, self.by_hand),
            (1, self.lifecycle),
            (0 if self.bounds is None else 1, self.policies),
            (2 * versions, self.migration),
            (versions, self.flag),
            (1 if self.forgetting else 0, self.forget),
        )
        return [kind for weight, kind in weighted for _ in range(weight)]

    def values(self, draw: st.DrawFn, named: Sequence[tuple[str, object]]) -> dict[str, object]:
        """Draw a few of some named values, dotted names as nested objects."""
        count = pick(draw, _FEW) if named else 0
        return as_objects(dict(pick(draw, named) for _ in range(count)))

    def event(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw an event that the journeys listen to; ids are rare, and repeat."""
        name = pick(draw, (None, None, None, None, None, None, None, "e1", "e2"))
        kind, customer = pick(draw, self.words.types), pick(draw, self.customers)
        return Event(kind, customer=customer, at=at, id=name, data=self.values(draw, self._data))

    @cached_property
    def _data(self) -> Sequence[tuple[str, object]]:
        return [(name, value) for name, some in self.words.data.items() for value in (*some, 0)]

    def told(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw an event that changes the customer by itself (R50)."""
        kind, data = pick(draw, self._changes)
        return Event(kind, customer=pick(draw, self.customers), at=at, data=data)

    @cached_property
    def _changes(self) -> Sequence[tuple[str, Mapping[str, object]]]:
        words = self.words
        members = [("tag", each, ("added", "removed")) for each in words.tags]
        members += [("list", each, ("subscribed", "unsubscribed")) for each in words.lists]
        return [
            *((f"{what}.{done}", {what: member}) for what, member, both in members for done in both),
            *(
                ("field.changed", {"field": name, "new": value})
                for name, values in words.attributes.items()
                for value in (None, *values)
            ),
        ]

    def put(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw what a host knows about a customer: attributes, tags, lists, consent."""
        how = pick(draw, _PUTS)
        return Put(pick(draw, self.customers), self.values(draw, self._attributes), at=at, **how)

    @cached_property
    def _attributes(self) -> Sequence[tuple[str, object]]:
        words = self.words
        zones = (*ZONES, "Nowhere") if any(each.customer_timezone for each in self.journeys) else ()
        return [
            *((name, value) for name, some in words.attributes.items() for value in (*some, *some, None)),
            *(
                (name, members)
                for name, some in zip(_MEMBERS, (words.tags, words.lists), strict=True)
                for members in ([], *([each] for each in some), list(some[:2]))
            ),
            *((f"consent.{each}", given) for each in words.channels or ["EMAIL"] for given in (True, False, None)),
            *(("timezone", each) for each in zones),
            *(("email", each) for each in MAILBOXES),
        ]

    def by_hand(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw an enrollment, an exit or a retry by hand."""
        kind, (journey, key) = pick(draw, (Enroll, Enroll, Enroll, Leave, RetryRun, RetryRun)), pick(draw, self._runs)
        customer = pick(draw, self.customers)
        if kind is Enroll:
            return Enroll(journey, customer, at=at, force=pick(draw, (False, True)), key=key)
        return Leave(journey, customer, at=at, key=key) if kind is Leave else RetryRun(journey, customer, at=at)

    @cached_property
    def _runs(self) -> Sequence[tuple[str, str | None]]:
        keyed = [each.id for each in self.journeys if each.reentry.key]
        return [
            *((each.id, None) for each in self.journeys),
            *((each, key) for each in keyed for key in ("a", "1", "2")),
        ]

    def of_message(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw an event about a message, occasionally about an unknown one."""
        if pick(draw, (True, True, True, True, False)):
            return Reaction(pick(draw, (*REACTIONS, *BOUNCES)), pick(draw, range(10)), at=at)
        kind, data = pick(draw, _STRAYS)
        return Event(kind, customer=pick(draw, self.customers), at=at, data=data)

    def lifecycle(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw a change of state; which one is possible is decided later."""
        action = pick(draw, ("pause", "pause", "pause", "archive"))
        overdue: Literal["run", "shift"] = pick(draw, ("run", "shift")) if self.later else "run"
        return Lifecycle(pick(draw, self.journeys).id, action, at=at, overdue=overdue)

    def policies(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw policies that the host sets (R31)."""
        return SetPolicies(draw(st.nothing() if self.bounds is None else self.bounds), at=at)

    def migration(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw a version to which every active run is moved, from any step (R14)."""
        to: Journey = pick(draw, (*self.journeys, *self.later))
        steps = {step.id for each in self._versions(to.id) for step in each.steps} - to.index.keys()
        places = [*(step.id for step in to.steps), None]
        return Migrate(to, {step: pick(draw, places) for step in sorted(steps)}, at=at)

    def flag(self, draw: st.DrawFn, at: datetime) -> Call | None:
        """Draw the flag of a step without which every version stays valid (R17)."""
        if not self._plain:
            return None
        journey, step = pick(draw, self._plain)
        return SetPublished(journey, step, pick(draw, (False, False, True)), at=at)

    @cached_property
    def _plain(self) -> Sequence[tuple[str, str]]:
        return [
            (each.id, step.id)
            for each in self.journeys
            for step in each.steps
            if all(
                isinstance(same.step(step.id), Send | Update)
                for same in self._versions(each.id)
                if step.id in same.index
            )
        ]

    def _versions(self, journey: str) -> Iterator[Journey]:
        yield from (each for each in (*self.journeys, *self.later) if each.id == journey)

    def forget(self, draw: st.DrawFn, at: datetime) -> Call:
        """Draw a customer to be forgotten."""
        return Forget(pick(draw, self.customers), at=at)

    # --- whole stories ------------------------------------------------------------------------------------------------

    @cached_property
    def plots(self) -> Sequence[Callable[[], Plot]]:
        """What lets customers into each journey, found when it is first asked for."""
        return [cache(lambda journey=each: plot(journey)) for each in self.journeys]

    def story(self, draw: st.DrawFn) -> Iterator[Call]:
        """Draw how one customer comes into a journey and goes on there."""
        told, customer = pick(draw, self.plots)(), pick(draw, self.customers)
        at = START + pick(draw, _BEGINNINGS) * HOUR
        values = dict(told.asked)
        for wish in told.wishes:
            values |= pick(draw, ({}, *wish, *wish))
        attributes = as_objects(below(values))
        if attributes:
            yield Put(customer, attributes, at=at)
        if told.enter is not None:
            yield told.enter(customer, at, values)
        for beat in told.beats[:MAX_BEATS]:
            at += beat.after
            option = pick(draw, (None, beat.options[0], *beat.options, beat.options[0]))
            if option is not None:
                at += pick(draw, _GAPS) * HOUR
                yield option(customer, at)


MAX_BEATS = 8
"""How many calls lead somebody on who has come in, at most."""

_BEGINNINGS = (1, 1, 6, 6, 12, 24)
"""How many hours after the start a story begins."""

_GAPS = (1, 1, 6, 24, 24, 48, 96)
"""How many hours lie between the calls of a story."""

_STRAYS = (
    *((kind, {}) for kind in ("message.opened", "message.clicked")),
    *(
        (kind, {"message": name})
        for kind in ("message.opened", "message.clicked")
        for name in ("unknown", "memory-1-1")
    ),
    *((REVENUE, {"amount": 500, "message": name}) for name in ("unknown", "memory-1-1")),
)
"""Events about messages that perhaps do not exist."""


# --- lives ------------------------------------------------------------------------------------------------------------

_DELAYS = (0, 0, 0, 6, 6, 48)
"""How many hours after its own instant a call of a late life is made."""

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
    names = [f"c{number + 1}" for number in range(customers)]
    return _lives(_Saying(journeys, names, days, late, calls, policies, later, forgetting))


@st.composite
def _said(draw: st.DrawFn, saying: _Saying) -> Call | None:
    """Draw a call of any kind at some instant."""
    kind: Teller = pick(draw, saying.kinds)
    return kind(draw, pick(draw, _instants(saying.days)) + pick(draw, _BESIDE))


@st.composite
def _lives(draw: st.DrawFn, saying: _Saying) -> Life:
    """Draw calls with their instants, and put them in order; most lives let somebody in early on."""
    last = START + timedelta(days=saying.days)
    stories = (call for _ in range(pick(draw, _STORIES)) for call in saying.story(draw))
    told = [call if call.at <= last else evolve(call, at=last) for call in islice(stories, saying.calls)]
    told += [call for call in draw(pick(draw, saying.many)) if call is not None][: saying.calls - len(told)]
    delays = [pick(draw, _DELAYS) if saying.late else 0 for _ in told]
    order = sorted(range(len(told)), key=lambda n: (told[n].at + delays[n] * HOUR, n))
    first = [] if saying.bounds is None else [SetPolicies(draw(saying.bounds), at=START)]
    return Life([*first, *_possible([told[n] for n in order])], last + AFTERWARDS)


_STORIES = (*(1 for _ in range(24)), 2, 2, 2, 2, 2, 0)
"""How many customers are let into a journey: one in the simplest life, which Hypothesis draws most often."""

AFTERWARDS = timedelta(days=60)
"""How long a life goes on after the last calls."""
