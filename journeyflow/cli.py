"""The command line.

Exit status: 0 when all went well, 1 when the input or the database has faults (each is printed), 2 for wrong usage.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from attrs import asdict

from journeyflow.errors import InvalidInput, InvalidJourney, JourneyflowError
from journeyflow.journey import Journey
from journeyflow.moments import from_micros, parse_instant

BAR = 40
"""Characters of a progress bar."""


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant with an offset."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401
        """Read the instant, or say what is wrong with it."""
        if isinstance(value, datetime):
            return value
        try:
            return from_micros(parse_instant(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Faults(click.ClickException):
    """Faults of the input or the database, one per line; exit status 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:  # noqa: ANN401 click's signature
        """Print the faults without a stack trace."""
        click.echo(f"Error: {self.message}", err=True, file=file)


@contextmanager
def faults_shown() -> Iterator[None]:
    """Turn errors of the library and of the file system into messages."""
    try:
        yield
    except (JourneyflowError, OSError) as error:
        raise Faults(str(error)) from error


class Bar:
    """A progress bar on standard error, on a terminal only."""

    def __init__(self) -> None:
        """Begin hidden."""
        self.shown = sys.stderr.isatty()
        self.last = ""

    def __call__(self, phase: str, done: int, of: int) -> None:
        """Show how far a phase is."""
        if not self.shown:
            return
        share = min(done / of, 1.0) if of else 0.0
        filled = int(share * BAR)
        text = f"{phase:<10} [{'#' * filled}{'.' * (BAR - filled)}] {share:4.0%}"
        if text != self.last:
            self.last = text
            click.echo(f"\r{text}", nl=False, err=True)

    def close(self) -> None:
        """Take the bar away."""
        if self.last:
            click.echo("\r" + " " * len(self.last) + "\r", nl=False, err=True)
            self.last = ""


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """Lay rows out in columns, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [all(isinstance(row[column], int) for row in rows) for column in range(len(header))]
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if to else cell.ljust(width) for cell, width, to in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def load_journey(path: Path) -> Journey:
    """Read a journey file; raises InvalidJourney with the file's name."""
    from journeyflow.codec import loads_journey  # noqa: PLC0415 it costs cattrs

    try:
        return loads_journey(path.read_text(encoding="utf-8-sig"))
    except InvalidJourney as error:
        name = f"{error.journey} in {path}"
        raise InvalidJourney(name, error.problems) from error
    except UnicodeDecodeError as error:
        raise InvalidInput([f"{path}: this is no UTF-8 text: {error}"]) from error


def load_journeys(paths: Sequence[Path]) -> list[Journey]:
    """Read journey files; the faults of all of them are told at once."""
    journeys, found = [], []
    for path in paths:
        try:
            journeys.append(load_journey(path))
        except JourneyflowError as error:
            found.append(str(error))
    if found:
        raise Faults("\n".join(found))
    return journeys


EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW = click.Path(dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="journeyflow")
def main() -> None:
    """Define, run, replay and question customer journeys, kept in one file."""


@main.command()
@click.option("--db", type=NEW, default=Path("demo.db"), show_default=True, help="The SQLite file it leaves behind.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def demo(db: Path, *, as_json: bool) -> None:
    """Run an onboarding journey for 2,000 made-up customers over 30 virtual days."""
    from journeyflow.demo import DAYS, run_demo  # noqa: PLC0415 wanted here alone

    bar = Bar()
    with faults_shown():
        report = run_demo(db, lambda done, of: bar("days", done, of))
    bar.close()
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    click.echo(
        f"{report.customers} people signed up; {report.entered} of them, Gold and Platinum, entered the journey."
    )
    click.echo(f"{DAYS} virtual days later {report.completed} have completed it, {report.exited} left, ", nl=False)
    click.echo(f"{report.active} are still inside; {report.converted} ordered. {report.messages} messages were sent.")
    click.echo()
    click.echo(table(report.funnel, ("step", "kind", "people", "what came of it")))
    click.echo()
    click.echo(f"Everything is in {report.path}. What to try next:")
    for line in NEXT:
        click.echo(f"  {line.format(db=report.path)}")


NEXT = (
    "sqlite-utils rows {db} visits_view --limit 5 -t",
    'sqlite-utils {db} "select status, count(*) from enrollments_view group by status" -t',
    'sqlite-utils {db} "select step, count(*) from messages_view group by step" -t',
    "python -c \"from journeyflow import Engine; print(Engine('{db}').explain('onboarding', 'c00000'))\"",
)


@main.command()
@click.argument("journeys", nargs=-1, required=True, type=EXISTING)
@click.option(
    "--events", required=True, type=EXISTING, help="CSV or NDJSON: at, type, customer[, id], further columns."
)
@click.option("--customers", type=EXISTING, help="CSV or NDJSON: customer and attributes.")
@click.option("--until", type=Instant(), help="The last instant that is run; default: the last event.")
@click.option("--db", type=NEW, help="Keep the run in this new SQLite file; default: in memory.")
@click.option("--export", type=click.Path(file_okay=False, path_type=Path), help="Write CSV files into this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def backtest(  # noqa: PLR0917 click hands them over by name
    journeys: tuple[Path, ...],
    events: Path,
    customers: Path | None,
    until: datetime | None,
    db: Path | None,
    export: Path | None,
    *,
    as_json: bool,
) -> None:
    """Run journey files on the events of the past and see what they would have done."""
    from journeyflow.simulation import backtest as run  # noqa: PLC0415 wanted here alone

    bar = Bar()
    with faults_shown():
        done = run(
            load_journeys(journeys), events=events, customers=customers, until=until, db=db, export=export, progress=bar
        )
    bar.close()
    for line in done.bad_lines:
        click.echo(f"skipped: {line}", err=True)
    if done.bad > len(done.bad_lines):
        click.echo(f"skipped: {done.bad - len(done.bad_lines)} more lines", err=True)
    figures = asdict(done)
    if as_json:
        click.echo(json.dumps(figures, default=str))
        return
    click.echo(f"{done.events} events from {done.first:%Y-%m-%d} on, run until {done.until:%Y-%m-%d %H:%M:%S} UTC:")
    names = ("entered", "refused", "moves", "messages", "bad", "unhandled")
    click.echo(table([(name, figures[name]) for name in names], ("figure", "count")))
    for what, where in (("The run is kept in", db), ("Tables are in", export)):
        if where is not None:
            click.echo(f"{what} {where}")


if __name__ == "__main__":
    main()
