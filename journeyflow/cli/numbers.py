"""Commands that print figures: statistics, the benchmark of a tenant, results of experiments."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from journeyflow.basics.showing import shown_zone
from journeyflow.cli.charts import as_bars, chart, drawn, picture, write_svg
from journeyflow.cli.database import database, opened_database
from journeyflow.cli.shared import Database, Instant, as_json, instant_text, now, show, tenant, text_table
from journeyflow.definition.counted import FUNNEL, funnel_rows
from journeyflow.drawing.charts import BarRow
from journeyflow.engine.engine import Engine
from journeyflow.formats.cells import csv_text
from journeyflow.questions.numbers.figures import Count, DayStats, JourneyStats, MessageStats, PeopleStats, StepStats
from journeyflow.questions.numbers.intervals import Group
from journeyflow.questions.numbers.strata import Stratum

since = click.option("--since", help="First day, YYYY-MM-DD; by default 30 days before the last.")
until = click.option("--until", help="Last day, YYYY-MM-DD; by default that of --at.")
channel = click.option("--channel", help="Only messages by this channel.")
newest = click.option(
    "--at", type=Instant(), show_default="the newest thing counted", help="The instant of the last day, ISO 8601."
)

Line = Sequence[object]

PEOPLE = ("total", "active", "completed", "exited", "failed", "holdout", "lifetime", "converted")
MESSAGES = ("queued", "sent", "delivered", "opened", "clicked", "bounced", "unsubscribed", "complained", "revenue")


def _cell(value: object) -> object:
    """Return a figure as it is shown: of a count the number of messages; an unknown one stays None."""
    return value.unique if isinstance(value, Count) else value


def _people(people: PeopleStats | None) -> list[object]:
    return [getattr(people, name, None) for name in PEOPLE]


def _messages(messages: MessageStats | None) -> list[object]:
    return [_cell(getattr(messages, name, None)) for name in MESSAGES]


def _listed(names: Iterable[str], figures: Iterable[object]) -> str:
    """Return figures in one line, each after its name."""
    return " ".join(f"{name} {'-' if value is None else value}" for name, value in zip(names, figures, strict=True))


def as_of(engine: Engine, at: datetime | None) -> datetime:
    """Return the instant asked for, else the newest at which anything was counted: the days that a file is about."""
    return at or engine.last_counted() or now()


def _by_journey(stats: Iterable[JourneyStats]) -> tuple[Line, Sequence[Line]]:
    """Return a header and a row for each journey, with the messages of the window."""
    rows = [(each.journey, *_people(each.people), *_messages(each.window)) for each in stats]
    return ("journey", *PEOPLE, *MESSAGES), rows


def _by_step(stats: JourneyStats) -> tuple[Line, Sequence[Line]]:
    def row(step: StepStats) -> Line:
        told = ", ".join(f"{label} {count}" for label, count in (step.outcomes or {}).items())
        names = ", ".join(step.by_channel or ())
        return (step.step, step.kind, names, step.active, step.visited, *_messages(step.messages), told)

    header = ("step", "kind", "channel", "active", "visited", *MESSAGES, "outcomes")
    return header, list(map(row, stats.by_step.values()))


def _by_channel(channels: Mapping[str, MessageStats]) -> tuple[Line, Sequence[Line]]:
    return ("channel", *MESSAGES), [(name, *_messages(each)) for name, each in channels.items()]


def _by_day(days: Iterable[DayStats]) -> tuple[Line, Sequence[Line]]:
    names = ("entered", "completed", "exited", "failed", "converted")
    rows = [(day.date, *(getattr(day, name) for name in names), *_messages(day.messages)) for day in days]
    return ("date", *names, *MESSAGES), rows


def _by_domain(domains: Mapping[str, MessageStats]) -> tuple[Line, Sequence[Line]]:
    names = [name for name in MESSAGES if name != "queued"]
    rows = [(name or "(none)", *(_cell(getattr(each, of)) for of in names)) for name, each in domains.items()]
    return ("domain", *names), rows


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _summary(stats: JourneyStats) -> str:
    """Return the lifetime of a journey, or of a part of it, in a few lines."""
    step = f"step {stats.step}" if stats.step else None
    of = [each for each in (stats.journey, step, stats.channel, stats.domain) if each]
    rates = stats.messages or MessageStats()
    names = ("open", "click", "bounce", "unsubscribe")
    shares = _listed(names, (_percent(getattr(rates, f"{name}_rate")) for name in names))
    entry, activity = (instant_text(at) or "never" for at in (stats.last_triggered_at, stats.last_activity_at))
    return "\n".join(
        (
            f"{', '.join(of)}: {stats.since} to {stats.until} ({stats.timezone})",
            f"people    {_listed(PEOPLE, _people(stats.people))}",
            f"messages  {_listed(MESSAGES, _messages(stats.messages))}",
            f"rates     {shares}",
            f"newest    entry {entry}, activity {activity} ({shown_zone()})",
            "\n",
        )
    )


def _span(stats: Sequence[JourneyStats]) -> str:
    """Return which days a table of journeys is about; their last days may differ, each in its own zone."""
    if not stats:
        return ""
    first, last = min(each.since for each in stats), max(each.until for each in stats)
    return f"people of all time, messages from {first} to {last}\n\n"


@click.command()
@database
@click.argument("journey", required=False)
@since
@until
@click.option("--step", help="Only this step.")
@click.option("--domain", help="Only messages to this mailbox domain.")
@channel
@click.option(
    "--by",
    type=click.Choice(["step", "day", "channel", "domain"]),
    help="What the rows of the table are; default: step.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print the table as CSV.")
@chart
@picture
@newest
@tenant
@as_json
def stats(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str | None,
    since: str | None,
    until: str | None,
    step: str | None,
    domain: str | None,
    channel: str | None,
    by: str | None,
    at: datetime | None,
    tenant: str,
    *,
    as_csv: bool,
    chart: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Count people, messages and revenue of a journey, or of all of them.

    Lifetime first, then a table of the days from --since to --until. An unknown figure is a dash, in CSV an empty cell.
    Without --at, the last day is that of the newest thing counted.
    """
    if journey is None and (step or domain or by):
        what = "--step, --domain and --by are of one journey: name it"
        raise click.UsageError(what)
    if output is not None and not chart:
        what = "-o goes with --chart: only a picture is written"
        raise click.UsageError(what)
    with opened_database(db, tenant) as engine:
        asked: dict[str, Any] = {"at": as_of(engine, at), "since": since, "until": until, "channel": channel}
        if journey is None:
            found = engine.all_stats(**asked)
            value: object = found
            head, (header, rows) = _span(found), _by_journey(found)
        elif by == "domain":
            one = engine.stats(journey, **asked, step=step, domain=domain)
            every = engine.domain_stats(journey, **asked, step=step)
            value = domains = {name: of for name, of in every.items() if domain is None or domain.lower() == name}
            head, (header, rows) = _summary(one), _by_domain(domains)
        else:
            value = one = engine.stats(journey, **asked, step=step, domain=domain)
            by_channel = one.by_channel or {}
            tables = {"day": partial(_by_day, one.daily), "channel": partial(_by_channel, by_channel)}
            head, (header, rows) = _summary(one), tables.get(by or "", partial(_by_step, one))()
        bars = _bars(engine, value, by, header, rows) if chart else ((), [])
    if output is not None:
        show(value, write_svg(output, drawn(_title(journey, *bars[0]), *bars)), as_json=as_json)
        return
    shown = as_bars(*bars) if chart else text_table(rows, [str(name) for name in header])
    text = csv_text(header, rows).rstrip("\n") if as_csv else head + shown
    show(value, text, as_json=as_json)


