"""The welcome journey on a SQLite file, every commit synced, all history kept, against bare executemany.

One other side writes, with bare `sqlite3.executemany` in batches of the same size and with the same durability, one row
per enrollment change, per visit and per message of that very run. The floor below which nothing that keeps these rows
can go is SQL alone: a statement per step for everybody, in two commits. Argument: number of
customers (default 100,000).
"""

import sqlite3
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

from _common import (
    LATER,
    START,
    WELCOME,
    Spent,
    apart,
    count_from_arguments,
    customers,
    durable,
    peak_memory,
    quotients,
    report,
    report_speed,
    signups,
    spent,
)

from journeyflow import Engine
from journeyflow.engine.engine import BATCH
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.stores.views import VISITS

ROUNDS = 5
PROCESSES = 3
"""In so many the peak of memory is looked at."""

Rows = dict[str, list[tuple[object, ...]]]


def prepared(path: Path, count: int) -> Engine:
    """Open a file with the journey deployed and the customers loaded."""
    engine = Engine(SQLiteStore(path, nonce="bench"), grace=None)
    engine.deploy(WELCOME, at=START)
    engine.put_customers(customers(count), at=START)
    engine.tick(START)
    engine.feed(signups(count))
    return engine


def run(engine: Engine) -> None:
    """Enter all customers, and three days later move all of them to the end."""
    engine.tick(START)
    engine.tick(LATER)


def rows_of(engine: Engine) -> Rows:
    """Read the rows that the run wrote, as the other side writes them."""
    with engine.store.reader() as reader:
        return {
            "changes": reader.rows("SELECT m.enrollment, m.visit, e.status, m.at FROM moves m JOIN enrollments e"
                                   " ON e.serial = m.enrollment ORDER BY m.at, m.enrollment"),
            "visits": reader.rows(f"SELECT enrollment, n, step, status, outcome, entered, left FROM ({VISITS})"
                                  " ORDER BY left, enrollment, n"),
            "messages": reader.rows("SELECT enrollment, n, step, channel, template, at, status FROM messages"
                                    " ORDER BY at, enrollment"),
        }  # fmt: skip


def write_bare(path: Path, rows: Rows, count: int) -> None:
    """Write the same rows in as many commits as the engine made batches."""
    connection = durable(path)
    for name, members in rows.items():
        columns = ", ".join(f"c{n}" for n in range(len(members[0])))
        connection.execute(f"CREATE TABLE {name} ({columns})")
    batches = max(1, 2 * count // BATCH)
    for batch in range(batches):
        connection.execute("BEGIN IMMEDIATE")
        for name, members in rows.items():
            part = members[len(members) * batch // batches : len(members) * (batch + 1) // batches]
            places = ", ".join("?" * len(members[0]))
            connection.executemany(f"INSERT INTO {name} VALUES ({places})", part)
        connection.execute("COMMIT")
    connection.close()


STEPS = (
    ("hello", "queued"), ("breathe", "elapsed"), ("opened", "no"), ("nudge", "queued"), ("onboarded", ""), ("done", ""),
)  # fmt: skip
"""The visits of each customer, because nobody opens."""

TABLES = """
CREATE TABLE people (n INTEGER PRIMARY KEY, tier TEXT);
CREATE TABLE enrollments (person INTEGER PRIMARY KEY, status TEXT, step TEXT, due INTEGER);
CREATE TABLE visits (person INTEGER, n INTEGER, step TEXT, outcome TEXT, at INTEGER, PRIMARY KEY (person, n));
CREATE TABLE messages (person INTEGER, step TEXT, at INTEGER, status TEXT, PRIMARY KEY (person, step));
"""


def prepared_sql(path: Path, count: int) -> sqlite3.Connection:
    """Open a file of the fewest tables that hold the same, with the customers loaded."""
    connection = durable(path)
    connection.executescript(TABLES)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO people VALUES (?, 'Gold')", ((n,) for n in range(count)))
    connection.execute("COMMIT")
    return connection


def run_sql(connection: sqlite3.Connection) -> None:
    """Do with one statement per step what the engine does."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO enrollments SELECT n, 'ACTIVE', 'breathe', 259200 FROM people WHERE tier IN ('Gold', 'Platinum')"
    )
    connection.execute("INSERT INTO messages SELECT person, 'hello', 0, 'QUEUED' FROM enrollments")
    connection.execute("INSERT INTO visits SELECT person, 1, ?, ?, 0 FROM enrollments", STEPS[0])
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    for number, (step, outcome) in enumerate(STEPS[1:], 2):
        connection.execute(
            "INSERT INTO visits SELECT person, ?, ?, ?, 259200 FROM enrollments WHERE due <= 259200",
            (number, step, outcome),
        )
    due = "WHERE due <= 259200"
    connection.execute(f"INSERT INTO messages SELECT person, 'nudge', 259200, 'QUEUED' FROM enrollments {due}")
    connection.execute(f"UPDATE enrollments SET status = 'COMPLETED', step = 'done', due = NULL {due}")
    connection.execute("COMMIT")


def peak(count: int) -> float:
    """Return the most memory that a process holds in which the engine alone does it, in MB."""
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder) / "engine.db", count) as engine:
        run(engine)
    return peak_memory()


def peak_sql(count: int) -> float:
    """Return the most memory that a process holds in which SQL alone does it, in MB."""
    with tempfile.TemporaryDirectory() as folder, closing(prepared_sql(Path(folder) / "sql.db", count)) as connection:
        run_sql(connection)
    return peak_memory()


def main() -> None:
    """Run the sides in turn and print the medians."""
    count = count_from_arguments(100_000)
    ours, bare, sql = list[Spent](), list[Spent](), list[Spent]()
    rows = Rows()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            engine = prepared(Path(folder) / f"engine{number}.db", count)
            ours.append(spent(partial(run, engine)))
            if not rows:
                rows = rows_of(engine)
                assert len(rows["messages"]) == 2 * count
                assert engine.audit() == []
            engine.close()
            bare.append(spent(partial(write_bare, Path(folder) / f"bare{number}.db", rows, count)))
            connection = prepared_sql(Path(folder) / f"sql{number}.db", count)
            sql.append(spent(partial(run_sql, connection)))
            connection.close()
    visits = len(rows["visits"])
    assert visits == len(STEPS) * count
    rivals = {
        "sqlite3.executemany, one row per enrollment change, visit and message": bare,
        "one SQL statement per step": sql,
    }
    for against, others in rivals.items():
        report_speed("durable", "transitions", visits, ours, others=others, against=against, n=count)
    held, floor = zip(*((apart(peak, count), apart(peak_sql, count)) for _ in range(PROCESSES)), strict=True)
    report("durable", "peak memory", held, "MB", n=count, ratio=quotients(held, floor),
           against="one SQL statement per step; a smaller ratio is better")  # fmt: skip


if __name__ == "__main__":
    main()
