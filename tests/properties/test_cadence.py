"""How often a host ticks, and how large the batches are, changes nothing (R4, R7, R90)."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from journeyflow import MemoryStore
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, journeys, lives, policies
from tests.cases import cases
from tests.played import said, tables

SOME = cases(80)

PAIRS = st.tuples(journeys(id="a"), journeys(id="b"))
"""Two journeys at a time, with windows and openings."""


BOUNDS = policies()
"""Caps and quiet hours, so many that they bite."""


@SOME
@given(st.data())
def test_one_tick_equals_many(data):
    """The same life, told in time, leaves the same dump with one tick at the end and with any others before (R4).

    So it is with caps and quiet hours that come and go (R31).
    """
    chosen = data.draw(PAIRS)
    life = said(chosen, data.draw(lives(*chosen, policies=BOUNDS)))
    hours = data.draw(st.lists(st.integers(0, int((life.end - START) / timedelta(hours=1))), max_size=20))
    ticks = [START + timedelta(hours=hour) for hour in hours]
    assert tables(chosen, life, ticks=ticks) == tables(chosen, life, ticks=[])


@SOME
@given(st.data())
def test_the_size_of_batches_changes_nothing(data):
    """Batches of 1, 7 and 10,000 items leave the same dump, in memory and in SQLite (R7, R90)."""
    chosen = data.draw(PAIRS)
    life = said(chosen, data.draw(lives(*chosen, late=True, policies=BOUNDS)))
    dumps = [
        tables(chosen, life, ticks=[], batch_size=size, store=store)
        for size, store in (
            (1, MemoryStore(nonce="memory")),
            (7, SQLiteStore(":memory:", nonce="memory")),
            (10_000, MemoryStore(nonce="memory")),
        )
    ]
    assert dumps[0] == dumps[1] == dumps[2]


@SOME
@given(st.data())
def test_versions_flags_and_shifts_change_nothing_about_it(data):
    """One tick equals many, and batches of any size, when hosts migrate, unpublish, shift (R4, R7, R14, R16, R17)."""
    chosen, later = data.draw(PAIRS), data.draw(st.tuples(journeys(id="a")))
    life = said(chosen, data.draw(lives(*chosen, later=later)))
    once = tables(chosen, life, audited=True, ticks=[], store=SQLiteStore(":memory:", nonce="memory"))
    hours = data.draw(st.lists(st.integers(0, int((life.end - START) / timedelta(hours=1))), max_size=20))
    ticks = [START + timedelta(hours=hour) for hour in hours]
    assert tables(chosen, life, audited=True, ticks=ticks, batch_size=1) == once


@SOME
@given(st.data())
def test_forgetting_keeps_to_the_order_of_work(data):
    """Customers are forgotten after what was due before, however often a host ticks, on both stores (R11, R86)."""
    chosen = data.draw(PAIRS)
    life = said(chosen, data.draw(lives(*chosen, forgetting=True)))
    hours = data.draw(st.lists(st.integers(0, int((life.end - START) / timedelta(hours=1))), max_size=20))
    ticks = [START + timedelta(hours=hour) for hour in hours]
    store = SQLiteStore(":memory:", nonce="memory")
    often = tables(chosen, life, audited=True, ticks=ticks, batch_size=3, store=store)
    assert often == tables(chosen, life, audited=True, ticks=[])
