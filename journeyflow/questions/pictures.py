"""Answers as charts: rows in, a `Diagram` out. The numbers are those of the answer that is given."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from journeyflow.basics.moments import DAY
from journeyflow.basics.showing import in_words, shown_at
from journeyflow.definition.journey import Journey
from journeyflow.definition.pictures import Edge, edges
from journeyflow.definition.steps import kind
from journeyflow.drawing.charts import BarRow, Diagram, IntervalRow, bars, columns, intervals
from journeyflow.drawing.flows import Flow, FlowBox, flow
from journeyflow.drawing.tracks import TrackRow, tracks
from journeyflow.questions.numbers.experiments import Results
from journeyflow.questions.numbers.figures import JourneyStats, StepStats, ratio
from journeyflow.questions.numbers.intervals import Comparison, SampleRatio
from journeyflow.questions.numbers.lengths import TimeToEnd
from journeyflow.questions.timeline import Moment, Timeline

LEFT = "left here"
"""What is said of those whose run ended at a step before its end."""

MOMENTS = 200
"""How many moments a picture of a timeline shows, the newest."""

FUNNEL = ("step", "visits", "of those before it", "of the first", LEFT)


def funnel_chart(stats: JourneyStats, journey: Journey | None = None) -> Diagram:
    """Return how many visits each step had in the window, and how many left the journey there.

    With the journey, each step has its share of the visits of the steps that lead to it, and of those of the first.
    """
    names = {} if journey is None else {step.id: step.name or step.id for step in journey.steps}
    sources = _sources(journey)
    first = 0 if journey is None or not journey.steps else _visits(stats, journey.steps[0].id)
    found = []
    for each in stats.by_step.values():
        before = sum(_visits(stats, name) for name in sources.get(each.step, ()))
        cells = (_visits(stats, each.step), ratio(each.visited, before), ratio(each.visited, first), each.left or 0)
        found.append(_funnel_row(names.get(each.step, each.step), *cells))
    return bars("Visits by step", FUNNEL, found, LEFT)


def _funnel_row(name: str, visits: int, step_rate: float | None, rate: float | None, left: int) -> BarRow:
    return BarRow(name, visits, f"{visits:,}", (percent(step_rate), percent(rate), f"{left:,}"), left)


def percent(share: float | None) -> str:
    """Return a share in percent, a dash for one that is not known.

    >>> percent(0.1234), percent(1.0)
    ('12.3%', '100%')
    """
    return "\N{EN DASH}" if share is None else f"{round(100 * share, 1):g}%"


def _visits(stats: JourneyStats, step: str) -> int:
    found = stats.by_step.get(step)
    return 0 if found is None else found.visited or 0


def _sources(journey: Journey | None) -> Mapping[str, set[str]]:
    """Return the steps that lead to each step."""
    found: dict[str, set[str]] = {}
    for edge in () if journey is None else edges(journey):
        found.setdefault(edge.end, set()).add(edge.start)
    return found


def flow_chart(stats: JourneyStats, journey: Journey) -> Diagram:
    """Return how many went from each step to the next in the window, and how many left the journey at each."""
    entered = sum(day.entered or 0 for day in stats.daily)
    steps = [(kind(step), step.name or step.id, stats.by_step.get(step.id)) for step in journey.steps]
    boxes = [FlowBox("start", "entered", entered)]
    boxes += [
        FlowBox(shape, name, 0 if found is None else found.visited or 0, 0 if found is None else found.left or 0)
        for shape, name, found in steps
    ]
    return flow("Flow between steps", boxes, list(_flows(journey, entered, stats.by_step)), LEFT)


def _flows(journey: Journey, entered: int, by_step: Mapping[str, StepStats]) -> Iterator[Flow]:
    """Yield how many took each edge: a branch has a count of its own, the edge of no outcome has what is left."""
    places = {step.id: place for place, step in enumerate(journey.steps, 1)}
    if journey.steps:
        yield Flow(0, 1, entered)
    found = list(edges(journey))
    for edge in found:
        stats = by_step.get(edge.start)
        if stats is not None:
            yield Flow(places[edge.start], places[edge.end], _taken(edge, found, stats), edge.outcome)


def _taken(edge: Edge, all_edges: Sequence[Edge], stats: StepStats) -> int:
    outcomes = stats.outcomes or {}
    if edge.outcome:
        return outcomes.get(edge.outcome, 0)
    others = {each.outcome for each in all_edges if each.start == edge.start and each.outcome}
    return max((stats.passed or 0) - sum(outcomes.get(each, 0) for each in others), 0)


def sent_chart(by: Mapping[str, JourneyStats], title: str = "Messages sent by day") -> Diagram:
    """Return how many messages were sent on each day of the window, in colors by name: a channel, or a journey."""
    days = [f"{day.date}" for day in next(iter(by.values())).daily] if by else []
    series = {name: [day.messages.sent.total if day.messages else 0 for day in each.daily] for name, each in by.items()}
    return columns(title, days, series)


def ends_chart(found: TimeToEnd) -> Diagram:
    """Return how long runs took from their entry to their end, in colors by how they ended."""
    names = [_length(each.since) for each in found.lengths]
    ended = {
        "completed": [each.completed for each in found.lengths],
        "exited": [each.exited for each in found.lengths],
        "failed": [each.failed for each in found.lengths],
    }
    used = {name: values for name, values in ended.items() if any(values)}
    return columns("Runs that ended, by how long they took", names, used)


def _length(since: timedelta) -> str:
    micros = since // timedelta(microseconds=1)
    if micros and micros % DAY == 0:
        return f"{micros // DAY} d"
    return in_words(micros).replace(" hours", " h").replace(" hour", " h").replace("no time", "0")


def results_chart(found: Results) -> Diagram:
    """Return the differences of arms and holdout as a forest plot; groups of the wrong sizes are marked as doubtful."""
    rows = list(_interval("let in against holdout", found.comparison, found.ratio))
    doubts = _doubts("the holdout", found.ratio)
    for name, split in found.splits.items():
        doubts += _doubts(name, split.ratio)
        for each in split.comparisons:
            rows += _interval(f"{name}: {each.other.label} against {each.base.label}", each, split.ratio)
        for each in split.against_holdout:
            rows += _interval(f"{name}: {each.other.label} against {each.base.label}", each, split.ratio, found.ratio)
    return intervals(
        "Differences of the goal's rate, in points, with their intervals",
        ("groups", "difference"),
        rows,
        " ".join(doubts),
    )


def _doubts(name: str, ratio: SampleRatio | None) -> list[str]:
    suspicious = ratio is not None and ratio.suspicious
    return [f"Sample ratio mismatch of {name}: its groups must not be compared."] if suspicious else []


def _interval(label: str, comparison: Comparison | None, *ratios: SampleRatio | None) -> Iterator[IntervalRow]:
    if comparison is None or comparison.difference is None or comparison.interval is None:
        return
    low, middle, high = (
        100 * each for each in (comparison.interval.low, comparison.difference, comparison.interval.high)
    )
    doubtful = any(each is not None and each.suspicious for each in ratios)
    said = f"{middle:+.1f} points ({low:.1f} to {high:.1f})"
    yield IntervalRow(label, low, middle, high, said, doubtful)


MARKS = {"entry": "ring", "end": "square"}
"""How moments are marked that are more than a dot on the way."""

GAP = timedelta(hours=12)
"""From how long a time between two moments on it is said."""


def timeline_chart(found: Timeline) -> Diagram:
    """Return the moments of a customer from top to bottom, with a track for each run; the newest of very many."""
    moments = found.moments[-MOMENTS:]
    runs: dict[str, int] = {}
    for each in moments:
        if each.run is not None:
            runs.setdefault(each.place, len(runs))
    earlier: list[datetime | None] = [None, *(each.at for each in moments)]
    rows = [_track(each, runs.get(each.place), before) for each, before in zip(moments, earlier, strict=False)]
    left_out = found.more or len(found.moments) > len(moments)
    more = f"The newest {len(rows)} moments; there are earlier ones." if left_out else ""
    return tracks(f"Timeline of {found.customer}", rows, more)


def _track(moment: Moment, track: int | None, before: datetime | None) -> TrackRow:
    since = "" if before is None or moment.at - before < GAP else f"{_later(moment.at - before)} later"
    mark = MARKS.get(moment.kind, "dot")
    return TrackRow(shown_at(moment.at), track, mark, moment.place, moment.text, since, moment.kind == "end")


def _later(length: timedelta) -> str:
    hours = round(length / timedelta(hours=1))
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"  # noqa: PLR2004 two days
