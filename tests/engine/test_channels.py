"""Channels that are stopped and started: nothing of them is handed out, and no attempt is spent (R71)."""

import logging

import pytest

from journeyflow import Engine, Event, InvalidInput, Journey, MemoryStore, Send, Trigger
from tests.samples import START, STORES, Host, after, open_engine

MAILS = Journey(
    id="j",
    trigger=Trigger("go"),
    steps=[
        Send("mail", channel="EMAIL", template="t"),
        Send("offer", channel="EMAIL", template="t", expires="2 hours"),
        Send("text", channel="SMS", template="t"),
    ],
)


MAIL = Journey(id="m", trigger=Trigger("go"), steps=[Send("mail", channel="EMAIL", template="t")])


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store with three messages."""
    with open_engine(request.param) as engine:
        engine.deploy(MAILS, at=START)
        engine.feed(Event("go", customer="c1", at=START))
        engine.tick(START)
        yield Host(engine)
        assert engine.audit() == []


def taken(host, when, **options):
    """Claim for an instant of lease: return the steps of what was handed out, and give it back."""
    messages = host.claim(when, **options)
    host.engine.release(messages)
    return [message.step for message in messages]


def test_nothing_of_a_held_channel_is_handed_out(host):
    """Other channels go on; what waited goes out after the release, with all its attempts."""
    host.engine.hold_channel("EMAIL", at=after("1 hour"))
    assert taken(host, "30 minutes") == ["mail", "offer", "text"]
    assert taken(host, "1 hour") == ["text"]
    assert taken(host, "3 hours", channels=["EMAIL"]) == []
    host.engine.release_channel("EMAIL", at=after("3 hours"))
    assert taken(host, "2 hours") == ["text"]
    (mail,) = host.claim("3 hours", channels=["EMAIL"])
    assert (mail.step, mail.attempts) == ("mail", 1)
    assert host.engine.message("memory-1-2").status == "EXPIRED"


def test_who_asks_for_held_channels_gets_them(host):
    """As of now or of an instant, with the instant since which each is held."""
    ask = host.engine.held_channels
    assert ask() == {}
    host.engine.hold_channel("SMS", at=after("1 hour"))
    host.engine.hold_channel("EMAIL", at=after("2 hours"))
    host.engine.hold_channel("SMS", at=after("3 hours"))
    host.engine.release_channel("PUSH", at=after("3 hours"))
    assert list(ask().items()) == [("EMAIL", after("2 hours")), ("SMS", after("1 hour"))]
    assert ask(at=START) == {}
    assert ask(at=after("1 hour")) == {"SMS": after("1 hour")}
    host.engine.release_channel("SMS", at=after("4 hours"))
    assert ask() == {"EMAIL": after("2 hours")}
    host.engine.hold_channel("SMS", at=after("5 hours"))
    assert ask()["SMS"] == after("5 hours")
    assert host.rows("SELECT channel, held FROM holds_view WHERE tenant = 'default' ORDER BY n") == [
        ("SMS", 1), ("EMAIL", 1), ("SMS", 0), ("SMS", 1),
    ]  # fmt: skip


def test_a_call_dated_back_counts_from_the_newest_one(host):
    """R11: what was handed out before stays as it was."""
    host.engine.hold_channel("EMAIL", at=after("2 hours"))
    host.engine.release_channel("EMAIL", at=after("1 hour"))
    assert host.engine.held_channels() == {}
    assert host.engine.held_channels(at=after("1 hour")) == {}
    assert taken(host, "2 hours") == ["mail", "text"]


def test_a_channel_is_held_for_one_tenant(host):
    """R91: the same channel of another tenant goes on."""
    other = host.engine.tenant("other")
    other.deploy(MAILS, at=START)
    other.feed(Event("go", customer="c1", at=START))
    host.tick()
    other.hold_channel("EMAIL", at=START)
    assert host.engine.held_channels() == {}
    assert taken(host, "1 minute") == ["mail", "offer", "text"]
    assert [message.step for message in other.claim("w", at=START)] == ["text"]


def test_another_process_keeps_to_it(tmp_path):
    """The store keeps it: engines that are open see it, and those opened later."""
    path = tmp_path / "run.db"
    with Engine(path) as first, Engine(path) as second:
        first.deploy(MAILS, at=START)
        first.feed(Event("go", customer="c1", at=START))
        first.tick(START)
        second.hold_channel("EMAIL", at=START)
        assert [message.step for message in first.claim("w", at=START)] == ["text"]
        assert first.held_channels() == {"EMAIL": START}
    with Engine(path) as third:
        assert third.held_channels() == {"EMAIL": START}


def test_a_handler_may_hold_its_own_channel():
    """A push ends with the message at hand; the next tick knows of nothing to do, and the release sets it going."""
    sent = []

    def mailer(message):
        sent.append(message.customer)
        if len(sent) == 2:
            engine.hold_channel("EMAIL", at=START)
            msg = "the provider is away"
            raise OSError(msg)

    with Engine(MemoryStore(), channels={"EMAIL": mailer}) as engine:
        engine.deploy(MAIL, at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(9))
        engine.tick(START)
        engine.tick(START)
        assert engine.tick(after("2 hours")).next_due is None
        waiting = [message for message in engine.messages(take=None) if message.status != "SENT"]
        assert {message.status for message in waiting} == {"QUEUED"}
        assert sum(message.attempts for message in waiting) == 1
        engine.release_channel("EMAIL", at=after("2 hours"))
        assert engine.next_due() in {START, after("1 minute")}
        engine.tick(after("2 hours"))
        engine.tick(after("2 hours"))
        assert {message.status for message in engine.messages(take=None)} == {"SENT"}
        assert len(sent) == 10


@pytest.mark.parametrize("channel", ["", None, 5, "x" * 201])
def test_what_is_no_channel_is_refused(host, channel):
    """Named as what it is."""
    for call in (host.engine.hold_channel, host.engine.release_channel):
        with pytest.raises(InvalidInput, match="channel: "):
            call(channel, at=START)


def test_a_channel_that_nobody_sends_through_is_a_warning_in_the_log(host, caplog):
    """Held all the same, since a journey may come to use it; and so is a release of what is not held."""
    with caplog.at_level(logging.WARNING, logger="journeyflow"):
        host.engine.hold_channel("sms", at=START)
        host.engine.hold_channel("SMS", at=START)
        host.engine.release_channel("Sms", at=START)
        host.engine.tenant("other").release_channel("SMS", at=START)
        host.engine.release_channel("SMS", at=START)
    assert list(host.engine.held_channels()) == ["sms"]
    sends, holds, other = (record.getMessage() for record in caplog.records)
    assert sends == "no journey of tenant 'default' sends through 'sms' (did you mean 'SMS'?)"
    assert holds.startswith("tenant 'default' does not hold 'Sms' (did you mean '")
    assert other == "tenant 'other' does not hold 'SMS'"
