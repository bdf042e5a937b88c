"""Lives that take a run along given ways: built call by call, each tried on the engine before the next is chosen."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Any, cast

from attrs import frozen

from journeyflow.analysis.ways import Passage
from journeyflow.basics.chance import KEPT_OUT, bucket
from journeyflow.basics.moments import to_micros
from journeyflow.basics.words import CONDITION, MESSAGE_EVENTS
from journeyflow.definition.entry import KEY_ROOT
from journeyflow.definition.journey import DEFAULT_TENANT, Journey
from journeyflow.definition.options import hundredths
from journeyflow.definition.steps import Condition, Send, Split, Wait
from journeyflow.errors import JourneyflowError
from journeyflow.records.public import Enroll, Enrollment, Event, Put
from journeyflow.testing.host_calls import START, Call, Life, Reaction
from journeyflow.testing.plots import BARE, door
from journeyflow.testing.running import INSTANT, Played, run
from journeyflow.testing.solving import GIVEN, Demand, Renamed, as_objects, below, plain, solve

MAX_NAMES = 3_000
"""How many ids are tried to find a customer who falls into given arms."""

MAX_CALLS = 60
"""How many times a life is prolonged: each time it is played from the start."""

MAX_EFFORT = 6_000
"""How much is played for one proof: visits, and twenty more for each life that is played, which takes some seconds."""

MOMENT = timedelta(minutes=1)
"""How long before and after a host does something, where there is time."""


class Effort:
    """How much may still be played."""

    def __init__(self, left: int = MAX_EFFORT) -> None:
        """Begin with all of it."""
        self.left = left

    def spend(self, played: Played) -> bool:
        """Take off what was played; return whether there is some left."""
        self.left -= 20 + sum(len(each.visits) for each in played.enrollments)
        return not self.spent

    @property
    def spent(self) -> bool:
        """Whether nothing more may be played."""
        return self.left <= 0


def life_along(
    journey: Journey, ways: Sequence[Passage], *, stay: timedelta = MOMENT, effort: Effort | None = None
) -> Life | None:
    """Return a life in which one customer's first run takes these ways, and then stays for a time; None without one.

    The last way may lead anywhere; the life ends so long after it is taken. Exits and other journeys are not provided
    for, so the caller plays the life to see what it shows. The search ends when the `effort` is spent.
    """
    if journey.tenant not in {None, DEFAULT_TENANT}:
        return None
    customer = _customer(journey, ways)
    if customer is None:
        return None
    try:
        return _Building(journey, tuple(ways), customer, effort or Effort()).build(stay)
    except JourneyflowError:  # the host may not say what the rules ask for
        return None


def _customer(journey: Journey, ways: Sequence[Passage]) -> str | None:
    """Return a customer who falls into the arms on the way, and is not in the holdout."""
    wanted = [(way.step, *_range(journey, way)) for way in ways if isinstance(journey.step(way.step), Split)]
    if journey.holdout:
        wanted.append((KEPT_OUT, hundredths(journey.holdout) or 0, 10_000))
    names = (f"c{n}" for n in islice(count(1), MAX_NAMES))
    return next((name for name in names if all(_falls(journey, name, *each) for each in wanted)), None)


def _range(journey: Journey, way: Passage) -> tuple[int, int]:
    """Return the buckets of the arm that a way takes."""
    begin = 0
    for arm in cast("Split", journey.step(way.step)).arms:
        if arm.label == way.outcome:
            break
        begin += arm.buckets or 0
    return begin, begin + (arm.buckets or 0)


def _falls(journey: Journey, customer: str, step: str, begin: int, end: int) -> bool:
    return begin <= bucket(DEFAULT_TENANT, journey.id, step, customer) < end


# --- what the rules ask for -------------------------------------------------------------------------------------------


def literals(journey: Journey, way: Passage) -> Iterator[Demand]:
    """Yield the rules that a way asks for, and what their answers must be."""
    step = journey.step(way.step)
    if isinstance(step, Condition):
        for each in step.branches:
            yield cast("Any", each.when), each.label == way.outcome
            if each.label == way.outcome:
                return
    elif isinstance(step, Wait) and way.outcome == "event" and step.where is not None:
        yield step.where, True
    elif isinstance(step, Wait) and step.when is not None:
        yield step.when, way.outcome == "event"


# --- call by call -----------------------------------------------------------------------------------------------------


@frozen
class _Building:
    """Builds a life: what is to happen, and to whom."""

    journey: Journey
    ways: Sequence[Passage]
    customer: str
    effort: Effort

    def build(self, stay: timedelta) -> Life | None:
        """Return the life, or None where the run takes another way."""
        fixed = self._at_once()
        for calls in self._beginnings(fixed):
            life = self._prolonged(calls, fixed, stay)
            if life is not None:
                return life
        return None

    def _at_once(self) -> dict[str, object]:
        """Return values that answer all rules on the way at once, else those that the entry asks for."""
        journey = self.journey
        entry = door(journey)
        asked = [*entry, *(each for way in self.ways if way.outcome != "event" for each in literals(journey, way))]
        for some in (asked, entry):
            found = solve(some, {}, to_micros(START), Renamed("trigger."))
            if found is not None:
                return found
        return {}

    def _beginnings(self, values: Mapping[str, object]) -> Iterator[list[Call]]:
        """Yield how a run may begin: by the trigger, or by hand."""
        attributes = {**self._consent(), **as_objects(below(values)), **self._dates(START, self.ways)}
        puts: list[Call] = [Put(self.customer, attributes, at=START)] if attributes else []
        trigger = self.journey.trigger
        if trigger.event is not None:
            data = {**BARE.get(trigger.event, {}), **self._key(), **as_objects(below(values, "trigger."))}
            yield [*puts, Event(trigger.event, customer=self.customer, at=START, data=data)]
        if self.journey.reentry.key is None:
            yield [*puts, Enroll(self.journey.id, self.customer, at=START)]
            yield [*puts, Enroll(self.journey.id, self.customer, at=START, force=True)]

    def _consent(self) -> dict[str, object]:
        """Return the consent that the journey requires, to every channel."""
        channels = {step.channel: True for step in self.journey.steps if isinstance(step, Send)}
        return {"consent": channels} if self.journey.consent == "required" else {}

    def _key(self) -> dict[str, object]:
        """Return a key, where customers have parallel runs."""
        key = self.journey.reentry.key
        return {} if key is None else as_objects(below({key: "a"}, KEY_ROOT))

    def _prolonged(self, calls: list[Call], fixed: dict[str, object], stay: timedelta) -> Life | None:
        """Return the life that begins so and takes all ways; None where the run takes another way."""
        now, known = START, dict(fixed)
        for _ in range(MAX_CALLS):
            played = run([self.journey], Life(calls, now))
            taken = self._taken(played)
            if taken is None:
                return None
            if taken == len(self.ways):
                return Life(calls, now + stay)
            if not self.effort.spend(played):
                return None
            here, way = played.enrollments[0], self.ways[taken]
            if here.step != way.step:
                return None
            more, then = self._next(played, here, taken, now, known)
            if then is None or then <= now:
                return None
            calls, now = [*calls, *more], then
        return None

    def _taken(self, played: Played) -> int | None:
        """Return how many of the ways the run has taken; None if it has taken another one, or not begun."""
        if not played.enrollments:
            return None
        left = [visit for visit in played.enrollments[0].visits if visit.left_at is not None]
        taken = left[: len(self.ways)]
        agree = all((v.step, v.outcome) == (way.step, way.outcome) for v, way in zip(taken, self.ways, strict=False))
        return len(taken) if agree else None

    def _next(
        self, played: Played, here: Enrollment, taken: int, now: datetime, known: dict[str, object]
    ) -> tuple[list[Call], datetime | None]:
        """Return the calls that lead on from a rest, and the instant after them."""
        way, due = self.ways[taken], here.due
        soon = MOMENT if due is None else min(MOMENT, (due - now) / 4)
        if soon < INSTANT:
            return [], due
        calls = self._prepared(played, taken, now + soon, known)
        if way.outcome != "event":
            return calls, due
        at = now + 2 * soon
        if here.awaits == CONDITION:
            return calls, at
        return [*calls, self._awaited(played, way, at, known)], at

    def _prepared(self, played: Played, taken: int, at: datetime, known: dict[str, object]) -> list[Call]:
        """Return the calls by which the rules until the next rest have the right answers."""
        ahead = [self.ways[taken]]
        for way in self.ways[taken + 1 :]:
            if isinstance(self.journey.step(way.step), Wait):
                break
            ahead.append(way)
        asked = [each for way in ahead for each in literals(self.journey, way)]
        fixed = {path: value for path, value in known.items() if path.startswith(("trigger.", "wait."))}
        found = solve(asked, fixed, to_micros(at), Renamed(f"wait.{ahead[0].step}."))
        if found is None:
            return []
        changed = {path: value for path, value in found.items() if not path.startswith(GIVEN)}
        attributes = as_objects(below({path: value for path, value in changed.items() if value != known.get(path)}))
        gone = {path: None for path, value in changed.items() if value is None and known.get(path) is not None}
        known |= found
        puts = {**attributes, **gone, **self._dates(at, self.ways[taken + 1 :])}
        calls: list[Call] = [Put(self.customer, puts, at=at)] if puts else []
        return [*calls, *self._reactions(played, found, at)]

    def _dates(self, at: datetime, ways: Sequence[Passage]) -> dict[str, object]:
        """Return the date that the next wait for a field looks at: ahead, gone by, or missing."""
        for way in ways:
            step = self.journey.step(way.step)
            if isinstance(step, Wait):
                if step.field is None or step.field.startswith(GIVEN) or "." in plain(step.field):
                    return {}
                days = {"elapsed": 400, "past": -400}.get(way.outcome)
                return {plain(step.field): None if days is None else (at + timedelta(days=days)).isoformat()}
        return {}

    def _reactions(self, played: Played, found: Mapping[str, object], at: datetime) -> list[Call]:
        """Return what happens to messages, as far as rules ask for it."""
        numbers = {message.step: n for n, message in enumerate(played.sent)}
        asked = [path.split(".") for path, value in found.items() if path.startswith("message.") and value]
        return [Reaction(kind.removesuffix("_at"), numbers[step], at=at) for _, step, kind in asked if step in numbers]

    def _awaited(self, played: Played, way: Passage, at: datetime, known: Mapping[str, object]) -> Call:
        """Return the event that a wait is waiting for."""
        kind = cast("str", cast("Wait", self.journey.step(way.step)).event)
        data = {**BARE.get(kind, {}), **as_objects(below(known, f"wait.{way.step}."))}
        if kind not in MESSAGE_EVENTS or not played.sent:
            return Event(kind, customer=self.customer, at=at, data=data)
        fitting = [
            n
            for n, each in enumerate(played.sent)
            if all(getattr(each, name, value) == value for name, value in data.items())
        ]
        return Reaction(kind.partition(".")[2], fitting[-1] if fitting else len(played.sent) - 1, at=at)
