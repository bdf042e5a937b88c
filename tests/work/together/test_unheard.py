"""Events that no journey listens to: which ones are taken together, and that they come to what each comes to (R7)."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Chain, End, Engine, Event, Journey, MemoryStore, Send, Trigger, Update, Wait
from journeyflow.testing import START, Forget, Life, Put, journeys, lives, policies
from journeyflow.work import scheduler
from journeyflow.work.together.unheard import Unheard
from tests.alone import each_event_heard
from tests.cases import cases
from tests.played import said, tables

SOME = cases(40)

MINUTE = timedelta(minutes=1)

LISTENING = Journey(
    id="listening",
    trigger=Trigger("joined"),
    steps=[Wait("pay", event="paid", timeout="3 days"), Send("thanks", channel="EMAIL", template="thanks"), End("e")],
)


def event(kind, customer, minute, **more):
    """Make an event so many minutes after the start."""
    return Event(kind, customer=customer, at=START + minute * MINUTE, **more)


def view(customer, minute, **more):
    """Make an event that no journey here listens to."""
    return event("page.viewed", customer, minute, **more)


def taken(calls, ticks):
    """Return how many events were taken together; whatever they are, they leave what the plain way leaves."""
    counts, real = [], Unheard.take

    def take(self, position, end):
        counts.append(real(self, position, end))
        return counts[-1]

    life = Life(list(calls), START + timedelta(hours=2))
    with patch.object(Unheard, "take", take):
        found = tables([LISTENING], life, ticks=ticks, store=MemoryStore(nonce="memory"))
    with each_event_heard():
        plain = tables([LISTENING], life, ticks=ticks, store=MemoryStore(nonce="memory"))
    assert found == plain
    return sum(counts)


@pytest.mark.parametrize(
    ("calls", "count"),
    [
        ([view("ann", n) for n in range(5)], 5),
        ([view("ann", 1), event("joined", "ann", 2), view("ann", 3), event("paid", "ann", 4), view("bob", 5)], 3),
        ([view("ann", 1, id="v1"), view("ann", 2, id="v1"), view("bob", 3, id="v1")], 3),
        ([view("ann", 1, id="v1", data={"n": 1}), view("ann", 2, id="v1", data={"n": 2})], 2),
        ([event("tag.added", "ann", 1, data={"tag": "vip"}), event("revenue", "ann", 2, data={"amount": 5})], 0),
        ([event("message.opened", "ann", 1, data={"message": "m"})], 0),
        ([Put("ann", {"a": 1}, at=START), view("ann", 1)], 1),
        ([view("ann", 1), Forget("ann", at=START + 90 * MINUTE), view("ann", 95)], 1),
    ],
    ids=["a row", "between others", "known", "conflicting", "with effect", "about a message", "a put", "forgotten"],
)
def test_only_events_without_a_listener_are_taken(calls, count):
    """R9, R20, R26, R50, R86: whoever is in the way ends the row; known ids are known, and old news is dismissed."""
    ticks = [START + 60 * MINUTE, START + 100 * MINUTE]
    assert taken(calls, ticks=ticks) == count


def test_nobody_takes_where_every_event_is_heard():
    """A batch without such events is handled as if there were none of this."""
    with patch.object(Unheard, "take", side_effect=AssertionError), Engine(MemoryStore()) as engine:
        engine.deploy(LISTENING, at=START)
        engine.feed(event("joined", "ann", 1))
        assert engine.tick(START + MINUTE).entered == 1


def test_events_found_late_are_counted():
    """R5: an event that nobody listens to is late as any other."""
    with Engine(MemoryStore(), grace="1 minute") as engine:
        engine.deploy(LISTENING, at=START)
        engine.feed([view("ann", 1), view("bob", 9)])
        assert engine.tick(START + 10 * MINUTE).late == 1


def test_a_rest_that_ends_between_such_events_is_woken_in_its_place():
    """R7: what is not an event ends the row of those that are handled together."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(LISTENING, at=START)
        engine.feed(event("joined", "ann", 0))
        engine.tick(START)
        rest = 3 * 24 * 60
        engine.feed([view("ann", rest - 1), view("bob", rest + 1)])
        result = engine.tick(START + (rest + 2) * MINUTE)
        assert (result.inputs, result.moves, result.messages) == (2, 1, 1)


@pytest.mark.parametrize(
    ("journey", "forgotten", "shared", "loaded"),
    [
        (LISTENING, False, False, {"ann"}),
        (LISTENING, False, True, {"ann", "bob", "cid"}),
        (LISTENING, True, False, {"ann", "bob", "cid"}),
        (
            Journey(id="j", trigger=Trigger("joined"), steps=[Update("u", Chain.forget()), End("e")]),
            False,
            False,
            {"ann", "bob", "cid"},
        ),
    ],
    ids=["as a rule", "where instants are shared", "once somebody was forgotten", "where a step forgets"],
)
def test_customers_of_such_events_stay_in_the_store(journey, forgotten, shared, loaded):
    """R7, R20: whether they are there is enough, unless the event may have to be handled as others are."""
    asked, real = [], scheduler.plan

    def plan(*args):
        asked.append(real(*args))
        return asked[-1]

    with Engine(MemoryStore()) as engine:
        engine.deploy(journey, at=START)
        engine.put_customers([("bob", {"plan": "free"}), ("dan", {})], at=START)
        engine.tick(START)
        if forgotten:
            engine.forget("dan", at=START)
        instants = (1, 1, 1) if shared else (1, 2, 3)
        names = zip(("ann", "bob", "cid"), ("joined", "page.viewed", "page.viewed"), instants, strict=True)
        told = [event(kind, customer, minute) for customer, kind, minute in names]
        engine.feed(told * 3 if shared else told)
        with patch.object(scheduler, "plan", plan):
            engine.tick(START + 5 * MINUTE)
        assert {name for _, name in asked[0].names} == loaded
        assert engine.customer("cid").attributes == {}
        assert engine.customer("bob").attributes == {"plan": "free"}


@SOME
@given(st.data())
def test_taken_together_they_leave_what_each_leaves(data):
    """R7: among all that can happen, the events that nobody hears make no difference to anything else."""
    chosen = data.draw(st.tuples(journeys(id="a"), journeys(id="b")))
    life = said(chosen, data.draw(lives(*chosen, policies=policies())))
    views = [view(f"c{n % 3 + 1}", n, id=f"v{n % 4}" if n % 2 else None) for n in range(0, 50, 7)]
    mixed = Life(sorted([*life.calls, *views], key=lambda call: call.at), life.end)
    found = tables(chosen, mixed, ticks=[], store=MemoryStore(nonce="memory"))
    with each_event_heard():
        plain = tables(chosen, mixed, ticks=[], store=MemoryStore(nonce="memory"))
    assert found == plain
