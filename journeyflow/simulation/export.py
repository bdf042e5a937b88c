"""Enrollments, visits and messages as CSV files, sorted by key, row by row."""

import csv
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path

from journeyflow.moments import iso
from journeyflow.store import Reader, Store
from journeyflow.stores.schema import VISITS

_PEOPLE = """
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
"""

TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "enrollments": (
        ("tenant", "journey", "version", "customer", "run", "status", "reason", "entered_at", "ended_at"),
        ("entered_at", "ended_at"),
        f"""SELECT c.tenant, j.id, v.version, c.id, e.run, e.status, e.reason, e.entered_at, e.ended_at
        FROM enrollments e {_PEOPLE} JOIN versions v ON v.number = e.version ORDER BY 1, 2, 4, 5""",
    ),
    "visits": (
        ("tenant", "journey", "customer", "run", "n", "step", "status", "entered_at", "left_at", "outcome"),
        ("entered_at", "left_at"),
        f"""SELECT c.tenant, j.id, c.id, e.run, w.n, w.step, w.status, w.entered, w.left, w.outcome
        FROM ({VISITS}) w JOIN enrollments e ON e.serial = w.enrollment {_PEOPLE} ORDER BY 1, 2, 3, 4, 5""",
    ),
    "messages": (
        ("tenant", "journey", "customer", "run", "n", "step", "channel", "template", "at", "status"),
        ("at",),
        f"""SELECT c.tenant, j.id, c.id, e.run, m.n, m.step, m.channel, m.template, m.at, m.status
        FROM messages m JOIN enrollments e ON e.serial = m.enrollment {_PEOPLE} ORDER BY 1, 2, 3, 4, 5""",
    ),
}
"""Each file: its columns, which of them are instants, and the query that gives its rows in order."""


def _silent(_done: int, _of: int) -> None:
    """Show no progress."""


def export_tables(
    store: Store, folder: str | PathLike[str], progress: Callable[[int, int], object] = _silent
) -> dict[str, int]:
    """Write `enrollments.csv`, `visits.csv` and `messages.csv` into a folder; give how many rows each has.

    Instants are ISO 8601 in UTC with six decimals, empty where there is none. The folder is made where it is missing.
    """
    target = Path(fspath(folder))
    target.mkdir(parents=True, exist_ok=True)
    counts = {}
    with store.reader() as reader:
        for position, name in enumerate(TABLES):
            counts[name] = _write(reader, name, target / f"{name}.csv")
            progress(position + 1, len(TABLES))
    return counts


def _write(reader: Reader, name: str, path: Path) -> int:
    columns, instants, sql = TABLES[name]
    at = [columns.index(instant) for instant in instants]
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in reader.stream(sql):
            cells = list(row)
            for position in at:
                cells[position] = "" if row[position] is None else iso(row[position])
            writer.writerow(cells)
            count += 1
    return count
