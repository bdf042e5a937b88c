"""The outcome of a simulation, as one page of HTML: each journey with its picture, its funnel, its messages by day."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

from journeyflow.basics.html_tables import PlainTable
from journeyflow.basics.moments import MINUTE
from journeyflow.basics.showing import counted
from journeyflow.definition.counted import funnel, percent, step_flow
from journeyflow.definition.drawings import StepCounts, svg
from journeyflow.drawing.charts import Diagram, bands, columns
from journeyflow.questions.numbers.lengths import ENDED, length_name, round_size
from journeyflow.reporting.html import ReportPage, Section
from journeyflow.simulation.tallied import Tallied
from journeyflow.simulation.wording import came, length, outcome_text

BAND = "medians, with a band that a tenth lies below and a tenth above."
"""What the figures of several replications are."""

NO_MESSAGES = Section("Messages by day", ["None."])


def outcome_page(outcome: Tallied) -> ReportPage:
    """Return an outcome as a page of figures: medians, with bands over several seeds; `to_html` writes it as HTML."""
    many = len(outcome.seeds)
    lead = [
        f"A simulation of {counted(outcome.customers, 'customer')} from {outcome.start:%Y-%m-%d} to"
        f" {outcome.until:%Y-%m-%d}, " + ("with one seed." if many == 1 else f"with {many} seeds: {BAND}"),
        "Days are those of UTC; revenue is in minor units.",
    ]
    sections = [each for name in outcome.journeys for each in _of_journey(outcome, name)]
    sections.append(section_of_messages(outcome))
    caps = [(cap, did, str(found)) for (cap, did), found in outcome.caps_hit().items()]
    sections += [Section("Caps", (), [PlainTable(("cap", "what it did", "messages"), caps)])] if caps else []
    title = f"Simulation of {', '.join(outcome.journeys)}"
    return ReportPage(title, lead, sections, outcome_text(outcome))


def _of_journey(outcome: Tallied, name: str) -> Iterator[Section]:
    journey, counts, entered = outcome.journeys[name], step_counts(outcome, name), round(outcome.entered(name).median)
    yield Section(f"Journey {name}", list(_sentences(outcome, name)), [svg(journey, counts=counts)])
    yield Section("Steps", (), [step_funnel(outcome, name), step_flow(counts, journey, entered)])
    half = outcome.time_to_end(name)
    if half is not None:
        yield Section(
            "Time to the end", [f"Half of those who ended did so within {length(half)}."], list(_ends(outcome, name))
        )
    unsent = [(step, reason, str(found)) for (step, reason), found in outcome.skipped(name).items()]
    refused = [(reason, str(found)) for reason, found in outcome.refusals(name).items()]
    if refused:
        yield Section("Refused entries", (), [PlainTable(("reason", "entries"), refused)])
    if unsent:
        yield Section("Not sent", (), [PlainTable(("step", "reason", "messages"), unsent)])


def _sentences(outcome: Tallied, name: str) -> Iterator[str]:
    ends = ", ".join(f"{found} {status.lower()}" for status, found in outcome.statuses(name).items())
    yield came(outcome, name) + (f"; at the end {ends}." if ends else ".")
    rate = outcome.goal_rate(name)
    if outcome.journeys[name].goal is not None and rate is not None:
        yield f"{outcome.converted(name)} reached the goal, {percent(rate.median)} of those who entered."
    if any(outcome.revenue(name)):
        yield f"Revenue of its messages: {outcome.revenue(name)}."


def step_funnel(outcome: Tallied, name: str) -> Diagram:
    """Return the funnel of a journey's steps: medians, each with its band over several seeds."""
    texts = {row.step: f"{row.visited}" for row in outcome.funnel(name)}
    return funnel(step_counts(outcome, name), outcome.journeys[name], texts)


def step_counts(outcome: Tallied, name: str) -> Mapping[str, StepCounts]:
    """Return the counts of a journey's steps for its picture, as medians over the seeds."""
    resting, passed, left = outcome.resting(name), outcome.passed(name), outcome.left(name)
    return {
        row.step: StepCounts(
            round(resting[row.step].median) if row.step in resting else None,
            round(row.visited.median),
            round(passed[row.step].median),
            round(left[row.step].median),
            outcomes={label: round(found.median) for label, found in row.outcomes.items()},
        )
        for row in outcome.funnel(name)
    }


def _ends(outcome: Tallied, name: str) -> Iterator[Diagram]:
    """Yield how long runs took to their end, on average over the seeds; nothing if none has ended."""
    lengths = outcome.lengths(name)
    if not lengths:
        return
    size, found = round_size(max(lengths) * MINUTE), Counter[int]()
    for minutes, count in lengths.items():
        found[minutes * MINUTE // size] += count
    places = range(max(found) + 1)
    means = [round(found[place] / len(outcome.seeds), 1) for place in places]
    yield columns(ENDED, [length_name(place * size) for place in places], {"ended": means})


def section_of_messages(outcome: Tallied) -> Section:
    """Return the section of messages by day; it says so if there were none."""
    return Section("Messages by day", (), list(messages_by_day(outcome))) if outcome.messages_per_day() else NO_MESSAGES


def messages_by_day(outcome: Tallied) -> Iterator[Diagram]:
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


def _days(outcome: Tallied) -> list[str]:
    first, last = outcome.start.date(), outcome.until.date()
    return [f"{first + timedelta(days=n)}" for n in range((last - first).days + 1)]