def _bars(
    engine: Engine, value: object, by: str | None, header: Line, rows: Sequence[Line]
) -> tuple[Sequence[str], Sequence[BarRow]]:
    """Return a table as bars: of steps with their shares and who left there, of all else with one number."""
    if isinstance(value, JourneyStats) and by in {None, "step"}:
        return FUNNEL, funnel_rows(value.counts, engine.definition(value.journey))
    column, what = ("total", "people") if by is None else ("sent", "sent")
    place = list(header).index(column)
    counts = [(str(row[0]), int(str(row[place] or 0))) for row in rows]
    return (str(header[0]), what), [BarRow(name, many, f"{many:,}") for name, many in counts]


def _title(journey: str | None, by: str, what: str, *_: str) -> str:
    """Return the title of a picture of bars: a picture in a file has no line above it that says what it counts."""
    return f"{journey or 'all journeys'}: {what} by {by}"


@click.command()
@database
@since
@until
@channel
@newest
@tenant
@as_json
def benchmark(  # noqa: PLR0917 click passes them by name
    db: Database,
    since: str | None,
    until: str | None,
    channel: str | None,
    at: datetime | None,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """Sum up all journeys that sent something in the window: rates weighted by what each of them sent.

    Without --at, the last day is that of the newest thing counted.
    """
    with opened_database(db, tenant) as engine:
        found = engine.benchmark(at=as_of(engine, at), since=since, until=until, channel=channel)
    rates, each = found.messages, found.revenue_per_subscriber
    rows = [
        ("journeys", found.journeys),
        ("sent", rates.sent.unique),
        ("open rate", _percent(rates.open_rate)),
        ("click rate", _percent(rates.click_rate)),
        ("click to open rate", _percent(rates.click_to_open_rate)),
        ("bounce rate", _percent(rates.bounce_rate)),
        ("unsubscribe rate", _percent(rates.unsubscribe_rate)),
        ("complaint rate", _percent(rates.complaint_rate)),
        ("revenue", rates.revenue),
        ("revenue per subscriber", None if each is None else f"{each:.2f}"),
    ]
    text = f"{found.since} to {found.until}\n{text_table(rows, ('figure', 'value'))}"
    value = {"benchmark": found, "rates": rates.rates, "revenue_per_subscriber": each}
    show(value, text, as_json=as_json)


@click.command()
@database
@click.argument("journey")
@click.option("--confidence", default=0.95, show_default=True, help="The confidence of the intervals, between 0 and 1.")
@tenant
@as_json
def results(db: Database, journey: str, confidence: float, tenant: str, *, as_json: bool) -> None:
    """Compare a journey's holdout and the arms of its Splits by its goal.

    One row per group and percentages: groups are compared only where they were split alike.
    """
    if not 0 < confidence < 1:
        what = f"--confidence lies between 0 and 1, not {confidence}"
        raise click.UsageError(what)
    with opened_database(db, tenant) as engine:
        found = engine.results(journey, confidence=confidence)
    kept = found.strata or [
        Stratum((), {}, (found.let_in,) if found.holdout is None else (found.holdout, found.let_in))
    ]
    rows = [_group_row("", each, group) for each in kept for group in each.groups]
    rows += [
        _group_row(name, each, group)
        for name, split in found.splits.items()
        for each in split.strata
        for group in each.groups
    ]
    text = text_table(rows, ("split", "versions", "group", "share", "people", "converted", "rate", "interval"))
    show(found, "\n".join((text, *found.sentences)), as_json=as_json)


def _group_row(split: str, stratum: Stratum, group: Group) -> Line:
    interval, share = group.interval, stratum.shares.get(group.label)
    return (
        split,
        ", ".join(map(str, stratum.versions)),
        group.label,
        None if share is None else f"{share:g}%",
        group.n,
        group.converted,
        _percent(group.rate),
        "-" if interval is None else f"{interval.low:.1%} to {interval.high:.1%}",
    )


COMMANDS = (stats, benchmark, results)
