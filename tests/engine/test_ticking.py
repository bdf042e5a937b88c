"""When a host has to call again, and what stops it."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from journeyflow import ClockJump, Engine, Event, InvalidInput, Journey, MemoryStore, Send, StorageError, Trigger, Wait
from tests.samples import STORES, open_engine


def test_a_message_that_is_to_be_pushed_again_is_due_work():
    """A host that sleeps until `next_due()` hands a failed message out again after a minute (R71, R73)."""

    def fail(_message):
        raise RuntimeError

    journey = Journey(id="once", steps=[Send("s", channel="EMAIL", template="t")])
    engine = Engine(MemoryStore(), channels={"EMAIL": fail})
    at = datetime(2026, 1, 1, tzinfo=UTC)
    engine.deploy(journey, at=at)
    engine.enroll("once", "c1", at=at)
    assert engine.tick(at).failed == 1
    assert engine.tick(at).next_due == at + timedelta(minutes=1)
    assert engine.next_due() == at + timedelta(minutes=1)
    assert engine.tick(at + timedelta(minutes=1)).failed == 1


def test_archiving_can_pass_over_a_jump_of_the_clock():
    """The work before the instant is done first; what lies too far back needs the host's word (R3, R15)."""
    engine = Engine(MemoryStore())
    at = datetime(2026, 1, 1, tzinfo=UTC)
    engine.deploy(Journey(id="long", steps=[Wait("w", "1 day"), Wait("v", "5 years")]), at=at)
    engine.enroll("long", "c1", at=at)
    engine.tick(at)
    with pytest.raises(ClockJump):
        engine.archive("long", at=at + timedelta(days=800))
    assert engine.archive("long", at=at + timedelta(days=800), allow_jump=True) == 1


def test_without_channels_of_its_own_the_engine_waits_for_no_delivery():
    """Messages for workers are claimed, not ticked: they are not due work (R73)."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    engine = Engine(MemoryStore())
    engine.deploy(Journey(id="once", steps=[Send("s", channel="EMAIL", template="t")]), at=at)
    engine.enroll("once", "c1", at=at)
    assert engine.tick(at).next_due is None


def test_an_engine_that_cannot_begin_leaves_a_given_store_alone():
    """Only what the engine opened itself is closed when it cannot begin (R72)."""
    store = MemoryStore()
    store.close()
    with pytest.raises(StorageError, match="the store is closed"):
        Engine(store)


def test_an_event_whose_data_are_no_object_is_refused():
    """The fault names the field (R10)."""
    with pytest.raises(InvalidInput, match="data: must be an object, not int 5"):
        Event("buy", customer="c1", at=datetime(2026, 1, 1, tzinfo=UTC), data=5)


def test_an_id_is_known_whatever_the_order_and_the_size_of_batches():
    """An event is a duplicate when any known one within reach is the same, else conflicting (R7, R26)."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    outcomes = []
    for size in (1, 100):
        engine = Engine(MemoryStore(), batch_size=size)
        said = [(150, "bob"), (0, "ann"), (75, "bob")]
        for day, customer in said:
            engine.feed(Event("buy", customer=customer, at=start + timedelta(days=day), id="e1"))
            if day == 150:
                engine.tick(start + timedelta(days=150))
        engine.tick(start + timedelta(days=150))
        with engine.store.reader() as reader:
            outcomes.append([row[0] for row in reader.rows("SELECT outcome FROM inputs ORDER BY seq")])
    assert outcomes[0] == outcomes[1] == ["handled", "handled", "duplicate"]


YEARS_AGO = datetime(2019, 5, 1, tzinfo=UTC)
TODAY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=STORES)
def engine(request):
    """Give an engine on each store, with a journey that waits for a day."""
    with open_engine(request.param) as opened:
        opened.deploy(
            Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", "1 day"), Wait("v", "9 years")]), at=TODAY
        )
        yield opened


