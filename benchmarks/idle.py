"""A tick with a million people waiting and none due, against the same with ten thousand, and against one index seek.

It writes nothing. The seek asks a bare file with as many instants for the first one, through an index.
"""

import sqlite3
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _common import START, WELCOME, count_from_arguments, customers, durable, in_turn, report_cost, shared_by, signups

from journeyflow import Engine
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 50
EACH = 20
"""Ticks of a round: one alone is shorter than what clocks can tell apart."""

SMALL = 10_000


def waiting(path: Path, count: int) -> Engine:
    """Open a file in which so many people rest at the wait."""
    engine = Engine(SQLiteStore(path, synchronous="NORMAL", nonce="bench"), grace=None)
    engine.deploy(WELCOME, at=START)
    for begin in range(0, count, 50_000):
        many = [pair for n, pair in enumerate(customers(count)) if begin <= n < begin + 50_000]
        engine.put_customers(many, at=START)
    engine.feed(signups(count))
    engine.tick(START)
    return engine


def instants(path: Path, count: int) -> sqlite3.Connection:
    """Open a bare file with so many instants, indexed."""
    connection = durable(path)
    connection.execute("CREATE TABLE waiting (n INTEGER PRIMARY KEY, due INTEGER)")
    connection.executemany("INSERT INTO waiting VALUES (?, ?)", ((n, 1_000 + n) for n in range(count)))
    connection.execute("CREATE INDEX by_due ON waiting (due)")
    return connection


def seek(connection: sqlite3.Connection) -> None:
    """Ask what is due."""
    assert connection.execute("SELECT n FROM waiting WHERE due <= ? ORDER BY due LIMIT 1", (10,)).fetchall() == []


def often(work: Callable[[], object]) -> None:
    """Do something as often as a round does."""
    for _ in range(EACH):
        work()


def main() -> None:
    """Tick both files and ask the bare one in turn, and print the medians."""
    large = count_from_arguments(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        engines = [waiting(Path(folder) / f"{count}.db", count) for count in (large, SMALL)]
        bare = instants(Path(folder) / "bare.db", large)
        before = [engine.store.connection.total_changes for engine in engines]  # type: ignore[attr-defined]  # no part of the protocol
        works: list[Callable[[], object]] = [partial(engine.tick, START) for engine in engines]
        works.append(partial(seek, bare))
        times = in_turn(ROUNDS, *(partial(often, work) for work in works))
        assert [engine.store.connection.total_changes for engine in engines] == before  # type: ignore[attr-defined]  # no part of the protocol
        for engine in engines:
            engine.close()
        bare.close()
    ticks, *rivals = (shared_by(EACH, taken) for taken in times)
    for others, against in zip(rivals, (f"the same with {SMALL} waiting", "one index seek"), strict=True):
        report_cost("idle", "tick", ticks, others=others, against=against, n=large, unit="us")


if __name__ == "__main__":
    main()
