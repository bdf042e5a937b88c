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
    one, two = (Send(name, channel="EMAIL", template=name) for name in ("one", "two"))
    for journey in ("late", "early"):
        host.deploy(one, Wait("w", "3 days"), two, id=journey, trigger=Trigger(journey), reentry="always")
    for day, journey in ((0, "late"), (2, "early"), (10, "late")):
        host.say(journey, f"{day} days", "zoe")
    host.say("early", "11 days", "amy")
    host.tick("20 days")
    with host.engine.store.reader() as reader:
        found = trails(reader)
    assert list(found) == ["amy", "zoe"]
    zoe = found["zoe"]
    assert [run[:2] for run in zoe.enrollments] == [("early", 1), ("late", 1), ("late", 2)]
    begin, day = to_micros(START), 86_400_000_000
    assert [(journey, step, (at - begin) // day) for journey, step, *_, at in zoe.messages] == [
        ("late", "one", 0),
        ("early", "one", 2),
        ("late", "two", 3),
        ("early", "two", 5),
        ("late", "one", 10),
        ("late", "two", 13),
    ]
    assert [(journey, step, (at - begin) // day) for journey, step, _, at in zoe.outcomes if step != "w"] == [
        (journey, step, (at - begin) // day) for journey, step, *_, at in zoe.messages
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
