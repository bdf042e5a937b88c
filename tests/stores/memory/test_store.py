"""What is laid out for questions of the store in memory (R80) is never a burden of the host."""

import gc
import os
import sqlite3
import subprocess
import sys
from functools import partial

import pytest

from journeyflow import MemoryStore
from journeyflow.records.changes import Changes

ANN = Changes(customers=((1, "", "ann", {}),))


def ask(store: MemoryStore) -> int:
    """Ask how many customers there are."""
    with store.reader() as reader:
        ((customers,),) = reader.rows("SELECT count(*) FROM customers")
    return int(customers)


@pytest.fixture
def left_open(monkeypatch):
    """Give those of the connections opened from here on that are finalized while open, of which Python 3.13 warns."""
    left: list[str] = []

    class Connection(sqlite3.Connection):
        def __del__(self) -> None:
            try:
                left.append(f"open after {self.total_changes} changes")
            except sqlite3.ProgrammingError:
                return

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Connection))
    return left


def test_a_store_that_is_dropped_leaves_nothing_open(left_open):
    """Nobody has to close a store in memory: it holds nothing but memory."""
    store = MemoryStore()
    assert ask(store) == 0
    del store
    gc.collect()
    assert left_open == []


def test_a_store_that_hangs_in_a_cycle_leaves_nothing_open(left_open):
    """The connection is closed before the garbage collector comes to it, also where it does so before the store."""
    store = MemoryStore()
    gc.collect(0)  # the store grows older than its connection: where all is collected, the youngest come first
    assert ask(store) == 0
    ring: list[object] = [store]
    ring.append(ring)
    del store, ring
    gc.collect()
    assert left_open == []


def test_a_store_that_changes_leaves_nothing_open(left_open):
    """What was laid out before a change is closed by it."""
    store = MemoryStore()
    assert ask(store) == 0
    with store.transaction() as transaction:
        transaction.commit(ANN)
    gc.collect()
    assert left_open == []
    assert ask(store) == 1


def test_an_interrupted_question_is_asked_again_from_the_start(left_open, monkeypatch):
    """What was not laid out to its end is not asked, and is closed with the rest."""
    store = MemoryStore()
    with store.transaction() as transaction:
        transaction.commit(ANN)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "snapshot", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ask(store)
    assert ask(store) == 1
    store.close()
    gc.collect()
    assert left_open == []


def test_what_was_asked_before_a_fork_is_asked_behind_it(left_open, monkeypatch):
    """P3: a store in memory is copied by a fork; nothing of it is shared."""
    store = MemoryStore()
    assert ask(store) == 0
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    assert ask(store) == 0
    with store.transaction() as transaction:
        transaction.commit(ANN)
    assert ask(store) == 1
    store.close()
    gc.collect()
    assert left_open == []


AT_EXIT = """
import atexit
from journeyflow import MemoryStore

def ask():
    with store.reader() as reader:
        print(reader.rows("SELECT count(*) FROM customers"))

atexit.register(ask)
store = MemoryStore()
ask()
"""


def test_a_store_can_be_asked_at_the_exit_of_the_host():
    """What was laid out stays until the end, and goes without a warning."""
    done = subprocess.run([sys.executable, "-Werror", "-c", AT_EXIT], capture_output=True, text=True, check=False)  # noqa: S603 our own
    assert (done.stdout, done.stderr) == ("[(0,)]\n" * 2, "")
