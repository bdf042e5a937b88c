"""Journeys as static SVG: their steps and branches, who may enter, counts of people, and how two versions differ."""

from collections.abc import Iterator, Mapping

from attrs import Factory, frozen

from journeyflow.basics.expecting import expect, expect_with
from journeyflow.basics.showing import counted
from journeyflow.definition.entry import Exit, Goal, Limits, Reentry
from journeyflow.definition.pictures import Edge, edges, summary, trigger_summary
from journeyflow.definition.shape import Definition
from journeyflow.definition.steps import Step, kind
from journeyflow.drawing.graphs import Arrow, Box, Fact, graph
from journeyflow.errors import shortened


@frozen
class StepCounts:
    """How many people are at a step now, how many visits it had, how many went on and how many left the journey here.

    `outcomes` counts the visits that ended with each outcome: the branches of a step. None is not known, not shown.
    """

    waiting: int | None = None
    visited: int | None = None
    passed: int | None = None
    left: int | None = None
    outcomes: Mapping[str, int] = Factory(dict)


NO_COUNTS = StepCounts()

LONGEST = 100
"""How many characters of a name are read to who cannot see the picture."""


def svg(
    journey: Definition, *, counts: Mapping[str, StepCounts] | None = None, before: Definition | None = None
) -> str:
    r"""Return a journey as an SVG picture: steps by kind, branches with labels, and its entry rules above.

    `counts` by step id adds who is there now, how many visits there were, and how many took each branch. With `before`,
    an earlier version, the picture shows both: steps and branches that were added, removed or changed are marked by a
    sign and a color. The picture holds no script and loads nothing; it adapts to light and dark surroundings. The same
    arguments give the same text. Every text of the journey is escaped; long ones are cut, and whole in their tooltips.

    >>> from journeyflow import Journey
    >>> from journeyflow.definition.steps import End
    >>> svg(Journey(id="j", steps=[End("done")]))[:57]
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 '
    """
    expect_with("steps", "a Journey", journey=journey)
    expect_with("steps", "a Journey", optional=True, before=before)
    expect(Mapping, type(None), counts=counts)
    expect(StepCounts, **{f"counts of {name}": each for name, each in (counts or {}).items()})
    steps = {step.id: step for step in journey.steps}
    earlier = {} if before is None else {step.id: step for step in before.steps}
    # steps that were removed come last, so that those of the journey keep their places
    shown = [*steps.values(), *(step for name, step in earlier.items() if name not in steps)]
    numbers = {step.id: position for position, step in enumerate(shown, 1)}
    start = Box("start", "ENTERS", trigger_summary(journey), tone=_start_tone(journey, before))
    boxes = [start] + [
        _box(step, (counts or {}).get(step.id, NO_COUNTS), _tone(step.id, steps, earlier, before)) for step in shown
    ]
    arrows = [Arrow(0, numbers[drawn.steps[0].id], tone=tone) for drawn, tone in _beginnings(journey, before)]
    arrows += [
        Arrow(numbers[edge.start], numbers[edge.end], _label(edge, (counts or {}).get(edge.start, NO_COUNTS)), tone)
        for edge, tone in _edges(journey, before)
    ]
    words = ", ".join(f"{box.word.lower()} {shortened(box.name, LONGEST)}" for box in boxes)
    return graph(boxes, arrows, _told(journey, before), title=f"Journey {journey.id}", description=words)


# --- steps and branches -----------------------------------------------------------------------------------------------


def _box(step: Step, counts: StepCounts, tone: str) -> Box:
    passed = None if counts.passed == counts.visited else counts.passed  # it would only be the same number again
    said = zip(_SHOWN, (counts.waiting, counts.visited, passed, counts.left), strict=True)
    figures = " · ".join(counted(f"{many:,}", *words) for words, many in said if many)
    name, does = step.name or step.id, summary(step)
    return Box(kind(step), kind(step).upper(), name, "" if does == name else does, figures, tone)


