"""What a connection keeps from one transaction to the next is what the file says, whoever has written meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from journeyflow import Engine, Event, Journey, Limits, Send, Trigger, Wait
from journeyflow.errors import NotFound
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Input
from journeyflow.stores.inquiries import EarliestRequest, InputNumbersRequest
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.stores.sqlite.due import GLANCE
from tests.cases import cases
from tests.samples import START

HELLO = Send("hello", channel="EMAIL", template="hello")

JOURNEY = Journey(id="welcome", trigger=Trigger("signed.up"), steps=[HELLO, Wait("rest", "1 hour")])

LIMITED = Journey(id="few", trigger=Trigger("signed.up"), steps=[HELLO], limits=Limits(per_hour=1))

TABLES = ("inputs", "customers", "enrollments", "journeys", "versions", "deferred", "exports")


def sign_up(engine: Engine, n: int) -> None:
    """Put an event into the inbox."""
    engine.feed(Event("signed.up", customer=f"c{n}", at=START))


def cycle(engine: Engine, n: int) -> None:
    """Handle an event, and claim messages, in one commit."""
    with engine.cycle(START, worker="w"):
        sign_up(engine, n)


def many(engine: Engine, n: int) -> None:
    """Handle the events of as many as make a crowd."""
    engine.feed([Event("signed.up", customer=f"m{n}.{each}", at=START) for each in range(9)])
    engine.tick(START)


def give_up(engine: Engine, n: int) -> None:
    """Write something, and roll it back."""
    with suppress(ZeroDivisionError), engine.store.transaction() as transaction:
        transaction.commit(Changes(customers=((1_000 + n, "t", f"g{n}", {}),), last_tick=n))
        transaction.ask(EarliestRequest({}))
        raise ZeroDivisionError


def look_and_write(engine: Engine, _: int) -> None:
    """Change something in a view, which keeps nothing."""
    with engine.store.reader() as reader:
        reader.rows("UPDATE inputs SET outcome = NULL, at = 1")


def unnumbered(engine: Engine, n: int) -> None:
    """Ask for the next numbers, then leave it to the store to give one."""
    with engine.store.transaction() as transaction:
        transaction.ask(InputNumbersRequest(["default"]))
        transaction.commit(Changes(inputs=(Input(0, "default", f"c{n}", "event", "seen", 0, None, None),)))


def export(engine: Engine, _: int) -> None:
    """Begin a job."""
    engine.submit_export(at=START)


def forget(engine: Engine, n: int) -> None:
    """Forget somebody, or nobody."""
    with suppress(NotFound):
        engine.forget(f"c{n}", at=START)


def tick(engine: Engine, n: int) -> None:
    """Handle what is due by then, without a claim."""
    engine.tick(START + timedelta(minutes=n))


def deploy(engine: Engine, n: int) -> None:
    """Change the catalog."""
    engine.deploy(evolve(JOURNEY, id=f"journey{n}"), at=START)


def put(engine: Engine, n: int) -> None:
    """Put attributes of somebody into the inbox."""
    engine.put_customer(f"c{n}", {"n": n}, at=START)


def vacuum(engine: Engine, _: int) -> None:
    """Rebuild the file."""
    engine.vacuum()


ACTIONS: list[Callable[[Engine, int], None]] = [
    *(sign_up, cycle, many, give_up, look_and_write, unnumbered, export, forget, tick, deploy, put, vacuum),
]


def check(store: SQLiteStore) -> None:
    """Compare what is kept with what the file says, in a transaction that nobody can interfere with."""
    with store.transaction() as transaction:
        connection, kept = transaction._connection, transaction._kept
        numbers = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
        assert [kept.glance()] == connection.execute(GLANCE).fetchall()
        assert [kept.following(table) for table in TABLES] == [numbers.get(table, 0) + 1 for table in TABLES]


@cases(15)
@example([(False, cycle, 1), (False, cycle, 2)])  # the second waits for a slot
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(ACTIONS), st.integers(1, 3)), max_size=12))
def test_what_is_kept_is_what_the_file_says(steps: list[tuple[bool, Callable[[Engine, int], None], int]]):
    """Two processes on one file, each of which asks before and after whatever either does."""
    with TemporaryDirectory() as folder:
        stores = [SQLiteStore(Path(folder) / "a.db", synchronous="NORMAL", nonce="k") for _ in range(2)]
        engines = [Engine(store) for store in stores]
        engines[0].deploy(JOURNEY, at=START)
        engines[0].deploy(LIMITED, at=START)
        for which, act, n in steps:
            act(engines[which], n)
            for store in stores:
                check(store)
                check(store)
        for store in stores:
            store.close()
