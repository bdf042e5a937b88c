"""The crowd of the durable benchmark where everybody comes at a second of their own, against all at one instant.

Argument: number of customers (default 20,000).
"""

import tempfile
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from _common import START, WELCOME, Spent, count_from_arguments, customers, report_speed, spent

from journeyflow import Engine, Event, MemoryStore
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 5


def prepared(store: MemoryStore | SQLiteStore, count: int, apart: timedelta) -> tuple[Engine, datetime]:
    """Return an engine with everybody's sign-up in the inbox, and the instant of the last one."""
    engine = Engine(store, grace=None)
    engine.deploy(WELCOME, at=START)
    engine.put_customers(customers(count), at=START)
    engine.tick(START)
    engine.feed(
        Event("member.created", customer=name, at=START + n * apart) for n, (name, _) in enumerate(customers(count))
    )
    return engine, START + count * apart


def run(engine: Engine, last: datetime) -> None:
    """Enter all customers, and three days later move all of them to the end."""
    engine.tick(last)
    engine.tick(last + timedelta(days=3))


def main() -> None:
    """Run both sides in turn and print the medians."""
    count = count_from_arguments(20_000)
    times: dict[str, list[Spent]] = {"file": [], "memory": [], "file, crowd": [], "memory, crowd": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            for name, taken in times.items():
                path = Path(folder) / f"{name}{number}.db"
                store = SQLiteStore(path, nonce="bench") if "file" in name else MemoryStore()
                engine, last = prepared(store, count, timedelta(seconds="crowd" not in name))
                taken.append(spent(partial(run, engine, last)))
                assert engine.messages(take=1).total == 2 * count
                engine.close()
    for name in ("file", "memory"):
        crowd, against = times[f"{name}, crowd"], "everybody at one instant"
        report_speed("own seconds", name, count, times[name], others=crowd, against=against, n=count, what="customers")


if __name__ == "__main__":
    main()
