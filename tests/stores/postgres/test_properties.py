"""Properties that hold in memory hold on a server, and lives have one outcome on both (R4, R5, R7, R86, R90)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import MemoryStore
from journeyflow.stores.postgres import PostgresStore
from journeyflow.testing import START, Life, Prune, journeys, lives, policies, run
from tests.alone import everybody_alone, together_where_possible
from tests.cases import cases
from tests.properties.test_crowds import crowd
from tests.properties.test_pruning import without_old_mail

SOME = cases(9)

HOUR = timedelta(hours=1)

PAIRS = st.tuples(journeys(id="a"), journeys(id="b"))
"""Two journeys at a time, with windows and openings."""

HOURS = st.lists(st.integers(0, 40 * 24), max_size=12).map(lambda hours: [START + hour * HOUR for hour in hours])


@pytest.fixture
def played(schemas):
    """Return a function that plays a life in an empty schema."""

    def play(chosen, life, **how):
        with schemas.lent("memory") as address:
            return run(chosen, life, store=PostgresStore(address), **how)

    return play


def in_memory(chosen, life, **how):
    """Play a life in memory."""
    return run(chosen, life, store=MemoryStore(nonce="memory"), **how)


def dump(played):
    """Return the whole content of the store, table by table, in order of key."""
    return {name: list(rows) for name, rows in played.tables.items() if name != "paths"}


@SOME
@given(data=st.data())
def test_ticks_and_batches_change_nothing(played, data):
    """One tick in memory equals many on a server, in batches of three, with caps, quiet hours and late inputs."""
    chosen = data.draw(PAIRS)
    life = run(chosen, data.draw(lives(*chosen, policies=policies()))).said
    found = played(chosen, life, ticks=data.draw(HOURS), batch_size=3)
    assert dump(found) == dump(in_memory(chosen, life, ticks=[]))
    assert found.audit == []


@SOME
@given(data=st.data())
def test_migrations_and_forgotten_customers_keep_to_the_order_of_work(played, data):
    """However often a host ticks (R11, R14, R16, R17, R86)."""
    chosen, later = data.draw(PAIRS), data.draw(st.tuples(journeys(id="a")))
    life = run(chosen, data.draw(lives(*chosen, later=later, forgetting=data.draw(st.booleans())))).said
    found = played(chosen, life, ticks=data.draw(HOURS))
    assert dump(found) == dump(in_memory(chosen, life, ticks=[]))
    assert found.audit == []


@SOME
@given(data=st.data())
def test_grace_softens_the_same_instants(played, data):
    """Work that is found late has the instant that it has in memory (R5)."""
    chosen = data.draw(PAIRS)
    life = run(chosen, data.draw(lives(*chosen, days=6))).said
    ticks = [START + hour * HOUR for hour in (0, 5, 11, 12, 60, 61, 140)]
    found, wanted = (way(chosen, life, ticks=ticks, grace="1 hour") for way in (played, in_memory))
    assert found.tables == wanted.tables
    assert found.late == wanted.late


@SOME
@given(data=st.data())
def test_a_crowd_comes_to_what_each_would_come_to_alone(played, data):
    """Moved together on a server, and one by one in memory (R7)."""
    chosen = data.draw(PAIRS)
    life = crowd(run(chosen, data.draw(lives(*chosen, policies=policies()))).said)
    with together_where_possible():
        together = played(chosen, life, ticks=[])
    with everybody_alone():
        alone = in_memory(chosen, life, ticks=[])
    assert together.tables == alone.tables


@SOME
@given(data=st.data())
def test_pruning_changes_no_decision(played, data):
    """Pruning in the middle, in small batches, and again at the end leaves what pruning at the end leaves (R86)."""
    chosen = data.draw(PAIRS)
    before_pruning = run(chosen, data.draw(lives(*chosen, days=30, calls=60, forgetting=True)))
    at = START + data.draw(st.integers(0, 40 * 24)) * HOUR
    before = at - data.draw(st.sampled_from((0, 6, 100))) * HOUR
    life = without_old_mail(before_pruning.said, before_pruning.sent, before, at)
    last = Prune(data.draw(st.sampled_from([before, life.end])), at=life.end)
    early = [call for call in life.calls if call.at <= at]
    twice = Life([*early, Prune(before, at=at), *life.calls[len(early) :], last], life.end)
    found = played(chosen, twice, batch_size=3)
    assert dump(found) == dump(in_memory(chosen, Life([*life.calls, last], life.end)))
    assert found.audit == []
