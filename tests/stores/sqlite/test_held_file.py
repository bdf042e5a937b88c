"""Where a file is: taken away, replaced or restored under an open store, and found by a relative path."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from journeyflow import Engine, StorageError
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, Host, after

CALLS = {
    "a question": lambda engine: engine.find_customer("ann"),
    "an input": lambda engine: engine.put_customer("ann", {"n": 2}, at=START),
    "a tick": lambda engine: engine.tick(after("1 hour")),
    "a claim": lambda engine: engine.claim("w", at=START),
    "a look": lambda engine: engine.store.look().__enter__(),
    "a vacuum": lambda engine: engine.vacuum(),
}


def make(path: Path, **attributes: object) -> Engine:
    """Open an engine on a new file with one customer."""
    engine = Engine(path)
    host = Host(engine)
    host.put(START, "ann", **attributes)
    host.tick()
    return engine


def take_away(path: Path) -> None:
    """Unlink the file."""
    path.unlink()


def move(path: Path) -> None:
    """Rename the file."""
    path.rename(path.with_name("elsewhere.db"))


def remove_the_folder(path: Path) -> None:
    """Remove the folder with all that is in it."""
    shutil.rmtree(path.parent)


def restore(path: Path) -> None:
    """Put a backup in its place, and remove what belonged to the old file."""
    backup = path.with_name("backup.db")
    make(backup, n=0).close()
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink()
    backup.replace(path)


def put_a_folder(path: Path) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


def write_over(path: Path) -> None:
    """Write a backup over the file, and remove what belonged to the old content."""
    backup = path.with_name("backup.db")
    make(backup, n=0).close()
    shutil.copyfile(backup, path)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink()


def remove_the_log(path: Path) -> None:
    """Remove what seems to be left over."""
    path.with_name(path.name + "-wal").unlink()


def replace_the_index(path: Path) -> None:
    """Put another index beside the log."""
    index = path.with_name(path.name + "-shm")
    shutil.copyfile(index, path.with_name("other"))
    path.with_name("other").replace(index)


LOG_GONE = r"its -wal or -shm was removed or replaced while the file was open; close the engine and open it again"

CHANGES = {
    write_over: LOG_GONE,
    remove_the_log: LOG_GONE,
    replace_the_index: LOG_GONE,
    take_away: r"the file is not there any more: .*; close the engine, put the file back together with its -wal",
    move: r"the file is not there any more",
    remove_the_folder: r"the file is not there any more",
    restore: r"another file is in its place: it was replaced or restored .*; close the engine and open it again",
    put_a_folder: r"another file is in its place",
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_no_longer_the_same_is_noticed_by_the_next_call(tmp_path, change, call):
    """What would be written into the old file nobody would ever find: the call is refused, with the remedy."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "journeys.db"
    with make(path, n=1) as engine:
        change(path)
        with pytest.raises(StorageError, match=CHANGES[change]):
            CALLS[call](engine)


def test_a_restored_file_is_whole_when_the_old_engine_is_closed(tmp_path):
    """Closing writes nothing into the file that has taken the place, and takes no log away from it."""
    path = tmp_path / "journeys.db"
    old = make(path, n=1)
    restore(path)
    with Engine(path) as engine:
        host = Host(engine)
        host.put(START, "bob", n=5)
        old.close()
        host.tick()
        assert (host.attributes("ann"), host.attributes("bob")) == ({"n": 0}, {"n": 5})
        assert engine.audit() == []


def test_what_stood_in_a_log_that_is_removed_is_kept_by_closing(tmp_path):
    """Nothing that was acknowledged is lost: the engine still has the log, and writes it into the file."""
    path = tmp_path / "journeys.db"
    engine = make(path, n=1)
    remove_the_log(path)
    engine.close()
    with Engine(path) as again:
        assert again.customer("ann").attributes == {"n": 1}
        assert again.audit() == []


def test_a_file_that_comes_back_is_the_same_again(tmp_path):
    """Renamed and renamed back, nothing has happened to it."""
    path = tmp_path / "journeys.db"
    with make(path, n=1) as engine:
        away = path.rename(tmp_path / "away.db")
        with pytest.raises(StorageError):
            engine.find_customer("ann")
        away.rename(path)
        assert engine.customer("ann").attributes == {"n": 1}


def test_a_link_that_leads_elsewhere_is_another_file(tmp_path):
    """A symbolic link is followed: what counts is the file that it leads to."""
    first, second, link = tmp_path / "a.db", tmp_path / "b.db", tmp_path / "link.db"
    make(first, n=1).close()
    make(second, n=2).close()
    link.symlink_to(first)
    with Engine(link) as engine:
        assert engine.customer("ann").attributes == {"n": 1}
        link.unlink()
        link.symlink_to(second)
        with pytest.raises(StorageError, match="another file is in its place"):
            engine.find_customer("ann")


def test_a_relative_path_is_that_of_the_folder_in_which_it_was_opened(tmp_path, monkeypatch):
    """A process that moves to another folder goes on with the same file, whatever it does with it."""
    monkeypatch.chdir(tmp_path)
    with Engine("journeys.db") as engine:
        assert repr(engine.store) == "SQLiteStore('journeys.db')"
        host = Host(engine)
        host.put(START, "ann", n=1)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        host.tick()
        engine.forget("ann", at=after("1 hour"))
        engine.vacuum()
        assert isinstance(engine.store, SQLiteStore)
        with engine.store.look() as shown:
            assert shown["customers"].count == 1
        assert engine.audit() == []
    assert list(elsewhere.iterdir()) == []
    with closing(SQLiteStore(tmp_path / "journeys.db")) as store, store.reader() as reader:
        assert reader.rows("SELECT count(*) FROM inputs") == [(1,)]
