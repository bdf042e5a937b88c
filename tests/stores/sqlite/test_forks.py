"""Forks, as of gunicorn --preload and multiprocessing: nothing that was acknowledged is lost, and nobody hangs (P3)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.unmeasured,
]

BEGIN = """
import os, signal, sys, threading
os.register_at_fork(after_in_child=lambda: signal.alarm(20))  # a child that hangs ends; before ours, which may hang
from datetime import UTC, datetime
from journeyflow import Engine, MemoryStore, StorageError
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.stores.turns import StoreTurn

AT = datetime(2026, 1, 5, tzinfo=UTC)

def child(work):
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        print(work(), flush=True)
    except StorageError as error:
        print(error, flush=True)
    os._exit(0)

def store(path):
    with Engine(path) as engine:
        for n in range(9):
            engine.put_customer(f"c{n}", {}, at=AT)
        return engine.tick(AT).inputs
"""


def run(script: str, *arguments: object) -> str:
    """Run a script, which has a minute, and return what it printed."""
    done = subprocess.run(  # noqa: S603 our own
        [sys.executable, "-W", "ignore", "-c", BEGIN + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


OPENED = """
for number, (named, end) in enumerate([(named, end) for named in NAMED for end in ENDS]):
    path = os.path.join(sys.argv[1], f"{{number}}.db")
    {begin}
    code = child(lambda: store(eval(named)))
    exec(end)
    print(code, flush=True)
"""

NAMED_AND_ENDED = """
NAMED = ("path", "os.path.join(os.path.dirname(path), '.', os.path.basename(path))")
ENDS = ("engine.close()", "del engine")
"""

REFUSED = (
    "{path}: the parent of this process had the file open at the fork, and SQLite's locks do not survive one; open the"
    " file after the fork: close it in the parent before, or begin processes by spawn or forkserver\n0\n"
)


@pytest.mark.parametrize(
    "begin",
    ["engine = Engine(path)", "with Engine(path).store.look() as db: db.table_names()\n    engine = Engine(path)"],
)
def test_a_file_that_was_open_at_the_fork_is_refused(begin: str, tmp_path: Path) -> None:
    """The child is told to open it after the fork, by whatever path it names it, however the parent ends with it."""
    told = run(NAMED_AND_ENDED + OPENED.format(begin=begin), tmp_path)
    assert told.replace("/./", "/") == "".join(REFUSED.format(path=tmp_path / f"{number}.db") for number in range(4))


def test_a_child_of_a_child_is_refused_too(tmp_path: Path) -> None:
    """What was inherited stays so."""
    script = """
path = sys.argv[1]
engine = Engine(path)
print(child(lambda: child(lambda: store(path))))
"""
    assert run(script, tmp_path / "x.db") == REFUSED.format(path=tmp_path / "x.db") + "0\n"


def test_a_file_that_was_not_open_is_the_childs(tmp_path: Path) -> None:
    """Closed before the fork, dropped, or another one: all that the child acknowledges is there."""
    script = """
for number, parent in enumerate(["pass", "Engine(path).close()", "Engine(path)", "other = Engine(path + '2')"]):
    path = os.path.join(sys.argv[1], f"{number}.db")
    exec(parent)
    print(child(lambda: store(path)), flush=True)  # what is not yet written when a child begins, the child writes too
    with Engine(path) as engine:
        print(len(engine.enrollments(take=5)), engine.audit(), engine.customer("c8").id, flush=True)
"""
    assert run(script, tmp_path) == "9\n0\n0 [] c8\n" * 4


BUSY = """
held, waits = threading.Event(), threading.Event()

def hold():
    held.set()
    waits.wait()

def waiting(frame, event, called):
    taking = frame.f_code is StoreTurn.take.__code__ and event == "c_call" and called.__name__ == "acquire"
    if taking and frame.f_locals["self"].is_of(mine=False):  # it waits for another thread
        waits.set()

class Held(MemoryStore):
    def commit(self, committed):
        if committed:
            hold()
        super().commit(committed)

def write(engine):
    engine.put_customers([(f"c{n}", {}) for n in range(20)], at=AT)

def ask(number):
    if number == 0:
        assert not stores[0].connection.in_transaction
    else:
        with stores[number].reader() as reader:
            assert reader.rows("SELECT count(*) FROM inputs") == [(20,)]
    for engine in engines[1:]:
        engine.tick(AT)
        with engine.store.reader() as reader:
            (given,), = reader.rows("SELECT count(*) FROM customers")
        assert given == (20 if engine in engines[:number + 1] else 0), given
    return store(f"{sys.argv[1]}.{number}")

stores = [SQLiteStore(sys.argv[1]), SQLiteStore(":memory:"), Held()]
engines = [Engine(store) for store in stores]
for opened in stores[:2]:
    opened.connection.set_trace_callback(lambda statement: statement.startswith("INSERT") and hold())
for number, engine in enumerate(engines):
    held.clear()
    waits.clear()
    writer = threading.Thread(target=write, args=(engine,))
    writer.start()
    held.wait()
    sys.setprofile(waiting)
    code = child(lambda: ask(number))
    sys.setprofile(None)
    waits.set()
    writer.join()
    print(code, engine.tick(AT).inputs, engine.audit(), flush=True)
"""


def test_a_fork_while_others_write_hangs_nobody(tmp_path: Path) -> None:
    """It waits until they have: the child opens files of its own, and its copies of stores in memory are whole.

    Another thread is held in the middle of a write, until the thread that forks waits for it. Else the child would copy
    a lock of SQLite that nobody in it gives back, or a store without what is about to be written.
    """
    assert run(BUSY, tmp_path / "x.db") == "9\n0 20 []\n" * 3


def test_workers_of_multiprocessing_open_after_the_fork(tmp_path: Path) -> None:
    """A pool whose workers each open the file in their initializer loses nothing."""
    script = """
import multiprocessing
def begin(path):
    global engine
    engine = Engine(path)
def work(n):
    engine.put_customer(f"c{n}", {}, at=AT)
    return n
if __name__ == "__main__":
    path = sys.argv[1]
    Engine(path).close()
    with multiprocessing.get_context("fork").Pool(3, begin, (path,)) as pool:
        print(sum(pool.map(work, range(40))))
    with Engine(path) as engine:
        print(engine.tick(AT).inputs, engine.audit())
"""
    assert run(script, tmp_path / "x.db") == "780\n40 []\n"
