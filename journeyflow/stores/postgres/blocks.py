"""The blocks in which a connection to PostgreSQL works: a transaction or a view, and the meaning of errors in one."""

import psycopg
from psycopg import Connection

from journeyflow.errors import JourneyflowError
from journeyflow.stores.postgres import tenants
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.lines import ServerLine
from journeyflow.stores.postgres.opening import begin, meaning, vacuuming
from journeyflow.stores.postgres.reader import PostgresReader
from journeyflow.stores.postgres.tenants import TenantNumbers
from journeyflow.stores.postgres.transaction import DriverError, PostgresTransaction
from journeyflow.stores.turns import Block

VIEWED = "ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresBlock(Block):
    """A block on a line to the server, which is a new one if the last was cut."""

    of_engine = True
    """Whether statements are the engine's own: then errors in them are damage."""

    def __init__(self, line: ServerLine) -> None:
        """Wait for a turn when the block is entered."""
        super().__init__(line.turn)
        self._line = line
        self.connection: Connection | None = None

    @property
    def address(self) -> Address:
        """Where the schema is."""
        return self._line.address

    def open(self, how: str = "") -> Connection:
        """Begin a transaction of the database, and return the connection."""
        self.connection = self._line.connection()
        try:
            self.connection.execute(begin(self.address, how))
        except psycopg.OperationalError:  # it was cut since the last block, in which case nothing was begun
            self._line.hang_up()
            self.connection = self._line.connection()
            self.connection.execute(begin(self.address, how))
        return self.connection

    def drop(self) -> None:
        """Roll the transaction back; a connection that cannot do so is of no more use."""
        if self.connection is None:
            return
        try:
            if not self.connection.closed:
                self.connection.execute("ROLLBACK")
        except psycopg.Error:
            self._line.hang_up()
        self.connection = None

    def meaning(self, error: BaseException) -> Exception | None:
        """Return the error to raise instead of one of the driver."""
        if isinstance(error, DriverError):
            error = error.__cause__ or error
        if isinstance(error, JourneyflowError) or not isinstance(error, psycopg.Error):
            return None
        return meaning(error, self.address.shown, of_engine=self.of_engine)


class PostgresView(PostgresBlock):
    """A consistent view for queries."""

    of_engine = False

    def begin(self) -> PostgresReader:
        """Return the reader."""
        return PostgresReader(self.open("ISOLATION LEVEL REPEATABLE READ"))

    def end(self) -> None:
        """End the view; changes that a query made are not kept."""
        self.drop()


class PostgresTransactionBlock(PostgresBlock):
    """A transaction; one that writes holds the lock of its tenant, or that of all, from the start."""

    def __init__(self, line: ServerLine, *, write: bool, tenant: str | None, due_at: int | None) -> None:
        """Wait for a turn when the block is entered."""
        super().__init__(line)
        self._write, self._tenant, self._due_at = write, tenant, due_at

    def begin(self) -> PostgresTransaction:
        """Return the transaction."""
        if not self._write:
            connection = self.open(VIEWED)
            numbers = tenants.seen(connection, self._tenant)
        else:
            connection, numbers = self._locked()
        self._transaction = PostgresTransaction(
            connection, self.address.shown, numbers, write=self._write, chosen=self._due_at is not None
        )
        return self._transaction

    def _locked(self) -> tuple[Connection, TenantNumbers]:
        """Return the connection and the numbers of the tenant; one who comes for the first time is noted before."""
        connection = self.open()
        numbers = tenants.lock(connection, self._tenant, self._due_at)
        if numbers is None:
            tenants.add(connection, [str(self._tenant)])
            connection.execute("COMMIT")
            connection = self.open()
            numbers = tenants.lock(connection, self._tenant, None) or TenantNumbers(self._tenant)
        return connection, numbers

    def end(self) -> None:
        """Commit; then give back the space of what was deleted if the work asks for it."""
        self._transaction.finish()
        if self._transaction.scrubbed:
            self._line.connection().execute(vacuuming(self.address))
        self.connection = None
