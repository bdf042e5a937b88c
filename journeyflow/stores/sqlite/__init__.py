"""The store in one SQLite file."""

from journeyflow.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
