"""A schema full of rows, in which anything may be changed beside the store, and which is whole again afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection

from journeyflow import Engine
from journeyflow.stores.audit import SHAPE
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.opening import sql_name
from journeyflow.stores.postgres.reader import PostgresReader
from journeyflow.stores.postgres.schema import TABLE_NAMES
from tests.stores.sqlite.test_damage import everything

CONSTRAINTS = (
    "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f' AND connamespace = %s::regnamespace"
)


class Damaged:
    """The schema: no constraint keeps rows from referring to nothing, which needs its owner and no superuser."""

    def __init__(self, address: str) -> None:
        """Make the schema, fill it, and keep a copy of every row, in an order that no vacuum changes."""
        self.address = f"{address}&options=-c%20statement_timeout%3D20s"
        self._where = Address.of(address)
        with Engine(PostgresStore(address, nonce="x"), grace=None, max_jump=None) as engine:
            everything(engine)
            everything(engine.tenant("zoo"))
        with self.connected() as connection:
            for table, name in connection.execute(CONSTRAINTS, (self._where.schema,)).fetchall():
                connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            for table in TABLE_NAMES:
                connection.execute(f"CREATE TABLE whole_{table} AS SELECT * FROM {table} ORDER BY {table}::text")

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Yield a connection beside the store."""
        with psycopg.connect(self._where.server, autocommit=True) as connection:
            connection.execute(f"SET search_path TO {sql_name(self._where.schema)}")
            yield connection

    def damage(self, statement: str) -> bool:
        """Make every row what it was and change some; return whether the types and keys of the tables let that be."""
        whole = (f"TRUNCATE {table}; INSERT INTO {table} SELECT * FROM whole_{table}" for table in TABLE_NAMES)
        with self.connected() as connection:
            connection.execute("; ".join(whole))
            try:
                connection.execute(statement)
            except (psycopg.IntegrityError, psycopg.DataError):
                return False
        return True

    def noticed(self, connection: Connection, statement: str) -> list[str]:
        """Return what the checks of the shape of rows say after a change, which is taken back."""
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
            rows = PostgresReader(connection)
            return [sentence.format(*row) for sentence, sql in [*SHAPE.items()][:2] for row in rows.rows(sql)]
