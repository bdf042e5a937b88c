"""The file of a directory is held as that of a store: other files in its place, forks, interrupts, damage."""

import inspect
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from journeyflow.errors import CorruptDatabase, InvalidInput, NotFound, StorageError
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.directory.loading import load_directory
from tests.stores.test_interrupts import INTERRUPTS, held, in_thread

DOCUMENT = {
    "users": [{"id": 1, "tenant": "acme", "name": "Ann"}],
    "lists": [{"id": 10, "tenant": "acme", "name": "News", "size": 3}],
    "subscribers": [{"list": 10, "id": 7, "tenant": "acme", "email": "a@x.example", "age": 30}],
}


def made(path):
    """Make a directory in a file, with a row of each kind and a key."""
    directory = SQLiteDirectory(path)
    load_directory(directory, DOCUMENT)
    directory.add_secret("key", user=1, secret="open sesame")  # noqa: S106 for the test
    return directory


CALLS = {
    "caller": lambda directory: directory.caller("open sesame", "key", 0),
    "user": lambda directory: directory.user(1),
    "users": lambda directory: directory.users(),
    "counts": lambda directory: directory.counts(),
    "resource": lambda directory: directory.resource("list", "acme", 10),
    "resources": lambda directory: directory.resources("list", "acme"),
    "subscriber": lambda directory: directory.subscriber("acme", 10, 7),
    "named": lambda directory: directory.named("list", "acme", 1),
    "numbers": lambda directory: directory.numbers("journey", "acme", ["j"]),
    "reserve": lambda directory: directory.reserve("journey", "acme"),
    "put user": lambda directory: directory.put_user(2, "other"),
    "copy": lambda directory: directory.copy_resource("list", "acme", 10, "acme"),
    "load": lambda directory: load_directory(directory, DOCUMENT),
    "revoke": lambda directory: directory.remove_secrets(secret="open sesame"),  # noqa: S106 for the test
}


def replace(path: Path) -> None:
    """Put another file in its place."""
    made(path.with_name("other.db")).close()
    path.with_name("other.db").replace(path)


