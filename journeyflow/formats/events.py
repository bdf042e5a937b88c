"""Event and customer files, read as a stream: CSV or NDJSON, strictly, line by line.

An event file has the columns `at,type,customer[,id]`, and every further column is data; a customer file has `customer`
and attributes. In CSV, a cell that is a JSON number, true or false is read as such, and an empty cell as absent. A line
that cannot be read is passed to `bad` with its number and the reason; the other lines are still read.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TextIO

from attrs import frozen

from journeyflow.basics.moments import from_micros, parse_instant
from journeyflow.basics.values import describe, id_fault
from journeyflow.definition.rules.changes import attribute_faults
from journeyflow.errors import InvalidInput, did_you_mean
from journeyflow.records.public import Event

LineCells = dict[str, object]

CSV_FIELD_LIMIT = 10_000_000
"""How many characters a cell may have: a bound on how much a broken quote can swallow."""

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,18})(\.\d{1,30})?([eE][+-]?\d{1,3})?", re.ASCII)


@frozen
class BadLine:
    """A line that could not be read: its number in the file, from 1, and the reason."""

    number: int
    reason: str

    def __str__(self) -> str:
        """Return the number of the line and the reason."""
        return f"line {self.number}: {self.reason}"


Bad = Callable[[BadLine], object]

BytesRead = Callable[[int], object]
"""A function that is called with the number of bytes read from the file so far."""


def read_events(path: str | PathLike[str], *, bad: Bad, progress: BytesRead = lambda _: None) -> Iterator[Event]:
    """Yield the events of a file, in the order of its lines.

    `bad` is called with each line that cannot be read, `progress` now and then with the number of bytes read so far.
    Raises InvalidInput for a CSV file without the columns `at`, `type` and `customer`.
    """
    for number, row in _rows(path, ("at", "type", "customer"), bad, progress):
        try:
            yield _event(row)
        except (InvalidInput, ValueError, TypeError) as error:
            bad(BadLine(number, _reason(error)))


def _reason(error: Exception) -> str:
    return "; ".join(error.faults) if isinstance(error, InvalidInput) else str(error)


def _event(row: LineCells) -> Event:
    """Make an event of a row; an object under "data" is data too."""
    at, kind, customer, name = (row.pop(key, None) for key in ("at", "type", "customer", "id"))
    if not isinstance(at, str):
        raise InvalidInput([f"at: must be an ISO 8601 instant, not {describe(at)}"])
    nested = row.pop("data", None)
    if isinstance(nested, Mapping):
        row = {**nested, **row}
    elif nested is not None:
        row["data"] = nested
    return Event(kind, customer=customer, at=from_micros(parse_instant(at)), id=name, data=row)  # type: ignore[arg-type]  # Event checks it


def read_customers(
    path: str | PathLike[str], *, bad: Bad, progress: BytesRead = lambda _: None
) -> Iterator[tuple[str, LineCells]]:
    """Yield (customer, attributes) of a file in its order; raises InvalidInput for a file without `customer`."""
    for number, row in _rows(path, ("customer",), bad, progress):
        customer = row.pop("customer", None)
        faults = [f"customer: {fault}"] if (fault := id_fault(customer)) else list(attribute_faults(row))
        if faults:
            bad(BadLine(number, "; ".join(faults)))
        else:
            yield str(customer), row


def _rows(
    path: str | PathLike[str], columns: tuple[str, ...], bad: Bad, progress: BytesRead
) -> Iterator[tuple[int, LineCells]]:
    """Yield (line number, row) of a file; its first character tells whether it is NDJSON."""
    file: TextIO
    with Path(fspath(path)).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        start = file.read(1)
        file.seek(0)
        rows = _json_rows(file, bad) if start == "{" else _csv_rows(file, columns, bad, fspath(path))
        for count, row in enumerate(rows):
            if count % 1_000 == 0:
                progress(_position(file))
            yield row
        progress(_position(file))


def _position(file: TextIO) -> int:
    """Return how many bytes were read; the text layer does not allow `tell` during iteration."""
    return file.buffer.tell()


def _json_rows(file: TextIO, bad: Bad) -> Iterator[tuple[int, LineCells]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            bad(BadLine(number, f"this is no JSON: {error}"))
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            bad(BadLine(number, f"expected an object, not {describe(row)}"))


def _unique(pairs: list[tuple[str, object]]) -> LineCells:
    row = dict(pairs)
    if len(row) != len(pairs):
        twice = next(key for n, (key, _) in enumerate(pairs) if key in dict(pairs[:n]))
        msg = f"the key {twice!r} stands twice"
        raise ValueError(msg)
    return row


def _no_constant(name: str) -> None:
    msg = f"{name} is no JSON number"
    raise ValueError(msg)


def _csv_rows(file: TextIO, columns: tuple[str, ...], bad: Bad, path: str) -> Iterator[tuple[int, LineCells]]:
    csv.field_size_limit(CSV_FIELD_LIMIT)
    reader = csv.reader(file, strict=True)
    header = next(reader, None) or []
    _check_header(header, columns, path)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            bad(BadLine(reader.line_num, f"this is no CSV: {error}"))
            continue
        if len(cells) > len(header):
            bad(BadLine(reader.line_num, f"has {len(cells)} cells, the header has {len(header)}"))
        elif cells:
            texts = dict(zip(header, cells, strict=False))
            row: LineCells = {name: _cell(name, text, columns) for name, text in texts.items() if text != ""}
            yield reader.line_num, row


def _check_header(header: list[str], columns: tuple[str, ...], path: str) -> None:
    """Raise InvalidInput for a header with a missing or duplicate column, or with a separator other than a comma."""
    if len(header) == 1 and (sign := next((each for each in ";\t|" if each in header[0]), None)):
        raise InvalidInput([f"{path}: the cells are separated by {sign!r}; write commas"])
    faults = [
        f"{path}: the header has no column {name!r}{did_you_mean(name, header)}"
        for name in columns
        if name not in header
    ]
    faults += [
        f"{path}: the header has the column {name!r} twice" for name in sorted(set(header)) if header.count(name) > 1
    ]
    if faults:
        raise InvalidInput(faults)


def _cell(name: str, text: str, columns: tuple[str, ...]) -> object:
    """Return the value of a cell: ids and instants stay text, numbers and booleans are converted."""
    if name in columns or name == "id":
        return text
    if text in {"true", "false"}:
        return text == "true"
    match = _NUMBER.fullmatch(text)
    if not match:
        return text
    return float(text) if match[2] or match[3] else int(text)
