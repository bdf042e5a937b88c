"""A second connection to the file of a store, for threads that read while another one is at work (R72).

A tick works for seconds, one batch after another, on the connection of the store. Who asks a question meanwhile sees
what was committed last, as in the log of the file, and waits for nobody. A host with one thread never opens it.
"""

import sqlite3

from journeyflow.stores.sqlite.opening import Location, open_again
from journeyflow.stores.turns import Joining, StoreTurn


class Beside:
    """The connection, opened when it is first needed, and whose turn it is to read from it."""

    def __init__(self, location: Location) -> None:
        """Begin without a connection."""
        self.turn = StoreTurn(location.path, is_shared=True)
        self._location = location
        self._connection: sqlite3.Connection | None = None

    def connection(self) -> sqlite3.Connection:
        """Return the connection, for a block that has the turn. Raises StorageError if the file cannot be opened."""
        if self._connection is None:
            self._connection = open_again(self._location)
        return self._connection

    def close(self) -> None:
        """Close the connection, after those who read from it."""
        with Joining(self.turn):
            if self._connection is not None:
                self._connection.close()
                self._connection = None
