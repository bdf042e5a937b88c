"""Event and customer files, read as a stream: CSV, NDJSON or a JSON array, strictly, line by line.

An event file has the columns `at,type,customer[,id]`, and every further column is data; a customer file has `customer`
and attributes. In CSV, a cell that is a number in its canonical spelling, true or false is read as such, and an empty
cell as absent. A line that cannot be read is passed to `bad` with its number and the reason; the other lines are still
read. `FileOptions` describes how a file is written.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Unpack
from zoneinfo import ZoneInfo

from journeyflow.basics.moments import from_micros, parse_instant, read_instant
from journeyflow.basics.values import describe, id_fault
from journeyflow.definition.rules.attribute_checks import attribute_faults
from journeyflow.errors import InvalidInput
from journeyflow.formats.csv_rows import csv_rows
from journeyflow.formats.files import (
    Bad,
    BadLine,
    BytesRead,
    FileKeywords,
    FileKind,
    FileOptions,
    LineCells,
    Source,
    file_options,
    opened,
    silent,
)
from journeyflow.formats.objects import json_rows
from journeyflow.records.public import Event

PROGRESS_EVERY = 1_000
"""After how many rows a reader says how far it is."""


def read_events(
    path: Source, *, bad: Bad, progress: BytesRead = silent, **options: Unpack[FileKeywords]
) -> Iterator[Event]:
    """Yield the events of a file, in the order of its lines.

    `path` may also be a stream of bytes. `bad` is called with each line that cannot be read, `progress` now and then
    with the number of bytes read so far. `options` are the fields of `FileOptions`. Raises InvalidInput for a CSV file
    without the columns `at`, `type` and `customer`, and for a file that is neither CSV nor JSON.
    """
    return events_of(path, file_options(options), bad, progress)


def read_customers(
    path: Source, *, bad: Bad, progress: BytesRead = silent, **options: Unpack[FileKeywords]
) -> Iterator[tuple[str, LineCells]]:
    """Yield (customer, attributes) of a file in its order, as `read_events` does.

    Raises InvalidInput for a CSV file without `customer`, and for a file that is neither CSV nor JSON.
    """
    return customers_of(path, file_options(options), bad, progress)


def events_of(
    source: Source, options: FileOptions, bad: Bad, progress: BytesRead, used: set[str] | None = None
) -> Iterator[Event]:
    """Yield the events of a file; with `used`, names in `options.columns` that the file lacks are not a fault."""
    zone = options.zone

    def unread(row: LineCells) -> Iterator[str]:
        try:
            _instant(str(row.get("at", _SOME)), zone)
        except ValueError as error:
            yield str(error)

    for number, row in _rows(source, FileKind(("at", "type", "customer"), unread), options, bad, progress, used):
        try:
            yield _event(row, zone)
        except (InvalidInput, ValueError, TypeError) as error:
            bad(BadLine(number, "; ".join(error.faults) if isinstance(error, InvalidInput) else str(error)))


_SOME = "2000-01-01T00:00:00Z"
"""Stands for an instant that another fault hides."""

_CUSTOMERS = FileKind(("customer",), lambda _: ())


def customers_of(
    source: Source, options: FileOptions, bad: Bad, progress: BytesRead, used: set[str] | None = None
) -> Iterator[tuple[str, LineCells]]:
    """Yield the customers of a file; `used` is that of `events_of`."""
    for number, row in _rows(source, _CUSTOMERS, options, bad, progress, used):
        customer = row.pop("customer", None)
        faults = [f"customer: {fault}"] if (fault := id_fault(customer)) else list(attribute_faults(row))
        if faults:
            bad(BadLine(number, "; ".join(faults)))
        else:
            yield str(customer), row


def _rows(  # noqa: PLR0917 what a file needs
    source: Source,
    kind: FileKind,
    options: FileOptions,
    bad: Bad,
    progress: BytesRead,
    used: set[str] | None,
) -> Iterator[tuple[int, LineCells]]:
    """Yield (line number, row) of a file, with the names that its columns are given here."""
    with opened(source, options) as file:
        number = 0
        found = set[str]() if used is None else used
        if file.start in {"{", "["}:
            found.update(options.columns)
            rows = _renamed(json_rows(file, bad), options.columns, kind.needed, bad)
        else:
            rows = csv_rows(file, kind, options, bad, found, every=used is None)
        try:
            for count, (number, row) in enumerate(rows):
                if count % PROGRESS_EVERY == 0:
                    progress(file.bytes_read())
                yield number, row
        except UnicodeError as error:
            bad(BadLine(number + 1, f"from here on this is not {file.encoding} text: {error}"))
        progress(file.bytes_read())


_MISSING = (
    "the key '{0}' is missing; if another key has it, map that: columns={{'X': '{0}'}} (--map X={0} in the shell)"
)


def _renamed(
    rows: Iterator[tuple[int, LineCells]], names: Mapping[str, str], needed: tuple[str, ...], bad: Bad
) -> Iterator[tuple[int, LineCells]]:
    for number, row in rows:
        renamed = {names.get(key, key): value for key, value in row.items()} if names else row
        missing = [name for name in needed if name not in renamed]
        if len(renamed) < len(row):
            bad(BadLine(number, "two of its keys are mapped to one name"))
        elif missing:
            bad(BadLine(number, "; ".join(map(_MISSING.format, missing))))
        else:
            yield number, renamed


# --- events -----------------------------------------------------------------------------------------------------------


def _event(row: LineCells, zone: ZoneInfo | None) -> Event:
    """Make an event of a row; an object under "data" is data too."""
    at, kind, customer, name = (row.pop(key, None) for key in ("at", "type", "customer", "id"))
    if not isinstance(at, str):
        raise InvalidInput([f"at: must be an ISO 8601 instant, not {describe(at)}"])
    nested = row.pop("data", None)
    if isinstance(nested, Mapping):
        row = {**nested, **row}
    elif nested is not None:
        row["data"] = nested
    return Event(kind, customer=customer, at=from_micros(_instant(at, zone)), id=name, data=row)  # type: ignore[arg-type]  # Event checks it


REMEDIES = (
    (re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b.*", re.ASCII | re.DOTALL), "day and month may be confused"),
    (re.compile(r"\d{4}[./]\d{1,2}[./]\d{1,2}\b.*", re.ASCII | re.DOTALL), "the date needs hyphens"),
    (re.compile(r"[1-9]\d{4}([.,]\d+)?", re.ASCII), "this is the number of a day in a spreadsheet"),
    (re.compile(r"[1-9]\d{9}([.,]\d+)?|[1-9]\d{12}", re.ASCII), "this is a count of seconds or milliseconds"),
)
"""Instants as people have them, and what is wrong with them."""

SPREADSHEET = "; in a spreadsheet, format the column as yyyy-mm-dd hh:mm:ss and save again"

ZONE = ", or name the zone of the file, such as timezone='Europe/Paris' (--timezone Europe/Paris in the shell)"


def _instant(text: str, zone: ZoneInfo | None) -> int:
    """Read an instant, without an offset in the zone of the file; ValueError says what to do with another one."""
    local = None if zone is None else read_instant(text, zone)
    if local is not None:
        return local
    try:
        return parse_instant(text)
    except ValueError as error:
        what = next((what for form, what in REMEDIES if form.fullmatch(text)), None)
        if what:
            msg = f"{error}: {what}{SPREADSHEET}"
        else:
            msg = f"{error}{ZONE}" if "has no offset" in str(error) else str(error)
        raise ValueError(msg) from None
