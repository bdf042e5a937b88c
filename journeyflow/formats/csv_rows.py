"""CSV files as rows of values, line by line: a fault costs the lines that it is in, and no others.

The first line is read as all others are. A quote that is never closed, or closed far below by another one, takes the
lines between for one cell; then each of these lines is read for itself, and those that are whole rows are kept.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import chain, groupby, islice

from attrs import evolve

from journeyflow.basics.words import CONSENT, MEMBERS
from journeyflow.errors import InvalidInput, quoted, shortened
from journeyflow.formats.files import Bad, BadLine, FileKind, FileOptions, LineCells, Opened
from journeyflow.formats.headers import (
    SIGNS,
    first_lines,
    header_faults,
    names_of,
    other_sign,
    sign_of,
    stripped,
    whole,
)

CSV_FIELD_LIMIT = 10_000_000
"""How many characters a cell, or a record of many lines, may have: a bound on how much a broken quote can swallow."""

SWALLOWED = 3
"""So many further lines of a record that are mostly whole rows by themselves are rows that a stray quote swallowed."""

# --- records ----------------------------------------------------------------------------------------------------------


class _Held:
    """The lines of a file, held until the record that they belong to has been read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = iter(lines)
        self.held: list[str] = []
        self.room = CSV_FIELD_LIMIT

    def begin(self) -> None:
        """Begin a record."""
        self.held = []
        self.room = CSV_FIELD_LIMIT

    def __iter__(self) -> "_Held":
        return self

    def __next__(self) -> str:
        if self.room < 0:
            raise StopIteration
        line = next(self.lines)
        self.held.append(line)
        self.room -= len(line)
        return line


class Records:
    """The records of a CSV file, with the numbers of their first lines.

    `width` is the number of cells of the header; None while the header itself is read. Where nobody named the
    delimiter, `guessed`, a row that is one cell with it and a whole row with another sign is a fault.
    """

    def __init__(self, lines: Iterable[str], delimiter: str, *, guessed: bool) -> None:
        """Begin before the first line."""
        self.width: int | None = None
        self._delimiter = delimiter
        self._others = [sign for sign in SIGNS if guessed and sign != delimiter]
        self._lines = _Held(lines)
        self._reader = csv.reader(self._lines, strict=True, delimiter=delimiter)

    def __iter__(self) -> Iterator[tuple[int, list[str]] | BadLine]:
        """Yield each record that is not blank, or what is wrong with it."""
        number = 1
        while True:
            self._lines.begin()
            cells: list[str] = []
            try:
                cells = next(self._reader)
                fault = self._misfit(cells)
            except StopIteration:
                return
            except csv.Error as error:
                fault = f"this is not CSV: {error}"
            held = self._lines.held
            if fault is None:
                if cells:
                    yield number, cells
            elif len(held) == 1:
                yield BadLine(number, fault)
            else:
                yield from self._each(number, held, fault)
            number += len(held)

    @property
    def held(self) -> list[str]:
        """The lines of the last record."""
        return self._lines.held

    def _misfit(self, cells: list[str]) -> str | None:
        """Return why a record cannot be a row, or None. Empty cells after the last column are not a fault."""
        if self.width is None:
            return None
        if len(cells) > self.width and any(cells[self.width :]):
            return f"has {len(cells)} cells, the header has {self.width}"
        if len(cells) == 1 < self.width:
            for sign in self._others:
                if cells[0].count(sign) == self.width - 1:
                    return f"is separated by {sign!r}, and the header by {self._delimiter!r}"
        further = self._lines.held[1:]
        if len(further) >= SWALLOWED and sum(map(bool, map(self._alone, further))) * 2 > len(further):
            return "this is not CSV: a quoted cell holds lines that are rows"
        return None

    def _each(self, first: int, held: list[str], fault: str) -> Iterator[tuple[int, list[str]] | BadLine]:
        """Read each line of a broken record for itself; what lies between whole rows is reported together."""
        alone = enumerate(map(self._alone, held), first)
        runs = [list(each) for _, each in groupby(alone, key=lambda pair: bool(pair[1]))]
        spans = ", ".join(_span(run[0][0], run[-1][0]) for run in runs if not run[0][1])
        reason = (
            f"{fault} (a quote opens here, and goes on to line {first + len(held) - 1}; not taken: {shortened(spans)})"
        )
        for run in runs:
            if run[0][1]:
                yield from ((number, cells) for number, cells in run if cells)
            else:
                yield BadLine(run[0][0], reason, len(run))
                reason = fault

    def _alone(self, line: str) -> list[str] | None:
        """Return the cells of a line that is a whole row by itself, else None."""
        try:
            cells = next(csv.reader([line], strict=True, delimiter=self._delimiter), [])
        except csv.Error:
            return None
        return cells if self.width is not None and len(cells) == self.width else None


def _span(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}"


# --- cells ------------------------------------------------------------------------------------------------------------

