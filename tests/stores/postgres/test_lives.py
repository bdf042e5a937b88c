"""What a host does on a server has the same end as in memory: dumps by key, and every question's answer (R90)."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Engine, Event, MemoryStore
from journeyflow.stores.postgres import PostgresStore
from journeyflow.testing.running import DUMPED
from tests.stateful.journeys import JOURNEYS

START = datetime(2026, 3, 23, 8, tzinfo=UTC)

HOUR = timedelta(hours=1)

NAMES = [f"c{number}" for number in range(40)]


def live(engine):
    """Let forty customers live through some days: events, attributes, messages and what becomes of them."""
    for journey in JOURNEYS:
        engine.deploy(journey, at=START)
    for number, name in enumerate(NAMES):
        at = START + number % 7 * HOUR
        engine.put_customer(name, {"plan": "free" if number % 2 else "paid", "birthday": "1990-03-25"}, at=at)
        engine.feed(Event("member.created", customer=name, at=at))
        engine.feed(Event("cart.updated", customer=name, at=at + HOUR, data={"items": number % 3}))
    for hours in range(0, 24 * 5, 6):
        now = START + hours * HOUR
        engine.tick(now)
        messages = engine.claim("w", at=now)
        engine.ack(messages[::2], at=now)
        engine.nack(messages[1::2], at=now, error="busy")
        for message in messages[::3]:
            told = {"message": message.id}
            engine.feed(Event("message.opened", customer=message.customer, at=now + HOUR, data=told))
            engine.feed(Event("revenue", customer=message.customer, at=now + HOUR, data={"amount": 500, **told}))
    engine.forget(NAMES[-1], at=START + 24 * 5 * HOUR)


@pytest.fixture
def engines(address):
    """Return an engine in memory and one on the server, both after the same life."""
    with (
        closing(MemoryStore(nonce="x")) as memory,
        closing(PostgresStore(address, nonce="x")) as server,
    ):
        engines = [Engine(store, grace="1 hour", max_jump=None, batch_size=50) for store in (memory, server)]
        for engine in engines:
            live(engine)
        yield engines


def test_dumps_are_equal(engines):
    """Table by table, ordered by key."""
    dumps = []
    for engine in engines:
        with engine.store.reader() as reader:
            dumps.append({name: reader.rows(sql) for name, sql in DUMPED.items()})
    assert sum(map(len, dumps[0].values())) > 500
    assert dumps[1] == dumps[0]


QUESTIONS = {
    "journeys": lambda engine: engine.journeys(take=None),
    "journey": lambda engine: [engine.journey(journey.id) for journey in JOURNEYS],
    "versions": lambda engine: [engine.versions(journey.id) for journey in JOURNEYS],
    "enrollments": lambda engine: engine.enrollments(take=None),
    "enrollments with visits": lambda engine: [engine.enrollment("welcome", name) for name in NAMES[:3]],
    "messages": lambda engine: engine.messages(take=None),
    "stats": lambda engine: [engine.stats(each.id, at=START + 120 * HOUR) for each in JOURNEYS],
    "account": lambda engine: engine.benchmark(at=START + 120 * HOUR),
    "results": lambda engine: [engine.results(each.id) for each in JOURNEYS if each.goal],
    "refusals": lambda engine: (engine.refusals(), engine.refused(take=None)),
    "timeline": lambda engine: [engine.timeline(name, take=None) for name in NAMES[:5]],
    "explanations": lambda engine: [str(engine.explain("welcome", name)) for name in NAMES[:3]],
    "reasons": lambda engine: [str(engine.why_not("club", name, at=START + 120 * HOUR)) for name in NAMES[:3]],
    "people": lambda engine: [
        engine.people(each.id, step.id, now=now, take=None, fields=["plan"])
        for each in JOURNEYS
        for step in each.steps
        for now in (False, True)
    ],
    "customers": lambda engine: engine.customer_ids("c1"),
    "dossiers": lambda engine: [engine.export_customer(name) for name in NAMES[4:8]],
    "set aside": lambda engine: (engine.set_aside(), engine.unmatched(), engine.deferred(take=None)),
    "lengths": lambda engine: [engine.time_to_end(each.id) for each in JOURNEYS],
    "audit": lambda engine: engine.audit(),
    "next due": lambda engine: engine.next_due(),
}


def test_every_question_has_the_same_answer(engines):
    """In types too: what is a whole number in SQLite is one here."""
    memory, server = engines
    found, wanted = ({name: ask(engine) for name, ask in QUESTIONS.items()} for engine in (server, memory))
    assert found == wanted
    assert repr(found) == repr(wanted)
