"""The blocks in which a connection to PostgreSQL works: a transaction or a view, and the meaning of errors in one."""

import psycopg
from psycopg import Connection

from journeyflow.errors import CorruptDatabase, JourneyflowError
from journeyflow.stores.postgres import tenants
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.asking import BoundStatement, FoundRows, at_once
from journeyflow.stores.postgres.known_paths import KnownPaths
from journeyflow.stores.postgres.lines import ServerLine
from journeyflow.stores.postgres.opening import NOT_PREPARED, RESTORE, meaning, path, sql_name, vacuuming
from journeyflow.stores.postgres.reader import PostgresReader
from journeyflow.stores.postgres.tenants import NO_TENANT, TenantNumbers
from journeyflow.stores.postgres.transaction import DriverError, PostgresTransaction
from journeyflow.stores.turns import Block

UNEXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, psycopg.Error)
"""The exceptions that damaged values in rows can cause, such as truncated JSON or dangling numbers."""

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

    def open(self, how: str = "", *questions: BoundStatement) -> tuple[Connection, list[FoundRows]]:
        """Begin a transaction of the database with its first questions; return the connection, and their answers."""
        self.connection = self._line.connection()
        begun: list[BoundStatement] = [(f"BEGIN {how}".rstrip(), {})]
        if self._line.begins():
            begun.append(("DISCARD PLANS", {}))
        asked = [*begun, *questions]
        try:
            answers = at_once(self.connection, *asked)
        except psycopg.OperationalError:
            if not self.connection.closed:  # the server has refused
                raise
            self._line.hang_up()  # it was cut since the last block, in which case nothing was begun
            self.connection = self._line.connection()
            answers = at_once(self.connection, *asked)
        return self.connection, answers[len(begun) :]

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
        """Return the error to raise instead of one raised in a block, which is over; None to raise that error itself.

        An unexpected error is reported as damage of the schema if the audit finds a fault in it.
        """
        if isinstance(error, DriverError):
            error = error.__cause__ or error
        if isinstance(error, NOT_PREPARED):
            self._line.shares = True
            self._line.hang_up()
        if isinstance(error, JourneyflowError) or not isinstance(error, UNEXPECTED):
            return None
        shown = self.address.shown
        plain = meaning(error, shown, of_engine=self.of_engine) if isinstance(error, psycopg.Error) else None
        if plain is not None and not isinstance(error, psycopg.DataError):
            return plain
        damage = self._damage()
        return plain if damage is None else CorruptDatabase(shown, damage, RESTORE)

    def _damage(self) -> str | None:
        """Return what is wrong with the schema, or None."""
        from journeyflow.stores.audit import audit_faults  # noqa: PLC0415 wanted when something is wrong

        try:
            return next(audit_faults(PostgresReader(self.open(VIEWED, path(self.address))[0])), None)
        except psycopg.Error as error:
            return None if isinstance(error, psycopg.OperationalError) else str(error)
        finally:
            self.drop()


class PostgresView(PostgresBlock):
    """A consistent view for queries."""

    of_engine = False

    def begin(self) -> PostgresReader:
        """Return the reader."""
        return PostgresReader(self.open("ISOLATION LEVEL REPEATABLE READ", path(self.address))[0])

    def end(self) -> None:
        """End the view; changes that a query made are not kept."""
        self.drop()

    def drop(self) -> None:
        """Roll the view back.

        The driver must not take notice: at a ROLLBACK it gives up all statements that it has prepared, since it may
        have undone a change of tables.
        """
        if (connection := self.connection) is not None:
            prepared, connection.prepare_threshold = connection.prepare_threshold, None
            super().drop()
            connection.prepare_threshold = prepared


class PostgresTransactionBlock(PostgresBlock):
    """A transaction; one that writes holds the lock of its tenant, or that of all, from the start."""

    def __init__(
        self,
        line: ServerLine,
        paths: KnownPaths,
        *,
        write: bool,
        tenant: str | None,
        due_at: int | None,
        leasing: bool,
    ) -> None:
        """Wait for a turn when the block is entered."""
        super().__init__(line)
        self._paths = paths
        self._write, self._tenant, self._due_at, self._leasing = write, tenant, due_at, leasing
        self._transaction: PostgresTransaction | None = None

    def begin(self) -> PostgresTransaction:
        """Return the transaction."""
        schema = sql_name(self.address.schema)
        if self._write and not self._leasing:
            connection, numbers = self._locked(schema)
        else:
            how = "" if self._write else VIEWED
            connection, numbers = self._asked(how, *tenants.seeing(schema, self._tenant))
        if numbers.tenant == NO_TENANT and self._tenant is not None:
            numbers.tenant = self._tenant
        chosen = self._due_at is not None
        self._transaction = PostgresTransaction(
            connection,
            self.address.shown,
            numbers,
            self._paths,
            write=self._write,
            chosen=chosen,
            leasing=self._leasing,
        )
        return self._transaction

    def _locked(self, schema: str) -> tuple[Connection, TenantNumbers]:
        """Return the connection and the numbers of the tenant; one who comes for the first time is noted before."""
        questions = tenants.locking(schema, self._tenant, self._due_at)
        connection, numbers = self._asked("", *questions)
        if numbers.tenant == NO_TENANT and self._tenant is not None:
            tenants.add_tenants(connection, [self._tenant])
            connection.execute("COMMIT")
            connection, numbers = self._asked("", *questions)
        return connection, numbers

    def _asked(self, how: str, *questions: BoundStatement) -> tuple[Connection, TenantNumbers]:
        """Begin a transaction; return the connection, and the numbers that its first questions have found."""
        connection, answers = self.open(how, *questions)
        return connection, tenants.answered(answers, of_all=self._tenant is None and self._due_at is None)

    def end(self) -> None:
        """Commit; then give back the space of what was deleted if the work asks for it."""
        transaction: PostgresTransaction = self._transaction  # type: ignore[assignment]  # it has begun
        transaction.finish()
        if self._write:
            self._paths.keep()
        if transaction.scrubbed:
            self._line.connection().execute(vacuuming(self.address))
        self.connection = None

    def drop(self) -> None:
        """Roll the transaction back, after what is on its way to the server."""
        if self._transaction is not None:
            self._transaction.abandon()
            if self._write:
                self._paths.drop()
        super().drop()
