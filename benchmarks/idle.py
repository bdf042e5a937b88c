"""A tick with a million people waiting and none due, against the same with ten thousand. It writes nothing."""

import tempfile
from functools import partial
from pathlib import Path

from _common import START, WELCOME, count_from_arguments, customers, middle, report, seconds, signups

from journeyflow import Engine
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 200
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


def main() -> None:
    """Tick both files in turn and print the medians."""
    large = count_from_arguments(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        engines = [waiting(Path(folder) / f"{count}.db", count) for count in (large, SMALL)]
        before = [engine.store.connection.total_changes for engine in engines]  # type: ignore[attr-defined]  # no part of the protocol
        times: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for engine, taken in zip(engines, times, strict=True):
                taken.append(seconds(partial(engine.tick, START)))
        assert [engine.store.connection.total_changes for engine in engines] == before  # type: ignore[attr-defined]  # no part of the protocol
        for engine in engines:
            engine.close()
    ratio = middle(times[0]) / middle(times[1])
    against = f"the same with {SMALL} waiting"
    report(
        "idle", "tick", middle(times[0]) * 1e6, "us", against=against, ratio=round(ratio, 4), n=ROUNDS, waiting=large
    )


if __name__ == "__main__":
    main()