CHANGES = {
    replace: "another file is in its place: it was replaced or restored while it was open",
    os.unlink: "the file is not there any more",
    (lambda path: path.with_name(path.name + "-wal").unlink()): "its -wal or -shm was removed",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_no_longer_the_same_is_noticed_by_the_next_call(tmp_path, change):
    """A key that was given out then would be nobody's."""
    path = tmp_path / "people.db"
    with made(path) as directory:
        change(path)
        for call in CALLS.values():
            with pytest.raises(StorageError, match=CHANGES[change]):
                call(directory)


def test_a_closed_directory_says_so(tmp_path):
    """Closing again does nothing."""
    directory = made(tmp_path / "people.db")
    directory.close()
    directory.close()
    for call in CALLS.values():
        with pytest.raises(StorageError, match="the directory is closed; open it again"):
            call(directory)


@pytest.mark.parametrize(("path", "what"), [("", "is empty"), ("a\0b", "NUL"), ("\ud800", "not text that this system")])
def test_a_path_that_can_name_no_file_is_told(path, what):
    """As that of a store."""
    with pytest.raises(StorageError, match=what):
        SQLiteDirectory(path)


def test_a_relative_path_is_that_of_the_folder_in_which_it_was_opened(tmp_path, monkeypatch):
    """A process that moves to another folder goes on with the same file."""
    monkeypatch.chdir(tmp_path)
    with made("people.db") as directory:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert directory.put_user(2, "other").tenant == "other"
        assert len(directory.users()) == 2


FORK = """
import os, sys
from journeyflow import StorageError
from journeyflow.services.directory import SQLiteDirectory
path = sys.argv[1]
directory = SQLiteDirectory(path)
directory.put_user(1, "acme")
for work in (lambda: SQLiteDirectory(path).put_user(2, "x"), lambda: directory.user(1), lambda: directory.close()):
    pid = os.fork()
    if not pid:
        try:
            print(work(), flush=True)
        except StorageError as error:
            print(error, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
memory = SQLiteDirectory()
memory.put_user(1, "acme")
if not os.fork():
    print(memory.user(1).tenant, flush=True)
    os._exit(0)
os.wait()
print(directory.user(1).tenant)
"""


@pytest.mark.unmeasured
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_shares_no_file(tmp_path):
    """Neither the open directory nor its file, and the child's close is none; a directory in memory is copied."""
    words = [sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path / "people.db")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 our own
    opened, shared, closed, copied, own = done.stdout.splitlines()
    assert "the parent of this process had the file open at the fork" in opened
    assert "this directory was opened before a fork; SQLite forbids sharing it; open the file after the fork" in shared
    assert (closed, copied, own) == ("None", "acme", "acme")


@pytest.fixture
def no_greenlets(monkeypatch):
    """Forget that another test has imported greenlet: where there are greenlets, no function is certainly over."""
    monkeypatch.delitem(sys.modules, "greenlet", raising=False)


@pytest.mark.unmeasured
@pytest.mark.usefixtures("no_greenlets")
@pytest.mark.parametrize("how", INTERRUPTS)
def test_an_interrupt_leaves_nothing_open(tmp_path, how):
    """All or nothing, and what is stored next is there for everybody, also while the exception is held."""
    wanted = {"users": [{"id": 2, "tenant": "b"}, {"id": 3, "tenant": "c"}]}
    for number in range(1, 900, 23):
        path = tmp_path / f"{number}.db"
        with SQLiteDirectory(path) as directory:
            error = held(lambda: load_directory(directory, wanted), number, INTERRUPTS[how], opcodes=True)
            stored = [user.id for user in directory.users()]
            assert stored in ([], [2, 3]), number
            assert in_thread(lambda: directory.put_user(9, "z")).id == 9
            with closing(sqlite3.connect(path)) as other:
                assert [row for (row,) in other.execute("SELECT id FROM users ORDER BY id")] == [*stored, 9], number
            if error is None:
                assert stored == [2, 3]


def test_a_block_of_a_host_is_one_transaction(tmp_path):
    """Another thread waits for it, and another process sees nothing of it before its end."""
    path = tmp_path / "people.db"
    with made(path) as directory, SQLiteDirectory(path) as other:
        with directory.together():
            directory.put_user(2, "two")
            waiting = threading.Thread(target=directory.put_user, args=(3, "three"))
            waiting.start()
            directory.put_user(4, "four")
            assert [user.id for user in other.users()] == [1]
        waiting.join()
        assert [user.id for user in other.users()] == [1, 2, 3, 4]
        with suppress(RuntimeError), directory.together():
            directory.put_user(5, "five")
            raise RuntimeError
        assert directory.user(5) is None


DAMAGE = {
    "UPDATE resources SET data = 'x['": ("resource", "resources", "copy"),
    "UPDATE resources SET data = '7'": ("resource", "resources", "copy"),
    f"UPDATE resources SET data = '{'[' * 100_000}'": ("resource", "resources", "copy"),
    "UPDATE subscribers SET data = '[]'": ("subscriber",),
    "UPDATE secrets SET permissions = '7'": ("caller",),
    "UPDATE secrets SET permissions = '['": ("caller",),
    "UPDATE users SET name = CAST(x'ff' AS TEXT)": ("user", "users", "caller"),
    "DROP TABLE resources": ("resource", "resources", "copy", "counts", "load"),
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda text: text[:40])
def test_a_damaged_file_is_told(tmp_path, damage):
    """As StorageError, by each call that meets the damage."""
    path = tmp_path / "people.db"
    made(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(damage)
    with SQLiteDirectory(path) as directory:
        for name in DAMAGE[damage]:
            with pytest.raises(StorageError) as error:
                CALLS[name](directory)
            assert isinstance(error.value, CorruptDatabase) or "DROP" in damage


def test_bytes_in_the_place_of_a_text_are_damage(tmp_path):
    """As a flipped bit makes of them; what is not a hash is not a secret."""
    path = tmp_path / "people.db"
    made(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'users'").fetchone()
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', '')")
        connection.execute("PRAGMA writable_schema = RESET")
        assert "STRICT" in sql
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE users SET name = x'00'")
        connection.execute("UPDATE secrets SET hash = CAST(hash AS BLOB)")
    with SQLiteDirectory(path) as directory:
        for name in ("user", "users", "caller"):
            with pytest.raises(CorruptDatabase, match="a row cannot be read"):
                CALLS[name](directory)


def test_a_directory_is_made_by_many_at_once(tmp_path):
    """The setting that does not wait for the lock is tried again."""
    path, found = tmp_path / "people.db", []

    def work(number):
        with SQLiteDirectory(path) as directory:
            found.append(directory.put_user(number, f"t{number}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shutil.copyfile(path, tmp_path / "copy.db")
    with SQLiteDirectory(path) as directory:
        assert len(found) == len(directory.users()) == 8


# --- arguments --------------------------------------------------------------------------------------------------------

SOUND = {
    "secret": "s1", "kind": "list", "now": 5, "number": 10, "tenant": "acme", "list_": 10, "names": ["a"], "user": 1,
    "within": "", "to": "acme", "data": {}, "email": "", "name": "", "permissions": [], "expires_at": None,
}  # fmt: skip


def nested(levels):
    """Make lists in lists."""
    made: list[object] = []
    for _ in range(levels):
        made = [made]
    return made


ODD: tuple[object, ...] = (
    *(
        None,
        True,
        -1,
        2**63,
        10**5_000,
        1.5,
        float("nan"),
        b"x",
        "",
        "a\0b",
        "\ud800",
        "x" * 5_000,
        [],
        [1],
        ["\ud800"],
    ),
    *(["\ud800"], {}, {1: 2}, {"a": b"x"}, {"a": float("nan")}, object(), int, {"a": nested(3_000)}, nested(3_000)),
)
METHODS = [name for name in vars(SQLiteDirectory) if not name.startswith("_") and name not in {"close", "together"}]


@pytest.mark.parametrize("method", METHODS)
def test_an_argument_that_cannot_be_is_invalid_input_and_nothing_else(method):
    """Of whatever type it is, in each place of each method; the directory goes on."""
    with SQLiteDirectory() as directory:
        load_directory(directory, DOCUMENT)
        call = getattr(directory, method)
        names = list(inspect.signature(call).parameters)
        for name in names:
            for odd in ODD:
                with suppress(InvalidInput, NotFound):
                    call(**{**{each: SOUND[each] for each in names}, name: odd})
        assert directory.put_user(7, "seven").tenant == "seven"


def test_faults_of_arguments_are_told_by_name():
    """A few of them, in words."""
    with SQLiteDirectory() as directory:
        anything: Any = directory
        add, put = anything.add_secret, anything.put_resource
        for call, words in (
            (partial(add, "key", user=1, permissions="All"), "permissions: must be several texts, not str 'All'"),
            (partial(add, "key", user=1, expires_at="x\0"), "expires_at: must be microseconds, or None"),
            (partial(put, "list", 1, "t", data=[1]), r"data: must be an object, not list \[1\]"),
            (partial(put, "list", 1, "t", data={"a": b"x"}), "data.a: must be JSON"),
            (partial(directory.numbers, "list", "t", "abc"), "names: must be several texts, not str 'abc'"),
            (partial(directory.numbers, "list", "t", ["\ud800"]), "names: must be several texts, not str"),
            (partial(directory.user, 2**63), "can be no number, id or text"),
            (partial(anything.caller, 7, "key", 0), "secret: must be text, not int 7"),
        ):
            with pytest.raises(InvalidInput, match=words):
                call()


def test_names_and_permissions_may_come_one_by_one():
    """As of a generator, which can be read once."""
    with made(":memory:") as directory:
        assert directory.numbers("journey", "acme", iter(["a", "b"])) == {"a": 1, "b": 2}
        key = directory.add_secret("key", user=1, permissions=iter(["Campaign.Create"]))
        assert directory.caller(key, "key", 0).permissions == {"Campaign.Create"}
