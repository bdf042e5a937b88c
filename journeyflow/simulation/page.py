"""What came of a simulation, as one page of HTML: each journey with its picture, its funnel, its messages by day."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from journeyflow.basics.showing import counted
from journeyflow.definition.drawings import StepCounts, svg
from journeyflow.drawing.charts import BarRow, Diagram, bands, bars, columns
from journeyflow.drawing.tables import PlainTable
from journeyflow.reporting.html import ReportPage, Section
from journeyflow.simulation.outcome import Outcome, came, length


def outcome_page(outcome: Outcome) -> ReportPage:
    """Return an outcome as a page of figures: medians, with bands over several seeds; `to_html` writes it as HTML."""
    many = len(outcome.seeds)
    lead = [
        f"A simulation of {counted(outcome.customers, 'customer')} from {outcome.start:%Y-%m-%d} to"
        f" {outcome.until:%Y-%m-%d}, "
        + ("with one seed." if many == 1 else f"with {many} seeds: medians, and what a tenth lies below and above."),
        "Days are those of UTC; revenue is in minor units.",
    ]
    sections = [each for name in outcome.journeys for each in _of_journey(outcome, name)]
    sections.append(Section("Messages by day", (), list(_messages(outcome))))
    caps = [(cap, did, str(found)) for (cap, did), found in outcome.caps_hit().items()]
    sections += [Section("Caps", (), [PlainTable(("cap", "what it did", "messages"), caps)])] if caps else []
    return ReportPage(f"Simulation of {', '.join(outcome.journeys)}", lead, sections)


def _of_journey(outcome: Outcome, name: str) -> Iterator[Section]:
    yield Section(
        f"Journey {name}", list(_sentences(outcome, name)), [svg(outcome.journeys[name], counts=_counts(outcome, name))]
    )
    rows = [
        BarRow(
            row.step,
            row.visited.median,
            f"{row.visited}" + ("" if row.share is None else f" · {row.share:.0%} of those who entered"),
        )
        for row in outcome.funnel(name)
    ]
    yield Section("Steps", (), [bars("Visits by step", ("step", "visits"), rows)])
    unsent = [(step, reason, str(found)) for (step, reason), found in outcome.skipped(name).items()]
    refused = [(reason, str(found)) for reason, found in outcome.refusals(name).items()]
    if refused:
        yield Section("Refused entries", (), [PlainTable(("reason", "entries"), refused)])
    if unsent:
        yield Section("Not sent", (), [PlainTable(("step", "reason", "messages"), unsent)])


def _sentences(outcome: Outcome, name: str) -> Iterator[str]:
    ends = ", ".join(f"{found} {status.lower()}" for status, found in outcome.statuses(name).items())
    yield came(outcome, name) + (f"; at the end {ends}." if ends else ".")
    rate = outcome.goal_rate(name)
    if outcome.journeys[name].goal is not None and rate is not None:
        yield f"{outcome.converted(name)} reached the goal, {rate.median:.1%} of those who entered."
    if (half := outcome.time_to_end(name)) is not None:
        yield f"Half of those who ended did so within {length(half)}."
    if any(outcome.revenue(name)):
        yield f"Revenue of its messages: {outcome.revenue(name)}."


def _counts(outcome: Outcome, name: str) -> Mapping[str, StepCounts]:
    resting = outcome.resting(name)
    return {
        row.step: StepCounts(
            round(resting[row.step].median) if row.step in resting else None,
            round(row.visited.median),
            outcomes={label: round(found.median) for label, found in row.outcomes.items()},
        )
        for row in outcome.funnel(name)
    }


def _messages(outcome: Outcome) -> Iterator[Diagram]:
    """Yield columns by channel for one seed; for several, a chart of bands for each channel."""
    found = outcome.messages_per_day()
    days = _days(outcome)
    channels = sorted({channel for _, channel in found})

    def of(channel: str) -> list[tuple[float, float, float]]:
        each = [found.get((day, channel)) for day in days]
        return [(0, 0, 0) if band is None else (band.low, band.median, band.high) for band in each]

    if len(outcome.seeds) == 1:
        yield columns(
            "Messages by day", days, {channel: [median for _, median, _ in of(channel)] for channel in channels}
        )
    else:
        yield from (bands(f"Messages by {channel} by day", days, of(channel)) for channel in channels)


def _days(outcome: Outcome) -> list[str]:
    first, last = outcome.start.date(), outcome.until.date()
    return [f"{first + timedelta(days=n)}" for n in range((last - first).days + 1)]
