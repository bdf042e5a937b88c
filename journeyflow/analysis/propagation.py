"""Propagation: what will come of a journey without chance, computed over its graph and not by running it.

People who are at the same step at the same instant are one number, so that the cost does not depend on how many they
are. A Split divides that number by its percentages, so figures after a Split are expected values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

from attrs import frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.durations import Duration, add
from journeyflow.basics.expecting import expect
from journeyflow.basics.moments import from_micros, to_micros, zone
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.steps import Condition, End, Send, Split, Step, Update, Wait, kind
from journeyflow.errors import InvalidInput


@frozen
class Propagation(Rows):
    """What comes of people in a journey up to an instant, if they do nothing.

    `visits` is by (day in the journey's zone, step), `messages` by (UTC day, channel), `resting` by step at the end;
    `entered` and `ended` are how many did.
    """

    visits: Mapping[tuple[str, str], Fraction]
    messages: Mapping[tuple[str, str], Fraction]
    resting: Mapping[str, Fraction]
    entered: Fraction
    ended: Fraction

    def to_dicts(self) -> list[dict[str, object]]:
        """Return each figure as a plain row: `figure`, the `day`, the `label` (a step or a channel), and `people`."""
        rows = [("entered", "", "", self.entered), ("ended", "", "", self.ended)]
        rows += [("visits", *place, many) for place, many in self.visits.items()]
        rows += [("messages", *place, many) for place, many in self.messages.items()]
        rows += [("resting", "", step, many) for step, many in self.resting.items()]
        return [
            dict(zip(("figure", "day", "label", "people"), (*row, float(many)), strict=True)) for *row, many in rows
        ]


def propagate(
    journey: Journey,
    *,
    until: datetime,
    entries: Iterable[datetime] = (),
    inside: Iterable[tuple[str, datetime]] = (),
) -> Propagation:
    """Return what comes of people who enter a journey at some instants, and of those who are inside.

    `inside` has the id of the Wait at which each of them rests, and until when. Waits for an event run into their
    timeout. Raises InvalidInput for a journey in which more than time decides: with a Condition, a window, a Wait
    for anything but a length of time or an event, a chain to other journeys, a holdout, entry limits or the zones of
    customers.
    """
    expect(Journey, journey=journey)
    faults = [fault for step in journey.steps if (fault := _fault(step))]
    faults += [name for name in ("holdout", "customer_timezone", "run_criteria") if getattr(journey, name)]
    faults += ["limits"] if journey.limits.per_hour or journey.limits.per_day else []
    if faults:
        msg = f"journey {journey.id!r} cannot be propagated, because more than time decides: {', '.join(faults)}"
        raise InvalidInput([msg])
    flow = _Flow.of(journey, to_micros(until, "until"))
    for at, count in Counter(to_micros(at, "entries") for at in entries).items():
        flow.arrive(at, journey.steps[0].id, Fraction(count))
        flow.counts["entered"] += count if at <= flow.end else 0
    for (step, due), count in Counter((step, to_micros(due, "inside")) for step, due in inside).items():
        flow.arrive(due, _after(journey.step(step)), Fraction(count), from_step=step)
    flow.run()
    return Propagation(
        dict(sorted(flow.visits.items())),
        dict(sorted(flow.messages.items())),
        dict(sorted(flow.resting.items())),
        flow.counts["entered"],
        flow.counts["ended"],
    )


def _fault(step: Step) -> str | None:
    """Return what about a step cannot be propagated."""
    what = None
    if isinstance(step, Condition):
        what = "its rule"
    elif isinstance(step, Wait | Send) and step.window is not None:
        what = "its window"
    elif isinstance(step, Wait) and _length(step) is None:
        what = "what it waits for"
    elif isinstance(step, Update) and any(isinstance(each, Chain) for each in step.changes):
        what = "its chain"
    return None if what is None else f"{kind(step)} {step.id!r} ({what})"


def _length(step: Wait) -> Duration | None:
    """Return how long people rest at a Wait if nothing happens; None if that depends on something else."""
    return step.timeout if step.event is not None else step.duration


def _after(step: Step) -> str:
    """Return where people continue after a Wait in which nothing happened."""
    found = (step.on_timeout if isinstance(step, Wait) and step.event is not None else None) or getattr(step, "next")  # noqa: B009 an End has none
    return str(found)


@frozen(eq=False)
class _Flow:
    """People on their way through the graph: how many arrive where and when."""

    steps: Mapping[str, Step]
    zone: ZoneInfo
    end: int
    due: list[tuple[int, str]]
    people: defaultdict[tuple[int, str], Fraction]
    visits: defaultdict[tuple[str, str], Fraction]
    messages: defaultdict[tuple[str, str], Fraction]
    resting: defaultdict[str, Fraction]
    counts: defaultdict[str, Fraction]

    @classmethod
    def of(cls, journey: Journey, end: int) -> "_Flow":
        """Begin without customers."""
        steps = {step.id: step for step in journey.steps}
        people = defaultdict[tuple[int, str], Fraction](Fraction)
        visits, messages = (defaultdict[tuple[str, str], Fraction](Fraction) for _ in range(2))
        resting, counts = (defaultdict[str, Fraction](Fraction) for _ in range(2))
        return cls(steps, zone(journey.timezone), end, [], people, visits, messages, resting, counts)

    def arrive(self, at: int, step: str, count: Fraction, from_step: str = "") -> None:
        """Note how many arrive at a step, or still rest where they are at the end."""
        if at > self.end:
            if from_step:
                self.resting[from_step] += count
            return
        if (at, step) not in self.people:
            heappush(self.due, (at, step))
        self.people[at, step] += count

    def run(self) -> None:
        """Follow all customers to the end, or to where they rest."""
        while self.due:
            at, name = heappop(self.due)
            count = self.people.pop((at, name))
            self.visits[f"{from_micros(at).astimezone(self.zone):%Y-%m-%d}", name] += count
            self._leave(at, self.steps[name], count)

    def _leave(self, at: int, step: Step, count: Fraction) -> None:
        """Go on after a step."""
        if isinstance(step, End):
            self.counts["ended"] += count
        elif isinstance(step, Split):
            for arm in step.arms:
                self.arrive(at, str(arm.next), count * Fraction(arm.buckets or 0, 10_000))
        elif isinstance(step, Wait):
            length = _length(step)
            assert length is not None  # noqa: S101 `propagate` has checked it
            self.arrive(add(at, length, self.zone), _after(step), count, from_step=step.id)
        else:
            if isinstance(step, Send):
                self.messages[f"{from_micros(at).astimezone(UTC):%Y-%m-%d}", step.channel] += count
            self.arrive(at, str(step.next), count)
