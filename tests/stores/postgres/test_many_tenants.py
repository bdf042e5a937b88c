"""Tenants of one server live as each would alone (R7, R91, R92): the same rows, up to the range of numbers."""

import re
from contextlib import ExitStack, suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Engine, Event, MemoryStore
from journeyflow.errors import Conflict, NotFound
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.schema import RANGE
from tests.cases import cases
from tests.stateful.journeys import JOURNEYS
from tests.stateful.test_agreement import START

TENANTS = ("zoo", "art", "inn")

CUSTOMERS = ("ann", "bob", "cid")

HAPPENINGS: tuple[tuple[str, dict[str, object]], ...] = (
    ("member.created", {}),
    ("order.placed", {"amount": 20}),
    ("cart.updated", {"items": 1}),
    ("checkout", {}),
    ("tag.added", {"tag": "vip"}),
    ("field.changed", {"field": "birthday", "new": "1999-03-26"}),
)

VIEWS = (
    *("customers", "enrollments", "visits", "messages", "engagement", "inputs", "deferred", "refusals", "counters"),
    *("pulls", "list_members", "transitions"),
)

ACTIONS = ("feed", "feed", "feed", "put", "batch", "batch", "tick", "deliver", "cycle", "pause", "resume", "forget")

steps = st.tuples(
    st.sampled_from(ACTIONS), st.sampled_from(TENANTS), st.integers(0, 99), st.sampled_from([0, 0, 1, 30, 1_440, 4_320])
)
"""What happens, for whom, which of its kind, and how many minutes later."""


def event(number, at):
    """Return one of the events."""
    kind, data = HAPPENINGS[number % len(HAPPENINGS)]
    return Event(kind, customer=CUSTOMERS[number % len(CUSTOMERS)], at=at, data=data, id=f"e{number}")


def put(bound, number, at):
    """Tell some attributes."""
    told = {"plan": ("free", "paid")[number % 2], "lists": ["buyers"] * (number % 3)}
    bound.put_customer(CUSTOMERS[number % len(CUSTOMERS)], told, at=at)


def deliver(bound, number, at):
    """Take messages, and tell what became of them."""
    for place, message in enumerate(bound.claim("w", at=at, limit=3)):
        outcome = (number + place) % 4
        if outcome == 0:
            bound.nack(message, at=at, error="busy")
        elif outcome < 3:
            bound.ack(message, at=at)
            bound.feed(Event("message.opened", customer=message.customer, at=at, data={"message": message.id}))


def play(engine, names, script):
    """Do what a script says, as far as it concerns some tenants; return what all of them have in the end."""
    now = START
    for name in names:
        for journey in JOURNEYS:
            engine.tenant(name).deploy(journey, at=START)
    for what, who, number, minutes in script:
        now += timedelta(minutes=minutes)
        bound = engine.tenant(who)
        if what == "batch":  # of all tenants, in one commit
            with engine.batch():
                for name in names:
                    put(engine.tenant(name), number, now)
                    engine.tenant(name).feed(event(number, now))
        elif what == "tick" or (what == "cycle" and who not in names):
            engine.tick(now)
        elif what == "cycle":
            with bound.cycle(now, worker="w", limit=2):
                bound.feed(event(number, now))
        elif who in names:
            one(bound, what, number, now)
    engine.tick(now)
    assert engine.audit() == []
    with engine.store.reader() as reader:
        return {
            (view, name): sorted(
                re.sub(r"\d{13,}", lambda found: str(int(found[0]) % (1 << RANGE)), repr(row))
                for row in reader.rows(f"SELECT * FROM {view}_view WHERE tenant = ?", (name,))
            )
            for view in VIEWS
            for name in names
        }


def one(bound, what, number, now):
    """Do what concerns one tenant alone."""
    journey = JOURNEYS[number % len(JOURNEYS)].id
    if what == "feed":
        bound.feed(event(number, now))
    elif what == "put":
        put(bound, number, now)
    elif what == "deliver":
        deliver(bound, number, now)
    elif what == "forget":
        with suppress(NotFound):
            bound.forget(CUSTOMERS[number % len(CUSTOMERS)], at=now)
    else:
        with suppress(Conflict):
            getattr(bound, what)(journey, at=now)


@cases(9)
@given(script=st.lists(steps, min_size=12, max_size=40), size=st.sampled_from([1, 7, 1_000]))
def test_each_tenant_lives_as_if_it_were_alone(schemas, script, size):
    """Whoever else is on the server, what a tenant has is what it has in a store of its own in memory."""
    with ExitStack() as opened:
        server = PostgresStore(opened.enter_context(schemas.lent()))
        together = play(
            opened.enter_context(Engine(server, grace=None, max_jump=None, batch_size=size)), TENANTS, script
        )
    for name in TENANTS:
        with Engine(MemoryStore(nonce="x"), grace=None, max_jump=None) as alone:
            wanted = play(alone, (name,), script)
        assert {key: rows for key, rows in together.items() if key[1] == name} == wanted
