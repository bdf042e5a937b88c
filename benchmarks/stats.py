"""Statistics of one journey over 30 days: a file with a million enrollments against one with ten thousand.

Both files are made by the engine: people enter on 30 days, a tenth of the first mails is sent, half of those are
opened. The promise is a ratio of at most 1.5 and an answer within 20 ms. Argument: the enrollments of the larger file
(default 1,000,000, which takes some minutes to make).
"""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from _common import START, WELCOME, Spent, count_from_arguments, report, report_cost, spent

from journeyflow import Engine, Event
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 50
SMALL = 10_000
DAYS = 30
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
    """Ask both files in turn and print the medians."""
    large, last = count_from_arguments(1_000_000), START + timedelta(days=DAYS)
    with tempfile.TemporaryDirectory() as folder:
        counts = (large, SMALL)
        engines = [made(Path(folder) / f"{count}.db", count) for count in counts]
        for engine, count in zip(engines, counts, strict=True):
            stats = engine.stats("welcome", at=last)
            assert stats.people is not None
            assert stats.people.total == count
            assert sum(day.entered or 0 for day in stats.daily) == count
        assert engines[1].audit() == []
        times: list[list[Spent]] = [[], []]
        for _ in range(ROUNDS):
            for engine, taken in zip(engines, times, strict=True):
                taken.append(spent(partial(engine.stats, "welcome", at=last)))
        for engine in engines:
            engine.close()
        each = size(Path(folder) / f"{large}.db") / large
    against = f"the same with {SMALL} enrollments, promised: 1.5 at most"
    report_cost("stats", "30 days of one journey", times[0], others=times[1], against=against, n=large)
    report("stats", "size of the file", each, "bytes/enrollment", n=large)


if __name__ == "__main__":
    main()
