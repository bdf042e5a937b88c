"""The store object itself: its repr, forks, and what a transaction sees of its own commits."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import StorageError
from journeyflow.errors import CorruptDatabase, MissingExtra
from journeyflow.records.changes import CatalogChanges, Changes
from journeyflow.stores.contract import LAST_TICK
from journeyflow.stores.inquiries import LastTickRequest
from journeyflow.stores.postgres import PostgresStore, known_paths, opening
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.migrations import MIGRATIONS
from journeyflow.testing.conformance.samples import event


@pytest.fixture
def store(address):
    """Yield a store on an empty schema."""
    with closing(PostgresStore(address)) as store:
        yield store


def test_the_repr_names_the_address(store):
    """Without a password."""
    assert repr(store) == f"PostgresStore({store.path!r})"


def test_a_forked_child_does_not_use_the_connection(store, monkeypatch):
    """It is told so, and closing there closes nothing of its parent's."""
    with store.reader():
        pass
    with monkeypatch.context() as child:
        child.setattr(store, "_pid", 0)
        for opened in (store.transaction, store.reader):
            with pytest.raises(StorageError, match=r"opened before a fork.*open it after the fork"):
                opened()
        store.close()
    with store.reader() as reader:
        assert reader.rows("SELECT 1") == [(1,)]


def test_a_transaction_sees_the_catalog_that_it_has_written(store):
    """With the revision after its commit, and the instant of the last tick, which is not a setting here (R3)."""
    with store.transaction() as transaction:
        before = transaction.shelf(None)
        transaction.commit(Changes(catalog=CatalogChanges(meta=(("some", "value"), (LAST_TICK, "5")))))
        after = transaction.shelf(before.revision)
        assert after.revision == before.revision + 1
        assert after.meta["some"] == "value"
    with store.transaction(write=False) as transaction:
        assert transaction.ask(LastTickRequest()) is None, "there is no tenant to keep it"


@pytest.mark.parametrize("name", [7, None])
def test_a_schema_is_named_by_text(server, name, monkeypatch):
    """Anything else is refused; None is the one of the address."""
    if name is None:
        monkeypatch.setattr("journeyflow.stores.postgres.address.SCHEMA", "pg_none")
    with pytest.raises(StorageError, match=r"schema: (must be text, not int 7|'pg_none': names)"):
        PostgresStore(server, schema=name)


def test_paths_that_are_known_are_not_kept_without_end(monkeypatch):
    """When they become too many, all are asked for again."""
    monkeypatch.setattr(known_paths, "MOST", 0)
    known = known_paths.KnownPaths()
    for number, path in enumerate([(1, "old"), (2, "new")], 1):
        known.note({path: number})
        known.keep()
    assert known.among([(1, "old"), (2, "new")]) == {(2, "new"): 2}


def changed(address, statement):
    """Run a statement beside the store, in its schema."""
    where = Address.of(address)
    with psycopg.connect(where.server, autocommit=True, options=f"-c search_path={where.schema}") as connection:
        connection.execute(statement)


def test_an_older_schema_is_migrated(addresses, monkeypatch):
    """By the scripts that it has not had; what is in it stays."""
    address = addresses()
    with closing(PostgresStore(address, nonce="first")):
        pass
    monkeypatch.setattr(opening, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE added (x int)"))
    for _ in range(2):
        with closing(PostgresStore(address)) as store, store.reader() as reader:
            assert reader.rows("SELECT version, (SELECT count(*) FROM added) FROM layout") == [(2, 0)]
            assert reader.rows("SELECT value FROM settings WHERE name = 'nonce'") == [("first",)]


def test_an_older_server_is_refused(server, monkeypatch):
    """With the version that is needed."""
    monkeypatch.setattr(opening, "OLDEST", 10**9)
    with pytest.raises(StorageError, match="journeyflow needs 16 or newer; upgrade the server"):
        PostgresStore(server)


def test_a_schema_that_cannot_be_audited_is_damaged(addresses):
    """Where what the audit reads is gone, the error of the server says what."""
    address = addresses()
    with closing(PostgresStore(address)) as store:
        changed(address, "DROP VIEW pragma_integrity_check")
        with pytest.raises(CorruptDatabase, match=r"pragma_integrity_check.*does not exist"), store.transaction():
            raise KeyError


def test_text_that_the_server_cannot_have_is_an_error_of_the_store(store):
    """A NUL character, which hosts are refused before; nothing is written."""
    with pytest.raises(StorageError, match="cannot have a NUL character"), store.transaction(tenant="t") as transaction:
        transaction.commit(Changes(inputs=(event("a\0b"),)))
    with store.reader() as reader:
        assert reader.rows("SELECT count(*) FROM inputs") == [(0,)]


def test_a_connection_whose_first_question_fails_is_closed(address, monkeypatch):
    """No connection is left behind for the server to notice."""
    opened = []

    def fail(connection):
        opened.append(connection)
        raise psycopg.OperationalError

    monkeypatch.setattr(opening, "is_direct", fail)
    with pytest.raises(StorageError, match="OperationalError; look at the server"):
        PostgresStore(address)
    assert [connection.closed for connection in opened] == [True]


def test_questions_do_not_wait_for_another_thread(store):
    """They have a connection of their own while a thread is at work, and see what was committed before (R72)."""

    def asked():
        with store.reader() as reader:
            return reader.rows("SELECT count(*) FROM inputs")

    with ThreadPoolExecutor(1) as executor, store.transaction(tenant="t") as transaction:
        transaction.commit(Changes(inputs=(event("ann"),)))
        assert executor.submit(asked).result() == [(0,)]
    assert asked() == [(1,)]


def test_who_claims_need_not_be_known(store):
    """A claim writes no row of `tenants`, so it works for a tenant of whom nothing has come yet."""
    with store.transaction(tenant="new", leasing=True) as transaction:
        assert transaction.tenant == "new"
    with store.reader() as reader:
        assert reader.rows("SELECT tenant FROM tenants") == []


def test_a_transaction_that_cannot_be_rolled_back_leaves_no_connection(store):
    """The host hears its own error, and the next call connects again."""

    def cut(transaction):
        (session,) = transaction._ask("SELECT pg_backend_pid()")
        with psycopg.connect(store._line.address.server) as beside:
            beside.execute("SELECT pg_terminate_backend(%s, 5000)", session)
        raise KeyError

    with pytest.raises(KeyError), store.transaction(tenant="t") as transaction:
        cut(transaction)
    with store.reader() as reader:
        assert reader.rows("SELECT 1") == [(1,)]


def test_the_driver_is_an_extra(monkeypatch):
    """Without it, the error says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "journeyflow.stores.postgres")
    with pytest.raises(MissingExtra, match=r"a store in PostgreSQL.*journeyflow\[postgres\]"):
        importlib.import_module("journeyflow.stores.postgres")
