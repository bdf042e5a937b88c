"""How many statements a call of a host takes: distance multiplies them, and each costs the server and the process."""

from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from psycopg import RawCursor

from journeyflow import Engine, Event
from tests.stores.postgres.workers import LETTER, NOW

SECOND = timedelta(seconds=1)


@pytest.fixture
def engine(address):
    """Return an engine with a journey."""
    with Engine(address, grace=None) as engine:
        engine.deploy(LETTER, at=NOW)
        yield engine


ANEW = "DISCARD PLANS"
"""What has the server plan its statements anew; it is sent ever more rarely, and counted by a test of its own."""


@pytest.fixture
def sent(monkeypatch):
    """Return the statements that are sent to the server, as they are, but for plans that are discarded."""
    sent = []
    execute = RawCursor.execute

    def note(cursor, query, *arguments, **named):
        if query != ANEW:
            sent.append(query)
        return execute(cursor, query, *arguments, **named)

    monkeypatch.setattr(RawCursor, "execute", note)
    return sent


def test_a_cycle_takes_few_statements(engine, sent):
    """An ack, a sign-up, all that is due and a claim, of one customer or of many."""
    messages, now = (), NOW
    for customers in (1, 1, 1, 40):
        now += SECOND
        sent.clear()
        with engine.cycle(now, worker="w", limit=1_000) as cycle:
            engine.ack(messages, at=now)
            engine.feed([Event("signup", customer=f"{now} {place}", at=now) for place in range(customers)])
        messages = cycle.messages
        assert len(messages) == customers
        if now > NOW + SECOND:  # by then, the paths of the journey are known
            assert len(sent) <= 9, sent


def test_other_calls_take_few_statements(engine, sent):
    """A feed, a tick with something due or without, and a claim."""
    for place, limits in enumerate(((99, 99, 99, 99), (5, 11, 7, 3))):
        now = NOW + place * SECOND
        for call, most in zip((feed, tick, claim, tick), limits, strict=True):
            sent.clear()
            call(engine, now)
            assert len(sent) <= most, sent


def test_statements_are_planned_anew_as_tables_grow(engine, monkeypatch):
    """A plan for an empty table reads all of it: it is made again each time a connection has begun twice as much."""
    begun, anew, execute = [], [], RawCursor.execute

    def note(cursor, query, *arguments, **named):
        begun.extend([query] if query.startswith("BEGIN") else [])
        anew.extend([len(begun)] if query == ANEW else [])
        return execute(cursor, query, *arguments, **named)

    monkeypatch.setattr(RawCursor, "execute", note)
    engine.store._line.hang_up()
    while len(begun) < 20:
        engine.next_due()
    assert anew == [1, 2, 4, 8, 16]


def feed(engine, now):
    """Sign one customer up."""
    engine.feed(Event("signup", customer=str(now), at=now))


def tick(engine, now):
    """Do what is due."""
    engine.tick(now)


def claim(engine, now):
    """Claim a message."""
    assert len(engine.claim("w", at=now)) == 1
