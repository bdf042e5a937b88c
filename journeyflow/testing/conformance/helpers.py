"""Short helpers of the contract: to compare, to write to a store, and to ask it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from journeyflow.basics.words import SENT
from journeyflow.errors import StorageError
from journeyflow.records.changes import Changes, LimitChanges
from journeyflow.records.rows import Round
from journeyflow.stores.batch import (
    HELD,
    INPUT,
    JOURNEY,
    TIMER,
    Due,
    DueKey,
    Loaded,
    PullRequest,
    PullsLoaded,
    Request,
    timer_key,
)
from journeyflow.stores.contract import Shelf, Store
from journeyflow.stores.inquiries import ClaimRequest, Inquiry, Reply
from journeyflow.testing.conformance.samples import MINUTE, NOON


class Raised(Exception):
    """An error while a transaction is open."""


def expect(found: object, wanted: object, what: str = "") -> None:
    """Raise AssertionError, showing both values, unless they are equal."""
    if found != wanted:
        msg = f"{what}\n  wanted {wanted!r}\n  found  {found!r}"
        raise AssertionError(msg)


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Raise AssertionError unless the block raises StorageError."""
    try:
        yield
    except StorageError:
        return
    msg = f"{what} must raise StorageError"
    raise AssertionError(msg)


def write(store: Store, *changes: Changes) -> None:
    """Commit changes, each in its own transaction."""
    for each in changes:
        with store.transaction() as transaction:
            transaction.commit(each)


def due(store: Store, now: int = NOON, limit: int = 100) -> Due:
    """Return what is due, without the write lock."""
    with store.transaction(write=False) as transaction:
        return transaction.due(now, limit)


def due_of(store: Store, *customers: tuple[str, str], limit: int = 100) -> Due:
    """Return what is due at noon of some customers (tenant, id), without the write lock."""
    with store.transaction(write=False) as transaction:
        return transaction.due(NOON, limit, of=set(customers))


def load(store: Store, **wanted: object) -> Loaded:
    """Return what a request loads, without the write lock."""
    with store.transaction(write=False) as transaction:
        return transaction.load(Request(**wanted))  # type: ignore[arg-type]  # what a request holds


def ask(store: Store, inquiry: Inquiry[Reply]) -> Reply:
    """Return the answer to an inquiry, without the write lock."""
    with store.transaction(write=False) as transaction:
        return transaction.ask(inquiry)


def shelf(store: Store, known: int | None = None) -> Shelf | None:
    """Return the catalog's rows, without the write lock."""
    with store.transaction(write=False) as transaction:
        return transaction.shelf(known)


def revision(store: Store) -> int:
    """Return the revision of the catalog."""
    found = shelf(store)
    return -1 if found is None else found.revision


def claimable(store: Store, **said: object) -> list[tuple[int, int]]:
    """Return the messages that may be handed out at noon, as (serial, n)."""
    usual: dict[str, Any] = {"tenant": None, "channels": None, "at": NOON, "limit": 100, "journeys": frozenset()}
    return [(each.serial, each.n) for each in ask(store, ClaimRequest(**{**usual, **said}))]


def rows(store: Store, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of an SQL query."""
    with store.reader() as reader:
        return reader.rows(sql, parameters)


def people(loaded: Loaded) -> dict[int, tuple[str, str, dict[str, object], list[int]]]:
    """Return customers by number: tenant, id, attributes, serials."""
    return {
        person.number: (person.tenant, person.id, person.attributes, [*person.serials])
        for person in sorted(loaded.people, key=lambda person: person.number)
    }


def glimpses(loaded: Loaded) -> dict[int, dict[str, tuple[int, str, int, dict[str, tuple[int, int]], int]]]:
    """Return what rules read of the newest messages, by serial and step."""
    return {
        serial: {step: (each.n, each.step, each.at, dict(each.flags), each.nonce) for step, each in newest.items()}
        for serial, newest in loaded.newest.items()
    }


def expect_contents(found: Due) -> None:
    """Check that exactly the items of the due keys came with them."""
    leases = {key[2:] for key in found.keys if key[1] == TIMER and key[3]}
    rests = {key[2] for key in found.keys if key[1] == TIMER and not key[3]}
    rests |= {key[3] for key in found.keys if key[1] == HELD}
    expect(set(found.posts), leases, "messages")
    expect(set(found.inputs), {key[2] for key in found.keys if key[1] == INPUT}, "inputs")
    expect(set(found.runs), rests, "runs")
    expect({timer_key(each) for each in found.runs.values()} - set(found.keys), set(), "places of runs")


def drained(store: Store, limit: int) -> list[DueKey]:
    """Handle everything that is due, batch by batch, and return the order in which it came."""
    order: list[DueKey] = []
    more = True
    while more:
        found = handle(store, limit)
        order += found.keys
        more = found.more
    return order


def handle(store: Store, limit: int) -> Due:
    """Handle one batch of what is due, and return it."""
    with store.transaction() as transaction:
        found = transaction.due(NOON + MINUTE, limit)
        transaction.commit(
            Changes(
                handled=tuple((seq, "handled") for seq in found.inputs),
                runs=tuple(each._replace(due=None, held=None, awaits="x") for each in found.runs.values()),
                posts=tuple(each._replace(status=SENT, lease_until=None) for each in found.posts.values()),
                limits=LimitChanges(stopped=tuple((a, b) for _, rank, a, b in found.keys if rank == JOURNEY)),
            )
        )
        return found


def coming(store: Store, wanted: PullRequest) -> tuple[dict[int, list[str]], dict[int, Round]]:
    """Return the customers that come next in each journey's pulls, and the state of the pulls."""
    pulls = load(store, pulls=wanted).pulls or PullsLoaded()
    return {journey: list(names) for journey, names in pulls.members.items()}, dict(pulls.rounds)


def entries_of(pulls: PullsLoaded) -> dict[int, dict[int, list[int]]]:
    """Return entries as plain dicts and lists."""
    return {
        journey: {customer: list(instants) for customer, instants in entries.items()}
        for journey, entries in pulls.entries.items()
    }


TABLES = (
    *("meta", "journeys", "versions", "publications", "transitions", "flags", "customers", "inputs", "enrollments"),
    *("paths", "moves", "messages", "refusals", "last_refusals", "counters", "exports", "pulls", "list_members"),
    *("openings", "arms", "suppressions"),
)


def everything(store: Store) -> list[list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with store.reader() as reader:
        return [reader.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]
