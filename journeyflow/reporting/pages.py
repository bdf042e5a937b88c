"""Reports about a journey, or all journeys of a tenant, as one page of HTML that can be kept, printed and mailed.

A page is made of answers: what an engine says to its questions. `Engine.report` asks them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import field, frozen

from journeyflow.basics.html_tables import PlainTable
from journeyflow.basics.showing import counted, in_words, shown_at
from journeyflow.definition.counted import percent
from journeyflow.definition.drawings import svg
from journeyflow.definition.journey import Journey
from journeyflow.definition.pictures import edges, summary
from journeyflow.definition.steps import kind
from journeyflow.drawing.charts import BarRow, bars
from journeyflow.questions.journeys import JourneyInfo
from journeyflow.questions.numbers.figures import JourneyStats, MessageStats, PeopleStats, ratio, sent_by_day
from journeyflow.questions.numbers.lengths import TimeToEnd
from journeyflow.questions.numbers.results import Results
from journeyflow.questions.paging import Page
from journeyflow.questions.refusals import RefusalCount
from journeyflow.records.public import Enrollment, Message
from journeyflow.reporting.html import ReportPage, Section, Tiles

PEOPLE = ("active", "completed", "exited", "failed", "holdout", "converted")
MESSAGES = ("sent", "delivered", "opened", "clicked", "bounced", "unsubscribed", "complained")

FAILURES = 20
"""How many failed messages and runs a report lists."""

WORST = 3
"""How many steps a report names at which most people left."""


@frozen
class JourneyAnswers:
    """What a report of a journey says: the answers of an engine; `by_channel` are the statistics by channel.

    `results` is None for a journey that never had a goal. `lost` are the newest messages that were given up, `failed`
    the newest runs that failed.
    """

    info: JourneyInfo
    definition: Journey
    stats: JourneyStats
    by_channel: Mapping[str, JourneyStats]
    lengths: TimeToEnd
    results: Results | None
    refusals: Sequence[RefusalCount]
    lost: Page[Message] = field(repr=False)
    failed: Page[Enrollment] = field(repr=False)


def journey_page(found: JourneyAnswers, at: datetime) -> ReportPage:
    """Return the report of a journey as of an instant."""
    info, stats = found.info, found.stats
    lead = [
        f"{info.status}, version {info.version}, as of {shown_at(at)} UTC.",
        f"Figures by day and step are those of {stats.since} to {stats.until} ({stats.timezone}).",
        "People and revenue are those of all time; who is at a step is as of now.",
    ]
    sections = [
        Section("At a glance", list(_lost_at(found.definition, stats)), [_tiles(stats)]),
        Section("The journey", (), [svg(found.definition, counts=stats.counts)]),
        _funnel(found.definition, stats),
        _lengths(found.lengths),
        _messages(stats, found.by_channel),
        *(() if found.results is None else _experiments(found.results)),
        _listed(
            "Refused entries",
            ("reason", "entries", "customers"),
            [(each.reason, each.count, each.customers) for each in found.refusals],
        ),
        _failures(found.lost, found.failed),
    ]
    return ReportPage(f"Journey {info.name or info.id}", lead, sections)


def account_page(
    found: Sequence[JourneyStats],
    infos: Mapping[str, JourneyInfo],
    refusals: Sequence[RefusalCount],
    at: datetime,
) -> ReportPage:
    """Return the report of all journeys of a tenant as of an instant."""
    rows = [
        (each.journey, infos[each.journey].status, *_people_row(each.people), *_messages_row(each.window))
        for each in found
    ]
    header = ("journey", "status", "entered", *PEOPLE, *MESSAGES)
    refused = [(each.journey, each.reason, each.count) for each in refusals]
    entered = [BarRow(each.journey, n, f"{n:,}", (percent(ratio(m, n)),)) for each, n, m in map(_entered, found)]
    sections = [
        Section("At a glance", (), [_account_tiles(found)]),
        Section(
            "Journeys",
            ["People are those of all time, messages those of these days."],
            [bars("People by journey", ("journey", "entered", "reached the goal"), entered), PlainTable(header, rows)],
        ),
        Section("Messages by day", (), [sent_by_day({each.journey: each for each in found})] if found else ()),
        _listed("Refused entries", ("journey", "reason", "entries"), refused),
    ]
    days = f"{min(each.since for each in found)} to {max(each.until for each in found)}" if found else "no days"
    return ReportPage("Journeys", [f"{counted(len(found), 'journey')}, {days}, as of {shown_at(at)} UTC."], sections)


def definition_page(journey: Journey, before: Journey | None = None) -> ReportPage:
    """Return a page about a journey alone: its picture, and its steps as a table.

    With an earlier version, the picture marks what differs.
    """
    rows = [
        (step.id, kind(step), step.name, summary(step), ", ".join(_ways(journey, step.id))) for step in journey.steps
    ]
    steps = PlainTable(("step", "kind", "name", "what it does", "leads to"), rows)
    sections = [Section("The journey", (), [svg(journey, before=before)]), Section("Steps", (), [steps])]
    lead = [journey.description] if journey.description else []
    lead += [] if before is None else ["What differs from the earlier version has a sign: plus, minus, or both."]
    return ReportPage(f"Journey {journey.name or journey.id}", lead, sections)


def _ways(journey: Journey, step: str) -> Iterator[str]:
    """Yield where a step leads, each after its outcome."""
    return (": ".join(filter(None, (edge.label, edge.end))) for edge in edges(journey) if edge.start == step)


# --- the parts of a report --------------------------------------------------------------------------------------------


def _people_row(people: PeopleStats | None) -> Sequence[object]:
    return [getattr(people, name, None) for name in ("total", *PEOPLE)]


def _messages_row(messages: MessageStats | None) -> Sequence[object]:
    return [getattr(getattr(messages, name, None), "unique", None) for name in MESSAGES]


def _entered(stats: JourneyStats) -> tuple[JourneyStats, int, int]:
    people = stats.people
    return (stats, 0, 0) if people is None else (stats, people.total, people.converted or 0)


def _tiles(stats: JourneyStats) -> Tiles:
    """Return the people of a journey, and what its messages brought: large, at the head of its report."""
    _, entered, converted = _entered(stats)
    found: dict[str, object] = dict(zip(("entered", *PEOPLE), _people_row(stats.people), strict=True))
    found["conversion rate"] = percent(ratio(converted, entered))
    found["messages sent"] = None if stats.messages is None else stats.messages.sent.unique
    if stats.messages is not None and stats.messages.revenue:
        found["revenue, in minor units"] = stats.messages.revenue
    return Tiles(found)


def _account_tiles(found: Sequence[JourneyStats]) -> Tiles:
    people = [each.people for each in found if each.people is not None]
    sent = [each.window.sent.unique for each in found if each.window is not None]
    return Tiles(
        {
            "journeys": len(found),
            "entered": sum(each.total for each in people),
            "inside now": sum(each.active for each in people),
            "converted": sum(each.converted or 0 for each in people),
            "messages sent": sum(sent),
        }
    )


def _lost_at(journey: Journey, stats: JourneyStats) -> Iterator[str]:
    """Yield a sentence that names the steps at which most left the journey."""
    names = {step.id: step.name or step.id for step in journey.steps}
    left = sorted(((each.left or 0, each) for each in stats.by_step.values()), key=lambda both: -both[0])
    worst = [
        f"{names.get(each.step, each.step)!r} ({many:,} of {counted(f'{each.visited or 0:,}', 'visit')})"
        for many, each in left[:WORST]
        if many
    ]
    yield f"Most left the journey at {', '.join(worst)}." if worst else "Nobody left the journey before its end."


def _funnel(journey: Journey, stats: JourneyStats) -> Section:
    said = "Visits of these days, as shares of the visits of the steps that lead to each, and of the first step."
    return Section("Steps", [said], [stats.funnel(journey), stats.flow(journey)])


def _lengths(found: TimeToEnd) -> Section:
    half, most = (found.within(share) for share in (0.5, 0.9))
    if half is None or most is None:
        return Section("Time to the end", ["No run has ended yet."])
    said = (
        f"{counted(f'{found.ended:,}', 'run')} ended: half within {_length(half)}, nine of ten within {_length(most)}."
    )
    return Section("Time to the end", [said], [found.chart()])


def _length(length: timedelta) -> str:
    return in_words(length // timedelta(microseconds=1))


def _messages(stats: JourneyStats, by_channel: Mapping[str, JourneyStats]) -> Section:
    if not by_channel:
        return Section("Messages", ["The journey sends nothing, or sent nothing in the window."])
    rows = [(name, *_messages_row(each.messages)) for name, each in stats.by_step.items() if each.messages is not None]
    steps = PlainTable(("step", *MESSAGES), rows)
    said = "Each message counts once, however often it was opened."
    return Section("Messages", [said], [sent_by_day(by_channel), steps])


def _experiments(results: Results) -> Iterator[Section]:
    """Yield a section with the differences of arms and holdout, if there are any, and what must not be compared."""
    chart = results.chart()
    if chart.rows or results.splits or results.holdout:
        yield Section("Experiments", results.sentences, [chart] if chart.rows else [])


def _listed(heading: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Section:
    return Section(heading, (), [PlainTable(header, rows)]) if rows else Section(heading, ["None."])


def _failures(lost: Page[Message], runs: Page[Enrollment]) -> Section:
    """Return the newest messages that were given up, and the newest runs that failed, with their errors."""
    parts = []
    if lost:
        rows = [(each.customer, each.step, each.channel, each.attempts, each.error) for each in lost]
        parts.append(PlainTable(("customer", "step", "channel", "attempts", "error"), rows))
    if runs:
        parts.append(
            PlainTable(("customer", "run", "step", "reason"), [(r.customer, r.run, r.step, r.reason) for r in runs])
        )
    given_up = f"{counted(f'{lost.total:,}', 'message')} {_was(lost.total)} given up"
    said = f"{given_up}, and {counted(f'{runs.total:,}', 'run')} failed; {FAILURES} of each are listed at most."
    return Section("Failures", [said if parts else "None: no message was given up, and no run failed."], parts)


def _was(many: int) -> str:
    return "was" if many == 1 else "were"
