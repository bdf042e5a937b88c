"""What a file can be or become: new, foreign, newer, damaged, locked away, full; each has its error and remedy."""

import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from journeyflow import Engine, StorageError
from journeyflow.errors import CorruptDatabase, ForeignDatabase, NewerSchema, ReadOnlyDatabase
from journeyflow.records.changes import CatalogChanges, Changes
from journeyflow.records.suppression import KEY, key_of
from journeyflow.stores.schema import APPLICATION_ID
from journeyflow.stores.sqlite import SQLiteStore, opening
from journeyflow.testing import conformance
from tests.stateful.journeys import dump
from tests.stores.scenes import START, live, tick_and_claim

NOBODY = 65_534
"""The user who may do nothing."""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that anybody may enter; those of pytest are open to their owner only."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        folder.chmod(0o777)
        shutil.rmtree(folder)


@pytest.fixture
def as_nobody() -> Iterator[Callable[[], None]]:
    """Give a function that puts root's rights aside until the end of the test: what is read-only is so for root too."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no users to change to")
    before = os.geteuid()
    try:
        yield lambda: os.seteuid(NOBODY) if before == 0 else None
    finally:
        os.seteuid(before)


def sql(path: Path, *statements: str) -> None:
    """Change a file behind the store's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


# --- whose file it is -------------------------------------------------------------------------------------------------


def test_a_new_file_gets_mark_version_and_settings(tmp_path: Path) -> None:
    """A new file says whose it is, is in WAL mode, and has the given nonce and an hour of grace (R5, R70)."""
    path = tmp_path / "new.db"
    SQLiteStore(path, nonce="k").close()
    with closing(sqlite3.connect(path)) as connection:
        ask = lambda text: connection.execute(text).fetchall()  # noqa: E731 three short questions
        assert ask("PRAGMA application_id") == [(APPLICATION_ID,)]
        assert ask("PRAGMA journal_mode") == [("wal",)]
        settings = {"grace": "3600000000", "nonce": "k", "revision": "0", KEY: key_of("k")}
        assert dict(ask("SELECT * FROM meta")) == settings


def test_a_nonce_is_drawn_and_stays(tmp_path: Path) -> None:
    """Without a nonce one is drawn at creation; who opens the file later changes nothing of it (R70)."""
    path = tmp_path / "new.db"
    nonces = []
    for given in (None, "other", None):
        with closing(SQLiteStore(path, nonce=given)) as store:
            nonces.append(dump(store, "nonce")["nonce"][0][0])
    assert len(set(nonces)) == 1
    assert len(nonces[0]) == 10


