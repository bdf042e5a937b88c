"""The schema: the tenant in every key, who made it and which version it has, and what is refused."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import Engine, StorageError
from journeyflow.errors import CorruptDatabase, ForeignDatabase, NewerSchema
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.opening import sql_name

SMALL = {"layout", "settings"}
"""What is small and the same for everybody."""

KEYS = """
SELECT t.relname, i.relname, array_agg(a.attname)
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_attribute a ON a.attrelid = i.oid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = %s AND (x.indisunique OR x.indisprimary) GROUP BY 1, 2
"""

REFERENCES = """
SELECT t.relname, c.conname, array(SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = ANY(c.conkey)),
       array(SELECT attname FROM pg_attribute WHERE attrelid = c.confrelid AND attnum = ANY(c.confkey))
FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = %s AND c.contype = 'f'
"""


@pytest.fixture
def address(addresses):
    """Return an address with a schema that is not there yet, and not used again."""
    return addresses()


@pytest.fixture
def where(address):
    """Return the address of a schema that is there."""
    PostgresStore(address, nonce="x").close()
    return Address.of(address)


def ask(where, sql, *parameters):
    """Run a statement beside the store."""
    with psycopg.connect(where.server, autocommit=True) as connection:
        cursor = connection.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def test_every_key_contains_the_tenant(where):
    """So all tables but the small ones can be distributed by its hash as they are."""
    keys = ask(where, KEYS, where.schema)
    assert len(keys) > 25
    assert {name for table, name, columns in keys if table not in SMALL and "tenant" not in columns} == set()
    references = ask(where, REFERENCES, where.schema)
    assert len(references) > 20
    assert [row for row in references if "tenant" not in row[2] or "tenant" not in row[3]] == []


def test_every_text_is_compared_byte_by_byte(where):
    """Whatever the database does elsewhere: the order is that of SQLite and Python; in views, but for instants."""
    others = ask(
        where,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
        " AND data_type = 'text' AND coalesce(collation_name, '') <> 'C'",
        where.schema,
    )
    instants = {"at", "before", "due", "lease_until"}
    views = [name for table, name in others if table.endswith("_view") and not name.endswith("_at")]
    assert {*views} == instants
    assert {table for table, _ in others if not table.endswith("_view")} == {"pragma_foreign_key_check"}


def test_what_is_taken_from_json_is_compared_byte_by_byte(where):
    """Also in a database that sorts texts as a language does."""
    taken = ("e.key", "e.value", "c.attributes ->> '$.a'", "c.attributes ->> 0", "substr(e.value, 1)")
    with psycopg.connect(where.server, options=f"-c search_path={where.schema}") as connection:
        connection.execute("INSERT INTO customers VALUES (1, 't', 'ann', '{\"a\": 1}')")
        collations = ", ".join(f"COLLATION FOR ({each})" for each in taken)
        found = connection.execute(f"SELECT {collations} FROM customers c, json_each(c.attributes) e").fetchall()
    assert found == [('"C"',) * len(taken)]


def test_a_schema_is_opened_again(address):
    """It keeps its nonce, and its journeys."""
    with Engine(PostgresStore(address, nonce="x")):
        pass
    with closing(PostgresStore(address, nonce="y")) as store, store.transaction(write=False) as transaction:
        found = transaction.shelf(None)
    assert found is not None
    assert found.meta["nonce"] == "x"


def test_a_newer_schema_is_refused(where, address):
    """Nothing is done to it."""
    ask(where, f"UPDATE {where.schema}.layout SET version = 99")
    with pytest.raises(NewerSchema, match="upgrade journeyflow"):
        PostgresStore(address)


def test_a_damaged_schema_is_refused(where, address):
    """Without its version; and where a table is gone, when it is needed."""
    ask(where, f"ALTER TABLE {where.schema}.moves RENAME TO gone")
    ask(where, f"DROP VIEW {where.schema}.visits_view, {where.schema}.visits")
    with Engine(address) as engine, pytest.raises(StorageError):
        engine.audit()
    ask(where, f"DELETE FROM {where.schema}.layout")
    with pytest.raises(CorruptDatabase, match="version of the schema is missing"):
        PostgresStore(address)


def test_a_schema_of_others_is_refused(address):
    """One with tables that are not journeyflow's; an empty one is taken."""
    where = Address.of(address)
    ask(where, f"CREATE SCHEMA {where.schema}")
    ask(where, f"CREATE TABLE {where.schema}.orders (id int)")
    with pytest.raises(ForeignDatabase, match="name another one"):
        PostgresStore(address)
    ask(where, f"DROP TABLE {where.schema}.orders")
    PostgresStore(address).close()


def test_two_schemas_of_one_database_know_nothing_of_each_other(addresses):
    """What is put into one is not in the other."""
    with Engine(addresses()) as first, Engine(addresses()) as second:
        first.put_customer("ann", {}, at=datetime(2026, 1, 5, tzinfo=UTC))
        assert [engine.next_due() is None for engine in (first, second)] == [False, True]


def test_a_schema_may_have_any_name(addresses):
    """Blanks, quotation marks and capitals are not a reason to refuse it."""
    address = addresses()
    odd = f'{Address.of(address).schema} "A" b'
    ask(Address.of(address), f"DROP SCHEMA IF EXISTS {sql_name(odd)} CASCADE")
    with Engine(PostgresStore(address, schema=odd)) as engine:
        assert engine.audit() == []
    ask(Address.of(address), f"DROP SCHEMA {sql_name(odd)} CASCADE")


@pytest.mark.parametrize("schema", ["", "pg_mail", "x" * 64, "a\0b"])
def test_a_name_that_is_none_is_refused(server, schema):
    """With the reason."""
    with pytest.raises(StorageError, match="schema: "):
        PostgresStore(server, schema=schema)


def test_a_server_that_is_not_there_is_a_storage_error():
    """It names the address, without the password, and says what to do."""
    with pytest.raises(StorageError, match="look at the server") as raised:
        PostgresStore("postgresql://jo:secret@127.0.0.1:1/shop?connect_timeout=2")
    assert "secret" not in str(raised.value)
    assert raised.value.path == "postgresql://jo@127.0.0.1:1/shop?connect_timeout=2&schema=journeyflow"


def test_a_cut_connection_is_an_error_once(where, address):
    """Within a transaction the work is lost, and a StorageError says so; the next one connects again."""

    def cut():
        ask(where, "SELECT pg_terminate_backend(%s)", store._line.connection().info.backend_pid)

    with closing(PostgresStore(address, nonce="x")) as store:
        cut()
        with store.reader() as reader:  # between two blocks nothing is lost
            assert reader.rows("SELECT count(*) FROM customers") == [(0,)]
        with pytest.raises(StorageError, match="the next call connects again"), store.transaction() as transaction:  # noqa: PT012 the block raises
            cut()
            transaction.shelf(None)
        with store.transaction() as transaction:
            assert transaction.shelf(None) is not None
