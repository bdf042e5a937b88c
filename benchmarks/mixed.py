"""A month of mixed traffic, as hosts have it: the yardstick. Everybody comes at an instant of their own.

Customers arrive over 30 days in six time zones and go through three journeys: a welcome with templates, a condition on
an opened message and a split; an abandoned cart with re-entry, an exit, a goal and a wait for a click; a win-back with
restart and a local time. Four fifths of the events are page views that nobody listens to. A host ticks each hour, or
each five minutes, feeds and claims in the same commit, acks every message, and tells back what was opened and clicked.

It is held against four others, in turn. Bare: the run's own input, enrollment, visit and message rows written by
`sqlite3.executemany` in as many commits, equally durable. By hand: the program of `_by_hand.py`, driven by the same
host; both must have sent the same messages. SimPy: the model of `_in_simpy.py`, which must have sent as many of each
step. Memory: the same engine without a file.

CPU time, and the wall time of a tick beside it. Argument: number of customers (default 20,000); by hand, at most 6,000.
"""

import gc
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import simpy
from _by_hand import ByHand
from _common import Spent, apart, count_from_arguments, durable, peak_memory, report, report_speed, spent
from _in_simpy import Month
from _journeys import micros

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
from journeyflow.stores.contract import Store, Transaction
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.stores.views import VISITS

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 30
HOURLY, OFTEN = timedelta(hours=1), timedelta(minutes=5)
ROUNDS = 3
"""So many times each side is run, in turn; with ticks each five minutes once."""

MOST = 1_000
"""So many messages are claimed at once."""

FEW = 6_000
"""The customers of the comparison with the program written by hand."""

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
    found.sort()
    gc.freeze()  # no host holds what will happen: the cycle collector shall look at what the sides keep, not at this
    return found


class Counted(SQLiteStore):
    """Counts the transactions that wrote something."""

    commits = 0

    @contextmanager
    def transaction(
        self, *, write: bool = True, tenant: str | None = None, due_at: int | None = None, leasing: bool = False
    ) -> Iterator[Transaction]:
        """Open a transaction of the file."""
        with super().transaction(write=write, tenant=tenant, due_at=due_at, leasing=leasing) as transaction:
            assert self.connection is not None
            before = self.connection.total_changes
            yield transaction
            self.commits += self.connection.total_changes > before


class Host:
    """A host that lives through the month; `cpu` and `wall` are what it paid for the engine's calls, in seconds."""

    def __init__(self, engine: Any, told: list[Told], seed: int = 5) -> None:  # noqa: ANN401 an engine, or what answers as one
        """Begin with nobody there."""
        self.engine = engine
        self.told, self.some = told, random.Random(seed)
        self.reactions: list[tuple[datetime, str, str, str]] = []
        self.cpu = self.wall = 0.0
        self.ticks = self.events = 0

    @property
    def spent(self) -> Spent:
        """What it paid, in CPU and in wall-clock seconds."""
        return self.cpu, self.wall

    def live(self, step: timedelta) -> None:
        """Feed, tick and claim in one go each step, and ack."""
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

    def leave(self) -> None:
        """Close the engine and let go of what it kept: the cycle collector shall not look at it in the next run."""
        self.engine.close()
        self.engine = None

    def _cycle(self, now: datetime, puts: list[tuple[str, dict[str, object], datetime]], events: list[Event]) -> None:
        engine, begun, since = self.engine, process_time(), perf_counter()
        with engine.cycle(now, worker="host", limit=MOST) as cycle:
            for customer, attributes, at in puts:
                engine.put_customer(customer, attributes, at=at)
            if events:
                engine.feed(events)
        taken, claimed = [], cycle.messages
        while claimed:
            engine.ack(claimed, at=now)
            taken += claimed
            claimed = engine.claim("host", at=now, limit=MOST) if len(claimed) == MOST else ()
        self.cpu += process_time() - begun
        self.wall += perf_counter() - since
        self.ticks += 1
        self.events += len(events)
        for message in taken:
            if self.some.random() < 0.4:  # noqa: PLR2004 a made-up rate
                at = now + timedelta(seconds=self.some.randrange(60, 100_000))
                heappush(self.reactions, (at, message.id, "message.opened", message.customer))
                if self.some.random() < 0.3:  # noqa: PLR2004 a made-up rate
                    later = at + timedelta(seconds=self.some.randrange(5, 600))
                    heappush(self.reactions, (later, message.id, "message.clicked", message.customer))


def deployed(store: Store | str) -> Engine:
    """Return an engine with the journeys active."""
    engine = Engine(store, grace=None)
    for journey in (WELCOME, CART, WIN_BACK):
        engine.deploy(journey, at=START)
    return engine


Rows = dict[str, list[tuple[object, ...]]]

OF_VISIT = ("enrollment", "n", "step", "status", "outcome", "entered", "left")


def rows_of(engine: Engine) -> Rows:
    """Read the rows that the run left, as the other side writes them."""
    with engine.store.reader() as reader:
        return {
            "inputs": reader.rows("SELECT * FROM inputs ORDER BY seq"),
            "enrollments": reader.rows("SELECT * FROM enrollments ORDER BY serial"),
            "visits": reader.rows(f"SELECT {', '.join(f'v.{name}' for name in OF_VISIT)} FROM ({VISITS}) v"),
            "messages": reader.rows("SELECT * FROM messages ORDER BY enrollment, n"),
        }


