"""A store is moved from file to file: every row as it is, however often it is interrupted, and counting goes on."""

import json
import signal
import sqlite3
from contextlib import closing
from multiprocessing import get_context

import pytest
from click.testing import CliRunner

from journeyflow import Engine
from journeyflow.basics import words
from journeyflow.cli import main
from journeyflow.errors import CorruptDatabase, ForeignDatabase, StorageError
from journeyflow.stores import moving
from journeyflow.stores.moving import copy_store
from journeyflow.stores.receiving import MOVED
from journeyflow.stores.schema import columns_of
from journeyflow.stores.sqlite.store import SQLiteStore
from tests.stores.lived import END, kill, opened, rows, went_on

STATUSES = {words.QUEUED, words.CLAIMED, words.SENT, words.SUPPRESSED, words.EXPIRED, words.CANCELLED, words.FAILED}


def rows_of(path):
    """Return all rows of a file."""
    with closing(SQLiteStore(path)) as store:
        return rows(store)


def test_every_table_has_rows_to_copy(original):
    """Control: a table that is forgotten would be missed, and so would any status of a message."""
    found = rows_of(original)
    assert [table for table in (*MOVED, "meta") if not found[table]] == []
    place = columns_of("messages").split(", ").index("status")
    assert {row[place] for row in found["messages"]} == STATUSES


def test_every_row_is_copied(file, tmp_path, monkeypatch):
    """Into a new file, which then is a store; how far it is, is told after each batch."""
    monkeypatch.setattr(moving, "BATCH", 50)
    told = []
    copied = copy_store(file, tmp_path / "copy.db", lambda *each: told.append(each))
    found = rows_of(tmp_path / "copy.db")
    assert found == rows_of(file)
    assert copied.rows == {table: len(found[table]) for table in MOVED}
    assert not copied.resumed
    total = sum(copied.rows.values())
    assert (told[-1], [each for each in told if each[0] == "copy"][-1]) == (
        ("compare", total, total),
        ("copy", total, total),
    )
    assert len(told) > total / 50


def test_both_go_on_alike(file, tmp_path):
    """With the same messages, and with the same numbers, also where the last ones are gone (R70)."""
    copy_store(file, tmp_path / "copy.db")
    assert went_on(tmp_path / "copy.db") == went_on(file)
    assert rows_of(tmp_path / "copy.db") == rows_of(file)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a system that kills")
def test_a_copy_that_was_killed_goes_on(file, tmp_path):
    """It is not a store until all is done, and no row is copied a second time."""
    path = tmp_path / "copy.db"
    process = get_context("spawn").Process(target=kill, args=(file, path, 9))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    for attempt in (Engine, SQLiteStore, lambda place: copy_store(place, tmp_path / "third.db")):
        with pytest.raises(StorageError, match="unfinished copy of another store; run journeyflow copy again"):
            attempt(path)
    assert copy_store(file, path).resumed
    assert rows_of(path) == rows_of(file)


class Stopped(Exception):
    """What ends a copy in the middle."""


def stop_at(phase, batches=1):
    """Return what ends a copy in a phase."""
    told = []

    def progress(name, *_):
        told.append(name)
        if told.count(phase) == batches:
            raise Stopped

    return progress


@pytest.mark.parametrize(("phase", "batches"), [("copy", 20), ("compare", 20)])
def test_a_copy_goes_on_wherever_it_was_interrupted(phase, batches, file, tmp_path, monkeypatch):
    """While rows are copied, and while they are compared; in the middle of a table, too."""
    monkeypatch.setattr(moving, "BATCH", 30)
    with pytest.raises(Stopped):
        copy_store(file, tmp_path / "copy.db", stop_at(phase, batches))
    assert copy_store(file, tmp_path / "copy.db").resumed
    assert rows_of(tmp_path / "copy.db") == rows_of(file)


def test_only_the_same_store_goes_on_with_a_copy(file, tmp_path):
    """Another one is refused."""
    with pytest.raises(Stopped):
        copy_store(file, tmp_path / "copy.db", stop_at("copy"))
    SQLiteStore(tmp_path / "other.db").close()
    with pytest.raises(StorageError, match="unfinished copy of another store, or one that another version"):
        copy_store(tmp_path / "other.db", tmp_path / "copy.db")


def test_a_source_that_went_on_after_an_interruption_is_noticed(file, tmp_path):
    """In a table that was copied before, or in the settings."""
    with pytest.raises(Stopped):
        copy_store(file, tmp_path / "copy.db", stop_at("compare"))
    with opened(file) as engine:
        engine.put_customer("c1", {"plan": "other"}, at=END)
        engine.tick(END)
    with pytest.raises(StorageError, match=r"table customers, row \d+ is not as in the source; remove the copy"):
        copy_store(file, tmp_path / "copy.db")


