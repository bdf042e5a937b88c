"""A line to the server: one connection, opened when it is first needed, and whose turn it is to use it."""

from contextlib import suppress

import psycopg

from journeyflow.errors import StorageError
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.opening import connect
from journeyflow.stores.postgres.watching import WatchedConnection
from journeyflow.stores.turns import Joining, StoreTurn

PLANNING = range(3, 64, 2)
"""The lengths in bits of the counts of blocks at which statements are planned anew: 4, 16, 64 and so on."""

CLOSED = ("the store is closed", "open it again")


class ServerLine:
    """A connection that comes back by itself after it was cut."""

    def __init__(self, address: Address) -> None:
        """Begin without a connection."""
        self.address = address
        self.turn = StoreTurn(address.shown, is_shared=True)
        self.closed = self.shares = False
        """Whether it is closed, and whether a pooler has been seen to share out sessions."""
        self._connection: WatchedConnection | None = None
        self._blocks = 0

    def connection(self) -> WatchedConnection:
        """Return the connection, for a block that has the turn. Raises StorageError."""
        if self.closed:
            raise StorageError(self.address.shown, *CLOSED)
        if self._connection is None or self._connection.closed:
            self._connection, self._blocks = connect(self.address, prepared=not self.shares), 0
        return self._connection

    def begins(self) -> bool:
        """Note that a block begins; return whether the connection has had four times as many as when it last planned.

        Its tables may have grown as much, and a plan that was made for a few rows may read all of them.
        """
        self._blocks += 1
        return self._blocks.bit_count() == 1 and self._blocks.bit_length() in PLANNING

    def hang_up(self) -> None:
        """Close the connection; the next block opens another one."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def close(self) -> None:
        """Close the connection for good, after those who use it."""
        with Joining(self.turn):
            self.closed = True
            self.hang_up()
