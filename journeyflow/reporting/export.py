"""Enrollments, visits and messages as CSV or NDJSON files, row by row, in memory that does not grow with them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from mmap import mmap
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Literal

from journeyflow.basics.expecting import expect_with
from journeyflow.basics.moments import iso
from journeyflow.basics.values import dumps
from journeyflow.errors import InvalidInput
from journeyflow.formats.cells import write_csv
from journeyflow.questions.export_tables import EXPORT_TABLES, Table, everybody, journeys_by_name
from journeyflow.stores.contract import SqlReader, Store

Format = Literal["csv", "ndjson"]

CHUNK = 50
"""Enrollments asked about at once: few, because one alone may have ten thousand visits."""

_BLOCK = 1 << 16
"""Numbers that are written at once while room is made for all of them."""


def _silent(_done: int, _of: int) -> None:
    """Show no progress."""


def export_tables(
    store: Store,
    folder: str | PathLike[str],
    progress: Callable[[int, int], object] = _silent,
    *,
    tables: Collection[str] = tuple(EXPORT_TABLES),
    format: Format = "csv",  # noqa: A002 the word for it
    tenant: str | None = None,
    exact: bool = False,
    bare: bool = False,
) -> dict[str, int]:
    """Write each of `tables` into a file of a folder, such as `visits.csv`; return how many rows each has.

    The rows are those of all tenants or of one, by tenant, journey, customer, run and visit. Instants are ISO 8601 in
    UTC with six decimals; a missing one is empty in CSV and null in NDJSON. A CSV cell that a spreadsheet may take for
    a formula begins with an apostrophe, unless `exact`; NDJSON is always exact. The last columns,
    unless `bare`, are the attempts, last errors and ids of messages, and the keys of runs.

    The folder is made if it is missing. All files show one instant, however long writing them takes; meanwhile other
    threads that use this store wait, other processes do not. `progress` is called with how many enrollments are done,
    and of how many. Raises InvalidInput for an unknown table or format, OSError where nothing can be written.

    >>> from journeyflow import MemoryStore
    >>> from tempfile import mkdtemp
    >>> export_tables(MemoryStore(), mkdtemp(), tables=["messages"], format="ndjson")
    {'messages': 0}
    """
    expect_with("reader", "a store", store=store)
    _refuse(tables, format)
    target = Path(fspath(folder))
    target.mkdir(parents=True, exist_ok=True)
    counts = {}
    with store.reader() as reader, _ordered(reader, tenant) as serials:
        runs = len(serials)
        for position, name in enumerate(tables):
            table, done, of = EXPORT_TABLES[name], runs * position, runs * len(tables)
            columns = table.shown(bare=bare)
            lines = _told(_rows(reader, table, serials, len(columns)), progress, done, of)
            with (target / f"{name}.{format}").open("w", encoding="utf-8", newline="") as file:
                counts[name] = _write(file, columns, lines, format, exact=exact)
            progress(done + runs, of)
    return counts


@contextmanager
def _ordered(reader: SqlReader, tenant: str | None) -> Iterator[memoryview]:
    """Yield the serials of all enrollments, by tenant, journey, customer and run.

    An index yields customers in that order, but each with all journeys; so the serials are placed journey by journey,
    each after the earlier ones of its journey (a counting sort). That takes two walks through the index, however many
    journeys there are, and no memory: the serials are in a file, eight bytes each.
    """
    sizes = Counter(journey for journey, _ in everybody(reader, tenant))
    count, places = 0, {}
    for journey in journeys_by_name(reader):
        places[journey], count = count, count + sizes[journey]
    with _numbers(count) as serials:
        for journey, serial in everybody(reader, tenant, in_order=True):
            serials[places[journey]] = serial
            places[journey] += 1
        yield serials


@contextmanager
def _numbers(count: int) -> Iterator[memoryview]:
    """Yield room for a number of integers of 64 bits, in a file that is gone afterwards."""
    with TemporaryFile() as file:
        for _ in range(count // _BLOCK + 1):  # written in full: filling a sparse file could find the disk full later
            file.write(bytes(8 * _BLOCK))
        file.flush()
        with (
            mmap(file.fileno(), 0) as room,
            memoryview(room) as all_bytes,
            all_bytes[: 8 * count] as wanted,
            wanted.cast("q") as numbers,
        ):
            yield numbers


def _rows(reader: SqlReader, table: Table, serials: memoryview, width: int) -> Iterator[tuple[int, list[Any]]]:
    """Yield rows one by one, each after the position of its enrollment; instants are text, None if there is none."""
    at = [table.columns.index(instant) for instant in table.instants]
    for start in range(0, len(serials), CHUNK):
        for place, *cells in reader.rows(table.sql, (dumps(serials[start : start + CHUNK].tolist()),)):
            for position in at:
                cells[position] = None if cells[position] is None else iso(cells[position])
            yield start + place, cells[:width]


def _told(
    lines: Iterable[tuple[int, list[Any]]], progress: Callable[[int, int], object], done: int, of: int
) -> Iterator[list[Any]]:
    """Yield lines, and report progress at each new enrollment, whose rows come together."""
    last = -1
    for place, line in lines:
        if place != last:
            last = place
            progress(done + place + 1, of)
        yield line


def _write(file: IO[str], columns: tuple[str, ...], lines: Iterable[list[Any]], kind: str, *, exact: bool) -> int:
    if kind == "csv":
        return write_csv(file, columns, lines, exact=exact)
    count = 0
    for line in lines:
        file.write(dumps(dict(zip(columns, line, strict=True))) + "\n")
        count += 1
    return count


def _refuse(tables: Collection[str], kind: str) -> None:
    """Raise InvalidInput for unknown tables and formats, all at once."""
    found = [f"tables: {name!r} is none of {', '.join(EXPORT_TABLES)}" for name in tables if name not in EXPORT_TABLES]
    if kind not in {"csv", "ndjson"}:
        found.append(f"format: must be 'csv' or 'ndjson', not {kind!r}")
    if found:
        raise InvalidInput(found)
