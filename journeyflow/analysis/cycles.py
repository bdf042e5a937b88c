"""Circles of journeys that start one another: by chains, by changes of tags, lists and fields, or by their end."""

from collections.abc import Iterable, Iterator

from attrs import frozen

from journeyflow.analysis.ways import chart_of, components
from journeyflow.basics.expecting import tuple_of
from journeyflow.basics.words import JOURNEY_COMPLETED
from journeyflow.definition.journey import Journey
from journeyflow.definition.references import caused, data_of_change, may_hold
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.steps import End, Update


@frozen
class JourneyStart:
    """How a journey may start another one: the step that does, and by what."""

    journey: str
    step: str
    by: str
    starts: str

    def __str__(self) -> str:
        """Return the start in words."""
        return f"{self.journey} starts {self.starts} at {self.step!r} ({self.by})"


@frozen
class Cycle:
    """Journeys that may start one another in a circle, start by start.

    At one instant each is entered once (event loop, R53); through a wait that takes time the circle goes on.
    """

    starts: tuple[JourneyStart, ...]

    @property
    def journeys(self) -> tuple[str, ...]:
        """The ids of the journeys, in the order in which they start one another."""
        return tuple(start.journey for start in self.starts)

    def __str__(self) -> str:
        """Return the circle in words."""
        return "; ".join(map(str, self.starts))


def cycles(journeys: Iterable[Journey]) -> tuple[Cycle, ...]:
    """Return the circles of journeys that may start one another, one for each group of them; by the first id.

    Triggers are matched with what a definition says of its events: a circle may be there that rules never let happen,
    but none is missed that journeys alone make. Events of the host are not looked at.

    >>> from journeyflow import Trigger, Wait, tag
    >>> one = Journey("one", trigger=Trigger.tag_added("a"), steps=[Wait("w", "1 day"), Update("u", tag.add("b"))])
    >>> two = Journey("two", trigger=Trigger.tag_added("b"), steps=[Wait("w", "1 day"), Update("u", tag.add("a"))])
    >>> [str(each) for each in cycles([one, two])]
    ["one starts two at 'u' (tag.added); two starts one at 'u' (tag.added)"]
    """
    some = tuple_of(Journey, "journeys", "journeys", journeys)
    every = {journey.id: journey for journey in sorted(some, key=lambda each: each.id) if journey.steps}
    ahead: dict[str, dict[str, JourneyStart]] = {name: {} for name in every}
    for start in (start for journey in every.values() for start in _starts(journey, every)):
        ahead[start.journey].setdefault(start.starts, start)
    found: dict[frozenset[str], Cycle] = {}
    ways = {name: [*some] for name, some in ahead.items()}
    for name in every:
        for group in components(name, ways):
            if group not in found and any(other in group for each in group for other in ways[each]):
                found[group] = _round(min(group), group, ahead)
    return tuple(sorted(found.values(), key=lambda each: each.journeys))


def _round(first: str, group: frozenset[str], ahead: dict[str, dict[str, JourneyStart]]) -> Cycle:
    """Return a shortest circle through a journey of a group."""
    came: dict[str, tuple[JourneyStart, ...]] = {}
    queue: list[tuple[str, tuple[JourneyStart, ...]]] = [(first, ())]
    while first not in came:
        name, path = queue.pop(0)
        for other, start in ahead[name].items():
            if other in group and other not in came:
                came[other] = (*path, start)
                queue.append((other, came[other]))
    return Cycle(came[first])


def _starts(journey: Journey, every: dict[str, Journey]) -> Iterator[JourneyStart]:
    """Yield how runs of a journey may start others, or itself again."""
    reached = chart_of(journey).group
    for step in journey.steps:
        if step.id not in reached:
            continue
        if isinstance(step, End):
            yield from _heard(journey, step.id, JOURNEY_COMPLETED, {"journey": journey.id}, every)
        for change in step.changes if isinstance(step, Update) else ():
            if not isinstance(change, Chain):
                for event in caused(change):
                    yield from _heard(journey, step.id, event, data_of_change(change), every)
            elif change.action == "enroll":
                named = [name for name in change.journeys if name in every]
                yield from (JourneyStart(journey.id, step.id, "enroll", name) for name in named)


def _heard(
    journey: Journey, step: str, event: str, data: dict[str, object], every: dict[str, Journey]
) -> Iterator[JourneyStart]:
    for other in every.values():
        if other.trigger.event == event and may_hold(other.trigger.where, data):
            yield JourneyStart(journey.id, step, event, other.id)