OLD_INPUTS = {
    "put": lambda engine: engine.put_customer("ann", {"plan": "free"}, at=YEARS_AGO),
    "event": lambda engine: engine.feed(Event("go", customer="ann", at=YEARS_AGO)),
    "nobody listens": lambda engine: engine.feed(Event("page.viewed", customer="ann", at=YEARS_AGO)),
    "exit": lambda engine: engine.exit("j", "ann", at=YEARS_AGO),
    "ack": lambda engine: engine.ack("memory-1-1", at=YEARS_AGO),
}


@pytest.mark.parametrize("kind", OLD_INPUTS)
@pytest.mark.parametrize("running", [False, True])
def test_an_input_of_long_ago_stops_nobody(engine, kind, running):
    """R3: a webhook or an import dated years back is handled, at the first tick and between ticks."""
    if running:
        engine.enroll("j", "bob", at=TODAY)
        engine.tick(TODAY)
    OLD_INPUTS[kind](engine)
    assert engine.tick(TODAY).inputs == 1
    OLD_INPUTS[kind](engine)
    engine.put_customer("bob", {"name": "Bob"}, at=TODAY)
    assert engine.forget("bob", at=TODAY + timedelta(minutes=1)) == running
    assert engine.archive("j", at=TODAY + timedelta(minutes=2)) == 0
    assert engine.tick(TODAY + timedelta(minutes=3)).errors == 0


def test_a_jump_names_the_timer_the_last_tick_and_the_remedy(engine):
    """R3: tenant, journey, customer and instant; nothing is done, so the tick can be repeated."""
    engine.enroll("j", "ann", at=TODAY)
    engine.tick(TODAY + timedelta(hours=1))
    engine.feed(Event("go", customer="bob", at=YEARS_AGO))
    wrong = TODAY + timedelta(days=400)
    with pytest.raises(ClockJump) as jump:
        engine.tick(wrong)
    assert str(jump.value) == (
        "the timer of customer 'ann' in journey 'j' of tenant 'default' has been due since "
        "2026-01-02T00:00:00.000000Z, which is more than max_jump (366 days) before now (2027-02-05T00:00:00.000000Z; "
        "the last tick was at 2026-01-01T01:00:00.000000Z); "
        "check the clock, or go on with allow_jump=True (--allow-jump in the shell)"
    )
    assert (jump.value.tenant, jump.value.journey, jump.value.customer) == ("default", "j", "ann")
    assert engine.tick(TODAY + timedelta(hours=2)).inputs == 1
    assert engine.tick(wrong, allow_jump=True).moves == 1


def test_an_old_timer_is_done_if_ticks_went_on(engine):
    """R3: a timer far back is not a jump of the clock if a tick within `max_jump` did something."""
    engine.enroll("j", "ann", at=TODAY)
    engine.tick(TODAY)
    engine.pause("j", at=TODAY + timedelta(hours=1))
    later = TODAY + timedelta(days=500)
    engine.put_customer("bob", {}, at=later - timedelta(days=200))
    engine.put_customer("cyd", {}, at=later)
    with pytest.raises(ClockJump):
        engine.tick(later - timedelta(days=100))
    assert engine.tick(later - timedelta(days=100), allow_jump=True).inputs == 1
    engine.resume("j", at=later)
    assert engine.tick(later).moves == 1


def test_a_jump_may_be_about_a_lease_or_a_timer_of_a_journey():
    """R3: the end of a lease names its message's customer, a pull its journey alone."""
    engine = Engine(MemoryStore())
    engine.deploy(Journey(id="once", steps=[Send("s", channel="EMAIL", template="t")]), at=TODAY)
    engine.enroll("once", "ann", at=TODAY)
    engine.tick(TODAY)
    engine.claim("w", at=TODAY)
    with pytest.raises(ClockJump, match="the timer of customer 'ann' in journey 'once'"):
        engine.tick(TODAY + timedelta(days=400))
    engine = Engine(MemoryStore())
    engine.deploy(Journey(id="daily", trigger=Trigger.every("1 day"), steps=[Wait("w", "1 day")]), at=YEARS_AGO)
    with pytest.raises(ClockJump, match=r"a timer in journey 'daily' of .*; no tick has done anything yet") as jump:
        engine.tick(TODAY)
    assert jump.value.customer is None


