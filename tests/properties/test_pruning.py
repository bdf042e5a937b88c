"""What is pruned is missed by nobody: no later decision changes, and every sum stays what it was (R80, R86)."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Event, MemoryStore
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, Ack, Life, Prune, journeys, lives, run
from tests.cases import cases

SOME = cases(100)

PAIRS = st.tuples(journeys(id="a"), journeys(id="b"))
"""Two journeys at a time, with windows and openings."""


def dump(played):
    """Give the whole content of the store, table by table, in order of key."""
    return {name: list(rows) for name, rows in played.tables.items() if name != "paths"}


def message_of(call):
    """Name the message that a call is about, if any."""
    if isinstance(call, Ack):
        return call.message
    return call.data.get("message") if isinstance(call, Event) else None


def without_old_mail(played, before, at):
    """Give what was said, but for what is told after an instant of messages that were queued before another one."""
    life = played.said
    old = {message.id for message in played.sent if message.at < before}
    return Life([call for call in life.calls if call.at < at or message_of(call) not in old], life.end)


@SOME
@given(st.data())
def test_pruning_changes_no_decision(data):
    """Who prunes in the middle, in small batches, and again at the end leaves what pruning at the end leaves."""
    chosen = data.draw(PAIRS)
    played = run(chosen, data.draw(lives(*chosen, days=30, calls=60, forgetting=True)))
    at = START + timedelta(hours=data.draw(st.integers(0, 40 * 24)))
    before = at - timedelta(hours=data.draw(st.sampled_from((0, 0, 6, 100))))
    life = without_old_mail(played, before, at)
    last = data.draw(st.sampled_from([before, life.end]))
    once = Life([*life.calls, Prune(last, at=life.end)], life.end)
    calls = [call for call in life.calls if call.at <= at]
    twice = Life([*calls, Prune(before, at=at), *life.calls[len(calls) :], Prune(last, at=life.end)], life.end)
    wanted = run(chosen, once, store=MemoryStore(nonce="memory"))
    found = run(chosen, twice, store=SQLiteStore(":memory:", nonce="memory"), batch_size=3)
    assert dump(found) == dump(wanted)
    assert found.audit == wanted.audit == []
