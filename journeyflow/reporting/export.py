"""Enrollments, visits and messages as CSV or NDJSON files, row by row, in memory that does not grow with them."""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, Literal

from attrs import frozen

from journeyflow.cells import cell
from journeyflow.errors import InvalidInput
from journeyflow.moments import iso
from journeyflow.store import Reader, Store
from journeyflow.stores.schema import VISITS
from journeyflow.values import dumps

Format = Literal["csv", "ndjson"]

_PEOPLE = """
FROM journeys j
CROSS JOIN customers c ON c.tenant = j.tenant
CROSS JOIN enrollments e ON e.customer = c.number AND e.journey = j.number
"""
_ORDER = "WHERE :tenant IS NULL OR j.tenant = :tenant ORDER BY j.tenant, j.id, c.id, e.run"
"""Journeys and customers come in the order of their index: nothing but the rows of one enrollment is ever sorted."""


@frozen
class Table:
    """What can be exported: its columns, which of them are instants, and the query that gives its rows in order."""

    columns: tuple[str, ...]
    instants: tuple[str, ...]
    sql: str


TABLES: Mapping[str, Table] = {
    "enrollments": Table(
        ("tenant", "journey", "version", "customer", "run", "status", "reason", "entered_at", "ended_at"),
        ("entered_at", "ended_at"),
        f"""SELECT c.tenant, j.id, v.version, c.id, e.run, e.status, e.reason, e.entered_at, e.ended_at
        {_PEOPLE} JOIN versions v ON v.number = e.version {_ORDER}""",
    ),
    "visits": Table(
        ("tenant", "journey", "customer", "run", "n", "step", "status", "entered_at", "left_at", "outcome"),
        ("entered_at", "left_at"),
        f"""SELECT c.tenant, j.id, c.id, e.run, w.n, w.step, w.status, w.entered, w.left, w.outcome
        {_PEOPLE} CROSS JOIN ({VISITS}) w ON w.enrollment = e.serial {_ORDER}, w.n""",
    ),
    "messages": Table(
        ("tenant", "journey", "customer", "run", "n", "step", "channel", "template", "at", "status"),
        ("at",),
        f"""SELECT c.tenant, j.id, c.id, e.run, m.n, m.step, m.channel, m.template, m.at, m.status
        {_PEOPLE} CROSS JOIN messages m ON m.enrollment = e.serial {_ORDER}, m.n""",
    ),
}
"""Everything that can be exported, by name."""


def _silent(_done: int, _of: int) -> None:
    """Show no progress."""


def export_tables(
    store: Store,
    folder: str | PathLike[str],
    progress: Callable[[int, int], object] = _silent,
    *,
    tables: Collection[str] = tuple(TABLES),
    format: Format = "csv",  # noqa: A002 the word for it
    tenant: str | None = None,
    exact: bool = False,
) -> dict[str, int]:
    """Write each of `tables` into a file of a folder, such as `visits.csv`; give how many rows each has.

    Rows are those of all tenants, or of one, by tenant, journey, customer, run and visit. Instants are ISO 8601 in UTC
    with six decimals, empty (null) where there is none. A CSV cell that a spreadsheet may take for a formula begins
    with an apostrophe, unless `exact`; NDJSON is always exact. The folder is made where it is missing. All files show
    one instant, however long writing them takes; meanwhile this store's other threads wait, other processes do not.
    `progress` is told how many enrollments of how many. Raises InvalidInput for a table or format that is none.

    >>> from journeyflow import MemoryStore
    >>> from tempfile import mkdtemp
    >>> export_tables(MemoryStore(), mkdtemp(), tables=["messages"], format="ndjson")
    {'messages': 0}
    """
    _refuse(tables, format)
    target = Path(fspath(folder))
    target.mkdir(parents=True, exist_ok=True)
    counts = {}
    with store.reader() as reader:
        sql = "SELECT count(*) FROM journeys j JOIN enrollments e ON e.journey = j.number"
        sql += " WHERE :tenant IS NULL OR j.tenant = :tenant"
        runs = int(reader.rows(sql, {"tenant": tenant})[0][0])
        for position, name in enumerate(tables):
            table, done, of = TABLES[name], runs * position, runs * len(tables)
            lines = _told(rows(reader, name, tenant), table.columns.index("run") + 1, progress, done, of)
            with (target / f"{name}.{format}").open("w", encoding="utf-8", newline="") as file:
                counts[name] = _write(file, table, lines, format, exact=exact)
            progress(done + runs, of)
    return counts


def rows(reader: Reader, table: str, tenant: str | None = None) -> Iterator[list[Any]]:
    """Yield the rows of a table one by one, instants as text; None where there is none."""
    columns, instants, sql = TABLES[table].columns, TABLES[table].instants, TABLES[table].sql
    at = [columns.index(instant) for instant in instants]
    for row in reader.stream(sql, {"tenant": tenant}):
        cells = list(row)
        for position in at:
            cells[position] = None if row[position] is None else iso(row[position])
        yield cells


def write_csv(file: IO[str], columns: Iterable[str], lines: Iterable[Iterable[object]], *, exact: bool = False) -> int:
    """Write lines as CSV below the names of their columns; give how many."""
    writer, count = csv.writer(file, lineterminator="\n"), 0
    writer.writerow(columns)
    for line in lines:
        writer.writerow(line if exact else map(cell, line))
        count += 1
    return count


def _told(
    lines: Iterable[list[Any]], key: int, progress: Callable[[int, int], object], done: int, of: int
) -> Iterator[list[Any]]:
    """Yield lines, and tell the progress at each new enrollment, which the first cells name: its rows come together."""
    run: list[Any] = []
    for line in lines:
        if line[:key] != run:
            run, done = line[:key], done + 1
            progress(done, of)
        yield line


def _write(file: IO[str], table: Table, lines: Iterable[list[Any]], kind: str, *, exact: bool) -> int:
    if kind == "csv":
        return write_csv(file, table.columns, lines, exact=exact)
    count = 0
    for line in lines:
        file.write(dumps(dict(zip(table.columns, line, strict=True))) + "\n")
        count += 1
    return count


def _refuse(tables: Collection[str], kind: str) -> None:
    """Refuse what is no table or format, everything at once."""
    found = [f"tables: {name!r} is none of {', '.join(TABLES)}" for name in tables if name not in TABLES]
    if kind not in {"csv", "ndjson"}:
        found.append(f"format: must be 'csv' or 'ndjson', not {kind!r}")
    if found:
        raise InvalidInput(found)
