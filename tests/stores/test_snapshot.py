"""What stands in a store goes on elsewhere as it would have gone on where it was, from either store."""

from datetime import timedelta

import pytest

from journeyflow import (
    Condition,
    Engine,
    Event,
    Exit,
    Journey,
    Limits,
    MemoryStore,
    Policies,
    Send,
    Trigger,
    Wait,
    field,
)
from journeyflow.definition.policies import Cap
from journeyflow.questions.numbers.totals import totals
from journeyflow.stores.snapshot import standing
from tests.samples import START, STORES, open_engine

JOURNEYS = (
    Journey(
        id="long",
        trigger=Trigger("go"),
        exits=[Exit("gone", event="left")],
        reentry="always",
        steps=[
            Send("hello", channel="EMAIL", template="hello"),
            Wait("reply", event="message.clicked", timeout="3 days"),
            Condition("keen", field("message.hello.clicked").eq(True), yes=[Send("y", channel="SMS", template="y")]),
            Wait("week", "7 days"),
            Send("bye", channel="EMAIL", template="bye"),
        ],
    ),
    Journey(id="narrow", trigger=Trigger("go"), limits=Limits(per_day=2), steps=[Wait("w", "5 days")]),
    Journey(id="news", trigger=Trigger.every("1 day", list="fans"), steps=[Send("s", channel="PUSH", template="n")]),
)


def lived(store):
    """Return an engine in the middle of its work."""
    engine = open_engine(store, grace=None, max_jump=None)
    engine.set_policies(Policies(caps=[Cap(3, per="week")]), at=START)
    for journey in JOURNEYS:
        engine.deploy(journey, at=START)
    people = {f"c{n}": {"lists": ["fans"] if n % 2 else [], "n": n} for n in range(6)}
    engine.put_customers(people, at=START)
    engine.feed([Event("go", customer=name, at=START, id=f"e{name}", data={"a": 1}) for name in people])
    engine.tick(START)
    messages = engine.claim("w", at=START, limit=3)
    engine.ack(messages, at=START)
    told = {"message": messages[0].id}
    engine.feed(Event("message.clicked", customer=messages[0].customer, at=START + timedelta(hours=1), data=told))
    engine.hold_channel("SMS", at=START)
    engine.tick(START + timedelta(days=1, hours=2))
    engine.set_published("long", {"bye": False}, at=START + timedelta(days=1, hours=2))
    engine.feed(Event("left", customer="c3", at=START + timedelta(days=2)))
    engine.feed(Event("go", customer="c1", at=START + timedelta(days=2), id="ec1", data={"a": 1}))
    return engine


def went_on(engine):
    """Go on for two weeks; return everything that can be seen of it."""
    engine.release_channel("SMS", at=START + timedelta(days=3))
    engine.tick(START + timedelta(days=14))
    sent = [evolved(each) for each in engine.messages(take=None)]
    inside = [(each.customer, each.status, each.step, each.due) for each in engine.enrollments(take=None)]
    people = [(name, dict(engine.customer(name).attributes)) for name in (f"c{n}" for n in range(6))]
    return sent, inside, people, engine.refusals() == (), engine.deferred(take=None).items


def evolved(message):
    """Return what a message is, and what became of it."""
    return message.id, message.at, message.status, dict(message.engagement), message.data


@pytest.mark.parametrize("store", STORES)
def test_a_copy_goes_on_as_the_store_does(store):
    """Runs, messages, queues, pulls, caps, known ids of events, holds and flags: all that follows is the same."""
    engine = lived(store)
    with engine.store.reader() as reader:
        content = standing(reader)
    copied = MemoryStore()
    with copied.transaction() as transaction:
        transaction.commit(content)
    with Engine(copied, grace=None, max_jump=None) as copy:
        with copied.reader() as reader:
            assert not [key for key in totals(reader) if key[0] in {"visits", "outcomes"}]
        assert went_on(copy) == went_on(engine)


def test_both_stores_have_the_same_standing():
    """The value does not depend on the store that it was read from."""
    found = []
    for store in STORES:
        with lived(store).store.reader() as reader:
            found.append(standing(reader))
    assert found[0] == found[1]


@pytest.mark.parametrize("store", STORES)
def test_who_is_forgotten_stays_forgotten_in_a_copy(store):
    """The suppression list and its key go along: an old webhook brings nobody back there either (R86)."""
    with open_engine(store, grace=None) as engine:
        engine.deploy(JOURNEYS[0], at=START)
        engine.feed(Event("go", customer="ann", at=START, id="e1"))
        engine.tick(START)
        engine.forget("ann", at=START + timedelta(hours=1))
        with engine.store.reader() as reader:
            stands = standing(reader)
    copied = MemoryStore()
    with copied.transaction() as transaction:
        transaction.commit(stands)
    again = Engine(copied, grace=None)
    again.feed(Event("go", customer="ann", at=START, id="e1"))
    assert again.tick(START + timedelta(hours=2)).entered == 0
