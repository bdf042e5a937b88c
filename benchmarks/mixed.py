"""A month of mixed traffic, as hosts have it: the yardstick. Everybody comes at an instant of their own.

Customers arrive over 30 days in six time zones and go through three journeys: a welcome with templates, a condition on
an opened message and a split; an abandoned cart with re-entry, an exit, a goal and a wait for a click; a win-back with
restart and a local time. Four fifths of the events are page views that nobody listens to. A host ticks each hour, or
each five minutes, claims and acks every message, and tells back what was opened and clicked.

The other side writes, with bare `sqlite3.executemany`, the run's own input, enrollment, visit and message rows in as
many commits and with the same durability. Arguments: number of customers (default 20,000).
"""

import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from time import process_time

from _common import count_from_arguments, middle, report

from journeyflow import (
    Condition,
    End,
    Engine,
    Event,
    Exit,
    Goal,
    Journey,
    MemoryStore,
    Reentry,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    arm,
    field,
    tag,
)
from journeyflow.stores.contract import Transaction
from journeyflow.stores.schema import VISITS
from journeyflow.stores.sqlite import SQLiteStore

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 30
ROUNDS = 3
"""So many times each side of the file is run, in turn."""

ZONES = ("Europe/Paris", "America/New_York", "Asia/Tokyo", "Africa/Johannesburg", "America/Sao_Paulo", "Asia/Kolkata")
NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald")

WELCOME = Journey(
    id="welcome",
    trigger=Trigger("signup"),
    customer_timezone=True,
    steps=[
        Send("hello", channel="EMAIL", template="hello", data={"text": "{{{Hi|Hello}}} {{ firstName }}"}),
        Wait("breathe", "2 days"),
        Condition(
            "read",
            field("message.hello.opened").eq(True),
            yes=[
                Split(
                    "test",
                    arm(50, [Send("tips", channel="EMAIL", template="tips", data={"name": "{{ firstName }}"})]),
                    arm(50, [Send("offer", channel="EMAIL", template="offer")]),
                ),
            ],
            no=[Send("nudge", channel="SMS", template="nudge")],
        ),
        Update("onboarded", tag.add("onboarded")),
        End("done"),
    ],
)
CART = Journey(
    id="cart",
    trigger=Trigger("cart.updated"),
    reentry=Reentry("after", period="1 day"),
    exits=[Exit("bought", event="purchase")],
    goal=Goal("purchase", within="3 days"),
    steps=[
        Wait("hour", "1 hour"),
        Send("reminder", channel="EMAIL", template="cart", data={"total": "{{ trigger.total }}"}),
        Wait("click", event="message.clicked", timeout="1 day"),
        Condition("rich", field("trigger.total").gt(100), yes=[Send("call", channel="SMS", template="call")], no=[]),
        End("done"),
    ],
)
WIN_BACK = Journey(
    id="win-back",
    trigger=Trigger("purchase"),
    reentry=Reentry("restart"),
    customer_timezone=True,
    steps=[
        Wait("quiet", "9 days"),
        Wait("morning", until="09:00"),
        Send("miss", channel="EMAIL", template="miss", data={"name": "{{ firstName }}"}),
        End("done"),
    ],
)
Told = tuple[datetime, int, str, str, dict[str, object]]
"""When, a running number, the type, the customer, the data of an event; the type "" is a put of attributes."""


def month(count: int, seed: int = 12) -> list[Told]:
    """Make up what is told of so many customers in a month, in order: per customer one sign-up and 5.5 events."""
    some, found = random.Random(seed), list[Told]()

    def tell(at: datetime, kind: str, customer: str, data: dict[str, object]) -> None:
        if at < START + timedelta(days=DAYS):
            found.append((at, len(found), kind, customer, data))

    for n in range(count):
        customer, born = f"c{n:06d}", START + timedelta(seconds=some.randrange(DAYS * 86_400))
        attributes: dict[str, object] = {"firstName": some.choice(NAMES), "timezone": some.choice(ZONES)}
        tell(born, "", customer, attributes)
        tell(born + timedelta(milliseconds=some.randrange(1, 900)), "signup", customer, {})
        for _ in range(round(some.expovariate(1 / 10.5))):
            at = born + timedelta(seconds=some.randrange(DAYS * 86_400))
            tell(at, "page.viewed", customer, {"path": f"/p/{some.randrange(500)}"})
        for _ in range(round(some.expovariate(1 / 0.55))):
            at = born + timedelta(seconds=some.randrange(DAYS * 86_400))
            total = some.randrange(10, 250)
            tell(at, "cart.updated", customer, {"total": total})
            if some.random() < 0.4:  # noqa: PLR2004 a made-up rate
                later = at + timedelta(minutes=some.randrange(5, 3_000))
                tell(later, "purchase", customer, {"amount": total * 100})
    return sorted(found)


class Counted(SQLiteStore):
    """Counts the transactions that wrote something."""

    commits = 0

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[Transaction]:
        """Open a transaction of the file."""
        with super().transaction(write=write) as transaction:
            assert self.connection is not None
            before = self.connection.total_changes
            yield transaction
            self.commits += self.connection.total_changes > before


