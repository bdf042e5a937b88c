"""What a call adds to an instant and stores stays inside the calendar, so that every later call can read it (R2)."""

from datetime import UTC, datetime, timedelta

import pytest

from journeyflow import Limits, Send, Trigger, Wait, Window
from tests.samples import START

LAST = datetime.max.replace(tzinfo=UTC)
NEAR = LAST - timedelta(minutes=1)


ENGINE = {"max_jump": None, "grace": None}
AUDITED = True


def queued(host):
    """Queue a message in the last minute of the calendar."""
    host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day"))
    host.say("go", NEAR)


def test_a_lease_ends_with_the_calendar(host):
    """A claim in the last minutes of the year 9999 leases until its end (R71)."""
    queued(host)
    (message,) = host.claim(NEAR)
    assert message.lease_until == LAST
    assert host.engine.next_due() == LAST
    host.tick(LAST)
    assert host.messages() == ["hello QUEUED"]


def test_a_long_lease_ends_with_the_calendar(host):
    """So does a lease that leads from any instant beyond the last one (R71)."""
    host.deploy(Send("hello", channel="EMAIL", template="t"))
    host.say("go", START.replace(year=9500))
    (message,) = host.claim(START.replace(year=9500), lease="999 years")
    assert message.lease_until == LAST
    assert host.engine.message(message.id) == message


@pytest.mark.parametrize("lease", [timedelta(days=7_990 * 365), "7990 years"])
def test_a_lease_of_ages_is_refused(host, lease):
    """A lease longer than any duration may be is a slip, and says so (R33)."""
    with pytest.raises(ValueError, match=r"lease: .* is longer than 1000 years"):
        host.claim(lease=lease)


def test_a_failed_attempt_waits_until_the_end_of_the_calendar(host):
    """The next attempt is due at the last instant at the latest, and five attempts are still the end (R71)."""
    queued(host)
    for _ in range(5):
        host.engine.nack(host.claim(LAST), at=LAST)
        host.tick(LAST)
        assert host.engine.next_due() in {LAST, None}
    assert host.messages() == ["hello FAILED"]


def test_a_slot_opens_with_the_end_of_the_calendar(host):
    """Who waits for a slot is let in at the last instant, and not never (R23)."""
    host.deploy(Wait("rest", "1 day"), limits=Limits(per_hour=1))
    for customer in ("c1", "c2", "c3"):
        host.feed("go", NEAR, customer)
    assert host.tick(NEAR).deferred == 2
    assert host.engine.next_due() == LAST
    host.tick(LAST)
    assert host.engine.enrollments().total == 3
    assert host.engine.deferred().total == 0


def test_a_prolonged_wait_ends_with_the_calendar(host):
    """A pause that prolongs a wait beyond the last instant leaves it to end there (R16)."""
    host.deploy(Wait("rest", "1 day"))
    host.say("go", LAST - timedelta(days=2))
    host.engine.pause("j", at=LAST - timedelta(days=2))
    host.engine.resume("j", at=LAST - timedelta(minutes=1), overdue="shift")
    assert host.engine.enrollment("j", "c1").due == LAST
    assert host.tick(LAST).moves == 1


@pytest.mark.parametrize("window", [None, Window("MON-FRI", "09:00", "17:00")])
def test_pulls_end_with_the_calendar(host, window):
    """The last pull is at the last instant at the latest, and nothing has to wake the journey any more (R27)."""
    host.deploy(Wait("rest", "1 day"), trigger=Trigger.every("1 month", window=window), when=LAST - timedelta(days=40))
    host.put(LAST - timedelta(days=40))
    for _ in range(3):
        host.tick(LAST)
    assert host.engine.next_due() is None
    assert host.engine.enrollments().total == 1


def test_a_file_is_kept_until_the_end_of_the_calendar(host):
    """An export job submitted in the last days expires with the calendar (F192)."""
    job = host.engine.submit_export(at=NEAR)
    assert job.expires_at == LAST
    assert host.engine.export_job(job.id) == job
