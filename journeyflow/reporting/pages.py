"""Reports about a journey, or all journeys of a tenant, as one page of HTML that can be kept, printed and mailed."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from journeyflow.basics.showing import shown_at
from journeyflow.definition.drawings import svg
from journeyflow.definition.journey import Journey
from journeyflow.definition.pictures import edges
from journeyflow.drawing.charts import BarRow, Diagram, IntervalRow, bars, columns, intervals
from journeyflow.drawing.tables import PlainTable
from journeyflow.engine.engine import Engine
from journeyflow.questions.numbers.experiments import Results
from journeyflow.questions.numbers.figures import JourneyStats, MessageStats, PeopleStats
from journeyflow.questions.numbers.intervals import Comparison
from journeyflow.reporting.html import ReportPage, Section

PEOPLE = ("active", "completed", "exited", "failed", "holdout", "converted")
MESSAGES = ("sent", "delivered", "opened", "clicked", "bounced", "unsubscribed", "complained")
Day = date | str | None

FAILURES = 20
"""How many failed messages and runs a report lists."""


def report(
    engine: Engine, journey: str | None = None, *, at: datetime, since: Day = None, until: Day = None
) -> ReportPage:
    """Return a report of a journey, or of all journeys of the engine's tenant; `to_html` writes it as a page of HTML.

    A journey's report has its picture with counts, the funnel of its steps, messages by day and channel, the results of
    its experiments, refusals by reason, and what failed with the errors that were told. `since` and `until` are the
    first and the last day, as in `stats`; by default the 31 days up to that of `at`. The page loads nothing and runs no
    script. Raises NotFound for an unknown journey, InvalidInput with all faults of the dates.
    """
    if journey is None:
        return _of_account(engine, at, since, until)
    info = engine.journey(journey)
    definition = engine.definition(journey)
    stats = engine.stats(journey, at=at, since=since, until=until)
    lead = [
        f"{info.status}, version {info.version}, as of {shown_at(at)} UTC.",
        f"Figures by day and step are those of {stats.since} to {stats.until} ({stats.timezone}).",
        "People and revenue are those of all time; who is at a step is as of now.",
    ]
    sections = [
        Section("The journey", (), [svg(definition, counts=stats.counts)]),
        _people(stats),
        _funnel(definition, stats),
        _messages(engine, stats, at),
        *(_experiments(engine.results(journey)) if definition.goal is not None else ()),
        _refusals(engine, journey),
        _failures(engine, journey),
    ]
    return ReportPage(f"Journey {info.name or info.id}", lead, sections)


def _of_account(engine: Engine, at: datetime, since: Day, until: Day) -> ReportPage:
    found = engine.all_stats(at=at, since=since, until=until)
    infos = {info.id: info for info in engine.journeys(take=None)}
    rows = [
        (each.journey, infos[each.journey].status, *_people_row(each.people), *_messages_row(each.window))
        for each in found
    ]
    header = ("journey", "status", "entered", *PEOPLE, *MESSAGES)
    refused = [(each.journey, each.reason, each.count) for each in engine.refusals()]
    sections = [
        Section(
            "Journeys", ["People are those of all time, messages those of the window."], [PlainTable(header, rows)]
        ),
        Section("Messages by day", (), [_by_day({each.journey: each for each in found})] if found else ()),
        _listed("Refused entries", ("journey", "reason", "entries"), refused),
    ]
    days = f"{found[0].since} to {found[0].until}" if found else "no days"
    return ReportPage(
        "Journeys",
        [f"{len(found)} {'journey' if len(found) == 1 else 'journeys'}, {days}, as of {shown_at(at)} UTC."],
        sections,
    )


# --- the parts of a report --------------------------------------------------------------------------------------------


def _people_row(people: PeopleStats | None) -> Sequence[object]:
    return [getattr(people, name, None) for name in ("total", *PEOPLE)]


def _messages_row(messages: MessageStats | None) -> Sequence[object]:
    return [getattr(getattr(messages, name, None), "unique", None) for name in MESSAGES]


def _people(stats: JourneyStats) -> Section:
    revenue = stats.messages.revenue if stats.messages is not None else 0
    said = [f"Revenue, in minor units: {revenue:,}."] if revenue else []
    return Section("People", said, [PlainTable(("entered", *PEOPLE), [_people_row(stats.people)])])


def _funnel(journey: Journey, stats: JourneyStats) -> Section:
    """Return how many visits each step had, as shares of the first step and of the steps that lead to it."""
    visits = {name: each.visited or 0 for name, each in stats.by_step.items()}
    sources: dict[str, set[str]] = {step.id: set() for step in journey.steps}
    for edge in edges(journey):
        sources[edge.end].add(edge.start)
    first = visits.get(journey.steps[0].id, 0) if journey.steps else 0
    rows = []
    for step in journey.steps:
        many, before = visits.get(step.id, 0), sum(visits.get(name, 0) for name in sources[step.id])
        shares = [f"{many / first:.0%} of the first"] if first else []
        shares += [f"{many / before:.0%} of those before it"] if before else []
        rows.append(BarRow(step.name or step.id, many, " · ".join([f"{many:,}", *shares])))
    said = "Visits of the window, as shares of the visits of the first step, and of the steps that lead to each."
    return Section("Steps", [said], [bars("Visits by step", ("step", "visits"), rows)])


def _messages(engine: Engine, stats: JourneyStats, at: datetime) -> Section:
    channels = sorted(stats.by_channel or {})
    if not channels:
        return Section("Messages", ["The journey sends nothing, or sent nothing in the window."])
    days = (stats.since, stats.until)
    by_channel = {
        name: engine.stats(stats.journey, at=at, channel=name, since=days[0], until=days[1]) for name in channels
    }
    rows = [(name, *_messages_row(each.messages)) for name, each in stats.by_step.items() if each.messages is not None]
    steps = PlainTable(("step", *MESSAGES), rows)
    return Section("Messages", ["Each message counts once, however often it was opened."], [_by_day(by_channel), steps])


def _by_day(found: dict[str, JourneyStats]) -> Diagram:
    days = [f"{day.date}" for day in next(iter(found.values())).daily]
    series = {
        name: [day.messages.sent.total if day.messages else 0 for day in each.daily] for name, each in found.items()
    }
    return columns("Messages sent by day", days, series)


def _experiments(results: Results) -> Iterator[Section]:
    """Yield a section with the differences of arms and holdout, if there are any, and what must not be compared."""
    rows = [*_intervals("let in against holdout", results.comparison)]
    for name, split in results.splits.items():
        for each in (*split.comparisons, *split.against_holdout):
            rows += _intervals(f"{name}: {each.other.label} against {each.base.label}", each)
    if rows or results.splits or results.holdout:
        chart = [intervals("Differences of the goal's rate", ("groups", "difference"), rows)] if rows else []
        yield Section("Experiments", results.sentences, chart)


def _intervals(label: str, comparison: Comparison | None) -> Iterator[IntervalRow]:
    if comparison is None or comparison.difference is None or comparison.interval is None:
        return
    low, middle, high = (
        100 * each for each in (comparison.interval.low, comparison.difference, comparison.interval.high)
    )
    yield IntervalRow(label, low, middle, high, f"{middle:+.1f} points ({low:.1f} to {high:.1f})")


def _refusals(engine: Engine, journey: str) -> Section:
    rows = [(each.reason, each.count, each.customers) for each in engine.refusals(journey)]
    return _listed("Refused entries", ("reason", "entries", "customers"), rows)


def _listed(heading: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Section:
    return Section(heading, (), [PlainTable(header, rows)]) if rows else Section(heading, ["None."])


def _failures(engine: Engine, journey: str) -> Section:
    """Return the newest messages that were given up, and the newest runs that failed, with what was told of them."""
    lost = engine.messages(journey, status="FAILED", take=FAILURES)
    runs = engine.enrollments(journey, status="FAILED", take=FAILURES)
    parts = []
    if lost:
        rows = [(each.customer, each.step, each.channel, each.attempts, each.error) for each in lost]
        parts.append(PlainTable(("customer", "step", "channel", "attempts", "error"), rows))
    if runs:
        parts.append(
            PlainTable(("customer", "run", "step", "reason"), [(r.customer, r.run, r.step, r.reason) for r in runs])
        )
    said = [
        f"{lost.total:,} messages were given up, and {runs.total:,} runs failed; {FAILURES} of each are listed at most."
    ]
    return Section("Failures", said, parts)
