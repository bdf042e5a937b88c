"""What is legal in journeys, but surely not meant."""

from collections.abc import Callable, Iterable, Iterator

from journeyflow.analysis import proofs
from journeyflow.analysis.cycles import cycles
from journeyflow.analysis.paths import AllPaths
from journeyflow.analysis.reads import early_reads
from journeyflow.analysis.ways import Chart, chart_of
from journeyflow.basics.expecting import tuple_of
from journeyflow.definition.edits.linking import link_problems
from journeyflow.definition.journey import Journey, problems
from journeyflow.definition.steps import Condition, Send, Split, Wait
from journeyflow.errors import WARNING, Problem


def lint(*journeys: Journey) -> tuple[tuple[str, Problem], ...]:
    """Return what is legal in journeys but surely not meant, as (journey, problem), journeys in the order given.

    There are the warnings of validation; branches and arms that no customer takes; choices that make no difference;
    values that are read before they can be set; waits that may last for ever; loops without a way out; templates sent
    twice on one path; and messages at one instant. Several journeys are taken to be all there are: then names of
    unknown journeys and circles of journeys are warned of as well.

    >>> from journeyflow import Trigger, arm
    >>> odd = Journey("odd", trigger=Trigger("go"), steps=[Split("s", arm(100), arm(0)), Wait("w", event="buy")])
    >>> [problem.code for _, problem in lint(odd)]
    ['dead-branch', 'same-way', 'no-timeout']
    """
    tuple_of(Journey, "journeys", "journeys", journeys)
    found: list[tuple[str, Problem]] = []
    for journey in journeys:
        found += [(journey.id, problem) for problem in problems(journey)]
        if journey.steps:
            chart = chart_of(journey)
            found += [(journey.id, problem) for look in _LOOKS for problem in look(chart)]
    if len(journeys) > 1:
        found += _together(journeys)
    return tuple(found)


def _together(journeys: Iterable[Journey]) -> Iterator[tuple[str, Problem]]:
    """Yield what is odd about journeys as a whole."""
    every = list(journeys)
    yield from ((name, problem) for name, problem in link_problems(every) if problem.code != "circle")
    for cycle in cycles(every):
        if len(cycle.starts) > 1:  # validation of one journey warns of those that trigger themselves
            yield cycle.journeys[0], Problem("circle", WARNING, "", f"these journeys start one another: {cycle}")


def _warn(chart: Chart, code: str, step: str, sentence: str) -> Problem:
    return Problem(code, WARNING, f"steps[{chart.order[step]}]", f"step {step!r}: {sentence}")


def _dead(chart: Chart) -> Iterator[Problem]:
    for each in chart.dead:
        yield _warn(chart, "dead-branch", each.step, f"no customer takes {each.outcome!r}: {each.reason}")


def _unreached(chart: Chart) -> Iterator[Problem]:
    """Yield steps that only branches lead to which no customer takes; validation warns of the others."""
    told = {problem.path for problem in problems(chart.journey) if problem.code == "unreachable"}
    for position, step in enumerate(chart.journey.steps):
        if step.id not in chart.group and f"steps[{position}]" not in told:
            yield _warn(chart, "unreachable", step.id, "no customer comes here: none takes what leads to it")


def _same_way(chart: Chart) -> Iterator[Problem]:
    for step in chart.journey.steps:
        if isinstance(step, Condition | Split) and step.id in chart.group:
            targets = {way.to for way in chart.ways[step.id]}
            if len(targets) == 1 and isinstance(step, Split | Condition):
                yield _warn(
                    chart,
                    "same-way",
                    step.id,
                    f"every customer goes on to {targets.pop()!r}; the choice makes no difference",
                )


def _early(chart: Chart) -> Iterator[Problem]:
    for read in early_reads(chart):
        yield Problem("read-early" if read.always else "read-unset", WARNING, read.place, str(read))


def _endless(chart: Chart) -> Iterator[Problem]:
    for step in chart.journey.steps:
        if isinstance(step, Wait) and step.id in chart.group and step.has_event and step.timeout is None:
            never = f"who never does {step.event!r}" if step.when is None else f"whoever {step.when} never holds for"
            yield _warn(chart, "no-timeout", step.id, f"{never} waits here for ever; say a timeout")
    for path in AllPaths(chart).endless:
        steps = " > ".join(path.loops[-1])
        yield _warn(chart, "endless-loop", path.loops[-1][0], f"no way leads out of the loop {steps}")


def _twice(chart: Chart) -> Iterator[Problem]:
    for first, second in proofs.alike(chart):
        step = chart.step(second)
        if first != second and isinstance(step, Send):
            yield _warn(chart, "template-twice", second, f"sends template {step.template!r} again, after {first!r}")


def _at_once(chart: Chart) -> Iterator[Problem]:
    """Yield Sends that follow another one on the same channel with no wait between them."""
    for way in chart.reached():
        if way.message:
            step, channel = way.to, _channel(chart, way.step)
            while step is not None and len(chart.ways[step]) == 1 and not isinstance(chart.step(step), Wait | Send):
                step = chart.ways[step][0].to
            if step is not None and channel == _channel(chart, step):
                yield _warn(chart, "at-once", step, f"follows {way.step!r} on the same channel at the same instant")


def _channel(chart: Chart, step: str) -> str | None:
    found = chart.step(step)
    return found.channel if isinstance(found, Send) else None


_LOOKS: tuple[Callable[[Chart], Iterator[Problem]], ...] = (
    _dead,
    _unreached,
    _same_way,
    _early,
    _endless,
    _twice,
    _at_once,
)
