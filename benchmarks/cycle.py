"""What a host does at short intervals, feed, tick, claim and ack, with no, one, ten and a thousand items, on a file.

In one go: `Engine.cycle`, in whose block the messages of the cycle before are acked. Apart: each by a call of its own,
with a commit of its own. Each item is the sign-up of a customer who gets a message at once. Against one synced commit
of one row in a bare file, which is the least that remembering anything costs; with no items, against one index seek in
it. Smaller is better. Argument: cycles of a round (default 200; a twentieth of them with a thousand items).
"""

import sqlite3
import tempfile
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path

from _common import START, WELCOME, count_from_arguments, durable, quotients, report, spent

from journeyflow import Engine, Event, Message
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 5


class Cycles:
    """An engine whose host goes on and on."""

    def __init__(self, store: Path | str) -> None:
        """Begin with nobody there, in a file or at an address."""
        self.engine = Engine(SQLiteStore(store, nonce="bench") if isinstance(store, Path) else store, grace=None)
        self.engine.deploy(WELCOME, at=START)
        self.now, self.people = START, 0
        self.claimed = tuple[Message, ...]()

    def known(self, count: int) -> None:
        """Make customers known who have not signed up yet."""
        names = [f"c{n:07d}" for n in range(self.people, self.people + count)]
        self.engine.put_customers(((name, {"membershipTier": "Gold"}) for name in names), at=self.now)
        self.engine.tick(self.now)

    def events(self, items: int) -> list[Event]:
        """Return the sign-ups of the next customers, a second later."""
        self.now += timedelta(seconds=1)
        self.people += items
        names = [f"c{n:07d}" for n in range(self.people - items, self.people)]
        return [Event("member.created", customer=name, at=self.now) for name in names]

    def apart(self, count: int, items: int) -> None:
        """Go through so many cycles, call by call."""
        engine = self.engine
        for _ in range(count):
            if events := self.events(items):
                engine.feed(events)
            engine.tick(self.now)
            messages = engine.claim("host", at=self.now, limit=1_000)
            assert len(messages) == items
            if messages:
                engine.ack(messages, at=self.now)

    def in_one_go(self, count: int, items: int) -> None:
        """Go through so many cycles, each in one commit."""
        engine = self.engine
        for _ in range(count):
            events = self.events(items)
            with engine.cycle(self.now, worker="host", limit=1_000) as cycle:
                engine.ack(self.claimed, at=self.now)
                engine.feed(events)
            self.claimed = cycle.messages
            assert len(self.claimed) == items


def commits(connection: sqlite3.Connection, count: int) -> None:
    """Write so many rows, each in a commit of its own."""
    for _ in range(count):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows (text) VALUES (?)", ("something to remember",))
        connection.execute("COMMIT")


def seeks(connection: sqlite3.Connection, count: int) -> None:
    """Look up so many rows."""
    for n in range(count):
        connection.execute("SELECT text FROM rows WHERE n = ?", (n,)).fetchall()


def main() -> None:
    """Print the figures."""
    each = count_from_arguments(200)
    with tempfile.TemporaryDirectory() as folder:
        bare = durable(Path(folder) / "bare.db")
        bare.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, text TEXT)")
        for items, apart in product((0, 1, 10, 1_000), (False, True)):
            cycles, count = Cycles(Path(folder) / f"{items}-{apart}.db"), max(1, min(each, 50 * each // max(1, items)))
            run, other = (cycles.apart if apart else cycles.in_one_go), (commits if items else seeks)
            ours, floor = list[tuple[float, float]](), list[tuple[float, float]]()
            for _ in range(ROUNDS):
                cycles.known(count * items)
                ours.append(spent(partial(run, count, items)))
                floor.append(spent(partial(other, bare, each)))
            against = "one synced commit of one row" if items else "one index seek"
            for place, name in ((0, "ms CPU"), (1, "ms")):
                mine, its = [one[place] / count for one in ours], [one[place] / each for one in floor]
                figure = f"{items} items, {'apart' if apart else 'in one go'}"
                report("cycle", figure, [1e3 * one for one in mine], name, n=count,
                       against=f"{against}; a smaller ratio is better", ratio=quotients(mine, its))  # fmt: skip
            cycles.engine.close()
        bare.close()


if __name__ == "__main__":
    main()
