"""Rows that nobody wrote are damage: an error of the library names the schema, the audit the row, and nothing loops."""

import random
import re
from contextlib import closing
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import Engine, Event
from journeyflow.errors import CorruptDatabase, StorageError
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.columns import COLUMN_TYPES
from journeyflow.stores.postgres.integrity import REFERENCES
from journeyflow.stores.postgres.opening import sql_name
from journeyflow.stores.postgres.schema import TABLE_NAMES
from tests.cases import long
from tests.stores.postgres.damage import Damaged
from tests.stores.scenes import START, live, tick_and_claim
from tests.stores.sqlite.test_damage import CALLS, LATER, REFUSED


def changed(address, statement):
    """Change rows beside the store, whatever refers to them."""
    where = Address.of(address)
    with psycopg.connect(where.server, autocommit=True) as connection:
        connection.execute("SET session_replication_role TO replica")
        connection.execute(f"SET search_path TO {sql_name(where.schema)}")
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


@pytest.fixture(scope="module")
def schema(schemas):
    """Return a schema in which rows may be changed."""
    return Damaged(schemas.new())


def test_a_reference_to_nothing_is_named(schema):
    """Whichever foreign key is broken, by the deletion of the rows that are referred to or in the row itself."""
    assert {table for table, *_ in REFERENCES} >= {"moves", "messages", "enrollments", "deferred", "counters"}
    wrong = []
    with schema.connected() as connection:
        for table, column, parent, _ in REFERENCES:
            for statement in (
                f"DELETE FROM {parent}",
                f"UPDATE {table} SET {column} = 987654 WHERE ctid = (SELECT max(ctid) FROM {table})",
                f"UPDATE {table} SET tenant = 'x' WHERE ctid = (SELECT max(ctid) FROM {table})",
            ):
                found = schema.noticed(connection, statement)
                if not any(re.fullmatch(rf"row [\w, *-]+ of table {table} points at nothing", each) for each in found):
                    wrong.append((table, statement, found))
    assert wrong == []


def test_the_foreign_keys_are_those_of_the_database(schemas):
    """The audit looks at what the catalog of the database has."""
    with schemas.lent() as address, psycopg.connect(Address.of(address).server) as connection:
        found = connection.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND connamespace = %s::regnamespace",
            (Address.of(address).schema,),
        ).fetchall()
    named = [re.findall(r"\((\w+), tenant\) REFERENCES \w+\.(\w+)\((\w+), tenant\)", text)[0] for _, text in found]
    assert sorted((table.split(".")[1], *key) for (table, _), key in zip(found, named, strict=True)) == sorted(
        REFERENCES
    )


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE tenants SET due = 7 WHERE tenant = 'zoo'", "tenant 'zoo' has work from"),
        ("UPDATE tenants SET due = NULL WHERE tenant = 'zoo'", "table tenants says no instant"),
        ("UPDATE inputs SET outcome = NULL WHERE seq = 1", "'default' has work from"),
        ("UPDATE tenants SET last_tick = -9e18", "ticked at -9000000000000000000, which is in no calendar"),
        ("UPDATE tenants SET range = 0", "tenants 'default' and 'zoo' have the same range of numbers, 0"),
        ("UPDATE tenants SET paths = -1 WHERE range = 0", "'default' counts paths in another range than its own, 0"),
        (
            "UPDATE tenants SET customers = 1 WHERE range = 0",
            "given number 1 to its customers at most, and there is 12",
        ),
        (
            "DELETE FROM tenants WHERE tenant = 'zoo'",
            "tenant 'zoo' has rows in table inputs, and none in table tenants",
        ),
        ("UPDATE inputs SET tenant = 'x'", "tenant 'x' has rows in table inputs, and none in table tenants"),
        ("DELETE FROM layout", "table layout has 0 rows"),
        ("UPDATE layout SET ranges = 1", "table layout counts 1 ranges of numbers, and there is range 1"),
        ("UPDATE layout SET versions = 0", "versions, and there are numbers"),
    ],
)
def test_what_the_row_of_a_tenant_says_is_checked(schema, statement, sentence):
    """Its work, its numbers and its range; and what stands in `layout` (R92)."""
    with schema.connected() as connection:
        assert schema.noticed(connection, "SELECT") == []
        assert [each for each in schema.noticed(connection, statement) if sentence in each] != []


