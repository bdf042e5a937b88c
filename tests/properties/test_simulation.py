"""Simulations of random journeys: the engine fed with what people did, a back-test, and any executor say the same."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Engine, Event, MemoryStore, Trigger
from journeyflow.basics.moments import to_micros
from journeyflow.questions.numbers.totals import totals
from journeyflow.simulation import (
    Arrivals,
    Background,
    Behavior,
    Choice,
    Deliver,
    Enroll,
    Population,
    Put,
    Submitted,
    backtest,
    simulate,
)
from journeyflow.simulation.backtest import Recorded, replay
from journeyflow.simulation.host import played
from journeyflow.simulation.run import planned
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, journeys
from tests.cases import cases

FEW = cases(25)
FIELD_CHANGED = Trigger.field_changed().event
DAYS = timedelta(days=12)
SOME = st.integers(1, 2).flatmap(lambda count: st.tuples(*(journeys(id=f"j{n}") for n in range(1, count + 1))))
SHARES = st.sampled_from((0.0, 0.3, 0.8, 1.0))
BEHAVIORS = st.builds(
    Behavior,
    bounced=SHARES,
    delivered=SHARES,
    opened=SHARES,
    clicked=SHARES,
    converted=SHARES,
    unsubscribed=SHARES,
    background=st.just([Background("page.viewed", every="4 days")]),
    soonest=st.sampled_from(("5 minutes", "2 hours")),
)
ARRIVALS = st.sampled_from((Arrivals.at_once(), Arrivals.evenly("3 days"), Arrivals.poisson(3)))
COUNTED = ("enrollments", "converted", "minutes", "visits", "outcomes", "refusals", "revenue", "reactions")
"""What does not depend on whether a worker took the messages."""


def people(arrivals):
    """Return a few people with attributes that rules of random journeys ask about."""
    return Population(size=7, attributes={"tier": Choice(["Gold", "Basic"]), "age": 30}, arrivals=arrivals)


def give(engine, item):
    """Do what the host of a simulation did; return what workers took."""
    if isinstance(item, Put):
        engine.put_customer(item.customer, item.attributes, at=item.at)
    elif isinstance(item, Enroll):
        engine.enroll(item.journey, item.customer, at=item.at)
    elif isinstance(item, Event):
        engine.feed(item)
    else:
        engine.tick(item.at)
        return engine.claim("worker", at=item.at, limit=10_000)
    return ()


def reported(some, record):
    """Yield a record with the event that a worker's report causes in place of each delivery."""
    with Engine(MemoryStore(), grace=None, max_jump=None, scrub=False) as engine:
        for journey in some:
            engine.deploy(journey, at=START)
        for each in record:
            at = each.at + timedelta(microseconds=1)
            for message in give(engine, each):
                engine.ack(message, at=at)
                yield Event("message.sent", customer=message.customer, at=at, data={"message": message.id})
            if not isinstance(each, Deliver):
                yield each


def fates(engine):
    """Return what became of each message."""
    return {each.id: (each.status, each.attempts) for each in engine.messages(take=None)}


def counted(tally):
    """Return what was counted, as far as it is compared, in an order of its own."""
    return {key: count for key, count in tally.items() if key[0] in COUNTED}


@FEW
@given(SOME, BEHAVIORS, ARRIVALS, st.integers(0, 50))
def test_the_engine_fed_the_same_events_does_the_same(some, behavior, arrivals, seed):
    """Told everything beforehand, in one tick, it comes to the figures of the simulation."""
    record: list[Submitted] = []
    options = {
        "population": people(arrivals),
        "start": START,
        "until": START + DAYS,
        "behavior": behavior,
        "seed": seed,
    }
    outcome = simulate(some, record=record, **options)
    with Engine(MemoryStore(), grace=None, max_jump=None, scrub=False) as engine:
        for journey in some:
            engine.deploy(journey, at=START)
        for each in reported(some, record):
            give(engine, each)
        engine.tick(START + DAYS)
        with engine.store.reader() as reader:
            assert counted(totals(reader)) == counted(outcome.tallies[0])


@cases(36)
@given(SOME, BEHAVIORS, ARRIVALS, st.integers(0, 50), st.sampled_from(("memory", "sqlite")))
def test_a_back_test_of_what_a_simulation_recorded_gives_the_same_outcome(some, behavior, arrivals, seed, store):
    """Attributes that rules read, who came when, and enrollments by hand are recorded too; both stores say the same.

    So is when workers took messages: what became of each is the same, also of those that were not sent any more.
    """
    record: list[Submitted] = []
    end = START + DAYS
    plan = planned(some, people(arrivals), START, end, behavior, seed, None, None)
    with played(plan, record) as (tallies, simulated):
        became = fates(Engine(simulated))
    if not any(isinstance(each, Put) for each in record):
        return
    kept = SQLiteStore(":memory:", nonce="memory") if store == "sqlite" else MemoryStore()
    with Engine(kept, grace=None, max_jump=None, scrub=False) as engine:
        done = replay(engine, some, Recorded(record, until=end))
        with engine.store.reader() as reader:
            assert counted(totals(reader)) == counted(tallies)
        assert fates(engine) == became
    assert done.unhandled == 0
    assert done.customers == len({each.customer for each in record if not isinstance(each, Deliver)})


@FEW
@given(SOME, BEHAVIORS, ARRIVALS, st.integers(0, 50))
def test_an_executor_and_its_parts_change_nothing(some, behavior, arrivals, seed):
    """By people or as a whole, the figures are the same, in the same order."""
    options = {
        "population": people(arrivals),
        "start": START,
        "until": START + DAYS,
        "behavior": behavior,
        "seed": seed,
    }
    with ThreadPoolExecutor(2) as threads:
        assert list(simulate(some, executor=threads, **options).tallies[0].items()) == list(
            simulate(some, **options).tallies[0].items()
        )


@FEW
@given(SOME, BEHAVIORS, st.integers(0, 50))
def test_a_back_test_of_what_people_did_enters_the_same(some, behavior, seed):
    """The events go through a file, and the customers too; nobody is enrolled by hand there.

    Customers are put before the journeys are deployed, so that their attributes, which a simulation puts as people
    come, are not a change that a trigger hears.
    """
    record: list[Submitted] = []
    those = tuple(journey for journey in some if not journey.trigger.manual and journey.trigger.event != FIELD_CHANGED)
    come = people(Arrivals.at_once())
    if not those:
        return
    outcome = simulate(
        those, population=come, start=START, until=START + DAYS, behavior=behavior, seed=seed, record=record
    )
    events = [each for each in reported(those, record) if isinstance(each, Event)]
    if not events:
        return
    lines = [{"at": each.at.isoformat(), "type": each.type, "customer": each.customer, **each.data} for each in events]
    span = {"start": to_micros(START), "end": to_micros(START + DAYS)}
    rows = [{"customer": each.id, **each.attributes} for each in come.participants(seed=seed, **span)]
    told = backtest(those, events=file_of(lines), customers=file_of(rows), until=START + DAYS)
    assert (told.bad, told.events) == (0, len(events))
    entered = sum(outcome.entered(journey.id).median for journey in those)
    holdouts = outcome.tallies[0]
    held = sum(count for key, count in holdouts.items() if key[0] == "enrollments" and key[2] == "HOLDOUT")
    assert told.entered in {entered, entered + held}


def file_of(rows):
    """Return rows as an open file of NDJSON."""
    return BytesIO("".join(f"{json.dumps(row)}\n" for row in rows).encode())
