"""Schemas for tests, which are emptied and used again: making one takes the server a hundred times as long."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Self

import psycopg

from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.migrations import MIGRATIONS
from journeyflow.stores.postgres.opening import _begin, sql_name
from journeyflow.stores.postgres.schema import TABLE_NAMES
from tests.stores.postgres.server import GIVEN

NUMBERS = count(1)

EMPTYING = "; ".join(f"DELETE FROM {table}" for table in reversed(TABLE_NAMES))
"""Those first that refer to others."""


class Schemas:
    """The schemas of a server that a process of the tests uses."""

    def __init__(self, server: str) -> None:
        """Begin with none."""
        self._server = server
        self._connection = psycopg.connect(server, autocommit=True)
        self._made = list[str]()
        self._free = list[str]()

    def __enter__(self) -> Self:
        """Return them."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop all, on a server that stays; the tests' own ends with all that it has."""
        for schema in self._made if GIVEN in os.environ else ():
            self._connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        self._connection.close()

    def new(self) -> str:
        """Return an address with a schema that is not there yet."""
        self._made.append(f"jf_{os.getpid()}_{next(NUMBERS)}")
        return f"{self._server}{'&' if '?' in self._server else '?'}schema={self._made[-1]}"

    @contextmanager
    def lent(self, nonce: str = "x") -> Iterator[str]:
        """Yield an address with an empty schema, which is used again afterwards unless something fails."""
        if self._free:
            address = self._free.pop()
            self._empty(Address.of(address), nonce)
        else:
            PostgresStore(address := self.new(), nonce=nonce).close()
        yield address
        self._free.append(address)

    def _empty(self, where: Address, nonce: str) -> None:
        """Make a schema what a new one is."""
        with self._connection.transaction():
            self._connection.execute(
                f"SET LOCAL search_path TO {sql_name(where.schema)}; SET LOCAL lock_timeout TO '9s'"
            )
            self._connection.execute(EMPTYING)
            _begin(self._connection, where, nonce)
            self._connection.execute("UPDATE layout SET version = %s", (len(MIGRATIONS),))
