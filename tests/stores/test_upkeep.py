"""What stores do by themselves: check a nonce, erase, drop who waits (R70, R86)."""

import sqlite3

import pytest

from journeyflow import InvalidInput, StorageError
from journeyflow.records.changes import LimitChanges
from journeyflow.records.rows import Deferred
from journeyflow.stores.contract import check_nonce
from journeyflow.stores.memory.limits import KeptLimits
from journeyflow.stores.sqlite import store as store_module
from journeyflow.stores.sqlite.store import SQLiteStore


def test_what_cannot_begin_an_id_is_no_nonce():
    """The error names the fault."""
    check_nonce("a")
    with pytest.raises(InvalidInput, match="nonce: "):
        check_nonce("a\x1fb")


def test_a_database_in_memory_is_erased_too():
    """Its free space is given back."""
    store = SQLiteStore(":memory:")
    store._scrub()
    store.close()


def test_a_file_that_cannot_be_erased_is_a_storage_error(tmp_path, monkeypatch):
    """The error names the file, as every error of the medium does."""

    def fail(_path):
        what = "disk I/O error"
        raise sqlite3.OperationalError(what)

    store = SQLiteStore(tmp_path / "j.db")
    monkeypatch.setattr(store_module, "rebuild", fail)
    with pytest.raises(StorageError, match=r"j\.db"):
        store._scrub()
    store.close()


def test_who_waits_and_is_forgotten_leaves_the_queue():
    """The entries of others stay (R23, R86)."""
    kept = KeptLimits()
    kept.take(LimitChanges(joined=(Deferred(1, 1, 7, "", 5, None), Deferred(2, 1, 8, "", 6, None))))
    kept.forget(7)
    assert [each.customer for each in kept.deferred.values()] == [8]
