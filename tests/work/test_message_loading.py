"""What is loaded for what happens to messages: a whole customer only where a journey may hear of it (R7, R51, R71)."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import End, Engine, Event, Exit, Journey, MemoryStore, Send, Trigger, Wait, field
from journeyflow.testing import START, journeys, lives, policies
from journeyflow.work import scheduler
from tests.cases import cases
from tests.played import said, tables

MINUTE = timedelta(minutes=1)

SOME = cases(30)


def mailing(*, exits=(), waits_for="never"):
    """Make a journey that sends a message and then waits for an event."""
    hello, rest = Send("hello", channel="EMAIL", template="hello"), Wait("rest", event=waits_for)
    return Journey(id="j", trigger=Trigger("joined"), exits=exits, steps=[hello, rest, End("end")])


def requested(engine, happen, at):
    """Return what a tick requests from the store after something has happened to the message of each customer."""
    asked, real = [], scheduler.plan

    def plan(*args):
        asked.append(real(*args))
        return asked[-1]

    engine.feed([Event("joined", customer="ann", at=START), Event("joined", customer="bob", at=START + MINUTE)])
    engine.tick(START + MINUTE)
    messages = engine.claim("w", at=START + MINUTE, lease=MINUTE)
    happen(engine, messages)
    with patch.object(scheduler, "plan", plan):
        engine.tick(at)
    (request,) = asked
    return request


def acked(engine, messages):
    """Ack the messages."""
    engine.ack(messages, at=START + MINUTE)


def refused(engine, messages):
    """Nack the messages."""
    engine.nack(messages, at=START + MINUTE)


def opened(engine, messages):
    """Tell that each was opened, the second one by the customer of the first."""
    told = [Event("message.opened", customer="ann", at=START + MINUTE, data={"message": each.id}) for each in messages]
    engine.feed(told)


def left(engine, messages):
    """Let the leases end."""


@pytest.mark.parametrize(
    ("happen", "heard", "whole"),
    [
        (acked, {}, False),
        (acked, {"waits_for": "message.sent"}, True),
        (acked, {"exits": [Exit("out", when=field("lastEmailSentAt").eq("never"))]}, True),
        (refused, {"waits_for": "message.sent"}, False),
        (refused, {"waits_for": "message.failed"}, True),
        (left, {"waits_for": "message.sent"}, False),
        (left, {"waits_for": "message.failed"}, True),
        (opened, {"waits_for": "message.sent"}, False),
        (opened, {"waits_for": "message.opened"}, True),
        (opened, {"waits_for": "field.changed"}, True),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_customers_come_whole_only_if_a_journey_may_hear_of_it(happen, heard, whole):
    """R7: for all others the attributes and the run of the message are enough, and they are not looked up by name."""
    with Engine(MemoryStore(nonce="memory"), grace=None) as engine:
        engine.deploy(mailing(**heard), at=START)
        request = requested(engine, happen, START + 5 * MINUTE)
        assert request.serials == {1, 2}
        assert bool(request.whole_of or request.names) is whole
        found = {each["customer"]: each["sent" if happen is acked else "opened"] for each in _told(engine)}
        assert found == {"ann": happen in {acked, opened}, "bob": happen is acked}


def _told(engine):
    """Return of each customer whether the message was sent and opened."""
    for each in engine.messages().items:
        events = each.engagement
        yield {"customer": each.customer, "sent": "sent" in events, "opened": "opened" in events}


def test_a_message_whose_lease_ends_is_read_once():
    """R71: it has come with what is due, also where an ack names it."""
    with Engine(MemoryStore(nonce="memory"), grace=None) as engine:
        engine.deploy(mailing(), at=START)
        request = requested(engine, lambda engine, messages: acked(engine, messages[:1]), START + 5 * MINUTE)
        assert (request.posts, request.serials) == (frozenset(), {1, 2})
        assert [each.status for each in engine.messages().items] == ["SENT", "QUEUED"]


@SOME
@given(st.data())
def test_what_is_left_out_makes_no_difference(data):
    """R7: batches that load every customer whole come to the same."""
    chosen = data.draw(st.tuples(journeys(id="a"), journeys(id="b")))
    life = said(chosen, data.draw(lives(*chosen, policies=policies())))
    found = tables(chosen, life, ticks=[], store=MemoryStore(nonce="memory"))
    with patch.object(scheduler, "may_be_heard", lambda *_: True):
        plain = tables(chosen, life, ticks=[], store=MemoryStore(nonce="memory"))
    assert found == plain
