"""Journeys with counts as charts: the funnel of their steps, and the flow between them."""

from collections.abc import Iterator, Mapping, Sequence

from journeyflow.definition.drawings import NO_COUNTS, StepCounts
from journeyflow.definition.pictures import Edge, edges
from journeyflow.definition.shape import Definition
from journeyflow.definition.steps import kind
from journeyflow.drawing.charts import BarRow, Diagram, bars
from journeyflow.drawing.flows import Flow, FlowBox, flow

LEFT = "left here"
"""What is said of those whose run ended at a step before its end."""

FUNNEL = ("step", "visits", "of those before it", "of the first", LEFT)

CountsByStep = Mapping[str, StepCounts]
"""What was counted of each step, by its id."""


def funnel(counts: CountsByStep, journey: Definition | None = None, texts: Mapping[str, str] | None = None) -> Diagram:
    """Return how many visits each step had, and how many left the journey there, in the order of `counts`.

    With the journey, each step has its share of the visits of the steps that lead to it, and of those of the first.
    `texts` by step id are shown instead of the visits, such as medians with their bands.
    """
    return bars("Visits by step", FUNNEL, funnel_rows(counts, journey, texts), LEFT)


def funnel_rows(
    counts: CountsByStep, journey: Definition | None = None, texts: Mapping[str, str] | None = None
) -> list[BarRow]:
    """Return the rows of the chart of a funnel."""
    names = {} if journey is None else {step.id: step.name or step.id for step in journey.steps}
    sources = _sources(journey)
    first = 0 if journey is None or not journey.steps else _visits(counts, journey.steps[0].id)
    rows = []
    for step in counts:
        visits, left = _visits(counts, step), counts[step].left or 0
        before = sum(_visits(counts, name) for name in sources.get(step, ()))
        text, rates = (texts or {}).get(step, f"{visits:,}"), (_share(visits, before), _share(visits, first))
        rows.append(BarRow(names.get(step, step), visits, text, (*rates, f"{left:,}"), left))
    return rows


def _share(part: int, whole: int) -> str:
    return percent(part / whole if whole else None)


def percent(share: float | None) -> str:
    """Return a share in percent, a dash for one that is not known.

    >>> percent(0.1234), percent(1.0)
    ('12.3%', '100%')
    """
    return "\N{EN DASH}" if share is None else f"{round(100 * share, 1):g}%"


def _visits(counts: CountsByStep, step: str) -> int:
    return counts.get(step, NO_COUNTS).visited or 0


def _sources(journey: Definition | None) -> Mapping[str, set[str]]:
    """Return the steps that lead to each step."""
    found: dict[str, set[str]] = {}
    for edge in () if journey is None else edges(journey):
        found.setdefault(edge.end, set()).add(edge.start)
    return found


def step_flow(counts: CountsByStep, journey: Definition, entered: int) -> Diagram:
    """Return how many went from each step to the next, and how many left the journey at each; `entered` came to it."""
    boxes = [FlowBox("start", "entered", entered)]
    boxes += [
        FlowBox(kind(step), step.name or step.id, _visits(counts, step.id), counts.get(step.id, NO_COUNTS).left or 0)
        for step in journey.steps
    ]
    return flow("Flow between steps", boxes, list(_flows(counts, journey, entered)), LEFT)


def _flows(counts: CountsByStep, journey: Definition, entered: int) -> Iterator[Flow]:
    places = {step.id: place for place, step in enumerate(journey.steps, 1)}
    if journey.steps:
        yield Flow(0, 1, entered)
    found = list(edges(journey))
    for edge in found:
        taken = _taken(edge, found, counts.get(edge.start, NO_COUNTS))
        yield Flow(places[edge.start], places[edge.end], taken, edge.outcome)


def _taken(edge: Edge, all_edges: Sequence[Edge], counts: StepCounts) -> int:
    """Return how many took an edge: a branch has a count of its own, the edge of no outcome has who else went on."""
    if edge.outcome:
        return counts.outcomes.get(edge.outcome, 0)
    others = {each.outcome for each in all_edges if each.start == edge.start and each.outcome}
    return max((counts.passed or 0) - sum(counts.outcomes.get(each, 0) for each in others), 0)