def test_what_is_kept_of_the_schema_can_be_made_again() -> None:
    """The content of a new file and the references in it are made once a process, the same ones each time."""
    kept = opening._blank(), opening.references("enrollments")
    opening._blank.cache_clear()
    opening.references.cache_clear()
    assert (opening._blank(), opening.references("enrollments")) == kept
    assert ("moves", "enrollment") in kept[1]


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    """A file of zero bytes, as left by `mktemp` or `touch`, becomes a database."""
    path = tmp_path / "empty.db"
    path.touch()
    with Engine(path) as engine:
        assert engine.audit() == []


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE users (id)"],
        ["PRAGMA user_version = 3"],
        ["PRAGMA application_id = 77"],
        ["CREATE TABLE meta (name, value)", "INSERT INTO meta VALUES ('nonce', 'k')"],
    ],
)
def test_a_foreign_database_is_left_alone(tmp_path: Path, statements: list[str]) -> None:
    """A database of another program is refused, by name, and not a byte of it changes."""
    path = tmp_path / "foreign.db"
    sql(path, *statements)
    before = path.read_bytes()
    with pytest.raises(ForeignDatabase, match=r"foreign\.db: this is a database, but not one of journeyflow; name"):
        SQLiteStore(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["foreign.db"]


def test_a_file_that_is_being_made_is_not_a_foreign_one(tmp_path: Path) -> None:
    """Mark and version are looked at in one view, so that another process that makes the file is not misread (P2)."""
    path = tmp_path / "new.db"

    def make(statement: str) -> None:
        if statement == "PRAGMA user_version":
            connection.set_trace_callback(None)
            with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other, suppress(sqlite3.Error):
                other.execute("BEGIN IMMEDIATE")
                opening._migrate(other, str(path), "k")
                other.execute("COMMIT")

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.set_trace_callback(make)
        opening._prepare(connection, str(path), "FULL", "k")
    with Engine(path) as engine:
        assert engine.audit() == []


def test_a_newer_schema_is_left_alone(file: Path) -> None:
    """A file that a newer journeyflow has written is refused, saying both versions, and not changed."""
    sql(file, "PRAGMA user_version = 9", "PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()
    with pytest.raises(NewerSchema, match=r"schema version 9, this journeyflow knows 1; upgrade journeyflow"):
        SQLiteStore(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("version", [0, -5])
def test_a_version_that_never_was_is_damage(file: Path, version: int) -> None:
    """A file with our mark and no version was not made by us: mark and version come in one transaction."""
    sql(file, f"PRAGMA user_version = {version}")
    with pytest.raises(CorruptDatabase, match=f"schema version {version}, which never was; restore"):
        SQLiteStore(file)


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python whose SQLite lacks what the statements use says so, before it touches the file."""
    monkeypatch.setattr(opening, "OLDEST", (4, 1))
    with pytest.raises(StorageError, match=r"this Python has SQLite 3\..*, journeyflow needs 4\.1 or newer; use"):
        SQLiteStore(tmp_path / "new.db")
    assert not list(tmp_path.iterdir())


def test_synchronous_is_one_of_two(tmp_path: Path) -> None:
    """A wish that would lose the promise of R70 is a wrong argument."""
    with pytest.raises(ValueError, match="'FULL' or 'NORMAL', not 'OFF'"):
        SQLiteStore(tmp_path / "new.db", synchronous="OFF")


# --- damage -----------------------------------------------------------------------------------------------------------


def flipped_header(content: bytes) -> bytes:
    """Damage the first letter of a file."""
    return b"Z" + content[1:]


def garbage(content: bytes) -> bytes:
    """Replace a file by noise of the same length."""
    return random.Random(1).randbytes(len(content))


def half(content: bytes) -> bytes:
    """Cut a file in the middle."""
    return content[: len(content) // 2]


def stub(content: bytes) -> bytes:
    """Leave the beginning of the header."""
    return content[:50]


def renamed_table(content: bytes) -> bytes:
    """Damage the name of a table in the schema."""
    return content.replace(b"TABLE meta (name", b"TABLE meta (nabe")


def no_text(content: bytes) -> bytes:
    """Put bytes into the names of the schema that are not UTF-8."""
    return content.replace(b"CREATE TABLE meta", b"CREATE TAB\xff\xfe meta")


@pytest.mark.parametrize("damage", [flipped_header, garbage, half, stub, renamed_table, no_text])
def test_a_damaged_file_is_refused(file: Path, damage: Callable[[bytes], bytes]) -> None:
    """Damage is met at the latest when the engine works: CorruptDatabase with path and remedy, and nothing else."""
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CorruptDatabase, match=r"journeys\.db: .*restore") as caught, Engine(file) as engine:
        tick_and_claim(engine, START + timedelta(days=9))
    assert caught.value.path == str(file)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers SET attributes = substr(attributes, 1, 12)",
        "UPDATE enrollments SET memory = '{\"left\"' WHERE due IS NOT NULL",
        "UPDATE versions SET definition = '{}'",
        "UPDATE versions SET definition = '[' WHERE number = 1",
        "UPDATE enrollments SET step = 99 WHERE due IS NOT NULL",
        "UPDATE enrollments SET version = 99 WHERE due IS NOT NULL",
        "UPDATE enrollments SET visit = 1",
        "UPDATE customers SET attributes = CAST(x'7b226e223a22ff227d' AS TEXT)",
        "DELETE FROM customers",
        "UPDATE transitions SET state = 'GONE'",
        "DELETE FROM versions WHERE journey = 1",
        "DELETE FROM meta WHERE name = 'nonce'",
        "DELETE FROM meta",
        "UPDATE meta SET value = 'many' WHERE name = 'revision'",
        "DROP TABLE customers",
        "ALTER TABLE enrollments DROP COLUMN memory",
        "ALTER TABLE enrollments RENAME COLUMN reason TO season",
    ],
)
def test_rows_that_nobody_wrote_are_damage(file: Path, statement: str) -> None:
    """Whatever rows make the engine stumble over, the file is named, never a KeyError or a JSON error of its code."""
    sql(file, "PRAGMA writable_schema = ON", "PRAGMA foreign_keys = OFF", "DROP VIEW enrollments_view", statement)
    with pytest.raises(CorruptDatabase, match=r"journeys\.db: "), Engine(file) as engine:
        tick_and_claim(engine, START + timedelta(days=9))


def test_a_file_that_the_engine_refuses_is_closed(file: Path) -> None:
    """When an engine cannot begin, nothing stays open of the file that it opened itself: SQLite's log goes with it."""
    sql(file, "UPDATE versions SET definition = '['")
    with pytest.raises(CorruptDatabase, match="version 1"):
        Engine(file)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("index", "row"),
    [
        ("inbox", "UPDATE inputs SET outcome = 'handled'"),
        ("enrollments_due", "UPDATE enrollments SET status = 'EXITED', due = NULL"),
        ("leases", "UPDATE messages SET status = 'SENT', lease_until = NULL"),
        ("outbox", "UPDATE messages SET status = 'SENT'"),
    ],
)
def test_an_index_that_lags_sends_nothing(file: Path, index: str, row: str) -> None:
    """An index that names rows which are done is found before they are done again: nothing is sent twice (R71, R72)."""
    with Engine(file, max_jump=None) as engine:
        conformance.write(engine.store, Changes(inputs=(conformance.event(at=0)._replace(tenant="default"),)))
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        sources = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index'").fetchall())
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET name = 'gone' WHERE name = ?", (index,))
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'gone'").fetchone()[0]
        connection.execute("DELETE FROM sqlite_schema WHERE name = 'gone'")
        connection.execute("PRAGMA writable_schema = RESET")
    sql(file, row)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        table = sources[index].split(" ON ")[1].split()[0]
        connection.execute(
            "INSERT INTO sqlite_schema VALUES ('index', ?, ?, ?, ?)", (index, table, page, sources[index])
        )
    with Engine(file, max_jump=None) as engine, pytest.raises(CorruptDatabase, match="an index and its table disagree"):
        tick_and_claim(engine, START + timedelta(days=60), limit=1)


def test_a_row_that_cannot_be_found_is_not_passed_over(file: Path) -> None:
    """A change of a row that is not there is damage, not a change of nothing."""
    with closing(SQLiteStore(file)) as store, pytest.raises(CorruptDatabase, match="an index and its table disagree"):
        conformance.write(store, Changes(handled=((9_999, "handled"),)))


def stumbles(file: Path) -> bool:
    """Tell whether the engine stumbles over a file, in one of the ways in which it may."""
    try:
        with Engine(file, max_jump=None) as engine:
            tick_and_claim(engine, START + timedelta(days=9))
            engine.audit()
    except (CorruptDatabase, ForeignDatabase, NewerSchema):
        return True
    return False


@pytest.mark.unmeasured
def test_any_flipped_bit_is_met_with_storage_error_or_not_at_all(file: Path, healthy: bytes) -> None:
    """Whatever bit of a file flips, the engine works on or says that the file is damaged, nothing else (C5)."""
    draw = random.Random(5)
    met = 0
    for _ in range(60):
        content = bytearray(healthy)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        for leftover in file.parent.glob("journeys.db-*"):
            leftover.unlink()
        file.write_bytes(content)
        met += stumbles(file)
    assert met, "no flip was ever met: the test proves nothing"


def test_errors_of_the_caller_stay_their_own(file: Path) -> None:
    """An exception that comes out of a healthy file's transaction is not blamed on the file."""
    with closing(SQLiteStore(file)) as store:
        for error in (KeyError("mine"), ValueError("mine"), RuntimeError("mine"), ForeignDatabase("p", "mine")):
            with pytest.raises(type(error), match="mine"), store.transaction():
                raise error
        with pytest.raises(StorageError, match="UNIQUE constraint failed") as caught:
            conformance.write(store, Changes(runs=(conformance.run(10_000, 1, number=1),)))
        assert type(caught.value) is StorageError


def test_an_audit_that_cannot_be_made_is_damage(file: Path) -> None:
    """Where something is wrong and the file cannot even be checked, the file is named."""
    sql(file, "DROP TABLE refusals")
    with (
        closing(SQLiteStore(file)) as store,
        pytest.raises(CorruptDatabase, match="no such table: refusals"),
        store.transaction(),
    ):
        raise KeyError


# --- what may not be written ------------------------------------------------------------------------------------------


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A path that is a folder is told as such; so is the empty path."""
    with pytest.raises(StorageError, match="this is a folder, not a file; name a file in it"):
        SQLiteStore(tmp_path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """A path into nowhere says what to look at."""
    with pytest.raises(StorageError, match="unable to open database file; check that the folder exists"):
        SQLiteStore(tmp_path / "none" / "journeys.db")


def test_a_read_only_file_can_be_read(open_folder: Path, healthy: bytes, as_nobody: Callable[[], None]) -> None:
    """A file that may not be written answers questions; what would write raises ReadOnlyDatabase, naming the remedy."""
    path = open_folder / "journeys.db"
    path.write_bytes(healthy)
    path.chmod(0o444)
    as_nobody()
    with Engine(path, max_jump=None) as engine:
        assert engine.customer("c1").attributes["name"] == "Zoë 1"
        with pytest.raises(ReadOnlyDatabase, match=r"journeys\.db: .*; make the file and its folder writable"):
            engine.tick(START + timedelta(days=9))
        assert engine.audit() == []


def test_a_new_file_in_a_read_only_folder_is_told(open_folder: Path, as_nobody: Callable[[], None]) -> None:
    """A folder that may not be written takes no new file."""
    open_folder.chmod(0o555)
    as_nobody()
    with pytest.raises(StorageError, match="unable to open database file; check that the folder exists and may be"):
        SQLiteStore(open_folder / "journeys.db")


def test_a_read_only_folder_is_told(open_folder: Path, healthy: bytes, as_nobody: Callable[[], None]) -> None:
    """A folder that may not be written raises ReadOnlyDatabase: SQLite needs to put its log beside the file."""
    path = open_folder / "journeys.db"
    path.write_bytes(healthy)
    path.chmod(0o666)
    open_folder.chmod(0o555)
    as_nobody()
    with pytest.raises(ReadOnlyDatabase, match="make the file and its folder"):
        SQLiteStore(path)


def test_a_file_that_may_not_be_read_is_told(open_folder: Path, healthy: bytes, as_nobody: Callable[[], None]) -> None:
    """A file that exists and cannot be opened is not told as missing."""
    path = open_folder / "journeys.db"
    path.write_bytes(healthy)
    path.chmod(0)
    as_nobody()
    with pytest.raises(ReadOnlyDatabase, match="make the file and its folder readable and writable"):
        SQLiteStore(path)


def test_a_full_disk_stops_nothing_for_good(file: Path) -> None:
    """When the disk is full a call raises and leaves nothing half written; with space again it works (C2)."""
    with Engine(file, max_jump=None) as engine:
        assert isinstance(engine.store, SQLiteStore)
        assert engine.store.connection is not None
        before = dump(engine.store)
        pages = engine.store.connection.execute("PRAGMA page_count").fetchone()[0]
        engine.store.connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageError, match="database or disk is full; free some space and go on; nothing was half"):
            live(engine, 500)
        assert dump(engine.store) == before
        engine.store.connection.execute("PRAGMA max_page_count = 1000000")
        live(engine, 500)
        assert engine.audit() == []


def test_a_lock_that_is_not_given_back_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that keeps the lock is waited for, then named; afterwards the store goes on."""
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0)
    with closing(SQLiteStore(file)) as store, closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="database is locked; another process held the lock"):
            conformance.write(store, Changes(catalog=CatalogChanges(meta=(("grace", ""),))))
        other.execute("ROLLBACK")
        conformance.write(store, Changes(catalog=CatalogChanges(meta=(("grace", ""),))))


