"""What all commands share: reading instants and files; showing progress, tables, JSON and faults."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

import click

from journeyflow.basics.answer_rows import as_values
from journeyflow.basics.moments import from_micros, parse_instant, read_instant, zone
from journeyflow.basics.showing import SHOWN_IN, counted, local, shown_at
from journeyflow.cli.output import as_cell, echo
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.errors import InvalidInput, InvalidJourney, JourneyflowError
from journeyflow.formats.file_tally import SHOWN
from journeyflow.formats.files import BadLine, Source, foreign
from journeyflow.formats.policies import loads_policies
from journeyflow.formats.registry import is_draft, loads_any
from journeyflow.questions.paging import Cursor, Page
from journeyflow.stores.addresses import is_address

BAR = 40
"""Characters of a progress bar."""


def _shown_in(_context: click.Context, _option: click.Parameter, name: str | None) -> None:
    """Show instants in a zone until the command ends."""
    if name is not None:
        try:
            SHOWN_IN.set(zone(name))
        except ValueError as error:
            raise click.BadParameter(str(error)) from error


LOCAL = click.option(
    "--timezone",
    expose_value=False,
    is_eager=True,  # before the instants that it is about are read
    callback=_shown_in,
    help="The zone of instants that are shown, and of those given without an offset; default: UTC.",
)
"""The option of every command on a database that shows instants or takes some."""


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant with an offset, or without one in the zone of `--timezone`."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 as click
        """Read the instant, or fail with what is wrong with it."""
        if isinstance(value, datetime):
            return value
        try:
            where = SHOWN_IN.get()
            known = None if where is None else read_instant(value, where)
            return from_micros(parse_instant(value) if known is None else known)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Whole(click.IntRange):
    """A whole number within bounds."""

    name = "integer"


class Number(click.types.FloatParamType):
    """A number; infinity is none."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 as click
        """Read the number, or fail."""
        found = super().convert(value, param, ctx)
        return found if isfinite(found) else self.fail(f"{value!r} is not a valid number.", param, ctx)


class NumberRange(click.FloatRange, Number):
    """A number within bounds."""

    name = "number"


class Take(click.ParamType[int | None]):
    """How many rows to show: a number, or "all"."""

    name = "integer|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:  # noqa: ANN401 as click
        """Return the number; None for all."""
        return None if value == "all" else click.INT.convert(value, param, ctx)


