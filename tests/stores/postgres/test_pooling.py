"""A pooler in transaction mode may stand between: nothing that the store needs outlives a transaction."""

from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")
pytest.importorskip("fcntl", reason="needs a system with sockets in folders")

import psycopg

from journeyflow import Engine, Event, StorageError
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.opening import PREPARED_AFTER, connect
from tests.stores.postgres.pooler import SESSIONS, pooled
from tests.stores.postgres.server import GIVEN
from tests.stores.postgres.workers import LETTER, NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def folder(address):
    """Return the folder of the server's socket."""
    folder = str(psycopg.conninfo.conninfo_to_dict(Address.of(address).server).get("host", ""))
    return folder if folder.startswith("/") else pytest.skip(f"the server of {GIVEN} has no socket in a folder")


@pytest.fixture
def behind(address, folder):
    """Yield the same address behind a pooler."""
    with pooled(folder) as ours:
        yield address.replace(folder, ours)


def test_statements_are_prepared_on_a_connection_of_ones_own_only(address, behind):
    """Where the session that answers is the one that greeted."""
    for where, is_direct in ((address, True), (behind, False)):
        with connect(Address.of(where)) as connection:
            assert (connection.prepare_threshold is not None) is is_direct


def test_the_pooler_shares_sessions_out(behind):
    """Control: what is left in a session is not there for the next transaction."""
    with connect(Address.of(behind)) as connection:
        connection.execute("SET application_name TO 'mine'")
        names = [connection.execute("SHOW application_name").fetchone() for _ in range(SESSIONS)]
    assert names.count(("mine",)) == 1


def test_a_store_works_behind_a_pooler(behind, address):
    """Every kind of call, many times over, so that a statement would be prepared by then."""
    with Engine(behind, grace=None) as engine:
        mine = engine.tenant("t")
        mine.deploy(LETTER, at=NOW)
        for hour in range(26):
            now = NOW + hour * HOUR
            with mine.cycle(now, worker="w", limit=100) as cycle:
                mine.feed(Event("signup", customer=f"c{hour}", at=now))
            mine.ack(cycle.messages, at=now)
            engine.tick(now)
        assert len(mine.enrollments(take=None)) == 26
        assert engine.audit() == []
    with Engine(address) as engine:
        assert len(engine.tenant("t").enrollments(take=None)) == 26


def test_a_pooler_that_greets_for_the_server_is_noticed(address, folder):
    """The first statement that is not found is an error of the store; from then on none is prepared."""
    with pooled(folder, own_number=False) as ours, Engine(address.replace(folder, ours)) as engine:
        with pytest.raises(StorageError, match="the next call connects again"):
            feed_often(engine)
        feed_often(engine)
        assert engine.tick(NOW).errors == 0
        assert engine.audit() == []


def feed_often(engine):
    """Feed until statements would be prepared, and then once more."""
    for _ in range(PREPARED_AFTER + 2):
        engine.feed(Event("signup", customer="ann", at=NOW))
