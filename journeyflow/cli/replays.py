"""Runs of journeys that are not real, or not yet: the demonstration and the back-test."""

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Unpack

import click

from journeyflow.basics.showing import counted
from journeyflow.cli.numbers import PEOPLE, as_of
from journeyflow.cli.reports import replaceable, write_page
from journeyflow.cli.shared import (
    A_FILE,
    NEW,
    Bar,
    Instant,
    as_json,
    load_journeys,
    load_policies,
    numbers_checked,
    reading,
    show,
    show_skipped,
    source_of,
    text_table,
)
from journeyflow.engine.engine import Engine
from journeyflow.formats.files import FileKeywords
from journeyflow.questions.numbers.figures import JourneyStats


@click.command()
@click.option(
    "--db",
    type=NEW,
    default=Path("demo.db"),
    show_default=True,
    help="The SQLite file to write, with a page of HTML beside it; those of an earlier demo are replaced.",
)
@as_json
def demo(db: Path, *, as_json: bool) -> None:
    """Run an onboarding journey for 2,000 made-up customers over 30 virtual days."""
    from journeyflow.simulation.demo import DAYS, ONBOARDING, run_demo  # noqa: PLC0415 needed here alone

    if not db.name:
        msg = "name a file"
        raise click.BadParameter(msg, param_hint="--db")
    page = replaceable(db.with_suffix(".html"))
    bar = Bar()
    report = run_demo(db, lambda done, of: bar("days", done, of))
    bar.close()
    with Engine(report.path) as engine:
        write_page(page, engine.report(ONBOARDING.id, at=as_of(engine, None)).to_html())
    head = (
        f"{report.customers} people signed up; {report.entered} of them, Gold and Platinum, entered the journey.\n"
        f"{DAYS} virtual days later {report.completed} have completed it, {report.exited} left,"
        f" {report.active} are still inside; {report.converted} ordered.\n{report.messages} messages were sent.\n"
    )
    funnel = text_table(report.funnel, ("step", "kind", "people", "result"))
    following = "\n".join(f"  {line}" for line in _next_lines(report.path))
    kept = f"Everything is in {report.path}, and in pictures in {page}: open it in a browser."
    asked = f"Why did {NOBODY} get no mail? `serve` and `why-not` say so. What to try next:"
    text = f"{head}\n{funnel}\n\n{kept}\n{asked}\n{following}"
    show(report, text, as_json=as_json)


def _next_lines(path: str) -> list[str]:
    """Return commands that a person can copy."""
    return [line.format(db=path, utils=_command("sqlite-utils"), journeyflow=_command("journeyflow")) for line in NEXT]


def _command(name: str) -> str:
    """Return how a command is called here: as the caller says, by its name, or by the path beside this Python.

    `JOURNEYFLOW_RUN` is what the caller says: `python3 dev.py run` in a checkout.
    """
    if said := os.environ.get("JOURNEYFLOW_RUN"):
        return f"{said} {name}"
    return name if shutil.which(name) else str(_short(Path(sys.executable).parent / name))


def _short(path: Path) -> Path:
    """Return a path relative to the current folder, if it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


NOBODY = "c00000"
"""Somebody who did not enter the journey."""

NEXT = (
    "{journeyflow} serve {db}",
    "{journeyflow} report {db} onboarding -o report.html",
    "{journeyflow} journeys {db}",
    "{journeyflow} enrollments {db} onboarding --take 5",
    "{journeyflow} explain {db} onboarding c00001",
    "{journeyflow} why-not {db} onboarding " + NOBODY,
    "{journeyflow} timeline {db} c00001",
    "{journeyflow} people {db} onboarding hello --did opened --did-not clicked --take 5",
    "{journeyflow} stats {db} onboarding --at 2026-02-04T08:00:00Z",
    "{journeyflow} audit {db}",
    '{utils} {db} "select step, status, count(*) from messages_view group by 1, 2" -t',
    "{utils} rows {db} visits_view --limit 5 -t",
)


@click.command()
@click.argument("journeys", nargs=-1, required=True, type=A_FILE)
@click.option(
    "--events", required=True, type=A_FILE, help="CSV, NDJSON or JSON: at, type, customer[, id], further columns."
)
@click.option("--customers", type=A_FILE, help="CSV, NDJSON or JSON: customer and attributes.")
@click.option("--until", type=Instant(), help="The last instant that is run; default: the last event.")
@click.option(
    "--policies", type=A_FILE, help="A policy file: caps, quiet hours and retries that hold from the beginning."
)
@click.option("--grace", help='How late work may be found before it is softened, such as "1 hour"; default: no limit.')
@click.option("--every", help="How often the host ticks; default: at every instant, and with --grace once an hour.")
@click.option("--db", type=NEW, help="Keep the run in this new SQLite file; default: in memory.")
@click.option("--export", type=click.Path(file_okay=False, path_type=Path), help="Write CSV files into this folder.")
@reading
@as_json
def backtest(  # noqa: PLR0917 click passes them by name
    journeys: tuple[Path, ...],
    events: Path,
    customers: Path | None,
    until: datetime | None,
    policies: Path | None,
    grace: str | None,
    every: str | None,
    db: Path | None,
    export: Path | None,
    *,
    as_json: bool,
    **options: Unpack[FileKeywords],
) -> None:
    """Run journey files on the events of the past and see what they would have done.

    One of the files may be - for standard input. Exit status 1 if not one line of a file could be taken.
    """
    from journeyflow.simulation import backtest as run  # noqa: PLC0415 needed here alone

    if [str(path) for path in (*journeys, events, customers, policies)].count("-") > 1:
        msg = "only one file can be standard input"
        raise click.UsageError(msg)
    bar = Bar()
    with numbers_checked():
        done = run(
            load_journeys(journeys),
            events=source_of(events),
            customers=customers and source_of(customers),
            until=until,
            policies=None if policies is None else load_policies(policies),
            grace=grace,
            every=every,
            db=db,
            export=export,
            progress=bar,
            **options,
        )
    bar.close()
    for file in done.files:
        show_skipped(file.file, file.lines, file.bad)
    names = ("entered", "refused", "moves", "messages", *(("late",) if grace else ()), "unhandled")
    lines = [
        f"{counted(done.events, 'event')} from {done.first:%Y-%m-%d} on, run until {done.until:%Y-%m-%d %H:%M:%S} UTC:",
        text_table([(name, getattr(done, name)) for name in names], ("figure", "count")),
        "",
        _by_journey(done.stats),
        "",
        text_table([(each.file, each.taken, each.bad, each.duplicate) for each in done.files], FILE_HEADER),
    ]
    if done.refusals:
        lines += ["", text_table([(each.journey, each.reason, each.count) for each in done.refusals], REFUSALS_HEADER)]
    lines += [f"The run is kept in {db}"] if db is not None else []
    lines += [f"Tables are in {export}"] if export is not None else []
    show(done, "\n".join(lines), as_json=as_json)
    if any(file.useless for file in done.files):
        raise SystemExit(1)


def _by_journey(stats: Sequence[JourneyStats]) -> str:
    """Return a table of who came through each journey, and how many messages were queued."""
    rows = [
        (each.journey, *(getattr(each.people, name, None) for name in PEOPLE), getattr(each.messages, "queued", None))
        for each in stats
    ]
    return text_table(rows, ("journey", *PEOPLE, "messages"))


FILE_HEADER = ("file", "taken", "bad", "duplicate")

REFUSALS_HEADER = ("journey", "refused for", "entries")

COMMANDS = (demo, backtest)
