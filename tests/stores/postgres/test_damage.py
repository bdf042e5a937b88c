"""Rows that nobody wrote are damage, and an error of the library names the schema."""

from contextlib import closing
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import Engine
from journeyflow.errors import CorruptDatabase, StorageError
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.opening import quoted
from tests.stores.scenes import START, live, tick_and_claim


def changed(address, statement):
    """Change rows beside the store, whatever refers to them."""
    where = Address.of(address)
    with psycopg.connect(where.server, autocommit=True) as connection:
        connection.execute("SET session_replication_role TO replica")
        connection.execute(f"SET search_path TO {quoted(where.schema)}")
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers SET attributes = substr(attributes, 1, 12)",
        "UPDATE enrollments SET memory = '{\"left\"' WHERE due IS NOT NULL",
        "UPDATE versions SET definition = '{}'",
        "UPDATE enrollments SET step = 99 WHERE due IS NOT NULL",
        "UPDATE enrollments SET version = 99 WHERE due IS NOT NULL",
        "UPDATE transitions SET state = 'GONE'",
        "DELETE FROM versions WHERE journey = 1",
        "DELETE FROM settings WHERE name = 'nonce'",
        "DELETE FROM settings",
        "UPDATE settings SET value = 'many' WHERE name = 'revision'",
    ],
)
def test_rows_that_nobody_wrote_are_damage(address, statement):
    """Whatever rows the engine stumbles over, the schema is named, never a KeyError or a JSON error of its code."""
    with Engine(address, grace=None, max_jump=None) as engine:
        live(engine, 6)
        tick_and_claim(engine, START + timedelta(hours=5))
    changed(address, statement)
    with pytest.raises(CorruptDatabase, match="schema=jf_"), Engine(address, max_jump=None) as engine:
        tick_and_claim(engine, START + timedelta(days=9))


def test_errors_of_hosts_in_intact_schemas_stay_what_they_are(address):
    """An error in a block is not damage if the audit finds none; nor is a query of a host that fails."""
    with closing(PostgresStore(address)) as store:
        with pytest.raises(KeyError), store.transaction():
            raise KeyError
        with pytest.raises(StorageError, match="invalid input syntax") as raised, store.reader() as reader:
            reader.rows("SELECT CAST('x' AS INTEGER)")
        assert type(raised.value) is StorageError
