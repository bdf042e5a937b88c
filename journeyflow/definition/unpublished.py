"""Unpublished steps: the graph of a version without them, and why a step cannot be unpublished (R17)."""

from collections.abc import Collection, Iterator, Sequence

from journeyflow.definition.graph import zero_time_cycle
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import End, Send, Step
from journeyflow.errors import ERROR, Problem


def flag_problems(journey: Journey, unpublished: Collection[str]) -> Iterator[Problem]:
    """Yield every reason why these steps of a journey cannot be unpublished; ids of no step of it are ignored.

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
    """Return the graph in which the unpublished steps take no time and lead to their `next`."""
    return [
        Send(step.id, channel="-", template="-", next=step.next)
        if step.id in unpublished and not isinstance(step, End)
        else step
        for step in steps
    ]
