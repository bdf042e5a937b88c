"""When a host has to call again, and what stops it."""

from datetime import UTC, datetime, timedelta

import pytest

from journeyflow import ClockJump, Engine, Journey, MemoryStore, Send, Wait


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