class Faults(click.ClickException):
    """Faults of the input or the database, one per line; exit status 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:  # noqa: ANN401, ARG002 click's signature
        """Print the faults without a stack trace."""
        echo(f"Error: {self.message}", err=True)


@contextmanager
def faults_shown() -> Iterator[None]:
    """Turn errors of the library and of the file system into messages."""
    try:
        yield
    except JourneyflowError as error:
        raise Faults(str(error)) from error
    except OSError as error:
        where = f"{error.filename}: {error.strerror}; name a place that is there and may be used"
        raise Faults(where if error.filename else str(error)) from error


@contextmanager
def numbers_checked() -> Iterator[None]:
    """Turn errors into messages, and what is said of numbers and lengths that cannot be into wrong usage."""
    try:
        with faults_shown():
            yield
    except ValueError as error:
        raise click.UsageError(str(error)) from error


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
            self._draw(f"\r{text}")

    def close(self) -> None:
        """Remove the bar."""
        if self.last:
            self._draw("\r" + " " * len(self.last) + "\r")
            self.last = ""

    def _draw(self, text: str) -> None:
        """Write over the line, unless the terminal is gone: the work goes on."""
        with suppress(OSError):
            click.echo(text, nl=False, err=True)


def text_table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """Format rows in columns, numbers to the right; None, an unknown figure, is a dash."""
    cells = [["-" if cell is None else as_cell(str(cell)) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [all(isinstance(row[column], int | None) for row in rows) for column in range(len(header))]
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if to else cell.ljust(width) for cell, width, to in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def source_of(path: Path) -> Source:
    """Return a file to read; - is standard input."""
    return sys.stdin.buffer if str(path) == "-" else path


class NoText(InvalidInput):
    """A file that should be JSON is not text in UTF-8; `why` says what it is, without its name."""

    def __init__(self, path: Path, why: str) -> None:
        """Name the file."""
        super().__init__([f"{path}: {why}"])
        self.why = why


def text_of(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark; - is standard input. Raises NoText."""
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    if told := foreign(data):
        raise NoText(path, f"this is {told[0]}; give a JSON file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoText(path, f"this is not UTF-8 text: its byte {error.start} is none; save it in UTF-8") from error


def show_skipped(name: str, lines: Sequence[BadLine], bad: int) -> None:
    """Print on standard error which lines of a file were skipped, and count those that are too many to print."""
    for line in lines[:SHOWN]:
        echo(f"skipped: {name}, {line}", err=True)
    if more := bad - sum(line.lines for line in lines[:SHOWN]):
        echo(f"skipped: {counted(more, 'more line')}", err=True)


def load_journey(path: Path) -> Journey:
    """Read a journey file of any dialect; print on standard error what of it is lost.

    Raises InvalidJourney with the file's name.
    """
    return _load(path)[0]


def _load(path: Path) -> tuple[Journey, bool]:
    """Read a journey file, and whether it says of its journey that it does not run."""
    text = text_of(path)
    try:
        journey, losses = loads_any(text)
    except InvalidJourney as error:
        name = f"{error.journey} in {path}"
        raise InvalidJourney(name, error.problems) from error
    for loss in losses:
        echo(f"lost: {path}: {loss}", err=True)
    return journey, is_draft(text)


def load_journeys(paths: Sequence[Path]) -> list[Journey]:
    """Read journey files; the faults of all of them are reported at once."""
    return [journey for journey, _ in load_stated(paths)]


def load_stated(paths: Sequence[Path]) -> list[tuple[Journey, bool]]:
    """Read journey files, each with whether it is a draft; the faults of all of them are reported at once."""
    journeys, found = [], []
    for path in paths:
        try:
            journeys.append(_load(path))
        except JourneyflowError as error:
            found.append(str(error))
    if found:
        raise Faults("\n".join(found))
    return journeys


def load_policies(path: Path) -> Policies:
    """Read a policy file; its faults are reported with its name."""
    text = text_of(path)
    try:
        return loads_policies(text)
    except InvalidInput as error:
        raise InvalidInput([f"{path}: {fault}" for fault in error.faults]) from error


def cursor_option(text: str) -> Cursor:
    """Read a cursor as it was printed."""
    return int(text) if text.isascii() and text.isdigit() else text


EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
A_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
"""A file that is only read; - is standard input."""

NEW = click.Path(dir_okay=False, path_type=Path)

Database = Path | str
"""Where a database is: the path of a file, or an address."""


class DatabaseParam(click.Path):
    """The path of a database, or its address, which is not a file to look for."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 as click has it
        """Return an address as it is."""
        return value if is_address(value) else super().convert(value, param, ctx)


DATABASE = DatabaseParam(exists=True, dir_okay=False, path_type=Path)
NEW_DATABASE = DatabaseParam(dir_okay=False, path_type=Path)

jump = click.option("--allow-jump", is_flag=True, help="Continue even if work has been due for implausibly long.")
skip = click.option("--skip", default=0, show_default=True, help="Skip this many.")
take = click.option("--take", type=Take(), default=25, show_default=True, help="Show at most this many, or all.")
after = click.option(
    "--after", type=cursor_option, metavar="CURSOR", help="Continue after the cursor of the previous page."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
tenant = click.option("--tenant", default="default", show_default=True, help="The tenant.")


Command = TypeVar("Command", bound=Callable[..., Any])


def _mapped(_context: click.Context, _option: click.Parameter, pairs: Sequence[str]) -> dict[str, str]:
    """Read the pairs of --map; a column may have a sign of equality in its name."""
    found: dict[str, str] = {}
    for pair in pairs:
        column, _, name = pair.rpartition("=")
        if not column or not name:
            msg = f"{pair!r} must be COLUMN=NAME, such as 'E-mail=customer'"
            raise click.BadParameter(msg)
        if found.setdefault(column, name) != name:
            msg = f"the column {column!r} has two names"
            raise click.BadParameter(msg)
    return found


READING = (
    click.option("--delimiter", help='Between cells of CSV, such as ";" or tab; default: what the header shows.'),
    click.option("--encoding", help="Of the file, such as cp1252 for Excel; default: UTF-8, UTF-16 if it begins so."),
    click.option("--timezone", help="The zone of instants without an offset, such as Europe/Paris."),
    click.option(
        "--map", "columns", multiple=True, metavar="COLUMN=NAME", callback=_mapped,
        help="Read a column, or a key, under another name; may be repeated.",
    ),
    click.option("--list-separator", help="What separates the members in cells of lists, tags and consent."),
    click.option(
        "--decimal-comma/--decimal-point", default=None,
        help='Whether 0,5 is a number in CSV, and 1.200 is 1200, or 0.5; default: the point, and between ";" or tabs '
        "both, where 1.200 is a fault.",
    ),
    click.option("--trim", is_flag=True, help="Remove blanks around cells of CSV, which are faults otherwise."),
)  # fmt: skip
"""How files of events and customers are written: the options of all commands that read some."""


def reading(command: Command) -> Command:
    """Return a command with the options of `READING`."""
    for option in reversed(READING):
        command = option(command)
    return command


def now() -> datetime:
    """Return the instant of this call: the one place where journeyflow reads a clock (R1)."""
    return datetime.now(UTC)


def now_option(*names: str) -> Callable[[Command], Command]:
    """Make the option of an instant that defaults to now."""
    return click.option(
        *(names or ("--at",)),
        type=Instant(),
        default=now,
        show_default="now",
        help="The instant, ISO 8601.",
    )


DERIVED: Mapping[str, tuple[str, ...]] = {
    "ExperimentPlan": ("people", "power", "days", "lost"),
    "Group": ("rate", "interval"),
    "Comparison": ("difference", "interval", "enough", "decided", "sentence"),
    "SampleRatio": ("suspicious", "sentence"),
    "Results": ("sentences",),
    "Migration": ("people",),
    "WhyNot": ("would_enter",),
}
"""Properties that JSON has beside the fields of a record, by the name of its class: all that a command's text says,
its JSON says too."""


def to_json(value: object) -> object:
    """Convert results to JSON values: records to objects, days and instants to ISO 8601."""
    return as_values(value, _simple, DERIVED)


def _simple(value: object) -> object:
    if isinstance(value, datetime):
        return local(value).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def show(value: object, text: str, *, as_json: bool) -> None:
    """Print a result: as JSON for machines, else as text. Raises Unwritten if it cannot be written."""
    echo(json.dumps(to_json(value), ensure_ascii=False, indent=2) if as_json else text)


def instant_text(at: datetime | None) -> str:
    """Format an instant for people."""
    return "" if at is None else shown_at(at)


def page_end(page: Page[Any]) -> str:
    """Return the place of a page in the whole, and where the next one begins.

    >>> print(page_end(Page(("a", "b"), 3, 0, 2, '["b",2]')))
    1 to 2 of 3
    more: --after '["b",2]'
    """
    shown = len(page.items)
    end = f"{page.skip + 1} to {page.skip + shown} of {page.total}" if shown else f"none of {page.total}"
    return end if page.cursor is None else f"{end}\nmore: --after {quote(str(page.cursor))}"
