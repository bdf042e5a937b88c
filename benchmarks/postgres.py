"""The store in PostgreSQL: the mixed month against COPY, what a cycle costs in round trips, and many tenants at once.

The server is that of the tests, a new one on this machine, which syncs nothing to a disk; both sides of a comparison
use it. Distance is made by a relay, a process between the two that waits once for each round trip (`_far_server.py`).

The month is that of `mixed.py` with an hourly cycle; round trips are in its wall time alone. Against it, COPY of the
run's own input, enrollment, visit and message rows in as many commits, behind the same relay. Round trips and
statements are counted by the relay: of each call of a host with one customer, and of a cycle with the sign-up of one
and the ack of the message before. A cycle is held against one in a file. Tenants: cycles for 40 tenants by one process,
and by four that have ten each; and as many cycles for a single tenant. CPU time is that of the processes of the host,
not of the server. Argument: number of customers of the month (default 200).
"""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time

import psycopg
from _common import START, WELCOME, Spent, count_from_arguments, report, report_cost, report_speed, shared_by, spent
from _far_server import Relay, address_in, away, served
from cycle import Cycles
from mixed import CART, HOURLY, WIN_BACK, Host, Rows, month, rows_of
from mixed import START as BEGIN
from mixed import WELCOME as SIGN_UP

from journeyflow import Engine, Event, Message
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.transaction import PostgresTransaction

ROUND_TRIPS = (0.0, 0.000_1, 0.001)
"""The round trips that the relay adds, in seconds."""

ROUNDS = 3
TENANTS, CYCLES, EACH, PROCESSES = 40, 6, 25, 4
"""So many tenants, cycles for each of them, sign-ups of a cycle, and processes."""

SCHEMAS = count(1)


def new_address(folder: str) -> str:
    """Return the address of a schema that nobody has used."""
    return address_in(folder, f"bench{next(SCHEMAS)}")


class Counted(PostgresStore):
    """Counts the transactions that wrote something."""

    commits = 0

    @contextmanager
    def transaction(
        self, *, write: bool = True, tenant: str | None = None, due_at: int | None = None, leasing: bool = False
    ) -> Iterator[PostgresTransaction]:
        """Open a transaction of the schema."""
        with super().transaction(write=write, tenant=tenant, due_at=due_at, leasing=leasing) as transaction:
            yield transaction
            self.commits += transaction.written


# --- the month


def against_copy(folder: str, customers: int) -> None:
    """Live through the month, and copy the rows that it left, for each distance."""
    told = month(customers)
    for trip in ROUND_TRIPS:
        ours, bare = list[Spent](), list[Spent]()
        with away(folder, trip) as relay:
            for _ in range(ROUNDS):
                store = Counted(new_address(relay.folder), nonce="bench")
                with Engine(store, grace=None) as engine:
                    for journey in (SIGN_UP, CART, WIN_BACK):
                        engine.deploy(journey, at=BEGIN)
                    ours.append(spent(partial(Host(engine, told).live, HOURLY)))
                    assert engine.audit() == []
                    rows = rows_of(engine)
                with psycopg.connect(address_in(relay.folder, "")[: -len("&schema=")], autocommit=True) as connection:
                    schema = f"bare{next(SCHEMAS)}"
                    bare.append(spent(partial(copied, connection, schema, rows, store.commits)))
        against = "COPY of the run's input, enrollment, visit and message rows in as many commits"
        report_speed("postgres", f"mixed month, hourly, {1e3 * trip:g} ms away", customers, ours, others=bare,
                     against=against, n=customers, what="customers")  # fmt: skip


