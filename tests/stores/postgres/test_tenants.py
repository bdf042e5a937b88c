"""Tenants are worked on apart: each has its lock and its numbers, and a tick takes those that are free (R92)."""

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Engine, Event
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.schema import RANGE
from tests.stores.postgres.workers import DAY, LETTER, NOW, begun, feed_and_tick

TENANTS = ("t", "u", "v")


@pytest.fixture
def engine(address):
    """Return an engine with three tenants, each with the same journey and two customers who have signed up."""
    with Engine(address, grace=None) as engine:
        for tenant in TENANTS:
            mine = engine.tenant(tenant)
            mine.deploy(LETTER, at=NOW)
            mine.feed([Event("signup", customer=name, at=NOW) for name in ("ann", "bob")])
        yield engine


def numbers(engine):
    """Return the serials of each tenant, as (range, count)."""
    with engine.store.reader() as reader:
        rows = reader.rows(
            "SELECT c.tenant, e.serial FROM enrollments e JOIN customers c ON c.number = e.customer ORDER BY 1, 2"
        )
    return {
        tenant: [(serial >> RANGE, serial % (1 << RANGE)) for name, serial in rows if name == tenant]
        for tenant in TENANTS
    }


def test_one_tick_serves_all_tenants(engine):
    """However many items a batch has, and whoever's they are (R91)."""
    result = engine.tick(NOW)
    assert (result.inputs, result.entered, result.messages, result.more) == (6, 6, 6, False)
    assert result.next_due == NOW + DAY
    assert engine.tick(NOW + DAY).messages == 6
    assert engine.audit() == []


def test_each_tenant_counts_in_its_own_range(engine):
    """So no two have the same number, and the first tenant's begin at 1."""
    engine.tick(NOW)
    found = numbers(engine)
    assert [[count for _, count in found[tenant]] for tenant in TENANTS] == [[1, 2]] * 3
    assert sorted({place for pairs in found.values() for place, _ in pairs}) == [0, 1, 2]
    assert found["t"] == [(0, 1), (0, 2)]
    ids = [message.id for tenant in TENANTS for message in engine.tenant(tenant).claim("w", at=NOW)]
    assert len({*ids}) == 6


def test_a_tick_passes_over_tenants_that_somebody_has_at_hand(engine, address):
    """Their work is done by the one who has them, or by the next tick."""
    with Engine(PostgresStore(address)) as other:
        with other.store.transaction(tenant="u"):
            assert engine.tick(NOW).inputs == 4
        assert other.tick(NOW).inputs == 2


def test_a_tenant_waits_for_no_other(engine, address):
    """What is given for one goes in while another is at work."""
    with Engine(PostgresStore(address)) as other, other.store.transaction(tenant="u"):
        engine.tenant("t").feed(Event("signup", customer="cid", at=NOW))
        assert engine.tenant("t").claim("w", at=NOW) == ()


def test_what_is_done_for_all_counts_on_behind_the_first(engine):
    """A batch of inputs of several tenants has numbers that no tenant gets again (R10)."""
    with engine.batch():
        for tenant in TENANTS:
            engine.tenant(tenant).feed(Event("signup", customer="cid", at=NOW))
    engine.tenant("t").feed(Event("signup", customer="dan", at=NOW))
    with engine.store.reader() as reader:
        seqs = [seq for (seq,) in reader.rows("SELECT seq FROM inputs ORDER BY seq")]
    assert len({*seqs}) == len(seqs) == 10
    assert engine.tick(NOW).entered == 10
    assert engine.audit() == []


def test_processes_share_the_tenants(engine, address):
    """Four processes feed and tick at once, two of them for one tenant: everybody enters, and nobody twice."""
    processes = [begun(feed_and_tick, address, name, 12) for name in (*TENANTS, "t")]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    engine.tick(NOW)
    assert {tenant: len(pairs) for tenant, pairs in numbers(engine).items()} == dict.fromkeys(TENANTS, 14)
    assert engine.audit() == []
