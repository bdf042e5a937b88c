"""What each customer went through, in the order in which it happened."""

import pytest

from journeyflow import Condition, End, Send, Trigger, Wait, field
from journeyflow.basics.moments import to_micros
from journeyflow.questions.numbers.trails import Trail, trails
from journeyflow.stores.rows import MAX_INTERNED
from tests.samples import START, STORES, Host, open_engine


@pytest.mark.parametrize("store", STORES)
def test_a_trail_has_runs_outcomes_and_messages_of_its_customer_alone(store):
    """Instants are those of the moves, and a step without an outcome leaves none."""
    host = Host(open_engine(store, grace=None, max_jump=None))
    host.deploy(
        Condition("rich", field("rich").eq(True), yes=[Send("offer", channel="EMAIL", template="t")], no=[]),
        Wait("rest", "1 day"),
        trigger=Trigger("go"),
    )
    host.put(START, "ann", rich=True)
    host.put(START, "cid")
    for customer in ("ann", "bob"):
        host.say("go", START, customer)
    host.tick("2 days")
    start, day_later = to_micros(START), to_micros(START) + 86_400_000_000
    with host.engine.store.reader() as reader:
        found = trails(reader)
    run = [("j", 1, "COMPLETED", "", start, day_later, 0)]
    assert found == {
        "ann": Trail(
            run,
            [("j", "rich", "yes", start), ("j", "offer", "queued", start), ("j", "rest", "elapsed", day_later)],
            [("j", "offer", "EMAIL", "t", start)],
        ),
        "bob": Trail(run, [("j", "rich", "no", start), ("j", "rest", "elapsed", day_later)], []),
        "cid": Trail([], [], []),
    }


@pytest.mark.parametrize("store", STORES)
def test_a_trail_comes_in_the_order_in_which_it_was_gone(store):
    """Enrollments by journey and run; outcomes and messages by instant, whichever journey they are of."""
    host = Host(open_engine(store, grace=None, max_jump=None))
    send = Send("s", channel="EMAIL", template="t")
    for journey in ("late", "early"):
        host.deploy(send, Wait("w", "1 day"), id=journey, trigger=Trigger(journey), reentry="always")
    for n, journey in enumerate(("late", "early", "late", "early")):
        host.say(journey, f"{2 * n} days", "zoe")
    host.say("early", "8 days", "amy")
    host.tick("9 days")
    with host.engine.store.reader() as reader:
        found = trails(reader)
    assert list(found) == ["amy", "zoe"]
    zoe = found["zoe"]
    assert [run[:2] for run in zoe.enrollments] == [("early", 1), ("early", 2), ("late", 1), ("late", 2)]
    days = {day: to_micros(START) + day * 86_400_000_000 for day in range(8)}
    gone = [("late", 0), ("early", 2), ("late", 4), ("early", 6)]
    assert zoe.messages == [(journey, "s", "EMAIL", "t", days[day]) for journey, day in gone]
    assert zoe.outcomes == [
        outcome
        for journey, day in gone
        for outcome in ((journey, "s", "queued", days[day]), (journey, "w", "elapsed", days[day + 1]))
    ]


@pytest.mark.parametrize("store", STORES)
def test_a_walk_through_very_many_steps_is_in_the_trail(store):
    """A path of more than a hundred visits is kept with its move, not among those that many walk."""
    host = Host(open_engine(store))
    steps = [f"c{n}" for n in range(MAX_INTERNED + 1)]
    host.deploy(*(Condition(step, field("rich").eq(True), yes=[End(f"end-{step}")], no=[]) for step in steps))
    host.say("go", START, "ann")
    with host.engine.store.reader() as reader:
        outcomes = trails(reader)["ann"].outcomes
    assert outcomes == [("j", step, "no", to_micros(START)) for step in steps]
