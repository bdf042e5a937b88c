"""The store in one schema of a PostgreSQL database, on which any number of processes and machines work (R92)."""

import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from journeyflow.errors import StorageError
from journeyflow.stores.contract import check_nonce
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.blocks import PostgresTransactionBlock, PostgresView
from journeyflow.stores.postgres.known_paths import KnownPaths
from journeyflow.stores.postgres.lines import ServerLine
from journeyflow.stores.postgres.opening import prepare
from journeyflow.stores.turns import Joining

if TYPE_CHECKING:
    from journeyflow.stores.postgres.reader import PostgresReader
    from journeyflow.stores.postgres.transaction import PostgresTransaction

FORKED = ("this store was opened before a fork; a connection cannot be shared", "open it after the fork")


class PostgresStore:
    """A store in a schema of a PostgreSQL database; it needs the extra `postgres`.

    `address` is "postgresql://user@host/database?schema=name", with whatever parameters the server needs; the schema is
    made if it is missing, and is "journeyflow" unless the address or `schema` names another one. `nonce`, the start of
    message ids, is drawn at random for a new schema if it is not given (R70). Raises ForeignDatabase, NewerSchema,
    CorruptDatabase or StorageError, each with the address, without a password, and a remedy.
    """

    def __init__(self, address: str, *, schema: str | None = None, nonce: str | None = None) -> None:
        """Connect, and make the schema if it is missing."""
        if nonce is not None:
            check_nonce(nonce)
        where = Address.of(address, schema)
        self.path = where.shown
        self._pid = os.getpid()
        self._line, self._beside = ServerLine(where), ServerLine(where)
        self._paths = KnownPaths()
        try:
            with Joining(self._line.turn):
                prepare(self._line.connection(), where, nonce)
        except BaseException:
            self._line.close()
            raise

    def __repr__(self) -> str:
        """Return the call with the address."""
        return f"PostgresStore({self.path!r})"

    def close(self) -> None:
        """Close the connections; closing again does nothing, and neither does closing in a forked child process."""
        if os.getpid() == self._pid:
            self._line.close()
            self._beside.close()

    def transaction(
        self, *, write: bool = True, tenant: str | None = None, due_at: int | None = None, leasing: bool = False
    ) -> AbstractContextManager["PostgresTransaction"]:
        """Open a transaction; one that writes holds the lock of the tenant, or that of all, from the start.

        One that leases messages holds that of each message instead.
        """
        line = self._place(write=write)
        return PostgresTransactionBlock(line, self._paths, write=write, tenant=tenant, due_at=due_at, leasing=leasing)

    def reader(self) -> AbstractContextManager["PostgresReader"]:
        """Open a consistent view for queries; no thread waits for what another one is writing."""
        return PostgresView(self._place(write=False))

    def _place(self, *, write: bool) -> ServerLine:
        """Return the line that a block takes: another one to read while a thread is at work."""
        if os.getpid() != self._pid:
            raise StorageError(self.path, *FORKED)
        line, beside = self._line, self._beside
        if beside.turn.is_of(mine=True) or (not write and line.turn.is_of(mine=False)):
            return beside
        return line