class Host:
    """A host that lives through the month; `cpu` is what it paid for the engine's calls, in seconds."""

    def __init__(self, store: MemoryStore | SQLiteStore, told: list[Told], seed: int = 5) -> None:
        """Begin with the journeys active and nobody there."""
        self.engine = Engine(store, grace=None)
        for journey in (WELCOME, CART, WIN_BACK):
            self.engine.deploy(journey, at=START)
        self.told, self.some = told, random.Random(seed)
        self.reactions: list[tuple[datetime, str, str, str]] = []
        self.cpu = 0.0
        self.ticks = self.events = 0

    def live(self, step: timedelta) -> None:
        """Feed, tick, claim and ack once each step."""
        position, now = 0, START
        while now < START + timedelta(days=DAYS):
            now += step
            told: list[Told] = []
            while position < len(self.told) and self.told[position][0] <= now:
                told.append(self.told[position])
                position += 1
            events = [Event(kind, customer=who, at=at, data=data) for at, _, kind, who, data in told if kind]
            while self.reactions and self.reactions[0][0] <= now:
                at, message, kind, customer = heappop(self.reactions)
                events.append(Event(kind, customer=customer, at=at, data={"message": message}))
            self._cycle(now, [(who, data, at) for at, _, kind, who, data in told if not kind], events)

    def _cycle(self, now: datetime, puts: list[tuple[str, dict[str, object], datetime]], events: list[Event]) -> None:
        engine, begun = self.engine, process_time()
        for customer, attributes, at in puts:
            engine.put_customer(customer, attributes, at=at)
        if events:
            engine.feed(events)
        engine.tick(now)
        taken = []
        while claimed := engine.claim("host", at=now, limit=1_000):
            engine.ack(claimed, at=now)
            taken += claimed
        self.cpu += process_time() - begun
        self.ticks += 1
        self.events += len(events)
        for message in taken:
            if self.some.random() < 0.4:  # noqa: PLR2004 a made-up rate
                at = now + timedelta(seconds=self.some.randrange(60, 100_000))
                heappush(self.reactions, (at, message.id, "message.opened", message.customer))
                if self.some.random() < 0.3:  # noqa: PLR2004 a made-up rate
                    later = at + timedelta(seconds=self.some.randrange(5, 600))
                    heappush(self.reactions, (later, message.id, "message.clicked", message.customer))


Rows = dict[str, list[tuple[object, ...]]]


def rows_of(engine: Engine) -> Rows:
    """Read the rows that the run left, as the other side writes them."""
    with engine.store.reader() as reader:
        return {
            "inputs": reader.rows("SELECT * FROM inputs ORDER BY seq"),
            "enrollments": reader.rows("SELECT * FROM enrollments ORDER BY serial"),
            "visits": reader.rows(f"SELECT enrollment, n, step, status, outcome, entered, left FROM ({VISITS})"),
            "messages": reader.rows("SELECT * FROM messages ORDER BY enrollment, n"),
        }


def write_bare(path: Path, rows: Rows, commits: int) -> float:
    """Write the same rows in as many commits; return the CPU seconds."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    for name, members in rows.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'c{n}' for n in range(len(members[0])))})")
    begun = process_time()
    for number in range(commits):
        connection.execute("BEGIN IMMEDIATE")
        for name, members in rows.items():
            part = members[len(members) * number // commits : len(members) * (number + 1) // commits]
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(members[0]))})", part)
        connection.execute("COMMIT")
    spent = process_time() - begun
    connection.close()
    return spent


def tell_of(name: str, hosts: list[Host], visits: int) -> float:
    """Print the figures of runs of one kind; return the CPU seconds of the middle one."""
    cpu = middle([host.cpu for host in hosts])
    report("mixed", f"{name}, visits", visits / cpu, "1/CPU s", n=len(hosts))
    report("mixed", f"{name}, events", hosts[0].events / cpu, "1/CPU s", n=len(hosts))
    report("mixed", f"{name}, CPU a tick", 1_000 * cpu / hosts[0].ticks, "ms", n=len(hosts))
    return cpu


def main() -> None:
    """Live through the month on a file and in memory, each with two lengths of ticks, and write the rows barely."""
    count = count_from_arguments(20_000)
    told = month(count)
    against = "sqlite3.executemany of the run's input, enrollment, visit and message rows"
    for name, step, rounds in (("hourly", timedelta(hours=1), ROUNDS), ("five minutes", timedelta(minutes=5), 1)):
        ours, bare, inside = list[Host](), list[float](), list[Host]()
        visits = 0
        with tempfile.TemporaryDirectory() as folder:
            for number in range(rounds):
                host = Host(store := Counted(Path(folder) / f"engine{number}.db", nonce="bench"), told)
                host.live(step)
                rows = rows_of(host.engine)
                visits = len(rows["visits"])
                assert host.engine.audit() == []
                host.engine.close()
                ours.append(host)
                bare.append(write_bare(Path(folder) / f"bare{number}.db", rows, store.commits))
                inside.append(Host(MemoryStore(), told))
                inside[-1].live(step)
                inside[-1].engine.close()
        on_file, in_memory = tell_of(f"file, {name}", ours, visits), tell_of(f"memory, {name}", inside, visits)
        ratio = middle([other / mine.cpu for mine, other in zip(ours, bare, strict=True)])
        report("mixed", f"file, {name}, speed", ratio, "ratio", against=against, ratio=round(ratio, 4), n=rounds)
        faster = on_file / in_memory
        report("mixed", f"memory, {name}, speed", faster, "ratio", against="the file", ratio=round(faster, 4), n=rounds)


if __name__ == "__main__":
    main()