def one_comes(address):
    """Let one more customer come, at an instant up to which everything is done."""
    with Engine(address, max_jump=None) as engine:
        engine.feed(Event("member.created", customer="new", at=START))
        engine.tick(START + timedelta(days=2))


def test_work_that_a_tenant_is_said_to_have(schema):
    """A tick does not look for it for ever, nor do numbers that are taken hide the rows that have them (R92)."""
    for statement, sentence in (
        ("UPDATE tenants SET due = 7 WHERE tenant = 'zoo'", "tenant 'zoo' has work at 7 .*, and none is found"),
        ("UPDATE messages SET tenant = 'x', lease_until = 7", "a message of tenant 'x' has a lease, and table tenants"),
        ("UPDATE tenants SET customers = 2 WHERE range = 0", "violates not-null constraint|duplicate key value"),
        ("UPDATE tenants SET enrollments = 2 WHERE range = 0", "violates not-null constraint|duplicate key value"),
    ):
        assert schema.damage(statement)
        with pytest.raises(CorruptDatabase, match=sentence):
            one_comes(schema.address)


NUMBERS = ("NULL", "0", "-1", "1", "99999", "9223372036854775807", "-9223372036854775808", "{} + 1", "{} + 1e15")

TEXTS = (
    "NULL",
    "''",
    "'x'",
    "'['",
    "'{{}}'",
    "'[[]]'",
    "'{{\"a\":1}}'",
    "'null'",
    "'7'",
    "'ACTIVE'",
    "'zoo'",
    "chr(31)",
)

ROWS = ("", " WHERE ctid = (SELECT max(ctid) FROM {})", " WHERE ctid = (SELECT min(ctid) FROM {})")
"""All rows, the last one, and the first."""


def damages():
    """Yield statements: each column of each table gets each value, or that of the row before; and rows are deleted."""
    for table in TABLE_NAMES:
        for place in ROWS:
            where = place.format(table)
            yield f"DELETE FROM {table}{where}"
            for column, kind in COLUMN_TYPES[table].items():
                for value in NUMBERS if kind == "bigint" else TEXTS:
                    yield f"UPDATE {table} SET {column} = {value.format(column)}{where}"
        for column in COLUMN_TYPES[table]:
            others = f"SELECT ctid AS id, lag({column}, 1, {column}) OVER () AS other FROM {table}"
            yield f"UPDATE {table} t SET {column} = o.other FROM ({others}) o WHERE o.id = t.ctid"


MET = "UPDATE versions SET definition = '{}'"
"""Every call that opens the engine stumbles over this."""


def ticked(engine):
    """Tick until nothing is due, as a host does; that ends."""
    for _ in range(40):
        if not engine.tick(LATER).more:
            return
    msg = "there is no end of what is due"
    raise AssertionError(msg)


def tried(address, draw):
    """Make calls, and return the errors of those that raise what no call says; and whether one said it is damage."""
    wrong, met = [], False
    calls = [*draw.sample(list(CALLS)[:21], 4), "tick to the end", *draw.sample(list(CALLS)[21:], 3)]
    try:
        with Engine(address, max_jump=None, batch_size=draw.choice([2, 7, 2_000])) as engine:
            for name in calls:
                try:
                    (ticked if name == "tick to the end" else CALLS[name])(engine)
                except REFUSED:
                    pass
                except StorageError:
                    met = True
                except Exception as error:  # noqa: BLE001 that is what is looked for
                    wrong.append(f"{name}: {type(error).__name__}: {error}"[:300])
    except StorageError:
        met = True
    except Exception as error:  # noqa: BLE001 likewise
        wrong.append(f"opening: {type(error).__name__}: {error}"[:300])
    return wrong, met


@pytest.mark.unmeasured
def test_whatever_stands_in_a_column(schema):
    """Every call answers, or says that the schema is damaged, in time: no KeyError, and no error of the driver."""
    every, draw, wrong, met = [*damages()], random.Random(18), [], 0
    for statement in every if long() else [MET, *draw.sample(every, 7)]:
        if schema.damage(statement):
            found, damage = tried(schema.address, draw)
            wrong += [(statement, each) for each in found]
            met += damage
    assert not wrong, "\n".join(map(str, wrong))
    assert met