def test_a_setting_that_does_not_wait_is_tried_again(tmp_path: Path) -> None:
    """Changing the journal mode ignores the busy timeout: it is tried again until others have let go."""
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        locked = sqlite3.OperationalError("database is locked")
        locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
        answers, asked = [locked] * 3, list[str]()
        connection.set_trace_callback(asked.append)

        def action() -> None:
            if answers:
                raise answers.pop()

        opening.retry_busy(connection, action)
        assert not answers
        assert asked == ["BEGIN IMMEDIATE", "ROLLBACK"] * 3, "the lock is waited for in between"
        answers += [locked] * (opening.MAX_ATTEMPTS + 1)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            opening.retry_busy(connection, action)
        wrong = sqlite3.OperationalError("disk I/O error")
        wrong.sqlite_errorcode = sqlite3.SQLITE_IOERR
        answers = [wrong]
        with pytest.raises(sqlite3.OperationalError, match="I/O"):
            opening.retry_busy(connection, action)


# --- the life of a store ----------------------------------------------------------------------------------------------


def test_a_closed_store_says_so(file: Path) -> None:
    """Every use of a closed store raises StorageError; the file can be opened again at once."""
    engine = Engine(file, max_jump=None)
    engine.close()
    engine.close()
    with pytest.raises(StorageError, match=r"journeys\.db: the engine is closed; make another"):
        engine.tick(START)
    with pytest.raises(StorageError, match="the store is closed"):
        engine.audit()
    Engine(file).close()


