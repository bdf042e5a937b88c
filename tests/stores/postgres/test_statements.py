"""How many statements a call of a host takes: distance multiplies them, and each costs the server and the process."""

import re
from contextlib import closing
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from psycopg import RawCursor

from journeyflow import Engine, Event
from journeyflow.errors import NotFound
from journeyflow.stores.postgres import PostgresStore
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
    """A plan for an empty table may read all of it: plans are made again after four times as many transactions."""
    begun, anew, execute = [], [], RawCursor.execute

    def note(cursor, query, *arguments, **named):
        begun.extend([query] if query.startswith("BEGIN") else [])
        anew.extend([len(begun)] if query == ANEW else [])
        return execute(cursor, query, *arguments, **named)

    monkeypatch.setattr(RawCursor, "execute", note)
    engine.store._line.hang_up()
    while len(begun) < 20:
        engine.next_due()
    assert anew == [4, 16]


def test_a_tick_asks_little_where_others_have_all_the_work_at_hand(engine, address, sent):
    """It looks, and tries once: what that finds says when there is more."""
    engine.feed(Event("signup", customer="ann", at=NOW))
    with closing(PostgresStore(address)) as other, other.transaction(tenant="default"):
        for _ in range(2):
            sent.clear()
            result = engine.tick(NOW)
            assert (result.inputs, result.more, result.next_due) == (0, True, NOW)
        assert len(sent) <= 6, sent
    assert engine.tick(NOW).inputs == 1


def test_a_question_leaves_statements_prepared(engine):
    """Although what a query changes is rolled back, at which the driver forgets them otherwise."""
    for place in range(6):
        feed(engine, NOW + place * SECOND)
    before = prepared(engine)
    assert engine.enrollments().items == ()
    with pytest.raises(NotFound):
        engine.customer("nobody")
    assert before
    assert prepared(engine) >= before


def prepared(engine):
    """Return the statements that the connection of an engine has prepared."""
    with engine.store.transaction(write=False) as transaction:
        return {*transaction._ask("SELECT statement FROM pg_prepared_statements")}


def test_plans_made_in_a_new_schema_look_rows_up_by_key(addresses):
    """None reads the rows of a tenant in an index that has the tenant last: that is all rows, once there are some."""
    with Engine(addresses(), grace=None) as engine:
        engine.deploy(LETTER, at=NOW)
        for place in range(9):
            now = NOW + place * SECOND
            feed(engine, now)
            tick(engine, now)
            engine.ack(engine.claim("w", at=now), at=now)
        plans, by_tenant = plans_of(engine)
    searched = [each for plan in plans for each in SEARCHED.findall(plan)]
    assert len({index for index, _ in searched}) >= 6
    assert {(index,) for index, key in searched if key.startswith("(tenant = ")} <= by_tenant | {*SMALL}


def plans_of(engine):
    """Return the plans of the statements that an engine has prepared, and the indexes that begin with the tenant."""
    with engine.store.transaction(tenant="default") as transaction:
        ask = transaction._ask
        plans = [
            "\n".join(line for (line,) in ask(f"EXPLAIN EXECUTE {name} ({', '.join(['NULL'] * count)})"))
            for name, count in ask("SELECT name, cardinality(parameter_types) FROM pg_prepared_statements")
            if count
        ]
        return plans, {*ask("SELECT indexname FROM pg_indexes WHERE indexdef ~ '\\(tenant[,)]'")}


SEARCHED = re.compile(r"using (\w+) on [^\n]*\n\s+Index Cond: (.*)")

SMALL = {("journey_timers_pkey",), ("tenants_pkey",)}


def feed(engine, now):
    """Sign one customer up."""
    engine.feed(Event("signup", customer=str(now), at=now))


def tick(engine, now):
    """Do what is due."""
    engine.tick(now)


def claim(engine, now):
    """Claim a message."""
    assert len(engine.claim("w", at=now)) == 1
