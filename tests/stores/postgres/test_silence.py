"""A server that falls silent without hanging up: whoever waits hears of it, and the work of others goes on (R92)."""

import math
import random
from contextlib import closing, contextmanager

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import Engine, StorageError
from journeyflow.stores.postgres import PostgresStore, opening
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.watching import AT_WORK, THERE
from tests.cases import long
from tests.stores.postgres.silence import proxied
from tests.stores.postgres.workers import LETTER, NOW, signup

SOON = "options=-c%20idle_in_transaction_session_timeout%3D300ms"
"""What has the server end a transaction that stands still, here before anybody gets bored."""

SPOKEN = 24
"""How many times a client speaks in a cycle, at least."""


@contextmanager
def behind(address):
    """Yield the address behind a proxy, and the proxy."""
    where = Address.of(address)
    info = psycopg.conninfo.conninfo_to_dict(where.server)
    host = str(info.get("host", ""))
    if not host.startswith("/"):
        pytest.skip("the server is on no socket in a folder")
    with proxied(host) as (folder, proxy):
        yield f"postgresql://postgres@/postgres?host={folder}&schema={where.schema}&{SOON}&connect_timeout=20", proxy


def worked(engine, name):
    """Have a customer sign up, and take the message."""
    engine.feed(signup("t", name))
    engine.tick(NOW)
    return engine.claim("w", at=NOW)


@pytest.mark.parametrize("deaf", [True, False], ids=["what is asked", "what is answered"])
def test_nobody_waits_for_a_connection_that_is_silent(address, deaf):
    """Wherever it falls silent, the call ends with an error or on a new connection, and the tenant is free again."""
    errors = list[str]()
    with Engine(address, grace=None) as engine, behind(address) as (through, proxy):
        mine = engine.tenant("t")
        mine.deploy(LETTER, at=NOW)
        with closing(PostgresStore(through)) as store:
            silenced = Engine(store, grace=None).tenant("t")
            for turn in range(SPOKEN) if long() else (random.Random(8).randrange(SPOKEN), SPOKEN // 2):
                store._line.connection().patience = 0.2
                proxy.deaf, proxy.left = deaf, turn
                try:
                    worked(silenced, f"c{turn}")
                except StorageError as error:
                    errors.append(str(error))
                proxy.left = None
                worked(mine, f"d{turn}")
        assert "the server has said nothing for 0.2 seconds, and is not at work" in " ".join(errors)
        assert engine.tick(NOW).inputs == 0
        assert mine.audit() == []
        messages = [(each.customer, each.step) for each in mine.messages(take=None)]
        assert len(messages) == len({*messages}) == len(mine.enrollments(take=None))


def test_a_server_that_is_silent_for_all_is_given_up(address, monkeypatch):
    """Also for who connects: nothing hangs, and the same engine goes on when it speaks again."""
    monkeypatch.setattr("psycopg.connection.timeout_from_conninfo", lambda _: 0.5)  # an address can say no less than 2
    with Engine(address, grace=None), behind(address) as (through, proxy), closing(PostgresStore(through)) as store:
        engine = Engine(store)
        store._line.connection().patience = 0.2
        proxy.mute = True
        with pytest.raises(StorageError, match="look at the server and go on"):
            engine.put_customer("ann", {}, at=NOW)
        proxy.mute = False
        engine.put_customer("ann", {}, at=NOW)
        assert engine.tick(NOW).inputs == 1


@pytest.fixture
def impatient(address):
    """Yield a connection that looks soon."""
    with opening.connect(Address.of(address)) as connection:
        connection.patience = 0.2
        yield connection


@pytest.mark.parametrize("looking", [AT_WORK, THERE])
def test_a_long_statement_is_waited_for(impatient, looking):
    """The server says on another connection that it is at work; behind a pooler, that it is there."""
    impatient.looking = looking
    assert impatient.execute("SELECT 1 FROM pg_sleep(0.45)").fetchall() == [(1,)]


def test_a_server_without_room_is_there(impatient):
    """A server that refuses another connection is not silent."""
    impatient.elsewhere = psycopg.conninfo.make_conninfo(str(impatient.elsewhere), dbname="nowhere")
    assert impatient.execute("SELECT 1 FROM pg_sleep(0.5)").fetchall() == [(1,)]


def test_a_statement_that_takes_no_time_is_not_looked_for(impatient):
    """Such as the first one of a connection: silence says enough."""
    impatient.elsewhere = None
    with pytest.raises(psycopg.OperationalError, match="the server has said nothing for"):
        impatient.execute("SELECT pg_sleep(1)")


def test_how_long_to_wait_is_said_by_the_address(address):
    """As long as TCP waits before it looks; nobody looks where it does not (R92)."""
    for said, seconds in (("", 30), ("&keepalives_idle=5", 5), ("&keepalives=0", math.inf)):
        with opening.connect(Address.of(f"{address}{said}")) as connection:
            assert connection.patience == seconds
