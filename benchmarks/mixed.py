"""A month of mixed traffic, as hosts have it: the yardstick. Everybody comes at an instant of their own.

Customers arrive over 30 days in six time zones and go through three journeys: a welcome with templates, a condition on
an opened message and a split; an abandoned cart with re-entry, an exit, a goal and a wait for a click; a win-back with
restart and a local time. Four fifths of the events are page views that nobody listens to. A host ticks each hour, or
each five minutes, feeds and claims in the same commit, acks every message, and tells back what was opened and clicked.

It is held against four others, in turn. Bare: the run's own input, enrollment, visit and message rows written by
`sqlite3.executemany` in as many commits, equally durable. By hand: the program of `_by_hand.py`, driven by the same
host; both must have sent the same messages. SimPy: the model of `_in_simpy.py`, which must have sent as many of each
step. Memory: the same engine without a file.

All go through the month three times, each time in a new process, whose peak of memory is its own; with 20,000 customers
that takes six minutes, of which ticks each five minutes are three. Argument: number of customers (default 20,000); by
hand and in SimPy, at most 6,000.
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
from typing import Any, NamedTuple

import simpy
from _by_hand import ByHand
from _common import (
    Spent,
    apart,
    count_from_arguments,
    durable,
    peak_memory,
    quotients,
    report,
    report_cost,
    report_speed,
    shared_by,
    spent,
)
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
"""So many times each side is run, in turn."""

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


class Run(NamedTuple):
    """What one month came to: what the host paid, its ticks and events, and the peak of memory in MB."""

    spent: Spent
    ticks: int
    events: int
    peak: float


def month_on(store: Store, told: list[Told], step: timedelta) -> tuple[Host, Run]:
    """Return the host of an engine that has lived through the month, and what that came to."""
    host = Host(deployed(store), told)
    host.live(step)
    return host, Run(host.spent, host.ticks, host.events, peak_memory())


def on_file(count: int, step: timedelta) -> tuple[Run, Spent, int]:
    """Live through the month on a file, and write its rows barely; return both, and how many visits there were."""
    with tempfile.TemporaryDirectory() as folder:
        store = Counted(Path(folder) / "engine.db", nonce="bench")
        host, run = month_on(store, month(count), step)
        rows = rows_of(host.engine)
        assert host.engine.audit() == []
        host.leave()
        bare = spent(partial(write_bare, Path(folder) / "bare.db", rows, store.commits))
    return run, bare, len(rows["visits"])


def in_memory(count: int, step: timedelta) -> Run:
    """Live through the month in memory."""
    host, run = month_on(MemoryStore(), month(count), step)
    host.leave()
    return run


def against_rows(count: int, name: str, step: timedelta) -> None:
    """Live through the month on a file and in memory, and write the rows barely."""
    files, bare, memories, visits = list[Run](), list[Spent](), list[Run](), 0
    for _ in range(ROUNDS):
        run, rows, visits = apart(on_file, count, step)
        files.append(run)
        bare.append(rows)
        memories.append(apart(in_memory, count, step))
    tell_of(f"file, {name}", files, bare, ROWS, visits, count)
    tell_of(f"memory, {name}", memories, [run.spent for run in files], "the file", visits, count)
    held, on_disk = [run.peak for run in memories], [run.peak for run in files]
    report("mixed", f"file, {name}, peak memory", on_disk, "MB", n=count)
    report("mixed", f"memory, {name}, peak memory", held, "MB", n=count,
           against="the file; a smaller ratio is better", ratio=quotients(held, on_disk))  # fmt: skip


ROWS = "sqlite3.executemany of the run's input, enrollment, visit and message rows"


def tell_of(name: str, runs: list[Run], others: list[Spent], against: str, visits: int, n: int) -> None:  # noqa: PLR0917
    """Print the figures of runs of one kind, against another side."""
    ours, ticks = [run.spent for run in runs], runs[0].ticks
    for what, done, unit in (("visits", visits, "1"), ("events", runs[0].events, "1"), ("customers", n, "customers")):
        report_speed("mixed", f"{name}, {what}", done, ours, others=others, against=against, n=n, what=unit)
    report_cost("mixed", f"{name}, a tick", shared_by(ticks, ours), others=shared_by(ticks, others), against=against,
                n=n)  # fmt: skip


def beside_others(count: int) -> tuple[Spent, Spent, Spent, Spent]:
    """Live through the month with hourly ticks; return what the engine on a file, the program, memory and SimPy spent.

    All of them must have sent the same.
    """
    told = month(count)
    with tempfile.TemporaryDirectory() as folder:
        ours, _ = month_on(SQLiteStore(Path(folder) / "engine.db", nonce="bench"), told, HOURLY)
        sent = sent_by(ours.engine)
        ours.leave()
        hand = Host(ByHand(Path(folder) / "hand.db"), told)
        hand.live(HOURLY)
        assert sent_by_hand(hand.engine) == sent
        hand.leave()
    inside, _ = month_on(MemoryStore(), told, HOURLY)
    assert sent_by(inside.engine) == sent
    inside.leave()
    model = Month(told, START)
    simulated = spent(partial(model.run, DAYS))
    assert Counter(step for _, _, _, step, _ in sent) == model.sent
    return ours.spent, hand.spent, inside.spent, simulated


def against_others(count: int) -> None:
    """Live through the month beside the program written by hand, on a file, and beside SimPy, in memory."""
    file, hand, memory, simulated = zip(*(apart(beside_others, count) for _ in range(ROUNDS)), strict=True)
    sides = (("file", file, hand, "the program written by hand"),
             ("memory", memory, simulated, f"SimPy {simpy.__version__}"))  # fmt: skip
    for name, ours, others, against in sides:
        report_speed("mixed", f"{name}, hourly, speed", count, ours, others=others, against=against, n=count,
                     what="customers")  # fmt: skip


def main() -> None:
    """Print the figures."""
    count = count_from_arguments(20_000)
    against_others(min(count, FEW))
    against_rows(count, "hourly", HOURLY)
    against_rows(count, "five minutes", OFTEN)


if __name__ == "__main__":
    main()
