"""Unpublished steps: what a version is without them, and what stands against passing them by (R17)."""

from collections.abc import Collection, Iterator, Sequence

from journeyflow.definition.graph import zero_time_cycle
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import End, Send, Step
from journeyflow.errors import ERROR, Problem


def flag_problems(journey: Journey, unpublished: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong with passing steps of a journey by; ids that are no step of it do not matter.

    >>> from journeyflow.definition.steps import Wait
    >>> journey = Journey(id="j", steps=[Wait("rest", "1 day"), End("done")])
    >>> [str(each) for each in flag_problems(journey, {"done"})]
    ["steps[1]: step 'done' is an End and cannot be unpublished [unpublished]"]
    """
    found = []
    for position, step in enumerate(journey.steps):
        if step.id in unpublished and (fault := _fault(step)):
            found.append(Problem("unpublished", ERROR, f"steps[{position}]", f"step {step.id!r} {fault}"))
    yield from found
    cycle = [] if found else zero_time_cycle(passed_by(journey.steps, unpublished))
    if cycle:
        hidden = ", ".join(repr(step.id) for step in journey.steps if step.id in unpublished)
        sentence = f"without {hidden} these steps can be walked in zero time for ever: {' -> '.join(cycle)}"
        yield Problem("zero-time-cycle", ERROR, f"steps[{journey.index[cycle[0]]}]", sentence)


def _fault(step: Step) -> str | None:
    if isinstance(step, End):
        return "is an End and cannot be unpublished"
    return None if step.next is not None else "cannot be unpublished: its branches never rejoin, so nothing follows it"


def passed_by(steps: Sequence[Step], unpublished: Collection[str]) -> list[Step]:
    """Give the graph that people walk who pass some steps by: each takes no time and leads to its `next`."""
    return [
        Send(step.id, channel="-", template="-", next=step.next)
        if step.id in unpublished and not isinstance(step, End)
        else step
        for step in steps
    ]