def archived(engine):
    """Archive the journey."""
    engine.archive("j", at=TODAY + timedelta(hours=3))


def purged(engine):
    """Archive the journey and delete all it recorded."""
    archived(engine)
    engine.purge("j")


def removed(engine):
    """Remove the journey."""
    engine.remove("j", at=TODAY + timedelta(hours=3))


def forgotten(engine):
    """Forget the customers."""
    for customer in TOLD:
        engine.forget(customer, at=TODAY + timedelta(hours=3))


def migrated(engine):
    """Move everybody to a version without the step."""
    engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=[Wait("other", "1 day")]), at=TODAY + timedelta(hours=3))
    engine.migrate("j", 2, {"w": "other", "s": "other"}, at=TODAY + timedelta(hours=3))


def pruned(engine):
    """Delete what is finished."""
    for customer in TOLD:
        engine.exit("j", customer, at=TODAY + timedelta(hours=3))
    engine.tick(TODAY + timedelta(hours=3))
    engine.prune(TODAY + timedelta(hours=4))


GONE = (archived, purged, removed, forgotten, migrated, pruned)
LATER = TODAY + timedelta(hours=3, minutes=30)

TOLD = {
    "put": lambda engine, who, _: engine.put_customer(who, {"x": 1}, at=LATER),
    "event": lambda engine, who, _: engine.feed(Event("go", customer=who, at=LATER, id="e1")),
    "opened": lambda engine, who, post: engine.feed(
        Event("message.opened", customer=who, at=LATER, data={"message": post.id})
    ),
    "revenue": lambda engine, who, post: engine.feed(
        Event("revenue", customer=who, at=LATER, data={"message": post.id, "amount": 5})
    ),
    "enroll": lambda engine, who, _: engine.enroll("j", who, at=LATER),
    "exit": lambda engine, who, _: engine.exit("j", who, at=LATER),
    "retry": lambda engine, who, _: engine.retry(("j", who), at=LATER),
    "ack": lambda engine, _, post: engine.ack(post, at=LATER),
    "nack": lambda engine, _, post: engine.nack(post, error="no", at=LATER),
}
"""What is told of a customer, who has the name of it, and of the message to them."""


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("store", STORES)
def test_what_an_input_names_may_be_gone_by_then(store, gone, fails):
    """R15: each kind of input is handled, with an outcome, when the journey, run, message or customer is gone."""
    engine = open_engine(store)
    steps = (Send("s", channel="EMAIL", template="t"), Wait("w", "1 day"))
    engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=steps), at=TODAY)
    engine.feed(Event("go", customer=each, at=TODAY) for each in TOLD)
    engine.tick(TODAY)
    posts = {post.customer: post for post in engine.claim("w", at=TODAY, lease="1 day")}
    if fails:
        engine.ack(posts.values(), at=TODAY)
        engine.tick(TODAY)
    for who, tell in TOLD.items():
        tell(engine, who, posts[who])
    gone(engine)
    result = engine.tick(LATER)
    assert result.errors == 0
    with engine.store.reader() as reader:
        assert reader.rows("SELECT kind, type, at FROM inputs WHERE outcome IS NULL") == []
    assert engine.tick(LATER + timedelta(days=2)).errors == 0
    assert engine.audit() == []


def test_a_tick_says_in_the_log_what_it_did_if_somebody_listens(caplog):
    """The line is for who looks closely: it is at the level of debugging (R73)."""
    engine, at = Engine(MemoryStore()), datetime(2026, 1, 1, tzinfo=UTC)
    with caplog.at_level(logging.DEBUG, "journeyflow"):
        result = engine.tick(at)
    assert [record.getMessage() for record in caplog.records] == [f"tick at {at}: {result}"]
    engine.tick(at)
    assert len(caplog.records) == 1
