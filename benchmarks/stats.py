"""Statistics of one journey over 30 days: a file with a million enrollments against one with ten thousand.

Both files are made by the engine: people enter on 30 days, a tenth of the first mails is sent, half of those are
opened. The promise is a ratio of at most 1.5 and an answer within 20 ms. Two SQL statements ask the larger file for the
same numbers, in turn with the engine (`_in_sql.py`): one over the table that counts them, which is the floor of the
answer, and one over all that happened, which is what a developer asks who counts nothing. Argument: the enrollments of
the larger file (default 1,000,000, which takes some minutes to make).
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

from _common import START, WELCOME, count_from_arguments, in_turn, report, report_cost
from _in_sql import STATS, opened

from journeyflow import Engine, Event
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS, FEW = 50, 3
"""So many times each is asked; few times what goes through everything that happened."""

SMALL = 10_000
DAYS = 30
LAST = START + timedelta(days=DAYS)
WINDOW = {"since": f"{START:%Y-%m-%d}", "until": f"{LAST:%Y-%m-%d}"}
"""The days that are asked for, in the zone of the journey."""

DOMAINS = 100
"""Mailbox domains of the customers."""

SOME = 2_000
"""Messages claimed at a time."""


def people(day: int, count: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield made-up customers who enter on a day."""
    for n in range(day, count, DAYS):
        yield f"c{n:07d}", {"membershipTier": "Gold", "email": f"c{n}@d{n % DOMAINS}.example"}


def made(path: Path, count: int) -> Engine:
    """Make a file in which so many people entered within 30 days."""
    engine = Engine(SQLiteStore(path, synchronous="NORMAL", nonce="bench"), grace=None)
    engine.deploy(WELCOME, at=START)
    for day in range(DAYS):
        now = START + timedelta(days=day)
        engine.put_customers(people(day, count), at=now)
        engine.feed(Event("member.created", customer=name, at=now) for name, _ in people(day, count))
        engine.tick(now)
        left = count // DAYS // 10
        while left > 0:
            messages = engine.claim("bench", channels=["EMAIL"], limit=min(left, SOME), at=now)
            left -= SOME
            engine.ack(messages, at=now)
            engine.feed(
                Event("message.opened", customer=message.customer, at=now, data={"message": message.id})
                for message in messages[::2]
            )
        engine.tick(now)
    return engine


def size(path: Path) -> int:
    """Return the bytes of a database, its write-ahead log included."""
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))


def main() -> None:
    """Ask both files and the statements in turn and print the medians."""
    large = count_from_arguments(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        counts = (large, SMALL)
        engines = [made(Path(folder) / f"{count}.db", count) for count in counts]
        for engine, count in zip(engines, counts, strict=True):
            stats = engine.stats("welcome", at=LAST)
            assert stats.people is not None
            assert stats.people.total == count
            assert sum(day.entered or 0 for day in stats.daily) == count
        assert engines[1].audit() == []
        ask, same = (partial(engine.stats, "welcome", at=LAST) for engine in engines)
        with closing(opened(Path(folder) / f"{large}.db")) as bare:
            works: dict[str, Callable[[], object]] = {f"the same with {SMALL} enrollments, promised: 1.5 at most": same}
            for against, in_sql in STATS.items():
                assert in_sql.agrees(bare, ask(), **WINDOW), against
                works[against] = partial(in_sql.ask, bare, **WINDOW)
            for (against, other), rounds in zip(works.items(), (ROUNDS, ROUNDS, FEW), strict=True):
                ours, others = in_turn(rounds, ask, other)
                report_cost("stats", "30 days of one journey", ours, others=others, against=against, n=large)
        for engine in engines:
            engine.close()
        each, its = (size(Path(folder) / f"{count}.db") / count for count in counts)
    report("stats", "size of the file", each, "bytes/enrollment", n=large, ratio=each / its,
           against=f"the same with {SMALL} enrollments; a smaller ratio is better")  # fmt: skip


if __name__ == "__main__":
    main()
