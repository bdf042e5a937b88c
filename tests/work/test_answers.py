"""What workers answer: sent, or to be tried again; and leases that end (R71)."""

import pytest

from journeyflow import Engine, MemoryStore, Update, Wait, field, tag
from tests.samples import START, Host, after, mail, open_engine
from tests.work.test_intake import sent


def test_an_ack_makes_a_message_sent_and_tells_so(host):
    """Ack emits message.sent (R71)."""
    message = sent(host, Wait("sent", event="message.sent"))
    host.engine.ack(message, at=after("1 minute"))
    assert host.messages() == ["hello CLAIMED"]
    host.tick("1 minute")
    assert host.messages() == ["hello SENT"]
    assert host.path() == ["hello queued", "sent event", "end"]
    assert host.left("sent") == after("1 minute")


def test_an_ack_is_final(host):
    """It is final (R71): another ack is a duplicate, a nack is stale, the lease does not end."""
    message = sent(host)
    host.engine.ack([message, message], at=after("1 minute"))
    host.engine.nack(message, at=after("2 minutes"))
    host.tick("1 day")
    assert host.outcomes()[1:] == ["handled", "duplicate", "stale"]
    assert host.messages() == ["hello SENT"]
    assert host.claim("2 days") == ()


def test_an_ack_wins_over_any_status(host):
    """An ack wins over any status (R71): it went out, whatever else was decided."""
    message = sent(host, Wait("rest", "9 days"))
    host.engine.nack(message, at=after("1 minute"))
    host.engine.exit("j", "c1", at=after("2 minutes"))
    host.tick("2 minutes")
    assert host.claim("1 day") == ()
    assert host.messages() == ["hello CANCELLED"]
    host.engine.ack(message.id, at=after("2 days"))
    host.tick("2 days")
    assert host.messages() == ["hello SENT"]


def test_a_late_ack_wins_over_giving_up(host):
    """Also over FAILED (R71)."""
    message = sent(host)
    given_up(host, message)
    host.engine.ack(message, at=after("2 days"))
    host.tick("2 days")
    assert host.messages() == ["hello SENT"]


def test_acks_of_nothing_are_unmatched(host):
    """An id that names no message of this tenant (R71, R91)."""
    message = sent(host)
    host.engine.ack(["memory-1-9", "nonsense"], at=START)
    host.engine.tenant("other").ack(message.id, at=START)
    host.tick()
    assert host.outcomes()[1:] == ["unmatched"] * 3
    assert host.messages() == ["hello CLAIMED"]


@pytest.mark.parametrize("number", [2**63, 10**19 - 1])
def test_a_message_that_no_file_can_hold_is_unmatched(host, number):
    """R52, R71: an id may name a run beyond every number of SQLite; nothing stands still because of it."""
    host.engine.ack(f"memory-{number}-1", at=START)
    host.tick()
    host.feed("message.opened", "1 minute", message=f"memory-{number}-1")
    host.tick("1 minute")
    assert host.outcomes() == ["unmatched", "unmatched"]


def given_up(host, message):
    """Fail every attempt of a message; give the waits between them in minutes."""
    waits, now = [], START
    for _ in range(5):
        host.engine.nack(message, at=now, error="no route")
        host.tick(now)
        again = host.rows("SELECT available_at FROM messages WHERE status = 'QUEUED'")
        if not again:
            break
        waits.append((again[0][0] - int(now.timestamp() * 1_000_000)) // 60_000_000)
        now = after(f"{sum(waits)} minutes")
        (message,) = host.claim(now)
    return waits


def test_a_failed_attempt_is_made_again_later_and_then_given_up(host):
    """Retries at 1, 4, 16, 64 minutes, then FAILED and message.failed (R71)."""
    message = sent(host, Wait("bad", event="message.failed"))
    assert given_up(host, message) == [1, 4, 16, 64]
    assert host.messages() == ["hello FAILED"]
    assert host.path() == ["hello queued", "bad event", "end"]
    assert host.engine.messages("j").items[0].attempts == 5


def test_a_message_waits_for_its_next_attempt(host):
    """Not before its instant (R71); the attempt counts and the token is another one."""
    message = sent(host)
    host.engine.nack(message, at=START)
    host.tick()
    assert host.claim("59 seconds") == ()
    (again,) = host.claim("1 minute")
    assert (again.id, again.attempts) == (message.id, 2)
    assert again.token != message.token


def test_a_stale_nack_is_ignored(host):
    """A stale nack is ignored (R71): from an older lease, twice, or unknown."""
    message = sent(host)
    host.engine.nack([message, message], at=START)
    host.tick()
    (again,) = host.claim("1 minute")
    host.engine.nack(message, at=after("1 minute"))
    host.tick("1 minute")
    assert host.outcomes()[1:] == ["handled", "stale", "stale"]
    assert host.messages() == ["hello CLAIMED"]
    assert again.attempts == 2


def test_a_nack_of_nothing_is_unmatched():
    """A message of another database (R70, R71)."""
    one, other = Host(open_engine("memory")), Host(Engine(MemoryStore(nonce="another")))
    message = sent(one)
    other.engine.nack(message, at=START)
    other.tick()
    assert other.outcomes() == ["unmatched"]


def test_the_end_of_a_lease_is_a_failed_attempt(host):
    """The end of a lease is a timer at its own instant (R71)."""
    host.deploy(mail())
    host.say("go")
    host.engine.claim("w", at=START, lease="10 minutes")
    assert host.engine.next_due() == after("10 minutes")
    host.tick("9 minutes")
    assert host.messages() == ["hello CLAIMED"]
    host.tick("10 minutes")
    assert host.messages() == ["hello QUEUED"]
    assert host.claim("10 minutes") == ()
    assert len(host.claim("11 minutes")) == 1


def test_the_last_lease_that_ends_gives_the_message_up(host):
    """A worker that never answers is a failed attempt each time (R71)."""
    sent(host, Wait("bad", event="message.failed"))
    for when in ("6 minutes", "15 minutes", "36 minutes", "105 minutes"):
        host.tick(when)
        assert len(host.claim(when)) == 1
    host.tick("1 day")
    assert host.messages() == ["hello FAILED"]
    assert host.left("bad") == after("110 minutes")


def test_a_lease_that_was_answered_in_time_is_no_news(host):
    """An ack at the very end of the lease goes first (R7, R71)."""
    message = sent(host)
    host.engine.ack(message, at=after("5 minutes"))
    host.tick("1 day")
    assert host.messages() == ["hello SENT"]


def test_a_nack_and_a_new_lease_in_one_tick_keep_the_new_lease(host):
    """The end of an older lease says nothing about a newer one (R71)."""
    message = sent(host)
    host.engine.nack(message, at=after("1 minute"))
    host.tick("1 minute")
    host.claim("3 minutes")
    host.tick("6 minutes")
    assert host.messages() == ["hello CLAIMED"]
    host.tick("8 minutes")
    assert host.messages() == ["hello QUEUED"]


def test_flags_of_delivery_are_facts_of_the_run(host):
    """message.<step>.sent is true after the ack (R59)."""
    message = sent(
        host,
        Wait("rest", "1 day"),
        Update("note", field("sent").set("{{ message.hello.sent }}"), tag.add("{{ message.hello.sent_at }}")),
    )
    host.engine.ack(message, at=after("1 hour"))
    host.tick("2 days")
    attributes = host.attributes()
    assert attributes["sent"] is True
    assert attributes["tags"] == ["2026-01-05T09:00:00.000000Z"]
