"""Connecting to a PostgreSQL database: the owner of its schema, its version, and what the errors of the driver mean."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import Connection, errors, sql
from psycopg.adapt import Loader

from journeyflow.errors import CorruptDatabase, ForeignDatabase, NewerSchema, ReadOnlyDatabase, StorageError
from journeyflow.stores.fresh import new_settings
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.arrays import adapt
from journeyflow.stores.postgres.dialect import FUNCTIONS
from journeyflow.stores.postgres.migrations import MIGRATIONS
from journeyflow.stores.postgres.schema import COPYING, MARK, TABLE_NAMES
from journeyflow.stores.postgres.tenants import PATIENT
from journeyflow.stores.postgres.watching import AT_WORK, WatchedConnection, patience_of
from journeyflow.stores.schema import UNFINISHED

OLDEST = 160_000
"""The oldest version of PostgreSQL with `IS JSON`."""

CONNECTING: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How long to wait for a server, and how soon to notice that it is gone, in seconds, and the last in
milliseconds; an address may say otherwise."""

PREPARED_AFTER, PREPARED = 3, 300
"""After how many uses a statement is prepared, and how many are at most, where the session stays the same."""

RESTORE = "restore the database from a backup"

AGAIN = "look at the server and go on: the next call connects again"

BUSY = "another process has held the lock all that time; let it end, and call again"

_MEANINGS: tuple[tuple[type[psycopg.Error], type[StorageError], str], ...] = (
    (errors.ReadOnlySqlTransaction, ReadOnlyDatabase, "name the primary server, which can write"),
    (errors.InsufficientPrivilege, ReadOnlyDatabase, "let the role use and own the schema"),
    (errors.UndefinedTable, CorruptDatabase, RESTORE),
    (errors.UndefinedColumn, CorruptDatabase, RESTORE),
    (errors.UndefinedFunction, CorruptDatabase, RESTORE),
    (errors.IntegrityError, CorruptDatabase, RESTORE),
    (errors.IdleInTransactionSessionTimeout, StorageError, AGAIN),
    (errors.InvalidSqlStatementName, StorageError, AGAIN),
    (errors.DuplicatePreparedStatement, StorageError, AGAIN),
    (errors.LockNotAvailable, StorageError, BUSY),
    (errors.DiskFull, StorageError, "free some space and go on; nothing was half written"),
    (psycopg.OperationalError, StorageError, AGAIN),
)


NOT_PREPARED = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
"""The errors of another session than the one where a statement was prepared."""


def meaning(error: psycopg.Error, shown: str, *, of_engine: bool = True) -> StorageError:
    """Return the StorageError for an error of the driver: where, what is wrong, what to do.

    The engine's own statements fit the tables, so where one does not, the tables are damaged; a host's may be wrong.

    >>> meaning(errors.UndefinedTable('relation "moves" does not exist'), "postgresql://db/shop")
    CorruptDatabase('postgresql://db/shop: relation "moves" does not exist; restore the database from a backup')
    """
    what = " ".join(str(error).split()) or type(error).__name__
    for kind, means, remedy in _MEANINGS:
        if isinstance(error, kind) and (of_engine or means is not CorruptDatabase):
            return means(shown, what, remedy)
    return StorageError(shown, what)


@contextmanager
def explained(address: Address) -> Iterator[None]:
    """Raise a StorageError for each error of the driver."""
    try:
        yield
    except psycopg.Error as error:
        raise meaning(error, address.shown) from error


def connect(address: Address, *, prepared: bool = True) -> WatchedConnection:
    """Return a connection on which the caller manages transactions. Raises StorageError.

    Statements are `prepared` only if it leads to one session of the server.
    """
    try:
        found = {**CONNECTING, "application_name": "journeyflow", **psycopg.conninfo.conninfo_to_dict(address.server)}
        made = psycopg.conninfo.make_conninfo(**found)
        connection = WatchedConnection.opened(made, patience_of(found))
    except psycopg.Error as error:
        raise meaning(error, address.shown) from error
    with ExitStack() as unless_done:
        unless_done.callback(connection.close)
        with explained(address):
            if prepared and is_direct(connection):
                connection.prepare_threshold = PREPARED_AFTER
                connection.prepared_max = PREPARED
                connection.looking = AT_WORK
            connection.elsewhere = made
        connection.adapters.register_loader("numeric", NumberLoader)
        adapt(connection)
        unless_done.pop_all()
    return connection