def commit_and_close(store: SQLiteStore) -> None:
    """Close a store before the end of a transaction."""
    with store.transaction() as transaction:
        transaction.commit(Changes(inputs=(conformance.event(),)))
        store.close()


def test_a_store_closed_in_the_middle_commits_nothing(file: Path) -> None:
    """Closing inside a transaction loses that transaction, and says so."""
    store = SQLiteStore(file)
    with closing(SQLiteStore(file)) as other:
        before = dump(other)
        with pytest.raises(StorageError, match="closed database"):
            commit_and_close(store)
        assert dump(other) == before


def test_a_store_is_not_taken_through_a_fork(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a forked process the store refuses, even while another thread had its lock, and leaves the file alone (P3)."""
    with closing(SQLiteStore(file)) as store:
        parent = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: parent + 1)
        with pytest.raises(StorageError, match=r"opened before a fork; .*; open the file after the fork"):
            dump(store)
        store.close()
        monkeypatch.undo()
        assert dump(store)["customers"]


def test_a_stream_left_half_way_blocks_nobody(file: Path) -> None:
    """A stream that is not read to its end holds no old view: after another process wrote, the store writes too."""
    with closing(SQLiteStore(file)) as store, closing(SQLiteStore(file)) as other:
        with store.reader() as reader:
            stream = reader.stream("SELECT seq FROM inputs ORDER BY seq")
            next(stream)
        conformance.write(other, Changes(inputs=(conformance.event(),)))
        conformance.write(store, Changes(inputs=(conformance.event(),)))
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            next(stream)


def test_paths_are_named(file: Path) -> None:
    """A store shows its path, whether it was given as text or as a path."""
    with closing(SQLiteStore(str(file))) as store:
        assert repr(store) == f"SQLiteStore({str(file)!r})"
