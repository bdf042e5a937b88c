"""A million events of which a hundredth wake someone, fed and ticked on a file, against the bare rows of the inbox.

Everybody waits for a payment or three days; most events are page views of people who wait, which no journey listens
to. The other side writes the same rows of the inbox with `sqlite3.executemany`, in as many commits and as durably.
Argument: number of events (default 1,000,000).
"""

import tempfile
from datetime import timedelta
from functools import partial
from pathlib import Path

from _common import START, Spent, count_from_arguments, durable, report_speed, spent

from journeyflow import End, Engine, Event, Journey, Send, Trigger, Wait
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 3
EACH = 10_000
"""Events of a batch: fed in one call, then a tick."""

RARE = 100
PAYING = Journey(
    id="paying",
    trigger=Trigger("order.placed"),
    steps=[
        Wait("pay", event="order.paid", timeout="3 days"),
        Send("thanks", channel="EMAIL", template="thanks"),
        End("done"),
    ],
)


def prepared(path: Path, count: int) -> Engine:
    """Open a file in which a hundredth as many people as events wait."""
    engine = Engine(SQLiteStore(path, nonce="bench"), grace=None)
    engine.deploy(PAYING, at=START)
    names = [f"c{n:06d}" for n in range(count // RARE)]
    engine.put_customers(((name, {}) for name in names), at=START)
    engine.feed(Event("order.placed", customer=name, at=START) for name in names)
    engine.tick(START)
    return engine


def batch(number: int) -> list[Event]:
    """Return the events of a batch, a millisecond apart."""
    found = []
    for n in range(number * EACH, (number + 1) * EACH):
        at, who = START + timedelta(milliseconds=n + 1), f"c{n // RARE:06d}"
        kind, data = ("order.paid", {}) if n % RARE == 0 else ("page.viewed", {"path": f"/p/{n % 500}"})
        found.append(Event(kind, customer=who, at=at, data=data))
    return found


def run(engine: Engine, batches: list[list[Event]]) -> None:
    """Feed and tick."""
    for events in batches:
        engine.feed(events)
        engine.tick(events[-1].at or START)


def write_bare(path: Path, rows: list[tuple[object, ...]]) -> None:
    """Write the rows of the inbox: once as they come, once with their outcome, in two commits a batch."""
    connection = durable(path)
    columns = ", ".join(f"c{n}" for n in range(1, len(rows[0])))
    connection.execute(f"CREATE TABLE inputs (seq INTEGER PRIMARY KEY, {columns})")
    places = ", ".join("?" * len(rows[0]))
    for begin in range(0, len(rows), EACH):
        part = rows[begin : begin + EACH]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO inputs VALUES ({places})", [(*row[:-1], None) for row in part])
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        outcome = f"c{len(rows[0]) - 1}"
        connection.executemany(f"UPDATE inputs SET {outcome} = ? WHERE seq = ?", [(row[-1], row[0]) for row in part])
        connection.execute("COMMIT")
    connection.close()


def main() -> None:
    """Run both sides in turn and print the medians."""
    count = max(EACH, count_from_arguments(1_000_000) // EACH * EACH)
    batches = [batch(number) for number in range(count // EACH)]
    ours, bare = list[Spent](), list[Spent]()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            path = Path(folder) / f"engine{number}.db"
            engine = prepared(path, count)
            ours.append(spent(partial(run, engine, batches)))
            assert engine.messages(take=1).total == count // RARE
            with engine.store.reader() as reader:
                rows = reader.rows("SELECT * FROM inputs WHERE type IN ('order.paid', 'page.viewed') ORDER BY seq")
            assert len(rows) == count
            engine.close()
            bare.append(spent(partial(write_bare, Path(folder) / f"bare{number}.db", rows)))
            del rows
            path.unlink()
    against = "sqlite3.executemany of the rows of the inbox"
    report_speed("events", "events", count, ours, others=bare, against=against, n=count)


if __name__ == "__main__":
    main()
