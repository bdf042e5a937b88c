"""Opening a SQLite file: its owner, its settings, its schema; and translating the errors of SQLite."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import cache, partial
from typing import NamedTuple, Self

from journeyflow.errors import CorruptDatabase, ForeignDatabase, NewerSchema, ReadOnlyDatabase, StorageError
from journeyflow.stores.fresh import new_settings
from journeyflow.stores.schema import APPLICATION_ID, COPYING_ID, MIGRATIONS, UNFINISHED, make_own_views

BUSY_SECONDS = 60
"""How many seconds a writer waits for the lock: a batch holds it for milliseconds, an archive perhaps for seconds."""

READER_SECONDS = 5
"""How many seconds a rebuild waits for those who still read the old content; a later tick tries again."""

MAX_ATTEMPTS = 1_000
"""How often a setting that does not wait for the lock is tried: far more often than a file has processes."""

CACHE_KIB = 65_536
"""The page cache in KiB: the default of SQLite is half as fast at a million rows."""

CHECKPOINT = 4_000
"""How many pages the log holds (16 MB) before a checkpoint: a batch writes hundreds, and each checkpoint syncs."""

STATEMENTS = 512
"""How many prepared statements a connection keeps: those of a batch, and one for each number of rows of a table."""

MEMORY = ":memory:"

OLDEST = (3, 38)
"""The oldest version of SQLite with the JSON operator ->>; STRICT tables are a little older."""

RESTORE = "restore the file from a backup"

GONE = "the file is not there any more: it was removed or renamed while it was open"

AWAY = "close the engine, put the file back together with its -wal and -shm, and open it again"

LOG_GONE = "its -wal or -shm was removed or replaced while the file was open"

REPLACED = "another file is in its place: it was replaced or restored while it was open"

REOPEN = "close the engine and open it again; restore files only while nobody has them open"

UNREADABLE_TEXT = "Could not decode to UTF-8"
"""The start of Python's message, without an error code, for a text in a file that is not UTF-8."""

# --- errors -------------------------------------------------------------------------------------------------------


_MEANINGS: tuple[tuple[type[StorageError], frozenset[int], str], ...] = (
    (CorruptDatabase, frozenset({sqlite3.SQLITE_NOTADB}), f"name another file, or {RESTORE}"),
    (CorruptDatabase, frozenset({sqlite3.SQLITE_CORRUPT}), RESTORE),
    (
        ReadOnlyDatabase,
        frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}),
        "make the file and its folder writable",
    ),
    (StorageError, frozenset({sqlite3.SQLITE_FULL}), "free some space and go on; nothing was half written"),
    (StorageError, frozenset({sqlite3.SQLITE_IOERR}), "look at the disk and go on; nothing was half written"),
    (StorageError, frozenset({sqlite3.SQLITE_BUSY}), f"another process held the lock for over {BUSY_SECONDS} seconds"),
    (StorageError, frozenset({sqlite3.SQLITE_CANTOPEN}), "check that the folder exists and may be written"),
)