_SHOWN = ("here now", "here now"), ("visit", "visits"), ("passed", "passed"), ("left here", "left here")
"""What the counts of a step are called: one, and more."""


def _label(edge: Edge, counts: StepCounts) -> str:
    many = counts.outcomes.get(edge.outcome) if edge.outcome else None
    return edge.label if many is None else f"{edge.label} · {many:,}"


def _tone(name: str, steps: Mapping[str, Step], earlier: Mapping[str, Step], before: Definition | None) -> str:
    if before is None:
        return ""
    if name not in steps or name not in earlier:
        return "removed" if name in earlier else "added"
    return "changed" if steps[name] != earlier[name] else ""


def _start_tone(journey: Definition, before: Definition | None) -> str:
    return "changed" if before is not None and before.trigger != journey.trigger else ""


def _beginnings(journey: Definition, before: Definition | None) -> Iterator[tuple[Definition, str]]:
    """Yield the versions that have a first step, each with the tone of the arrow to it; once if it is the same step."""
    if journey.steps:
        yield journey, "added" if before is not None and _first(before) != _first(journey) else ""
    if before is not None and before.steps and _first(before) != _first(journey):
        yield before, "removed"


def _first(journey: Definition) -> str | None:
    return journey.steps[0].id if journey.steps else None


def _edges(journey: Definition, before: Definition | None) -> Iterator[tuple[Edge, str]]:
    """Yield the edges of a journey, and those that only an earlier version has, each with its tone."""
    now = list(edges(journey))
    then = list(edges(before)) if before is not None else []
    yield from ((edge, "added" if before is not None and edge not in then else "") for edge in now)
    yield from ((edge, "removed") for edge in then if edge not in now)


# --- the entry rules --------------------------------------------------------------------------------------------------


def _told(journey: Definition, before: Definition | None) -> list[Fact]:
    """Return the facts of a journey, and those that only an earlier version has, each with its tone."""
    now = list(_facts(journey))
    if before is None:
        return [Fact(*fact) for fact in now]
    then = list(_facts(before))
    added = [Fact(*fact, tone="" if fact in then else "added") for fact in now]
    return added + [Fact(*fact, tone="removed") for fact in then if fact not in now]


def _facts(journey: Definition) -> Iterator[tuple[str, str]]:
    """Yield what a journey asks of those who enter, and what ends a run early, in the order of its options."""
    if journey.run_criteria is not None:
        yield "Only if", str(journey.run_criteria)
    if journey.consent == "required":
        yield "Consent", "required to one of its channels"
    yield "Re-entry", _reentry(journey.reentry)
    if journey.limits != Limits():
        yield "Limits", _limits(journey.limits)
    if journey.holdout:
        yield "Holdout", f"{journey.holdout:g}% are kept out to compare with"
    yield from (("Exit", _exit(each)) for each in journey.exits)
    if journey.goal is not None:
        yield "Goal", _goal(journey.goal)
    if journey.timezone != "UTC":
        yield "Time zone", journey.timezone


def _where(rule: object) -> str:
    return "" if rule is None else f" where {rule}"


def _reentry(reentry: Reentry) -> str:
    policy = f"after {reentry.period}" if reentry.period is not None else reentry.policy
    return policy + (f", one run for each {reentry.key}" if reentry.key is not None else "")


def _limits(limits: Limits) -> str:
    bounds = [f"{many:,} {word}" for many, word in ((limits.per_hour, "an hour"), (limits.per_day, "a day")) if many]
    return f"{' and '.join(bounds)}, more {_OVER.get(limits.over, limits.over)}"


_OVER = {"defer": "wait", "drop": "are refused"}


def _exit(exit_: Exit) -> str:
    return f"{exit_.name}: " + (f"{exit_.event}{_where(exit_.where)}" if exit_.event else f"as soon as {exit_.when}")


def _goal(goal: Goal) -> str:
    within = f" within {goal.within}" if goal.within is not None else ""
    return f"{goal.event}{_where(goal.where)}{within}" + (", which ends the run" if goal.exit else "")