ReadCell = Callable[[str], object]
"""A function that returns the value of a cell that is not empty; ValueError says what is wrong with it."""

_POINT = re.compile(r"-?(0|[1-9]\d{0,18})(\.(?:\d{0,30}[1-9]|0))?", re.ASCII)
_COMMA = re.compile(r"-?(0|[1-9]\d{0,18}|[1-9]\d{0,2}(?:\.\d{3}){1,5})(,(?:\d{0,30}[1-9]|0))?", re.ASCII)
_EITHER = re.compile(r"-?(?![1-9]\d{0,2}\.\d{3}$)(0|[1-9]\d{0,18})([.,](?:\d{0,30}[1-9]|0))?", re.ASCII)
"""Where spreadsheets separate cells by another sign the comma is decimal, and a point too if it is not thousands'."""

SPREADSHEET = (";", "\t")
"""What spreadsheets put between cells where the comma is decimal: in CSV, and in text."""

_COMMA_TEXT = re.compile(r"-?(\d+|\d{1,3}(\.\d{3})+),\d+", re.ASCII)
"""What stays text where the comma is decimal, and is spelled with a point then, so that it compares as a number."""

_DOUBTFUL: Mapping[re.Pattern[str], tuple[re.Pattern[str], str]] = {
    _COMMA: (
        re.compile(r"-?\d+\.\d+([eE][+-]?\d+)?", re.ASCII),
        "has a point where the comma is decimal: write 1,2, or 1.200 for thousands, or read with decimal_comma=False",
    ),
    _EITHER: (
        re.compile(r"-?[1-9]\d{0,2}\.\d{3}", re.ASCII),
        "may be thousands or decimals: read with decimal_comma=True or decimal_comma=False",
    ),
}
"""What would compare as a number other than the one that was meant, by the spelling; and what is wrong with it."""


def number_reader(spelling: re.Pattern[str]) -> ReadCell:
    """Return the function that reads a number in its canonical spelling, true or false, and else text.

    Codes that only look like numbers stay what they are. Text with a decimal comma gets a point: 12,50 is "12.50".
    Where a point may separate thousands, text that would compare as another number than was meant is a fault.

    >>> [number_reader(_POINT)(text) for text in ("29.5", "47.0", "-7", "1.10", "007", "1e3", "-0", "true")]
    [29.5, 47.0, -7, '1.10', '007', '1e3', '-0', True]
    >>> [number_reader(_COMMA)(text) for text in ("12,5", "12,50", "1.200", "1.234,5", "1.234,50", "1,234.50")]
    [12.5, '12.50', 1200, 1234.5, '1234.50', '1,234.50']
    """
    doubtful, fault = _DOUBTFUL.get(spelling, (None, ""))

    def read(text: str) -> object:
        match = spelling.fullmatch(text)
        if match is None or text == "-0":
            if doubtful is not None and doubtful.fullmatch(text):
                msg = f"{quoted(text)} {fault} (--decimal-comma, --decimal-point in the shell)"
                raise ValueError(msg)
            if spelling is not _POINT and _COMMA_TEXT.fullmatch(text):
                return _pointed(text)
            return text == "true" if text in {"true", "false"} else text
        plain = text if spelling is _POINT or text.isdigit() else _pointed(text, thousands=spelling is _COMMA)
        if not match[2]:
            return int(plain)
        number = float(plain)
        return number if Decimal(repr(number)) == Decimal(plain) else plain

    return read


def _pointed(text: str, *, thousands: bool = True) -> str:
    """Return a number with a point for the decimal comma, and without those between thousands."""
    return (text.replace(".", "") if thousands else text).replace(",", ".")


def _spelling(options: FileOptions) -> re.Pattern[str]:
    if options.decimal_comma is None:
        return _EITHER if options.delimiter in SPREADSHEET else _POINT
    return _COMMA if options.decimal_comma else _POINT


def _members(separator: str, trim: Callable[[str], str]) -> ReadCell:
    return lambda text: [trim(part) for part in text.split(separator)]


def _consent(separator: str, trim: Callable[[str], str]) -> ReadCell:
    """Return the function that reads channels, each perhaps with =true or =false."""

    def read(text: str) -> object:
        given: dict[str, bool] = {}
        for part in map(trim, text.split(separator)):
            channel, sign, word = part.rpartition("=")
            channel, word = (channel, word) if sign else (part, "true")
            if word not in {"true", "false"} or channel in given:
                msg = f"{quoted(part)} must be a channel, once, or one with =true or =false"
                raise ValueError(msg)
            given[channel] = word == "true"
        return given

    return read


def _one_channel(text: str) -> bool:
    if text in {"true", "false"}:
        return text == "true"
    msg = f"must be true or false, not {quoted(text)}"
    raise ValueError(msg)


def _no_separator(text: str) -> object:
    msg = (
        f"{quoted(text)} holds perhaps several; name what separates them, such as list_separator='|' "
        "(--list-separator '|' in the shell)"
    )
    raise ValueError(msg)


