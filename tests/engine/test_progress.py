"""Each batch of a tick makes progress or raises: rows that nobody wrote never keep a tick at work for ever (R9)."""

from datetime import UTC, datetime, timedelta

import pytest

from journeyflow import Event, Journey, MemoryStore, Send, Trigger, Wait
from journeyflow.errors import CorruptDatabase
from journeyflow.records.changes import Changes, LimitChanges
from journeyflow.stores.batch import Request
from journeyflow.stores.memory.transaction import MemoryTransaction
from journeyflow.stores.sqlite.transaction import SQLiteTransaction
from tests.samples import STORES, open_engine

START = datetime(2026, 3, 2, 8, tzinfo=UTC)

LATER = START + timedelta(days=1)

PEOPLE = ("ann", "bob", "cid")

STAYS = "stays due whatever is done; see journeyflow audit|disagree; REINDEX it"
"""What is said of an item; a file takes it for one that only an index has."""


@pytest.fixture(params=STORES)
def engine(request):
    """Return an engine, on each store and in batches of one item, where three customers rest and have a message."""
    with open_engine(request.param, grace=None, batch_size=1) as engine:
        text = Send("s", channel="EMAIL", template="t")
        engine.deploy(Journey("j", trigger=Trigger("go"), steps=[text, Wait("w", "1 hour")]), at=START)
        engine.feed([Event("go", customer=name, at=START) for name in PEOPLE])
        engine.tick(START)
        yield engine


def write(engine, change):
    """Write what no engine writes."""
    with engine.store.transaction() as transaction:
        loaded = transaction.load(Request(serials=frozenset({1, 2, 3}), posts=frozenset({(1, 1)})))
        transaction.commit(change(loaded))


def test_runs_that_are_over_and_still_due(engine):
    """They would be looked at in each batch, and never change: the first of them is named."""
    write(
        engine,
        lambda loaded: Changes(runs=tuple(run._replace(status="COMPLETED", step=-1) for run in loaded.runs.values())),
    )
    with pytest.raises(CorruptDatabase, match=f"enrollment 1 in journey 'j', .*{STAYS}"):
        engine.tick(LATER)
    assert engine.audit() != []


def test_a_message_that_is_sent_and_still_on_lease(engine):
    """So with the end of its lease."""
    [(post,)] = [engine.claim("w", at=START, limit=1)]
    assert post.n == 1
    write(
        engine,
        lambda loaded: Changes(posts=tuple(each._replace(status="SENT") for each in loaded.posts.values())),
    )
    with pytest.raises(CorruptDatabase, match=f"message 1-1, {STAYS}"):
        engine.tick(LATER)


def test_a_timer_of_no_kind(engine):
    """A file that has one is damaged; without an audit of its own, as in memory, the timer is set aside and stops."""
    write(engine, lambda _: Changes(limits=LimitChanges(timers=((1, 7, 5),))))
    if isinstance(engine.store, MemoryStore):
        result = engine.tick(LATER)
        assert (result.errors, result.more) == (1, False)
        return
    with pytest.raises(CorruptDatabase, match="journey 'j' has a timer of kind 7, which is none"):
        engine.tick(LATER)


@pytest.mark.parametrize("kind", [MemoryTransaction, SQLiteTransaction])
def test_an_item_that_comes_back_with_the_same_changes(kind, monkeypatch):
    """Where a store loses what it is given for an item, that is noticed when the item comes for the third time."""
    given, commit = [], kind.commit

    def lose(self, changes):
        if changes.handled:
            given.append(changes)
        else:
            commit(self, changes)

    engine = open_engine("memory" if kind is MemoryTransaction else "sqlite", batch_size=1)
    engine.feed([Event("gone", customer=name, at=START) for name in PEOPLE])
    monkeypatch.setattr(kind, "commit", lose)
    with pytest.raises(CorruptDatabase, match=r"input 1 \(event 'gone' of customer 'ann'.*stays due"):
        engine.tick(START)
    assert len(given) == 2
