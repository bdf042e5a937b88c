"""Rates and delays from recorded history, with how sure they are: what `Behavior.fit` is made of.

Rates are Beta posteriors. That of the account begins from next to nothing; that of a channel begins as if `PRIOR`
messages had gone like those of the account's other channels, that of a template likewise from its channel's other
templates, and that of a step from its template's other steps. Where few messages were sent, a rate thus stays near the
one above it, and no message counts twice: the only template of a channel has the channel's rate.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from attrs import evolve, field, frozen

from journeyflow.basics.moments import DAY, to_micros
from journeyflow.basics.words import MESSAGE, REVENUE
from journeyflow.definition.rules.value_paths import read_path
from journeyflow.errors import InvalidInput
from journeyflow.questions.history import (
    EventHistory,
    MessageHistory,
    first_seen,
    handed_out,
    host_events,
    key_names,
    last_handled,
)
from journeyflow.questions.numbers import CONFIDENCE
from journeyflow.records.public import Event
from journeyflow.simulation.draws import STANDARD, Beta, Choice, Delay, Draws, Key
from journeyflow.simulation.dropout import FittedDropout, fitted
from journeyflow.simulation.posteriors import interval

if TYPE_CHECKING:
    from datetime import datetime

    from journeyflow.engine.engine import Engine
    from journeyflow.simulation.recording import Submitted

PRIOR: Final = 10.0
"""How many messages the others of the level above count for, at most."""

ENOUGH_DELAYS: Final = 30
"""From how many observed delays on a level has its own; with fewer it has those of the level above."""

KEPT: Final = 200
"""How many values of an observed sample are kept, evenly over all of it."""

# --- history ----------------------------------------------------------------------------------------------------------


@frozen(repr=False)
class History:
    """What is known of a span of time: messages, events of hosts, and when each customer was first heard of.

    `since` and `until` are microseconds UTC; `messages` and `events` lie from `since` to before `until`.
    """

    since: int
    until: int
    messages: tuple[MessageHistory, ...]
    events: tuple[EventHistory, ...]
    first: Mapping[str, int]
    keys: tuple[str, ...] = ()
    """The names under which events carry the keys of parallel runs."""


def history_of(
    source: "Engine | Iterable[Submitted]",
    since: "datetime | None",
    until: "datetime | None",
    tenant: str,
    keys: Iterable[str] = (),
) -> History:
    """Return the history of an engine's tenant, or of events alone.

    By default it begins with the first customer and goes up to the last event. Raises InvalidInput if it is empty.
    """
    begin, keys = None if since is None else to_micros(since, "since"), tuple(keys)
    end = None if until is None else to_micros(until, "until")
    if hasattr(source, "store"):
        with source.store.reader() as reader:
            end = (last_handled(reader) or 0) + 1 if end is None else end
            events = list(host_events(reader, tenant, end))
            first = first_seen(reader, tenant)
            messages = tuple(handed_out(reader, tenant, begin or 0, end))
            keys = (*keys, *key_names(reader, tenant))
    else:
        every = sorted(_plain(source), key=lambda each: (each.at, each.customer))
        end = (every[-1].at if every else 0) + 1 if end is None else end
        events, messages = [each for each in every if each.at < end], ()
        first = {each.customer: each.at for each in reversed(events)}
    first = {name: at for name, at in first.items() if at < end}
    begin = min(first.values(), default=end) if begin is None else begin
    if begin >= end or not first:
        msg = "there is no history from since to before until; widen the span, or tick the engine first"
        raise InvalidInput([msg])
    return History(begin, end, messages, tuple(each for each in events if each.at >= begin), first, keys)


def _about_message(event: Event) -> bool:
    return event.type.startswith(MESSAGE) or event.type == REVENUE or "message" in event.data


def _plain(source: "Iterable[Submitted]") -> Iterator[EventHistory]:
    """Yield the events that are about no message."""
    for each in source:
        if isinstance(each, Event) and not _about_message(each):
            yield EventHistory(each.customer, each.type, to_micros(each.at), each.data)


# --- messages ---------------------------------------------------------------------------------------------------------


@frozen
class Rate:
    """How likely people do something with messages: a Beta posterior, and the counts that it is based on.

    `channel`, `template`, `journey` and `step` say which messages; None stands for all. `count` of `of` messages had
    it; `mean`, `low` and `high` are those of the posterior (95 %), whose parameters are `a` and `b`. `delay` is as
    observed, None if too little was.
    """

    kind: str
    channel: str | None
    template: str | None
    journey: str | None
    step: str | None
    count: int
    of: int
    mean: float
    low: float
    high: float
    a: float
    b: float
    delay: Delay | None = field(repr=False)

    @property
    def place(self) -> tuple[str | None, str | None, str | None, str | None]:
        """Which messages it is about: channel, template, journey, step."""
        return self.channel, self.template, self.journey, self.step


Tried = tuple[str, bool, int | None]
"""A kind, whether it happened, and after how long."""


def _tried(message: MessageHistory, *, delivers: bool) -> Iterator[Tried]:
    """Yield what could happen to a message, and did or did not, in the order in which `Behavior` decides it."""
    first = message.first
    if "bounced" in first:
        yield "bounced", True, first["bounced"] - message.at
        return
    yield "bounced", False, None
    if delivers:
        arrived = bool(first.keys() & {"delivered", "opened", "clicked"})
        yield "delivered", arrived, first["delivered"] - message.at if "delivered" in first else None
        if not arrived:
            return
    base = first.get("delivered", message.at)
    opened = first.get("opened", base)
    yield "opened", "opened" in first or "clicked" in first, first["opened"] - base if "opened" in first else None
    for kind, since in (("clicked", opened), ("converted", opened), ("unsubscribed", opened), ("complained", base)):
        yield kind, kind in first, first[kind] - since if kind in first else None


class _Tally(NamedTuple):
    """What was counted of one kind for some messages."""

    happened: list[bool]
    delays: list[int]


def rates_of(messages: Sequence[MessageHistory]) -> tuple[Rate, ...]:
    """Return the rates of every kind that happened at all: of all messages, by channel, by template and by step."""
    delivering = {each.channel for each in messages if "delivered" in each.first}
    tallies: defaultdict[tuple[str, ...], defaultdict[str, _Tally]] = defaultdict(
        lambda: defaultdict(lambda: _Tally([], []))
    )
    for message in messages:
        place: tuple[str, ...] = (message.channel, message.template, message.journey, message.step)
        for kind, happened, delay in _tried(message, delivers=message.channel in delivering):
            for depth in LEVELS[kind == "delivered" :]:
                tally = tallies[place[:depth]][kind]
                tally.happened.append(happened)
                if delay is not None:
                    tally.delays.append(max(delay, 0))
    found = dict[tuple[tuple[str, ...], str], Rate]()
    for where in sorted(tallies, key=lambda each: (len(each), each)):
        for kind, tally in sorted(tallies[where].items()):
            above = found.get((where[: LEVELS[LEVELS.index(len(where)) - 1]], kind)) if where else None
            if above is not None or any(tally.happened):
                found[where, kind] = _rate(where, kind, tally, above)
    return tuple(found.values())


LEVELS: Final = (0, 1, 2, 4)
"""How much of (channel, template, journey, step) the levels tell apart."""


def _rate(place: tuple[str, ...], kind: str, tally: _Tally, above: Rate | None) -> Rate:
    """Return the posterior of one kind on one level."""
    count, of = sum(tally.happened), len(tally.happened)
    before = (0.5, 0.5) if above is None else _others(above, count, of)
    a, b = before[0] + count, before[1] + of - count
    enough = len(tally.delays) >= ENOUGH_DELAYS or (above is None and tally.delays)
    delay = Delay.among(thinned(sorted(tally.delays))) if enough else None if above is None else above.delay
    low, high = interval(a, b)
    named: list[str | None] = [*place, None, None, None, None]
    channel, template, journey, step = named[:4]
    return Rate(kind, channel, template, journey, step, count, of, a / (a + b), low, high, a, b, delay)


def _others(above: Rate, count: int, of: int) -> tuple[float, float]:
    """Return what the other messages of the level above say, as the parameters of a prior; none counts twice."""
    a, b = above.a - count, above.b - (of - count)
    weight = min(PRIOR, a + b) / (a + b)
    return weight * a, weight * b


def thinned(values: Sequence[int]) -> list[int]:
    """Return at most `KEPT` of sorted values, evenly over all of them, the first and the last included.

    >>> len(thinned(range(1_000))), thinned(range(1_000))[-1]
    (200, 999)
    """
    if len(values) <= KEPT:
        return [*values]
    return [values[place * (len(values) - 1) // (KEPT - 1)] for place in range(KEPT)]


# --- background events ------------------------------------------------------------------------------------------------


@frozen
class Frequency:
    """How often customers cause an event by themselves: `count` times by `customers` in `days` of all of them together.

    `every` is the mean distance in days, from `low` to `high` (95 %), for a customer who stays; `spread` is the
    variance of the customers' rates, as a share of the mean's square: 0 if all are alike. `dropout` is the probability
    that a customer leaves for good after such an event, where the history shows that some do; `leaving` has its
    posterior. `data` is what the events said, and `seen` how often each customer caused it, the last time and until
    when, the latter two in microseconds since they were first watched.
    """

    event: str
    count: int
    customers: int
    days: float
    every: float
    low: float
    high: float
    spread: float
    data: Mapping[str, Choice | Key] = field(repr=False)
    seen: Mapping[str, tuple[int, int, int]] = field(repr=False)
    dropout: Beta = field(factory=partial(Beta, 0.0))
    leaving: FittedDropout | None = field(default=None, repr=False)

    def drawn(self, draws: Draws) -> "Frequency":
        """Return a frequency that is as likely as this one, drawn from the posterior."""
        if self.leaving is None:
            return evolve(self, every=self.distance(draws.unit("distance", self.event)))
        found = self.leaving.drawn([STANDARD.inv_cdf(draws.unit("leaving", self.event, str(n))) for n in range(4)])
        return evolve(self, every=found.every, spread=found.spread, dropout=found.dropout)

    def distance(self, unit: float) -> float:
        """Return the mean distance in days below which it lies with a probability: log-normal within the interval."""
        deviation = log(self.every / self.low) / STANDARD.inv_cdf((1 + CONFIDENCE) / 2)
        return self.every * exp(deviation * STANDARD.inv_cdf(unit))


def frequencies_of(history: History, events: Collection[str] | None) -> tuple[Frequency, ...]:
    """Return how often customers cause events after they came; all events that they cause at all by default.

    What a customer does at the very instant at which they are first heard of is how they come, and does not count.
    """
    first = {name: max(history.since, at) for name, at in history.first.items()}
    found: defaultdict[str, list[EventHistory]] = defaultdict(list)
    for each in history.events:
        if each.at > history.first.get(each.customer, each.at):
            found[each.type].append(each)
    kinds = [kind for kind in sorted(found) if events is None or kind in events]
    return tuple(_frequency(kind, found[kind], first, history) for kind in kinds)


def _frequency(kind: str, events: Sequence[EventHistory], first: Mapping[str, int], history: History) -> Frequency:
    """Return how often customers cause one event, and whether they leave after some of them.

    Without dropout this is by the moments of a Poisson process with Gamma rates.
    """
    counts, last = dict.fromkeys(first, 0), dict[str, int]()
    for each in events:
        counts[each.customer] += 1
        last[each.customer] = each.at - first[each.customer]
    seen = {name: (counts[name], last.get(name, 0), history.until - begin) for name, begin in first.items()}
    whole = sum(length for _, _, length in seen.values())
    rate = len(events) / whole
    expected = [(count, rate * length) for count, _, length in seen.values()]
    squares = sum(mean * mean for _, mean in expected)
    spread = max(0.0, sum((count - mean) ** 2 - count for count, mean in expected) / squares)
    half = STANDARD.inv_cdf((1 + CONFIDENCE) / 2) * sqrt(len(events) + spread * squares) / len(events)
    every = whole / len(events) / DAY
    data: dict[str, Choice | Key] = {
        name: Choice([each.data[name] for each in events[-KEPT:] if name in each.data])
        for name in sorted({name for each in events[-KEPT:] for name in each.data})
    }
    data |= _keys_of(kind, history)
    low, high = every / (1 + half), every / (1 - half) if half < 1 else float("inf")
    people = sum(map(bool, counts.values()))
    found = Frequency(kind, len(events), people, whole / DAY, every, low, high, round(spread, 6), data, seen)
    leaving = fitted(((count, at / DAY, length / DAY) for count, at, length in seen.values()), every)
    return found if leaving is None else _with_dropout(found, leaving)


def _keys_of(kind: str, history: History) -> dict[str, Key]:
    """Return how often one event brings a new key of its customer, for each key that it carries at all."""
    fresh: defaultdict[str, list[bool]] = defaultdict(list)
    known = set[tuple[str, str, str]]()
    for each in history.events:
        for name in history.keys:
            if (key := read_path(each.data, name)) is not None:
                place = (each.customer, name, str(key))
                if each.type == kind and each.at > history.first.get(each.customer, each.at):
                    fresh[name].append(place not in known)
                known.add(place)
    return {name: Key(sum(found) / len(found)) for name, found in fresh.items()}


def _with_dropout(known: Frequency, leaving: FittedDropout) -> Frequency:
    """Return a frequency of customers some of whom leave."""
    best, (low, high) = leaving.best, leaving.every
    return evolve(
        known,
        every=best.every,
        low=low,
        high=high,
        spread=best.spread,
        dropout=best.dropout,
        leaving=leaving,
    )
