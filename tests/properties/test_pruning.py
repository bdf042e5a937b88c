"""What is pruned is missed by nobody: no later decision changes, and every sum stays what it was (R80, R86)."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Event
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, Ack, Life, Prune, journeys, lives
from tests.cases import cases
from tests.played import as_played, played, tables

SOME = cases(100)

PAIRS = st.tuples(journeys(id="a"), journeys(id="b"))
"""Two journeys at a time, with windows and openings."""


def message_of(call):
    """Name the message that a call is about, if any."""
    if isinstance(call, Ack):
        return call.message
    return call.data.get("message") if isinstance(call, Event) else None


def without_old_mail(life, sent, before, at):
    """Give what was said, but for what is told after an instant of messages that were queued before another one."""
    old = {message.id for message in sent if message.at < before}
    return Life([call for call in life.calls if call.at < at or message_of(call) not in old], life.end)


@SOME
@given(st.data())
def test_pruning_changes_no_decision(data):
    """Who prunes in the middle, in small batches, and again at the end leaves what pruning at the end leaves."""
    chosen = data.draw(PAIRS)
    drawn = data.draw(lives(*chosen, days=30, calls=60, forgetting=True))
    with played(chosen, drawn) as player:
        said, sent = as_played(player.script, drawn), player.engine.messages(take=None).items
    at = START + timedelta(hours=data.draw(st.integers(0, 40 * 24)))
    before = at - timedelta(hours=data.draw(st.sampled_from((0, 0, 6, 100))))
    life = without_old_mail(said, sent, before, at)
    last = data.draw(st.sampled_from([before, life.end]))
    once = Life([*life.calls, Prune(last, at=life.end)], life.end)
    calls = [call for call in life.calls if call.at <= at]
    twice = Life([*calls, Prune(before, at=at), *life.calls[len(calls) :], Prune(last, at=life.end)], life.end)
    found = tables(chosen, twice, audited=True, store=SQLiteStore(":memory:", nonce="memory"), batch_size=3)
    assert found == tables(chosen, once, audited=True)
