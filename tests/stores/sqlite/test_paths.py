"""Paths that name a file, and files that a process has open."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from journeyflow import Engine, StorageError
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Move
from journeyflow.stores.batch import Request
from journeyflow.stores.sqlite import SQLiteStore, opening
from journeyflow.stores.sqlite.inheritance import Files
from journeyflow.testing import conformance
from tests.stores.scenes import START


def test_the_dictionary_of_paths_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bound a move spells its path out; what is shown is the same, and no path is asked for twice."""
    monkeypatch.setattr("journeyflow.stores.sqlite.writing.MAX_PATHS", 3)
    path = tmp_path / "x.db"

    def enter(store: SQLiteStore, serial: int, label: str) -> None:
        move = Move(serial, 0, conformance.NOON, (("hello", "COMPLETED", label), ("breathe", "ACTIVE", "")), {})
        conformance.write(store, Changes(runs=(conformance.run(serial, 1, number=serial),), moves=(move,)))

    labels = ["a", "b", "a", "c", "d", "a", "e", "c"]
    with closing(SQLiteStore(path)) as store:
        conformance.write(store, conformance.CATALOG, conformance.PEOPLE)
        for serial, label in enumerate(labels[:4], 1):
            enter(store, serial, label)
    with closing(SQLiteStore(path)) as store:  # what it knows of paths it now has to read
        for serial, label in enumerate(labels[4:], 5):
            enter(store, serial, label)
        asked: list[str] = []
        assert store.connection is not None
        store.connection.set_trace_callback(asked.append)
        enter(store, 9, "f")
        enter(store, 10, "b")
        store.connection.set_trace_callback(None)
        assert not [statement for statement in asked if "paths" in statement]
        with store.reader() as reader:
            shown = reader.rows("SELECT outcome FROM visits_view WHERE n = 1 ORDER BY run")
            spelled = reader.rows("SELECT enrollment FROM moves WHERE path IS NULL ORDER BY 1")
            assert reader.rows("SELECT count(*) FROM paths") == [(3,)]
    assert [label for (label,) in shown] == [*labels, "f", "b"]
    assert [serial for (serial,) in spelled] == [5, 7, 9]


def test_two_stores_share_a_dictionary(tmp_path: Path) -> None:
    """A path that another process has put into the dictionary is found there."""
    path = tmp_path / "x.db"
    with closing(SQLiteStore(path)) as first, closing(SQLiteStore(path)) as second:
        conformance.write(first, conformance.CATALOG, conformance.PEOPLE)
        conformance.write(first, Changes(runs=(conformance.run(1, 1),), moves=(conformance.entry(1),)))
        conformance.write(second, Changes(runs=(conformance.run(2, 2),), moves=(conformance.entry(2),)))
        assert conformance.rows(first, "SELECT count(*), min(path), max(path) FROM moves, (SELECT 1)") == [(2, 1, 1)]


def test_a_transaction_for_reading_sees_one_instant(file: Path) -> None:
    """What a reading transaction has seen stays as it was while others write."""
    with closing(SQLiteStore(file)) as store, closing(SQLiteStore(file)) as other:
        with store.transaction(write=False) as transaction:
            before = transaction.load(Request(whole=frozenset({1})))
            conformance.write(other, Changes(customers=((1, "default", "c0", {"changed": True}),)))
            after = transaction.load(Request(whole=frozenset({1})))
        assert conformance.people(after) == conformance.people(before)


def test_a_database_in_memory_has_the_schema_of_a_file(tmp_path):
    """It is copied, not made; the mark, the version, tables, indexes and views are those of a new file."""
    opening._blank.cache_clear()
    questions = (
        "PRAGMA application_id",
        "PRAGMA user_version",
        "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
    )
    found = []
    for path in (":memory:", tmp_path / "run.db"):
        with closing(SQLiteStore(path)) as store, store.reader() as reader:
            found.append([reader.rows(question) for question in questions])
    assert found[0] == found[1]


@pytest.mark.parametrize("path", ["journeys.db", ":memory:"])
def test_people_may_look_while_an_engine_works(path, tmp_path):
    """A database of sqlite-utils reads what is committed, sees each commit that follows, and cannot write."""
    store = SQLiteStore(path if path == ":memory:" else tmp_path / path)
    with Engine(store, grace=None) as engine:
        engine.put_customer("ann", {"plan": "paid"}, at=START)
        engine.tick(START)
        with store.look() as db:
            assert [row["id"] for row in db["customers"].rows] == ["ann"]
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                db.execute("DELETE FROM customers")
            engine.put_customer("bob", {}, at=START)
            engine.tick(START)
            assert db["customers"].count == (1 if path == ":memory:" else 2)
    with pytest.raises(StorageError, match="closed"), store.look():
        pass


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("", "the path is empty"),
        ("a\x00b", "contains a NUL character"),
        ("\ud800", "not text that this system can encode"),
    ],
)
def test_a_path_that_can_name_no_file_is_told(path: str, what: str) -> None:
    """One sentence, and nothing is opened: an empty path would be a file that nobody finds again."""
    with pytest.raises(StorageError, match=f"{what}.*; name a file") as caught:
        Engine(path)
    str(caught.value).encode()
    with pytest.raises(TypeError, match="path: expected the path of a file, not null"):
        SQLiteStore(None)  # type: ignore[arg-type]  # that is the point


def test_a_file_that_was_inherited_is_refused(file: Path) -> None:
    """In a forked process: what was open at the fork is known by device and inode (P3)."""
    files = Files()
    location = opening.Location.of(str(file))
    files.refuse(location)
    files.note(store := object.__new__(SQLiteStore), location.identity())
    files.note(object.__new__(SQLiteStore), None)
    files.fork()
    with pytest.raises(StorageError, match=r"had the file open at the fork.*open the file after the fork"):
        files.refuse(location)
    files.refuse(opening.Location.of(f"{file}.other"))
    files.drop(store)


def test_what_refers_to_a_table_is_read_from_the_schema():
    """Of a new file, whatever tables somebody has added to this one."""
    found = opening.references.__wrapped__("messages")
    assert found == opening.references("messages")
    assert set(opening.references.__wrapped__("enrollments")) >= {("messages", "enrollment"), ("moves", "enrollment")}