def write_bare(path: Path, rows: Rows, commits: int) -> None:
    """Write the same rows in as many commits."""
    connection = durable(path)
    for name, members in rows.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'c{n}' for n in range(len(members[0])))})")
    for number in range(commits):
        connection.execute("BEGIN IMMEDIATE")
        for name, members in rows.items():
            part = members[len(members) * number // commits : len(members) * (number + 1) // commits]
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(members[0]))})", part)
        connection.execute("COMMIT")
    connection.close()


Sent = list[tuple[str, str, int, str, int]]
"""What was decided: customer, journey, run, step and instant of each message, in order."""

SENT = """SELECT c.id, j.id, e.run, m.step, m.at FROM messages m JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer JOIN journeys j ON j.number = e.journey"""


def sent_by(engine: Engine) -> Sent:
    """Return the messages of an engine."""
    with engine.store.reader() as reader:
        return sorted(reader.rows(SENT))


def sent_by_hand(program: ByHand) -> Sent:
    """Return the messages of the program."""
    some = program.messages.values()
    return sorted((m.run.customer, m.run.journey, m.run.number, m.step, micros(m.at) or 0) for m in some)


def tell_of(name: str, hosts: list[Host], visits: int, n: int) -> None:
    """Print the figures of runs of one kind."""
    report("mixed", f"{name}, visits", [visits / host.cpu for host in hosts], "1/CPU s", n=n)
    report("mixed", f"{name}, events", [host.events / host.cpu for host in hosts], "1/CPU s", n=n)
    report("mixed", f"{name}, customers", [n / host.cpu for host in hosts], "1/CPU s", n=n)
    report("mixed", f"{name}, a tick", [1_000 * host.cpu / host.ticks for host in hosts], "ms CPU", n=n)
    report("mixed", f"{name}, a tick", [1_000 * host.wall / host.ticks for host in hosts], "ms", n=n)


def compare(figure: str, count: int, ours: list[Spent], others: list[Spent], against: str) -> None:
    """Print the customers a second, against another side."""
    report_speed("mixed", figure, count, ours, others=others, against=against, n=count, what="customers")


def peak(count: int) -> float:
    """Return the most memory that a process holds in which the engine lives through the month on a file, in MB."""
    with tempfile.TemporaryDirectory() as folder, deployed(SQLiteStore(Path(folder) / "engine.db")) as engine:
        Host(engine, month(count)).live(HOURLY)
    return peak_memory()


def against_rows(count: int, name: str, step: timedelta, rounds: int) -> None:
    """Live through the month on a file and in memory, and write the rows barely."""
    told = month(count)
    on_file, in_memory, bare = list[Host](), list[Host](), list[Spent]()
    visits = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            store = Counted(Path(folder) / f"engine{number}.db", nonce="bench")
            host = Host(deployed(store), told)
            host.live(step)
            rows = rows_of(host.engine)
            visits = len(rows["visits"])
            assert host.engine.audit() == []
            host.leave()
            on_file.append(host)
            bare.append(spent(partial(write_bare, Path(folder) / f"bare{number}.db", rows, store.commits)))
            del rows
            in_memory.append(Host(deployed(MemoryStore()), told))
            in_memory[-1].live(step)
            in_memory[-1].leave()
    tell_of(f"file, {name}", on_file, visits, count)
    tell_of(f"memory, {name}", in_memory, visits, count)
    files, memories = [host.spent for host in on_file], [host.spent for host in in_memory]
    rows_alone = "sqlite3.executemany of the run's input, enrollment, visit and message rows"
    compare(f"file, {name}, speed", count, files, bare, rows_alone)
    compare(f"memory, {name}, speed", count, memories, files, "the file")


def against_others(count: int) -> None:
    """Live through the month with hourly ticks beside the program written by hand, on a file, and beside SimPy."""
    told = month(count)
    ours, hand, memory, simulated = list[Spent](), list[Spent](), list[Spent](), list[Spent]()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            host = Host(deployed(SQLiteStore(Path(folder) / f"engine{number}.db", nonce="bench")), told)
            host.live(HOURLY)
            other = Host(ByHand(Path(folder) / f"hand{number}.db"), told)
            other.live(HOURLY)
            assert sent_by(host.engine) == sent_by_hand(other.engine)
            ours.append(host.spent)
            hand.append(other.spent)
            host.engine.close()
            other.engine.close()
            inside = Host(deployed(MemoryStore()), told)
            inside.live(HOURLY)
            memory.append(inside.spent)
            model = Month(told, START)
            simulated.append(spent(partial(model.run, DAYS)))
            assert Counter(step for _, _, _, step, _ in sent_by(inside.engine)) == model.sent
    compare("file, hourly, speed", count, ours, hand, "the program written by hand")
    compare("memory, hourly, speed", count, memory, simulated, f"SimPy {simpy.__version__}")


def main() -> None:
    """Print the figures."""
    count = count_from_arguments(20_000)
    against_others(min(count, FEW))
    against_rows(count, "hourly", HOURLY, ROUNDS)
    against_rows(count, "five minutes", OFTEN, 1)
    report("mixed", "file, hourly, peak memory", apart(peak, count), "MB", n=count)


if __name__ == "__main__":
    main()
