"""Every store keeps the contract of `stores/contract.py` (R7, R21, R26, R70 to R72, R80)."""

from pathlib import Path

from journeyflow import MemoryStore
from journeyflow.records.changes import Changes
from journeyflow.stores.contract import Store
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import StoreConformance, conformance


class TestMemoryStore(StoreConformance):
    """The store in memory, the model of the others."""

    def make_store(self, tmp_path: Path) -> Store:
        """Keep everything in this process."""
        del tmp_path
        return MemoryStore()


class TestSQLiteFile(StoreConformance):
    """The store in one file."""

    def make_store(self, tmp_path: Path) -> Store:
        """Keep everything in a new file."""
        return SQLiteStore(tmp_path / "journeys.db", synchronous="NORMAL", nonce="k")


class TestSQLiteInMemory(StoreConformance):
    """SQLite without a file."""

    def make_store(self, tmp_path: Path) -> Store:
        """Keep everything in SQLite's own memory."""
        del tmp_path
        return SQLiteStore(":memory:", nonce="k")


def test_a_store_in_memory_shows_how_much_it_holds() -> None:
    """The representation counts customers and enrollments."""
    store = MemoryStore()
    conformance.write(store, conformance.CATALOG, conformance.PEOPLE, Changes(runs=(conformance.run(1, 1),)))
    assert repr(store) == "MemoryStore(4 customers, 1 enrollments)"
