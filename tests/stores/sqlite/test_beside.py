"""Threads that read while another one is at work on the file (R72) wait for nobody, and see what was committed."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from journeyflow import Engine, StorageError
from journeyflow.stores.sqlite import SQLiteStore, opening
from journeyflow.testing import conformance
from tests.stores.scenes import START, live, tick_and_claim

COUNT = "SELECT count(*) FROM customers"

SECONDS = 60
"""How long a test waits for what must not wait."""


def elsewhere(call: Callable[[], object]) -> object:
    """Return what a call returns in another thread; raise what it raises, and if it waits."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result(SECONDS)


def counted(store: SQLiteStore) -> object:
    """Count the customers."""
    with store.reader() as reader:
        return reader.rows(COUNT)[0][0]


def revision(store: SQLiteStore) -> object:
    """Return the revision of the catalog that a transaction sees."""
    with store.transaction(write=False) as transaction:
        shelf = transaction.shelf(None)
        assert shelf is not None
        return shelf.revision


def test_a_question_sees_what_was_committed_before_the_work_of_another_thread(tmp_path: Path) -> None:
    """Not what that thread has written so far; when it has committed, all of it."""
    with closing(SQLiteStore(tmp_path / "x.db")) as store:
        conformance.write(store, conformance.CATALOG)
        before = revision(store)
        with store.transaction() as transaction:
            transaction.commit(conformance.PEOPLE)
            assert elsewhere(lambda: counted(store)) == 0
            assert elsewhere(lambda: revision(store)) == before
        assert elsewhere(lambda: counted(store)) == counted(store) != 0


def test_questions_are_answered_within_a_tick(tmp_path: Path) -> None:
    """Of a thread that asks while another one delivers, also where views and tables of its own are read."""
    path = tmp_path / "x.db"
    with Engine(path, grace=None, max_jump=None) as engine:
        live(engine, 40)
        tick_and_claim(engine, START + timedelta(days=2))
        with engine.store.transaction():
            name = elsewhere(lambda: engine.journeys().items[0].id)
            assert isinstance(name, str)
            assert elsewhere(lambda: engine.stats(name, at=START).people) is not None
            assert elsewhere(engine.audit) == []


def test_blocks_of_one_thread_do_not_nest_there_either(tmp_path: Path) -> None:
    """Whichever connection the outer one is on."""

    def nested(store: SQLiteStore, *, write: bool) -> None:
        with store.reader(), store.transaction(write=write):
            pass

    with closing(SQLiteStore(tmp_path / "x.db")) as store, store.transaction():
        for write in (True, False):
            with pytest.raises(StorageError, match="leave it first"):
                elsewhere(partial(nested, store, write=write))
        assert elsewhere(lambda: counted(store)) == 0


def test_a_database_in_memory_has_one_connection() -> None:
    """Another one would be another database: a question waits for its turn."""
    with closing(SQLiteStore(":memory:")) as store, ThreadPoolExecutor(1) as pool:
        conformance.write(store, conformance.CATALOG)
        with store.transaction() as transaction:
            transaction.commit(conformance.PEOPLE)
            asked: Future[object] = pool.submit(counted, store)
        assert asked.result(SECONDS) == counted(store) != 0


def test_what_is_wrong_with_the_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it cannot be opened, is gone, or is closed; a connection that could not be opened is none."""

    def damaged(_: sqlite3.Connection) -> None:
        what = "database disk image is malformed"
        raise sqlite3.DatabaseError(what)

    path = tmp_path / "x.db"
    with closing(SQLiteStore(path)) as store, store.transaction():
        with monkeypatch.context() as patched:
            patched.setattr(opening, "make_own_views", damaged)
            with pytest.raises(StorageError, match="malformed"):
                elsewhere(lambda: counted(store))
        assert elsewhere(lambda: counted(store)) == 0
        path.rename(tmp_path / "y.db")
        with pytest.raises(StorageError, match="not there any more"):
            elsewhere(lambda: counted(store))
        (tmp_path / "y.db").rename(path)
    with pytest.raises(StorageError, match="closed"):
        counted(store)


def test_the_connection_is_closed_with_the_store(tmp_path: Path) -> None:
    """So the log is folded into the file, and nothing keeps it open."""
    path = tmp_path / "x.db"
    with closing(SQLiteStore(path)) as store, store.transaction():
        elsewhere(lambda: counted(store))
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


def test_erasing_waits_for_those_who_read(tmp_path: Path) -> None:
    """A question that began within the work of another thread is answered before the file is rewritten."""
    begun, go_on = threading.Event(), threading.Event()

    def read() -> bool:
        with store.reader() as reader:
            begun.set()
            go_on.wait(SECONDS)
            return bool(reader.rows(COUNT)) and not erased.done()

    with closing(SQLiteStore(tmp_path / "x.db")) as store, ThreadPoolExecutor(2) as pool:
        with store.transaction():
            reading = pool.submit(read)
            assert begun.wait(SECONDS)
        erased = pool.submit(store._scrub)
        with pytest.raises(TimeoutError):
            erased.result(0.05)
        go_on.set()
        assert reading.result(SECONDS)
        erased.result(SECONDS)


def test_no_query_returns_bytes(tmp_path: Path) -> None:
    """No column holds any: they are a text of which a bit was flipped, read at once or one by one."""
    with closing(SQLiteStore(tmp_path / "journeys.db")) as store:
        with pytest.raises(TypeError, match="no column holds any"), store.reader() as reader:
            reader.rows("SELECT 'a', x'61'")
        with pytest.raises(TypeError, match="no column holds any"), store.reader() as reader:
            list(reader.stream("SELECT 1, x''"))
        with store.reader() as reader:
            assert list(reader.stream("SELECT 1, 'a'")) == [(1, "a")]