def copied(connection: psycopg.Connection, schema: str, rows: Rows, commits: int) -> None:
    """Copy the same rows in as many commits."""
    connection.execute(f"CREATE SCHEMA {schema}")
    for name, members in rows.items():
        columns = ", ".join(f"c{n} {_type([row[n] for row in members])}" for n in range(len(members[0])))
        connection.execute(f"CREATE TABLE {schema}.{name} ({columns})")
    for number in range(commits):
        with connection.transaction(), connection.cursor() as cursor:
            for name, members in rows.items():
                part = members[len(members) * number // commits : len(members) * (number + 1) // commits]
                if part:
                    with cursor.copy(f"COPY {schema}.{name} FROM STDIN") as copy:
                        for row in part:
                            copy.write_row(row)


def _type(values: list[object]) -> str:
    return "text" if any(isinstance(value, str) for value in values) else "bigint"


# --- round trips


def tell_round_trips(folder: str) -> None:
    """Print how many round trips and statements the calls of a host take."""
    with away(folder) as relay, Engine(new_address(relay.folder), grace=None) as engine:
        engine.deploy(WELCOME, at=START)
        engine.put_customers(((f"c{n}", {"membershipTier": "Gold"}) for n in range(3 * ROUNDS + 3)), at=START)
        engine.tick(START)
        calls = Calls(engine)
        calls.all(relay)  # what is asked for once, as the catalog is
        found = [calls.all(relay) for _ in range(ROUNDS)]
    for name in found[0]:
        for place, unit in enumerate(("round trips", "statements")):
            report("postgres", f"{name}, {unit}", [each[name][place] for each in found], unit, n=1)


class Calls:
    """A host with one customer at a time."""

    def __init__(self, engine: Engine) -> None:
        """Begin with nobody there."""
        self.engine, self.now, self.people = engine, START, count()
        self.claimed = tuple[Message, ...]()

    def all(self, relay: Relay) -> dict[str, tuple[int, int]]:
        """Return the round trips and statements of each call."""
        calls = {
            "feed": self.feed, "tick": self.tick, "claim": self.claim, "ack": self.ack, "tick with an ack": self.tick,
            "idle tick": self.tick,
        }  # fmt: skip
        found = {name: relay.counted(call) for name, call in calls.items()}
        self.claimed = ()
        self.cycle()
        return {**found, "cycle": relay.counted(self.cycle)}

    def feed(self) -> None:
        """Sign one customer up."""
        self.now += timedelta(seconds=1)
        self.engine.feed(Event("member.created", customer=f"c{next(self.people)}", at=self.now))

    def tick(self) -> None:
        """Do what is due."""
        self.engine.tick(self.now)

    def claim(self) -> None:
        """Claim the message."""
        self.claimed = self.engine.claim("host", at=self.now)

    def ack(self) -> None:
        """Ack it."""
        self.engine.ack(self.claimed, at=self.now)

    def cycle(self) -> None:
        """Do all of that in one go, with the ack of the message before."""
        with self.engine.cycle(self.now, worker="host", limit=1_000) as cycle:
            self.ack()
            self.feed()
        self.claimed = cycle.messages


def against_a_file(folder: str) -> None:
    """Print what a cycle costs, on the server and in a file."""
    with tempfile.TemporaryDirectory() as files:
        for items, cycles in ((1, 50), (1_000, 3)):
            sides = [Cycles(new_address(folder)), Cycles(Path(files) / f"{items}.db")]
            taken: list[list[Spent]] = [[], []]
            for _ in range(ROUNDS):
                for side, found in zip(sides, taken, strict=True):
                    side.known(cycles * items)
                    found.append(spent(partial(side.in_one_go, cycles, items)))
            ours, others = (shared_by(cycles, each) for each in taken)
            report_cost(
                "postgres", f"cycle, {items} items", ours, others=others, against="the same in a file", n=cycles
            )
            for side in sides:
                side.engine.close()


# --- tenants


def work(address: str, worker: int, tenants: Sequence[int]) -> tuple[int, float]:
    """Go through the cycles of some tenants, in turn; return how many messages they got, and the CPU seconds."""
    done, begun = 0, process_time()
    with Engine(address, grace=None) as engine:
        for cycle in range(CYCLES):
            now = START + timedelta(minutes=cycle)
            for turn, tenant in enumerate(tenants):
                mine, names = engine.tenant(f"t{tenant}"), [f"c{worker}-{turn}-{cycle}-{n}" for n in range(EACH)]
                with mine.cycle(now, worker=f"w{worker}", limit=1_000) as block:
                    mine.put_customers(((name, {"membershipTier": "Gold"}) for name in names), at=now)
                    mine.feed(Event("member.created", customer=name, at=now) for name in names)
                mine.ack(block.messages, at=now)
                done += len(block.messages)
    return done, process_time() - begun


def together(executor: ProcessPoolExecutor, address: str, processes: int, tenants: int) -> Spent:
    """Share the work among so many processes: as many cycles, whether each is of a tenant of its own or not."""
    turns = [turn % tenants for turn in range(TENANTS)]
    share, begun = TENANTS // processes, perf_counter()
    jobs = [executor.submit(work, address, n, turns[n * share : (n + 1) * share]) for n in range(processes)]
    messages, times = zip(*(job.result() for job in jobs), strict=True)
    assert sum(messages) == TENANTS * CYCLES * EACH
    return sum(times), perf_counter() - begun


def sharing(folder: str, tenants: int) -> None:
    """Do the same work with one process and with four."""
    times: dict[int, list[Spent]] = {1: [], PROCESSES: []}
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as executor:
        for _ in executor.map(
            work, [new_address(folder) for _ in range(PROCESSES)], range(PROCESSES), [()] * PROCESSES
        ):
            pass
        for _ in range(ROUNDS):
            for processes, taken in times.items():
                address = new_address(folder)
                with Engine(address, grace=None) as engine:
                    for number in range(tenants):
                        engine.tenant(f"t{number}").deploy(WELCOME, at=START)
                taken.append(together(executor, address, processes, tenants))
    people, several = TENANTS * CYCLES * EACH, f"{tenants} tenants" if tenants > 1 else "one tenant"
    report_speed("postgres", f"{PROCESSES} processes, {several}", people, times[PROCESSES], others=times[1],
                 against="one process", n=people, what="customers")  # fmt: skip


def main() -> None:
    """Print the figures."""
    customers = count_from_arguments(200)
    with served() as folder:
        tell_round_trips(folder)
        against_a_file(folder)
        sharing(folder, TENANTS)
        sharing(folder, 1)
        against_copy(folder, customers)


if __name__ == "__main__":
    main()
