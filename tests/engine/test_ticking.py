"""When a host has to call again, and what stops it."""

from datetime import UTC, datetime, timedelta

import pytest

from journeyflow import ClockJump, Engine, Event, InvalidInput, Journey, MemoryStore, Send, StorageError, Wait


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
    """Messages for workers are claimed, not ticked: they are no due work (R73)."""
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
