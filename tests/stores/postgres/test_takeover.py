"""Another process takes over the tenants of one that died or stands still (R92)."""

import os
import signal
from contextlib import contextmanager
from multiprocessing import get_context

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Engine
from journeyflow.stores.postgres import PostgresStore
from tests.stores.postgres.workers import LETTER, NOW, begun, hold, signup

SOON = "options=-c%20idle_in_transaction_session_timeout%3D300ms"
"""What has the server end a transaction that stands still, here before anybody gets bored."""


@pytest.fixture
def engine(address):
    """Return an engine with one tenant."""
    with Engine(address, grace=None) as engine:
        engine.tenant("t").deploy(LETTER, at=NOW)
        engine.tenant("t").feed(signup("t", "ann"))
        yield engine


@contextmanager
def holding(address):
    """Have a process that has a tenant at hand; yield it, and the pipe on which it says how that ended."""
    ours, theirs = get_context("forkserver").Pipe()
    process = begun(hold, address, "t", theirs)
    try:
        assert ours.recv() == "held"
        yield process, ours
    finally:
        process.kill()
        process.join()


def go_on(engine):
    """Wait until the tenant is free, and do what is due."""
    engine.tenant("t").feed(signup("t", "cid"))
    assert engine.tick(NOW).entered == 2


def test_a_killed_process_leaves_its_tenant(engine, address):
    """Its connection ends with it."""
    with holding(address) as (process, _):
        assert engine.tick(NOW).inputs == 0, "control: it is held"
        process.kill()
        go_on(engine)


def test_a_process_that_stands_still_loses_its_tenant(engine, address):
    """The server ends its transaction after a while; what it wanted to write is then refused, and nothing is there."""
    with holding(f"{address}&{SOON}") as (process, ours):
        os.kill(process.pid, signal.SIGSTOP)
        go_on(engine)
        os.kill(process.pid, signal.SIGCONT)
        ours.send("go on")
        assert "the next call connects again" in ours.recv()
    assert len(engine.tenant("t").enrollments()) == 2
    assert engine.audit() == []


def test_a_transaction_has_a_bound_of_its_own_unless_the_host_set_one(address):
    """Of an address, of a role or of the whole server."""
    for where, bound in ((address, "20s"), (f"{address}&{SOON}", "300ms")):
        store = PostgresStore(where)
        with store.transaction(tenant="t") as transaction:
            [(found,)] = transaction._ask("SELECT current_setting('idle_in_transaction_session_timeout')")
        store.close()
        assert found == bound