def primary_code(error: sqlite3.Error) -> int:
    """Return the primary result code of an error; 0 for those that Python made itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def meaning(error: sqlite3.Error | UnicodeDecodeError, path: str) -> StorageError:
    """Return the StorageError for an error of SQLite: which file, what is wrong, what to do.

    >>> meaning(sqlite3.OperationalError("no such table: dual"), "jobs.db")
    StorageError('jobs.db: no such table: dual')
    """
    text = str(error)
    if isinstance(error, UnicodeDecodeError) or text.startswith(UNREADABLE_TEXT):
        return CorruptDatabase(path, f"a text in the file cannot be read: {text}", RESTORE)
    code = primary_code(error)
    if code == sqlite3.SQLITE_CANTOPEN and os.access(path, os.F_OK):
        return _shut(path, text)
    for kind, codes, remedy in _MEANINGS:
        if code in codes:
            return kind(path, text, remedy)
    return StorageError(path, text)


def _shut(path: str, text: str) -> StorageError:
    """Return why something that exists cannot be opened."""
    if os.path.isdir(path):  # noqa: PTH112 Path.is_dir raises where a folder may not be looked into
        return StorageError(path, "this is a folder, not a file", "name a file in it")
    return ReadOnlyDatabase(path, text, "make the file and its folder readable and writable")


# --- opening ------------------------------------------------------------------------------------------------------


class Location(NamedTuple):
    """Where a file is: its path as the host wrote it, and the absolute one, which `chdir` does not change."""

    path: str
    absolute: str
    logs: tuple[str, ...] = ()
    """Where its log (-wal) and the index of that (-shm) are; a database in memory has none."""

    @classmethod
    def of(cls, path: str) -> Self:
        """Return the location of a path; a database in memory is nowhere."""
        if path == MEMORY:
            return cls(path, path)
        absolute = os.path.abspath(path)  # noqa: PTH100 a Path would tidy more
        return cls(path, absolute, (f"{absolute}-wal", f"{absolute}-shm"))

    def identity(self) -> tuple[int, int] | None:
        """Return which file is there now, as device and inode; None for a database in memory.

        Raises StorageError if the file is gone.
        """
        if self.absolute == MEMORY:
            return None
        try:
            found = os.stat(self.absolute)  # noqa: PTH116 for every transaction
        except OSError as error:
            raise StorageError(self.path, GONE, AWAY) from error
        return found.st_dev, found.st_ino

    def log(self) -> list[int]:
        """Return which files are the log and its index now, as inodes; an empty list if one of them is not there."""
        try:
            return [os.stat(path).st_ino for path in self.logs]  # noqa: PTH116 for every transaction
        except OSError:
            return []


def open_file(location: Location, synchronous: str, nonce: str | None) -> sqlite3.Connection:
    """Open or create a file and migrate it; return a connection on which the caller manages transactions.

    Raises ForeignDatabase, NewerSchema, CorruptDatabase, ReadOnlyDatabase or StorageError.
    """
    path = location.path
    if sqlite3.sqlite_version_info < OLDEST:
        what = (
            f"this Python has SQLite {sqlite3.sqlite_version}, journeyflow needs {'.'.join(map(str, OLDEST))} or newer"
        )
        raise StorageError(path, what, "use another build of Python")
    try:
        connection = _connected(location)
        try:
            _prepare(connection, path, synchronous, nonce)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise meaning(error, path) from error
    return connection


def open_again(location: Location) -> sqlite3.Connection:
    """Return another connection to a file that is open already, to read from it. Raises StorageError."""
    try:
        connection = _connected(location)
        try:
            _protect(connection)
            connection.execute("BEGIN")
            make_own_views(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise meaning(error, location.path) from error
    return connection


def _connected(location: Location) -> sqlite3.Connection:
    """Return a connection on which the caller manages transactions, in any thread."""
    return sqlite3.connect(
        location.absolute,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )


def _protect(connection: sqlite3.Connection, *, ours: bool = False) -> None:
    """Trust nothing that a file says of itself, unless it is ours alone; set how much is kept in memory."""
    connection.execute(f"PRAGMA trusted_schema = {'ON' if ours else 'OFF'}")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")


def rebuild(location: Location) -> None:
    """Rewrite a file from its content and empty its log (VACUUM, checkpoint), so that no deleted data is left in it.

    It needs as much free space as the size of the file, and little memory. Raises StorageError while another connection
    still reads the old content.
    """
    with closing(sqlite3.connect(location.absolute, timeout=READER_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        _empty_log(connection, location.path)  # a reader in the way would make the work that follows useless
        connection.execute(f"PRAGMA busy_timeout = {round(1_000 * BUSY_SECONDS)}")
        connection.execute("VACUUM")
        _empty_log(connection, location.path)


def _empty_log(connection: sqlite3.Connection, path: str) -> None:
    """Write everything from the log into the file, and empty it. Raises StorageError while somebody reads from it."""
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise StorageError(path, "another connection still reads what was there before", "vacuum again when it is done")


def _prepare(connection: sqlite3.Connection, path: str, synchronous: str, nonce: str | None) -> None:
    """Check that the file is one of journeyflow, configure it, and migrate its schema in one transaction."""
    ours = path == MEMORY  # nobody else can have created its views
    _protect(connection, ours=ours)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    if ours and hasattr(connection, "deserialize"):  # not every build of Python has it
        _copy_schema(connection)
    connection.execute("BEGIN")  # for a consistent check: another process may be creating the file
    _check_owner(connection, path)
    connection.execute("COMMIT")
    retry_busy(connection, partial(connection.execute, "PRAGMA journal_mode = WAL"))
    connection.execute("BEGIN IMMEDIATE")
    _migrate(connection, path, nonce)
    connection.execute("COMMIT")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
    if not ours:
        connection.execute("BEGIN")  # one transaction for all views takes half as long
        make_own_views(connection)
        connection.execute("COMMIT")


def _copy_schema(connection: sqlite3.Connection) -> None:
    """Set up a database in memory with its mark and its schema: copying them takes a fifth of the time of making them.

    A store in memory fills such a database for queries.
    """
    with closing(sqlite3.connect(MEMORY)) as blank:
        blank.deserialize(_blank())
        blank.backup(connection)


@cache
def _blank() -> bytes:
    """Return the content of a database with the schema and no rows."""
    with closing(sqlite3.connect(MEMORY, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        _make_schema(connection, 0)
        connection.execute("COMMIT")
        return connection.serialize()


@cache
def references(parent: str) -> Sequence[tuple[str, str]]:
    """Return the columns that refer to a table, as (table, column) sorted, in the schema of a new file."""
    with closing(sqlite3.connect(MEMORY, isolation_level=None)) as connection:
        _make_schema(connection, 0)
        return connection.execute(_REFERENCES, (parent,)).fetchall()


_REFERENCES = """
SELECT t.name, f."from" FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
WHERE t.type = 'table' AND f."table" = ? ORDER BY 1, 2
"""


def _migrate(connection: sqlite3.Connection, path: str, nonce: str | None) -> None:
    """Apply the migrations that the schema lacks, and write the settings of a new file."""
    version = _check_owner(connection, path)
    _make_schema(connection, version)
    if version == 0 or path == MEMORY:
        settings = new_settings(nonce)
        if path == MEMORY:
            del settings["grace"]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", settings.items())


def _make_schema(connection: sqlite3.Connection, version: int) -> None:
    """Apply the migrations after a version, and set the application id of a new file."""
    for number, migration in enumerate(MIGRATIONS[version:], version + 1):
        migration(connection)
        connection.execute(f"PRAGMA user_version = {number}")
    if version == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _check_owner(connection: sqlite3.Connection, path: str) -> int:
    """Return the version of the schema, 0 for an empty file; refuse files of others and of newer versions."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == APPLICATION_ID:
        return _checked_version(version, path)
    if application == COPYING_ID:
        raise StorageError(path, *UNFINISHED)
    if application or version or connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise ForeignDatabase(path, "this is a database, but not one of journeyflow", "name another file")
    return 0


def _checked_version(version: int, path: str) -> int:
    """Return a schema version. Raises NewerSchema if it is newer than this code, CorruptDatabase if it is below 1."""
    if version > len(MIGRATIONS):
        what = f"the file has schema version {version}, this journeyflow knows {len(MIGRATIONS)}"
        raise NewerSchema(path, what, "upgrade journeyflow")
    if version < 1:
        raise CorruptDatabase(path, f"the file has schema version {version}, which never was", RESTORE)
    return version


def retry_busy(connection: sqlite3.Connection, action: Callable[[], object]) -> None:
    """Repeat an action that ignores the busy timeout, until other processes release the file.

    Changing the journal mode fails at once while others hold the file. Acquiring and releasing the write lock waits for
    them, up to the busy timeout.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            action()
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY:
                raise
            with suppress(sqlite3.OperationalError):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        else:
            return
    action()
