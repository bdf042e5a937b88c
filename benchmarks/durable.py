"""The welcome journey on a SQLite file, every commit synced, all history kept, against bare executemany.

The other side writes, with bare `sqlite3.executemany` in batches of the same size and with the same durability, one row
per enrollment change, per visit and per message of that very run. Argument: number of customers (default 100,000).
"""

import resource
import sqlite3
import sys
import tempfile
from functools import partial
from pathlib import Path

from _common import LATER, START, WELCOME, count_from_arguments, customers, middle, report, seconds, signups

from journeyflow import Engine
from journeyflow.engine.engine import BATCH
from journeyflow.stores.schema import VISITS
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 5
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
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
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


def main() -> None:
    """Run both sides in turn and print the medians."""
    count = count_from_arguments(100_000)
    ours, bare, rows, peak = [], [], Rows(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            engine = prepared(Path(folder) / f"engine{number}.db", count)
            ours.append(seconds(partial(run, engine)))
            if not rows:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
                rows = rows_of(engine)
                assert len(rows["messages"]) == 2 * count
                assert engine.audit() == []
            engine.close()
            bare.append(seconds(partial(write_bare, Path(folder) / f"bare{number}.db", rows, count)))
    visits = len(rows["visits"])
    ratio = middle([other / mine for mine, other in zip(ours, bare, strict=True)])
    against = "sqlite3.executemany, one row per enrollment change, visit and message"
    report("durable", "transitions", visits / middle(ours), "1/s", n=ROUNDS)
    report("durable", "speed", ratio, "ratio", against=against, ratio=round(ratio, 4), n=ROUNDS)
    report("durable", "peak memory", peak, "MB", n=1)


if __name__ == "__main__":
    main()
