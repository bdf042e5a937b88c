"""Links between journeys, and their problems: names of unknown journeys, and circles (R13, R39, R53)."""

from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from journeyflow.basics.words import JOURNEY_COMPLETED
from journeyflow.definition.journey import Journey
from journeyflow.definition.references import conjuncts
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import FieldRule, Rule
from journeyflow.definition.steps import Update, Wait
from journeyflow.errors import WARNING, Problem, suggestions

NAMES = frozenset({"journey", "event.journey"})


@frozen
class Link:
    """A place in journey `holder` that names journey `named`.

    `starts` is (starting journey, started journey) if a run of the first may start one of the second, else None.
    """

    holder: str
    named: str
    place: str
    starts: tuple[str, str] | None = None


def links(journey: Journey) -> Iterator[Link]:
    """Yield the links of a valid journey: its Updates about journeys, and where it listens for the end of one.

    >>> from journeyflow.definition.entry import Trigger
    >>> from journeyflow.definition.steps import End
    >>> second = Journey("second", trigger=Trigger.journey_completed("first"), steps=[Update("u", Chain.exit("third"))])
    >>> [(link.named, link.starts) for link in links(second)]
    [('first', ('first', 'second')), ('third', None)]
    """
    for target in _completed(journey.trigger.event, journey.trigger.where):
        yield Link(journey.id, target, "trigger.where", (target, journey.id))
    heard = [(f"exits[{n}].where", each.event, each.where) for n, each in enumerate(journey.exits)]
    heard += [("goal.where", journey.goal.event, journey.goal.where)] if journey.goal else []
    for position, step in enumerate(journey.steps):
        if isinstance(step, Wait):
            heard.append((f"steps[{position}].where", step.event, step.where))
        for number, change in enumerate(step.changes if isinstance(step, Update) else ()):
            if isinstance(change, Chain):
                place = f"steps[{position}].changes[{number}].journeys"
                for target in change.journeys:
                    yield Link(journey.id, target, place, (journey.id, target) if change.action == "enroll" else None)
    for place, event, where in heard:
        yield from (Link(journey.id, target, place) for target in _completed(event, where))


def _completed(event: str | None, where: Rule | None) -> list[str]:
    """Return the journeys whose end is listened for: those that the criteria name."""
    if event != JOURNEY_COMPLETED:
        return []
    asked = [part for part in conjuncts(where) if isinstance(part, FieldRule) and part.field in NAMES]
    return [
        name
        for part in asked
        if part.op in {"eq", "equals", "in"}
        for name in (part.value if isinstance(part.value, tuple) else (part.value,))
        if isinstance(name, str)
    ]


def link_problems(journeys: Iterable[Journey]) -> list[tuple[str, Problem]]:
    """Return warnings about the links between all valid journeys of a tenant, as (journey, problem).

    There is one for each name of an unknown journey, and one for a circle of journeys that start one another: at one
    instant each is entered once, but through a wait the circle may go on forever.
    """
    every = {journey.id: journey for journey in journeys}
    found = [link for journey in every.values() for link in links(journey)]
    suggest = suggestions()
    wrong = [
        (link.holder, Problem("unknown-journey", WARNING, link.place, _unknown(link.named, suggest(link.named, every))))
        for link in found
        if link.named not in every
    ]
    starts: dict[str, dict[str, None]] = {}
    for link in found:
        if link.starts and link.starts[0] != link.starts[1]:  # validation of a single journey warns of this
            starts.setdefault(link.starts[0], {})[link.starts[1]] = None
    circle = _circle(starts)
    if circle:
        shown = " -> ".join([*circle, circle[0]])
        sentence = f"these journeys start one another: {shown}; at one instant each is entered once (event loop)"
        wrong.append((circle[0], Problem("circle", WARNING, "", sentence)))
    return wrong


def _unknown(name: str, hint: str) -> str:
    return f"there is no journey {name!r} among these{hint}"


def _circle(ways: Mapping[str, Iterable[str]]) -> list[str]:
    """Return journeys that start one another in a circle; empty if there is no circle."""
    done: set[str] = set()
    for start in sorted(ways):
        path, stack = {start: None}, [(start, iter(ways[start]))]
        while stack:
            ahead = next(stack[-1][1], None)
            if ahead is None:
                done.add(stack.pop()[0])
                path.popitem()
            elif ahead in path:
                return [*path][[*path].index(ahead) :]
            elif ahead not in done:
                path[ahead] = None
                stack.append((ahead, iter(ways.get(ahead, ()))))
    return []