def is_direct(connection: Connection) -> bool:
    """Return whether a connection leads to one session of the server.

    A pooler in between greets with a number of its own; then nothing may be left in a session, such as prepared
    statements, that a later transaction is to find there. One that passes a number of the server on is noticed when a
    statement is not found (`NOT_PREPARED`).
    """
    (answering,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    return bool(answering == connection.info.backend_pid)


class NumberLoader(Loader):
    """Reads a sum of whole numbers as a whole number, and a mean as a float, as SQLite gives them."""

    def load(self, data: Any) -> int | float:  # noqa: ANN401 bytes of some kind
        """Return the number."""
        text = bytes(data)
        return float(text) if b"." in text or b"N" in text else int(text)


def path(address: Address) -> tuple[str, dict[str, object]]:
    """Return the statement that finds tables in a schema, until the transaction ends: a pooler may change the session.

    >>> path(Address.of("postgresql://db/shop?schema=a%20b"))
    ('SET LOCAL search_path TO "a b"', {})
    """
    return f"SET LOCAL search_path TO {sql_name(address.schema)}", {}


def vacuuming(address: Address) -> str:
    """Return the statement that makes the space of deleted rows free, in all tables."""
    return f"VACUUM {', '.join(f'{sql_name(address.schema)}.{table}' for table in TABLE_NAMES)}"


def sql_name(name: str) -> str:
    """Return a name as SQL writes it.

    >>> sql_name('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def prepare(connection: Connection, address: Address, nonce: str | None) -> None:
    """Check that the schema is one of journeyflow, and migrate it in one transaction; make it if it is missing.

    Raises ForeignDatabase, NewerSchema, CorruptDatabase or StorageError.
    """
    with explained(address):
        _prepare(connection, address, nonce)


def _prepare(connection: Connection, address: Address, nonce: str | None) -> None:
    """Do what `prepare` does, with the errors of the driver as they are."""
    if connection.info.server_version < OLDEST:
        what = f"the server is PostgreSQL {connection.info.server_version // 10_000}, journeyflow needs 16 or newer"
        raise StorageError(address.shown, what, "upgrade the server")
    if version_of(connection, address) == len(MIGRATIONS):
        return
    with connection.transaction():
        connection.execute(PATIENT)
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"journeyflow {address.schema}",))
        version = version_of(connection, address)
        if version == 0:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {sql_name(address.schema)}")
        connection.execute(f"SET LOCAL search_path TO {sql_name(address.schema)}")
        if version == 0:
            connection.execute(FUNCTIONS)
        for script in MIGRATIONS[version:]:
            connection.execute(script)
        if version == 0:
            _begin(connection, address, nonce)
        connection.execute("UPDATE layout SET version = %s", (len(MIGRATIONS),))


def _begin(connection: Connection, address: Address, nonce: str | None) -> None:
    """Mark a new schema as ours, and write its settings."""
    mark(connection, address, MARK)
    connection.execute("INSERT INTO layout VALUES (0, 0, 0, 0)")
    connection.cursor().executemany("INSERT INTO settings VALUES (%s, %s)", [*new_settings(nonce).items()])


def mark(connection: Connection, address: Address, comment: str) -> None:
    """Write the comment on a schema, which names its owner."""
    connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(address.schema), comment))


def owner(connection: Connection, address: Address) -> str | None:
    """Return the comment on a schema; None where there is none."""
    found = connection.execute(_OWNER, (address.schema,)).fetchone()
    return None if found is None else found[0]


_OWNER = """
SELECT obj_description(n.oid, 'pg_namespace'), (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid),
       to_regclass(format('%%I.layout', n.nspname)) IS NOT NULL
FROM pg_namespace n WHERE n.nspname = %s
"""


def version_of(connection: Connection, address: Address) -> int:
    """Return the version of the schema, 0 where there is none yet; refuse those of others and of newer versions."""
    found = connection.execute(_OWNER, (address.schema,)).fetchone()
    if found is None or (found[0] != MARK and not found[1]):
        return 0
    if found[0] == COPYING:
        raise StorageError(address.shown, *UNFINISHED)
    if found[0] != MARK:
        what = f"schema {address.schema!r} has tables, but not those of journeyflow"
        raise ForeignDatabase(address.shown, what, "name another one")
    rows = connection.execute(f"SELECT version FROM {sql_name(address.schema)}.layout").fetchall() if found[2] else []
    if len(rows) != 1 or rows[0][0] < 1:
        raise CorruptDatabase(address.shown, "the version of the schema is missing from table `layout`", RESTORE)
    version = int(rows[0][0])
    if version > len(MIGRATIONS):
        what = f"the schema has version {version}, this journeyflow knows {len(MIGRATIONS)}"
        raise NewerSchema(address.shown, what, "upgrade journeyflow")
    return version