def _unnamed(text: str) -> object:
    msg = f"{quoted(text)} stands in a column without a name"
    raise ValueError(msg)


def _text(text: str) -> object:
    return text


def _readers(header: list[str], plain: tuple[str, ...], options: FileOptions) -> list[ReadCell]:
    """Return the function that reads the cells of each column."""
    trim, separator = stripped if options.trim else whole, options.list_separator
    special: dict[str, ReadCell] = {**dict.fromkeys((*plain, "id"), _text), "": _unnamed}
    special |= dict.fromkeys(MEMBERS, _members(separator, trim) if separator else _no_separator)
    special[CONSENT] = _consent(separator, trim) if separator else _no_separator
    usual = number_reader(_spelling(options))
    return [special.get(name, _one_channel if name.startswith(f"{CONSENT}.") else usual) for name in header]


# --- rows -------------------------------------------------------------------------------------------------------------


def csv_rows(
    file: Opened, kind: FileKind, options: FileOptions, bad: Bad, used: set[str], *, every: bool
) -> Iterator[tuple[int, LineCells]]:
    """Yield (line number, row) of a CSV file, without its empty cells; a line that is none is passed to `bad`.

    `used` gets the names that are both in `options.columns` and in the header; with `every`, all of them must be.
    Raises InvalidInput for a header that is not CSV, has a column twice, or lacks a column that is needed.
    """
    csv.field_size_limit(CSV_FIELD_LIMIT)
    head, guessed = first_lines(file.text), options.delimiter is None
    options = evolve(options, delimiter=options.delimiter or sign_of(head, kind.needed, options))
    rows = Records(chain(head, file.text), str(options.delimiter), guessed=guessed)
    records = iter(rows)
    cells = _header(records, file, options)
    if not cells:
        names = ", ".join(kind.needed)
        raise InvalidInput([f"{file.name}: there is no header; the first line names columns, here {names}"])
    used.update(cell for cell in cells if cell in options.columns)
    header = names_of(cells, options)
    trim, readers = stripped if options.trim else whole, _readers(header, kind.needed, options)

    def read(record: list[str]) -> tuple[LineCells, list[str]]:
        return _row(zip(header, record, readers, strict=False), file, trim)

    faults = list(header_faults(cells, header, kind.needed, options.columns if every else ()))
    broken = file.undecoded("".join(cells))
    if (broken or faults) and (hint := other_sign(cells, rows.held, file, kind.needed, options)):
        faults = [hint]
    elif broken:
        first = next(records, None)
        faults = [f"the header {broken}", *(kind.unread(read(first[1])[0]) if isinstance(first, tuple) else ())]
    if faults:
        raise InvalidInput([f"{file.name}: {fault}" for fault in faults])
    rows.width = len(header)
    yield from _rows(records, kind, read, bad)


def _rows(
    records: Iterator[tuple[int, list[str]] | BadLine],
    kind: FileKind,
    read: Callable[[list[str]], tuple[LineCells, list[str]]],
    bad: Bad,
) -> Iterator[tuple[int, LineCells]]:
    for record in records:
        if isinstance(record, BadLine):
            bad(record)
            continue
        row, faults = read(record[1])
        if faults:
            bad(BadLine(record[0], "; ".join([*faults, *kind.unread(row)])))
        elif row and (empty := [name for name in kind.needed if name not in row]):
            bad(BadLine(record[0], "; ".join(f"{name}: the cell is empty; each line needs one" for name in empty)))
        elif row:
            yield record[0], row


def _row(
    cells: Iterable[tuple[str, str, ReadCell]], file: Opened, trim: Callable[[str], str]
) -> tuple[LineCells, list[str]]:
    """Return the values of a row by column, and what is wrong with them; columns `consent.X` make one object."""
    row: LineCells = {}
    faults: list[str] = []
    channels: LineCells = {}
    for name, text, read in cells:
        if not text:
            continue
        try:
            if value := trim(text):
                if fault := file.undecoded(value):
                    raise ValueError(fault)  # noqa: TRY301 reported as all faults of a cell
                if read is _one_channel:
                    channels[name.removeprefix(f"{CONSENT}.")] = read(value)
                else:
                    row[name] = read(value)
        except ValueError as error:
            faults.append(f"{name or 'a cell'}: {error}")
    if channels:
        row[CONSENT] = {**row.get(CONSENT, {}), **channels}  # type: ignore[dict-item]  # what _consent read
    return row, faults


def _header(records: Iterator[tuple[int, list[str]] | BadLine], file: Opened, options: FileOptions) -> list[str]:
    """Return the cells of the header, without empty ones at its end; a line for spreadsheets alone is passed over."""
    cells: list[str] = []
    for record in islice(records, 2):
        if isinstance(record, BadLine):
            raise InvalidInput([f"{file.name}: the header cannot be read: {record}"])
        cells = [stripped(cell) if options.trim else cell for cell in record[1]]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) != 1 or not cells[0].startswith("sep="):
            break
    return cells
