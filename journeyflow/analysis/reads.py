"""What rules and templates read before it can have a value: messages not sent yet, events not awaited, no trigger."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from journeyflow.analysis.paths import nearest, route
from journeyflow.analysis.proofs import Claim, Proof, proved, refuted
from journeyflow.analysis.ways import Chart, Passage
from journeyflow.definition.references import rule_places
from journeyflow.testing.as_python import as_code
from journeyflow.testing.running import Played


@frozen
class EarlyRead:
    """A place of a step that reads a value which is missing: on every path to it (`always`), or on some.

    `place` is the path in a journey file, `path` what is read there, `step` the step that reads it, and `source` the
    step that would give the value; None for the trigger.
    """

    place: str
    step: str
    path: str
    source: str | None
    always: bool

    def __str__(self) -> str:
        """Return what is read where, and why it is missing."""
        if self.source is None:
            return f"step {self.step!r} reads {self.path!r}, but nothing triggers this journey that has data"
        how = "no path" if self.always else "not every path"
        return f"step {self.step!r} reads {self.path!r}, but {how} to it has passed {self.source!r}"


def early_reads(chart: Chart) -> Iterator[EarlyRead]:
    """Yield every place of a reached step that reads a value which may be missing, in the order written."""
    for place, paths, _, _ in rule_places(chart.journey):
        if not place.startswith("steps["):
            continue
        step = chart.journey.steps[int(place[6 : place.index("]")])].id
        if step in chart.group:
            yield from (each for path in sorted(paths) for each in _early(chart, place, step, path))


def _early(chart: Chart, place: str, step: str, path: str) -> Iterator[EarlyRead]:
    root, _, rest = path.partition(".")
    if root == "trigger" and rest and chart.journey.trigger.event is None:
        yield EarlyRead(place, step, path, None, always=True)
    if root in {"message", "wait"} and rest:
        source = rest.partition(".")[0]
        if not _ahead(chart, source, step):
            yield EarlyRead(place, step, path, source, always=True)
        elif _around(chart, source, step):
            yield EarlyRead(place, step, path, source, always=False)


def _gives(chart: Chart, source: str) -> list[Passage]:
    """Return the passages by which a step gives its value: a Send any, a wait that for its event."""
    return [way for way in chart.ways[source] if source in chart.group and way.outcome in {"queued", "event"}]


def _ahead(chart: Chart, source: str, step: str) -> bool:
    """Return whether a path leads from where a value is given to a step."""
    after = [way.to for way in _gives(chart, source) if way.to is not None]
    return any(to == step or any(way.to == step for _, way in nearest(chart, to)) for to in after)


def _around(chart: Chart, source: str, step: str) -> list[list[Passage]]:
    """Return paths to a step, one by each passage out of it, that do not give a value; an empty list without one."""
    gives = _gives(chart, source)
    found = [route(chart, chart.start, last, lambda way: way not in gives) for last in chart.ways[step]]
    return [path for path in found if path]


def reads_in_time(chart: Chart) -> Proof:
    """Return whether no step reads a value of a message, a wait or the trigger that is missing."""
    found = list(early_reads(chart))
    words = "nothing is read before it can be set"
    if not found:
        return proved(
            chart.journey, Claim(words, "", lambda _: False), "every path to what reads a value passes its source"
        )
    first = found[0]
    return refuted(chart.journey, _claim(words, first), str(first), _suspects(chart, found[:1]))


def _claim(words: str, read: EarlyRead) -> Claim:
    shows = "steps = [visit.step for visit in played.enrollments[0].visits]\n"
    if read.source is None:
        shows += f"assert {as_code(read.step)} in steps"
    else:
        shows = "visits = [(visit.step, visit.outcome) for visit in played.enrollments[0].visits]\n"
        shows += f"steps = [step for step, outcome in visits]\nbefore = visits[: steps.index({as_code(read.step)})]\n"
        shows += (
            f"assert not [v for v in before if v[0] == {as_code(read.source)} and v[1] in " + '{"queued", "event"}]'
        )
    return Claim(words, shows, lambda played: _is_early(played, read))


def _is_early(played: Played, read: EarlyRead) -> bool:
    visits = [(visit.step, visit.outcome) for each in played.enrollments[:1] for visit in each.visits]
    steps = [step for step, _ in visits]
    if read.step not in steps:
        return False
    before = visits[: steps.index(read.step)]
    return read.source is None or not [1 for step, how in before if step == read.source and how in {"queued", "event"}]


def _suspects(chart: Chart, found: Sequence[EarlyRead]) -> Iterator[list[Passage]]:
    for read in found:
        if read.source is not None:
            yield from _around(chart, read.source, read.step)
        else:
            yield from (route(chart, chart.start, way) for way in chart.ways[read.step])