def test_settings_are_compared_too(file, tmp_path, monkeypatch):
    """A copy with others would give the ids of messages to others."""
    settle = moving._kind(file).SQLiteReceiver.settle
    monkeypatch.setattr(
        "journeyflow.stores.sqlite.receiving.SQLiteReceiver.settle",
        lambda self, settings, used: settle(self, {**settings, "nonce": "y"}, used),
    )
    with pytest.raises(StorageError, match="table meta is not as in the source"):
        copy_store(file, tmp_path / "copy.db")


def test_two_copies_to_one_place_do_not_mix(file, tmp_path, monkeypatch):
    """Whoever finds that another one goes on gives way."""
    monkeypatch.setattr(moving, "BATCH", 30)
    path, told = tmp_path / "copy.db", []

    def progress(*each):
        told.append(each)
        if len(told) == 3:
            copy_store(file, path, stop_at("copy", 2))

    with pytest.raises(Stopped):
        copy_store(file, path, progress)

    def whole(*each):
        told.append(each)
        if len(told) == 10:
            with pytest.raises(Stopped):
                copy_store(file, path, stop_at("copy", 2))

    with pytest.raises(StorageError, match="another process copies to here too; wait"):
        copy_store(file, path, whole)
    receiver = moving._receiver(path)
    with closing(receiver), pytest.raises(StorageError, match="there are rows here already"):
        receiver.begin("note")


def test_a_copy_that_another_one_has_begun_is_not_begun_again(tmp_path):
    """Two of them may find the place empty; the second one gives way."""
    SQLiteStore(tmp_path / "copy.db").close()
    with closing(moving._receiver(tmp_path / "copy.db")) as one, closing(moving._receiver(one.path)) as other:
        one.begin("note")
        with pytest.raises(StorageError, match="another process copies to here too"):
            other.begin("note")


def test_places_that_cannot_be_copied_to_are_refused(file, tmp_path):
    """Each with what to do; nothing is changed."""
    before = rows_of(file)
    with opened(tmp_path / "full.db") as engine:
        engine.put_customer("ann", {}, at=END)
    with sqlite3.connect(tmp_path / "foreign.db") as foreign:
        foreign.execute("CREATE TABLE t (x)")
    (tmp_path / "text.db").write_text("no database at all" * 100, encoding="utf-8")
    for place, kind, said in (
        (file, StorageError, "the store itself that is to be copied, or a finished copy of it; name another place"),
        (tmp_path / "full.db", StorageError, "there are rows here already; name a place where nothing is yet"),
        (tmp_path / "foreign.db", ForeignDatabase, "not one of journeyflow; name another file"),
        (tmp_path / "text.db", CorruptDatabase, "name another file"),
        (tmp_path, StorageError, "this is a folder"),
        (":memory:", StorageError, "copied to memory is gone at once; name a file"),
    ):
        with pytest.raises(kind, match=said):
            copy_store(file, place)
    assert rows_of(file) == before


def test_places_that_cannot_be_copied_from_are_refused(tmp_path):
    """Each with what to do; nothing is made there, nor at the destination."""
    (tmp_path / "empty.db").touch()
    with sqlite3.connect(tmp_path / "foreign.db") as foreign:
        foreign.execute("CREATE TABLE t (x)")
    for place, kind, said in (
        (tmp_path / "missing.db", StorageError, "nothing to copy here; name the file of a store"),
        (tmp_path / "empty.db", StorageError, "nothing to copy here; name the file of a store"),
        (tmp_path / "foreign.db", ForeignDatabase, "not one of journeyflow"),
    ):
        with pytest.raises(kind, match=said):
            copy_store(place, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    assert not (tmp_path / "missing.db").exists()


def test_a_damaged_store_is_not_copied(file, tmp_path):
    """What the audit finds comes first."""
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM customers WHERE number = 1")
    with pytest.raises(CorruptDatabase, match="see journeyflow audit"):
        copy_store(file, tmp_path / "copy.db")


def test_errors_of_the_destination_are_those_of_a_store(file, tmp_path):
    """With its path and what to do."""
    with pytest.raises(Stopped):
        copy_store(file, tmp_path / "copy.db", stop_at("copy"))
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        connection.execute("DROP TABLE arms")
    with pytest.raises(StorageError, match="no such table: arms"):
        copy_store(file, tmp_path / "copy.db")


def test_the_command_says_what_was_copied(file, tmp_path):
    """In words and as JSON; a fault has exit status 1."""
    path = tmp_path / "copy.db"
    result = CliRunner().invoke(main, ["copy", str(file), str(path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "rows, equal in both; both audits found nothing\n" in result.output
    path.unlink()
    result = CliRunner().invoke(main, ["copy", str(file), str(path), "--json"], catch_exceptions=False)
    found = json.loads(result.output)
    assert (found["resumed"], found["rows"]["customers"]) == (False, len(rows_of(file)["customers"]))
    result = CliRunner().invoke(main, ["copy", str(file), str(path)])
    assert result.exit_code == 1
    assert "a finished copy of it" in result.output
