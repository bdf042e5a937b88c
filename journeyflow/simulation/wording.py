"""The outcome of a simulation, as text for people."""

from collections.abc import Iterator

from journeyflow.basics.moments import MINUTE
from journeyflow.basics.showing import counted, in_words
from journeyflow.simulation.bands import Band
from journeyflow.simulation.tallied import Tallied


def outcome_text(outcome: Tallied) -> str:
    """Return an outcome as text: who came, how runs ended, the funnel of each journey, and the messages."""
    return "\n".join(_lines(outcome))


def _lines(outcome: Tallied) -> Iterator[str]:
    seeds = (
        "one seed"
        if len(outcome.seeds) == 1
        else f"{len(outcome.seeds)} seeds: median (a tenth below to a tenth above)"
    )
    yield f"{counted(outcome.customers, 'customer')}, {outcome.start:%Y-%m-%d} to {outcome.until:%Y-%m-%d}, {seeds}"
    for name in outcome.journeys:
        yield ""
        yield f"Journey {name}: {came(outcome, name)}"
        ends = ", ".join(f"{found} {status.lower()}" for status, found in outcome.statuses(name).items())
        if ends:
            yield f"  at the end: {ends}"
        rate = outcome.goal_rate(name)
        if outcome.journeys[name].goal is not None and rate is not None:
            shares = Band(*(round(100 * value, 2) for value in rate))
            yield f"  reached the goal: {outcome.converted(name)}, {shares}% of those who entered"
        half = outcome.time_to_end(name)
        if half is not None:
            yield f"  half of those who ended did so within {length(half)}"
        yield from _funnel_lines(outcome, name)
        for reason, found in outcome.refusals(name).items():
            yield f"  entries refused: {found} {reason}"
        if (revenue := outcome.revenue(name)) != (0, 0, 0):
            yield f"  revenue of its messages: {revenue} in minor units"
    sent = outcome.groups("messages", 2)
    if sent:
        yield ""
        yield "Messages: " + ", ".join(f"{found} {channel}" for (channel,), found in sent.items())
    if (busiest := outcome.busiest_hour) is not None:
        yield f"Busiest hour: {busiest[0]} UTC, {counted(busiest[1], 'message')}"
    for (cap, did), found in outcome.caps_hit().items():
        yield f"Cap of {cap}: {did} {found}"


def _funnel_lines(outcome: Tallied, journey: str) -> Iterator[str]:
    """Yield the steps of a journey in columns."""
    rows = [
        (
            row.step,
            row.kind,
            str(row.visited),
            "" if row.share is None else f"{100 * row.share:.1f}%",
            ", ".join(
                [f"{label} {found}" for label, found in row.outcomes.items()]
                + [f"not sent: {reason} {found}" for reason, found in row.skipped.items()]
            ),
        )
        for row in outcome.funnel(journey)
    ]
    step, kind, visited, share = (max(len(row[n]) for row in rows) for n in range(4))
    for row in rows:
        yield f"  {row[0]:<{step}}  {row[1]:<{kind}}  {row[2]:>{visited}}  {row[3]:>{share}}  {row[4]}".rstrip()


def came(outcome: Tallied, journey: str, entered: str = "entered", held_out: str = "in the holdout") -> str:
    """Return in words how many came to a journey: who entered, and who is in the holdout, if there is any."""
    kept_out = outcome.held_out(journey)
    return f"{outcome.entered(journey)} {entered}" + (f", {kept_out} {held_out}" if any(kept_out) else "")


def length(minutes: float) -> str:
    """Return in words within which time something was over: in a minute at least, since they are counted whole.

    >>> length(3 * 24 * 60), length(0)
    ('3 days', '1 minute')
    """
    return in_words(max(1, int(minutes)) * MINUTE)
