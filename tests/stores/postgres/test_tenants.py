"""Tenants are worked on apart: each has its lock and its numbers, and a tick takes those that are free (R92)."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import Engine, Event, StorageError
from journeyflow.basics.moments import to_micros
from journeyflow.records.changes import CatalogChanges, Changes
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.schema import RANGE
from journeyflow.stores.postgres.tenants import LOCKING_SECONDS
from journeyflow.stores.sqlite.opening import BUSY_SECONDS
from journeyflow.work.outbox import Claimant, claim_request
from tests.stores.postgres.workers import DAY, LETTER, NOW, begun, feed_and_tick

TENANTS = ("t", "u", "v")

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

CLAIMANT = Claimant(None, "w", to_micros(NOW), None, 9, to_micros(NOW))


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


BATCHED = [("t",), ("u", "t", "v")]
"""Whose inputs are given at once: of one tenant, or of several, which waits for all."""


@pytest.mark.parametrize("tenants", BATCHED)
def test_waiting_for_a_lock_has_a_bound(engine, address, tenants):
    """A host hears that somebody works too long; nothing of a batch is stored, and the next call goes on (R10)."""
    with Engine(f"{address}&options=-c%20lock_timeout%3D100ms") as hurried:
        with engine.store.transaction(tenant="t"):
            with pytest.raises(
                StorageError, match=r"due to lock timeout.*; another process has held the lock all that"
            ):
                fed(hurried, tenants)
            assert hurried.tick(NOW).inputs == 4, "it passes over that tenant, and has no less time"
        fed(hurried, tenants)
        assert hurried.tick(NOW).inputs == 2 + len(tenants)
        assert hurried.audit() == []


def fed(engine, tenants):
    """Give an event of each tenant in one commit."""
    with engine.batch():
        for tenant in tenants:
            engine.tenant(tenant).feed(Event("signup", customer="cid", at=NOW))


def test_waiting_for_a_lock_is_bounded_as_on_a_file(address):
    """Unless the host has set a bound of its own (R92)."""
    store = PostgresStore(address)
    for tenant in ("t", None):
        with store.transaction(tenant=tenant) as transaction:
            assert transaction._ask("SELECT current_setting('lock_timeout')") == [("1min",)]
    store.close()
    assert LOCKING_SECONDS == BUSY_SECONDS


def test_a_claim_does_not_wait_for_who_works_for_the_tenant(engine, address):
    """Messages that are there are handed out while a tick of their tenant goes on elsewhere, and to all tenants."""
    engine.tick(NOW)
    with Engine(PostgresStore(address)) as other, other.store.transaction(tenant="t"):
        assert {message.customer for message in engine.tenant("t").claim("w", at=NOW)} == {"ann", "bob"}
        assert len(engine.tenant("u").claim("w", at=NOW)) == 2
    with Engine(PostgresStore(address)) as other, other.store.transaction():
        assert len(engine.tenant("v").claim("w", at=NOW)) == 2
    assert engine.audit() == []


def test_nobody_waits_for_a_claim(engine, address):
    """Not a tick, a feed or a change of the catalog; another claim passes over the messages that somebody has."""
    engine.tick(NOW)
    with Engine(PostgresStore(address)) as other, other.store.transaction(leasing=True) as transaction:
        assert len(transaction.ask(claim_request(CLAIMANT, other._core.refresh(transaction), limit=4))) == 4
        assert len(engine.tenant("v").claim("w", at=NOW)) == 2
        for tenant in "tu":
            assert engine.tenant(tenant).claim("w", at=NOW) == ()
        engine.tenant("t").feed(Event("signup", customer="cid", at=NOW))
        assert engine.tick(NOW).entered == 1
        engine.tenant("u").pause("letter", at=NOW)
        engine.tenant("u").resume("letter", at=NOW)
    assert len(engine.tenant("t").claim("w", at=NOW)) == 3
    assert engine.audit() == []


def test_who_has_waited_for_a_change_of_the_catalog_knows_it(engine, address):
    """The revision is not older than the lock of the tenant, although one statement asks for both."""
    with ThreadPoolExecutor(1) as executor, Engine(PostgresStore(address)) as other:
        with other.store.transaction() as transaction:
            before = other._core.refresh(transaction).revision
            found = executor.submit(revision_of, engine.store, "t")
            until_somebody_waits(address)
            transaction.commit(Changes(catalog=CatalogChanges(meta=(("grace", ""),))))
        assert found.result() == before + 1


def revision_of(store: PostgresStore, tenant):
    """Return the revision of the catalog as somebody sees it who works for a tenant."""
    with store.transaction(tenant=tenant) as transaction:
        return transaction._numbers.revision


def test_a_lease_that_ends_is_work(engine):
    """Of its tenant, although a claim does not write when there is some."""
    engine.tick(NOW)
    assert len(engine.tenant("u").claim("w", at=NOW, lease="1 minute")) == 2
    assert engine.next_due() == NOW + MINUTE
    assert engine.tick(NOW + MINUTE).next_due == NOW + DAY
    assert len(engine.tenant("u").claim("w", at=NOW + HOUR)) == 2
    assert engine.audit() == []


def test_a_tick_waits_for_the_claim_of_a_message_that_it_changes(engine, address):
    """So neither writes over the other: what was told of the message is there, and so is its lease."""
    engine.tick(NOW)
    mine = engine.tenant("t")
    message = next(each for each in mine.messages() if each.customer == "ann")
    mine.feed(Event("message.opened", customer="ann", at=NOW, data={"message": message.id}))
    with ThreadPoolExecutor(1) as executor:
        with Engine(PostgresStore(address)) as other, other.store.transaction(leasing=True) as transaction:
            wanted = claim_request(CLAIMANT, other._core.refresh(transaction), limit=9, inputs=False)
            posts = transaction.ask(wanted)
            ticking = executor.submit(engine.tick, NOW)
            until_somebody_waits(address)
            leased = (post._replace(status="CLAIMED", lease_until=to_micros(NOW + HOUR)) for post in posts)
            transaction.commit(Changes(posts=tuple(leased)))
        assert ticking.result().inputs == 1
    (after,) = (each for each in mine.messages() if each.id == message.id)
    assert after.status == "CLAIMED"
    assert {*after.engagement} == {"opened"}


def until_somebody_waits(address):
    """Wait until a statement waits for a lock."""
    where = Address.of(address)
    with psycopg.connect(where.server, autocommit=True) as beside:
        while not beside.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall():
            time.sleep(0.01)


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


def told_again(engine, name, value):
    """Tell the same attribute of a customer again, at the same instant."""
    engine.tenant(name).put_customer("ann", {"said": value}, at=NOW)


@pytest.mark.parametrize("how", ["batch", "cycle", "settle"])
def test_a_tenants_inputs_keep_their_order(engine, how):
    """What is told of several at once comes after what each was told before, and before what comes next (R10)."""
    for name in TENANTS:
        told_again(engine, name, "before")
    together = {
        "batch": engine.batch,
        "cycle": lambda: engine.cycle(NOW, worker="w"),
        "settle": lambda: engine.settle(NOW),
    }
    with together[how]():
        for name in ("new", *TENANTS):
            told_again(engine, name, "with others")
    engine.tick(NOW)
    assert {engine.tenant(name).customer("ann").attributes["said"] for name in (*TENANTS, "new")} == {"with others"}
    for name in TENANTS:
        told_again(engine, name, "after")
    engine.tick(NOW)
    assert {engine.tenant(name).customer("ann").attributes["said"] for name in TENANTS} == {"after"}
    assert engine.audit() == []
